//! The report as data: what `report.json` holds, and what tables and pictures are made of.
//!
//! Money is in dollars, to four places; times of day are in nanoseconds since midnight. Nothing in
//! it depends on anything but the arguments and the recording.

use std::collections::BTreeMap;

use algos::Builtin;
use backtest::{FillRecord, Outcome, PerShare, Settings, SymbolOutcome, Traded};
use market::Lie;
use risk::Refusal;
use serde::Serialize;

use super::BacktestArgs;

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) format: u32,
    pub(super) strategy: Strategy,
    pub(super) recording: Recording,
    pub(super) venue: VenueSettings,
    pub(super) risk: BTreeMap<&'static str, u64>,
    pub(super) result: Result,
    pub(super) symbols: Vec<SymbolReport>,
    pub(super) venue_counts: BTreeMap<&'static str, u64>,
    pub(super) desk_counts: BTreeMap<&'static str, u64>,
    pub(super) refused: BTreeMap<&'static str, u64>,
    pub(super) rejected: BTreeMap<&'static str, u64>,
    pub(super) lies: BTreeMap<&'static str, u64>,
    pub(super) curve: Vec<PointReport>,
    pub(super) fills: Vec<FillReport>,
}

/// What decided.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Strategy {
    pub(super) kind: String,
    pub(super) params: BTreeMap<&'static str, i64>,
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Recording {
    pub(super) files: Vec<String>,
    pub(super) messages: u64,
    pub(super) messages_of_others: u64,
    pub(super) messages_unreadable: u64,
    pub(super) messages_left_out: u64,
    pub(super) first_ns: u64,
    pub(super) last_ns: u64,
    pub(super) in_the_middle: bool,
}

/// How the venue was simulated.
#[derive(Clone, Debug, Serialize)]
pub(super) struct VenueSettings {
    pub(super) fill_model: &'static str,
    pub(super) hidden_prints: &'static str,
    pub(super) start: &'static str,
    pub(super) feed_latency_ns: u64,
    pub(super) order_latency_ns: u64,
    pub(super) answer_latency_ns: u64,
    pub(super) jitter_ns: u64,
    pub(super) seed: u64,
    pub(super) from_ns: u64,
    pub(super) to_ns: Option<u64>,
    pub(super) fee_add_e4_dollars_per_100: i64,
    pub(super) fee_remove_e4_dollars_per_100: i64,
    pub(super) fee_cross_e4_dollars_per_100: i64,
    pub(super) mark_outs_ns: Vec<u64>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Result {
    pub(super) total_dollars: f64,
    pub(super) realised_dollars: f64,
    pub(super) open_dollars: f64,
    pub(super) fees_dollars: f64,
    pub(super) best_total_dollars: f64,
    pub(super) drawdown_dollars: f64,
    pub(super) drawdown_at_ns: u64,
    pub(super) traded: TradedReport,
    pub(super) orders: u64,
    pub(super) orders_filled: u64,
    pub(super) order_shares: u64,
    /// Shares traded by shares ordered.
    pub(super) fill_ratio: Option<f64>,
    pub(super) reconciled: bool,
    pub(super) live_orders: u32,
    pub(super) killed: Option<&'static str>,
    pub(super) state_hash: String,
}

/// Trading in a symbol, or in all.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TradedReport {
    pub(super) fills: u64,
    pub(super) bought_shares: u64,
    pub(super) sold_shares: u64,
    pub(super) added_shares: u64,
    pub(super) removed_shares: u64,
    pub(super) crossed_shares: u64,
    pub(super) turnover_dollars: f64,
    pub(super) fees_dollars: f64,
    /// How much better than the middle it traded, a share.
    pub(super) edge_dollars: Option<f64>,
    /// How far the price went our way after each horizon, a share.
    pub(super) mark_outs_dollars: Vec<Option<f64>>,
}

/// A symbol.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SymbolReport {
    pub(super) symbol: String,
    pub(super) held_shares: i64,
    pub(super) realised_dollars: f64,
    pub(super) open_dollars: f64,
    pub(super) total_dollars: f64,
    pub(super) mark_dollars: Option<f64>,
    pub(super) suspect: Option<&'static str>,
    pub(super) traded: TradedReport,
}

/// A point of the curves.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PointReport {
    pub(super) at_ns: u64,
    pub(super) realised_dollars: f64,
    pub(super) open_dollars: f64,
    pub(super) fees_dollars: f64,
    pub(super) total_dollars: f64,
    pub(super) held_shares: Vec<i64>,
}

/// A fill.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FillReport {
    pub(super) at_ns: u64,
    pub(super) user_ref: u32,
    pub(super) symbol: String,
    pub(super) side: &'static str,
    pub(super) shares: u32,
    pub(super) price_dollars: f64,
    pub(super) liquidity: char,
    pub(super) match_number: u64,
    pub(super) fee_dollars: f64,
    pub(super) edge_dollars: Option<f64>,
    pub(super) mark_outs_dollars: Vec<Option<f64>>,
    pub(super) held_shares: i64,
    pub(super) total_dollars: f64,
}

/// 1/10000 dollar as dollars.
fn dollars(e4: i64) -> f64 {
    e4 as f64 / 1e4
}

fn per_share(sum: &PerShare) -> Option<f64> {
    // To a millionth: what is beyond is of the division.
    sum.average().map(|e4| (e4 * 100.0).round() / 1e6)
}

/// What is not zero, by name.
fn counted(counts: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<&'static str, u64> {
    counts.filter(|(_, count)| *count > 0).collect()
}

impl Report {
    pub(super) fn of(
        args: &BacktestArgs,
        settings: &Settings,
        values: &[i64],
        outcome: &Outcome,
    ) -> Report {
        let horizons = settings.horizons_ns.len();
        let lies = Lie::ALL.into_iter().map(|lie| (lie.name(), outcome.lies[lie as usize]));
        let refused =
            Refusal::ALL.into_iter().map(|why| (why.name(), outcome.refused[why as usize]));
        let symbols = |symbol: &SymbolOutcome| SymbolReport::of(symbol, horizons);
        let names: Vec<String> = settings.tickers.iter().map(ToString::to_string).collect();
        Report {
            format: 1,
            strategy: strategy(args, values),
            recording: recording(args, outcome),
            venue: venue(settings),
            risk: args.risk.shown(),
            result: result(outcome, horizons),
            symbols: outcome.symbols.iter().map(symbols).collect(),
            venue_counts: outcome.venue.iter().collect(),
            desk_counts: counted(outcome.desk.iter()),
            refused: counted(refused),
            rejected: counted(outcome.rejected.iter().copied()),
            lies: counted(lies),
            curve: outcome.curve.iter().map(PointReport::of).collect(),
            fills: outcome.fills.iter().map(|f| FillReport::of(f, &names, horizons)).collect(),
        }
    }
}

fn strategy(args: &BacktestArgs, values: &[i64]) -> Strategy {
    let kind = Builtin::KINDS.iter().find(|kind| kind.name == args.strategy);
    let params = kind.into_iter().flat_map(|kind| kind.params).map(|param| param.name);
    Strategy { kind: args.strategy.clone(), params: params.zip(values.iter().copied()).collect() }
}

fn recording(args: &BacktestArgs, outcome: &Outcome) -> Recording {
    let files = args.directory.iter().chain(&args.itch);
    let feed = &outcome.feed;
    Recording {
        files: files.map(|path| path.display().to_string()).collect(),
        messages: feed.messages,
        messages_of_others: feed.others,
        messages_unreadable: feed.unreadable,
        messages_left_out: feed.left_out,
        first_ns: feed.first_ns,
        last_ns: feed.last_ns,
        in_the_middle: feed.in_the_middle,
    }
}

fn venue(settings: &Settings) -> VenueSettings {
    let Settings { latencies, fees, .. } = settings;
    VenueSettings {
        fill_model: settings.fills.name(),
        hidden_prints: settings.hidden.name(),
        start: settings.start.name(),
        feed_latency_ns: latencies.feed_ns,
        order_latency_ns: latencies.order_ns,
        answer_latency_ns: latencies.answer_ns,
        jitter_ns: latencies.jitter_ns,
        seed: latencies.seed,
        from_ns: settings.from_ns,
        to_ns: (settings.to_ns < u64::MAX).then_some(settings.to_ns),
        fee_add_e4_dollars_per_100: fees.add,
        fee_remove_e4_dollars_per_100: fees.remove,
        fee_cross_e4_dollars_per_100: fees.cross,
        mark_outs_ns: settings.horizons_ns.clone(),
    }
}

fn result(outcome: &Outcome, horizons: usize) -> Result {
    let venue = &outcome.venue;
    let (drawdown, drawdown_at_ns) = outcome.drawdown;
    let traded = outcome.traded.shares();
    Result {
        total_dollars: dollars(outcome.total()),
        realised_dollars: dollars(outcome.realised),
        open_dollars: dollars(outcome.open),
        fees_dollars: outcome.traded.fee_e6 as f64 / 1e6,
        best_total_dollars: dollars(outcome.best_total),
        drawdown_dollars: dollars(drawdown),
        drawdown_at_ns,
        traded: TradedReport::of(&outcome.traded, horizons),
        orders: venue.orders,
        orders_filled: outcome.orders_filled,
        order_shares: venue.order_shares,
        fill_ratio: (venue.order_shares > 0).then(|| traded as f64 / venue.order_shares as f64),
        reconciled: outcome.reconciled,
        live_orders: outcome.live_orders,
        killed: outcome.killed.map(risk::KillReason::name),
        state_hash: format!("{:016x}", outcome.state_hash),
    }
}

impl TradedReport {
    fn of(traded: &Traded, horizons: usize) -> TradedReport {
        TradedReport {
            fills: traded.fills,
            bought_shares: traded.bought,
            sold_shares: traded.sold,
            added_shares: traded.added,
            removed_shares: traded.removed,
            crossed_shares: traded.crossed,
            turnover_dollars: traded.turnover as f64 / 1e4,
            fees_dollars: traded.fee_e6 as f64 / 1e6,
            edge_dollars: per_share(&traded.edge),
            mark_outs_dollars: traded.mark_outs[..horizons].iter().map(per_share).collect(),
        }
    }
}

impl SymbolReport {
    fn of(symbol: &SymbolOutcome, horizons: usize) -> SymbolReport {
        let total = symbol.realised.saturating_add(symbol.open) - symbol.traded.fee_e6 / 100;
        SymbolReport {
            symbol: symbol.symbol.to_string(),
            held_shares: symbol.held,
            realised_dollars: dollars(symbol.realised),
            open_dollars: dollars(symbol.open),
            total_dollars: dollars(total),
            mark_dollars: symbol.mark.map(|mark| dollars(mark.0.into())),
            suspect: symbol.suspect.map(Lie::name),
            traded: TradedReport::of(&symbol.traded, horizons),
        }
    }
}

impl PointReport {
    fn of(point: &backtest::Point) -> PointReport {
        PointReport {
            at_ns: point.at_ns,
            realised_dollars: dollars(point.realised),
            open_dollars: dollars(point.open),
            fees_dollars: dollars(point.fees),
            total_dollars: dollars(point.total()),
            held_shares: point.held.to_vec(),
        }
    }
}

impl FillReport {
    fn of(fill: &FillRecord, names: &[String], horizons: usize) -> FillReport {
        let twice = |e4: i64| e4 as f64 / 2e4;
        FillReport {
            at_ns: fill.at_ns,
            user_ref: fill.user_ref,
            symbol: names[usize::from(fill.ticker.0)].clone(),
            side: if fill.side == types::Side::Buy { "buy" } else { "sell" },
            shares: fill.qty,
            price_dollars: dollars(fill.price.0.into()),
            liquidity: char::from(fill.liquidity),
            match_number: fill.match_id,
            fee_dollars: fill.fee_e6 as f64 / 1e6,
            edge_dollars: fill.edge_twice().map(twice),
            mark_outs_dollars: (0..horizons).map(|at| fill.mark_out_twice(at).map(twice)).collect(),
            held_shares: fill.held,
            total_dollars: dollars(fill.total),
        }
    }
}
