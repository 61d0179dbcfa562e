//! TCP headers (RFC 9293), as far as demultiplexing and decoding need them. The state machine is
//! elsewhere.

use crate::field::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// Flag: no more data from the sender.
pub const FIN: u8 = 0x01;
/// Flag: synchronise sequence numbers.
pub const SYN: u8 = 0x02;
/// Flag: reset.
pub const RST: u8 = 0x04;
/// Flag: push.
pub const PSH: u8 = 0x08;
/// Flag: the acknowledgment counts.
pub const ACK: u8 = 0x10;

/// The header without options.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// Source port.
    pub src_port: U16,
    /// Destination port.
    pub dst_port: U16,
    /// Sequence number of the first byte (of the SYN, if set).
    pub sequence: U32,
    /// The next sequence number the sender expects.
    pub acknowledgment: U32,
    /// Header length in words (4 bits), reserved.
    pub data_offset: u8,
    /// [`FIN`], [`SYN`], [`RST`], [`PSH`], [`ACK`], …
    pub flags: u8,
    /// Receive window.
    pub window: U16,
    /// Over pseudo header, header and payload.
    pub checksum: U16,
    /// Urgent pointer.
    pub urgent: U16,
}
const _: () = assert!(size_of::<Header>() == HEADER_LEN);

impl Header {
    /// Whether all the flags in `mask` are set.
    pub const fn has(&self, mask: u8) -> bool {
        self.flags & mask == mask
    }
}

/// Why the bytes are not a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside the header.
    #[error("TCP header needs {needed} bytes, {length} are there")]
    Short {
        /// Bytes the header needs.
        needed: usize,
        /// Bytes at hand.
        length: usize,
    },
    /// The data offset is below five words.
    #[error("TCP data offset is {words} words, at least 5 are needed")]
    DataOffset {
        /// The field, in words of four bytes.
        words: u8,
    },
}

/// A segment taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The fixed part of the header.
    pub header: &'a Header,
    /// Options.
    pub options: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

/// Takes a segment apart; `bytes` is the payload of the IPv4 packet.
///
/// # Errors
/// The bytes end inside the header, or the data offset is too small.
#[inline]
pub fn parse(bytes: &[u8]) -> Result<Segment<'_>, Error> {
    let length = bytes.len();
    let (header, _) =
        Header::ref_from_prefix(bytes).map_err(|_| Error::Short { needed: HEADER_LEN, length })?;
    let words = header.data_offset >> 4;
    if words < 5 {
        return Err(Error::DataOffset { words });
    }
    let needed = 4 * usize::from(words);
    let options = bytes.get(HEADER_LEN..needed).ok_or(Error::Short { needed, length })?;
    let payload = bytes.get(needed..).unwrap_or(&[]);
    Ok(Segment { header, options, payload })
}
