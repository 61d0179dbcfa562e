use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const AT: SymbolId = SymbolId(5);

/// Every layer's boundaries, one below and one above them, and the ends.
fn edges() -> Vec<u32> {
    let mut edges = vec![0, 1, 2, u32::MAX, u32::MAX - 1, u32::MAX - 63, u32::MAX - 64];
    for layer in 1..LAYERS {
        let run = 1u32 << (6 * layer);
        for times in [1u32, 2, 3, 63] {
            let boundary = run.wrapping_mul(times);
            edges.extend([boundary.wrapping_sub(1), boundary, boundary.wrapping_add(1)]);
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn price() -> impl Strategy<Value = u32> {
    prop_oneof![4 => prop::sample::select(edges()), 2 => 100u32..300, 1 => any::<u32>()]
}

fn assert_neighbours(ladder: &Ladder, twin: &BTreeSet<u32>, side: Side, price: u32) {
    let above = twin.range(price..).find(|p| **p > price).copied().map(Price);
    let below = twin.range(..price).next_back().copied().map(Price);
    assert_eq!(ladder.above(AT, side, Price(price)), above, "above {price}");
    assert_eq!(ladder.below(AT, side, Price(price)), below, "below {price}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_ladder_is_a_sorted_set(
        ops in prop::collection::vec((any::<bool>(), price()), 1..80),
        probes in prop::collection::vec(price(), 1..10),
    ) {
        let mut ladder = Ladder::with_maps(maps_max(80, 6));
        let mut twin = BTreeSet::new();
        // Neighbours in key space, that must not be mixed up with the side under test.
        for price in [0, 200, u32::MAX] {
            ladder.insert(SymbolId(4), Side::Sell, Price(price));
            ladder.insert(AT, Side::Sell, Price(price));
        }
        for (add, price) in ops {
            if add && twin.insert(price) {
                ladder.insert(AT, Side::Buy, Price(price));
            } else if !add && twin.remove(&price) {
                ladder.remove(AT, Side::Buy, Price(price));
            }
            assert_neighbours(&ladder, &twin, Side::Buy, price);
            probes.iter().for_each(|p| assert_neighbours(&ladder, &twin, Side::Buy, *p));
        }
        let others = BTreeSet::from([0, 200, u32::MAX]);
        probes.iter().for_each(|p| assert_neighbours(&ladder, &others, Side::Sell, *p));
        twin.iter().for_each(|p| ladder.remove(AT, Side::Buy, Price(*p)));
        for price in [0, 200, u32::MAX] {
            ladder.remove(SymbolId(4), Side::Sell, Price(price));
            ladder.remove(AT, Side::Sell, Price(price));
        }
        prop_assert!(ladder.maps.is_empty(), "a map is only there while a bit of it is set");
    }
}

#[test]
fn every_edge_finds_every_other() {
    let mut ladder = Ladder::with_maps(maps_max(edges().len() as u32, 6));
    let mut twin = BTreeSet::new();
    for price in edges() {
        edges().iter().for_each(|p| assert_neighbours(&ladder, &twin, Side::Sell, *p));
        ladder.insert(AT, Side::Sell, Price(price));
        twin.insert(price);
    }
    edges().iter().for_each(|p| assert_neighbours(&ladder, &twin, Side::Sell, *p));
}

/// The worst that can be done: prices that share as few maps as possible.
#[test]
fn the_stated_number_of_maps_suffices() {
    for (levels, symbols) in [(1u32, 1u16), (4, 1), (5, 1), (64, 1), (300, 1), (300, 3), (300, 300)]
    {
        let maps = maps_max(levels, symbols);
        let mut ladder = Ladder::with_maps(maps);
        for n in 0..levels {
            let symbol = SymbolId((n % u32::from(symbols)) as u16);
            let side = if n / u32::from(symbols) % 2 == 0 { Side::Buy } else { Side::Sell };
            // Bits reversed: the next price is as far from all others as can be.
            let price = Price((n / (2 * u32::from(symbols))).reverse_bits());
            let before = ladder.maps.len();
            ladder.insert(symbol, side, price);
            assert!(ladder.maps.len() > before || ladder.above(symbol, side, price).is_some());
        }
        assert!(ladder.maps.len() <= maps, "{levels} levels of {symbols} symbols");
    }
    assert_eq!(maps_max(1, 1), LAYERS as usize);
    assert_eq!(maps_max(0, 9), 0);
}
