//! A port that publishes a feed: MoldUDP64 out over multicast, retransmission requests in.

use crate::agent::Now;
use crate::port_io::{Burst, PortIo, rx_checks};
use net::{FrameTx, Host, Input, UdpIn, UdpTemplate};
use session::MoldPublisher;

/// Packets written in one poll at most, so that a poll stays bounded.
const PACKETS_MAX: usize = 32;

/// A publishing port.
pub struct MarketDataPort<'e> {
    io: PortIo<'e>,
    host: Host,
    group: UdpTemplate,
    line_b: Option<LineB<'e>>,
    payload_max: usize,
    publisher: MoldPublisher,
}

/// The second line: the same packets once more, over another group and perhaps another port.
pub struct LineB<'e> {
    /// Its port; `None` shares line A's.
    pub port: Option<(PortIo<'e>, Host)>,
    /// Where to.
    pub group: UdpTemplate,
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
        MarketDataPort { io, host, group, line_b: None, payload_max, publisher }
    }

    /// Sends everything over a second line too.
    pub fn with_line_b(mut self, line_b: LineB<'e>) -> MarketDataPort<'e> {
        self.payload_max = self.payload_max.min(line_b.group.payload_max());
        self.line_b = Some(line_b);
        self
    }

    /// Announces our address.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
        if let Some(LineB { port: Some((_, host)), .. }) = &mut self.line_b {
            host.start(now.ns);
        }
    }

    /// Ends the session on both lines.
    pub fn end_session(&mut self, now: Now) {
        self.publisher.end_session(now.ns);
    }

    /// What is published, to be added to.
    pub fn publisher_mut(&mut self) -> &mut MoldPublisher {
        &mut self.publisher
    }

    /// Publishes from another store: what a node of a cluster made anew.
    pub fn replace_publisher(&mut self, publisher: MoldPublisher) {
        self.publisher = publisher;
    }

    /// Takes a burst and answers nothing: the service's address is another node's.
    pub(crate) fn ignore(&mut self, burst: &mut Burst<'e>) -> usize {
        self.io.out.discard();
        let mut got = self.io.rx(burst);
        burst.drain(..).for_each(|mbuf| self.io.out.recycle(mbuf));
        if let Some(LineB { port: Some((io, _)), .. }) = &mut self.line_b {
            got += io.rx(burst);
            burst.drain(..).for_each(|mbuf| io.out.recycle(mbuf));
        }
        got
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

    /// The second line's port, for its counters, where it has one of its own.
    pub fn io_b(&self) -> Option<&PortIo<'e>> {
        self.line_b.as_ref()?.port.as_ref().map(|(io, _)| io)
    }

    /// Gives the ports back, line A's first.
    pub fn into_ios(self) -> impl Iterator<Item = PortIo<'e>> {
        let line_b = self.line_b.and_then(|line| line.port).map(|(io, _)| io);
        [self.io].into_iter().chain(line_b)
    }

    /// Messages that are published and not yet packed.
    pub fn backlog(&self) -> u64 {
        self.publisher.unsent()
    }

    /// Whether every message has gone out.
    pub fn is_sent(&self) -> bool {
        self.backlog() == 0 && self.io.out.queued() == 0
    }

    /// Whether a packet could be sent now.
    pub fn has_room(&mut self) -> bool {
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
                self.retransmit(now, &datagram);
            }
            self.io.out.recycle(mbuf);
        }
        got + self.host.poll(now.ns, &mut self.io.out) + self.receive_b(now, burst)
    }

    /// The second line's port of its own answers ARP, ICMP and IGMP; requests go to line A.
    fn receive_b(&mut self, now: Now, burst: &mut Burst<'e>) -> usize {
        let Some(LineB { port: Some((io, host)), .. }) = &mut self.line_b else { return 0 };
        let got = io.rx(burst);
        for mbuf in burst.drain(..) {
            host.on_frame(now.ns, mbuf.data(), rx_checks(&mbuf), &mut io.out);
            io.out.recycle(mbuf);
        }
        got + host.poll(now.ns, &mut io.out)
    }

    /// Sends what is published and due, and flushes.
    pub fn pump(&mut self, now: Now) -> usize {
        let mut packets = 0;
        while packets < PACKETS_MAX {
            let len = self.publisher.next_len(now.ns, self.payload_max);
            if len == 0 {
                break;
            }
            let sent = self.send(now, len);
            if !sent {
                break;
            }
            packets += 1;
        }
        self.io.out.flush();
        if let Some(LineB { port: Some((io, _)), .. }) = &mut self.line_b {
            io.out.flush();
        }
        packets
    }

    /// Writes one packet, and the same once more for line B. A frame that line B has no room for is
    /// lost there, as on a wire: line A has it, and so has the retransmission server.
    #[inline]
    fn send(&mut self, now: Now, len: usize) -> bool {
        let publisher = &mut self.publisher;
        let Some(line_b) = &mut self.line_b else {
            return self.group.send(&mut self.io.out, len, |room| {
                publisher.pump(now.ns, room);
            });
        };
        let mut packet = [0; PACKET_MAX];
        let Some(packet) = packet.get_mut(..len) else { return false };
        if !self.io.out.ready() {
            return false;
        }
        publisher.pump(now.ns, packet);
        let fill = |room: &mut [u8]| room.copy_from_slice(packet);
        let sent = self.group.send(&mut self.io.out, len, fill);
        let out = line_b.port.as_mut().map_or(&mut self.io.out, |(io, _)| &mut io.out);
        let fill = |room: &mut [u8]| room.copy_from_slice(packet);
        let _ = line_b.group.send(out, len, fill);
        sent
    }

    /// Answers a retransmission request by unicast with one datagram. No room means that the client
    /// asks again, as it does when a reply is lost; a refusal is counted by the publisher.
    #[cold]
    fn retransmit(&mut self, now: Now, request: &UdpIn<'_>) {
        let mut reply = [0; PACKET_MAX];
        let room = self.payload_max.min(PACKET_MAX);
        let from = request.src.ip().to_bits();
        let asked =
            self.publisher.on_request_from(now.ns, from, request.payload, &mut reply[..room]);
        if let Ok(len) = asked {
            let fill = |frame: &mut [u8]| frame.copy_from_slice(&reply[..len]);
            let _ = self.host.reply(request, &mut self.io.out, len, fill);
        }
    }
}

/// The longest packet that is copied, in bytes: a datagram on Ethernet.
const PACKET_MAX: usize = 1_472;
