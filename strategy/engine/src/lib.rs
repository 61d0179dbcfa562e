//! The matching engine: price-time priority, deterministic.
//!
//! Why it exists: `apply(&Command, now) -> events` is a pure function of the engine's state and its
//! input: no clock, no randomness, no I/O, no allocation, no order of iteration that depends on a
//! hash. The same commands give the same events and the same [`Engine::state_hash`] everywhere, and
//! replay, standby and tests rest on that.
//!
//! Layout: an instrument has five books over the same slabs: the continuous market, orders that
//! follow the midpoint, and those for the opening, the closing and the halt cross. An order is one
//! cache line; what only some have (a reserve, a minimum, an expiry) lies in a second slab. A table
//! leads from (session, `UserRefNum`) to the order (`places.rs`).
//!
//! Where to read: `enter.rs` and `change.rs` check and change orders, `plain.rs` those that need no
//! more than price and time, `ahead.rs` asks memory for what a burst of commands will need,
//! `matching.rs`, `minimum.rs` and `pegs.rs` trade them as they come, `cross.rs` all at once,
//! `operate.rs` is the trading day and the operator, `ledger.rs` keeps cash and shares,
//! `snapshot.rs` and `log.rs` write it all down and read it back.
//!
//! Limits: everything in [`EngineConfig`]. An order that would have to rest and finds no room is
//! rejected before anything happened (a replacement leaves the order it was to replace as it is),
//! even if it might have traded in full: whether it would is known only after matching, and a
//! half-done order is worse than a late reject.
//!
//! What OUCH leaves to the venue, and what this one does:
//!
//! * a command whose `UserRefNum` is not above the session's last is ignored and counted;
//! * a cancel or modify of an order that is not live is ignored and counted;
//! * a replace of an order that is not live is rejected, and uses up its number;
//! * a replace to no more than what has executed cancels the order;
//! * a replace at the same price and terms for no more shares keeps priority and `OrderId`; any
//!   other goes to the back, under a new one, and may trade at once;
//! * a modify to the other side of the book, or that would leave no shares, is ignored and counted;
//! * a market order never rests, but where it waits for a cross: what finds no counterparty is
//!   canceled;
//! * a post-only order that would take is canceled, or rests one tick short, as it was entered;
//! * a minimum quantity must be met by what stands in the book at once, else the order rests unseen
//!   (or, immediate-or-cancel, is canceled); resting, it meets only orders that large;
//! * limits beyond the bands are taken as the band;
//! * while an instrument is halted, orders that can rest are taken for the cross, others rejected.
#![forbid(unsafe_code)]

mod ahead;
mod change;
mod clients;
mod config;
mod cross;
mod engine;
mod enter;
mod extras;
mod hash;
mod instruments;
pub mod ledger;
mod log;
mod matching;
mod minimum;
mod operate;
mod order;
mod pegs;
mod places;
mod plain;
mod sealed;
mod snapshot;
mod trades;
mod view;

pub use ahead::{AHEAD_MAX, Ahead};
pub use config::{EngineConfig, InstrumentConfig, REG_NMS, SelfMatch, TickStep};
pub use engine::{Engine, EngineCounters};
pub use log::{CommandLog, LogError, Record, replay};
pub use sealed::SealedError;
pub use snapshot::{OrderFault, SnapshotError};
pub use view::{Broken, InstrumentView, LiveOrder};

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
