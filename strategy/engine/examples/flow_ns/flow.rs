//! The flows that engines are compared on, as plain operations that any of them can be told.
//!
//! Needs nothing but `std`, so that a peer's adapter can include the file as it is and run the very
//! same operations. An order is named by a number that counts from 0; a moved one gets a new
//! number, as in ITCH. Chance is xorshift64* (shifts 12, 25, 27; multiplier 0x2545F4914F6CDD1D; the
//! upper 31 bits), from the seed that is given.
//!
//! * [`mixed`]: 48 orders that rest, 46 cancels and 6 that cross, in a hundred; one book of about
//!   10,000 orders up to 50 cents behind a price that wanders.
//! * [`moves`]: 71 moves, 15 orders that rest, 12 cancels and 2 that cross, in a hundred; one book
//!   of about 1,000 orders.
//! * [`inserts`]: nothing but orders, a buy and a sale in turn, within ten prices each of which six
//!   cross: as Liquibook's own benchmark has them. The remainder of each rests.
//! * [`recorded`]: the messages of an ITCH file; what was executed there comes here as an order
//!   from the other side for as many shares at that price.
//!
//! But for [`inserts`], a crossing order never asks for more than stands at the best price, so that
//! nothing of it is left: whether it is limit or immediate-or-cancel makes no difference. How much
//! it asks for keeps the number of live orders about what it was in the beginning.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// One operation. Prices are in 1/10000 dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// A limit order, which rests.
    Add { id: u32, symbol: u16, buy: bool, qty: u32, price: u32 },
    /// An order that takes what stands at `price` on the other side.
    Take { id: u32, symbol: u16, buy: bool, qty: u32, price: u32 },
    /// An order is taken off.
    Cancel { id: u32 },
    /// `off` shares are taken off an order; `total` is what it was entered for less all such.
    Reduce { id: u32, off: u32, total: u32 },
    /// An order is replaced by `new`: `qty` shares; `total` counts executed ones too.
    Move { id: u32, new: u32, qty: u32, total: u32, price: u32 },
}

/// A flow: what fills the books, and what is measured.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Applied before the clock starts.
    pub(crate) fill: Vec<Op>,
    /// What is measured.
    pub(crate) run: Vec<Op>,
    /// Symbols are `1..=symbols`.
    pub(crate) symbols: u16,
    /// Order numbers are below this.
    pub(crate) ids: u32,
    /// The most orders live at once, at least.
    pub(crate) live_max: usize,
}

/// xorshift64*.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

/// What is known of an order.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: u32,
    buy: bool,
    price: u32,
    left: u32,
    executed: u32,
}

const TICK: u32 = 100;
const MID: u32 = 1_000_000;

/// A book as simple as can be, which tells a made-up flow what is live.
#[derive(Debug)]
struct Maker {
    chance: Chance,
    /// By price; numbers that are gone stay in the queues until they come to the front.
    sides: [BTreeMap<u32, VecDeque<u32>>; 2],
    /// Every order; no shares are left of one that is gone.
    orders: Vec<Known>,
    /// Live orders, and where each stands in that list.
    live: Vec<u32>,
    at: Vec<u32>,
    mid: u32,
    depth: usize,
    /// Orders to keep live, about.
    target: usize,
}

impl Maker {
    fn new(seed: u64, depth: usize, target: usize) -> Maker {
        Maker {
            chance: Chance(seed.max(1)),
            sides: [BTreeMap::new(), BTreeMap::new()],
            orders: Vec::new(),
            live: Vec::new(),
            at: Vec::new(),
            mid: MID,
            depth,
            target,
        }
    }

    /// The best price of a side that has any order.
    fn best(&mut self, buy: bool) -> Option<u32> {
        let (orders, side) = (&self.orders, &mut self.sides[usize::from(buy)]);
        loop {
            let mut level = if buy { side.last_entry() } else { side.first_entry() }?;
            while level.get().front().is_some_and(|id| orders[*id as usize].left == 0) {
                level.get_mut().pop_front();
            }
            if !level.get().is_empty() {
                return Some(*level.key());
            }
            level.remove();
        }
    }

    /// A price up to `depth` ticks behind the middle that does not cross.
    fn price(&mut self, buy: bool) -> u32 {
        if self.chance.below(64) == 0 {
            self.mid = self.mid + TICK * self.chance.below(3) as u32 - TICK;
        }
        let away = TICK * (1 + self.chance.below(self.depth) as u32);
        match (buy, self.best(!buy)) {
            (true, Some(ask)) => (self.mid - away).min(ask - TICK),
            (true, None) => self.mid - away,
            (false, Some(bid)) => (self.mid + away).max(bid + TICK),
            (false, None) => self.mid + away,
        }
    }

    fn rest(&mut self, buy: bool, qty: u32, price: u32, executed: u32) -> u32 {
        let id = self.orders.len() as u32;
        self.orders.push(Known { id, buy, price, left: qty, executed });
        self.at.push(self.live.len() as u32);
        self.live.push(id);
        self.sides[usize::from(buy)].entry(price).or_default().push_back(id);
        id
    }

    fn drop(&mut self, id: u32) {
        self.orders[id as usize].left = 0;
        let at = self.at[id as usize] as usize;
        self.live.swap_remove(at);
        if let Some(moved) = self.live.get(at) {
            self.at[*moved as usize] = at as u32;
        }
    }

    fn add(&mut self) -> Op {
        let buy = self.chance.below(2) == 0;
        let (qty, price) = (100 + self.chance.below(900) as u32, self.price(buy));
        Op::Add { id: self.rest(buy, qty, price, 0), symbol: 1, buy, qty, price }
    }

    fn any(&mut self) -> Option<u32> {
        let len = self.live.len();
        (len > 0).then(|| self.live[self.chance.below(len)])
    }

    fn cancel(&mut self) -> Op {
        let Some(id) = self.any() else { return self.add() };
        self.drop(id);
        Op::Cancel { id }
    }

    fn shift(&mut self) -> Op {
        let Some(id) = self.any() else { return self.add() };
        let Known { buy, price: old, left: qty, executed, .. } = self.orders[id as usize];
        self.drop(id);
        let mut price = self.price(buy);
        if price == old {
            price = if buy { price - TICK } else { price + TICK };
        }
        let new = self.rest(buy, qty, price, executed);
        Op::Move { id, new, qty, total: executed + qty, price }
    }

    fn take(&mut self) -> Op {
        let buy = self.chance.below(2) == 0;
        let most = if self.live.len() > self.target { 3_000 } else { 100 };
        let wanted = 1 + self.chance.below(most) as u32;
        let Some(price) = self.best(!buy) else { return self.add() };
        let mut left = wanted;
        while left > 0 && self.best(!buy) == Some(price) {
            let Some(&id) = self.sides[usize::from(!buy)][&price].front() else { break };
            let order = &mut self.orders[id as usize];
            let taken = left.min(order.left);
            left -= taken;
            order.left -= taken;
            order.executed += taken;
            if order.left == 0 {
                self.drop(id);
            }
        }
        let id = self.orders.len() as u32;
        self.orders.push(Known { id, buy, price, left: 0, executed: 0 });
        self.at.push(0);
        Op::Take { id, symbol: 1, buy, qty: wanted - left, price }
    }

    fn flow(mut self, ops: usize, shares: [usize; 3]) -> Flow {
        let fill = (0..self.target).map(|_| self.add()).collect();
        let [adds, cancels, takes] = shares;
        let mut live_max = self.target;
        let mut run = Vec::with_capacity(ops);
        for _ in 0..ops {
            let at = self.chance.below(100);
            run.push(match at {
                at if at < adds => self.add(),
                at if at < adds + cancels => self.cancel(),
                at if at < adds + cancels + takes => self.take(),
                _ => self.shift(),
            });
            live_max = live_max.max(self.live.len());
        }
        Flow { fill, run, symbols: 1, ids: self.orders.len() as u32, live_max }
    }
}

/// See the module.
pub(crate) fn mixed(seed: u64, ops: usize) -> Flow {
    Maker::new(seed, 50, 10_000).flow(ops, [48, 46, 6])
}

/// See the module.
pub(crate) fn moves(seed: u64, ops: usize) -> Flow {
    Maker::new(seed, 50, 1_000).flow(ops, [15, 12, 2])
}

/// See the module.
pub(crate) fn inserts(seed: u64, ops: usize) -> Flow {
    let mut chance = Chance(seed.max(1));
    let mut order = |id: usize| {
        let buy = id.is_multiple_of(2);
        let lowest = if buy { 1_880 } else { 1_884 };
        let price = (lowest + chance.below(10) as u32) * TICK;
        let qty = (1 + chance.below(10) as u32) * 100;
        Op::Add { id: id as u32, symbol: 1, buy, qty, price }
    };
    let run = (0..ops).map(&mut order).collect();
    Flow { fill: Vec::new(), run, symbols: 1, ids: ops as u32, live_max: ops }
}

/// See the module. `bytes` are messages with two bytes of length before each; at most `ops` are
/// taken. Messages about orders that were added before the file began are left out.
pub(crate) fn recorded(bytes: &[u8], ops: usize) -> Flow {
    let mut flow = Flow::default();
    let mut known: HashMap<u64, Known> = HashMap::new();
    let mut rest = bytes;
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len));
        if tail.len() < len || flow.run.len() >= ops {
            break;
        }
        let (message, tail) = tail.split_at(len);
        rest = tail;
        flow.run.extend(one(message, &mut known, &mut flow.ids, &mut flow.symbols));
        flow.live_max = flow.live_max.max(known.len());
    }
    flow
}

fn number(message: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = message.get(at..at + len)?;
    Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The operation of one message.
fn one(
    message: &[u8],
    known: &mut HashMap<u64, Known>,
    ids: &mut u32,
    symbols: &mut u16,
) -> Option<Op> {
    let word = |at| number(message, at, 4).map(|n| n as u32);
    let (symbol, order) = (number(message, 1, 2)? as u16, number(message, 11, 8)?);
    let mut fresh = || {
        *ids += 1;
        *ids - 1
    };
    match *message.first()? {
        b'A' | b'F' => {
            let (buy, qty, price) = (message.get(19) == Some(&b'B'), word(20)?, word(32)?);
            let id = fresh();
            known.insert(order, Known { id, buy, price, left: qty, executed: 0 });
            *symbols = symbol.max(*symbols);
            Some(Op::Add { id, symbol, buy, qty, price })
        }
        b'E' | b'C' => {
            let it = known.get_mut(&order)?;
            let qty = word(19)?.min(it.left);
            it.left -= qty;
            it.executed += qty;
            let Known { buy, price, left, .. } = *it;
            if left == 0 {
                known.remove(&order);
            }
            Some(Op::Take { id: fresh(), symbol, buy: !buy, qty, price })
        }
        b'X' => {
            let it = known.get_mut(&order)?;
            let off = word(19)?.min(it.left);
            it.left -= off;
            let Known { id, left, executed, .. } = *it;
            if left == 0 {
                known.remove(&order);
                return Some(Op::Cancel { id });
            }
            Some(Op::Reduce { id, off, total: executed + left })
        }
        b'D' => known.remove(&order).map(|it| Op::Cancel { id: it.id }),
        b'U' => {
            let it = known.remove(&order)?;
            let (new, qty, price) = (fresh(), word(27)?, word(31)?);
            let moved = Known { id: new, price, left: qty, ..it };
            known.insert(number(message, 19, 8)?, moved);
            Some(Op::Move { id: it.id, new, qty, total: it.executed + qty, price })
        }
        _ => None,
    }
}
