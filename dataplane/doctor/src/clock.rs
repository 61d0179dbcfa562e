//! Whether the time stamp counters may be trusted: one rate, on all CPUs, at one value.
//!
//! The rate is measured against `CLOCK_MONOTONIC_RAW` while other things are, and compared with
//! what [`TscClock::calibrate`] finds in 20 ms, as every run does at its start.
//!
//! Two CPUs' counters are compared by passing a word to and fro. The first reads its counter (t1)
//! and passes the word; the second reads its own (t2) and passes it back; the first reads again
//! (t3). Whatever lay between, the second's counter was read between t1 and t3: its offset is at
//! least t2 − t3 and at most t2 − t1. Of many rounds the tightest bounds count. Bounds that do not
//! contain zero prove an offset; bounds that do say how large one can be at most.

mod pingpong;

use crate::host::{self, Host};
use crate::{Error, Line, Section, Stop};
use hostcpu::{RateWatch, TscClock};
use serde::Serialize;

/// CPUs that are compared with the first; more would tell no more, and take their time.
const PAIRS_MAX: usize = 64;

/// Bounds wider than this say nothing of use; a round takes a few hundred ns.
const TELLING_NS_MAX: u64 = 2_000;

/// Two CPUs' counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The CPU that it is compared with.
    pub reference: usize,
    /// The CPU.
    pub cpu: usize,
    /// Its offset is at least this, in ns.
    pub low_ns: i64,
    /// And at most this, in ns.
    pub high_ns: i64,
    /// Rounds that were made; without any, the bounds say nothing.
    pub rounds: u64,
}

impl Pair {
    /// How far apart the counters can be.
    pub fn apart_ns_max(&self) -> u64 {
        self.low_ns.unsigned_abs().max(self.high_ns.unsigned_abs())
    }

    /// Whether they agree as far as can be seen.
    pub fn agrees(&self) -> bool {
        self.low_ns <= 0 && self.high_ns >= 0
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clocks {
    /// Whether the rate is constant, and goes on in sleep states, by the CPU's word.
    pub constant: bool,
    /// Whether the CPU, or the hypervisor, names the rate; `None` on aarch64, where none says so.
    pub known_rate: Option<bool>,
    /// Ticks a second, as a run finds at its start.
    pub calibrated_hz: u64,
    /// Ticks a second over the time watched.
    pub measured_hz: u64,
    /// The difference, in parts of a million.
    pub apart_ppm: f64,
    /// Each CPU against the first.
    pub pairs: Vec<Pair>,
}

/// The counter, watched from a moment on: something else may be measured meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    clock: TscClock,
    rate: RateWatch,
}

impl Watch {
    /// Finds the rate as a run does, and begins to watch.
    ///
    /// # Errors
    /// A clock that cannot be read, a counter that stands still.
    pub fn start() -> Result<Watch, Error> {
        Ok(Watch { clock: TscClock::calibrate()?, rate: RateWatch::start()? })
    }

    /// Takes the rate since, and compares the CPUs: the first with each other one, 65 at most.
    ///
    /// # Errors
    /// A clock that cannot be read, a CPU that cannot be used, a thread that cannot be made.
    pub fn finish(&self, host: &Host, cpus: &[usize], stop: Stop<'_>) -> Result<Clocks, Error> {
        let measured_hz = self.rate.hz()?;
        let calibrated_hz = self.clock.hz();
        let mut pairs = Vec::new();
        if let Some((&reference, others)) = cpus.split_first() {
            for &cpu in others.iter().take(PAIRS_MAX).take_while(|_| !stop()) {
                pairs.push(pingpong::compare(reference, cpu, &self.clock, stop)?);
            }
        }
        Ok(Clocks {
            constant: host.facts().tsc_constant,
            known_rate: known_rate(host),
            calibrated_hz,
            measured_hz,
            apart_ppm: (measured_hz as f64 / calibrated_hz as f64 - 1.0) * 1e6,
            pairs,
        })
    }
}

/// `tsc_known_freq` of the CPU's flags.
fn known_rate(host: &Host) -> Option<bool> {
    let text = host::read(&host.proc("cpuinfo")).ok()?;
    let flags = text.lines().find_map(|line| line.strip_prefix("flags")?.split_once(':'))?.1;
    Some(flags.split_whitespace().any(|flag| flag == "tsc_known_freq"))
}

/// What it comes to. `backwards` are readings of one CPU that were less than the one before.
pub fn lines(clocks: &Clocks, ppm_max: f64, backwards: Option<u64>) -> Vec<Line> {
    vec![
        constant(clocks),
        known(clocks),
        rate(clocks, ppm_max),
        monotonic(backwards),
        offsets(clocks),
    ]
}

fn line(id: &str, what: &str) -> Line {
    Line::new(Section::Tsc, id, what)
}

fn constant(clocks: &Clocks) -> Line {
    let line = line("tsc constant", "the TSC's rate is constant, asleep too").wanted("yes");
    if clocks.constant {
        return line.ok("yes");
    }
    line.wrong(
        "the CPU does not say so",
        "another CPU, or a hypervisor that passes invariant TSC on",
    )
}

fn known(clocks: &Clocks) -> Line {
    let line = line("tsc known rate", "the CPU names the TSC's rate").wanted("yes");
    match clocks.known_rate {
        None => line.not_offered("no such flag on this CPU"),
        Some(true) => line.ok("yes"),
        Some(false) => line.noted("no: the kernel and we measure it"),
    }
}

fn rate(clocks: &Clocks, ppm_max: f64) -> Line {
    let line = line("tsc rate", "its rate against CLOCK_MONOTONIC_RAW")
        .wanted(format!("within {ppm_max} ppm of what a run finds at its start"));
    let mhz = |hz: u64| hz as f64 / 1e6;
    let found = format!(
        "{:.4} MHz, at start {:.4} MHz: {:+.1} ppm",
        mhz(clocks.measured_hz),
        mhz(clocks.calibrated_hz),
        clocks.apart_ppm
    );
    if clocks.apart_ppm.abs() <= ppm_max {
        return line.ok(found);
    }
    line.wrong(found, "again, on an idle machine; then tsc=reliable, or the hypervisor's settings")
}

fn monotonic(backwards: Option<u64>) -> Line {
    let line = line("tsc monotonic", "readings on one CPU that went back").wanted("0");
    match backwards {
        None => line.not_offered("no CPU was watched"),
        Some(0) => line.ok("0"),
        Some(n) => line.wrong(n.to_string(), "dmesg | grep -i tsc; new firmware"),
    }
}

fn offsets(clocks: &Clocks) -> Line {
    let line =
        line("tsc offset", "CPUs' counters against each other").wanted("no offset to be seen");
    let seen: Vec<&Pair> = clocks.pairs.iter().filter(|pair| pair.rounds > 0).collect();
    let Some(worst) = seen.iter().max_by_key(|pair| (!pair.agrees(), pair.apart_ns_max())) else {
        return line.not_offered("fewer than two CPUs to compare");
    };
    if worst.agrees() {
        let apart_ns = worst.apart_ns_max();
        let found = format!("{} CPUs agree, to {apart_ns} ns", seen.len() + 1);
        // Where nobody was undisturbed for a round, agreement says little.
        return if apart_ns <= TELLING_NS_MAX { line.ok(found) } else { line.noted(found) };
    }
    let Pair { reference, cpu, low_ns, high_ns, .. } = worst;
    let found = format!("CPU {cpu} is {low_ns} to {high_ns} ns from CPU {reference}");
    line.wrong(
        found,
        "dmesg | grep -i tsc; new firmware (TSC_ADJUST), or the hypervisor's settings",
    )
}

#[cfg(test)]
mod tests;
