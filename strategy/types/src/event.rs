//! What the engine answers. Each event is either for a client (OUCH), for the tape (ITCH), or both.
//!
//! | event | to the client as OUCH | to everyone as ITCH |
//! |---|---|---|
//! | `Accepted` | A | – |
//! | `Replaced` | U | – |
//! | `Rejected` | J | – |
//! | `Executed` | E to both parties | as its [`Print`]s say: E, C, P or nothing |
//! | `Canceled` | C | X when leaves remain, else D; nothing when it was not on the tape |
//! | `Aiq` | D | as `Canceled` |
//! | `Modified` | M | – |
//! | `Restated` | R | – |
//! | `MassCanceled` | X | – |
//! | `Permitted` | G or K | – |
//! | `Broken` | B to both parties | B |
//! | `Corrected` | F to both parties | B and a P at the right price |
//! | `BookAdd` | – | A, or F with the firm's name |
//! | `BookReplace` | – | U |
//! | `BookReduce` | – | X |
//! | `BookRemove` | – | D |
//! | `CrossDone` | – | Q |
//! | `Imbalance` | – | I |
//! | `State` | – | H |
//! | `Phase` | S at the day's ends | S |
//! | `Collar` | – | J |
//! | `Offering` | – | K |
//! | `Breaker` | – | W |
//! | `Moved` | – | – |
//! | `Obstacle` | – | – |

use crate::{
    AccountId, CancelReason, ClOrdId, CrossKind, Display, Firm, MatchId, OrderCapacity, OrderId,
    OrderSide, Phase, Price, Qty, RejectReason, SessionId, Side, SymbolId, TimeInForce,
    TradingState, UserRef,
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
    /// Two orders met.
    Executed(Executed),
    /// An order lost shares without trading.
    Canceled(Canceled),
    /// An order lost shares because it would have met one of its own firm.
    Aiq(Aiq),
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
    /// What is displayed of an order changed by the venue's doing.
    Restated(Restated),
    /// All a session's orders that were meant are gone.
    MassCanceled(MassCanceled),
    /// Order entry was switched.
    Permitted(Permitted),
    /// A trade was broken; the ledger has undone it.
    Broken(Broken),
    /// A trade's price was put right; the ledger has followed.
    Corrected(Corrected),
    /// A shown order came to rest.
    BookAdd(BookAdd),
    /// A shown order came to rest in another's place, at the back of its queue.
    BookReplace(BookReplace),
    /// A shown order lost shares in place, by a modification or a replacement that kept its
    /// priority.
    BookReduce(BookReduce),
    /// A shown order left the book: its replacement did not rest at once, or is not shown.
    BookRemove(BookRemove),
    /// A cross was held.
    CrossDone(CrossDone),
    /// How a cross would turn out.
    Imbalance(Imbalance),
    /// An instrument's trading state is now this.
    State(State),
    /// An instrument's day moved on; symbol 0 stands for all.
    Phase {
        /// Which instrument.
        symbol: SymbolId,
        /// To where.
        phase: Phase,
    },
    /// Trading paused at a band: the auction collar of the reopening.
    Collar {
        /// Which instrument.
        symbol: SymbolId,
        /// The price the bands are about.
        reference: Price,
        /// The lowest price.
        lower: Price,
        /// The highest price.
        upper: Price,
    },
    /// The quoting period of an offering began.
    Offering {
        /// Which instrument.
        symbol: SymbolId,
        /// Seconds since midnight of the release.
        release_s: u32,
        /// The offering's price.
        price: Price,
    },
    /// A market-wide circuit breaker fired.
    Breaker {
        /// The level, 1 to 3.
        level: u8,
    },
    /// Cash or shares moved between accounts as the operator asked.
    Moved {
        /// Who gave; `None` for the outside.
        from: Option<AccountId>,
        /// Who took.
        to: AccountId,
        /// 1/10000 dollar, or shares when `symbol` is not 0.
        amount: u64,
        /// Which instrument; 0 for cash.
        symbol: SymbolId,
    },
    /// The operator asked for what cannot be done; nothing was.
    Obstacle(Obstacle),
}

/// Why an operator's command could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Obstacle {
    /// No such instrument.
    #[error("no such instrument")]
    UnknownSymbol = 0,
    /// No such account.
    #[error("no such account")]
    UnknownAccount = 1,
    /// The match number is unknown, too old, or broken already.
    #[error("no such trade, or it is broken or too old")]
    UnknownMatch = 2,
    /// The account holds less than is to be taken.
    #[error("the balance is too small")]
    ShortBalance = 3,
    /// Not in this state of the instrument.
    #[error("the instrument is not in a state for this")]
    WrongState = 4,
    /// A value that cannot be: a price of nothing, bands upside down, a level other than 1 to 3.
    #[error("a value is out of range")]
    BadValue = 5,
    /// No room for another position.
    #[error("no room for another position")]
    Full = 6,
}

/// How one side of a match is told to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Print {
    /// Not: the other side's message, or the cross's, tells it.
    Quiet = 0,
    /// ITCH E: a shown order, at its own price.
    Order = 1,
    /// ITCH C, not printable: a shown order, in a cross, at the cross's price.
    Cross = 2,
    /// ITCH P: an order that nobody saw.
    Trade = 3,
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
    /// Who sees it.
    pub display: Display,
    /// The cross it is for.
    pub cross: CrossKind,
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
    /// Who sees it.
    pub display: Display,
    /// The cross it is for.
    pub cross: CrossKind,
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
    /// The order that stood in the book; in a cross, the buyer's.
    pub resting: Party,
    /// The order that came in; in a cross, the seller's.
    pub aggressor: Party,
    /// The first party's side.
    pub resting_side: Side,
    /// Which instrument.
    pub symbol: SymbolId,
    /// At what price.
    pub price: Price,
    /// Shares.
    pub qty: Qty,
    /// The match's number.
    pub match_id: MatchId,
    /// OUCH's liquidity flags of both parties.
    pub liquidity: [u8; 2],
    /// How both sides are told to everyone.
    pub print: [Print; 2],
}

/// See [`Event::Canceled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canceled {
    /// The order.
    pub party: Party,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Shares taken off, reserve included.
    pub qty: Qty,
    /// Shares still live, reserve included.
    pub leaves: Qty,
    /// Shares taken off the tape; 0 when the order was not on it.
    pub shown: Qty,
    /// Why.
    pub reason: CancelReason,
}

/// See [`Event::Aiq`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aiq {
    /// The order that lost shares.
    pub party: Party,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Shares taken off.
    pub qty: Qty,
    /// Shares still live.
    pub leaves: Qty,
    /// Shares taken off the tape; 0 when the order was not on it.
    pub shown: Qty,
    /// Shares that would have traded.
    pub prevented: Qty,
    /// At what price they would have.
    pub price: Price,
    /// OUCH's liquidity flag they would have had.
    pub liquidity: u8,
}

/// See [`Event::Restated`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restated {
    /// The order, under its number from now on.
    pub party: Party,
    /// OUCH's letter: R the display was refreshed, P the displayed price was changed.
    pub reason: u8,
    /// Shares displayed.
    pub displayed: Qty,
    /// The price displayed.
    pub price: Price,
}

/// See [`Event::MassCanceled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassCanceled {
    /// Who asked.
    pub session: SessionId,
    /// The client's number for the request.
    pub user_ref: UserRef,
    /// Whose orders; blank for everyone's.
    pub firm: Firm,
    /// Which instrument's; 0 for all.
    pub symbol: SymbolId,
}

/// See [`Event::Permitted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permitted {
    /// Who asked.
    pub session: SessionId,
    /// The client's number for the request.
    pub user_ref: UserRef,
    /// Whose orders; blank for everyone's.
    pub firm: Firm,
    /// Whether orders may be entered from now on.
    pub enabled: bool,
}

/// See [`Event::Broken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Who traded: the resting order's session and number, then the aggressor's.
    pub parties: [(SessionId, UserRef); 2],
    /// Their orders' free texts.
    pub cl_ord_ids: [ClOrdId; 2],
    /// Which instrument.
    pub symbol: SymbolId,
    /// Which match.
    pub match_id: MatchId,
    /// OUCH's letter.
    pub reason: u8,
}

/// See [`Event::Corrected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// Who traded: the resting order's session and number, then the aggressor's.
    pub parties: [(SessionId, UserRef); 2],
    /// Their orders' free texts.
    pub cl_ord_ids: [ClOrdId; 2],
    /// OUCH's liquidity flags of both.
    pub liquidity: [u8; 2],
    /// The first party's side.
    pub resting_side: Side,
    /// Which instrument.
    pub symbol: SymbolId,
    /// Which match.
    pub match_id: MatchId,
    /// Shares.
    pub qty: Qty,
    /// The right price.
    pub price: Price,
    /// OUCH's letter.
    pub reason: u8,
}

/// See [`Event::CrossDone`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossDone {
    /// Which instrument.
    pub symbol: SymbolId,
    /// Which cross.
    pub kind: CrossKind,
    /// At what price; 0 when nothing traded.
    pub price: Price,
    /// Shares, each counted once.
    pub qty: u64,
    /// The cross's own number among the matches.
    pub match_id: MatchId,
}

/// See [`Event::Imbalance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Which instrument.
    pub symbol: SymbolId,
    /// Which cross.
    pub kind: CrossKind,
    /// Shares that would trade.
    pub paired: u64,
    /// Shares that would be left over at that price.
    pub imbalance: u64,
    /// On which side; `None` when on neither.
    pub side: Option<Side>,
    /// The price of the cross; 0 when nothing would trade.
    pub price: Price,
    /// The price it was held against; 0 when there is none.
    pub reference: Price,
}

/// See [`Event::State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Which instrument.
    pub symbol: SymbolId,
    /// Its state.
    pub state: TradingState,
    /// ITCH's four letters.
    pub reason: [u8; 4],
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
    /// The firm, where the order is attributed; else blank.
    pub firm: Firm,
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

const _: () = assert!(core::mem::size_of::<Event>() <= 96);
