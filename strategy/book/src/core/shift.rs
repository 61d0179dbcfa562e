//! Orders come to the back of a queue, leave it, and do both at once.

use super::{BookCore, Order, number};
use crate::index::{self, TICKS, place};
use crate::ticks::Spot;
use crate::tree::NIL;
use crate::{BookError, Change, Slot};
use types::{Price, Qty};

impl<P: Copy + Default, const BIT: u32> BookCore<P, BIT> {
    /// Takes an order out and puts it, for `qty` shares, at the back of the queue of another price
    /// of its side: as [`BookCore::remove`] and [`BookCore::insert`] would, with what it carries
    /// left where it lies. Gives both changes.
    ///
    /// # Errors
    /// There is no level free: the order is out.
    #[inline]
    pub fn shift(&mut self, slot: Slot, price: Price, qty: Qty) -> Result<[Change; 2], BookError> {
        let removed = self.unlink(slot);
        let number = number(removed.book(), removed.side());
        let spot = Spot::new::<BIT>(removed.side(), price);
        match self.place_for(number, spot) {
            Ok(at) => Ok([removed, self.link(slot.0, at, (number, price, spot.key), qty)]),
            Err(full) => {
                self.free(slot);
                Err(full)
            }
        }
    }

    /// The level at a spot, which may have no orders yet, for who puts one there.
    #[inline(always)]
    pub(super) fn place_for(&mut self, number: u32, spot: Spot) -> Result<u32, BookError> {
        let Some(window) = self.index.window(number) else { return Err(BookError::UnknownBook) };
        match self.index.heads.get(window as usize) {
            Some(head) if head.has(spot) && self.open_levels < self.open_max => {
                Ok(place(window, spot.tick))
            }
            _ => self.find_or_open(number, spot),
        }
    }

    /// Puts a slot at the back of a level's queue.
    #[inline(always)]
    pub(super) fn link(
        &mut self,
        slot: u32,
        at: u32,
        (number, price, key): (u32, Price, u32),
        qty: Qty,
    ) -> Change {
        let (level, nobody) = (&mut self.levels[at as usize], self.orders.len() - 1);
        let ahead = level.back;
        let opens = u32::from(level.orders == 0);
        level.back = slot;
        level.front = if ahead == NIL { slot } else { level.front };
        level.qty += u64::from(qty.0);
        level.orders += 1;
        (level.price, level.number) = (price.0, number);
        self.orders[(ahead as usize).min(nobody)].behind = slot;
        let order = &mut self.orders[slot as usize];
        (order.ahead, order.behind, order.level, order.qty) = (ahead, NIL, at, qty.0);
        self.open_levels += opens;
        let top_changed = match self.index.heads.get_mut((at / TICKS) as usize) {
            Some(head) => {
                head.bits |= 1 << (at % TICKS);
                head.moves = head.moves.saturating_add(opens);
                head.is_best(at, key)
            }
            None => self.has_grown_far(at),
        };
        Change::of(number, price, top_changed)
    }

    /// Takes an order out of its queue.
    #[inline(always)]
    pub(super) fn unlink(&mut self, slot: Slot) -> Change {
        let nobody = self.places();
        let Order { qty, level: at, ahead, behind, .. } = self.orders[slot.0 as usize];
        debug_assert!(at != NIL, "the slot holds an order");
        self.orders[(ahead as usize).min(nobody)].behind = behind;
        self.orders[(behind as usize).min(nobody)].ahead = ahead;
        let level = &mut self.levels[at as usize];
        level.qty -= u64::from(qty);
        level.orders -= 1;
        level.front = if ahead == NIL { behind } else { level.front };
        level.back = if behind == NIL { ahead } else { level.back };
        let (number, key) = (level.number, level.key());
        let closes = u32::from(level.orders == 0);
        let change = level.change(false);
        self.open_levels -= closes;
        let Some(head) = self.index.heads.get_mut((at / TICKS) as usize) else {
            return change.with_top(self.has_shrunk_far(at));
        };
        let top_changed = head.is_best(at, key);
        head.bits &= !(u64::from(closes) << (at % TICKS));
        head.moves = head.moves.saturating_add(closes);
        if head.ranked() >> index::BELOW_MIN == 0 {
            self.has_sunk(number);
        }
        change.with_top(top_changed)
    }

    /// Gives back the slot of an order that is in no queue.
    #[inline(always)]
    pub(super) fn free(&mut self, slot: Slot) {
        let order = &mut self.orders[slot.0 as usize];
        (order.level, order.behind) = (NIL, self.free_order);
        self.free_order = slot.0;
        self.len -= 1;
    }
}
