//! Shares and what they cost: the moving cost basis, in integers.
//!
//! * Opening (or adding) q shares at p adds q x p to the cost.
//! * Closing q of s shares takes `floor(|cost| x q / s)` out of it; the remainder of the division
//!   stays with the shares still held, so that closing the last share takes all that is left.
//! * A trade through zero first closes all that is held, then opens the rest at its own price.
//!
//! Hence `realised + shares x mark - cost == cash + shares x mark` for every mark, to the unit. A
//! long position's cost is never negative, a short one's never positive, that of none is zero.
//! Figures stop at the ends of `i64`, which 4,600 orders of the largest size and price would reach.

use types::{Price, Qty, Side};

/// What is held in one symbol. See [`crate::Position`] for the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) shares: i64,
    pub(crate) cost: i64,
    pub(crate) realised: i64,
    pub(crate) traded: u64,
}

/// `value x part / whole`, rounded down. `part < whole`, so it fits.
#[inline]
fn portion(value: u64, part: u64, whole: u64) -> u64 {
    match value.checked_mul(part) {
        Some(product) => product / whole,
        None => (u128::from(value) * u128::from(part) / u128::from(whole)) as u64,
    }
}

/// A worth as a signed number; it stops at the largest.
#[inline]
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Holding {
    /// Shares were bought or sold.
    #[inline]
    pub(crate) fn trade(&mut self, side: Side, qty: Qty, price: Price) {
        self.traded = self.traded.saturating_add(u64::from(qty.0));
        let held = self.shares.unsigned_abs();
        let closes = match side {
            Side::Buy => self.shares < 0,
            Side::Sell => self.shares > 0,
        };
        let closed = if closes { held.min(u64::from(qty.0)) } else { 0 };
        if closed > 0 {
            self.close(closed, held, price);
        }
        // `closed` is no more than `qty`, which is four bytes.
        let opened = Qty(qty.0 - closed as u32);
        let value = signed(price.notional(opened));
        match side {
            Side::Buy => {
                self.shares = self.shares.saturating_add(i64::from(opened.0));
                self.cost = self.cost.saturating_add(value);
            }
            Side::Sell => {
                self.shares = self.shares.saturating_sub(i64::from(opened.0));
                self.cost = self.cost.saturating_sub(value).max(-i64::MAX);
            }
        }
    }

    #[inline]
    fn close(&mut self, closed: u64, held: u64, price: Price) {
        let cost = self.cost.unsigned_abs();
        let basis = if closed == held { cost } else { portion(cost, closed, held) };
        let (basis, value) = (signed(basis), signed(price.notional(Qty(closed as u32))));
        // Both are at most `i64::MAX` and not negative: their difference fits.
        if self.shares > 0 {
            self.realised = self.realised.saturating_add(value - basis);
            self.cost -= basis;
            self.shares -= closed as i64;
        } else {
            self.realised = self.realised.saturating_add(basis - value);
            self.cost += basis;
            self.shares += closed as i64;
        }
    }

    /// A trade too old to be remembered never was: as if its opposite had been done at its price.
    /// Shares and cash are exact; how profit is split into realised and open may not be.
    pub(crate) fn reverse(&mut self, side: Side, qty: Qty, price: Price) {
        let traded = self.traded.saturating_sub(u64::from(qty.0));
        self.trade(side.opposite(), qty, price);
        self.traded = traded;
    }

    /// What the shares held would realise at `mark`.
    #[inline]
    pub(crate) fn open_profit(&self, mark: Price) -> i64 {
        let worth = i128::from(self.shares) * i128::from(mark.0);
        clamp(worth - i128::from(self.cost))
    }
}

/// The nearest `i64`.
#[inline]
pub(crate) fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests;
