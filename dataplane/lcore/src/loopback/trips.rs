//! Round trips: when each is due, which are under way, and what came of them.
//!
//! Why it exists: a probe and an order are timed alike. In an open loop each trip has a due time
//! that no answer can move, and its time counts from then: a peer that stalls is charged for
//! everything that queued meanwhile (no coordinated omission). In ping-pong the next trip is due
//! once the last has ended: the floor.
//!
//! Layout: a ring of slots, one a trip, found by its number; trips are numbered from 0. Times are
//! readings of the time stamp counter.
//!
//! Limits: at most `in_flight_max` trips are under way; what is due beyond them waits, and its time
//! goes on counting. A trip without an answer for `timeout_ns` is given up; an answer that comes
//! after all counts as late, and its time is recorded as long as its slot is its own.

use hostcpu::{TickScale, TscClock};
use std::sync::Arc;
use telemetry::{CounterSet, Histogram};

/// Trips that can be under way at once, at most.
pub const IN_FLIGHT_MAX: u32 = 1 << 16;
/// Slots there are at least: answers may come a while after their trips were given up.
const SLOTS_MIN: usize = 1_024;
/// Trips looked at for their timeout in one poll, at most.
const EXPIRE_MAX: usize = 64;

telemetry::keys! {
    /// What is counted of round trips.
    pub enum TripCounter in "round_trips" {
        /// Begun.
        Sent = "sent",
        /// Answered, late ones included.
        Answered = "answered",
        /// Answered while others were warming up: not in the histogram.
        WarmUp = "warm_up",
        /// No answer came in time. Those that came later are in `late`, too.
        GivenUp = "given_up",
        /// Answers to trips that had been given up.
        Late = "late",
        /// Answers that came once more.
        Duplicate = "duplicate",
        /// Answers that came after one to a later trip.
        Reordered = "reordered",
        /// Answers to no trip that is remembered.
        Unknown = "unknown",
        /// Polls in which a trip was due and could not begin: as many as may be were under way, or
        /// there was no room to send.
        Held = "held",
    }
}

/// When trips begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// Each when the last has ended.
    PingPong,
    /// So many a second, each at its time.
    PerSecond(u64),
}

/// How trips go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TripSettings {
    /// When trips begin.
    pub pacing: Pacing,
    /// Trips under way at most, from 1 to [`IN_FLIGHT_MAX`]; ping-pong has one.
    pub in_flight_max: u32,
    /// Trips after which none begins; `u64::MAX` for no end.
    pub trips_max: u64,
    /// Trips at the beginning that are not measured: caches and tables are cold.
    pub warm_up: u64,
    /// A trip without an answer for so long is given up, in ns.
    pub timeout_ns: u64,
}

impl Default for TripSettings {
    fn default() -> TripSettings {
        TripSettings {
            pacing: Pacing::PingPong,
            in_flight_max: 1_024,
            trips_max: u64::MAX,
            warm_up: 1_000,
            timeout_ns: 1_000_000_000,
        }
    }
}

/// What became of trips. One writer, its lcore; any reader, at any time.
#[derive(Debug, Default)]
pub struct TripStats {
    /// The times of trips, from due to answered, warming up left out.
    pub times: Histogram,
    /// What was counted.
    pub counters: CounterSet<TripCounter>,
}

impl TripStats {
    /// Trips that were never answered: those given up whose answer did not come later, and those
    /// that still are under way.
    pub fn lost(&self) -> u64 {
        let count = |counter| self.counters.get(counter);
        count(TripCounter::Sent).saturating_sub(count(TripCounter::Answered))
    }
}

impl TripStats {
    /// Trips that have ended, one way or another.
    pub fn over(&self) -> u64 {
        let count = |counter| self.counters.get(counter);
        let given_up = count(TripCounter::GivenUp).saturating_sub(count(TripCounter::Late));
        count(TripCounter::Answered) + given_up
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Flying,
    GivenUp,
    Answered,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    trip: u64,
    due_tsc: u64,
    sent_tsc: u64,
    state: State,
}

/// Fixed times at a rate, without drift.
#[derive(Clone, Copy, Debug)]
struct Metronome {
    next_tsc: u64,
    step: u64,
    /// The part of a tick that each step leaves, of `per_second`.
    rest: u64,
    owed: u64,
    per_second: u64,
}

impl Metronome {
    fn new(per_second: u64, hz: u64) -> Metronome {
        let per_second = per_second.max(1);
        let (step, rest) = (hz / per_second, hz % per_second);
        Metronome { next_tsc: 0, step, rest, owed: 0, per_second }
    }

    #[inline]
    fn advance(&mut self) {
        self.next_tsc += self.step;
        self.owed += self.rest;
        if self.owed >= self.per_second {
            self.owed -= self.per_second;
            self.next_tsc += 1;
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct RoundTrips {
    settings: TripSettings,
    scale: TickScale,
    timeout_ticks: u64,
    metronome: Option<Metronome>,
    slots: Box<[Slot]>,
    /// The next trip's number.
    next: u64,
    /// All trips before this one are over.
    oldest: u64,
    flying: u32,
    /// One more than the highest trip that was answered.
    answered_to: u64,
    ended: bool,
    stats: Arc<TripStats>,
}

impl RoundTrips {
    /// Takes the memory for trips on `clock`'s counter; what becomes of them is counted in `stats`.
    pub fn new(settings: TripSettings, clock: &TscClock, stats: Arc<TripStats>) -> RoundTrips {
        let metronome = match settings.pacing {
            Pacing::PingPong => None,
            Pacing::PerSecond(rate) => Some(Metronome::new(rate, clock.hz())),
        };
        let in_flight_max = match settings.pacing {
            Pacing::PingPong => 1,
            Pacing::PerSecond(_) => settings.in_flight_max.clamp(1, IN_FLIGHT_MAX),
        };
        let slots = (in_flight_max as usize * 2).next_power_of_two().max(SLOTS_MIN);
        let free = Slot { trip: u64::MAX, due_tsc: 0, sent_tsc: 0, state: State::Free };
        RoundTrips {
            settings: TripSettings { in_flight_max, ..settings },
            scale: clock.scale(),
            timeout_ticks: clock.ticks(settings.timeout_ns),
            metronome,
            slots: vec![free; slots].into_boxed_slice(),
            next: 0,
            oldest: 0,
            flying: 0,
            answered_to: 0,
            ended: false,
            stats,
        }
    }

    /// The first trip is due now.
    pub fn start(&mut self, now_tsc: u64) {
        if let Some(metronome) = &mut self.metronome {
            metronome.next_tsc = now_tsc;
        }
    }

    #[inline]
    fn slot(&mut self, trip: u64) -> &mut Slot {
        let mask = self.slots.len() - 1;
        &mut self.slots[trip as usize & mask]
    }

    /// The number and the due time of the next trip, when it may begin: the caller sends it and
    /// says [`sent`](Self::sent), or [`held`](Self::held) where it cannot.
    #[inline]
    pub fn due(&mut self, now_tsc: u64) -> Option<(u64, u64)> {
        if self.ended || self.next >= self.settings.trips_max {
            return None;
        }
        let due_tsc = match &self.metronome {
            // At its own time: the reading is the caller's latest.
            None => now_tsc,
            Some(metronome) if metronome.next_tsc <= now_tsc => metronome.next_tsc,
            Some(_) => return None,
        };
        if self.flying >= self.settings.in_flight_max {
            if self.metronome.is_some() {
                self.held();
            }
            return None;
        }
        Some((self.next, due_tsc))
    }

    /// The trip that is due cannot begin now.
    #[inline]
    pub fn held(&mut self) {
        self.stats.counters.inc(TripCounter::Held);
    }

    /// The trip that was due at `due_tsc` has begun.
    #[inline]
    pub fn sent(&mut self, due_tsc: u64, now_tsc: u64) {
        let trip = self.next;
        self.next += 1;
        if let Some(metronome) = &mut self.metronome {
            metronome.advance();
        }
        let former = std::mem::replace(
            self.slot(trip),
            Slot { trip, due_tsc, sent_tsc: now_tsc, state: State::Flying },
        );
        if former.state == State::Flying {
            // So long ago that its slot is needed.
            self.give_up();
        }
        self.flying += 1;
        self.stats.counters.inc(TripCounter::Sent);
    }

    #[cold]
    fn give_up(&mut self) {
        self.flying -= 1;
        self.stats.counters.inc(TripCounter::GivenUp);
    }

    /// An answer to `trip` has come; its time in ns, unless it tells nothing: the trip is unknown,
    /// or was answered before.
    #[inline]
    pub fn answered(&mut self, trip: u64, now_tsc: u64) -> Option<u64> {
        let due_tsc = self.close(trip)?;
        let ns = self.scale.ns(now_tsc.saturating_sub(due_tsc));
        if trip < self.settings.warm_up {
            self.stats.counters.inc(TripCounter::WarmUp);
        } else {
            self.stats.times.record(ns);
        }
        Some(ns)
    }

    /// As [`answered`](Self::answered), by an answer that is another thing to time.
    #[cold]
    pub fn refused(&mut self, trip: u64) {
        self.close(trip);
    }

    /// Ends a trip; its due time, unless the answer tells nothing.
    #[inline]
    fn close(&mut self, trip: u64) -> Option<u64> {
        let slot = self.slot(trip);
        if slot.trip != trip || trip == u64::MAX {
            self.stats.counters.inc(TripCounter::Unknown);
            return None;
        }
        let (state, due_tsc) = (slot.state, slot.due_tsc);
        slot.state = State::Answered;
        match state {
            State::Flying => self.flying -= 1,
            State::GivenUp => self.stats.counters.inc(TripCounter::Late),
            State::Answered | State::Free => {
                self.stats.counters.inc(TripCounter::Duplicate);
                return None;
            }
        }
        self.stats.counters.inc(TripCounter::Answered);
        if trip + 1 < self.answered_to {
            self.stats.counters.inc(TripCounter::Reordered);
        } else {
            self.answered_to = trip + 1;
        }
        Some(due_tsc)
    }

    /// Gives up what has waited for too long; to be called once a poll.
    #[inline]
    pub fn expire(&mut self, now_tsc: u64) {
        for _ in 0..EXPIRE_MAX {
            if self.oldest == self.next {
                return;
            }
            let oldest = self.oldest;
            let timeout_ticks = self.timeout_ticks;
            let slot = self.slot(oldest);
            if slot.trip == oldest && slot.state == State::Flying {
                if now_tsc.saturating_sub(slot.sent_tsc) < timeout_ticks {
                    return;
                }
                slot.state = State::GivenUp;
                self.give_up();
            }
            self.oldest += 1;
        }
    }

    /// No trip begins any more.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Whether no trip will begin, and none is under way.
    pub fn is_over(&self) -> bool {
        self.flying == 0 && (self.ended || self.next >= self.settings.trips_max)
    }

    /// Trips that are due and have not begun.
    #[inline]
    pub fn behind(&self, now_tsc: u64) -> u64 {
        let Some(metronome) = self.metronome.as_ref().filter(|m| m.next_tsc <= now_tsc) else {
            return 0;
        };
        let left = self.settings.trips_max.saturating_sub(self.next);
        ((now_tsc - metronome.next_tsc) / metronome.step.max(1) + 1).min(left)
    }

    /// Trips under way.
    pub fn in_flight(&self) -> u32 {
        self.flying
    }

    /// What became of them.
    pub fn stats(&self) -> &Arc<TripStats> {
        &self.stats
    }
}

#[cfg(test)]
mod tests;
