//! What the engine answers. Each event is either for a client (OUCH), for the tape (ITCH), or both.
//!
//! | event | to the client as OUCH | to everyone as ITCH |
//! |---|---|---|
//! | `Accepted` | A | – |
//! | `Replaced` | U | – |
//! | `Rejected` | J | – |
//! | `Executed` | E to both parties | E on the resting order |
//! | `Canceled` | C | X when leaves remain, else D; nothing when it never rested |
//! | `Modified` | M | – |
//! | `BookAdd` | – | A |
//! | `BookReplace` | – | U |
//! | `BookReduce` | – | X |
//! | `BookRemove` | – | D |

use crate::{
    CancelReason, ClOrdId, MatchId, OrderCapacity, OrderId, OrderSide, Price, Qty, RejectReason,
    SessionId, Side, SymbolId, TimeInForce, UserRef,
};

/// One output of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order was taken in; executions may follow.
    Accepted(Accepted),
    /// An order took the place of another; executions may follow.
    Replaced(Replaced),
    /// A command was refused.
    Rejected(Rejected),
    /// An aggressor met a resting order.
    Executed(Executed),
    /// An order lost shares without trading.
    Canceled(Canceled),
    /// An order was modified in place; `reduced` shares came off.
    Modified {
        /// The order.
        party: Party,
        /// Its kind of sale now.
        side: OrderSide,
        /// Its intended size now.
        qty: Qty,
        /// Shares that came off the book.
        reduced: Qty,
    },
    /// An order came to rest.
    BookAdd(BookAdd),
    /// An order came to rest in another's place, at the back of its queue.
    BookReplace(BookReplace),
    /// An order lost shares in place, by a modification or a replacement that kept its priority.
    BookReduce(BookReduce),
    /// An order left the book because its replacement did not rest at once.
    BookRemove(BookRemove),
}

/// One party's order in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// The client's session.
    pub session: SessionId,
    /// The client's number.
    pub user_ref: UserRef,
    /// The venue's number.
    pub order_id: OrderId,
}

/// See [`Event::Accepted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The order.
    pub party: Party,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares entered.
    pub qty: Qty,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Limit or market.
    pub price: Price,
    /// Lifetime.
    pub tif: TimeInForce,
}

/// See [`Event::Replaced`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The new order. Its `order_id` is the old one when priority was kept.
    pub party: Party,
    /// The client's number of the order replaced.
    pub orig: UserRef,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares live after the replacement.
    pub qty: Qty,
    /// Which instrument.
    pub symbol: SymbolId,
    /// The new limit.
    pub price: Price,
    /// Lifetime.
    pub tif: TimeInForce,
    /// On whose behalf the chain was entered.
    pub capacity: OrderCapacity,
}

/// See [`Event::Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

/// See [`Event::Executed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The order that stood in the book (liquidity flag A).
    pub resting: Party,
    /// The order that came in (liquidity flag R).
    pub aggressor: Party,
    /// The resting order's side.
    pub resting_side: Side,
    /// Which instrument.
    pub symbol: SymbolId,
    /// The resting order's price.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
    /// The match's number.
    pub match_id: MatchId,
}

/// See [`Event::Canceled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canceled {
    /// The order.
    pub party: Party,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Shares taken off.
    pub qty: Qty,
    /// Shares still live.
    pub leaves: Qty,
    /// Whether those shares stood in the book.
    pub rested: bool,
    /// Why.
    pub reason: CancelReason,
}

/// See [`Event::BookAdd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookAdd {
    /// The venue's number.
    pub order_id: OrderId,
    /// Which side.
    pub side: Side,
    /// Shares.
    pub qty: Qty,
    /// Which instrument.
    pub symbol: SymbolId,
    /// The limit.
    pub price: Price,
}

/// See [`Event::BookReplace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookReplace {
    /// The order that left.
    pub old: OrderId,
    /// The order that came.
    pub new: OrderId,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Shares.
    pub qty: Qty,
    /// The limit.
    pub price: Price,
}

/// See [`Event::BookReduce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookReduce {
    /// The order.
    pub order_id: OrderId,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Shares taken off; some are left.
    pub qty: Qty,
}

/// See [`Event::BookRemove`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookRemove {
    /// The order that left.
    pub order_id: OrderId,
    /// Which instrument.
    pub symbol: SymbolId,
}

/// Where the engine puts its answers, in the order they happen. Monomorphised: no `dyn`.
pub trait EventSink {
    /// Takes one event.
    fn on_event(&mut self, event: &Event);
}

impl EventSink for Vec<Event> {
    fn on_event(&mut self, event: &Event) {
        self.push(*event);
    }
}

const _: () = assert!(core::mem::size_of::<Event>() <= 80);
