//! The tail of the log in memory, as raft's storage.
//!
//! A queue of fixed capacity: entries come in behind, the oldest leave in front once the disk, the
//! engine and raft have them. Payloads lie in blocks that many of them share, so that an entry
//! costs no allocation of its own ([`Payloads`]).

use crate::config::{Config, ConfigError};
use crate::members::Members;
use crate::outbox::{Entry as OurEntry, EntryKind, SnapshotMeta};
use crate::replica::Recovered;
use bytes::{Bytes, BytesMut};
use raft::eraftpb::{ConfState, Entry, EntryType, HardState, Snapshot};
use raft::{Error, GetEntriesContext, RaftState, Result, Storage, StorageError};
use std::cell::Cell;
use std::collections::VecDeque;

/// Entries beyond the configured capacity, for all but proposals: a log that is full of what is not
/// committed must have room for a new leader's first entry, or nothing is committed ever.
const SPARE_ENTRIES: usize = 1024;
/// Bytes beyond the configured ones, for the same.
const SPARE_BYTES: usize = 1 << 16;
/// Datagrams of an append that catches a peer up.
const APPEND_DATAGRAMS: usize = 4;
/// Bytes of a block of payloads.
const BLOCK_BYTES: usize = 1 << 16;

/// Copies payloads into shared blocks.
pub(crate) struct Payloads(BytesMut);

impl Payloads {
    pub(crate) fn new() -> Payloads {
        Payloads(BytesMut::with_capacity(BLOCK_BYTES))
    }

    pub(crate) fn keep(&mut self, payload: &[u8]) -> Bytes {
        if self.0.capacity() < payload.len() {
            self.0 = BytesMut::with_capacity(BLOCK_BYTES.max(payload.len()));
        }
        self.0.extend_from_slice(payload);
        self.0.split().freeze()
    }
}

/// An entry with what only this node knows of it.
struct Slot {
    entry: Entry,
    /// The number of the record that has it.
    record: u64,
    /// When it came here.
    since_ns: u64,
}

/// What an entry of raft's is to us.
pub(crate) fn view(entry: &Entry) -> OurEntry<'_> {
    let (kind, payload) = match entry.entry_type {
        EntryType::EntryNormal if entry.data.is_empty() => (EntryKind::Noop, &entry.data),
        EntryType::EntryNormal => (EntryKind::Opaque, &entry.data),
        // Where a change is proposed, raft puts its own encoding into `data`, and reads it there
        // and nowhere else; ours is in `context`.
        _ => (EntryKind::Change, &entry.context),
    };
    OurEntry { index: entry.index, term: entry.term, kind, payload }
}

/// Room that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
    pub(crate) proposed: bool,
}

/// The tail of the log.
pub(crate) struct LogRing {
    slots: VecDeque<Slot>,
    /// Index and term of the entry before the first one here.
    base: (u64, u64),
    /// The record by which everything up to `base` is on disk.
    base_record: u64,
    bytes: usize,
    entries_max: usize,
    bytes_max: usize,
    /// Bytes of payload that a peer is sent at a time.
    batch_bytes: usize,
    initial: (HardState, ConfState),
    /// The newest snapshot that can be sent.
    pub(crate) snapshot: Option<SnapshotMeta>,
    /// Which peer raft wanted a snapshot for, and from which index on.
    wanted: Cell<Option<(u64, u64)>>,
    /// Raft is making a `Ready`: committed entries are told from here, not by copies.
    pub(crate) quiet: Cell<bool>,
}

impl LogRing {
    pub(crate) fn new(
        config: &Config,
        recovered: &Recovered,
        members: &Members,
        payloads: &mut Payloads,
    ) -> std::result::Result<LogRing, ConfigError> {
        let (term, vote) = recovered.hard_state();
        let commit = recovered.committed.max(recovered.applied).max(recovered.base.0);
        let hard = HardState { term, vote, commit, ..HardState::default() };
        let mut ring = LogRing {
            slots: VecDeque::with_capacity(
                recovered.entries.len().max(config.log_entries) + SPARE_ENTRIES,
            ),
            base: recovered.base,
            base_record: 0,
            bytes: 0,
            entries_max: config.log_entries,
            bytes_max: config.log_bytes,
            batch_bytes: config.datagram_bytes * APPEND_DATAGRAMS,
            initial: (hard, members.to_raft()),
            snapshot: recovered.snapshot.clone(),
            wanted: Cell::new(None),
            quiet: Cell::new(false),
        };
        for kept in &recovered.entries {
            let index = ring.last().0 + 1;
            if kept.term < ring.last().1 || kept.term > term || kept.term == 0 {
                return Err(ConfigError::Recovered(
                    "terms of entries fall, or are not of its past",
                ));
            }
            let view = OurEntry { index, term: kept.term, kind: kept.kind, payload: &kept.payload };
            let entry = entry_of(view, payloads).ok_or(ConfigError::Recovered("not an entry"))?;
            ring.push(entry, 0, 0);
        }
        // Those behind the last snapshot, some of which the log had let go of: it has room for
        // new ones when the engine is further.
        if ring.slots.len() > 2 * config.log_entries {
            return Err(ConfigError::Recovered("more than twice the entries that the log keeps"));
        }
        if ring.initial.0.commit > ring.last().0 {
            return Err(ConfigError::Recovered("less than was applied"));
        }
        Ok(ring)
    }

    /// Index and term of the newest entry.
    pub(crate) fn last(&self) -> (u64, u64) {
        self.slots.back().map_or(self.base, |slot| (slot.entry.index, slot.entry.term))
    }

    fn slot(&self, index: u64) -> Option<&Slot> {
        self.slots.get(index.checked_sub(self.base.0 + 1)? as usize)
    }

    pub(crate) fn get(&self, index: u64) -> Option<OurEntry<'_>> {
        self.slot(index).map(|slot| view(&slot.entry))
    }

    /// When an entry came here.
    pub(crate) fn since_ns(&self, index: u64) -> Option<u64> {
        self.slot(index).map(|slot| slot.since_ns)
    }

    /// The record that has everything up to this index on disk.
    pub(crate) fn record_of(&self, index: u64) -> u64 {
        self.slot(index).map_or(self.base_record, |slot| slot.record)
    }

    pub(crate) fn push(&mut self, entry: Entry, record: u64, since_ns: u64) {
        debug_assert_eq!(entry.index, self.last().0 + 1);
        self.bytes += entry.data.len();
        self.slots.push_back(Slot { entry, record, since_ns });
    }

    /// Drops the entries from this one on; whether there were any.
    pub(crate) fn truncate(&mut self, from: u64) -> bool {
        let keep = from.saturating_sub(self.base.0 + 1) as usize;
        let gone = self.slots.len().saturating_sub(keep);
        for slot in self.slots.drain(self.slots.len() - gone..) {
            self.bytes -= slot.entry.data.len();
        }
        gone > 0
    }

    /// Puts a snapshot in the place of everything.
    pub(crate) fn restart(&mut self, meta: &SnapshotMeta, record: u64) {
        self.slots.clear();
        self.bytes = 0;
        self.base = (meta.index, meta.term);
        self.base_record = record;
    }

    /// The index before the first one here.
    pub(crate) fn base(&self) -> u64 {
        self.base.0
    }

    /// Whether `entries` more of `bytes` have room, when entries up to `through` may go. Proposals
    /// leave the spare room to others.
    pub(crate) fn make_room(&mut self, need: Need, through: u64) -> bool {
        let Need { entries, bytes, proposed } = need;
        let spare = if proposed { (0, 0) } else { (SPARE_ENTRIES, SPARE_BYTES) };
        let (entries_max, bytes_max) = (self.entries_max + spare.0, self.bytes_max + spare.1);
        while self.slots.len() + entries > entries_max || self.bytes + bytes > bytes_max {
            match self.slots.front() {
                Some(slot) if slot.entry.index <= through => {
                    self.base = (slot.entry.index, slot.entry.term);
                    self.base_record = slot.record;
                    self.bytes -= slot.entry.data.len();
                    self.slots.pop_front();
                }
                _ => return false,
            }
        }
        true
    }

    /// Which peer wants a snapshot, and from which index on; told once.
    pub(crate) fn take_wanted(&self) -> Option<(u64, u64)> {
        self.wanted.take()
    }

    /// Clones of entries, as many as fit into a batch where raft can take fewer.
    fn copies(&self, low: u64, high: u64, capped: bool) -> Vec<Entry> {
        let first = (low - self.base.0 - 1) as usize;
        let wanted = self.slots.range(first..(high - self.base.0 - 1) as usize);
        let mut left = if capped { self.batch_bytes } else { usize::MAX };
        let fits = |slot: &&Slot| {
            let cost = slot.entry.data.len() + slot.entry.context.len() + 12;
            let fits = left > 0;
            left = left.saturating_sub(cost);
            fits
        };
        wanted.take_while(fits).map(|slot| slot.entry.clone()).collect()
    }
}

/// An entry for raft; `None` when it is none.
pub(crate) fn entry_of(from: OurEntry<'_>, payloads: &mut Payloads) -> Option<Entry> {
    let mut entry = Entry { index: from.index, term: from.term, ..Entry::default() };
    match from.kind {
        EntryKind::Noop => from.payload.is_empty().then_some(())?,
        EntryKind::Opaque => {
            (!from.payload.is_empty()).then_some(())?;
            entry.data = payloads.keep(from.payload);
        }
        EntryKind::Change => {
            crate::members::Change::from_bytes(from.payload)?;
            entry.context = payloads.keep(from.payload);
            entry.set_entry_type(EntryType::EntryConfChange);
        }
    }
    Some(entry)
}

impl Storage for LogRing {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState::new(self.initial.0.clone(), self.initial.1.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        _max_size: impl Into<Option<u64>>,
        context: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if self.quiet.get() {
            return Ok(Vec::new());
        }
        if low <= self.base.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        if high > self.last().0 + 1 {
            return Err(Error::Store(StorageError::Unavailable));
        }
        // Raft can wait for entries just where it sends them, and there it can do with fewer.
        Ok(self.copies(low, high, context.can_async()))
    }

    fn term(&self, index: u64) -> Result<u64> {
        match self.slot(index) {
            Some(slot) => Ok(slot.entry.term),
            None if index == self.base.0 => Ok(self.base.1),
            None if index < self.base.0 => Err(Error::Store(StorageError::Compacted)),
            None => Err(Error::Store(StorageError::Unavailable)),
        }
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.base.0 + 1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.last().0)
    }

    fn snapshot(&self, request_index: u64, to: u64) -> Result<Snapshot> {
        let mut index_min = request_index.max(self.base.0);
        let made = self.snapshot.as_ref();
        // A node takes no snapshot of members that it is not one of.
        if let Some(before) = made.filter(|meta| !meta.members.have(to)) {
            index_min = index_min.max(before.index + 1);
        }
        match made {
            Some(meta) if meta.index >= index_min => {
                let mut snapshot = Snapshot::default();
                let about = snapshot.mut_metadata();
                about.index = meta.index;
                about.term = meta.term;
                about.set_conf_state(meta.members.to_raft());
                Ok(snapshot)
            }
            _ => {
                self.wanted.set(Some((to, index_min)));
                Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable))
            }
        }
    }
}
