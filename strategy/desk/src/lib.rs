//! The trader's own side: its orders from ask to last share, and the core that joins market,
//! strategy, gate and orders.
//!
//! Why it exists: the trader's loop on DPDK ports and the backtest must decide alike. [`Core`] is
//! what decides, [`Desk`] keeps the orders of one OUCH session through every race, and an
//! [`OrderWire`] is all they know of the way to the venue.
//!
//! Limits: all memory is taken by constructors. Failure modes: see [`Desk`].
#![forbid(unsafe_code)]

mod core;
mod counters;
mod desk;
mod fills;
mod links;
mod order_wire;
pub mod requests;
mod working;

pub use crate::core::{Answer, Command, Core, CoreConfig, Silence};
pub use counters::DeskCounters;
pub use desk::{Desk, DeskConfig, DeskEvent};
pub use order_wire::{OrderWire, Refused, Step};
