//! A port on which a feed comes in: joins the groups, hands on the datagrams that are the feed's,
//! and asks the retransmission server for those that are missing.
//!
//! One port may carry line A, line B or both; replies of the retransmission server come back to
//! the port that asked, by unicast.

use crate::agent::Now;
use crate::port_io::{Burst, PortIo, rx_checks};
use dpdk::Mbuf;
use feed::Line;
use net::{Host, Input, UdpTemplate};
use std::net::SocketAddrV4;
use telemetry::Counter;
use wire::moldudp64::HEADER_LEN as REQUEST_LEN;

/// The UDP port that requests go out from and replies come back to.
pub const REQUEST_PORT: u16 = 26_478;

/// Where a datagram of the feed came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line.
    Line(Line),
    /// The retransmission server.
    Server,
}

/// See the module.
pub struct FeedPort<'e> {
    io: PortIo<'e>,
    host: Host,
    /// Line A's group, then line B's; those that come in here.
    groups: [Option<SocketAddrV4>; 2],
    server: Option<SocketAddrV4>,
    requests: Option<UdpTemplate>,
    other_datagrams: Counter,
}

impl<'e> FeedPort<'e> {
    /// Listens to `group` as line A; `host` has joined it.
    pub fn new(io: PortIo<'e>, host: Host, group: SocketAddrV4) -> FeedPort<'e> {
        FeedPort::with_lines(io, host, [Some(group), None])
    }

    /// Listens to line A's and line B's groups, those that are given; `host` has joined them.
    pub fn with_lines(
        io: PortIo<'e>,
        host: Host,
        groups: [Option<SocketAddrV4>; 2],
    ) -> FeedPort<'e> {
        let other_datagrams = Counter::new();
        FeedPort { io, host, groups, server: None, requests: None, other_datagrams }
    }

    /// Asks `server` for what is missing.
    pub fn asking(mut self, server: SocketAddrV4) -> FeedPort<'e> {
        self.server = Some(server);
        self
    }

    /// Announces our address and reports the groups.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// Receives a burst.
    #[inline]
    pub fn rx(&mut self, burst: &mut Burst<'e>) -> usize {
        self.io.rx(burst)
    }

    /// The feed's payload in a frame and where it is from, if that is what it is.
    #[inline]
    pub fn open<'f>(&mut self, now: Now, mbuf: &'f Mbuf<'e>) -> Option<(Origin, &'f [u8])> {
        match self.host.on_frame(now.ns, mbuf.data(), rx_checks(mbuf), &mut self.io.out) {
            Input::Udp(datagram) => {
                let [a, b] = self.groups;
                let to = Some(datagram.dst);
                let origin = if to == a {
                    Origin::Line(Line::A)
                } else if to == b {
                    Origin::Line(Line::B)
                } else if Some(datagram.src) == self.server && datagram.dst.port() == REQUEST_PORT {
                    Origin::Server
                } else {
                    self.other_datagrams.inc();
                    return None;
                };
                Some((origin, datagram.payload))
            }
            _ => None,
        }
    }

    /// Whether requests can go out here.
    pub fn asks(&self) -> bool {
        self.server.is_some()
    }

    /// Sends a request; `false` while the server's Ethernet address is not known or there is no
    /// room. A request that did not go out is asked again when its time is up, as a lost one is.
    #[cold]
    pub fn request(&mut self, now: Now, request: &[u8; REQUEST_LEN]) -> bool {
        let Some(server) = self.server else { return false };
        if self.requests.is_none() {
            self.requests = self.host.unicast(now.ns, REQUEST_PORT, server).ok();
        }
        let Some(template) = &mut self.requests else { return false };
        let fill = |payload: &mut [u8]| payload.copy_from_slice(request);
        let sent = template.send(&mut self.io.out, REQUEST_LEN, fill);
        self.io.out.flush();
        sent
    }

    /// Keeps a frame that has been read for a reply.
    #[inline]
    pub fn recycle(&mut self, mbuf: Mbuf<'e>) {
        self.io.out.recycle(mbuf);
    }

    /// Timers: group reports, ARP.
    pub fn tend(&mut self, now: Now) -> usize {
        if let (Some(server), None) = (self.server, &self.requests) {
            // Asks for the address beforehand, so that the first gap does not wait for it.
            self.requests = self.host.unicast(now.ns, REQUEST_PORT, server).ok();
        }
        let work = self.host.poll(now.ns, &mut self.io.out);
        self.io.out.flush();
        work
    }

    /// Datagrams for us that were not the feed's.
    pub fn other_datagrams(&self) -> u64 {
        self.other_datagrams.get()
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
