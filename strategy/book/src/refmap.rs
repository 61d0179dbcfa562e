//! A fixed open-addressing table from 64-bit references to slots.
//!
//! Why it exists: exchanges name orders by numbers that are unique but sparse, and the owner of a
//! live order is found by (session, number). `std`'s map allocates when it grows and its order is
//! random.
//!
//! Layout: a power of two of 16-byte entries, at most half of them used, four to a cache line. A
//! reference's low two bits choose the place within a line and a mixed hash of the rest chooses the
//! line: neighbouring numbers, which exchanges hand out together, share a line (one miss for four),
//! while runs and multiples of 2^k still spread over all lines. Collisions probe linearly; a
//! removal shifts the entries after it back, so there are no tombstones and probes never lengthen
//! with age.
//!
//! Limits: values are below `u32::MAX`, which marks an empty entry. Someone who knows the seed can
//! make up references that share a line; a secret seed prevents it and changes nothing that is
//! observable.

const EMPTY: u32 = u32::MAX;
const LINE: usize = 4;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    key: u64,
    value: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([Entry; LINE]);

const _: () = assert!(core::mem::size_of::<Line>() == 64);

/// The table. See the module's words.
#[derive(Clone, Debug)]
pub struct RefMap {
    lines: Box<[Line]>,
    /// Entries less one, for wrapping an index.
    mask: usize,
    /// Lines less one, for choosing a line.
    line_mask: u64,
    len: usize,
    capacity: usize,
    seed: u64,
}

impl RefMap {
    /// A table for `capacity` entries, with seed 0.
    pub fn with_capacity(capacity: usize) -> RefMap {
        RefMap::with_seed(capacity, 0)
    }

    /// A table for `capacity` entries whose places depend on `seed`.
    pub fn with_seed(capacity: usize, seed: u64) -> RefMap {
        let capacity = capacity.max(LINE);
        let entries = (capacity * 2).next_power_of_two();
        let empty = Entry { key: 0, value: EMPTY };
        RefMap {
            lines: vec![Line([empty; LINE]); entries / LINE].into_boxed_slice(),
            mask: entries - 1,
            line_mask: (entries / LINE - 1) as u64,
            len: 0,
            capacity,
            seed,
        }
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keys that can still be inserted.
    pub fn free(&self) -> usize {
        self.capacity - self.len
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: u64) -> Option<u32> {
        let entry = self.at(self.probe(key));
        (entry.value != EMPTY).then_some(entry.value)
    }

    /// Sets a key's value. `false`, and nothing changed, when the table is full or the value is
    /// `u32::MAX`, which is no slot.
    #[inline]
    pub fn insert(&mut self, key: u64, value: u32) -> bool {
        let at = self.probe(key);
        let new = self.at(at).value == EMPTY;
        if value == EMPTY || (new && self.free() == 0) {
            return false;
        }
        *self.at_mut(at) = Entry { key, value };
        self.len += usize::from(new);
        true
    }

    /// Takes `key` out and gives its value.
    #[inline]
    pub fn remove(&mut self, key: u64) -> Option<u32> {
        let at = self.probe(key);
        let value = self.at(at).value;
        if value == EMPTY {
            return None;
        }
        self.close_gap(at);
        self.len -= 1;
        Some(value)
    }

    /// The place of `key`, or the empty entry where it would go. Ends: half the entries are empty.
    #[inline]
    fn probe(&self, key: u64) -> usize {
        let mut at = self.home(key);
        loop {
            let entry = self.at(at);
            if entry.value == EMPTY || entry.key == key {
                return at;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Moves back every following entry that the gap at `gap` would cut off from its home.
    #[inline]
    fn close_gap(&mut self, mut gap: usize) {
        let mut at = gap;
        loop {
            at = (at + 1) & self.mask;
            let entry = self.at(at);
            if entry.value == EMPTY {
                break;
            }
            // May move when its home is not strictly between the gap and where it stands.
            let from_home = at.wrapping_sub(self.home(entry.key)) & self.mask;
            if from_home >= (at.wrapping_sub(gap) & self.mask) {
                *self.at_mut(gap) = entry;
                gap = at;
            }
        }
        self.at_mut(gap).value = EMPTY;
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        let line = mix((key >> 2) ^ self.seed) & self.line_mask;
        (line << 2 | key & 3) as usize
    }

    #[inline]
    fn at(&self, at: usize) -> Entry {
        self.lines[at / LINE].0[at % LINE]
    }

    #[inline]
    fn at_mut(&mut self, at: usize) -> &mut Entry {
        &mut self.lines[at / LINE].0[at % LINE]
    }
}

/// Murmur3's 64-bit finaliser: a bijection in which every bit moves every other.
#[inline]
pub(crate) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}
