//! What takes a CPU away from a thread that wants nothing but it.
//!
//! A thread is pinned to each CPU and reads the time stamp counter in a loop, as sysjitter does:
//! where two readings lie further apart than a threshold, something else had the CPU. An
//! interrupt of the kernel shows, and so does what the kernel does not know of: a system management
//! interrupt, a hypervisor, the other thread of the core. Meanwhile the kernel's own counts say
//! what it knows: interrupts on that CPU, context switches and page faults of that thread.
//!
//! # Limits
//!
//! CPUs are watched all at once. A loop is some 20 ns a turn, so thresholds below 100 ns count the
//! loop itself. One interruption of more than 73 minutes counts as 73 minutes in the histogram.

mod judge;
mod spin;

pub use judge::{Limits, lines, time};

use crate::host::{self, Host};
use crate::interrupts::{Table, Taken};
use crate::{Error, Stop};
use hostcpu::{TscClock, Usage};
use serde::Serialize;
use std::time::Duration;

/// How to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// For how long.
    pub time: Duration,
    /// What is an interruption: longer than this, in ns.
    pub threshold_ns: u64,
}

/// Interruptions of a range of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// The shortest that counts here, in ns: the threshold, doubled some times.
    pub from_ns: u64,
    /// The first that is too long for here, in ns.
    pub below_ns: u64,
    /// How many there were.
    pub count: u64,
}

/// What happened on one CPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CpuJitter {
    /// Which.
    pub cpu: usize,
    /// Whether it is judged: asked for by name, or isolated.
    pub judged: bool,
    /// How long it was watched, in ns.
    pub watched_ns: u64,
    /// What counts as an interruption: longer than this, in ns.
    pub threshold_ns: u64,
    /// How many there were.
    pub interruptions: u64,
    /// The same a second.
    pub per_s: f64,
    /// Time that they took, in ns.
    pub stolen_ns: u64,
    /// The same as parts of a million of the time.
    pub stolen_ppm: f64,
    /// The longest, in ns.
    pub longest_ns: u64,
    /// Median, 99th and 99.9th percentile of their lengths, in ns; 0 without any.
    pub p50_ns: u64,
    /// See `p50_ns`.
    pub p99_ns: u64,
    /// See `p50_ns`.
    pub p999_ns: u64,
    /// The shortest turn of the loop, in ns: what is not an interruption.
    pub turn_ns: u64,
    /// Readings that were less than the one before.
    pub backwards: u64,
    /// Their lengths, by doublings of the threshold; without empty ends.
    pub histogram: Vec<Bar>,
    /// Interrupts that the kernel took on this CPU; `None` where it does not say.
    pub interrupts: Option<Vec<Taken>>,
    /// Its deferred work there.
    pub softirqs: Option<Vec<Taken>>,
    /// Times the thread gave the CPU away.
    pub voluntary_switches: u64,
    /// Times the CPU was given to another.
    pub involuntary_switches: u64,
    /// Page faults of the thread, both kinds.
    pub page_faults: u64,
}

/// Watches these CPUs, all at once. `judged` is what the results carry.
///
/// # Errors
/// A CPU that the calling process cannot use, or a thread that cannot be made.
pub fn measure(
    host: &Host,
    cpus: &[(usize, bool)],
    settings: Settings,
    stop: Stop<'_>,
) -> Result<Vec<CpuJitter>, Error> {
    let clock = TscClock::calibrate()?;
    // Memory that is given back while threads of ours spin interrupts each of them (a TLB
    // shootdown): room is taken before, and nothing parsed or freed until they have ended.
    let room = Looks::take(host, [0; 2]).map(|text| text.map_or(0, |text| 2 * text.len()));
    let look = || Looks::take(host, room);
    let numbers: Vec<usize> = cpus.iter().map(|(cpu, _)| *cpu).collect();
    let (spun, [before, after]) = spin::all(&numbers, settings, &clock, stop, look)?;
    let [before, after] = [before, after].map(|texts| Looks::parse(&texts));
    let results = cpus.iter().zip(&spun);
    Ok(results
        .map(|(&(cpu, judged), spun)| of_cpu(cpu, judged, spun, settings, &before, &after))
        .collect())
}

/// The kernel's tables at one moment.
struct Looks {
    interrupts: Option<Table>,
    softirqs: Option<Table>,
}

impl Looks {
    /// The texts, with room for as many bytes each.
    fn take(host: &Host, room: [usize; 2]) -> [Option<String>; 2] {
        let text = |name, room| host::read_into(&host.proc(name), room).ok();
        [text("interrupts", room[0]), text("softirqs", room[1])]
    }

    fn parse(texts: &[Option<String>; 2]) -> Looks {
        let [interrupts, softirqs] = texts.each_ref().map(|text| text.as_deref().map(Table::parse));
        Looks { interrupts, softirqs }
    }
}

/// What came to a CPU between two looks at a table; `None` where it cannot be read.
fn taken(before: Option<&Table>, after: Option<&Table>, cpu: usize) -> Option<Vec<Taken>> {
    let (before, after) = (before?, after?);
    after.has(cpu).then(|| after.since(before, cpu))
}

fn of_cpu(
    cpu: usize,
    judged: bool,
    spun: &spin::Spun,
    settings: Settings,
    before: &Looks,
    after: &Looks,
) -> CpuJitter {
    let seconds = (spun.watched_ns as f64 / 1e9).max(1e-9);
    let lengths = spun.lengths.snapshot();
    let at =
        |quantile: f64| if lengths.is_empty() { 0 } else { lengths.value_at_quantile(quantile) };
    let Usage { voluntary_switches, involuntary_switches, minor_faults, major_faults } = spun.usage;
    CpuJitter {
        cpu,
        judged,
        watched_ns: spun.watched_ns,
        threshold_ns: settings.threshold_ns,
        interruptions: spun.lengths.count(),
        per_s: spun.lengths.count() as f64 / seconds,
        stolen_ns: spun.stolen_ns,
        stolen_ppm: spun.stolen_ns as f64 / spun.watched_ns.max(1) as f64 * 1e6,
        longest_ns: spun.lengths.max_ns(),
        p50_ns: at(0.5),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        turn_ns: spun.turn_ns,
        backwards: spun.backwards,
        histogram: bars(&spun.lengths, settings.threshold_ns),
        interrupts: taken(before.interrupts.as_ref(), after.interrupts.as_ref(), cpu),
        softirqs: taken(before.softirqs.as_ref(), after.softirqs.as_ref(), cpu),
        voluntary_switches,
        involuntary_switches,
        page_faults: minor_faults + major_faults,
    }
}

/// Fine buckets in doublings of the threshold, by their middles, which are within 1/256.
fn bars(lengths: &telemetry::Histogram, threshold_ns: u64) -> Vec<Bar> {
    let threshold_ns = threshold_ns.max(1);
    let from = |doublings: u32| threshold_ns.checked_shl(doublings).unwrap_or(u64::MAX);
    let mut bars: Vec<Bar> = Vec::new();
    for bucket in lengths.buckets() {
        let doublings = (bucket.middle_ns() / threshold_ns).max(1).ilog2();
        // The first one begins; those after it leave no hole.
        let first = bars.first().map_or(doublings, |bar| (bar.from_ns / threshold_ns).ilog2());
        for next in first + bars.len() as u32..=doublings {
            bars.push(Bar { from_ns: from(next), below_ns: from(next + 1), count: 0 });
        }
        if let Some(bar) = bars.last_mut() {
            bar.count += bucket.count;
        }
    }
    bars
}

#[cfg(test)]
mod tests;
