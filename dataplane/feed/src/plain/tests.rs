use super::*;
use proptest::prelude::*;
use session::{Gap, MoldPublisher, PublisherConfig, StoreConfig};

#[derive(Default)]
struct Seen {
    delivered: Vec<u64>,
    gaps: Vec<Gap>,
}

impl MoldHandler for Seen {
    fn on_message(&mut self, seq: u64, message: &[u8]) {
        assert_eq!(message, seq.to_be_bytes());
        self.delivered.push(seq);
    }

    fn on_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }
}

/// `messages` messages in packets of `each` at most.
fn packets(messages: u64, each: usize) -> Vec<Vec<u8>> {
    let store = StoreConfig { messages_max: 1024, bytes_max: 1 << 16 };
    let config = PublisherConfig { store, ..PublisherConfig::new(*b"DAY       ") };
    let mut publisher = MoldPublisher::new(config).unwrap();
    for seq in 1..=messages {
        assert_eq!(publisher.publish(&seq.to_be_bytes()), Some(seq));
    }
    let mut out = vec![0; 20 + 10 * each];
    let mut packets = Vec::new();
    while publisher.counters().messages < messages {
        let len = publisher.pump(0, &mut out);
        packets.push(out[..len].to_vec());
    }
    packets
}

proptest! {
    /// As long as each packet comes by one line before the next one comes by either, nothing is
    /// missing.
    #[test]
    fn each_message_comes_once_when_either_line_has_it(
        each in 1usize..5,
        lost in prop::collection::vec((any::<bool>(), any::<bool>()), 60),
        b_first in prop::collection::vec(any::<bool>(), 60),
    ) {
        let packets = packets(60, each);
        let mut feed = PlainFeed::new(ReceiverConfig { first_seq: Some(1), ..Default::default() });
        let mut seen = Seen::default();
        for (i, packet) in packets.iter().enumerate() {
            let (a_lost, b_lost) = lost[i];
            let order = if b_first[i] { [Line::B, Line::A] } else { [Line::A, Line::B] };
            for line in order {
                // A packet lost on both lines would be a real gap: line A has it then.
                let is_lost = match line { Line::A => a_lost && !b_lost, Line::B => b_lost };
                if !is_lost {
                    feed.on_packet(line, i as u64, packet, &mut seen);
                }
            }
        }
        prop_assert_eq!(&seen.delivered, &(1..=60).collect::<Vec<_>>());
        prop_assert!(seen.gaps.is_empty());
        let [a, b] = Line::ALL.map(|line| *feed.line(line));
        prop_assert_eq!(a.delivered + b.delivered, 60);
        prop_assert_eq!(a.packets + b.packets, feed.receiver().counters().packets);
        prop_assert_eq!(a.duplicates + b.duplicates, feed.receiver().counters().duplicates);
    }
}

#[test]
fn the_line_that_shows_a_gap_has_it_counted() {
    let packets = packets(3, 1);
    let mut feed = PlainFeed::new(ReceiverConfig::default());
    let mut seen = Seen::default();
    feed.on_packet(Line::A, 1, &packets[0], &mut seen);
    feed.on_packet(Line::B, 2, &packets[2], &mut seen);
    feed.on_packet(Line::A, 3, &packets[1], &mut seen);
    feed.on_packet(Line::B, 4, b"noise", &mut seen);
    assert_eq!(seen.delivered, [1, 3]);
    assert_eq!(seen.gaps, [Gap { from: 2, to: 3 }]);
    assert_eq!((feed.line(Line::B).gaps, feed.line(Line::B).missing), (1, 1));
    assert_eq!((feed.line(Line::A).gaps, feed.line(Line::A).duplicates), (0, 1));
    assert_eq!((feed.line(Line::B).refused, feed.line(Line::B).packets), (1, 2));
    assert_eq!(feed.line_silence_ns(Line::B, 10), Some(8));
    assert_eq!(feed.line_silence_ns(Line::A, 10), Some(7));
}
