//! One symbol in the gate: what is held, what works, what it could come to.

use crate::holding::Holding;
use crate::{Position, TickerLimits};
use types::{Price, Qty, Side};

/// Shares and worth of open orders, by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Working {
    pub(super) buy: u64,
    pub(super) sell: u64,
    pub(super) buy_value: u64,
    pub(super) sell_value: u64,
}

impl Working {
    /// `None` when a sum would overflow.
    #[inline]
    pub(super) fn with(mut self, side: Side, qty: Qty, price: Price) -> Option<Working> {
        let (shares, value) = match side {
            Side::Buy => (&mut self.buy, &mut self.buy_value),
            Side::Sell => (&mut self.sell, &mut self.sell_value),
        };
        *shares = shares.checked_add(u64::from(qty.0))?;
        *value = value.checked_add(price.notional(qty))?;
        Some(self)
    }

    /// Adds; sums stop at the largest number.
    pub(super) fn add(&mut self, side: Side, qty: Qty, price: Price) {
        let (shares, value) = match side {
            Side::Buy => (&mut self.buy, &mut self.buy_value),
            Side::Sell => (&mut self.sell, &mut self.sell_value),
        };
        *shares = shares.saturating_add(u64::from(qty.0));
        *value = value.saturating_add(price.notional(qty));
    }

    /// Takes off; never more than there is.
    #[inline]
    pub(super) fn remove(&mut self, side: Side, qty: Qty, price: Price) {
        let (shares, value) = match side {
            Side::Buy => (&mut self.buy, &mut self.buy_value),
            Side::Sell => (&mut self.sell, &mut self.sell_value),
        };
        *shares = shares.saturating_sub(u64::from(qty.0));
        *value = value.saturating_sub(price.notional(qty));
    }

    #[inline]
    pub(super) fn shares(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        }
    }
}

/// What a symbol could come to if the worse side's orders all filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Worth, in 1/10000 dollar.
    pub(super) exposure: u64,
    /// Shares, long or short.
    pub(super) gross: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) limits: TickerLimits,
    pub(super) working: Working,
    pub(super) holding: Holding,
    /// 0 before the first.
    pub(super) mark: Price,
    pub(super) open_orders: u32,
    /// What the account's sums hold of this row.
    pub(super) weight: Weight,
    pub(super) open_profit: i64,
}

impl Row {
    pub(super) fn new(limits: TickerLimits) -> Row {
        Row {
            limits,
            working: Working::default(),
            holding: Holding::default(),
            mark: Price(0),
            open_orders: 0,
            weight: Weight::default(),
            open_profit: 0,
        }
    }

    /// Shares held on the other side, which an order on `side` would close.
    #[inline]
    pub(super) fn closable(&self, side: Side) -> u64 {
        let shares = self.holding.shares;
        match side {
            Side::Buy => 0i64.saturating_sub(shares).max(0) as u64,
            Side::Sell => shares.max(0) as u64,
        }
    }

    /// How far the position could go on `side`, 0 when it cannot reach it.
    #[inline]
    pub(super) fn worst(&self, side: Side, working: &Working) -> u64 {
        let held = match side {
            Side::Buy => self.holding.shares,
            Side::Sell => 0i64.saturating_sub(self.holding.shares),
        };
        held.saturating_add_unsigned(working.shares(side)).max(0) as u64
    }

    /// The worst case: at the mark; without one, held shares at cost and orders at their limits,
    /// not set off against each other.
    #[inline]
    pub(super) fn weigh(&self, working: &Working) -> Weight {
        let gross = self.worst(Side::Buy, working).max(self.worst(Side::Sell, working));
        let exposure = if self.mark.0 > 0 {
            let worth = u128::from(gross) * u128::from(self.mark.0);
            u64::try_from(worth).unwrap_or(u64::MAX)
        } else {
            let cost = self.holding.cost;
            let long = working.buy_value.saturating_add(cost.max(0) as u64);
            let short = working.sell_value.saturating_add(cost.min(0).unsigned_abs());
            long.max(short)
        };
        Weight { exposure, gross }
    }

    #[inline]
    pub(super) fn profit_at_mark(&self) -> i64 {
        if self.mark.0 > 0 { self.holding.open_profit(self.mark) } else { 0 }
    }

    pub(super) fn position(&self) -> Position {
        Position {
            shares: self.holding.shares,
            cost: self.holding.cost,
            realised: self.holding.realised,
            traded: self.holding.traded,
            open_buy: self.working.buy,
            open_sell: self.working.sell,
            open_buy_value: self.working.buy_value,
            open_sell_value: self.working.sell_value,
            open_orders: self.open_orders,
            mark: (self.mark.0 > 0).then_some(self.mark),
        }
    }
}
