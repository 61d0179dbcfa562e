//! A log-linear histogram that one thread writes and any thread reads.
//!
//! # Layout
//!
//! 36 rows of 128 counters. Row 0 counts 0 to 127 ns one by one; row *r* counts 2^(r+6) to
//! 2^(r+7) − 1 ns in steps of 2^(r−1), so a bucket is never wider than 1/128 of what it counts. The
//! bucket of a value is found from its leading zeros and one shift. 36 KiB, of which a run touches
//! the few rows its latencies lie in.
//!
//! # Limits
//!
//! Values up to [`VALUE_NS_MAX`], some 73 minutes. A larger one counts in the last bucket and in
//! [`Histogram::clamped`]; the largest value is kept exactly in either case.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bits of a value that are kept: 128 steps in each power of two.
const STEP_BITS: u32 = 7;
const STEPS: usize = 1 << STEP_BITS;
/// Values are below 2 to this.
const VALUE_BITS: u32 = 42;

/// The largest value that has a bucket, in nanoseconds.
pub const VALUE_NS_MAX: u64 = (1 << VALUE_BITS) - 1;
/// How many buckets there are.
pub const BUCKETS: usize = STEPS * (VALUE_BITS - STEP_BITS + 1) as usize;

/// The resolution handed to hdrhistogram: finer than ours, so that ours decides.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Nanoseconds, counted in log-linear buckets.
#[derive(Debug)]
#[repr(align(128))]
pub struct Histogram {
    sum: AtomicU64,
    max: AtomicU64,
    clamped: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// A bucket that counted something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest value counted here, in nanoseconds.
    pub low_ns: u64,
    /// The largest value counted here, in nanoseconds.
    pub high_ns: u64,
    /// How many were.
    pub count: u64,
}

impl Bucket {
    /// The value that stands for the bucket: never more than 1/256 from any value in it.
    pub fn middle_ns(&self) -> u64 {
        self.low_ns + (self.high_ns - self.low_ns) / 2
    }
}

impl Histogram {
    /// An empty histogram.
    pub const fn new() -> Self {
        Self {
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
            clamped: AtomicU64::new(0),
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }

    /// Counts one value, in nanoseconds. For the one writer.
    #[inline(always)]
    pub fn record(&self, ns: u64) {
        self.record_n(ns, 1);
    }

    /// Counts a value `n` times, in nanoseconds: a burst whose members share a stage's time. For
    /// the one writer.
    #[inline(always)]
    pub fn record_n(&self, ns: u64, n: u64) {
        // The one bounds check is also the range check.
        match self.buckets.get(index_of(ns)) {
            Some(bucket) => add(bucket, n),
            None => self.clamp(n),
        }
        add(&self.sum, ns.wrapping_mul(n));
        if ns > self.max.load(Relaxed) && n > 0 {
            self.max.store(ns, Relaxed);
        }
    }

    #[cold]
    #[inline(never)]
    fn clamp(&self, n: u64) {
        add(&self.clamped, n);
        if let Some(last) = self.buckets.last() {
            add(last, n);
        }
    }

    /// How many values were counted. Adds up all buckets: for readers, not for the loop.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).fold(0, u64::wrapping_add)
    }

    /// How many values were larger than [`VALUE_NS_MAX`].
    pub fn clamped(&self) -> u64 {
        self.clamped.load(Relaxed)
    }

    /// The largest value, exactly; 0 when there is none.
    pub fn max_ns(&self) -> u64 {
        self.max.load(Relaxed)
    }

    /// The mean of the values as they were recorded, before bucketing; 0 when there is none.
    pub fn mean_ns(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            count => self.sum.load(Relaxed) as f64 / count as f64,
        }
    }

    /// The buckets that counted something, from the smallest value to the largest.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.buckets.iter().enumerate().filter_map(|(index, bucket)| {
            let (low_ns, high_ns) = bounds_of(index);
            match bucket.load(Relaxed) {
                0 => None,
                count => Some(Bucket { low_ns, high_ns, count }),
            }
        })
    }

    /// The counts as an hdrhistogram, to compute quantiles from and to merge with others. Each
    /// bucket stands at its middle, so quantiles are within 1/128 of the truth. Allocates some
    /// 270 KB: for readers, not for the loop.
    pub fn snapshot(&self) -> hdrhistogram::Histogram<u64> {
        let mut hdr = hdrhistogram::Histogram::new_with_bounds(1, VALUE_NS_MAX, SIGNIFICANT_DIGITS)
            .expect("1 to 2^42 at 3 digits is within what hdrhistogram can hold");
        for bucket in self.buckets() {
            hdr.saturating_record_n(bucket.middle_ns(), bucket.count);
        }
        hdr
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn add(to: &AtomicU64, n: u64) {
    to.store(to.load(Relaxed).wrapping_add(n), Relaxed);
}

/// The bucket of a value; past the end when the value is too large.
#[inline(always)]
const fn index_of(ns: u64) -> usize {
    // Below 128 the row is 0 and the value its own index: the OR makes that the same formula.
    let row = (u64::BITS - 1 - STEP_BITS) - (ns | (STEPS as u64)).leading_zeros();
    ((row as usize) << STEP_BITS) + (ns >> row) as usize
}

/// The smallest and the largest value of a bucket.
const fn bounds_of(index: usize) -> (u64, u64) {
    if index < 2 * STEPS {
        return (index as u64, index as u64);
    }
    let row = (index >> STEP_BITS) as u32 - 1;
    let step = (index & (STEPS - 1)) as u64 + STEPS as u64;
    (step << row, ((step + 1) << row) - 1)
}

const _: () = assert!(index_of(VALUE_NS_MAX) == BUCKETS - 1);
const _: () = assert!(index_of(VALUE_NS_MAX + 1) == BUCKETS);
const _: () = assert!(index_of(0) == 0 && index_of(255) == 255 && index_of(256) == 256);

#[cfg(test)]
mod tests;
