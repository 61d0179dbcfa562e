//! The report as one page: nothing is fetched, nothing runs.
//!
//! The page forbids itself every outside resource and every script by its own content policy, so
//! it can be opened from an artefact store or mailed about. All text goes through [`escape`].

use super::chart;
use super::format::{ns, printable, words};
use super::model::{RoleReport, RunReport, StageReport};
use super::sections::{self, Align, Cell, PAGE_ROWS_MAX, Section, Tone};
use std::fmt::Write;

pub(crate) const STYLE: &str = include_str!("style.css");
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page.
pub(super) fn page(report: &RunReport) -> String {
    let mut out = String::with_capacity(64 << 10);
    let title = escape(&report.title);
    put(
        &mut out,
        format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} · Peregrine</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        ),
    );
    header(&mut out, report);
    out.push_str("<main>\n");
    facts(&mut out, report);
    let all = sections::sections(report, PAGE_ROWS_MAX);
    let (first, then): (Vec<_>, Vec<_>) = (all.iter().filter(|section| !section.detail))
        .partition(|section| section.title == sections::VERDICTS);
    out.push_str("<div class=\"tables\">\n");
    first.into_iter().chain(then).for_each(|section| table(&mut out, section));
    out.push_str("</div>\n");
    pictures(&mut out, report);
    all.iter().filter(|section| section.detail).for_each(|section| folded(&mut out, section));
    out.push_str("</main>\n<footer>");
    out.push_str(
        "Latencies are counted in buckets no wider than 1/128 of their value; maxima and means are \
         exact. The same figures, buckets included, are in report.json.",
    );
    out.push_str("</footer>\n</body>\n</html>\n");
    out
}

/// Text as content or as a quoted attribute: markup is inert, control characters are replaced.
pub(crate) fn escape(text: &str) -> String {
    let text = printable(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = out.write_fmt(text);
}

fn header(out: &mut String, report: &RunReport) {
    let outcome = sections::outcome(report);
    put(
        out,
        format_args!(
            "<header>\n<h1>{}</h1>\n<p class=\"when\">{}</p>\n<span class=\"badge {}\">{}</span>\n\
             <dl class=\"host\">\n",
            escape(&report.title),
            escape(&sections::headline(report)),
            class(outcome.tone),
            escape(&outcome.text),
        ),
    );
    for (label, value) in sections::host_lines(report) {
        put(out, format_args!("<dt>{label}</dt><dd>{}</dd>\n", escape(&value)));
    }
    out.push_str("</dl>\n</header>\n");
}

fn facts(out: &mut String, report: &RunReport) {
    out.push_str("<div class=\"facts\">\n");
    for fact in sections::facts(report) {
        let (value, class) = (escape(&fact.value.text), class(fact.value.tone));
        put(
            out,
            format_args!(
                "<div class=\"fact\"><b class=\"{class}\">{value}</b><span>{}</span></div>\n",
                fact.label
            ),
        );
    }
    out.push_str("</div>\n");
}

pub(crate) fn table(out: &mut String, section: &Section) {
    // A short list of figures would be torn apart by the width of the page.
    let short = section.columns.len() <= 3
        && section.columns.last().is_some_and(|(_, align)| *align == Align::Right);
    let class = if short { " class=\"half\"" } else { "" };
    put(out, format_args!("<section{class}>\n<h2>{}</h2>\n", escape(&section.title)));
    grid(out, section);
    out.push_str("</section>\n");
}

fn folded(out: &mut String, section: &Section) {
    let title = escape(&section.title);
    put(out, format_args!("<section>\n<details>\n<summary>{title}</summary>\n"));
    grid(out, section);
    out.push_str("</details>\n</section>\n");
}

fn grid(out: &mut String, section: &Section) {
    out.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for (heading, align) in &section.columns {
        put(out, format_args!("<th{}>{heading}</th>", side(*align)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &section.rows {
        out.push_str("<tr>");
        for (cell, (_, align)) in row.iter().zip(&section.columns) {
            put(out, format_args!("<td{}>{}</td>", side(*align), toned(cell)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if !section.note.is_empty() {
        put(out, format_args!("<p class=\"note\">{}</p>\n", escape(&section.note)));
    }
}

fn side(align: Align) -> &'static str {
    match align {
        Align::Left => "",
        Align::Right => " class=\"r\"",
    }
}

fn toned(cell: &Cell) -> String {
    match cell.tone {
        Tone::Plain => escape(&cell.text),
        tone => format!("<span class=\"{}\">{}</span>", class(tone), escape(&cell.text)),
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Muted => "muted",
    }
}

/// The latencies of each role with both pictures, then its stages with one each.
fn pictures(out: &mut String, report: &RunReport) {
    for role in &report.roles {
        let figures = figures(role);
        if !figures.is_empty() {
            put(
                out,
                format_args!(
                    "<h2 class=\"pictures\">Latencies of {} ({})</h2>\n\
                     <div class=\"figures\">\n{figures}</div>\n",
                    escape(&role.name),
                    escape(&role.kind),
                ),
            );
        }
    }
}

fn figures(role: &RoleReport) -> String {
    let mut out = String::new();
    for latency in &role.latencies {
        if let Some(svg) = chart::histogram(latency) {
            figure(&mut out, &words(&latency.name), &quantiles(latency), latency, &svg);
        }
        if let Some(svg) = chart::quantile_curve(latency) {
            let title = format!("{}, by quantile", words(&latency.name));
            let longest = format!("<span>max {}</span>", ns(latency.max_ns));
            figure(&mut out, &title, &longest, latency, &svg);
        }
    }
    for stage in &role.stages {
        if let Some(svg) = chart::histogram(stage) {
            figure(&mut out, &words(&stage.name), &quantiles(stage), stage, &svg);
        }
    }
    out
}

/// The key to the lines in a histogram.
fn quantiles(stage: &StageReport) -> String {
    format!(
        "<span class=\"k50\">p50 {}</span><span class=\"k99\">p99 {}</span>\
         <span class=\"k999\">p99.9 {}</span><span>max {}</span>",
        ns(stage.p50_ns),
        ns(stage.p99_ns),
        ns(stage.p999_ns),
        ns(stage.max_ns),
    )
}

fn figure(out: &mut String, title: &str, key: &str, stage: &StageReport, svg: &str) {
    let (title, alt) = (escape(title), escape(&chart::alt(stage)));
    put(
        out,
        format_args!(
            "<figure role=\"img\" aria-label=\"{title}: {alt}\">\n\
             <figcaption><b>{title}</b>{key}</figcaption>\n{svg}</figure>\n"
        ),
    );
}

#[cfg(test)]
mod tests;
