//! What the engine knows of each instrument: names, rules, and where its day stands.
//!
//! Layout: a dense table by [`SymbolId`], a cache line each, and a hash table of ids by name, at
//! most half of it used: the names are in the rows, which are read anyway. Ids that no instrument
//! has are blanks that take no order.

use crate::config::{EngineConfig, TickStep};
use crate::order::NIL;
use prefetch_index::prefetch_index;
use types::{CrossKind, Phase, Price, Symbol, SymbolId, TradingState};

/// 2^64 over the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// One instrument's state.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Instrument {
    pub(crate) name: Symbol,
    pub(crate) listed: bool,
    pub(crate) phase: Phase,
    pub(crate) state: TradingState,
    /// What crosses and bands are held against; 0 for none.
    pub(crate) reference: Price,
    /// The last trade's price; 0 before the first.
    pub(crate) last: Price,
    /// The bands; both 0 for none.
    pub(crate) lower: Price,
    pub(crate) upper: Price,
    lot: u32,
    ticks: u8,
    /// Pegged orders on both sides.
    pub(crate) pegs: u32,
    /// When the best price came to stand at a band; 0 while it does not.
    pub(crate) limit_since_ns: u64,
    /// When a pause ends; 0 without one.
    pub(crate) resume_ns: u64,
}

const _: () = assert!(size_of::<Instrument>() == 64);

impl Instrument {
    const BLANK: Instrument = Instrument {
        name: Symbol([b' '; 8]),
        listed: false,
        phase: Phase::Continuous,
        state: TradingState::Trading,
        reference: Price(0),
        last: Price(0),
        lower: Price(0),
        upper: Price(0),
        lot: 1,
        ticks: 0,
        pegs: 0,
        limit_since_ns: 0,
        resume_ns: 0,
    };

    /// Whether orders match as they come.
    #[inline]
    pub(crate) fn matches(&self) -> bool {
        self.phase == Phase::Continuous && self.state == TradingState::Trading
    }

    /// Whether orders are taken.
    #[inline]
    pub(crate) fn takes_orders(&self) -> bool {
        matches!(self.phase, Phase::PreOpen | Phase::Continuous)
    }

    pub(crate) fn has_bands(&self) -> bool {
        self.upper > Price(0)
    }

    /// Whether the bands, if there are any, allow a price.
    #[inline]
    pub(crate) fn within_bands(&self, price: Price) -> bool {
        !self.has_bands() || (self.lower..=self.upper).contains(&price)
    }

    /// The cross that the present state leads to.
    pub(crate) fn next_cross(&self) -> CrossKind {
        match self.phase {
            Phase::Start | Phase::PreOpen => CrossKind::Opening,
            _ if self.state != TradingState::Trading => CrossKind::Halt,
            _ => CrossKind::Closing,
        }
    }

    /// What crosses are held against: the reference, else the last trade.
    pub(crate) fn cross_reference(&self) -> Price {
        if self.reference > Price(0) { self.reference } else { self.last }
    }
}

/// All instruments.
#[derive(Clone, Debug)]
pub(crate) struct Instruments {
    by_id: Box<[Instrument]>,
    names: Box<[u32]>,
    /// What of a product of 64 bits is the place in `names`.
    shift: u32,
    ticks: Box<[Box<[TickStep]>]>,
}

impl Instruments {
    pub(crate) fn new(config: &EngineConfig) -> Instruments {
        let highest = config.instruments.iter().map(|i| usize::from(i.id.0)).max().unwrap_or(0);
        let mut by_id = vec![Instrument::BLANK; highest + 1].into_boxed_slice();
        let phase = if config.opens_trading { Phase::Continuous } else { Phase::Start };
        for i in &config.instruments {
            by_id[usize::from(i.id.0)] = Instrument {
                name: i.name,
                listed: true,
                phase,
                reference: i.reference,
                lot: i.lot.max(1),
                ticks: i.ticks,
                ..Instrument::BLANK
            };
        }
        let ticks = config.ticks.iter().map(|t| t.clone().into_boxed_slice()).collect();
        let places = (2 * config.instruments.len()).next_power_of_two().max(2);
        let names = vec![NIL; places].into_boxed_slice();
        let shift = u64::BITS - places.trailing_zeros();
        let mut all = Instruments { by_id, names, shift, ticks };
        for i in &config.instruments {
            let at = all.probe(&i.name);
            all.names[at] = u32::from(i.id.0);
        }
        all
    }

    /// Where a name's id is, or the empty place where it would be.
    #[inline]
    fn probe(&self, name: &Symbol) -> usize {
        let mask = self.names.len() - 1;
        let mut at = self.home(name);
        loop {
            let id = self.names[at & mask];
            if id == NIL || self.by_id[id as usize].name == *name {
                return at & mask;
            }
            at += 1;
        }
    }

    /// Where a name's id is unless another's is there.
    #[inline]
    fn home(&self, name: &Symbol) -> usize {
        (name.key().wrapping_mul(SPREAD) >> self.shift) as usize & (self.names.len() - 1)
    }

    /// Asks memory for a name's id.
    #[inline]
    pub(crate) fn ask_name(&self, name: &Symbol) {
        prefetch_index(&self.names, self.home(name));
    }

    /// What a name's id may be, told by the place that was asked for alone.
    #[inline]
    pub(crate) fn peek(&self, name: &Symbol) -> SymbolId {
        SymbolId(self.names[self.home(name)] as u16)
    }

    /// Asks memory for an instrument.
    #[inline]
    pub(crate) fn ask(&self, id: SymbolId) {
        prefetch_index(&self.by_id, usize::from(id.0));
    }

    /// Ids are below this.
    pub(crate) fn ids(&self) -> u32 {
        self.by_id.len() as u32
    }

    #[inline]
    pub(crate) fn find(&self, name: &Symbol) -> Option<SymbolId> {
        let id = self.names[self.probe(name)];
        (id != NIL).then_some(SymbolId(id as u16))
    }

    #[inline]
    pub(crate) fn get(&self, id: SymbolId) -> &Instrument {
        self.by_id.get(usize::from(id.0)).unwrap_or(&Instrument::BLANK)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: SymbolId) -> Option<&mut Instrument> {
        self.by_id.get_mut(usize::from(id.0)).filter(|i| i.listed)
    }

    /// The instruments that an operator means: one, or all for id 0.
    pub(crate) fn meant(&self, id: SymbolId) -> impl Iterator<Item = SymbolId> + use<> {
        // In 32 bits: the highest id has no successor in 16.
        let ids = match id.0 {
            0 => 1..self.ids(),
            one => u32::from(one)..u32::from(one) + 1,
        };
        ids.map(|id| SymbolId(id as u16))
    }

    pub(crate) fn is_listed(&self, id: SymbolId) -> bool {
        self.get(id).listed
    }

    /// Whether a quantity is a multiple of the lot.
    #[inline]
    pub(crate) fn lot_ok(&self, id: SymbolId, qty: u32) -> bool {
        let lot = self.get(id).lot;
        lot == 1 || qty.is_multiple_of(lot)
    }

    /// The tick at a price.
    #[inline]
    pub(crate) fn tick(&self, id: SymbolId, price: Price) -> u32 {
        let table = self.ticks.get(usize::from(self.get(id).ticks));
        let step = table.and_then(|t| t.iter().rev().find(|step| step.from <= price));
        step.map_or(1, |step| step.tick.max(1))
    }

    /// The highest price of the grid below a price.
    pub(crate) fn below(&self, id: SymbolId, price: Price) -> Option<Price> {
        self.at_or_below(id, Price(price.0.checked_sub(1)?))
    }

    /// The lowest price of the grid above a price.
    pub(crate) fn above(&self, id: SymbolId, price: Price) -> Option<Price> {
        let tick = self.tick(id, price);
        let above = (price.0 / tick).checked_add(1)?.checked_mul(tick)?;
        Some(Price(above)).filter(|p| *p <= Price::LIMIT_MAX)
    }

    /// The highest price of the grid that is not above a price.
    pub(crate) fn at_or_below(&self, id: SymbolId, price: Price) -> Option<Price> {
        let tick = self.tick(id, price);
        Some(Price(price.0 - price.0 % tick)).filter(|p| *p > Price(0))
    }

    /// The lowest price of the grid that is not below a price.
    pub(crate) fn at_or_above(&self, id: SymbolId, price: Price) -> Option<Price> {
        let on_grid = price > Price(0) && self.tick_ok(id, price);
        if on_grid { Some(price) } else { self.above(id, price) }
    }

    /// Whether a limit is a multiple of its tick.
    #[inline]
    pub(crate) fn tick_ok(&self, id: SymbolId, price: Price) -> bool {
        let tick = self.tick(id, price);
        tick == 1 || price.0.is_multiple_of(tick)
    }
}
