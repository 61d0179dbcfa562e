//! The matching engine: price-time priority, deterministic.
//!
//! Why it exists: `apply(&Command, now) -> events` is a pure function of the engine's state and its
//! input: no clock, no randomness, no I/O, no allocation, no order of iteration that depends on a
//! hash. The same commands give the same events and the same [`Engine::state_hash`] everywhere, and
//! replay, standby and tests rest on that.
//!
//! Layout: the book's slabs hold what rests; a table leads from (session, `UserRefNum`) to the
//! slot. Symbols are found by name in a second table. Nothing else lives longer than a call.
//!
//! Limits: orders, levels, symbols and sessions as configured. An order that would have to rest and
//! finds no room is rejected before anything happened (a replacement leaves the order it was to
//! replace as it is), even if it might have traded in full: whether
//! it would is known only after matching, and a half-done order is worse than a late reject.
//!
//! What OUCH leaves to the venue, and what this one does:
//!
//! * a command whose `UserRefNum` is not above the session's last is ignored and counted;
//! * a cancel or modify of an order that is not live is ignored and counted;
//! * a replace of an order that is not live is rejected, and uses up its number;
//! * a replace to no more than what has executed cancels the order;
//! * a replace at the same price for no more shares keeps priority and `OrderId`; any other goes to
//!   the back, under a new one, and may trade at once;
//! * a modify to the other side of the book, or that would leave no shares, is ignored and counted;
//! * a market order never rests: what finds no counterparty is canceled;
//! * orders of one client trade with each other like any others.
#![forbid(unsafe_code)]

mod engine;
mod log;
mod matching;

pub use engine::{Engine, EngineConfig, EngineCounters, LiveOrder};
pub use log::{CommandLog, LogError, replay};

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
