//! The server's side of one connection.
//!
//! Layout: a reassembly buffer and a handful of numbers; what the client is sent lies in its
//! session's [`crate::ReplayStore`], and the connection is a cursor into that. One `SoupServer`
//! serves one transport slot for ever: `open` starts the next connection in it.
//!
//! Limits: what a client may send in a second, leave unread and keep silent about is in
//! [`ServerConfig`]. Messages that come too fast are left with the transport, which slows the
//! client down; nothing is dropped.
//!
//! Failure modes: every way to end is a [`DisconnectReason`], returned once and counted in
//! [`Sessions::disconnects`]. After an `Err` the connection takes nothing more; what is left to say
//! (a login reject, an end of session) comes from [`SoupServer::pump`], and when
//! [`SoupServer::is_drained`] the transport can be closed.

mod backlog;
mod config;

pub use config::{ServerConfig, ServerCounters, ServerHandler};

use super::PACKET_BYTES_MIN;
use super::deframer::{Deframer, Flow};
use crate::ask;
use crate::rate::{Bucket, Rate};
use crate::reason::DisconnectReason;
use crate::sessions::{AccountKind, Admission, Knock, Outgoing, Sessions};
use backlog::Backlog;
use types::SessionId;
use wire::soup::{LoginAccepted, LoginReject, LoginRequest, Packet, Session};

/// What a client is told that reads too slowly, where there is room.
const SLOW_TEXT: &[u8] = b"too slow: log in again to read on";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transport.
    Idle,
    /// Connected, nobody logged in.
    AwaitLogin,
    /// A client is logged in.
    Open(SessionId),
    /// Over; `pump` may have something left to write.
    Closing,
}

/// An answer that has to go out before anything else.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Accept {
        session: Session,
        seq: u64,
    },
    Reject(LoginReject),
    /// A debug packet for people; nothing waits for it.
    Text(&'static [u8]),
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct SoupServer {
    deframer: Deframer,
    link: Link,
}

/// All but the reassembly buffer, which is borrowed while its packet is worked on.
#[derive(Debug)]
struct Link {
    config: ServerConfig,
    state: State,
    reply: Option<Reply>,
    /// Which of its session's logins this connection is.
    generation: u32,
    /// Sequence number of the next message to send.
    cursor: u64,
    backlog: Backlog,
    /// The client's address, where the transport tells.
    from: Option<u32>,
    rate: Rate,
    bucket: Bucket,
    /// Whether a message waits for the bucket.
    held: bool,
    opened_ns: u64,
    last_in_ns: u64,
    last_out_ns: u64,
    /// Whether the end of session packet was written.
    end_sent: bool,
    counters: ServerCounters,
}

impl SoupServer {
    /// Takes all the memory the slot will ever use.
    pub fn new(config: ServerConfig) -> SoupServer {
        SoupServer {
            deframer: Deframer::new(config.packet_bytes_max.max(PACKET_BYTES_MIN)),
            link: Link::idle(config),
        }
    }

    /// A client connected. The slot must be idle: new, or told of the last one's end by
    /// [`SoupServer::on_closed`].
    ///
    /// # Panics
    /// When it is not, since a session would stay locked for ever.
    pub fn open(&mut self, now_ns: u64) {
        self.begin(now_ns, None);
    }

    /// As [`SoupServer::open`], with the client's IPv4 address, by which failed logins are limited.
    ///
    /// # Panics
    /// As [`SoupServer::open`].
    pub fn open_from(&mut self, now_ns: u64, address: u32) {
        self.begin(now_ns, Some(address));
    }

    fn begin(&mut self, now_ns: u64, from: Option<u32>) {
        assert!(self.link.state == State::Idle, "open() of a slot that is in use");
        self.deframer.clear();
        let Link { config, mut counters, .. } = self.link;
        counters.opened += 1;
        self.link = Link {
            state: State::AwaitLogin,
            from,
            opened_ns: now_ns,
            last_in_ns: now_ns,
            last_out_ns: now_ns,
            counters,
            ..Link::idle(config)
        };
    }

    /// Takes bytes of the stream, cut anywhere. Always takes all of them, however fast they come:
    /// for callers that cannot leave any behind.
    ///
    /// # Errors
    /// The reason why the connection is over; reported once, what comes later is ignored.
    #[inline]
    pub fn on_bytes<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        input: &[u8],
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        self.feed(now_ns, input, sessions, handler, false).map(|_| ())
    }

    /// Takes bytes of the stream, cut anywhere, and gives how many. Fewer than all of them when
    /// messages come faster than [`ServerConfig::messages_per_second_max`]: the rest has to be left
    /// in the transport, so that its window closes, and offered again, first the same bytes, from
    /// [`SoupServer::held_until_ns`] on.
    ///
    /// # Errors
    /// The reason why the connection is over; reported once, what comes later is taken and ignored.
    #[inline]
    pub fn take_bytes<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        input: &[u8],
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<usize, DisconnectReason> {
        self.feed(now_ns, input, sessions, handler, true)
    }

    #[inline]
    fn feed<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        input: &[u8],
        sessions: &mut Sessions,
        handler: &mut H,
        throttles: bool,
    ) -> Result<usize, DisconnectReason> {
        let SoupServer { deframer, link } = self;
        if matches!(link.state, State::Idle | State::Closing) {
            return Ok(input.len());
        }
        if link.is_taken_over(sessions) {
            link.close(DisconnectReason::TakenOver, sessions, handler);
            return Err(DisconnectReason::TakenOver);
        }
        let taken = deframer.feed(input, |packet| {
            if throttles && !link.may_take(now_ns, &packet, sessions, handler) {
                return Ok(Flow::Held);
            }
            link.on_packet(now_ns, packet, sessions, handler).map(|()| Flow::Taken)
        });
        if let State::Open(who) = link.state {
            sessions.heard(who, link.last_in_ns);
        }
        taken.inspect_err(|&reason| link.close(reason, sessions, handler))
    }

    /// From when on bytes that were not taken may be offered again; `None` when none wait.
    #[inline]
    pub fn held_until_ns(&self) -> Option<u64> {
        let link = &self.link;
        let waits = link.held && matches!(link.state, State::Open(_));
        waits.then(|| link.bucket.ready_ns(link.rate))
    }

    /// Looks at the clock and at the session: login timeout, a silent client, a session that was
    /// taken over, a client so slow that too much waits or its next message is gone, the end of the
    /// session. Call once in a while, at least every
    /// second.
    ///
    /// # Errors
    /// The reason why the connection is over; reported once.
    #[inline]
    pub fn check<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        let over = self.link.over(now_ns, sessions);
        match over {
            Some(reason) => {
                self.link.close(reason, sessions, handler);
                Err(reason)
            }
            None => Ok(()),
        }
    }

    /// Writes as many whole packets as fit in `out`, and gives how many bytes that was: the answer
    /// to a login, sequenced messages, a heartbeat when nothing was sent for a while, the end of
    /// the session. A message waits until `out` has room for it and 3 bytes more, so a transport
    /// whose buffer could never hold the longest message would stall.
    #[inline]
    pub fn pump(&mut self, now_ns: u64, sessions: &Sessions, out: &mut [u8]) -> usize {
        self.link.pump(now_ns, sessions, out)
    }

    /// Whether [`SoupServer::pump`] has anything to write now, given room.
    #[inline]
    pub fn wants_pump(&self, now_ns: u64, sessions: &Sessions) -> bool {
        let link = &self.link;
        let State::Open(who) = link.state else { return link.reply.is_some() };
        if link.is_taken_over(sessions) {
            return false;
        }
        sessions.outgoing(who).is_some_and(|out| out.is_due(link.cursor))
            || link.reply.is_some()
            || (link.heartbeat_due(now_ns) && !sessions.is_stalled())
            || (!link.end_sent && link.is_at_end(who, sessions))
    }

    /// The transport is gone. The slot is idle afterwards.
    pub fn on_closed<H: ServerHandler>(&mut self, sessions: &mut Sessions, handler: &mut H) {
        if matches!(self.link.state, State::AwaitLogin | State::Open(_)) {
            self.link.close(DisconnectReason::TransportClosed, sessions, handler);
        }
        self.link.state = State::Idle;
        self.link.reply = None;
    }

    /// Ends the connection from this side: the operator's wish, or a handler's verdict on a
    /// message.
    pub fn disconnect<H: ServerHandler>(
        &mut self,
        reason: DisconnectReason,
        sessions: &mut Sessions,
        handler: &mut H,
    ) {
        if matches!(self.link.state, State::AwaitLogin | State::Open(_)) {
            self.link.close(reason, sessions, handler);
        }
    }

    /// Whether the slot has no connection.
    pub fn is_idle(&self) -> bool {
        self.link.state == State::Idle
    }

    /// Whether the connection is over and all it had to say was written: close the transport.
    #[inline]
    pub fn is_drained(&self) -> bool {
        let link = &self.link;
        link.state == State::Closing && matches!(link.reply, None | Some(Reply::Text(_)))
    }

    /// Asks memory for what the next bytes of the client need.
    #[inline]
    pub fn ask(&self) {
        let Link { config, state, rate, bucket, last_in_ns, counters, .. } = &self.link;
        ask(&self.deframer);
        ask(config);
        ask(state);
        ask(rate);
        ask(bucket);
        ask(last_in_ns);
        ask(counters);
    }

    /// The session logged into.
    #[inline]
    pub fn session(&self) -> Option<SessionId> {
        match self.link.state {
            State::Open(who) => Some(who),
            _ => None,
        }
    }

    /// What the slot did so far.
    pub fn counters(&self) -> &ServerCounters {
        &self.link.counters
    }
}

impl Link {
    fn idle(config: ServerConfig) -> Link {
        Link {
            config,
            state: State::Idle,
            reply: None,
            generation: 0,
            cursor: 0,
            backlog: Backlog::default(),
            from: None,
            rate: config.message_rate(),
            bucket: Bucket::default(),
            held: false,
            opened_ns: 0,
            last_in_ns: 0,
            last_out_ns: 0,
            end_sent: false,
            counters: ServerCounters::default(),
        }
    }

    /// Whether a newer connection has the session.
    #[inline]
    fn is_taken_over(&self, sessions: &Sessions) -> bool {
        matches!(self.state, State::Open(who) if !sessions.holds(who, self.generation))
    }

    /// Whether a packet does not come too fast, nor from a client that first has to read what lies
    /// here for it: an order would add to that until messages it has not seen are gone. Each that
    /// waits is counted once.
    #[inline]
    fn may_take<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        packet: &Packet<'_>,
        sessions: &Sessions,
        handler: &mut H,
    ) -> bool {
        if !matches!(packet, Packet::Unsequenced(_) | Packet::Debug(_)) {
            return true;
        }
        let busy = !handler.may_take();
        let behind = busy || self.is_behind(sessions);
        let takes = !behind && (self.rate.is_off() || self.bucket.take(self.rate, now_ns));
        if !takes && !self.held {
            let counters = &mut self.counters;
            *match (busy, behind) {
                (true, _) => &mut counters.held_busy,
                (_, true) => &mut counters.held_unread,
                _ => &mut counters.throttled,
            } += 1;
        }
        self.held = !takes;
        takes
    }

    /// Whether as much is unsent as a client may have waiting.
    #[inline]
    fn is_behind(&self, sessions: &Sessions) -> bool {
        let State::Open(who) = self.state else { return false };
        let outgoing = sessions.outgoing(who);
        outgoing.is_some_and(|out| backlog::is_large(&self.config, self.cursor, out).is_some())
    }

    #[inline]
    fn on_packet<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        packet: Packet<'_>,
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        // A whole packet shows life; single bytes do not, or a client could hold a slot for ever.
        self.last_in_ns = now_ns;
        match (self.state, packet) {
            (State::Open(who), Packet::Unsequenced(message)) => {
                self.counters.unsequenced_in += 1;
                handler.on_message(sessions, who, message);
                Ok(())
            }
            (State::Open(_), Packet::ClientHeartbeat) => {
                self.counters.heartbeats_in += 1;
                Ok(())
            }
            // Debug packets are for people; they change nothing.
            (State::Open(_), Packet::Debug(_)) => Ok(()),
            (State::Open(_), Packet::Logout) => Err(DisconnectReason::LoggedOut),
            (State::Open(_), _) => Err(DisconnectReason::UnexpectedPacket),
            (State::AwaitLogin, Packet::LoginRequest(request)) => {
                self.login(now_ns, request, sessions, handler)
            }
            // Soup 1.2: the client's first packet must be a login request.
            (State::AwaitLogin, _) => Err(DisconnectReason::NotLogin),
            (State::Idle | State::Closing, _) => Ok(()),
        }
    }

    #[cold]
    fn login<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        request: &LoginRequest,
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        use DisconnectReason::{LoginThrottled, NotAuthorized, SessionInUse};
        let admitted = self.admit(now_ns, request, sessions, handler);
        self.reply = Some(match &admitted {
            Ok(Admission { who, first_seq, .. }) => {
                let session = sessions.name(*who).copied().unwrap_or([b' '; 10]);
                Reply::Accept { session, seq: *first_seq }
            }
            Err(NotAuthorized | SessionInUse | LoginThrottled) => {
                Reply::Reject(LoginReject::NotAuthorized)
            }
            Err(_) => Reply::Reject(LoginReject::SessionNotAvailable),
        });
        let Admission { who, generation, first_seq, .. } = admitted?;
        self.state = State::Open(who);
        self.generation = generation;
        self.cursor = first_seq;
        self.backlog = Backlog::new(sessions.outgoing(who).map_or(0, Outgoing::next_seq));
        self.counters.logins += 1;
        handler.on_login(sessions, who);
        Ok(())
    }

    /// Gets the session, from the connection that had it if need be, and its snapshot.
    fn admit<H: ServerHandler>(
        &mut self,
        now_ns: u64,
        request: &LoginRequest,
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<Admission, DisconnectReason> {
        let takeover_after_ns = self.config.takeover_after_ns;
        let knock = Knock { now_ns, from: self.from, takeover_after_ns, request };
        let admission = sessions.login(&knock)?;
        let who = admission.who;
        if admission.took_over {
            handler.on_logout(sessions, who, DisconnectReason::TakenOver);
        }
        if admission.kind == AccountKind::Snapshot {
            sessions
                .acquire_image(who, now_ns, |image| handler.on_snapshot(image))
                .inspect_err(|_| sessions.release(who, admission.generation))?;
        }
        Ok(admission)
    }

    /// Why the connection is over, if it is.
    #[inline]
    fn over(&mut self, now_ns: u64, sessions: &Sessions) -> Option<DisconnectReason> {
        match self.state {
            State::Idle | State::Closing => None,
            State::AwaitLogin => {
                let waited_ns = now_ns.saturating_sub(self.opened_ns);
                (waited_ns >= self.config.login_timeout_ns)
                    .then_some(DisconnectReason::LoginTimeout)
            }
            State::Open(who) if !sessions.holds(who, self.generation) => {
                Some(DisconnectReason::TakenOver)
            }
            State::Open(_) if self.end_sent => Some(DisconnectReason::EndOfSession),
            State::Open(who) => {
                let Some(outgoing) = sessions.outgoing(who) else {
                    return Some(DisconnectReason::Overrun);
                };
                let slow = self.is_slow(now_ns, outgoing);
                if slow.is_some() {
                    return slow;
                }
                let silence_ns = now_ns.saturating_sub(self.last_in_ns);
                (silence_ns >= self.config.silence_max_ns).then_some(DisconnectReason::PeerSilent)
            }
        }
    }

    /// Whether the client reads too slowly, and in which way.
    #[inline]
    fn is_slow(&mut self, now_ns: u64, outgoing: Outgoing<'_>) -> Option<DisconnectReason> {
        let too_long = match outgoing {
            Outgoing::Store(store, _) if self.cursor < store.oldest_seq() => {
                return Some(DisconnectReason::Overrun);
            }
            Outgoing::Store(..) => false,
            Outgoing::Image(image, _) => {
                now_ns.saturating_sub(self.opened_ns) >= image.config().send_ns_max
            }
        };
        let stuck = self.backlog.is_stuck(now_ns, &self.config, self.cursor, outgoing);
        (too_long || stuck).then_some(DisconnectReason::SlowConsumer)
    }

    #[cold]
    fn close<H: ServerHandler>(
        &mut self,
        reason: DisconnectReason,
        sessions: &mut Sessions,
        handler: &mut H,
    ) {
        let before = core::mem::replace(&mut self.state, State::Closing);
        sessions.count_disconnect(reason);
        if let State::Open(who) = before {
            // An acceptance that was never written need not be.
            let slow = reason == DisconnectReason::SlowConsumer;
            self.reply = slow.then_some(Reply::Text(SLOW_TEXT));
            // Taken over: the newer connection has told the handler already.
            if sessions.holds(who, self.generation) {
                sessions.release(who, self.generation);
                handler.on_logout(sessions, who, reason);
            }
        }
    }

    #[inline]
    fn pump(&mut self, now_ns: u64, sessions: &Sessions, out: &mut [u8]) -> usize {
        if self.is_taken_over(sessions) {
            return 0;
        }
        let mut at = 0;
        if let Some(reply) = self.reply {
            let Some(len) = reply.write(out) else { return 0 };
            at += len;
            self.reply = None;
        }
        if let State::Open(who) = self.state {
            at += self.pump_session(who, sessions, out.get_mut(at..).unwrap_or(&mut []));
            let nothing_sent = at == 0;
            if nothing_sent && self.heartbeat_due(now_ns) && !sessions.is_stalled() {
                at = Packet::ServerHeartbeat.write(out).unwrap_or(0);
                self.counters.heartbeats_out += u64::from(at > 0);
            }
        }
        if at > 0 {
            self.last_out_ns = now_ns;
        }
        at
    }

    #[inline]
    fn pump_session(&mut self, who: SessionId, sessions: &Sessions, out: &mut [u8]) -> usize {
        let Some(outgoing) = sessions.outgoing(who) else { return 0 };
        let mut at = 0;
        while let Some(message) = outgoing.get(self.cursor) {
            let room = out.get_mut(at..).unwrap_or(&mut []);
            let Some(len) = Packet::Sequenced(message).write(room) else { return at };
            at += len;
            self.cursor += 1;
            self.counters.sequenced_out += 1;
        }
        // After the last sequenced message the server says that the session is over.
        if !self.end_sent && self.is_at_end(who, sessions) {
            let room = out.get_mut(at..).unwrap_or(&mut []);
            if let Some(len) = Packet::EndOfSession.write(room) {
                at += len;
                self.end_sent = true;
            }
        }
        at
    }

    /// Whether all was sent that will ever be.
    #[inline]
    fn is_at_end(&self, who: SessionId, sessions: &Sessions) -> bool {
        let all_sent = |out: Outgoing<'_>| self.cursor >= out.next_seq();
        sessions.is_complete(who) && sessions.outgoing(who).is_none_or(all_sent)
    }

    #[inline]
    fn heartbeat_due(&self, now_ns: u64) -> bool {
        now_ns.saturating_sub(self.last_out_ns) >= self.config.heartbeat_ns
    }
}

impl Reply {
    fn write(&self, out: &mut [u8]) -> Option<usize> {
        match *self {
            Reply::Accept { session, seq } => {
                Packet::LoginAccepted(&LoginAccepted::new(session, seq)).write(out)
            }
            Reply::Reject(reason) => Packet::LoginRejected(reason as u8).write(out),
            Reply::Text(text) => Packet::Debug(text).write(out),
        }
    }
}
