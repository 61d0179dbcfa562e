//! SoupBinTCP and MoldUDP64, both sides, sans-I/O.
//!
//! Why it exists: the venue and the trader speak the same two session protocols from opposite ends,
//! and the same code must run on a DPDK port, in a test on a virtual clock and under a fuzzer. So
//! bytes come in as slices, bytes go out into the caller's buffer, and time is a parameter,
//! `now_ns`: any clock that never runs backwards.
//!
//! Layout: [`ReplayStore`] keeps a session's messages by sequence number, and is send queue and
//! memory at once; [`Sessions`] holds the accounts and their stores, which outlive connections;
//! [`SoupServer`] and [`SoupClient`] are one connection each; [`MoldPublisher`] and
//! [`MoldReceiver`] are the two ends of a multicast session; a [`SnapshotImage`] is what clients
//! that come late are sent. The bytes of a packet are the `wire` crate's business.
//!
//! Limits: all memory is taken by constructors; every buffer, store and timeout has a bound in a
//! configuration, and so has how often a stranger may ask ([`Rate`]). Nothing allocates, locks,
//! formats or reads a clock afterwards.
//!
//! Failure modes: whatever a peer sends ends in a [`DisconnectReason`], a [`MoldError`] or a
//! [`RequestRefusal`], each one byte with a counter. A full store evicts its oldest messages; who
//! still needed them is told so, never given a stream with a hole.
#![forbid(unsafe_code)]

pub mod image;
mod logins;
mod mold;
mod rate;
mod reason;
mod sessions;
mod snapshot;
mod soup;
mod store;

pub use logins::{LoginLimiter, LoginLimits};
pub use mold::{
    Gap, MoldError, MoldHandler, MoldPublisher, MoldReceiver, PacketOutcome, PublisherConfig,
    PublisherCounters, ReceiverConfig, ReceiverCounters, RequestLimits, RequestRefusal,
};
pub use rate::Rate;
pub use reason::{DisconnectCounters, DisconnectReason};
pub use sessions::{AccountConfig, AccountKind, Sessions, SessionsError};
pub use snapshot::{ImageWriter, SnapshotConfig, SnapshotCounters, SnapshotImage};
pub use soup::{
    ClientConfig, ClientConfigError, ClientCounters, ClientHandler, ServerConfig, ServerCounters,
    ServerHandler, SoupClient, SoupServer,
};
pub use store::{ReplayStore, StoreConfig, StoreError};
pub use types::SessionId;
pub use wire::soup::Session;

/// Asks memory for the line that a thing begins on.
#[inline(always)]
pub(crate) fn ask<T>(thing: &T) {
    prefetch_index::prefetch_index(core::slice::from_ref(thing), 0);
}

/// One second in ns.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;
