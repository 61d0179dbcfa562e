//! IGMP: what a receiver says to join and leave a group (RFC 2236 and RFC 3376), and the querier's
//! question.
//!
//! Reports go into an IPv4 packet with TTL 1 and the router alert option ([`ROUTER_ALERT`]).

use crate::Ip4;
use crate::checksum::checksum;
use crate::field::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Type: membership query.
pub const QUERY: u8 = 0x11;
/// Type: version 2 membership report.
pub const REPORT_V2: u8 = 0x16;
/// Type: version 2 leave group.
pub const LEAVE: u8 = 0x17;
/// Type: version 3 membership report.
pub const REPORT_V3: u8 = 0x22;
/// Where version 3 reports go.
pub const ALL_V3_ROUTERS: Ip4 = [224, 0, 0, 22];
/// Where version 2 leaves go.
pub const ALL_ROUTERS: Ip4 = [224, 0, 0, 2];
/// The IPv4 option that makes routers look at a packet (RFC 2113).
pub const ROUTER_ALERT: [u8; 4] = [0x94, 0x04, 0x00, 0x00];
/// Bytes of a version 2 message, and of the header of a version 3 report.
pub const HEADER_LEN: usize = 8;

/// A version 2 message: query, report or leave.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Message {
    /// [`QUERY`], [`REPORT_V2`] or [`LEAVE`].
    pub kind: u8,
    /// In a query, the time to answer within, in 1/10 s.
    pub max_response: u8,
    /// Over the whole message.
    pub checksum: U16,
    /// The group; zero in a general query.
    pub group: Ip4,
}
const _: () = assert!(size_of::<Message>() == HEADER_LEN);

/// How a version 3 report changes a membership (RFC 3376, 4.2.12). Only records without sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Record {
    /// Still listening to any source: the answer to a query.
    IsExclude = 2,
    /// Leave: from now on no source is listened to.
    ToInclude = 3,
    /// Join: from now on any source is listened to.
    ToExclude = 4,
}

/// Why the bytes are not a sound IGMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer than 8 bytes.
    #[error("IGMP message needs 8 bytes, {length} are there")]
    Short {
        /// Bytes at hand.
        length: usize,
    },
    /// The checksum is wrong.
    #[error("IGMP checksum is wrong")]
    Checksum,
}

/// Reads the first eight bytes, which queries of all versions share.
///
/// # Errors
/// Too short, or a wrong checksum over all the bytes.
pub fn parse(bytes: &[u8]) -> Result<&Message, Error> {
    let (message, _) =
        Message::ref_from_prefix(bytes).map_err(|_| Error::Short { length: bytes.len() })?;
    if checksum(bytes) != 0 {
        return Err(Error::Checksum);
    }
    Ok(message)
}

impl Message {
    /// A version 2 message, checksum in place.
    pub fn new(kind: u8, group: Ip4) -> Message {
        let mut message = Message { kind, max_response: 0, checksum: U16::ZERO, group };
        message.checksum = U16::new(checksum(message.as_bytes()));
        message
    }

    /// Whether this asks about `group`, by name or among all.
    pub fn asks(&self, group: Ip4) -> bool {
        self.kind == QUERY && (self.group == [0; 4] || self.group == group)
    }
}

/// Bytes of a version 3 report on `groups` groups.
pub const fn report_v3_len(groups: usize) -> usize {
    HEADER_LEN + 8 * groups
}

/// Writes a version 3 report, one record a group, and gives its length; `None` when it does not fit
/// `out`.
pub fn write_report_v3(out: &mut [u8], record: Record, groups: &[Ip4]) -> Option<usize> {
    let count = u16::try_from(groups.len()).ok()?;
    let out = out.get_mut(..report_v3_len(groups.len()))?;
    out.fill(0);
    let (header, records) = out.split_first_chunk_mut::<HEADER_LEN>()?;
    header[0] = REPORT_V3;
    header[6..8].copy_from_slice(&count.to_be_bytes());
    for (to, group) in records.as_chunks_mut::<8>().0.iter_mut().zip(groups) {
        to[0] = record as u8;
        to[4..8].copy_from_slice(group);
    }
    let check = checksum(out).to_be_bytes();
    out.get_mut(2..4)?.copy_from_slice(&check);
    Some(out.len())
}
