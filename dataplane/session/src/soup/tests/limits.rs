//! What bounds a client: failed logins, silence, reading too slowly, sending too fast; and the
//! snapshot, which is bounded in itself.

use super::*;
use crate::logins::LoginLimits;
use crate::rate::Rate;
use crate::sessions::AccountKind;
use crate::snapshot::{ImageWriter, SnapshotConfig};

fn packet(packet: Packet<'_>) -> Vec<u8> {
    let mut out = [0; 600];
    let len = packet.write(&mut out).unwrap();
    out[..len].to_vec()
}

fn knock(password: &[u8]) -> Vec<u8> {
    packet(Packet::LoginRequest(&LoginRequest::new(b"ANN", password, b"", 1)))
}

#[test]
fn an_address_that_guesses_is_refused_even_with_the_right_password() {
    let mut bench = Bench::new();
    let address = Rate { interval_ns: SECOND, burst_max: 2 };
    bench.sessions.set_login_limits(LoginLimits { address, ..LoginLimits::default() });
    let mut reopen = |now_ns: u64, address: u32, password: &[u8]| {
        bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
        bench.server.open_from(now_ns, address);
        let end = bench.bytes(now_ns, &knock(password));
        (end, bench.pump(now_ns).get(..4).map(<[u8]>::to_vec))
    };
    let refused = Some(vec![0, 2, b'J', b'A']);
    assert_eq!(reopen(0, 1, b"x"), (Err(NotAuthorized), refused.clone()));
    assert_eq!(reopen(0, 1, b"x"), (Err(NotAuthorized), refused.clone()));
    assert_eq!(reopen(0, 1, b"secret"), (Err(LoginThrottled), refused));
    assert_eq!(reopen(0, 2, b"secret").0, Ok(()));
    assert_eq!(reopen(SECOND, 1, b"secret").0, Ok(()));
    assert_eq!(bench.sessions.disconnects().get(LoginThrottled), 1);
}

#[test]
fn a_silent_connection_is_taken_over_and_sends_nothing_more() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    bench.pump(0);
    let mut newer = SoupServer::new(ServerConfig::default());
    let mut desk = Desk::default();
    newer.open(3 * SECOND);
    let early = newer.on_bytes(3 * SECOND, &knock(b"secret"), &mut bench.sessions, &mut desk);
    assert_eq!(early, Err(SessionInUse));
    newer.on_closed(&mut bench.sessions, &mut desk);
    let now_ns = 3 * SECOND + 1;
    newer.open(now_ns);
    newer.on_bytes(now_ns, &knock(b"secret"), &mut bench.sessions, &mut desk).unwrap();
    assert_eq!((desk.logins, &desk.logouts[..]), (1, &[TakenOver][..]));
    bench.sessions.append(WHO, b"x");
    assert_eq!(bench.pump(now_ns), []);
    assert_eq!(bench.send(now_ns, Packet::Unsequenced(b"late")), Err(TakenOver));
    assert!(bench.server.is_drained() && bench.desk.messages.is_empty());
    bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
    assert_eq!(bench.desk.logouts, []);
    let mut out = [0; 100];
    assert_eq!(newer.pump(now_ns, &bench.sessions, &mut out), 33 + 4);
    assert!(bench.sessions.in_use(WHO));
    assert_eq!(newer.check(now_ns, &mut bench.sessions, &mut desk), Ok(()));
}

#[test]
fn the_old_connections_poll_tells_of_a_takeover_once() {
    let mut bench = Bench::new();
    bench.login("ANN", "", 1).unwrap();
    let mut newer = SoupServer::new(ServerConfig::default());
    newer.open(4 * SECOND);
    newer
        .on_bytes(4 * SECOND, &knock(b"secret"), &mut bench.sessions, &mut Desk::default())
        .unwrap();
    assert_eq!(bench.check(4 * SECOND), Err(TakenOver));
    assert_eq!(bench.check(4 * SECOND), Ok(()));
    assert_eq!(bench.sessions.disconnects().get(TakenOver), 1);
}

#[test]
fn who_leaves_too_much_unread_is_told_and_loses_nothing() {
    let config = ServerConfig { backlog_messages_max: 3, ..ServerConfig::default() };
    let mut bench = Bench::with(config);
    bench.login("ANN", "", 1).unwrap();
    bench.pump(0);
    for n in 0..4u8 {
        bench.sessions.append(WHO, &[n]);
    }
    assert_eq!(bench.check(SECOND), Ok(()));
    bench.send(4 * SECOND, Packet::ClientHeartbeat).unwrap();
    assert_eq!(bench.check(5 * SECOND), Ok(()));
    assert_eq!(bench.check(6 * SECOND), Err(SlowConsumer));
    // The transport may be closed at once; the text goes out only where there is room.
    assert!(bench.server.is_drained());
    assert_eq!(bench.pump(6 * SECOND)[2], b'+');
    bench.server.on_closed(&mut bench.sessions, &mut bench.desk);
    bench.server.open(7 * SECOND);
    bench.bytes(7 * SECOND, &knock(b"secret")).unwrap();
    assert_eq!(bench.pump(7 * SECOND).len(), 33 + 4 * 4);
}

#[test]
fn who_reads_old_messages_may_be_far_behind() {
    let config = ServerConfig { backlog_messages_max: 3, ..ServerConfig::default() };
    let mut bench = Bench::with(config);
    for n in 0..20u8 {
        bench.sessions.append(WHO, &[n]);
    }
    bench.login("ANN", "", 1).unwrap();
    let mut out = [0; 36];
    for round in 0..15 {
        // As many messages come as are read, so the backlog does not shrink, but the place moves.
        let now_ns = round * 4 * SECOND;
        assert_eq!(bench.check(now_ns), Ok(()), "{round}");
        bench.send(now_ns, Packet::ClientHeartbeat).unwrap();
        let room = if round == 0 { 33 } else { 4 };
        bench.server.pump(now_ns, &bench.sessions, &mut out[..room]);
        bench.sessions.append(WHO, b"x");
    }
}

#[test]
fn messages_that_come_too_fast_are_left_to_the_transport() {
    let rate =
        ServerConfig { messages_per_second_max: 10, messages_burst_max: 3, ..<_>::default() };
    let mut bench = Bench::with(rate);
    bench.login("ANN", "", 1).unwrap();
    let one = packet(Packet::Unsequenced(b"order"));
    let flood: Vec<u8> = one.repeat(5);
    let Bench { server, sessions, desk } = &mut bench;
    // Cut in the third message, so that one is held in the reassembly buffer and one in the input.
    let cut = 3 * one.len() - 4;
    assert_eq!(server.take_bytes(0, &flood[..cut], sessions, desk), Ok(cut));
    assert_eq!(server.held_until_ns(), None);
    let taken = cut + server.take_bytes(0, &flood[cut..], sessions, desk).unwrap();
    assert_eq!((taken, desk.messages.len()), (3 * one.len(), 3));
    assert_eq!(server.held_until_ns(), Some(SECOND / 10));
    assert_eq!(server.take_bytes(1, &flood[taken..], sessions, desk), Ok(0));
    assert_eq!(server.counters().throttled, 1);
    let now_ns = SECOND / 10;
    assert_eq!(server.take_bytes(now_ns, &flood[taken..], sessions, desk), Ok(one.len()));
    let rest = &flood[taken + one.len()..];
    // Held with its beginning in the buffer already.
    assert_eq!(server.take_bytes(now_ns, &rest[..4], sessions, desk), Ok(4));
    assert_eq!(server.take_bytes(now_ns, &rest[4..], sessions, desk), Ok(0));
    assert_eq!(server.take_bytes(2 * now_ns, &rest[4..], sessions, desk), Ok(rest.len() - 4));
    assert_eq!((desk.messages.len(), server.held_until_ns()), (5, None));
    // Heartbeats and logouts never wait.
    assert_eq!(server.take_bytes(2 * now_ns, b"\0\x01R", sessions, desk), Ok(3));
    assert_eq!(server.take_bytes(2 * now_ns, b"\0\x01O", sessions, desk), Err(LoggedOut));
}

#[test]
fn orders_of_a_client_that_does_not_read_wait_before_what_it_missed_is_gone() {
    let config = ServerConfig { backlog_messages_max: 3, ..ServerConfig::default() };
    let mut bench = Bench::with(config);
    bench.login("ANN", "", 1).unwrap();
    bench.pump(0);
    for n in 0..4u8 {
        bench.sessions.append(WHO, &[n]);
    }
    let order = packet(Packet::Unsequenced(b"order"));
    let Bench { server, sessions, desk } = &mut bench;
    for _ in 0..2 {
        assert_eq!(server.take_bytes(0, &order, sessions, desk), Ok(0));
    }
    assert_eq!((server.counters().held_unread, server.counters().throttled), (1, 0));
    assert_eq!(server.held_until_ns(), Some(0), "to be offered again at once");
    // A message read, and the next order is taken.
    let mut out = [0; 4];
    assert_eq!(server.pump(0, sessions, &mut out), 4);
    assert_eq!(server.take_bytes(0, &order, sessions, desk), Ok(order.len()));
    assert_eq!((desk.messages.len(), server.held_until_ns()), (1, None));
}

/// Gives as many messages as it is told.
struct Market(usize);

impl ServerHandler for Market {
    fn on_message(&mut self, _: &mut Sessions, _: SessionId, _: &[u8]) {}

    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        (0..self.0).all(|n| image.push(&[n as u8; 19]));
        Some(1 + self.0 as u64)
    }
}

fn snapshot_bench() -> Bench {
    let mut bench = Bench::new();
    bench.sessions.set_kind(WHO, AccountKind::Snapshot);
    let config = SnapshotConfig { messages_max: 50, bytes_max: 1000, ..Default::default() };
    bench.sessions.enable_snapshots(config);
    bench
}

#[test]
fn a_snapshot_is_sent_whole_then_the_session_ends() {
    let mut bench = snapshot_bench();
    let Bench { server, sessions, .. } = &mut bench;
    server.on_bytes(0, &knock(b"secret"), sessions, &mut Market(40)).unwrap();
    assert_eq!(sessions.append(WHO, b"no order session"), None);
    let mut all = Vec::new();
    let mut out = [0; 50];
    while server.wants_pump(0, sessions) {
        let len = server.pump(0, sessions, &mut out);
        all.extend_from_slice(&out[..len]);
    }
    let mut expected = accepted(b"DAY1      ", "1");
    for n in 0..40u8 {
        expected.extend(packet(Packet::Sequenced(&[n; 19])));
    }
    let end = wire::glimpse::EndOfSnapshot::new(41);
    expected.extend(packet(Packet::Sequenced(wire::IntoBytes::as_bytes(&end))));
    expected.extend(packet(Packet::EndOfSession));
    assert_eq!(all, expected);
    assert_eq!(sessions.snapshot().unwrap().readers(), 1);
    assert_eq!(bench.check(0), Err(EndOfSession));
    assert!(bench.server.is_drained());
    assert_eq!(bench.sessions.snapshot().unwrap().readers(), 0);
}

#[test]
fn a_snapshot_that_cannot_be_is_refused_and_counted() {
    for (market, reason) in [(51, SnapshotFull), (0, SnapshotUnavailable)] {
        let mut bench = snapshot_bench();
        let end = if market > 0 {
            bench.server.on_bytes(0, &knock(b"secret"), &mut bench.sessions, &mut Market(market))
        } else {
            bench.bytes(0, &knock(b"secret"))
        };
        assert_eq!(end, Err(reason));
        assert_eq!(bench.pump(0), [0, 2, b'J', b'S']);
        assert_eq!(bench.sessions.disconnects().get(reason), 1);
        assert!(!bench.sessions.in_use(WHO));
    }
}

#[test]
fn a_snapshot_is_not_held_for_ever() {
    let mut bench = snapshot_bench();
    bench.server.on_bytes(0, &knock(b"secret"), &mut bench.sessions, &mut Market(40)).unwrap();
    for second in 1..30 {
        bench.send(second * SECOND, Packet::ClientHeartbeat).unwrap();
        assert_eq!(bench.check(second * SECOND), Ok(()));
    }
    assert_eq!(bench.check(30 * SECOND), Err(SlowConsumer));
    assert_eq!(bench.sessions.snapshot().unwrap().readers(), 0);
}

#[test]
fn a_taken_over_snapshot_has_one_reader() {
    let mut bench = snapshot_bench();
    bench.server.on_bytes(0, &knock(b"secret"), &mut bench.sessions, &mut Market(4)).unwrap();
    let mut newer = SoupServer::new(ServerConfig::default());
    newer.open(4 * SECOND);
    newer.on_bytes(4 * SECOND, &knock(b"secret"), &mut bench.sessions, &mut Market(5)).unwrap();
    assert_eq!(bench.check(4 * SECOND), Err(TakenOver));
    let image = bench.sessions.snapshot().unwrap();
    assert_eq!((image.readers(), image.counters().taken), (1, 2));
    newer.on_closed(&mut bench.sessions, &mut Market(0));
    assert_eq!(bench.sessions.snapshot().unwrap().readers(), 0);
}
