use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn nothing_fits_into_nothing() {
    let mut hold = Hold::new(0, 0);
    assert_eq!(hold.insert(7, 0, b""), Held::Full);
    assert_eq!((hold.first(), hold.get(7)), (None, None));
    hold.remove(7);
    let mut hold = Hold::new(3, 4);
    assert_eq!(hold.insert(7, 0, b"five!"), Held::Full);
    assert_eq!(hold.insert(7, 0, b"four"), Held::New);
    assert_eq!(hold.insert(8, 0, b"x"), Held::Full);
    assert_eq!(hold.insert(8, 0, b""), Held::New);
}

#[test]
fn what_is_held_lies_within_the_slots() {
    let mut hold = Hold::new(2, 64);
    assert_eq!(hold.insert(10, 1, b"ten"), Held::New);
    assert_eq!(hold.insert(10, 2, b"ten"), Held::Duplicate);
    assert_eq!(hold.insert(14, 2, b"far"), Held::Full);
    assert_eq!(hold.insert(6, 2, b"far"), Held::FarBefore);
    assert_eq!(hold.insert(7, 3, b"seven"), Held::New);
    assert_eq!(hold.insert(8, 3, b"third"), Held::Full);
    assert_eq!(hold.get(7), Some((&b"seven"[..], 3)));
    assert_eq!(hold.insert(1 << 60, 2, b"far"), Held::Full);
    assert_eq!(hold.remove_below(11), 2);
    assert_eq!(hold.insert(u64::MAX - 2, 2, b"far"), Held::New);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, usize),
    RemoveFirst,
    RemoveBelow(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..300, 0usize..40).prop_map(|(seq, len)| Step::Insert(seq, len)),
        2 => Just(Step::RemoveFirst),
        1 => (0u64..300).prop_map(Step::RemoveBelow),
    ]
}

proptest! {
    /// Against a map: what is said to be held is, and nothing else, whatever goes and comes; and
    /// an empty hold takes anything that fits.
    #[test]
    fn it_holds_what_a_map_holds(
        messages_max in 1usize..150,
        bytes_max in 40usize..900,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let mut hold = Hold::new(messages_max, bytes_max);
        let mut twin = BTreeMap::new();
        for (now, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(seq, len) => {
                    let message = vec![(seq as u8) ^ (now as u8); len];
                    let held = hold.insert(seq, now as u64, &message);
                    prop_assert_eq!(held == Held::Duplicate, twin.contains_key(&seq));
                    prop_assert!(held == Held::New || !twin.is_empty());
                    if held == Held::New {
                        twin.insert(seq, (message, now as u64));
                    }
                }
                Step::RemoveFirst => {
                    if let Some((seq, _)) = twin.pop_first() {
                        hold.remove(seq);
                    }
                }
                Step::RemoveBelow(seq) => {
                    let after = twin.split_off(&seq);
                    prop_assert_eq!(hold.remove_below(seq), twin.len());
                    twin = after;
                }
            }
            prop_assert!(twin.len() <= messages_max);
            prop_assert_eq!(hold.len(), twin.len());
            prop_assert_eq!(hold.first(), twin.keys().next().copied());
            for seq in 0..300 {
                let held = hold.get(seq).map(|(m, at)| (m.to_vec(), at));
                prop_assert_eq!(held, twin.get(&seq).cloned());
            }
        }
    }
}
