//! Order books over fixed slabs: the engine's, and those rebuilt from a feed.
//!
//! Why it exists: both sides of a market keep the same thing, all symbols' price levels with a queue
//! of orders at each. [`BookCore`] is that thing, generic over what an order carries; [`Books`] puts
//! ITCH's order references in front of it.
//!
//! Layout: orders and levels lie in two slabs addressed by `u32`; a level is a doubly linked queue of
//! orders, a side a doubly linked list of levels from the best down. A level is found by hash of
//! (symbol, side, price), a new level's neighbours by a trie of bit maps ([`ladder`](self)): no
//! operation is linear in the number of prices or orders, whatever the flow.
//!
//! Limits: [`Capacity`], taken at construction; what finds no room is refused with a typed error and
//! nothing is half done.
#![forbid(unsafe_code)]

mod books;
mod core;
mod ladder;
mod slab;
mod table;

pub use books::{Books, FeedError};
pub use core::{
    BookCore, BookError, Capacity, Change, LevelView, Levels, OrderView, Orders, Slot, Top,
};
pub use table::{RefMap, Table};

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
