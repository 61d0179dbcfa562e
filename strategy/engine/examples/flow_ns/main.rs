//! How long a command takes in the flows that engines are compared on; `flow.rs` describes them.
//!
//! `cargo run --release -p engine --example flow_ns [-- --OPTION VALUE ...]`
//!
//! | option | default | |
//! |---|---|---|
//! | `--flow` | `mixed,moves,recorded` | which; there is `inserts` besides |
//! | `--itch` | `data/sample/aapl.itch` | the file of the recorded flow |
//! | `--ops` | `1000000` | operations of a made-up flow, and at most of a recorded one |
//! | `--passes` | `11` | how often each is run, on an engine of its own |
//! | `--seed` | `1` | |
//!
//! Commands are made before the clock starts, and events are looked at and not kept. They are
//! applied one by one, as peers take them, and in a second figure in bursts that the engine reads
//! ahead over, as a venue has them; passes take turns. Tells the median over passes of the mean
//! over a pass, by the thread's own time where the kernel tells it (what others do on the same core
//! in between does not count), and from a pass in which each command is timed by itself, p50 and
//! p99; the clock's own cost (its p50) is told beside them and not taken off. Figures come once
//! more at the end, as `FIGURE name value unit`. The engine has no ledger and no limits, as its
//! peers have none. Ends with 1 when it refused a command, 2 when an argument cannot be used.
//!
//! Under callgrind, the functions in `timed` are what to count.

mod flow;

use engine::{AHEAD_MAX, Ahead, Engine, EngineConfig, InstrumentConfig};
use flow::{Flow, Op};
use std::hint::black_box;
use std::process::exit;
use std::time::Instant;
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Enter, Event, EventSink, Firm, Nanos,
    OrderCapacity, OrderSide, Price, Qty, Replace, SessionId, Symbol, SymbolId, Terms, TimeInForce,
    UserRef,
};

#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

const SESSIONS: u16 = 16;
/// Fewest commands a pass.
const PASS_MIN: usize = 1_000_000;

/// Looks at each event and keeps nothing.
struct Look;

impl EventSink for Look {
    #[inline]
    fn on_event(&mut self, event: &Event) {
        black_box(event);
    }
}

mod timed {
    use super::{Ahead, Command, Engine, Look, Nanos};

    #[inline(never)]
    pub(super) fn pass(engine: &mut Engine, commands: &[Command]) {
        commands.iter().for_each(|command| engine.apply(command, Nanos(0), &mut Look));
    }

    #[inline(never)]
    pub(super) fn bursts(engine: &mut Engine, commands: &[Command]) {
        engine.apply_burst(commands, Nanos(0), &mut Ahead::default(), &mut Look);
    }
}

fn name(symbol: u16) -> Symbol {
    Symbol::new(&format!("S{symbol}")).unwrap_or(Symbol([b' '; 8]))
}

/// A flow's orders as clients' commands.
struct Clients {
    names: Vec<Symbol>,
    last_refs: [u32; SESSIONS as usize],
    /// By the order's number.
    owners: Vec<(SessionId, UserRef)>,
}

impl Clients {
    fn new(flow: &Flow) -> Clients {
        Clients {
            names: (0..=flow.symbols).map(name).collect(),
            last_refs: [0; SESSIONS as usize],
            owners: vec![(SessionId(0), UserRef(0)); flow.ids as usize],
        }
    }

    fn own(&mut self, id: u32, session: SessionId) -> UserRef {
        let last = &mut self.last_refs[usize::from(session.0)];
        *last += 1;
        self.owners[id as usize] = (session, UserRef(*last));
        UserRef(*last)
    }

    fn command(&mut self, op: &Op) -> Command {
        match *op {
            Op::Add { id, symbol, buy, qty, price } => {
                self.enter(id, (symbol, buy, qty, price), TimeInForce::Day)
            }
            Op::Take { id, symbol, buy, qty, price } => {
                self.enter(id, (symbol, buy, qty, price), TimeInForce::Ioc)
            }
            Op::Cancel { id } => self.cancel(id, 0),
            Op::Reduce { id, total, .. } => self.cancel(id, total),
            Op::Move { id, new, total, price, .. } => {
                let (session, orig) = self.owners[id as usize];
                let user_ref = self.own(new, session);
                let (qty, price) = (Qty(total), Price(price));
                let (terms, cl_ord_id) = (Terms::default(), ClOrdId::default());
                Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
            }
        }
    }

    fn cancel(&self, id: u32, qty: u32) -> Command {
        let (session, user_ref) = self.owners[id as usize];
        Command::Cancel(Cancel { session, user_ref, qty: Qty(qty) })
    }

    fn enter(&mut self, id: u32, order: (u16, bool, u32, u32), tif: TimeInForce) -> Command {
        let (symbol, buy, qty, price) = order;
        let session = SessionId((id % u32::from(SESSIONS)) as u16);
        Command::Enter(Enter {
            session,
            user_ref: self.own(id, session),
            account: AccountId(0),
            firm: Firm::BLANK,
            side: if buy { OrderSide::Buy } else { OrderSide::Sell },
            qty: Qty(qty),
            symbol: self.names[usize::from(symbol)],
            price: Price(price),
            terms: Terms { tif, ..Terms::default() },
            cross: CrossKind::None,
            capacity: OrderCapacity::Principal,
            cl_ord_id: ClOrdId::default(),
        })
    }
}

/// What was asked for.
struct Wanted {
    flows: Vec<String>,
    itch: String,
    ops: usize,
    passes: usize,
    seed: u64,
}

fn wanted() -> Option<Wanted> {
    let mut wanted = Wanted {
        flows: ["mixed", "moves", "recorded"].map(String::from).to_vec(),
        itch: "data/sample/aapl.itch".to_string(),
        ops: 1_000_000,
        passes: 11,
        seed: 1,
    };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next()?;
        match option.as_str() {
            "--flow" => wanted.flows = value.split(',').map(String::from).collect(),
            "--itch" => wanted.itch = value,
            "--ops" => wanted.ops = value.parse().ok()?,
            "--passes" => wanted.passes = value.parse().ok().filter(|n| *n > 0)?,
            "--seed" => wanted.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(wanted)
}

fn make(wanted: &Wanted, name: &str) -> Option<Flow> {
    Some(match name {
        "mixed" => flow::mixed(wanted.seed, wanted.ops),
        "moves" => flow::moves(wanted.seed, wanted.ops),
        "inserts" => flow::inserts(wanted.seed, wanted.ops),
        "recorded" => {
            let bytes = std::fs::read(&wanted.itch);
            let bytes = bytes.map_err(|e| eprintln!("flow_ns: {}: {e}", wanted.itch)).ok()?;
            flow::recorded(&bytes, wanted.ops)
        }
        _ => return None,
    })
}

/// ns that this thread ran, as the kernel counts them; else those that passed.
fn own_ns(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = told.and_then(|t| t.split(' ').next()?.parse().ok());
    ran.unwrap_or_else(|| start.elapsed().as_nanos() as f64)
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(0)
}

/// Each command's own ns, sorted.
fn one_by_one(engine: &mut Engine, commands: &[Command]) -> Vec<u64> {
    let mut each: Vec<u64> = Vec::with_capacity(commands.len());
    for command in commands {
        let start = Instant::now();
        engine.apply(command, Nanos(0), &mut Look);
        each.push(start.elapsed().as_nanos() as u64);
    }
    each.sort_unstable();
    each
}

/// Runs a flow and tells; its figures, or what went wrong.
fn measure(name: &str, flow: &Flow, passes: usize) -> Result<Vec<String>, String> {
    let mut clients = Clients::new(flow);
    let fill: Vec<Command> = flow.fill.iter().map(|op| clients.command(op)).collect();
    let run: Vec<Command> = flow.run.iter().map(|op| clients.command(op)).collect();
    let instruments = (1..=flow.symbols)
        .map(|id| InstrumentConfig::plain(SymbolId(id), clients.names[usize::from(id)]));
    let orders = (flow.live_max + 1024).next_power_of_two() as u32;
    let config = EngineConfig {
        orders,
        levels: orders,
        ..EngineConfig::new(instruments.collect(), SESSIONS)
    };
    let mut fresh = Engine::new(&config);
    timed_fill(&mut fresh, &fill);
    let (mut means, mut in_bursts, mut last) = (Vec::new(), Vec::new(), fresh.clone());
    // A pass is long enough for the clock of the kernel, which may tick every 4 ms.
    let copies = (PASS_MIN / run.len().max(1)).max(1);
    for _ in 0..passes {
        let by_one = pass_ns(&fresh, copies, &run, timed::pass);
        let ahead = pass_ns(&fresh, copies, &run, timed::bursts);
        means.push(by_one.0);
        in_bursts.push(ahead.0);
        if by_one.1.state_hash() != ahead.1.state_hash() {
            return Err("bursts end elsewhere than command by command".into());
        }
        last = by_one.1;
    }
    means.sort_by(f64::total_cmp);
    in_bursts.sort_by(f64::total_cmp);
    let each = one_by_one(&mut fresh, &run);
    let mut clock: Vec<u64> =
        (0..10_000).map(|_| Instant::now().elapsed().as_nanos() as u64).collect();
    clock.sort_unstable();
    let (ns, p50, p99) = (means[passes / 2], percentile(&each, 50), percentile(&each, 99));
    let burst_ns = in_bursts[passes / 2];
    let counters = last.counters();
    println!(
        "{name}: {ns:.1} ns a command (median of {passes} passes of {}, the best {:.1}); in bursts \
         of {AHEAD_MAX} {burst_ns:.1} (the best {:.1}); each by itself p50 {p50} ns, p99 {p99} ns \
         (the clock alone {} ns)\n  {} matches, {} superfluous, {} live at the end, state {:016x}",
        run.len(),
        means[0],
        in_bursts[0],
        percentile(&clock, 50),
        counters.matches,
        counters.superfluous,
        last.live_orders(),
        last.state_hash()
    );
    if counters.full > 0 {
        return Err(format!("{} orders found no room", counters.full));
    }
    Ok(vec![
        format!("FIGURE engine_{name}_ns {ns:.1} ns"),
        format!("FIGURE engine_{name}_burst_ns {burst_ns:.1} ns"),
        format!("FIGURE engine_{name}_p99_ns {p99} ns"),
        format!("CHECK engine_{name}_trades {}", counters.matches),
    ])
}

/// The mean of a pass over copies of an engine, and one of them as it was afterwards.
fn pass_ns(
    fresh: &Engine,
    copies: usize,
    run: &[Command],
    apply: fn(&mut Engine, &[Command]),
) -> (f64, Engine) {
    let began = Instant::now();
    let mut engines = vec![fresh.clone(); copies];
    let before = own_ns(began);
    engines.iter_mut().for_each(|engine| apply(engine, run));
    let ns = (own_ns(began) - before) / (copies * run.len()) as f64;
    (ns, engines.swap_remove(0))
}

fn timed_fill(engine: &mut Engine, fill: &[Command]) {
    fill.iter().for_each(|command| engine.apply(command, Nanos(0), &mut Look));
}

fn main() {
    let Some(wanted) = wanted() else {
        eprintln!("flow_ns: see the head of examples/flow_ns/main.rs for the options");
        exit(2);
    };
    let mut figures = Vec::new();
    for name in &wanted.flows {
        let Some(flow) = make(&wanted, name) else {
            eprintln!("flow_ns: there is no flow '{name}', or its file cannot be read");
            exit(2);
        };
        match measure(name, &flow, wanted.passes) {
            Ok(more) => figures.extend(more),
            Err(wrong) => {
                eprintln!("flow_ns: {name}: {wrong}");
                exit(1);
            }
        }
    }
    figures.iter().for_each(|figure| println!("{figure}"));
}
