//! The clock that `smoltcp` is given: it runs faster than ours.
//!
//! Why it exists: `smoltcp` 0.14 retransmits after one second at the earliest, a constant. A
//! venue's link has round trips of some ten microseconds: there a lost segment must not cost its
//! order a second. All of `smoltcp`'s time comes from the `Instant` it is given, so ours runs
//! `speed` times faster than real time, and each of its constants shrinks by that much. What we set
//! in its units (keep-alive, timeout) is multiplied to stay what it is.
//!
//! What that makes of its constants, at the default `rto_min_ns` of 10 ms (a speed of 100):
//!
//! * `RTTE_INITIAL_RTO`, `RTTE_MIN_RTO`: 1 s to 10 ms. What this is for.
//! * `RTTE_MAX_RTO`, which also bounds the pause between window probes: 60 s to 600 ms. Right: some
//!   30 retransmissions before the timeout of 15 s, and a window that opens again is seen soon.
//! * The round-trip estimate's unit: 1 ms to 10 µs. Right: it resolves a LAN's round trips.
//! * `RTTE_MIN_MARGIN`: 5 ms to 50 µs. Rarely counts, since the least RTO is above it.
//! * Challenge acknowledgments: one in 1 s to one in 10 ms. Right: RFC 5961 (7) wants a limit, and
//!   a peer that restarted must not wait for it.
//! * `CLOSE_DELAY`, TIME-WAIT: 10 s to 100 ms. Too short, and not used: we time TIME-WAIT.
//! * `ACK_DELAY_DEFAULT`: 10 ms. Not used: no acknowledgment is delayed.
//!
//! Limits: a peer that delays acknowledgments (Linux: by 40 ms) is at first taken to have lost what
//! it has only not acknowledged yet. Each such retransmission doubles the RTO, and after the third
//! the estimate begins anew from a whole sample, so it ends above the peer's delay; a peer that
//! acknowledges the double at once costs one small segment now and then. A link with round trips
//! above `rto_min_ns` wants a greater one.

use smoltcp::time::{Duration, Instant};

/// `smoltcp`'s least and first retransmission time, in nanoseconds.
const SMOLTCP_RTO_NS: u64 = 1_000_000_000;

/// Turns our time into `smoltcp`'s and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    speed: u64,
}

impl Clock {
    /// A clock whose least retransmission time is `rto_min_ns`, at most a second.
    pub(crate) fn new(rto_min_ns: u64) -> Clock {
        Clock { speed: (SMOLTCP_RTO_NS / rto_min_ns.max(1)).max(1) }
    }

    /// Our time as `smoltcp` sees it.
    #[inline]
    pub(crate) fn instant(self, now_ns: u64) -> Instant {
        let micros = (now_ns / 1_000).saturating_mul(self.speed);
        Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// When it is really that `smoltcp`'s clock shows `at`: never before it.
    #[inline]
    pub(crate) fn real_ns(self, at: Instant) -> u64 {
        let micros = u64::try_from(at.total_micros()).unwrap_or(0);
        micros.div_ceil(self.speed).saturating_mul(1_000)
    }

    /// A real span of time in `smoltcp`'s.
    pub(crate) fn span(self, ns: u64) -> Duration {
        Duration::from_micros((ns / 1_000).saturating_mul(self.speed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_due_is_due_when_told(
            rto_min_ns in 1_000_000..=1_000_000_000u64,
            // Up to the year 2116, in nanoseconds since 1970.
            now_ns in 0..1u64 << 62,
            span_ns in 0..86_400_000_000_000u64,
        ) {
            let clock = Clock::new(rto_min_ns);
            let due = clock.instant(now_ns) + clock.span(span_ns);
            let due_ns = clock.real_ns(due);
            prop_assert!(clock.instant(due_ns) >= due, "a timer that rings has expired");
            prop_assert!(due_ns.abs_diff(now_ns / 1_000 * 1_000 + span_ns) < 2_000);
        }
    }

    #[test]
    fn a_speed_of_one_changes_nothing() {
        let clock = Clock::new(1_000_000_000);
        assert_eq!(clock.instant(5_000), Instant::from_micros(5));
        assert_eq!(clock.real_ns(Instant::from_micros(5)), 5_000);
        assert_eq!(clock.span(7_000), Duration::from_micros(7));
    }
}
