//! TCP's state machine (RFC 9293) of one connection: numbers, rings and timers, no frames.
//!
//! Why it exists: an order's way leads through it twice, and the machine decides what that costs.
//! A general one looks at every segment as if it could be anything. This one asks first whether the
//! segment is the one it expects ([`Machine::expects`], Van Jacobson's header prediction), and then
//! moves four numbers; everything else goes the whole way through [`Machine::arrive`].
//!
//! Layout: what the expected segment touches lies in the first lines, in the order of its use.
//! `arrive` is what comes in, `leave` what goes out: [`Machine::plan`] says which segment is to
//! leave, and [`Machine::left`] that it did, so that one which found no room is simply planned
//! again. `rtt` waits, `gaps` are runs that came out of order, `ring` holds bytes.
//!
//! Limits: what a short, clean network needs. Cumulative acknowledgments; eight gaps; fast
//! retransmission after three doubles, then one segment a partial acknowledgment (RFC 6582); after
//! a timeout everything goes again. No options but the segment size, no selective acknowledgments,
//! no window scaling, no congestion control, no urgent data. Nothing is delayed: no Nagle, no
//! delayed acknowledgments.
//!
//! Failure modes: resets and SYNs that may be forged, and data behind a FIN, are the module
//! `guard`'s, before a segment comes here. Handshakes, TIME-WAIT and what the caller is told are
//! `TcpHost`'s.

mod arrive;
mod gaps;
mod leave;
mod rtt;
pub(crate) mod seq;

pub(crate) use arrive::Verdict;
pub(crate) use leave::Segment;

use super::TcpConfig;
use super::ahead::ask;
use super::ring::Ring;
use gaps::Gaps;
use rtt::Rtt;

/// RFC 9293, 3.3.2. LISTEN is `TcpHost`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// No connection.
    Closed,
    /// We asked for one.
    SynSent,
    /// The peer did, and we answered.
    SynReceived,
    /// Both sides send.
    Established,
    /// We have ended our side.
    FinWait1,
    /// The peer knows.
    FinWait2,
    /// The peer has ended its side.
    CloseWait,
    /// Both have, at once.
    Closing,
    /// We have after the peer.
    LastAck,
    /// Both sides know.
    TimeWait,
}

/// What is to be said once more, though nothing new would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Again {
    No,
    /// The first segment that is not acknowledged (RFC 5681, 3.2).
    First,
    /// Something, if it is one byte beyond a closed window (RFC 9293, 3.8.6.1).
    Probe,
}

/// The least segment size that is taken for one: a peer that says less gets this.
const MSS_MIN: u16 = 64;
/// RFC 9293, 3.7.1: the size of a peer that says none.
const MSS_DEFAULT: u16 = 536;
/// No time.
const NEVER: u64 = u64::MAX;

/// See the module.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Machine {
    pub(crate) state: State,
    again: Again,
    owes_ack: bool,
    owes_reset: bool,
    /// After a fast retransmission, until `recover` is acknowledged.
    recovers: bool,
    doubles: u8,
    /// The longest payload that is sent.
    mss: u16,
    /// The next sequence number expected of the peer.
    rcv_nxt: u32,
    /// Our first number that is not acknowledged.
    una: u32,
    /// Our next number to leave.
    nxt: u32,
    /// Behind the highest number that has left. Beyond `nxt` while something leaves again.
    max: u32,
    /// What the peer takes, from `una` on.
    window: u32,
    /// The sequence and acknowledgment numbers that `window` came with (RFC 9293, 3.10.7.4).
    window_seq: u32,
    window_ack: u32,
    /// Behind the last number of the peer's that we have said we take.
    told_edge: u32,
    tx: Ring,
    /// When to say again what was not acknowledged, or ask for a window.
    rto_at_ns: u64,
    /// When something acceptable last came.
    heard_ns: u64,
    /// When the peer last acknowledged something, or all was acknowledged and we wrote again.
    pub(crate) acked_ns: u64,
    keep_alive_ns: u64,
    rx: Ring,
    rtt: Rtt,
    gaps: Gaps,
    /// What `recovers` ends with.
    recover: u32,
    /// The longest payload of a segment we send by our MTU; also what we ask of the peer.
    mss_ours: u16,
    /// When we last asked whether the peer is there.
    asked_ns: u64,
    /// No challenge leaves before this.
    quiet_until_ns: u64,
    timeout_ns: u64,
}

impl Machine {
    /// Asks memory for what an expected segment and its answer touch.
    #[inline]
    pub(crate) fn ask(&self) {
        ask(&self.rx);
        ask(&self.rtt);
        ask(&self.gaps);
    }

    /// Asks memory for where the next bytes are written, once the machine is there.
    #[inline]
    pub(crate) fn ask_room(&self) {
        self.tx.ask_room();
    }

    /// Takes the memory. `mtu` is the longest IPv4 packet.
    pub(crate) fn new(config: &TcpConfig, mtu: u16) -> Machine {
        let headers = (wire::ipv4::HEADER_LEN + wire::tcp::HEADER_LEN) as u16;
        Machine {
            state: State::Closed,
            again: Again::No,
            owes_ack: false,
            owes_reset: false,
            recovers: false,
            doubles: 0,
            mss: MSS_DEFAULT,
            rcv_nxt: 0,
            una: 0,
            nxt: 0,
            max: 0,
            window: 0,
            window_seq: 0,
            window_ack: 0,
            told_edge: 0,
            tx: Ring::new(config.tx_bytes),
            rto_at_ns: NEVER,
            heard_ns: 0,
            acked_ns: 0,
            rtt: Rtt::new(config.rto_min_ns),
            rx: Ring::new(config.rx_bytes),
            gaps: Gaps::default(),
            recover: 0,
            mss_ours: mtu.saturating_sub(headers),
            asked_ns: 0,
            quiet_until_ns: 0,
            keep_alive_ns: config.keep_alive_ns,
            timeout_ns: config.timeout_ns,
        }
    }

    /// Forgets the connection without a word to the peer.
    pub(crate) fn wipe(&mut self) {
        self.tx.clear();
        self.rx.clear();
        self.state = State::Closed;
        (self.owes_ack, self.owes_reset, self.again) = (false, false, Again::No);
        (self.recovers, self.doubles, self.gaps) = (false, 0, Gaps::default());
        self.rto_at_ns = NEVER;
    }

    fn begin(&mut self, now_ns: u64, first: u32, config: &TcpConfig) {
        self.wipe();
        (self.una, self.nxt, self.max) = (first, first, first);
        (self.window, self.mss) = (0, MSS_DEFAULT.min(self.mss_ours));
        (self.rcv_nxt, self.told_edge) = (0, 0);
        (self.heard_ns, self.acked_ns, self.asked_ns) = (now_ns, now_ns, now_ns);
        (self.quiet_until_ns, self.rtt) = (0, Rtt::new(config.rto_min_ns));
    }

    /// Asks for a connection with `first` as our first sequence number.
    pub(crate) fn connect(&mut self, now_ns: u64, first: u32, config: &TcpConfig) {
        self.begin(now_ns, first, config);
        self.state = State::SynSent;
    }

    /// Whether it is over, and nothing is left to be said.
    #[inline]
    pub(crate) fn is_gone(&self) -> bool {
        self.state == State::Closed && !self.owes_reset
    }

    /// Whether our SYN has left.
    pub(crate) fn has_spoken(&self) -> bool {
        self.max != self.una || !matches!(self.state, State::SynSent | State::SynReceived)
    }

    /// Whether the peer's FIN was taken in.
    #[inline]
    pub(crate) fn peer_has_closed(&self) -> bool {
        use State::{CloseWait, Closing, LastAck, TimeWait};
        matches!(self.state, CloseWait | LastAck | Closing | TimeWait)
    }

    /// Whether bytes may be written.
    #[inline]
    pub(crate) fn may_send(&self) -> bool {
        matches!(self.state, State::Established | State::CloseWait)
    }

    /// The next sequence number expected of the peer.
    #[inline]
    pub(crate) fn rcv_nxt(&self) -> u32 {
        self.rcv_nxt
    }

    /// Our next sequence number, as the peer knows it.
    pub(crate) fn snd_max(&self) -> u32 {
        self.max
    }

    /// The longest payload we take in a segment.
    pub(crate) fn segment_size(&self) -> u16 {
        self.mss_ours
    }

    /// Bytes we take.
    #[inline]
    pub(crate) fn our_window(&self) -> u16 {
        // A longer ring is not made: see `RX_BYTES_MAX`.
        self.rx.free() as u16
    }

    /// Bytes that arrived and were not read.
    #[inline]
    pub(crate) fn received(&self) -> &Ring {
        &self.rx
    }

    /// Bytes written that are not acknowledged.
    #[inline]
    pub(crate) fn unacknowledged(&self) -> &Ring {
        &self.tx
    }

    /// The caller is done with `len` bytes.
    #[inline]
    pub(crate) fn consume(&mut self, len: usize) {
        self.rx.consume(len, self.gaps.is_empty());
    }

    /// Where bytes can be written that are to be sent: a run, at least as long as the ring allows
    /// before its end.
    #[inline]
    pub(crate) fn room(&mut self, now_ns: u64) -> &mut [u8] {
        if self.tx.is_empty() {
            self.acked_ns = now_ns;
        }
        self.tx.room()
    }

    /// `len` bytes were written there.
    #[inline]
    pub(crate) fn wrote(&mut self, len: usize) {
        self.tx.extend(len);
    }

    /// Writes bytes that there is room for, across the ring's end.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.tx.put_ahead(0, bytes);
        self.tx.extend(bytes.len().min(self.tx.free()));
    }

    /// Ends our side: a FIN follows what is written.
    pub(crate) fn close(&mut self) {
        self.state = match self.state {
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            other => other,
        };
    }

    /// Gives the connection up; a peer that knows of it is reset.
    pub(crate) fn abort(&mut self) {
        self.owes_reset = !matches!(self.state, State::Closed | State::SynSent);
        self.state = State::Closed;
    }
}
