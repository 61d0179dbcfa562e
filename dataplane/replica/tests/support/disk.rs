//! A disk that keeps what was written up to some record, and what a poll gave.

use replica::{Entry, Outbox, Record, Recovered, RecoveredEntry, Role};

/// A record as a disk keeps it.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    HardState { term: u64, vote: u64 },
    Superseded { from: u64 },
    Entry { index: u64, entry: RecoveredEntry },
}

/// What a disk has, and how much of it survives a crash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) records: Vec<Kept>,
    pub(crate) durable: usize,
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

    /// What a node finds when it starts again.
    pub(crate) fn recover(&mut self) -> Recovered {
        let mut found = Recovered { records: self.records.len() as u64, ..Recovered::default() };
        for record in &self.records {
            match record {
                Kept::HardState { term, vote } => (found.term, found.vote) = (*term, *vote),
                Kept::Superseded { from } => found.entries.truncate(*from as usize - 1),
                Kept::Entry { index, entry } => {
                    assert_eq!(*index as usize, found.entries.len() + 1, "a gap on disk");
                    found.entries.push(entry.clone());
                }
            }
        }
        found
    }
}

/// What a poll gave; records go to the disk at once.
pub(crate) struct Out<'d> {
    disk: &'d mut Disk,
    pub(crate) sent: Vec<(u64, Vec<u8>)>,
    pub(crate) committed: Vec<(u64, RecoveredEntry)>,
    pub(crate) roles: Vec<Role>,
    pub(crate) written: bool,
}

impl Out<'_> {
    pub(crate) fn new(disk: &mut Disk) -> Out<'_> {
        Out { disk, sent: vec![], committed: vec![], roles: vec![], written: false }
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
            Record::Snapshot(_) => panic!("no snapshot was sent"),
        });
        assert_eq!(number, self.disk.records.len() as u64, "records are numbered without a gap");
    }

    fn committed(&mut self, entry: Entry<'_>) {
        self.committed.push((entry.index, owned(&entry)));
    }

    fn role(&mut self, role: Role) {
        self.roles.push(role);
    }
}
