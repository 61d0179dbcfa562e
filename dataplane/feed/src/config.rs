//! What a feed listens to and what it may do about loss.

use wire::moldudp64::Session;

/// How missing messages are asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetransmitConfig {
    /// With more messages missing than this nothing is asked for: a snapshot is sooner there.
    pub messages_max: u64,
    /// The most messages asked for in one request.
    pub request_messages_max: u16,
    /// For how long an answer is waited for, in ns.
    pub timeout_ns: u64,
    /// Requests without an answer that helps before this means is given up.
    pub tries_max: u32,
}

impl Default for RetransmitConfig {
    /// Up to 4,096 messages, as many a request as fit one datagram of ITCH's short messages, three
    /// tries of 20 ms.
    fn default() -> Self {
        RetransmitConfig {
            messages_max: 4_096,
            request_messages_max: 64,
            timeout_ns: 20_000_000,
            tries_max: 3,
        }
    }
}

/// How a snapshot is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotJoinConfig {
    /// Whether a feed with no [`FeedConfig::first_seq`] that hears anything but a session's first
    /// message takes a snapshot before it delivers anything.
    pub join_at_start: bool,
    /// From wanting a snapshot to its last message, in ns.
    pub timeout_ns: u64,
    /// Between the end of a snapshot, whole or failed, and the next one, in ns. Not less than the
    /// age that the server's images may have, or it serves the same one again.
    pub retry_ns: u64,
    /// Failed snapshots before the gap is given up; at least one is tried.
    pub tries_max: u32,
}

impl Default for SnapshotJoinConfig {
    /// Three tries of 30 s, 1 s apart.
    fn default() -> Self {
        SnapshotJoinConfig {
            join_at_start: false,
            timeout_ns: 30_000_000_000,
            retry_ns: 1_000_000_000,
            tries_max: 3,
        }
    }
}

/// What a feed listens to and what it may do about loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    /// The session's name, and then no other is ever taken over; `None` takes that of the first
    /// good packet.
    pub session: Option<Session>,
    /// The first message wanted of each session, from 1: 1 makes everything before a late join a
    /// gap; `None` starts where it comes in.
    pub first_seq: Option<u64>,
    /// A sequence number farther ahead of what is known than this is refused rather than believed.
    pub jump_max: u64,
    /// For how long a gap is waited for (reordering, the other line) before anything is done, in
    /// ns.
    pub wait_ns: u64,
    /// The retransmission server, if there is one.
    pub retransmit: Option<RetransmitConfig>,
    /// The snapshot server, if there is one.
    pub snapshot: Option<SnapshotJoinConfig>,
    /// Messages held at most while a gap is open.
    pub held_messages_max: usize,
    /// Their bytes at most; below 4 GiB.
    pub held_bytes_max: usize,
    /// Silence of a session, in ns, after which the next one is believed without an end of the old
    /// one.
    pub session_silence_ns: u64,
}

impl Default for FeedConfig {
    /// Any session, from wherever it is, no waiting, no means of recovery, nothing held: a gap is
    /// told as lost at once.
    fn default() -> Self {
        FeedConfig {
            session: None,
            first_seq: None,
            jump_max: 1 << 30,
            wait_ns: 0,
            retransmit: None,
            snapshot: None,
            held_messages_max: 0,
            held_bytes_max: 0,
            session_silence_ns: 30_000_000_000,
        }
    }
}
