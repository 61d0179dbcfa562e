//! A port on which a feed comes in: joins the group, and hands on the datagrams that are the
//! feed's.

use crate::agent::Now;
use crate::port_io::{Burst, PortIo, rx_checks};
use dpdk::Mbuf;
use net::{Host, Input};
use std::net::SocketAddrV4;
use telemetry::Counter;

/// See the module.
pub struct FeedPort<'e> {
    io: PortIo<'e>,
    host: Host,
    group: SocketAddrV4,
    other_datagrams: Counter,
}

impl<'e> FeedPort<'e> {
    /// Listens to `group`, which `host` has joined.
    pub fn new(io: PortIo<'e>, host: Host, group: SocketAddrV4) -> FeedPort<'e> {
        FeedPort { io, host, group, other_datagrams: Counter::new() }
    }

    /// Announces our address and reports the group.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// Receives a burst.
    #[inline]
    pub fn rx(&mut self, burst: &mut Burst<'e>) -> usize {
        self.io.rx(burst)
    }

    /// The feed's payload in a frame, if that is what it is.
    #[inline]
    pub fn open<'f>(&mut self, now: Now, mbuf: &'f Mbuf<'e>) -> Option<&'f [u8]> {
        match self.host.on_frame(now.ns, mbuf.data(), rx_checks(mbuf), &mut self.io.out) {
            Input::Udp(datagram) if datagram.dst == self.group => Some(datagram.payload),
            Input::Udp(_) => {
                self.other_datagrams.inc();
                None
            }
            _ => None,
        }
    }

    /// Keeps a frame that has been read for a reply.
    #[inline]
    pub fn recycle(&mut self, mbuf: Mbuf<'e>) {
        self.io.out.recycle(mbuf);
    }

    /// Timers: group reports, ARP.
    pub fn tend(&mut self, now: Now) -> usize {
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
