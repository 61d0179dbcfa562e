//! A disk that keeps what was written up to some record, and what a poll gave.

use replica::{Entry, EntryKind, Outbox, Record, Recovered, RecoveredEntry, Role, SnapshotMeta};
use std::collections::BTreeMap;

/// What an engine would have: here, all that it was told.
pub(crate) type State = BTreeMap<u64, RecoveredEntry>;

/// A state as bytes.
pub(crate) fn freeze(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, entry) in state {
        bytes.extend(index.to_le_bytes());
        bytes.extend(entry.term.to_le_bytes());
        bytes.push(entry.kind as u8);
        bytes.extend((entry.payload.len() as u32).to_le_bytes());
        bytes.extend(&entry.payload);
    }
    bytes
}

/// And back.
pub(crate) fn thaw(mut bytes: &[u8]) -> State {
    let mut take = |n: usize| {
        let (taken, rest) = bytes.split_at_checked(n)?;
        bytes = rest;
        Some(taken)
    };
    let mut state = State::new();
    while let Some(index) = take(8) {
        let number = |bytes: Option<&[u8]>| {
            bytes.expect("whole").iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
        };
        let (index, term) = (number(Some(index)), number(take(8)));
        let kind = match number(take(1)) {
            0 => EntryKind::Noop,
            1 => EntryKind::Opaque,
            _ => EntryKind::Change,
        };
        let len = number(take(4)) as usize;
        let payload = take(len).expect("whole").to_vec();
        state.insert(index, RecoveredEntry { term, kind, payload });
    }
    state
}

/// A number that two snapshots do not share.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A record as a disk keeps it.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    HardState { term: u64, vote: u64 },
    Superseded { from: u64 },
    Entry { index: u64, entry: RecoveredEntry },
    Snapshot { meta: SnapshotMeta, bytes: Vec<u8> },
}

/// What a disk has, and how much of it survives a crash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) records: Vec<Kept>,
    pub(crate) durable: usize,
    /// The node's own newest snapshot: a file beside the records.
    pub(crate) snapshot: Option<(SnapshotMeta, Vec<u8>)>,
}

impl Disk {
    /// Records that are written and not yet known to be there.
    pub(crate) fn pending(&self) -> u64 {
        (self.records.len() - self.durable) as u64
    }

    /// All that was durable stays, and `torn` records more.
    pub(crate) fn crash(&mut self, torn: usize) {
        self.durable += torn;
        self.records.truncate(self.durable);
    }

    /// From which entries on the log was superseded.
    pub(crate) fn superseded(&self) -> Vec<u64> {
        let from = |record: &Kept| match record {
            Kept::Superseded { from } => Some(*from),
            _ => None,
        };
        self.records.iter().filter_map(from).collect()
    }

    /// What a node finds when it starts again, and its engine.
    pub(crate) fn recover(&mut self) -> (Recovered, State) {
        let mut found = Recovered { records: self.records.len() as u64, ..Recovered::default() };
        let mut state = State::new();
        for record in &self.records {
            match record {
                Kept::HardState { term, vote } => (found.term, found.vote) = (*term, *vote),
                Kept::Superseded { from } => {
                    found.entries.truncate((*from - found.base.0) as usize - 1);
                }
                Kept::Entry { index, entry } => {
                    let next = found.base.0 + found.entries.len() as u64 + 1;
                    assert_eq!(*index, next, "a gap on disk");
                    found.entries.push(entry.clone());
                }
                Kept::Snapshot { meta, bytes } => {
                    found.entries.clear();
                    found.base = (meta.index, meta.term);
                    (found.applied, found.members) = (meta.index, meta.members.clone());
                    state = thaw(bytes);
                }
            }
        }
        if let Some((meta, bytes)) = self.snapshot.clone() {
            // A snapshot of its own: the log goes on behind it. Where the log's end was torn off
            // before that, as others had committed what it had not on disk yet, it begins there.
            found.snapshot = Some(meta.clone());
            let has = found.base.0 + found.entries.len() as u64;
            if meta.index > found.base.0 {
                let gone = (meta.index - found.base.0) as usize;
                found.entries.drain(..gone.min(found.entries.len()));
                found.base = (meta.index, meta.term);
                (found.applied, found.members) = (meta.index, meta.members.clone());
                state = thaw(&bytes);
            }
            if meta.index > has {
                self.records.push(Kept::Snapshot { meta, bytes });
                self.durable = self.records.len();
                found.records = self.records.len() as u64;
            }
        }
        (found, state)
    }
}

/// What a poll gave; records go to the disk at once.
pub(crate) struct Out<'d> {
    disk: &'d mut Disk,
    state: &'d mut State,
    arriving: &'d mut Vec<u8>,
    pub(crate) sent: Vec<(u64, Vec<u8>)>,
    pub(crate) committed: Vec<(u64, RecoveredEntry)>,
    pub(crate) roles: Vec<Role>,
    pub(crate) written: bool,
    pub(crate) wanted: bool,
    pub(crate) restored: bool,
    /// A snapshot whose bytes are all there, and whether they are good.
    pub(crate) whole: Option<(u64, bool)>,
}

impl<'d> Out<'d> {
    pub(crate) fn new(
        disk: &'d mut Disk,
        state: &'d mut State,
        arriving: &'d mut Vec<u8>,
    ) -> Out<'d> {
        let (sent, committed, roles) = (vec![], vec![], vec![]);
        let (written, wanted, restored, whole) = (false, false, false, None);
        Out { disk, state, arriving, sent, committed, roles, written, wanted, restored, whole }
    }
}

pub(crate) fn owned(entry: &Entry<'_>) -> RecoveredEntry {
    RecoveredEntry { term: entry.term, kind: entry.kind, payload: entry.payload.to_vec() }
}

impl Outbox for Out<'_> {
    fn send(&mut self, to: u64, datagram: &[u8]) {
        self.sent.push((to, datagram.to_vec()));
    }

    fn persist(&mut self, number: u64, record: Record<'_>) {
        self.written = true;
        self.disk.records.push(match record {
            Record::HardState { term, vote } => Kept::HardState { term, vote },
            Record::Superseded { from } => Kept::Superseded { from },
            Record::Entry(entry) => Kept::Entry { index: entry.index, entry: owned(&entry) },
            Record::Snapshot(meta) => {
                let bytes = std::mem::take(self.arriving);
                assert_eq!(digest(&bytes), meta.digest, "not what was verified");
                *self.state = thaw(&bytes);
                self.restored = true;
                self.disk.snapshot = Some((meta.clone(), bytes.clone()));
                Kept::Snapshot { meta: meta.clone(), bytes }
            }
        });
        assert_eq!(number, self.disk.records.len() as u64, "records are numbered without a gap");
    }

    fn committed(&mut self, entry: Entry<'_>) {
        self.committed.push((entry.index, owned(&entry)));
        self.state.insert(entry.index, owned(&entry));
    }

    fn snapshot_wanted(&mut self, _peer: u64, _index_min: u64) {
        self.wanted = true;
    }

    fn read_snapshot(&mut self, index: u64, offset: u64, into: &mut [u8]) -> usize {
        let Some((_, bytes)) = self.disk.snapshot.as_ref().filter(|(m, _)| m.index == index) else {
            return 0;
        };
        let from = &bytes[offset as usize..];
        let len = from.len().min(into.len());
        into[..len].copy_from_slice(&from[..len]);
        len
    }

    fn snapshot_bytes(&mut self, meta: &SnapshotMeta, offset: u64, bytes: &[u8]) {
        self.arriving.truncate(offset as usize);
        assert_eq!(self.arriving.len() as u64, offset, "bytes come in order");
        self.arriving.extend_from_slice(bytes);
        if self.arriving.len() as u64 == meta.bytes {
            self.whole = Some((meta.index, digest(self.arriving) == meta.digest));
        }
    }

    fn role(&mut self, role: Role) {
        self.roles.push(role);
    }
}
