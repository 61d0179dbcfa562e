use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn the_dirty_set_is_a_set_gone_round(
        slots in 1..200usize,
        steps in proptest::collection::vec((0..3u8, any::<usize>()), 0..200),
    ) {
        let (mut dirty, mut twin, mut cursor) = (DirtySet::new(slots), BTreeSet::new(), 0);
        for (what, slot) in steps {
            let slot = slot % slots;
            match what {
                0 => {
                    dirty.insert(slot);
                    twin.insert(slot);
                }
                1 => prop_assert_eq!(dirty.remove(slot), twin.remove(&slot)),
                _ => {
                    let next = twin.range(cursor..).chain(twin.iter()).next().copied();
                    prop_assert_eq!(dirty.next(), next);
                    if let Some(next) = next {
                        cursor = next + 1;
                    }
                }
            }
            prop_assert_eq!(dirty.len(), twin.len());
        }
    }

    /// No deadline is missed for longer than a sweep takes, none is taken early, none twice.
    #[test]
    fn deadlines_are_met(
        slots in 1..300usize,
        sets in proptest::collection::vec((any::<usize>(), 1..500u64), 1..60),
    ) {
        let mut deadlines = Deadlines::new(slots);
        let mut twin = vec![u64::MAX; slots];
        let turns = slots as u64 / 64 + 2;
        let mut sets = sets.into_iter();
        for now in 0..1_200 {
            if now % 7 == 0 && let Some((slot, after)) = sets.next() {
                deadlines.set(slot % slots, now + after);
                twin[slot % slots] = now + after;
            }
            for slot in deadlines.turn(now) {
                if deadlines.take(slot, now) {
                    prop_assert!(twin[slot] <= now, "early");
                    twin[slot] = u64::MAX;
                }
            }
            deadlines.end_turn();
            let late = twin.iter().find(|due| **due <= now.saturating_sub(2 * turns));
            prop_assert_eq!(late, None);
        }
        prop_assert!(twin.iter().all(|due| *due == u64::MAX));
    }

    #[test]
    fn the_age_list_keeps_the_order(
        slots in 1..12usize,
        steps in proptest::collection::vec(any::<usize>(), 0..200),
    ) {
        let (mut list, mut twin) = (AgeList::new(slots), Vec::new());
        for slot in steps {
            let slot = slot % slots;
            match twin.iter().position(|s| *s == slot) {
                Some(at) => {
                    twin.remove(at);
                    list.remove(slot);
                }
                None => {
                    twin.push(slot);
                    list.push(slot);
                }
            }
            prop_assert_eq!(list.oldest(), twin.first().copied());
            prop_assert_eq!(list.oldest().is_none(), twin.is_empty());
        }
    }
}

#[test]
fn nothing_is_due_without_deadlines() {
    let mut deadlines = Deadlines::new(100);
    assert_eq!(deadlines.turn(u64::MAX - 1), 0..0);
}

#[test]
fn the_ring_keeps_the_order() {
    let mut ring = SlotRing::new(3);
    for round in 0..5 {
        assert_eq!(ring.front(), None);
        for slot in 0..3 {
            ring.push(slot + round);
        }
        for slot in 0..3 {
            assert_eq!(ring.front(), Some(slot + round));
            ring.pop();
        }
    }
    ring.pop();
}
