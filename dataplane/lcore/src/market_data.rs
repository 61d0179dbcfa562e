//! A port that publishes a feed: MoldUDP64 out over multicast, retransmission requests in.

use crate::agent::Now;
use crate::port_io::{Burst, PortIo, rx_checks};
use net::{Host, Input, UdpIn, UdpTemplate};
use session::MoldPublisher;

/// Packets written in one poll at most, so that a poll stays bounded.
const PACKETS_MAX: usize = 32;

/// A publishing port.
pub struct MarketDataPort<'e> {
    io: PortIo<'e>,
    host: Host,
    group: UdpTemplate,
    payload_max: usize,
    publisher: MoldPublisher,
}

impl<'e> MarketDataPort<'e> {
    /// Publishes `publisher`'s messages in datagrams of at most `payload_max` bytes through
    /// `group`.
    pub fn new(
        io: PortIo<'e>,
        host: Host,
        group: UdpTemplate,
        payload_max: usize,
        publisher: MoldPublisher,
    ) -> MarketDataPort<'e> {
        let payload_max = payload_max.min(group.payload_max());
        MarketDataPort { io, host, group, payload_max, publisher }
    }

    /// Announces our address.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// What is published, to be added to.
    pub fn publisher_mut(&mut self) -> &mut MoldPublisher {
        &mut self.publisher
    }

    /// What was published.
    pub fn publisher(&self) -> &MoldPublisher {
        &self.publisher
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

    /// Messages that are published and not yet packed.
    pub fn backlog(&self) -> u64 {
        let counters = self.publisher.counters();
        (self.publisher.next_seq() - 1) - counters.messages - counters.unsent_evicted
    }

    /// Whether every message has gone out.
    pub fn is_sent(&self) -> bool {
        self.backlog() == 0 && self.io.out.queued() == 0
    }

    /// Whether a packet could be sent now.
    pub fn has_room(&mut self) -> bool {
        use net::FrameTx;
        if !self.io.out.ready() {
            self.io.out.flush();
        }
        self.io.out.ready()
    }

    /// Takes a burst: ARP, ICMP and IGMP are answered by the host, requests from what is stored.
    pub fn receive(&mut self, now: Now, burst: &mut Burst<'e>) -> usize {
        let got = self.io.rx(burst);
        for mbuf in burst.drain(..) {
            let input = self.host.on_frame(now.ns, mbuf.data(), rx_checks(&mbuf), &mut self.io.out);
            if let Input::Udp(datagram) = input {
                self.retransmit(&datagram);
            }
            self.io.out.recycle(mbuf);
        }
        got + self.host.poll(now.ns, &mut self.io.out)
    }

    /// Sends what is published and due, and flushes.
    pub fn pump(&mut self, now: Now) -> usize {
        let mut packets = 0;
        while packets < PACKETS_MAX {
            let len = self.publisher.next_len(now.ns, self.payload_max);
            if len == 0 {
                break;
            }
            let publisher = &mut self.publisher;
            let sent = self.group.send(&mut self.io.out, len, |room| {
                publisher.pump(now.ns, room);
            });
            if !sent {
                break;
            }
            packets += 1;
        }
        self.io.out.flush();
        packets
    }

    /// Answers a retransmission request by unicast with one datagram. No room means that the client
    /// asks again, as it does when a reply is lost; a refusal is counted by the publisher.
    #[cold]
    fn retransmit(&mut self, request: &UdpIn<'_>) {
        let mut reply = [0; REPLY_MAX];
        let room = self.payload_max.min(REPLY_MAX);
        if let Ok(len) = self.publisher.on_request(request.payload, &mut reply[..room]) {
            let fill = |frame: &mut [u8]| frame.copy_from_slice(&reply[..len]);
            let _ = self.host.reply(request, &mut self.io.out, len, fill);
        }
    }
}

/// The longest retransmission, in bytes.
const REPLY_MAX: usize = 1_472;
