//! What a venue counts and clocks beside what its parts count for themselves.

use crate::by_type::ByType;
use crate::entry::Unreadable;
use telemetry::{CounterSet, CounterTable};

telemetry::keys! {
    /// The stages of one poll. `decode`, `gate` and `match_encode` are timed a message, the others
    /// a burst.
    pub enum VenueStage in "venue" {
        /// From the start of the poll to the burst in hand.
        Rx = "rx",
        /// TCP and SoupBinTCP, up to an OUCH message.
        TcpSoup = "tcp_soup",
        /// OUCH.
        Decode = "decode",
        /// The venue's limits.
        Gate = "gate",
        /// The engine; replies and tape written into their stores.
        MatchEncode = "match_encode",
        /// Replies and tape into frames and to the device.
        ReplyTx = "reply_tx",
        /// The whole of a poll that did something.
        RxToTx = "rx_to_tx",
    }
}

telemetry::keys! {
    /// What a venue counts.
    pub enum VenueCounter in "venue" {
        /// OUCH messages read.
        Messages = "ouch_messages",
        /// Orders the gate refused, before the engine saw them.
        GateRefused = "gate_refused",
        /// OUCH replies written.
        Replies = "ouch_replies",
        /// Replies that no store took; the aim is 0.
        RepliesLost = "ouch_replies_lost",
        /// ITCH messages published.
        Published = "itch_published",
        /// ITCH messages that the publisher did not take; the aim is 0.
        PublishedLost = "itch_lost",
        /// Shares executed, each match once.
        SharesExecuted = "shares_executed",
        /// Commands that the log had no room for.
        LogFull = "log_full",
        /// Events that an operator's ring had no room for.
        OperatorLost = "operator_events_lost",
        /// TCP connections accepted.
        Connections = "connections",
    }
}

/// A venue's counters.
#[derive(Debug)]
pub struct VenueCounts {
    /// By name.
    pub set: CounterSet<VenueCounter>,
    /// Messages that could not be read, by `Unreadable`.
    pub unreadable: CounterTable,
    /// ITCH messages published, by type.
    pub published: ByType,
}

impl Default for VenueCounts {
    fn default() -> Self {
        VenueCounts {
            set: CounterSet::new(),
            unreadable: CounterTable::new("ouch_unreadable", Unreadable::ALL.map(Unreadable::name)),
            published: ByType::default(),
        }
    }
}
