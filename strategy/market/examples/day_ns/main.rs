//! A synthetic day: how long a message takes when thousands of symbols share the cache.
//!
//! `cargo run --release -p market --example day_ns -- [--messages N] [--symbols N] [--seed N]`
//!
//! Without options 300 million messages of 8,000 symbols; a few minutes. A million messages at a
//! time are made (not timed) and applied (timed), never all held: every other chunk with read-ahead
//! over packets of sixteen ([`Market::warm`]), so that both ways see the same day. What messages
//! are like is measured from data/sample/aapl.itch at the start (`calibrate.rs`: types, lifetimes,
//! distances from the middle, sizes); how the symbols share them is assumed (`day.rs`). At the end
//! nothing may have been a lie, and the books must hold as many orders as the generator.
//!
//! Instructions a message, plain and with read-ahead:
//! `valgrind --tool=callgrind --toggle-collect='day_ns::plain*' BINARY --messages 4000000`, divided
//! by half the messages; `day_ns::ahead*` likewise.

mod calibrate;
#[path = "../clock/mod.rs"]
mod clock;
mod day;

use calibrate::calibrate;
use clock::{Clock, peak_mb};
use day::Day;
use market::{Capacity, Market, MarketConfig, WARM_MAX};
use std::hint::black_box;
use std::time::Instant;
use types::Symbol;

#[global_allocator]
static ALLOCATOR: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

const CHUNK: usize = 1_000_000;

struct Options {
    messages: u64,
    symbols: usize,
    seed: u64,
}

fn options() -> Option<Options> {
    let mut options = Options { messages: 300_000_000, symbols: 8_000, seed: 7 };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value: u64 = args.next()?.parse().ok()?;
        match name.as_str() {
            "--messages" => options.messages = value,
            "--symbols" => options.symbols = usize::try_from(value).ok()?,
            "--seed" => options.seed = value,
            _ => return None,
        }
    }
    (1..=60_000).contains(&options.symbols).then_some(options)
}

/// The messages of a chunk, each behind its length in one byte.
fn split<'a>(data: &'a [u8], messages: &mut [&'a [u8]]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < data.len() && count < messages.len() {
        let end = at + 1 + usize::from(data[at]);
        messages[count] = &data[at + 1..end];
        (at, count) = (end, count + 1);
    }
    at
}

#[inline(never)]
fn plain(market: &mut Market, mut data: &[u8]) {
    while !data.is_empty() {
        let mut packet = [&data[..0]; WARM_MAX];
        data = &data[split(data, &mut packet)..];
        for bytes in packet.iter().filter(|bytes| !bytes.is_empty()) {
            black_box(market.on_message(bytes));
        }
    }
}

#[inline(never)]
fn ahead(market: &mut Market, mut data: &[u8]) {
    while !data.is_empty() {
        let mut packet = [&data[..0]; WARM_MAX];
        data = &data[split(data, &mut packet)..];
        market.warm(packet.iter().copied());
        for bytes in packet.iter().filter(|bytes| !bytes.is_empty()) {
            black_box(market.on_message(bytes));
        }
    }
}

fn spread(name: &str, mut all: Vec<f64>) {
    all.sort_by(f64::total_cmp);
    let Some(last) = all.len().checked_sub(1) else { return };
    let at = |share: f64| all[(last as f64 * share).round() as usize];
    println!(
        "{name}: median {:.1} ns a message (p5 {:.1}, p95 {:.1}, {} chunks)",
        at(0.5),
        at(0.05),
        at(0.95),
        all.len()
    );
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample/aapl.itch");
    let seen = calibrate(&std::fs::read(path)?).ok_or("the sample has no orders")?;
    println!("{} messages measured, {} orders live at their end", seen.kinds.len(), seen.live);
    let mut day = Day::new(&seen, options.symbols, options.messages, options.seed);
    let before = peak_mb();
    let mut market = Market::new(&MarketConfig {
        capacity: Capacity { orders: 1 << 20, levels: 1 << 19, books: options.symbols as u32 + 1 },
        tickers: (0..options.symbols).map(|at| Symbol(day::name(at))).collect(),
        only_tickers: false,
        tape_len: 1 << 16,
    })?;
    println!("the market takes {} MB", peak_mb() - before);
    for at in 0..options.symbols {
        market.on_message(&day::listing(at as u16 + 1, day::name(at)));
    }
    market.on_message(b"S\0\0\0\0\0\0\0\0\0\0Q");
    let wall = Instant::now();
    let (mut chunk, mut times, mut left) = (vec![], [vec![], vec![]], options.messages);
    let mut applied_s = 0.0;
    for at in 0.. {
        if left == 0 {
            break;
        }
        let count = left.min(CHUNK as u64);
        left -= count;
        chunk.clear();
        day.chunk(count as usize, &mut chunk);
        let work = [plain, ahead][at % 2];
        let clock = Clock::start();
        work(&mut market, &chunk);
        let ns = clock.ns();
        applied_s += ns / 1e9;
        times[at % 2].push(ns / count as f64);
    }
    let [plain, ahead] = times;
    spread("plain", plain);
    spread("with read-ahead", ahead);
    println!("{applied_s:.1} s applying, {:.1} s in all", wall.elapsed().as_secs_f64());
    let (held, peak) = (day.bytes() / 1_000_000, peak_mb());
    println!("peak {peak} MB, of which the generator {held} MB and a chunk");
    println!("{} orders live at the peak, {} at the end", day.live_max, market.books().len());
    for (name, count) in market.counters().iter().filter(|(_, count)| *count > 0) {
        print!("{name} {count}  ");
    }
    println!("lies {}", market.lies().iter().sum::<u64>());
    if market.lies().iter().any(|count| *count > 0) || market.books().len() != day.live {
        return Err(format!("the book is wrong: {:?}, {} live", market.lies(), day.live).into());
    }
    Ok(())
}

fn main() {
    let Some(options) = options() else {
        eprintln!("usage: day_ns [--messages N] [--symbols 1..60000] [--seed N]");
        std::process::exit(2);
    };
    if let Err(error) = run(&options) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
