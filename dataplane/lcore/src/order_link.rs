//! A client's connection to a venue: TCP, SoupBinTCP, and the port under them.
//!
//! Used by the trader and by a loadgen that enters orders. It connects, logs in, beats, and when
//! the connection is lost connects again and asks for what it missed. Messages are written straight
//! into TCP's ring and leave with [`OrderLink::flush`], once a burst.

use crate::agent::Now;
use crate::control::Fault;
use crate::port_io::{Burst, PortIo, rx_checks};
use net::{ConnId, Host, Input, NetEvent};
use session::{ClientHandler, DisconnectReason, SoupClient};
use std::net::SocketAddrV4;
use telemetry::CounterSet;
use wire::soup::HEADER_LEN;

/// Silence between an attempt to connect and the next.
const RETRY_NS: u64 = 100_000_000;
/// Room asked of TCP's ring for login, heartbeat or logout.
const SESSION_PACKET_MAX: usize = 64;

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

/// See the module.
pub struct OrderLink<'e> {
    io: PortIo<'e>,
    host: Host,
    client: SoupClient,
    venue: SocketAddrV4,
    conn: Option<ConnId>,
    /// TCP is up on `conn`.
    connected: bool,
    retry_at_ns: u64,
    leaving: bool,
    fault: Option<Fault>,
    counters: CounterSet<LinkCounter>,
}

impl<'e> OrderLink<'e> {
    /// A link to the venue at `venue`.
    pub fn new(
        io: PortIo<'e>,
        host: Host,
        client: SoupClient,
        venue: SocketAddrV4,
    ) -> OrderLink<'e> {
        OrderLink {
            io,
            host,
            client,
            venue,
            conn: None,
            connected: false,
            retry_at_ns: 0,
            leaving: false,
            fault: None,
            counters: CounterSet::new(),
        }
    }

    /// Announces our address.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// Whether we are logged in.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.client.is_open()
    }

    /// What cannot be gone on after, once it has happened.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether a message of `len` bytes could be sent.
    #[inline]
    pub fn has_room(&self, len: usize) -> bool {
        let need = HEADER_LEN + len;
        self.is_open() && self.conn.is_some_and(|c| self.host.send_room(c) >= need)
    }

    /// Writes a message into TCP's ring; `false`, counted, when there is no room or no session.
    #[inline]
    pub fn send(&mut self, now: Now, message: &[u8]) -> bool {
        let need = HEADER_LEN + message.len();
        let (client, counters) = (&mut self.client, &self.counters);
        let sent = self.conn.and_then(|conn| {
            self.host.send(conn, need, |ring| {
                client.send_unsequenced(now.ns, ring, message).unwrap_or(0)
            })
        });
        let sent = sent.is_some_and(|n| n > 0);
        counters.inc(if sent { LinkCounter::Sent } else { LinkCounter::NoRoom });
        sent
    }

    /// Takes a burst and hands the venue's messages to `handler`.
    #[inline]
    pub fn receive<H: ClientHandler>(
        &mut self,
        now: Now,
        burst: &mut Burst<'e>,
        handler: &mut H,
    ) -> usize {
        let got = self.io.rx(burst);
        for mbuf in burst.drain(..) {
            let input = self.host.on_frame(now.ns, mbuf.data(), rx_checks(&mbuf), &mut self.io.out);
            if let Input::Tcp(conn) = input {
                self.read(now, conn, handler);
            }
            self.io.out.recycle(mbuf);
        }
        got
    }

    fn read<H: ClientHandler>(&mut self, now: Now, conn: ConnId, handler: &mut H) {
        let was_open = self.client.is_open();
        let client = &mut self.client;
        let mut over = None;
        self.host.recv(conn, |bytes| {
            if let Err(reason) = client.on_bytes(now.ns, bytes, handler) {
                over = Some(reason);
            }
            bytes.len()
        });
        if !was_open && self.client.is_open() {
            self.counters.inc(LinkCounter::Logins);
            // A refusal while the venue still held our old connection has mended itself.
            self.fault = None;
        }
        if let Some(reason) = over {
            self.end(reason);
        }
    }

    /// What a disconnect means for the run.
    #[cold]
    fn end(&mut self, reason: DisconnectReason) {
        self.fault = self.fault.or(match reason {
            DisconnectReason::RejectedNotAuthorized => Some(Fault::LoginNotAuthorized),
            DisconnectReason::RejectedSession => Some(Fault::LoginNoSession),
            _ => None,
        });
        if let Some(conn) = self.conn {
            self.host.close(conn);
        }
    }

    /// Everything that is not a message: connecting, login, heartbeats, timers, the end.
    pub fn tend(&mut self, now: Now) -> usize {
        while let Some(event) = self.host.next_event() {
            self.on_event(now, event);
        }
        if self.conn.is_none() && !self.leaving && now.ns >= self.retry_at_ns {
            self.connect(now);
        }
        if let Err(reason) = self.client.check(now.ns) {
            self.end(reason);
        }
        self.pump(now);
        self.host.poll(now.ns, &mut self.io.out)
    }

    fn on_event(&mut self, now: Now, event: NetEvent) {
        match event {
            NetEvent::Connected { conn } if Some(conn) == self.conn => {
                self.connected = true;
                self.client.open(now.ns);
            }
            NetEvent::PeerClosed { conn } if Some(conn) == self.conn => {
                self.host.close(conn);
            }
            NetEvent::Closed { conn, .. } if Some(conn) == self.conn => {
                self.counters.inc(LinkCounter::Closed);
                self.client.on_closed();
                (self.conn, self.connected) = (None, false);
                self.retry_at_ns = now.ns + RETRY_NS;
            }
            _ => {}
        }
    }

    fn connect(&mut self, now: Now) {
        self.retry_at_ns = now.ns + RETRY_NS;
        // No slot or port now means another try later.
        if let Ok(conn) = self.host.connect(now.ns, 0, self.venue) {
            self.counters.inc(LinkCounter::Connects);
            self.conn = Some(conn);
        }
    }

    fn pump(&mut self, now: Now) {
        let Some(conn) = self.conn.filter(|_| self.connected) else { return };
        if self.client.wants_pump(now.ns) {
            let client = &mut self.client;
            self.host.send(conn, SESSION_PACKET_MAX, |ring| client.pump(now.ns, ring));
        }
        if self.client.is_over() {
            self.host.close(conn);
        }
    }

    /// Sends what was written, and hands it to the device.
    #[inline]
    pub fn flush(&mut self, now: Now) {
        if let Some(conn) = self.conn {
            self.host.flush(now.ns, conn, &mut self.io.out);
        }
        self.io.out.flush();
    }

    /// Whether the venue has acknowledged all we sent.
    pub fn is_acknowledged(&self) -> bool {
        self.conn.is_none_or(|c| self.host.tcp().send_len(c) == 0)
    }

    /// Logs out; true once the connection is closed.
    pub fn leave(&mut self) -> bool {
        if !self.leaving {
            self.leaving = true;
            if self.client.is_open() {
                self.client.logout();
            } else if let Some(conn) = self.conn {
                self.host.abort(conn);
            }
        }
        self.conn.is_none()
    }

    /// The host behind the port, for its counters.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<LinkCounter> {
        &self.counters
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
