//! One IPv4 address on one port: everything of this crate behind one door.
//!
//! Why it exists: an lcore has frames and wants to know what to do with each. It calls
//! [`Host::on_frame`] for every frame of a burst, serves what comes out, flushes the connections it
//! wrote to, and calls [`Host::poll`] once a duty cycle.

use crate::arp::{self, Learnt, Neighbours};
use crate::classify::{Class, DropReason, UdpIn, classify, plain_segment};
use crate::counters::HostCounters;
use crate::error::{NetError, bound};
use crate::frame_tx::FrameTx;
use crate::icmp;
use crate::igmp::{GROUPS_MAX, IgmpVersion, Membership};
use crate::interface::{Interface, RxChecks, TxChecks};
use crate::tcp::{Ahead, ConnId, ConnState, NetEvent, TcpConfig, TcpData, TcpHost};
use crate::udp::UdpTemplate;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Capacities of a [`Host`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// TCP's.
    pub tcp: TcpConfig,
    /// Neighbours whose Ethernet addresses are remembered.
    pub neighbours: usize,
    /// Multicast groups that can be joined; at most 64.
    pub groups: usize,
    /// The version of membership reports.
    pub igmp: IgmpVersion,
    /// Checksums the port writes.
    pub tx_checks: TxChecks,
}

impl Default for HostConfig {
    fn default() -> HostConfig {
        HostConfig {
            tcp: TcpConfig::default(),
            neighbours: 64,
            groups: 16,
            igmp: IgmpVersion::V3,
            tx_checks: TxChecks::default(),
        }
    }
}

/// What a frame was for the caller.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Nothing: it was the host's own business. There may be events.
    Handled,
    /// A connection has bytes to [`read`](Host::read), or to [`keep`](Host::keep) for later. There
    /// may be events, too.
    Tcp(TcpData<'a>),
    /// A datagram for our address or a joined group.
    Udp(UdpIn<'a>),
    /// Nobody's; it was counted.
    Dropped(DropReason),
}

/// One IPv4 address on one port.
pub struct Host {
    interface: Interface,
    checks: TxChecks,
    neighbours: Neighbours,
    membership: Membership,
    tcp: TcpHost,
    counters: HostCounters,
    now_ns: u64,
}

impl Host {
    /// Takes all the memory the host will ever need.
    ///
    /// # Errors
    /// A setting out of its bounds.
    pub fn new(interface: Interface, config: HostConfig) -> Result<Host, NetError> {
        bound("neighbours", config.neighbours as u64, 1, 4_096)?;
        bound("groups", config.groups as u64, 0, GROUPS_MAX as u64)?;
        let tcp = TcpHost::new(interface, config.tcp, config.tx_checks)?;
        Ok(Host {
            interface,
            checks: config.tx_checks,
            neighbours: Neighbours::new(config.neighbours),
            membership: Membership::new(config.groups, config.igmp, config.tcp.seed),
            tcp,
            counters: HostCounters::default(),
            now_ns: 0,
        })
    }

    /// Announces our address and groups, with the polls to come.
    pub fn start(&mut self, now_ns: u64) {
        let now_ns = self.tick(now_ns);
        self.neighbours.announce(now_ns);
        self.membership.announce(now_ns);
    }

    fn tick(&mut self, now_ns: u64) -> u64 {
        self.now_ns = self.now_ns.max(now_ns);
        self.now_ns
    }

    /// The interface.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// What was counted so far.
    pub fn counters(&self) -> HostCounters {
        HostCounters { tcp: self.tcp.counters(), ..self.counters }
    }

    /// See [`TcpHost::wants_ahead`].
    #[inline]
    pub fn wants_ahead(&self) -> bool {
        self.tcp.wants_ahead()
    }

    /// Asks memory for what the frames of a burst will need, before they are taken in; see
    /// [`Ahead`].
    #[inline]
    pub fn read_ahead<'f>(&self, frames: impl Iterator<Item = &'f [u8]>, ahead: &mut Ahead) {
        self.tcp.read_ahead(frames, ahead);
    }

    /// Takes a frame in and answers it as far as the host can by itself.
    #[inline]
    pub fn on_frame<'a, T: FrameTx>(
        &mut self,
        now_ns: u64,
        frame: &'a [u8],
        checks: RxChecks,
        tx: &mut T,
    ) -> Input<'a> {
        self.counters.frames += 1;
        if let Some(segment) = plain_segment(frame, &self.interface, checks)
            && let Some(slot) = self.tcp.find(&segment)
        {
            let taken = self.tcp.on_known(now_ns, slot, &segment, tx);
            return self.told(taken);
        }
        self.on_other(now_ns, frame, checks, tx)
    }

    /// A frame that is not simply a segment of a connection that there is.
    fn on_other<'a, T: FrameTx>(
        &mut self,
        now_ns: u64,
        frame: &'a [u8],
        checks: RxChecks,
        tx: &mut T,
    ) -> Input<'a> {
        match classify(frame, &self.interface, self.membership.groups(), checks) {
            Class::Tcp(segment) => {
                let taken = self.tcp.on_segment(now_ns, &segment, tx);
                self.told(taken)
            }
            Class::Udp(datagram) => {
                self.counters.datagrams += 1;
                Input::Udp(datagram)
            }
            Class::Drop(reason) => self.drop(reason),
            other => match self.on_control(now_ns, other, tx) {
                Ok(()) => Input::Handled,
                Err(reason) => self.drop(reason),
            },
        }
    }

    /// What TCP says of a segment, to the caller.
    #[inline]
    fn told<'a>(&mut self, taken: Result<Option<TcpData<'a>>, DropReason>) -> Input<'a> {
        match taken {
            Ok(Some(data)) => Input::Tcp(data),
            Ok(None) => Input::Handled,
            Err(reason) => self.drop(reason),
        }
    }

    #[cold]
    fn drop<'a>(&mut self, reason: DropReason) -> Input<'a> {
        self.counters.drop(reason);
        Input::Dropped(reason)
    }

    #[cold]
    fn on_control<T: FrameTx>(
        &mut self,
        now_ns: u64,
        class: Class<'_>,
        tx: &mut T,
    ) -> Result<(), DropReason> {
        let now_ns = self.tick(now_ns);
        match class {
            Class::Arp(packet) => self.on_arp(now_ns, packet, tx),
            Class::Icmp(packet) => {
                icmp::answer(&self.interface, &packet, tx)?;
                self.counters.echoes += 1;
                Ok(())
            }
            Class::Igmp(packet) => {
                self.membership.on_message(now_ns, packet.payload)?;
                self.counters.igmp_queries += 1;
                Ok(())
            }
            // Served by the caller.
            Class::Tcp(_) | Class::Udp(_) | Class::Drop(_) => Ok(()),
        }
    }

    fn on_arp<T: FrameTx>(
        &mut self,
        now_ns: u64,
        packet: &wire::arp::Packet,
        tx: &mut T,
    ) -> Result<(), DropReason> {
        let learnt = self.neighbours.learn(now_ns, &self.interface, packet);
        match learnt {
            Learnt::Nothing => {}
            Learnt::Neighbour(ip, mac) => self.tcp.on_neighbour(now_ns, ip, mac),
            Learnt::Conflict => {
                self.counters.arp_conflicts += 1;
                self.neighbours.defend(now_ns);
            }
        }
        if arp::asks_us(&self.interface, packet) {
            if !arp::reply(&self.interface, packet, tx) {
                return Err(DropReason::NoRoomToAnswer);
            }
            self.counters.arp_answered += 1;
        } else if packet.target_ip != self.interface.ip.octets() && learnt == Learnt::Nothing {
            return Err(DropReason::ArpNotForUs);
        }
        Ok(())
    }

    /// Sends what is due: announcements, reports, retransmissions, acknowledgments nobody flushed.
    /// A bounded piece of work, to be done once a duty cycle; gives the frames sent.
    #[inline]
    pub fn poll<T: FrameTx>(&mut self, now_ns: u64, tx: &mut T) -> usize {
        let now_ns = self.tick(now_ns);
        let is_due = now_ns >= self.neighbours.due_ns().min(self.membership.due_ns());
        let control = if is_due { self.poll_control(now_ns, tx) } else { 0 };
        control + self.tcp.poll(now_ns, tx)
    }

    /// What ARP and IGMP have to send.
    #[cold]
    fn poll_control<T: FrameTx>(&mut self, now_ns: u64, tx: &mut T) -> usize {
        let (tcp, counters) = (&mut self.tcp, &mut self.counters);
        let arp = self.neighbours.poll(now_ns, &self.interface, tx, |ip| {
            counters.arp_unreachable += 1;
            tcp.on_unreachable(ip);
        });
        let igmp = self.membership.poll(now_ns, &self.interface, tx);
        counters.arp_sent += arp as u64;
        counters.igmp_sent += igmp as u64;
        arp + igmp
    }

    /// The next thing that happened to a connection; to be asked until `None`.
    #[inline]
    pub fn next_event(&mut self) -> Option<NetEvent> {
        self.tcp.next_event()
    }

    /// Joins a multicast group: its datagrams are taken from now on, and the next poll reports it.
    ///
    /// # Errors
    /// Not a group, or no room for it.
    pub fn join(&mut self, now_ns: u64, group: Ipv4Addr) -> Result<(), NetError> {
        let now_ns = self.tick(now_ns);
        self.membership.join(now_ns, group)
    }

    /// Leaves a multicast group and says so; `false` when it was not joined.
    pub fn leave<T: FrameTx>(&mut self, now_ns: u64, group: Ipv4Addr, tx: &mut T) -> bool {
        let now_ns = self.tick(now_ns);
        self.membership.leave(now_ns, group, &self.interface, tx)
    }

    /// Lets peers connect to `port` from now on.
    ///
    /// # Errors
    /// Port 0, or as many ports as can be.
    pub fn listen(&mut self, port: u16) -> Result<(), NetError> {
        self.tcp.listen(port)
    }

    /// Lets nobody new connect to `port`; connections that are open stay.
    pub fn unlisten(&mut self, port: u16) {
        self.tcp.unlisten(port);
    }

    /// Opens a connection from `local_port` (0: any). How it goes is told by events; the first
    /// frame, ARP's or the SYN, leaves with the next poll.
    ///
    /// # Errors
    /// No route, no slot, or ports and addresses that cannot be or are in use.
    pub fn connect(
        &mut self,
        now_ns: u64,
        local_port: u16,
        remote: SocketAddrV4,
    ) -> Result<ConnId, NetError> {
        let (hop, mac) = self.hop(now_ns, *remote.ip())?;
        self.tcp.connect(now_ns, local_port, remote, hop, mac)
    }

    fn hop(
        &mut self,
        now_ns: u64,
        ip: Ipv4Addr,
    ) -> Result<(Ipv4Addr, Option<wire::Mac>), NetError> {
        let now_ns = self.tick(now_ns);
        if !self.interface.is_host(ip) || ip == self.interface.ip {
            return Err(NetError::Address { ip });
        }
        let hop = self.interface.next_hop(ip).ok_or(NetError::NoRoute { ip })?;
        Ok((hop, self.neighbours.resolve(now_ns, hop)?))
    }

    /// A flow of datagrams to a multicast group.
    ///
    /// # Errors
    /// Not a group.
    pub fn multicast(
        &self,
        src_port: u16,
        group: SocketAddrV4,
        ttl: u8,
    ) -> Result<UdpTemplate, NetError> {
        if !group.ip().is_multicast() {
            return Err(NetError::NotAGroup { ip: *group.ip() });
        }
        Ok(UdpTemplate::multicast(&self.interface, src_port, group, ttl, self.checks))
    }

    /// A flow of datagrams to one station.
    ///
    /// # Errors
    /// [`NetError::Unresolved`] until its Ethernet address is known, which is asked for: the caller
    /// tries again after some polls. No route, or an address that is not a host's.
    pub fn unicast(
        &mut self,
        now_ns: u64,
        src_port: u16,
        dst: SocketAddrV4,
    ) -> Result<UdpTemplate, NetError> {
        let (ip, mac) = self.hop(now_ns, *dst.ip())?;
        let mac = mac.ok_or(NetError::Unresolved { ip })?;
        Ok(UdpTemplate::unicast(&self.interface, src_port, dst, mac, self.checks))
    }

    /// Answers a datagram to where it came from, with `len` bytes which `fill` writes; `false`
    /// without room, or when it came to a group, whose port is not ours to answer from.
    #[must_use]
    pub fn reply<T: FrameTx>(
        &mut self,
        to: &UdpIn<'_>,
        tx: &mut T,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> bool {
        if *to.dst.ip() != self.interface.ip {
            return false;
        }
        let port = to.dst.port();
        UdpTemplate::unicast(&self.interface, port, to.src, to.src_mac, self.checks)
            .send(tx, len, fill)
    }

    /// How far a connection is.
    pub fn state(&self, conn: ConnId) -> ConnState {
        self.tcp.state(conn)
    }

    /// See [`TcpHost::read`].
    #[inline]
    pub fn read(&mut self, data: TcpData<'_>, read: impl FnMut(&[u8]) -> usize) -> usize {
        self.tcp.read(data, read)
    }

    /// See [`TcpHost::keep`].
    #[inline]
    pub fn keep(&mut self, data: TcpData<'_>) -> ConnId {
        self.tcp.keep(data)
    }

    /// See [`TcpHost::recv`].
    #[inline]
    pub fn recv(&mut self, conn: ConnId, read: impl FnMut(&[u8]) -> usize) -> usize {
        self.tcp.recv(conn, read)
    }

    /// See [`TcpHost::remote`].
    pub fn remote(&self, conn: ConnId) -> Option<SocketAddrV4> {
        self.tcp.remote(conn)
    }

    /// See [`TcpHost::free_slots`].
    pub fn free_slots(&self) -> usize {
        self.tcp.free_slots()
    }

    /// See [`TcpHost::send_room`].
    #[inline]
    pub fn send_room(&self, conn: ConnId) -> usize {
        self.tcp.send_room(conn)
    }

    /// See [`TcpHost::send`].
    #[inline]
    pub fn send(
        &mut self,
        conn: ConnId,
        need: usize,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<usize> {
        self.tcp.send(conn, need, write)
    }

    /// See [`TcpHost::send_all`].
    #[inline]
    pub fn send_all(&mut self, conn: ConnId, bytes: &[u8]) -> bool {
        self.tcp.send_all(conn, bytes)
    }

    /// See [`TcpHost::flush`].
    #[inline]
    pub fn flush<T: FrameTx>(&mut self, now_ns: u64, conn: ConnId, tx: &mut T) -> usize {
        self.tcp.flush(now_ns, conn, tx)
    }

    /// See [`TcpHost::close`].
    pub fn close(&mut self, conn: ConnId) {
        self.tcp.close(conn);
    }

    /// See [`TcpHost::abort`].
    pub fn abort(&mut self, conn: ConnId) {
        self.tcp.abort(conn);
    }

    /// TCP itself, for what is asked more rarely.
    pub fn tcp(&self) -> &TcpHost {
        &self.tcp
    }
}
