use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

const RATE: Rate = Rate { interval_ns: 100, burst_max: 3 };

/// The textbook's bucket: tokens in 1/100, one more every ns.
struct Naive {
    tokens: u64,
    last_ns: u64,
}

impl Naive {
    fn take(&mut self, now_ns: u64) -> bool {
        self.tokens = (self.tokens + now_ns - self.last_ns).min(300);
        self.last_ns = now_ns;
        let ready = self.tokens >= 100;
        self.tokens -= if ready { 100 } else { 0 };
        ready
    }
}

#[test]
fn a_burst_then_one_an_interval() {
    let mut bucket = Bucket::default();
    let taken: Vec<bool> = (0..5).map(|_| bucket.take(RATE, 1000)).collect();
    assert_eq!(taken, [true, true, true, false, false]);
    assert_eq!(bucket.ready_ns(RATE), 1100);
    assert!(!bucket.take(RATE, 1099) && bucket.take(RATE, 1100) && !bucket.take(RATE, 1100));
}

#[test]
fn a_rate_of_none_is_no_limit() {
    let mut bucket = Bucket::default();
    assert!((0..1000).all(|_| bucket.take(Rate::OFF, 5)));
    assert!(Rate::per_second(0, 9).is_off());
    assert_eq!(Rate::per_second(1000, 1).interval_ns, 1_000_000);
    assert_eq!(Rate::per_second(u32::MAX, 1).interval_ns, 1);
}

#[test]
fn a_full_set_forgets_the_one_nearest_to_full() {
    let mut table = RateTable::new(Rate { interval_ns: 100, burst_max: 1 }, 8);
    for key in 1..=8u32 {
        assert!(table.take(key, u64::from(key)));
    }
    assert_eq!(table.forgotten(), 0);
    assert!(table.take(9, 10));
    assert_eq!(table.forgotten(), 1);
    assert!(table.is_ready(1, 10) && !table.is_ready(2, 10) && !table.is_ready(9, 10));
    // Once full again, a bucket's slot is free.
    assert!(table.take(10, 500));
    assert_eq!(table.forgotten(), 1);
}

proptest! {
    #[test]
    fn a_table_is_as_many_buckets(
        steps in prop::collection::vec((0u32..6, 0u64..120), 0..300),
    ) {
        let mut table = RateTable::new(RATE, 64);
        let mut naive: HashMap<u32, Naive> = HashMap::new();
        let mut now_ns = 1000;
        for (key, wait_ns) in steps {
            now_ns += wait_ns;
            let twin = naive.entry(key).or_insert(Naive { tokens: 300, last_ns: now_ns });
            prop_assert_eq!(table.take(key, now_ns), twin.take(now_ns));
        }
        prop_assert_eq!(table.forgotten(), 0);
    }
}
