//! Joining a snapshot: the live messages go on being held, and those it does not cover follow it.
//!
//! A snapshot's sequence number is its last message, so that a handler sees all of one before it
//! is known to be of use. One that is older than the first message held would leave a hole: it is
//! refused, and another one asked for.

use super::{Feed, Stage};
use crate::handler::FeedHandler;
use wire::glimpse::{self, END_OF_SNAPSHOT};

/// A snapshot to be joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Join {
    phase: Phase,
    /// Snapshots that failed.
    tries: u32,
    /// Whether this one's first message has come.
    begun: bool,
    /// Whether the handler has forgotten its books, for this one or one that failed.
    spoilt: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing is asked for.
    Paused { until_ns: u64 },
    /// A snapshot is wanted, or on its way.
    Running { deadline_ns: u64 },
}

impl Feed {
    /// Whether a snapshot is wanted now: while it is, the caller connects, logs in for the first
    /// message and hands on what comes; when it is not, or no longer, the caller disconnects.
    pub fn wants_snapshot(&self) -> bool {
        matches!(self.stage, Stage::Joining(Join { phase: Phase::Running { .. }, .. }))
    }

    /// Whether live messages must wait for a snapshot even when the next one is there.
    pub(super) fn is_frozen(&self) -> bool {
        matches!(self.stage, Stage::Joining(join) if join.spoilt || self.expected == 0)
    }

    pub(super) fn start_join(&mut self, now_ns: u64) {
        let until_ns = self.join_not_before_ns;
        let join =
            Join { phase: Phase::Paused { until_ns }, tries: 0, begun: false, spoilt: false };
        self.stage = Stage::Joining(join);
        if now_ns >= until_ns {
            self.run(now_ns, join);
        }
    }

    fn run(&mut self, now_ns: u64, join: Join) {
        let timeout_ns = self.config.snapshot.map_or(0, |snapshot| snapshot.timeout_ns);
        let phase = Phase::Running { deadline_ns: now_ns.saturating_add(timeout_ns) };
        self.stage = Stage::Joining(Join { phase, ..join });
        self.counters.snapshots_begun += 1;
    }

    /// Takes one sequenced message of the snapshot's session.
    pub fn on_snapshot_message<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        message: &[u8],
        handler: &mut H,
    ) {
        self.tell_failure(handler);
        let Stage::Joining(join) = &mut self.stage else {
            self.counters.snapshot_unwanted += 1;
            return;
        };
        if !matches!(join.phase, Phase::Running { .. }) {
            self.counters.snapshot_unwanted += 1;
            return;
        }
        if !join.begun {
            (join.begun, join.spoilt) = (true, true);
            handler.on_snapshot_begin();
        }
        if message.first() != Some(&END_OF_SNAPSHOT) {
            self.counters.snapshot_messages += 1;
            handler.on_snapshot_message(message);
            return;
        }
        match glimpse::parse(message).ok().and_then(|end| end.sequence().ok()) {
            Some(next_seq) if self.is_sound(next_seq) => {
                self.on_snapshot_end(now_ns, next_seq, handler);
            }
            _ => {
                self.fail_join(now_ns);
                self.tell_failure(handler);
            }
        }
    }

    /// Whether the live feed can go on from `next_seq` without a hole.
    fn is_sound(&mut self, next_seq: u64) -> bool {
        let far =
            next_seq == u64::MAX || next_seq.saturating_sub(self.known_next) > self.config.jump_max;
        let is_stale = next_seq < self.hold.first().unwrap_or(self.known_next);
        self.counters.snapshots_stale += u64::from(is_stale);
        !far && !is_stale && next_seq != 0
    }

    fn on_snapshot_end<H: FeedHandler>(&mut self, now_ns: u64, next_seq: u64, handler: &mut H) {
        self.counters.snapshots_done += 1;
        self.end_join(now_ns);
        handler.on_snapshot_end(next_seq);
        if self.expected != 0 {
            self.counters.snapshot_covered += next_seq - self.expected;
        }
        self.hold.remove_below(next_seq);
        self.expected = next_seq;
        self.known_next = self.known_next.max(next_seq);
        self.drain(handler);
        self.open(now_ns, handler);
    }

    /// The connection that brought the snapshot is gone, before or after its end.
    pub fn on_snapshot_closed(&mut self, now_ns: u64) {
        if self.wants_snapshot() {
            self.fail_join(now_ns);
        }
    }

    /// This snapshot is none; another one after a pause.
    fn fail_join(&mut self, now_ns: u64) {
        self.counters.snapshots_failed += 1;
        self.break_off_join(now_ns);
    }

    /// A session is over, or what was missing has come: no snapshot is needed.
    pub(super) fn cancel_join(&mut self, now_ns: u64) {
        self.counters.snapshots_cancelled += u64::from(self.wants_snapshot());
        self.break_off_join(now_ns);
    }

    fn break_off_join(&mut self, now_ns: u64) {
        self.end_join(now_ns);
        let until_ns = self.join_not_before_ns;
        if let Stage::Joining(join) = &mut self.stage {
            self.failure_untold |= core::mem::replace(&mut join.begun, false);
            join.phase = Phase::Paused { until_ns };
            join.tries += 1;
        }
    }

    /// Keeps the next snapshot at a distance, so that the caller sees that this one is not wanted.
    fn end_join(&mut self, now_ns: u64) {
        let retry_ns = self.config.snapshot.map_or(0, |snapshot| snapshot.retry_ns);
        self.join_not_before_ns = now_ns.saturating_add(retry_ns);
    }

    /// Tells the handler that a snapshot broke off, which a closed connection could not.
    pub(super) fn tell_failure<H: FeedHandler>(&mut self, handler: &mut H) {
        if core::mem::replace(&mut self.failure_untold, false) {
            handler.on_snapshot_failed();
        }
    }

    pub(super) fn poll_join<H: FeedHandler>(
        &mut self,
        now_ns: u64,
        join: Join,
        handler: &mut H,
    ) -> usize {
        self.tell_failure(handler);
        let tries_max = self.config.snapshot.map_or(0, |snapshot| snapshot.tries_max);
        match join.phase {
            Phase::Running { deadline_ns } if now_ns >= deadline_ns => {
                self.fail_join(now_ns);
                self.tell_failure(handler);
            }
            Phase::Paused { .. } if join.tries >= tries_max => {
                self.lose_to(self.known_next, handler);
                self.open(now_ns, handler);
            }
            Phase::Paused { until_ns } if now_ns >= until_ns => self.run(now_ns, join),
            _ => return 0,
        }
        1
    }
}
