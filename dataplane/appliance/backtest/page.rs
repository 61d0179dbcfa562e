//! The report as files: `report.json`, `index.html`, `fills.csv`, `refusals.jsonl`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use backtest::Outcome;
use types::Symbol;

use super::model::Report;
use super::pictures::{self, BODY, FOURTH, Line, SECOND, THIRD};
use super::tables::{self, PAGE_FILLS_MAX, clock, money};
use crate::report::files::write_whole;
use crate::report::format::{count, ns_short};
use crate::report::html::{POLICY, STYLE, escape, table};
use crate::report::sections::Tone;
use crate::run::refusals;

/// Symbols that have a curve of their own.
const INVENTORIES_MAX: usize = 4;
const COLOURS: [plotters::style::RGBColor; INVENTORIES_MAX] = [BODY, SECOND, THIRD, FOURTH];

/// Writes the four files into `folder`, which is made if it is not there.
///
/// # Errors
/// A path that cannot be written.
pub(super) fn write(
    folder: &Path,
    report: &Report,
    json: &str,
    outcome: &Outcome,
    symbols: &[Symbol],
) -> Result<()> {
    let made = fs::create_dir_all(folder);
    made.with_context(|| format!("cannot create the report folder {}", folder.display()))?;
    write_whole(&folder.join("report.json"), json.as_bytes())?;
    write_whole(&folder.join("fills.csv"), csv(report).as_bytes())?;
    let refusals = outcome.refusals.iter().map(|one| format!("{}\n", refusals::line(one, symbols)));
    write_whole(&folder.join("refusals.jsonl"), refusals.collect::<String>().as_bytes())?;
    write_whole(&folder.join("index.html"), page(report, outcome).as_bytes())?;
    Ok(())
}

fn csv(report: &Report) -> String {
    let mut out = String::from(
        "time,at_ns,symbol,side,shares,price,liquidity,user_ref,match_number,fee,edge",
    );
    for horizon in &report.venue.mark_outs_ns {
        let _ = write!(out, ",mark_out_{}ms", horizon / 1_000_000);
    }
    out.push_str(",held,total\n");
    let optional = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.5}"));
    for f in &report.fills {
        let _ = write!(
            out,
            "{},{},{},{},{},{:.4},{},{},{},{:.6},{}",
            clock(f.at_ns),
            f.at_ns,
            f.symbol,
            f.side,
            f.shares,
            f.price_dollars,
            f.liquidity,
            f.user_ref,
            f.match_number,
            f.fee_dollars,
            optional(f.edge_dollars),
        );
        for mark_out in &f.mark_outs_dollars {
            let _ = write!(out, ",{}", optional(*mark_out));
        }
        let _ = writeln!(out, ",{},{:.4}", f.held_shares, f.total_dollars);
    }
    out
}

fn page(report: &Report, outcome: &Outcome) -> String {
    let mut out = String::with_capacity(64 << 10);
    let headline = escape(&tables::headline(report));
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Backtest · Peregrine</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>Backtest</h1>\n<p class=\"when\">{headline}</p>\n</header>\n<main>\n"
    );
    out.push_str("<div class=\"facts\">\n");
    for fact in tables::facts(report) {
        let class = match fact.value.tone {
            Tone::Good => "good",
            Tone::Bad => "bad",
            _ => "plain",
        };
        let (value, label) = (escape(&fact.value.text), fact.label);
        let _ = writeln!(
            out,
            "<div class=\"fact\"><b class=\"{class}\">{value}</b><span>{label}</span></div>"
        );
    }
    out.push_str("</div>\n");
    for warning in tables::warnings(report) {
        let _ = writeln!(out, "<section><p class=\"warn\">{}</p></section>", escape(&warning));
    }
    draw(&mut out, report, outcome);
    out.push_str("<div class=\"tables\">\n");
    for section in tables::sections(report, PAGE_FILLS_MAX) {
        table(&mut out, &section);
    }
    out.push_str(
        "</div>\n</main>\n<footer>What a recording cannot tell, a backtest cannot know: \
         docs/backtest.md says what was assumed. The same figures are in report.json, every fill \
         in fills.csv.</footer>\n</body>\n</html>\n",
    );
    out
}

fn draw(out: &mut String, report: &Report, outcome: &Outcome) {
    out.push_str("<div class=\"figures\">\n");
    profit(out, report);
    inventory(out, report);
    mark_outs(out, report, outcome);
    out.push_str("</div>\n");
}

fn seconds(at_ns: u64) -> f64 {
    at_ns as f64 / 1e9
}

fn profit(out: &mut String, report: &Report) {
    let line = |colour, of: fn(&super::model::PointReport) -> f64| Line {
        colour,
        points: report.curve.iter().map(|point| (seconds(point.at_ns), of(point))).collect(),
    };
    let lines =
        [line(SECOND, |point| point.realised_dollars), line(BODY, |point| point.total_dollars)];
    let key = "<span>all, fees taken off</span><span class=\"k50\">realised</span>";
    let end = money(report.result.total_dollars);
    let alt = format!("profit over the day, {end} at the end");
    figure(out, "Profit", key, &alt, pictures::curves(&lines, money));
}

fn inventory(out: &mut String, report: &Report) {
    let shown = report.symbols.len().min(INVENTORIES_MAX);
    let lines: Vec<Line> = (0..shown)
        .map(|at| Line {
            colour: COLOURS[at],
            points: report
                .curve
                .iter()
                .map(|point| (seconds(point.at_ns), point.held_shares[at] as f64))
                .collect(),
        })
        .collect();
    let classes = ["", "k50", "k99", "k999"];
    let mut key = String::new();
    for (symbol, class) in report.symbols.iter().zip(classes) {
        let _ = write!(key, "<span class=\"{class}\">{}</span>", escape(&symbol.symbol));
    }
    if report.symbols.len() > shown {
        let _ = write!(key, "<span>the first {shown} of {}</span>", report.symbols.len());
    }
    let alt = "shares held over the day, by symbol";
    let shares = |value: f64| {
        let sign = if value < -0.5 { "−" } else { "" };
        format!("{sign}{}", count(value.abs().round() as u64))
    };
    figure(out, "Inventory", &key, alt, pictures::curves(&lines, shares));
}

/// What all fills gained on the middle, summed up over the day, for each horizon.
fn mark_outs(out: &mut String, report: &Report, outcome: &Outcome) {
    let horizons = &report.venue.mark_outs_ns;
    let line = |(at, colour): (usize, &plotters::style::RGBColor)| {
        let mut sum = 0.0;
        let points = outcome.fills.iter().filter_map(|fill| {
            sum += fill.mark_out_twice(at)? as f64 * f64::from(fill.qty) / 2e4;
            Some((seconds(fill.at_ns), sum))
        });
        Line { colour: *colour, points: points.collect() }
    };
    let lines: Vec<Line> = (0..horizons.len()).zip(&COLOURS).map(line).collect();
    let mut key = String::new();
    for (horizon, class) in horizons.iter().zip(["", "k50", "k99", "k999"]) {
        let _ = write!(key, "<span class=\"{class}\">{} later</span>", ns_short(*horizon as f64));
    }
    let alt = "what fills gained on the middle of the book, summed over the day";
    figure(out, "Gain on the middle, summed", &key, alt, pictures::curves(&lines, money));
}

fn figure(out: &mut String, title: &str, key: &str, alt: &str, svg: Option<String>) {
    let Some(svg) = svg else { return };
    let alt = escape(alt);
    let _ = writeln!(
        out,
        "<figure role=\"img\" aria-label=\"{alt}\">\n\
         <figcaption><b>{title}</b>{key}</figcaption>\n{svg}</figure>"
    );
}
