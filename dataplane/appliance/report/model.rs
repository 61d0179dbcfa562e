//! The data of a report: plain structs, in the order in which `report.json` shows them.

use serde::Serialize;
use std::fmt;
use telemetry::{Bucket, Reading, StageSnapshot};

/// Everything that is said about one run.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct RunReport {
    /// What ran, such as the name of the configuration.
    pub(crate) title: String,
    /// When it started.
    pub(crate) started_utc: Utc,
    /// How long it took, in seconds.
    pub(crate) wall_s: f64,
    /// Whether a signal ended it before it was done.
    pub(crate) interrupted: bool,
    /// The totals over all roles.
    pub(crate) summary: Summary,
    /// What the run was held to, and whether it did.
    pub(crate) verdicts: Vec<Verdict>,
    /// The machine and the build.
    pub(crate) host: HostReport,
    /// What each lcore did.
    pub(crate) lcores: Vec<LcoreReport>,
    /// What each role did.
    pub(crate) roles: Vec<RoleReport>,
    /// What each port moved.
    pub(crate) ports: Vec<PortReport>,
    /// How many messages of each type were decoded.
    pub(crate) messages_by_type: Vec<MessageTypeReport>,
    /// The books as the run left them.
    pub(crate) books: Vec<BookReport>,
}

/// The machine and the build.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct HostReport {
    /// The CPU's name for itself.
    pub(crate) cpu_model: String,
    /// How many CPUs are online.
    pub(crate) cpus: usize,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// DPDK's version.
    pub(crate) dpdk_version: String,
    /// The target and CPU the binary was compiled for.
    pub(crate) rust_target: String,
    /// The git revision of the source.
    pub(crate) git_rev: String,
    /// Whether mbufs lie on hugepages.
    pub(crate) huge: bool,
}

/// What one lcore did.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct LcoreReport {
    /// Its number in the configuration.
    pub(crate) lcore: usize,
    /// The CPU it was pinned to; none if it was left to the scheduler.
    pub(crate) cpu: Option<usize>,
    /// The names of the roles it polled, in their order.
    pub(crate) roles: Vec<String>,
    /// How often it went round.
    pub(crate) polls: u64,
    /// How often there was something to do.
    pub(crate) busy_polls: u64,
    /// Heap allocations once warm.
    pub(crate) allocations_hot: u64,
    /// Times it gave its CPU away once warm.
    pub(crate) voluntary_switches: u64,
    /// Times its CPU was taken from it once warm.
    pub(crate) involuntary_switches: u64,
    /// What it shares its CPU or core with; empty if it has them to itself.
    pub(crate) shared_note: String,
}

/// What one role did.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct RoleReport {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// `venue`, `trader`, `loopback` or `loadgen`.
    pub(crate) kind: String,
    /// The lcore that polled it.
    pub(crate) lcore: usize,
    /// Its counters, by group.
    pub(crate) counters: Vec<CounterReport>,
    /// How long each stage of its pipeline took, from rx to tx.
    pub(crate) stages: Vec<StageReport>,
    /// Latencies from one end to the other: tick to trade, order to ack.
    pub(crate) latencies: Vec<StageReport>,
    /// What a reader should know besides.
    pub(crate) notes: Vec<String>,
}

/// One counter.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct CounterReport {
    /// What the list of counters is about.
    pub(crate) group: String,
    /// The counter.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: u64,
}

impl From<Reading> for CounterReport {
    fn from(reading: Reading) -> Self {
        Self { group: reading.group.to_owned(), name: reading.name, value: reading.value }
    }
}

/// A latency and its distribution, in nanoseconds.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct StageReport {
    /// What was measured, lower case with underscores.
    pub(crate) name: String,
    /// How often.
    pub(crate) count: u64,
    /// The smallest.
    pub(crate) min_ns: u64,
    /// The median.
    pub p50_ns: u64,
    /// 90 of 100 were no longer.
    pub p90_ns: u64,
    /// 99 of 100 were no longer.
    pub p99_ns: u64,
    /// 999 of 1,000 were no longer.
    pub p999_ns: u64,
    /// 9,999 of 10,000 were no longer.
    pub p9999_ns: u64,
    /// The longest.
    pub(crate) max_ns: u64,
    /// The mean, to the picosecond.
    pub(crate) mean_ns: f64,
    /// How many were beyond what the histogram can tell apart.
    pub(crate) clamped: u64,
    /// The buckets that counted something, as `[low_ns, high_ns, count]`.
    pub(crate) buckets: Vec<(u64, u64, u64)>,
}

impl From<StageSnapshot> for StageReport {
    fn from(stage: StageSnapshot) -> Self {
        let row = |bucket: &Bucket| (bucket.low_ns, bucket.high_ns, bucket.count);
        Self {
            name: stage.name,
            count: stage.count,
            min_ns: stage.min_ns,
            p50_ns: stage.p50_ns,
            p90_ns: stage.p90_ns,
            p99_ns: stage.p99_ns,
            p999_ns: stage.p999_ns,
            p9999_ns: stage.p9999_ns,
            max_ns: stage.max_ns,
            // To the picosecond: more digits would be noise in the JSON.
            mean_ns: (stage.mean_ns * 1e3).round() / 1e3,
            clamped: stage.clamped,
            buckets: stage.buckets.iter().map(row).collect(),
        }
    }
}

/// What one port moved.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct PortReport {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// The device behind it, as EAL names it.
    pub(crate) device: String,
    /// The poll-mode driver.
    pub(crate) driver: String,
    /// Frames received.
    pub(crate) rx: u64,
    /// Frames sent.
    pub(crate) tx: u64,
    /// Frames that the device had no room for (imissed).
    pub(crate) rx_dropped: u64,
    /// Frames given up because the transmit queue stayed full.
    pub(crate) tx_dropped: u64,
    /// Frames that arrived broken.
    pub(crate) rx_errors: u64,
    /// Frames lost because the pool was empty (rx_nombuf).
    pub(crate) no_mbufs: u64,
}

/// How many messages of one type were decoded.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct MessageTypeReport {
    /// The feed or session it came in on.
    pub(crate) feed: String,
    /// The letter on the wire.
    pub(crate) code: String,
    /// The specification's name for it.
    pub(crate) name: String,
    /// How many.
    pub(crate) count: u64,
}

/// A book as the run left it.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct BookReport {
    /// The instrument.
    pub(crate) symbol: String,
    /// Orders resting.
    pub(crate) live_orders: u64,
    /// Price levels to buy at.
    pub(crate) bid_levels: u64,
    /// Price levels to sell at.
    pub(crate) ask_levels: u64,
    /// The best bid as price and quantity; empty when there is none.
    pub(crate) best_bid: String,
    /// The best offer as price and quantity; empty when there is none.
    pub(crate) best_ask: String,
}

/// The totals over all roles.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct Summary {
    /// Feed messages decoded.
    pub(crate) messages_decoded: u64,
    /// Messages about an order that no book knew.
    pub(crate) unknown_order_refs: u64,
    /// Instruments with a book.
    pub(crate) books: u64,
    /// Orders resting at the end.
    pub(crate) live_orders: u64,
    /// Orders sent by traders.
    pub(crate) orders_sent: u64,
    /// Orders accepted by venues.
    pub(crate) orders_accepted: u64,
    /// Orders refused by venues.
    pub(crate) orders_rejected: u64,
    /// Executions.
    pub(crate) fills: u64,
    /// Shares in them.
    pub(crate) shares_filled: u64,
    /// Frames or messages dropped anywhere.
    pub(crate) drops: u64,
    /// Sequence gaps seen.
    pub(crate) gaps: u64,
    /// Heap allocations of warm lcores.
    pub(crate) allocations_hot: u64,
}

/// Something the run was held to.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
pub(crate) struct Verdict {
    /// What was checked.
    pub(crate) name: String,
    /// Whether it held.
    pub(crate) ok: bool,
    /// The figures it was judged by.
    pub(crate) detail: String,
}

/// A moment in UTC, written as RFC 3339 to the second.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, PartialEq))]
#[serde(transparent)]
pub(crate) struct Utc(String);

impl Utc {
    /// The moment `ns` nanoseconds after 1970.
    pub(crate) fn from_unix_ns(ns: u64) -> Self {
        let seconds = ns / 1_000_000_000;
        let (year, month, day) = civil_date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The Gregorian date `days` after 1 January 1970. Years are counted from March, so that the leap
/// day is the last of its year, in eras of 400 years, which all have 146,097 days.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
