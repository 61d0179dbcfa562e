//! Thousands of connections at once, their loss and their return; streams over a wire that loses,
//! doubles and reorders.
mod common;
#[path = "common/peer.rs"]
mod peer;

use common::*;
use net::{ConnState, HostConfig, NetEvent, TcpConfig};
use peer::{Peer, Said, said};
use proptest::prelude::*;
use wire::tcp::{ACK, FIN, RST, SYN};

const CONNECTIONS: u16 = 4_096;

/// Hears events and closes what the peer closed, as a venue does.
fn serve(host: &mut Station, now: u64) {
    host.host.poll(now, &mut host.out);
    while let Some(event) = host.host.next_event() {
        if let NetEvent::PeerClosed { conn } = event {
            host.host.close(conn);
        }
        host.events.push(event);
    }
}

/// All SYNs before the first acknowledgment, then all acknowledgments.
fn connect_all(host: &mut Station, peers: &mut [Peer], now: u64) {
    for peer in &mut *peers {
        peer.syn(host, now);
    }
    for peer in &*peers {
        peer.ack(host, now);
    }
    let open = |port| {
        host.events
            .iter()
            .any(|e| matches!(e, NetEvent::Accepted { remote, .. } if remote.port() == port))
    };
    assert!([0, peers.len() / 2, peers.len() - 1].iter().all(|at| open(peers[*at].port)));
    assert_eq!(host.host.tcp().free_slots(), 0);
}

#[test]
fn four_thousand_connections_drop_and_return_from_the_same_ports() {
    let slots = usize::from(CONNECTIONS);
    let tcp = TcpConfig { slots, rx_bytes: 4_096, tx_bytes: 8_192, ..config(1).tcp };
    assert!(tcp.memory_bytes() < 56_000_000, "{}", tcp.memory_bytes());
    let mut host = Station::new(interface(2), HostConfig { tcp, ..config(1) });
    host.host.listen(PORT).unwrap();
    let (mut now, mut harm) = (SEC, Random(4));
    let mut peers: Vec<Peer> = (0..CONNECTIONS).map(|i| Peer::new(9_000 + i, 1)).collect();
    connect_all(&mut host, &mut peers, now);
    for round in 1..=3u32 {
        now += SEC;
        let is_finished = |peer: &Peer| peer.port.is_multiple_of(2);
        for peer in &mut peers {
            let flags = if is_finished(peer) { FIN | ACK } else { RST };
            peer.say(&mut host, now, flags, 0, &[]);
            peer.next = peer.next.wrapping_add(u32::from(is_finished(peer)));
        }
        // They come again at once: those whose end we still owe them are challenged, and reset it.
        for peer in peers.iter().filter(|peer| is_finished(peer)) {
            let mut anew = Peer::new(peer.port, harm.next() as u32);
            anew.expected = 0;
            host.hear(now, &anew.frame(SYN, (anew.next, 0), &[]));
            for told in said(&mut host).iter().filter(|told| told.port == peer.port) {
                host.hear(now, &anew.frame(RST, (told.acknowledgment, 0), &[]));
            }
        }
        for _ in 0..200 {
            serve(&mut host, now);
            now += 10 * US;
        }
        said(&mut host);
        assert_eq!(host.host.tcp().free_slots(), slots, "all are gone");
        host.events.clear();
        for peer in &mut peers {
            *peer = Peer::new(peer.port, round << 28 | 7);
        }
        connect_all(&mut host, &mut peers, now);
    }
    assert_eq!(host.host.counters().tcp.accepted, 4 * u64::from(CONNECTIONS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the wire does, both streams arrive whole and in order. The peer repeats what was
    /// not acknowledged every 5 ms, closes its window now and then, and begins near the wrap.
    #[test]
    fn streams_arrive_whole(
        seed in any::<u64>(),
        lose in 0..20u64,
        double in 0..20u64,
        reorder in 0..60u64,
        before_wrap in 0..30_000u32,
        pause in 0..3u64,
    ) {
        const BYTES: usize = 40_000;
        let tcp = TcpConfig { seed, rx_bytes: 8_192, tx_bytes: 16_384, ..config(2).tcp };
        let mut host = Station::new(interface(2), HostConfig { tcp, ..config(2) });
        host.host.listen(PORT).unwrap();
        let mut peer = Peer::new(700, u32::MAX - before_wrap);
        let conn = peer.open(&mut host, SEC);
        let harm = Harm { lose, double, reorder, spoil: 0 };
        let (mut there, mut back) = (Weather::new(harm, seed), Weather::new(harm, !seed));
        let byte = |at: usize| (at ^ at >> 7) as u8;
        let (base, mut una, mut sent) = (peer.next, 0usize, 0usize);
        let (mut heard, mut written, mut window) = (Vec::new(), 0, 8_192);
        let mut now = SEC;
        while heard.len() < BYTES || peer.heard.len() < BYTES {
            prop_assert!(now < 120 * SEC, "{} and {} arrived", heard.len(), peer.heard.len());
            while written < BYTES && host.host.send_room(conn) >= 500 {
                let part: Vec<u8> = (written..written + 500).map(byte).collect();
                prop_assert!(host.host.send_all(conn, &part));
                written += 500;
            }
            peer.window = if (now / (10 * MS)) % 4 < pause { 0 } else { 20_000 };
            if now.is_multiple_of(5 * MS) {
                sent = una;
                let numbers = (base.wrapping_add(una as u32), peer.expected);
                there.put(now, peer.frame(ACK, numbers, &[]));
            }
            while sent < BYTES.min(una + window) {
                let len = 700.min(BYTES - sent).min(una + window - sent);
                let part: Vec<u8> = (sent..sent + len).map(byte).collect();
                let numbers = (base.wrapping_add(sent as u32), peer.expected);
                there.put(now, peer.frame(ACK, numbers, &part));
                sent += len;
            }
            while let Some(frame) = there.take(now) {
                host.hear(now, &frame);
            }
            heard.extend(host.read(conn));
            host.host.poll(now, &mut host.out);
            host.out.frames.drain(..).for_each(|frame| back.put(now, frame));
            while let Some(frame) = back.take(now) {
                let told = Said::parse(&frame).expect("a segment");
                let acked = told.acknowledgment.wrapping_sub(base) as usize;
                if acked >= una && acked <= BYTES {
                    // A closed window is probed with one byte (RFC 9293, 3.8.6.1).
                    (una, window) = (acked, usize::from(told.window).max(1));
                    sent = sent.max(una);
                }
                if !told.payload.is_empty() {
                    peer.hear(&told);
                    let numbers = (base.wrapping_add(sent as u32), peer.expected);
                    there.put(now, peer.frame(ACK, numbers, &[]));
                }
            }
            now += 50 * US;
        }
        prop_assert!(heard.iter().enumerate().all(|(at, b)| *b == byte(at)));
        prop_assert!(peer.heard.iter().enumerate().all(|(at, b)| *b == byte(at)));
        prop_assert_eq!(host.host.state(conn), ConnState::Established);
    }
}
