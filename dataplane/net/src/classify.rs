//! What a frame is, and whether it is ours.
//!
//! Why it exists: every check on a frame's outer headers is made here, once, in the order of the
//! bytes, so that what stands behind may trust addresses, lengths and checksums.
//!
//! Failure modes: anything else is a [`DropReason`]. A group's frame must carry the group's
//! Ethernet address: a unicast packet in a broadcast frame is dropped (RFC 1122, 3.3.6).

use crate::interface::{Interface, RxChecks};
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::checksum::{Sum, pseudo_header};
use wire::{FromBytes, IntoBytes, Mac, arp, ether, ipv4, tcp, udp};

macro_rules! reasons {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// Why a frame was dropped. Each has its own counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DropReason { $(#[doc = $doc] $variant,)* }

        impl DropReason {
            /// Every reason, in the order of their numbers.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The counter's name.
            pub const fn name(self) -> &'static str {
                match self { $(DropReason::$variant => $name,)* }
            }
        }
    };
}
reasons! {
    EthernetShort = "ethernet_short", "Shorter than an Ethernet header and its tags.";
    NotOurMac = "not_our_mac",
        "For another station, or for a group whose packet it does not carry.";
    SourceMac = "source_mac", "From a group address, which sends nothing.";
    Vlan = "vlan", "Not the interface's VLAN.";
    Ethertype = "ethertype", "Neither ARP nor IPv4.";
    ArpMalformed = "arp_malformed", "ARP that is too short or not for IPv4 over Ethernet.";
    ArpNotForUs = "arp_not_for_us", "ARP between others.";
    IpMalformed = "ip_malformed",
        "IPv4 with a wrong version or lengths which contradict each other.";
    IpChecksum = "ip_checksum", "IPv4 header with a wrong checksum.";
    Fragment = "fragment", "A fragment; none is reassembled.";
    SourceAddress = "source_address",
        "From an address that no other host has: ours, a group's, a broadcast.";
    NotOurAddress = "not_our_address", "For another host.";
    NotOurGroup = "not_our_group", "For a multicast group which was not joined.";
    Protocol = "protocol", "Neither ICMP, IGMP, UDP nor TCP.";
    UdpMalformed = "udp_malformed", "UDP whose length field does not fit the packet.";
    UdpChecksum = "udp_checksum", "UDP with a wrong checksum.";
    TcpMalformed = "tcp_malformed", "TCP with a header that does not fit the packet.";
    TcpChecksum = "tcp_checksum", "TCP with a wrong checksum.";
    IcmpKind = "icmp_kind", "ICMP other than an echo request.";
    IcmpMalformed = "icmp_malformed", "ICMP too short or with a wrong checksum.";
    IgmpMalformed = "igmp_malformed", "IGMP too short or with a wrong checksum.";
    IgmpKind = "igmp_kind", "IGMP other than a query.";
    TcpNoConnection = "tcp_no_connection",
        "TCP for no connection and no open port; answered with a reset.";
    TcpNoSlot = "tcp_no_slot",
        "A new connection while all slots are in use; answered with a reset.";
    TcpSlotsEnding = "tcp_slots_ending",
        "A new connection while all slots are in use, some of them about to be free; not answered.";
    TcpHalfOpen = "tcp_half_open",
        "A new connection while too many others are half open; not answered.";
    TcpReset = "tcp_reset",
        "A reset that is not exactly the next thing expected; inside the window it is challenged.";
    TcpSyn = "tcp_syn", "A SYN for a connection that there is; challenged.";
    TcpAfterFin = "tcp_after_fin", "Data after the peer said that there is no more.";
    NoRoomToAnswer = "no_room_to_answer", "Its answer did not fit the transmit queue.";
}

/// An IPv4 packet for us.
#[derive(Clone, Copy, Debug)]
pub struct Packet4<'a> {
    /// The Ethernet address it came from.
    pub src_mac: Mac,
    /// Source.
    pub src: Ipv4Addr,
    /// Destination: our address or a joined group.
    pub dst: Ipv4Addr,
    /// Header and payload, without Ethernet's padding.
    pub packet: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

/// A TCP segment for us.
#[derive(Clone, Copy, Debug)]
pub struct TcpIn<'a> {
    /// The packet that carries it.
    pub ip: Packet4<'a>,
    /// Its header.
    pub header: &'a tcp::Header,
    /// Its options.
    pub options: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

impl TcpIn<'_> {
    /// The peer.
    pub fn remote(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.ip.src, self.header.src_port.get())
    }
}

/// A UDP datagram for us.
#[derive(Clone, Copy, Debug)]
pub struct UdpIn<'a> {
    /// The Ethernet address it came from, where an answer may go to.
    pub src_mac: Mac,
    /// Source.
    pub src: SocketAddrV4,
    /// Destination: our address or a joined group.
    pub dst: SocketAddrV4,
    /// The payload.
    pub payload: &'a [u8],
}

/// What a frame is.
#[derive(Clone, Copy, Debug)]
pub enum Class<'a> {
    /// ARP, for whomever.
    Arp(&'a arp::Packet),
    /// ICMP for our address.
    Icmp(Packet4<'a>),
    /// IGMP for our address, a joined group or all systems.
    Igmp(Packet4<'a>),
    /// TCP for our address.
    Tcp(TcpIn<'a>),
    /// UDP for our address or a joined group.
    Udp(UdpIn<'a>),
    /// None of these.
    Drop(DropReason),
}

/// Says what `frame` is. `groups` are the joined multicast groups, `checks` what the port verified.
#[inline]
pub fn classify<'a>(
    frame: &'a [u8],
    interface: &Interface,
    groups: &[Ipv4Addr],
    checks: RxChecks,
) -> Class<'a> {
    match sort(frame, interface, groups, checks) {
        Ok(class) => class,
        Err(reason) => Class::Drop(reason),
    }
}

/// The segment in a frame of the shape that most have, sound and for our address: no tag, no
/// options of IPv4's or TCP's, no fragment. Its sender is not looked at: that is for a connection
/// that there is, which began with a SYN that went through [`classify`]. `None` says nothing of the
/// frame.
#[inline]
pub(crate) fn plain_segment<'a>(
    frame: &'a [u8],
    interface: &Interface,
    checks: RxChecks,
) -> Option<TcpIn<'a>> {
    let (ethernet, rest) = frame.split_first_chunk::<{ ether::HEADER_LEN }>()?;
    let (ip, _) = ipv4::Header::ref_from_prefix(rest).ok()?;
    let is_plain = interface.vlan.is_none()
        && ethernet[..6] == interface.mac
        && ethernet[12..] == ether::IPV4.to_be_bytes()
        && ip.version_ihl == 0x45
        && ip.fragment.get() & 0x3FFF == 0
        && ip.protocol == ipv4::TCP
        && ip.dst == interface.ip.octets();
    if !is_plain {
        return None;
    }
    let packet = rest.get(..usize::from(ip.total_length.get()))?;
    let segment = packet.get(ipv4::HEADER_LEN..)?;
    let (header, payload) = tcp::Header::ref_from_prefix(segment).ok()?;
    let ip_is_right = checks.ipv4 || Sum::new().bytes(ip.as_bytes()).finish() == 0;
    if header.data_offset >> 4 != 5 || !ip_is_right {
        return None;
    }
    if !checks.l4 {
        let sum = pseudo_header(ip.src, ip.dst, ipv4::TCP, segment.len() as u16);
        if sum.bytes(segment).finish() != 0 {
            return None;
        }
    }
    let [_, _, _, _, _, _, src_mac @ .., _, _] = *ethernet;
    let (src, dst) = (ip.src.into(), interface.ip);
    let ip = Packet4 { src_mac, src, dst, packet, payload: segment };
    Some(TcpIn { ip, header, options: &[], payload })
}

#[inline]
fn sort<'a>(
    frame: &'a [u8],
    interface: &Interface,
    groups: &[Ipv4Addr],
    checks: RxChecks,
) -> Result<Class<'a>, DropReason> {
    let ethernet = ether::parse(frame).map_err(|_| DropReason::EthernetShort)?;
    let to_group = ether::is_group(ethernet.dst);
    if !to_group && ethernet.dst != interface.mac {
        return Err(DropReason::NotOurMac);
    }
    let in_vlan = match (interface.vlan, ethernet.tags()) {
        (None, []) => true,
        (None, [tag]) => tag.vlan() == 0,
        (Some(vlan), [tag]) => tag.vlan() == vlan,
        _ => false,
    };
    if !in_vlan {
        return Err(DropReason::Vlan);
    }
    if ether::is_group(ethernet.src) {
        return Err(DropReason::SourceMac);
    }
    match ethernet.ethertype {
        ether::IPV4 => {
            let (packet, protocol) = open(&ethernet, interface, groups, checks)?;
            sort_ipv4(packet, protocol, checks)
        }
        ether::ARP if to_group && ethernet.dst != ether::BROADCAST => Err(DropReason::NotOurMac),
        ether::ARP => {
            arp::parse(ethernet.payload).map(Class::Arp).map_err(|_| DropReason::ArpMalformed)
        }
        _ => Err(DropReason::Ethertype),
    }
}

/// Opens an IPv4 packet and checks all about it that does not depend on its payload.
#[inline]
fn open<'a>(
    ethernet: &ether::Frame<'a>,
    interface: &Interface,
    groups: &[Ipv4Addr],
    checks: RxChecks,
) -> Result<(Packet4<'a>, u8), DropReason> {
    let packet = ipv4::parse(ethernet.payload).map_err(|_| DropReason::IpMalformed)?;
    if !checks.ipv4 && !packet.checksum_ok() {
        return Err(DropReason::IpChecksum);
    }
    if packet.is_fragment() {
        return Err(DropReason::Fragment);
    }
    let protocol = packet.header.protocol;
    let (src, dst) = (Ipv4Addr::from(packet.header.src), Ipv4Addr::from(packet.header.dst));
    if ether::is_group(ethernet.dst) {
        if !dst.is_multicast() || ethernet.dst != ether::multicast(dst.octets()) {
            return Err(DropReason::NotOurMac);
        }
        let wanted = groups.contains(&dst) || (protocol == ipv4::IGMP && dst == ALL_SYSTEMS);
        if !wanted || !matches!(protocol, ipv4::UDP | ipv4::IGMP) {
            return Err(DropReason::NotOurGroup);
        }
    } else if dst != interface.ip {
        return Err(DropReason::NotOurAddress);
    }
    // A snooping switch that asks without an address of its own may use zero (RFC 4541, 2.1.1).
    let nobody = protocol == ipv4::IGMP && src.is_unspecified();
    if src == interface.ip || !(nobody || interface.is_host(src)) {
        return Err(DropReason::SourceAddress);
    }
    let total = usize::from(packet.header.total_length.get());
    let bytes = ethernet.payload.get(..total).ok_or(DropReason::IpMalformed)?;
    let src_mac = ethernet.src;
    Ok((Packet4 { src_mac, src, dst, packet: bytes, payload: packet.payload }, protocol))
}

/// All systems of a link: where general IGMP queries go.
const ALL_SYSTEMS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

#[inline]
fn sort_ipv4(packet: Packet4<'_>, protocol: u8, checks: RxChecks) -> Result<Class<'_>, DropReason> {
    let (src, dst) = (packet.src.octets(), packet.dst.octets());
    match protocol {
        ipv4::UDP => {
            let datagram = udp::parse(packet.payload).map_err(|_| DropReason::UdpMalformed)?;
            if !checks.l4 && !datagram.checksum_ok(src, dst) {
                return Err(DropReason::UdpChecksum);
            }
            Ok(Class::Udp(UdpIn {
                src_mac: packet.src_mac,
                src: SocketAddrV4::new(packet.src, datagram.header.src_port.get()),
                dst: SocketAddrV4::new(packet.dst, datagram.header.dst_port.get()),
                payload: datagram.payload,
            }))
        }
        ipv4::TCP => {
            let segment = tcp::parse(packet.payload).map_err(|_| DropReason::TcpMalformed)?;
            let length = u16::try_from(packet.payload.len()).unwrap_or(u16::MAX);
            let sum: Sum = pseudo_header(src, dst, ipv4::TCP, length);
            if !checks.l4 && sum.bytes(packet.payload).finish() != 0 {
                return Err(DropReason::TcpChecksum);
            }
            let tcp::Segment { header, options, payload } = segment;
            Ok(Class::Tcp(TcpIn { ip: packet, header, options, payload }))
        }
        ipv4::ICMP => Ok(Class::Icmp(packet)),
        ipv4::IGMP => Ok(Class::Igmp(packet)),
        _ => Err(DropReason::Protocol),
    }
}

#[cfg(test)]
mod tests;
