//! Order books over fixed slabs: the engine's, and those rebuilt from a feed.
//!
//! Why it exists: both sides of a market keep the same thing, all symbols' price levels with a
//! queue of orders at each. [`BookCore`] is that thing, generic over what an order carries;
//! [`Books`] puts ITCH's order references in front of it.
//!
//! Layout: an order is 16 bytes of links and quantity plus what it carries (32 bytes for the feed),
//! a level is 32 bytes, a symbol's two sides are one cache line, and a side's prices are a B+tree
//! of 256-byte nodes whose best leaf and best level are known without a descent (`index.rs`).
//!
//! Limits: [`Capacity`], taken at construction; what finds no room is refused with a typed error
//! and nothing is half done. Every level of the capacity can be used, whatever the prices are.
#![forbid(unsafe_code)]

mod books;
mod core;
mod index;
mod refmap;
mod refs;
mod view;

pub use books::{Books, FeedError, Refusal};
pub use core::{BookCore, Levels, Orders, Served, WARM_MAX};
pub use refmap::RefMap;
pub use view::{BookError, BookId, Capacity, Change, LevelView, OrderView, Slot, Top};

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
