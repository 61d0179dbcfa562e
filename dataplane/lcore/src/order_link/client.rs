//! One SoupBinTCP session with a server, over one connection after the other.

use super::LinkCounter;
use crate::agent::Now;
use crate::control::Fault;
use net::{ConnId, Host, NetEvent, TcpData};
use session::{ClientHandler, DisconnectReason, SoupClient};
use std::net::SocketAddrV4;
use telemetry::CounterSet;
use wire::soup::HEADER_LEN;

/// Silence between an attempt to connect and the next.
const RETRY_NS: u64 = 100_000_000;
/// Room asked of TCP's ring for login, heartbeat or logout.
const SESSION_PACKET_MAX: usize = 64;

/// See the module.
pub(super) struct Client {
    soup: SoupClient,
    server: SocketAddrV4,
    conn: Option<ConnId>,
    /// TCP is up on `conn`.
    connected: bool,
    retry_at_ns: u64,
    /// Whether a connection is to be made when there is none.
    pub(super) wanted: bool,
    leaving: bool,
    pub(super) fault: Option<Fault>,
    /// Connections that were lost since this was last looked at.
    pub(super) closed: bool,
    pub(super) counters: CounterSet<LinkCounter>,
}

impl Client {
    pub(super) fn new(soup: SoupClient, server: SocketAddrV4) -> Client {
        Client {
            soup,
            server,
            conn: None,
            connected: false,
            retry_at_ns: 0,
            wanted: true,
            leaving: false,
            fault: None,
            closed: false,
            counters: CounterSet::new(),
        }
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.soup.is_open()
    }

    #[inline]
    pub(super) fn is(&self, conn: ConnId) -> bool {
        self.conn == Some(conn)
    }

    #[inline]
    pub(super) fn has_room(&self, host: &Host, len: usize) -> bool {
        let need = HEADER_LEN + len;
        self.is_open() && self.conn.is_some_and(|c| host.send_room(c) >= need)
    }

    #[inline]
    pub(super) fn send(&mut self, now: Now, host: &mut Host, message: &[u8]) -> bool {
        let need = HEADER_LEN + message.len();
        let soup = &mut self.soup;
        let sent = self.conn.and_then(|conn| {
            host.send(conn, need, |ring| soup.send_unsequenced(now.ns, ring, message).unwrap_or(0))
        });
        let sent = sent.is_some_and(|n| n > 0);
        self.counters.inc(if sent { LinkCounter::Sent } else { LinkCounter::NoRoom });
        sent
    }

    /// Reads what has come in on this client's connection.
    pub(super) fn read<H: ClientHandler>(
        &mut self,
        now: Now,
        host: &mut Host,
        data: TcpData<'_>,
        handler: &mut H,
    ) {
        let was_open = self.soup.is_open();
        let soup = &mut self.soup;
        let mut over = None;
        host.read(data, |bytes| {
            if let Err(reason) = soup.on_bytes(now.ns, bytes, handler) {
                over = Some(reason);
            }
            bytes.len()
        });
        if !was_open && self.soup.is_open() {
            self.counters.inc(LinkCounter::Logins);
            // A refusal while the venue still held our old connection has mended itself.
            self.fault = None;
        }
        if let Some(reason) = over {
            self.end(host, reason);
        }
    }

    /// What a disconnect means for the run.
    #[cold]
    fn end(&mut self, host: &mut Host, reason: DisconnectReason) {
        self.fault = self.fault.or(match reason {
            DisconnectReason::RejectedNotAuthorized => Some(Fault::LoginNotAuthorized),
            DisconnectReason::RejectedSession => Some(Fault::LoginNoSession),
            _ => None,
        });
        if let Some(conn) = self.conn {
            host.close(conn);
        }
    }

    /// Connecting, login, heartbeats, the end.
    pub(super) fn tend(&mut self, now: Now, host: &mut Host) {
        let idle = self.conn.is_none() && self.wanted && !self.leaving;
        if idle && now.ns >= self.retry_at_ns {
            self.connect(now, host);
        }
        if let Err(reason) = self.soup.check(now.ns) {
            self.end(host, reason);
        }
        self.pump(now, host);
    }

    pub(super) fn on_event(&mut self, now: Now, host: &mut Host, event: NetEvent) {
        match event {
            NetEvent::Connected { conn } if Some(conn) == self.conn => {
                self.connected = true;
                self.soup.open(now.ns);
            }
            NetEvent::PeerClosed { conn } if Some(conn) == self.conn => {
                host.close(conn);
            }
            NetEvent::Closed { conn, .. } if Some(conn) == self.conn => {
                self.counters.inc(LinkCounter::Closed);
                self.soup.on_closed();
                (self.conn, self.connected) = (None, false);
                self.closed = true;
                self.retry_at_ns = now.ns + RETRY_NS;
            }
            _ => {}
        }
    }

    fn connect(&mut self, now: Now, host: &mut Host) {
        self.retry_at_ns = now.ns + RETRY_NS;
        // No slot or port now means another try later.
        if let Ok(conn) = host.connect(now.ns, 0, self.server) {
            self.counters.inc(LinkCounter::Connects);
            self.conn = Some(conn);
        }
    }

    fn pump(&mut self, now: Now, host: &mut Host) {
        let Some(conn) = self.conn.filter(|_| self.connected) else { return };
        if self.soup.wants_pump(now.ns) {
            let soup = &mut self.soup;
            host.send(conn, SESSION_PACKET_MAX, |ring| soup.pump(now.ns, ring));
        }
        if self.soup.is_over() {
            host.close(conn);
        }
    }

    /// The connection, where there is one.
    #[inline]
    pub(super) fn conn(&self) -> Option<ConnId> {
        self.conn
    }

    /// Logs out; true once the connection is closed.
    pub(super) fn leave(&mut self, host: &mut Host) -> bool {
        if !self.leaving {
            self.leaving = true;
            self.hang_up(host);
        }
        self.conn.is_none()
    }

    /// Connects once more, for the session's first message.
    pub(super) fn start_over(&mut self) {
        self.soup.start_over();
        self.leaving = false;
    }

    /// Wants, or wants no longer, a session that is read once from its start to its end.
    pub(super) fn want_once(&mut self, wanted: bool, host: &mut Host) {
        if wanted == self.wanted {
            return;
        }
        self.wanted = wanted;
        if wanted {
            self.soup.start_over();
        } else {
            self.hang_up(host);
        }
    }

    fn hang_up(&mut self, host: &mut Host) {
        if self.soup.is_open() {
            self.soup.logout();
        } else if let Some(conn) = self.conn {
            host.abort(conn);
        }
    }
}
