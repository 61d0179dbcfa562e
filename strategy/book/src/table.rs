//! A fixed hash table from `u64` keys: open addressing, linear probing, no tombstones.
//!
//! Layout: one array of key and value side by side, a power of two at least twice the capacity, so that
//! probes stay short and mostly within one cache line. Deletion shifts the following entries back,
//! so that the table never wears out. The hash is a multiplication by 2^64/φ (Fibonacci hashing),
//! of which the high bits are used: keys in sequence, or multiples of a power of two, spread evenly.
//!
//! Limits: `u64::MAX` marks an empty slot and is no key; at most `capacity` entries, then `insert` refuses.

/// No key.
const EMPTY: u64 = u64::MAX;
/// 2^64 divided by the golden ratio, odd.
const PHI: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Clone, Copy, Debug)]
struct Entry<V> {
    key: u64,
    value: V,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Table<V> {
    entries: Box<[Entry<V>]>,
    shift: u32,
    len: usize,
    capacity: usize,
}

/// Order references to slots.
pub type RefMap = Table<u32>;

impl<V: Copy + Default> Table<V> {
    /// Takes all the memory the table will ever use.
    pub fn with_capacity(capacity: usize) -> Table<V> {
        let slots = (capacity.max(4) * 2).next_power_of_two();
        let empty = Entry { key: EMPTY, value: V::default() };
        let shift = 64 - slots.trailing_zeros();
        let entries = vec![empty; slots].into_boxed_slice();
        Table { entries, shift, len: 0, capacity: capacity.max(4) }
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keys that can still be inserted.
    pub fn free(&self) -> usize {
        self.capacity - self.len
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        ((key ^ (key >> 32)).wrapping_mul(PHI) >> self.shift) as usize
    }

    #[inline]
    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    /// The slot of `key`, or the empty slot where it would go.
    #[inline]
    fn probe(&self, key: u64) -> usize {
        let mask = self.mask();
        let mut at = self.home(key) & mask;
        // Half of the slots are always empty, so this ends.
        while self.entries[at].key != key && self.entries[at].key != EMPTY {
            at = (at + 1) & mask;
        }
        at
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: u64) -> Option<V> {
        let entry = &self.entries[self.probe(key)];
        (entry.key == key && key != EMPTY).then_some(entry.value)
    }

    /// The value of a key, to be changed.
    #[inline]
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let at = self.probe(key);
        let entry = &mut self.entries[at];
        (entry.key == key && key != EMPTY).then_some(&mut entry.value)
    }

    /// Sets a key's value. `false`, and nothing changed, when the table is full or the key is no key.
    #[inline]
    pub fn insert(&mut self, key: u64, value: V) -> bool {
        if key == EMPTY {
            return false;
        }
        let at = self.probe(key);
        if self.entries[at].key == EMPTY {
            if self.free() == 0 {
                return false;
            }
            self.len += 1;
        }
        self.entries[at] = Entry { key, value };
        true
    }

    /// Takes a key out.
    #[inline]
    pub fn remove(&mut self, key: u64) -> Option<V> {
        let mut hole = self.probe(key);
        if key == EMPTY || self.entries[hole].key != key {
            return None;
        }
        let value = self.entries[hole].value;
        let mask = self.mask();
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let entry = self.entries[at];
            if entry.key == EMPTY {
                break;
            }
            // An entry may move back into the hole unless its home lies between the two.
            let from_home = at.wrapping_sub(self.home(entry.key)) & mask;
            let from_hole = at.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole].key = EMPTY;
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests;
