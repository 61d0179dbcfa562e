//! UDP frames in place: the headers are written in front of a payload that already lies in the
//! frame.
//!
//! Layout: Ethernet (14), an optional VLAN tag (4), IPv4 without options (20), UDP (8), payload.
//! All that stays the same between frames is written once into a template; sending copies it and
//! sets four words.

use crate::checksum::{Sum, pseudo_header};
use crate::ether::{self, Tag};
use crate::{Ip4, Mac, ipv4, udp};
use zerocopy::IntoBytes;

/// The longest header: with a VLAN tag.
pub const HEADER_MAX: usize =
    ether::HEADER_LEN + ether::TAG_LEN + ipv4::HEADER_LEN + udp::HEADER_LEN;

/// Where a frame comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Source Ethernet address.
    pub src_mac: Mac,
    /// Destination Ethernet address.
    pub dst_mac: Mac,
    /// VLAN tag, if any.
    pub tag: Option<Tag>,
    /// Source address.
    pub src_ip: Ip4,
    /// Destination address.
    pub dst_ip: Ip4,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Hops a frame may take.
    pub ttl: u8,
}

/// Who computes the UDP checksum. IPv4's own is always written: it is a few adds on the template's
/// sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpChecksum {
    /// Here, over the whole payload.
    Full,
    /// The NIC: the pseudo header's sum is left in the field, as transmit offloads want it.
    Offload,
    /// Nobody: 0, which IPv4 allows.
    None,
}

/// The headers of one flow, ready to be put in front of payloads.
#[derive(Clone, Debug)]
pub struct UdpFrame {
    template: [u8; HEADER_MAX],
    length: usize,
    /// IPv4's header summed with total length, identification and checksum zero.
    ip_sum: Sum,
    route: Route,
}

impl UdpFrame {
    /// Prepares the headers of a flow.
    pub fn new(route: Route) -> UdpFrame {
        let mut template = [0; HEADER_MAX];
        let mut ip = ipv4::Header::new(ipv4::UDP, route.src_ip, route.dst_ip, route.ttl, 0);
        ip.total_length = 0.into();
        ip.checksum = 0.into();
        let ports = [route.src_port.to_be_bytes(), route.dst_port.to_be_bytes()];
        let at = ether::write(&mut template, route.dst_mac, route.src_mac, route.tag, ether::IPV4)
            .unwrap_or(0);
        for (to, from) in
            template.iter_mut().skip(at).zip(ip.as_bytes().iter().chain(ports.as_flattened()))
        {
            *to = *from;
        }
        let length = ether::header_len(route.tag) + ipv4::HEADER_LEN + udp::HEADER_LEN;
        UdpFrame { template, length, ip_sum: Sum::new().bytes(ip.as_bytes()), route }
    }

    /// Bytes of header: where the payload must lie in the frame.
    pub const fn header_len(&self) -> usize {
        self.length
    }

    /// Where the frames go.
    pub const fn route(&self) -> &Route {
        &self.route
    }

    /// Writes the headers in front of a payload which fills the rest of `frame` from
    /// [`header_len`](Self::header_len) on. Gives `false` and writes nothing when `frame` is
    /// shorter than the headers or longer than IPv4 allows.
    #[inline]
    #[must_use]
    pub fn write(&self, frame: &mut [u8], id: u16, checksum: UdpChecksum) -> bool {
        let ip_at = self.length - ipv4::HEADER_LEN - udp::HEADER_LEN;
        let Some(total) = frame.len().checked_sub(ip_at).and_then(|n| u16::try_from(n).ok()) else {
            return false;
        };
        let Some((header, payload)) = frame.split_at_mut_checked(self.length) else {
            return false;
        };
        let udp_len = total - ipv4::HEADER_LEN as u16;
        header.copy_from_slice(&self.template[..self.length]);
        let pseudo = || pseudo_header(self.route.src_ip, self.route.dst_ip, ipv4::UDP, udp_len);
        let check = match checksum {
            UdpChecksum::None => 0,
            UdpChecksum::Offload => !pseudo().finish(),
            UdpChecksum::Full => {
                let ports = pseudo().word(self.route.src_port).word(self.route.dst_port);
                // 0 means none was made, so a sum of 0 goes out as its other form.
                match ports.word(udp_len).bytes(payload).finish() {
                    0 => u16::MAX,
                    sum => sum,
                }
            }
        };
        let ip = &mut header[ip_at..];
        ip[2..4].copy_from_slice(&total.to_be_bytes());
        ip[4..6].copy_from_slice(&id.to_be_bytes());
        ip[10..12].copy_from_slice(&self.ip_sum.word(total).word(id).finish().to_be_bytes());
        ip[24..26].copy_from_slice(&udp_len.to_be_bytes());
        ip[26..28].copy_from_slice(&check.to_be_bytes());
        true
    }
}
