//! Reading ahead: memory is asked for what changes to come will need, so that their waits overlap.
//!
//! Nothing is changed, and nothing depends on what is asked for: what is guessed wrong, or is no
//! longer so when the change comes, was asked for in vain. Each step reads only what the one before
//! it has asked for; who calls them for many changes in turn, step by step, waits for few.

use super::{BookCore, number};
use crate::index::{TICKS, place};
use crate::ticks::Spot;
use crate::tree::NIL;
use crate::{BookId, Slot};
use prefetch_index::prefetch_index;
use types::{Price, Side};

/// A level that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked(u32);

impl Default for Asked {
    fn default() -> Asked {
        Asked(NIL)
    }
}

impl<P: Copy + Default, const BIT: u32> BookCore<P, BIT> {
    /// Asks for where a book's windows are.
    #[inline]
    pub fn ask_book(&self, book: BookId) {
        self.index.ask_window(number(book, Side::Buy));
    }

    /// Asks for what an order at a price of a book that was asked for needs first.
    #[inline]
    pub fn ask_price(&self, book: BookId, side: Side, price: Price) -> Asked {
        let number = number(book, side);
        // Whether it meets anybody is asked before it is put.
        let other = self.index.window(number ^ 1).unwrap_or(NIL);
        prefetch_index(&self.index.heads, other as usize);
        Asked(self.ask_level(number, Spot::new::<BIT>(side, price).tick))
    }

    /// Asks for what an addition at a tick will need first; its level, for [`BookCore::ask_last`].
    #[inline]
    pub(crate) fn ask_level(&self, number: u32, tick: u32) -> u32 {
        let window = self.index.window(number).unwrap_or(NIL);
        prefetch_index(&self.index.heads, window as usize);
        let at = place(window, tick);
        prefetch_index(&self.levels, at as usize);
        at
    }

    /// Asks for the level that an order at a price comes to where its side has no window; `near`
    /// is where it is otherwise. (Looking into the tree for what is far on a side that has one cost
    /// more than it gave: such sides are few, and their levels warm.)
    #[inline]
    pub fn ask_far(&self, book: BookId, side: Side, price: Price, near: Asked) -> Asked {
        if (near.0 as usize) < self.levels.len() {
            return near;
        }
        let found = self.index.find_far(number(book, side), Spot::new::<BIT>(side, price));
        let at = found.unwrap_or(NIL);
        prefetch_index(&self.levels, at as usize);
        Asked(at)
    }

    /// Asks for a side's best level, which its window tells.
    #[inline]
    pub fn ask_best(&self, book: BookId, side: Side) -> Asked {
        let at = self.index.best(number(book, side)).map_or(NIL, |(at, _)| at);
        prefetch_index(&self.levels, at as usize);
        Asked(at)
    }

    /// Asks for the order that is served first at a level that was asked for.
    #[inline]
    pub fn ask_front(&self, level: Asked) -> Slot {
        let front = self.levels.get(level.0 as usize).map_or(NIL, |level| level.front);
        prefetch_index(&self.orders, front as usize);
        Slot((front as usize).min(self.orders.len() - 1) as u32)
    }

    /// Asks for the order at the back of a level that was asked for.
    #[inline]
    pub fn ask_back(&self, level: Asked) {
        self.ask_last(level.0);
    }

    /// See [`BookCore::ask_back`].
    #[inline]
    pub(crate) fn ask_last(&self, level: u32) {
        if let Some(level) = self.levels.get(level as usize) {
            prefetch_index(&self.orders, level.back as usize);
        }
    }

    /// Asks for an order.
    #[inline]
    pub fn ask_order(&self, slot: Slot) {
        prefetch_index(&self.orders, slot.0 as usize);
    }

    /// Asks for what a change of an order that was asked for will need.
    #[inline]
    pub fn ask_around(&self, slot: Slot) {
        let order = &self.orders[(slot.0 as usize).min(self.orders.len() - 1)];
        prefetch_index(&self.levels, order.level as usize);
        prefetch_index(&self.index.heads, (order.level / TICKS) as usize);
        prefetch_index(&self.orders, order.ahead as usize);
        prefetch_index(&self.orders, order.behind as usize);
    }

    /// Asks for another price of the side of an order around which was asked.
    #[inline]
    pub fn ask_beside(&self, slot: Slot, price: impl Fn(Side) -> Price) -> Asked {
        let order = &self.orders[(slot.0 as usize).min(self.orders.len() - 1)];
        let Some(level) = self.levels.get(order.level as usize) else { return Asked(NIL) };
        let book = BookId(level.number / 2);
        let (side, price) = (level.side(), price(level.side()));
        let window = self.index.window(level.number).unwrap_or(NIL);
        let at = place(window, Spot::new::<BIT>(side, price).tick);
        prefetch_index(&self.levels, at as usize);
        self.ask_far(book, side, price, Asked(at))
    }
}
