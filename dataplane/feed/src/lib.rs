//! The receiving side of a MoldUDP64 market data feed over two lines.
#![forbid(unsafe_code)]

mod config;
mod counters;
mod feed;
mod handler;
mod hold;
mod line;
mod plain;

pub use config::{FeedConfig, RetransmitConfig, SnapshotJoinConfig};
pub use counters::FeedCounters;
pub use feed::{Feed as RecoveringFeed, FeedState};
pub use handler::FeedHandler;
pub use line::{Line, LineStats};
pub use plain::PlainFeed as Feed;
pub use session::{Gap, MoldError, PacketOutcome};
pub use wire::moldudp64::Session;
