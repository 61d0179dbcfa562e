use super::*;
use crate::frame_tx::Frames;
use crate::interface::RxChecks;
use crate::{Class, classify};
use proptest::prelude::*;
use std::net::Ipv4Addr;

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 200, 3, 4), 9_000);

fn station(last: u8, vlan: Option<u16>) -> Interface {
    Interface {
        mac: [2, 0, 0, 0, 0, last],
        ip: Ipv4Addr::new(10, 0, 0, last),
        prefix_len: 24,
        gateway: None,
        vlan,
        mtu: 1_500,
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_taken(
        payload in proptest::collection::vec(any::<u8>(), 0..1_473),
        vlan in proptest::option::of(1..4_095u16),
        multicast in any::<bool>(),
    ) {
        let (from, to) = (station(1, vlan), station(2, vlan));
        let checks = TxChecks::default();
        let mut flow = if multicast {
            UdpTemplate::multicast(&from, 5, GROUP, 1, checks)
        } else {
            UdpTemplate::unicast(&from, 5, SocketAddrV4::new(to.ip, 6), to.mac, checks)
        };
        let mut tx = Frames::default();
        prop_assert!(flow.send(&mut tx, payload.len(), |room| room.copy_from_slice(&payload)));
        let class = classify(&tx.list[0], &to, &[*GROUP.ip()], RxChecks::default());
        let Class::Udp(datagram) = class else { panic!("{class:?}") };
        prop_assert_eq!(datagram.payload, &payload[..]);
        prop_assert_eq!(datagram.src, SocketAddrV4::new(from.ip, 5));
    }
}

#[test]
fn the_mtu_bounds_a_datagram() {
    let mut flow = UdpTemplate::multicast(&station(1, None), 5, GROUP, 1, TxChecks::default());
    assert_eq!((flow.payload_max(), flow.header_len()), (1_472, 42));
    let mut tx = Frames::default();
    assert!(flow.send(&mut tx, 1_472, |room| room.fill(1)));
    assert!(!flow.send(&mut tx, 1_473, |_| panic!("must not be filled")));
    assert!(!flow.seal(&mut [0; 41]));
    assert!(!flow.seal(&mut [0; 1_515]));
    tx.full = true;
    assert!(!flow.send(&mut tx, 10, |_| panic!("must not be filled")));
}

#[test]
fn an_offloaded_checksum_is_left_to_the_port() {
    let checks = TxChecks { ipv4: true, l4: true };
    let mut flow = UdpTemplate::multicast(&station(1, None), 5, GROUP, 1, checks);
    let mut tx = Frames::default();
    assert!(flow.send(&mut tx, 3, |room| room.copy_from_slice(b"abc")));
    let ip = ipv4::parse(&tx.list[0][14..]).unwrap();
    let pseudo = wire::checksum::pseudo_header(ip.header.src, ip.header.dst, ipv4::UDP, 11);
    assert_eq!(udp::parse(ip.payload).unwrap().header.checksum.get(), !pseudo.finish());
}
