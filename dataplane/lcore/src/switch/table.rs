//! Which address is behind which port: open addressing, sixteen places an address may be in.
//!
//! Why not a map of the standard library: nothing here allocates or hashes with a secret, and an
//! entry that has aged is a place for the next.

use wire::Mac;

/// Addresses that are remembered at most; fewer where many fall into the same places.
pub const ADDRESSES_MAX: usize = 1 << 10;
/// For how long an address is remembered that nothing comes from, in ns: IEEE 802.1Q's 300 s.
pub const AGE_NS_MAX: u64 = 300 * 1_000_000_000;
/// Places an address may be in, one after the other.
const PROBES: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The address, in the lower 48 bits; 0 for none: no frame comes from there.
    mac: u64,
    seen_ns: u64,
    port: u8,
}

impl Place {
    fn is_free(&self, now_ns: u64) -> bool {
        self.mac == 0 || now_ns.saturating_sub(self.seen_ns) > AGE_NS_MAX
    }
}

/// What was new about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// Nothing.
    Known,
    /// All of it.
    New,
    /// The port.
    Moved,
    /// There is no room for it.
    Full,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Table {
    places: Box<[Place]>,
}

impl Table {
    pub(super) fn new() -> Table {
        Table { places: vec![Place::default(); ADDRESSES_MAX].into_boxed_slice() }
    }

    /// A frame came from this address by this port.
    pub(super) fn learn(&mut self, mac: Mac, port: u8, now_ns: u64) -> Learned {
        let mac = number(mac);
        let mut free = None;
        for at in probes(mac) {
            let place = &mut self.places[at];
            if place.is_free(now_ns) {
                free = free.or(Some(at));
            } else if place.mac == mac {
                place.seen_ns = now_ns;
                let before = std::mem::replace(&mut place.port, port);
                return if before == port { Learned::Known } else { Learned::Moved };
            }
        }
        let Some(at) = free else { return Learned::Full };
        self.places[at] = Place { mac, seen_ns: now_ns, port };
        Learned::New
    }

    /// The port that the address is behind.
    pub(super) fn find(&self, mac: Mac, now_ns: u64) -> Option<u8> {
        let mac = number(mac);
        let place = probes(mac).map(|at| &self.places[at]).find(|place| place.mac == mac)?;
        (!place.is_free(now_ns)).then_some(place.port)
    }
}

fn number(mac: Mac) -> u64 {
    mac.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Fibonacci hashing: addresses of one maker differ in their last bytes.
fn probes(mac: u64) -> impl Iterator<Item = usize> {
    let first = (mac.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize;
    (0..PROBES).map(move |step| (first + step) % ADDRESSES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn mac(n: u16) -> Mac {
        let [a, b] = n.to_be_bytes();
        [2, 0, 0, 0, a, b]
    }

    #[test]
    fn an_address_is_where_it_was_seen_last() {
        let mut table = Table::new();
        assert_eq!(table.find(mac(1), 0), None);
        assert_eq!(table.learn(mac(1), 3, 0), Learned::New);
        assert_eq!(table.learn(mac(1), 3, 1), Learned::Known);
        assert_eq!(table.learn(mac(1), 4, 2), Learned::Moved);
        assert_eq!(table.find(mac(1), AGE_NS_MAX + 2), Some(4));
        assert_eq!(table.find(mac(1), AGE_NS_MAX + 3), None);
        assert_eq!(table.learn(mac(1), 4, AGE_NS_MAX + 3), Learned::New);
    }

    #[test]
    fn a_full_table_forgets_nobody() {
        let mut table = Table::new();
        let full = (0..4 * ADDRESSES_MAX as u16)
            .filter(|n| table.learn(mac(*n), 1, 0) == Learned::Full)
            .collect::<Vec<_>>();
        assert!(full.len() >= 3 * ADDRESSES_MAX);
        for n in 0..4 * ADDRESSES_MAX as u16 {
            assert_eq!(table.find(mac(n), 0).is_none(), full.contains(&n));
        }
    }

    proptest! {
        /// As a map does, as long as there is room and nothing ages.
        #[test]
        fn the_same_as_a_map(seen in proptest::collection::vec((0..300u16, 0..16u8), 0..800)) {
            let (mut table, mut map) = (Table::new(), HashMap::new());
            for (n, port) in seen {
                let learned = table.learn(mac(n), port, 5);
                let expected = match map.insert(n, port) {
                    None => Learned::New,
                    Some(before) if before == port => Learned::Known,
                    Some(_) => Learned::Moved,
                };
                prop_assert_eq!(learned, expected);
            }
            for n in 0..300 {
                prop_assert_eq!(table.find(mac(n), 5), map.get(&n).copied());
            }
        }
    }
}
