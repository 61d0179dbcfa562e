//! The feed's books: ITCH's order references in front of the slabs.

use crate::core::WARM_MAX;
use crate::refs::{Refs, SLOTS_MAX};
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
}

impl FeedError {
    /// Every reason, in the order of its code.
    pub const ALL: [FeedError; 7] = [
        FeedError::UnknownOrder,
        FeedError::DuplicateOrder,
        FeedError::QtyExceedsOrder,
        FeedError::BadSymbol,
        FeedError::BadOrder,
        FeedError::OrdersFull,
        FeedError::LevelsFull,
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

/// Books of all symbols, by order reference number. An order carries its own number.
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
        if qty == Qty::ZERO || price == Price(0) || id.0 == u64::MAX {
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
                // The slot is not in use: it must not be asked for the number.
                let core = &self.core;
                let of = |s: u32| if s == slot.index() { id.0 } else { core.payload(s).0 };
                self.by_id.remove(id.0, of);
                Err(error.into())
            }
        }
    }

    /// Why a full slab refuses: what is wrong with the order itself comes first.
    #[cold]
    fn refused(&self, id: OrderId, symbol: SymbolId) -> FeedError {
        if self.slot(id).is_ok() {
            FeedError::DuplicateOrder
        } else if u32::from(symbol.0) >= self.core.books() {
            FeedError::BadSymbol
        } else {
            FeedError::OrdersFull
        }
    }

    /// Brings into the cache what messages about these orders and symbols will need. To be called
    /// with the next few messages of a packet before they are applied (0 where there is none);
    /// changes nothing.
    #[inline]
    pub fn warm(&self, ids: &[u64; WARM_MAX], symbols: &[u16; WARM_MAX]) {
        let slots = ids.map(|id| self.by_id.peek(id));
        core::hint::black_box(self.core.warm(&slots, symbols));
    }

    /// ITCH E and C: shares traded.
    ///
    /// # Errors
    /// An order that is not there, or has fewer shares.
    #[inline]
    pub fn execute(&mut self, id: OrderId, qty: Qty) -> Result<Change, FeedError> {
        self.reduce(id, qty)
    }

    /// ITCH X: shares taken off.
    ///
    /// # Errors
    /// An order that is not there, or has fewer shares.
    #[inline]
    pub fn cancel(&mut self, id: OrderId, qty: Qty) -> Result<Change, FeedError> {
        self.reduce(id, qty)
    }

    #[inline]
    fn reduce(&mut self, id: OrderId, qty: Qty) -> Result<Change, FeedError> {
        let slot = self.slot(id)?;
        let left = self.core.qty(slot);
        if qty >= left {
            self.forget(id)?;
        }
        let change = self.core.reduce(slot, qty);
        if qty > left { Err(FeedError::QtyExceedsOrder) } else { Ok(change) }
    }

    /// ITCH D: the order is gone.
    ///
    /// # Errors
    /// An order that is not there.
    #[inline]
    pub fn delete(&mut self, id: OrderId) -> Result<Change, FeedError> {
        let slot = self.forget(id)?;
        Ok(self.core.remove(slot))
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
        let slot = self.forget(old)?;
        let OrderView { book, side, .. } = self.core.order(slot);
        let before = self.core.best(book, side);
        self.core.remove(slot);
        let change = self.add(new, SymbolId(book.0 as u16), side, qty, price)?;
        // Neither half tells: an order may come back to the best level just as it left it.
        Ok(Change { top_changed: self.core.best(book, side) != before, ..change })
    }

    #[inline]
    fn slot(&self, id: OrderId) -> Result<Slot, FeedError> {
        let slot = self.by_id.get(id.0, |s| self.core.payload(s).0);
        slot.map(Slot::from_index).ok_or(FeedError::UnknownOrder)
    }

    /// Takes a number out of the table; its order must be taken out of the book next.
    #[inline]
    fn forget(&mut self, id: OrderId) -> Result<Slot, FeedError> {
        let core = &self.core;
        let slot = self.by_id.remove(id.0, |s| core.payload(s).0);
        slot.map(Slot::from_index).ok_or(FeedError::UnknownOrder)
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
