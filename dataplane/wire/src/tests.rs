//! Network headers: checksums against a naive sum, frames against their own parsers.

use crate::checksum::{Sum, checksum, update};
use crate::field::U16;
use crate::frame::{Route, UdpChecksum, UdpFrame};
use crate::{IntoBytes, arp, ether, icmp, igmp, ipv4, tcp, udp};
use proptest::prelude::*;

fn naive(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&b| u32::from(b));
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

fn route(tag: Option<ether::Tag>) -> Route {
    Route {
        src_mac: [2, 0, 0, 0, 0, 1],
        dst_mac: ether::multicast([233, 54, 12, 111]),
        tag,
        src_ip: [10, 0, 0, 1],
        dst_ip: [233, 54, 12, 111],
        src_port: 26_400,
        dst_port: 26_400,
        ttl: 8,
    }
}

#[test]
fn multicast_addresses_take_the_low_23_bits() {
    assert_eq!(ether::multicast([233, 182, 12, 111]), [1, 0, 0x5E, 54, 12, 111]);
    assert!(ether::is_group(ether::BROADCAST) && !ether::is_group([2, 0, 0, 0, 0, 1]));
    assert!(ipv4::is_multicast([239, 1, 2, 3]) && !ipv4::is_multicast([240, 0, 0, 1]));
}

#[test]
fn two_tags_are_read_and_a_third_is_left() {
    let mut frame = [0u8; 30];
    frame[12..]
        .copy_from_slice(&[0x88, 0xA8, 0x20, 5, 0x81, 0, 0, 6, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let read = ether::parse(&frame).unwrap();
    assert_eq!((read.vlan(), read.ethertype, read.header_len()), (Some(6), ether::IPV4, 22));
    assert_eq!(read.tags()[0].vlan(), 5);
    assert_eq!(read.payload, [1, 2, 3, 4, 5, 6, 7, 8]);
    frame[20..22].copy_from_slice(&[0x91, 0]);
    assert_eq!(ether::parse(&frame).unwrap().ethertype, 0x9100);
    assert_eq!(ether::parse(&frame[..20]), Err(ether::Error { needed: 22, length: 20 }));
}

#[test]
fn arp_answers() {
    let ask = arp::Packet::new(arp::REQUEST, ([1; 6], [10, 0, 0, 1]), ([0; 6], [10, 0, 0, 2]));
    let answer = arp::parse(ask.as_bytes()).unwrap().reply([2; 6]);
    assert_eq!((answer.sender_mac, answer.sender_ip), ([2; 6], [10, 0, 0, 2]));
    assert_eq!((answer.target_mac, answer.target_ip), ([1; 6], [10, 0, 0, 1]));
    let other = arp::Packet { protocol: U16::new(0x86DD), ..ask };
    assert!(matches!(arp::parse(other.as_bytes()), Err(arp::Error::Kind { .. })));
}

#[test]
fn igmp_reports_have_a_right_checksum() {
    let mut out = [0xFF; 64];
    let groups = [[239, 1, 1, 1], [239, 1, 1, 2]];
    let length = igmp::write_report_v3(&mut out, igmp::Record::ToExclude, &groups).unwrap();
    assert_eq!(length, igmp::report_v3_len(2));
    assert_eq!(igmp::parse(&out[..length]).unwrap().kind, igmp::REPORT_V3);
    assert_eq!(out[16..24], [4, 0, 0, 0, 239, 1, 1, 2]);
    assert_eq!(igmp::write_report_v3(&mut out[..23], igmp::Record::ToInclude, &groups), None);
    let leave = igmp::Message::new(igmp::LEAVE, groups[0]);
    assert!(igmp::parse(leave.as_bytes()).is_ok());
    let query = igmp::Message::new(igmp::QUERY, [0; 4]);
    assert!(query.asks(groups[1]) && !leave.asks(groups[0]));
}

#[test]
fn a_ping_of_zeros_is_answered_with_a_right_checksum() {
    let mut ping = [0; 15];
    ping[0] = icmp::ECHO_REQUEST;
    ping[2..4].copy_from_slice(&[0xF7, 0xFF]);
    let (echo, data) = icmp::parse(&ping).unwrap();
    let answer = [echo.reply().as_bytes(), data].concat();
    assert_eq!(icmp::parse(&answer).unwrap().0.kind, icmp::ECHO_REPLY);
}

#[test]
fn lengths_that_contradict_are_refused() {
    let mut header = ipv4::Header::new(ipv4::UDP, [1; 4], [2; 4], 1, 100);
    assert!(matches!(ipv4::parse(header.as_bytes()), Err(ipv4::Error::Total { total: 120, .. })));
    header.version_ihl = 0x44;
    assert_eq!(ipv4::parse(header.as_bytes()), Err(ipv4::Error::Version { found: 0x44 }));
    header.version_ihl = 0x46;
    assert_eq!(ipv4::parse(header.as_bytes()), Err(ipv4::Error::Short { needed: 24, length: 20 }));
    assert_eq!(
        udp::parse(&[0, 1, 0, 2, 0, 7, 0, 0]),
        Err(udp::Error::Length { found: 7, length: 8 })
    );
    let mut segment = [0; 20];
    assert_eq!(tcp::parse(&segment), Err(tcp::Error::DataOffset { words: 0 }));
    segment[12] = 0x60;
    assert_eq!(tcp::parse(&segment), Err(tcp::Error::Short { needed: 24, length: 20 }));
}

proptest! {
    #[test]
    fn checksums_are_the_naive_ones(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        to in any::<u16>(),
    ) {
        prop_assert_eq!(checksum(&bytes), naive(&bytes));
        let even = &bytes[..bytes.len() / 2 * 2];
        prop_assert_eq!(Sum::new().bytes(even).bytes(&bytes[even.len()..]).finish(), naive(&bytes));
        if even.len() > 2 {
            let mut changed = even.to_vec();
            let word = at.index(even.len() / 2) * 2;
            let old = u16::from_be_bytes([changed[word], changed[word + 1]]);
            changed[word..word + 2].copy_from_slice(&to.to_be_bytes());
            let new = naive(&changed);
            let updated = update(naive(even), old, to);
            // All zero bytes sum to either form of zero; no header is all zero.
            let zero = changed.iter().all(|&b| b == 0);
            prop_assert!(updated == new || zero && updated ^ new == 0xFFFF);
        }
    }

    #[test]
    fn udp_frames_read_back(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        vlan in prop::option::of(any::<u16>()),
        id in any::<u16>(),
    ) {
        let tag = vlan.map(|tci| ether::Tag { tpid: 0x8100, tci });
        let headers = UdpFrame::new(route(tag));
        let mut bytes = vec![0xAA; headers.header_len()];
        bytes.extend_from_slice(&payload);
        prop_assert!(headers.write(&mut bytes, id, UdpChecksum::Full));
        let frame = ether::parse(&bytes).unwrap();
        prop_assert_eq!(frame.tags().first().copied(), tag);
        let packet = ipv4::parse(frame.payload).unwrap();
        prop_assert!(packet.checksum_ok());
        prop_assert_eq!((packet.header.id.get(), packet.header.ttl), (id, 8));
        let datagram = udp::parse(packet.payload).unwrap();
        prop_assert!(datagram.header.checksum.get() != 0);
        prop_assert!(datagram.checksum_ok(packet.header.src, packet.header.dst));
        prop_assert_eq!(datagram.payload, &payload[..]);
        prop_assert!(!headers.write(&mut [0; 20], id, UdpChecksum::None));
    }

    #[test]
    fn echo_replies_keep_the_checksum_right(
        mut bytes in prop::collection::vec(any::<u8>(), 8..80),
    ) {
        bytes[..4].copy_from_slice(&[icmp::ECHO_REQUEST, 0, 0, 0]);
        let check = checksum(&bytes).to_be_bytes();
        bytes[2..4].copy_from_slice(&check);
        let (echo, data) = icmp::parse(&bytes).unwrap();
        let answer = [echo.reply().as_bytes(), data].concat();
        prop_assert_eq!(icmp::parse(&answer).unwrap().0.kind, icmp::ECHO_REPLY);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = (arp::parse(&bytes), icmp::parse(&bytes), igmp::parse(&bytes));
        let _ = (udp::parse(&bytes), tcp::parse(&bytes));
        if let Ok(frame) = ether::parse(&bytes) {
            prop_assert_eq!(frame.header_len() + frame.payload.len(), bytes.len());
        }
        if let Ok(packet) = ipv4::parse(&bytes) {
            prop_assert!(packet.header_len() + packet.payload.len() <= bytes.len());
            let _ = packet.checksum_ok();
        }
    }
}
