//! What must be true of a cluster after every step.

use super::Node;
use super::disk::owned;
use replica::{RecoveredEntry, Refused, Replica, Role, RoleKind};
use std::collections::BTreeMap;

/// What was seen so far, of all nodes.
#[derive(Default)]
pub(crate) struct Check {
    /// Nothing is checked: somebody lies, and just that nobody falls is of interest.
    pub(crate) off: bool,
    /// Who led in which term.
    pub(crate) leaders: BTreeMap<u64, u64>,
    /// Every entry that any node was told as committed.
    pub(crate) truth: BTreeMap<u64, RecoveredEntry>,
    pub(crate) refused: BTreeMap<Refused, u64>,
    /// Steps in which some node held a lease.
    pub(crate) leased: u64,
    /// Snapshots that nodes made.
    pub(crate) snapshots: u64,
    /// Snapshots that nodes took over from a leader.
    pub(crate) restored: u64,
}

impl Check {
    /// A committed entry is the same everywhere, and stays.
    pub(crate) fn committed(&mut self, id: u64, index: u64, entry: &RecoveredEntry) {
        if self.off {
            return;
        }
        let known = self.truth.entry(index).or_insert_with(|| entry.clone());
        assert_eq!(known, entry, "node {id} was told another entry {index}");
    }

    /// A term has one leader, and the leader has all that was committed before.
    pub(crate) fn role(&mut self, id: u64, role: Role, replica: &Replica) {
        if self.off || !matches!(role.kind, RoleKind::Leader | RoleKind::LeaderElect) {
            return;
        }
        let leader = *self.leaders.entry(role.term).or_insert(id);
        assert_eq!(leader, id, "two leaders in term {}", role.term);
        let before = |(index, entry): &(&u64, &RecoveredEntry)| {
            entry.term < role.term && **index > replica.base()
        };
        for (index, entry) in self.truth.iter().filter(before) {
            let held = replica.entry(*index).map(|held| owned(&held));
            assert_eq!(held.as_ref(), Some(entry), "leader {id} of {} lacks {index}", role.term);
        }
    }

    pub(crate) fn refused(&mut self, taken: Result<(), Refused>) {
        if let Err(why) = taken {
            *self.refused.entry(why).or_default() += 1;
        }
    }

    /// Who holds a lease by its own clock has no successor.
    pub(crate) fn leases(&mut self, nodes: &BTreeMap<u64, Node>, now_ns: u64) {
        if self.off {
            return;
        }
        let live = || nodes.iter().filter_map(|(id, n)| Some((*id, n, n.replica.as_ref()?)));
        let holders = live().filter(|(_, n, replica)| replica.holds_lease(n.clock_ns(now_ns)));
        for (id, _, holder) in holders {
            self.leased += 1;
            let term = holder.role().term;
            for (other, _, replica) in live() {
                let role = replica.role();
                let leads = matches!(role.kind, RoleKind::Leader | RoleKind::LeaderElect);
                let succeeded = leads && role.term > term;
                assert!(!succeeded, "{id} holds a lease of {term}, {other} leads in {}", role.term);
            }
        }
    }

    /// All engines were told the same, and nothing but what was committed.
    pub(crate) fn states(&self, nodes: &BTreeMap<u64, Node>) {
        for (id, node) in nodes {
            let differs = node.state.iter().find(|(index, e)| self.truth.get(*index) != Some(*e));
            assert_eq!(differs, None, "node {id}");
            let through = node.replica.as_ref().map_or(0, Replica::committed);
            assert_eq!(node.state.len() as u64, through, "node {id} was not told all");
        }
    }

    /// Where two logs have the same entry, all before it are the same too.
    pub(crate) fn logs_match(nodes: &BTreeMap<u64, Node>) {
        let live: Vec<&Replica> = nodes.values().filter_map(|n| n.replica.as_ref()).collect();
        for (at, one) in live.iter().enumerate() {
            for other in &live[at + 1..] {
                let mut agreed = false;
                let from = one.base().max(other.base()) + 1;
                for index in (from..=one.last().0.min(other.last().0)).rev() {
                    let (Some(a), Some(b)) = (one.entry(index), other.entry(index)) else { break };
                    agreed |= a.term == b.term;
                    assert!(!agreed || a == b, "logs differ at {index} below one that they share");
                }
            }
        }
    }
}
