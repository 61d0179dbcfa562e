//! The chain's last links, for records that are superseded: what takes their place follows a link
//! that is no longer the last.

use crate::record::{Chain, Cursor};

/// Links that are kept; a power of two. Whoever supersedes more has them read from disk.
const KEPT: usize = 1 << 14;

/// See the module.
#[derive(Debug)]
pub(crate) struct Links {
    links: Box<[Chain]>,
    /// The first sequence whose link is here, and the one behind the last.
    first: u64,
    next: u64,
}

impl Links {
    /// Begins with what is behind the record before `cursor`.
    pub(crate) fn new(cursor: Cursor) -> Links {
        let first = cursor.next_sequence - 1;
        let mut links =
            Links { links: vec![Chain::default(); KEPT].into_boxed_slice(), first, next: first };
        links.push(cursor);
        links
    }

    /// The cursor is behind one more record, or behind one that superseded others.
    #[inline]
    pub(crate) fn push(&mut self, cursor: Cursor) {
        let sequence = cursor.next_sequence - 1;
        self.links[place(sequence)] = cursor.chain;
        self.next = cursor.next_sequence;
        self.first = self.first.min(sequence).max(self.next.saturating_sub(KEPT as u64));
    }

    /// The link behind a record.
    pub(crate) fn behind(&self, sequence: u64) -> Option<Chain> {
        (self.first..self.next).contains(&sequence).then(|| self.links[place(sequence)])
    }
}

fn place(sequence: u64) -> usize {
    (sequence & (KEPT as u64 - 1)) as usize
}
