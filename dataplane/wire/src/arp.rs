//! ARP for IPv4 over Ethernet (RFC 826).

use crate::field::U16;
use crate::{Ip4, Mac};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Operation: who has this address?
pub const REQUEST: u16 = 1;
/// Operation: I have.
pub const REPLY: u16 = 2;

/// An ARP packet of 28 bytes; all address sizes are those of Ethernet and IPv4.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Packet {
    /// 1: Ethernet.
    pub hardware: U16,
    /// 0x0800: IPv4.
    pub protocol: U16,
    /// 6.
    pub hardware_len: u8,
    /// 4.
    pub protocol_len: u8,
    /// [`REQUEST`] or [`REPLY`].
    pub operation: U16,
    /// The sender's Ethernet address.
    pub sender_mac: Mac,
    /// The sender's IPv4 address.
    pub sender_ip: Ip4,
    /// The target's Ethernet address; zero in a request.
    pub target_mac: Mac,
    /// The target's IPv4 address.
    pub target_ip: Ip4,
}
const _: () = assert!(size_of::<Packet>() == 28);

/// Why a packet is not ARP for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer than 28 bytes.
    #[error("ARP packet needs 28 bytes, has {length}")]
    Short {
        /// Bytes at hand.
        length: usize,
    },
    /// Another hardware or protocol.
    #[error("ARP for hardware {hardware} and protocol {protocol:#06x}, not Ethernet and IPv4")]
    Kind {
        /// Hardware type met.
        hardware: u16,
        /// Protocol type met.
        protocol: u16,
    },
}

/// Reads an ARP packet; Ethernet padding may follow it.
///
/// # Errors
/// Too short, or for other address families.
pub fn parse(bytes: &[u8]) -> Result<&Packet, Error> {
    let (packet, _) =
        Packet::ref_from_prefix(bytes).map_err(|_| Error::Short { length: bytes.len() })?;
    let (hardware, protocol) = (packet.hardware.get(), packet.protocol.get());
    let sizes = (packet.hardware_len, packet.protocol_len);
    if (hardware, protocol, sizes) != (1, crate::ether::IPV4, (6, 4)) {
        return Err(Error::Kind { hardware, protocol });
    }
    Ok(packet)
}

impl Packet {
    /// A packet from its four addresses and operation.
    pub fn new(operation: u16, sender: (Mac, Ip4), target: (Mac, Ip4)) -> Packet {
        Packet {
            hardware: U16::new(1),
            protocol: U16::new(crate::ether::IPV4),
            hardware_len: 6,
            protocol_len: 4,
            operation: U16::new(operation),
            sender_mac: sender.0,
            sender_ip: sender.1,
            target_mac: target.0,
            target_ip: target.1,
        }
    }

    /// The answer to this request from the owner of `target_ip`.
    pub fn reply(&self, owner: Mac) -> Packet {
        Packet::new(REPLY, (owner, self.target_ip), (self.sender_mac, self.sender_ip))
    }
}
