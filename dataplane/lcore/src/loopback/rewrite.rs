//! What the forwarding modes do to the bytes of a frame. Pure, and total: any bytes will do.

use wire::Mac;

/// Bytes of an Ethernet header without tags.
const ETHER: usize = wire::ether::HEADER_LEN;
const IPV4_MIN: usize = wire::ipv4::HEADER_LEN;
const IPV6: usize = 40;
/// Ethertype of IPv6.
pub(super) const ETHERTYPE_IPV6: u16 = 0x86DD;

/// How far a frame could be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// As far as the mode goes.
    All,
    /// Not as far: it is of another kind, or ends early.
    Part,
    /// Not at all: it is shorter than an Ethernet header.
    Short,
}

/// Sets both Ethernet addresses.
#[inline]
pub(super) fn set_macs(frame: &mut [u8], dst: Mac, src: Mac) -> Done {
    if frame.len() < ETHER {
        return Done::Short;
    }
    let Some((to, rest)) = frame.split_first_chunk_mut::<6>() else { return Done::Short };
    let Some((from, _)) = rest.split_first_chunk_mut::<6>() else { return Done::Short };
    (*to, *from) = (dst, src);
    Done::All
}

/// Exchanges the Ethernet addresses.
#[inline]
pub(super) fn swap_macs(frame: &mut [u8]) -> Done {
    if frame.len() < ETHER {
        return Done::Short;
    }
    let Some((to, rest)) = frame.split_first_chunk_mut::<6>() else { return Done::Short };
    let Some((from, _)) = rest.split_first_chunk_mut::<6>() else { return Done::Short };
    std::mem::swap(to, from);
    Done::All
}

/// Where the payload of an Ethernet frame begins, and what it is, behind any number of VLAN tags.
#[inline]
pub(super) fn ethertype(frame: &[u8]) -> Option<(u16, usize)> {
    let word = |at: usize| frame.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two));
    let mut at = ETHER;
    let mut kind = word(at - 2)?;
    while matches!(kind, 0x8100 | 0x88A8) {
        at += wire::ether::TAG_LEN;
        kind = word(at - 2)?;
    }
    Some((kind, at))
}

/// Exchanges source and destination of Ethernet, IPv4 or IPv6, and UDP or TCP, layer by layer as
/// long as there is one that it knows. Sums do not change with the order of their terms, so all
/// checksums stay as right as they were.
#[inline]
pub(super) fn swap_five_tuple(frame: &mut [u8]) -> Done {
    if swap_macs(frame) == Done::Short {
        return Done::Short;
    }
    let Some((kind, at)) = ethertype(frame) else { return Done::Part };
    let Some(packet) = frame.get_mut(at..) else { return Done::Part };
    let transport = match kind {
        wire::ether::IPV4 => swap_ipv4(packet),
        ETHERTYPE_IPV6 => swap_ipv6(packet),
        _ => None,
    };
    match transport.map(swap_ports) {
        Some(true) => Done::All,
        _ => Done::Part,
    }
}

/// The bytes of UDP or TCP, if it is one of these and has ports in it.
fn swap_ipv4(packet: &mut [u8]) -> Option<&mut [u8]> {
    let header = packet.first_chunk_mut::<IPV4_MIN>()?;
    if header[0] >> 4 != 4 {
        return None;
    }
    let (src, dst) = header[12..].split_at_mut(4);
    src.swap_with_slice(dst);
    let length = usize::from(header[0] & 0x0F) * 4;
    // What lies behind the header of a later fragment is payload.
    let first = u16::from_be_bytes([header[6], header[7]]) & 0x1FFF == 0;
    let known = matches!(header[9], wire::ipv4::UDP | wire::ipv4::TCP);
    if known && first && length >= IPV4_MIN { packet.get_mut(length..) } else { None }
}

fn swap_ipv6(packet: &mut [u8]) -> Option<&mut [u8]> {
    let header = packet.first_chunk_mut::<IPV6>()?;
    if header[0] >> 4 != 6 {
        return None;
    }
    let (src, dst) = header[8..].split_at_mut(16);
    src.swap_with_slice(dst);
    let known = matches!(header[6], wire::ipv4::UDP | wire::ipv4::TCP);
    if known { packet.get_mut(IPV6..) } else { None }
}

fn swap_ports(transport: &mut [u8]) -> bool {
    let Some(ports) = transport.first_chunk_mut::<4>() else { return false };
    let [a, b, c, d] = *ports;
    *ports = [c, d, a, b];
    true
}

#[cfg(test)]
mod tests;
