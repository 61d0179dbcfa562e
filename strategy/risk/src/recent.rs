//! The last orders let out, to find duplicates.
//!
//! A ring of [`KEPT`] orders; those of equal hash are chained from the newest back, as in a
//! dictionary coder. A look-up walks one chain until it leaves the window or the ring, so it costs
//! one comparison for most orders. Orders older than the last [`KEPT`] are forgotten, whatever the
//! window.

/// Orders remembered.
pub(crate) const KEPT: usize = 256;

/// What makes two orders equal: symbol, side and quantity, price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) what: u64,
    pub(crate) price: u32,
}

impl Key {
    #[inline]
    fn slot(self) -> usize {
        let mixed =
            (self.what ^ u64::from(self.price).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - KEPT.ilog2())) as usize
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    key: Key,
    /// The number of the one before in the chain; 0 for none.
    before: u32,
    at_ns: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    ring: Box<[Entry; KEPT]>,
    /// The number of the newest in each chain; 0 for none.
    heads: Box<[u32; KEPT]>,
    /// Numbers count from 1 and wrap to 1; [`Recent::clear`] goes with that.
    last: u32,
}

impl Recent {
    pub(crate) fn new() -> Recent {
        Recent { ring: Box::new([Entry::default(); KEPT]), heads: Box::new([0; KEPT]), last: 0 }
    }

    /// Whether `max` equal orders or more were let out less than `window_ns` before `now_ns`.
    #[inline]
    pub(crate) fn has(&self, key: Key, now_ns: u64, window_ns: u64, max: u32) -> bool {
        let mut number = self.heads[key.slot()];
        let mut found = 0;
        while number != 0 && self.last - number < KEPT as u32 {
            let entry = &self.ring[number as usize % KEPT];
            if now_ns.saturating_sub(entry.at_ns) >= window_ns {
                return false;
            }
            found += u32::from(entry.key == key);
            if found >= max {
                return true;
            }
            number = entry.before;
        }
        false
    }

    /// Remembers an order.
    #[inline]
    pub(crate) fn note(&mut self, key: Key, now_ns: u64) {
        if self.last == u32::MAX {
            self.clear();
        }
        self.last += 1;
        let head = &mut self.heads[key.slot()];
        self.ring[self.last as usize % KEPT] = Entry { key, before: *head, at_ns: now_ns };
        *head = self.last;
    }

    #[cold]
    fn clear(&mut self) {
        self.heads.fill(0);
        self.last = 0;
    }
}

#[cfg(test)]
mod tests;
