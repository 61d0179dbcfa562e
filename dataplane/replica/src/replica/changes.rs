//! The members that count: those of the newest change in the log, committed or not.
//!
//! So Raft has it (Ongaro's dissertation, section 4.1): a node goes by the latest configuration in
//! its log, and back when that entry is superseded; and a leader has committed an entry of its own
//! term before it proposes a change (Ongaro, raft-dev, 2015). With one change at a time, any two
//! majorities that can be at work then have a node in common. Raft-rs leaves it to its user when a
//! change applies, and says: when it is committed. That is not enough: a node that has two changes
//! in its log and has not heard that they are committed, or has forgotten it in a restart, would be
//! elected by a majority of members that are none any more (`tests/seeds.rs` found it).

use super::Replica;
use crate::codec::Entries;
use crate::members::{Change, Members};
use raft::StateRole;

/// A change that is in the log.
struct Adopted {
    index: u64,
    term: u64,
    node: u64,
    before: Members,
}

/// The changes in the log that the engine is not past.
#[derive(Default)]
pub(super) struct Changes {
    adopted: Vec<Adopted>,
    /// The last change before those.
    settled: u64,
    /// The members are others than the driver was told.
    pub(super) news: bool,
}

impl Changes {
    /// No change, behind a snapshot.
    pub(super) fn behind(index: u64) -> Changes {
        Changes { adopted: Vec::new(), settled: index, news: true }
    }

    /// Notes a change of a log that is read back, and makes it.
    pub(super) fn note(&mut self, at: (u64, u64), change: Change, members: &mut Members) {
        let (index, term) = at;
        let before = members.clone();
        *members = members.changed(change).unwrap_or_else(|| before.clone());
        self.adopted.push(Adopted { index, term, node: change.node(), before });
    }

    /// The last change that counts.
    fn last(&self) -> u64 {
        self.adopted.last().map_or(self.settled, |adopted| adopted.index)
    }

    /// Lets go of what the engine is past: that can no longer be superseded.
    pub(super) fn settle(&mut self, applied: u64) {
        let done = self.adopted.iter().take_while(|adopted| adopted.index <= applied).count();
        if let Some(last) = self.adopted.drain(..done).next_back() {
            self.settled = last.index;
        }
    }

    /// The members behind that entry, where they are not the latest.
    pub(super) fn behind_entry(&self, index: u64) -> Option<&Members> {
        self.adopted.iter().find(|adopted| adopted.index > index).map(|adopted| &adopted.before)
    }
}

impl Replica {
    /// Makes a change that came into the log.
    pub(super) fn adopt(&mut self, index: u64, term: u64, change: Change) {
        let mut members = self.members.clone();
        self.changes.note((index, term), change, &mut members);
        self.become_of(change, members);
    }

    /// After an append: changes that were superseded are undone, those that came are made.
    pub(super) fn review_changes(&mut self, entries: Entries<'_>) {
        let log = &self.node.raft.raft_log;
        let stands = |index, term| log.term(index).is_ok_and(|held| held == term);
        let keep = self.changes.adopted.iter().take_while(|a| stands(a.index, a.term)).count();
        for gone in self.changes.adopted.split_off(keep).into_iter().rev() {
            let node = gone.node;
            let undo = match &gone.before {
                before if before.voters.contains(&node) => Change::AddVoter(node),
                before if before.learners.contains(&node) => Change::AddLearner(node),
                _ => Change::Remove(node),
            };
            self.become_of(undo, gone.before);
        }
        for entry in entries.iter() {
            let Some(change) = entry.change() else { continue };
            let held = self.node.raft.raft_log.term(entry.index).unwrap_or(0);
            if held == entry.term && entry.index > self.changes.last() {
                self.adopt(entry.index, entry.term, change);
            }
        }
    }

    /// Has raft make a change, of which these members are the outcome.
    fn become_of(&mut self, change: Change, members: Members) {
        // It fails where nobody would be left to vote, which no leader proposes.
        let _ = self.node.apply_conf_change(&change.to_raft());
        self.members = members;
        self.changes.news = true;
        let raft = &mut self.node.raft;
        if raft.state == StateRole::Leader && !self.members.voters.contains(&self.config.node) {
            // Raft would go on to lead a cluster in which it has no progress of its own.
            let term = raft.term;
            raft.become_follower(term, raft::INVALID_ID);
        }
        self.lease.on_members(&self.members);
        self.after_step();
    }
}
