//! What is committed: enacted, or held against what was enacted before; and what is to be done when
//! the two are not the same.

use super::{Member, MemberError};
use crate::host::{Standing, State, Why};
use journal::decode_proposal;
use replica::{EntryKind, Replica, RoleKind};
use types::Input;
use venue::Stores;

impl Member {
    /// Looks whether what was enacted ahead is what was committed: an index and a term name one
    /// entry and no other.
    pub(super) fn check_ahead(&mut self) {
        if self.need.is_some() {
            return;
        }
        let enacted = self.core.inputs();
        let committed = self.replica.committed().min(enacted);
        while self.checked < committed {
            let next = self.checked + 1;
            let term = self.replica.entry(next).map(|entry| entry.term);
            if term != Some(self.ahead_term) {
                return self.diverge();
            }
            self.checked = next;
            self.counts.confirmed += 1;
        }
        // A batch that raft did not take, since leadership was lost meanwhile.
        if enacted > self.replica.last().0 {
            self.diverge();
        }
    }

    /// Enacts what is committed, as far as one poll may.
    pub(super) fn catch_up(&mut self, stores: &mut Stores<'_>) {
        if self.need.is_some() || self.checked < self.core.inputs() {
            return;
        }
        let through = self.replica.committed().min(self.checked + self.config.enact_max as u64);
        while self.checked < through {
            let next = self.checked + 1;
            let Some(entry) = self.replica.entry(next) else { return };
            let readable = match entry.kind {
                EntryKind::Opaque => decode_proposal(entry.payload),
                EntryKind::Noop | EntryKind::Change => Some((self.stamp, Input::Nothing)),
            };
            self.counts.unreadable += u64::from(readable.is_none());
            let (stamp, input) = readable.unwrap_or((self.stamp, Input::Nothing));
            let Stores { sessions, publisher } = &mut *stores;
            let number = self.core.enact(stamp, &input, Stores { sessions, publisher }, None);
            self.stamp = self.stamp.max(stamp);
            if number != next {
                return self.diverge();
            }
            self.checked = next;
            self.counts.followed += 1;
        }
    }

    /// What was enacted is not what the log has.
    #[cold]
    pub(super) fn diverge(&mut self) {
        self.room = 0;
        if self.need.is_none() {
            self.counts.diverged += 1;
            self.want(Why::Diverged);
        }
    }

    /// The log goes on behind a snapshot.
    #[cold]
    pub(super) fn overtaken(&mut self, index: u64) {
        if index > self.checked {
            self.room = 0;
            self.counts.overtaken += 1;
            self.want(Why::Overtaken);
        }
    }

    /// Goes on from another state. The stores that are lent from here on are those that go with it.
    ///
    /// # Errors
    /// One that does not go with the log, counted; it is wanted still, and this one is lost.
    pub fn install(&mut self, state: State) -> Result<(), MemberError> {
        if let Err(error) = fits(&self.replica, &state) {
            self.counts.not_installed += 1;
            self.told_need = false;
            return Err(error);
        }
        self.core = state.core;
        self.stamp = state.stamp;
        self.checked = self.core.inputs();
        self.released = self.checked;
        self.need = None;
        self.due.clear();
        self.held.clear();
        self.is_held.fill(false);
        self.replica.on_applied(self.checked);
        Ok(())
    }

    /// A node that has no state to serve from leaves the lead to others.
    pub(super) fn stand_back(&mut self) {
        let stands_back = self.need.is_some();
        if std::mem::replace(&mut self.stands_back, stands_back) != stands_back {
            self.replica.stand_back(stands_back);
        }
    }

    /// A node that leads and has no state to serve from hands over to the peer that is furthest.
    pub(super) fn yield_leadership(&mut self) {
        let leads = matches!(self.replica.role().kind, RoleKind::Leader | RoleKind::LeaderElect);
        if !leads || self.need.is_none() || self.standing != Standing::Standby {
            return;
        }
        let voters = self.replica.peers().filter(|peer| peer.votes && peer.answered_ns > 0);
        if let Some(peer) = voters.max_by_key(|peer| (peer.matched, peer.answered_ns))
            && self.replica.transfer_leadership(peer.node).is_ok()
        {
            self.counts.handed_over += 1;
        }
    }
}

/// Whether a state goes with the log.
pub(super) fn fits(replica: &Replica, state: &State) -> Result<(), MemberError> {
    let (least, most) = (replica.base(), replica.committed());
    let (index, term) = (state.core.inputs(), state.term);
    let known = index == 0 || replica.term_of(index) == Some(term);
    if index < least || index > most || !known {
        return Err(MemberError::State { index, term, least, most });
    }
    Ok(())
}
