use super::*;
use proptest::prelude::*;

#[test]
fn a_second_of_tokens_and_no_more() {
    let mut bucket = Bucket::full();
    for _ in 0..3 {
        assert!(bucket.has_token(5, 3));
        bucket.take(3);
    }
    assert!(!bucket.has_token(5, 3));
    assert!(!bucket.has_token(5 + SECOND_NS / 3, 3), "a third of a second, rounded down");
    assert!(bucket.has_token(6 + SECOND_NS / 3, 3));
    bucket.take(3);
    assert!(!bucket.has_token(0, 3), "time going back earns nothing");
    assert!(!Bucket::full().has_token(u64::MAX, 0), "0 allows none");
}

#[test]
fn debt_is_at_most_a_second() {
    let mut bucket = Bucket::full();
    for _ in 0..100 {
        bucket.has_token(7, 2);
        bucket.take(2);
    }
    assert!(!bucket.has_token(7 + SECOND_NS, 2), "back at nothing");
    assert!(bucket.has_token(7 + SECOND_NS * 3 / 2, 2));
}

proptest! {
    #[test]
    fn never_overflows(calls in prop::collection::vec(any::<(u64, u32, bool)>(), 1..50)) {
        let mut bucket = Bucket::full();
        for (now_ns, rate, take) in calls {
            if bucket.has_token(now_ns, rate) || take {
                bucket.take(rate);
            }
        }
    }
}
