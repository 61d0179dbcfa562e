//! The feed: any bytes at any of its entrances, at any time, leave its account in balance.
//!
//! The input is a run of `what[1] length[1] later_ms[1] bytes[length]`.
#![no_main]

use feed::{Feed, FeedConfig, FeedHandler, Gap, Line, RetransmitConfig, SnapshotJoinConfig};
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Watcher {
    delivered: u64,
    lost: u64,
}

impl FeedHandler for Watcher {
    fn on_message(&mut self, _: u64, _: &[u8]) {
        self.delivered += 1;
    }
    fn on_lost(&mut self, gap: Gap) {
        self.lost += gap.missing();
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut feed = Feed::new(&FeedConfig {
        wait_ns: 1_000_000,
        retransmit: Some(RetransmitConfig::default()),
        snapshot: Some(SnapshotJoinConfig { join_at_start: true, ..Default::default() }),
        held_messages_max: 32,
        held_bytes_max: 512,
        session_silence_ns: 200_000_000,
        ..FeedConfig::default()
    });
    let (mut watcher, mut now_ns, mut rest) = (Watcher::default(), 0, bytes);
    while let [what, length, later_ms, tail @ ..] = rest {
        let (payload, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        now_ns += u64::from(*later_ms) * 1_000_000;
        match what % 8 {
            0 | 1 => {
                feed.on_packet(Line::A, now_ns, payload, &mut watcher);
            }
            2 => {
                feed.on_packet(Line::B, now_ns, payload, &mut watcher);
            }
            3 => feed.on_retransmission(now_ns, payload, &mut watcher),
            4 => feed.on_snapshot_message(now_ns, payload, &mut watcher),
            5 => feed.on_snapshot_closed(now_ns),
            6 => {
                feed.next_request(now_ns, &mut [0; 20]);
            }
            _ => {
                feed.poll(now_ns, &mut watcher);
            }
        }
        assert!(feed.held() <= 32);
    }
    let counters = feed.counters();
    assert_eq!((counters.delivered, counters.lost_messages), (watcher.delivered, watcher.lost));
});
