//! The sorted index with thousands of prices against a sorted map, and the table of references
//! against a hash map. The books as a whole have their twin in `src/naive.rs`.

use book::{BookCore, BookId, Capacity, RefMap, Slot};
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

/// A step of a market that wanders: where the middle goes, and who comes or goes around it.
#[derive(Clone, Copy, Debug)]
struct Step {
    drift: i32,
    side: Side,
    away: u32,
    queue: usize,
    leaves: usize,
}

fn step() -> impl Strategy<Value = Step> {
    let drift = prop_oneof![8 => -3i32..4, 3 => -90i32..91, 1 => -4_000i32..4_001];
    let away = prop_oneof![9 => 0u32..40, 2 => 0u32..300, 1 => 0u32..9_000];
    let queue = prop_oneof![9 => 1usize..4, 1 => Just(60)];
    (drift, prop::sample::select(&SIDES[..]), away, queue, 0usize..90)
        .prop_map(|(drift, side, away, queue, leaves)| Step { drift, side, away, queue, leaves })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Windows follow the best price, and levels move in and out of them with their queues: by
    /// cents, between cents, and below a dollar.
    #[test]
    fn a_market_that_wanders_is_as_maps_of_queues(
        steps in prop::collection::vec(step(), 1..250),
        unit in prop::sample::select(&[1u32, 50, 100][..]),
        middle in prop::sample::select(&[300i32, 9_990, 30_000][..]),
        levels in prop::sample::select(&[40u32, 2_000][..]),
    ) {
        let capacity = Capacity { orders: 20_000, levels, books: 2 };
        let mut core = BookCore::<u64>::new(capacity);
        let mut twin = [BTreeMap::<u32, Vec<(Slot, u64)>>::new(), BTreeMap::new()];
        let (mut middle, mut id) = (middle, 0);
        for Step { drift, side, away, queue, leaves } in steps {
            middle = (middle + drift).clamp(1, 40_000);
            let away = if side == Side::Buy { -(away as i32) } else { away as i32 };
            let price = (middle + away).max(1) as u32 * unit;
            let open: usize = twin.iter().map(BTreeMap::len).sum();
            let is_full = open == levels as usize && !twin[side as usize].contains_key(&price);
            for _ in 0..queue {
                id += 1;
                match core.insert(BookId(1), side, Price(price), Qty(1), id) {
                    Ok((slot, _)) => {
                        prop_assert!(!is_full);
                        twin[side as usize].entry(price).or_default().push((slot, id));
                    }
                    Err(error) => prop_assert!(is_full, "{:?}", error),
                }
            }
            for nth in 0..leaves / 10 {
                let prices: Vec<u32> = twin[side as usize].keys().copied().collect();
                let at = (leaves * 7 + nth) % prices.len().max(1);
                let Some(price) = prices.get(at) else { break };
                let queue = twin[side as usize].get_mut(price).expect("a price of its own");
                core.remove(queue.remove(leaves % queue.len()).0);
                if queue.is_empty() {
                    twin[side as usize].remove(price);
                }
            }
            for side in SIDES {
                let served: Vec<_> = core.served(BookId(1), side)
                    .map(|(slot, order)| (order.price.0, slot, order.payload)).collect();
                let queues: &mut dyn Iterator<Item = (&u32, &Vec<_>)> = match side {
                    Side::Buy => &mut twin[0].iter().rev(),
                    Side::Sell => &mut twin[1].iter(),
                };
                let expected: Vec<_> = queues
                    .flat_map(|(price, all)| all.iter().map(|(slot, id)| (*price, *slot, *id)))
                    .collect();
                prop_assert_eq!(core.front(BookId(1), side), expected.first().map(|first| first.1));
                let best = core.best_price(BookId(1), side).map(|price| price.0);
                prop_assert_eq!(best, expected.first().map(|first| first.0));
                prop_assert_eq!(served, expected);
            }
        }
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
