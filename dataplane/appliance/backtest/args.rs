//! What can be asked of `peregrine backtest`, and what of it cannot be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use algos::{Builtin, set_by_name};
use backtest::{Fees, FillModel, HiddenPrints, Latencies, Settings, Start};
use clap::Args;
use risk::{GateLimits, OrderLimits, Restriction, TickerLimits};
use types::{Price, Qty, Symbol};

use super::BacktestError;

/// Symbols that are traded when none are named.
const SYMBOLS_MAX: usize = 8;
/// The unit of money in a dollar.
const DOLLAR: u64 = Price::DOLLAR.0 as u64;
/// Nanoseconds in a second.
const S_NS: u64 = 1_000_000_000;
/// Latencies at most: an hour.
const LATENCY_US_MAX: f64 = 3.6e9;

/// Arguments of `backtest`.
#[derive(Args, Debug)]
pub(crate) struct BacktestArgs {
    /// A recording: ITCH, plain or gzip. Several are one after the other, as if one file
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    pub(crate) itch: Vec<PathBuf>,
    /// A file that is read before the others, for its stock directory
    #[arg(long, value_name = "FILE")]
    pub(crate) directory: Option<PathBuf>,
    /// The strategy; --list tells which there are
    #[arg(long, value_name = "NAME", default_value = "market-maker")]
    pub(crate) strategy: String,
    /// A parameter of the strategy; may be given more than once
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// What is traded, as AAPL,MSFT [default: all that the directory lists, up to 8]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) symbols: Vec<String>,
    /// Print the strategies and their parameters, and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Folder for report.json, index.html, fills.csv and refusals.jsonl
    #[arg(long, value_name = "DIR", default_value = "target/backtest")]
    pub(crate) report: PathBuf,
    /// Print report.json on standard output instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) venue: VenueArgs,
    #[command(flatten)]
    pub(crate) risk: RiskArgs,
    #[command(flatten)]
    pub(crate) room: RoomArgs,
}

/// The simulated venue and the ways to it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Venue and latencies")]
pub(crate) struct VenueArgs {
    /// From the exchange to the strategy
    #[arg(long, value_name = "US", default_value_t = 5.0)]
    feed_latency_us: f64,
    /// From the strategy to the exchange
    #[arg(long, value_name = "US", default_value_t = 10.0)]
    order_latency_us: f64,
    /// From the exchange's answer to the strategy
    #[arg(long, value_name = "US", default_value_t = 10.0)]
    answer_latency_us: f64,
    /// Added to each, anew for each message: 0 to this, by the seed
    #[arg(long, value_name = "US", default_value_t = 0.0)]
    jitter_us: f64,
    /// Where the jitter begins
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// When a resting order trades
    #[arg(long, value_name = "MODEL", default_value = "queue", value_parser = fill_model)]
    fill_model: FillModel,
    /// Which prints against hidden orders fill a resting one: ignored, through, at-price
    #[arg(long, value_name = "WHICH", default_value = "through", value_parser = hidden_prints)]
    hidden_prints: HiddenPrints,
    /// Where in a day the recording begins: auto, beginning, middle
    #[arg(long, value_name = "WHERE", default_value = "auto", value_parser = start)]
    start: Start,
    /// Log in at this time of the recording
    #[arg(long, value_name = "HH:MM[:SS]", value_parser = time_of_day)]
    from: Option<u64>,
    /// Take all orders off at this time of the recording, and end
    #[arg(long, value_name = "HH:MM[:SS]", value_parser = time_of_day)]
    to: Option<u64>,
    /// Fee of shares that rested, in 1/10000 dollar per 100; negative for a rebate
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    fee_add: i32,
    /// Fee of shares that took, in 1/10000 dollar per 100
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    fee_remove: i32,
    /// Fee of shares in crosses, in 1/10000 dollar per 100
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    fee_cross: i32,
    /// When after a fill the middle of the book is noted, in seconds; four at most
    #[arg(long, value_name = "S,S,…", value_delimiter = ',',
        default_values_t = [0.1, 1.0, 10.0, 60.0])]
    mark_outs: Vec<f64>,
}

/// The gate; the defaults are config/trader.toml's.
#[derive(Args, Debug)]
#[command(next_help_heading = "Risk")]
pub(crate) struct RiskArgs {
    /// Shares of an order
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    order_qty_max: u32,
    /// Worth of an order
    #[arg(long, value_name = "DOLLARS", default_value_t = 1_000_000)]
    order_notional_max_dollars: u32,
    /// How far a limit may reach through the market, in 1/100 %; 0 for any
    #[arg(long, value_name = "BPS", default_value_t = 500)]
    price_collar_bps: u32,
    /// Shares of a symbol, long or short, open orders counted as filled
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    position_max_shares: u32,
    /// Worst-case worth of all; 0 for any
    #[arg(long, value_name = "DOLLARS", default_value_t = 2_000_000)]
    account_exposure_max_dollars: u32,
    /// Open orders
    #[arg(long, value_name = "N", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    open_orders_max: u32,
    /// New orders in a second
    #[arg(long, value_name = "N", default_value_t = 100)]
    orders_per_second_max: u32,
    /// Messages in a second [default: twice the orders]
    #[arg(long, value_name = "N")]
    messages_per_second_max: Option<u32>,
    /// Equal orders within a second; 0 for any number
    #[arg(long, value_name = "N", default_value_t = 8)]
    duplicates_max: u32,
    /// Shares of a symbol that may be sold short; a recording has them all
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    locate_shares: u32,
    /// Loss that pulls the plug; 0 for never
    #[arg(long, value_name = "DOLLARS", default_value_t = 5_000)]
    loss_dollars: u32,
    /// Refusals in a row that pull the plug; 0 for never
    #[arg(long, value_name = "N", default_value_t = 100)]
    refusals_in_a_row: u32,
    /// Allow market orders
    #[arg(long)]
    market_orders: bool,
    /// Trade symbols that the feed has lied about
    #[arg(long)]
    trade_suspect: bool,
}

/// Memory.
#[derive(Args, Debug)]
#[command(next_help_heading = "Room")]
pub(crate) struct RoomArgs {
    /// Orders of the traded symbols in the market at once
    #[arg(long, value_name = "N", default_value_t = 262_144,
        value_parser = clap::value_parser!(u32).range(1_024..=16_777_216))]
    pub(crate) orders_max: u32,
    /// Price levels of the traded symbols in the market at once
    #[arg(long, value_name = "N", default_value_t = 65_536,
        value_parser = clap::value_parser!(u32).range(1_024..=4_194_304))]
    pub(crate) levels_max: u32,
    /// Feed messages in flight at once
    #[arg(long, value_name = "N", default_value_t = 131_072,
        value_parser = clap::value_parser!(u32).range(1_024..=16_777_216))]
    pub(crate) in_flight_max: u32,
}

fn by_name<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    let found = names.iter().position(|one| *one == text);
    found.map(|at| all[at]).ok_or_else(|| format!("must be one of {}", names.join(", ")))
}

fn fill_model(text: &str) -> Result<FillModel, String> {
    by_name(&FillModel::ALL, FillModel::name, text)
}

fn hidden_prints(text: &str) -> Result<HiddenPrints, String> {
    by_name(&HiddenPrints::ALL, HiddenPrints::name, text)
}

fn start(text: &str) -> Result<Start, String> {
    by_name(&Start::ALL, Start::name, text)
}

/// `HH:MM` or `HH:MM:SS` as ns since midnight.
fn time_of_day(text: &str) -> Result<u64, String> {
    let wrong = || "must be a time of day, as 09:30 or 15:59:30".to_owned();
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return Err(wrong());
    }
    let mut seconds = 0;
    for (at, below) in [24, 60, 60].into_iter().enumerate() {
        let part = parts.get(at).copied().unwrap_or("0");
        let is_short = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let number: Option<u64> = is_short.then(|| part.parse().ok()).flatten();
        seconds = seconds * 60 + number.filter(|n| *n < below).ok_or_else(wrong)?;
    }
    Ok(seconds * S_NS)
}

fn refuse(option: &'static str, value: impl ToString, want: impl Into<String>) -> BacktestError {
    BacktestError::Option { option, value: value.to_string(), want: want.into() }
}

impl BacktestArgs {
    /// Name and values of the strategy's parameters.
    pub(super) fn values(&self) -> Result<Vec<i64>, BacktestError> {
        let Some(kind) = Builtin::KINDS.iter().find(|kind| kind.name == self.strategy) else {
            let known: Vec<&str> = Builtin::KINDS.iter().map(|kind| kind.name).collect();
            let want = format!("must be one of {}", known.join(", "));
            return Err(refuse("--strategy", &self.strategy, want));
        };
        let mut values: Vec<i64> = kind.params.iter().map(|spec| spec.default).collect();
        for one in &self.set {
            let Some((name, text)) = one.split_once('=') else {
                return Err(refuse("--set", one, "must be NAME=VALUE"));
            };
            let Ok(value) = text.trim().parse() else {
                return Err(refuse("--set", one, "the value must be a whole number"));
            };
            let at = set_by_name(kind.params, name.trim(), value)
                .map_err(|error| refuse("--set", one, error.to_string()))?;
            values[at] = value;
        }
        Ok(values)
    }

    /// The symbols to trade; `listed` are the directory's, as far as it could be read.
    pub(super) fn traded(&self, listed: &[String]) -> Result<Vec<Symbol>, BacktestError> {
        if self.symbols.is_empty() {
            if !(1..=SYMBOLS_MAX).contains(&listed.len()) {
                let want = format!(
                    "name those to trade, as AAPL,MSFT: the directory lists {}, and without it at \
                     most {SYMBOLS_MAX} are traded",
                    listed.len()
                );
                return Err(refuse("--symbols", "", want));
            }
            return Ok(listed.iter().filter_map(|name| Symbol::new(name)).collect());
        }
        let mut symbols: Vec<Symbol> = Vec::with_capacity(self.symbols.len());
        for name in &self.symbols {
            let Some(symbol) = Symbol::new(name) else {
                return Err(refuse("--symbols", name, "a name has 1 to 8 printable characters"));
            };
            if !listed.is_empty() && !listed.contains(name) {
                let near = strsim_nearest(name, listed);
                let want = format!("the directory does not list it{near}");
                return Err(refuse("--symbols", name, want));
            }
            if symbols.contains(&symbol) {
                return Err(refuse("--symbols", name, "is named twice"));
            }
            symbols.push(symbol);
        }
        Ok(symbols)
    }

    /// What the simulation is made with.
    pub(super) fn settings(&self, tickers: Vec<Symbol>) -> Result<Settings, BacktestError> {
        let VenueArgs { fill_model, hidden_prints, start, from, to, .. } = self.venue;
        let (from_ns, to_ns) = (from.unwrap_or(0), to.unwrap_or(u64::MAX));
        if from_ns >= to_ns {
            let seconds = to_ns / S_NS;
            return Err(refuse("--to", seconds_of_day(seconds), "must be later than --from"));
        }
        let room = &self.room;
        let mut settings = Settings::of(tickers);
        settings.latencies = self.venue.latencies()?;
        settings.fills = fill_model;
        settings.hidden = hidden_prints;
        settings.start = start;
        settings.fees = Fees {
            add: self.venue.fee_add.into(),
            remove: self.venue.fee_remove.into(),
            cross: self.venue.fee_cross.into(),
        };
        (settings.from_ns, settings.to_ns) = (from_ns, to_ns);
        settings.horizons_ns = self.venue.horizons()?;
        settings.capacity =
            book::Capacity { orders: room.orders_max, levels: room.levels_max, books: 0 };
        settings.feed_in_flight_max = room.in_flight_max;
        Ok(settings)
    }
}

/// `; did you mean AAPL?`, where one is near.
fn strsim_nearest(name: &str, listed: &[String]) -> String {
    let near = listed.iter().map(|one| (strsim::damerau_levenshtein(name, one), one)).min();
    match near {
        Some((1, one)) => format!("; did you mean {one}?"),
        _ => String::new(),
    }
}

/// Seconds since midnight as a time of day.
pub(super) fn seconds_of_day(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

impl VenueArgs {
    fn latencies(&self) -> Result<Latencies, BacktestError> {
        let ns = |option, us: f64| match us {
            us if (0.0..=LATENCY_US_MAX).contains(&us) => Ok((us * 1_000.0).round() as u64),
            us => Err(refuse(option, us, "must be 0 to 3600000000 microseconds (an hour)")),
        };
        Ok(Latencies {
            feed_ns: ns("--feed-latency-us", self.feed_latency_us)?,
            order_ns: ns("--order-latency-us", self.order_latency_us)?,
            answer_ns: ns("--answer-latency-us", self.answer_latency_us)?,
            jitter_ns: ns("--jitter-us", self.jitter_us)?,
            seed: self.seed,
        })
    }

    fn horizons(&self) -> Result<Vec<u64>, BacktestError> {
        if self.mark_outs.len() > backtest::HORIZONS_MAX {
            let want = format!("{} at most", backtest::HORIZONS_MAX);
            return Err(refuse("--mark-outs", self.mark_outs.len(), want));
        }
        let ns = |s: &f64| match *s {
            s if (0.001..=86_400.0).contains(&s) => Ok((s * S_NS as f64).round() as u64),
            s => Err(refuse("--mark-outs", s, "must be 0.001 to 86400 seconds")),
        };
        self.mark_outs.iter().map(ns).collect()
    }
}

impl RiskArgs {
    /// The gate's limits.
    pub(super) fn limits(&self) -> GateLimits {
        GateLimits {
            order: OrderLimits {
                qty_max: Qty(self.order_qty_max),
                notional_max: u64::from(self.order_notional_max_dollars) * DOLLAR,
                collar_bps: self.price_collar_bps,
            },
            account_exposure_max: match self.account_exposure_max_dollars {
                0 => u64::MAX,
                dollars => u64::from(dollars) * DOLLAR,
            },
            account_gross_shares_max: u64::MAX,
            open_orders_max: self.open_orders_max,
            orders_per_second_max: self.orders_per_second_max,
            messages_per_second_max: self
                .messages_per_second_max
                .unwrap_or(self.orders_per_second_max.saturating_mul(2)),
            duplicate_window_ns: S_NS,
            duplicates_max: self.duplicates_max,
            loss_max: u64::from(self.loss_dollars) * DOLLAR,
            runaway_refusals_max: self.refusals_in_a_row,
            stale_is_refused: true,
            suspect_is_refused: !self.trade_suspect,
            market_orders: self.market_orders,
        }
    }

    /// A symbol's limits.
    pub(super) fn ticker_limits(&self) -> TickerLimits {
        TickerLimits {
            position_max: self.position_max_shares.into(),
            exposure_max: u64::MAX,
            open_orders_max: self.open_orders_max,
            restriction: Restriction::None,
            locate_shares: self.locate_shares.into(),
            tick: Price(0),
        }
    }

    /// The limits as they were asked for, by name.
    pub(super) fn shown(&self) -> BTreeMap<&'static str, u64> {
        let limits = self.limits();
        BTreeMap::from([
            ("account_exposure_max_dollars", self.account_exposure_max_dollars.into()),
            ("duplicates_max", self.duplicates_max.into()),
            ("locate_shares", self.locate_shares.into()),
            ("loss_dollars", self.loss_dollars.into()),
            ("market_orders", self.market_orders.into()),
            ("messages_per_second_max", limits.messages_per_second_max.into()),
            ("open_orders_max", self.open_orders_max.into()),
            ("order_notional_max_dollars", self.order_notional_max_dollars.into()),
            ("order_qty_max", self.order_qty_max.into()),
            ("orders_per_second_max", self.orders_per_second_max.into()),
            ("position_max_shares", self.position_max_shares.into()),
            ("price_collar_bps", self.price_collar_bps.into()),
            ("refusals_in_a_row", self.refusals_in_a_row.into()),
            ("trade_suspect", self.trade_suspect.into()),
        ])
    }

    /// Orders that can be open at once.
    pub(super) fn open_orders_max(&self) -> u32 {
        self.open_orders_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_within_a_day() {
        assert_eq!(time_of_day("09:30"), Ok(34_200 * S_NS));
        assert_eq!(time_of_day("23:59:59"), Ok(86_399 * S_NS));
        for bad in ["", "9", "24:00", "09:60", "09:30:60", "-1:00", "09:30:00:00", "+9:30", "a:b"] {
            assert!(time_of_day(bad).is_err(), "{bad}");
        }
    }
}
