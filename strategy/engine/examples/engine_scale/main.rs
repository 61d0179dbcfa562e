//! How the cost of a command grows with the orders that rest, the symbols and the sessions.
//!
//! `cargo run --release -p engine --example engine_scale [-- --OPTION VALUE ...]`
//!
//! | option | default | |
//! |---|---|---|
//! | `--orders` | `1000,1000000,10000000` | live orders; kept so throughout |
//! | `--symbols` | `1,10000` | |
//! | `--sessions` | `1,4096` | each with an account of its own |
//! | `--ledger` | `no,yes` | |
//! | `--pages` | `huge` | `small`: no advice to put large tables on huge pages |
//! | `--rounds` | `300` | batches of each kind that are measured |
//! | `--seed` | `1` | |
//!
//! Every combination is a row for commands applied one by one and one for bursts of 32, which the
//! engine reads ahead over, as a venue has them; every kind of command is a column: the median over
//! rounds, which take turns, of the mean over a batch, in ns. Commands are made before the clock
//! starts; which order, symbol and session they concern is uniformly random, so what they touch is
//! as cold as that many orders make it. `market.rs` tells what the market looks like. Ends with 1
//! when the engine did not do what was asked, so that nothing else was measured.
//!
//! Under callgrind, the functions in `timed` are what to count (`scripts/bench.sh engine`).

mod market;

use engine::{Ahead, Engine};
use market::{Market, Shape};
use std::hint::black_box;
use std::process::exit;
use std::time::Instant;
use types::{Command, Event, EventSink, Nanos};

#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

/// Rounds before those that count.
const WARM_UP: usize = 30;

/// Looks at each event and keeps nothing.
pub(crate) struct Look;

impl EventSink for Look {
    #[inline]
    fn on_event(&mut self, event: &Event) {
        black_box(event);
    }
}

/// What the rows' columns are, and for each a function of its own that applies a batch, so that a
/// profiler tells them apart.
macro_rules! kinds {
    ($($kind:ident = $number:literal, $name:literal;)*) => {
        const KINDS: &[(&str, timed::Batch)] = &[$(($name, timed::$kind),)*];

        mod timed {
            use super::{Ahead, Command, Engine, Look, Nanos, black_box};

            pub(crate) type Batch = fn(&mut Engine, &[Command]);

            $(
                #[inline(never)]
                pub(crate) fn $kind(engine: &mut Engine, batch: &[Command]) {
                    // Keeps functions of one text from being merged into one.
                    black_box($number);
                    batch.iter().for_each(|command| engine.apply(command, Nanos(0), &mut Look));
                }
            )*

            pub(crate) fn in_bursts(engine: &mut Engine, batch: &[Command]) {
                engine.apply_burst(batch, Nanos(0), &mut Ahead::default(), &mut Look);
            }
        }
    };
}

kinds! {
    add = 0, "add";
    cancel = 1, "cancel";
    replace = 2, "replace";
    keep = 3, "keep";
    cross = 4, "cross";
}

const fn kinds() -> usize {
    KINDS.len()
}

/// ns a command of each kind, one by one and in bursts.
type Row = [[f64; kinds()]; 2];

/// A row, or what went wrong.
fn measure(shape: &Shape, rounds: usize, seed: u64) -> Result<Row, String> {
    let mut market = Market::new(shape, seed);
    let mut all = [const { [const { Vec::new() }; kinds()] }; 2];
    for round in 0..WARM_UP + 2 * rounds {
        let is_burst = round % 2 == 1;
        // In turn, so that what adds put in, cancels take out.
        for (kind, (name, apply)) in KINDS.iter().enumerate() {
            market.prepare(name);
            let start = Instant::now();
            let apply = if is_burst { timed::in_bursts } else { *apply };
            apply(&mut market.engine, &market.commands);
            let ns = start.elapsed().as_nanos() as f64;
            if round >= WARM_UP {
                all[usize::from(is_burst)][kind].push(ns / market.commands.len() as f64);
            }
            market.settle(name);
        }
    }
    let crosses = (WARM_UP + 2 * rounds) * shape.batch();
    market.check(crosses as u64)?;
    Ok(all.map(|kinds| {
        kinds.map(|mut ns| {
            ns.sort_by(f64::total_cmp);
            ns[ns.len() / 2]
        })
    }))
}

/// What was asked for.
struct Wanted {
    shapes: Vec<Shape>,
    rounds: usize,
    seed: u64,
}

fn numbers<T: std::str::FromStr>(list: &str) -> Option<Vec<T>> {
    list.split(',').map(|number| number.parse().ok()).collect()
}

/// `None` when an option or its value cannot be used.
fn wanted() -> Option<Wanted> {
    let (mut orders, mut symbols) = (vec![1_000, 1_000_000, 10_000_000], vec![1, 10_000]);
    let (mut sessions, mut ledger) = (vec![1, 4_096], vec![false, true]);
    let (mut rounds, mut seed) = (300, 1);
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next()?;
        match option.as_str() {
            "--orders" => orders = numbers(&value)?,
            "--symbols" => symbols = numbers(&value)?,
            "--sessions" => sessions = numbers(&value)?,
            "--ledger" => ledger = value.split(',').map(|word| word == "yes").collect(),
            "--pages" => heapwatch::advise_huge_pages(value == "huge"),
            "--rounds" => rounds = value.parse().ok().filter(|n| *n > 0)?,
            "--seed" => seed = value.parse().ok()?,
            _ => return None,
        }
    }
    let mut shapes = Vec::new();
    for &ledger in &ledger {
        for &orders in &orders {
            for &symbols in &symbols {
                for &sessions in &sessions {
                    shapes.push(Shape { orders, symbols, sessions, ledger });
                }
            }
        }
    }
    let usable = |shape: &Shape| (1_000..=20_000_000).contains(&shape.orders);
    shapes.iter().all(usable).then_some(Wanted { shapes, rounds, seed })
}

fn print_row(first: &str, cells: &[f64], digits: usize) {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>9.digits$}")).collect();
    println!("{first:<36}{}", cells.concat());
}

fn main() {
    let Some(Wanted { shapes, rounds, seed }) = wanted() else {
        eprintln!("engine_scale: see the head of examples/engine_scale/main.rs for the options");
        exit(2);
    };
    let head: Vec<String> = KINDS.iter().map(|(name, _)| format!("{name:>9}")).collect();
    println!("{:>10}{:>9}{:>10} {:<6}{}", "orders", "symbols", "sessions", "ledger", head.concat());
    let mut done: Vec<(Shape, Row)> = Vec::new();
    for shape in shapes {
        let Shape { orders, symbols, sessions, ledger } = shape;
        let row = measure(&shape, rounds, seed).unwrap_or_else(|wrong| {
            eprintln!("engine_scale: {orders} orders, {symbols} symbols: {wrong}");
            exit(1);
        });
        let ledger = if ledger { "yes" } else { "no" };
        print_row(&format!("{orders:>10}{symbols:>9}{sessions:>10} {ledger}"), &row[0], 1);
        print_row("  in bursts", &row[1], 1);
        done.push((shape, row));
    }
    for ledger in [false, true] {
        let rows: Vec<_> = done.iter().filter(|(shape, _)| shape.ledger == ledger).collect();
        if let [(_, smallest), .., (_, largest)] = rows.as_slice() {
            let with = if ledger { "with" } else { "without" };
            for (at, how) in ["", "-in-bursts"].iter().enumerate() {
                let pairs = largest[at].iter().zip(&smallest[at]);
                let growth: Vec<f64> = pairs.map(|(l, s)| l / s).collect();
                print_row(&format!("last to first, {with} a ledger{how}"), &growth, 2);
                for ((kind, _), growth) in KINDS.iter().zip(&growth) {
                    println!("FIGURE {kind}{how}-{with}-ledger {growth:.3} times");
                }
            }
        }
    }
    let batches = (WARM_UP + 2 * rounds) / 2;
    let batch = done.last().map_or(0, |(shape, _)| shape.batch());
    println!("{} commands of each kind, one by one, in the last row", batches * batch);
}
