//! `market-maker`: quotes both sides around a fair value, leaning against its inventory.
//!
//! The fair value is the middle of the book or its microprice (each touch weighed with the other's
//! shares), less the skew for each share held. Quotes stand half a spread from it, rounded away
//! from it to the tick, never at or through the other side's touch, post-only. A quote is moved
//! only when it is off by the threshold, so that noise does not cost its place in the queue; what
//! is left of a partial fill stands. A level that is one order of our own size at our own price is
//! taken for ours and left out of the fair value: it would follow itself.
//!
//! Arithmetic is in whole numbers of 1e-7 dollar. State is one place for an order a side and
//! symbol; what is known of the order is asked of the context each time.
//!
//! Bounds: shares held and working never pass `position_max_shares` on either side, whatever
//! becomes of a replacement: it is sent only where the old order and the new one together stay
//! within, and a cancel is sent otherwise. A broken trade can lift what is held; quotes of that
//! side then go.
//!
//! Failure modes: no quotes without orders out, market hours, trading, a book of two sides, a feed
//! that can be relied on; a cancel that finds no room is sent again with the next news or timer.

use crate::held::{Held, Strays, take_off};
use crate::look::{
    DAY_S, MS_NS, S_NS, both_sides, is_quiet, is_sound, limit, order_qty, order_side, passed,
    time_of_day_ns, worst_case,
};
use crate::values::{Values, param_methods, params};
use crate::{Context, Fill, OrderReport, OrderState, OrderView, SessionEvent, Strategy, What};
use book::LevelView;
use market::News;
use risk::Ask;
use types::{Price, Qty, Side, Ticker, TimeInForce};

params! {
    Fair = "fair", 0, 1, 1, "fair value: 0 the middle of the book, 1 its microprice";
    HalfTicks = "half_spread_ticks", 0, 10_000, 1, "half the spread, a part in ticks";
    HalfBps = "half_spread_bps", 0, 1_000, 0,
        "half the spread, a part in 1/100 % of the fair value";
    Size = "quote_shares", 1, 999_999, 100, "shares a quote";
    PositionMax = "position_max_shares", 0, 1_000_000_000, 1_000,
        "most shares held, long or short, with every quote filled";
    Skew = "skew_per_share_e7_dollars", 0, 10_000_000, 1_000,
        "how far a share held moves the fair value against it";
    Threshold = "requote_ticks_min", 1, 10_000, 1, "leave a quote that is off by less";
    Interval = "requote_ms_min", 0, 60_000, 10, "least time between two orders of one side";
    Quiet = "quiet_ms_max", 0, 86_400_000, 0, "pull when a symbol had no news for longer; 0 never";
    Until = "quote_until_s", 0, DAY_S, 57_540, "pull at this time of day, in seconds";
    Tick = "tick_e4_dollars", 1, 1_000_000, 100, "what prices are multiples of, in 1/10000 dollar";
    Timer = "timer_ms", 1, 10_000, 10, "how often quotes are looked after without news";
}

/// 1e-7 dollar in the unit of a price.
const E7: i64 = 1_000;
/// Symbols looked after a timer, at most.
const SWEEP_MAX: u16 = 64;

/// A symbol's quotes, by side.
#[derive(Clone, Copy, Debug, Default)]
struct Quotes {
    held: [Held; 2],
    /// When an order of the side was last asked for, granted or not.
    asked_ns: [u64; 2],
}

/// See the module.
#[derive(Clone, Debug)]
pub struct MarketMaker {
    values: Values<{ PARAMS.len() }>,
    quotes: Vec<Quotes>,
    strays: Strays,
    /// The symbol that the timer looks after next.
    cursor: u16,
    feed_ended: bool,
}

impl MarketMaker {
    /// Quotes `tickers` symbols. Values are in the order of the parameters.
    pub fn new(tickers: u16, values: &[i64]) -> MarketMaker {
        MarketMaker {
            values: Values::new(&PARAMS, values),
            quotes: vec![Quotes::default(); usize::from(tickers)],
            strays: Strays::default(),
            cursor: 0,
            feed_ended: false,
        }
    }

    #[inline]
    fn value(&self, param: Param) -> i64 {
        self.values.get(param as usize)
    }

    /// Brings a symbol's quotes to where they should be.
    fn look_after<C: Context>(&mut self, ticker: Ticker, ctx: &mut C) {
        let index = usize::from(ticker.0);
        let Some(mut quotes) = self.quotes.get(index).copied() else { return };
        let standing = [Side::Buy, Side::Sell].map(|side| quotes.held[side as usize].look(ctx));
        let wanted = self.wanted(ticker, &standing, ctx);
        for side in [Side::Sell, Side::Buy] {
            let Some(price) = wanted[side as usize] else {
                if let Some(view) = quotes.held[side as usize].look(ctx) {
                    take_off(&view, ctx);
                }
                continue;
            };
            self.steer(side, ticker, price, &mut quotes, ctx);
        }
        self.quotes[index] = quotes;
    }

    /// Where the quotes should stand, by side; `None` for a side that should not.
    fn wanted<C: Context>(
        &self,
        ticker: Ticker,
        standing: &[Option<OrderView>; 2],
        ctx: &C,
    ) -> [Option<Price>; 2] {
        let status = ctx.status(ticker);
        let until_ns = self.value(Param::Until).unsigned_abs() * S_NS;
        let late = time_of_day_ns(ctx).is_none_or(|now_ns| now_ns >= until_ns);
        let quiet = is_quiet(ctx, status, self.value(Param::Quiet));
        if late || quiet || self.feed_ended || !ctx.can_trade() || !is_sound(status) {
            return [None; 2];
        }
        let top = ctx.top(ticker);
        let Some((bid, ask)) = both_sides(&top) else { return [None; 2] };
        let others = [
            others_best(ticker, Side::Buy, bid, standing[0].as_ref(), ctx),
            others_best(ticker, Side::Sell, ask, standing[1].as_ref(), ctx),
        ];
        let [Some(bid), Some(ask)] = others else { return [None; 2] };
        self.prices(bid, ask, ctx.position(ticker).shares)
    }

    /// Bid and offer for a market and an inventory.
    fn prices(&self, bid: LevelView, ask: LevelView, shares: i64) -> [Option<Price>; 2] {
        let tick = self.value(Param::Tick);
        let fair = self.fair_e7(bid, ask);
        let half =
            self.value(Param::HalfTicks) * tick * E7 + fair / 10_000 * self.value(Param::HalfBps);
        let center = fair.saturating_sub(shares.saturating_mul(self.value(Param::Skew)));
        let (bid_touch, ask_touch) = (i64::from(bid.price.0), i64::from(ask.price.0));
        let mut buy = center.saturating_sub(half).div_euclid(tick * E7) * tick;
        let above = center.saturating_add(half).saturating_neg();
        let sell = -above.div_euclid(tick * E7) * tick;
        let mut sell = sell.max(bid_touch.div_euclid(tick) * tick + tick);
        buy = buy.min((ask_touch - 1).div_euclid(tick) * tick);
        if buy >= sell {
            // No spread asked for, and the fair value is on a tick: a tick is the least there is.
            match shares > 0 {
                true => buy = sell - tick,
                false => sell = buy + tick,
            }
        }
        [limit(buy), limit(sell)]
    }

    /// What a share is worth, in 1e-7 dollar.
    fn fair_e7(&self, bid: LevelView, ask: LevelView) -> i64 {
        let (low, high) = (i64::from(bid.price.0), i64::from(ask.price.0));
        if self.value(Param::Fair) == 0 {
            return (low + high) * (E7 / 2);
        }
        let (bids, asks) = (i128::from(bid.qty), i128::from(ask.qty));
        let all = (bids + asks).max(1);
        // More bids than offers: the next trade is likelier at the offer.
        let above = i128::from((high - low) * E7) * bids / all;
        low * E7 + above as i64
    }

    /// Enters, moves or leaves the quote of a side that should stand at `price`.
    fn steer<C: Context>(
        &self,
        side: Side,
        ticker: Ticker,
        price: Price,
        quotes: &mut Quotes,
        ctx: &mut C,
    ) {
        let position = ctx.position(ticker);
        let room = self.value(Param::PositionMax).saturating_sub(worst_case(side, &position));
        let size = self.value(Param::Size);
        let at = side as usize;
        let free = passed(ctx, quotes.asked_ns[at], self.value(Param::Interval))
            && !crosses_own(side, price, quotes, ctx);
        let Some(view) = quotes.held[at].look(ctx) else {
            let Some(qty) = order_qty(size.min(room)).filter(|_| free) else { return };
            quotes.asked_ns[at] = ctx.host_ns();
            let side = order_side(side, qty, &position);
            let tif = TimeInForce::Day;
            let ask = Ask { ticker, side, qty, price, tif, post_only: true };
            // Held back by the gate, which counts it: tried again after the interval.
            let _ = quotes.held[at].enter(&ask, ctx);
            return;
        };
        if room < 0 {
            take_off(&view, ctx);
            return;
        }
        let off = view.price.0.abs_diff(price.0);
        let near = i64::from(off) < self.value(Param::Threshold) * self.value(Param::Tick);
        let busy = view.state != OrderState::Live || quotes.held[at].is_replacing();
        if near || busy || !free {
            return;
        }
        quotes.asked_ns[at] = ctx.host_ns();
        // The old order may fill before the venue reads this, and the new one fill as well.
        let whole = size.min(room + i64::from(view.leaves.0));
        let moved = order_qty(size.min(room))
            .filter(|qty| i64::from(qty.0) >= whole)
            .is_some_and(|qty| quotes.held[at].replace(qty, price, ctx).is_ok());
        if !moved {
            take_off(&view, ctx);
            // It stood where it should not; its successor need not wait again.
            quotes.asked_ns[at] = 0;
        }
    }
}

/// Whether an order at `price` could meet our own of the other side, wherever a replacement of that
/// may stand by then.
fn crosses_own<C: Context>(side: Side, price: Price, quotes: &mut Quotes, ctx: &C) -> bool {
    let other = &mut quotes.held[side.opposite() as usize];
    let reach = other.look(ctx).map(|view| other.reach(&view));
    reach.is_some_and(|reach| match side {
        Side::Buy => price >= reach,
        Side::Sell => price <= reach,
    })
}

/// A side's best level that is not our own order alone.
fn others_best<C: Context>(
    ticker: Ticker,
    side: Side,
    best: LevelView,
    own: Option<&OrderView>,
    ctx: &C,
) -> Option<LevelView> {
    let alone = own.is_some_and(|own| {
        own.price == best.price && best.orders == 1 && best.qty == u64::from(own.leaves.0)
    });
    if !alone {
        return Some(best);
    }
    let mut levels = [LevelView::default(); 2];
    (ctx.levels(ticker, side, &mut levels) == 2).then_some(levels[1])
}

impl Strategy for MarketMaker {
    #[inline]
    fn on_book<C: Context>(&mut self, ticker: Ticker, news: News, ctx: &mut C) {
        if news.has(News::TOP) {
            self.look_after(ticker, ctx);
        }
    }

    fn on_status<C: Context>(&mut self, ticker: Ticker, ctx: &mut C) {
        self.look_after(ticker, ctx);
    }

    fn on_fill<C: Context>(&mut self, fill: &Fill, ctx: &mut C) {
        self.look_after(fill.ticker, ctx);
    }

    fn on_order<C: Context>(&mut self, report: &OrderReport, ctx: &mut C) {
        let OrderView { user_ref, ticker, leaves, .. } = report.order;
        let quotes = self.quotes.get(usize::from(ticker.0));
        let ours = quotes.is_some_and(|quotes| quotes.held.iter().any(|held| held.is(user_ref)));
        if report.what == What::Recovered && !ours && leaves > Qty::ZERO {
            self.strays.add(user_ref, ctx);
        }
        self.look_after(ticker, ctx);
    }

    fn on_timer<C: Context>(&mut self, ctx: &mut C) {
        self.strays.sweep(ctx);
        let tickers = self.quotes.len() as u16;
        for _ in 0..tickers.min(SWEEP_MAX) {
            self.cursor = if self.cursor + 1 < tickers { self.cursor + 1 } else { 0 };
            self.look_after(Ticker(self.cursor), ctx);
        }
    }

    fn on_session<C: Context>(&mut self, event: SessionEvent, ctx: &mut C) {
        match event {
            SessionEvent::FeedEnded => self.feed_ended = true,
            SessionEvent::MarketOpen | SessionEvent::FeedCurrent | SessionEvent::FeedSession => {
                self.feed_ended = false;
            }
            _ => {}
        }
        // What allows quotes again can wait for the next tick; what forbids them cannot.
        let forbids = !matches!(
            event,
            SessionEvent::Connected
                | SessionEvent::MarketOpen
                | SessionEvent::FeedCurrent
                | SessionEvent::Revived
        );
        if forbids {
            for ticker in 0..self.quotes.len() as u16 {
                self.look_after(Ticker(ticker), ctx);
            }
        }
    }

    fn timer_ns(&self) -> u64 {
        self.value(Param::Timer).unsigned_abs() * MS_NS
    }

    param_methods!();

    fn set_param(&mut self, at: usize, value: i64) {
        self.values.set(at, value);
    }
}

#[cfg(test)]
mod tests;
