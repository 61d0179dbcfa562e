//! The Ethernet header towards one peer, prebuilt.

use crate::interface::Interface;
use wire::Mac;
use wire::ether;

/// The longest header: with a VLAN tag.
pub(crate) const HEADER_MAX: usize = ether::HEADER_LEN + ether::TAG_LEN;
/// The shortest frame Ethernet carries, without its checksum.
pub(crate) const FRAME_MIN: usize = 60;

/// A header ready to be copied in front of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    header: [u8; HEADER_MAX],
    len: usize,
}

impl Link {
    /// The header from us to `dst`.
    pub(crate) fn new(interface: &Interface, dst: Mac, ethertype: u16) -> Link {
        let mut header = [0; HEADER_MAX];
        let len = ether::write(&mut header, dst, interface.mac, interface.tag(), ethertype);
        Link { header, len: len.unwrap_or(0) }
    }

    /// Bytes of header.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Writes the header and gives the room behind it.
    pub(crate) fn write<'a>(&self, frame: &'a mut [u8]) -> &'a mut [u8] {
        let Some((header, rest)) = frame.split_at_mut_checked(self.len) else { return &mut [] };
        header.copy_from_slice(&self.header[..self.len]);
        rest
    }
}

/// Copies `parts` one behind the other and zeroes what remains: headers are put together this way.
pub(crate) fn put(mut room: &mut [u8], parts: &[&[u8]]) {
    for part in parts {
        let len = part.len().min(room.len());
        let (to, rest) = room.split_at_mut(len);
        to.copy_from_slice(&part[..len]);
        room = rest;
    }
    room.fill(0);
}
