//! A day of many symbols, a chunk at a time. Every message is one that a right book can apply, and
//! no book is ever crossed: each symbol has a middle that its bids stay below and its asks do not;
//! the middle walks within what the best prices leave it.

use crate::calibrate::{STEP, Seen};

/// xorshift64*.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((random * bound as u64) >> 32) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

#[derive(Clone, Copy)]
struct Order {
    id: u64,
    price: u32,
    qty: u32,
    buy: bool,
}

struct Book {
    /// The oldest first.
    orders: Vec<Order>,
    /// Orders that it holds at most.
    room: usize,
    middle: u32,
}

/// See the module.
pub(crate) struct Day<'a> {
    seen: &'a Seen,
    chance: Chance,
    books: Vec<Book>,
    /// For each of many equal shares of the day's messages, whose it is.
    shares: Vec<u16>,
    next_id: u64,
    now_ns: u64,
    step_ns: u64,
    burst: (usize, usize),
    pub(crate) live: usize,
    pub(crate) live_max: usize,
}

/// The n-th most active symbol has n^-0.7 of the first's messages: over 8,000 symbols the first few
/// have 1 to 2 % each. The sample's symbol, at 181 messages a second over 6.5 hours, would have
/// 1.4 % of 300 million. The sample has one symbol and cannot tell more.
const SKEW: f64 = 0.7;
const SHARES: usize = 1 << 20;
/// Orders of a quiet symbol, and how many more the busiest has: at most a million over 8,000.
const ROOM: (f64, f64) = (100.0, 900.0);
const OPEN_NS: u64 = 34_200_000_000_000;
const DAY_NS: u64 = 23_400_000_000_000;

pub(crate) fn name(at: usize) -> [u8; 8] {
    let mut name = *b"S       ";
    for (digit, place) in name[1..6].iter_mut().rev().zip(0..) {
        *digit = b'0' + (at / 10usize.pow(place) % 10) as u8;
    }
    name
}

/// A symbol's directory message: a common stock of the first tier, nothing special about it.
pub(crate) fn listing(locate: u16, stock: [u8; 8]) -> [u8; 39] {
    let mut message = [0; 39];
    message[0] = b'R';
    message[1..3].copy_from_slice(&locate.to_be_bytes());
    message[11..19].copy_from_slice(&stock);
    message[19..21].copy_from_slice(b"QN");
    message[21..25].copy_from_slice(&100u32.to_be_bytes());
    message[25..34].copy_from_slice(b"NCZ PN 1N");
    message[38] = b'N';
    message
}

impl Day<'_> {
    pub(crate) fn new(seen: &Seen, symbols: usize, messages: u64, seed: u64) -> Day<'_> {
        let weights: Vec<f64> = (1..=symbols).map(|n| (n as f64).powf(-SKEW)).collect();
        let total: f64 = weights.iter().sum();
        let mut chance = Chance(seed | 1);
        let mut shares = Vec::with_capacity(SHARES + symbols);
        for (at, weight) in weights.iter().enumerate() {
            let count = (weight / total * SHARES as f64).round().max(1.0) as usize;
            shares.extend(std::iter::repeat_n(at as u16, count));
        }
        let books = weights.iter().map(|weight| {
            let room = (ROOM.0 + ROOM.1 * weight.sqrt()) as usize;
            let middle = (1_000 + chance.below(39_000) as u32) * STEP;
            Book { orders: Vec::with_capacity(room), room, middle }
        });
        let books = books.collect();
        Day {
            seen,
            chance,
            books,
            shares,
            next_id: 1,
            now_ns: OPEN_NS,
            step_ns: DAY_NS / messages.max(1),
            burst: (0, 0),
            live: 0,
            live_max: 0,
        }
    }

    /// Bytes that the generator holds.
    pub(crate) fn bytes(&self) -> usize {
        let orders: usize = self.books.iter().map(|book| book.orders.capacity()).sum();
        orders * size_of::<Order>() + self.shares.capacity() * size_of::<u16>()
    }

    /// Writes `count` messages, each behind its length in one byte.
    pub(crate) fn chunk(&mut self, count: usize, out: &mut Vec<u8>) {
        for _ in 0..count {
            if self.burst.1 == 0 {
                // Messages of a symbol come in twos and threes now and then.
                self.burst = (
                    usize::from(self.chance.of(&self.shares)),
                    self.chance.of(&[1usize, 1, 1, 2, 3]),
                );
            }
            self.burst.1 -= 1;
            self.now_ns += self.step_ns;
            let from = out.len();
            out.push(0);
            self.message(self.burst.0, out);
            out[from] = (out.len() - from - 1) as u8;
            self.live_max = self.live_max.max(self.live);
        }
    }

    fn message(&mut self, at: usize, out: &mut Vec<u8>) {
        let (live, room) = (self.books[at].orders.len(), self.books[at].room);
        let kind = match self.chance.of(&self.seen.kinds) {
            b'A' if live >= room => b'D',
            b'P' => b'P',
            _ if live < 8 => b'A',
            kind => kind,
        };
        head(out, kind, at, self.now_ns);
        match kind {
            b'A' => {
                let buy = self.chance.below(2) == 0;
                let order = self.order(at, buy);
                self.books[at].orders.push(order);
                self.live += 1;
                add(out, &order, at, None);
            }
            b'E' => self.execute(at, out),
            b'P' => {
                let price = self.books[at].middle;
                let order =
                    Order { id: 0, price, qty: self.chance.of(&self.seen.sizes), buy: true };
                let of = self.id();
                add(out, &order, at, Some(of));
            }
            _ => self.change(at, kind, out),
        }
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A new order on its side of the middle.
    fn order(&mut self, at: usize, buy: bool) -> Order {
        let away = self.chance.of(&self.seen.distances).saturating_mul(STEP);
        let middle = self.books[at].middle;
        let price = match buy {
            true => (middle - STEP).saturating_sub(away).max(STEP),
            false => middle.saturating_add(away).min(2_000_000_000),
        };
        Order { id: self.id(), price, qty: self.chance.of(&self.seen.sizes), buy }
    }

    /// D, X or U of an order as old as one that was seen to go.
    fn change(&mut self, at: usize, kind: u8, out: &mut Vec<u8>) {
        let len = self.books[at].orders.len();
        let rank = self.chance.of(&self.seen.ranks) as usize;
        let rank = if rank < len { rank } else { self.chance.below(len) };
        let place = len - 1 - rank;
        let old = self.books[at].orders[place];
        out.extend(old.id.to_be_bytes());
        match kind {
            b'X' if old.qty > 1 => {
                let less = 1 + self.chance.below(old.qty as usize - 1) as u32;
                self.books[at].orders[place].qty -= less;
                out.extend(less.to_be_bytes());
            }
            b'U' => {
                let new = self.order(at, old.buy);
                self.books[at].orders.remove(place);
                self.books[at].orders.push(new);
                out.extend(new.id.to_be_bytes());
                out.extend(new.qty.to_be_bytes());
                out.extend(new.price.to_be_bytes());
            }
            _ => {
                self.books[at].orders.remove(place);
                self.live -= 1;
                if kind == b'X' {
                    out.extend(old.qty.to_be_bytes());
                }
            }
        }
    }

    /// E of the order that is served first on a side; the middle may walk afterwards.
    fn execute(&mut self, at: usize, out: &mut Vec<u8>) {
        let buy = self.chance.below(2) == 0;
        let best = |book: &Book, buy: bool| {
            let mine = book.orders.iter().enumerate().filter(|(_, order)| order.buy == buy);
            mine.min_by_key(|(_, o)| (if buy { u32::MAX - o.price } else { o.price }, o.id))
                .map(|(place, _)| place)
        };
        let book = &mut self.books[at];
        let Some(place) = best(book, buy).or_else(|| best(book, !buy)) else { return };
        let order = book.orders[place];
        let whole = order.qty < 2 || self.chance.of(&self.seen.is_whole);
        let qty =
            if whole { order.qty } else { 1 + self.chance.below(order.qty as usize - 1) as u32 };
        match whole {
            true => {
                book.orders.remove(place);
                self.live -= 1;
            }
            false => book.orders[place].qty -= qty,
        }
        let price = |place: Option<usize>| place.map(|place| book.orders[place].price);
        let bid = price(best(book, true)).unwrap_or(book.middle - STEP);
        let ask = price(best(book, false)).unwrap_or(book.middle + STEP);
        let walk = book.middle - STEP + self.chance.below(3) as u32 * STEP;
        // A bid may be far below and an ask far above; the middle goes a step at a time.
        book.middle = walk.clamp(bid + STEP, ask.max(bid + STEP)).max(10 * STEP);
        let of = self.id();
        out.extend(order.id.to_be_bytes());
        out.extend(qty.to_be_bytes());
        out.extend(of.to_be_bytes());
    }
}

fn head(out: &mut Vec<u8>, kind: u8, at: usize, at_ns: u64) {
    out.push(kind);
    out.extend((at as u16 + 1).to_be_bytes());
    out.extend([0, 0]);
    out.extend(&at_ns.to_be_bytes()[2..]);
}

fn add(out: &mut Vec<u8>, order: &Order, at: usize, of: Option<u64>) {
    out.extend(order.id.to_be_bytes());
    out.push(if order.buy { b'B' } else { b'S' });
    out.extend(order.qty.to_be_bytes());
    out.extend(name(at));
    out.extend(order.price.to_be_bytes());
    if let Some(of) = of {
        out.extend(of.to_be_bytes());
    }
}
