//! What goes in and out of a book. Plain copyable data.

use types::{Price, Qty, Side, SymbolId};

/// How much a book holds. Each is a bound, none grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Orders resting at once, over all books.
    pub orders: u32,
    /// Price levels at once, over all books.
    pub levels: u32,
    /// Books are `0..books`, at most 2^29; a feed's are its symbols.
    pub books: u32,
}

/// Why an order could not be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookError {
    /// Every order is taken.
    OrdersFull,
    /// Every level, or every map of the ladder, is taken.
    LevelsFull,
    /// The book is beyond the capacity.
    UnknownBook,
}

/// Which book. A feed keeps one a symbol, under the symbol's number; an engine keeps several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BookId(pub u32);

impl From<SymbolId> for BookId {
    fn from(symbol: SymbolId) -> BookId {
        BookId(u32::from(symbol.0))
    }
}

/// A resting order's place. Valid until the order leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// What an operation did to a book. Two words, which are handed on in registers: as separate bytes
/// it went through memory, and reading it back whole waited for each of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Change {
    price: Price,
    /// The book, the side, and whether the top changed: 30 bits, one and one.
    what: u32,
}

impl Change {
    #[inline]
    pub(crate) const fn of(number: u32, price: Price, top_changed: bool) -> Change {
        Change { price, what: number << 1 | top_changed as u32 }
    }

    /// Which book.
    #[inline]
    pub const fn book(self) -> BookId {
        BookId(self.what >> 2)
    }

    /// Which side.
    #[inline]
    pub const fn side(self) -> Side {
        if self.what & 2 == 0 { Side::Buy } else { Side::Sell }
    }

    /// At which price.
    #[inline]
    pub const fn price(self) -> Price {
        self.price
    }

    /// Whether price, quantity or count of the side's best level changed.
    #[inline]
    pub const fn top_changed(self) -> bool {
        self.what & 1 != 0
    }

    #[inline]
    pub(crate) const fn number(self) -> u32 {
        self.what >> 1
    }

    /// The same, with another word on the top.
    #[inline]
    pub(crate) const fn with_top(self, changed: bool) -> Change {
        Change { what: self.what & !1 | changed as u32, ..self }
    }

    /// The symbol, where books are symbols.
    #[inline]
    pub const fn symbol(self) -> SymbolId {
        SymbolId(self.book().0 as u16)
    }
}

impl core::fmt::Debug for Change {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Change")
            .field("book", &self.book())
            .field("side", &self.side())
            .field("price", &self.price)
            .field("top_changed", &self.top_changed())
            .finish()
    }
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
    pub book: BookId,
    /// Which side.
    pub side: Side,
    /// Its limit.
    pub price: Price,
    /// Shares left.
    pub qty: Qty,
    /// What it carries.
    pub payload: P,
}
