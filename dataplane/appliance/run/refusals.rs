//! Refused orders, written down as they happen: one JSON object a line.
//!
//! The lcore puts each into a ring and goes on; a thread of its own writes. A ring that is full
//! loses lines, which are counted (`gate_refused unwritten`) and fail the run, never the lcore's
//! time. A file that the configuration names is kept and added to: a restart on a bad day must not
//! take the morning's evidence with it. Else the lines are part of the run's report.

use anyhow::{Context, Result};
use desk::Refused;
use serde_json::json;
use spsc::{Consumer, Producer, ring};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use types::{Price, Symbol};

/// Refusals on their way to the file.
const REFUSALS_MAX: usize = 1 << 14;
/// How often the thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The thread that writes; finishing it writes what is left.
#[derive(Debug)]
pub(crate) struct RefusalWriter {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<u64>>,
}

/// Where a trader's refusals go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file of the user's, which is added to.
    Kept(PathBuf),
    /// A file of the report, which is this run's.
    Report(PathBuf),
}

impl Place {
    /// The file that the configuration names, or one in the report's folder.
    pub(crate) fn of(named: Option<&Path>, report_dir: &Path, trader: &str) -> Place {
        match named {
            Some(path) => Place::Kept(path.to_owned()),
            None => Place::Report(report_dir.join(format!("refusals-{trader}.jsonl"))),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Place::Kept(path) | Place::Report(path) => path,
        }
    }

    fn open(&self) -> io::Result<File> {
        match self {
            Place::Kept(path) => OpenOptions::new().append(true).create(true).open(path),
            Place::Report(path) => {
                path.parent().map(fs::create_dir_all).transpose()?;
                File::create(path)
            }
        }
    }
}

/// Opens the file, and gives the ring's end for the lcore.
///
/// # Errors
/// The file cannot be made.
pub(crate) fn open(
    place: &Place,
    symbols: Vec<Symbol>,
) -> Result<(RefusalWriter, Producer<Refused>)> {
    let path = place.path();
    let file = place.open().with_context(|| format!("refusals {}", path.display()))?;
    let (producer, consumer) = ring(REFUSALS_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let thread = thread::Builder::new()
        .name("refusals".into())
        .spawn(move || write(consumer, BufWriter::new(file), &symbols, &seen))
        .context("starting the thread that writes refusals")?;
    Ok((RefusalWriter { path: path.to_owned(), stop, thread }, producer))
}

impl RefusalWriter {
    /// Writes what is left, and gives the number of lines.
    ///
    /// # Errors
    /// The file could not be written.
    pub(crate) fn finish(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let path = self.path.display();
        match self.thread.join() {
            Ok(lines) => lines.with_context(|| format!("refusals {path}")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn write(
    mut from_lcore: Consumer<Refused>,
    mut file: BufWriter<File>,
    symbols: &[Symbol],
    stop: &AtomicBool,
) -> io::Result<u64> {
    let mut lines = 0;
    loop {
        let last = stop.load(Ordering::Relaxed);
        while let Some(refused) = from_lcore.pop() {
            writeln!(file, "{}", line(&refused, symbols))?;
            lines += 1;
        }
        file.flush()?;
        if last {
            return Ok(lines);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// What was refused, why, and the market it was held against. Prices in dollars.
pub(crate) fn line(refused: &Refused, symbols: &[Symbol]) -> serde_json::Value {
    let Refused { at_ns, refusal, ask, replaces, market } = refused;
    let symbol = symbols.get(usize::from(ask.ticker.0)).map(Symbol::to_string);
    let dollars = |price: Price| {
        if price.is_market() { json!("market") } else { json!(price.to_string()) }
    };
    json!({
        "at_ns": at_ns,
        "refused": refusal.name(),
        "symbol": symbol,
        "side": char::from(ask.side.letter()).to_string(),
        "qty": ask.qty.0,
        "price": dollars(ask.price),
        "time_in_force": char::from(ask.tif.letter()).to_string(),
        "post_only": ask.post_only,
        "replaces": replaces.map(|user_ref| user_ref.0),
        "bid": market.bid.map(dollars),
        "ask": market.ask.map(dollars),
        "own_bid": market.own_bid.map(dollars),
        "own_ask": market.own_ask.map(dollars),
        "halted": market.halted,
        "stale": market.stale,
        "suspect": market.suspect,
        "short_restricted": market.short_restricted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_users_is_added_to_and_one_of_the_report_is_made_anew() {
        let folder = std::env::temp_dir().join(format!("refusals-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let named = folder.join("mine.jsonl");
        let kept = Place::of(Some(&named), &folder, "t");
        let of_report = Place::of(None, &folder.join("report"), "t");
        assert_eq!(of_report.path(), folder.join("report").join("refusals-t.jsonl"));
        for place in [&kept, &of_report] {
            writeln!(place.open().unwrap(), "first").unwrap();
            writeln!(place.open().unwrap(), "second").unwrap();
        }
        assert_eq!(fs::read_to_string(&named).unwrap(), "first\nsecond\n");
        assert_eq!(fs::read_to_string(of_report.path()).unwrap(), "second\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
