//! How much of a parent order should be done by when.

/// A parent order's size, window and slope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Shares in all.
    pub(super) total: i64,
    /// When the window opens, in ns since midnight.
    pub(super) start_ns: u64,
    /// When it closes.
    pub(super) end_ns: u64,
    /// All is due so long before it closes.
    pub(super) finish_ns: u64,
    /// Slope of the straight line; 100 ends at the end.
    pub(super) urgency_pct: i64,
    /// Share of the volume that is due instead; 0 for the straight line.
    pub(super) participation_pct: i64,
}

impl Schedule {
    /// Whether the window is open.
    pub(super) fn is_open(&self, now_ns: u64) -> bool {
        (self.start_ns..self.end_ns).contains(&now_ns)
    }

    /// Whether all is due.
    pub(super) fn is_finishing(&self, now_ns: u64) -> bool {
        now_ns.saturating_add(self.finish_ns) >= self.end_ns
    }

    /// Shares that should be done by now, after `volume` shares of anyone's.
    pub(super) fn due(&self, now_ns: u64, volume: u64) -> i64 {
        if self.is_finishing(now_ns) {
            return self.total;
        }
        let due = if self.participation_pct > 0 {
            i128::from(volume) * i128::from(self.participation_pct) / 100
        } else {
            let elapsed = i128::from(now_ns.saturating_sub(self.start_ns));
            let window = i128::from(self.end_ns.saturating_sub(self.start_ns).max(1));
            i128::from(self.total) * elapsed * i128::from(self.urgency_pct) / (window * 100)
        };
        i64::try_from(due).unwrap_or(i64::MAX).min(self.total)
    }
}
