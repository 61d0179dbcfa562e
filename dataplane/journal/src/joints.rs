//! Where the segments of a journal join, when some begin before the one ahead of them has ended:
//! records of a later epoch that took the place of others.
//!
//! The headers tell beforehand: of a segment's records those count that no later segment begins at
//! or before.

use std::collections::BTreeMap;

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
    /// Behind which records a later segment begins: those still to be passed in this segment, the
    /// next one last.
    wanted: Vec<u64>,
    /// The chain there.
    links: BTreeMap<u64, Chain>,
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
        self.wanted = later.iter().map(|first| first - 1).collect();
        self.wanted.retain(|&sequence| sequence + 1 >= start.next_sequence);
        self.wanted.sort_unstable_by_key(|&sequence| std::cmp::Reverse(sequence));
        self.wanted.dedup();
        self.pass(start.next_sequence - 1, start.chain);
    }

    /// A record was read, and this is the chain behind it.
    #[inline]
    pub(crate) fn pass(&mut self, sequence: u64, chain: Chain) {
        if self.wanted.last() == Some(&sequence) {
            self.links.insert(sequence, chain);
            self.wanted.pop();
        }
    }

    /// Whether a later segment takes the record's place.
    #[inline]
    pub(crate) fn is_superseded(&self, sequence: u64) -> bool {
        sequence >= self.limit
    }

    /// The chain behind a record that a later segment follows, where it was read.
    pub(crate) fn behind(&self, sequence: u64) -> Option<Chain> {
        self.links.get(&sequence).copied()
    }
}
