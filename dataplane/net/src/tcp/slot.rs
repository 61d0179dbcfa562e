//! One connection's place: its machine, its headers, and what we remember about it.

use super::ahead::ask;
use super::machine::{Machine, Segment, State};
use super::table::Tuple;
use super::template::{Template, Words};
use super::{CloseReason, ConnState, TcpConfig, TcpCounters};
use crate::frame_tx::FrameTx;
use crate::interface::{Interface, TxChecks};
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::Mac;
use wire::tcp::SYN;

/// What the slot is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing.
    Free,
    /// We connect, and wait for the next hop's Ethernet address.
    Resolving,
    /// A stranger's SYN was answered.
    HalfOpen,
    /// The caller knows of the connection.
    Open,
    /// Both sides are done; late segments are still answered (RFC 9293, 3.6.1).
    TimeWait,
    /// Over, but the caller has not been told yet.
    Dead,
}

/// What the caller has yet to be told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pending {
    pub(crate) opened: bool,
    pub(crate) peer_closed: bool,
    pub(crate) closed: bool,
    /// The slot is in the ring of events.
    pub(crate) queued: bool,
}

/// A connection's place. What each segment touches lies first, from the start of a cache line on.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slot {
    pub(crate) phase: Phase,
    /// The machine's state when it was last looked at.
    pub(crate) seen: State,
    pub(crate) generation: u32,
    pub(crate) machine: Machine,
    template: Template,
    /// When we closed; `u64::MAX` for not yet.
    pub(crate) closed_ns: u64,
    /// Set when the caller gave the connection up.
    pub(crate) aborted: bool,
    /// Whether the peer opened it.
    pub(crate) accepted: bool,
    pub(crate) pending: Pending,
    pub(crate) reason: CloseReason,
    /// When the slot was taken, or entered its present phase.
    pub(crate) since_ns: u64,
    pub(crate) local_port: u16,
    pub(crate) remote: SocketAddrV4,
    pub(crate) next_hop: Ipv4Addr,
    /// Counted among the slots that will soon be free.
    pub(crate) ending: bool,
}

impl Slot {
    pub(crate) fn new(interface: &Interface, config: &TcpConfig) -> Slot {
        let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let ends = (0, nobody);
        Slot {
            phase: Phase::Free,
            seen: State::Closed,
            generation: 0,
            machine: Machine::new(config, interface.mtu),
            template: Template::new(interface, interface.mac, ends, TxChecks::default()),
            closed_ns: u64::MAX,
            aborted: false,
            accepted: false,
            pending: Pending::default(),
            reason: CloseReason::Finished,
            since_ns: 0,
            local_port: 0,
            remote: nobody,
            next_hop: Ipv4Addr::UNSPECIFIED,
            ending: false,
        }
    }

    /// Asks memory for what an expected segment and its answer touch.
    #[inline]
    pub(crate) fn ask(&self) {
        ask(&self.phase);
        self.machine.ask();
        self.template.ask();
    }

    /// The key in the table.
    pub(crate) fn tuple(&self) -> Tuple {
        Tuple::new(self.local_port, self.remote)
    }

    /// The state as the caller sees it.
    pub(crate) fn state(&self) -> ConnState {
        match self.phase {
            Phase::Free | Phase::TimeWait | Phase::Dead => ConnState::Closed,
            Phase::Resolving | Phase::HalfOpen => ConnState::Opening,
            Phase::Open => match self.machine.state {
                State::SynSent | State::SynReceived => ConnState::Opening,
                State::Established => ConnState::Established,
                State::CloseWait => ConnState::PeerClosed,
                State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => {
                    ConnState::Closing
                }
                State::Closed | State::TimeWait => ConnState::Closed,
            },
        }
    }

    /// Begins with a new connection.
    pub(crate) fn begin(&mut self, now_ns: u64, (local_port, remote): (u16, SocketAddrV4)) {
        (self.local_port, self.remote) = (local_port, remote);
        (self.aborted, self.since_ns, self.closed_ns) = (false, now_ns, u64::MAX);
    }

    /// Takes the Ethernet address of the next hop.
    pub(crate) fn face(&mut self, interface: &Interface, mac: Mac, checks: TxChecks) {
        let ends = (self.local_port, self.remote);
        self.template = Template::new(interface, mac, ends, checks);
    }

    /// When the connection is given up unless something happens, as far as the machine does not see
    /// to it; `u64::MAX` for never.
    #[inline]
    pub(crate) fn limit_ns(&self, config: &TcpConfig) -> u64 {
        match self.phase {
            Phase::HalfOpen => self.since_ns.saturating_add(config.half_open_ns),
            Phase::Open if self.machine.state != State::Closed => {
                let waits = !self.machine.unacknowledged().is_empty();
                let acked = if waits { self.machine.acked_ns } else { u64::MAX };
                let acked_ns = acked.saturating_add(config.user_timeout_ns);
                acked_ns.min(self.closed_ns.saturating_add(config.close_ns))
            }
            _ => u64::MAX,
        }
    }

    /// Forgets the connection without a word to the peer.
    pub(crate) fn wipe(&mut self) {
        self.machine.wipe();
        self.seen = State::Closed;
    }

    /// What the header of a segment says now.
    pub(crate) fn words(&self, sequence: u32, flags: u8) -> Words {
        let (acknowledgment, window) = (self.machine.rcv_nxt(), self.machine.our_window());
        Words { sequence, acknowledgment, flags, window, options: 0 }
    }

    /// Sends a planned segment, and counts it; `false` without room.
    #[inline]
    pub(crate) fn send<T: FrameTx>(
        &mut self,
        now_ns: u64,
        segment: &Segment,
        tx: &mut T,
        counters: &mut TcpCounters,
    ) -> bool {
        let words = self.words(segment.sequence, segment.flags);
        let sent = if segment.flags & SYN != 0 {
            self.send_syn(words, tx)
        } else {
            let written = self.machine.unacknowledged();
            let bytes = written.range(segment.from as usize, segment.len as usize);
            self.template.send(&words, bytes, tx)
        };
        if sent {
            let is_repeated = self.machine.left(now_ns, segment);
            counters.segments_out += 1;
            counters.segments_repeated += u64::from(is_repeated);
        }
        sent
    }

    /// A SYN says which segments we take.
    #[cold]
    fn send_syn<T: FrameTx>(&self, words: Words, tx: &mut T) -> bool {
        let [high, low] = self.machine.segment_size().to_be_bytes();
        let acks = words.flags & wire::tcp::ACK != 0;
        let acknowledgment = if acks { words.acknowledgment } else { 0 };
        let words = Words { acknowledgment, options: 4, ..words };
        self.template.send(&words, [&[2, 4, high, low], &[]], tx)
    }
}
