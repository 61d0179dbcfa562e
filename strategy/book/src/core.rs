//! All symbols' books over two slabs.

use crate::ladder::{Ladder, maps_max};
use crate::slab::{NONE, Slab};
use crate::table::RefMap;
use types::{Price, Qty, Side, SymbolId};

/// How much a book holds. Each is a bound, none grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Orders resting at once, over all books.
    pub orders: u32,
    /// Price levels at once, over all books.
    pub levels: u32,
    /// Symbols are `0..symbols`.
    pub symbols: u16,
}

/// Why an order could not be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookError {
    /// Every order is taken.
    OrdersFull,
    /// Every level is taken.
    LevelsFull,
    /// The symbol is beyond the capacity.
    UnknownSymbol,
}

/// A resting order's place. Valid until the order leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub(crate) u32);

impl Slot {
    /// The place as a number, for a [`RefMap`](crate::RefMap).
    pub const fn index(self) -> u32 {
        self.0
    }

    /// The place of a number that came from [`Slot::index`].
    pub const fn from_index(index: u32) -> Slot {
        Slot(index)
    }
}

/// What an operation did to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which book.
    pub symbol: SymbolId,
    /// Which side.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// Whether price, quantity or count of the side's best level changed.
    pub top_changed: bool,
}

/// A level as seen from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelView {
    /// Its price.
    pub price: Price,
    /// Shares in all its orders.
    pub qty: u64,
    /// Its orders.
    pub orders: u32,
}

/// The best of both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// The highest bid.
    pub bid: Option<LevelView>,
    /// The lowest offer.
    pub ask: Option<LevelView>,
}

/// A resting order as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView<P> {
    /// Which book.
    pub symbol: SymbolId,
    /// Which side.
    pub side: Side,
    /// Its limit.
    pub price: Price,
    /// Shares left.
    pub qty: Qty,
    /// What it carries.
    pub payload: P,
}

#[derive(Clone, Copy, Debug)]
struct Order<P> {
    payload: P,
    qty: u32,
    level: u32,
    ahead: u32,
    behind: u32,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    qty: u64,
    price: u32,
    orders: u32,
    front: u32,
    back: u32,
    better: u32,
    worse: u32,
    symbol: SymbolId,
    side: Side,
}

const BLANK_LEVEL: Level = Level {
    qty: 0,
    price: 0,
    orders: 0,
    front: NONE,
    back: NONE,
    better: NONE,
    worse: NONE,
    symbol: SymbolId(0),
    side: Side::Buy,
};

/// All symbols' books; an order carries a `P`. See the crate's documentation for the layout.
#[derive(Clone, Debug)]
pub struct BookCore<P> {
    orders: Slab<Order<P>>,
    levels: Slab<Level>,
    by_price: RefMap,
    ladder: Ladder,
    /// The best level of each symbol's two sides.
    best: Box<[[u32; 2]]>,
}

/// Symbol, side and price in one word.
#[inline]
fn price_key(symbol: SymbolId, side: Side, price: Price) -> u64 {
    u64::from(symbol.0) << 33 | (side as u64) << 32 | u64::from(price.0)
}

/// Whether `a` is served before `b` on `side`.
#[inline]
fn is_better(side: Side, a: u32, b: u32) -> bool {
    match side {
        Side::Buy => a > b,
        Side::Sell => a < b,
    }
}

impl<P: Copy + Default> BookCore<P> {
    /// Takes all the memory the books will ever use.
    pub fn new(capacity: Capacity) -> BookCore<P> {
        let blank = Order { payload: P::default(), qty: 0, level: NONE, ahead: NONE, behind: NONE };
        BookCore {
            orders: Slab::new(capacity.orders, blank),
            levels: Slab::new(capacity.levels, BLANK_LEVEL),
            by_price: RefMap::with_capacity(capacity.levels as usize),
            // As many maps as the levels may ever need: the ladder is never full before they are.
            ladder: Ladder::with_maps(maps_max(capacity.levels, capacity.symbols)),
            best: vec![[NONE; 2]; usize::from(capacity.symbols)].into_boxed_slice(),
        }
    }

    /// Bytes an order takes, its payload included.
    pub const fn order_bytes() -> usize {
        size_of::<Order<P>>()
    }

    /// Orders resting.
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether nothing rests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an order at this price would find room.
    ///
    /// # Errors
    /// What there is no room for.
    #[inline]
    pub fn has_room(&self, symbol: SymbolId, side: Side, price: Price) -> Result<(), BookError> {
        if usize::from(symbol.0) >= self.best.len() {
            return Err(BookError::UnknownSymbol);
        }
        if !self.orders.has_room() {
            return Err(BookError::OrdersFull);
        }
        let has_level = |book: &Self| book.by_price.get(price_key(symbol, side, price)).is_some();
        if !self.levels.has_room() && !has_level(self) {
            return Err(BookError::LevelsFull);
        }
        Ok(())
    }

    /// Whether an order at this price, on the side of the one at `slot`, would find room once that
    /// one has left.
    ///
    /// # Errors
    /// What there would be no room for.
    #[inline]
    pub fn has_room_instead(&self, slot: Slot, price: Price) -> Result<(), BookError> {
        let level = self.levels.get(self.orders.get(slot.0).level);
        let key = price_key(level.symbol, level.side, price);
        // The last order of a level leaves a level behind.
        if self.levels.has_room() || level.orders == 1 || self.by_price.get(key).is_some() {
            return Ok(());
        }
        Err(BookError::LevelsFull)
    }

    /// Puts an order at the back of its price's queue.
    ///
    /// # Errors
    /// What there is no room for; nothing changed then.
    #[inline]
    pub fn insert(
        &mut self,
        symbol: SymbolId,
        side: Side,
        price: Price,
        qty: Qty,
        payload: P,
    ) -> Result<(Slot, Change), BookError> {
        self.has_room(symbol, side, price)?;
        let level = self.level_at(symbol, side, price).ok_or(BookError::LevelsFull)?;
        let back = self.levels.get(level).back;
        let order = Order { payload, qty: qty.0, level, ahead: back, behind: NONE };
        let slot = self.orders.insert(order).ok_or(BookError::OrdersFull)?;
        let node = self.levels.get_mut(level);
        node.back = slot;
        node.qty += u64::from(qty.0);
        node.orders += 1;
        match back {
            NONE => node.front = slot,
            _ => self.orders.get_mut(back).behind = slot,
        }
        let top_changed = self.best[usize::from(symbol.0)][side as usize] == level;
        Ok((Slot(slot), Change { symbol, side, price, top_changed }))
    }

    /// Takes `qty` shares off an order without moving it; all of them takes it out.
    #[inline]
    pub fn reduce(&mut self, slot: Slot, qty: Qty) -> Change {
        let order = self.orders.get_mut(slot.0);
        if qty.0 >= order.qty {
            return self.remove(slot);
        }
        order.qty -= qty.0;
        let at = order.level;
        let level = self.levels.get_mut(at);
        level.qty -= u64::from(qty.0);
        let (symbol, side, price) = (level.symbol, level.side, Price(level.price));
        let is_best = self.best[usize::from(symbol.0)][side as usize] == at;
        Change { symbol, side, price, top_changed: is_best && qty > Qty::ZERO }
    }

    /// Takes an order out.
    #[inline]
    pub fn remove(&mut self, slot: Slot) -> Change {
        let Order { qty, level: at, ahead, behind, .. } = *self.orders.get(slot.0);
        let level = self.levels.get_mut(at);
        level.qty -= u64::from(qty);
        level.orders -= 1;
        match ahead {
            NONE => level.front = behind,
            _ => self.orders.get_mut(ahead).behind = behind,
        }
        let level = self.levels.get_mut(at);
        match behind {
            NONE => level.back = ahead,
            _ => self.orders.get_mut(behind).ahead = ahead,
        }
        self.orders.remove(slot.0);
        let Level { symbol, side, price, orders, .. } = *self.levels.get(at);
        let top_changed = self.best[usize::from(symbol.0)][side as usize] == at;
        if orders == 0 {
            self.unlink(at);
        }
        Change { symbol, side, price: Price(price), top_changed }
    }

    /// The level of a price, made when there is none.
    #[inline]
    fn level_at(&mut self, symbol: SymbolId, side: Side, price: Price) -> Option<u32> {
        // Most orders come to the best price: one comparison instead of a hash.
        let best = self.best[usize::from(symbol.0)][side as usize];
        if best != NONE && self.levels.get(best).price == price.0 {
            return Some(best);
        }
        let known = self.by_price.get(price_key(symbol, side, price));
        known.or_else(|| self.link(symbol, side, price))
    }

    /// Makes a level and links it between its neighbours.
    fn link(&mut self, symbol: SymbolId, side: Side, price: Price) -> Option<u32> {
        let best = self.best[usize::from(symbol.0)][side as usize];
        let leads = best == NONE || is_better(side, price.0, self.levels.get(best).price);
        let better = if leads { NONE } else { self.better_level(symbol, side, price) };
        let worse = if leads { best } else { self.levels.get(better).worse };
        let node = Level { price: price.0, better, worse, symbol, side, ..BLANK_LEVEL };
        let at = self.levels.insert(node)?;
        let known = self.by_price.insert(price_key(symbol, side, price), at);
        debug_assert!(known, "a place for each level");
        self.ladder.insert(symbol, side, price);
        match better {
            NONE => self.best[usize::from(symbol.0)][side as usize] = at,
            _ => self.levels.get_mut(better).worse = at,
        }
        if worse != NONE {
            self.levels.get_mut(worse).better = at;
        }
        Some(at)
    }

    /// The level next better than a price that has none; there is one.
    fn better_level(&self, symbol: SymbolId, side: Side, price: Price) -> u32 {
        let next = match side {
            Side::Buy => self.ladder.above(symbol, side, price),
            Side::Sell => self.ladder.below(symbol, side, price),
        };
        let level = next.and_then(|p| self.by_price.get(price_key(symbol, side, p)));
        debug_assert!(level.is_some(), "ladder and levels agree");
        level.unwrap_or(self.best[usize::from(symbol.0)][side as usize])
    }

    fn unlink(&mut self, at: u32) {
        let Level { symbol, side, price, better, worse, .. } = *self.levels.get(at);
        match better {
            NONE => self.best[usize::from(symbol.0)][side as usize] = worse,
            _ => self.levels.get_mut(better).worse = worse,
        }
        if worse != NONE {
            self.levels.get_mut(worse).better = better;
        }
        self.by_price.remove(price_key(symbol, side, Price(price)));
        self.ladder.remove(symbol, side, Price(price));
        self.levels.remove(at);
    }

    /// A resting order.
    #[inline]
    pub fn order(&self, slot: Slot) -> OrderView<P> {
        let order = self.orders.get(slot.0);
        let level = self.levels.get(order.level);
        OrderView {
            symbol: level.symbol,
            side: level.side,
            price: Price(level.price),
            qty: Qty(order.qty),
            payload: order.payload,
        }
    }

    /// What a resting order carries, to be changed.
    #[inline]
    pub fn payload_mut(&mut self, slot: Slot) -> &mut P {
        &mut self.orders.get_mut(slot.0).payload
    }

    /// The order that is served first on a side.
    #[inline]
    pub fn front(&self, symbol: SymbolId, side: Side) -> Option<Slot> {
        let best = self.best_level(symbol, side)?;
        Some(Slot(self.levels.get(best).front))
    }

    #[inline]
    fn best_level(&self, symbol: SymbolId, side: Side) -> Option<u32> {
        let best = self.best.get(usize::from(symbol.0))?[side as usize];
        (best != NONE).then_some(best)
    }

    fn view(&self, at: u32) -> LevelView {
        let level = self.levels.get(at);
        LevelView { price: Price(level.price), qty: level.qty, orders: level.orders }
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, symbol: SymbolId, side: Side) -> Option<LevelView> {
        self.best_level(symbol, side).map(|at| self.view(at))
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, symbol: SymbolId) -> Top {
        Top { bid: self.best(symbol, Side::Buy), ask: self.best(symbol, Side::Sell) }
    }

    /// A side's levels, the best first.
    pub fn levels(&self, symbol: SymbolId, side: Side) -> Levels<'_, P> {
        Levels { book: self, at: self.best_level(symbol, side).unwrap_or(NONE) }
    }

    /// The orders at a price, in the order they are served.
    pub fn orders(&self, symbol: SymbolId, side: Side, price: Price) -> Orders<'_, P> {
        let level = self.by_price.get(price_key(symbol, side, price));
        Orders { book: self, at: level.map_or(NONE, |at| self.levels.get(at).front) }
    }

    /// Symbols the books have room for.
    pub fn symbols(&self) -> u16 {
        u16::try_from(self.best.len()).unwrap_or(u16::MAX)
    }

    /// A hash of everything that can be observed: symbols, levels, queues and what orders carry; it
    /// does not depend on which slots they lie in.
    pub fn state_hash(&self, payload: impl Fn(&P) -> u64) -> u64 {
        let mut hash = Fnv::default();
        for symbol in (0..self.symbols()).map(SymbolId) {
            for side in [Side::Buy, Side::Sell] {
                for level in self.levels(symbol, side) {
                    let place = price_key(symbol, side, level.price);
                    hash.add(place);
                    for order in self.orders(symbol, side, level.price) {
                        hash.add(u64::from(order.qty.0));
                        hash.add(payload(&order.payload));
                    }
                }
            }
        }
        hash.0
    }
}

/// FNV-1a over words.
#[derive(Clone, Copy, Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// See [`BookCore::levels`].
#[derive(Debug)]
pub struct Levels<'a, P> {
    book: &'a BookCore<P>,
    at: u32,
}

impl<P: Copy + Default> Iterator for Levels<'_, P> {
    type Item = LevelView;

    fn next(&mut self) -> Option<LevelView> {
        if self.at == NONE {
            return None;
        }
        let view = self.book.view(self.at);
        self.at = self.book.levels.get(self.at).worse;
        Some(view)
    }
}

/// See [`BookCore::orders`].
#[derive(Debug)]
pub struct Orders<'a, P> {
    book: &'a BookCore<P>,
    at: u32,
}

impl<P: Copy + Default> Iterator for Orders<'_, P> {
    type Item = OrderView<P>;

    fn next(&mut self) -> Option<OrderView<P>> {
        if self.at == NONE {
            return None;
        }
        let view = self.book.order(Slot(self.at));
        self.at = self.book.orders.get(self.at).behind;
        Some(view)
    }
}
