//! Who votes, who only listens, and in which order they succeed.

use arrayvec::ArrayVec;
use raft::eraftpb::{ConfChange, ConfChangeType, ConfState};

/// The most nodes that vote: five is the largest that is worth its round trips, and seven is what
/// a change of all five passes through.
pub const VOTERS_MAX: usize = 7;
/// The most nodes that only listen.
pub const LEARNERS_MAX: usize = 8;

/// The nodes of a cluster. Voters stand in the order of succession.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Those whose disks count for a commit, and who may lead.
    pub voters: ArrayVec<u64, VOTERS_MAX>,
    /// Those who are sent everything and are never counted: a remote site.
    pub learners: ArrayVec<u64, LEARNERS_MAX>,
}

/// One change of the members. It counts as soon as it is in a node's log; the next one may follow
/// when it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a voter, or makes one of a learner.
    AddVoter(u64),
    /// Adds a learner.
    AddLearner(u64),
    /// Takes a node out.
    Remove(u64),
}

impl Members {
    /// These voters and nobody else; `None` when there are too many, or the members do not check.
    pub fn of_voters(voters: &[u64]) -> Option<Members> {
        let voters = ArrayVec::try_from(voters).ok()?;
        let members = Members { voters, learners: ArrayVec::new() };
        members.are_sound().then_some(members)
    }

    /// Somebody votes, nobody is there twice, and nobody is number 0.
    pub fn are_sound(&self) -> bool {
        let all = || self.voters.iter().chain(&self.learners);
        let once = all()
            .enumerate()
            .all(|(at, node)| *node != 0 && !all().skip(at + 1).any(|n| n == node));
        once && !self.voters.is_empty()
    }

    /// Whether the node is one of them, in whichever part.
    pub fn have(&self, node: u64) -> bool {
        self.voters.contains(&node) || self.learners.contains(&node)
    }

    /// How many voters make a majority.
    pub fn quorum(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// How many voters are to campaign before `node` when `leader` is gone: they go round the list
    /// of voters from the leader on. Without a leader (0), from the list's beginning.
    pub fn place(&self, node: u64, leader: u64) -> usize {
        let at = |who| self.voters.iter().position(|&voter| voter == who);
        let (Some(own), n) = (at(node), self.voters.len()) else { return self.voters.len() };
        at(leader).map_or(own, |leader| (own + n - leader + n - 1) % n)
    }

    /// These members behind a change; `None` when there is no room for it or nobody would vote.
    pub fn changed(&self, change: Change) -> Option<Members> {
        let mut next = self.clone();
        let node = change.node();
        let was_voter = next.voters.contains(&node);
        next.learners.retain(|&mut learner| learner != node);
        match change {
            Change::AddVoter(_) if was_voter => {}
            Change::AddVoter(_) => next.voters.try_push(node).ok()?,
            // What raft calls a demotion: allowed by one change as a removal is.
            Change::AddLearner(_) => {
                next.voters.retain(|&mut voter| voter != node);
                next.learners.try_push(node).ok()?;
            }
            Change::Remove(_) => next.voters.retain(|&mut voter| voter != node),
        }
        next.are_sound().then_some(next)
    }

    pub(crate) fn to_raft(&self) -> ConfState {
        let (voters, learners) = (self.voters.to_vec(), self.learners.to_vec());
        ConfState { voters, learners, ..ConfState::default() }
    }
}

impl Change {
    /// Whom it is about.
    pub fn node(self) -> u64 {
        match self {
            Change::AddVoter(node) | Change::AddLearner(node) | Change::Remove(node) => node,
        }
    }

    /// Bytes of a change in an entry.
    pub const BYTES: usize = 16;

    /// As it lies in a record and in a datagram: kind (1 adds a voter, 2 a learner, 3 removes),
    /// seven zeros, node.
    pub fn to_bytes(self) -> [u8; Change::BYTES] {
        let mut bytes = [0; Change::BYTES];
        bytes[0] = match self {
            Change::AddVoter(_) => 1,
            Change::AddLearner(_) => 2,
            Change::Remove(_) => 3,
        };
        bytes[8..].copy_from_slice(&self.node().to_le_bytes());
        bytes
    }

    /// Reads what [`Change::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Change> {
        let bytes: &[u8; Change::BYTES] = bytes.try_into().ok()?;
        let (kind, node) = bytes.split_first_chunk::<8>()?;
        let node = u64::from_le_bytes(node.try_into().ok()?);
        let change = match kind {
            [1, 0, 0, 0, 0, 0, 0, 0] => Change::AddVoter(node),
            [2, 0, 0, 0, 0, 0, 0, 0] => Change::AddLearner(node),
            [3, 0, 0, 0, 0, 0, 0, 0] => Change::Remove(node),
            _ => return None,
        };
        (node != 0).then_some(change)
    }

    pub(crate) fn to_raft(self) -> ConfChange {
        let mut change = ConfChange { node_id: self.node(), ..ConfChange::default() };
        change.set_change_type(match self {
            Change::AddVoter(_) => ConfChangeType::AddNode,
            Change::AddLearner(_) => ConfChangeType::AddLearnerNode,
            Change::Remove(_) => ConfChangeType::RemoveNode,
        });
        change
    }
}
