//! What came out of order: runs of sequence numbers that lie beyond the next one expected.
//!
//! Limits: [`RUNS_MAX`] runs; a segment that would make another is not taken, and comes again.

use super::seq::{after, before};

/// Runs kept.
const RUNS_MAX: usize = 8;

/// See the module. Runs neither overlap nor touch, and are in no order.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Gaps {
    /// First: mostly nothing more is read.
    count: u32,
    runs: [(u32, u32); RUNS_MAX],
}

impl Gaps {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the numbers from `start` to before `end`; `false` when that would be a run too many.
    pub(crate) fn add(&mut self, mut start: u32, mut end: u32) -> bool {
        let touches = |run: &(u32, u32)| !after(run.0, end) && !before(run.1, start);
        let fits = self.all().iter().any(touches) || (self.count as usize) < RUNS_MAX;
        if !fits {
            return false;
        }
        let mut at = 0;
        while let Some(run) = self.all().get(at).copied() {
            // A run that has grown may touch one that was passed by: it is looked at again.
            if after(run.0, end) || before(run.1, start) {
                at += 1;
                continue;
            }
            start = if before(run.0, start) { run.0 } else { start };
            end = if after(run.1, end) { run.1 } else { end };
            self.remove(at);
            at = 0;
        }
        self.runs[self.count as usize] = (start, end);
        self.count += 1;
        true
    }

    /// Takes out the runs that begin at or before `next`; where they lead to.
    pub(crate) fn close(&mut self, mut next: u32) -> u32 {
        while let Some(at) = self.all().iter().position(|run| !after(run.0, next)) {
            let end = self.runs[at].1;
            next = if after(end, next) { end } else { next };
            self.remove(at);
        }
        next
    }

    fn all(&self) -> &[(u32, u32)] {
        &self.runs[..self.count as usize]
    }

    fn remove(&mut self, at: usize) {
        self.count -= 1;
        self.runs[at] = self.runs[self.count as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The runs of a set of numbers.
    fn runs(numbers: &BTreeSet<u32>) -> usize {
        numbers.iter().filter(|n| !numbers.contains(&n.wrapping_sub(1))).count()
    }

    proptest! {
        /// Against a set with every number in it, from a base that wraps.
        #[test]
        fn runs_are_a_set(
            base in any::<u32>(),
            acts in proptest::collection::vec((1..120u32, 1..20u32, any::<bool>()), 1..60),
        ) {
            let (mut gaps, mut twin) = (Gaps::default(), BTreeSet::new());
            let mut next = 0u32;
            for (at, len, closes) in acts {
                let at = next + at;
                let mut with = twin.clone();
                with.extend(at..at + len);
                let fits = runs(&with) <= RUNS_MAX;
                let added = gaps.add(base.wrapping_add(at), base.wrapping_add(at + len));
                // One that fills a gap between two is taken also by a full table.
                prop_assert_eq!(added, fits);
                if added {
                    twin = with;
                }
                if closes {
                    next += 1 + len % 3;
                    let led = gaps.close(base.wrapping_add(next)).wrapping_sub(base);
                    while twin.contains(&next) {
                        next += 1;
                    }
                    twin = twin.split_off(&next);
                    prop_assert_eq!(led, next);
                }
                prop_assert_eq!(gaps.is_empty(), twin.is_empty());
                prop_assert_eq!(gaps.count as usize, runs(&twin));
            }
        }
    }
}
