use super::*;
use crate::frame_tx::Frames;
use crate::interface::RxChecks;
use crate::{Class, classify};
use proptest::prelude::*;

const SEC: u64 = 1_000_000_000;
const A: Ipv4Addr = Ipv4Addr::new(239, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(239, 0, 0, 2);

fn us() -> Interface {
    Interface {
        mac: [2, 0, 0, 0, 0, 1],
        ip: Ipv4Addr::new(10, 0, 0, 1),
        prefix_len: 24,
        gateway: None,
        vlan: None,
        mtu: 1_500,
    }
}

fn joined(version: IgmpVersion) -> (Membership, Frames) {
    let mut membership = Membership::new(4, version, 3);
    membership.join(0, A).unwrap();
    membership.join(0, B).unwrap();
    (membership, Frames::default())
}

/// The IPv4 packet in a frame, its header checked.
fn opened(frame: &[u8]) -> (Ip4, Vec<u8>) {
    let ethernet = ether::parse(frame).unwrap();
    let packet = ipv4::parse(ethernet.payload).unwrap();
    assert!(packet.checksum_ok());
    assert_eq!(packet.options, igmp::ROUTER_ALERT);
    assert_eq!((packet.header.ttl, packet.header.protocol), (1, ipv4::IGMP));
    assert_eq!(ethernet.dst, ether::multicast(packet.header.dst));
    igmp::parse(packet.payload).unwrap();
    (packet.header.dst, packet.payload.to_vec())
}

fn query(version3: bool, group: Ipv4Addr, tenths: u8) -> Vec<u8> {
    let mut bytes = vec![igmp::QUERY, tenths, 0, 0];
    bytes.extend(group.octets());
    bytes.extend(if version3 { &[2, 125, 0, 0][..] } else { &[] });
    let sum = checksum::checksum(&bytes).to_be_bytes();
    bytes[2..4].copy_from_slice(&sum);
    bytes
}

#[test]
fn a_join_is_reported_twice() {
    let (mut membership, mut tx) = joined(IgmpVersion::V3);
    for tenth in 0..50 {
        membership.poll(tenth * SEC / 10, &us(), &mut tx);
    }
    assert_eq!(tx.list.len(), 2);
    let (dst, report) = opened(&tx.list[0]);
    assert_eq!(dst, igmp::ALL_V3_ROUTERS);
    assert_eq!(report.len(), igmp::report_v3_len(2));
    assert_eq!((report[8], &report[12..16]), (Record::ToExclude as u8, &A.octets()[..]));
}

#[test]
fn a_query_is_answered_within_its_time() {
    let (mut membership, mut tx) = joined(IgmpVersion::V3);
    membership.poll(0, &us(), &mut tx);
    membership.poll(SEC, &us(), &mut tx);
    tx.list.clear();
    let at = 10 * SEC;
    membership.on_message(at, &query(true, Ipv4Addr::UNSPECIFIED, 20)).unwrap();
    membership.poll(at + 2 * SEC, &us(), &mut tx);
    assert_eq!(opened(&tx.list[0]).1[8], Record::IsExclude as u8);
    membership.on_message(at, &query(true, Ipv4Addr::new(239, 9, 9, 9), 20)).unwrap();
    membership.poll(at + 9 * SEC, &us(), &mut tx);
    assert_eq!(tx.list.len(), 1, "a query for others is not ours to answer");
}

#[test]
fn an_old_querier_gets_old_reports_for_a_while() {
    let (mut membership, mut tx) = joined(IgmpVersion::V3);
    membership.on_message(0, &query(false, A, 10)).unwrap();
    membership.poll(SEC, &us(), &mut tx);
    let told: Vec<_> = tx.list.iter().map(|frame| opened(frame).0).collect();
    assert_eq!(told, [A.octets(), B.octets()]);
    assert!(membership.leave(SEC, A, &us(), &mut tx));
    assert_eq!(
        opened(&tx.list[2]),
        (igmp::ALL_ROUTERS, { Message::new(igmp::LEAVE, A.octets()).as_bytes().to_vec() })
    );
    membership.announce(V2_QUERIER_NS);
    membership.poll(V2_QUERIER_NS, &us(), &mut tx);
    assert_eq!(opened(&tx.list[3]).0, igmp::ALL_V3_ROUTERS);
}

#[test]
fn a_report_without_room_stays_due() {
    let (mut membership, mut tx) = joined(IgmpVersion::V2);
    tx.full = true;
    assert_eq!(membership.poll(0, &us(), &mut tx), 0);
    tx.full = false;
    assert_eq!(membership.poll(1, &us(), &mut tx), 2);
}

#[test]
fn bounds_hold() {
    let mut membership = Membership::new(1, IgmpVersion::V3, 0);
    assert_eq!(membership.join(0, us().ip), Err(NetError::NotAGroup { ip: us().ip }));
    membership.join(0, A).unwrap();
    membership.join(0, A).unwrap();
    assert_eq!(membership.join(0, B), Err(NetError::GroupsFull { groups: 1 }));
    assert!(membership.leave(0, A, &us(), &mut Frames::default()));
    assert!(!membership.leave(0, A, &us(), &mut Frames::default()));
    membership.join(0, B).unwrap();
    assert_eq!(membership.groups(), [B]);
}

#[test]
fn a_full_report_fits_the_least_mtu() {
    let mut membership = Membership::new(GROUPS_MAX, IgmpVersion::V3, 0);
    for last in 0..GROUPS_MAX as u8 {
        membership.join(0, Ipv4Addr::new(239, 1, 1, last)).unwrap();
    }
    let mut tx = Frames::default();
    membership.poll(0, &us(), &mut tx);
    assert!(tx.list[0].len() <= 14 + 576);
    assert_eq!(opened(&tx.list[0]).1.len(), igmp::report_v3_len(GROUPS_MAX));
}

#[test]
fn queries_reach_us_through_classify() {
    let mut tx = Frames::default();
    let router = Interface { ip: Ipv4Addr::new(10, 0, 0, 7), ..us() };
    let bytes = query(true, Ipv4Addr::UNSPECIFIED, 1);
    send(&router, [224, 0, 0, 1], bytes.len(), &mut tx, |room| room.copy_from_slice(&bytes));
    let class = classify(&tx.list[0], &us(), &[], RxChecks::default());
    assert!(matches!(class, Class::Igmp(packet) if packet.payload == bytes));
}

proptest! {
    #[test]
    fn hostile_messages_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let (mut membership, mut tx) = joined(IgmpVersion::V3);
        let mut bytes = bytes;
        if bytes.len() >= 4 {
            bytes[0] = igmp::QUERY;
            bytes[2..4].fill(0);
            let sum = checksum::checksum(&bytes).to_be_bytes();
            bytes[2..4].copy_from_slice(&sum);
        }
        let _ = membership.on_message(u64::MAX, &bytes);
        membership.poll(u64::MAX, &us(), &mut tx);
    }
}
