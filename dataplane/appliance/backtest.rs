//! `peregrine backtest`: a strategy against a recording.
//!
//! The trader's own core decides (crate `desk`), a simulated venue answers (crate `backtest`), and
//! what came of it is told as tables, as JSON, as a page with pictures and as a list of fills. The
//! report depends on the arguments and the recording alone, so two runs give the same bytes; how
//! fast it was goes to standard error.

mod args;
mod input;
mod model;
mod page;
mod pictures;
mod tables;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use algos::Builtin;
use anyhow::{Context, Result};
use backtest::{Backtest, Outcome, Overflow, Progress as Course, Settings};
use desk::{Core, CoreConfig, Desk, DeskConfig};
use market::{Market, MarketConfig};

use crate::cli;
use crate::config::directory_symbols;
use crate::itch_files::{self, Input, ReadError};
use crate::report::Progress;

pub(crate) use args::BacktestArgs;

/// Messages between two looks at the clock.
const PROGRESS_EVERY: u64 = 1 << 15;
/// Numbers kept for each order that may be open: those between may be gone.
const SLOTS_PER_ORDER: usize = 64;
/// As a live trader has it.
const ANSWER_TIMEOUT_NS: u64 = 1_000_000_000;
/// Prints kept for the strategy to look at.
const TAPE_LEN: u32 = 4_096;

/// Why a backtest cannot be done as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BacktestError {
    /// An option.
    #[error("{option} {value:?}: {want}")]
    Option {
        /// Which.
        option: &'static str,
        /// The value met.
        value: String,
        /// What would be right.
        want: String,
    },
    /// A file.
    #[error("--itch {0}")]
    Read(#[from] ReadError),
    /// The strategy and the symbols do not go together.
    #[error("--strategy: {0}")]
    Strategy(#[from] algos::BuiltinError),
    /// Something did not fit.
    #[error("{0}; --orders-max, --levels-max and --in-flight-max give more room")]
    Overflow(#[from] Overflow),
}

/// Runs it, and says what to exit with.
///
/// # Errors
/// What cannot be done as asked, and files that cannot be written.
pub(crate) fn run(args: &BacktestArgs) -> Result<ExitCode> {
    if args.list {
        cli::print(&tables::strategies())?;
        return Ok(ExitCode::SUCCESS);
    }
    let values = args.values()?;
    let listed = listed(args);
    let settings = args.settings(args.traded(&listed)?)?;
    let core = core(args, &settings, &values)?;
    let test = Backtest::new(core, settings.clone());
    let started = Instant::now();
    let outcome = play(args, test)?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(missing) = outcome.symbols.iter().find(|symbol| !symbol.listed) {
        let want = "the recording's directory does not list it; give --directory, or the file that \
                    has it first";
        let (option, value) = ("--symbols", missing.symbol.to_string());
        return Err(BacktestError::Option { option, value, want: want.into() }.into());
    }
    let report = model::Report::of(args, &settings, &values, &outcome);
    let mut json = serde_json::to_string_pretty(&report).context("the report as JSON")?;
    json.push('\n');
    page::write(&args.report, &report, &json, &outcome, &settings.tickers)?;
    if args.json {
        cli::print(&json)?;
    } else if !args.quiet {
        let colour = std::io::stdout().is_terminal();
        cli::print(&tables::on_terminal(&report, &args.report, colour))?;
    }
    if !args.quiet {
        let messages = outcome.feed.messages;
        let rate = messages as f64 / seconds.max(1e-9) / 1e6;
        let said = format!("{messages} messages in {seconds:.3} s: {rate:.2} million a second");
        // There is nowhere left to say that stderr is gone.
        let _ = writeln!(std::io::stderr(), "{said}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The symbols that the directory lists; none where that cannot be told beforehand.
fn listed(args: &BacktestArgs) -> Vec<String> {
    let files = args.directory.iter().chain(&args.itch);
    let mut listed = files.filter_map(|path| directory_symbols(path).ok());
    listed.find(|symbols| !symbols.is_empty()).unwrap_or_default()
}

fn core(args: &BacktestArgs, settings: &Settings, values: &[i64]) -> Result<Core<Builtin>> {
    let tickers = settings.tickers.clone();
    let strategy =
        Builtin::new(&args.strategy, &tickers, values).map_err(BacktestError::Strategy)?;
    let market = Market::new(&MarketConfig {
        capacity: book::Capacity { books: 1 << 16, ..settings.capacity },
        tickers: tickers.clone(),
        only_tickers: true,
        tape_len: TAPE_LEN,
    })
    .context("the strategy's market")?;
    let open_orders_max = args.risk.open_orders_max() as usize;
    let desk = Desk::new(&DeskConfig {
        slots: (open_orders_max * SLOTS_PER_ORDER).next_power_of_two(),
        limits: args.risk.limits(),
        ticker_limits: vec![args.risk.ticker_limits(); tickers.len()],
        tickers,
        firm: None,
        answer_timeout_ns: ANSWER_TIMEOUT_NS,
    });
    Ok(Core::new(market, desk, strategy, CoreConfig::default()))
}

fn play(args: &BacktestArgs, mut test: Backtest<Builtin>) -> Result<Outcome, BacktestError> {
    let files: Vec<_> = args.directory.iter().chain(&args.itch).cloned().collect();
    let shown = !args.quiet && std::io::stderr().is_terminal();
    let mut progress =
        shown.then(|| Progress::start(itch_files::count(&Input::Files(files.clone()), 1)));
    let mut done = 0u64;
    for path in &files {
        let is_over = input::messages(path, |message| -> Result<bool, BacktestError> {
            done += 1;
            if done.is_multiple_of(PROGRESS_EVERY)
                && let Some(progress) = &mut progress
            {
                progress.update(done, test.fills() as u64);
            }
            Ok(test.on_message(message)? == Course::Running)
        })?;
        if is_over {
            break;
        }
    }
    if let Some(progress) = progress {
        progress.finish();
    }
    Ok(test.finish()?)
}
