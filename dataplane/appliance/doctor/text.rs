//! The report for people: a line a check, then the histograms.

use std::fmt::Write;

use doctor::jitter::{Bar, CpuJitter, time};
use doctor::{Line, Section, State};

use super::report::Report;

/// Columns of the state and of the check's name.
const STATE_COLUMNS: usize = 16;
const WHAT_COLUMNS: usize = 38;
/// A found or wanted text is cut here: JSON has all of it.
const TEXT_CHARS_MAX: usize = 110;
/// The longest bar.
const BAR_COLUMNS: f64 = 40.0;
/// Eighths of a column.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The whole text.
pub(crate) fn draw(report: &Report) -> String {
    let mut out = head(report);
    for section in Section::ALL {
        let lines: Vec<&Line> = report.lines.iter().filter(|l| l.section == section).collect();
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{}", title(section, report));
            lines.iter().for_each(|line| one(&mut out, line));
        }
    }
    for result in report.jitter.iter().filter(|result| result.interruptions > 0) {
        histogram(&mut out, result);
    }
    for (index, note) in report.notes.iter().enumerate() {
        let begin = if index == 0 { "\nnotes\n" } else { "" };
        let _ = writeln!(out, "{begin}  * {note}");
    }
    let _ = writeln!(out, "\n{}", verdict(report));
    out
}

fn head(report: &Report) -> String {
    let host = &report.host;
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let below = if host.virtualised { ", a virtual machine" } else { "" };
    format!(
        "{}, Linux {}{below}\nCPUs {}, isolated {}, lcores {}; NUMA nodes {}\n",
        host.cpu_model,
        host.kernel,
        host.online,
        or_none(&host.isolated),
        or_none(&host.lcores),
        host.nodes
    )
}

fn title(section: Section, report: &Report) -> String {
    let seconds = report.seconds;
    match section {
        Section::Plan => match &report.plan_from {
            Some(from) => format!("settings against the plan, by {from}"),
            None => "settings against the plan".to_owned(),
        },
        Section::Host => "settings that lcores feel".to_owned(),
        Section::Jitter => format!("what takes CPUs away, in {seconds} s"),
        Section::Tsc => "time stamp counters".to_owned(),
        Section::Memory => "memory".to_owned(),
        Section::Appliance => {
            let of = |a: &doctor::appliance::Appliance| format!("\n  {}: {}", a.pid, a.command);
            let commands: String = report.appliances.iter().map(of).collect();
            format!("appliances, watched for {seconds} s{commands}")
        }
    }
}

/// What was found; below it what was wanted and what mends it, where something is to be done.
fn one(out: &mut String, line: &Line) {
    let (state, what, found) = (line.state.name(), &line.what, cut(&line.found));
    let _ = writeln!(out, "  {state:<STATE_COLUMNS$}  {what:<WHAT_COLUMNS$}  {found}");
    let below = |out: &mut String, name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "  {:<STATE_COLUMNS$}  {name:<8}{}", "", cut(text));
        }
    };
    if matches!(line.state, State::Wrong | State::Reboot | State::Warn) {
        below(out, "wanted", &line.wanted);
    }
    below(out, "mend", &line.mend);
}

fn cut(text: &str) -> String {
    doctor::host::printable(text, TEXT_CHARS_MAX)
}

fn histogram(out: &mut String, result: &CpuJitter) {
    let _ = writeln!(
        out,
        "\nCPU {}: {} interruptions above {}; p50 {}, p99 {}, p99.9 {}, longest {}",
        result.cpu,
        result.interruptions,
        time(result.threshold_ns),
        time(result.p50_ns),
        time(result.p99_ns),
        time(result.p999_ns),
        time(result.longest_ns)
    );
    let most = result.histogram.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    for Bar { from_ns, below_ns, count } in &result.histogram {
        let range = format!("{} to {}", time(*from_ns), time(*below_ns));
        let _ = writeln!(out, "  {range:>22}  {count:>9}  {}", bar(*count, most));
    }
}

/// A bar in eighths of a column; what is there at all shows.
fn bar(count: u64, most: u64) -> String {
    let eighths = (count as f64 / most as f64 * BAR_COLUMNS * 8.0).ceil() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

fn verdict(report: &Report) -> String {
    let counts: Vec<String> = State::ALL
        .iter()
        .filter_map(|state| {
            let n = report.counts.get(state.name()).copied().filter(|n| *n > 0)?;
            Some(format!("{n} {}", state.name()))
        })
        .collect();
    let word = match report.exit {
        0 => "nothing is wrong",
        1 => "not fit to trade",
        _ => "broken off: no verdict",
    };
    format!("doctor: {word} ({})", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_whole_and_never_nothing_for_something() {
        assert_eq!((bar(0, 9).as_str(), bar(9, 9).chars().count()), ("", 40));
        assert_eq!(bar(1, 1_000_000), "▏");
        assert!((0..=80).all(|count| bar(count, 80).chars().count() <= 40));
    }

    #[test]
    fn a_line_that_is_wrong_says_what_mends_it_in_one_line_each() {
        let line = Line::new(Section::Host, "swap", "swap").wanted("none");
        let mut out = String::new();
        one(&mut out, &line.clone().wrong("/dev/\u{1b}sda", "swapoff -a"));
        one(&mut out, &line.ok("none"));
        let lines: Vec<&str> = out.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 4, "{out}");
        assert!(lines[0].starts_with("wrong") && lines[0].ends_with("/dev/?sda"), "{out}");
        assert!(lines[1].starts_with("wanted  none") && lines[2].starts_with("mend    swapoff"));
    }
}
