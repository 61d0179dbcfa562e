//! The last fills, so that a bust or a correction finds what it undoes.
//!
//! A ring; a fill writes one entry, a bust or a correction walks it from the newest back. A fill
//! older than the ring cannot be undone and counts as a contradiction. The gate remembers as many.

use types::{MatchId, OrderSide, Price, Qty, Ticker, UserRef};

/// Fills remembered by a desk, 40 bytes each.
pub(crate) const FILLS_KEPT: usize = 1 << 16;

/// Shares of ours that traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) match_id: MatchId,
    pub(crate) user_ref: UserRef,
    pub(crate) qty: Qty,
    pub(crate) price: Price,
    pub(crate) ticker: Ticker,
    pub(crate) side: OrderSide,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Fills {
    ring: Vec<Done>,
    /// The oldest's place, once the ring is full.
    oldest: usize,
}

impl Fills {
    pub(crate) fn new() -> Fills {
        // Written to from end to end: a page is faulted in here, and not under a fill.
        let filler = Done {
            match_id: MatchId(1),
            user_ref: UserRef(1),
            qty: Qty(1),
            price: Price(1),
            ticker: Ticker(1),
            side: OrderSide::Buy,
        };
        let mut ring = vec![filler; FILLS_KEPT];
        ring.clear();
        Fills { ring, oldest: 0 }
    }

    #[inline]
    pub(crate) fn note(&mut self, done: Done) {
        if self.ring.len() < FILLS_KEPT {
            self.ring.push(done);
            return;
        }
        self.ring[self.oldest] = done;
        self.oldest = (self.oldest + 1) % FILLS_KEPT;
    }

    /// The newest fill of that match and order that was not broken. Both are asked for: a match can
    /// have two of our orders in it.
    #[cold]
    pub(crate) fn find(&mut self, match_id: MatchId, user_ref: UserRef) -> Option<&mut Done> {
        let (newer, older) = self.ring.split_at_mut(self.oldest);
        let newest_first = newer.iter_mut().rev().chain(older.iter_mut().rev());
        newest_first
            .filter(|done| done.qty > Qty::ZERO)
            .find(|done| (done.match_id, done.user_ref) == (match_id, user_ref))
    }

    /// Numbers begin anew.
    #[cold]
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
        self.oldest = 0;
    }
}
