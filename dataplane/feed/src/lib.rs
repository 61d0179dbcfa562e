//! The receiving side of a MoldUDP64 market data feed: two lines, gap recovery, snapshot join.
//!
//! Why it exists: an exchange sends every packet twice, on lines A and B, so that a packet lost on
//! the one is there on the other; what both lose it sends again on request; and who misses too
//! much, or comes late, takes a snapshot and goes on from there. A [`Feed`] does all of it and
//! hands each message on once and in order, or says that it will not. It knows of no socket: the
//! caller brings packets and the time, sends what [`Feed::next_request`] writes, and keeps a
//! connection to the snapshot server while [`Feed::wants_snapshot`] says so.
//!
//! Layout: `feed` is packets in, messages out, and sessions; `feed/gap` what is done about a gap;
//! `feed/join` the snapshots; `hold` the messages that came ahead of their turn.
//!
//! What happens, in this order:
//! 1. A packet (or a heartbeat) beyond the next number shows a gap: told at once by
//!    [`FeedHandler::on_behind`]. What follows is held, on either line; one expected number for
//!    both lines is what makes the first one win.
//! 2. The gap is waited for, [`FeedConfig::wait_ns`] from when it showed.
//! 3. If not too much is missing it is asked for, a request at a time, the first gap first, again
//!    after each answer that helps or after a time without one.
//! 4. Otherwise, or in vain, or when no more can be held, a snapshot is joined. Live messages go on
//!    being held, the oldest making room. A snapshot that ends before the first one held, or before
//!    all that is known when nothing is held, is too old: another one is asked for after a pause.
//! 5. Without any means left the first gap is told as lost and what is behind it delivered.
//!
//! [`FeedHandler::on_whole`] follows as soon as nothing is missing. With no means configured and no
//! waiting a gap is told as lost at once and nothing is ever held.
//!
//! Sessions: the end of one is told when all before it is there or lost. Another one's packets are
//! refused while the present one lives, and believed after its end was told or after
//! [`FeedConfig::session_silence_ns`]; what was missing is lost then. The one before never returns.
//!
//! Limits: all memory is taken at construction. In order, by the first line, nothing is copied or
//! looked up; nor for a duplicate. [`Feed::poll`] must be called in every round for the times to
//! count. A join converges when what arrives in the age of an image and the time of its transfer
//! can be held; otherwise it ends in the next gap.
//!
//! Failure modes: hostile bytes are refused whole, each for a [`MoldError`] with a counter. A
//! number within [`FeedConfig::jump_max`] is believed, so a liar may open a gap that nothing
//! fills: it costs the tries of every means and ends as lost. An outage of more messages than that
//! is never believed. A line that falls silent shows in [`Feed::line_silence_ns`].
#![forbid(unsafe_code)]

mod config;
mod counters;
mod feed;
mod handler;
mod hold;
mod line;

pub use config::{FeedConfig, RetransmitConfig, SnapshotJoinConfig};
pub use counters::FeedCounters;
pub use feed::{Feed, FeedState};
pub use handler::FeedHandler;
pub use line::{Line, LineStats};
pub use session::{Gap, MoldError, PacketOutcome};
pub use wire::moldudp64::Session;
