use super::*;
use crate::frame_tx::Frames;
use crate::interface::TxChecks;
use crate::udp::UdpTemplate;
use proptest::prelude::*;
use wire::IntoBytes;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const GROUPS: &[Ipv4Addr] = &[GROUP];

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

fn us() -> Interface {
    station(1, None)
}

fn udp_frame(from: &Interface, dst: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut tx = Frames::default();
    let checks = TxChecks::default();
    let mut flow = if dst.ip().is_multicast() {
        UdpTemplate::multicast(from, 7_000, dst, 1, checks)
    } else {
        UdpTemplate::unicast(from, 7_000, dst, us().mac, checks)
    };
    assert!(flow.send(&mut tx, payload.len(), |room| room.copy_from_slice(payload)));
    tx.list.remove(0)
}

fn to_us() -> Vec<u8> {
    udp_frame(&station(2, None), SocketAddrV4::new(us().ip, 9_000), b"hello")
}

fn to_group() -> Vec<u8> {
    udp_frame(&station(2, None), SocketAddrV4::new(GROUP, 9_000), b"tick")
}

fn tcp_frame() -> Vec<u8> {
    let mut frame = to_us();
    frame.truncate(14);
    let peer = station(2, None);
    let (src, dst) = (peer.ip.octets(), us().ip.octets());
    let mut header = tcp::Header {
        src_port: 5_000.into(),
        dst_port: 80.into(),
        sequence: 1.into(),
        acknowledgment: 0.into(),
        data_offset: 5 << 4,
        flags: tcp::SYN,
        window: 1_000.into(),
        checksum: 0.into(),
        urgent: 0.into(),
    };
    let sum = pseudo_header(src, dst, ipv4::TCP, 20).bytes(header.as_bytes());
    header.checksum = sum.finish().into();
    frame.extend_from_slice(ipv4::Header::new(ipv4::TCP, src, dst, 64, 20).as_bytes());
    frame.extend_from_slice(header.as_bytes());
    frame
}

fn reason(frame: &[u8], interface: &Interface) -> Option<DropReason> {
    match classify(frame, interface, GROUPS, RxChecks::default()) {
        Class::Drop(reason) => Some(reason),
        _ => None,
    }
}

/// The frame with `bytes` at `at`, its IPv4 header checksum made right again.
fn patched(mut frame: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame[24..26].fill(0);
    let len = 4 * usize::from(frame[14] & 0x0F);
    let sum = wire::checksum::checksum(&frame[14..14 + len]).to_be_bytes();
    frame[24..26].copy_from_slice(&sum);
    frame
}

#[test]
fn datagrams_come_out_with_their_addresses() {
    let mut padded = to_us();
    padded.resize(60, 0xEE);
    let Class::Udp(datagram) = classify(&padded, &us(), GROUPS, RxChecks::default()) else {
        panic!("not taken")
    };
    assert_eq!(datagram.payload, b"hello");
    assert_eq!(datagram.src, "10.0.0.2:7000".parse().unwrap());
    assert_eq!(datagram.dst, "10.0.0.1:9000".parse().unwrap());
    assert_eq!(datagram.src_mac, station(2, None).mac);
    let frame = to_group();
    let Class::Udp(tick) = classify(&frame, &us(), GROUPS, RxChecks::default()) else {
        panic!("not taken")
    };
    assert_eq!((tick.payload, *tick.dst.ip()), (&b"tick"[..], GROUP));
}

#[test]
fn each_fault_has_its_reason() {
    use DropReason::*;
    let (udp, group, segment) = (to_us(), to_group(), tcp_frame());
    assert_eq!(reason(&segment, &us()), None);
    let spoilt = |frame: &[u8], at: usize| {
        let mut frame = frame.to_vec();
        frame[at] ^= 0x40;
        frame
    };
    let cases = [
        (EthernetShort, udp[..13].to_vec()),
        (NotOurMac, spoilt(&udp, 4)),
        (NotOurMac, spoilt(&group, 4)),
        (NotOurMac, patched(udp.clone(), 0, &ether::BROADCAST)),
        (SourceMac, patched(udp.clone(), 6, &[3])),
        (Ethertype, patched(udp.clone(), 12, &[0x86, 0xDD])),
        (IpMalformed, spoilt(&udp, 14)),
        (IpMalformed, udp[..30].to_vec()),
        (IpChecksum, spoilt(&udp, 22)),
        (Fragment, patched(udp.clone(), 20, &[0x20, 0])),
        (Fragment, patched(udp.clone(), 20, &[0, 1])),
        (SourceAddress, patched(udp.clone(), 26, &[10, 0, 0, 1])),
        (SourceAddress, patched(udp.clone(), 26, &[10, 0, 0, 255])),
        (SourceAddress, patched(udp.clone(), 26, &[239, 0, 0, 1])),
        (SourceAddress, patched(udp.clone(), 26, &[0; 4])),
        (NotOurAddress, patched(udp.clone(), 30, &[10, 0, 0, 3])),
        (NotOurAddress, patched(udp.clone(), 30, &GROUP.octets())),
        (Protocol, patched(udp.clone(), 23, &[132])),
        (UdpMalformed, patched(udp.clone(), 38, &[0xFF, 0])),
        (UdpMalformed, patched(udp.clone(), 38, &[0, 7])),
        (UdpChecksum, spoilt(&udp, 43)),
        (TcpMalformed, patched(segment.clone(), 46, &[4 << 4])),
        (TcpMalformed, patched(segment.clone(), 46, &[15 << 4])),
        (TcpChecksum, spoilt(&segment, 49)),
        (NotOurGroup, patched(group.clone(), 23, &[ipv4::TCP])),
    ];
    for (expected, frame) in cases {
        assert_eq!(reason(&frame, &us()), Some(expected), "{frame:02x?}");
    }
    let other = SocketAddrV4::new(Ipv4Addr::new(239, 9, 9, 9), 1);
    assert_eq!(reason(&udp_frame(&station(2, None), other, b""), &us()), Some(NotOurGroup));
}

#[test]
fn a_checksum_is_not_looked_at_twice() {
    let mut frame = to_us();
    frame[24] ^= 1;
    frame[43] ^= 1;
    let both = RxChecks { ipv4: true, l4: true };
    assert!(matches!(classify(&frame, &us(), GROUPS, both), Class::Udp(_)));
    let ip_only = RxChecks { ipv4: true, l4: false };
    let class = classify(&frame, &us(), GROUPS, ip_only);
    assert!(matches!(class, Class::Drop(DropReason::UdpChecksum)));
}

#[test]
fn the_vlan_must_be_ours() {
    let dst = SocketAddrV4::new(us().ip, 1);
    let of = |vlan| udp_frame(&station(2, vlan), dst, b"x");
    let (untagged, tagged, other) = (of(None), of(Some(20)), of(Some(21)));
    let member = station(1, Some(20));
    assert_eq!(reason(&tagged, &member), None);
    assert_eq!(reason(&untagged, &member), Some(DropReason::Vlan));
    assert_eq!(reason(&other, &member), Some(DropReason::Vlan));
    assert_eq!(reason(&tagged, &us()), Some(DropReason::Vlan));
    let mut priority = tagged;
    priority[14..16].copy_from_slice(&0xE000u16.to_be_bytes());
    assert_eq!(reason(&priority, &us()), None);
}

#[test]
fn reasons_are_numbered_and_named_once() {
    let names: std::collections::HashSet<_> = DropReason::ALL.iter().map(|r| r.name()).collect();
    assert_eq!(names.len(), DropReason::COUNT);
    for (number, reason) in DropReason::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, number);
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        frame in proptest::collection::vec(any::<u8>(), 0..200),
        l4 in any::<bool>(),
    ) {
        let _ = classify(&frame, &us(), GROUPS, RxChecks { ipv4: l4, l4 });
    }

    #[test]
    fn spoilt_frames_do_not_panic(
        which in 0..3usize,
        cut in 0..80usize,
        spoils in proptest::collection::vec((0..60usize, any::<u8>()), 0..4),
    ) {
        let mut frame = [to_us(), to_group(), tcp_frame()][which].clone();
        for (at, byte) in spoils {
            if let Some(to) = frame.get_mut(at) {
                *to = byte;
            }
        }
        frame.truncate(cut.max(10));
        let _ = classify(&frame, &us(), GROUPS, RxChecks { ipv4: true, l4: true });
    }
}
