//! What is held in a symbol, to the share and to 1/10000 dollar.

use crate::holding::clamp;
use types::Price;

/// What is held and what is working in one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Shares held; negative is short.
    pub shares: i64,
    /// What the shares held cost, in 1/10000 dollar; negative for what a short position brought.
    pub cost: i64,
    /// Profit of shares bought and sold again, in 1/10000 dollar.
    pub realised: i64,
    /// Shares bought and sold, summed.
    pub traded: u64,
    /// Shares in open buy orders.
    pub open_buy: u64,
    /// Shares in open sell orders.
    pub open_sell: u64,
    /// Worth of open buy orders at their limits, in 1/10000 dollar.
    pub open_buy_value: u64,
    /// Worth of open sell orders at their limits, in 1/10000 dollar.
    pub open_sell_value: u64,
    /// Orders that may still trade.
    pub open_orders: u32,
    /// What a share is worth now, by the last mark.
    pub mark: Option<Price>,
}

impl Position {
    /// Average price of the shares held, in 1/10000 dollar; `None` when flat.
    pub fn average_price(&self) -> Option<f64> {
        (self.shares != 0).then(|| self.cost as f64 / self.shares as f64)
    }

    /// Profit that the shares held would realise at the mark, in 1/10000 dollar; 0 without one.
    pub fn open_profit(&self) -> i64 {
        let cost = i128::from(self.cost);
        self.mark.map_or(0, |mark| clamp(i128::from(self.shares) * i128::from(mark.0) - cost))
    }

    /// Cash from fills, in 1/10000 dollar; buying spends.
    pub fn cash(&self) -> i64 {
        self.realised.saturating_sub(self.cost)
    }
}

/// What an account has made, over all its symbols, in 1/10000 dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profit {
    /// By shares bought and sold again.
    pub realised: i64,
    /// What the shares held would realise at their marks.
    pub open: i64,
}
