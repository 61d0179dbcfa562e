//! Order books over fixed slabs: the engine's, and those rebuilt from a feed.
//!
//! Why it exists: both sides of a market keep the same thing, all symbols' price levels with a
//! queue of orders at each. [`BookCore`] is that thing, generic over what an order carries;
//! [`Books`] puts ITCH's order references in front of it.
//!
//! Layout: an order is 16 bytes of links and quantity plus what it carries (32 bytes for the feed),
//! a level is 32 bytes. The levels near a side's best price lie in a window of 64 ticks and are
//! found by counting (`index.rs`); the rest are in a B+tree of 256-byte nodes (`tree.rs`). What an
//! operation cannot know beforehand (has the order neighbours, does it open a level) it does
//! without a branch; what its reads would wait for can be asked for ahead ([`Soon`]).
//!
//! Limits: [`Capacity`], taken at construction; what finds no room is refused with a typed error
//! and nothing is half done. Every level of the capacity can be used, whatever the prices are.
//! There is a window for each sixteen levels of the capacity, 64 at least; sides that find none
//! left are as right and slower.
#![forbid(unsafe_code)]

mod books;
mod core;
mod far;
mod free;
mod index;
mod refmap;
mod refs;
mod soon;
mod ticks;
mod tree;
mod view;

pub use books::{Books, FeedError, Refusal};
pub use core::{Asked, BookCore, Levels, Orders, Served};
pub use free::FreeList;
pub use refmap::RefMap;
pub use soon::{Soon, WARM_MAX};
pub use view::{BookError, BookId, Capacity, Change, LevelView, OrderView, Slot, Top};

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
