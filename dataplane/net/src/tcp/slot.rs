//! One connection's place: a `smoltcp` interface with one socket, and what we remember about it.

use super::clock::Clock;
use super::device::{Caps, Out, Said, SlotDevice};
use super::table::Tuple;
use super::{CloseReason, ConnState, TcpConfig};
use crate::frame_tx::FrameTx;
use crate::interface::Interface;
use crate::link::Link;
use smoltcp::iface::{Config, Interface as Stack, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::ether;

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

/// A connection's place.
pub(crate) struct Slot {
    stack: Stack,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    clock: Clock,
    pub(crate) link: Link,
    pub(crate) phase: Phase,
    /// The socket's state when it was last looked at.
    pub(crate) seen: State,
    /// Set when the caller gave the connection up.
    pub(crate) aborted: bool,
    /// Whether the peer opened it.
    pub(crate) accepted: bool,
    pub(crate) pending: Pending,
    pub(crate) reason: CloseReason,
    pub(crate) generation: u32,
    /// When the slot was taken, or entered its present phase.
    pub(crate) since_ns: u64,
    pub(crate) local_port: u16,
    pub(crate) remote: SocketAddrV4,
    pub(crate) next_hop: Ipv4Addr,
    /// What the peer was last told.
    pub(crate) said: Said,
    /// The peer's sequence number of the first byte that the caller has not read.
    pub(crate) unread: u32,
    /// No challenge leaves before this.
    pub(crate) challenge_ns: u64,
    /// When the peer last acknowledged something, or all was acknowledged and we sent again.
    pub(crate) acked_ns: u64,
    /// When we closed; `u64::MAX` for not yet.
    pub(crate) closed_ns: u64,
    /// Counted among the slots that will soon be free.
    pub(crate) ending: bool,
}

impl Slot {
    pub(crate) fn new(interface: &Interface, config: &TcpConfig, caps: Caps, seed: u64) -> Slot {
        let mut out = Out { scratch: Box::default(), sent: 0, lost: 0 };
        let link = Link::new(interface, interface.mac, ether::IPV4);
        let (tx, out) = (&mut Nowhere, &mut out);
        let said = &mut Said::default();
        let mut device = SlotDevice { packet: None, tx, out, link: &link, said, caps };
        let clock = Clock::new(config.rto_min_ns);
        let mut stack_config = Config::new(HardwareAddress::Ip);
        stack_config.random_seed = seed;
        let mut stack = Stack::new(stack_config, &mut device, Instant::ZERO);
        stack.update_ip_addrs(|addresses| {
            // A fixed vector of two that is empty: one fits.
            let _ =
                addresses.push(IpCidr::new(IpAddress::Ipv4(interface.ip), interface.prefix_len));
        });
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; config.rx_bytes]),
            SocketBuffer::new(vec![0; config.tx_bytes]),
        );
        // An order must not wait for the acknowledgment of the one before, nor an acknowledgment
        // for a timer.
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.set_keep_alive(Some(clock.span(config.keep_alive_ns)));
        socket.set_timeout(Some(clock.span(config.timeout_ns)));
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Slot {
            stack,
            sockets,
            handle,
            clock,
            link,
            phase: Phase::Free,
            seen: State::Closed,
            aborted: false,
            accepted: false,
            pending: Pending::default(),
            reason: CloseReason::Finished,
            generation: 0,
            since_ns: 0,
            local_port: 0,
            remote: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            next_hop: Ipv4Addr::UNSPECIFIED,
            said: Said::default(),
            unread: 0,
            challenge_ns: 0,
            acked_ns: 0,
            closed_ns: u64::MAX,
            ending: false,
        }
    }

    /// The key in the table.
    pub(crate) fn tuple(&self) -> Tuple {
        Tuple::new(self.local_port, self.remote)
    }

    pub(crate) fn socket(&self) -> &Socket<'static> {
        self.sockets.get(self.handle)
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// The state as the caller sees it.
    pub(crate) fn state(&self) -> ConnState {
        match self.phase {
            Phase::Free | Phase::TimeWait | Phase::Dead => ConnState::Closed,
            Phase::Resolving | Phase::HalfOpen => ConnState::Opening,
            Phase::Open => match self.socket().state() {
                State::SynSent | State::SynReceived => ConnState::Opening,
                State::Established => ConnState::Established,
                State::CloseWait => ConnState::PeerClosed,
                State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => {
                    ConnState::Closing
                }
                State::Closed | State::Listen | State::TimeWait => ConnState::Closed,
            },
        }
    }

    /// Begins with a new connection.
    pub(crate) fn begin(&mut self, now_ns: u64, (local_port, remote): (u16, SocketAddrV4)) {
        (self.local_port, self.remote) = (local_port, remote);
        (self.aborted, self.since_ns, self.acked_ns) = (false, now_ns, now_ns);
        (self.challenge_ns, self.closed_ns) = (0, u64::MAX);
        (self.said, self.unread) = (Said::default(), 0);
    }

    /// Whether the peer's FIN was taken in.
    pub(crate) fn peer_has_closed(&self) -> bool {
        matches!(
            self.socket().state(),
            State::CloseWait | State::LastAck | State::Closing | State::TimeWait
        )
    }

    /// The next sequence number expected of the peer.
    pub(crate) fn rcv_nxt(&self) -> u32 {
        let fin = u32::from(self.peer_has_closed());
        self.unread.wrapping_add(self.socket().recv_queue() as u32).wrapping_add(fin)
    }

    /// When the connection is given up unless something happens, as far as `smoltcp` does not see
    /// to it; `u64::MAX` for never.
    pub(crate) fn limit_ns(&self, config: &TcpConfig) -> u64 {
        let socket = self.socket();
        match self.phase {
            Phase::HalfOpen => self.since_ns.saturating_add(config.half_open_ns),
            Phase::Open if socket.state() != State::Closed => {
                let acked = if socket.send_queue() == 0 { u64::MAX } else { self.acked_ns };
                let acked_ns = acked.saturating_add(config.user_timeout_ns);
                acked_ns.min(self.closed_ns.saturating_add(config.close_ns))
            }
            _ => u64::MAX,
        }
    }

    /// Makes the socket listen, for the SYN at hand.
    pub(crate) fn listen(&mut self) -> bool {
        self.wipe();
        let port = self.local_port;
        self.socket_mut().listen(port).is_ok()
    }

    /// Starts to connect; the SYN leaves with the next segment emitted.
    pub(crate) fn connect(&mut self) -> bool {
        self.wipe();
        let (remote, local_port) = (self.remote, self.local_port);
        let socket: &mut Socket<'static> = self.sockets.get_mut(self.handle);
        let remote = (IpAddress::Ipv4(*remote.ip()), remote.port());
        socket.connect(self.stack.context(), remote, local_port).is_ok()
    }

    /// Forgets the connection without a word to the peer. Listening is what resets a socket.
    pub(crate) fn wipe(&mut self) {
        let port = self.local_port.max(1);
        let socket = self.socket_mut();
        socket.abort();
        let _ = socket.listen(port);
        socket.close();
        self.seen = State::Closed;
    }

    /// Gives the socket a packet. What it answers at once leaves; all else waits for
    /// [`emit`](Self::emit).
    pub(crate) fn ingress<T: FrameTx>(
        &mut self,
        now_ns: u64,
        packet: &[u8],
        port: (&mut T, &mut Out, Caps),
    ) {
        let (tx, out, caps) = port;
        let (packet, said) = (Some(packet), &mut self.said);
        let unacked = self.sockets.get::<Socket<'static>>(self.handle).send_queue();
        let mut device = SlotDevice { packet, tx, out, link: &self.link, said, caps };
        self.stack.poll_ingress_single(self.clock.instant(now_ns), &mut device, &mut self.sockets);
        if self.socket().send_queue() < unacked {
            self.acked_ns = now_ns;
        }
    }

    /// Sends at most one segment; says whether one was.
    pub(crate) fn emit<T: FrameTx>(&mut self, now_ns: u64, port: (&mut T, &mut Out, Caps)) -> bool {
        let (tx, out, caps) = port;
        let said = &mut self.said;
        let mut device = SlotDevice { packet: None, tx, out, link: &self.link, said, caps };
        let now = self.clock.instant(now_ns);
        let result = self.stack.poll_egress(now, &mut device, &mut self.sockets);
        result == PollResult::SocketStateChanged
    }

    /// When the socket wants to emit next; `u64::MAX` for never.
    pub(crate) fn due_ns(&mut self, now_ns: u64) -> u64 {
        let at = self.stack.poll_at(self.clock.instant(now_ns), &self.sockets);
        at.map_or(u64::MAX, |at| self.clock.real_ns(at))
    }
}

/// Takes nothing: stands in while a slot is made.
struct Nowhere;

impl FrameTx for Nowhere {
    fn ready(&self) -> bool {
        false
    }

    fn send(&mut self, _: usize, _: impl FnOnce(&mut [u8])) -> bool {
        false
    }
}
