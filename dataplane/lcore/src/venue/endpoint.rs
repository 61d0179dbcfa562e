//! An order port: TCP connections, and the SoupBinTCP server at the end of each.

use super::VenueStage as Stage;
use super::ahead::ReadAhead;
use super::behind::{Behind, Desk, Inbound, Place};
use crate::agent::Now;
use crate::port_io::{Burst, Nowhere, PortIo, rx_checks};
use net::{ConnId, Host, Input, NetEvent, TcpData};
use session::{ServerConfig, Sessions, SoupServer};

/// Connections looked after in one poll at most: heartbeats and timeouts come round by and by.
const CHECKS_PER_POLL: u64 = 4;
/// In how much time all of them are looked after. A look costs a few cache lines that nothing else
/// wants just then, so there are no more looks than their times need.
const CHECK_ROUND_NS: u64 = 50_000_000;
/// Room asked of TCP's ring before the server writes: the longest OUCH reply with its optional
/// fields and its header.
const REPLY_ROOM: usize = 256;

/// See the module.
pub struct Endpoint<'e> {
    io: PortIo<'e>,
    host: Host,
    servers: Vec<SoupServer>,
    conns: Vec<Option<ConnId>>,
    /// Connections with something to send that no session's change announces: login answers, and
    /// those that found TCP's ring full. Each at most once: `waits` says so.
    waiting: Vec<ConnId>,
    waits: Vec<bool>,
    /// Connections whose client sends too fast, and until when their bytes stay in TCP's ring.
    held: Vec<ConnId>,
    holds: Vec<bool>,
    next_check: usize,
    /// When it is looked after, and what lies between two.
    next_check_ns: u64,
    check_pause_ns: u64,
    ahead: ReadAhead,
}

impl<'e> Endpoint<'e> {
    /// An order port on `host`, which listens already, with `slots` connections.
    pub fn new(io: PortIo<'e>, host: Host, slots: usize, server: ServerConfig) -> Endpoint<'e> {
        Endpoint {
            io,
            host,
            servers: (0..slots).map(|_| SoupServer::new(server)).collect(),
            conns: vec![None; slots],
            waiting: Vec::with_capacity(slots),
            waits: vec![false; slots],
            held: Vec::with_capacity(slots),
            holds: vec![false; slots],
            next_check: 0,
            next_check_ns: 0,
            check_pause_ns: CHECK_ROUND_NS / slots.max(1) as u64,
            ahead: ReadAhead::default(),
        }
    }

    /// Announces our address.
    pub fn start(&mut self, now: Now) {
        self.host.start(now.ns);
    }

    /// Takes a burst through TCP, SoupBinTCP, OUCH and the engine.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        endpoint: usize,
        now: Now,
        burst: &mut Burst<'e>,
        behind: &mut Behind<'_, impl Desk>,
        sessions: &mut Sessions,
    ) -> usize {
        let got = self.io.rx(burst);
        if got == 0 {
            return 0;
        }
        behind.watchers.laps.start(now.tsc);
        behind.watchers.laps.lap(Stage::Rx);
        if got > 1 && (self.host.wants_ahead() || behind.core.engine().wants_ahead()) {
            self.ahead.read(burst, &self.host, &self.servers, behind.core, sessions);
        }
        for mbuf in burst.drain(..) {
            let out = &mut self.io.out;
            let input = self.host.on_frame(now.ns, mbuf.data(), rx_checks(&mbuf), out);
            if let Input::Tcp(data) = input {
                let place = Place { endpoint, conn: data.conn() };
                let mut inbound = Inbound { behind: &mut *behind, now, place };
                self.read(data, now, sessions, &mut inbound);
            }
            self.io.out.recycle(mbuf);
        }
        behind.watchers.laps.lap(Stage::TcpSoup);
        got
    }

    #[inline]
    fn read(
        &mut self,
        data: TcpData<'_>,
        now: Now,
        sessions: &mut Sessions,
        inbound: &mut Inbound<'_, '_, impl Desk>,
    ) {
        let conn = data.conn();
        let Some(server) = self.servers.get_mut(conn.index()) else { return };
        if server.is_idle() {
            // Bytes that came with the handshake: the server learns of the connection first.
            server.open_from(now.ns, self.host.remote(conn).map_or(0, |r| r.ip().to_bits()));
            self.conns[conn.index()] = Some(conn);
        }
        self.host.read(data, |bytes| {
            // The reason was counted by the sessions; what remains is said, then TCP is closed.
            server.take_bytes(now.ns, bytes, sessions, inbound).unwrap_or(bytes.len())
        });
        if server.held_until_ns().is_some()
            && !std::mem::replace(&mut self.holds[conn.index()], true)
        {
            self.held.push(conn);
        }
        if server.session().is_none() || server.is_drained() {
            self.wait(conn);
        }
    }

    /// Lists a connection to be served after the burst.
    fn wait(&mut self, conn: ConnId) {
        if let Some(waits) = self.waits.get_mut(conn.index())
            && !std::mem::replace(waits, true)
        {
            self.waiting.push(conn);
        }
    }

    /// Writes what a connection has to say into TCP's ring, as far as it fits, and sends it.
    #[inline]
    pub(crate) fn pump(&mut self, conn: ConnId, now: Now, sessions: &Sessions) {
        let Some(server) = self.servers.get_mut(conn.index()) else { return };
        while server.wants_pump(now.ns, sessions) {
            let wrote =
                self.host.send(conn, REPLY_ROOM, |ring| server.pump(now.ns, sessions, ring));
            if wrote.is_none_or(|n| n == 0) {
                break;
            }
        }
        let stuck = server.wants_pump(now.ns, sessions);
        if server.is_drained() {
            self.host.close(conn);
        }
        self.host.flush(now.ns, conn, &mut self.io.out);
        if stuck && self.conns.get(conn.index()).is_some_and(|c| *c == Some(conn)) {
            self.wait(conn);
        }
    }

    /// Everything that is not a burst: connections coming and going, timeouts, heartbeats, and the
    /// replies that wait; then hands all frames to the device.
    pub(crate) fn tend(
        &mut self,
        endpoint: usize,
        now: Now,
        behind: &mut Behind<'_, impl Desk>,
        sessions: &mut Sessions,
    ) {
        while let Some(event) = self.host.next_event() {
            self.on_event(endpoint, event, now, behind, sessions);
        }
        let late_ns = now.ns.saturating_sub(CHECKS_PER_POLL * self.check_pause_ns);
        self.next_check_ns = self.next_check_ns.max(late_ns);
        while self.next_check_ns < now.ns {
            self.next_check_ns += self.check_pause_ns.max(1);
            self.check_next(endpoint, now, behind, sessions);
        }
        self.release_held(endpoint, now, behind, sessions);
        // Only those listed now: one that stays stuck is listed again, for the next poll.
        for _ in 0..self.waiting.len() {
            let conn = self.waiting.swap_remove(0);
            self.waits[conn.index()] = false;
            self.pump(conn, now, sessions);
        }
        self.host.poll(now.ns, &mut self.io.out);
        self.io.out.flush();
    }

    /// Reads on where a client that sent too fast has waited long enough.
    fn release_held(
        &mut self,
        endpoint: usize,
        now: Now,
        behind: &mut Behind<'_, impl Desk>,
        sessions: &mut Sessions,
    ) {
        for at in (0..self.held.len()).rev() {
            let conn = self.held[at];
            let until = self.servers[conn.index()].held_until_ns();
            if until.is_some_and(|until| now.ns < until) {
                continue;
            }
            self.held.swap_remove(at);
            self.holds[conn.index()] = false;
            if until.is_some() && self.conns[conn.index()] == Some(conn) {
                let place = Place { endpoint, conn };
                let mut inbound = Inbound { behind: &mut *behind, now, place };
                self.read(conn.into(), now, sessions, &mut inbound);
                // What was read has freed TCP's ring: the peer is to know of its window.
                self.host.flush(now.ns, conn, &mut self.io.out);
            }
        }
    }

    fn check_next(
        &mut self,
        endpoint: usize,
        now: Now,
        behind: &mut Behind<'_, impl Desk>,
        sessions: &mut Sessions,
    ) {
        let slot = self.next_check;
        self.next_check = if slot + 1 < self.servers.len() { slot + 1 } else { 0 };
        let Some(conn) = self.conns[slot] else { return };
        let place = Place { endpoint, conn };
        let mut inbound = Inbound { behind, now, place };
        let server = &mut self.servers[slot];
        // As in `read`: the reason was counted, the rest is said below.
        let _ = server.check(now.ns, sessions, &mut inbound);
        if server.wants_pump(now.ns, sessions) || server.is_drained() {
            self.wait(conn);
        }
    }

    fn on_event(
        &mut self,
        endpoint: usize,
        event: NetEvent,
        now: Now,
        behind: &mut Behind<'_, impl Desk>,
        sessions: &mut Sessions,
    ) {
        match event {
            NetEvent::Accepted { conn, remote, .. } => {
                behind.core.connected();
                let server = &mut self.servers[conn.index()];
                if server.is_idle() {
                    server.open_from(now.ns, remote.ip().to_bits());
                }
                self.conns[conn.index()] = Some(conn);
            }
            NetEvent::PeerClosed { conn } => self.host.close(conn),
            NetEvent::Closed { conn, .. } => {
                let place = Place { endpoint, conn };
                let mut inbound = Inbound { behind, now, place };
                self.servers[conn.index()].on_closed(sessions, &mut inbound);
                self.conns[conn.index()] = None;
            }
            NetEvent::Connected { .. } => {}
        }
    }

    /// Takes a burst and answers nothing: the service's address is another node's.
    pub(crate) fn ignore(&mut self, burst: &mut Burst<'e>) -> usize {
        let got = self.io.rx(burst);
        burst.drain(..).for_each(|mbuf| self.io.out.recycle(mbuf));
        got
    }

    /// Forgets all connections without a word to their clients, whom another node may serve by now.
    #[cold]
    pub(crate) fn forget_all(
        &mut self,
        endpoint: usize,
        now: Now,
        behind: &mut Behind<'_, impl Desk>,
        sessions: &mut Sessions,
    ) {
        for conn in self.conns.iter().flatten() {
            self.host.abort(*conn);
        }
        // The resets that are due, and whatever else, go nowhere.
        self.io.out.discard();
        while self.host.poll(now.ns, &mut Nowhere::default()) > 0 {}
        while let Some(event) = self.host.next_event() {
            self.on_event(endpoint, event, now, behind, sessions);
        }
    }

    /// Whether no connection is left.
    pub(super) fn is_quiet(&self) -> bool {
        self.conns.iter().all(Option::is_none)
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
