//! A token bucket without division: it holds nanoseconds times rate, a token is one second of that.

const SECOND_NS: u64 = 1_000_000_000;

/// Fills by `per_second` tokens a second, up to one second's worth. It can be in debt by as much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    level: i64,
    filled_at_ns: u64,
}

impl Bucket {
    /// Full, at any rate.
    pub(crate) fn full() -> Bucket {
        Bucket { level: i64::MAX, filled_at_ns: 0 }
    }

    /// Fills up to `now_ns`; time going back earns nothing. Whether there is a token.
    #[inline]
    pub(crate) fn has_token(&mut self, now_ns: u64, per_second: u32) -> bool {
        let elapsed_ns = now_ns.saturating_sub(self.filled_at_ns).min(2 * SECOND_NS);
        self.filled_at_ns = self.filled_at_ns.max(now_ns);
        // Two seconds fill from the deepest debt; two seconds of the highest rate are below 2^63.
        let capacity = (SECOND_NS * u64::from(per_second)) as i64;
        let earned = (elapsed_ns as i64).saturating_mul(i64::from(per_second));
        self.level = self.level.max(-capacity).saturating_add(earned).min(capacity);
        self.level >= SECOND_NS as i64
    }

    /// Takes a token that is there, or goes into debt.
    #[inline]
    pub(crate) fn take(&mut self, per_second: u32) {
        let deepest = -((SECOND_NS * u64::from(per_second)) as i64);
        self.level = self.level.saturating_sub(SECOND_NS as i64).max(deepest);
    }
}

#[cfg(test)]
mod tests;
