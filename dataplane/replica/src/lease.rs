//! How long a leader can be sure that nobody has succeeded it.

use crate::members::Members;
use arrayvec::ArrayVec;

/// Peers whose answers are kept.
const PEERS_MAX: usize = crate::members::VOTERS_MAX + crate::members::LEARNERS_MAX;

/// What peers have answered, in the leader's own time.
pub(crate) struct Lease {
    length_ns: u64,
    term: u64,
    leads: bool,
    /// In this term no lease is to be had any more.
    void_term: u64,
    /// The newest clock reading of ours that each peer has sent back.
    answered: ArrayVec<(u64, u64), PEERS_MAX>,
    until_ns: u64,
}

impl Lease {
    pub(crate) fn new(length_ns: u64) -> Lease {
        let answered = ArrayVec::new();
        Lease { length_ns, term: 0, leads: false, void_term: 0, answered, until_ns: 0 }
    }

    /// Forgets everything when term or role are others. Who leads alone needs no answer.
    pub(crate) fn in_term(&mut self, term: u64, leads: bool, members: &Members) {
        if (term, leads) != (self.term, self.leads) {
            (self.term, self.leads) = (term, leads);
            self.answered.clear();
            self.until_ns = self.certain_until_ns(members);
        }
    }

    /// Gives it up for the rest of this term.
    pub(crate) fn give_up(&mut self) {
        self.void_term = self.term;
        self.until_ns = 0;
    }

    /// A peer has answered what we sent at `stamp_ns`.
    pub(crate) fn on_answer(&mut self, peer: u64, stamp_ns: u64, members: &Members) {
        match self.answered.iter_mut().find(|(node, _)| *node == peer) {
            Some((_, newest)) => *newest = stamp_ns.max(*newest),
            None => drop(self.answered.try_push((peer, stamp_ns))),
        }
        self.until_ns = self.until_ns.max(self.certain_until_ns(members));
    }

    /// The quorum is another one: what the old one answered does not count for it.
    pub(crate) fn on_members(&mut self, members: &Members) {
        self.answered.retain(|(node, _)| members.have(*node));
        self.until_ns = self.certain_until_ns(members);
    }

    fn certain_until_ns(&self, members: &Members) -> u64 {
        if !self.leads || self.void_term == self.term {
            return 0;
        }
        let mut stamps: ArrayVec<u64, PEERS_MAX> = self
            .answered
            .iter()
            .filter(|(node, _)| members.voters.contains(node))
            .map(|(_, stamp)| *stamp)
            .collect();
        stamps.sort_unstable_by(|a, b| b.cmp(a));
        // The leader is one of the quorum itself.
        match members.quorum().checked_sub(2) {
            None => u64::MAX,
            Some(at) => stamps.get(at).map_or(0, |stamp| stamp.saturating_add(self.length_ns)),
        }
    }

    /// Until when it holds; 0 when there is none.
    pub(crate) fn until_ns(&self) -> u64 {
        self.until_ns
    }

    /// What a peer has answered last.
    pub(crate) fn answered_ns(&self, peer: u64) -> u64 {
        self.answered.iter().find(|(node, _)| *node == peer).map_or(0, |(_, stamp)| *stamp)
    }
}
