use super::*;
use proptest::prelude::*;

const S_NS: u64 = 1_000_000_000;
const H_NS: u64 = 3_600 * S_NS;
const DAY_NS: u64 = 24 * H_NS;

#[test]
fn it_is_unknown_until_a_second_message_bears_the_first_one_out() {
    let mut clock = FeedClock::default();
    assert_eq!(clock.now_ns(20 * H_NS), 0);
    clock.hear(20 * H_NS, 9 * H_NS);
    assert_eq!(clock.now_ns(20 * H_NS + 1), 0);
    clock.hear(20 * H_NS + 5, 9 * H_NS + 5);
    assert_eq!(clock.now_ns(20 * H_NS + 5), 9 * H_NS + 5);
    assert_eq!(clock.now_ns(21 * H_NS + 5), 10 * H_NS + 5, "the host counts on");
}

/// A clock that has been told `at_ns` at the host's `host_ns`.
fn at(host_ns: u64, at_ns: u64) -> FeedClock {
    FeedClock { stamp_ns: at_ns, heard_ns: host_ns, ..FeedClock::default() }
}

#[test]
fn one_stamp_from_the_future_changes_nothing_and_two_are_a_leap() {
    let mut clock = at(0, 9 * H_NS);
    clock.hear(1, 23 * H_NS);
    clock.hear(2, 9 * H_NS + 2);
    assert_eq!(clock.now_ns(3), 9 * H_NS + 3);
    clock.hear(4, 23 * H_NS);
    assert_eq!(clock.now_ns(4), 9 * H_NS + 4);
    clock.hear(5, 23 * H_NS + 1);
    assert_eq!(clock.now_ns(6), 23 * H_NS + 2);
    // Within a second nobody has to confirm.
    clock.hear(7, 23 * H_NS + S_NS);
    assert_eq!(clock.now_ns(7), 23 * H_NS + S_NS);
}

#[test]
fn what_was_late_on_its_way_makes_it_stand_still_and_not_go_back() {
    let mut clock = at(0, 9 * H_NS);
    assert_eq!(clock.now_ns(500), 9 * H_NS + 500);
    clock.hear(500, 9 * H_NS + 200);
    assert_eq!(clock.now_ns(600), 9 * H_NS + 500);
    assert_eq!(clock.now_ns(900), 9 * H_NS + 600);
    // A host's clock that goes back stops it, too.
    assert_eq!(clock.now_ns(100), 9 * H_NS + 600);
}

#[test]
fn the_hosts_midnight_is_nothing_to_it_and_its_own_is_counted_through() {
    let mut clock = at(DAY_NS - 10, 19 * H_NS);
    // The host's clock counts on after midnight, and so do the stamps of a feed that does.
    assert_eq!(clock.now_ns(DAY_NS + 10), 19 * H_NS + 20);
    let mut clock = at(0, DAY_NS - 10);
    clock.hear(15, DAY_NS + 5);
    assert_eq!(clock.now_ns(20), DAY_NS + 10);
}

#[test]
fn a_fast_replay_takes_it_along_and_a_slow_one_does_not_lose_it() {
    let mut fast = at(0, 9 * H_NS);
    for ms in 1..1_000 {
        fast.hear(ms * 1_000_000, 9 * H_NS + 50 * ms * 1_000_000);
        assert_eq!(fast.now_ns(ms * 1_000_000), 9 * H_NS + 50 * ms * 1_000_000);
    }
    let mut slow = at(0, 9 * H_NS);
    for s in 1..100 {
        slow.hear(2 * s * S_NS, 9 * H_NS + s * S_NS);
        let ahead_ns = slow.now_ns(2 * s * S_NS) - (9 * H_NS + s * S_NS);
        assert!(ahead_ns <= S_NS, "{ahead_ns} after {s} s");
        slow.now_ns((2 * s + 2) * S_NS - 1);
    }
}

proptest! {
    #[test]
    fn it_never_goes_back_and_never_passes_what_was_told(
        steps in prop::collection::vec((0..5_000_000_000u64, any::<bool>(), any::<u64>()), 1..200)
    ) {
        let mut clock = FeedClock::default();
        let (mut host_ns, mut last_ns, mut highest_ns) = (0u64, 0, 0);
        for (step_ns, speaks, stamp_ns) in steps {
            host_ns += step_ns;
            if speaks {
                let stamp_ns = stamp_ns % (3 * DAY_NS);
                clock.hear(host_ns, stamp_ns);
                highest_ns = stamp_ns.max(highest_ns);
            }
            let now_ns = clock.now_ns(host_ns);
            prop_assert!(now_ns >= last_ns);
            prop_assert!(now_ns <= highest_ns + host_ns);
            last_ns = now_ns;
        }
    }
}
