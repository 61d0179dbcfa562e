//! The server's side of one connection.
//!
//! Layout: a reassembly buffer and a handful of numbers; what the client is sent lies in its
//! session's [`crate::ReplayStore`], and the connection is a cursor into that. One `SoupServer`
//! serves one transport slot for ever: `open` starts the next connection in it.
//!
//! Failure modes: every way to end is a [`DisconnectReason`], returned once and counted in
//! [`Sessions::disconnects`]. After an `Err` the connection takes nothing more; what is left to say
//! (a login reject, an end of session) comes from [`SoupServer::pump`], and when
//! [`SoupServer::is_drained`] the transport can be closed.

use super::deframer::Deframer;
use super::{HEARTBEAT_NS, PACKET_BYTES_MAX, PACKET_BYTES_MIN, SILENCE_MAX_NS};
use crate::reason::DisconnectReason;
use crate::sessions::Sessions;
use types::SessionId;
use wire::soup::{LoginAccepted, LoginReject, LoginRequest, Packet, Session};

/// Who takes what clients send. Each method may append to any session.
pub trait ServerHandler {
    /// A client logged in.
    fn on_login(&mut self, sessions: &mut Sessions, who: SessionId) {
        let _ = (sessions, who);
    }

    /// A client sent a message: the payload of an unsequenced packet, where it lies.
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]);

    /// A client that had logged in is gone, for whatever reason. Called once for each `on_login`.
    fn on_logout(&mut self, sessions: &mut Sessions, who: SessionId, why: DisconnectReason) {
        let _ = (sessions, who, why);
    }
}

/// How a server behaves. The default has the specification's times.
#[derive(Clone, Copy, Debug)]
pub struct ServerConfig {
    /// What a packet's length field may say: type byte and payload. At least a login request's 47.
    pub packet_bytes_max: u16,
    /// From the connection to a complete login request, in ns.
    pub login_timeout_ns: u64,
    /// Silence after which a heartbeat goes out, in ns.
    pub heartbeat_ns: u64,
    /// Silence of the client after which it is taken for dead, in ns.
    pub silence_max_ns: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            packet_bytes_max: PACKET_BYTES_MAX,
            login_timeout_ns: 5 * crate::SECOND_NS,
            heartbeat_ns: HEARTBEAT_NS,
            silence_max_ns: SILENCE_MAX_NS,
        }
    }
}

/// What a server slot did since its birth, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Connections.
    pub opened: u64,
    /// Logins accepted.
    pub logins: u64,
    /// Unsequenced messages taken in.
    pub unsequenced_in: u64,
    /// Sequenced messages sent.
    pub sequenced_out: u64,
    /// Heartbeats taken in.
    pub heartbeats_in: u64,
    /// Heartbeats sent.
    pub heartbeats_out: u64,
}

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
    Accept { session: Session, seq: u64 },
    Reject(LoginReject),
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
    /// Sequence number of the next message to send.
    cursor: u64,
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
            link: Link {
                config,
                state: State::Idle,
                reply: None,
                cursor: 0,
                opened_ns: 0,
                last_in_ns: 0,
                last_out_ns: 0,
                end_sent: false,
                counters: ServerCounters::default(),
            },
        }
    }

    /// A client connected. The slot must be idle: new, or told of the last one's end by
    /// [`SoupServer::on_closed`].
    ///
    /// # Panics
    /// When it is not, since a session would stay locked for ever.
    pub fn open(&mut self, now_ns: u64) {
        assert!(self.link.state == State::Idle, "open() of a slot that is in use");
        self.deframer.clear();
        let Link { config, mut counters, .. } = self.link;
        counters.opened += 1;
        self.link = Link {
            config,
            state: State::AwaitLogin,
            reply: None,
            cursor: 0,
            opened_ns: now_ns,
            last_in_ns: now_ns,
            last_out_ns: now_ns,
            end_sent: false,
            counters,
        };
    }

    /// Takes bytes of the stream, cut anywhere. Always takes all of them.
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
        let SoupServer { deframer, link } = self;
        if matches!(link.state, State::Idle | State::Closing) {
            return Ok(());
        }
        let taken =
            deframer.feed(input, |packet| link.on_packet(now_ns, packet, sessions, handler));
        taken.inspect_err(|&reason| link.close(reason, sessions, handler))
    }

    /// Looks at the clock and at the session: login timeout, a silent client, a client so slow that
    /// its next message is gone, the end of the session. Call once in a while, at least every
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
        let pending = sessions.store(who).is_some_and(|store| link.cursor < store.next_seq());
        pending
            || link.reply.is_some()
            || link.heartbeat_due(now_ns)
            || (sessions.is_ended(who) && !link.end_sent)
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
        self.link.state == State::Closing && self.link.reply.is_none()
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
                self.login(request, sessions, handler)
            }
            // Soup 1.2: the client's first packet must be a login request.
            (State::AwaitLogin, _) => Err(DisconnectReason::NotLogin),
            (State::Idle | State::Closing, _) => Ok(()),
        }
    }

    #[cold]
    fn login<H: ServerHandler>(
        &mut self,
        request: &LoginRequest,
        sessions: &mut Sessions,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        let admitted = sessions.login(request);
        self.reply = match &admitted {
            Ok((who, seq)) => {
                let session = sessions.name(*who).copied().unwrap_or([b' '; 10]);
                Some(Reply::Accept { session, seq: *seq })
            }
            Err(DisconnectReason::NotAuthorized | DisconnectReason::SessionInUse) => {
                Some(Reply::Reject(LoginReject::NotAuthorized))
            }
            Err(_) => Some(Reply::Reject(LoginReject::SessionNotAvailable)),
        };
        let (who, seq) = admitted?;
        self.state = State::Open(who);
        self.cursor = seq;
        self.counters.logins += 1;
        handler.on_login(sessions, who);
        Ok(())
    }

    /// Why the connection is over, if it is.
    #[inline]
    fn over(&self, now_ns: u64, sessions: &Sessions) -> Option<DisconnectReason> {
        match self.state {
            State::Idle | State::Closing => None,
            State::AwaitLogin => {
                let waited_ns = now_ns.saturating_sub(self.opened_ns);
                (waited_ns >= self.config.login_timeout_ns)
                    .then_some(DisconnectReason::LoginTimeout)
            }
            State::Open(_) if self.end_sent => Some(DisconnectReason::EndOfSession),
            State::Open(who) => {
                let store = sessions.store(who);
                if store.is_none_or(|store| self.cursor < store.oldest_seq()) {
                    return Some(DisconnectReason::Overrun);
                }
                let silence_ns = now_ns.saturating_sub(self.last_in_ns);
                (silence_ns >= self.config.silence_max_ns).then_some(DisconnectReason::PeerSilent)
            }
        }
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
            self.reply = None;
            sessions.release(who);
            handler.on_logout(sessions, who, reason);
        }
    }

    #[inline]
    fn pump(&mut self, now_ns: u64, sessions: &Sessions, out: &mut [u8]) -> usize {
        let mut at = 0;
        if let Some(reply) = self.reply {
            let Some(len) = reply.write(out) else { return 0 };
            at += len;
            self.reply = None;
        }
        if let State::Open(who) = self.state {
            at += self.pump_session(who, sessions, out.get_mut(at..).unwrap_or(&mut []));
            let nothing_sent = at == 0;
            if nothing_sent && self.heartbeat_due(now_ns) {
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
        let Some(store) = sessions.store(who) else { return 0 };
        let mut at = 0;
        while let Some(message) = store.get(self.cursor) {
            let room = out.get_mut(at..).unwrap_or(&mut []);
            let Some(len) = Packet::Sequenced(message).write(room) else { return at };
            at += len;
            self.cursor += 1;
            self.counters.sequenced_out += 1;
        }
        // After the last sequenced message the server says that the session is over.
        let all_sent = self.cursor == store.next_seq();
        if all_sent && sessions.is_ended(who) && !self.end_sent {
            let room = out.get_mut(at..).unwrap_or(&mut []);
            if let Some(len) = Packet::EndOfSession.write(room) {
                at += len;
                self.end_sent = true;
            }
        }
        at
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
        }
    }
}
