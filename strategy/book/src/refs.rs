//! The feed's table from order numbers to slots: the numbers stay in the orders, which are read
//! anyway and know their own.
//!
//! Why: an exchange gives its numbers in sequence, an order lives for some thousand of them, and a
//! message goes to a random live one. So a number's low bits are its place: the next number's
//! place lies beside it in the same cache line, nothing is mixed, compared or moved, and what is
//! looked for is nearly always where it is looked for. An order that is still there when the
//! numbers have come around gives its place to the newcomer and moves, once, to the table for such
//! (`far.rs`).
//!
//! Layout: a power of two of `u32`, one for each order or more, sixteen to a line; and the far
//! table, which could hold every order.
//!
//! Failure modes: numbers that do not grow, or that share their low bits, are as right and slower:
//! each costs a step in the far table.

use crate::far::{self, FarRefs};

pub(crate) use crate::far::SLOTS_MAX;

const EMPTY: u32 = u32::MAX;
/// Places, at least, where there are any orders: a line's.
const PLACES_MIN: usize = 16;

/// Where a number lies; good until the table changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Near(usize),
    Far(far::Place),
}

/// See the module. The caller gives the number of the order in a slot.
#[derive(Clone, Debug)]
pub(crate) struct Refs {
    near: Box<[u32]>,
    far: FarRefs,
    far_len: u32,
    /// No number above this was moved to the far table: one that is new need not be looked for.
    far_max: u64,
}

impl Refs {
    /// Room for the references of `slots` orders.
    pub(crate) fn with_slots(slots: u32) -> Refs {
        let places = (slots as usize).next_power_of_two().max(PLACES_MIN);
        Refs {
            near: vec![EMPTY; places].into_boxed_slice(),
            far: FarRefs::with_slots(slots),
            far_len: 0,
            far_max: 0,
        }
    }

    /// Where `key` lies in the table, and its slot.
    #[inline]
    pub(crate) fn find(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<(Place, u32)> {
        let at = self.place(key);
        let slot = self.near[at];
        if slot != EMPTY && key_of(slot) == key {
            return Some((Place::Near(at), slot));
        }
        self.find_far(key, key_of)
    }

    /// The slot that lies at the place of `key`: mostly its own, but nothing has been compared.
    #[inline]
    pub(crate) fn peek(&self, key: u64) -> u32 {
        self.near[self.place(key)]
    }

    /// Asks for what looking for `key` will read.
    #[inline]
    pub(crate) fn ask(&self, key: u64) {
        prefetch_index::prefetch_index(&self.near, self.place(key));
    }

    /// Adds `key`; `false` if it is there.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, slot: u32, key_of: impl Fn(u32) -> u64) -> bool {
        let at = self.place(key);
        if (self.near[at] != EMPTY || key <= self.far_max) && !self.make_room(key, key_of) {
            return false;
        }
        self.near[at] = slot;
        true
    }

    /// Takes out the key that [`Refs::find`] found; nothing may have changed since.
    #[inline]
    pub(crate) fn remove_at(&mut self, place: Place, key_of: impl Fn(u32) -> u64) {
        match place {
            Place::Near(at) => self.near[at] = EMPTY,
            Place::Far(place) => self.remove_far(place, key_of),
        }
    }

    /// Takes out a key that was just added and has not been looked for since.
    #[cold]
    pub(crate) fn take_back(&mut self, key: u64) {
        let at = self.place(key);
        self.near[at] = EMPTY;
    }

    /// Forgets every key.
    pub(crate) fn clear(&mut self) {
        self.near.fill(EMPTY);
        if self.far_len > 0 {
            self.far.clear();
        }
        (self.far_len, self.far_max) = (0, 0);
    }

    #[cold]
    fn find_far(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<(Place, u32)> {
        if self.far_len == 0 {
            return None;
        }
        self.far.find(key, key_of).map(|(place, slot)| (Place::Far(place), slot))
    }

    #[cold]
    fn remove_far(&mut self, place: far::Place, key_of: impl Fn(u32) -> u64) {
        self.far.remove_at(place, key_of);
        self.far_len -= 1;
    }

    /// Frees the place of `key`; `false` if the key itself is there, or in the far table.
    #[cold]
    fn make_room(&mut self, key: u64, key_of: impl Fn(u32) -> u64) -> bool {
        if self.find(key, &key_of).is_some() {
            return false;
        }
        let old = self.peek(key);
        if old != EMPTY {
            let old_key = key_of(old);
            let moved = self.far.insert(old_key, old, key_of);
            debug_assert!(moved, "a number is in one place");
            self.far_len += 1;
            self.far_max = self.far_max.max(old_key);
        }
        true
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        key as usize & (self.near.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Numbers that mostly grow, so that they come around again and again, with some that do
        /// not.
        #[test]
        fn references_are_as_a_hash_map(
            ops in prop::collection::vec((0..8u8, any::<u16>()), 1..900), shift in 0..50u32,
        ) {
            let mut refs = Refs::with_slots(64);
            let (mut keys, mut free) = ([0u64; 64], (0..64u32).collect::<Vec<_>>());
            let (mut twin, mut next) = (HashMap::new(), 0u64);
            for (op, n) in ops {
                let n = u64::from(n);
                let key = if op < 4 { next } else { n % (next + 2) } << shift;
                let known = twin.get(&key).copied();
                let found = refs.find(key, |s| keys[s as usize]);
                prop_assert_eq!(found.map(|(_, slot)| slot), known);
                if let (Some((place, slot)), 6..) = (found, op) {
                    refs.remove_at(place, |s| keys[s as usize]);
                    twin.remove(&key);
                    free.push(slot);
                } else if let Some(&slot) = free.last() {
                    let new = refs.insert(key, slot, |s| keys[s as usize]);
                    prop_assert_eq!(new, known.is_none());
                    next += u64::from(op < 4);
                    if new && n % 5 == 0 {
                        refs.take_back(key);
                    } else if new {
                        free.pop();
                        keys[slot as usize] = key;
                        twin.insert(key, slot);
                    }
                }
            }
            for (key, slot) in &twin {
                let found = refs.find(*key, |s| keys[s as usize]);
                prop_assert_eq!(found.map(|(_, slot)| slot), Some(*slot));
            }
            prop_assert!(refs.far_len as usize <= twin.len());
        }
    }
}
