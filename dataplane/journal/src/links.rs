//! The chain's last links and their epochs, for records that are superseded: what takes their place
//! follows a link that is no longer the last.

use crate::record::{Chain, Cursor};

/// Links that are kept; a power of two. Whoever supersedes more has them read from disk.
const KEPT: usize = 1 << 14;

/// What is behind a record: the link, and the record's epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) chain: Chain,
    pub(crate) epoch: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Links {
    links: Box<[Link]>,
    /// The first sequence whose link is here, and the one behind the last.
    first: u64,
    next: u64,
}

impl Links {
    /// Begins with the record that is next.
    pub(crate) fn new(next: u64) -> Links {
        Links { links: vec![Link::default(); KEPT].into_boxed_slice(), first: next, next }
    }

    /// The cursor is behind one more record, or behind one that superseded others.
    #[inline]
    pub(crate) fn push(&mut self, cursor: Cursor) {
        let Cursor { next_sequence, epoch, chain } = cursor;
        let sequence = next_sequence - 1;
        self.links[place(sequence)] = Link { chain, epoch };
        self.next = next_sequence;
        self.first = self.first.min(sequence).max(self.next.saturating_sub(KEPT as u64));
    }

    /// What is behind a record.
    pub(crate) fn behind(&self, sequence: u64) -> Option<Link> {
        (self.first..self.next).contains(&sequence).then(|| self.links[place(sequence)])
    }
}

fn place(sequence: u64) -> usize {
    (sequence & (KEPT as u64 - 1)) as usize
}
