//! A node's records on their way to its journal, and how far they are on disk.

use cluster::to_journal;
use journal::{Entry, Feeder, HardState, Payload, Status};
use replica::Record;
use std::collections::VecDeque;
use std::sync::Arc;
use types::Nanos;

/// Entries committed between two notes of it.
const COMMITTED_NOTED_EVERY: u64 = 1 << 10;

/// A journal that is being written: the end that entries are pushed into, and what its writer
/// tells.
#[derive(Debug)]
pub struct Disk {
    feeder: Feeder,
    status: Arc<Status>,
    /// Entries that were pushed.
    pushed: u64,
    /// Records that are not known to be on disk: how many entries had been pushed with one, and
    /// its number.
    under_way: VecDeque<(u64, u64)>,
    /// An entry that the ring did not take: nothing behind it counts.
    lost: bool,
    /// Term and vote, as they were written last.
    hard_state: (u64, u64),
    /// What the journal knows to be committed.
    noted: u64,
}

impl Disk {
    /// Writes through `feeder`, whose ring holds `entries` at most.
    pub fn new(feeder: Feeder, status: Arc<Status>, entries: usize) -> Disk {
        let under_way = VecDeque::with_capacity(2 * entries);
        let (hard_state, noted) = ((0, 0), 0);
        Disk { feeder, status, pushed: 0, under_way, lost: false, hard_state, noted }
    }

    /// The journal has this term and vote already.
    pub fn with_hard_state(self, term: u64, vote: u64) -> Disk {
        Disk { hard_state: (term, vote), ..self }
    }

    /// Notes now and then what is committed, so that who starts again need not ask for all of it.
    #[inline]
    pub(super) fn note_committed(&mut self, committed: u64) {
        if committed < self.noted + COMMITTED_NOTED_EVERY || self.lost {
            return;
        }
        self.noted = committed;
        let (term, vote) = self.hard_state;
        let payload = Payload::HardState(HardState { term, vote, commit: committed });
        let entry = Entry { sequence: 0, epoch: term as u32, now: Nanos(0), payload };
        // What does not fit is noted the next time.
        self.pushed += u64::from(self.feeder.push(&entry).is_ok());
    }

    /// Hands a record over. `committed` is what is known to be.
    pub(super) fn persist(&mut self, number: u64, record: &Record<'_>, committed: u64) {
        if self.lost {
            return;
        }
        if let Record::HardState { term, vote } = *record {
            self.hard_state = (term, vote);
        }
        if let Some(entry) = to_journal(record, committed) {
            if self.feeder.push(&entry).is_err() {
                self.lost = true;
                return;
            }
            self.pushed += 1;
        }
        match self.under_way.back_mut() {
            Some((pushed, last)) if *pushed == self.pushed => *last = number,
            _ => self.under_way.push_back((self.pushed, number)),
        }
    }

    /// The last record that is on disk with all before it, when that is news.
    #[inline]
    pub(super) fn durable(&mut self) -> Option<u64> {
        let persisted = self.status.persisted();
        let mut last = None;
        while let Some((_, number)) = self.under_way.front().filter(|(at, _)| *at <= persisted) {
            last = Some(*number);
            self.under_way.pop_front();
        }
        last
    }

    /// Whether records are lost to the disk: nothing of this node is durable any more.
    pub fn is_lost(&self) -> bool {
        self.lost || self.status.fault().is_some()
    }

    /// What the journal's writer tells.
    pub fn status(&self) -> &Status {
        &self.status
    }
}
