//! What a replica asks of whoever drives it.

use crate::members::{Change, Members};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EntryKind {
    /// A new leader's first, which has no payload.
    Noop = 0,
    /// What was proposed.
    Opaque = 1,
    /// A change of the members, [`Change::to_bytes`].
    Change = 2,
}

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number in the log, from 1.
    pub index: u64,
    /// The term (epoch) of the leader who took it.
    pub term: u64,
    /// What it is.
    pub kind: EntryKind,
    /// What was proposed.
    pub payload: &'a [u8],
}

impl Entry<'_> {
    /// The change that it makes, if it is one.
    pub fn change(&self) -> Option<Change> {
        (self.kind == EntryKind::Change).then(|| Change::from_bytes(self.payload)).flatten()
    }
}

/// A snapshot of the state machine, of which this crate knows how many bytes it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// The last entry that is in it.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// The members behind that entry.
    pub members: Members,
    /// How many bytes it has.
    pub bytes: u64,
    /// What tells it from another one of the same index: a hash of its bytes.
    pub digest: u64,
}

/// What must be on disk. Records are numbered from 1 without a gap, and are to be written in that
/// order; [`crate::Replica::on_durable`] says how far the disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The term that this node is in, and whom it votes for in it (0: nobody).
    HardState {
        /// The term.
        term: u64,
        /// The node, or 0.
        vote: u64,
    },
    /// Entries from this one on, which were written before, are no longer of the log. Whoever
    /// executed them must go back.
    Superseded {
        /// The first of them.
        from: u64,
    },
    /// The next entry.
    Entry(Entry<'a>),
    /// The engine's state is now this snapshot's, whose bytes were handed over and verified
    /// before; the log before it, and all that was in its place, is void.
    Snapshot(&'a SnapshotMeta),
}

/// What a node does in its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RoleKind {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether it would be elected.
    PreCandidate,
    /// Asks to be elected.
    Candidate,
    /// Leads, and has not committed an entry of its term: it may not know what is committed.
    LeaderElect,
    /// Leads, and knows all that is committed.
    Leader,
}

/// A node's place in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// What it does.
    pub kind: RoleKind,
    /// The term (epoch).
    pub term: u64,
    /// Who leads, as far as this node knows; 0 for nobody.
    pub leader: u64,
}

/// Whoever drives a replica: its ports, its disk, its engine. Called by [`crate::Replica::poll`].
pub trait Outbox {
    /// Send these bytes to that node, soon. They may be lost.
    fn send(&mut self, to: u64, datagram: &[u8]);

    /// Write this record behind the ones before it.
    fn persist(&mut self, number: u64, record: Record<'_>);

    /// An entry is committed. Each is told once, in order, from the one behind
    /// [`crate::Recovered::applied`]; [`crate::Replica::on_applied`] says when the engine has it.
    fn committed(&mut self, entry: Entry<'_>);

    /// The role, the term or the leader is another one.
    fn role(&mut self, role: Role) {
        let _ = role;
    }

    /// The members that count are others: a change came into the log, committed or not, or one was
    /// superseded.
    fn members(&mut self, members: &Members) {
        let _ = members;
    }

    /// A peer is further behind than the log reaches: it needs a snapshot of `index_min` or later,
    /// [`crate::Replica::on_snapshot_ready`]. Told again while it is so.
    fn snapshot_wanted(&mut self, peer: u64, index_min: u64) {
        let _ = (peer, index_min);
    }

    /// Copy the bytes of the snapshot of that index from `offset` on; how many there were to copy,
    /// 0 when they are not at hand: asked again at the next poll. A snapshot that is asked for is
    /// best kept until it no longer is; without it the peer begins anew with a newer one.
    fn read_snapshot(&mut self, index: u64, offset: u64, into: &mut [u8]) -> usize {
        let _ = (index, offset, into);
        0
    }

    /// The next bytes of a snapshot that a leader sends. At offset 0 a new one begins, and what
    /// came of another one is void. When all are there, [`crate::Replica::on_snapshot_verified`]
    /// or [`crate::Replica::on_snapshot_bad`] is to follow.
    fn snapshot_bytes(&mut self, meta: &SnapshotMeta, offset: u64, bytes: &[u8]) {
        let _ = (meta, offset, bytes);
    }
}
