//! The venue's gate: the same limits for every session, answered with OUCH's reasons.

use crate::{OrderLimits, Reference};
use types::{Enter, Qty, RejectReason, Replace, Side};

/// Holds entries and replacements to the venue's limits.
#[derive(Clone, Copy, Debug)]
pub struct VenueGate {
    limits: OrderLimits,
}

impl VenueGate {
    /// A gate with these limits.
    pub fn new(limits: OrderLimits) -> VenueGate {
        VenueGate { limits }
    }

    /// Checks a new order against the market it would meet.
    pub fn check_enter(&self, order: &Enter, at: Reference) -> Result<(), RejectReason> {
        self.check(order.side.side(), order.qty, order.price, at)
    }

    /// Checks a replacement; `side` is the live order's, which is not on the wire. One to no shares
    /// takes the order off, and nothing limits that.
    pub fn check_replace(
        &self,
        order: &Replace,
        side: Side,
        at: Reference,
    ) -> Result<(), RejectReason> {
        if order.qty == Qty::ZERO {
            return Ok(());
        }
        self.check(side, order.qty, order.price, at)
    }

    fn check(
        &self,
        side: Side,
        qty: Qty,
        price: types::Price,
        at: Reference,
    ) -> Result<(), RejectReason> {
        if !self.limits.qty_ok(qty) {
            return Err(RejectReason::SharesExceedThreshold);
        }
        if !self.limits.notional_ok(side, qty, price, at) {
            return Err(RejectReason::ExceedsMaximumAllowedNotionalValue);
        }
        match self.limits.collar_ok(side, price, at) {
            Some(false) => Err(RejectReason::FatFinger),
            // An empty book has no touch: the first order of a day makes the market.
            Some(true) | None => Ok(()),
        }
    }
}
