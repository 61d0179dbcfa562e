//! Which slots want attention: now, at a time, or from the caller. All of fixed size.

use prefetch_index::prefetch_index;

/// Slots that want attention now, each at most once, taken in turn.
#[derive(Debug)]
pub(crate) struct DirtySet {
    words: Box<[u64]>,
    count: usize,
    cursor: usize,
}

impl DirtySet {
    pub(crate) fn new(slots: usize) -> DirtySet {
        let words = vec![0; slots.div_ceil(64).max(1)].into_boxed_slice();
        DirtySet { words, count: 0, cursor: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn insert(&mut self, slot: usize) {
        let word = &mut self.words[slot / 64];
        let bit = 1 << (slot % 64);
        self.count += usize::from(*word & bit == 0);
        *word |= bit;
    }

    /// Takes a slot out; says whether it was in.
    pub(crate) fn remove(&mut self, slot: usize) -> bool {
        let word = &mut self.words[slot / 64];
        let bit = 1 << (slot % 64);
        let was_in = *word & bit != 0;
        self.count -= usize::from(was_in);
        *word &= !bit;
        was_in
    }

    /// The next slot, going round. It stays in until removed.
    pub(crate) fn next(&mut self) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        // The word under the cursor is looked at twice: above the cursor first, below it last.
        let (start, words) = (self.cursor / 64, self.words.len());
        let mut above = u64::MAX << (self.cursor % 64);
        for step in 0..=words {
            let at = (start + step) % words;
            let bits = self.words[at] & above;
            above = u64::MAX;
            if bits != 0 {
                let slot = at * 64 + bits.trailing_zeros() as usize;
                self.cursor = (slot + 1) % (words * 64);
                return Some(slot);
            }
        }
        None
    }
}

/// When each slot's timer is due.
///
/// Deadlines lie side by side, eight bytes a slot, and are swept through in turns of
/// [`SWEEP_SLOTS`] once the earliest could have passed: a poll in between costs one comparison,
/// whatever the number of slots.
#[derive(Debug)]
pub(crate) struct Deadlines {
    due_ns: Box<[u64]>,
    /// No deadline lies before this, unless a sweep is under way.
    earliest_ns: u64,
    /// Where the sweep is; the number of slots when there is none.
    cursor: usize,
    /// The earliest deadline the sweep left standing.
    left_ns: u64,
}

/// Slots looked at in one turn.
const SWEEP_SLOTS: usize = 64;

impl Deadlines {
    pub(crate) fn new(slots: usize) -> Deadlines {
        let due_ns = vec![u64::MAX; slots].into_boxed_slice();
        Deadlines { due_ns, earliest_ns: u64::MAX, cursor: slots, left_ns: u64::MAX }
    }

    /// Asks memory for a slot's deadline.
    #[inline]
    pub(crate) fn ask(&self, slot: usize) {
        prefetch_index(&self.due_ns, slot);
    }

    /// Sets a slot's deadline; `u64::MAX` is none.
    pub(crate) fn set(&mut self, slot: usize, due_ns: u64) {
        self.due_ns[slot] = due_ns;
        self.earliest_ns = self.earliest_ns.min(due_ns);
    }

    /// Sets a slot's deadline unless it has an earlier one.
    #[inline]
    pub(crate) fn bring_forward(&mut self, slot: usize, due_ns: u64) {
        if due_ns < self.due_ns[slot] {
            self.set(slot, due_ns);
        }
    }

    /// The turn of slots to be looked at now; empty as long as nothing can be due.
    pub(crate) fn turn(&mut self, now_ns: u64) -> std::ops::Range<usize> {
        let slots = self.due_ns.len();
        if self.cursor >= slots {
            if now_ns < self.earliest_ns {
                return 0..0;
            }
            (self.cursor, self.earliest_ns, self.left_ns) = (0, u64::MAX, u64::MAX);
        }
        let from = self.cursor;
        self.cursor = (from + SWEEP_SLOTS).min(slots);
        from..self.cursor
    }

    /// Whether a slot of the turn is due; its deadline is then taken away.
    pub(crate) fn take(&mut self, slot: usize, now_ns: u64) -> bool {
        let due_ns = self.due_ns[slot];
        if due_ns <= now_ns {
            self.due_ns[slot] = u64::MAX;
            return true;
        }
        self.left_ns = self.left_ns.min(due_ns);
        false
    }

    /// Ends the turn; the last turn of a sweep settles when the next sweep begins.
    pub(crate) fn end_turn(&mut self) {
        if self.cursor >= self.due_ns.len() {
            self.earliest_ns = self.earliest_ns.min(self.left_ns);
        }
    }
}

/// Slots in the order they were put in; each is in it at most once, so it never overflows.
#[derive(Debug)]
pub(crate) struct SlotRing {
    slots: Box<[u32]>,
    head: usize,
    len: usize,
}

impl SlotRing {
    pub(crate) fn new(slots: usize) -> SlotRing {
        SlotRing { slots: vec![0; slots].into_boxed_slice(), head: 0, len: 0 }
    }

    pub(crate) fn push(&mut self, slot: usize) {
        debug_assert!(self.len < self.slots.len());
        let at = (self.head + self.len) % self.slots.len();
        self.slots[at] = slot as u32;
        self.len = (self.len + 1).min(self.slots.len());
    }

    pub(crate) fn front(&self) -> Option<usize> {
        (self.len > 0).then(|| self.slots[self.head] as usize)
    }

    pub(crate) fn pop(&mut self) {
        if self.len > 0 {
            self.head = (self.head + 1) % self.slots.len();
            self.len -= 1;
        }
    }
}

/// Slots by age: put in at one end, oldest at the other, taken out from anywhere, each in constant
/// time.
#[derive(Debug)]
pub(crate) struct AgeList {
    /// The neighbours of each slot, older and younger; the last entry is the list's two ends.
    links: Box<[(u32, u32)]>,
}

impl AgeList {
    pub(crate) fn new(slots: usize) -> AgeList {
        // Each points to itself: the list is empty, no slot is in it.
        let links = (0..=slots as u32).map(|at| (at, at)).collect();
        AgeList { links }
    }

    fn end(&self) -> u32 {
        (self.links.len() - 1) as u32
    }

    pub(crate) fn oldest(&self) -> Option<usize> {
        let oldest = self.links[self.end() as usize].1;
        (oldest != self.end()).then_some(oldest as usize)
    }

    /// Puts a slot in that is not in the list, as the youngest.
    pub(crate) fn push(&mut self, slot: usize) {
        let (end, at) = (self.end(), slot as u32);
        debug_assert_eq!(self.links[slot], (at, at));
        let youngest = self.links[end as usize].0;
        self.links[slot] = (youngest, end);
        self.links[youngest as usize].1 = at;
        self.links[end as usize].0 = at;
    }

    /// Takes a slot out that is in the list.
    pub(crate) fn remove(&mut self, slot: usize) {
        let (older, younger) = self.links[slot];
        debug_assert_ne!(older, slot as u32);
        self.links[older as usize].1 = younger;
        self.links[younger as usize].0 = older;
        self.links[slot] = (slot as u32, slot as u32);
    }
}

#[cfg(test)]
mod tests;
