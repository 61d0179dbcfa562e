//! Who asks is answered, and nobody else.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use wire::field::U16;

const OWN: Mac = [2, 0, 0, 0, 0, 9];
const ASKER: Mac = [2, 0, 0, 0, 0, 1];
const ASKED: Mac = [2, 0, 0, 0, 0, 5];

fn ethernet(dst: Mac, tag: Option<ether::Tag>, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; ether::header_len(tag)];
    ether::write(&mut frame, dst, ASKER, tag, kind).unwrap();
    frame.extend(payload);
    frame
}

fn ping(dst_mac: Mac, dst: wire::Ip4, data: &[u8], tag: Option<ether::Tag>) -> Vec<u8> {
    let mut echo = icmp::Echo {
        kind: icmp::ECHO_REQUEST,
        code: 0,
        checksum: U16::ZERO,
        id: U16::new(7),
        sequence: U16::new(1),
    };
    echo.checksum = U16::new(checksum::checksum(&[echo.as_bytes(), data].concat()));
    let message = [echo.as_bytes(), data].concat();
    let header = ipv4::Header::new(ipv4::ICMP, [10, 0, 0, 1], dst, 64, message.len());
    let packet = [header.as_bytes(), &message].concat();
    ethernet(dst_mac, tag, ether::IPV4, &packet)
}

#[test]
fn arp_is_answered_for_any_address() {
    let asked = arp::Packet::new(arp::REQUEST, (ASKER, [10, 0, 0, 1]), ([0; 6], [10, 9, 8, 7]));
    let mut frame = ethernet(ether::BROADCAST, None, ether::ARP, asked.as_bytes());
    frame.extend([0; 18]);
    assert!(answer(&mut frame, OWN));
    let ethernet = ether::parse(&frame).unwrap();
    assert_eq!((ethernet.dst, ethernet.src), (ASKER, OWN));
    let reply = arp::parse(ethernet.payload).unwrap();
    assert_eq!(reply.operation.get(), arp::REPLY);
    assert_eq!((reply.sender_mac, reply.sender_ip), (OWN, [10, 9, 8, 7]));
    assert_eq!((reply.target_mac, reply.target_ip), (ASKER, [10, 0, 0, 1]));
    // An answer is not answered.
    assert!(!answer(&mut frame, OWN));
}

#[test]
fn an_echo_is_answered_by_whom_it_was_sent_to() {
    let tag = ether::Tag { tpid: 0x8100, tci: 12 };
    for tag in [None, Some(tag)] {
        let mut frame = ping(ASKED, [10, 0, 0, 2], b"are you there", tag);
        assert!(answer(&mut frame, OWN));
        let ethernet = ether::parse(&frame).unwrap();
        assert_eq!((ethernet.dst, ethernet.src), (ASKER, ASKED));
        let packet = ipv4::parse(ethernet.payload).unwrap();
        assert!(packet.checksum_ok());
        assert_eq!((packet.header.src, packet.header.dst), ([10, 0, 0, 2], [10, 0, 0, 1]));
        let (echo, data) = icmp::parse(packet.payload).unwrap();
        assert_eq!((echo.kind, data), (icmp::ECHO_REPLY, b"are you there".as_slice()));
        assert!(!answer(&mut frame, OWN), "an answer is not answered");
    }
}

#[test]
fn a_group_does_not_speak() {
    let mut frame = ping(ether::multicast([224, 0, 0, 1]), [224, 0, 0, 1], b"", None);
    assert!(answer(&mut frame, OWN));
    let ethernet = ether::parse(&frame).unwrap();
    assert_eq!((ethernet.dst, ethernet.src), (ASKER, OWN));
    let packet = ipv4::parse(ethernet.payload).unwrap();
    assert!(packet.checksum_ok());
    assert_eq!((packet.header.src, packet.header.dst), ([10, 0, 0, 0], [10, 0, 0, 1]));
}

#[test]
fn nobody_else_is_answered() {
    let damaged = |at: usize| {
        let mut frame = ping(ASKED, [10, 0, 0, 2], b"data", None);
        frame[at] ^= 1;
        frame
    };
    // Another type, a wrong sum, a fragment, another protocol.
    for at in [34, 36, 20, 23] {
        assert!(!answer(&mut damaged(at), OWN), "{at}");
    }
    for length in 0..42 {
        let mut frame = ping(ASKED, [10, 0, 0, 2], b"data", None);
        frame.truncate(length);
        assert!(!answer(&mut frame, OWN), "{length}");
    }
}

proptest! {
    #[test]
    fn any_bytes_will_do(mut bytes in vec(any::<u8>(), 0..120)) {
        let _ = answer(&mut bytes, OWN);
    }

    #[test]
    fn answers_to_any_address_have_right_sums(
        dst in any::<[u8; 4]>(),
        data in vec(any::<u8>(), 0..100),
    ) {
        let mut frame = ping(ASKED, dst, &data, None);
        prop_assert!(answer(&mut frame, OWN));
        let ethernet = ether::parse(&frame).unwrap();
        let packet = ipv4::parse(ethernet.payload).unwrap();
        prop_assert!(packet.checksum_ok());
        prop_assert!(icmp::parse(packet.payload).is_ok());
    }
}
