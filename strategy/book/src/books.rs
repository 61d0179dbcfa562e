//! The feed's books: ITCH's order references in front of the slabs.

use crate::refs::{Place, Refs, SLOTS_MAX};
use crate::soon::{Soon, WARM_MAX};
use crate::{
    BookCore, BookError, Capacity, Change, LevelView, Levels, OrderView, Orders, Slot, Top,
};
use types::{OrderId, Price, Qty, Side, SymbolId};

/// Why a feed's message did not change a book. One byte, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FeedError {
    /// The order was never seen, or is gone.
    UnknownOrder = 0,
    /// The order is there already.
    DuplicateOrder = 1,
    /// More shares than the order has: it is taken out whole, since none can be left.
    QtyExceedsOrder = 2,
    /// The symbol is beyond the capacity.
    BadSymbol = 3,
    /// A price of 0 or an order of no shares.
    BadOrder = 4,
    /// Every order is taken.
    OrdersFull = 5,
    /// Every level is taken.
    LevelsFull = 6,
    /// The order is another symbol's; only where the symbol was told.
    WrongSymbol = 7,
}

impl FeedError {
    /// Every reason, in the order of its code.
    pub const ALL: [FeedError; 8] = [
        FeedError::UnknownOrder,
        FeedError::DuplicateOrder,
        FeedError::QtyExceedsOrder,
        FeedError::BadSymbol,
        FeedError::BadOrder,
        FeedError::OrdersFull,
        FeedError::LevelsFull,
        FeedError::WrongSymbol,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            FeedError::UnknownOrder => "unknown_order",
            FeedError::DuplicateOrder => "duplicate_order",
            FeedError::QtyExceedsOrder => "qty_exceeds_order",
            FeedError::BadSymbol => "bad_symbol",
            FeedError::BadOrder => "bad_order",
            FeedError::OrdersFull => "orders_full",
            FeedError::LevelsFull => "levels_full",
            FeedError::WrongSymbol => "wrong_symbol",
        }
    }
}

impl From<BookError> for FeedError {
    fn from(error: BookError) -> FeedError {
        match error {
            BookError::OrdersFull => FeedError::OrdersFull,
            BookError::LevelsFull => FeedError::LevelsFull,
            BookError::UnknownBook => FeedError::BadSymbol,
        }
    }
}

/// A message that could not be applied as told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: FeedError,
    /// What it did all the same; `None` for nothing.
    pub did: Option<Change>,
}

impl From<FeedError> for Refusal {
    fn from(why: FeedError) -> Refusal {
        Refusal { why, did: None }
    }
}

impl From<Refusal> for FeedError {
    fn from(refusal: Refusal) -> FeedError {
        refusal.why
    }
}

/// Books of all symbols, by order reference number. An order carries its own number.
///
/// Memory: 32 bytes an order and 12 to 24 of the tables that find it; for each level 32 bytes, at
/// most 43 of the tree and 130 of windows; two nodes of 256 bytes and 72 more a symbol: all from
/// the capacity, touched at construction.
#[derive(Clone, Debug)]
pub struct Books {
    core: BookCore<OrderId>,
    by_id: Refs,
}

impl Books {
    /// Takes all the memory the books will ever use.
    pub fn with_capacity(capacity: Capacity) -> Books {
        let capacity = Capacity { orders: capacity.orders.min(SLOTS_MAX), ..capacity };
        let by_id = Refs::with_slots(capacity.orders);
        Books { core: BookCore::new(capacity), by_id }
    }

    /// ITCH A and F: a new order at the back of its queue.
    ///
    /// # Errors
    /// A number that is taken, an order that cannot be, or no room.
    #[inline]
    pub fn add(
        &mut self,
        id: OrderId,
        symbol: SymbolId,
        side: Side,
        qty: Qty,
        price: Price,
    ) -> Result<Change, FeedError> {
        if qty == Qty::ZERO || price == Price(0) {
            return Err(FeedError::BadOrder);
        }
        // One probe tells a known number from a new one and takes its place: the slab's next slot
        // is known beforehand.
        let core = &self.core;
        let Some(slot) = core.next_slot() else { return Err(self.refused(id, symbol)) };
        if !self.by_id.insert(id.0, slot.index(), |s| core.payload(s).0) {
            return Err(FeedError::DuplicateOrder);
        }
        match self.core.insert(symbol.into(), side, price, qty, id) {
            Ok((_, change)) => Ok(change),
            Err(error) => {
                self.by_id.take_back(id.0);
                Err(error.into())
            }
        }
    }

    /// Why a full slab refuses: what is wrong with the order itself comes first.
    #[cold]
    fn refused(&self, id: OrderId, symbol: SymbolId) -> FeedError {
        if self.find(None, id).is_ok() {
            FeedError::DuplicateOrder
        } else if u32::from(symbol.0) >= self.core.books() {
            FeedError::BadSymbol
        } else {
            FeedError::OrdersFull
        }
    }

    /// Asks memory for what the messages to come will need, so that their waits overlap; changes
    /// nothing. Row by row: what is found where one row has asked tells the next what to ask for.
    #[inline]
    pub fn warm(&self, soon: &Soon) {
        let (mut slots, mut levels) = ([0; WARM_MAX], [0; WARM_MAX]);
        let (ids, spots) = (soon.ids(), soon.spots());
        let (slots, levels) = (&mut slots[..ids.len()], &mut levels[..spots.len()]);
        for id in ids {
            self.by_id.ask(*id);
        }
        for (level, (number, tick)) in levels.iter_mut().zip(spots) {
            *level = self.core.ask_level(*number, *tick);
        }
        for (slot, id) in slots.iter_mut().zip(ids) {
            *slot = self.by_id.peek(*id);
            self.core.ask_order(Slot::from_index(*slot));
        }
        for level in levels {
            self.core.ask_last(*level);
        }
        for slot in slots {
            self.core.ask_around(Slot::from_index(*slot));
        }
    }

    /// ITCH E and C: shares traded.
    ///
    /// # Errors
    /// An order that is not there, or has fewer shares.
    #[inline]
    pub fn execute(&mut self, id: OrderId, qty: Qty) -> Result<Change, FeedError> {
        Ok(self.reduce(None, id, qty)?)
    }

    /// ITCH X: shares taken off.
    ///
    /// # Errors
    /// An order that is not there, or has fewer shares.
    #[inline]
    pub fn cancel(&mut self, id: OrderId, qty: Qty) -> Result<Change, FeedError> {
        Ok(self.reduce(None, id, qty)?)
    }

    /// ITCH D: the order is gone.
    ///
    /// # Errors
    /// An order that is not there.
    #[inline]
    pub fn delete(&mut self, id: OrderId) -> Result<Change, FeedError> {
        self.take_out(None, id)
    }

    /// ITCH U: the old order is gone, the new one stands at the back of its queue, on the same
    /// side.
    ///
    /// # Errors
    /// An order that is not there (nothing is added then), a new number that is taken, or a new
    /// order that cannot be: the old one is gone all the same.
    #[inline]
    pub fn replace(
        &mut self,
        old: OrderId,
        new: OrderId,
        qty: Qty,
        price: Price,
    ) -> Result<Change, FeedError> {
        Ok(self.exchange(None, old, new, qty, price)?)
    }

    /// ITCH E, C and X of an order that is told to be `symbol`'s.
    ///
    /// # Errors
    /// An order that is not there or another symbol's: nothing is done then. More shares than it
    /// has: it is taken out.
    #[inline]
    pub fn reduce_of(
        &mut self,
        symbol: SymbolId,
        id: OrderId,
        qty: Qty,
    ) -> Result<Change, Refusal> {
        self.reduce(Some(symbol), id, qty)
    }

    /// ITCH D of an order that is told to be `symbol`'s.
    ///
    /// # Errors
    /// An order that is not there or another symbol's: nothing is done then.
    #[inline]
    pub fn delete_of(&mut self, symbol: SymbolId, id: OrderId) -> Result<Change, FeedError> {
        self.take_out(Some(symbol), id)
    }

    /// ITCH U of an order that is told to be `symbol`'s.
    ///
    /// # Errors
    /// As [`Books::replace`], and an order that is another symbol's: nothing is done then.
    #[inline]
    pub fn replace_of(
        &mut self,
        symbol: SymbolId,
        old: OrderId,
        new: OrderId,
        qty: Qty,
        price: Price,
    ) -> Result<Change, Refusal> {
        self.exchange(Some(symbol), old, new, qty, price)
    }

    #[inline(always)]
    fn reduce(
        &mut self,
        symbol: Option<SymbolId>,
        id: OrderId,
        qty: Qty,
    ) -> Result<Change, Refusal> {
        let (place, slot) = self.find(symbol, id)?;
        let left = self.core.qty(slot);
        if qty >= left {
            self.forget(place);
        }
        let change = self.core.reduce(slot, qty);
        if qty > left {
            return Err(Refusal { why: FeedError::QtyExceedsOrder, did: Some(change) });
        }
        Ok(change)
    }

    #[inline(always)]
    fn take_out(&mut self, symbol: Option<SymbolId>, id: OrderId) -> Result<Change, FeedError> {
        let (place, slot) = self.find(symbol, id)?;
        self.forget(place);
        Ok(self.core.remove(slot))
    }

    #[inline(always)]
    fn exchange(
        &mut self,
        symbol: Option<SymbolId>,
        old: OrderId,
        new: OrderId,
        qty: Qty,
        price: Price,
    ) -> Result<Change, Refusal> {
        let (place, slot) = self.find(symbol, old)?;
        let before = self.core.qty(slot);
        self.forget(place);
        let removed = self.core.remove(slot);
        let change = match self.add(new, removed.symbol(), removed.side(), qty, price) {
            Ok(change) => change,
            Err(why) => return Err(Refusal { why, did: Some(removed) }),
        };
        // An order may come back to the best level just as it left it.
        let is_same = removed.price() == price && before == qty;
        let top_changed = removed.top_changed() || change.top_changed();
        Ok(change.with_top(top_changed && !is_same))
    }

    /// The order of a number and where the table has it. With a symbol, only that symbol's.
    #[inline(always)]
    fn find(&self, symbol: Option<SymbolId>, id: OrderId) -> Result<(Place, Slot), FeedError> {
        let found = self.by_id.find(id.0, |s| self.core.payload(s).0);
        let (place, slot) = found.ok_or(FeedError::UnknownOrder)?;
        let slot = Slot::from_index(slot);
        match symbol {
            Some(symbol) if self.core.book_of(slot) != symbol.into() => Err(FeedError::WrongSymbol),
            _ => Ok((place, slot)),
        }
    }

    /// Takes a number out of the table; its order must be taken out of the book next.
    #[inline]
    fn forget(&mut self, place: Place) {
        let core = &self.core;
        self.by_id.remove_at(place, |s| core.payload(s).0);
    }

    /// Forgets every order: the books are as they were made. Costs what
    /// [`BookCore::clear`] does, and writing the tables of numbers (4 to 24 bytes an order of the
    /// capacity).
    pub fn clear(&mut self) {
        self.core.clear();
        self.by_id.clear();
    }

    /// A resting order by its number.
    pub fn order(&self, id: OrderId) -> Option<OrderView<OrderId>> {
        self.find(None, id).ok().map(|(_, slot)| self.core.order(slot))
    }

    /// What stands in front of an order at its price; see [`BookCore::ahead`]. `None` when it is
    /// not there.
    pub fn ahead(&self, id: OrderId, orders_max: u32) -> Option<(u64, u32, bool)> {
        self.find(None, id).ok().map(|(_, slot)| self.core.ahead(slot, orders_max))
    }

    /// The level at a price.
    pub fn level(&self, symbol: SymbolId, side: Side, price: Price) -> Option<LevelView> {
        self.core.level(symbol.into(), side, price)
    }

    /// The best price of a side; unlike [`Books::best`], it reads no level.
    #[inline]
    pub fn best_price(&self, symbol: SymbolId, side: Side) -> Option<Price> {
        self.core.best_price(symbol.into(), side)
    }

    /// The best of both sides.
    #[inline]
    pub fn top(&self, symbol: SymbolId) -> Top {
        self.core.top(symbol.into())
    }

    /// The best level of a side.
    pub fn best(&self, symbol: SymbolId, side: Side) -> Option<LevelView> {
        self.core.best(symbol.into(), side)
    }

    /// A side's levels, the best first.
    pub fn levels(&self, symbol: SymbolId, side: Side) -> Levels<'_, OrderId> {
        self.core.levels(symbol.into(), side)
    }

    /// The orders at a price, in the order they are served.
    pub fn orders(&self, symbol: SymbolId, side: Side, price: Price) -> Orders<'_, OrderId> {
        self.core.orders(symbol.into(), side, price)
    }

    /// Symbols the books have room for.
    pub fn symbols(&self) -> u16 {
        u16::try_from(self.core.books()).unwrap_or(u16::MAX)
    }

    /// Orders resting, over all books.
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether nothing rests.
    pub fn is_empty(&self) -> bool {
        self.core.is_empty()
    }

    /// A hash of everything that can be observed.
    pub fn state_hash(&self) -> u64 {
        self.core.state_hash(|id| id.0)
    }
}
