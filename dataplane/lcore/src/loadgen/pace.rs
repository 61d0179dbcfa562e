//! When each message is due: open loop, so that a slow receiver cannot slow the clock it is judged
//! by.

/// How fast a loadgen replays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// By the messages' own time stamps, `speed` times as fast; a pause is cut to `gap_ns_max` of
    /// recorded time (0 leaves it).
    Recorded {
        /// 1.0 is as recorded.
        speed: f64,
        /// The longest pause kept, in recorded nanoseconds.
        gap_ns_max: u64,
    },
    /// So many messages a second, evenly.
    Rate {
        /// Messages a second.
        messages_per_s: u64,
    },
    /// As fast as the ports take them.
    Max,
}

impl Pace {
    /// This pace with pauses cut to so many recorded nanoseconds, where it keeps any.
    #[must_use]
    pub fn with_gap(self, gap_ns_max: u64) -> Pace {
        match self {
            Pace::Recorded { speed, .. } => Pace::Recorded { speed, gap_ns_max },
            Pace::Rate { .. } | Pace::Max => self,
        }
    }
}

/// Turns a pace into due times.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    start_ns: u64,
    last_stamp_ns: Option<u64>,
    offset_ns: f64,
}

const SECOND_NS: f64 = 1e9;

impl Schedule {
    /// Starts the clock at `start_ns`.
    pub fn new(pace: Pace, start_ns: u64) -> Schedule {
        Schedule { pace, start_ns, last_stamp_ns: None, offset_ns: 0.0 }
    }

    /// When the next message is due, given its own time stamp. Call once a message.
    pub fn due_ns(&mut self, stamp_ns: u64) -> u64 {
        match self.pace {
            Pace::Max => return self.start_ns,
            Pace::Rate { messages_per_s } => {
                if self.last_stamp_ns.is_some() {
                    self.offset_ns += SECOND_NS / messages_per_s.max(1) as f64;
                }
            }
            Pace::Recorded { speed, gap_ns_max } => {
                // A stamp that goes back counts as no time at all.
                let gap = stamp_ns.saturating_sub(self.last_stamp_ns.unwrap_or(stamp_ns));
                let kept = if gap_ns_max > 0 { gap.min(gap_ns_max) } else { gap };
                self.offset_ns += kept as f64 / speed;
            }
        }
        self.last_stamp_ns = Some(stamp_ns);
        self.start_ns + self.offset_ns as u64
    }
}

#[cfg(test)]
mod tests;
