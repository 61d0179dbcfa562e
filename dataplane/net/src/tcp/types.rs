//! What a caller of TCP sets, holds and is told.

use crate::error::{NetError, bound};
use std::net::SocketAddrV4;

/// Slots a host may have.
const SLOTS_MAX: u64 = 65_536;
/// The longest receive ring. A longer one would need window scaling, which is not offered.
pub const RX_BYTES_MAX: usize = 65_535;
/// The longest transmit ring.
const TX_BYTES_MAX: u64 = 1 << 24;

/// The longest time that can be set: a day.
const TIME_MAX_NS: u64 = 86_400_000_000_000;

/// Capacities and times of a [`TcpHost`](crate::TcpHost).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// Connections at a time.
    pub slots: usize,
    /// Receive ring of each, in bytes: the most a peer may send unread, and the longest message
    /// that can be read whole.
    pub rx_bytes: usize,
    /// Transmit ring of each, in bytes.
    pub tx_bytes: usize,
    /// The first and the least time after which a segment that is not acknowledged is sent again;
    /// each repetition doubles it, up to 60 times as much. Between 1 ms and 1 s; above the link's
    /// round trips. The module `rtt` says more.
    pub rto_min_ns: u64,
    /// A connection quiet for so long is asked whether it is there.
    pub keep_alive_ns: u64,
    /// A connection whose peer has been silent for so long is over; also the time to connect in.
    pub timeout_ns: u64,
    /// A connection whose peer is there and takes nothing for so long, though there is something
    /// for it, is over (RFC 9293, 3.9.1: the user timeout).
    pub user_timeout_ns: u64,
    /// A connection that we closed and the peer does not close for so long is over.
    pub close_ns: u64,
    /// A stranger's SYN keeps a slot for so long.
    pub half_open_ns: u64,
    /// A half-open connection so young is not thrown out for a newer one: enough for a handshake,
    /// so that an honest one is through before a flood takes its slot.
    pub half_open_grace_ns: u64,
    /// What sequence numbers, ports and the table's hash come from. To be random, but in a test.
    pub seed: u64,
}

impl Default for TcpConfig {
    fn default() -> TcpConfig {
        TcpConfig {
            slots: 64,
            rx_bytes: 32_768,
            tx_bytes: 65_536,
            rto_min_ns: 10_000_000,
            keep_alive_ns: 5_000_000_000,
            timeout_ns: 15_000_000_000,
            user_timeout_ns: 15_000_000_000,
            close_ns: 10_000_000_000,
            half_open_ns: 3_000_000_000,
            half_open_grace_ns: 5_000_000,
            seed: 0x5045_5245_4752_494E,
        }
    }
}

impl TcpConfig {
    /// What the slots cost: the rings, and what is remembered of each connection. Taken when the
    /// host is made, and the rings' pages touched when they are first used. 4,096 slots with rings
    /// of 4 and 8 KiB are 54 MB, with those of the default 407 MB.
    pub const fn memory_bytes(&self) -> usize {
        self.slots * (self.rx_bytes + self.tx_bytes + super::SLOT_BYTES)
    }

    pub(super) fn check(&self) -> Result<(), NetError> {
        let (keep_alive_ns, timeout_ns) = (self.keep_alive_ns, self.timeout_ns);
        bound("tcp slots", self.slots as u64, 1, SLOTS_MAX)?;
        bound("tcp rx_bytes", self.rx_bytes as u64, 1_024, RX_BYTES_MAX as u64)?;
        bound("tcp tx_bytes", self.tx_bytes as u64, 1_024, TX_BYTES_MAX)?;
        bound("tcp rto_min_ns", self.rto_min_ns, 1_000_000, 1_000_000_000)?;
        for (name, ns) in [
            ("tcp keep_alive_ns", keep_alive_ns),
            ("tcp timeout_ns", timeout_ns),
            ("tcp user_timeout_ns", self.user_timeout_ns),
            ("tcp close_ns", self.close_ns),
            ("tcp half_open_ns", self.half_open_ns),
        ] {
            bound(name, ns, 1_000_000, TIME_MAX_NS)?;
        }
        if keep_alive_ns > timeout_ns / 2 {
            return Err(NetError::KeepAlive { keep_alive_ns, timeout_ns });
        }
        Ok(())
    }
}

/// A connection. It stays valid until its [`NetEvent::Closed`] was taken; afterwards all calls with
/// it do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl ConnId {
    /// The slot: below [`TcpConfig::slots`], and held by no other connection meanwhile. For arrays
    /// beside the host's.
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnState {
    /// Over, or never was.
    Closed,
    /// Asking for the peer's Ethernet address, or shaking hands.
    Opening,
    /// Open both ways.
    Established,
    /// The peer sends no more; we still may, and should close.
    PeerClosed,
    /// We send no more.
    Closing,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CloseReason {
    /// Both sides closed it.
    Finished,
    /// We gave it up, or closed it before it was open.
    Aborted,
    /// The peer reset it.
    Reset,
    /// The peer refused it.
    Refused,
    /// The peer was silent for too long.
    TimedOut,
    /// The next hop did not answer ARP.
    Unreachable,
}

/// What happened to a connection since it was last asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetEvent {
    /// A peer connected to a port we listen on.
    Accepted {
        /// The new connection.
        conn: ConnId,
        /// The port it came to.
        local_port: u16,
        /// The peer.
        remote: SocketAddrV4,
    },
    /// A connection of ours is open.
    Connected {
        /// The connection.
        conn: ConnId,
    },
    /// The peer sends no more. What it sent before is still to be read.
    PeerClosed {
        /// The connection.
        conn: ConnId,
    },
    /// The connection is over. What is unread is to be read at once, if it is there still: the slot
    /// will serve another.
    Closed {
        /// The connection.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
}

/// What TCP did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounters {
    /// Segments of connections taken in.
    pub segments_in: u64,
    /// Segments sent, resets to strangers apart.
    pub segments_out: u64,
    /// Of these, segments with something that was sent before.
    pub segments_repeated: u64,
    /// Connections peers opened.
    pub accepted: u64,
    /// Connections we opened.
    pub connected: u64,
    /// Connections that ended, for whatever reason.
    pub closed: u64,
    /// Half-open connections given up.
    pub half_open_dropped: u64,
    /// Resets sent for segments of no connection.
    pub resets_out: u64,
    /// Acknowledgments sent in answer to a reset or a SYN that a forger may have sent.
    pub challenges_out: u64,
}
