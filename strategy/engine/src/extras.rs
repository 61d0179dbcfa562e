//! What only some orders have: a reserve, a minimum quantity, an expiry.
//!
//! Layout: a slab of 32-byte entries, a list of the free ones, and a wheel of one list a second
//! of the day through those that expire, so that entering, leaving and expiring each touch one
//! list.
//!
//! Limits: as many entries as configured; an order that would need one more is rejected. Expiries
//! lie within 24 hours.

use crate::order::NIL;
use book::{FreeList, Slot};
use types::Qty;

/// Seconds a day.
pub(crate) const DAY_S: u32 = 86_400;

/// One conditional order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    /// Shares that are not in the book yet.
    pub(crate) reserve: Qty,
    /// Shares shown when the display is refreshed; 0 without a reserve.
    pub(crate) max_floor: Qty,
    /// Fewest shares it trades at once.
    pub(crate) min_qty: Qty,
    /// When it ends; 0 never.
    pub(crate) expire_s: u32,
    slot: u32,
    prev: u32,
    /// The next of the same second.
    next: u32,
}

/// All of them.
#[derive(Clone, Debug)]
pub(crate) struct Extras {
    entries: Box<[Extra]>,
    free: FreeList,
    wheel: Box<[u32]>,
    expiring: u32,
}

const BLANK: Extra = Extra {
    reserve: Qty(0),
    max_floor: Qty(0),
    min_qty: Qty(0),
    expire_s: 0,
    slot: NIL,
    prev: NIL,
    next: NIL,
};

impl Extras {
    pub(crate) fn new(capacity: u32) -> Extras {
        let entries = vec![BLANK; capacity as usize].into_boxed_slice();
        let wheel = vec![NIL; DAY_S as usize].into_boxed_slice();
        Extras { entries, free: FreeList::all(capacity), wheel, expiring: 0 }
    }

    /// Whether one more finds room.
    pub(crate) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// Entries in use.
    pub(crate) fn len(&self) -> u32 {
        (self.entries.len() - self.free.len()) as u32
    }

    /// Entries that have an expiry.
    pub(crate) fn expiring(&self) -> u32 {
        self.expiring
    }

    /// Takes an entry; [`NIL`] when there is no room. Its order's place is told by [`Extras::put`].
    pub(crate) fn take(
        &mut self,
        reserve: Qty,
        max_floor: Qty,
        min_qty: Qty,
        expire_s: u32,
    ) -> u32 {
        let Some(at) = self.free.take() else { return NIL };
        self.entries[at as usize] = Extra { reserve, max_floor, min_qty, expire_s, ..BLANK };
        if expire_s > 0 {
            self.link(at);
        }
        at
    }

    /// An entry's order came to rest at `slot`, or moved there.
    pub(crate) fn put(&mut self, at: u32, slot: Slot) {
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.slot = slot.index();
        }
    }

    /// Gives an entry back; [`NIL`] is none.
    pub(crate) fn give(&mut self, at: u32) {
        let Some(entry) = self.entries.get(at as usize) else { return };
        if entry.expire_s > 0 {
            self.unlink(at);
        }
        self.entries[at as usize] = BLANK;
        self.free.give(at);
    }

    /// An entry; a blank one for [`NIL`].
    #[inline]
    pub(crate) fn get(&self, at: u32) -> Extra {
        self.entries.get(at as usize).copied().unwrap_or(BLANK)
    }

    /// Changes what is in reserve.
    pub(crate) fn set_reserve(&mut self, at: u32, reserve: Qty) {
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.reserve = reserve;
        }
    }

    /// An order has no more than so many shares left: its minimum cannot be above them.
    pub(crate) fn cap_min_qty(&mut self, at: u32, leaves: Qty) {
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.min_qty = entry.min_qty.min(leaves);
        }
    }

    /// How many entries there are.
    pub(crate) fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// The entries that expire, in the order they do.
    pub(crate) fn as_they_end(&self) -> impl Iterator<Item = u32> + '_ {
        self.wheel.iter().flat_map(|head| {
            let next = |at: &u32| Some(self.entries.get(*at as usize)?.next);
            core::iter::successors(Some(*head), next).take_while(|at| *at != NIL)
        })
    }

    /// The first order that ends at a second of the day, if there is one.
    pub(crate) fn due(&self, second: u32) -> Option<Slot> {
        let at = *self.wheel.get(second as usize)?;
        self.entries.get(at as usize).map(|entry| Slot::from_index(entry.slot))
    }

    /// Appends to its second's list, so that those who came first end first.
    fn link(&mut self, at: u32) {
        let second = self.entries[at as usize].expire_s.min(DAY_S - 1) as usize;
        let head = self.wheel[second];
        self.expiring += 1;
        // A ring: the head's `prev` is the list's tail.
        if head == NIL {
            self.wheel[second] = at;
            self.entries[at as usize].prev = at;
            self.entries[at as usize].next = NIL;
            return;
        }
        let tail = self.entries[head as usize].prev;
        self.entries[tail as usize].next = at;
        self.entries[head as usize].prev = at;
        self.entries[at as usize].prev = tail;
        self.entries[at as usize].next = NIL;
    }

    fn unlink(&mut self, at: u32) {
        let Extra { prev, next, expire_s, .. } = self.entries[at as usize];
        let second = expire_s.min(DAY_S - 1) as usize;
        let head = self.wheel[second];
        self.expiring -= 1;
        if head == at {
            self.wheel[second] = next;
        } else {
            self.entries[prev as usize].next = next;
        }
        match self.entries.get_mut(next as usize) {
            Some(after) => after.prev = prev,
            None if head != at => self.entries[head as usize].prev = prev,
            None => {}
        }
    }
}
