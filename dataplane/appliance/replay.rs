//! `peregrine replay`: a recorded feed through ports, without writing a configuration first.
//!
//! Without `--device` it is a whole market in this process: the feed goes over `net_ring` to a
//! trader with the strategy asked for, the same flow goes as orders to a venue, and the report has
//! the way from tick to trade by stage. With `--device` the feed goes out of that port alone.
//!
//! It writes the configuration it runs as TOML and reads that as any other: what is wrong is told
//! in the same words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use algos::Builtin;
use anyhow::Result;
use clap::Args;

use crate::cli::RunOptions;
use crate::config::{Config, Overrides, directory_symbols};
use crate::run;

/// A market in one process.
const MARKET: &str = include_str!("replay/market.toml");
/// A feed out of a port.
const FEED: &str = include_str!("replay/feed.toml");
/// Symbols that are traded when none are named.
const SYMBOLS_MAX: usize = 64;
/// The longest pause that can be asked for, as in a configuration.
const GAP_MAX_S: f64 = 86_400.0;

/// Why a replay cannot be done as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The symbols were not named, and the first file does not say which they are.
    #[error("{file}: {problem}")]
    Symbols {
        /// The file.
        file: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// A parameter of the strategy.
    #[error("--set {given}: {problem}")]
    Set {
        /// As it was given.
        given: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// ITCH files, plain or gzip, one after the other; the first has the stock directory
    #[arg(value_name = "ITCH", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What the trader trades, as AAPL,MSFT [default: all that the directory lists, up to 64]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) symbols: Vec<String>,
    /// The trader's strategy
    #[arg(long, value_name = "NAME", default_value = "echo")]
    pub(crate) strategy: String,
    /// A parameter of the strategy; may be given more than once
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// How fast: recorded, 10x, 250000/s, max
    #[arg(long, value_name = "PACE", default_value = "50x")]
    pub(crate) pace: String,
    /// Pauses of recorded time are cut to this, in seconds; 0 keeps them
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds,
        allow_negative_numbers = true)]
    pub(crate) gap_max: f64,
    /// Send the feed out of this device, and nothing else: net_af_packet0,iface=eth1
    #[arg(long, value_name = "DEVICE", requires = "ip")]
    pub(crate) device: Option<String>,
    /// Our address there, with its network's bits
    #[arg(long, value_name = "IP/BITS", requires = "device")]
    pub(crate) ip: Option<String>,
    /// Multicast group of the feed
    #[arg(long, value_name = "IP", default_value = "239.192.0.2", requires = "device")]
    pub(crate) group: String,
    /// UDP port of the feed
    #[arg(long, value_name = "PORT", default_value_t = 26477, requires = "device")]
    pub(crate) udp_port: u16,
    /// Folder for report.json and index.html
    #[arg(long, value_name = "DIR", default_value = "target/report")]
    pub(crate) report: PathBuf,
    /// Do without hugepages
    #[arg(long)]
    pub(crate) no_huge: bool,
    /// Print the configuration that would be run, and stop
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Replays the files.
///
/// # Errors
/// Files that cannot be read, options that cannot be, or what keeps a run from starting.
pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let text = configuration(args)?;
    if args.print_config {
        crate::cli::print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut config = Config::parse(&text, Path::new("replay.toml"))?;
    config.apply(&Overrides {
        no_huge: args.no_huge,
        report_dir: Some(args.report.clone()),
        duration: None,
        pace: None,
    });
    run::run(&config, &RunOptions { quiet: args.quiet, ..RunOptions::default() })
}

/// Seconds of a pause; clap says which option they are of.
fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=GAP_MAX_S).contains(number));
    number.ok_or(format!("seconds are a number from 0 to {GAP_MAX_S}"))
}

fn configuration(args: &ReplayArgs) -> Result<String, ReplayError> {
    let files: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let mut text = match &args.device {
        Some(device) => FEED
            .replace("@DEVICE@", &quoted(device))
            .replace("@IP@", &quoted(args.ip.as_deref().unwrap_or_default()))
            .replace("@GROUP@", &quoted(&args.group))
            .replace("@UDP_PORT@", &args.udp_port.to_string()),
        None => MARKET
            .replace("@LOCATES@", &locates(&symbols(args)?))
            .replace("@SYMBOLS@", &list(&symbols(args)?))
            .replace("@DIRECTORY@", &quoted(&files[0]))
            .replace("@STRATEGY@", &quoted(&args.strategy))
            .replace("@PARAMS@", &parameters(args)?),
    };
    text = text.replace("@FILES@", &list(&files));
    Ok(text.replace("@PACE@", &quoted(&args.pace)).replace("@GAP@", &format!("{:?}", args.gap_max)))
}

/// The symbols named, or all that the directory lists, when they are few.
fn symbols(args: &ReplayArgs) -> Result<Vec<String>, ReplayError> {
    if !args.symbols.is_empty() {
        return Ok(args.symbols.clone());
    }
    let first = &args.files[0];
    let wrong =
        |problem: String| ReplayError::Symbols { file: first.display().to_string(), problem };
    let listed = directory_symbols(first).map_err(|error| wrong(error.root_cause().to_string()))?;
    match listed.len() {
        0 => Err(wrong(
            "has no stock directory; give a file that has one first, or --symbols".into(),
        )),
        1..=SYMBOLS_MAX => Ok(listed),
        many => {
            Err(wrong(format!("lists {many} symbols; name those to trade, as --symbols AAPL,MSFT")))
        }
    }
}

/// A replay may sell what it does not hold: nobody has to find the shares. A symbol that was named
/// twice is here once; reading the configuration tells of it.
fn locates(symbols: &[String]) -> String {
    let once: BTreeSet<&String> = symbols.iter().collect();
    once.iter().map(|symbol| format!("{} = 1000000\n", quoted(symbol))).collect()
}

/// The strategy's parameters as lines of TOML.
fn parameters(args: &ReplayArgs) -> Result<String, ReplayError> {
    let mut lines = String::new();
    for one in &args.set {
        let wrong = |problem: String| ReplayError::Set { given: one.clone(), problem };
        let Some((name, value)) = one.split_once('=') else {
            return Err(wrong("say it as NAME=VALUE, with a whole number".into()));
        };
        let known = Builtin::KINDS.iter().find(|kind| kind.name == args.strategy);
        if known.is_some_and(|kind| kind.params.iter().all(|param| param.name != name)) {
            let names: Vec<&str> =
                known.into_iter().flat_map(|kind| kind.params).map(|param| param.name).collect();
            let names = names.join(", ");
            return Err(wrong(format!("{} has no such parameter; it has {names}", args.strategy)));
        }
        let Ok(value) = value.trim().parse::<i64>() else {
            return Err(wrong(format!("{value:?} is not a whole number")));
        };
        lines += &format!("{name} = {value}\n");
    }
    Ok(lines)
}

/// A text as TOML says it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    toml::Value::from(texts.to_vec()).to_string()
}
