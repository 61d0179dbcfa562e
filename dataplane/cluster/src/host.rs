//! What a member asks of whoever drives it.

use replica::{Entry, Members, Record, Role, SnapshotMeta};
use types::Nanos;
use venue::Core;

/// The time, as whoever drives a member has read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// A clock that never runs backwards nor is set: for ticks and leases, in ns.
    pub clock_ns: u64,
    /// The time of the day: for stamps.
    pub stamp: Nanos,
}

/// What a node is to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: it has no connection, and does not answer for the service's address.
    #[default]
    Standby,
    /// It leads, and its lease ran out: it has the connections still, and sends nothing at all from
    /// the service's address.
    Muted {
        /// The term it leads in.
        term: u64,
    },
    /// It is the venue.
    Serving {
        /// The term it leads in.
        term: u64,
    },
}

/// The state behind the entries up to [`Core::inputs`]. The sessions' and the publisher's stores
/// that go with it are with whoever lends them.
#[derive(Debug)]
pub struct State {
    /// The engine and what stands around it.
    pub core: Core,
    /// The last entry's term; 0 when there is none.
    pub term: u64,
    /// The last input's stamp.
    pub stamp: Nanos,
}

/// Why a state is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// What was enacted is not what was agreed on.
    Diverged,
    /// The log goes on behind a snapshot that is on this node's disk.
    Overtaken,
}

/// A state that is wanted: of which entries it may be the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Why.
    pub why: Why,
    /// The first entry that will do: those behind it are in memory.
    pub least: u64,
    /// The last that this node's disk has as it was agreed on: what lies behind it there may have
    /// been superseded. It rises.
    pub most: u64,
}

/// Whoever drives a member: its ports and its disk. Called by [`crate::Member::poll`].
pub trait Host {
    /// Send these bytes to that node, soon. They may be lost.
    fn send(&mut self, to: u64, datagram: &[u8]);

    /// Write this record behind the ones before it; [`crate::Member::on_durable`] when it is there.
    /// [`crate::to_journal`] says what a journal calls it.
    fn persist(&mut self, number: u64, record: Record<'_>);

    /// What the node is to clients has changed.
    ///
    /// From standby to serving: take the service's address and tell the neighbours (gratuitous
    /// ARP). From serving to muted: send nothing from that address, not even a refusal. Back to
    /// serving: go on. To standby: give the address up, and forget all connections without a word
    /// to their clients, which another node may have by now.
    fn standing(&mut self, standing: Standing);

    /// A state is wanted, with the sessions' and the publisher's stores that go with it: made from
    /// the newest snapshot and the entries up to [`Need::most`] on this node's disk
    /// ([`crate::Recovery`]), for [`crate::Member::install`]. Told once, and again when one that
    /// was given did not do.
    fn state_wanted(&mut self, need: Need);

    /// An entry is committed: each is told once, in order, from what was recovered on. What is to
    /// be done about it the member does.
    fn committed(&mut self, entry: Entry<'_>) {
        let _ = entry;
    }

    /// The role, the term or the leader is another one.
    fn role(&mut self, role: Role) {
        let _ = role;
    }

    /// The members are others.
    fn members(&mut self, members: &Members) {
        let _ = members;
    }

    /// A peer is further behind than the log reaches: it needs a snapshot of `index_min` or later.
    fn snapshot_wanted(&mut self, peer: u64, index_min: u64) {
        let _ = (peer, index_min);
    }

    /// As [`replica::Outbox::read_snapshot`].
    fn read_snapshot(&mut self, index: u64, offset: u64, into: &mut [u8]) -> usize {
        let _ = (index, offset, into);
        0
    }

    /// As [`replica::Outbox::snapshot_bytes`].
    fn snapshot_bytes(&mut self, meta: &SnapshotMeta, offset: u64, bytes: &[u8]) {
        let _ = (meta, offset, bytes);
    }
}
