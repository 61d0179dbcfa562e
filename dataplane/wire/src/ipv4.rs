//! IPv4 headers (RFC 791): options are passed over, fragments are told, never reassembled.

use crate::Ip4;
use crate::checksum::checksum;
use crate::field::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Protocol number of ICMP.
pub const ICMP: u8 = 1;
/// Protocol number of IGMP.
pub const IGMP: u8 = 2;
/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;
/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// The flag: do not fragment.
pub const DONT_FRAGMENT: u16 = 0x4000;

/// The header without options.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// Version (4 bits, 4) and header length in words (4 bits).
    pub version_ihl: u8,
    /// DSCP (6 bits) and ECN (2 bits).
    pub tos: u8,
    /// Bytes of header and payload.
    pub total_length: U16,
    /// Identification.
    pub id: U16,
    /// Flags (3 bits) and fragment offset in units of 8 bytes (13 bits).
    pub fragment: U16,
    /// Hops left.
    pub ttl: u8,
    /// What the payload is.
    pub protocol: u8,
    /// The header's checksum.
    pub checksum: U16,
    /// Source.
    pub src: Ip4,
    /// Destination.
    pub dst: Ip4,
}
const _: () = assert!(size_of::<Header>() == HEADER_LEN);

/// Why the bytes are not an IPv4 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside the header.
    #[error("IPv4 header needs {needed} bytes, {length} are there")]
    Short {
        /// Bytes the header needs.
        needed: usize,
        /// Bytes at hand.
        length: usize,
    },
    /// Another version, or a header length below five words.
    #[error("IPv4 version and header length byte is {found:#04x}")]
    Version {
        /// The first byte.
        found: u8,
    },
    /// The total length is below the header's or beyond the bytes at hand.
    #[error("IPv4 total length {total} does not fit header {header} and the {length} bytes there")]
    Total {
        /// The header's total length.
        total: usize,
        /// Bytes of header.
        header: usize,
        /// Bytes at hand.
        length: usize,
    },
}

/// A packet taken apart; padding behind the total length is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed part of the header.
    pub header: &'a Header,
    /// Options, mostly none.
    pub options: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

impl Packet<'_> {
    /// Whether this is one fragment of several.
    pub fn is_fragment(&self) -> bool {
        self.header.fragment.get() & 0x3FFF != 0
    }

    /// Where the payload begins in the packet.
    pub const fn header_len(&self) -> usize {
        HEADER_LEN + self.options.len()
    }

    /// Whether the header's checksum is right.
    pub fn checksum_ok(&self) -> bool {
        let sum = crate::checksum::Sum::new().bytes(self.header.as_bytes()).bytes(self.options);
        sum.finish() == 0
    }
}

/// Takes a packet apart. Does not look at the checksum: the NIC may have, see
/// [`Packet::checksum_ok`].
///
/// # Errors
/// The bytes end early, the version is not 4, or lengths contradict each other.
#[inline]
pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Error> {
    let length = bytes.len();
    let (header, _) =
        Header::ref_from_prefix(bytes).map_err(|_| Error::Short { needed: HEADER_LEN, length })?;
    let words = usize::from(header.version_ihl & 0x0F);
    if header.version_ihl >> 4 != 4 || words < 5 {
        return Err(Error::Version { found: header.version_ihl });
    }
    let header_len = 4 * words;
    let options =
        bytes.get(HEADER_LEN..header_len).ok_or(Error::Short { needed: header_len, length })?;
    let total = usize::from(header.total_length.get());
    let payload =
        bytes.get(header_len..total).ok_or(Error::Total { total, header: header_len, length })?;
    Ok(Packet { header, options, payload })
}

impl Header {
    /// A header without options, not to be fragmented, checksum in place.
    ///
    /// `payload_len` above 65,515 does not fit IPv4 and is cut to it: callers bound frames by the
    /// MTU.
    pub fn new(protocol: u8, src: Ip4, dst: Ip4, ttl: u8, payload_len: usize) -> Header {
        let total = u16::try_from(HEADER_LEN.saturating_add(payload_len)).unwrap_or(u16::MAX);
        let mut header = Header {
            version_ihl: 0x45,
            tos: 0,
            total_length: U16::new(total),
            id: U16::ZERO,
            fragment: U16::new(DONT_FRAGMENT),
            ttl,
            protocol,
            checksum: U16::ZERO,
            src,
            dst,
        };
        header.checksum = U16::new(checksum(header.as_bytes()));
        header
    }
}

/// Whether `ip` is a multicast group, 224.0.0.0/4.
pub const fn is_multicast(ip: Ip4) -> bool {
    ip[0] & 0xF0 == 0xE0
}
