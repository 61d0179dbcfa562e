//! The client's side of a session, over as many connections as it takes.
//!
//! Why it exists: SoupBinTCP's promise is kept by the client. It counts the sequenced messages, and
//! after a lost connection asks for the one after the last it saw; so the session's name and the
//! next sequence number live here, across [`SoupClient::open`] and [`SoupClient::on_closed`].
//!
//! Failure modes: every way to end a connection is a [`DisconnectReason`], returned once and
//! counted. A server that accepts the login to another session or place than asked for is refused,
//! because going on would lose or repeat messages.

use super::deframer::{Deframer, Flow};
use super::{HEARTBEAT_NS, PACKET_BYTES_MAX, PACKET_BYTES_MIN, SILENCE_MAX_NS, is_name, trimmed};
use crate::reason::{DisconnectCounters, DisconnectReason};
use wire::soup::{self, LoginAccepted, LoginReject, LoginRequest, Packet, Session, kind, text};

/// Who takes what the server sends.
pub trait ClientHandler {
    /// The login was accepted; the first sequenced message will have this number.
    fn on_accepted(&mut self, session: &Session, next_seq: u64) {
        let _ = (session, next_seq);
    }

    /// A sequenced message, where it lies. Each number comes once, in order, whatever connections
    /// did in between.
    fn on_sequenced(&mut self, seq: u64, message: &[u8]);

    /// A message out of sequence.
    fn on_unsequenced(&mut self, message: &[u8]) {
        let _ = message;
    }

    /// The login was refused, with the server's letter; see [`LoginReject`].
    fn on_rejected(&mut self, letter: u8) {
        let _ = letter;
    }

    /// The session is over; `next_seq` is one more than the last message's number.
    fn on_end_of_session(&mut self, next_seq: u64) {
        let _ = next_seq;
    }
}

/// Who the client is and how it behaves.
#[derive(Clone)]
pub struct ClientConfig {
    /// At most 6 printable ASCII characters.
    pub user: String,
    /// At most 10 printable ASCII characters.
    pub password: String,
    /// The session wanted at first, at most 10 printable ASCII characters; empty for the current
    /// one.
    pub session: String,
    /// The first message wanted: 0 for the next one to come, 1 for the session's first.
    pub first_seq: u64,
    /// What a packet's length field may say: type byte and payload.
    pub packet_bytes_max: u16,
    /// Silence after which a heartbeat goes out, in ns.
    pub heartbeat_ns: u64,
    /// Silence of the server after which it is taken for dead, in ns.
    pub silence_max_ns: u64,
}

impl ClientConfig {
    /// The current session from its first message on, with the specification's times.
    pub fn new(user: &str, password: &str) -> ClientConfig {
        ClientConfig {
            user: user.to_owned(),
            password: password.to_owned(),
            session: String::new(),
            first_seq: 1,
            packet_bytes_max: PACKET_BYTES_MAX,
            heartbeat_ns: HEARTBEAT_NS,
            silence_max_ns: SILENCE_MAX_NS,
        }
    }
}

/// Why a client cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientConfigError {
    /// A user that does not fit its field.
    #[error("user {0:?} is not 1 to 6 printable ASCII characters")]
    User(String),
    /// A password that does not fit its field. It is not repeated here.
    #[error("the password is not 1 to 10 printable ASCII characters")]
    Password,
    /// A session name that does not fit its field.
    #[error("session {0:?} is not empty nor 1 to 10 printable ASCII characters")]
    Session(String),
}

/// What a client did since its birth, over all its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCounters {
    /// Connections.
    pub opened: u64,
    /// Logins accepted.
    pub logins: u64,
    /// Sequenced messages taken in.
    pub sequenced_in: u64,
    /// Unsequenced messages sent.
    pub unsequenced_out: u64,
    /// Heartbeats taken in.
    pub heartbeats_in: u64,
    /// Heartbeats sent.
    pub heartbeats_out: u64,
    /// How connections ended.
    pub disconnects: DisconnectCounters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transport.
    Idle,
    /// Connected, the login request is to be written.
    LoginDue,
    /// The login request was written.
    LoginSent,
    /// Logged in.
    Open,
    /// Logged in, a logout request is to be written.
    LogoutDue,
    /// The logout request was written.
    LogoutSent,
    /// Over.
    Closing,
}

/// The client's side of a session.
pub struct SoupClient {
    deframer: Deframer,
    link: Link,
    /// Session and sequence number that were asked for at first.
    first: (Session, u64),
}

/// All but the reassembly buffer, which is borrowed while its packet is worked on.
struct Link {
    user: [u8; 6],
    password: [u8; 10],
    /// The session asked for: blank at first perhaps, then the one accepted.
    session: Session,
    /// The next sequence number: asked for by a login, counted from there.
    next_seq: u64,
    heartbeat_ns: u64,
    silence_max_ns: u64,
    state: State,
    last_in_ns: u64,
    last_out_ns: u64,
    counters: ClientCounters,
}

impl core::fmt::Debug for SoupClient {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SoupClient")
            .field("state", &self.link.state)
            .field("next_seq", &self.link.next_seq)
            .finish_non_exhaustive()
    }
}

impl SoupClient {
    /// Takes all the memory the client will ever use.
    pub fn new(config: &ClientConfig) -> Result<SoupClient, ClientConfigError> {
        let ClientConfig { user, password, session, .. } = config;
        if !is_name(user, 6) {
            return Err(ClientConfigError::User(user.clone()));
        }
        if !is_name(password, 10) {
            return Err(ClientConfigError::Password);
        }
        if !session.is_empty() && !is_name(session, 10) {
            return Err(ClientConfigError::Session(session.clone()));
        }
        let session = wire::field::padded(session.as_bytes());
        Ok(SoupClient {
            first: (session, config.first_seq),
            deframer: Deframer::new(config.packet_bytes_max.max(PACKET_BYTES_MIN)),
            link: Link {
                user: wire::field::padded(user.as_bytes()),
                password: wire::field::padded(password.as_bytes()),
                session,
                next_seq: config.first_seq,
                heartbeat_ns: config.heartbeat_ns,
                silence_max_ns: config.silence_max_ns,
                state: State::Idle,
                last_in_ns: 0,
                last_out_ns: 0,
                counters: ClientCounters::default(),
            },
        })
    }

    /// The transport is connected; [`SoupClient::pump`] will log in, after an earlier connection to
    /// the same session and from the next message on.
    pub fn open(&mut self, now_ns: u64) {
        self.deframer.clear();
        self.link.state = State::LoginDue;
        self.link.last_in_ns = now_ns;
        self.link.last_out_ns = now_ns;
        self.link.counters.opened += 1;
    }

    /// Takes bytes of the stream, cut anywhere. Always takes all of them.
    ///
    /// # Errors
    /// The reason why the connection is over; reported once, what comes later is ignored.
    #[inline]
    pub fn on_bytes<H: ClientHandler>(
        &mut self,
        now_ns: u64,
        input: &[u8],
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        let SoupClient { deframer, link, .. } = self;
        if matches!(link.state, State::Idle | State::Closing) {
            return Ok(());
        }
        let taken = deframer
            .feed(input, |packet| link.on_packet(now_ns, packet, handler).map(|()| Flow::Taken));
        taken.map(|_| ()).inspect_err(|&reason| link.close(reason))
    }

    /// Looks at the clock: a silent server; or the logout that was asked for is out.
    ///
    /// # Errors
    /// The reason why the connection is over; reported once.
    #[inline]
    pub fn check(&mut self, now_ns: u64) -> Result<(), DisconnectReason> {
        let link = &mut self.link;
        let silence_ns = now_ns.saturating_sub(link.last_in_ns);
        let reason = match link.state {
            State::Idle | State::Closing => return Ok(()),
            State::LogoutSent => DisconnectReason::LoggedOut,
            _ if silence_ns >= link.silence_max_ns => DisconnectReason::PeerSilent,
            _ => return Ok(()),
        };
        link.close(reason);
        Err(reason)
    }

    /// Writes the packet that is due, whole or not at all, and gives its length: the login request,
    /// a heartbeat when nothing was sent for a while, the logout request.
    #[inline]
    pub fn pump(&mut self, now_ns: u64, out: &mut [u8]) -> usize {
        let link = &mut self.link;
        let (packet, after) = match link.state {
            State::LoginDue => return link.write_login(now_ns, out),
            State::LogoutDue => (Packet::Logout, State::LogoutSent),
            State::Open if link.heartbeat_due(now_ns) => (Packet::ClientHeartbeat, State::Open),
            _ => return 0,
        };
        let Some(len) = packet.write(out) else { return 0 };
        link.counters.heartbeats_out += u64::from(after == State::Open);
        link.state = after;
        link.last_out_ns = now_ns;
        len
    }

    /// Whether [`SoupClient::pump`] has anything to write now, given room.
    #[inline]
    pub fn wants_pump(&self, now_ns: u64) -> bool {
        match self.link.state {
            State::LoginDue | State::LogoutDue => true,
            State::Open => self.link.heartbeat_due(now_ns),
            _ => false,
        }
    }

    /// Writes a message to the server straight into `out`, and gives the packet's length. `None`
    /// when not logged in or when it does not fit; nothing is written then.
    #[inline]
    pub fn send_unsequenced(
        &mut self,
        now_ns: u64,
        out: &mut [u8],
        payload: &[u8],
    ) -> Option<usize> {
        let room = self.unsequenced_room(now_ns, out, payload.len())?;
        room.copy_from_slice(payload);
        Some(soup::HEADER_LEN + payload.len())
    }

    /// Writes the header of a message of `payload_len` bytes and gives the room behind it, which
    /// the caller fills: the packet is then `HEADER_LEN + payload_len` bytes and has to be sent.
    /// `None` when not logged in or when it does not fit; nothing is written then.
    #[inline]
    pub fn unsequenced_room<'a>(
        &mut self,
        now_ns: u64,
        out: &'a mut [u8],
        payload_len: usize,
    ) -> Option<&'a mut [u8]> {
        if self.link.state != State::Open {
            return None;
        }
        let room = soup::write_header(out, kind::UNSEQUENCED, payload_len)?;
        self.link.last_out_ns = now_ns;
        self.link.counters.unsequenced_out += 1;
        Some(room)
    }

    /// Asks for a logout: the next [`SoupClient::pump`] writes it, then [`SoupClient::check`] says
    /// that the connection is over.
    pub fn logout(&mut self) {
        if self.link.state == State::Open {
            self.link.state = State::LogoutDue;
        }
    }

    /// The transport is gone. Session and next sequence number are kept: the next
    /// [`SoupClient::open`] goes on where this connection stopped.
    pub fn on_closed(&mut self) {
        if !matches!(self.link.state, State::Idle | State::Closing) {
            self.link.close(DisconnectReason::TransportClosed);
        }
        self.link.state = State::Idle;
    }

    /// Forgets what was seen: the next login asks for what the first one asked for. For a session
    /// that is read anew each time, such as a snapshot's.
    pub fn start_over(&mut self) {
        (self.link.session, self.link.next_seq) = self.first;
    }

    /// Whether the client is logged in and may send.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.link.state == State::Open
    }

    /// Whether there is no connection.
    pub fn is_idle(&self) -> bool {
        self.link.state == State::Idle
    }

    /// Whether the connection is over: close the transport.
    pub fn is_over(&self) -> bool {
        self.link.state == State::Closing
    }

    /// The session's name, padded; blank before the first login to the current one.
    pub fn session(&self) -> &Session {
        &self.link.session
    }

    /// The number of the next sequenced message; 0 before the first login from the next one on.
    pub fn next_seq(&self) -> u64 {
        self.link.next_seq
    }

    /// What the client did so far.
    pub fn counters(&self) -> &ClientCounters {
        &self.link.counters
    }
}

impl Link {
    #[inline]
    fn on_packet<H: ClientHandler>(
        &mut self,
        now_ns: u64,
        packet: Packet<'_>,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        self.last_in_ns = now_ns;
        let logged_in = matches!(self.state, State::Open | State::LogoutDue | State::LogoutSent);
        match packet {
            // Soup 1.2: the number is implied, the first is the login's and each packet counts one.
            Packet::Sequenced(message) if logged_in => {
                let seq = self.next_seq;
                self.next_seq = seq.saturating_add(1);
                self.counters.sequenced_in += 1;
                handler.on_sequenced(seq, message);
                Ok(())
            }
            Packet::Unsequenced(message) if logged_in => {
                handler.on_unsequenced(message);
                Ok(())
            }
            Packet::ServerHeartbeat if logged_in => {
                self.counters.heartbeats_in += 1;
                Ok(())
            }
            Packet::EndOfSession if logged_in => {
                handler.on_end_of_session(self.next_seq);
                Err(DisconnectReason::EndOfSession)
            }
            Packet::Debug(_) => Ok(()),
            Packet::LoginAccepted(accepted) if self.state == State::LoginSent => {
                self.accepted(accepted, handler)
            }
            Packet::LoginRejected(letter) if self.state == State::LoginSent => {
                handler.on_rejected(letter);
                Err(match LoginReject::from_byte(letter) {
                    Some(LoginReject::NotAuthorized) => DisconnectReason::RejectedNotAuthorized,
                    Some(LoginReject::SessionNotAvailable) => DisconnectReason::RejectedSession,
                    None => DisconnectReason::RejectedUnknown,
                })
            }
            _ => Err(DisconnectReason::UnexpectedPacket),
        }
    }

    #[cold]
    fn accepted<H: ClientHandler>(
        &mut self,
        accepted: &LoginAccepted,
        handler: &mut H,
    ) -> Result<(), DisconnectReason> {
        let seq =
            text::parse(&accepted.sequence_number).map_err(|_| DisconnectReason::LoginNumber)?;
        let (asked, given) = (trimmed(&self.session), trimmed(&accepted.session));
        let same_session = asked.is_empty() || asked == given;
        let same_place = self.next_seq == 0 || self.next_seq == seq;
        if seq == 0 || !same_session || !same_place {
            return Err(DisconnectReason::AcceptMismatch);
        }
        self.session = wire::field::padded(given);
        self.next_seq = seq;
        self.state = State::Open;
        self.counters.logins += 1;
        handler.on_accepted(&self.session, seq);
        Ok(())
    }

    fn write_login(&mut self, now_ns: u64, out: &mut [u8]) -> usize {
        let Link { user, password, session, next_seq, .. } = self;
        let request = LoginRequest::new(user, password, session, *next_seq);
        let Some(len) = Packet::LoginRequest(&request).write(out) else { return 0 };
        self.state = State::LoginSent;
        self.last_out_ns = now_ns;
        len
    }

    #[inline]
    fn heartbeat_due(&self, now_ns: u64) -> bool {
        now_ns.saturating_sub(self.last_out_ns) >= self.heartbeat_ns
    }

    #[cold]
    fn close(&mut self, reason: DisconnectReason) {
        self.state = State::Closing;
        self.counters.disconnects.count(reason);
    }
}
