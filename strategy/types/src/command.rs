//! What the engine is told. The venue's gate makes these out of OUCH, an operator's console out of
//! words; replay reads them from a log.

use crate::{
    AccountId, ClOrdId, CrossKind, Display, Firm, MatchId, OrderCapacity, OrderSide, Peg, Phase,
    Price, Qty, RejectReason, SessionId, Symbol, SymbolId, TimeInForce, UserRef,
};
use rkyv::{Archive, Deserialize, Serialize};

/// One input of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Command {
    /// A new order.
    Enter(Enter),
    /// A new order in the place of a live one.
    Replace(Replace),
    /// A live order reduced, or taken off.
    Cancel(Cancel),
    /// A live order's side (kind of sale) or quantity changed in place.
    Modify(Modify),
    /// All of a session's orders taken off, or those of a firm or a symbol.
    MassCancel(MassCancel),
    /// Order entry of a session, or of a firm on it, switched off or on.
    Permit(Permit),
    /// An order that the gate refused: it uses up its `UserRef` and is answered, nothing else.
    Refused(Refused),
    /// What the venue's operator wants.
    Operate(Operation),
}

/// How an order meets the book, beside its price and quantity. The default is a plain one: visible,
/// day, without conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Terms {
    /// Lifetime.
    pub tif: TimeInForce,
    /// Who sees it.
    pub display: Display,
    /// What its price follows.
    pub peg: Peg,
    /// What becomes of it where it would take liquidity.
    pub post_only: PostOnly,
    /// Fewest shares it trades at once; 0 for any.
    pub min_qty: Qty,
    /// Shares shown of a reserve order; 0 for all.
    pub max_floor: Qty,
    /// Seconds since midnight at which it ends, with [`TimeInForce::Gtt`].
    pub expire_s: u32,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            tif: TimeInForce::Day,
            display: Display::Visible,
            peg: Peg::None,
            post_only: PostOnly::No,
            min_qty: Qty::ZERO,
            max_floor: Qty::ZERO,
            expire_s: 0,
        }
    }
}

impl Terms {
    /// The terms that OUCH's display letter stands for; `post` is what post-only means at this
    /// venue. `None` for letters that the engine does not offer (retail, imbalance only,
    /// conformant, trade-now).
    pub const fn of_display(letter: u8, post: PostOnly) -> Option<Terms> {
        use {Display::*, Peg::Midpoint};
        let (display, post_only, peg) = match letter {
            b'Y' => (Visible, PostOnly::No, Peg::None),
            b'A' => (Attributable, PostOnly::No, Peg::None),
            b'N' => (Hidden, PostOnly::No, Peg::None),
            b'P' => (Visible, post, Peg::None),
            b'L' => (Attributable, post, Peg::None),
            b'M' => (Hidden, PostOnly::No, Midpoint),
            b'W' => (Hidden, PostOnly::Reject, Midpoint),
            _ => return None,
        };
        let none = Qty(0);
        let (tif, expire_s) = (TimeInForce::Day, 0);
        Some(Terms { tif, display, peg, post_only, min_qty: none, max_floor: none, expire_s })
    }
}

/// What becomes of an order that would take liquidity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum PostOnly {
    /// It takes it.
    #[default]
    No = 0,
    /// It is canceled.
    Reject = 1,
    /// It rests one tick short of the price it would have taken.
    Slide = 2,
}

/// OUCH Enter Order, as far as the engine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Enter {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number for it; must be above every earlier one of the session.
    pub user_ref: UserRef,
    /// Whose cash and positions it trades for.
    pub account: AccountId,
    /// For whom, as self-match prevention sees it; blank for nobody.
    pub firm: Firm,
    /// Side and kind of sale.
    pub side: OrderSide,
    /// Shares; 1..=999,999.
    pub qty: Qty,
    /// Which instrument.
    pub symbol: Symbol,
    /// Limit, or [`Price::MARKET`].
    pub price: Price,
    /// How it meets the book.
    pub terms: Terms,
    /// The cross it is for; [`CrossKind::None`] for the continuous market.
    pub cross: CrossKind,
    /// On whose behalf; kept for the replies to replacements.
    pub capacity: OrderCapacity,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

/// OUCH Replace Order. Its peg is not looked at: a chain keeps the one it was entered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Replace {
    /// Who sent it.
    pub session: SessionId,
    /// The live order's number.
    pub orig: UserRef,
    /// The replacement's number.
    pub user_ref: UserRef,
    /// The intended total of the chain, shares already executed included.
    pub qty: Qty,
    /// The new limit.
    pub price: Price,
    /// How it meets the book from now on.
    pub terms: Terms,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

/// OUCH Cancel Order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Cancel {
    /// Who sent it.
    pub session: SessionId,
    /// The live order's number.
    pub user_ref: UserRef,
    /// The new intended size, shares already executed included; 0 takes all off.
    pub qty: Qty,
}

/// OUCH Modify Order: never loses priority, may only reduce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Modify {
    /// Who sent it.
    pub session: SessionId,
    /// The live order's number.
    pub user_ref: UserRef,
    /// The new kind of sale; must stay on the same side of the book.
    pub side: OrderSide,
    /// The new intended size.
    pub qty: Qty,
}

/// OUCH Mass Cancel Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct MassCancel {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number for the request.
    pub user_ref: UserRef,
    /// Whose orders; blank for everyone's.
    pub firm: Firm,
    /// Which instrument's; blank for all.
    pub symbol: Symbol,
}

/// OUCH Disable and Enable Order Entry Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Permit {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number for the request.
    pub user_ref: UserRef,
    /// Whose orders; blank for everyone's.
    pub firm: Firm,
    /// Whether orders may be entered from now on.
    pub enable: bool,
}

/// What the gate would not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Refused {
    /// Who sent it.
    pub session: SessionId,
    /// The client's number for it.
    pub user_ref: UserRef,
    /// Why.
    pub reason: RejectReason,
    /// Free text, echoed.
    pub cl_ord_id: ClOrdId,
}

/// What an operator can do. [`SymbolId`] 0 means every instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum Operation {
    /// Nothing but time passes: orders expire, pauses begin and end.
    Clock,
    /// The trading day moves on.
    Phase {
        /// Which instrument.
        symbol: SymbolId,
        /// To where.
        phase: Phase,
    },
    /// Trading stops; `reason` is ITCH's four letters.
    Halt {
        /// Which instrument.
        symbol: SymbolId,
        /// As in ITCH's Stock Trading Action.
        reason: [u8; 4],
    },
    /// Orders are taken and not matched, until trading resumes; with a release time and a price,
    /// the quoting period of an offering.
    Quote {
        /// Which instrument.
        symbol: SymbolId,
        /// Seconds since midnight at which trading is to be released; 0 when not said.
        release_s: u32,
        /// The price of the offering; 0 when there is none.
        price: Price,
    },
    /// Trading resumes with a cross.
    Resume {
        /// Which instrument.
        symbol: SymbolId,
    },
    /// A cross now.
    Cross {
        /// Which instrument.
        symbol: SymbolId,
        /// Which; [`CrossKind::None`] for the one that the instrument's state asks for.
        kind: CrossKind,
    },
    /// Tells how a cross would turn out now (ITCH Net Order Imbalance Indicator).
    Imbalance {
        /// Which instrument.
        symbol: SymbolId,
    },
    /// The price that crosses and bands are held against.
    Reference {
        /// Which instrument.
        symbol: SymbolId,
        /// The price.
        price: Price,
    },
    /// Limit up, limit down: nothing trades outside `lower..=upper`. Both 0 lift the bands.
    Bands {
        /// Which instrument.
        symbol: SymbolId,
        /// The lowest price.
        lower: Price,
        /// The highest price.
        upper: Price,
    },
    /// A market-wide circuit breaker, level 1 to 3: every instrument halts; at level 3 for the day.
    Breaker {
        /// The level.
        level: u8,
    },
    /// A trade never was.
    Bust {
        /// Which.
        match_id: MatchId,
        /// OUCH's letter: E erroneous, C consent, S supervisory, X external.
        reason: u8,
    },
    /// A trade was at another price.
    Adjust {
        /// Which.
        match_id: MatchId,
        /// The right price.
        price: Price,
        /// OUCH's letter.
        reason: u8,
    },
    /// Cash from one account to another, refused when the balance is short.
    TransferCash {
        /// Who pays.
        from: AccountId,
        /// Who is paid.
        to: AccountId,
        /// In 1/10000 dollar.
        amount: u64,
    },
    /// Shares from one account to another, refused when the position is short.
    TransferShares {
        /// Who gives.
        from: AccountId,
        /// Who takes.
        to: AccountId,
        /// Which instrument.
        symbol: SymbolId,
        /// How many.
        qty: u64,
    },
    /// Cash into an account from outside.
    Deposit {
        /// Which account.
        to: AccountId,
        /// In 1/10000 dollar.
        amount: u64,
    },
    /// Every order of a session taken off, as when its client is gone for good.
    CancelSession {
        /// Whose.
        session: SessionId,
    },
}

impl Command {
    /// Who sent it; nobody's are the operator's.
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Command::Enter(c) => Some(c.session),
            Command::Replace(c) => Some(c.session),
            Command::Cancel(c) => Some(c.session),
            Command::Modify(c) => Some(c.session),
            Command::MassCancel(c) => Some(c.session),
            Command::Permit(c) => Some(c.session),
            Command::Refused(c) => Some(c.session),
            Command::Operate(_) => None,
        }
    }
}

const _: () = assert!(core::mem::size_of::<Command>() <= 80);
