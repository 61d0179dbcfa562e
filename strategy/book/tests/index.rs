//! The sorted index with thousands of prices against a sorted map, and the table of references
//! against a hash map. The books as a whole have their twin in `src/naive.rs`.

use book::{BookCore, BookId, Capacity, RefMap};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use types::{Price, Qty, Side};

const BOOK: BookId = BookId(0);
const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Tall trees: thousands of prices opened and closed in any order, walked and looked up.
    #[test]
    fn many_prices_are_as_a_sorted_map(
        keys in prop::collection::vec(1..6000u32, 2000..6000), low in 0..3000u32,
    ) {
        let mut core = BookCore::<u64>::new(Capacity { orders: 8000, levels: 6000, books: 1 });
        let mut twin = BTreeMap::new();
        for (i, price) in keys.iter().enumerate() {
            match twin.remove(price) {
                Some(slot) if (i as u32).is_multiple_of(3) || *price > low => { core.remove(slot); }
                Some(slot) => { twin.insert(*price, slot); }
                None => {
                    let inserted = core.insert(BOOK, Side::Sell, Price(*price), Qty(1), 7);
                    let (slot, _) = inserted.unwrap();
                    twin.insert(*price, slot);
                }
            }
            let best = core.best(BOOK, Side::Sell).map(|l| l.price.0);
            prop_assert_eq!(best, twin.keys().next().copied());
        }
        let prices: Vec<u32> = core.levels(BookId(0), Side::Sell).map(|l| l.price.0).collect();
        prop_assert_eq!(prices, twin.keys().copied().collect::<Vec<_>>());
        for slot in twin.values() {
            core.remove(*slot);
        }
        prop_assert!(core.is_empty() && core.best(BookId(0), Side::Sell).is_none());
    }

    #[test]
    fn references_are_as_a_hash_map(
        ops in prop::collection::vec((0..3u8, 0..200u64, 0..64u32, any::<u32>()), 1..600),
        seed: u64,
    ) {
        let mut map = RefMap::with_seed(40, seed);
        let mut twin = HashMap::new();
        for (op, n, shift, value) in ops {
            let key = n << (shift % 57);
            match op {
                0 => prop_assert_eq!(map.get(key), twin.get(&key).copied()),
                1 => prop_assert_eq!(map.remove(key), twin.remove(&key)),
                _ => {
                    let fits = value != u32::MAX && (twin.len() < 40 || twin.contains_key(&key));
                    prop_assert_eq!(map.insert(key, value), fits);
                    if fits { twin.insert(key, value); }
                }
            }
            prop_assert_eq!(map.len(), twin.len());
        }
        for (key, value) in twin { prop_assert_eq!(map.get(key), Some(value)); }
    }
}

/// Every level of the capacity can be open at once, on one side or spread thin, however far apart,
/// and again after all have gone.
#[test]
fn every_level_of_the_capacity_can_be_used() {
    for symbols in [1u16, 700] {
        let levels = 20_000;
        let mut core =
            BookCore::<u64>::new(Capacity { orders: levels, levels, books: u32::from(symbols) });
        for round in 0..3u32 {
            let mut slots = vec![];
            for i in 0..levels {
                let price = 1 + (i.wrapping_mul(2_654_435_761) ^ round);
                let side = SIDES[(i / u32::from(symbols)) as usize % 2];
                let symbol = BookId(i % u32::from(symbols));
                slots.push(core.insert(symbol, side, Price(price), Qty(1), 0).unwrap().0);
            }
            let step = [1, 7919, 19_999][round as usize];
            for i in 0..levels as usize {
                core.remove(slots[i * step % levels as usize]);
            }
            assert!(core.is_empty());
        }
    }
}
