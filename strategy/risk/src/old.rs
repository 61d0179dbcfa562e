//! The trader's gate: the shared limits, and what depends on the trader's own orders.
//!
//! A position is bounded by its worst case: the shares held plus every open order on the same side.
//! The rate is a token bucket: it fills by `orders_per_second_max` a second up to one second's
//! worth.

use crate::{OrderLimits, Reference, Refusal};
use types::{OrderSide, Price, Qty, Side, SymbolId, TimeInForce};

/// What a strategy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Which instrument.
    pub symbol: SymbolId,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares.
    pub qty: Qty,
    /// Limit.
    pub price: Price,
    /// Lifetime.
    pub tif: TimeInForce,
}

/// Bounds on a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraderLimits {
    /// Bounds on each order.
    pub order: OrderLimits,
    /// Largest long or short position a symbol, in shares, open orders counted as filled.
    pub position_max: u64,
    /// Orders that may be open at once.
    pub open_orders_max: u32,
    /// Orders that may be sent in a second.
    pub orders_per_second_max: u32,
}

/// What is held and what is working in one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Shares held; negative is short.
    pub shares: i64,
    /// Shares in open buy orders.
    pub open_buy: u64,
    /// Shares in open sell orders.
    pub open_sell: u64,
    /// Cash from fills in 1/10000 dollar; buying spends.
    pub cash: i64,
    /// Shares bought and sold, summed.
    pub traded: u64,
}

/// Holds a trader's orders to its limits and keeps its positions.
#[derive(Clone, Debug)]
pub struct TraderGate {
    limits: TraderLimits,
    positions: Vec<Position>,
    open_orders: u32,
    bucket_ns: u64,
    filled_at_ns: u64,
}

const SECOND_NS: u64 = 1_000_000_000;

impl TraderGate {
    /// A gate for symbols `0..symbols_max`.
    pub fn new(limits: TraderLimits, symbols_max: u16) -> TraderGate {
        TraderGate {
            limits,
            positions: vec![Position::default(); usize::from(symbols_max)],
            open_orders: 0,
            bucket_ns: SECOND_NS,
            filled_at_ns: 0,
        }
    }

    /// Checks an order; when it passes, it counts as open from here on.
    pub fn admit(&mut self, now_ns: u64, order: &Intent, at: Reference) -> Result<(), Refusal> {
        let side = order.side.side();
        let limits = self.limits;
        if !limits.order.qty_ok(order.qty) {
            return Err(Refusal::OrderQty);
        }
        if !limits.order.notional_ok(side, order.qty, order.price, at) {
            return Err(Refusal::OrderNotional);
        }
        if limits.order.collar_ok(side, order.price, at) != Some(true) {
            return Err(Refusal::PriceCollar);
        }
        if self.open_orders >= limits.open_orders_max {
            return Err(Refusal::OpenOrders);
        }
        let Some(position) = self.positions.get_mut(usize::from(order.symbol.0)) else {
            return Err(Refusal::UnknownSymbol);
        };
        if position.worst_case(side) + i64::from(order.qty.0) > limits.position_max as i64 {
            return Err(Refusal::Position);
        }
        if !self.take_token(now_ns) {
            return Err(Refusal::OrderRate);
        }
        self.open_orders += 1;
        *self.open_side(order.symbol, side) += u64::from(order.qty.0);
        Ok(())
    }

    /// Shares of an open order traded.
    pub fn on_fill(&mut self, symbol: SymbolId, side: Side, qty: Qty, price: Price) {
        self.release(symbol, side, qty);
        let Some(position) = self.positions.get_mut(usize::from(symbol.0)) else { return };
        let (shares, value) = (i64::from(qty.0), price.notional(qty) as i64);
        position.traded += u64::from(qty.0);
        match side {
            Side::Buy => {
                position.shares += shares;
                position.cash -= value;
            }
            Side::Sell => {
                position.shares -= shares;
                position.cash += value;
            }
        }
    }

    /// Shares of an open order are no longer working, without having traded.
    pub fn release(&mut self, symbol: SymbolId, side: Side, qty: Qty) {
        if usize::from(symbol.0) < self.positions.len() {
            let open = self.open_side(symbol, side);
            debug_assert!(*open >= u64::from(qty.0), "released more than was open");
            *open = open.saturating_sub(u64::from(qty.0));
        }
    }

    /// An order is done: filled, canceled or rejected.
    pub fn on_done(&mut self) {
        debug_assert!(self.open_orders > 0, "an order ended twice");
        self.open_orders = self.open_orders.saturating_sub(1);
    }

    /// What is held and working in a symbol.
    pub fn position(&self, symbol: SymbolId) -> Position {
        self.positions.get(usize::from(symbol.0)).copied().unwrap_or_default()
    }

    /// Orders open now.
    pub fn open_orders(&self) -> u32 {
        self.open_orders
    }

    fn open_side(&mut self, symbol: SymbolId, side: Side) -> &mut u64 {
        let position = &mut self.positions[usize::from(symbol.0)];
        match side {
            Side::Buy => &mut position.open_buy,
            Side::Sell => &mut position.open_sell,
        }
    }

    fn take_token(&mut self, now_ns: u64) -> bool {
        let elapsed = now_ns.saturating_sub(self.filled_at_ns);
        self.filled_at_ns = self.filled_at_ns.max(now_ns);
        self.bucket_ns = self.bucket_ns.saturating_add(elapsed).min(SECOND_NS);
        let price_ns = SECOND_NS / u64::from(self.limits.orders_per_second_max.max(1));
        let pays = self.bucket_ns >= price_ns && self.limits.orders_per_second_max > 0;
        if pays {
            self.bucket_ns -= price_ns;
        }
        pays
    }
}

impl Position {
    /// How far the position could go on `side` if every open order there filled.
    fn worst_case(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.shares + self.open_buy as i64,
            Side::Sell => self.open_sell as i64 - self.shares,
        }
    }
}

#[cfg(test)]
mod tests;
