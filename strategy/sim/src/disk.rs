//! A node's disk: a journal's bytes, as far as they have arrived.

use crate::floor::{self, Floor};
use crate::oracle::{DIGEST_BEGIN, digest};
use crate::rng::Rng;
use cluster::{State, to_journal};
use journal::memory::{Damaged, Mark, MemoryJournal};
use journal::{Entry, Identity, Payload};
use replica::{Record, SnapshotMeta};
use std::collections::VecDeque;

/// Entries between two words of how far commits are.
const NOTE_EVERY: u64 = 32;

/// A snapshot's bytes, and behind which entry it is.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
}

/// A write that is under way.
#[derive(Clone, Copy, Debug)]
struct Write {
    /// The last record in it.
    record: u64,
    /// Bytes of the journal behind it.
    at: Mark,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Disk {
    journal: MemoryJournal,
    /// The write that is under way.
    under_way: Option<Write>,
    /// The last record that was taken and is to be written when the disk is free.
    waiting: Option<u64>,
    /// What the journal has up to the last write that is done.
    durable: Mark,
    /// For each index, the term of the entry that is on disk.
    terms: Vec<u64>,
    /// Entries under way: which record has one, its index and its term.
    pending: VecDeque<(u64, u64, u64)>,
    /// What the journal goes on behind, if that is not nothing.
    base: Option<Snapshot>,
    /// The snapshot that can be given to others, and one that came from another.
    pub(crate) newest: Option<Snapshot>,
    pub(crate) received: Option<Snapshot>,
    /// The journal and its base as they are until a snapshot's record is on disk.
    before: Option<(MemoryJournal, Option<Snapshot>, Vec<u64>)>,
    /// The hard state that was taken last, and how far commits are on record.
    hard: (u64, u64),
    noted: u64,
    /// A bit of what had arrived was flipped; what was to be read before.
    pub(crate) flipped: Option<u64>,
}

impl Disk {
    pub(crate) fn new(identity: Identity) -> Disk {
        let journal = MemoryJournal::new(identity);
        Disk {
            durable: journal.mark(),
            journal,
            under_way: None,
            waiting: None,
            terms: Vec::new(),
            base: None,
            newest: None,
            received: None,
            before: None,
            hard: (0, 0),
            noted: 0,
            pending: VecDeque::new(),
            flipped: None,
        }
    }

    /// Takes a record; it is written by the next [`Disk::write`].
    pub(crate) fn push(&mut self, number: u64, record: &Record<'_>, commit: u64) {
        match record {
            Record::Entry(entry) => self.pending.push_back((number, entry.index, entry.term)),
            Record::HardState { term, vote } => (self.hard, self.noted) = ((*term, *vote), commit),
            Record::Snapshot(meta) => self.begin_behind(number, meta),
            Record::Superseded { .. } => {}
        }
        self.waiting = Some(number);
        if let Some(entry) = to_journal(record, commit) {
            self.journal.push(&entry, self.durable_sequence());
        }
    }

    /// Keeps on record how far commits are, now and then: what is known to be committed need not be
    /// in memory after a start.
    pub(crate) fn note(&mut self, commit: u64) {
        if commit >= self.noted + NOTE_EVERY && self.hard.0 > 0 {
            self.noted = commit;
            let (term, vote) = self.hard;
            let record = Record::HardState { term, vote };
            if let Some(entry) = to_journal(&record, commit) {
                self.journal.push(&entry, self.durable_sequence());
            }
        }
    }

    /// The journal goes on behind the snapshot that was taken over.
    fn begin_behind(&mut self, number: u64, meta: &SnapshotMeta) {
        let snapshot = self.received.take().filter(|snapshot| snapshot.index == meta.index);
        assert!(snapshot.is_some(), "a snapshot of which there are no bytes");
        self.newest = snapshot.clone();
        let journal = MemoryJournal::behind(self.journal.identity(), meta.index, meta.term as u32);
        let before = std::mem::replace(&mut self.journal, journal);
        let base = std::mem::replace(&mut self.base, snapshot);
        // Should there be one under way already, it is that one's past that a crash goes back to.
        self.before.get_or_insert((before, base, self.terms.clone()));
        self.pending.push_back((number, meta.index, 0));
        let (term, vote) = self.hard;
        if let Some(entry) = to_journal(&Record::HardState { term, vote }, meta.index) {
            self.journal.push(&entry, 0);
        }
        self.noted = meta.index;
    }

    fn base_index(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.index)
    }

    /// The state that the journal goes on behind.
    pub(crate) fn base(&self) -> (Floor, State) {
        let loaded = self.base.as_ref().map(|base| floor::load(&base.bytes));
        loaded.map_or_else(floor::new, |loaded| loaded.expect("a snapshot"))
    }

    fn durable_sequence(&self) -> u64 {
        self.terms.len() as u64
    }

    /// Begins to write all that was taken since the last write, if the disk is free; whether it
    /// did.
    pub(crate) fn write(&mut self) -> bool {
        if self.under_way.is_some() {
            return false;
        }
        let Some(record) = self.waiting.take() else { return false };
        self.journal.flush(self.durable_sequence());
        self.under_way = Some(Write { record, at: self.journal.mark() });
        true
    }

    /// The write is done; the last record in it.
    pub(crate) fn done(&mut self) -> Option<u64> {
        let Write { record, at } = self.under_way.take()?;
        self.durable = at;
        while let Some(&(_, index, term)) = self.pending.front().filter(|(r, ..)| *r <= record) {
            self.pending.pop_front();
            if term == 0 {
                // A snapshot has all up to there, whatever the terms.
                self.terms = vec![0; index as usize];
                self.before = None;
                continue;
            }
            self.terms.truncate(index as usize - 1);
            self.terms.push(term);
        }
        Some(record)
    }

    /// Whether the entry is on this disk, or was when this node said so: what a flipped bit takes
    /// later is another matter.
    pub(crate) fn has(&self, index: u64, term: u64) -> bool {
        let terms = self.terms.get(index as usize - 1);
        terms.is_some_and(|has| [0, term].contains(has))
    }

    /// The process ends: of what was under way some has arrived, and some of that in part.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        if rng.one_in(3) {
            self.done();
        }
        let next = self.under_way.take().map(|write| write.at);
        if let Some((journal, base, terms)) = self.before.take() {
            // The snapshot's record was not on disk: all is as before, without what was under way.
            (self.journal, self.base, self.terms) = (journal, base, terms);
        }
        self.journal.cut(self.durable, next, |_| rng.next());
        self.waiting = None;
        self.pending.clear();
    }

    /// Flips a bit of what has arrived.
    pub(crate) fn flip(&mut self, rng: &mut Rng) {
        let before = self.digest();
        if self.journal.flip(self.durable, |bits| rng.below(bits)) {
            self.flipped = Some(before);
        }
    }

    /// A number for all that a start takes from here: the entries, and the last term and vote (the
    /// ones before are on record again where a segment begins). 0 when something is damaged.
    pub(crate) fn digest(&self) -> u64 {
        let (mut sum, mut last) = (DIGEST_BEGIN, String::new());
        let read = self.journal.read(None, |entry| match entry.payload {
            Payload::HardState(state) => last = format!("{state:?}"),
            _ => sum = digest(format!("{entry:?}").as_bytes(), sum),
        });
        if read.is_ok() { digest(last.as_bytes(), sum) } else { 0 }
    }

    /// Reads what has arrived.
    pub(crate) fn read(&self, sink: impl FnMut(&Entry<'_>)) -> Result<(), Damaged> {
        if self.before.is_some() {
            // Nothing behind the snapshot is.
            return Ok(());
        }
        self.journal.read(Some(self.durable), sink)
    }

    /// For a canary: takes what can be read before the first damage for all that there is.
    pub(crate) fn cut_damage(&mut self) {
        while let Err(damaged) = self.journal.read(None, |_| ()) {
            self.journal.cut_from(damaged.segment());
        }
    }

    /// Reads all that is there after a crash, and goes on behind it.
    pub(crate) fn start(&mut self, mut sink: impl FnMut(&Entry<'_>)) -> Result<(), Damaged> {
        self.terms = vec![0; self.base_index() as usize];
        let (terms, hard) = (&mut self.terms, &mut self.hard);
        self.journal.read(None, |entry| {
            if let Payload::HardState(state) = entry.payload {
                *hard = (state.term, state.vote);
            }
            if entry.payload.is_numbered() {
                terms.truncate(entry.sequence as usize - 1);
                terms.push(u64::from(entry.epoch));
            }
            sink(entry);
        })?;
        self.journal.reopen()?;
        self.durable = self.journal.mark();
        Ok(())
    }
}
