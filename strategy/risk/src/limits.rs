//! The limits that an order is held to on both sides of the wire.

use types::{Price, Qty, Side};

/// What the market stands at, for the price collar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The best bid, where there is one.
    pub bid: Option<Price>,
    /// The best offer, where there is one.
    pub ask: Option<Price>,
}

impl Reference {
    /// The price an aggressor on `side` would meet first; the other touch when that side is empty.
    pub fn touch(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.ask.or(self.bid),
            Side::Sell => self.bid.or(self.ask),
        }
    }
}

/// Bounds on one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLimits {
    /// Largest quantity.
    pub qty_max: Qty,
    /// Largest price times quantity, in 1/10000 dollar.
    pub notional_max: u64,
    /// How far beyond the touch a limit may reach, in 1/100 percent; 0 switches the collar off.
    pub collar_bps: u32,
}

impl OrderLimits {
    /// Whether the quantity is within bounds.
    pub fn qty_ok(&self, qty: Qty) -> bool {
        qty > Qty::ZERO && qty <= self.qty_max
    }

    /// Whether the value is within bounds. A market order is valued at the touch; without a market
    /// it has no value yet and passes.
    pub fn notional_ok(&self, side: Side, qty: Qty, price: Price, at: Reference) -> bool {
        let valued_at = if price.is_market() { at.touch(side) } else { Some(price) };
        valued_at.is_none_or(|p| p.notional(qty) <= self.notional_max)
    }

    /// Whether a limit stays within the collar: a buy not too far above the touch, a sale not too
    /// far below. `None` when the collar is on and there is no market to hold it against.
    pub fn collar_ok(&self, side: Side, price: Price, at: Reference) -> Option<bool> {
        if self.collar_bps == 0 || price.is_market() {
            return Some(true);
        }
        let touch = at.touch(side)?.0 as u64;
        let slack = touch * u64::from(self.collar_bps) / 10_000;
        Some(match side {
            Side::Buy => u64::from(price.0) <= touch + slack,
            Side::Sell => u64::from(price.0) + slack >= touch,
        })
    }
}

#[cfg(test)]
mod tests;
