//! Writes a made-up day as an ITCH file (`length[2] message`), for what reads files.
//!
//! `cargo run --release -p market --example day_file -- FILE [--OPTION N ...]`
//!
//! OPTIONs are `--messages`, `--symbols` and `--seed`. Without them 4 million messages of 2,000
//! symbols, 130 MB; `day_ns/day.rs` makes them, as for `day_ns`. The symbols' directory comes
//! first. The same options give the same bytes.

#[path = "day_ns/calibrate.rs"]
mod calibrate;
#[path = "day_ns/day.rs"]
#[allow(dead_code)] // what only `day_ns` reports
mod day;

use calibrate::calibrate;
use day::Day;
use std::fs::File;
use std::io::{BufWriter, Write};

const CHUNK: u64 = 100_000;

struct Options {
    path: String,
    messages: u64,
    symbols: u16,
    seed: u64,
}

fn options() -> Option<Options> {
    let mut args = std::env::args().skip(1);
    let mut options = Options { path: args.next()?, messages: 4_000_000, symbols: 2_000, seed: 7 };
    while let Some(name) = args.next() {
        let value: u64 = args.next()?.parse().ok()?;
        match name.as_str() {
            "--messages" => options.messages = value,
            "--symbols" => options.symbols = u16::try_from(value).ok().filter(|n| *n > 0)?,
            "--seed" => options.seed = value,
            _ => return None,
        }
    }
    Some(options)
}

fn put(out: &mut impl Write, message: &[u8]) -> std::io::Result<()> {
    out.write_all(&(message.len() as u16).to_be_bytes())?;
    out.write_all(message)
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample/aapl.itch");
    let seen = calibrate(&std::fs::read(path)?).ok_or("the sample has no orders")?;
    let symbols = usize::from(options.symbols);
    let mut day = Day::new(&seen, symbols, options.messages, options.seed);
    let mut out = BufWriter::new(File::create(&options.path)?);
    for at in 0..options.symbols {
        put(&mut out, &day::listing(at + 1, day::name(at.into())))?;
    }
    put(&mut out, b"S\0\0\0\0\0\0\0\0\0\0Q")?;
    let (mut left, mut chunk) = (options.messages, Vec::new());
    while left > 0 {
        let count = left.min(CHUNK);
        left -= count;
        chunk.clear();
        day.chunk(count as usize, &mut chunk);
        let mut rest = chunk.as_slice();
        while let Some((len, tail)) = rest.split_first() {
            let (message, tail) = tail.split_at(usize::from(*len));
            put(&mut out, message)?;
            rest = tail;
        }
    }
    out.flush()?;
    println!("{} messages, {} orders live at the end", options.messages, day.live);
    Ok(())
}

fn main() {
    let Some(options) = options() else {
        eprintln!("usage: day_file FILE [--messages N] [--symbols 1..65535] [--seed N]");
        std::process::exit(2);
    };
    if let Err(error) = run(&options) {
        eprintln!("day_file: {}: {error}", options.path);
        std::process::exit(1);
    }
}
