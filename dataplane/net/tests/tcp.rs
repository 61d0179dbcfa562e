//! TCP between two hosts on a virtual clock.
mod common;

use common::*;
use net::{
    Ahead, CloseReason, ConnId, ConnState, DropReason, HostConfig, Interface, NetError, NetEvent,
};
use net::{RxChecks, TcpConfig, TxChecks};

/// Sends `bytes` both ways at once and compares what arrives.
fn stream_both_ways(pair: &mut Pair, bytes: usize, limit_ns: u64) {
    let (a, b) = pair.connected();
    let data: Vec<u8> = (0..bytes).map(|i| (i * 31 + i / 251) as u8).collect();
    let (mut sent_a, mut sent_b) = (0, 0);
    let (mut got_a, mut got_b) = (Vec::new(), Vec::new());
    pair.run_until(limit_ns, |pair| {
        for (station, conn, sent) in [(&mut pair.a, a, &mut sent_a), (&mut pair.b, b, &mut sent_b)]
        {
            while *sent < data.len() {
                let wrote = station.host.send(conn, 1, |room| {
                    let n = room.len().min(data.len() - *sent);
                    room[..n].copy_from_slice(&data[*sent..*sent + n]);
                    n
                });
                match wrote {
                    Some(n) => *sent += n,
                    None => break,
                }
            }
            station.host.flush(pair.now, conn, &mut station.out);
        }
        got_a.extend(pair.a.read(a));
        got_b.extend(pair.b.read(b));
        got_a.len() >= data.len() && got_b.len() >= data.len()
    });
    assert!(got_a == data && got_b == data);
}

#[test]
fn a_stream_arrives_equal_both_ways() {
    let mut pair = Pair::new(4);
    stream_both_ways(&mut pair, 1 << 20, 10 * SEC);
    assert_eq!(pair.a.host.counters().tcp.segments_repeated, 0);
}

#[test]
fn a_stream_survives_a_bad_wire() {
    let mut pair = Pair::new(4);
    pair.harm = Harm { lose: 1, double: 2, reorder: 3, spoil: 1 };
    stream_both_ways(&mut pair, 1 << 20, 3_600 * SEC);
}

#[test]
fn a_connection_opens_and_both_sides_close_it() {
    let mut pair = Pair::new(4);
    let (a, b) = pair.connected();
    assert_eq!(pair.a.host.state(a), ConnState::Established);
    assert_eq!(pair.b.host.state(b), ConnState::Established);
    assert_eq!(pair.b.host.tcp().remote(b).map(|r| *r.ip()), Some(ip(1)));
    assert!(pair.a.host.send_all(a, b"last words"));
    pair.a.host.close(a);
    pair.run(MS);
    assert_eq!(pair.b.host.state(b), ConnState::PeerClosed);
    assert!(pair.b.events.contains(&NetEvent::PeerClosed { conn: b }));
    assert_eq!(pair.b.read(b), b"last words");
    assert!(pair.b.host.send_all(b, b"goodbye"), "half closed still sends");
    pair.b.host.close(b);
    pair.run(MS);
    assert_eq!(pair.a.closed(a), Some(CloseReason::Finished));
    assert_eq!(pair.a.read(a), b"goodbye", "what came last is there until the slot is used again");
    assert_eq!(pair.b.closed(b), Some(CloseReason::Finished));
    pair.run(20 * SEC);
    assert_eq!(pair.a.host.tcp().free_slots(), 4);
    assert_eq!(pair.b.host.tcp().free_slots(), 4);
    assert_eq!(pair.a.host.recv(a, |_| panic!("an old id must do nothing")), 0);
    assert_eq!(pair.a.host.send_room(a), 0);
}

#[test]
fn a_reset_ends_it_at_once() {
    let mut pair = Pair::new(4);
    let (a, b) = pair.connected();
    pair.a.host.abort(a);
    pair.run(MS);
    assert_eq!(pair.a.closed(a), Some(CloseReason::Aborted));
    assert_eq!(pair.b.closed(b), Some(CloseReason::Reset));
    assert_eq!((pair.a.host.tcp().free_slots(), pair.b.host.tcp().free_slots()), (4, 4));
}

#[test]
fn a_closed_port_refuses() {
    let mut pair = Pair::new(4);
    let a = pair.a.host.connect(pair.now, 0, at(2, 9)).unwrap();
    pair.run(MS);
    assert_eq!(pair.a.closed(a), Some(CloseReason::Refused));
    assert_eq!(pair.b.host.counters().dropped(DropReason::TcpNoConnection), 1);
}

#[test]
fn a_silent_peer_times_out_and_an_absent_one_is_unreachable() {
    let mut pair = Pair::new(4);
    let (a, _) = pair.connected();
    let absent = pair.a.host.connect(pair.now, 0, at(77, PORT)).unwrap();
    pair.harm.lose = 100;
    pair.run(30 * SEC);
    assert_eq!(pair.a.closed(a), Some(CloseReason::TimedOut));
    assert_eq!(pair.a.closed(absent), Some(CloseReason::Unreachable));
    assert_eq!(pair.a.host.counters().arp_unreachable, 1);
}

#[test]
fn an_idle_connection_is_kept_alive() {
    let mut pair = Pair::new(4);
    let (a, b) = pair.connected();
    pair.run(120 * SEC);
    assert_eq!(pair.a.host.state(a), ConnState::Established);
    assert_eq!(pair.b.host.state(b), ConnState::Established);
}

#[test]
fn a_tuple_is_used_again_while_the_old_connection_lingers() {
    let mut pair = Pair::new(4);
    pair.b.host.listen(PORT).unwrap();
    for round in 1..=20 {
        let a = pair.a.host.connect(pair.now, 5_555, at(2, PORT)).unwrap();
        pair.run_until(SEC, |pair| pair.b.accepted().len() == round);
        pair.run(MS);
        let b = pair.b.accepted()[round - 1];
        assert!(pair.a.host.connect(pair.now, 5_555, at(2, PORT)).is_err(), "in use");
        assert!(pair.a.host.send_all(a, &[round as u8; 100]));
        pair.run(MS);
        assert_eq!(pair.b.read(b), [round as u8; 100]);
        // Either side may be the one that lingers.
        let (first, second) = if round % 2 == 0 { (a, b) } else { (b, a) };
        let is_a = round % 2 == 0;
        if is_a {
            pair.a.host.close(first)
        } else {
            pair.b.host.close(first)
        }
        pair.run(MS);
        if is_a {
            pair.b.host.close(second)
        } else {
            pair.a.host.close(second)
        }
        pair.run(MS);
        assert_eq!(pair.a.closed(a), Some(CloseReason::Finished));
        assert_eq!(pair.b.closed(b), Some(CloseReason::Finished));
    }
}

#[test]
fn a_client_that_lost_its_memory_connects_again() {
    let mut pair = Pair::new(4);
    let (_, b) = pair.connected();
    let port = pair.b.host.tcp().remote(b).unwrap().port();
    // Another run has another seed: with the old one's sequence numbers it would be taken for the
    // old connection.
    let tcp = TcpConfig { seed: 8, ..config(4).tcp };
    pair.a = Station::new(interface(1), HostConfig { tcp, ..config(4) });
    let again = pair.a.host.connect(pair.now, port, at(2, PORT)).unwrap();
    // The server learns of it when it next says something, here the keep-alive of 5 s.
    pair.run_until(10 * SEC, |pair| pair.b.accepted().len() == 2);
    pair.run(MS);
    assert_eq!(pair.b.closed(b), Some(CloseReason::Reset));
    assert_eq!(pair.a.host.state(again), ConnState::Established);
}

#[test]
fn two_hundred_connections_at_once() {
    let mut pair = Pair::new(200);
    pair.harm = Harm { lose: 1, double: 1, reorder: 2, spoil: 0 };
    pair.b.host.listen(PORT).unwrap();
    let clients: Vec<ConnId> =
        (0..200).map(|_| pair.a.host.connect(pair.now, 0, at(2, PORT)).unwrap()).collect();
    pair.run_until(60 * SEC, |pair| pair.b.accepted().len() == 200);
    pair.run_until(60 * SEC, |pair| {
        clients.iter().all(|c| pair.a.host.state(*c) == ConnState::Established)
    });
    for client in &clients {
        assert!(pair.a.host.send_all(*client, &client.index().to_be_bytes()));
    }
    let servers = pair.b.accepted();
    let mut heard = vec![Vec::new(); 200];
    pair.run_until(60 * SEC, |pair| {
        for (server, heard) in servers.iter().zip(&mut heard) {
            heard.extend(pair.b.read(*server));
        }
        heard.iter().all(|bytes| bytes.len() == 8)
    });
    heard.sort();
    let expected: Vec<Vec<u8>> = (0..200usize).map(|i| i.to_be_bytes().to_vec()).collect();
    assert_eq!(heard, expected);
    assert!(pair.b.host.connect(pair.now, 0, at(1, 1)).is_err(), "all slots are in use");
}

#[test]
fn a_full_listener_refuses_and_goes_on() {
    let mut pair =
        Pair::with(Station::new(interface(1), config(8)), Station::new(interface(2), config(2)));
    let (first, _) = pair.connected();
    let (second, _) = pair.connected();
    let third = pair.a.host.connect(pair.now, 0, at(2, PORT)).unwrap();
    pair.run(10 * MS);
    assert_eq!(pair.a.closed(third), Some(CloseReason::Refused));
    assert_eq!(pair.b.host.counters().dropped(DropReason::TcpNoSlot), 1);
    assert_eq!(pair.a.host.state(first), ConnState::Established);
    pair.a.host.abort(second);
    pair.run(10 * MS);
    let fourth = pair.a.host.connect(pair.now, 0, at(2, PORT)).unwrap();
    pair.run(10 * MS);
    assert_eq!(pair.a.host.state(fourth), ConnState::Established);
}

#[test]
fn a_slot_whose_end_was_not_told_is_not_used_again() {
    let mut pair =
        Pair::with(Station::new(interface(1), config(8)), Station::new(interface(2), config(1)));
    let (a, b) = pair.connected();
    pair.a.host.abort(a);
    pair.a.host.poll(pair.now, &mut pair.a.out);
    // The server hears the reset but does not ask for events.
    let frame = pair.a.out.frames.pop_front().unwrap();
    pair.b.host.on_frame(pair.now, &frame, RxChecks::default(), &mut pair.b.out);
    assert_eq!((pair.b.host.state(b), pair.b.host.tcp().free_slots()), (ConnState::Closed, 0));
    pair.b.drain_events();
    assert_eq!(pair.b.closed(b), Some(CloseReason::Reset));
    assert_eq!(pair.b.host.tcp().free_slots(), 1);
}

/// SYNs from many ports of a station that never answers the server's answer.
fn flood(pair: &mut Pair, syns: u16, gap_ns: u64) {
    let (harm, mut calm) = (Harm::default(), Random(0));
    for _ in 0..syns {
        // A new seed is a new port: it looks like another client each time.
        let tcp = TcpConfig { seed: pair.random.next(), ..config(1).tcp };
        let mut attacker = Station::new(interface(66), HostConfig { tcp, ..config(1) });
        attacker.host.connect(pair.now, 0, at(2, PORT)).expect("a free slot");
        // It asks for the server's Ethernet address, hears it, and sends its SYN.
        attacker.host.poll(pair.now, &mut attacker.out);
        carry(pair.now, &mut attacker, &mut pair.b, harm, &mut calm);
        carry(pair.now, &mut pair.b, &mut attacker, harm, &mut calm);
        attacker.host.poll(pair.now, &mut attacker.out);
        carry(pair.now, &mut attacker, &mut pair.b, harm, &mut calm);
        pair.b.out.frames.clear();
        pair.now += gap_ns;
    }
}

#[test]
fn half_open_connections_are_given_up() {
    let mut pair = Pair::new(8);
    pair.b.host.listen(PORT).unwrap();
    flood(&mut pair, 50, US);
    assert!(pair.b.host.tcp().free_slots() == 0, "a flood takes what is free");
    assert!(pair.b.host.counters().dropped(DropReason::TcpHalfOpen) >= 40);
    pair.run(4 * SEC);
    assert_eq!(pair.b.host.tcp().free_slots(), 8);
    assert_eq!(pair.b.host.counters().tcp.half_open_dropped, 8);
}

#[test]
fn an_honest_peer_gets_through_a_flood() {
    let mut pair = Pair::new(8);
    pair.b.host.listen(PORT).unwrap();
    flood(&mut pair, 40, 50 * MS);
    let a = pair.a.host.connect(pair.now, 0, at(2, PORT)).unwrap();
    for _ in 0..40 {
        pair.run(10 * MS);
        flood(&mut pair, 1, 40 * MS);
    }
    assert_eq!(pair.a.host.state(a), ConnState::Established);
}

#[test]
fn nothing_is_lost_without_room_to_send() {
    let mut pair = Pair::new(4);
    pair.a.out.room = Some(2);
    pair.b.out.room = Some(1);
    stream_both_ways(&mut pair, 1 << 18, 10 * SEC);
    let (a, b) = (pair.a.host.counters().tcp, pair.b.host.counters().tcp);
    assert_eq!((a.segments_repeated, b.segments_repeated), (0, 0));
}

#[test]
fn a_tagged_link_and_a_gateway() {
    let side = |last: u8| Interface {
        vlan: Some(30),
        mtu: 9_000,
        prefix_len: 30,
        gateway: Some(ip(if last == 1 { 2 } else { 1 })),
        ..interface(last)
    };
    let mut pair = Pair::with(Station::new(side(1), config(4)), Station::new(side(2), config(4)));
    stream_both_ways(&mut pair, 1 << 18, 10 * SEC);
    // Another network's peer is reached through the gateway, which is asked for by its own address.
    let far = std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(192, 0, 2, 1), 5);
    pair.a.host.connect(pair.now, 0, far).unwrap();
    pair.a.host.poll(pair.now, &mut pair.a.out);
    let frame = pair.a.out.frames.back().unwrap();
    assert_eq!(frame[..6], side(2).mac);
    assert_eq!(frame[12..18], [0x81, 0, 0, 30, 8, 0]);
    let lonely = Interface { gateway: None, ..side(1) };
    let mut lonely = Station::new(lonely, config(1));
    assert!(matches!(lonely.host.connect(0, 0, far), Err(NetError::NoRoute { .. })));
}

#[test]
fn a_message_is_seen_whole_across_the_rings_end() {
    const LEN: usize = 700;
    let tcp =
        TcpConfig { slots: 1, rx_bytes: 1_024, tx_bytes: 1_024, seed: 1, ..TcpConfig::default() };
    let small = HostConfig { tcp, ..HostConfig::default() };
    let mut pair = Pair::with(Station::new(interface(1), small), Station::new(interface(2), small));
    let (a, b) = pair.connected();
    for round in 0..50u8 {
        let message = [round; LEN];
        pair.run_until(SEC, |pair| pair.a.host.send_all(a, &message));
        let mut seen = 0;
        pair.run_until(SEC, |pair| {
            pair.b.host.recv(b, |bytes| match bytes.get(..LEN) {
                Some(whole) => {
                    assert_eq!(whole, message);
                    seen += 1;
                    LEN
                }
                None => 0,
            });
            seen == 1
        });
    }
}

#[test]
fn the_acknowledgment_rides_on_the_reply() {
    let mut pair = Pair::new(4);
    let (a, b) = pair.connected();
    pair.run(MS);
    let before = (pair.a.host.counters().tcp, pair.b.host.counters().tcp);
    for _ in 0..100 {
        assert!(pair.a.host.send_all(a, b"ping"));
        pair.a.host.flush(pair.now, a, &mut pair.a.out);
        carry(pair.now, &mut pair.a, &mut pair.b, Harm::default(), &mut Random(0));
        assert_eq!(pair.b.readable.pop(), Some(b));
        assert_eq!(pair.b.read(b), b"ping");
        assert!(pair.b.host.send_all(b, b"pong"));
        pair.b.host.flush(pair.now, b, &mut pair.b.out);
        carry(pair.now, &mut pair.b, &mut pair.a, Harm::default(), &mut Random(0));
        assert_eq!(pair.a.read(a), b"pong");
    }
    let after = (pair.a.host.counters().tcp, pair.b.host.counters().tcp);
    assert_eq!(after.0.segments_out - before.0.segments_out, 100);
    assert_eq!(after.1.segments_out - before.1.segments_out, 100);
}

#[test]
fn offloaded_checksums_are_left_to_the_port() {
    let both = TxChecks { ipv4: true, l4: true };
    let offloading = HostConfig { tx_checks: both, ..config(2) };
    let mut station = Station::new(interface(1), offloading);
    station.host.connect(0, 1_000, at(2, PORT)).unwrap();
    station.host.poll(0, &mut station.out);
    let asked = station.out.frames.pop_front().unwrap();
    let owner = wire::arp::parse(&asked[14..]).unwrap().reply(interface(2).mac);
    let mut answer = vec![0; 42];
    wire::ether::write(&mut answer, interface(1).mac, interface(2).mac, None, wire::ether::ARP);
    answer[14..].copy_from_slice(wire::IntoBytes::as_bytes(&owner));
    station.hear(1, &answer);
    station.host.poll(1, &mut station.out);
    let syn = station.out.frames.pop_front().unwrap();
    let packet = wire::ipv4::parse(&syn[14..]).unwrap();
    let length = packet.payload.len() as u16;
    let (src, dst) = (packet.header.src, packet.header.dst);
    let pseudo = wire::checksum::pseudo_header(src, dst, wire::ipv4::TCP, length);
    let header = wire::tcp::parse(packet.payload).unwrap().header;
    assert_eq!((packet.header.checksum.get(), header.checksum.get()), (0, !pseudo.finish()));
}

#[test]
fn settings_out_of_bounds_are_refused() {
    let plain = TcpConfig::default();
    let cases = [
        TcpConfig { slots: 0, ..plain },
        TcpConfig { rx_bytes: net::RX_BYTES_MAX + 1, ..plain },
        TcpConfig { tx_bytes: 1, ..plain },
        TcpConfig { keep_alive_ns: plain.timeout_ns, ..plain },
    ];
    for tcp in cases {
        let config = HostConfig { tcp, ..HostConfig::default() };
        assert!(net::Host::new(interface(1), config).is_err(), "{tcp:?}");
    }
    let mut host = Station::new(interface(1), config(1)).host;
    assert_eq!(host.listen(0), Err(NetError::PortZero));
    assert!(host.connect(0, 1, at(1, 1)).is_err(), "to ourselves");
    assert!(host.connect(0, 1, at(255, 1)).is_err(), "to everyone");
    (1..=16).for_each(|port| host.listen(port).unwrap());
    assert_eq!(host.listen(17), Err(NetError::ListenersFull { ports: 16 }));
    host.unlisten(3);
    host.listen(17).unwrap();
}

/// A burst is told whose its frames are, and what is not a segment is nobody's.
#[test]
fn a_burst_is_read_ahead() {
    const CONNECTIONS: usize = 130;
    let mut pair = Pair::with(
        Station::new(interface(1), config(CONNECTIONS)),
        Station::new(interface(2), config(CONNECTIONS)),
    );
    assert!(!pair.b.host.wants_ahead());
    let ends: Vec<_> = (0..CONNECTIONS).map(|_| pair.connected()).collect();
    assert!(pair.b.host.wants_ahead());
    let burst = &ends[97..125];
    for (a, _) in burst {
        assert!(pair.a.host.send_all(*a, b"an order"));
        pair.a.host.flush(pair.now, *a, &mut pair.a.out);
    }
    let mut frames: Vec<Vec<u8>> = pair.a.out.frames.iter().cloned().collect();
    frames.extend([vec![], vec![0xFF; 38], vec![0x45; 1_500]]);
    let (before, mut ahead) = (pair.b.host.counters(), Ahead::default());
    pair.b.host.read_ahead(frames.iter().map(Vec::as_slice), &mut ahead);
    let expected = burst.iter().map(|(_, b)| Some(b.index())).chain([None; 3]);
    assert!(ahead.conns().eq(expected));
    assert_eq!(pair.b.host.counters(), before);
    // More frames than it keeps account of.
    let many = frames.iter().chain(&frames).map(Vec::as_slice);
    pair.b.host.read_ahead(many, &mut ahead);
    assert_eq!(ahead.conns().count(), net::AHEAD_MAX);
    pair.step(US);
    assert!(burst.iter().all(|(_, b)| pair.b.read(*b) == b"an order"));
}
