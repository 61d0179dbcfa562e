use super::*;
use crate::rate::Rate;
use crate::store::StoreConfig;
use proptest::prelude::*;
use std::collections::BTreeSet;
use wire::moldudp64::{HEADER_LEN, Header, Packer, Session};

const SECOND: u64 = crate::SECOND_NS;
const DAY: Session = *b"DAY       ";

fn publisher(messages_max: usize, bytes_max: usize) -> MoldPublisher {
    let store = StoreConfig { messages_max, bytes_max };
    MoldPublisher::new(PublisherConfig { store, ..PublisherConfig::new(DAY) }).unwrap()
}

/// A message that tells its own number, and whose length depends on it.
fn message(seq: u64) -> Vec<u8> {
    [&seq.to_be_bytes()[..], &vec![seq as u8; seq as usize % 5]].concat()
}

#[derive(Default)]
struct Seen {
    delivered: Vec<u64>,
    gaps: Vec<Gap>,
    ended: Vec<u64>,
}

impl MoldHandler for Seen {
    fn on_message(&mut self, seq: u64, bytes: &[u8]) {
        assert_eq!(bytes, message(seq));
        self.delivered.push(seq);
    }

    fn on_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    fn on_end_of_session(&mut self, next_seq: u64) {
        self.ended.push(next_seq);
    }
}

impl Seen {
    fn missing(&self) -> impl Iterator<Item = u64> + '_ {
        self.gaps.iter().flat_map(|gap| gap.from..gap.to)
    }
}

fn packet(session: Session, first: u64, count: u64) -> Vec<u8> {
    let mut out = vec![0; 2000];
    let mut packer = Packer::new(&mut out).unwrap();
    for seq in first..first + count {
        assert!(packer.push(&message(seq)));
    }
    let len = packer.finish(session, first);
    out.truncate(len);
    out
}

/// Pumps whatever is due now, and checks each announced length.
fn pump_all(publisher: &mut MoldPublisher, now_ns: u64, room: usize) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    loop {
        let len = publisher.next_len(now_ns, room);
        let mut exact = vec![0; len];
        assert_eq!(publisher.pump(now_ns, &mut exact), len);
        if len == 0 {
            return packets;
        }
        packets.push(exact);
    }
}

/// What a line does to the packets: each may be lost, doubled, and held back by some places.
fn mangle(packets: &[Vec<u8>], fates: &[(u8, usize)]) -> Vec<Vec<u8>> {
    let mut arriving = Vec::new();
    for (i, (packet, &(fate, late))) in packets.iter().zip(fates.iter().cycle()).enumerate() {
        let copies = [1, 1, 1, 1, 1, 1, 0, 2][usize::from(fate % 8)];
        for copy in 0..copies {
            arriving.push((i + late + copy * 3, packet.clone()));
        }
    }
    arriving.sort_by_key(|&(place, _)| place);
    arriving.into_iter().map(|(_, packet)| packet).collect()
}

proptest! {
    #[test]
    fn delivered_and_gaps_are_everything_once(
        bursts in prop::collection::vec(0u64..12, 1..40),
        room in 40usize..200,
        fates in prop::collection::vec((any::<u8>(), 0usize..4), 1..60),
    ) {
        let mut publisher = publisher(1 << 10, 1 << 14);
        let mut packets = Vec::new();
        for (i, &burst) in bursts.iter().enumerate() {
            for _ in 0..burst {
                let seq = publisher.next_seq();
                prop_assert_eq!(publisher.publish(&message(seq)), Some(seq));
            }
            packets.extend(pump_all(&mut publisher, i as u64 * SECOND / 2, room));
        }
        let published = publisher.next_seq() - 1;
        let mut receiver =
            MoldReceiver::new(ReceiverConfig { first_seq: Some(1), ..Default::default() });
        let mut seen = Seen::default();
        for packet in mangle(&packets, &fates) {
            let before = *receiver.counters();
            let outcome = receiver.on_packet(0, &packet, &mut seen);
            if let PacketOutcome::Messages { delivered, duplicates, gap } = outcome {
                let after = receiver.counters();
                prop_assert_eq!(after.delivered - before.delivered, u64::from(delivered));
                prop_assert_eq!(after.duplicates - before.duplicates, u64::from(duplicates));
                prop_assert_eq!(after.gaps - before.gaps, u64::from(gap.is_some()));
            }
        }
        publisher.end_session(1000 * SECOND);
        let end = pump_all(&mut publisher, 1000 * SECOND, room);
        prop_assert_eq!(end.len(), 1);
        receiver.on_packet(0, &end[0], &mut seen);
        prop_assert_eq!(&seen.ended, &[published + 1]);

        prop_assert!(seen.delivered.is_sorted_by(|a, b| a < b));
        let missing: Vec<u64> = seen.missing().collect();
        prop_assert!(missing.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(receiver.counters().missing, missing.len() as u64);
        prop_assert_eq!(receiver.counters().delivered, seen.delivered.len() as u64);
        let all: BTreeSet<u64> = seen.delivered.iter().chain(&missing).copied().collect();
        prop_assert_eq!(all.len(), seen.delivered.len() + missing.len());
        prop_assert_eq!(all, (1..=published).collect::<BTreeSet<_>>());
    }

    /// Packets that overlap in any way, against a model that looks at each number alone.
    #[test]
    fn overlaps_agree_with_a_naive_model(
        packets in prop::collection::vec((1u64..40, 0u64..8), 0..40),
        first_seq in prop::option::of(1u64..5),
    ) {
        let mut receiver = MoldReceiver::new(ReceiverConfig { first_seq, ..Default::default() });
        let mut seen = Seen::default();
        let (mut delivered, mut missing, mut duplicates) = (Vec::new(), Vec::new(), 0);
        let mut expected = first_seq;
        for (first, count) in packets {
            receiver.on_packet(0, &packet(DAY, first, count), &mut seen);
            let from = expected.unwrap_or(first);
            missing.extend(from..first);
            let mut next = from.max(first);
            for seq in first..first + count {
                if seq >= next {
                    delivered.push(seq);
                    next = seq + 1;
                } else {
                    duplicates += 1;
                }
            }
            expected = Some(next);
        }
        prop_assert_eq!(receiver.expected_seq(), expected);
        prop_assert_eq!(seen.missing().collect::<Vec<_>>(), missing);
        prop_assert_eq!(&seen.delivered, &delivered);
        prop_assert_eq!(receiver.counters().duplicates, duplicates);
    }

    #[test]
    fn noise_moves_nothing_and_panics_nowhere(
        noise in prop::collection::vec(any::<u8>(), 0..80),
        header in any::<bool>(),
        sequence in prop_oneof![any::<u64>(), 0u64..9, u64::MAX - 9..=u64::MAX],
        count in any::<u16>(),
    ) {
        struct Anything;
        impl MoldHandler for Anything {
            fn on_message(&mut self, _: u64, _: &[u8]) {}
        }
        let head = Header::new(DAY, sequence, count);
        let bytes = match header {
            true => [wire::IntoBytes::as_bytes(&head), &noise].concat(),
            false => noise,
        };
        let mut receiver =
            MoldReceiver::new(ReceiverConfig { first_seq: Some(5), ..Default::default() });
        let outcome = receiver.on_packet(0, &bytes, &mut Anything);
        if let PacketOutcome::Refused(error) = outcome {
            prop_assert_eq!(receiver.expected_seq(), Some(5));
            prop_assert_eq!(receiver.counters().refused[error as usize], 1);
        }
        let mut publisher = publisher(64, 1024);
        publisher.publish(b"x");
        publisher.pump(0, &mut [0; 100]);
        let mut out = [0; 100];
        if let Ok(len) = publisher.on_request(&bytes, &mut out) {
            prop_assert!(len > HEADER_LEN && len <= out.len());
        }
    }

    /// Whatever is still held comes back byte for byte, and each refusal has its reason.
    #[test]
    fn requests_get_what_is_held(
        published in 0u64..100,
        room in 20usize..200,
        first in 0u64..110,
        count in 0u16..40,
    ) {
        let mut publisher = publisher(32, 1024);
        for seq in 1..=published {
            publisher.publish(&message(seq));
            pump_all(&mut publisher, 0, 1000);
        }
        let oldest = publisher.store().oldest_seq();
        let request = Header::new(DAY, first, count);
        let mut out = vec![0; room];
        let answer = publisher.on_request(wire::IntoBytes::as_bytes(&request), &mut out);
        let mut held = (first..=published).take(usize::from(count)).collect::<Vec<_>>();
        let size = |held: &[u64]| 20 + held.iter().map(|&s| 2 + message(s).len()).sum::<usize>();
        while size(&held) > room {
            held.pop();
        }
        match answer {
            Ok(len) => {
                prop_assert_eq!(&out[..len], &packet(DAY, first, held.len() as u64)[..]);
                prop_assert_eq!(publisher.counters().retransmitted, held.len() as u64);
            }
            Err(RequestRefusal::Empty) => prop_assert_eq!(count, 0),
            Err(RequestRefusal::NotYetSent) => prop_assert!(first > published),
            Err(RequestRefusal::Evicted) => prop_assert!(first < oldest),
            Err(RequestRefusal::NoRoom) => prop_assert!(held.is_empty()),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn an_idle_session_beats_once_a_second() {
    let mut publisher = publisher(64, 1024);
    let heartbeat = |next| packet(DAY, next, 0);
    assert_eq!(pump_all(&mut publisher, 0, 100), [heartbeat(1)]);
    assert!(pump_all(&mut publisher, SECOND - 1, 100).is_empty());
    publisher.publish(&message(1));
    publisher.publish(&message(2));
    assert_eq!(pump_all(&mut publisher, SECOND - 1, 100), [packet(DAY, 1, 2)]);
    assert!(pump_all(&mut publisher, 2 * SECOND - 2, 100).is_empty());
    assert_eq!(pump_all(&mut publisher, 2 * SECOND - 1, 100), [heartbeat(3)]);
    assert_eq!(publisher.counters().heartbeats, 2);
}

#[test]
fn the_end_is_announced_for_a_while() {
    let mut publisher = publisher(64, 1024);
    publisher.publish(&message(1));
    publisher.end_session(0);
    assert_eq!(publisher.publish(&message(2)), None);
    let first = pump_all(&mut publisher, 0, 100);
    assert_eq!((first.len(), &first[0]), (2, &packet(DAY, 1, 1)));
    let mut receiver = MoldReceiver::new(ReceiverConfig::default());
    let mut seen = Seen::default();
    let mut ends = 0;
    for packet in &first {
        receiver.on_packet(0, packet, &mut seen);
    }
    for now in 1..100 {
        for packet in pump_all(&mut publisher, now * SECOND, 100) {
            ends += 1;
            let outcome = receiver.on_packet(now, &packet, &mut seen);
            assert_eq!(outcome, PacketOutcome::EndOfSession { gap: None });
        }
        assert_eq!(publisher.is_over(now * SECOND), now > 30);
    }
    assert_eq!((ends, seen.ended.as_slice(), receiver.is_ended()), (30, &[2][..], true));
}

#[test]
fn what_was_never_sent_is_counted_and_shows_as_a_gap() {
    let mut publisher = publisher(4, 1024);
    for seq in 1..=6 {
        publisher.publish(&message(seq));
    }
    assert_eq!(pump_all(&mut publisher, 0, 500), [packet(DAY, 3, 4)]);
    assert_eq!(publisher.counters().unsent_evicted, 2);
}

#[test]
fn what_would_fit_no_packet_is_not_taken() {
    let mut publisher = publisher(64, 1 << 13);
    assert_eq!(publisher.publish(&[0; 1025]), None);
    assert_eq!(publisher.publish(&[0; 1024]), Some(1));
    assert_eq!(publisher.next_len(0, 1024 + 22), 1024 + 22);
    publisher.end_session(0);
    assert_eq!(publisher.publish(b"x"), None);
    assert_eq!(publisher.counters().not_taken, 2);
}

#[test]
fn too_little_room_loses_nothing() {
    let mut publisher = publisher(64, 1024);
    publisher.publish(&message(1));
    for room in 0..HEADER_LEN + 2 + message(1).len() {
        assert_eq!(publisher.next_len(0, room), 0);
        assert_eq!(publisher.pump(0, &mut vec![0; room]), 0);
    }
    assert_eq!(pump_all(&mut publisher, 0, 100), [packet(DAY, 1, 1)]);
}

#[test]
fn what_is_queued_is_not_retransmitted() {
    let mut publisher = publisher(64, 1024);
    for seq in 1..=3 {
        publisher.publish(&message(seq));
    }
    let mut out = [0; 100];
    assert_eq!(publisher.pump(0, &mut out[..50]), packet(DAY, 1, 2).len());
    let mut ask = |first, count| {
        let request = Header::new(DAY, first, count);
        publisher.on_request(wire::IntoBytes::as_bytes(&request), &mut out)
    };
    assert_eq!(ask(2, 9), Ok(packet(DAY, 2, 1).len()));
    assert_eq!(ask(3, 1), Err(RequestRefusal::NotYetSent));
    assert_eq!(publisher.counters().refused[RequestRefusal::NotYetSent as usize], 1);
}

#[test]
fn each_wrong_packet_has_its_reason() {
    let good = packet(DAY, 5, 2);
    let mut cut = good.clone();
    cut.pop();
    let cases = [
        (good[..19].to_vec(), MoldError::Short),
        (cut, MoldError::Malformed),
        ([&good[..], b"x"].concat(), MoldError::Malformed),
        (packet(*b"NIGHT     ", 5, 2), MoldError::OtherSession),
        (packet(DAY, 0, 2), MoldError::SequenceRange),
        (packet(DAY, u64::MAX, 0), MoldError::SequenceRange),
        (packet(DAY, 6 + (1 << 30), 1), MoldError::SequenceJump),
    ];
    let config = ReceiverConfig { session: Some(DAY), first_seq: Some(5), ..Default::default() };
    let mut receiver = MoldReceiver::new(config);
    let mut seen = Seen::default();
    for (bytes, error) in cases {
        assert_eq!(receiver.on_packet(0, &bytes, &mut seen), PacketOutcome::Refused(error));
    }
    assert_eq!(receiver.counters().refused, [1, 2, 1, 2, 1]);
    assert_eq!(receiver.silence_ns(9), None);
    let outcome = receiver.on_packet(4, &good, &mut seen);
    assert_eq!(outcome, PacketOutcome::Messages { delivered: 2, duplicates: 0, gap: None });
    assert_eq!(receiver.silence_ns(9), Some(5));
    assert_eq!((seen.delivered, seen.gaps), (vec![5, 6], vec![]));
}

#[test]
fn a_heartbeat_shows_what_was_lost_at_the_end() {
    let mut receiver = MoldReceiver::new(ReceiverConfig::default());
    let mut seen = Seen::default();
    receiver.on_packet(0, &packet(DAY, 3, 1), &mut seen);
    assert_eq!(receiver.session(), Some(DAY));
    let gap = Gap { from: 4, to: 7 };
    let outcome = receiver.on_packet(0, &packet(DAY, 7, 0), &mut seen);
    assert_eq!(outcome, PacketOutcome::Heartbeat { gap: Some(gap) });
    assert_eq!((outcome.gap(), gap.missing()), (Some(gap), 3));
    assert_eq!(receiver.on_packet(0, &packet(DAY, 7, 0), &mut seen).gap(), None);
    assert_eq!(seen.gaps, [gap]);
}

#[test]
fn who_asks_too_often_is_refused_and_others_are_not() {
    let requests = RequestLimits {
        requester: Rate { interval_ns: 100, burst_max: 2 },
        requesters_max: 8,
        all: Rate { interval_ns: 10, burst_max: 5 },
    };
    let config = PublisherConfig { requests, ..PublisherConfig::new(*b"DAY       ") };
    let mut publisher = MoldPublisher::new(config).unwrap();
    publisher.publish(b"one");
    let mut out = [0; 100];
    publisher.pump(0, &mut out);
    let request = wire::moldudp64::Request::new(*b"DAY       ", 1, 9);
    let request = wire::IntoBytes::as_bytes(&request);
    let mut ask = |now_ns, who| publisher.on_request_from(now_ns, who, request, &mut out);
    let refused = Err(RequestRefusal::Throttled);
    // More messages than there are: as many as there are.
    assert_eq!([ask(0, 1), ask(0, 1), ask(0, 1)], [Ok(25), Ok(25), refused]);
    assert_eq!([ask(0, 2), ask(0, 2), ask(0, 2)], [Ok(25), Ok(25), refused]);
    // All together have one left, which those refused before did not use up.
    assert_eq!([ask(0, 3), ask(0, 4)], [Ok(25), refused]);
    assert_eq!([ask(100, 1), ask(100, 1)], [Ok(25), refused]);
    assert_eq!(publisher.counters().refused[RequestRefusal::Throttled as usize], 4);
    // Noise is charged as well, and counted for what it is.
    let mut noise = |now_ns| publisher.on_request_from(now_ns, 9, b"?", &mut [0; 100]);
    assert_eq!(noise(1000), Err(RequestRefusal::Short));
    assert_eq!(noise(1000), Err(RequestRefusal::Short));
    assert_eq!(noise(1000), refused);
}
