//! How large an engine is, and what it is told of its instruments.

use crate::ledger::{LedgerConfig, SessionLimits};
use types::{Price, Symbol, SymbolId};

/// One instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentConfig {
    /// Its number, ITCH's stock locate; from 1.
    pub id: SymbolId,
    /// Its name.
    pub name: Symbol,
    /// Orders are multiples of this many shares; 1 for any number.
    pub lot: u32,
    /// Which of [`EngineConfig::ticks`] its prices follow.
    pub ticks: u8,
    /// The price that its first cross and bands are held against; 0 for none.
    pub reference: Price,
}

impl InstrumentConfig {
    /// An instrument without rules of its own.
    pub const fn plain(id: SymbolId, name: Symbol) -> InstrumentConfig {
        InstrumentConfig { id, name, lot: 1, ticks: 0, reference: Price(0) }
    }
}

/// From this price on, prices are multiples of `tick`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickStep {
    /// The lowest price it holds for.
    pub from: Price,
    /// The smallest difference of two prices, in 1/10000 dollar; at least 1.
    pub tick: u32,
}

/// Reg NMS, rule 612: a cent from one dollar on, a hundredth of a cent below.
pub const REG_NMS: [TickStep; 2] =
    [TickStep { from: Price(0), tick: 1 }, TickStep { from: Price::DOLLAR, tick: 100 }];

/// What becomes of two orders of one firm that would meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfMatch {
    /// They trade.
    Trade,
    /// The one that came in is canceled.
    #[default]
    CancelNewest,
    /// The one that rested is canceled.
    CancelOldest,
    /// Both lose the shares that would have traded.
    Decrement,
}

/// How large an engine is, and how it behaves. Every capacity is taken at construction.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The instruments that are traded.
    pub instruments: Vec<InstrumentConfig>,
    /// Tick tables, each sorted by `from`; an empty list means one tick of 1.
    pub ticks: Vec<Vec<TickStep>>,
    /// Client sessions are `0..sessions`.
    pub sessions: u16,
    /// Orders resting at once.
    pub orders: u32,
    /// Price levels at once, hidden, pegged and crossing ones included.
    pub levels: u32,
    /// Resting orders with a reserve, a minimum quantity or an expiry, at once.
    pub conditional_orders: u32,
    /// Trades that can still be broken or adjusted; rounded up to a power of two.
    pub trades: u32,
    /// Orders of one firm that meet.
    pub self_match: SelfMatch,
    /// Cash and positions; `None` keeps none.
    pub ledger: Option<LedgerConfig>,
    /// What each session is held to, where there is a ledger.
    pub session_limits: SessionLimits,
    /// The best price may stand at a band for so long, in ns, before trading pauses (15 s).
    pub limit_state_ns: u64,
    /// How long a pause lasts, in ns (5 minutes).
    pub pause_ns: u64,
    /// Whether the day begins with orders matching at once; else in [`types::Phase::Start`].
    pub opens_trading: bool,
}

/// One second in ns.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

impl EngineConfig {
    /// An engine for these instruments with a ledger for none, and capacities of a small venue.
    pub fn new(instruments: Vec<InstrumentConfig>, sessions: u16) -> EngineConfig {
        EngineConfig {
            instruments,
            ticks: Vec::new(),
            sessions,
            orders: 1 << 16,
            levels: 1 << 14,
            conditional_orders: 1 << 14,
            trades: 1 << 14,
            self_match: SelfMatch::default(),
            ledger: None,
            session_limits: SessionLimits::default(),
            limit_state_ns: 15 * SECOND_NS,
            pause_ns: 300 * SECOND_NS,
            opens_trading: true,
        }
    }
}
