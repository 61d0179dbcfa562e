//! What goes in and out of a book. Plain copyable data.

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
    /// Every level, or every map of the ladder, is taken.
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
