//! The table of the order numbers that had to leave their places (`refs.rs`): four bytes an entry,
//! the numbers stay in the orders.
//!
//! Layout: a power of two of `u32`, at most half of them used, sixteen to a cache line. A number's
//! low four bits choose the place in a line and a mixed hash of the rest chooses the line: sixteen
//! numbers in sequence share one. An entry holds a slot in 28 bits and in 4 how far it lies from
//! its home, so that a probe reads only orders that have the same home, and a removal (backward
//! shift, no tombstones) reads none, unless an entry lies [`FAR`] or further away.

const LINE: usize = 16;
const EMPTY: u32 = u32::MAX;
/// Distances from here on are not told apart.
const FAR: u32 = 15;
const SLOT_BITS: u32 = 28;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
/// Slots that fit an entry; the last would make [`EMPTY`] of a far one.
pub(crate) const SLOTS_MAX: u32 = SLOT_MASK;

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line([u32; LINE]);

/// Where a key lies; good until the table changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

/// See the module. The caller gives the number of the order in a slot.
#[derive(Clone, Debug)]
pub(crate) struct FarRefs {
    lines: Box<[Line]>,
    mask: usize,
    line_mask: u64,
}

impl FarRefs {
    /// Room for the references of `slots` orders.
    pub(crate) fn with_slots(slots: u32) -> FarRefs {
        let entries = (slots as usize * 2).next_power_of_two().max(2 * LINE);
        FarRefs {
            lines: vec![Line([EMPTY; LINE]); entries / LINE].into_boxed_slice(),
            mask: entries - 1,
            line_mask: (entries / LINE - 1) as u64,
        }
    }

    /// Where `key` lies in the table, and its slot.
    #[inline]
    pub(crate) fn find(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<(Place, u32)> {
        let (at, entry) = self.probe(key, key_of);
        (entry != EMPTY).then_some((Place(at), entry & SLOT_MASK))
    }

    /// The slot of `key`.
    #[cfg(test)]
    fn get(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<u32> {
        self.find(key, key_of).map(|(_, slot)| slot)
    }

    /// Forgets every key.
    pub(crate) fn clear(&mut self) {
        self.lines.fill(Line([EMPTY; LINE]));
    }

    /// Adds `key`; `false` if it is there.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, slot: u32, key_of: impl Fn(u32) -> u64) -> bool {
        let (at, entry) = self.probe(key, key_of);
        if entry == EMPTY {
            self.set(at, slot, self.home(key));
        }
        entry == EMPTY
    }

    /// Takes `key` out and gives its slot.
    #[cfg(test)]
    fn remove(&mut self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<u32> {
        let (place, slot) = self.find(key, &key_of)?;
        self.remove_at(place, key_of);
        Some(slot)
    }

    /// Takes out the key that [`FarRefs::find`] found; nothing may have changed since.
    #[inline]
    pub(crate) fn remove_at(&mut self, place: Place, key_of: impl Fn(u32) -> u64) {
        let mut gap = place.0;
        let mut at = gap;
        loop {
            at = (at + 1) & self.mask;
            let entry = self.at(at);
            if entry == EMPTY {
                break;
            }
            let far = entry >> SLOT_BITS;
            let from_home = match far {
                FAR => at.wrapping_sub(self.home(key_of(entry & SLOT_MASK))) & self.mask,
                near => near as usize,
            };
            if from_home >= (at.wrapping_sub(gap) & self.mask) {
                self.set(gap, entry & SLOT_MASK, at.wrapping_sub(from_home) & self.mask);
                gap = at;
            }
        }
        *self.at_mut(gap) = EMPTY;
    }

    /// Where `key` is and its entry, or the empty place where it would go. Ends: half are empty.
    #[inline]
    fn probe(&self, key: u64, key_of: impl Fn(u32) -> u64) -> (usize, u32) {
        let mut at = self.home(key);
        let mut far = 0;
        loop {
            let entry = self.at(at);
            let same_home = entry >> SLOT_BITS == far;
            if entry == EMPTY || (same_home && key_of(entry & SLOT_MASK) == key) {
                return (at, entry);
            }
            at = (at + 1) & self.mask;
            far = (far + 1).min(FAR);
        }
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        let line = crate::refmap::mix(key >> 4) & self.line_mask;
        (line << 4 | key & 15) as usize
    }

    #[inline]
    fn set(&mut self, at: usize, slot: u32, home: usize) {
        let far = (at.wrapping_sub(home) & self.mask).min(FAR as usize) as u32;
        *self.at_mut(at) = far << SLOT_BITS | slot;
    }

    #[inline]
    fn at(&self, at: usize) -> u32 {
        self.lines[at / LINE].0[at % LINE]
    }

    #[inline]
    fn at_mut(&mut self, at: usize) -> &mut u32 {
        &mut self.lines[at / LINE].0[at % LINE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn references_are_as_a_hash_map(
            ops in prop::collection::vec((0..3u8, 0..400u64), 1..900), shift in 0..50u32,
        ) {
            // 64 slots over 128 entries: runs are long and wrap around the end.
            let mut refs = FarRefs::with_slots(64);
            let (mut keys, mut free) = ([0u64; 64], (0..64u32).collect::<Vec<_>>());
            let mut twin = HashMap::new();
            for (op, n) in ops {
                let key = n << shift;
                let known = twin.get(&key).copied();
                prop_assert_eq!(refs.get(key, |s| keys[s as usize]), known);
                match op {
                    0 => {
                        prop_assert_eq!(refs.remove(key, |s| keys[s as usize]), known);
                        free.extend(twin.remove(&key));
                    }
                    _ => if let Some(&slot) = free.last() {
                        let new = refs.insert(key, slot, |s| keys[s as usize]);
                        prop_assert_eq!(new, known.is_none());
                        if new { free.pop(); keys[slot as usize] = key; twin.insert(key, slot); }
                    }
                }
            }
            for (key, slot) in twin {
                prop_assert_eq!(refs.get(key, |s| keys[s as usize]), Some(slot));
            }
        }
    }
}
