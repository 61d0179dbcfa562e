//! ICMP echo (RFC 792): enough to answer a ping.

use crate::checksum::{checksum, update};
use crate::field::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Type: echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Type: echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Bytes before the echoed data.
pub const HEADER_LEN: usize = 8;

/// An echo request's or reply's header.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Echo {
    /// [`ECHO_REQUEST`] or [`ECHO_REPLY`].
    pub kind: u8,
    /// 0.
    pub code: u8,
    /// Over the whole ICMP message.
    pub checksum: U16,
    /// The asker's identifier.
    pub id: U16,
    /// The asker's sequence number.
    pub sequence: U16,
}
const _: () = assert!(size_of::<Echo>() == HEADER_LEN);

/// Why the bytes are not a sound echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer bytes than the header.
    #[error("ICMP echo needs 8 bytes, {length} are there")]
    Short {
        /// Bytes at hand.
        length: usize,
    },
    /// Another ICMP message.
    #[error("ICMP type {kind} code {code} is not an echo")]
    Kind {
        /// Type met.
        kind: u8,
        /// Code met.
        code: u8,
    },
    /// The checksum is wrong.
    #[error("ICMP checksum is wrong")]
    Checksum,
}

/// Reads an echo request or reply, its header and its data.
///
/// # Errors
/// Too short, not an echo, or a wrong checksum.
pub fn parse(bytes: &[u8]) -> Result<(&Echo, &[u8]), Error> {
    let (echo, data) =
        Echo::ref_from_prefix(bytes).map_err(|_| Error::Short { length: bytes.len() })?;
    if !matches!((echo.kind, echo.code), (ECHO_REQUEST | ECHO_REPLY, 0)) {
        return Err(Error::Kind { kind: echo.kind, code: echo.code });
    }
    if checksum(bytes) != 0 {
        return Err(Error::Checksum);
    }
    Ok((echo, data))
}

impl Echo {
    /// The header that answers this request with the same data.
    pub fn reply(&self) -> Echo {
        let was = u16::from_be_bytes([self.kind, self.code]);
        // 0 and 0xFFFF are one number in ones' complement, but only 0xFFFF is right over a message
        // that is otherwise all zero, as the reply to a ping with id, sequence and data 0 is.
        let check = match update(self.checksum.get(), was, u16::from(ECHO_REPLY)) {
            0 => u16::MAX,
            check => check,
        };
        Echo { kind: ECHO_REPLY, checksum: U16::new(check), ..*self }
    }
}
