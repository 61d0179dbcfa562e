use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// The inverse of [`PHI`] modulo 2^64, by Newton's iteration: each step doubles the bits that are right.
fn phi_inverse() -> u64 {
    (0..6).fold(PHI, |x, _| x.wrapping_mul(2u64.wrapping_sub(PHI.wrapping_mul(x))))
}

/// A key whose hash is `hash`: what somebody would send who wants every probe to be long.
fn key_with_hash(hash: u64) -> u64 {
    let folded = hash.wrapping_mul(phi_inverse());
    folded ^ (folded >> 32)
}

/// Keys in patterns that hurt hash tables.
fn hostile_key(pattern: u8, n: u64) -> u64 {
    match pattern {
        0 => n,                           // in sequence
        1 => n << 20,                     // multiples of a power of two
        2 => n << 48,                     // all in the upper bits
        3 => n << 32 | n,                 // halves that cancel out
        4 => key_with_hash(n),            // all at home in the first slot
        5 => key_with_hash(u64::MAX - n), // all at home in the last: wraps around
        6 => u64::MAX - n,                // up to the empty slot's mark
        7 => n << 32,                     // sessions of one order each
        _ => n.wrapping_mul(PHI),         // the hash undone
    }
}

fn assert_same(table: &Table<u32>, twin: &HashMap<u64, u32>, keys: &[u64]) {
    assert_eq!(table.len(), twin.len());
    assert_eq!(table.is_empty(), twin.is_empty());
    assert_eq!(table.free() + table.len(), table.capacity);
    for key in keys {
        assert_eq!(table.get(*key), twin.get(key).copied(), "key {key:#x}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_table_is_a_hash_map_with_a_bound(
        pattern in 0u8..9,
        capacity in 0usize..40,
        ops in prop::collection::vec((0u8..4, 0u64..60, any::<u32>()), 0..200),
    ) {
        let keys: Vec<u64> = (0..60).map(|n| hostile_key(pattern, n)).collect();
        let (mut table, mut twin) = (Table::with_capacity(capacity), HashMap::new());
        for (op, n, value) in ops {
            let key = keys[n as usize];
            match op {
                0 | 1 => {
                    let known = twin.contains_key(&key);
                    let fits = key != u64::MAX && (known || twin.len() < table.capacity);
                    prop_assert_eq!(table.insert(key, value), fits);
                    if fits {
                        twin.insert(key, value);
                    }
                }
                2 => prop_assert_eq!(table.remove(key), twin.remove(&key)),
                _ => {
                    prop_assert_eq!(table.get_mut(key).copied(), twin.get(&key).copied());
                    if let (Some(a), Some(b)) = (table.get_mut(key), twin.get_mut(&key)) {
                        *a = value;
                        *b = value;
                    }
                }
            }
            assert_same(&table, &twin, &keys);
        }
    }

    #[test]
    fn any_keys_go_in_and_out(keys in prop::collection::hash_set(any::<u64>(), 0..200)) {
        let mut table = Table::with_capacity(keys.len());
        for key in &keys {
            prop_assert_eq!(table.insert(*key, 1u8), *key != u64::MAX);
        }
        for key in &keys {
            prop_assert_eq!(table.remove(*key), (*key != u64::MAX).then_some(1));
            prop_assert_eq!(table.get(*key), None);
        }
        prop_assert!(table.is_empty());
    }
}

#[test]
fn colliding_keys_share_a_home() {
    let table: Table<u32> = Table::with_capacity(40);
    for n in 0..60 {
        assert_eq!(table.home(hostile_key(4, n)), 0);
        assert_eq!(table.home(hostile_key(5, n)), table.mask());
    }
}

#[test]
fn the_mark_of_an_empty_slot_is_no_key() {
    let mut table = Table::with_capacity(4);
    assert!(!table.insert(EMPTY, 1u32));
    assert_eq!((table.get(EMPTY), table.remove(EMPTY), table.len()), (None, None, 0));
    assert!(table.get_mut(EMPTY).is_none());
}

#[test]
fn a_full_table_still_changes_what_it_has() {
    let mut table = Table::with_capacity(4);
    assert!((0..4).all(|key| table.insert(key, 0u32)));
    assert!(!table.insert(4, 0) && table.insert(3, 9));
    assert_eq!((table.get(3), table.free()), (Some(9), 0));
}

/// Deletion leaves no tombstones: after any amount of use, an emptied table has only empty slots.
#[test]
fn a_table_does_not_wear_out() {
    let mut table = Table::with_capacity(64);
    for n in 0..100_000u64 {
        assert!(table.insert(n, n));
        if n >= 64 {
            assert!(table.free() == 0 || table.len() <= 64);
        }
        if n >= 63 {
            assert_eq!(table.remove(n - 63), Some(n - 63));
        }
    }
    (100_000 - 63..100_000).for_each(|n| assert!(table.remove(n).is_some()));
    assert!(table.entries.iter().all(|entry| entry.key == EMPTY));
}
