//! A made-up order flow: ITCH messages of books that are never crossed, in memory, from a seed.
//!
//! 94 in a hundred messages are adds and deletes that keep about `live_orders` resting, 6 execute
//! the order that is served first on a side, so that a venue that is given the same flow as orders
//! trades what is recorded here. Adds lie within 50 cents of a middle that walks a cent at a time,
//! thicker near it. At the end every order is deleted: a flow may be repeated, and each time begins
//! with empty books.
//!
//! Limits: off the hot path. It is made before a run starts, at some 300 ns a message.

use std::collections::BTreeMap;

/// What flow to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// Names, padded; the n-th has the stock locate n + 1. At most 65,535.
    pub symbols: Vec<[u8; 8]>,
    /// What all chance comes from.
    pub seed: u64,
    /// Messages, the deletes at the end aside.
    pub messages: u32,
    /// Orders that rest at once, about, over all symbols.
    pub live_orders: u32,
}

/// A cent, in 1/10000 dollar.
const CENT: u32 = 100;
/// Adds are at most so many cents from the middle.
const DISTANCE_CENTS_MAX: u32 = 50;
/// Executions in a hundred messages.
const EXECUTIONS: u32 = 6;
/// The number of live orders keeps within this of what is asked for.
const SLACK: usize = 64;
/// 09:30, and what lies between two messages.
const OPEN_NS: u64 = 34_200_000_000_000;
const STEP_NS: u64 = 1_000;

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((random * u64::from(bound)) >> 32) as u32
    }
}

/// Shares by price and number; an ask's price as it is, a bid's turned, so that the first is the
/// one that is served first.
type Side = BTreeMap<(u32, u64), u32>;

struct Book {
    /// Bids, asks.
    sides: [Side; 2],
    middle: u32,
}

/// A live order: which book, which side, under which key.
type Place = (usize, usize, (u32, u64));

struct Maker<'s> {
    symbols: &'s [[u8; 8]],
    chance: Chance,
    books: Vec<Book>,
    /// Some of these are gone already: they are looked for when they are drawn.
    places: Vec<Place>,
    live: usize,
    next_id: u64,
    now_ns: u64,
    out: Vec<u8>,
}

/// The place of the bids; the asks are at 1.
const BUY: usize = 0;

fn price_of(side: usize, key: u32) -> u32 {
    if side == BUY { u32::MAX - key } else { key }
}

/// The flow, each message behind its length in two bytes, as ITCH files have it.
pub fn synthetic(flow: &Synthetic) -> Vec<u8> {
    let mut maker = Maker::new(flow);
    maker.directory();
    for _ in 0..flow.messages {
        maker.step(flow.live_orders as usize);
    }
    while maker.live > 0 {
        maker.delete();
    }
    maker.out
}

impl Maker<'_> {
    fn new(flow: &Synthetic) -> Maker<'_> {
        let mut chance = Chance(flow.seed | 1);
        let mut book =
            || Book { sides: Default::default(), middle: (2_000 + chance.below(20_000)) * CENT };
        let books = flow.symbols.iter().map(|_| book()).collect();
        Maker {
            symbols: &flow.symbols,
            chance,
            books,
            places: Vec::new(),
            live: 0,
            next_id: 0,
            now_ns: OPEN_NS,
            out: Vec::with_capacity((flow.messages as usize + flow.live_orders as usize) * 32),
        }
    }

    /// R for each symbol, then Q: the market is open.
    fn directory(&mut self) {
        for (at, symbol) in self.symbols.iter().enumerate() {
            let lot = 100u32.to_be_bytes();
            self.message(b'R', at, &[symbol, b"QN", &lot, b"NCZ PNN1N", &[0; 4], b"N"]);
        }
        self.message(b'S', usize::MAX, &[b"Q"]);
    }

    /// One message behind its length. A locate of 0 stands for none.
    fn message(&mut self, kind: u8, symbol: usize, parts: &[&[u8]]) {
        let len: usize = 11 + parts.iter().map(|part| part.len()).sum::<usize>();
        let locate = symbol.wrapping_add(1) as u16;
        self.out.extend((len as u16).to_be_bytes());
        self.out.push(kind);
        self.out.extend(locate.to_be_bytes());
        self.out.extend([0, 0]);
        self.out.extend(&self.now_ns.to_be_bytes()[2..]);
        parts.iter().for_each(|part| self.out.extend(*part));
        self.now_ns += STEP_NS;
    }

    fn step(&mut self, live_orders: usize) {
        let executes = self.chance.below(100) < EXECUTIONS;
        if executes && self.live > 0 {
            self.execute();
        } else if self.live >= live_orders {
            self.delete();
        } else if self.live + SLACK < live_orders || self.live == 0 || self.chance.below(2) == 0 {
            self.add();
        } else {
            self.delete();
        }
    }

    /// A new order on its side of the middle, and never across the other side's best.
    fn add(&mut self) {
        let at = self.chance.below(self.books.len() as u32) as usize;
        let side = self.chance.below(2) as usize;
        let far = |chance: &mut Chance| 1 + chance.below(DISTANCE_CENTS_MAX);
        let distance = far(&mut self.chance).min(far(&mut self.chance)) * CENT;
        let qty = (1 + self.chance.below(5)) * 100;
        self.next_id += 1;
        let book = &mut self.books[at];
        let other = book.sides[1 - side].first_key_value().map(|(key, _)| key.0);
        let price = match (side, other) {
            (BUY, best) => (book.middle - distance).min(best.map_or(u32::MAX, |ask| ask - CENT)),
            (_, best) => {
                (book.middle + distance).max(best.map_or(0, |bid| price_of(BUY, bid) + CENT))
            }
        };
        let key = (price_of(side, price), self.next_id);
        book.sides[side].insert(key, qty);
        self.places.push((at, side, key));
        self.live += 1;
        let id = self.next_id.to_be_bytes();
        let letter: &[u8] = if side == BUY { b"B" } else { b"S" };
        let symbol = self.symbols[at];
        self.message(b'A', at, &[&id, letter, &qty.to_be_bytes(), &symbol, &price.to_be_bytes()]);
    }

    /// Deletes one of the live orders, whichever.
    fn delete(&mut self) {
        while !self.places.is_empty() {
            let drawn = self.chance.below(self.places.len() as u32) as usize;
            let (at, side, key) = self.places.swap_remove(drawn);
            if self.books[at].sides[side].remove(&key).is_some() {
                self.live -= 1;
                return self.message(b'D', at, &[&key.1.to_be_bytes()]);
            }
        }
    }

    /// Executes what is first in a book, whole or a round lot of it; the middle may walk a cent.
    fn execute(&mut self) {
        let at = self.chance.below(self.books.len() as u32) as usize;
        let side = self.chance.below(2) as usize;
        let book = &mut self.books[at];
        let Some(mut first) = book.sides[side].first_entry() else { return self.add() };
        let (key, rests) = (*first.key(), *first.get());
        let qty = if self.chance.below(2) == 0 { rests } else { 100 };
        if qty == rests {
            first.remove();
            self.live -= 1;
        } else {
            *first.get_mut() -= qty;
        }
        let walk = (book.middle + self.chance.below(3) * CENT) - CENT;
        book.middle = walk.clamp(10 * DISTANCE_CENTS_MAX * CENT, u32::MAX / 4);
        let (id, number) = (key.1.to_be_bytes(), self.now_ns.to_be_bytes());
        self.message(b'E', at, &[&id, &qty.to_be_bytes(), &number]);
    }
}

#[cfg(test)]
mod tests;
