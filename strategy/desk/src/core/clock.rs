//! The exchange's clock, as far as the feed tells it.
//!
//! Why it exists: times of day, the feed's stamps and how long a symbol has been quiet are all in
//! the exchange's time, while the host's clock is in another zone, set by another hand, and in a
//! replay on another day and at another pace. So strategies are given the last stamp plus what the
//! host's clock has counted since.
//!
//! Limits: between messages it runs at the host's pace, also when a replay runs faster or slower.
//! It never goes back within a session of the feed: after a message that was late on its way it
//! stands still until it is right again.
//!
//! Failure modes: a stamp more than [`LEAP_NS`] ahead is believed when the next one confirms it, so
//! that one message that lies does not end the day; nor does the first one begin it.

/// A stamp further ahead than this has to be confirmed.
const LEAP_NS: u64 = 1_000_000_000;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FeedClock {
    /// The last stamp believed; 0 before the first.
    stamp_ns: u64,
    /// The host's time when it came.
    heard_ns: u64,
    /// The highest time that was told.
    told_ns: u64,
    /// A stamp far ahead that waits for the next one.
    leap_ns: Option<u64>,
}

impl FeedClock {
    /// The feed's last message bears this stamp.
    #[inline]
    pub(super) fn hear(&mut self, host_ns: u64, stamp_ns: u64) {
        if stamp_ns == 0 || stamp_ns == self.stamp_ns {
            return;
        }
        if stamp_ns > self.run(host_ns).saturating_add(LEAP_NS) && !self.confirms(stamp_ns) {
            return;
        }
        self.leap_ns = None;
        (self.stamp_ns, self.heard_ns) = (stamp_ns, host_ns);
    }

    /// Whether a stamp far ahead is not the first one there.
    #[cold]
    fn confirms(&mut self, stamp_ns: u64) -> bool {
        let confirmed = self.leap_ns.is_some_and(|leap_ns| stamp_ns >= leap_ns);
        self.leap_ns = Some(stamp_ns);
        confirmed
    }

    /// The time; 0 while it is not known.
    #[inline]
    pub(super) fn now_ns(&mut self, host_ns: u64) -> u64 {
        self.told_ns = self.told_ns.max(self.run(host_ns));
        self.told_ns
    }

    #[inline]
    fn run(&self, host_ns: u64) -> u64 {
        match self.stamp_ns {
            0 => 0,
            stamp_ns => stamp_ns.saturating_add(host_ns.saturating_sub(self.heard_ns)),
        }
    }
}

#[cfg(test)]
mod tests;
