//! What a command costs other people's engines, on the operations that our own is measured on.
//!
//! `flow ENGINE --flow mixed|moves|inserts [--ops N] [--passes N] [--seed N]`
//!
//! ENGINE is `lobster`, `matchcore` or `orderbook-rs`; the flows have one book. Operations become
//! the engine's own commands before the clock starts. Tells the median over passes of the mean over
//! a pass, by the thread's own time, and the p99 of commands timed one by one; then how many trades
//! there were, which must be as many as ours. Ends with 2 when an argument cannot be used.

#[path = "../../../../../../strategy/engine/examples/flow_ns/flow.rs"]
#[allow(dead_code)] // recorded flows have reductions, for which two of the three have no command
mod flow;
mod lobster;
mod matchcore;
mod orderbook_rs;

use flow::{Flow, Op};
use std::hint::black_box;
use std::process::exit;
use std::time::Instant;

/// An engine of somebody else's, with one book.
pub(crate) trait Peer {
    /// Its command.
    type Command;
    /// What it calls the flow's orders.
    type Names: Default;

    /// An empty book.
    fn new() -> Self;

    /// The commands for an operation of a made-up flow.
    fn commands(op: &Op, names: &mut Self::Names, out: &mut Vec<Self::Command>);

    /// Applies a command; how many trades it made.
    fn apply(&mut self, command: &Self::Command) -> u64;
}

struct Wanted {
    flow: String,
    ops: usize,
    passes: usize,
    seed: u64,
}

fn wanted(mut args: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted { flow: String::new(), ops: 1_000_000, passes: 11, seed: 1 };
    while let Some(option) = args.next() {
        let value = args.next()?;
        match option.as_str() {
            "--flow" => wanted.flow = value,
            "--ops" => wanted.ops = value.parse().ok().filter(|n| *n > 0)?,
            "--passes" => wanted.passes = value.parse().ok().filter(|n| *n > 0)?,
            "--seed" => wanted.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(wanted)
}

/// ns that this thread ran, as the kernel counts them; else those that passed.
fn own_ns(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = told.and_then(|t| t.split(' ').next()?.parse().ok());
    ran.unwrap_or_else(|| start.elapsed().as_nanos() as f64)
}

#[inline(never)]
fn pass<P: Peer>(peer: &mut P, commands: &[P::Command]) -> u64 {
    commands.iter().map(|command| peer.apply(command)).sum()
}

fn filled<P: Peer>(fill: &[P::Command]) -> P {
    let mut peer = P::new();
    black_box(pass(&mut peer, fill));
    peer
}

fn measure<P: Peer>(wanted: &Wanted, flow: &Flow) {
    let (mut names, mut fill, mut run) = (P::Names::default(), Vec::new(), Vec::new());
    flow.fill.iter().for_each(|op| P::commands(op, &mut names, &mut fill));
    flow.run.iter().for_each(|op| P::commands(op, &mut names, &mut run));
    let (began, mut means, mut trades) = (Instant::now(), Vec::new(), 0);
    for _ in 0..wanted.passes {
        let mut peer: P = filled(&fill);
        let before = own_ns(began);
        trades = pass(&mut peer, &run);
        means.push((own_ns(began) - before) / flow.run.len() as f64);
    }
    means.sort_by(f64::total_cmp);
    let mut peer: P = filled(&fill);
    let mut each: Vec<u64> = Vec::with_capacity(run.len());
    for command in &run {
        let start = Instant::now();
        black_box(peer.apply(command));
        each.push(start.elapsed().as_nanos() as u64);
    }
    each.sort_unstable();
    let name = &wanted.flow;
    println!("FIGURE engine_{name}_ns {:.1} ns", means[wanted.passes / 2]);
    println!("FIGURE engine_{name}_p99_ns {} ns", each[each.len() * 99 / 100]);
    println!("CHECK engine_{name}_trades {trades}");
}

fn main() {
    let mut args = std::env::args().skip(1);
    let engine = args.next().unwrap_or_default();
    let Some(wanted) = wanted(args) else {
        eprintln!("flow: see the head of its main.rs for the options");
        exit(2);
    };
    let flow = match wanted.flow.as_str() {
        "mixed" => flow::mixed(wanted.seed, wanted.ops),
        "moves" => flow::moves(wanted.seed, wanted.ops),
        "inserts" => flow::inserts(wanted.seed, wanted.ops),
        other => {
            eprintln!("flow: --flow '{other}': must be mixed, moves or inserts");
            exit(2);
        }
    };
    match engine.as_str() {
        "lobster" => measure::<lobster::Book>(&wanted, &flow),
        "matchcore" => measure::<matchcore::Book>(&wanted, &flow),
        "orderbook-rs" => measure::<orderbook_rs::Book>(&wanted, &flow),
        other => {
            eprintln!("flow: engine '{other}': must be lobster, matchcore or orderbook-rs");
            exit(2);
        }
    }
}
