//! `echo`: an order for each tick, for measuring the path from tick to trade.
//!
//! It has no opinion. On every n-th change of a book's top it sends one order, buying and selling
//! in turn, so that its position stays near flat. `take` crosses the spread with an
//! immediate-or-cancel order at the far touch; `join` rests a day order at the near touch and takes
//! the former one of that side off first. A book that is one-sided, locked or crossed is let be.

use crate::held::{Held, Strays};
use crate::look::{both_sides, order_qty, order_side};
use crate::values::{Values, param_methods, params};
use crate::{Context, OrderReport, Strategy, What};
use market::News;
use risk::Ask;
use types::{Qty, Side, Ticker, TimeInForce};

params! {
    Mode = "mode", 0, 1, 0, "0 takes at the far touch, 1 joins the near one";
    Qty = "qty_shares", 1, 999_999, 100, "shares an order";
    Every = "every_ticks", 1, 1_000_000_000, 1, "answer every so many changes of a top";
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Echo {
    values: Values<{ PARAMS.len() }>,
    tickers: u16,
    ticks: i64,
    next: Side,
    resting: [Held; 2],
    strays: Strays,
}

impl Echo {
    /// Answers ticks of `tickers` symbols. Values are in the order of the parameters.
    pub fn new(tickers: u16, values: &[i64]) -> Echo {
        Echo {
            values: Values::new(&PARAMS, values),
            tickers,
            ticks: 0,
            next: Side::Buy,
            resting: [Held::default(); 2],
            strays: Strays::default(),
        }
    }

    fn value(&self, param: Param) -> i64 {
        self.values.get(param as usize)
    }

    fn is_turn(&mut self) -> bool {
        self.ticks += 1;
        if self.ticks < self.value(Param::Every) {
            return false;
        }
        self.ticks = 0;
        true
    }

    /// Takes the former order of a side off; `false` when there are too many that are not gone yet.
    fn let_go<C: Context>(&mut self, side: Side, ctx: &mut C) -> bool {
        let held = &mut self.resting[side as usize];
        let off = held.look(ctx).is_none_or(|view| self.strays.add(view.user_ref, ctx));
        if off {
            *held = Held::default();
        }
        off
    }
}

impl Strategy for Echo {
    #[inline]
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        if !news.has(News::TOP) || ticker.0 >= self.tickers {
            return;
        }
        let Some((bid, ask)) = both_sides(&ctx.top(ticker)) else { return };
        if !self.is_turn() {
            return;
        }
        self.strays.sweep(ctx);
        let side = self.next;
        // Also after a refusal: at its position limit it must be able to trade its way back.
        self.next = side.opposite();
        if !self.let_go(side, ctx) {
            return;
        }
        let (near, far) = match side {
            Side::Buy => (bid.price, ask.price),
            Side::Sell => (ask.price, bid.price),
        };
        let joins = self.value(Param::Mode) == 1;
        let (price, tif) = if joins { (near, TimeInForce::Day) } else { (far, TimeInForce::Ioc) };
        let qty = order_qty(self.value(Param::Qty)).unwrap_or(Qty::ZERO);
        let kind = order_side(side, qty, &ctx.position(ticker));
        let ask = Ask { ticker, side: kind, qty, price, tif, post_only: false };
        if joins {
            // The gate counts what it holds back, and the next turn comes by itself.
            let _ = self.resting[side as usize].enter(&ask, ctx);
        } else {
            let _ = ctx.enter(&ask);
        }
    }

    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        let user_ref = report.order.user_ref;
        let ours = self.resting.iter().any(|held| held.is(user_ref));
        if report.what == What::Recovered && !ours && report.order.leaves > Qty::ZERO {
            self.strays.add(user_ref, ctx);
        }
    }

    param_methods!();

    fn set_param(&mut self, at: usize, value: i64) {
        self.values.set(at, value);
    }
}

#[cfg(test)]
mod tests;
