//! Stage clocks as a role uses them: the histograms and the lap that runs through them.

use hostcpu::tsc;
use telemetry::{Key, StageClock, StageSet, StageSnapshot, TickScale};

/// The stages of one role's pipeline.
#[derive(Debug)]
pub struct Laps<K: Key> {
    set: StageSet<K>,
    clock: StageClock,
    /// One lap in so many is timed.
    every: u32,
    /// Laps until the next that is.
    until: u32,
}

impl<K: Key> Laps<K> {
    /// Empty histograms.
    pub fn new(scale: TickScale) -> Laps<K> {
        Laps { set: StageSet::new(scale), clock: StageClock::start(0), every: 1, until: 0 }
    }

    /// Times the stages of one lap in `every`: reading the counter costs some 20 ns a stage in a
    /// virtual machine, which the lap would pay for being watched. Spans are counted always.
    #[must_use]
    pub fn one_in(self, every: u32) -> Laps<K> {
        Laps { every: every.max(1), ..self }
    }

    /// Starts a lap at a reading that was taken already.
    #[inline]
    pub fn start(&mut self, tsc: u64) {
        self.clock.restart(tsc);
        self.until = if self.until == 0 { self.every - 1 } else { self.until - 1 };
    }

    /// Ends a stage now, and begins the next, if this lap is timed; the reading, or the last there
    /// was.
    #[inline]
    pub fn lap(&mut self, stage: K) -> u64 {
        if self.until > 0 {
            return self.clock.last();
        }
        let at = tsc();
        self.clock.lap(&self.set, stage, at);
        at
    }

    /// Counts a span that is no lap: from one reading to another.
    #[inline]
    pub fn span(&mut self, stage: K, from_tsc: u64, to_tsc: u64) {
        self.set.record_ticks(stage, to_tsc.saturating_sub(from_tsc));
    }

    /// Ends a stage as [`lap`](Self::lap) does, and counts the span from a reading to now.
    #[inline]
    pub fn lap_and_span(&mut self, stage: K, span: K, from_tsc: u64) {
        let at = tsc();
        if self.until == 0 {
            self.clock.lap(&self.set, stage, at);
        }
        self.span(span, from_tsc, at);
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
