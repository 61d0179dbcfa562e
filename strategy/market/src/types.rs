//! What the market tells: plain copyable data.

use ::types::{CrossKind, MatchId, Price, Qty, Side, Ticker, TradingState};

/// What one message did, for those who act on it. One byte of flags and whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Which of the trader's symbols; [`News::NOBODY`] for one that it does not trade.
    pub ticker: Ticker,
    what: u8,
}

impl News {
    /// No ticker.
    pub const NOBODY: Ticker = Ticker(u16::MAX);
    /// Nothing happened that anyone acts on.
    pub const NOTHING: News = News { ticker: News::NOBODY, what: 0 };
    /// Price, shares or orders of a best level changed.
    pub const TOP: u8 = 1;
    /// Anything in the book changed.
    pub const BOOK: u8 = 2;
    /// Shares traded: see [`Market::last_trade`](crate::Market::last_trade).
    pub const TRADE: u8 = 4;
    /// The status changed: halt, resumption, suspicion, imbalance, restriction.
    pub const STATUS: u8 = 8;
    /// The directory told the symbol's locate.
    pub const LISTED: u8 = 16;
    /// The day's phase changed, for all symbols.
    pub const DAY: u8 = 32;

    /// News of `what` (a sum of the flags) about `ticker`.
    pub const fn new(ticker: Ticker, what: u8) -> News {
        News { ticker, what }
    }

    /// Whether any of `flags` is among it.
    #[inline]
    pub const fn has(self, flags: u8) -> bool {
        self.what & flags != 0
    }

    /// Whether a strategy has a reason to look.
    #[inline]
    pub const fn is_nothing(self) -> bool {
        self.what == 0
    }
}

/// How shares traded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TradeKind {
    /// Against a shown order (E, C).
    #[default]
    Book,
    /// Against a hidden order (P).
    Hidden,
    /// In a cross (Q).
    Cross(CrossKind),
}

/// A print of the tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trade {
    /// When, in ns since midnight, by the venue's clock.
    pub at_ns: u64,
    /// Shares; a cross may have more than four bytes hold.
    pub qty: u64,
    /// At which price.
    pub price: Price,
    /// The side of the order that rested; `None` where the feed does not tell (hidden, cross).
    pub resting: Option<Side>,
    /// The venue's number of it.
    pub match_id: MatchId,
    /// How.
    pub kind: TradeKind,
    /// Whether it counts for volume (C may say no).
    pub printable: bool,
    /// Whether the venue broke it afterwards (B).
    pub broken: bool,
}

/// The price bands of the auction that ends a pause, as J told them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collar {
    /// When, in ns since midnight.
    pub at_ns: u64,
    /// The reference.
    pub reference: Price,
    /// The highest price.
    pub upper: Price,
    /// The lowest price.
    pub lower: Price,
    /// How often the auction was put off.
    pub extensions: u32,
}

/// An offering's quoting period, as K told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offering {
    /// When quoting is released, in seconds since midnight.
    pub release_s: u32,
    /// Whether the release was canceled or put off.
    pub canceled: bool,
    /// The offering's price.
    pub price: Price,
}

/// A direct listing with a capital raise, as O told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectListing {
    /// Whether it may open.
    pub eligible: bool,
    /// The lowest price it may open at.
    pub lowest: Price,
    /// The highest price it may open at.
    pub highest: Price,
    /// Where it would open now.
    pub near: Price,
}

/// What a feed tells of a symbol now and then, the last of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// J.
    pub collar: Option<Collar>,
    /// K.
    pub offering: Option<Offering>,
    /// O.
    pub direct_listing: Option<DirectListing>,
    /// N's letter: retail interest to buy, to sell, both or none; 0 before the first.
    pub retail_interest: u8,
}

/// The market-wide circuit breakers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breakers {
    /// V: the three levels of the index, in 1/100000000.
    pub levels: Option<[u64; 3]>,
    /// W: the level that was breached, 1 to 3; 0 for none.
    pub breached: u8,
}

/// A cross to come, as the last I message told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// When, in ns since midnight.
    pub at_ns: u64,
    /// Shares that would trade.
    pub paired: u64,
    /// Shares that would not.
    pub shares: u64,
    /// The side with too many; `None` for none or too few orders.
    pub side: Option<Side>,
    /// Price at which the cross's own orders would trade; 0 for none.
    pub far: Price,
    /// Price at which all orders would trade; 0 for none.
    pub near: Price,
    /// The reference.
    pub reference: Price,
    /// Which cross.
    pub kind: CrossKind,
}

/// What a feed can say that cannot be true. One byte, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lie {
    /// More shares executed than the order had.
    ExecutedBeyondSize = 0,
    /// More shares canceled than the order had.
    CanceledBeyondSize = 1,
    /// An order that was never told of, or is gone.
    UnknownReference = 2,
    /// An order's number a second time.
    DuplicateReference = 3,
    /// A price of 0.
    ZeroPrice = 4,
    /// An order or a trade of no shares.
    ZeroShares = 5,
    /// A locate that the directory has not told.
    UnlistedSymbol = 6,
    /// A time before that of an earlier message.
    TimeWentBack = 7,
    /// A side that is neither B nor S.
    BadSide = 8,
    /// Another symbol than the order's own, or than its locate stands for.
    WrongSymbol = 9,
    /// Bid above offer in continuous trading, each time that a top changes and stays so. Bid at
    /// offer (locked) is no lie: a venue may show it for the length of a burst.
    Crossed = 10,
    /// An unknown type, a length that is not its type's, or a letter that its field does not have.
    Unreadable = 11,
    /// A price above ITCH's highest, $200,000.
    PriceBeyondMax = 12,
    /// No lie of the feed's: our own tables had no room for what was told.
    NoRoom = 13,
}

impl Lie {
    /// Every kind, in the order of its code.
    pub const ALL: [Lie; Lie::COUNT] = [
        Lie::ExecutedBeyondSize,
        Lie::CanceledBeyondSize,
        Lie::UnknownReference,
        Lie::DuplicateReference,
        Lie::ZeroPrice,
        Lie::ZeroShares,
        Lie::UnlistedSymbol,
        Lie::TimeWentBack,
        Lie::BadSide,
        Lie::WrongSymbol,
        Lie::Crossed,
        Lie::Unreadable,
        Lie::PriceBeyondMax,
        Lie::NoRoom,
    ];
    /// How many kinds there are.
    pub const COUNT: usize = 14;

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Lie::ExecutedBeyondSize => "executed_beyond_size",
            Lie::CanceledBeyondSize => "canceled_beyond_size",
            Lie::UnknownReference => "unknown_reference",
            Lie::DuplicateReference => "duplicate_reference",
            Lie::ZeroPrice => "zero_price",
            Lie::ZeroShares => "zero_shares",
            Lie::UnlistedSymbol => "unlisted_symbol",
            Lie::TimeWentBack => "time_went_back",
            Lie::BadSide => "bad_side",
            Lie::WrongSymbol => "wrong_symbol",
            Lie::Crossed => "crossed",
            Lie::Unreadable => "unreadable",
            Lie::PriceBeyondMax => "price_beyond_max",
            Lie::NoRoom => "no_room",
        }
    }
}

/// How far what is known of the market can be relied on, over all symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Currency {
    /// Nothing was missed.
    #[default]
    Current = 0,
    /// Messages are missing and are being recovered: the books are old.
    Behind = 1,
    /// Messages were lost for good: the books are wrong somewhere.
    Lossy = 2,
    /// No line has said anything for too long.
    Silent = 3,
}

/// A symbol's standing, beside its book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it trades. Halted also while the venue is halted for it operationally (h).
    pub trading: TradingState,
    /// Between the feed's Q and M system events; for who joined late, by the clock (09:30 to 16:00)
    /// until one is heard.
    pub market_hours: bool,
    /// Whether short sales may only be above the bid (Reg SHO, rule 201).
    pub short_restricted: bool,
    /// The first lie about it since its book was last known to be right.
    pub suspect: Option<Lie>,
    /// How far the feed can be relied on.
    pub currency: Currency,
    /// Time of the last message about it, in ns since midnight; 0 before the first.
    pub updated_ns: u64,
    /// Shares traded so far, those that count for volume.
    pub volume: u64,
    /// The round lot, in shares.
    pub round_lot: u32,
    /// The cross to come.
    pub imbalance: Option<Imbalance>,
}

impl Default for Status {
    fn default() -> Status {
        Status {
            trading: TradingState::Trading,
            market_hours: false,
            short_restricted: false,
            suspect: None,
            currency: Currency::Current,
            updated_ns: 0,
            volume: 0,
            round_lot: 100,
            imbalance: None,
        }
    }
}

/// A side's shares ahead of an order in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Shares in front.
    pub shares: u64,
    /// Orders in front.
    pub orders: u32,
    /// Whether there may be more: the walk ended at its bound.
    pub at_least: bool,
}

/// Shares of an order as [`Qty`], whatever a cross's eight bytes say.
pub fn qty_clamped(shares: u64) -> Qty {
    Qty(u32::try_from(shares).unwrap_or(u32::MAX))
}
