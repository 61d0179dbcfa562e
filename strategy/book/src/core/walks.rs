//! Walks over a book, and the hash of everything in it.

use super::{BookCore, Level, number};
use crate::index::Walk;
use crate::tree::NIL;
use crate::{BookId, LevelView, OrderView, Slot};
use types::{Price, Side};

impl<P: Copy + Default, const BIT: u32> BookCore<P, BIT> {
    /// A side's levels, the best first.
    pub fn levels(&self, book: BookId, side: Side) -> Levels<'_, P, BIT> {
        Levels { book: self, walk: self.index.walk(number(book, side)) }
    }

    /// The orders at a price, in the order they are served.
    pub fn orders(&self, book: BookId, side: Side, price: Price) -> Orders<'_, P, BIT> {
        let level = self.level_at(book, side, price);
        Orders { book: self, at: level.map_or(NIL, |level| level.front) }
    }

    /// The places of the orders at a price, in the order they are served.
    pub fn slots(&self, book: BookId, side: Side, price: Price) -> impl Iterator<Item = Slot> + '_ {
        let first = self.level_at(book, side, price).map(|level| level.front);
        // Asked for what is behind the end, too: there is nothing.
        core::iter::successors(first, |at| Some(self.orders.get(*at as usize)?.behind))
            .take_while(|at| *at != NIL)
            .map(Slot)
    }

    /// A side's orders with their places, in the order they are served.
    pub fn served(&self, book: BookId, side: Side) -> Served<'_, P, BIT> {
        Served { book: self, walk: self.index.walk(number(book, side)), at: NIL }
    }

    /// A hash of everything that can be observed: symbols, levels, queues and what orders carry; it
    /// does not depend on which slots they lie in.
    pub fn state_hash(&self, payload: impl Fn(&P) -> u64) -> u64 {
        let mut hash = Fnv::default();
        for book in (0..self.books()).map(BookId) {
            for side in [Side::Buy, Side::Sell] {
                for level in self.levels(book, side) {
                    let place = u64::from(book.0) << 33 | (side as u64) << 32;
                    hash.add(place | u64::from(level.price.0));
                    for order in self.orders(book, side, level.price) {
                        hash.add(u64::from(order.qty.0));
                        hash.add(payload(&order.payload));
                    }
                }
            }
        }
        hash.0
    }
}

/// FNV-1a over words.
#[derive(Clone, Copy, Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// See [`BookCore::levels`].
#[derive(Debug)]
pub struct Levels<'a, P, const BIT: u32 = 0> {
    book: &'a BookCore<P, BIT>,
    walk: Walk<'a, BIT>,
}

impl<P: Copy + Default, const BIT: u32> Iterator for Levels<'_, P, BIT> {
    type Item = LevelView;

    fn next(&mut self) -> Option<LevelView> {
        let at = self.walk.next()?;
        self.book.levels.get(at as usize).map(Level::view)
    }
}

/// See [`BookCore::orders`].
#[derive(Debug)]
pub struct Orders<'a, P, const BIT: u32 = 0> {
    book: &'a BookCore<P, BIT>,
    at: u32,
}

impl<P: Copy + Default, const BIT: u32> Iterator for Orders<'_, P, BIT> {
    type Item = OrderView<P>;

    fn next(&mut self) -> Option<OrderView<P>> {
        if self.at == NIL {
            return None;
        }
        let view = self.book.order(Slot(self.at));
        self.at = self.book.orders[self.at as usize].behind;
        Some(view)
    }
}

/// See [`BookCore::served`].
#[derive(Debug)]
pub struct Served<'a, P, const BIT: u32 = 0> {
    book: &'a BookCore<P, BIT>,
    walk: Walk<'a, BIT>,
    at: u32,
}

impl<P: Copy + Default, const BIT: u32> Iterator for Served<'_, P, BIT> {
    type Item = (Slot, OrderView<P>);

    #[inline]
    fn next(&mut self) -> Option<(Slot, OrderView<P>)> {
        if self.at == NIL {
            self.at = self.book.levels.get(self.walk.next()? as usize)?.front;
        }
        let slot = Slot(self.at);
        self.at = self.book.orders[self.at as usize].behind;
        Some((slot, self.book.order(slot)))
    }
}
