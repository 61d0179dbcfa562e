use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

/// The naive twin: owned messages, and the ring's arithmetic written as a sum over what is held.
struct Naive {
    config: StoreConfig,
    held: VecDeque<(u64, Vec<u8>)>,
    write: u64,
    next_seq: u64,
    evicted: u64,
}

impl Naive {
    fn append(&mut self, message: &[u8]) -> Option<u64> {
        let ring = self.config.bytes_max as u64;
        if message.len() as u64 > ring / 4 {
            return None;
        }
        while self.write % ring + message.len() as u64 > ring {
            self.write += 1;
        }
        let end = self.write + message.len() as u64;
        while self.held.len() == self.config.messages_max
            || self.held.front().is_some_and(|(start, _)| start + ring < end)
        {
            self.held.pop_front();
            self.evicted += 1;
        }
        self.held.push_back((self.write, message.to_vec()));
        self.write = end;
        self.next_seq += 1;
        Some(self.next_seq - 1)
    }

    fn oldest_seq(&self) -> u64 {
        self.next_seq - self.held.len() as u64
    }
}

proptest! {
    #[test]
    fn agrees_with_a_deque(
        messages_log2 in 0usize..7,
        bytes_log2 in 6usize..11,
        lens in prop::collection::vec(0usize..80, 0..400),
    ) {
        let config = StoreConfig { messages_max: 1 << messages_log2, bytes_max: 1 << bytes_log2 };
        let mut store = ReplayStore::new(config).unwrap();
        let mut naive =
            Naive { config, held: VecDeque::new(), write: 0, next_seq: 1, evicted: 0 };
        for (i, len) in lens.into_iter().enumerate() {
            let message: Vec<u8> = (0..len).map(|k| (i * 7 + k) as u8).collect();
            prop_assert_eq!(store.append(&message), naive.append(&message));
            prop_assert_eq!(store.next_seq(), naive.next_seq);
            prop_assert_eq!(store.oldest_seq(), naive.oldest_seq());
            prop_assert_eq!(store.evicted(), naive.evicted);
            prop_assert_eq!(store.len(), naive.held.len());
            for (seq, (_, held)) in (naive.oldest_seq()..).zip(&naive.held) {
                prop_assert_eq!(store.get(seq), Some(&held[..]));
            }
        }
        prop_assert_eq!(store.get(store.oldest_seq() - 1), None);
        prop_assert_eq!(store.get(store.next_seq()), None);
    }
}

#[test]
fn a_message_written_in_place_may_be_shorter_than_its_room() {
    let mut store = ReplayStore::new(StoreConfig { messages_max: 4, bytes_max: 64 }).unwrap();
    let seq = store.append_with(16, |room| {
        room[..3].copy_from_slice(b"abc");
        3
    });
    assert_eq!(seq, Some(1));
    assert_eq!(store.append(b"d"), Some(2));
    assert_eq!(store.get(1), Some(&b"abc"[..]));
    assert_eq!(store.get(2), Some(&b"d"[..]));
}

#[test]
fn what_is_too_long_is_refused_and_counted() {
    let mut store = ReplayStore::new(StoreConfig { messages_max: 4, bytes_max: 64 }).unwrap();
    assert_eq!(store.append(&[0; 17]), None);
    assert_eq!((store.refused(), store.next_seq(), store.is_empty()), (1, 1, true));
    assert_eq!(store.append(&[0; 16]), Some(1));
}

#[test]
fn sizes_that_are_not_powers_of_two_are_refused() {
    let make = |messages_max, bytes_max| {
        ReplayStore::new(StoreConfig { messages_max, bytes_max }).map(|_| ())
    };
    assert_eq!(make(3, 64), Err(StoreError::Messages(3)));
    assert_eq!(make(0, 64), Err(StoreError::Messages(0)));
    assert_eq!(make(4, 100), Err(StoreError::Bytes(100)));
    assert_eq!(make(4, 32), Err(StoreError::Bytes(32)));
}

#[test]
fn what_lies_from_a_message_on_is_counted() {
    let mut store = ReplayStore::new(StoreConfig { messages_max: 4, bytes_max: 64 }).unwrap();
    assert_eq!(store.bytes_from(1), 0);
    for len in [10, 5, 7, 1, 2] {
        store.append(&[0; 16][..len]);
    }
    // The first was evicted: from there on means from the oldest held on.
    let bytes: Vec<u64> = (1..=6).map(|seq| store.bytes_from(seq)).collect();
    assert_eq!(bytes, [15, 15, 10, 3, 2, 0]);
}
