//! The `csum` mode on the bytes of a frame: checksums held against what they should be, and made
//! right.
//!
//! One pass over a segment does both: the sum of all its words, its checksum among them, says
//! whether that was right, and less the old checksum it gives the new one.

use wire::checksum::{Sum, pseudo_header};

use super::rewrite::{ETHERTYPE_IPV6, ethertype};

const IPV4_MIN: usize = wire::ipv4::HEADER_LEN;
const IPV6: usize = 40;
/// Where the checksum lies in its header.
const IPV4_CHECK: usize = 10;
const UDP_CHECK: usize = 6;
const TCP_CHECK: usize = 16;

/// What there is to sum in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layers {
    /// Bytes of Ethernet header and tags.
    pub(super) l2_len: usize,
    /// Bytes of IP header and options.
    pub(super) l3_len: usize,
    /// Whether it is IPv4, whose header has a checksum.
    pub(super) ipv4: bool,
    /// The protocol, and the bytes of its segment, where it is UDP or TCP, whole, and has a
    /// checksum.
    pub(super) l4: Option<(u8, usize)>,
}

/// Whether a checksum was right. None where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// IPv4's.
    pub(super) ip_ok: Option<bool>,
    /// UDP's or TCP's.
    pub(super) l4_ok: Option<bool>,
}

/// Takes a frame apart; none when there is nothing to sum in it, or it contradicts itself.
#[inline]
pub(super) fn layers(frame: &[u8]) -> Option<Layers> {
    let (kind, l2_len) = ethertype(frame)?;
    let packet = frame.get(l2_len..)?;
    match kind {
        wire::ether::IPV4 => ipv4_layers(packet, l2_len),
        ETHERTYPE_IPV6 => ipv6_layers(packet, l2_len),
        _ => None,
    }
}

fn ipv4_layers(bytes: &[u8], l2_len: usize) -> Option<Layers> {
    let packet = wire::ipv4::parse(bytes).ok()?;
    // Of a fragment the segment is not all there.
    let whole = !packet.is_fragment();
    let l4 = whole.then(|| l4_of(packet.header.protocol, packet.payload)).flatten();
    Some(Layers { l2_len, l3_len: packet.header_len(), ipv4: true, l4 })
}

fn ipv6_layers(bytes: &[u8], l2_len: usize) -> Option<Layers> {
    let header = bytes.first_chunk::<IPV6>()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let payload = bytes.get(IPV6..IPV6 + length)?;
    let l4 = l4_of(header[6], payload)?;
    (header[0] >> 4 == 6).then_some(Layers { l2_len, l3_len: IPV6, ipv4: false, l4: Some(l4) })
}

/// RFC 768: a UDP checksum of 0 says that the sender made none, and it is left so.
fn l4_of(protocol: u8, payload: &[u8]) -> Option<(u8, usize)> {
    match protocol {
        wire::ipv4::UDP => {
            let datagram = wire::udp::parse(payload).ok()?;
            let made = datagram.header.checksum.get() != 0;
            made.then_some((protocol, usize::from(datagram.header.length.get())))
        }
        wire::ipv4::TCP => wire::tcp::parse(payload).ok().map(|_| (protocol, payload.len())),
        _ => None,
    }
}

/// Makes the checksums right, and says which were. With `ip` or `l4` false the device does that
/// one, and it is neither looked at nor written.
#[inline]
pub(super) fn fix(frame: &mut [u8], layers: Layers, ip: bool, l4: bool) -> Found {
    let mut found = Found::default();
    if layers.ipv4 && ip {
        found.ip_ok = fix_ipv4(frame, layers);
    }
    if l4 {
        found.l4_ok = fix_l4(frame, layers);
    }
    found
}

fn fix_ipv4(frame: &mut [u8], layers: Layers) -> Option<bool> {
    let header = frame.get_mut(layers.l2_len..layers.l2_len + layers.l3_len)?;
    replace(Sum::new(), header, IPV4_CHECK)
}

fn fix_l4(frame: &mut [u8], layers: Layers) -> Option<bool> {
    let (protocol, length) = layers.l4?;
    let (headers, rest) = frame.split_at_mut_checked(layers.l2_len + layers.l3_len)?;
    let ip = headers.get(layers.l2_len..)?;
    let pseudo = pseudo(ip, layers.ipv4, protocol, length)?;
    let segment = rest.get_mut(..length)?;
    let at = if protocol == wire::ipv4::UDP { UDP_CHECK } else { TCP_CHECK };
    let ok = replace(pseudo, segment, at)?;
    if protocol == wire::ipv4::UDP && !ok {
        // A sum of 0 goes out in its other form, 0 being no checksum.
        let check = segment.get_mut(at..at + 2)?;
        if check == [0, 0] {
            check.copy_from_slice(&[0xFF, 0xFF]);
        }
    }
    Some(ok)
}

/// The sum of the pseudo header.
fn pseudo(ip: &[u8], ipv4: bool, protocol: u8, length: usize) -> Option<Sum> {
    let length = u16::try_from(length).ok()?;
    if ipv4 {
        let header = ip.first_chunk::<IPV4_MIN>()?;
        let (src, rest) = header[12..].split_first_chunk::<4>()?;
        return Some(pseudo_header(*src, *rest.first_chunk::<4>()?, protocol, length));
    }
    Some(Sum::new().bytes(ip.get(8..IPV6)?).word(u16::from(protocol)).word(length))
}

/// The pseudo header's sum as a device wants to find it in the segment whose checksum it is to fill
/// in.
pub(super) fn leave_to_device(frame: &mut [u8], layers: Layers) -> Option<()> {
    let (protocol, length) = layers.l4?;
    let (headers, rest) = frame.split_at_mut_checked(layers.l2_len + layers.l3_len)?;
    let sum = !pseudo(headers.get(layers.l2_len..)?, layers.ipv4, protocol, length)?.finish();
    let at = if protocol == wire::ipv4::UDP { UDP_CHECK } else { TCP_CHECK };
    rest.get_mut(at..at + 2)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

/// Sums `bytes`; when the checksum at `at` was wrong, it is replaced. Whether it was right.
fn replace(sum: Sum, bytes: &mut [u8], at: usize) -> Option<bool> {
    if sum.bytes(bytes).finish() == 0 {
        return Some(true);
    }
    bytes.get_mut(at..at + 2)?.fill(0);
    let new = sum.bytes(bytes).finish();
    bytes.get_mut(at..at + 2)?.copy_from_slice(&new.to_be_bytes());
    Some(false)
}

#[cfg(test)]
mod tests;
