//! A frame from Ethernet inwards: every header's payload lies inside the frame, checksums do not
//! panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{arp, ether, icmp, igmp, ipv4, tcp, udp};

fuzz_target!(|bytes: &[u8]| {
    let Ok(frame) = ether::parse(bytes) else { return };
    assert_eq!(frame.header_len() + frame.payload.len(), bytes.len());
    let mut again = vec![0; bytes.len()];
    if frame.tags().len() < 2 {
        let tag = frame.tags().first().copied();
        let written = ether::write(&mut again, frame.dst, frame.src, tag, frame.ethertype);
        assert_eq!(written, Some(frame.header_len()));
        assert_eq!(again[..frame.header_len()], bytes[..frame.header_len()]);
    }
    let _ = arp::parse(frame.payload);
    let Ok(packet) = ipv4::parse(frame.payload) else { return };
    assert!(packet.header_len() + packet.payload.len() <= frame.payload.len());
    let _ = packet.checksum_ok();
    if let Ok(datagram) = udp::parse(packet.payload) {
        assert!(datagram.payload.len() + udp::HEADER_LEN <= packet.payload.len());
        let _ = datagram.checksum_ok(packet.header.src, packet.header.dst);
    }
    if let Ok(segment) = tcp::parse(packet.payload) {
        let header = tcp::HEADER_LEN + segment.options.len();
        assert_eq!(header + segment.payload.len(), packet.payload.len());
    }
    if let Ok((echo, data)) = icmp::parse(packet.payload) {
        let answer = [wire::IntoBytes::as_bytes(&echo.reply()), data].concat();
        assert!(icmp::parse(&answer).is_ok());
    }
    let _ = igmp::parse(packet.payload);
});
