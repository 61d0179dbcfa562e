//! All symbols' books over three slabs.
//!
//! An order is found by its slot alone: it knows its level, and the level its price, side and
//! symbol. A message therefore touches the order, its level, at most two neighbours in the queue,
//! and the symbol's line; the price index only when a level opens or closes, or is not the best.
//!
//! Slots are used again last in, first out, while they are warm.

use crate::index::{Index, LEVELS_MAX, NIL, SideHead, Walk};
use crate::{BookError, BookId, Capacity, Change, LevelView, OrderView, Slot, Top};
use types::{Price, Qty, Side};

/// Messages that [`Books::warm`](crate::Books::warm) looks ahead.
pub const WARM_MAX: usize = 16;

/// 16 bytes and the payload; aligned so that a node of 32 bytes never straddles two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Order<P> {
    ahead: u32,
    /// The next in the queue, or the next free slot.
    behind: u32,
    /// [`NIL`] while the slot is free.
    level: u32,
    qty: u32,
    payload: P,
}

impl<P> Order<P> {
    #[inline]
    fn links(&self) -> (u32, u32, u32) {
        (self.level, self.ahead, self.behind)
    }
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Level {
    qty: u64,
    /// The first in the queue, or the next free level.
    front: u32,
    back: u32,
    orders: u32,
    price: u32,
    book: BookId,
    side: Side,
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Sides([SideHead; 2]);

const _: () = assert!(size_of::<Order<u64>>() == 32);
const _: () = assert!(size_of::<Level>() == 32);
const _: () = assert!(size_of::<Sides>() == 64);

const BLANK_LEVEL: Level =
    Level { qty: 0, front: NIL, back: NIL, orders: 0, price: 0, book: BookId(0), side: Side::Buy };

impl Level {
    #[inline]
    fn view(&self) -> LevelView {
        LevelView { price: Price(self.price), qty: self.qty, orders: self.orders }
    }

    #[inline]
    fn change(&self, top_changed: bool) -> Change {
        Change { book: self.book, side: self.side, price: Price(self.price), top_changed }
    }
}

/// A price as the index orders it: greater is better on either side.
#[inline]
const fn key(side: Side, price: Price) -> u32 {
    match side {
        Side::Buy => price.0,
        Side::Sell => !price.0,
    }
}

/// All symbols' books; an order carries a `P`. See the crate's documentation for the layout.
#[derive(Clone, Debug)]
pub struct BookCore<P> {
    sides: Box<[Sides]>,
    orders: Box<[Order<P>]>,
    levels: Box<[Level]>,
    index: Index,
    free_order: u32,
    free_level: u32,
    len: u32,
    /// Orders and levels that were ever used: those from here on are as they were made.
    used_orders: u32,
    used_levels: u32,
}

impl<P: Copy + Default> BookCore<P> {
    /// Takes all the memory the books will ever use, and touches it.
    pub fn new(capacity: Capacity) -> BookCore<P> {
        let (orders_max, levels_max) = (capacity.orders, capacity.levels.min(LEVELS_MAX));
        let blank = Order { ahead: NIL, behind: NIL, level: NIL, qty: 0, payload: P::default() };
        let books = capacity.books as usize;
        let mut core = BookCore {
            sides: vec![Sides([SideHead::EMPTY; 2]); books].into_boxed_slice(),
            orders: vec![blank; orders_max as usize].into_boxed_slice(),
            levels: vec![BLANK_LEVEL; levels_max as usize].into_boxed_slice(),
            index: Index::new(levels_max, 2 * books),
            free_order: NIL,
            free_level: NIL,
            len: 0,
            used_orders: orders_max,
            used_levels: levels_max,
        };
        core.clear();
        core
    }

    /// Forgets every order: the books are as they were made. Costs a line for each book, and what
    /// the most orders and levels since the last time lie in, whatever the capacity.
    pub fn clear(&mut self) {
        let last = |len: usize| len.saturating_sub(1);
        self.sides.fill(Sides([SideHead::EMPTY; 2]));
        let end = last(self.orders.len());
        for (at, order) in self.orders.iter_mut().take(self.used_orders as usize).enumerate() {
            order.level = NIL;
            order.behind = if at < end { at as u32 + 1 } else { NIL };
        }
        let end = last(self.levels.len());
        for (at, level) in self.levels.iter_mut().take(self.used_levels as usize).enumerate() {
            level.front = if at < end { at as u32 + 1 } else { NIL };
        }
        self.index.clear();
        self.free_order = if self.orders.is_empty() { NIL } else { 0 };
        self.free_level = if self.levels.is_empty() { NIL } else { 0 };
        (self.len, self.used_orders, self.used_levels) = (0, 0, 0);
    }

    /// Bytes an order takes, its payload included.
    pub const fn order_bytes() -> usize {
        size_of::<Order<P>>()
    }

    /// Orders resting.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether nothing rests.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether an order at this price would find room.
    ///
    /// # Errors
    /// What there is no room for.
    #[inline]
    pub fn has_room(&self, book: BookId, side: Side, price: Price) -> Result<(), BookError> {
        let head = self.side(book, side).ok_or(BookError::UnknownBook)?;
        if self.free_order == NIL {
            return Err(BookError::OrdersFull);
        }
        if self.free_level == NIL && self.level_at(head, key(side, price)).is_none() {
            return Err(BookError::LevelsFull);
        }
        Ok(())
    }

    /// Whether a new level would find room, wherever it is.
    #[inline]
    pub fn has_spare_level(&self) -> bool {
        self.free_level != NIL
    }

    /// Whether an order at this price, on the side of the one at `slot`, would find room once that
    /// one has left.
    ///
    /// # Errors
    /// What there would be no room for.
    #[inline]
    pub fn has_room_instead(&self, slot: Slot, price: Price) -> Result<(), BookError> {
        let level = &self.levels[self.orders[slot.0 as usize].level as usize];
        let head = &self.sides[level.book.0 as usize].0[level.side as usize];
        // The last order of a level leaves a level behind.
        let spare = self.free_level != NIL || level.orders == 1;
        if spare || self.level_at(head, key(level.side, price)).is_some() {
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
        book: BookId,
        side: Side,
        price: Price,
        qty: Qty,
        payload: P,
    ) -> Result<(Slot, Change), BookError> {
        let key = key(side, price);
        let head = self.side(book, side).ok_or(BookError::UnknownBook)?;
        let slot = self.free_order;
        let Some(free) = self.orders.get(slot as usize) else { return Err(BookError::OrdersFull) };
        let next_free = free.behind;
        let level = match self.level_at(head, key) {
            Some(level) => level,
            None => self.open_level(book, side, price, key)?,
        };
        self.free_order = next_free;
        self.used_orders = self.used_orders.max(slot + 1);
        self.len += 1;
        let queue = &mut self.levels[level as usize];
        let ahead = queue.back;
        queue.back = slot;
        queue.qty += u64::from(qty.0);
        queue.orders += 1;
        match ahead {
            NIL => queue.front = slot,
            _ => self.orders[ahead as usize].behind = slot,
        }
        self.orders[slot as usize] = Order { ahead, behind: NIL, level, qty: qty.0, payload };
        let top_changed = self.sides[book.0 as usize].0[side as usize].best == level;
        Ok((Slot(slot), Change { book, side, price, top_changed }))
    }

    /// Takes `qty` shares off an order without moving it; all of them takes it out.
    #[inline]
    pub fn reduce(&mut self, slot: Slot, qty: Qty) -> Change {
        let order = &mut self.orders[slot.0 as usize];
        if qty.0 >= order.qty {
            return self.remove(slot);
        }
        order.qty -= qty.0;
        let at = order.level;
        let level = &mut self.levels[at as usize];
        level.qty -= u64::from(qty.0);
        let is_best = self.sides[level.book.0 as usize].0[level.side as usize].best == at;
        level.change(is_best && qty > Qty::ZERO)
    }

    /// Takes an order out.
    #[inline]
    pub fn remove(&mut self, slot: Slot) -> Change {
        let order = &mut self.orders[slot.0 as usize];
        let Order { qty, level: at, ahead, behind, .. } = *order;
        debug_assert!(at != NIL, "the slot holds an order");
        order.level = NIL;
        order.behind = self.free_order;
        self.free_order = slot.0;
        self.len -= 1;
        if let Some(order) = self.orders.get_mut(ahead as usize) {
            order.behind = behind;
        }
        if let Some(order) = self.orders.get_mut(behind as usize) {
            order.ahead = ahead;
        }
        let level = &mut self.levels[at as usize];
        level.qty -= u64::from(qty);
        level.orders -= 1;
        if ahead == NIL {
            level.front = behind;
        }
        if behind == NIL {
            level.back = ahead;
        }
        let head = &mut self.sides[level.book.0 as usize].0[level.side as usize];
        let change = level.change(head.best == at);
        if level.orders == 0 {
            let key = key(level.side, Price(level.price));
            level.front = self.free_level;
            self.free_level = at;
            let found = self.index.remove(head, key);
            debug_assert!(found, "an open level is in its side's index");
        }
        change
    }

    /// A resting order.
    #[inline]
    pub fn order(&self, slot: Slot) -> OrderView<P> {
        let order = &self.orders[slot.0 as usize];
        let level = &self.levels[order.level as usize];
        OrderView {
            book: level.book,
            side: level.side,
            price: Price(level.price),
            qty: Qty(order.qty),
            payload: order.payload,
        }
    }

    /// The book of a resting order.
    #[inline]
    pub fn book_of(&self, slot: Slot) -> BookId {
        self.levels[self.orders[slot.0 as usize].level as usize].book
    }

    /// What stands in front of a resting order at its price, not walked further than `orders_max`
    /// orders: shares, orders, and whether there may be more.
    pub fn ahead(&self, slot: Slot, orders_max: u32) -> (u64, u32, bool) {
        let (mut shares, mut count) = (0, 0);
        let mut at = self.orders[slot.0 as usize].ahead;
        while at != NIL && count < orders_max {
            let order = &self.orders[at as usize];
            shares += u64::from(order.qty);
            count += 1;
            at = order.ahead;
        }
        (shares, count, at != NIL)
    }

    /// Shares left of a resting order; cheaper than [`BookCore::order`].
    #[inline]
    pub fn qty(&self, slot: Slot) -> Qty {
        Qty(self.orders[slot.0 as usize].qty)
    }

    /// The slot that the next [`BookCore::insert`] will use; `None` when every order is taken.
    #[inline]
    pub fn next_slot(&self) -> Option<Slot> {
        (self.free_order != NIL).then_some(Slot(self.free_order))
    }

    /// Reads what operations on these orders and symbols will read, so that it is in cache when
    /// they come: what safe Rust has for a prefetch. Row by row, each row's reads independent of
    /// one another and without branches on what was read, or a wrong guess would wait for memory
    /// and make the reads take turns. Changes nothing; places that hold no order do no harm.
    #[inline]
    pub(crate) fn warm(&self, slots: &[u32; WARM_MAX], symbols: &[u16; WARM_MAX]) -> u64 {
        let last = |len: usize| len.checked_sub(1);
        let (Some(orders), Some(levels), Some(sides)) =
            (last(self.orders.len()), last(self.levels.len()), last(self.sides.len()))
        else {
            return 0;
        };
        let mut found = [(0, 0, 0); WARM_MAX];
        for (links, slot) in found.iter_mut().zip(slots) {
            *links = self.orders[(*slot as usize).min(orders)].links();
        }
        let mut sum = 0;
        let heads = symbols.map(|symbol| &self.sides[usize::from(symbol).min(sides)].0);
        for [buy, sell] in heads {
            sum += u64::from(self.index.touch(buy)) + u64::from(self.index.touch(sell));
        }
        for (level, ahead, behind) in found {
            sum += self.levels[(level as usize).min(levels)].qty;
            sum += u64::from(self.orders[(ahead as usize).min(orders)].qty);
            sum += u64::from(self.orders[(behind as usize).min(orders)].qty);
        }
        for [buy, sell] in heads {
            sum += self.levels[(buy.best as usize).min(levels)].qty;
            sum += self.levels[(sell.best as usize).min(levels)].qty;
        }
        sum
    }

    /// What the order at a place carries.
    #[inline]
    pub(crate) fn payload(&self, at: u32) -> &P {
        &self.orders[at as usize].payload
    }

    /// What a resting order carries; cheaper than [`BookCore::order`].
    #[inline]
    pub fn carried(&self, slot: Slot) -> &P {
        &self.orders[slot.0 as usize].payload
    }

    /// What a resting order carries, to be changed.
    #[inline]
    pub fn payload_mut(&mut self, slot: Slot) -> &mut P {
        &mut self.orders[slot.0 as usize].payload
    }

    /// The order that is served first on a side.
    #[inline]
    pub fn front(&self, book: BookId, side: Side) -> Option<Slot> {
        let best = self.side(book, side)?.best;
        self.levels.get(best as usize).map(|level| Slot(level.front))
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, book: BookId, side: Side) -> Option<LevelView> {
        let best = self.side(book, side)?.best;
        self.levels.get(best as usize).map(Level::view)
    }

    /// The best price of a side; unlike [`BookCore::best`], it reads the side's line alone.
    #[inline]
    pub fn best_price(&self, book: BookId, side: Side) -> Option<Price> {
        let head = self.side(book, side)?;
        // Turning a key's price gives the price back.
        (head.best != NIL).then(|| Price(key(side, Price(head.best_key))))
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, book: BookId) -> Top {
        Top { bid: self.best(book, Side::Buy), ask: self.best(book, Side::Sell) }
    }

    /// The level at a price.
    #[inline]
    pub fn level(&self, book: BookId, side: Side, price: Price) -> Option<LevelView> {
        let at = self.level_at(self.side(book, side)?, key(side, price))?;
        self.levels.get(at as usize).map(Level::view)
    }

    /// A side's levels, the best first.
    pub fn levels(&self, book: BookId, side: Side) -> Levels<'_, P> {
        let head = self.side(book, side).unwrap_or(&SideHead::EMPTY);
        Levels { book: self, walk: self.index.walk(head) }
    }

    /// The orders at a price, in the order they are served.
    pub fn orders(&self, book: BookId, side: Side, price: Price) -> Orders<'_, P> {
        let level = self.side(book, side).and_then(|head| self.level_at(head, key(side, price)));
        Orders { book: self, at: level.map_or(NIL, |at| self.levels[at as usize].front) }
    }

    /// The places of the orders at a price, in the order they are served.
    pub fn slots(&self, book: BookId, side: Side, price: Price) -> impl Iterator<Item = Slot> + '_ {
        let level = self.side(book, side).and_then(|head| self.level_at(head, key(side, price)));
        let first = level.map(|at| self.levels[at as usize].front);
        // Asked for what is behind the end, too: there is nothing.
        core::iter::successors(first, |at| Some(self.orders.get(*at as usize)?.behind))
            .take_while(|at| *at != NIL)
            .map(Slot)
    }

    /// A side's orders with their places, in the order they are served.
    pub fn served(&self, book: BookId, side: Side) -> Served<'_, P> {
        let head = self.side(book, side).unwrap_or(&SideHead::EMPTY);
        Served { book: self, walk: self.index.walk(head), at: NIL }
    }

    /// Books there are.
    pub fn books(&self) -> u32 {
        self.sides.len() as u32
    }

    /// A hash of everything that can be observed: symbols, levels, queues and what orders carry; it
    /// does not depend on which slots they lie in.
    pub fn state_hash(&self, payload: impl Fn(&P) -> u64) -> u64 {
        let mut hash = Fnv::default();
        for book in (0..self.books()).map(BookId) {
            for side in [Side::Buy, Side::Sell] {
                for level in self.levels(book, side) {
                    let place = u64::from(book.0) << 33 | (side as u64) << 32;
                    hash.add(place | u64::from(level.price.0));
                    for order in self.orders(book, side, level.price) {
                        hash.add(u64::from(order.qty.0));
                        hash.add(payload(&order.payload));
                    }
                }
            }
        }
        hash.0
    }

    #[inline]
    fn side(&self, book: BookId, side: Side) -> Option<&SideHead> {
        self.sides.get(book.0 as usize).map(|sides| &sides.0[side as usize])
    }

    #[inline]
    fn level_at(&self, head: &SideHead, key: u32) -> Option<u32> {
        // Most orders come to the best price: one comparison instead of a search.
        if head.best_key == key && head.best != NIL {
            return Some(head.best);
        }
        self.index.find(head, key)
    }

    fn open_level(
        &mut self,
        book: BookId,
        side: Side,
        price: Price,
        key: u32,
    ) -> Result<u32, BookError> {
        let at = self.free_level;
        let Some(level) = self.levels.get_mut(at as usize) else {
            return Err(BookError::LevelsFull);
        };
        let next_free = level.front;
        let head = &mut self.sides[book.0 as usize].0[side as usize];
        if !self.index.insert(head, key, at) {
            return Err(BookError::LevelsFull);
        }
        *level = Level { price: price.0, book, side, ..BLANK_LEVEL };
        self.free_level = next_free;
        self.used_levels = self.used_levels.max(at + 1);
        Ok(at)
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
    walk: Walk<'a>,
}

impl<P: Copy + Default> Iterator for Levels<'_, P> {
    type Item = LevelView;

    fn next(&mut self) -> Option<LevelView> {
        let at = self.walk.next()?;
        self.book.levels.get(at as usize).map(Level::view)
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
        if self.at == NIL {
            return None;
        }
        let view = self.book.order(Slot(self.at));
        self.at = self.book.orders[self.at as usize].behind;
        Some(view)
    }
}

/// See [`BookCore::served`].
#[derive(Debug)]
pub struct Served<'a, P> {
    book: &'a BookCore<P>,
    walk: Walk<'a>,
    at: u32,
}

impl<P: Copy + Default> Iterator for Served<'_, P> {
    type Item = (Slot, OrderView<P>);

    #[inline]
    fn next(&mut self) -> Option<(Slot, OrderView<P>)> {
        if self.at == NIL {
            self.at = self.book.levels.get(self.walk.next()? as usize)?.front;
        }
        let slot = Slot(self.at);
        self.at = self.book.orders[self.at as usize].behind;
        Some((slot, self.book.order(slot)))
    }
}
