//! The way to the venue, as the desk needs it.

use market::Ahead;
use risk::{Ask, Quote, Refusal};
use types::{Ticker, UserRef};

/// Steps from a message to an order, for whoever clocks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The message is in the books.
    Book,
    /// The strategy has decided (so far).
    Strategy,
    /// The gate has.
    Gate,
    /// The order is written as OUCH.
    Encode,
}

/// An order, replacement or cancel that was held back, with what it was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When, in ns since midnight.
    pub at_ns: u64,
    /// Why.
    pub refusal: Refusal,
    /// What was asked for; of a replacement the order it would have made.
    pub ask: Ask,
    /// The order it would have replaced.
    pub replaces: Option<UserRef>,
    /// The market it was held against.
    pub market: Quote,
}

/// Carries OUCH to a venue: TCP's ring, or a simulated venue. Also told what to clock and to log.
pub trait OrderWire {
    /// Whether a message of `len` bytes would be taken now.
    fn has_room(&self, len: usize) -> bool;

    /// Takes a message; `false` when there is no room or no session.
    fn send(&mut self, now_ns: u64, message: &[u8]) -> bool;

    /// A step is done.
    #[inline]
    fn passed(&mut self, step: Step) {
        let _ = step;
    }

    /// A new order or replacement was written under this number; the clock from tick to trade runs.
    #[inline]
    fn entered(&mut self, user_ref: UserRef, ticker: Ticker) {
        let _ = (user_ref, ticker);
    }

    /// The venue answered a new order or a replacement for the first time.
    #[inline]
    fn acknowledged(&mut self, user_ref: UserRef) {
        let _ = user_ref;
    }

    /// What stands before an order of ours, where the venue itself can tell; a real one cannot.
    #[inline]
    fn ahead(&self, user_ref: UserRef) -> Option<Ahead> {
        let _ = user_ref;
        None
    }

    /// Something was held back.
    #[cold]
    fn refused(&mut self, refused: &Refused) {
        let _ = refused;
    }
}
