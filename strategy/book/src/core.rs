//! All symbols' books over three slabs.
//!
//! An order is found by its slot alone: it knows its level, and the level its price, side and
//! symbol. A message therefore touches the order, its level, at most two neighbours in the queue,
//! and the window's head; the price index only where the price is far from the best.
//!
//! Whether an order has neighbours, opens a level or closes one, is anyone's guess, so nothing here
//! branches on it: what is not there is written to all the same, somewhere where it does no harm.
//!
//! Slots are used again last in, first out, while they are warm.

mod ask;
mod lay;
mod shift;
mod walks;

pub use ask::Asked;
pub use walks::{Levels, Orders, Served};

use crate::index::{self, Index, TICKS, place};
use crate::ticks::{Spot, key};
use crate::tree::{LEVELS_MAX, NIL};
use crate::{BookError, BookId, Capacity, Change, LevelView, OrderView, Slot, Top};
use types::{Price, Qty, Side};

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

#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Level {
    qty: u64,
    /// The first in the queue, or the next free level.
    front: u32,
    back: u32,
    orders: u32,
    price: u32,
    /// The side's, as the index has it.
    number: u32,
}

const _: () = assert!(size_of::<Order<u64>>() == 32);
const _: () = assert!(size_of::<Level>() == 32);

const BLANK_LEVEL: Level = Level { qty: 0, front: NIL, back: NIL, orders: 0, price: 0, number: 0 };

impl Level {
    #[inline]
    fn view(&self) -> LevelView {
        LevelView { price: Price(self.price), qty: self.qty, orders: self.orders }
    }

    #[inline]
    fn side(&self) -> Side {
        index::side_of(self.number)
    }

    #[inline]
    fn key(&self) -> u32 {
        key(self.side(), Price(self.price))
    }

    #[inline]
    fn change(&self, top_changed: bool) -> Change {
        Change::of(self.number, Price(self.price), top_changed)
    }
}

/// The number under which the index has a side. Books beyond its reach wrap to ones beyond the
/// capacity.
#[inline]
pub(crate) const fn number(book: BookId, side: Side) -> u32 {
    book.0.saturating_mul(2) | side as u32
}

/// All symbols' books; an order carries a `P`. See the crate's documentation for the layout.
///
/// With a `BIT` of 1, what it calls a price is twice a price and a bit that tells who is served
/// first at it: on the buying side those that have the bit, on the selling side the others. They
/// are found as fast as with a `BIT` of 0; those that are served last at a price lie in the tree.
#[derive(Clone, Debug)]
pub struct BookCore<P, const BIT: u32 = 0> {
    /// One more than there is room for: what would be written to the neighbour that an order at an
    /// end of its queue has not, goes to the last.
    orders: Box<[Order<P>]>,
    /// The windows' by place, then those in the trees.
    levels: Box<[Level]>,
    index: Index<BIT>,
    /// Levels of windows.
    near: u32,
    free_order: u32,
    /// Among those in the trees.
    free_level: u32,
    len: u32,
    open_levels: u32,
    open_max: u32,
    /// Orders and far levels that were ever used: those from here on are as they were made.
    used_orders: u32,
    used_levels: u32,
}

impl<P: Copy + Default, const BIT: u32> BookCore<P, BIT> {
    /// Takes all the memory the books will ever use, and touches it.
    pub fn new(capacity: Capacity) -> BookCore<P, BIT> {
        let (orders_max, open_max) = (capacity.orders as usize, capacity.levels.min(LEVELS_MAX));
        let blank = Order { ahead: NIL, behind: NIL, level: NIL, qty: 0, payload: P::default() };
        let index = Index::new(open_max, 2 * capacity.books as usize);
        let near = index.heads.len() * TICKS as usize;
        let mut core = BookCore {
            orders: vec![blank; orders_max + 1].into_boxed_slice(),
            levels: vec![BLANK_LEVEL; near + open_max as usize].into_boxed_slice(),
            index,
            near: near as u32,
            free_order: NIL,
            free_level: NIL,
            len: 0,
            open_levels: 0,
            open_max,
            used_orders: capacity.orders,
            used_levels: open_max,
        };
        core.clear();
        core
    }

    /// Forgets every order: the books are as they were made. Costs two lines for each book, and
    /// what the most orders and levels since the last time lie in, whatever the capacity.
    pub fn clear(&mut self) {
        for (window, head) in (0..).zip(&self.index.heads) {
            let mut head = *head;
            while let Some(tick) = head.near() {
                head.bits &= !(1 << (tick % TICKS));
                self.levels[place(window, tick) as usize] = BLANK_LEVEL;
            }
        }
        self.index.clear();
        let end = self.places();
        let used = &mut self.orders[..end.min(self.used_orders as usize)];
        for (at, order) in (1u32..).zip(used) {
            order.level = NIL;
            order.behind = if (at as usize) < end { at } else { NIL };
        }
        let (near, end) = (self.near, self.levels.len());
        let used = &mut self.levels[near as usize..][..self.used_levels as usize];
        for (at, level) in (near + 1..).zip(used) {
            let front = if (at as usize) < end { at } else { NIL };
            *level = Level { front, ..BLANK_LEVEL };
        }
        self.free_order = if self.places() == 0 { NIL } else { 0 };
        self.free_level = if self.open_max == 0 { NIL } else { near };
        (self.len, self.open_levels, self.used_orders, self.used_levels) = (0, 0, 0, 0);
    }

    /// Bytes an order takes, its payload included.
    pub const fn order_bytes() -> usize {
        size_of::<Order<P>>()
    }

    /// Orders there is room for.
    #[inline]
    fn places(&self) -> usize {
        self.orders.len() - 1
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
        if self.index.window(number(book, side)).is_none() {
            return Err(BookError::UnknownBook);
        }
        if self.free_order == NIL {
            return Err(BookError::OrdersFull);
        }
        if !self.has_spare_level() && self.level_at(book, side, price).is_none() {
            return Err(BookError::LevelsFull);
        }
        Ok(())
    }

    /// Whether a new level would find room, wherever it is.
    #[inline]
    pub fn has_spare_level(&self) -> bool {
        self.open_levels < self.open_max
    }

    /// Whether an order at this price, on the side of the one at `slot`, would find room once that
    /// one has left.
    ///
    /// # Errors
    /// What there would be no room for.
    #[inline]
    pub fn has_room_instead(&self, slot: Slot, price: Price) -> Result<(), BookError> {
        let level = &self.levels[self.orders[slot.0 as usize].level as usize];
        // The last order of a level leaves a level behind.
        let spare = self.has_spare_level() || level.orders == 1;
        let change = level.change(false);
        if spare || self.level_at(change.book(), change.side(), price).is_some() {
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
        let (number, spot) = (number(book, side), Spot::new::<BIT>(side, price));
        let slot = self.free_order;
        if number as usize >= self.index.sides() {
            return Err(BookError::UnknownBook);
        }
        let Some(free) = self.orders.get(slot as usize) else { return Err(BookError::OrdersFull) };
        let next_free = free.behind;
        let at = self.place_for(number, spot)?;
        self.free_order = next_free;
        self.used_orders = self.used_orders.max(slot + 1);
        self.len += 1;
        self.orders[slot as usize].payload = payload;
        Ok((Slot(slot), self.link(slot, at, (number, price, spot.key), qty)))
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
        let (change, key) = (level.change(false), level.key());
        change.with_top(qty > Qty::ZERO && self.is_best(at, change.number(), key))
    }

    /// Takes an order out.
    #[inline]
    pub fn remove(&mut self, slot: Slot) -> Change {
        let change = self.unlink(slot);
        self.free(slot);
        change
    }

    /// Whether a level that has orders is its side's best.
    #[inline]
    fn is_best(&self, at: u32, number: u32, key: u32) -> bool {
        match self.index.heads.get((at / TICKS) as usize) {
            Some(head) => head.is_best(at, key),
            None => self.index.best(number).is_some_and(|(best, _)| best == at),
        }
    }

    /// A resting order.
    #[inline]
    pub fn order(&self, slot: Slot) -> OrderView<P> {
        let order = &self.orders[slot.0 as usize];
        let at = self.levels[order.level as usize].change(false);
        let (book, side, price) = (at.book(), at.side(), at.price());
        OrderView { book, side, price, qty: Qty(order.qty), payload: order.payload }
    }

    /// The book of a resting order.
    #[inline]
    pub fn book_of(&self, slot: Slot) -> BookId {
        BookId(self.levels[self.orders[slot.0 as usize].level as usize].number / 2)
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
        let (best, _) = self.index.best(number(book, side))?;
        self.levels.get(best as usize).map(|level| Slot(level.front))
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, book: BookId, side: Side) -> Option<LevelView> {
        let (best, _) = self.index.best(number(book, side))?;
        self.levels.get(best as usize).map(Level::view)
    }

    /// The best price of a side; unlike [`BookCore::best`], it reads no level.
    #[inline]
    pub fn best_price(&self, book: BookId, side: Side) -> Option<Price> {
        let (_, best) = self.index.best(number(book, side))?;
        // Turning a key's price gives the price back.
        Some(Price(key(side, Price(best))))
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, book: BookId) -> Top {
        Top { bid: self.best(book, Side::Buy), ask: self.best(book, Side::Sell) }
    }

    /// The level at a price.
    #[inline]
    pub fn level(&self, book: BookId, side: Side, price: Price) -> Option<LevelView> {
        self.level_at(book, side, price).map(Level::view)
    }

    /// Books there are.
    pub fn books(&self) -> u32 {
        (self.index.sides() / 2) as u32
    }

    /// The level at a price, where orders stand.
    #[inline]
    fn level_at(&self, book: BookId, side: Side, price: Price) -> Option<&Level> {
        let at = self.index.find(number(book, side), Spot::new::<BIT>(side, price))?;
        self.levels.get(at as usize).filter(|level| level.orders > 0)
    }
}
