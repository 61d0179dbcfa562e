//! A client's connection to a venue: TCP, SoupBinTCP, and the port under them.
//!
//! Used by the trader and by a loadgen that enters orders. It connects, logs in, beats, and when
//! the connection is lost connects again and asks for what it missed. Messages are written straight
//! into TCP's ring and leave with [`OrderLink::flush`], once a burst.
//!
//! A second session over the same port may read a snapshot of the market, when it is wanted: it
//! logs in, is read from its first message to its last, and is closed again.

mod client;
mod inbox;

use crate::agent::Now;
use crate::control::Fault;
use crate::port_io::{Burst, PortIo, rx_checks};
use client::Client;
pub use inbox::{CLIENT_RX_BYTES, Inbox, Item};
use net::{Host, Input};
use session::{ClientHandler, SoupClient};
use std::net::SocketAddrV4;
use telemetry::CounterSet;

telemetry::keys! {
    /// What a link counts.
    pub enum LinkCounter in "order_link" {
        /// Connections asked for.
        Connects = "connects",
        /// Logins accepted.
        Logins = "logins",
        /// Connections that ended.
        Closed = "closed",
        /// Messages sent.
        Sent = "messages_sent",
        /// Messages that found no room in TCP's ring.
        NoRoom = "no_room",
    }
}

/// Who takes what a link brings: the venue's answers, and a snapshot where one is read.
pub trait LinkHandler: ClientHandler {
    /// A message of the snapshot.
    fn on_snapshot(&mut self, message: &[u8]) {
        let _ = message;
    }
}

/// Turns a snapshot's messages from the orders' ones.
struct OfSnapshot<'a, H>(&'a mut H);

impl<H: LinkHandler> ClientHandler for OfSnapshot<'_, H> {
    fn on_sequenced(&mut self, _seq: u64, message: &[u8]) {
        self.0.on_snapshot(message);
    }
}

/// See the module.
pub struct OrderLink<'e> {
    io: PortIo<'e>,
    host: Host,
    orders: Client,
    snapshot: Option<Client>,
}

impl<'e> OrderLink<'e> {
    /// A link to the venue at `venue`.
    pub fn new(io: PortIo<'e>, host: Host, soup: SoupClient, venue: SocketAddrV4) -> OrderLink<'e> {
        OrderLink { io, host, orders: Client::new(soup, venue), snapshot: None }
    }

    /// Reads snapshots from `server`, when they are wanted.
    pub fn with_snapshots(mut self, soup: SoupClient, server: SocketAddrV4) -> OrderLink<'e> {
        let mut client = Client::new(soup, server);
        client.wanted = false;
        self.snapshot = Some(client);
        self
    }

    /// Announces our address.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// Whether we are logged in.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.orders.is_open()
    }

    /// What cannot be gone on after, once it has happened.
    pub fn fault(&self) -> Option<Fault> {
        self.orders.fault
    }

    /// Whether a message of `len` bytes could be sent.
    #[inline]
    pub fn has_room(&self, len: usize) -> bool {
        self.orders.has_room(&self.host, len)
    }

    /// Writes a message into TCP's ring; `false`, counted, when there is no room or no session.
    #[inline]
    pub fn send(&mut self, now: Now, message: &[u8]) -> bool {
        self.orders.send(now, &mut self.host, message)
    }

    /// Takes a burst and hands the servers' messages to `handler`.
    #[inline]
    pub fn receive<H: LinkHandler>(
        &mut self,
        now: Now,
        burst: &mut Burst<'e>,
        handler: &mut H,
    ) -> usize {
        let got = self.io.rx(burst);
        for mbuf in burst.drain(..) {
            let input = self.host.on_frame(now.ns, mbuf.data(), rx_checks(&mbuf), &mut self.io.out);
            if let Input::Tcp(data) = input {
                let conn = data.conn();
                if self.orders.is(conn) {
                    self.orders.read(now, &mut self.host, data, handler);
                } else if let Some(snapshot) = self.snapshot.as_mut().filter(|s| s.is(conn)) {
                    snapshot.read(now, &mut self.host, data, &mut OfSnapshot(handler));
                }
            }
            self.io.out.recycle(mbuf);
        }
        got
    }

    /// Everything that is not a message: connecting, login, heartbeats, timers, the end.
    pub fn tend(&mut self, now: Now) -> usize {
        while let Some(event) = self.host.next_event() {
            self.orders.on_event(now, &mut self.host, event);
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.on_event(now, &mut self.host, event);
            }
        }
        self.orders.tend(now, &mut self.host);
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.tend(now, &mut self.host);
        }
        self.host.poll(now.ns, &mut self.io.out)
    }

    /// Whether the orders' connection was lost since this was last asked.
    #[inline]
    pub fn take_closed(&mut self) -> bool {
        std::mem::take(&mut self.orders.closed)
    }

    /// Whether the snapshot's connection ended since this was last asked.
    #[inline]
    pub fn take_snapshot_closed(&mut self) -> bool {
        self.snapshot.as_mut().is_some_and(|s| std::mem::take(&mut s.closed))
    }

    /// Wants a snapshot, or no longer.
    #[inline]
    pub fn want_snapshot(&mut self, wanted: bool) {
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.want_once(wanted, &mut self.host);
        }
    }

    /// Sends what was written, and hands it to the device.
    #[inline]
    pub fn flush(&mut self, now: Now) {
        for client in [Some(&self.orders), self.snapshot.as_ref()].into_iter().flatten() {
            if let Some(conn) = client.conn() {
                self.host.flush(now.ns, conn, &mut self.io.out);
            }
        }
        self.io.out.flush();
    }

    /// Whether the venue has acknowledged all we sent.
    pub fn is_acknowledged(&self) -> bool {
        self.orders.conn().is_none_or(|c| self.host.tcp().send_len(c) == 0)
    }

    /// Comes back after [`leave`](Self::leave), for the session's first message.
    pub(crate) fn come_back(&mut self) {
        self.orders.start_over();
    }

    /// Logs out; true once the connections are closed.
    pub fn leave(&mut self) -> bool {
        let snapshot = self.snapshot.as_mut().is_none_or(|s| s.leave(&mut self.host));
        self.orders.leave(&mut self.host) && snapshot
    }

    /// The host behind the port, for its counters.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<LinkCounter> {
        &self.orders.counters
    }

    /// What the snapshot's connection counted.
    pub fn snapshot_counters(&self) -> Option<&CounterSet<LinkCounter>> {
        self.snapshot.as_ref().map(|s| &s.counters)
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
