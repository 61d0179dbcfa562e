//! ICMP echo (RFC 792): answers pings, so that an operator can see the host is there.

use crate::classify::{DropReason, Packet4};
use crate::frame_tx::FrameTx;
use crate::interface::Interface;
use crate::link::{Link, put};
use wire::{IntoBytes, ether, icmp, ipv4};

/// Hops a reply may take (the default of RFC 1700).
const TTL: u8 = 64;

/// Answers an echo request with the same data (RFC 1122, 3.2.2.6). A full queue costs the asker one
/// ping.
pub(crate) fn answer<T: FrameTx>(
    interface: &Interface,
    packet: &Packet4<'_>,
    tx: &mut T,
) -> Result<(), DropReason> {
    let (echo, data) = icmp::parse(packet.payload).map_err(|why| match why {
        icmp::Error::Kind { .. } => DropReason::IcmpKind,
        icmp::Error::Short { .. } | icmp::Error::Checksum => DropReason::IcmpMalformed,
    })?;
    if echo.kind != icmp::ECHO_REQUEST {
        return Err(DropReason::IcmpKind);
    }
    let reply = echo.reply();
    let len = ipv4::HEADER_LEN + packet.payload.len();
    let ip = ipv4::Header::new(
        ipv4::ICMP,
        interface.ip.octets(),
        packet.src.octets(),
        TTL,
        packet.payload.len(),
    );
    let link = Link::new(interface, packet.src_mac, ether::IPV4);
    let fill = |frame: &mut [u8]| put(link.write(frame), &[ip.as_bytes(), reply.as_bytes(), data]);
    if tx.send(link.len() + len, fill) { Ok(()) } else { Err(DropReason::NoRoomToAnswer) }
}
