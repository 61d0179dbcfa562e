//! What a leader does: takes messages, and what time and the operator bring.

use super::{Member, NotTaken};
use crate::host::{Standing, Time};
use journal::{PROPOSAL_BYTES_MAX, encode_proposal};
use replica::{Change, NotProposed};
use session::SessionId;
use spsc::Producer;
use types::{Command, Echo, Input, Nanos, Operation, RejectReason};
use venue::{Beside, Stores, ToOperator, VenueStage as Stage};

impl Member {
    /// Takes one OUCH message of a logged-in session; the index it has. What comes of it is held
    /// until that is committed.
    ///
    /// # Errors
    /// Why it was not taken, counted. Ask [`Member::has_room`] first, and leave the message with
    /// the transport: what is refused here is lost, and its client hears nothing.
    #[inline]
    pub fn on_message(
        &mut self,
        time: Time,
        mut stores: Stores<'_>,
        who: SessionId,
        payload: &[u8],
        beside: &mut impl Beside,
    ) -> Result<u64, NotTaken> {
        self.may_take()?;
        let input = self.core.admit(who, payload, beside).ok_or(NotTaken::Unreadable)?;
        let index = self.submit(time, &input, &mut stores, None)?;
        beside.lap(Stage::MatchEncode);
        Ok(index)
    }

    /// Takes an operator's command; the index it has. Who asks hears at once what came of it, which
    /// is certain when that is committed ([`Member::checked`]).
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn operate(
        &mut self,
        time: Time,
        stores: &mut Stores<'_>,
        operation: Operation,
        operator: Option<&mut Producer<ToOperator>>,
    ) -> Result<u64, NotTaken> {
        self.may_take()?;
        self.submit(time, &Input::operate(operation), stores, operator)
    }

    /// Opens or closes the day, or whatever else the host has to say; the index it has.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn propose(
        &mut self,
        time: Time,
        stores: &mut Stores<'_>,
        input: &Input<'_>,
    ) -> Result<u64, NotTaken> {
        self.may_take()?;
        self.submit(time, input, stores, None)
    }

    /// Proposes a change of the members; its index.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn propose_membership(
        &mut self,
        time: Time,
        stores: &mut Stores<'_>,
        change: Change,
    ) -> Result<u64, NotTaken> {
        self.may_take()?;
        let index = self.replica.propose_membership(time.clock_ns, change)?;
        // It uses up a number, as on the others.
        self.enact(index, self.stamp, &Input::Nothing, stores, None);
        Ok(index)
    }

    /// Hands leadership to a voter; this node sends nothing from here on.
    ///
    /// # Errors
    /// When this node does not lead, or the other cannot.
    pub fn hand_over(&mut self, to: u64) -> Result<(), NotProposed> {
        self.room = 0;
        self.replica.transfer_leadership(to)
    }

    #[inline]
    fn may_take(&mut self) -> Result<(), NotTaken> {
        if self.room > 0 {
            return Ok(());
        }
        Err(if matches!(self.standing, Standing::Serving { .. }) {
            self.counts.no_room += 1;
            NotTaken::NoRoom
        } else {
            self.counts.not_serving += 1;
            NotTaken::NotServing
        })
    }

    /// Proposes an input with a stamp of its own, and enacts it.
    #[inline]
    fn submit(
        &mut self,
        time: Time,
        input: &Input<'_>,
        stores: &mut Stores<'_>,
        operator: Option<&mut Producer<ToOperator>>,
    ) -> Result<u64, NotTaken> {
        // Stamps never fall, whatever a clock does, and whoever led before.
        let stamp = time.stamp.max(self.stamp);
        let Some(len) = encode_proposal(stamp, input, &mut self.proposal) else {
            return self.submit_too_long(time, input, stores);
        };
        let index = self.replica.propose(time.clock_ns, &self.proposal[..len])?;
        self.room -= 1;
        self.enact(index, stamp, input, stores, operator);
        self.counts.proposed += 1;
        Ok(index)
    }

    /// An order that no entry has room for becomes a refusal.
    #[cold]
    fn submit_too_long(
        &mut self,
        time: Time,
        input: &Input<'_>,
        stores: &mut Stores<'_>,
    ) -> Result<u64, NotTaken> {
        let (session, user_ref, cl_ord_id) = match input {
            Input::Command(Command::Enter(e), _) => (e.session, e.user_ref, e.cl_ord_id),
            Input::Command(Command::Replace(r), _) => (r.session, r.user_ref, r.cl_ord_id),
            _ => return Err(NotTaken::Unreadable),
        };
        self.counts.too_long += 1;
        let reason = RejectReason::Other;
        let refused = types::Refused { session, user_ref, reason, cl_ord_id };
        let refused = Input::Command(Command::Refused(refused), Echo::default());
        self.submit(time, &refused, stores, None)
    }

    /// Enacts what has that index, and holds what comes of it.
    #[inline]
    pub(super) fn enact(
        &mut self,
        index: u64,
        stamp: Nanos,
        input: &Input<'_>,
        stores: &mut Stores<'_>,
        operator: Option<&mut Producer<ToOperator>>,
    ) {
        let Stores { sessions, publisher } = stores;
        let number = self.core.enact(stamp, input, Stores { sessions, publisher }, operator);
        self.stamp = self.stamp.max(stamp);
        if number != index {
            // Should the log and the core ever count differently, the core is wrong.
            self.diverge();
        }
    }

    /// Proposes what time brings, one a poll: the day's beginning, the schedule, what is due in the
    /// engine.
    pub(super) fn keep_time(&mut self, time: Time, stores: &mut Stores<'_>) {
        self.check_quorum(time.clock_ns, stores);
        if self.room == 0 {
            return;
        }
        let stamp = time.stamp.max(self.stamp);
        let input = match self.core.day().opened {
            None => self.config.opening.map(Input::Open),
            Some(opened) => self.due_now(stamp, opened),
        };
        if let Some(input) = input {
            // There is room, so it is taken; what is not is due again at the next poll.
            let _ = self.submit(time, &input, stores, None);
        }
    }

    fn due_now(&mut self, stamp: Nanos, opened: Nanos) -> Option<Input<'static>> {
        if self.core.engine().is_due(stamp) {
            return Some(Input::operate(Operation::Clock));
        }
        let next = self.core.day().scheduled as usize;
        if self.due.len() != self.config.schedule.len() {
            self.config.schedule.sort_by_key(|(due, _)| due.at(opened));
            self.due = self.config.schedule.iter().map(|(due, _)| due.at(opened)).collect();
        }
        let (at, (_, operation)) = (self.due.get(next)?, self.config.schedule.get(next)?);
        (*at <= stamp && !self.core.day().closed).then_some(Input::Scheduled(*operation))
    }
}

const _: () = assert!(PROPOSAL_BYTES_MAX <= replica::PAYLOAD_BYTES_MAX);
