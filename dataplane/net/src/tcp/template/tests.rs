use super::*;
use crate::frame_tx::Frames;
use proptest::prelude::*;
use std::net::Ipv4Addr;

fn interface(vlan: Option<u16>) -> Interface {
    Interface {
        mac: [2, 0, 0, 0, 0, 1],
        ip: Ipv4Addr::new(10, 0, 0, 1),
        prefix_len: 24,
        gateway: None,
        vlan,
        mtu: 1_500,
    }
}

proptest! {
    /// What is patched together has the fields that were meant, and checksums that hold when they
    /// are computed over all the bytes.
    #[test]
    fn a_segment_is_what_it_says(
        vlan in prop_oneof![Just(None), (1..4_095u16).prop_map(Some)],
        (port, ip, peer) in any::<(u16, u32, u16)>(),
        (sequence, acknowledgment, flags, window) in any::<(u32, u32, u8, u16)>(),
        payload in proptest::collection::vec(any::<u8>(), 0..90),
        cut in 0..90usize,
        has_options in any::<bool>(),
        offloads in any::<bool>(),
    ) {
        let remote = SocketAddrV4::new(ip.into(), peer);
        let checks = TxChecks { ipv4: offloads, l4: offloads };
        let template =
            Template::new(&interface(vlan), [2, 0, 0, 0, 0, 9], (port, remote), checks);
        let options = if has_options && payload.len() >= 4 { 4 } else { 0 };
        let words = Words { sequence, acknowledgment, flags, window, options };
        let (first, second) = payload.split_at(cut.min(payload.len()));
        let mut frames = Frames::default();
        prop_assert!(template.send(&words, [first, second], &mut frames));
        let frame = ether::parse(&frames.list[0]).expect("a frame");
        prop_assert_eq!((frame.dst, frame.src), ([2, 0, 0, 0, 0, 9], interface(vlan).mac));
        prop_assert_eq!(frame.tags().first().map(|tag| tag.vlan()), vlan);
        let packet = ipv4::parse(frame.payload).expect("a packet");
        prop_assert_eq!(packet.header.src, interface(vlan).ip.octets());
        prop_assert_eq!(packet.header.dst, remote.ip().octets());
        let segment = tcp::parse(packet.payload).expect("a segment");
        let header = segment.header;
        prop_assert_eq!((header.src_port.get(), header.dst_port.get()), (port, peer));
        prop_assert_eq!(header.sequence.get(), sequence);
        prop_assert_eq!(header.acknowledgment.get(), acknowledgment);
        prop_assert_eq!((header.flags, header.window.get()), (flags, window));
        prop_assert_eq!((header.urgent.get(), segment.options.len()), (0, options.into()));
        prop_assert_eq!([segment.options, segment.payload].concat(), payload);
        let length = packet.payload.len() as u16;
        let pseudo = pseudo_header(packet.header.src, packet.header.dst, ipv4::TCP, length);
        if offloads {
            prop_assert_eq!(packet.header.checksum.get(), 0);
            prop_assert_eq!(header.checksum.get(), !pseudo.finish());
        } else {
            prop_assert!(packet.checksum_ok());
            prop_assert_eq!(pseudo.bytes(packet.payload).finish(), 0);
        }
    }
}
