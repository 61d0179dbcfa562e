//! The table is as a hash map, whatever clients count.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// Sessions and numbers of which many have one tag.
fn key(session: u16, n: u32, alike: bool) -> (SessionId, UserRef) {
    let who = SessionId(session);
    let user_ref = if alike { n ^ u32::from(session).wrapping_mul(SALT) } else { n };
    (who, UserRef(user_ref))
}

proptest! {
    #[test]
    fn places_are_as_a_hash_map(
        ops in prop::collection::vec((0..3u8, 0..3u16, 0..100u32), 1..900),
        shift in 0..20u32, alike: bool,
    ) {
        // 64 orders over 128 entries: runs are long and wrap around the end.
        let mut places = Places::new(64);
        let mut owners = [(SessionId(0), UserRef(0)); 64];
        let mut free: Vec<u32> = (0..64).collect();
        let mut twin = HashMap::new();
        for (at, (op, session, n)) in ops.into_iter().enumerate() {
            let (who, number) = key(session, n << shift, alike);
            let known = twin.get(&(who, number)).copied();
            let found = places.find(who, number, |slot| owners[slot.index() as usize]);
            prop_assert_eq!(found.map(|f| f.1), known);
            match (op, known) {
                (0, Some(slot)) => {
                    match (at % 2, found) {
                        (0, Some((place, _))) => places.remove_at(place),
                        _ => places.remove(who, number, slot),
                    }
                    twin.remove(&(who, number));
                    free.push(slot.index());
                }
                (1.., None) => if let Some(slot) = free.pop() {
                    owners[slot as usize] = (who, number);
                    places.insert(who, number, Slot::from_index(slot));
                    twin.insert((who, number), Slot::from_index(slot));
                },
                _ => {}
            }
            prop_assert_eq!(places.len(), twin.len());
        }
        for ((who, number), slot) in twin {
            let found = places.find(who, number, |slot| owners[slot.index() as usize]);
            prop_assert_eq!(found.map(|f| f.1), Some(slot));
        }
    }
}
