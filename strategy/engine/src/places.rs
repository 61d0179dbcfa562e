//! From a client's number to its live order: (session, `UserRefNum`) to a place in the books.
//!
//! Layout: cache lines of eight entries, at most two thirds of them used. An entry is an order's
//! place and a byte of its number; the order knows its number, and is asked only where the byte is
//! equal. All eight bytes are compared at once, as one word. A multiplied hash of the number less
//! its lowest bit, the session mixed in, chooses the line. (With eight numbers in sequence to a
//! line one session's adds were a fifth cheaper, but thousands of sessions' numbers piled up in
//! some lines, and a cancel among a million orders took 1.4 times as long.) Where a line is full
//! the next one serves; each counts the entries that passed it by, so that a search knows where to
//! end. Nothing is ever moved, and there are no tombstones.
//!
//! Limits: as many orders as the books have.

use book::Slot;
use prefetch_index::prefetch_index;
use types::{SessionId, UserRef};

const LINE: usize = 8;
/// 2^64 and 2^32 over the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
const SALT: u32 = 0x9E37_79B9;
/// The lowest and the highest bit of every byte.
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line {
    /// A byte an entry, its highest bit set; 0 where nothing is.
    bytes: u64,
    slots: [u32; LINE],
    /// Entries that belong here or before and lie behind.
    passed: u32,
}

const _: () = assert!(size_of::<Line>() == 64);

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    lines: Box<[Line]>,
    /// What of a product of 64 bits is the line.
    shift: u32,
    len: usize,
}

/// Where an entry lies; good until another is put in or taken out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    line: usize,
    entry: usize,
    /// Lines between here and where the entry belongs.
    far: usize,
}

/// A number with its session mixed in.
#[inline]
fn tag(session: SessionId, user_ref: UserRef) -> u32 {
    user_ref.0 ^ u32::from(session.0).wrapping_mul(SALT)
}

/// The byte of a number.
#[inline]
fn byte(tag: u32) -> u64 {
    u64::from(tag & 0x7F | 0x80)
}

impl Line {
    /// The first of the entries whose byte is equal and of which `is` says yes.
    #[inline]
    fn find(&self, byte: u64, is: impl Fn(u32) -> bool) -> Option<usize> {
        let differs = self.bytes ^ (LOW * byte);
        // The highest bit of each byte that is 0, and perhaps of one above such.
        let mut equal = differs.wrapping_sub(LOW) & !differs & HIGH;
        while equal != 0 {
            let at = equal.trailing_zeros() as usize / 8;
            if is(self.slots[at]) {
                return Some(at);
            }
            equal &= equal - 1;
        }
        None
    }
}

impl Places {
    /// Room for so many orders.
    pub(crate) fn new(orders: u32) -> Places {
        let lines = (orders as usize * 3 / 2).div_ceil(LINE).next_power_of_two().max(2);
        Places {
            lines: vec![Line::default(); lines].into_boxed_slice(),
            shift: u64::BITS - lines.trailing_zeros(),
            len: 0,
        }
    }

    /// Orders that are in.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Asks memory for where a client's order is or would be.
    #[inline]
    pub(crate) fn ask(&self, session: SessionId, user_ref: UserRef) {
        prefetch_index(&self.lines, self.home(tag(session, user_ref)));
    }

    /// Where in the books a client's order may be, told by the line that was asked for alone.
    #[inline]
    pub(crate) fn peek(&self, session: SessionId, user_ref: UserRef) -> Slot {
        let tag = tag(session, user_ref);
        let line = &self.lines[self.home(tag)];
        let differs = line.bytes ^ (LOW * byte(tag));
        let equal = differs.wrapping_sub(LOW) & !differs & HIGH;
        // Of a line that has none like it, the first will do as well.
        Slot::from_index(line.slots[equal.trailing_zeros() as usize / 8 % LINE])
    }

    /// Where a client's order is in the table and in the books; `number_of` tells the number of the
    /// order at a place in the books.
    #[inline]
    pub(crate) fn find(
        &self,
        session: SessionId,
        user_ref: UserRef,
        number_of: impl Fn(Slot) -> (SessionId, UserRef),
    ) -> Option<(Place, Slot)> {
        let tag = tag(session, user_ref);
        let mut place = Place { line: self.home(tag), entry: 0, far: 0 };
        loop {
            let line = &self.lines[place.line];
            let is = |slot: u32| number_of(Slot::from_index(slot)) == (session, user_ref);
            if let Some(entry) = line.find(byte(tag), is) {
                return Some((Place { entry, ..place }, Slot::from_index(line.slots[entry])));
            }
            if line.passed == 0 {
                return None;
            }
            place.line = self.after(place.line);
            place.far += 1;
        }
    }

    /// Puts in an order whose number is not in.
    #[inline]
    pub(crate) fn insert(&mut self, session: SessionId, user_ref: UserRef, slot: Slot) {
        let tag = tag(session, user_ref);
        let mut at = self.home(tag);
        self.len += 1;
        // Ends: a third of all entries is free.
        loop {
            let line = &mut self.lines[at];
            let free = !line.bytes & HIGH;
            if free != 0 {
                let bit = free.trailing_zeros() - 7;
                line.bytes |= byte(tag) << bit;
                line.slots[bit as usize / 8] = slot.index();
                return;
            }
            line.passed += 1;
            at = self.after(at);
        }
    }

    /// Takes out the order that was put in with this slot.
    pub(crate) fn remove(&mut self, session: SessionId, user_ref: UserRef, slot: Slot) {
        let tag = tag(session, user_ref);
        let mut place = Place { line: self.home(tag), entry: 0, far: 0 };
        loop {
            let line = &self.lines[place.line];
            if let Some(entry) = line.find(byte(tag), |other| other == slot.index()) {
                return self.remove_at(Place { entry, ..place });
            }
            debug_assert!(line.passed > 0, "a live order is in");
            place.line = self.after(place.line);
            place.far += 1;
        }
    }

    /// Takes out the order that [`Places::find`] found.
    #[inline]
    pub(crate) fn remove_at(&mut self, place: Place) {
        self.lines[place.line].bytes &= !(0xFF << (8 * place.entry));
        self.len -= 1;
        for back in 1..=place.far {
            let passed = place.line.wrapping_sub(back) & (self.lines.len() - 1);
            self.lines[passed].passed -= 1;
        }
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        (u64::from(tag >> 1).wrapping_mul(SPREAD) >> self.shift) as usize
    }

    #[inline]
    fn after(&self, line: usize) -> usize {
        (line + 1) & (self.lines.len() - 1)
    }
}

#[cfg(test)]
mod tests;
