//! Ethernet II with no, one or two VLAN tags.
//!
//! Layout: `destination[6] source[6] (tpid[2] tci[2]){0..=2} ethertype[2] payload`. A tag's TPID is
//! 0x8100, 0x88A8 or 0x9100. A third tag is not looked into: its TPID is then the ethertype.

use crate::Mac;

/// Ethertype of IPv4.
pub const IPV4: u16 = 0x0800;
/// Ethertype of ARP.
pub const ARP: u16 = 0x0806;
/// Bytes of an untagged header.
pub const HEADER_LEN: usize = 14;
/// Bytes a VLAN tag adds.
pub const TAG_LEN: usize = 4;
/// The most tags read.
pub const TAGS_MAX: usize = 2;
/// The broadcast address.
pub const BROADCAST: Mac = [0xFF; 6];

/// Fewer bytes than the header needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Ethernet header needs {needed} bytes, the frame has {length}")]
pub struct Error {
    /// Bytes needed as far as the tags were read.
    pub needed: usize,
    /// Bytes in the frame.
    pub length: usize,
}

/// A VLAN tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// 0x8100, 0x88A8 or 0x9100.
    pub tpid: u16,
    /// Priority (3 bits), drop eligible (1), VLAN (12).
    pub tci: u16,
}

impl Tag {
    /// The VLAN's number.
    pub const fn vlan(self) -> u16 {
        self.tci & 0x0FFF
    }
}

/// A frame taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Destination.
    pub dst: Mac,
    /// Source.
    pub src: Mac,
    tags: [Tag; TAGS_MAX],
    tag_count: u8,
    /// What the payload is.
    pub ethertype: u16,
    /// All after the header, padding included.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The VLAN tags, outer first.
    pub fn tags(&self) -> &[Tag] {
        self.tags.get(..usize::from(self.tag_count)).unwrap_or(&[])
    }

    /// The inner VLAN's number, if tagged.
    pub fn vlan(&self) -> Option<u16> {
        self.tags().last().map(|tag| tag.vlan())
    }

    /// Where the payload begins in the frame.
    pub const fn header_len(&self) -> usize {
        HEADER_LEN + TAG_LEN * self.tag_count as usize
    }
}

/// Whether the destination is a group (multicast or broadcast) address.
pub const fn is_group(mac: Mac) -> bool {
    mac[0] & 1 != 0
}

/// The group address of an IPv4 multicast group (RFC 1112, 6.4): 01-00-5E and the low 23 bits.
pub const fn multicast(group: crate::Ip4) -> Mac {
    [0x01, 0x00, 0x5E, group[1] & 0x7F, group[2], group[3]]
}

const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88A8 | 0x9100)
}

/// Takes a frame apart.
///
/// # Errors
/// The frame ends inside the header or a tag.
#[inline]
pub fn parse(frame: &[u8]) -> Result<Frame<'_>, Error> {
    let length = frame.len();
    let short = |needed| Error { needed, length };
    let (dst, rest) = frame.split_first_chunk::<6>().ok_or(short(HEADER_LEN))?;
    let (src, rest) = rest.split_first_chunk::<6>().ok_or(short(HEADER_LEN))?;
    let (kind, mut rest) = rest.split_first_chunk::<2>().ok_or(short(HEADER_LEN))?;
    let mut ethertype = u16::from_be_bytes(*kind);
    let mut tags = [Tag::default(); TAGS_MAX];
    let mut tag_count = 0u8;
    for tag in &mut tags {
        if !is_tag(ethertype) {
            break;
        }
        tag_count += 1;
        let needed = HEADER_LEN + TAG_LEN * usize::from(tag_count);
        let (tci, after) = rest.split_first_chunk::<2>().ok_or(short(needed))?;
        let (kind, after) = after.split_first_chunk::<2>().ok_or(short(needed))?;
        *tag = Tag { tpid: ethertype, tci: u16::from_be_bytes(*tci) };
        ethertype = u16::from_be_bytes(*kind);
        rest = after;
    }
    Ok(Frame { dst: *dst, src: *src, tags, tag_count, ethertype, payload: rest })
}

/// Bytes [`write()`] will use.
pub const fn header_len(tag: Option<Tag>) -> usize {
    if tag.is_some() { HEADER_LEN + TAG_LEN } else { HEADER_LEN }
}

/// Writes a header at the start of `frame` and gives its length; `None` when `frame` is too short.
pub fn write(
    frame: &mut [u8],
    dst: Mac,
    src: Mac,
    tag: Option<Tag>,
    ethertype: u16,
) -> Option<usize> {
    let length = header_len(tag);
    let header = frame.get_mut(..length)?;
    let (addresses, kinds) = header.split_first_chunk_mut::<12>()?;
    let (to, from) = addresses.split_at_mut(6);
    to.copy_from_slice(&dst);
    from.copy_from_slice(&src);
    let words = [tag.map(|t| t.tpid), tag.map(|t| t.tci), Some(ethertype)];
    for (to, word) in kinds.chunks_exact_mut(2).zip(words.into_iter().flatten()) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    Some(length)
}
