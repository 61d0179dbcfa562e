use super::*;

#[test]
fn a_way_is_in_order_and_bounded() {
    let mut way = Delayed::new(3, 10, Jitter::new(7, 0, 1_000));
    for (tag, text) in [(0, b"a"), (1, b"b"), (2, b"c")] {
        let at = way.arrival(100 + u64::from(tag));
        assert!(way.send(at, tag, text));
    }
    assert!(way.is_full() && !way.send(2_000, 3, b"d"));
    let mut last = 0;
    for (tag, text) in [(0, b"a"), (1, b"b"), (2, b"c")] {
        let at = way.next_ns();
        assert!(at >= last && at >= 110 + u64::from(tag) && at <= 102 + 10 + 1_000);
        last = at;
        let message = way.take().unwrap();
        assert_eq!((message.tag, message.bytes()), (tag, &text[..]));
    }
    assert!(way.is_empty() && way.take().is_none() && way.next_ns() == u64::MAX);
}

#[test]
fn jitter_depends_on_seed_and_way_and_stays_within_its_bound() {
    let run = |seed, way| -> Vec<u64> {
        let mut jitter = Jitter::new(seed, way, 50);
        (0..2_000).map(|_| jitter.next()).collect()
    };
    assert_eq!(run(1, 0), run(1, 0));
    assert_ne!(run(1, 0), run(1, 1));
    assert_ne!(run(1, 0), run(2, 0));
    let seen = run(3, 0);
    assert!(seen.iter().all(|ns| *ns <= 50) && (0..=50).all(|ns| seen.contains(&ns)));
}
