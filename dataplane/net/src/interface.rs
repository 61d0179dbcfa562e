//! One IPv4 address on one port, and who computes checksums.

use crate::error::{NetError, bound};
use std::net::Ipv4Addr;
use wire::Mac;
use wire::ether::{self, Tag};

/// The least an IPv4 host must be able to receive (RFC 791, 3.1).
const MTU_MIN: u64 = 576;
/// The largest frames that Ethernet hardware takes in practice.
const MTU_MAX: u64 = 9_216;
/// The 802.1Q tag protocol identifier we send.
const TPID: u16 = 0x8100;

/// How a host is reached: its addresses, its network, its VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Our Ethernet address.
    pub mac: Mac,
    /// Our IPv4 address.
    pub ip: Ipv4Addr,
    /// Bits of the network's prefix.
    pub prefix_len: u8,
    /// Where packets for other networks go.
    pub gateway: Option<Ipv4Addr>,
    /// The VLAN we live in: its tag is required on the way in and written on the way out. Without
    /// one, frames come untagged or with the priority tag (VLAN 0).
    pub vlan: Option<u16>,
    /// The largest IPv4 packet, in bytes.
    pub mtu: u16,
}

impl Interface {
    /// Whether the settings can work together.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn check(&self) -> Result<(), NetError> {
        if ether::is_group(self.mac) || self.mac == [0; 6] {
            return Err(NetError::Mac { mac: self.mac });
        }
        if !(1..=32).contains(&self.prefix_len) {
            return Err(NetError::Prefix { prefix_len: self.prefix_len });
        }
        if !self.is_host(self.ip) {
            return Err(NetError::Address { ip: self.ip });
        }
        if let Some(gateway) = self.gateway
            && (!self.is_on_link(gateway) || !self.is_host(gateway))
        {
            return Err(NetError::Gateway { gateway });
        }
        if let Some(vlan) = self.vlan
            && !(1..=4094).contains(&vlan)
        {
            return Err(NetError::Vlan { vlan });
        }
        bound("mtu", self.mtu.into(), MTU_MIN, MTU_MAX)
    }

    fn mask(&self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix_len.min(32))).unwrap_or(0)
    }

    /// Whether `ip` lies in our own network.
    pub fn is_on_link(&self, ip: Ipv4Addr) -> bool {
        (ip.to_bits() ^ self.ip.to_bits()) & self.mask() == 0
    }

    /// Whether `ip` can be a single host's: not zero, a group, or a broadcast (RFC 1122, 3.2.1.3).
    pub fn is_host(&self, ip: Ipv4Addr) -> bool {
        !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || self.is_broadcast(ip))
    }

    /// Whether `ip` is our network's broadcast address. Networks of /31 and /32 have none (RFC
    /// 3021).
    fn is_broadcast(&self, ip: Ipv4Addr) -> bool {
        self.prefix_len < 31 && ip.to_bits() == self.ip.to_bits() | !self.mask()
    }

    /// Who gets the frame for `ip`: itself or the gateway; `None` without a route.
    pub fn next_hop(&self, ip: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.is_on_link(ip) { Some(ip) } else { self.gateway }
    }

    /// The tag on our frames.
    pub(crate) fn tag(&self) -> Option<Tag> {
        self.vlan.map(|tci| Tag { tpid: TPID, tci })
    }
}

/// Checksums the port found to be right in the frame at hand; the others are computed here. A frame
/// that the port found wrong is given without: it will be found wrong again and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxChecks {
    /// IPv4's header.
    pub ipv4: bool,
    /// UDP's or TCP's.
    pub l4: bool,
}

/// Checksums that the port fills in on the way out; the others are written here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxChecks {
    /// IPv4's header: left zero. (UDP templates always write it: it is a few additions.)
    pub ipv4: bool,
    /// UDP's and TCP's: the pseudo header's sum is left in the field, as transmit offloads want it.
    pub l4: bool,
}

#[cfg(test)]
mod tests;
