//! UDP headers (RFC 768).

use crate::Ip4;
use crate::checksum::pseudo_header;
use crate::field::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;

/// The header.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// Source port.
    pub src_port: U16,
    /// Destination port.
    pub dst_port: U16,
    /// Bytes of header and payload.
    pub length: U16,
    /// Over pseudo header, header and payload; 0 when the sender made none.
    pub checksum: U16,
}
const _: () = assert!(size_of::<Header>() == HEADER_LEN);

/// Why the bytes are not a UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer bytes than the header.
    #[error("UDP header needs 8 bytes, {length} are there")]
    Short {
        /// Bytes at hand.
        length: usize,
    },
    /// The length field is below 8 or beyond the bytes at hand.
    #[error("UDP length {found} does not fit the {length} bytes there")]
    Length {
        /// The length field.
        found: usize,
        /// Bytes at hand.
        length: usize,
    },
}

/// A datagram taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The header.
    pub header: &'a Header,
    /// The payload.
    pub payload: &'a [u8],
}

impl Datagram<'_> {
    /// Whether the checksum is right, or absent.
    pub fn checksum_ok(&self, src: Ip4, dst: Ip4) -> bool {
        let sum = pseudo_header(src, dst, crate::ipv4::UDP, self.header.length.get())
            .bytes(self.header.as_bytes())
            .bytes(self.payload);
        self.header.checksum.get() == 0 || sum.finish() == 0
    }
}

/// Takes a datagram apart.
///
/// # Errors
/// The bytes end early, or the length field does not fit them.
#[inline]
pub fn parse(bytes: &[u8]) -> Result<Datagram<'_>, Error> {
    let length = bytes.len();
    let (header, _) = Header::ref_from_prefix(bytes).map_err(|_| Error::Short { length })?;
    let found = usize::from(header.length.get());
    let payload = bytes.get(HEADER_LEN..found).ok_or(Error::Length { found, length })?;
    Ok(Datagram { header, payload })
}
