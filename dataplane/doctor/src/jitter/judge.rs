//! What is still fit.

use super::CpuJitter;
use crate::interrupts::{told, total};
use crate::{Line, Section};

/// Sources of interrupts that a line names.
const NAMED_MAX: usize = 4;

/// Beyond these a CPU is wrong for an lcore.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The longest interruption, in ns.
    pub longest_ns: u64,
    /// Interruptions a second.
    pub per_s: f64,
    /// Time taken away, in parts of a million.
    pub stolen_ppm: f64,
    /// Interrupts a second, of all kinds together.
    pub interrupts_per_s: f64,
}

impl Default for Limits {
    /// A tuned host of bare metal stays well below: a core that is isolated and tickless sees an
    /// interruption a second or so, of a few µs.
    fn default() -> Limits {
        Limits { longest_ns: 20_000, per_s: 20.0, stolen_ppm: 50.0, interrupts_per_s: 10.0 }
    }
}

/// What a CPU's results come to. Those of a CPU that is not judged are noted.
pub fn lines(result: &CpuJitter, limits: &Limits) -> Vec<Line> {
    vec![
        longest(result, limits),
        stolen(result, limits),
        interrupts(result, limits),
        switches(result),
        faults(result),
    ]
}

fn line(result: &CpuJitter, id: &str, what: &str) -> Line {
    let cpu = result.cpu;
    Line::new(Section::Jitter, format!("cpu{cpu} {id}"), format!("CPU {cpu}: {what}"))
}

fn judge(result: &CpuJitter, line: Line, fits: bool, found: String, mend: &str) -> Line {
    match (result.judged, fits) {
        (false, _) => line.noted(found),
        (_, true) => line.ok(found),
        (_, false) => line.wrong(found, mend),
    }
}

/// Where to look for who took the CPU.
fn cause(result: &CpuJitter) -> &'static str {
    let known = total(result.interrupts.as_deref().unwrap_or_default())
        + result.voluntary_switches
        + result.involuntary_switches
        + result.page_faults;
    match known {
        0 if result.interrupts.is_some() => {
            "nothing the kernel knows of: firmware (SMIs), a hypervisor, the core's other thread"
        }
        _ => {
            "the next lines say what the kernel did there; the lines on settings, what keeps it off"
        }
    }
}

fn longest(result: &CpuJitter, limits: &Limits) -> Line {
    let line = line(result, "longest", "longest interruption")
        .wanted(format!("{} at most", time(limits.longest_ns)));
    let found = match result.interruptions {
        0 => format!("none above {}", time(result.threshold_ns)),
        _ => time(result.longest_ns),
    };
    let fits = result.longest_ns <= limits.longest_ns;
    judge(result, line, fits, found, cause(result))
}

fn stolen(result: &CpuJitter, limits: &Limits) -> Line {
    let line = line(result, "interruptions", "interruptions").wanted(format!(
        "{} a second and {} ppm of the time at most",
        limits.per_s, limits.stolen_ppm
    ));
    let found = format!(
        "{} above {}: {:.1} a second, {:.0} ppm of the time",
        result.interruptions,
        time(result.threshold_ns),
        result.per_s,
        result.stolen_ppm
    );
    let fits = result.per_s <= limits.per_s && result.stolen_ppm <= limits.stolen_ppm;
    judge(result, line, fits, found, cause(result))
}

fn interrupts(result: &CpuJitter, limits: &Limits) -> Line {
    let line = line(result, "interrupts", "interrupts taken")
        .wanted(format!("none; {} a second at most", limits.interrupts_per_s));
    let Some(taken) = &result.interrupts else {
        return line.not_offered("/proc/interrupts cannot be read, or has no such CPU");
    };
    let soft = match result.softirqs.as_deref() {
        None | Some([]) => String::new(),
        Some(soft) => format!("; softirqs: {}", told(soft, NAMED_MAX)),
    };
    let found = format!("{}{soft}", told(taken, NAMED_MAX));
    let per_s = total(taken) as f64 * 1e9 / result.watched_ns.max(1) as f64;
    judge(
        result,
        line,
        per_s <= limits.interrupts_per_s,
        found,
        "the lines on settings: tick, irqs",
    )
}

fn switches(result: &CpuJitter) -> Line {
    let line = line(result, "switches", "context switches").wanted("none");
    let (voluntary, involuntary) = (result.voluntary_switches, result.involuntary_switches);
    let found = format!("{voluntary} voluntary, {involuntary} involuntary");
    judge(
        result,
        line,
        voluntary + involuntary == 0,
        found,
        "the lines on settings: isolation; kernel threads, work queues",
    )
}

fn faults(result: &CpuJitter) -> Line {
    let line = line(result, "faults", "page faults").wanted("none");
    let found = result.page_faults.to_string();
    judge(
        result,
        line,
        result.page_faults == 0,
        found,
        "the lines on settings: numa balancing, swap",
    )
}

/// A length of time for people.
pub fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}
