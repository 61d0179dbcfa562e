//! How long to wait for an acknowledgment (RFC 6298), with a least time of some milliseconds.
//!
//! Why not the RFC's second: a venue's link has round trips of some ten microseconds; there a lost
//! segment must not cost its order a second. The least time is `rto_min_ns`, which is also the
//! first, and each repetition doubles it up to [`BACKOFF_MAX`] times as much: some 30 repetitions
//! before a timeout of 15 s at the default of 10 ms, and a window that opens again is seen soon.
//!
//! Limits: a peer that delays acknowledgments (Linux: by 40 ms) is at first taken to have lost what
//! it has only not acknowledged yet. Each such repetition doubles the time, which stays doubled
//! until something was acknowledged that was sent but once (Karn's algorithm: RFC 6298, 3 and 5.7);
//! that measures the peer's delay, and the estimate grows above it. A peer that acknowledges the
//! double at once costs one small segment now and then. A link with round trips above `rto_min_ns`
//! wants a greater one.

use super::seq::before;

/// The longest wait, in least waits.
const BACKOFF_MAX: u64 = 60;

/// The estimate of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rtt {
    min_ns: u64,
    /// What to wait, before doubling.
    base_ns: u64,
    smooth_ns: u64,
    varies_ns: u64,
    /// When the measured segment left; `None` when none is under way.
    timed: Option<(u32, u64)>,
    doublings: u32,
    has_sample: bool,
}

impl Rtt {
    pub(crate) fn new(min_ns: u64) -> Rtt {
        Rtt {
            min_ns,
            base_ns: min_ns,
            smooth_ns: 0,
            varies_ns: 0,
            timed: None,
            doublings: 0,
            has_sample: false,
        }
    }

    /// The time to wait now.
    #[inline]
    pub(crate) fn rto_ns(&self) -> u64 {
        if self.doublings == 0 {
            return self.base_ns;
        }
        (self.base_ns << self.doublings.min(16)).min(BACKOFF_MAX * self.min_ns)
    }

    /// Nothing was acknowledged in that time.
    pub(crate) fn back_off(&mut self) {
        self.doublings = (self.doublings + 1).min(16);
    }

    /// New bytes leave, up to `end`.
    #[inline]
    pub(crate) fn sent(&mut self, end: u32, now_ns: u64) {
        if self.timed.is_none() {
            self.timed = Some((end, now_ns));
        }
    }

    /// RFC 6298, 3: "RTT samples MUST NOT be made using segments that were retransmitted".
    pub(crate) fn forget(&mut self) {
        self.timed = None;
    }

    /// Everything before `ack` has arrived.
    #[inline]
    pub(crate) fn acked(&mut self, ack: u32, now_ns: u64) {
        if let Some((end, sent_ns)) = self.timed
            && !before(ack, end)
        {
            self.timed = None;
            self.sample(now_ns.saturating_sub(sent_ns));
        }
    }

    /// RFC 6298, 2.2 and 2.3.
    #[inline]
    fn sample(&mut self, ns: u64) {
        self.doublings = 0;
        if self.has_sample {
            self.varies_ns = (3 * self.varies_ns + self.smooth_ns.abs_diff(ns)) / 4;
            self.smooth_ns = (7 * self.smooth_ns + ns) / 8;
        } else {
            (self.smooth_ns, self.varies_ns, self.has_sample) = (ns, ns / 2, true);
        }
        let wait_ns = self.smooth_ns + (4 * self.varies_ns).max(self.min_ns / 8);
        self.base_ns = wait_ns.clamp(self.min_ns, BACKOFF_MAX * self.min_ns);
    }
}
