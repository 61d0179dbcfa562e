//! What the terminal and the page tell alike: a few figures and tables.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use algos::Builtin;

use super::model::{FillReport, Report, TradedReport};
use crate::report::format::{count, ns, ns_short, printable, words};
use crate::report::sections::{Align, Cell, Fact, Section, Tone};
use crate::report::terminal::{body, bold, overview};

use Align::{Left, Right};

/// Fills that the terminal lists.
const TERMINAL_FILLS_MAX: usize = 8;
/// Fills that the page lists; the rest is in report.json and fills.csv.
pub(super) const PAGE_FILLS_MAX: usize = 500;
/// Nothing on the terminal is wider.
const COLUMNS: usize = 100;

/// `$1,234.56`, `−$0.07`.
pub(super) fn money(dollars: f64) -> String {
    let cents = (dollars.abs() * 100.0).round() as u64;
    let sign = if dollars < 0.0 && cents > 0 { "−" } else { "" };
    format!("{sign}${}.{:02}", count(cents / 100), cents % 100)
}

fn profit(dollars: f64) -> Cell {
    let tone = match money(dollars) {
        text if text == "$0.00" => Tone::Plain,
        text if text.starts_with('−') => Tone::Bad,
        _ => Tone::Good,
    };
    Cell::new(money(dollars), tone)
}

fn signed(shares: i64) -> String {
    let sign = if shares < 0 { "−" } else { "" };
    format!("{sign}{}", count(shares.unsigned_abs()))
}

/// Mils: 1/1000 dollar a share.
fn mils(dollars: Option<f64>) -> Cell {
    match dollars {
        None => Cell::new("–", Tone::Muted),
        Some(dollars) => Cell::plain(format!("{:+.2}", dollars * 1_000.0)),
    }
}

/// `09:35:00.123456`.
pub(super) fn clock(at_ns: u64) -> String {
    let (seconds, below) = (at_ns / 1_000_000_000, at_ns % 1_000_000_000);
    format!("{}.{:06}", super::args::seconds_of_day(seconds), below / 1_000)
}

/// What is read first.
pub(super) fn facts(report: &Report) -> Vec<Fact> {
    let result = &report.result;
    let plain = |label, text: String| Fact { label, value: Cell::plain(text) };
    let ratio = result.fill_ratio.map_or("–".into(), |ratio| format!("{:.1} %", ratio * 100.0));
    vec![
        Fact { label: "profit, all told", value: profit(result.total_dollars) },
        Fact { label: "realised", value: profit(result.realised_dollars) },
        Fact { label: "open", value: profit(result.open_dollars) },
        plain("fees", money(result.fees_dollars)),
        plain("deepest fall", money(result.drawdown_dollars)),
        plain("turnover", money(result.traded.turnover_dollars)),
        plain("fills", count(result.traded.fills)),
        plain("shares", count(result.traded.bought_shares + result.traded.sold_shares)),
        plain("shares filled of ordered", ratio),
    ]
}

/// What should not be overlooked, in sentences.
pub(super) fn warnings(report: &Report) -> Vec<String> {
    let (result, recording) = (&report.result, &report.recording);
    let mut out = Vec::new();
    if let Some(why) = result.killed {
        out.push(format!(
            "The kill switch was pulled ({}): nothing went out after it.",
            words(why)
        ));
    }
    if !result.reconciled || result.live_orders > 0 {
        out.push("Positions and fills differ, or orders were left: a fault of the program.".into());
    }
    if recording.in_the_middle {
        out.push(format!(
            "The recording begins in the middle of a day: {} messages about orders from before it \
             were left out.",
            count(recording.messages_left_out)
        ));
    }
    for symbol in &report.symbols {
        if let Some(lie) = symbol.suspect {
            out.push(format!(
                "{} was suspect at the end ({}): unless --trade-suspect is given, no order goes \
                 out in it from then on.",
                symbol.symbol,
                words(lie)
            ));
        }
    }
    out
}

/// The tables, with as many fills as asked for.
pub(super) fn sections(report: &Report, fills_max: usize) -> Vec<Section> {
    let mut out = vec![symbols(report), quality(report), orders(report)];
    let refused = counts("Held back by the gate", "reason", &report.refused);
    let rejected = counts("Rejected by the venue", "reason", &report.rejected);
    let lies = counts("What the feed told that cannot be", "kind", &report.lies);
    out.extend([refused, rejected, lies].into_iter().flatten());
    out.push(assumptions(report));
    if !report.fills.is_empty() {
        out.push(fills(report, fills_max));
    }
    out
}

fn section(title: &str, columns: Vec<(&'static str, Align)>, rows: Vec<Vec<Cell>>) -> Section {
    Section { title: title.into(), note: String::new(), columns, rows, detail: false }
}

fn symbols(report: &Report) -> Section {
    let columns = vec![
        ("symbol", Left),
        ("fills", Right),
        ("bought", Right),
        ("sold", Right),
        ("held", Right),
        ("realised", Right),
        ("open", Right),
        ("fees", Right),
        ("profit", Right),
    ];
    let rows = report.symbols.iter().map(|one| {
        vec![
            Cell::plain(one.symbol.clone()),
            Cell::count(one.traded.fills),
            Cell::count(one.traded.bought_shares),
            Cell::count(one.traded.sold_shares),
            Cell::plain(signed(one.held_shares)),
            profit(one.realised_dollars),
            profit(one.open_dollars),
            Cell::plain(money(one.traded.fees_dollars)),
            profit(one.total_dollars),
        ]
    });
    section("Symbols", columns, rows.collect())
}

/// How good the fills were.
fn quality(report: &Report) -> Section {
    let heads = ["later 1", "later 2", "later 3", "later 4"];
    let horizons = &report.venue.mark_outs_ns;
    let mut columns =
        vec![("symbol", Left), ("rested", Right), ("took", Right), ("in crosses", Right)];
    columns.push(("edge", Right));
    columns.extend(heads.iter().zip(horizons).map(|(head, _)| (*head, Right)));
    let row = |name: &str, traded: &TradedReport| {
        let mut row = vec![
            Cell::plain(name),
            Cell::count(traded.added_shares),
            Cell::count(traded.removed_shares),
            Cell::count(traded.crossed_shares),
            mils(traded.edge_dollars),
        ];
        row.extend(traded.mark_outs_dollars.iter().map(|dollars| mils(*dollars)));
        row
    };
    let mut rows: Vec<_> = report.symbols.iter().map(|one| row(&one.symbol, &one.traded)).collect();
    if rows.len() > 1 {
        rows.push(row("all", &report.result.traded));
    }
    let times: Vec<String> = horizons.iter().map(|at| ns_short(*at as f64)).collect();
    let mut section = section("Shares and what they gained on the middle", columns, rows);
    section.note = format!(
        "1/1000 dollar a share, weighed by shares: at the trade (edge), and {} later.",
        times.join(", ")
    );
    section
}

fn orders(report: &Report) -> Section {
    let rows = report.venue_counts.iter().filter(|(_, n)| **n > 0);
    let rows = rows.map(|(name, n)| vec![Cell::plain(words(name)), Cell::count(*n)]).collect();
    section("At the venue", vec![("", Left), ("", Right)], rows)
}

fn counts(title: &str, head: &'static str, of: &BTreeMap<&'static str, u64>) -> Option<Section> {
    let rows = of.iter().map(|(name, n)| vec![Cell::plain(words(name)), Cell::count(*n)]);
    (!of.is_empty()).then(|| section(title, vec![(head, Left), ("times", Right)], rows.collect()))
}

fn assumptions(report: &Report) -> Section {
    let venue = &report.venue;
    let mut rows = vec![
        ("strategy", report.strategy.kind.clone()),
        ("fill model", venue.fill_model.into()),
        ("hidden prints", venue.hidden_prints.into()),
        ("feed latency", ns(venue.feed_latency_ns)),
        ("order latency", ns(venue.order_latency_ns)),
        ("answer latency", ns(venue.answer_latency_ns)),
    ];
    if venue.jitter_ns > 0 {
        rows.push(("jitter, each way", format!("0 to {}", ns(venue.jitter_ns))));
    }
    rows.push(("messages", count(report.recording.messages)));
    rows.push(("of other symbols", count(report.recording.messages_of_others)));
    rows.push(("state at the end", report.result.state_hash.clone()));
    let rows = rows.into_iter().map(|(name, text)| vec![Cell::plain(name), Cell::plain(text)]);
    section("What was assumed", vec![("", Left), ("", Right)], rows.collect())
}

fn fills(report: &Report, max: usize) -> Section {
    let columns = vec![
        ("time", Left),
        ("symbol", Left),
        ("side", Left),
        ("shares", Right),
        ("price", Right),
        ("flag", Left),
        ("edge", Right),
        ("held", Right),
        ("profit", Right),
    ];
    let row = |fill: &FillReport| {
        vec![
            Cell::plain(clock(fill.at_ns)),
            Cell::plain(fill.symbol.clone()),
            Cell::plain(fill.side),
            Cell::count(fill.shares.into()),
            Cell::plain(format!("{:.4}", fill.price_dollars)),
            Cell::plain(fill.liquidity),
            mils(fill.edge_dollars),
            Cell::plain(signed(fill.held_shares)),
            profit(fill.total_dollars),
        ]
    };
    let mut section = section("Fills", columns, report.fills.iter().take(max).map(row).collect());
    if report.fills.len() > max {
        let more = count((report.fills.len() - max) as u64);
        section.note = format!("and {more} more, in fills.csv");
    }
    section
}

/// A line about the run.
pub(super) fn headline(report: &Report) -> String {
    let recording = &report.recording;
    let symbols: Vec<&str> = report.symbols.iter().map(|one| one.symbol.as_str()).collect();
    let names = match symbols.len() {
        0..=8 => symbols.join(", "),
        many => format!("{many} symbols"),
    };
    let (from, to) = (clock(recording.first_ns), clock(recording.last_ns));
    format!("{} · {names} · {from} to {to}", report.strategy.kind)
}

/// Everything on a terminal.
pub(super) fn on_terminal(report: &Report, folder: &Path, colour: bool) -> String {
    let rule = "━".repeat(COLUMNS);
    let title = bold("Backtest", colour);
    let mut out = format!("{rule}\n {title}\n {}\n{rule}\n\n", printable(&headline(report)));
    out.push_str(&overview(&facts(report), colour));
    for warning in warnings(report) {
        let _ = writeln!(out, "\n {}", printable(&warning));
    }
    for section in sections(report, TERMINAL_FILLS_MAX) {
        let heading = bold(&section.title, colour);
        let _ = write!(out, "\n {heading}\n{}", body(&section, colour));
        if !section.note.is_empty() {
            let _ = writeln!(out, " … {}", section.note);
        }
    }
    let _ = writeln!(out, "\n {}", folder.join("index.html").display());
    out
}

/// The strategies and their parameters.
pub(super) fn strategies() -> String {
    let mut out = String::new();
    for kind in Builtin::KINDS {
        let _ = writeln!(out, "{}: {}", kind.name, kind.help);
        for spec in kind.params {
            let bounds = format!("{} to {}", spec.min, spec.max);
            let name = format!("{} = {}", spec.name, spec.default);
            let _ = writeln!(out, "    {name:<38} {bounds:<22} {}", spec.help);
        }
        out.push('\n');
    }
    out
}
