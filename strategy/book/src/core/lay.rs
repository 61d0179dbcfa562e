//! What is rare: levels far from the best price, and the laying of a window.
//!
//! A window is laid again when the best price has left it or nears its lower end, at most once in
//! [`MOVES_MIN`] levels opened or closed, and only if no more orders than [`ORDERS_A_MOVE`] for
//! each of those have to be told that their level has moved. So somebody who makes prices jump, or
//! piles up orders at the end of a window, pays for a few steps of the tree with each order and not
//! for a whole window. Until it is laid, the tree has what belongs there.

use super::{BLANK_LEVEL, BookCore, Level};
use crate::BookError;
use crate::index::{BELOW, BELOW_MIN, TICKS, place, side_of};
use crate::ticks::{NOWHERE, Spot, key, key_of, tick_from};
use crate::tree::NIL;
use types::Price;

/// Levels opened or closed between two layings of a window.
const MOVES_MIN: u32 = 16;
/// Orders that may be moved for each of them.
const ORDERS_A_MOVE: u32 = 16;
/// Orders that may be moved at once, however long ago a window was laid.
const ORDERS_MAX: u32 = 4096;
/// Levels of the tree that are looked at when a window is laid.
const PULL_MAX: usize = 96;

impl<P: Copy + Default, const BIT: u32> BookCore<P, BIT> {
    /// The level at a spot, which may have no orders yet, for who puts one there.
    #[cold]
    #[inline(never)]
    pub(super) fn find_or_open(&mut self, number: u32, spot: Spot) -> Result<u32, BookError> {
        let found = self.index.find(number, spot);
        if let Some(at) = found
            && (self.levels[at as usize].orders > 0 || self.has_spare_level())
        {
            return Ok(at);
        }
        if !self.has_spare_level() {
            return Err(BookError::LevelsFull);
        }
        if let Some(at) = self.first_near(number, spot) {
            return Ok(at);
        }
        let at = self.take_level().ok_or(BookError::LevelsFull)?;
        if !self.index.insert_far(number, spot.key, at) {
            self.give_level(at);
            return Err(BookError::LevelsFull);
        }
        Ok(at)
    }

    /// Gives a side that has no window one; its place for a spot, if it is the side's first order.
    fn first_near(&mut self, number: u32, spot: Spot) -> Option<u32> {
        if self.index.window(number) != Some(NIL) || spot.tick == NOWHERE {
            return None;
        }
        let window = self.index.take_window(number)?;
        if !self.index.has_no_far(number) {
            return None;
        }
        self.index.heads[window as usize].base = spot.tick.saturating_sub(BELOW);
        Some(place(window, spot.tick))
    }

    /// A far level has one order more; whether it is the best.
    #[cold]
    #[inline(never)]
    pub(super) fn has_grown_far(&mut self, at: u32) -> bool {
        let level = self.levels[at as usize];
        let is_best = self.is_best(at, level.number, level.key());
        if level.orders == 1 {
            self.has_moved(level.number);
        }
        is_best
    }

    /// A far level has one order less; whether it was the best.
    #[cold]
    #[inline(never)]
    pub(super) fn has_shrunk_far(&mut self, at: u32) -> bool {
        let level = self.levels[at as usize];
        let was_best = self.is_best(at, level.number, level.key());
        if level.orders == 0 {
            self.index.remove_far(level.number, level.key());
            self.give_level(at);
            self.has_moved(level.number);
        }
        was_best
    }

    fn has_moved(&mut self, number: u32) {
        let window = self.index.window(number).unwrap_or(NIL);
        if let Some(head) = self.index.heads.get_mut(window as usize) {
            head.moves = head.moves.saturating_add(1);
        }
        self.has_sunk(number);
    }

    /// A side whose window has little or nothing left: gives the window back, or lays it again.
    #[cold]
    #[inline(never)]
    pub(super) fn has_sunk(&mut self, number: u32) {
        match self.index.best(number) {
            None => self.index.give_window(number),
            Some((_, best)) => self.lay(number, best),
        }
    }

    /// Lays a side's window around the best price, if it lies elsewhere and it is time for that.
    fn lay(&mut self, number: u32, best_key: u32) {
        let (side, window) = (side_of(number), self.index.window(number).unwrap_or(NIL));
        let Some(head) = self.index.heads.get(window as usize).copied() else { return };
        let best = Spot::new::<BIT>(side, Price(key(side, Price(best_key))));
        let mut base = best.tick.saturating_sub(BELOW);
        let is_well = head.has(best) && best.tick >= head.base + BELOW_MIN || base == head.base;
        if is_well || head.moves < MOVES_MIN || best.tick == NOWHERE {
            return;
        }
        let orders_max = head.moves.saturating_mul(ORDERS_A_MOVE).min(ORDERS_MAX);
        let (mut pulled, mut count, mut orders) = ([(0, NIL); PULL_MAX], 0, 0u32);
        for far in self.index.far(number).take_while(|far| far.0 >= key_of::<BIT>(side, base)) {
            orders = orders.saturating_add(self.levels[far.1 as usize].orders);
            if count == PULL_MAX || orders > orders_max {
                // What has been looked at is pulled, and the window ends there.
                let Some((worst, _)) = count.checked_sub(1).map(|last| pulled[last]) else {
                    return;
                };
                base = base.max(tick_from::<BIT>(side, worst));
                break;
            }
            pulled[count] = far;
            count += 1;
        }
        if !self.evict(number, window, base, orders_max) {
            return;
        }
        let head = &mut self.index.heads[window as usize];
        (head.base, head.moves) = (base, 0);
        for (key_far, at) in &pulled[..count] {
            let spot = Spot::new::<BIT>(side, Price(key(side, Price(*key_far))));
            if self.index.heads[window as usize].has(spot) {
                self.index.remove_far(number, *key_far);
                self.index.heads[window as usize].bits |= 1 << (spot.tick % TICKS);
                self.relocate(*at, place(window, spot.tick));
                self.give_level(*at);
            }
        }
    }

    /// Moves what is in a window below a tick to the tree; `false` and nothing changed, if that
    /// were more than so many orders.
    fn evict(&mut self, number: u32, window: u32, base: u32, orders_max: u32) -> bool {
        let head = self.index.heads[window as usize];
        let (mut ticks, mut count, mut from, mut orders) = ([0; TICKS as usize], 0, head, 0u32);
        while let Some(tick) = from.near() {
            from.bits &= !(1 << (tick % TICKS));
            if tick < base {
                ticks[count] = tick;
                count += 1;
                orders = orders.saturating_add(self.levels[place(window, tick) as usize].orders);
            }
        }
        if orders > orders_max {
            return false;
        }
        for tick in &ticks[..count] {
            let Some(at) = self.take_level() else { return false };
            if !self.index.insert_far(number, key_of::<BIT>(side_of(number), *tick), at) {
                debug_assert!(false, "there are nodes for all levels");
                self.give_level(at);
                return false;
            }
            self.index.heads[window as usize].bits &= !(1 << (tick % TICKS));
            self.relocate(place(window, *tick), at);
        }
        true
    }

    /// Moves a level, and tells its orders.
    fn relocate(&mut self, from: u32, to: u32) {
        let level = self.levels[from as usize];
        self.levels[to as usize] = level;
        self.levels[from as usize] = BLANK_LEVEL;
        let mut at = level.front;
        while let Some(order) = self.orders.get_mut(at as usize) {
            order.level = to;
            at = order.behind;
        }
    }

    fn take_level(&mut self) -> Option<u32> {
        let at = self.free_level;
        let level = self.levels.get_mut(at as usize)?;
        self.free_level = level.front;
        self.used_levels = self.used_levels.max(at - self.near + 1);
        *level = BLANK_LEVEL;
        Some(at)
    }

    fn give_level(&mut self, at: u32) {
        self.levels[at as usize] = Level { front: self.free_level, ..BLANK_LEVEL };
        self.free_level = at;
    }
}
