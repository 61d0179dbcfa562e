//! How a server behaves, what it counts, and who takes what clients send.

use crate::rate::Rate;
use crate::reason::DisconnectReason;
use crate::sessions::Sessions;
use crate::snapshot::ImageWriter;
use crate::soup::{HEARTBEAT_NS, PACKET_BYTES_MAX, SILENCE_MAX_NS};
use types::SessionId;

/// Who takes what clients send. Each method may append to any session.
pub trait ServerHandler {
    /// A client logged in.
    fn on_login(&mut self, sessions: &mut Sessions, who: SessionId) {
        let _ = (sessions, who);
    }

    /// Whether a message could be taken now; where not, it stays with the transport, and so slows
    /// its client down.
    #[inline]
    fn may_take(&mut self) -> bool {
        true
    }

    /// A client sent a message: the payload of an unsequenced packet, where it lies.
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]);

    /// A client that had logged in is gone, for whatever reason. Called once for each `on_login`,
    /// and before the next: at a takeover before the new connection's `on_login`, with
    /// [`DisconnectReason::TakenOver`].
    fn on_logout(&mut self, sessions: &mut Sessions, who: SessionId, why: DisconnectReason) {
        let _ = (sessions, who, why);
    }

    /// A client logged in to read a snapshot, and a new image is due: writes the market as ITCH
    /// messages, all of one instant, and gives the sequence number from which the live feed goes
    /// on. `None` when there is nothing to give; the login is refused then.
    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        let _ = image;
        None
    }
}

/// How a server behaves. The default has the specification's times.
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    /// What a packet's length field may say: type byte and payload. At least a login request's 47.
    pub packet_bytes_max: u16,
    /// From the connection to a complete login request, in ns.
    pub login_timeout_ns: u64,
    /// Silence after which a heartbeat goes out, in ns.
    pub heartbeat_ns: u64,
    /// Silence of the client after which it is taken for dead, in ns.
    pub silence_max_ns: u64,
    /// Silence of the client after which another login may take its session over, in ns.
    pub takeover_after_ns: u64,
    /// Messages that may lie unsent while the client reads too slowly; 0 for no bound but the
    /// store's.
    pub backlog_messages_max: u64,
    /// Bytes that may lie unsent, likewise.
    pub backlog_bytes_max: u64,
    /// For how long more than that may lie unsent without getting less, in ns.
    pub stall_ns_max: u64,
    /// Unsequenced and debug packets taken a second from one connection in the long run; 0 for no
    /// bound.
    pub messages_per_second_max: u32,
    /// How many of them at once after a rest.
    pub messages_burst_max: u32,
}

impl Default for ServerConfig {
    /// Half of a default store may lie unsent for five seconds; messages are not bounded.
    fn default() -> Self {
        ServerConfig {
            packet_bytes_max: PACKET_BYTES_MAX,
            login_timeout_ns: 5 * crate::SECOND_NS,
            heartbeat_ns: HEARTBEAT_NS,
            silence_max_ns: SILENCE_MAX_NS,
            takeover_after_ns: 3 * HEARTBEAT_NS,
            backlog_messages_max: 1 << 13,
            backlog_bytes_max: 1 << 19,
            stall_ns_max: 5 * crate::SECOND_NS,
            messages_per_second_max: 0,
            messages_burst_max: 0,
        }
    }
}

impl ServerConfig {
    pub(crate) const fn message_rate(&self) -> Rate {
        Rate::per_second(self.messages_per_second_max, self.messages_burst_max)
    }
}

/// What a server slot did since its birth, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Connections.
    pub opened: u64,
    /// Logins accepted.
    pub logins: u64,
    /// Unsequenced messages taken in.
    pub unsequenced_in: u64,
    /// Messages that came too fast and had to wait.
    pub throttled: u64,
    /// Messages that had to wait until their client had read more of what lay here for it.
    pub held_unread: u64,
    /// Messages that had to wait until they could be taken.
    pub held_busy: u64,
    /// Sequenced messages sent.
    pub sequenced_out: u64,
    /// Heartbeats taken in.
    pub heartbeats_in: u64,
    /// Heartbeats sent.
    pub heartbeats_out: u64,
}
