//! The bound over all traders of the process.
//!
//! Each gate keeps the sum at its own worst-case worth, so what stands here is the firm's. An order
//! reserves with one relaxed add and gives back when the sum has passed the bound: two orders at
//! the edge may both be refused, never both admitted. Orderings are relaxed because nothing else is
//! published through the number. What is held gains in worth by itself, so the sum can pass the
//! bound without an order; then only orders that add nothing pass.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The most that one gate counts for, in 1/10000 dollar: seven trillion dollars. It keeps the sum
/// of 128 gates, reservations under way included, from overflowing.
pub(crate) const SHARE_MAX: u64 = 1 << 56;

/// Shared by all gates of a process.
#[derive(Debug)]
#[repr(align(64))]
pub struct Firm {
    exposure: AtomicU64,
    exposure_max: AtomicU64,
}

impl Firm {
    /// A firm that may stand to so much, in 1/10000 dollar; at most 2^56 - 1.
    pub fn new(exposure_max: u64) -> Firm {
        Firm {
            exposure: AtomicU64::new(0),
            exposure_max: AtomicU64::new(exposure_max.min(SHARE_MAX - 1)),
        }
    }

    /// Worst-case worth over all accounts, reservations under way included, in 1/10000 dollar.
    pub fn exposure(&self) -> u64 {
        self.exposure.load(Relaxed)
    }

    /// The bound, in 1/10000 dollar.
    pub fn exposure_max(&self) -> u64 {
        self.exposure_max.load(Relaxed)
    }

    /// Changes the bound, at most to 2^56 - 1; orders that are out stay out.
    pub fn set_exposure_max(&self, exposure_max: u64) {
        self.exposure_max.store(exposure_max.min(SHARE_MAX - 1), Relaxed);
    }

    /// Takes an account's share from `from` to `to` unless that passes the bound.
    #[inline]
    pub(crate) fn reserve(&self, from: u64, to: u64) -> bool {
        if to < from {
            self.exposure.fetch_sub(from - to, Relaxed);
            return true;
        }
        // A share that stays at SHARE_MAX is above every bound: adding nothing still refuses.
        let added = to - from;
        let before = self.exposure.fetch_add(added, Relaxed);
        let fits = before.saturating_add(added) <= self.exposure_max.load(Relaxed);
        if !fits {
            self.exposure.fetch_sub(added, Relaxed);
        }
        fits
    }

    /// Takes an account's share from `from` to `to` whatever the bound says.
    #[inline]
    pub(crate) fn restate(&self, from: u64, to: u64) {
        if to > from {
            self.exposure.fetch_add(to - from, Relaxed);
        } else if to < from {
            self.exposure.fetch_sub(from - to, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
