//! The trader's own side: its orders from ask to last share, and the core that joins market,
//! strategy, gate and orders.
#![forbid(unsafe_code)]

mod counters;
mod desk;
mod fills;
mod links;
mod order_wire;
pub mod requests;
mod working;

pub use counters::DeskCounters;
pub use desk::{Desk, DeskConfig, DeskEvent};
pub use order_wire::{OrderWire, Refused, Step};
