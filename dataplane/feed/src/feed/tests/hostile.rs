//! Anything at all into every entry point: no panic, and the books balance.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Input {
    Packet(bool, Vec<u8>),
    Reply(Vec<u8>),
    Snapshot(Vec<u8>),
    Closed,
    Poll,
    Request,
}

/// Downstream packets, most of them sound, near and far, of two sessions, some cut.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let near = prop_oneof![8 => 0u64..200, 1 => any::<u64>(), 1 => u64::MAX - 20..=u64::MAX];
    let sound = (any::<bool>(), near, 0u16..12, 0u8..20).prop_map(|(day, first, count, kind)| {
        let session = if day || kind > 2 { DAY } else { NEXT };
        let count = count.min(u16::try_from(u64::MAX - first).unwrap_or(u16::MAX));
        let mut bytes = match kind {
            0 => end_of(session, first),
            _ => packet_of(session, first, count),
        };
        if kind == 1 {
            bytes.truncate(bytes.len() - 1);
        }
        bytes
    });
    prop_oneof![9 => sound, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}

fn input() -> impl Strategy<Value = Input> {
    let end = prop_oneof![0u64..250, any::<u64>()].prop_map(end_of_snapshot);
    let snapshot = prop_oneof![prop::collection::vec(any::<u8>(), 0..30), end];
    prop_oneof![
        8 => (any::<bool>(), payload()).prop_map(|(b, bytes)| Input::Packet(b, bytes)),
        2 => payload().prop_map(Input::Reply),
        2 => snapshot.prop_map(Input::Snapshot),
        1 => Just(Input::Closed),
        3 => Just(Input::Poll),
        2 => Just(Input::Request),
    ]
}

/// The order of things, whatever comes in.
#[derive(Default)]
struct Watcher {
    next: Option<u64>,
    in_snapshot: bool,
    told: u64,
}

impl FeedHandler for Watcher {
    fn on_message(&mut self, seq: u64, _: &[u8]) {
        assert!(!self.in_snapshot && self.next.is_none_or(|next| next == seq));
        self.next = Some(seq + 1);
        self.told += 1;
    }
    fn on_lost(&mut self, gap: Gap) {
        assert!(gap.missing() > 0 && self.next.is_none_or(|next| next == gap.from));
        (self.next, self.in_snapshot) = (Some(gap.to), false);
    }
    fn on_snapshot_begin(&mut self) {
        assert!(!self.in_snapshot);
        self.in_snapshot = true;
    }
    fn on_snapshot_message(&mut self, _: &[u8]) {
        assert!(self.in_snapshot);
    }
    fn on_snapshot_end(&mut self, next_seq: u64) {
        assert!(self.in_snapshot && self.next.is_none_or(|next| next <= next_seq));
        (self.next, self.in_snapshot) = (Some(next_seq), false);
    }
    fn on_snapshot_failed(&mut self) {
        assert!(self.in_snapshot);
        self.in_snapshot = false;
    }
    fn on_session(&mut self, _: &Session) {
        (self.next, self.in_snapshot) = (None, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_breaks_it(
        seeded in any::<[bool; 5]>(),
        held in 0usize..40,
        inputs in prop::collection::vec((0u64..3 * MS, input()), 1..200),
    ) {
        let [first, retransmit, snapshot, at_start, waits] = seeded;
        let mut config = config();
        config.first_seq = first.then_some(1);
        config.held_messages_max = held;
        config.held_bytes_max = held * 12;
        config.session_silence_ns = 20 * MS;
        config.wait_ns = if waits { MS } else { 0 };
        config.snapshot.as_mut().unwrap().join_at_start = at_start;
        config.retransmit = config.retransmit.filter(|_| retransmit);
        config.snapshot = config.snapshot.filter(|_| snapshot);
        let (mut feed, mut watcher, mut now_ns) = (Feed::new(&config), Watcher::default(), 0);
        let (mut packets, mut replies) = (0, 0);
        for (later_ns, input) in inputs {
            now_ns += later_ns;
            match input {
                Input::Packet(b, bytes) => {
                    packets += 1;
                    let line = if b { Line::B } else { Line::A };
                    feed.on_packet(line, now_ns, &bytes, &mut watcher);
                }
                Input::Reply(bytes) => {
                    replies += 1;
                    feed.on_retransmission(now_ns, &bytes, &mut watcher);
                }
                Input::Snapshot(bytes) => {
                    feed.on_snapshot_message(now_ns, &bytes, &mut watcher);
                }
                Input::Closed => feed.on_snapshot_closed(now_ns),
                Input::Poll => {
                    feed.poll(now_ns, &mut watcher);
                }
                Input::Request => {
                    feed.next_request(now_ns, &mut [0; HEADER_LEN]);
                }
            }
            prop_assert!(feed.held() <= held);
            let is_heard = feed.session().is_some();
            prop_assert!(!is_heard || feed.expected_seq() <= feed.known_next_seq());
            let is_live = feed.state() == FeedState::Live;
            prop_assert!(!is_live || (feed.missing() == 0 && feed.held() == 0));
        }
        let counters = feed.counters();
        prop_assert_eq!((counters.packets, counters.replies), (packets, replies));
        prop_assert_eq!(counters.delivered, watcher.told);
        let [a, b] = Line::ALL.map(|line| *feed.line(line));
        prop_assert_eq!(a.packets + b.packets, packets);
        prop_assert_eq!(a.heartbeats + b.heartbeats, counters.heartbeats);
        prop_assert_eq!(a.refused + b.refused, counters.refused.iter().sum::<u64>());
        prop_assert_eq!(a.duplicates + b.duplicates, counters.duplicates);
    }
}
