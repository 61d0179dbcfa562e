//! Where the segments of a journal join, when some begin before the one ahead of them has ended:
//! records of a later epoch that took the place of others.
//!
//! The headers tell beforehand: of a segment's records those count that no later segment begins at
//! or before.

use std::collections::BTreeMap;

use crate::links::Link;
use crate::read::Segment;
use crate::record::{Chain, Cursor};

/// See the module.
#[derive(Debug)]
pub(crate) struct Joints {
    /// Each segment's first sequence, in order.
    firsts: Vec<u64>,
    /// How many segments were begun.
    begun: usize,
    /// The first sequence that a later segment begins with.
    limit: u64,
    /// The records that a later segment begins at or behind: those still to be passed in this
    /// segment, the next one last.
    wanted: Vec<u64>,
    /// What is behind them, as last read.
    links: BTreeMap<u64, Link>,
}

impl Joints {
    pub(crate) fn new(segments: &[Segment]) -> Joints {
        let firsts = segments.iter().map(|segment| segment.header.first_sequence).collect();
        let (wanted, links) = (Vec::new(), BTreeMap::new());
        Joints { firsts, begun: 0, limit: u64::MAX, wanted, links }
    }

    /// The next segment begins.
    pub(crate) fn begin(&mut self, start: Cursor) {
        self.begun += 1;
        let later = self.firsts.get(self.begun..).unwrap_or_default();
        self.limit = later.iter().copied().min().unwrap_or(u64::MAX);
        let before = start.next_sequence - 1;
        self.wanted = later.iter().flat_map(|first| [first - 1, *first]).collect();
        self.wanted.retain(|&sequence| sequence >= before);
        self.wanted.sort_unstable_by_key(|&sequence| std::cmp::Reverse(sequence));
        self.wanted.dedup();
        if self.wanted.last() == Some(&before) {
            self.wanted.pop();
            // Where the record itself was not read, its epoch is not known.
            self.links.entry(before).or_insert(Link { chain: start.chain, epoch: 0 });
        }
    }

    /// A record was read, and this is the chain behind it.
    #[inline]
    pub(crate) fn pass(&mut self, sequence: u64, epoch: u32, chain: Chain) {
        if self.wanted.last() == Some(&sequence) {
            self.links.insert(sequence, Link { chain, epoch });
            self.wanted.pop();
        }
    }

    /// Whether a later segment takes the record's place.
    #[inline]
    pub(crate) fn is_superseded(&self, sequence: u64) -> bool {
        sequence >= self.limit
    }

    /// What is behind a record that a later segment begins at or behind, where it was read.
    pub(crate) fn behind(&self, sequence: u64) -> Option<Link> {
        self.links.get(&sequence).copied()
    }
}
