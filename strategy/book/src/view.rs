//! What goes in and out of a book. Plain copyable data.

use types::{Price, Qty, Side, SymbolId};

/// How much a book holds. Each is a bound, none grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Orders resting at once, over all books.
    pub orders: u32,
    /// Price levels at once, over all books.
    pub levels: u32,
    /// Books are `0..books`; a feed's are its symbols.
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
    pub book: BookId,
    /// Which side.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// Whether price, quantity or count of the side's best level changed.
    pub top_changed: bool,
}

impl Change {
    /// The symbol, where books are symbols.
    pub fn symbol(&self) -> SymbolId {
        SymbolId(self.book.0 as u16)
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
