use super::*;

fn plain() -> Interface {
    Interface {
        mac: [2, 0, 0, 0, 0, 1],
        ip: Ipv4Addr::new(10, 0, 0, 1),
        prefix_len: 24,
        gateway: Some(Ipv4Addr::new(10, 0, 0, 254)),
        vlan: None,
        mtu: 1_500,
    }
}

#[test]
fn settings_that_cannot_work_are_told() {
    assert_eq!(plain().check(), Ok(()));
    let cases = [
        Interface { mac: [1, 0, 0, 0, 0, 1], ..plain() },
        Interface { mac: [0; 6], ..plain() },
        Interface { ip: Ipv4Addr::new(239, 0, 0, 1), ..plain() },
        Interface { ip: Ipv4Addr::new(10, 0, 0, 255), ..plain() },
        Interface { ip: Ipv4Addr::UNSPECIFIED, ..plain() },
        Interface { prefix_len: 0, ..plain() },
        Interface { prefix_len: 33, ..plain() },
        Interface { gateway: Some(Ipv4Addr::new(10, 0, 1, 1)), ..plain() },
        Interface { gateway: Some(Ipv4Addr::new(10, 0, 0, 255)), ..plain() },
        Interface { vlan: Some(0), ..plain() },
        Interface { vlan: Some(4_095), ..plain() },
        Interface { mtu: 575, ..plain() },
        Interface { mtu: 9_217, ..plain() },
    ];
    for case in cases {
        assert!(case.check().is_err(), "{case:?}");
    }
}

#[test]
fn the_next_hop_is_the_peer_or_the_gateway() {
    let near = Ipv4Addr::new(10, 0, 0, 9);
    let far = Ipv4Addr::new(192, 0, 2, 1);
    assert_eq!(plain().next_hop(near), Some(near));
    assert_eq!(plain().next_hop(far), plain().gateway);
    assert_eq!(Interface { gateway: None, ..plain() }.next_hop(far), None);
    let alone = Interface { prefix_len: 32, gateway: None, ..plain() };
    assert_eq!(alone.next_hop(near), None);
    assert!(alone.is_host(alone.ip));
}
