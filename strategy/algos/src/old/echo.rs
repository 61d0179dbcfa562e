//! `echo`: an order for each tick, for measuring the path from tick to trade.
//!
//! It has no opinion. On every n-th change of a watched book's top it sends one order, buying and
//! selling in turn, so that its position stays near flat. `take` crosses the spread with an
//! immediate-or-cancel order at the far touch; `join` rests a day order at the near touch and takes
//! the previous one of that side off first. A book that is one-sided, locked or crossed is let be.

use super::{Intent, Orders, Strategy};
use book::Top;
use types::{OrderSide, Price, Qty, Side, SymbolId, TimeInForce, UserRef};

/// How `echo` answers a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoMode {
    /// Cross the spread, immediate or cancel.
    Take,
    /// Rest at the near touch.
    Join,
}

/// The parameters of [`Echo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoConfig {
    /// How to answer.
    pub mode: EchoMode,
    /// Shares an order.
    pub qty: Qty,
    /// Answer every so many ticks; at least 1.
    pub every_ticks: u32,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Echo {
    config: EchoConfig,
    watched: Vec<bool>,
    ticks: u32,
    next: Side,
    resting: [Option<UserRef>; 2],
}

impl Echo {
    /// Watches nothing yet; symbols are below `symbols_max`.
    pub fn new(config: EchoConfig, symbols_max: u16) -> Echo {
        let watched = vec![false; usize::from(symbols_max)];
        Echo { config, watched, ticks: 0, next: Side::Buy, resting: [None; 2] }
    }

    fn is_turn(&mut self) -> bool {
        self.ticks += 1;
        if self.ticks < self.config.every_ticks {
            return false;
        }
        self.ticks = 0;
        true
    }

    fn intent(&self, symbol: SymbolId, bid: Price, ask: Price) -> Intent {
        let (side, near, far) = match self.next {
            Side::Buy => (OrderSide::Buy, bid, ask),
            Side::Sell => (OrderSide::Sell, ask, bid),
        };
        let (price, tif) = match self.config.mode {
            EchoMode::Take => (far, TimeInForce::Ioc),
            EchoMode::Join => (near, TimeInForce::Day),
        };
        Intent { symbol, side, qty: self.config.qty, price, tif }
    }
}

impl Strategy for Echo {
    fn watch(&mut self, symbol: SymbolId) {
        if let Some(slot) = self.watched.get_mut(usize::from(symbol.0)) {
            *slot = true;
        }
    }

    fn on_tick<O: Orders>(&mut self, _now_ns: u64, symbol: SymbolId, top: &Top, orders: &mut O) {
        if !self.watched.get(usize::from(symbol.0)).copied().unwrap_or(false) {
            return;
        }
        let (Some(bid), Some(ask)) = (top.bid, top.ask) else { return };
        if bid.price >= ask.price || !self.is_turn() {
            return;
        }
        if let Some(previous) = self.resting[self.next as usize].take() {
            orders.cancel(previous);
        }
        let intent = self.intent(symbol, bid.price, ask.price);
        let sent = orders.enter(&intent);
        if self.config.mode == EchoMode::Join {
            self.resting[self.next as usize] = sent.ok();
        }
        // Also after a refusal: at its position limit it must be able to trade its way back.
        self.next = self.next.opposite();
    }

    fn on_fill(&mut self, _user_ref: UserRef, _qty: Qty, _price: Price) {}

    fn on_done(&mut self, user_ref: UserRef) {
        for slot in &mut self.resting {
            if *slot == Some(user_ref) {
                *slot = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
