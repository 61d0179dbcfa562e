//! Consensus among the appliances of a cluster: Raft without I/O, clock or threads.
//!
//! Why it exists: an order that was acknowledged must survive any single failure, so its reply
//! waits until a majority has it; and when the leader dies another node must serve at once, from
//! the same log. [`Replica`] wraps TiKV's `raft` for that. Whoever drives it tells it the time,
//! datagrams and how far the disk is, and [`Replica::poll`] hands back, through an [`Outbox`], what
//! to send, what to write and what is committed. A polling lcore drives it, and so does a
//! simulator: nothing in it reads a clock or draws a number that shows. (`raft` draws its election
//! timeouts from a range; [`Config`]'s succession replaces what it drew before anything uses it.)
//!
//! # Driving one
//!
//! * [`Replica::on_tick`] as often as you like: it counts a tick when one is due.
//! * [`Replica::on_datagram`] for each datagram, [`Replica::propose`] for each command, then
//!   [`Replica::poll`] once for all of them: that is the batch.
//! * Records go to disk in their order; [`Replica::on_durable`] when they are there. Appends leave
//!   before the leader's own disk has them, and a commit needs any majority of disks, with the
//!   leader's or without. Whoever says durable earlier gives up what a crash may take then.
//! * [`Outbox::committed`] is the engine's input on a follower; [`Replica::on_applied`] when the
//!   engine has it. A leader's engine may be ahead: [`Record::Superseded`] tells a deposed one to
//!   go back.
//! * [`Replica::may_release`] right before a reply leaves, with a clock that was read just then.
//! * A node that restarts is given what its disk has ([`Recovered`]). If that is a snapshot of its
//!   own beyond the durable end of its log, the snapshot is to be recorded before anything else.
//!
//! # What a lease protects
//!
//! *Committed is committed*: no clock, pause or partition makes a committed entry another one, so
//! the content of a committed reply is safe to send for ever. A lease is for what is not in the
//! log: that this node, and no other, is the one to speak. While [`Replica::holds_lease`], no other
//! node has been elected. It protects the service's MAC and IP addresses, market data, answers
//! that read without an entry of their own, and provisional replies; [`Replica::may_release`]
//! wants it for every reply, so that a deposed leader says nothing at all.
//!
//! Each word of a leader carries its clock ([`codec::Header::stamp`]) and each answer sends the
//! newest one back. A voter that answered gives nobody else a vote for [`Config::silence_ns`], by
//! its own clock, from when it heard; so when a majority has sent back a reading, nobody is elected
//! for [`Config::lease_ns`] from that reading on. It rests on this:
//!
//! * clocks are monotonic and their rates differ by less than [`Config::drift_ppm`];
//! * the caller asks with a reading newer than anything that may have held it up: a process that
//!   was stopped and asks with the clock it read before is deceived;
//! * a node counts no tick sooner than one tick after the last, so that a sleeper does not campaign
//!   early;
//! * a node that restarts keeps silent as if it had heard a leader that moment;
//! * a leader that hands over gives its lease up first, and its term when that fails.
//!
//! A clock that stands still, where its process goes on, breaks the lease (not the log) until the
//! successor's first word arrives.
//!
//! # Layout on the wire
//!
//! One message a datagram, integers little endian, CRC is CRC32C. The header:
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 4 | CRC of all that follows |
//! | 4 | 2 | magic `PR` |
//! | 6 | 1 | version, 1; it, the magic and the CRC stay where they are in every version |
//! | 7 | 1 | kind |
//! | 8 | 16 | the cluster's identity |
//! | 24 | 8 | hash of what the nodes' configurations must agree on |
//! | 32 | 8 | from |
//! | 40 | 8 | to |
//! | 48 | 8 | term (epoch) of the sender; of a pre-vote and its grant, the one that would be |
//! | 56 | 8 | stamp: a leader's clock, or that which is answered, ns; 0 for none |
//! | 64 | 2 | bytes of the body, which is all the rest |
//! | 66 | 2 | entries of an append, members of an offer; else 0 |
//! | 68 | 1 | flags: 1 rejected (kinds 2, 6, 8, 12), 2 a vote by the leader's wish (5, 7) |
//! | 69 | 3 | zeros |
//!
//! Bodies, of eight bytes a field where nothing else is said:
//!
//! | kind | message | fields |
//! |---:|---|---|
//! | 1 | append | index and term of the entry that is followed, commit; entries |
//! | 2 | reply | index; rejected: term at the hint; commit; rejected: hint, snapshot wanted from |
//! | 3, 4 | heartbeat, reply | commit |
//! | 5, 7 | vote, pre-vote | last index, its term, commit, its term, priority |
//! | 6, 8 | replies | rejected: commit, its term |
//! | 9 | campaign now | none |
//! | 10 | offer of a snapshot | index, term, bytes, digest, voters (2 bytes), 6 zeros; members |
//! | 11 | chunk of it | index, digest, offset; bytes |
//! | 12 | acknowledgement | index, digest, offset behind what is there |
//!
//! An entry of an append; the first is numbered one behind the index:
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | term |
//! | 8 | 2 | bytes of payload |
//! | 10 | 1 | kind: 0 a leader's first, 1 opaque, 2 a change of the members |
//! | 11 | 1 | zero |
//! | 12 | … | payload: none; 1 to 1,024 bytes; kind (1), 7 zeros, node (8) |
//!
//! An append that is too large for one datagram is several, each of which stands alone. `raft` is
//! built with its `protobuf-codec`, which brings its own `protoc` and needs nothing installed
//! (`prost-codec` needs one on the machine); no byte from a wire or a disk is parsed as protobuf.
//!
//! # Limits
//!
//! [`VOTERS_MAX`] voters and [`LEARNERS_MAX`] learners; payloads to [`PAYLOAD_BYTES_MAX`]; the log
//! in memory to [`Config::log_entries`] and [`Config::log_bytes`]: full, proposals are refused, and
//! appends a little later. `raft` allocates: five times a proposal alone, once for every six in a
//! batch of 32 (`examples/cost.rs`); an lcore that must not, drives the replica from another one.
//!
//! # Failure modes
//!
//! | what happens | what is seen | and then |
//! |---|---|---|
//! | no majority answers | [`Release::NoLease`], a new role soon after | nothing is released |
//! | a majority is slow | [`Release::Slow`], or [`Release::Provisional`] | [`SlowQuorum`] |
//! | another cluster, configuration, version, node | [`Refused`] by name, counted | nothing |
//! | a past epoch | [`Refused::PastEpoch`] | its sender hears of the newer one |
//! | a flipped bit, a cut | [`Refused::Checksum`], [`Refused::Truncated`] | as if it were lost |
//! | a disk forgot what it acknowledged | [`Refused::Contradiction`] there | out, till added anew |
//! | what raft would panic at | [`Refused::Contradiction`], [`Refused::Malformed`] | nothing |
//!
//! Whoever can send to the port and knows the cluster's identity is believed: the network between
//! the nodes is theirs alone.
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
