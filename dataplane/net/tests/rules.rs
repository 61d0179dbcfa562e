//! TCP's rules one by one, against a peer built by hand on a virtual clock.
mod common;
#[path = "common/peer.rs"]
mod peer;

use common::*;
use net::{CloseReason, ConnId, ConnState, DropReason, HostConfig, TcpConfig};
use peer::{Peer, Said, said};
use wire::tcp::{ACK, FIN, RST, SYN};

fn server(tcp: TcpConfig) -> Station {
    let mut host = Station::new(interface(2), HostConfig { tcp, ..config(1) });
    host.host.listen(PORT).expect("a port");
    host
}

/// A server, a peer and their connection at the time 1 s.
fn open() -> (Station, Peer, ConnId) {
    let mut host = server(config(4).tcp);
    let mut peer = Peer::new(700, 5_000);
    let conn = peer.open(&mut host, SEC);
    (host, peer, conn)
}

/// Polls every 50 µs for a while; what was said, with its time.
fn listen(host: &mut Station, now: &mut u64, ns: u64) -> Vec<(u64, Said)> {
    let (mut heard, end) = (Vec::new(), *now + ns);
    while *now < end {
        host.host.poll(*now, &mut host.out);
        host.drain_events();
        heard.extend(said(host).into_iter().map(|said| (*now, said)));
        *now += 50 * US;
    }
    heard
}

#[test]
fn a_lost_segment_goes_again_soon_and_a_dead_connection_ends() {
    let (mut host, _, conn) = open();
    let mut now = SEC;
    assert!(host.host.send_all(conn, b"order"));
    let heard = listen(&mut host, &mut now, 19 * SEC);
    let at: Vec<u64> = heard.iter().filter(|h| !h.1.payload.is_empty()).map(|h| h.0).collect();
    let gaps: Vec<u64> = at.windows(2).map(|pair| (pair[1] - pair[0]) / MS).collect();
    assert_eq!(gaps[..7], [10, 20, 40, 80, 160, 320, 600]);
    assert!(gaps[7..].iter().all(|gap| *gap == 600) && at.len() < 40, "{gaps:?}");
    assert_eq!(host.closed(conn), Some(CloseReason::TimedOut));
    let (last, end) = heard.last().unwrap();
    assert_eq!((last / SEC, end.flags & RST), (16, RST), "the peer is told after 15 s");
}

/// Linux acknowledges after 40 ms what it has no answer to.
#[test]
fn a_delayed_acknowledgment_is_not_taken_for_a_loss_for_ever() {
    for answers_doubles in [false, true] {
        let (mut host, mut peer, conn) = open();
        let (mut now, mut doubles, mut late) = (SEC, 0, 0);
        for round in 0..200 {
            assert!(host.host.send_all(conn, &[round as u8; 50]));
            let (start, mut seen, mut acked) = (now, 0, false);
            while !acked {
                for (_, said) in listen(&mut host, &mut now, 50 * US) {
                    seen += usize::from(!said.payload.is_empty());
                    peer.hear(&said);
                }
                // A little more or less, as the kernel's ticks have it.
                let delay = 40 * MS + (round % 4) * MS;
                if now - start >= delay || (answers_doubles && seen > 1) {
                    peer.ack(&mut host, now);
                    acked = true;
                }
            }
            doubles += seen - 1;
            late += if round >= 20 { seen - 1 } else { 0 };
        }
        assert!(doubles <= 12 && late == 0, "{doubles} doubles, {late} after the start");
        assert_eq!(host.host.state(conn), ConnState::Established);
        assert_eq!(peer.heard.len(), 200 * 50);
    }
}

#[test]
fn nothing_is_held_back() {
    let (mut host, mut peer, conn) = open();
    // No Nagle: a small segment leaves while another is not acknowledged.
    for part in [b"one", b"two"] {
        assert!(host.host.send_all(conn, part));
        host.host.flush(SEC, conn, &mut host.out);
        assert_eq!(said(&mut host).pop().unwrap().payload, part);
    }
    // No delayed acknowledgment: it leaves with the very next poll.
    peer.tell(&mut host, SEC, b"three");
    assert_eq!(host.read(conn), b"three");
    host.host.poll(SEC, &mut host.out);
    assert_eq!(said(&mut host).pop().unwrap().acknowledgment, peer.next);
}

#[test]
fn a_peer_that_vanished_is_found() {
    let tcp = TcpConfig { keep_alive_ns: 500 * MS, timeout_ns: 2 * SEC, ..config(4).tcp };
    let mut host = server(tcp);
    let mut peer = Peer::new(700, 5_000);
    let (mut now, conn) = (SEC, peer.open(&mut host, SEC));
    let heard = listen(&mut host, &mut now, 3 * SEC);
    let at: Vec<u64> = heard.iter().map(|h| h.0 / (10 * MS)).collect();
    assert_eq!(at, [150, 200, 250, 300], "{heard:?}");
    assert!(heard[..3].iter().all(|h| h.1.sequence == peer.expected.wrapping_sub(1)));
    assert_eq!(host.closed(conn), Some(CloseReason::TimedOut));
}

#[test]
fn a_peer_that_restarted_resets_the_old_connection() {
    let (mut host, peer, conn) = open();
    let mut now = SEC;
    assert!(host.host.send_all(conn, b"hello?"));
    let (_, told) = listen(&mut host, &mut now, MS).pop().unwrap();
    // RFC 9293, 3.10.7.1: the reset of one that knows nothing has the number that we acknowledged.
    host.hear(now, &peer.frame(RST, (told.acknowledgment, 0), &[]));
    assert_eq!(host.closed(conn), Some(CloseReason::Reset));
}

#[test]
fn a_syn_on_an_open_connection_is_challenged() {
    let (mut host, old, conn) = open();
    let mut anew = Peer::new(old.port, 777_777_777);
    let syn = anew.frame(SYN, (anew.next, 0), &[]);
    for _ in 0..3 {
        host.hear(SEC, &syn);
    }
    let answers = said(&mut host);
    assert_eq!(answers.len(), 1, "no more than one in 10 ms: {answers:?}");
    let told = (answers[0].sequence, answers[0].acknowledgment, answers[0].flags);
    assert_eq!(told, (old.expected, old.next, ACK));
    assert_eq!(host.host.state(conn), ConnState::Established);
    // Who did not send it lets it be; who did resets the old connection, and then gets in.
    host.hear(SEC, &anew.frame(RST, (answers[0].acknowledgment, 0), &[]));
    assert_eq!(host.closed(conn), Some(CloseReason::Reset));
    let again = anew.open(&mut host, 2 * SEC);
    assert_eq!(host.host.state(again), ConnState::Established);
    assert_eq!(host.host.counters().tcp.challenges_out, 1);
}

#[test]
fn only_an_exact_reset_counts() {
    let (mut host, mut peer, conn) = open();
    peer.tell(&mut host, SEC, b"unread");
    said(&mut host);
    for (round, by) in [1, 1_000, 30_000].into_iter().enumerate() {
        let now = SEC + round as u64 * SEC;
        peer.say(&mut host, now, RST, by, &[]);
        let told = said(&mut host).pop().expect("a challenge");
        assert_eq!((told.acknowledgment, told.flags), (peer.next, ACK));
    }
    for by in [-1, -6, 70_000, i32::MIN, -70_000] {
        peer.say(&mut host, 5 * SEC, RST, by, &[]);
        assert_eq!(said(&mut host), [], "outside the window: {by}");
    }
    assert_eq!(host.host.counters().dropped(DropReason::TcpReset), 8);
    assert_eq!(host.host.state(conn), ConnState::Established);
    peer.say(&mut host, 5 * SEC, RST, 0, &[]);
    assert_eq!(host.closed(conn), Some(CloseReason::Reset));
}

#[test]
fn half_open_connections_hear_resets_and_doubles() {
    let mut host = server(config(1).tcp);
    let mut peer = Peer::new(700, u32::MAX);
    peer.syn(&mut host, SEC);
    peer.say(&mut host, SEC, RST, 9, &[]);
    assert_eq!(host.host.tcp().free_slots(), 0, "not exact");
    // The double of the SYN: our answer comes again by itself, and the connection opens.
    peer.say(&mut host, SEC, SYN, -1, &[]);
    let mut now = SEC;
    let again = listen(&mut host, &mut now, 15 * MS);
    assert!(again.iter().any(|h| h.1.flags == SYN | ACK), "{again:?}");
    peer.say(&mut host, now, RST, 0, &[]);
    assert_eq!(host.host.tcp().free_slots(), 1);
    let conn = Peer::new(700, 9).open(&mut host, now);
    assert_eq!(host.host.state(conn), ConnState::Established);
}

#[test]
fn segments_out_of_order_are_put_together() {
    let (mut host, peer, conn) = open();
    let data: Vec<u8> = (0..1_600).map(|i| (i / 7) as u8).collect();
    // Every second hundred, last first: eight gaps. Then the rest.
    for at in (1..16).rev().step_by(2).chain((0..16).step_by(2)) {
        let part = &data[at * 100..][..100];
        peer.say(&mut host, SEC, ACK, at as i32 * 100, part);
    }
    assert!(host.read(conn) == data);
}

#[test]
fn bytes_that_are_read_too_late_come_again() {
    let (mut host, mut peer, conn) = open();
    let numbers = |at: u32| (peer.next.wrapping_add(at), peer.expected);
    let frames = [0, 1, 2].map(|at| peer.frame(ACK, numbers(at * 100), &[at as u8; 100]));
    let checks = net::RxChecks::default();
    let lent = host.host.on_frame(SEC, &frames[0], checks, &mut host.out);
    let net::Input::Tcp(lent) = lent else { panic!("{lent:?}") };
    // What comes next lies beyond a gap, for these have not been taken.
    host.hear(SEC, &frames[2]);
    assert_eq!(host.host.read(lent, |_| panic!("too late")), 0);
    for at in [0, 1] {
        host.hear(SEC, &frames[at]);
    }
    assert_eq!(host.read(conn), [[0; 100], [1; 100], [2; 100]].concat());
    peer.next = peer.next.wrapping_add(300);
    // The same bytes twice in hand are taken once.
    let frame = peer.frame(ACK, (peer.next, peer.expected), &[3; 100]);
    let [first, second] = [0, 1].map(|_| {
        let lent = host.host.on_frame(SEC, &frame, checks, &mut host.out);
        let net::Input::Tcp(lent) = lent else { panic!("{lent:?}") };
        lent
    });
    assert_eq!(host.host.read(first, <[u8]>::len), 100);
    assert_eq!(host.host.read(second, |_| panic!("they were read")), 0);
}

#[test]
fn both_sequence_numbers_wrap() {
    // The host's numbers come from its seed: one near the end is looked for.
    let near_end = |seed| {
        let mut host = server(TcpConfig { seed, ..config(1).tcp });
        let mut peer = Peer::new(700, u32::MAX - 30_000);
        let conn = peer.open(&mut host, SEC);
        (peer.expected > u32::MAX - (8 << 20)).then_some((host, peer, conn))
    };
    let (mut host, mut peer, conn) = (1..20_000).find_map(near_end).expect("a seed");
    let (mut now, mut sent) = (SEC, 0usize);
    let before = peer.expected;
    while peer.heard.len() < 9 << 20 {
        while host.host.send(conn, 1_000, |room| {
            room[..1_000].iter_mut().enumerate().for_each(|(i, b)| *b = ((sent + i) / 9) as u8);
            1_000
        }) == Some(1_000)
        {
            sent += 1_000;
        }
        peer.tell(&mut host, now, &[3; 1_000]);
        assert_eq!(host.read(conn), [3; 1_000]);
        for (_, told) in listen(&mut host, &mut now, 50 * US) {
            peer.hear(&told);
        }
        peer.ack(&mut host, now);
    }
    assert!(peer.expected < before && peer.next < 1 << 30, "both went round");
    assert!(peer.heard.iter().enumerate().all(|(i, b)| *b == (i / 9) as u8));
}

#[test]
fn a_closed_window_is_probed_and_opens_again() {
    let (mut host, mut peer, conn) = open();
    peer.window = 0;
    peer.ack(&mut host, SEC);
    assert!(host.host.send_all(conn, b"wait for it"));
    let mut now = SEC;
    let probes = listen(&mut host, &mut now, 100 * MS);
    let lengths: Vec<usize> = probes.iter().map(|h| h.1.payload.len()).collect();
    assert_eq!(lengths, [1, 1, 1], "at 10, 30 and 70 ms: {probes:?}");
    peer.window = 500;
    peer.ack(&mut host, now);
    for (_, told) in listen(&mut host, &mut now, MS) {
        peer.hear(&told);
    }
    assert_eq!(peer.heard, b"wait for it");
}

#[test]
fn our_window_closes_and_opens_again() {
    let tcp = TcpConfig { rx_bytes: 2_048, ..config(1).tcp };
    let mut host = server(tcp);
    let mut peer = Peer::new(700, 5_000);
    let mut now = SEC;
    let conn = peer.open(&mut host, now);
    peer.tell(&mut host, now, &[1; 1_024]);
    peer.tell(&mut host, now, &[2; 1_024]);
    let told = listen(&mut host, &mut now, MS).pop().unwrap().1;
    assert_eq!((told.acknowledgment, told.window), (peer.next, 0));
    // A probe is answered, and its byte is not taken.
    peer.say(&mut host, now, ACK, 0, &[9]);
    let told = listen(&mut host, &mut now, MS).pop().unwrap().1;
    assert_eq!((told.acknowledgment, told.window), (peer.next, 0));
    assert_eq!(host.read(conn).len(), 2_048);
    let told = listen(&mut host, &mut now, MS).pop().expect("the news").1;
    assert_eq!((told.acknowledgment, told.window), (peer.next, 2_048));
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let tcp = TcpConfig { user_timeout_ns: 2 * SEC, ..config(1).tcp };
    let mut host = server(tcp);
    let mut peer = Peer::new(700, 5_000);
    let (mut now, conn) = (SEC, peer.open(&mut host, SEC));
    peer.window = 0;
    peer.ack(&mut host, now);
    assert!(host.host.send_all(conn, b"never taken"));
    // It answers every probe, so it is there.
    while host.closed(conn).is_none() && now < 10 * SEC {
        if !listen(&mut host, &mut now.clone(), 50 * US).is_empty() {
            peer.ack(&mut host, now);
        }
        now += 50 * US;
    }
    assert_eq!((host.closed(conn), now / (100 * MS)), (Some(CloseReason::TimedOut), 30));
}

#[test]
fn a_peer_that_never_closes_is_given_up() {
    let tcp = TcpConfig { close_ns: 2 * SEC, keep_alive_ns: 100 * MS, ..config(1).tcp };
    let mut host = server(tcp);
    let mut peer = Peer::new(700, 5_000);
    let (mut now, conn) = (SEC, peer.open(&mut host, SEC));
    host.host.poll(SEC, &mut host.out);
    host.host.close(conn);
    while host.closed(conn).is_none() && now < 10 * SEC {
        for (_, told) in listen(&mut host, &mut now.clone(), 50 * US) {
            peer.hear(&told);
            peer.ack(&mut host, now);
        }
        now += 50 * US;
    }
    assert_eq!((host.closed(conn), now / (100 * MS)), (Some(CloseReason::TimedOut), 30));
    assert_eq!(host.host.tcp().free_slots(), 1);
}

#[test]
fn both_sides_close_at_once() {
    let (mut host, mut peer, conn) = open();
    host.host.close(conn);
    peer.say(&mut host, SEC, ACK | FIN, 0, &[]);
    peer.next = peer.next.wrapping_add(1);
    let mut now = SEC;
    for (_, told) in listen(&mut host, &mut now, MS) {
        peer.hear(&told);
    }
    assert_eq!(host.host.state(conn), ConnState::Closing);
    peer.ack(&mut host, now);
    host.drain_events();
    assert_eq!(host.closed(conn), Some(CloseReason::Finished));
    // The peer, which did not hear our acknowledgment, says its FIN again, for as long as it may.
    for _ in 0..9 {
        peer.say(&mut host, now, ACK | FIN, -1, &[]);
        let told = said(&mut host).pop().expect("an acknowledgment");
        assert_eq!((told.acknowledgment, told.flags), (peer.next, ACK));
        listen(&mut host, &mut now.clone(), 100 * MS);
        now += 100 * MS;
    }
    assert_eq!(host.host.tcp().free_slots(), 3);
    listen(&mut host, &mut now, 110 * MS);
    assert_eq!(host.host.tcp().free_slots(), 4, "TIME-WAIT is over");
}

#[test]
fn data_after_the_fin_is_not_taken() {
    let (mut host, mut peer, conn) = open();
    peer.say(&mut host, SEC, ACK | FIN, 0, b"all");
    peer.next = peer.next.wrapping_add(4);
    peer.tell(&mut host, SEC, b"and more");
    assert_eq!(host.read(conn), b"all");
    assert_eq!(host.host.counters().dropped(DropReason::TcpAfterFin), 1);
    assert_eq!(host.host.state(conn), ConnState::PeerClosed);
    // What is old is only acknowledged again.
    peer.say(&mut host, SEC, ACK | FIN, -12, b"all");
    assert!(host.read(conn).is_empty());
}

#[test]
fn a_newcomer_waits_for_a_slot_that_is_about_to_be_free() {
    let mut host = server(config(1).tcp);
    let mut old = Peer::new(700, 5_000);
    let conn = old.open(&mut host, SEC);
    let newcomer = Peer::new(701, 1);
    host.hear(SEC, &newcomer.frame(SYN, (1, 0), &[]));
    assert_eq!(said(&mut host).pop().unwrap().flags, RST | ACK, "none is about to be free");
    old.say(&mut host, SEC, ACK | FIN, 0, &[]);
    said(&mut host);
    host.hear(SEC, &newcomer.frame(SYN, (1, 0), &[]));
    assert_eq!(said(&mut host), []);
    assert_eq!(host.host.counters().dropped(DropReason::TcpSlotsEnding), 1);
    old.next = old.next.wrapping_add(1);
    old.say(&mut host, SEC, RST, 0, &[]);
    assert_eq!(host.closed(conn), Some(CloseReason::Reset));
    Peer::new(701, 1).open(&mut host, 2 * SEC);
}

/// A lost segment that comes again acknowledges more than one that came before it, with less room.
#[test]
fn a_window_counts_from_its_own_acknowledgment() {
    let (mut host, mut peer, conn) = open();
    assert!(host.host.send_all(conn, &[7; 1_000]));
    peer.window = 100;
    // Said second, heard first.
    peer.say(&mut host, SEC, ACK, 3, b"456");
    let (mut now, mut heard) = (SEC, 0);
    for (_, said) in listen(&mut host, &mut now, MS) {
        heard += said.payload.len();
        peer.hear(&said);
    }
    assert_eq!(heard, 100);
    peer.window = 1;
    peer.say(&mut host, now, ACK, 0, b"123");
    let more: usize = listen(&mut host, &mut now, MS).iter().map(|h| h.1.payload.len()).sum();
    assert_eq!((host.read(conn).as_slice(), more), (&b"123456"[..], 1));
}

#[test]
fn a_connection_given_up_says_nothing_but_its_reset() {
    let (mut host, peer, conn) = open();
    host.host.abort(conn);
    peer.say(&mut host, SEC, SYN, 0, &[]);
    assert_eq!(said(&mut host), []);
    let heard = listen(&mut host, &mut SEC.clone(), MS);
    assert!(heard.len() == 1 && heard[0].1.flags & RST != 0, "{heard:?}");
}

#[test]
fn before_our_syn_has_left_nothing_is_acknowledged() {
    let mut host = server(config(4).tcp);
    let peer = Peer::new(700, 5_000);
    host.out.room = Some(0);
    host.hear(SEC, &peer.frame(SYN, (5_000, 0), &[]));
    host.out.room = None;
    host.hear(SEC, &peer.frame(SYN, (6_000, 0), &[]));
    assert_eq!(said(&mut host), []);
    let heard = listen(&mut host, &mut SEC.clone(), MS);
    assert_eq!((heard[0].1.flags, heard[0].1.acknowledgment), (SYN | ACK, 5_001));
}
