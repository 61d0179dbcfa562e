//! Consensus among the appliances of a cluster: Raft without I/O, clock or threads.
//!
//! [`Replica`] wraps TiKV's `raft`: whoever drives it tells it the time, ticks, datagrams and how
//! far the disk is, and [`Replica::poll`] hands back, through an [`Outbox`], what to send, what to
//! write and what is committed. A polling lcore drives it, and so does a simulator: it has no
//! clock, no thread, no socket, and no chance in it.
//!
//! `raft` is built with its `protobuf-codec`, which brings its own `protoc` and needs nothing
//! installed (`prost-codec` needs one on the machine). No byte from a wire or a disk is parsed as
//! protobuf: [`codec`] has our own layout.
//!
//! # Driving one
//!
//! * [`Replica::on_tick`] as often as you like: it counts a tick when one is due.
//! * [`Replica::on_datagram`] for each datagram, [`Replica::propose`] for each command, then
//!   [`Replica::poll`] once for all of them.
//! * Records go to disk in their order; [`Replica::on_durable`] when they are there. Whoever says
//!   so earlier gives up what a crash may take.
//! * [`Outbox::committed`] is the engine's input on a follower; [`Replica::on_applied`] when the
//!   engine has it.
//! * [`Replica::may_release`] before a reply leaves, with a clock that was read just then.
#![forbid(unsafe_code)]

pub mod codec;
mod config;
mod lease;
mod members;
mod outbox;
mod promote;
mod refused;
mod replica;
mod ring;

pub use config::{
    Config, ConfigError, DATAGRAM_BYTES_MAX, DATAGRAM_BYTES_MIN, PAYLOAD_BYTES_MAX, SlowQuorum,
};
pub use members::{Change, LEARNERS_MAX, Members, VOTERS_MAX};
pub use outbox::{Entry, EntryKind, Outbox, Record, Role, RoleKind, SnapshotMeta};
pub use promote::Loss;
pub use refused::{NotProposed, Refusals, Refused};
pub use replica::{Peer, Recovered, RecoveredEntry, Release, Replica};
