//! Loopback: the forward modes that people know from testpmd, on any DPDK port.
//!
//! Why it exists: before a host is trusted with orders, its cables, NICs and cores are. A forward
//! mode is the least that can be done with a frame, so that what is measured is the port.
//!
//! Layout: a [`Stream`] owns one receive queue and one transmit queue and counts into its
//! [`StreamStats`], which a supervisor reads while the stream runs. An [`Engine`] is a mode: it
//! does one burst of a stream a poll. [`run`] runs the streams of one lcore until the [`Switch`]
//! is off; the mode is looked at once, so that each has a loop of its own with nothing dynamic in
//! it.
//!
//! Limits: a frame lies in one mbuf; bursts are of 1 to [`BURST_MAX`] frames. What a transmit queue
//! does not take waits in its stream, which then receives nothing more: see [`TxFull`].
//!
//! Failure modes: frames may be anything. One that a mode cannot make sense of goes on as it is, is
//! dropped and counted where it ends, and never read beyond its last byte.

mod counters;
mod csum;
mod echo;
mod engine;
mod forward;
mod generate;
pub mod latency;
mod mode;
mod noisy;
mod rewrite;
mod settings;
pub mod soup;
mod stream;
pub mod trips;

#[cfg(test)]
mod frames;

pub use counters::{BurstSpread, DROPS, StreamCounter, StreamStats};
pub use engine::{Engine, Switch, run};
pub use generate::FRAME_BYTES_MIN;
pub use mode::{Mode, UnknownMode};
pub use settings::{BURST_MAX, Noisy, Settings, TxFull};
pub use stream::{Route, Stream};
