//! How long each stage of a pipeline takes, in laps of the time stamp counter.

use crate::{Bucket, Histogram, Key, TickScale};
use std::marker::PhantomData;

/// One histogram for each stage of `K`. The loop that runs the pipeline writes it, through a
/// [`StageClock`]; share it by `Arc` to read.
///
/// ```
/// telemetry::keys! {
///     /// From a packet in to a packet out.
///     pub enum Stage in "stages" {
///         /// Frames to messages.
///         Decode = "decode",
///         /// Messages to events.
///         Match = "match",
///     }
/// }
/// use telemetry::{StageClock, StageSet, TickScale};
///
/// let stages = StageSet::<Stage>::new(TickScale::nanoseconds());
/// let mut clock = StageClock::start(1_000);
/// clock.lap(&stages, Stage::Decode, 1_040);
/// clock.lap(&stages, Stage::Match, 1_100);
/// assert_eq!(stages.histogram(Stage::Match).max_ns(), 60);
/// ```
#[derive(Debug)]
pub struct StageSet<K: Key> {
    scale: TickScale,
    /// One a key.
    histograms: Box<[Histogram]>,
    key: PhantomData<K>,
}

impl<K: Key> StageSet<K> {
    /// Empty histograms; `scale` turns laps into nanoseconds. Takes 36 KiB a stage.
    pub fn new(scale: TickScale) -> Self {
        let histograms = K::ALL.iter().map(|_| Histogram::new()).collect();
        Self { scale, histograms, key: PhantomData }
    }

    /// Counts one passage through `stage` of `ticks`. For the one writer.
    #[inline(always)]
    pub fn record_ticks(&self, stage: K, ticks: u64) {
        self.record_ns(stage, self.scale.ns(ticks));
    }

    /// Counts one passage through `stage` of `ns` nanoseconds. For the one writer.
    #[inline(always)]
    pub fn record_ns(&self, stage: K, ns: u64) {
        if let Some(histogram) = self.histograms.get(stage.index()) {
            histogram.record(ns);
        }
    }

    /// The histogram of one stage.
    pub fn histogram(&self, stage: K) -> &Histogram {
        &self.histograms[stage.index()]
    }

    /// Every stage, in order, those without a passage included.
    pub fn snapshots(&self) -> Vec<StageSnapshot> {
        K::ALL.iter().map(|key| StageSnapshot::of(key.name(), self.histogram(*key))).collect()
    }
}

/// Where the previous stage ended: one word on the loop's stack.
///
/// A lap is the time since the previous lap, whoever took it, so the stages of a poll add up to
/// the poll: nothing falls between them.
#[derive(Clone, Copy, Debug)]
pub struct StageClock {
    last: u64,
}

impl StageClock {
    /// Starts at the counter's reading `tsc`.
    #[inline(always)]
    pub const fn start(tsc: u64) -> Self {
        Self { last: tsc }
    }

    /// Starts over at `tsc`, for what came before is nobody's: idle polls.
    #[inline(always)]
    pub fn restart(&mut self, tsc: u64) {
        self.last = tsc;
    }

    /// Ends `stage` at the reading `tsc`. A counter that seems to have gone back is a lap of 0.
    #[inline(always)]
    pub fn lap<K: Key>(&mut self, stages: &StageSet<K>, stage: K, tsc: u64) {
        stages.record_ticks(stage, tsc.saturating_sub(self.last));
        self.last = tsc;
    }

    /// The reading the next lap counts from.
    #[inline(always)]
    pub const fn last(&self) -> u64 {
        self.last
    }
}

/// What a reader sees of one histogram: all in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSnapshot {
    /// The stage.
    pub name: String,
    /// How many values were counted.
    pub count: u64,
    /// The smallest value, within 1/128.
    pub min_ns: u64,
    /// The median; like all quantiles within 1/128, and never above the maximum.
    pub p50_ns: u64,
    /// Nine of ten values are no larger.
    pub p90_ns: u64,
    /// 99 of 100 values are no larger.
    pub p99_ns: u64,
    /// 999 of 1,000 values are no larger.
    pub p999_ns: u64,
    /// 9,999 of 10,000 values are no larger.
    pub p9999_ns: u64,
    /// The largest value, exactly.
    pub max_ns: u64,
    /// The mean, exactly.
    pub mean_ns: f64,
    /// How many values were beyond the last bucket.
    pub clamped: u64,
    /// The buckets that counted something, ascending.
    pub buckets: Vec<Bucket>,
}

impl StageSnapshot {
    /// Reads `histogram` under the name `name`. All zero when nothing was counted.
    pub fn of(name: impl Into<String>, histogram: &Histogram) -> Self {
        let hdr = histogram.snapshot();
        // Read after the buckets: a value recorded meanwhile may raise it, never lower it.
        let max_ns = histogram.max_ns();
        let quantile = |q| hdr.value_at_quantile(q).min(max_ns);
        Self {
            name: name.into(),
            count: hdr.len(),
            min_ns: hdr.min().min(max_ns),
            p50_ns: quantile(0.50),
            p90_ns: quantile(0.90),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            p9999_ns: quantile(0.9999),
            max_ns,
            mean_ns: histogram.mean_ns(),
            clamped: histogram.clamped(),
            buckets: histogram.buckets().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
