//! The port that the nodes of a cluster talk over: datagrams of consensus, to and from peers whose
//! addresses the configuration knows.
//!
//! A peer's Ethernet address is known as well, so that nothing has to be asked before the first
//! heartbeat; who asks for ours is answered.
//!
//! Failure modes: what is not from a peer, or not for the partition's UDP port, is counted and
//! dropped; what it says is for `replica` to judge. What the port does not take is lost, as on a
//! wire, and counted.

use crate::agent::Now;
use crate::port_io::{Burst, PortIo, rx_checks};
use net::{Host, Input, TxChecks, UdpTemplate};
use std::net::{Ipv4Addr, SocketAddrV4};
use telemetry::CounterSet;
use wire::Mac;

telemetry::keys! {
    /// What became of datagrams on their way between nodes.
    pub enum ReplicaPortCounter in "replica port" {
        /// Datagrams taken from peers.
        Received = "received",
        /// Datagrams for peers that were handed to the port.
        Sent = "sent",
        /// Datagrams that came from no peer, or for another UDP port.
        Strangers = "strangers",
        /// Datagrams that the port did not take; they are sent anew when nobody answers.
        NotTaken = "not_taken",
    }
}

/// Another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// Its number in the cluster.
    pub node: u64,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its IP address.
    pub ip: Ipv4Addr,
}

struct Peer {
    address: PeerAddress,
    to: UdpTemplate,
}

/// See the module.
pub struct ReplicaPort<'e> {
    io: PortIo<'e>,
    host: Host,
    udp_port: u16,
    peers: Vec<Peer>,
    counters: CounterSet<ReplicaPortCounter>,
}

impl<'e> ReplicaPort<'e> {
    /// Talks to `peers` from `udp_port` to the same.
    pub fn new(
        io: PortIo<'e>,
        host: Host,
        udp_port: u16,
        peers: &[PeerAddress],
        checks: TxChecks,
    ) -> ReplicaPort<'e> {
        let peer = |address: &PeerAddress| {
            let to = SocketAddrV4::new(address.ip, udp_port);
            let to = UdpTemplate::unicast(host.interface(), udp_port, to, address.mac, checks);
            Peer { address: *address, to }
        };
        let peers = peers.iter().map(peer).collect();
        ReplicaPort { io, host, udp_port, peers, counters: CounterSet::new() }
    }

    /// Announces our address.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// Takes a burst, and hands on what peers say: who, and what.
    #[inline]
    pub fn receive(
        &mut self,
        now: Now,
        burst: &mut Burst<'e>,
        mut take: impl FnMut(u64, &[u8]),
    ) -> usize {
        let got = self.io.rx(burst);
        for mbuf in burst.drain(..) {
            let out = &mut self.io.out;
            let input = self.host.on_frame(now.ns, mbuf.data(), rx_checks(&mbuf), out);
            if let Input::Udp(datagram) = input {
                let ours = datagram.dst.port() == self.udp_port;
                let from = self.peers.iter().find(|peer| peer.address.ip == *datagram.src.ip());
                match from.filter(|_| ours) {
                    Some(peer) => {
                        self.counters.inc(ReplicaPortCounter::Received);
                        take(peer.address.node, datagram.payload);
                    }
                    None => self.counters.inc(ReplicaPortCounter::Strangers),
                }
            }
            self.io.out.recycle(mbuf);
        }
        got
    }

    /// Queues a datagram for a peer.
    #[inline]
    pub fn send(&mut self, to: u64, datagram: &[u8]) {
        let peer = self.peers.iter_mut().find(|peer| peer.address.node == to);
        let out = &mut self.io.out;
        let fill = |payload: &mut [u8]| payload.copy_from_slice(datagram);
        if peer.is_some_and(|peer| peer.to.send(out, datagram.len(), fill)) {
            self.counters.inc(ReplicaPortCounter::Sent);
        } else {
            self.counters.inc(ReplicaPortCounter::NotTaken);
        }
    }

    /// Hands all frames to the device; gives those that time has brought.
    pub fn flush(&mut self, now: Now) -> usize {
        let sent = self.host.poll(now.ns, &mut self.io.out);
        self.io.out.flush();
        sent
    }

    /// What became of datagrams.
    pub fn counters(&self) -> &CounterSet<ReplicaPortCounter> {
        &self.counters
    }

    /// The host behind the port, for its counters.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, for its counters.
    pub fn io(&self) -> &PortIo<'e> {
        &self.io
    }

    /// Gives the port back.
    pub fn into_io(self) -> PortIo<'e> {
        self.io
    }
}
