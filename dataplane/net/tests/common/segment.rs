//! A TCP segment's frame built field by field, right in its lengths and checksums.
#![allow(unreachable_pub, reason = "a module of each test binary and fuzz target")]

use net::Interface;
use wire::checksum::pseudo_header;
use wire::{IntoBytes, ether, ipv4, tcp};

/// What TCP's header says, but for what follows from the rest.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    /// The sender's, and the receiver's.
    pub ports: (u16, u16),
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: u8,
    pub window: u16,
    /// Whole words of 32 bits.
    pub options: &'a [u8],
}

/// The frame between these two that says so, with a payload.
pub fn frame(from: &Interface, to: &Interface, says: &Fields<'_>, payload: &[u8]) -> Vec<u8> {
    let (src, dst) = (from.ip.octets(), to.ip.octets());
    let header = tcp::Header {
        src_port: says.ports.0.into(),
        dst_port: says.ports.1.into(),
        sequence: says.sequence.into(),
        acknowledgment: says.acknowledgment.into(),
        data_offset: ((20 + says.options.len() as u8) / 4) << 4,
        flags: says.flags,
        window: says.window.into(),
        checksum: 0.into(),
        urgent: 0.into(),
    };
    let mut segment = [header.as_bytes(), says.options, payload].concat();
    let sum = pseudo_header(src, dst, ipv4::TCP, segment.len() as u16).bytes(&segment);
    segment[16..18].copy_from_slice(&sum.finish().to_be_bytes());
    let header = ipv4::Header::new(ipv4::TCP, src, dst, 64, segment.len());
    let mut frame = vec![0; 14];
    ether::write(&mut frame, to.mac, from.mac, None, ether::IPV4);
    [&frame[..], header.as_bytes(), &segment].concat()
}
