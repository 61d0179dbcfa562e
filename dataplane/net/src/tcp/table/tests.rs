use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::net::Ipv4Addr;

fn tuple(n: u16) -> Tuple {
    Tuple::new(n % 7, SocketAddrV4::new(Ipv4Addr::from_bits(u32::from(n / 7)), n))
}

proptest! {
    /// Against a hash map, in a table so small that runs of cells meet and wrap.
    #[test]
    fn the_table_is_a_map(
        slots in 1..9usize,
        seed in any::<u64>(),
        steps in proptest::collection::vec((any::<bool>(), 0..24u16), 0..300),
    ) {
        let mut table = TupleTable::new(slots, seed);
        let mut twin = HashMap::new();
        for (at, (insert, key)) in steps.into_iter().enumerate() {
            if insert && twin.len() < slots {
                let fresh = !twin.contains_key(&key);
                prop_assert_eq!(table.insert(tuple(key), at as u32), fresh);
                twin.entry(key).or_insert(at as u32);
            } else {
                prop_assert_eq!(table.remove(tuple(key)), twin.remove(&key).is_some());
            }
            for key in 0..24 {
                prop_assert_eq!(table.get(tuple(key)), twin.get(&key).copied());
            }
        }
    }
}

#[test]
fn a_full_table_takes_no_more() {
    let mut table = TupleTable::new(1, 0);
    let taken = (0..100).filter(|n| table.insert(tuple(*n), u32::from(*n))).count();
    assert_eq!(taken, 2, "half the cells, so that a search always ends");
    assert!(!table.insert(tuple(200), NONE));
}
