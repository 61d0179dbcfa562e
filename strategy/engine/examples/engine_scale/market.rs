//! The market that is measured, and the commands that keep it as it is.
//!
//! Every symbol has two sides. Each has a best price, where an eighth of its orders stand and
//! which only crossing orders take from, and up to 256 prices behind it for the others. What a
//! batch takes out of the best prices is put back at the end of their queues when the clock has
//! stopped.
//!
//! A thousand orders cannot stand in ten thousand symbols: where there are fewer than sixteen
//! orders a symbol, only so many of the symbols are used; all are listed.
//!
//! The engine is aged first: half of the orders are canceled in random order and others entered in
//! their places, so that neighbours in a queue are not neighbours in memory, as after a day of
//! trading.

use super::Look;
use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig};
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Enter, Firm, Nanos, OrderCapacity, OrderSide,
    Price, Qty, Replace, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

/// Between the best prices.
const MID: u32 = 1_000_000;
const TICK: u32 = 100;
const QTY: u32 = 10_000;
const BATCH_MAX: usize = 256;
/// Prices behind the best one.
const DEPTH_MAX: usize = 256;

/// How large a market is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) orders: usize,
    pub(crate) symbols: u16,
    pub(crate) sessions: u16,
    pub(crate) ledger: bool,
}

impl Shape {
    /// Symbols that have orders.
    fn used(&self) -> usize {
        usize::from(self.symbols).min(self.orders / 16)
    }

    /// Orders a side.
    fn a_side(&self) -> usize {
        self.orders / self.used() / 2
    }

    /// Prices a side behind the best one.
    fn depth(&self) -> usize {
        (self.a_side() / 4).clamp(3, DEPTH_MAX)
    }

    /// Orders at each best price.
    fn at_best(&self) -> usize {
        (self.a_side() / 8).max(2)
    }

    /// Commands a batch.
    pub(crate) fn batch(&self) -> usize {
        BATCH_MAX.min(self.orders / 16)
    }

    fn config(&self) -> EngineConfig {
        let plain = |id| InstrumentConfig::plain(SymbolId(id), name(id));
        let pairs = usize::from(self.sessions) * self.used();
        let ledger = self.ledger.then(|| LedgerConfig {
            accounts: vec![AccountTerms::default(); usize::from(self.sessions)],
            // One for each order, and for shares that were traded.
            positions: pairs.min(self.orders + (1 << 20)) as u32,
        });
        let levels = self.used() * 2 * (self.depth() + 1);
        EngineConfig {
            orders: (self.orders + BATCH_MAX) as u32,
            levels: levels as u32,
            ledger,
            ..EngineConfig::new((1..=self.symbols).map(plain).collect(), self.sessions)
        }
    }
}

fn name(symbol: u16) -> Symbol {
    Symbol::new(&format!("S{symbol}")).unwrap_or(Symbol([b' '; 8]))
}

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

/// A side's price so many ticks from the middle.
fn price(side: OrderSide, ticks: usize) -> Price {
    let away = TICK * ticks as u32;
    Price(if side == OrderSide::Buy { MID - away } else { MID + away })
}

/// An order behind the best price, as its client remembers it.
#[derive(Clone, Copy)]
struct Live {
    user_ref: UserRef,
    price: Price,
    qty: Qty,
    session: SessionId,
}

/// An engine full of orders, and the clients' memory of them.
pub(crate) struct Market {
    pub(crate) engine: Engine,
    /// The batch to apply next.
    pub(crate) commands: Vec<Command>,
    shape: Shape,
    chance: Chance,
    names: Vec<Symbol>,
    last_refs: Vec<u32>,
    live: Vec<Live>,
    /// How many a batch takes from each best price.
    taken: Vec<u32>,
    /// The best prices that a batch takes from.
    owed: Vec<(usize, OrderSide)>,
}

impl Market {
    pub(crate) fn new(shape: &Shape, seed: u64) -> Market {
        let used = shape.used();
        let mut market = Market {
            engine: Engine::new(&shape.config()),
            commands: Vec::with_capacity(BATCH_MAX),
            shape: *shape,
            chance: Chance(seed.max(1)),
            names: (1..=used as u16).map(name).collect(),
            last_refs: vec![0; usize::from(shape.sessions)],
            live: Vec::with_capacity(shape.orders + BATCH_MAX),
            taken: vec![0; 2 * used],
            owed: Vec::with_capacity(BATCH_MAX),
        };
        market.fill(shape.orders);
        for left in (shape.orders / 2 + 1..=shape.orders).rev() {
            let at = market.chance.below(left);
            let gone = market.live.swap_remove(at);
            market.apply(&cancel(&gone));
        }
        for _ in 0..shape.at_best() {
            for symbol in 0..used {
                market.apply_best(symbol, OrderSide::Buy);
                market.apply_best(symbol, OrderSide::Sell);
            }
        }
        market.fill(shape.orders.div_ceil(2) - 2 * used * shape.at_best());
        market
    }

    fn fill(&mut self, orders: usize) {
        for _ in 0..orders {
            let command = self.add();
            self.apply(&command);
        }
    }

    fn apply(&mut self, command: &Command) {
        self.engine.apply(command, Nanos(0), &mut Look);
    }

    fn apply_best(&mut self, symbol: usize, side: OrderSide) {
        let (session, user_ref) = self.client();
        let terms = Terms::default();
        let order = enter(session, user_ref, side, self.names[symbol], price(side, 1), terms);
        self.apply(&Command::Enter(order));
    }

    /// Makes a batch of a kind.
    pub(crate) fn prepare(&mut self, kind: &str) {
        self.commands.clear();
        for _ in 0..self.shape.batch() {
            let command = match kind {
                "add" => self.add(),
                "cancel" => {
                    let at = self.chance.below(self.live.len());
                    cancel(&self.live.swap_remove(at))
                }
                "replace" => self.replace(false),
                "keep" => self.replace(true),
                _ => self.cross(),
            };
            self.commands.push(command);
        }
    }

    /// Puts back what a batch took out for good.
    pub(crate) fn settle(&mut self, kind: &str) {
        if kind != "cross" {
            return;
        }
        while let Some((symbol, side)) = self.owed.pop() {
            self.taken[2 * symbol + usize::from(side == OrderSide::Buy)] = 0;
            self.apply_best(symbol, side);
        }
    }

    /// Whether the engine did what was asked: no command refused or ignored, every crossing order
    /// traded, and as many orders as in the beginning.
    pub(crate) fn check(&self, crosses: u64) -> Result<(), String> {
        let counters = self.engine.counters();
        let odd = counters.rejected + counters.superfluous + counters.duplicates;
        let faults = self.engine.ledger().map_or(0, |ledger| ledger.faults());
        if odd + faults > 0 || counters.matches != crosses {
            return Err(format!("{crosses} crosses asked for, {faults} faults, {counters:?}"));
        }
        match self.engine.live_orders() {
            live if live == self.shape.orders => Ok(()),
            live => Err(format!("{live} orders live at the end")),
        }
    }

    fn client(&mut self) -> (SessionId, UserRef) {
        let session = self.chance.below(self.last_refs.len());
        (SessionId(session as u16), self.next_ref(session))
    }

    fn next_ref(&mut self, session: usize) -> UserRef {
        self.last_refs[session] += 1;
        UserRef(self.last_refs[session])
    }

    fn side(&mut self) -> OrderSide {
        if self.chance.below(2) == 0 { OrderSide::Buy } else { OrderSide::Sell }
    }

    /// A price behind the best one.
    fn behind(&mut self, side: OrderSide) -> Price {
        price(side, 2 + self.chance.below(self.shape.depth()))
    }

    fn add(&mut self) -> Command {
        let (session, user_ref) = self.client();
        let side = self.side();
        let price = self.behind(side);
        let at = self.chance.below(self.names.len());
        self.live.push(Live { user_ref, price, qty: Qty(QTY), session });
        Command::Enter(enter(session, user_ref, side, self.names[at], price, Terms::default()))
    }

    /// At the same price a share less, so that the order keeps its place; or at another price.
    fn replace(&mut self, keep: bool) -> Command {
        let at = self.chance.below(self.live.len());
        let Live { user_ref: orig, price: old, mut qty, session } = self.live[at];
        let side = if old.0 < MID { OrderSide::Buy } else { OrderSide::Sell };
        let mut price = old;
        if keep {
            qty = Qty(qty.0 - 1);
        }
        while !keep && price == old {
            price = self.behind(side);
        }
        let user_ref = self.next_ref(usize::from(session.0));
        self.live[at] = Live { user_ref, price, qty, session };
        let (terms, cl_ord_id) = (Terms::default(), ClOrdId::default());
        Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
    }

    /// Takes the first order of a best price in full; the last one there is left.
    fn cross(&mut self) -> Command {
        let (symbol, rests) = loop {
            let (symbol, side) = (self.chance.below(self.names.len()), self.side());
            let taken = &mut self.taken[2 * symbol + usize::from(side == OrderSide::Buy)];
            if (*taken as usize) + 1 < self.shape.at_best() {
                *taken += 1;
                break (symbol, side);
            }
        };
        self.owed.push((symbol, rests));
        let side = if rests == OrderSide::Buy { OrderSide::Sell } else { OrderSide::Buy };
        let (session, user_ref) = self.client();
        let terms = Terms { tif: TimeInForce::Ioc, ..Terms::default() };
        let name = self.names[symbol];
        Command::Enter(enter(session, user_ref, side, name, price(rests, 1), terms))
    }
}

fn cancel(order: &Live) -> Command {
    let Live { session, user_ref, .. } = *order;
    Command::Cancel(Cancel { session, user_ref, qty: Qty::ZERO })
}

fn enter(
    session: SessionId,
    user_ref: UserRef,
    side: OrderSide,
    symbol: Symbol,
    price: Price,
    terms: Terms,
) -> Enter {
    Enter {
        session,
        user_ref,
        account: AccountId(session.0),
        firm: Firm::BLANK,
        side,
        qty: Qty(QTY),
        symbol,
        price,
        terms,
        cross: CrossKind::None,
        capacity: OrderCapacity::Principal,
        cl_ord_id: ClOrdId::default(),
    }
}
