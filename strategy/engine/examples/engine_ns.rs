//! How long a command takes: a seeded flow of 48 adds, 46 cancels and 6 crossing orders in a
//! hundred, around a price that wanders, on several symbols.
//!
//! `cargo run --release -p engine --example engine_ns [SEED]`
//!
//! Tells the mean over a whole pass (median of five), and from a pass in which each command is
//! timed by itself, p50 and p99, the clock's own cost (its p50) told beside them and not taken off.

use engine::{Engine, EngineConfig, InstrumentConfig};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Instant;
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Enter, Event, EventSink, Firm, Nanos,
    OrderCapacity, OrderSide, Price, Qty, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

const COMMANDS: usize = 1_000_000;
const PASSES: usize = 5;
const SYMBOLS: u16 = 100;
const SESSIONS: u16 = 16;
/// Orders that a flow keeps resting, about.
const LIVE: usize = 50_000;

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

fn name(symbol: u16) -> Symbol {
    Symbol::new(&format!("S{symbol}")).unwrap_or(Symbol([b' '; 8]))
}

fn config() -> EngineConfig {
    let plain = |id| InstrumentConfig::plain(SymbolId(id), name(id));
    let instruments = (1..=SYMBOLS).map(plain).collect();
    EngineConfig { orders: 1 << 17, levels: 1 << 15, ..EngineConfig::new(instruments, SESSIONS) }
}

/// The flow's own memory: who has what.
struct Flow {
    chance: Chance,
    names: Vec<Symbol>,
    mids: Vec<u32>,
    last_refs: Vec<u32>,
    open: VecDeque<(SessionId, UserRef)>,
}

impl Flow {
    fn new(seed: u64) -> Flow {
        Flow {
            chance: Chance(seed.max(1)),
            names: (1..=SYMBOLS).map(name).collect(),
            mids: vec![1_000_000; usize::from(SYMBOLS)],
            last_refs: vec![0; usize::from(SESSIONS)],
            open: VecDeque::new(),
        }
    }

    /// An order up to 20 ticks behind the middle, or one that crosses by up to 5.
    fn enter(&mut self, crosses: bool) -> Command {
        let at = self.chance.below(self.names.len());
        let session = self.chance.below(usize::from(SESSIONS));
        self.last_refs[session] += 1;
        let user_ref = UserRef(self.last_refs[session]);
        let buys = self.chance.below(2) == 0;
        let away = 100 * (1 + self.chance.below(if crosses { 5 } else { 20 }) as u32);
        let drift = 100 * self.chance.below(3) as u32;
        self.mids[at] = self.mids[at] + drift - 100;
        let price = if buys == crosses { self.mids[at] + away } else { self.mids[at] - away };
        let session = SessionId(session as u16);
        let tif = if crosses { TimeInForce::Ioc } else { TimeInForce::Day };
        if !crosses {
            self.open.push_back((session, user_ref));
        }
        Command::Enter(Enter {
            session,
            user_ref,
            account: AccountId(0),
            firm: Firm::BLANK,
            side: if buys { OrderSide::Buy } else { OrderSide::Sell },
            qty: Qty(100 + self.chance.below(900) as u32),
            symbol: self.names[at],
            price: Price(price),
            terms: Terms { tif, ..Terms::default() },
            cross: CrossKind::None,
            capacity: OrderCapacity::Principal,
            cl_ord_id: ClOrdId::default(),
        })
    }

    /// Cancels one of the later orders, as most cancels do.
    fn cancel(&mut self) -> Option<Command> {
        let recent = self.open.len().min(1 + LIVE);
        let back = self.chance.below(recent.max(1)).min(self.chance.below(recent.max(1)));
        let (session, user_ref) =
            self.open.swap_remove_back(self.open.len().checked_sub(1 + back)?)?;
        Some(Command::Cancel(Cancel { session, user_ref, qty: Qty(0) }))
    }

    fn warm_up(&mut self) -> Vec<Command> {
        (0..LIVE).map(|_| self.enter(false)).collect()
    }

    fn run(&mut self) -> Vec<Command> {
        (0..COMMANDS)
            .map(|_| match self.chance.below(100) {
                0..48 => self.enter(false),
                48..94 => self.cancel().unwrap_or_else(|| self.enter(false)),
                _ => self.enter(true),
            })
            .collect()
    }
}

/// Looks at each event and keeps nothing.
struct Look(u64);

impl EventSink for Look {
    #[inline]
    fn on_event(&mut self, event: &Event) {
        black_box(event);
        self.0 += 1;
    }
}

fn warm_engine(warm_up: &[Command]) -> Engine {
    let mut engine = Engine::new(&config());
    warm_up.iter().for_each(|c| engine.apply(c, Nanos(0), &mut Look(0)));
    engine
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(0)
}

fn main() {
    let seed = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut flow = Flow::new(seed);
    let (warm_up, run) = (flow.warm_up(), flow.run());
    let fresh = warm_engine(&warm_up);

    let mut means = [0.0; PASSES];
    let mut last = fresh.clone();
    for mean in &mut means {
        let (mut engine, mut look) = (fresh.clone(), Look(0));
        let start = Instant::now();
        run.iter().for_each(|command| engine.apply(command, Nanos(0), &mut look));
        *mean = start.elapsed().as_nanos() as f64 / run.len() as f64;
        last = engine;
    }
    means.sort_by(f64::total_cmp);

    let (mut engine, mut look) = (fresh, Look(0));
    let mut each: Vec<u64> = Vec::with_capacity(run.len());
    for command in &run {
        let start = Instant::now();
        engine.apply(command, Nanos(0), &mut look);
        each.push(start.elapsed().as_nanos() as u64);
    }
    each.sort_unstable();
    let mut clock: Vec<u64> =
        (0..10_000).map(|_| Instant::now().elapsed().as_nanos() as u64).collect();
    clock.sort_unstable();

    let counters = last.counters();
    println!(
        "seed {seed}: {:.1} ns a command (median of {PASSES} passes of {COMMANDS}); each by itself \
         p50 {} ns, p99 {} ns (the clock alone {} ns)",
        means[PASSES / 2],
        percentile(&each, 50),
        percentile(&each, 99),
        percentile(&clock, 50)
    );
    println!("FIGURE command {:.3} ns", means[PASSES / 2]);
    println!(
        "{} events, {} matches, {} rejected, {} superfluous, {} live at the end, state {:016x}",
        look.0,
        counters.matches,
        counters.rejected,
        counters.superfluous,
        last.live_orders(),
        last.state_hash()
    );
}
