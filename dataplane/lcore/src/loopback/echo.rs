//! The `icmpecho` mode on the bytes of a frame: who asks by ARP or by ICMP echo is answered, for
//! whatever address it asks.

use wire::{IntoBytes, Mac, arp, checksum, ether, icmp, ipv4};

use super::rewrite::{Done, set_macs};

/// Makes the frame its own answer, sent by `own`; false when there is nothing to answer.
#[inline]
pub(super) fn answer(frame: &mut [u8], own: Mac) -> bool {
    let Ok(ethernet) = ether::parse(frame) else { return false };
    let (kind, at) = (ethernet.ethertype, ethernet.header_len());
    let (asker, asked) = (ethernet.src, ethernet.dst);
    let Some(packet) = frame.get_mut(at..) else { return false };
    let answered = match kind {
        ether::ARP => answer_arp(packet, own),
        ether::IPV4 => answer_echo(packet),
        _ => None,
    };
    // Who asked one address hears from that one; a group does not speak.
    let from = if kind == ether::ARP || ether::is_group(asked) { own } else { asked };
    answered.is_some() && set_macs(frame, asker, from) == Done::All
}

fn answer_arp(bytes: &mut [u8], own: Mac) -> Option<()> {
    let asked = arp::parse(bytes).ok()?;
    if asked.operation.get() != arp::REQUEST {
        return None;
    }
    let reply = asked.reply(own);
    bytes.get_mut(..size_of::<arp::Packet>())?.copy_from_slice(reply.as_bytes());
    Some(())
}

/// The addresses of IPv4 are exchanged, which leaves its checksum as it is. Who asks a group is
/// answered from the address beside its own: a group does not speak.
fn answer_echo(bytes: &mut [u8]) -> Option<()> {
    let packet = ipv4::parse(bytes).ok()?;
    if packet.header.protocol != ipv4::ICMP || packet.is_fragment() {
        return None;
    }
    let (src, dst) = (packet.header.src, packet.header.dst);
    let at = packet.header_len();
    let (echo, _) = icmp::parse(packet.payload).ok()?;
    if echo.kind != icmp::ECHO_REQUEST {
        return None;
    }
    let reply = echo.reply();
    bytes.get_mut(at..at + icmp::HEADER_LEN)?.copy_from_slice(reply.as_bytes());
    let [a, b, c, d] = src;
    let from = if ipv4::is_multicast(dst) { [a, b, c, d ^ 1] } else { dst };
    let header = bytes.first_chunk_mut::<{ ipv4::HEADER_LEN }>()?;
    header[12..16].copy_from_slice(&from);
    header[16..20].copy_from_slice(&src);
    let mut check = u16::from_be_bytes([header[10], header[11]]);
    let words = |ip: wire::Ip4| [[ip[0], ip[1]], [ip[2], ip[3]]].map(u16::from_be_bytes);
    for (was, is) in words(dst).into_iter().zip(words(from)).filter(|(was, is)| was != is) {
        check = checksum::update(check, was, is);
    }
    header[10..12].copy_from_slice(&check.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests;
