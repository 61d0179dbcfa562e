//! What a member keeps on disk, as a journal calls it, and what it finds there when it starts.

use crate::host::State;
use journal::{Entry, HardState, PROPOSAL_BYTES_MAX, Payload, decode_proposal, encode_proposal};
use replica::{Change, EntryKind, Members, Record, Recovered, RecoveredEntry};
use std::collections::VecDeque;
use types::{Input, Nanos};
use venue::Stores;

/// A record as an entry of a journal; `commit` is what is known to be committed
/// ([`replica::Replica::committed`]). `None` for what a journal needs no entry for: one that takes
/// another's place says so by its number, and a snapshot is a file of its own.
///
/// Of the epoch a journal has 32 bits: more terms than a cluster sees.
pub fn to_journal<'a>(record: &Record<'a>, commit: u64) -> Option<Entry<'a>> {
    let entry = match *record {
        Record::HardState { term, vote } => {
            let payload = Payload::HardState(HardState { term, vote, commit });
            return Some(Entry { sequence: 0, epoch: term as u32, now: Nanos(0), payload });
        }
        Record::Superseded { .. } | Record::Snapshot(_) => return None,
        Record::Entry(entry) => entry,
    };
    let (now, payload) = match entry.kind {
        EntryKind::Noop => (Nanos(0), Payload::Opaque(&[])),
        EntryKind::Change => (Nanos(0), Payload::Membership(entry.payload)),
        EntryKind::Opaque => match decode_proposal(entry.payload) {
            Some((stamp, input)) => (stamp, Payload::Input(input)),
            None => (Nanos(0), Payload::Opaque(entry.payload)),
        },
    };
    Some(Entry { sequence: entry.index, epoch: entry.term as u32, now, payload })
}

/// Why what is on disk is no node's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Entries are missing.
    #[error("entry {found} comes where {expected} is due")]
    Gap {
        /// The number due.
        expected: u64,
        /// The number there.
        found: u64,
    },
    /// Entries go back behind what is known to be committed.
    #[error("entry {found} would take the place of one that is committed, up to {committed}")]
    Undone {
        /// The number there.
        found: u64,
        /// What is committed.
        committed: u64,
    },
    /// An entry with more in it than a proposal has.
    #[error("entry {0} is longer than any that is proposed")]
    TooLong(u64),
}

/// Makes a member's state from a snapshot's and a journal's entries behind it, in their order.
#[derive(Debug)]
pub struct Recovery {
    state: State,
    found: Recovered,
    entries: VecDeque<RecoveredEntry>,
    /// Entries that are enacted are kept for peers that lag, as many as this.
    tail_max: usize,
}

impl Recovery {
    /// Begins with a snapshot's state, or a new one. `members` are those behind its last entry, the
    /// founders at first. As many enacted entries as `tail_max` stay in memory.
    pub fn new(state: State, members: Members, tail_max: usize) -> Recovery {
        let index = state.core.inputs();
        let found = Recovered {
            base: (index, state.term),
            applied: index,
            committed: index,
            members,
            ..Recovered::default()
        };
        Recovery { state, found, entries: VecDeque::new(), tail_max }
    }

    /// The next entry of the journal. Those that are in the snapshot are passed over.
    ///
    /// # Errors
    /// A journal that is no node's.
    pub fn on_entry(
        &mut self,
        entry: &Entry<'_>,
        stores: &mut Stores<'_>,
    ) -> Result<(), RecoveryError> {
        self.found.records += 1;
        if let Payload::HardState(HardState { term, vote, commit }) = entry.payload {
            (self.found.term, self.found.vote) = (term, vote);
            self.found.committed = self.found.committed.max(commit);
            self.enact(stores);
            return Ok(());
        }
        let (index, expected) = (entry.sequence, self.last() + 1);
        if index <= self.found.base.0 {
            return Ok(());
        }
        if index > expected {
            return Err(RecoveryError::Gap { expected, found: index });
        }
        if index < expected {
            self.supersede(index)?;
        }
        self.entries.push_back(recovered(entry)?);
        self.enact(stores);
        Ok(())
    }

    /// The last entry that was found.
    fn last(&self) -> u64 {
        self.found.base.0 + self.entries.len() as u64
    }

    fn supersede(&mut self, from: u64) -> Result<(), RecoveryError> {
        let committed = self.found.applied;
        if from <= committed {
            return Err(RecoveryError::Undone { found: from, committed });
        }
        self.entries.truncate((from - self.found.base.0 - 1) as usize);
        Ok(())
    }

    /// Enacts what is known to be committed, and lets go of most of it.
    fn enact(&mut self, stores: &mut Stores<'_>) {
        let through = self.found.committed.min(self.last());
        while self.found.applied < through {
            let at = (self.found.applied - self.found.base.0) as usize;
            let Some(entry) = self.entries.get(at) else { return };
            let input = match entry.kind {
                EntryKind::Opaque => decode_proposal(&entry.payload),
                EntryKind::Noop | EntryKind::Change => None,
            };
            let State { core, stamp: last, term } = &mut self.state;
            let (stamp, input) = input.unwrap_or((*last, Input::Nothing));
            let Stores { sessions, publisher } = &mut *stores;
            core.enact(stamp, &input, Stores { sessions, publisher }, None);
            (*last, *term) = (stamp.max(*last), entry.term);
            if let Some(change) = entry.change() {
                let next = self.found.members.changed(change);
                self.found.members = next.unwrap_or_else(|| self.found.members.clone());
            }
            self.found.applied += 1;
            if self.found.applied - self.found.base.0 > self.tail_max as u64
                && let Some(gone) = self.entries.pop_front()
            {
                self.found.base = (self.found.base.0 + 1, gone.term);
            }
        }
    }

    /// Takes in that entries up to this one are committed, which a leader said.
    pub fn on_committed(&mut self, index: u64, stores: &mut Stores<'_>) {
        self.found.committed = self.found.committed.max(index);
        self.enact(stores);
    }

    /// What was found, and the state behind what of it is committed.
    pub fn finish(mut self) -> (Recovered, State) {
        self.found.committed = self.found.committed.min(self.last());
        self.found.term = self.found.term.max(self.entries.back().map_or(0, |entry| entry.term));
        self.found.entries = self.entries.into();
        (self.found, self.state)
    }
}

fn recovered(entry: &Entry<'_>) -> Result<RecoveredEntry, RecoveryError> {
    let (kind, payload) = match &entry.payload {
        Payload::Opaque([]) => (EntryKind::Noop, Vec::new()),
        Payload::Opaque(bytes) => (EntryKind::Opaque, bytes.to_vec()),
        Payload::Membership(bytes) => (EntryKind::Change, bytes.to_vec()),
        Payload::Input(input) => {
            let mut bytes = [0; PROPOSAL_BYTES_MAX];
            let len = encode_proposal(entry.now, input, &mut bytes);
            let len = len.ok_or(RecoveryError::TooLong(entry.sequence))?;
            (EntryKind::Opaque, bytes[..len].to_vec())
        }
        // Told apart by the caller.
        Payload::HardState(_) => (EntryKind::Noop, Vec::new()),
    };
    Ok(RecoveredEntry { term: u64::from(entry.epoch), kind, payload })
}

/// The change that a recovered entry makes, if it is one.
trait Changes {
    fn change(&self) -> Option<Change>;
}

impl Changes for RecoveredEntry {
    fn change(&self) -> Option<Change> {
        (self.kind == EntryKind::Change).then(|| Change::from_bytes(&self.payload)).flatten()
    }
}
