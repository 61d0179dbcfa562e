use super::*;
use crate::loopback::trips::{Pacing, TripCounter};
use wire::ether::Tag;

const TAG: Tag = Tag { tpid: 0x8100, tci: 7 };

fn route(tag: Option<Tag>) -> Route {
    Route {
        src_mac: [2, 0, 0, 0, 0, 1],
        dst_mac: [2, 0, 0, 0, 0, 2],
        tag,
        src_ip: [10, 0, 0, 1],
        dst_ip: [10, 0, 0, 2],
        src_port: 9_000,
        dst_port: 9_001,
        ttl: 64,
    }
}

fn prober(frame_bytes: usize, tag: Option<Tag>) -> Prober {
    let clock = TscClock::at(1_000_000_000, 0, 0).expect("a clock");
    let settings = TripSettings { warm_up: 0, ..TripSettings::default() };
    Prober::new(route(tag), frame_bytes, settings, &clock, Arc::default())
}

/// Sends the probe that is due.
fn send(prober: &mut Prober, now: u64) -> Vec<u8> {
    let (trip, due) = prober.trips().due(now).expect("is due");
    let mut frame = vec![0xA5; prober.frame_bytes()];
    prober.write(trip, due, &mut frame);
    prober.trips().sent(due, now);
    frame
}

#[test]
fn a_probe_is_a_sound_datagram_of_the_length_asked_for() {
    for (asked, tag, bytes) in
        [(104, None, 104), (0, None, 62), (64, Some(TAG), 66), (1_514, None, 1_514)]
    {
        let mut prober = prober(asked, tag);
        let frame = send(&mut prober, 77);
        assert_eq!(frame.len(), bytes);
        assert_eq!(Prober::frame_bytes_min(tag.is_some()), if tag.is_some() { 66 } else { 62 });
        let interface = net::Interface {
            mac: [2, 0, 0, 0, 0, 2],
            ip: [10, 0, 0, 2].into(),
            prefix_len: 24,
            gateway: None,
            vlan: tag.map(|_| 7),
            mtu: 1_500,
        };
        let class = net::classify(&frame, &interface, &[], net::RxChecks::default());
        let net::Class::Udp(datagram) = class else { panic!("{class:?}") };
        assert_eq!(datagram.payload[4..12], 0u64.to_be_bytes());
        assert_eq!(datagram.payload[12..20], 77u64.to_be_bytes());
    }
}

#[test]
fn an_equal_frame_to_an_orders_is_the_floor() {
    let order = wire::soup::HEADER_LEN + desk::requests::REQUEST_LEN_MAX;
    let headers = wire::ether::HEADER_LEN + wire::ipv4::HEADER_LEN + wire::tcp::HEADER_LEN;
    assert_eq!(usize::from(ORDER_FRAME_BYTES), headers + order);
}

#[test]
fn a_probe_is_known_whatever_became_of_its_addresses() {
    let mut prober = prober(104, None);
    for swapped in [0, 12, 42] {
        let mut frame = send(&mut prober, 1_000);
        frame[..swapped].reverse();
        assert!(prober.on_frame(1_500, &frame));
    }
    let stats = prober.trips().stats().clone();
    assert_eq!((stats.times.count(), stats.times.max_ns(), stats.lost()), (3, 500, 0));
}

#[test]
fn other_frames_are_no_probes() {
    let mut prober = prober(104, None);
    let probe = send(&mut prober, 1_000);
    let mut wrong_magic = probe.clone();
    wrong_magic[42] ^= 1;
    let (short, long) = (&probe[..103], [&probe[..], &[0]].concat());
    for foreign in [short, &long, &wrong_magic, &[], &[0; 42], &[0; 50]] {
        assert!(!prober.on_frame(2_000, foreign));
    }
    assert_eq!(prober.trips().stats().lost(), 1);
    assert!(prober.on_frame(3_000, &probe));
    assert_eq!(prober.trips().stats().lost(), 0);
}

#[test]
fn what_is_lost_on_the_way_is_told() {
    let clock = TscClock::at(1_000_000_000, 0, 0).expect("a clock");
    let pacing = Pacing::PerSecond(1_000_000);
    let settings =
        TripSettings { pacing, timeout_ns: 5_000, warm_up: 0, ..TripSettings::default() };
    let mut prober = Prober::new(route(None), 64, settings, &clock, Arc::default());
    for at in 0..100 {
        let frame = send(&mut prober, at * 1_000);
        if at % 10 != 3 {
            prober.on_frame(at * 1_000 + 300, &frame);
        }
        prober.trips().expire(at * 1_000 + 999);
    }
    prober.trips().expire(1_000_000);
    let stats = prober.trips().stats();
    assert_eq!((stats.lost(), stats.times.count()), (10, 90));
    assert_eq!(stats.counters.get(TripCounter::GivenUp), 10);
}
