//! The trader's own side: its orders from ask to last share, and the core that joins market,
//! strategy, gate and orders.
#![forbid(unsafe_code)]

mod order_wire;

pub use order_wire::{OrderWire, Refused, Step};
