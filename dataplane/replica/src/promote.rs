//! A remote site takes over: an operator's decision, with what is lost said beforehand.
//!
//! A learner is never counted in a quorum, so what was acknowledged may not have reached it. When
//! the room with the voters is gone for good, the learner's log is what is left. It goes on as a
//! cluster of its own, with an identity of its own: a voter that comes back after all speaks of the
//! other cluster, and is refused, rather than there being two markets of one name.

use crate::members::{Change, Members};
use crate::outbox::EntryKind;
use crate::replica::{Recovered, Replica};

/// What a node knows of what it lacks. To be shown to the operator before [`Recovered::promoted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The last entry that the node has; all behind it is lost.
    pub last: u64,
    /// The last entry that a leader has told it to be committed.
    pub committed: u64,
    /// Committed entries that it lacks for certain.
    pub lost_at_least: u64,
    /// How long it has heard nothing, by its clock: what was committed since is lost too, and
    /// nobody here can say how much that was.
    pub silent_ns: u64,
}

impl Replica {
    /// What would be lost if this node were to go on alone.
    pub fn loss(&self, now_ns: u64) -> Loss {
        let (last, heard) = (self.last().0, self.heard_committed());
        let committed = heard.0.max(self.committed());
        Loss {
            last,
            committed,
            lost_at_least: committed.saturating_sub(last),
            silent_ns: now_ns.saturating_sub(heard.1),
        }
    }
}

impl Recovered {
    /// What a node has, as the beginning of a cluster in which it is alone. The configuration must
    /// name another cluster, with this node as its founder.
    ///
    /// All of the log counts as committed from the first term of the new cluster on; changes of the
    /// members in it become entries without meaning, since their nodes are not of this cluster.
    #[must_use]
    pub fn promoted(mut self, node: u64) -> Recovered {
        let alone = Members { voters: [node].into_iter().collect(), ..Members::default() };
        for entry in &mut self.entries {
            if entry.kind == EntryKind::Change && Change::from_bytes(&entry.payload).is_some() {
                entry.kind = EntryKind::Noop;
                entry.payload.clear();
            }
        }
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.members = alone.clone();
        }
        Recovered { members: alone, vote: 0, ..self }
    }
}
