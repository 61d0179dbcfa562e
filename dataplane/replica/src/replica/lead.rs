//! What a leader does: takes proposals, changes the members, hands over, lets replies go.

use super::{Peer, Release, Replica};
use crate::config::SlowQuorum;
use crate::members::{Change, Members};
use crate::refused::NotProposed;
use crate::ring::Need;
use raft::eraftpb::{Entry, Message, MessageType};
use raft::{ProgressState, StateRole};

impl Replica {
    /// Takes a payload into the next batch; the index it is going to have, if this node leads on.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn propose(&mut self, now_ns: u64, payload: &[u8]) -> Result<u64, NotProposed> {
        self.now_ns = now_ns;
        self.may_propose()?;
        if payload.is_empty() || payload.len() > self.config.payload_bytes_max {
            return Err(NotProposed::Size);
        }
        if self.batch.len() == self.config.batch_entries_max {
            return Err(NotProposed::BatchFull);
        }
        let (entries, bytes) = (self.batch.len() + 1, self.batch_bytes + payload.len());
        if !self.make_room(Need { entries, bytes, proposed: true }) {
            return Err(NotProposed::LogFull);
        }
        let data = self.payloads.keep(payload);
        self.batch.push(Entry { data, ..Entry::default() });
        self.batch_bytes += payload.len();
        Ok(self.node.raft.raft_log.last_index() + self.batch.len() as u64)
    }

    /// Whether so many more proposals of `bytes` each would be taken before the next poll.
    pub fn has_room_for(&mut self, proposals: usize, bytes: usize) -> bool {
        let entries = self.batch.len() + proposals;
        let bytes = self.batch_bytes + proposals * bytes;
        self.may_propose().is_ok()
            && entries <= self.config.batch_entries_max
            && self.make_room(Need { entries, bytes, proposed: true })
    }

    fn may_propose(&self) -> Result<(), NotProposed> {
        let raft = &self.node.raft;
        if raft.state != StateRole::Leader {
            return Err(NotProposed::NotLeader);
        }
        if raft.lead_transferee.is_some() {
            return Err(NotProposed::Transferring);
        }
        Ok(())
    }

    /// Hands the batch to raft.
    pub(super) fn propose_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let entries: Vec<Entry> = self.batch.drain(..).collect();
        self.batch_bytes = 0;
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.from = self.config.node;
        message.set_entries(entries.into());
        // Not taken when leadership was lost since: the role tells of it.
        if self.node.raft.state == StateRole::Leader {
            let _ = self.node.step(message);
        }
    }

    /// Proposes a change of the members; its index. It counts from here on, and the next one may
    /// follow when it is committed. It is undone if a new leader supersedes it.
    ///
    /// # Errors
    /// Why it was not proposed: one at a time, never the leader itself, and by none that is not
    /// ready.
    pub fn propose_membership(&mut self, now_ns: u64, change: Change) -> Result<u64, NotProposed> {
        self.now_ns = now_ns;
        self.may_propose()?;
        self.propose_batch();
        if self.node.raft.has_pending_conf() || !self.node.raft.commit_to_current_term() {
            return Err(NotProposed::ChangePending);
        }
        let next = self.members.changed(change).filter(|next| *next != self.members);
        // A leader that is to leave hands over first.
        if next.is_none() || change.node() == self.config.node {
            return Err(NotProposed::BadChange);
        }
        let ours = change.to_bytes().to_vec();
        let proposed = self.node.propose_conf_change(ours, change.to_raft());
        proposed.map_err(|_| NotProposed::ChangePending)?;
        let index = self.node.raft.raft_log.last_index();
        self.adopt(index, self.node.raft.term, change);
        Ok(index)
    }

    /// Hands leadership to a voter, which campaigns as soon as it has the whole log. This node has
    /// no lease in its term from here on, whether it succeeds or not.
    ///
    /// # Errors
    /// When this node does not lead, or the other cannot.
    pub fn transfer_leadership(&mut self, to: u64) -> Result<(), NotProposed> {
        self.may_propose()?;
        if to == self.config.node || !self.members.voters.contains(&to) {
            return Err(NotProposed::BadChange);
        }
        self.propose_batch();
        self.lease.give_up();
        self.transfer_term = self.node.raft.term;
        self.node.transfer_leader(to);
        self.after_step();
        Ok(())
    }

    /// Whether the reply to the entry of this index may leave now. Ask with a clock that was read
    /// after the reply was made, right before it is handed to the port.
    pub fn may_release(&self, index: u64, now_ns: u64) -> Release {
        let raft = &self.node.raft;
        if raft.state != StateRole::Leader || !raft.commit_to_current_term() {
            return Release::NotLeader;
        }
        if !self.holds_lease(now_ns) {
            return Release::NoLease;
        }
        let committed = self.committed();
        if index <= committed {
            return Release::Committed;
        }
        let age_ns =
            |index| now_ns.saturating_sub(self.node.store().since_ns(index).unwrap_or(now_ns));
        match self.config.slow_quorum {
            SlowQuorum::Stall { bound_ns } if age_ns(index) > bound_ns => Release::Slow,
            SlowQuorum::Provisional { bound_ns, entries_max } if age_ns(index) > bound_ns => {
                let within = index - committed <= entries_max;
                if within { Release::Provisional } else { Release::Slow }
            }
            _ => Release::Wait,
        }
    }

    /// Whether this node leads and nobody can have succeeded it at that moment of its clock.
    pub fn holds_lease(&self, now_ns: u64) -> bool {
        now_ns < self.lease_until_ns()
    }

    /// Until when this node's lease holds; 0 when it has none.
    pub fn lease_until_ns(&self) -> u64 {
        let leads = self.node.raft.state == StateRole::Leader;
        if leads { self.lease.until_ns() } else { 0 }
    }

    /// The peers, as their leader sees them; nothing where this node does not lead.
    pub fn peers(&self) -> impl Iterator<Item = Peer> {
        let leads = self.node.raft.state == StateRole::Leader;
        let Members { voters, learners } = &self.members;
        let nodes = voters.iter().map(|&n| (n, true)).chain(learners.iter().map(|&n| (n, false)));
        let last = self.last().0;
        nodes.filter(move |(node, _)| leads && *node != self.config.node).filter_map(
            move |(node, votes)| {
                let progress = self.node.raft.prs().get(node)?;
                Some(Peer {
                    node,
                    votes,
                    matched: progress.matched,
                    lag_entries: last.saturating_sub(progress.matched),
                    snapshot: progress.state == ProgressState::Snapshot,
                    answered_ns: self.lease.answered_ns(node),
                })
            },
        )
    }
}
