//! SoupBinTCP 4.0 (the framing of 3.0 is the same): messages in sequence over TCP.
//!
//! Layout: `packet_length[2] packet_type[1] payload`; the length counts what follows it. Numbers
//! inside session packets are ASCII, right-justified, padded with spaces on the left ([`text`]).
//!
//! Limits: a reader states the longest packet it takes, so a hostile length cannot make it wait for
//! 64 KiB.
//!
//! Failure modes: a length of 0, a length above the limit, an unknown type, a session packet of the
//! wrong size; see [`Error`]. A stream that broke once has no later point to start from: the caller
//! closes it.

pub mod text;

use crate::field::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes before a packet's payload: length and type.
pub const HEADER_LEN: usize = 3;
/// A session's name.
pub type Session = [u8; 10];
/// The whole of a server's heartbeat.
pub const SERVER_HEARTBEAT: [u8; 3] = [0, 1, b'H'];
/// The whole of a client's heartbeat.
pub const CLIENT_HEARTBEAT: [u8; 3] = [0, 1, b'R'];
/// The whole of a server's end of session.
pub const END_OF_SESSION: [u8; 3] = [0, 1, b'Z'];
/// The whole of a client's logout request.
pub const LOGOUT: [u8; 3] = [0, 1, b'O'];

/// The type bytes.
pub mod kind {
    /// Either: text.
    pub const DEBUG: u8 = b'+';
    /// Client: who I am, and from where I want the messages.
    pub const LOGIN_REQUEST: u8 = b'L';
    /// Server: the session, and the next sequenced message's number.
    pub const LOGIN_ACCEPTED: u8 = b'A';
    /// Server: why not; it then closes.
    pub const LOGIN_REJECTED: u8 = b'J';
    /// Server: one message, numbered by counting.
    pub const SEQUENCED: u8 = b'S';
    /// Client (or server): one message without a number.
    pub const UNSEQUENCED: u8 = b'U';
    /// Server: still here.
    pub const SERVER_HEARTBEAT: u8 = b'H';
    /// Client: still here.
    pub const CLIENT_HEARTBEAT: u8 = b'R';
    /// Server: there will be no more.
    pub const END_OF_SESSION: u8 = b'Z';
    /// Client: goodbye.
    pub const LOGOUT: u8 = b'O';
}

/// The payload of a login request.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct LoginRequest {
    /// Left-justified.
    pub username: [u8; 6],
    /// Left-justified.
    pub password: [u8; 10],
    /// Blank for the current session.
    pub requested_session: Session,
    /// ASCII number: 0 from the next message on, 1 from the first, n from the nth. See
    /// [`text::parse`].
    pub requested_sequence_number: text::Number,
}
const _: () = assert!(size_of::<LoginRequest>() == 46);

/// The payload of a login accepted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct LoginAccepted {
    /// The session logged into.
    pub session: Session,
    /// ASCII number of the next sequenced message. See [`text::parse`].
    pub sequence_number: text::Number,
}
const _: () = assert!(size_of::<LoginAccepted>() == 30);

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LoginReject {
    /// Unknown username and password.
    NotAuthorized = b'A',
    /// The requested session is not available.
    SessionNotAvailable = b'S',
}

impl LoginReject {
    /// Reads the wire's letter.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'A' => Some(Self::NotAuthorized),
            b'S' => Some(Self::SessionNotAvailable),
            _ => None,
        }
    }
}

/// A packet, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Text.
    Debug(&'a [u8]),
    /// A client logs in.
    LoginRequest(&'a LoginRequest),
    /// It may.
    LoginAccepted(&'a LoginAccepted),
    /// It may not, for a reason; see [`LoginReject`].
    LoginRejected(u8),
    /// A message in sequence.
    Sequenced(&'a [u8]),
    /// A message out of sequence.
    Unsequenced(&'a [u8]),
    /// The server is still here.
    ServerHeartbeat,
    /// The client is still here.
    ClientHeartbeat,
    /// The server has no more.
    EndOfSession,
    /// The client leaves.
    Logout,
}

/// Why a stream is not SoupBinTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A length that does not even count the type.
    #[error("SoupBinTCP packet length is 0, at least 1 is needed for the type")]
    ZeroLength,
    /// A length above the reader's limit.
    #[error("SoupBinTCP packet length {length} is above the limit of {limit}")]
    TooLong {
        /// The length field.
        length: usize,
        /// The reader's limit for it.
        limit: usize,
    },
    /// A type SoupBinTCP does not have.
    #[error("unknown SoupBinTCP packet type {kind:#04x}, packet length {length}")]
    UnknownType {
        /// The type byte.
        kind: u8,
        /// The length field.
        length: usize,
    },
    /// A session packet of another size than its type's.
    #[error(
        "SoupBinTCP packet type {:?} has length {length}, expected {expected}",
        char::from(*.kind)
    )]
    Length {
        /// The type byte.
        kind: u8,
        /// The length field.
        length: usize,
        /// What it should be.
        expected: usize,
    },
}

/// Reads the packet at the start of a stream: the packet and the bytes it took, or `None` when more
/// bytes are needed. `limit` bounds the length field.
///
/// # Errors
/// See [`Error`]; a bad length or type is told as soon as its bytes are there.
#[inline]
pub fn parse_packet(bytes: &[u8], limit: usize) -> Result<Option<(Packet<'_>, usize)>, Error> {
    let Some((field, after)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*field));
    if length == 0 {
        return Err(Error::ZeroLength);
    }
    if length > limit {
        return Err(Error::TooLong { length, limit });
    }
    let Some(&kind) = after.first() else { return Ok(None) };
    let expected = match kind {
        kind::SEQUENCED | kind::UNSEQUENCED | kind::DEBUG => length,
        kind::SERVER_HEARTBEAT | kind::CLIENT_HEARTBEAT | kind::END_OF_SESSION | kind::LOGOUT => 1,
        kind::LOGIN_REQUEST => 1 + size_of::<LoginRequest>(),
        kind::LOGIN_ACCEPTED => 1 + size_of::<LoginAccepted>(),
        kind::LOGIN_REJECTED => 2,
        _ => return Err(Error::UnknownType { kind, length }),
    };
    let wrong = Error::Length { kind, length, expected };
    if length != expected {
        return Err(wrong);
    }
    let Some(payload) = after.get(1..length) else { return Ok(None) };
    let packet = match kind {
        kind::SEQUENCED => Packet::Sequenced(payload),
        kind::UNSEQUENCED => Packet::Unsequenced(payload),
        kind::DEBUG => Packet::Debug(payload),
        kind::SERVER_HEARTBEAT => Packet::ServerHeartbeat,
        kind::CLIENT_HEARTBEAT => Packet::ClientHeartbeat,
        kind::END_OF_SESSION => Packet::EndOfSession,
        kind::LOGOUT => Packet::Logout,
        kind::LOGIN_REQUEST => {
            Packet::LoginRequest(LoginRequest::ref_from_bytes(payload).map_err(|_| wrong)?)
        }
        kind::LOGIN_ACCEPTED => {
            Packet::LoginAccepted(LoginAccepted::ref_from_bytes(payload).map_err(|_| wrong)?)
        }
        _ => Packet::LoginRejected(*payload.first().ok_or(wrong)?),
    };
    Ok(Some((packet, 2 + length)))
}

impl Packet<'_> {
    /// The packet's type byte.
    pub const fn kind(&self) -> u8 {
        match self {
            Packet::Debug(_) => kind::DEBUG,
            Packet::LoginRequest(_) => kind::LOGIN_REQUEST,
            Packet::LoginAccepted(_) => kind::LOGIN_ACCEPTED,
            Packet::LoginRejected(_) => kind::LOGIN_REJECTED,
            Packet::Sequenced(_) => kind::SEQUENCED,
            Packet::Unsequenced(_) => kind::UNSEQUENCED,
            Packet::ServerHeartbeat => kind::SERVER_HEARTBEAT,
            Packet::ClientHeartbeat => kind::CLIENT_HEARTBEAT,
            Packet::EndOfSession => kind::END_OF_SESSION,
            Packet::Logout => kind::LOGOUT,
        }
    }

    /// Writes the packet to the start of `out` and gives its length; `None` when it does not fit,
    /// or its payload is longer than a length field can say.
    #[inline]
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let reason;
        let payload = match self {
            Packet::Debug(bytes) | Packet::Sequenced(bytes) | Packet::Unsequenced(bytes) => bytes,
            Packet::LoginRequest(request) => request.as_bytes(),
            Packet::LoginAccepted(accepted) => accepted.as_bytes(),
            Packet::LoginRejected(byte) => {
                reason = [*byte];
                &reason
            }
            _ => &[],
        };
        let room = write_header(out, self.kind(), payload.len())?;
        room.copy_from_slice(payload);
        Some(HEADER_LEN + payload.len())
    }
}

/// Writes length and type to the start of `out`, and gives the room for a payload of `payload_len`
/// bytes; `None` when they do not fit. For payloads that are encoded in place.
#[inline]
pub fn write_header(out: &mut [u8], kind: u8, payload_len: usize) -> Option<&mut [u8]> {
    let length = U16::new(u16::try_from(payload_len.checked_add(1)?).ok()?);
    let (head, rest) = out.split_first_chunk_mut::<HEADER_LEN>()?;
    let room = rest.get_mut(..payload_len)?;
    let [high, low] = length.to_bytes();
    *head = [high, low, kind];
    Some(room)
}

impl LoginRequest {
    /// A request; names longer than their fields are cut. A blank session is the current one.
    pub fn new(username: &[u8], password: &[u8], session: &[u8], sequence: u64) -> LoginRequest {
        LoginRequest {
            username: crate::field::padded(username),
            password: crate::field::padded(password),
            requested_session: crate::field::padded(session),
            requested_sequence_number: text::format(sequence),
        }
    }
}

impl LoginAccepted {
    /// The answer to a login: the session, and the next sequenced message's number.
    pub fn new(session: Session, sequence: u64) -> LoginAccepted {
        LoginAccepted { session, sequence_number: text::format(sequence) }
    }
}

#[cfg(test)]
mod tests;
