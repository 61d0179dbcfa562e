//! One connection's place: a `smoltcp` interface with one socket, and what we remember about it.

use super::device::{Caps, Out, SlotDevice};
use super::table::Tuple;
use super::{CloseReason, ConnState, TcpConfig};
use crate::frame_tx::FrameTx;
use crate::interface::Interface;
use crate::link::Link;
use smoltcp::iface::{Config, Interface as Stack, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
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
}

fn instant(now_ns: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_ns / 1_000).unwrap_or(i64::MAX))
}

impl Slot {
    pub(crate) fn new(interface: &Interface, config: &TcpConfig, caps: Caps, seed: u64) -> Slot {
        let mut out = Out { scratch: Box::default(), sent: 0, lost: 0 };
        let link = Link::new(interface, interface.mac, ether::IPV4);
        let (tx, out) = (&mut Nowhere, &mut out);
        let mut device = SlotDevice { packet: None, tx, out, link: &link, caps };
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
        socket.set_keep_alive(Some(Duration::from_micros(config.keep_alive_ns / 1_000)));
        socket.set_timeout(Some(Duration::from_micros(config.timeout_ns / 1_000)));
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Slot {
            stack,
            sockets,
            handle,
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
        let packet = Some(packet);
        let mut device = SlotDevice { packet, tx, out, link: &self.link, caps };
        self.stack.poll_ingress_single(instant(now_ns), &mut device, &mut self.sockets);
    }

    /// Sends at most one segment; says whether one was.
    pub(crate) fn emit<T: FrameTx>(&mut self, now_ns: u64, port: (&mut T, &mut Out, Caps)) -> bool {
        let (tx, out, caps) = port;
        let mut device = SlotDevice { packet: None, tx, out, link: &self.link, caps };
        let result = self.stack.poll_egress(instant(now_ns), &mut device, &mut self.sockets);
        result == PollResult::SocketStateChanged
    }

    /// When the socket wants to emit next; `u64::MAX` for never.
    pub(crate) fn due_ns(&mut self, now_ns: u64) -> u64 {
        match self.stack.poll_at(instant(now_ns), &self.sockets) {
            None => u64::MAX,
            Some(at) => u64::try_from(at.total_micros()).unwrap_or(0).saturating_mul(1_000),
        }
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
