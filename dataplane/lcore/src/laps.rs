//! Stage clocks as a role uses them: the histograms and the lap that runs through them.

use hostcpu::tsc;
use telemetry::{Key, StageClock, StageSet, StageSnapshot, TickScale};

/// The stages of one role's pipeline.
#[derive(Debug)]
pub struct Laps<K: Key> {
    set: StageSet<K>,
    clock: StageClock,
}

impl<K: Key> Laps<K> {
    /// Empty histograms.
    pub fn new(scale: TickScale) -> Laps<K> {
        Laps { set: StageSet::new(scale), clock: StageClock::start(0) }
    }

    /// Starts a lap at a reading that was taken already.
    #[inline]
    pub fn start(&mut self, tsc: u64) {
        self.clock.restart(tsc);
    }

    /// Ends a stage now, and begins the next; the reading.
    #[inline]
    pub fn lap(&mut self, stage: K) -> u64 {
        let at = tsc();
        self.clock.lap(&self.set, stage, at);
        at
    }

    /// Counts a span that is no lap: from one reading to another.
    #[inline]
    pub fn span(&mut self, stage: K, from_tsc: u64, to_tsc: u64) {
        self.set.record_ticks(stage, to_tsc.saturating_sub(from_tsc));
    }

    /// Counts a span of nanoseconds.
    #[inline]
    pub fn span_ns(&mut self, stage: K, ns: u64) {
        self.set.record_ns(stage, ns);
    }

    /// Every stage that was passed at least once.
    pub fn snapshots(&self) -> Vec<StageSnapshot> {
        self.set.snapshots().into_iter().filter(|s| s.count > 0).collect()
    }
}
