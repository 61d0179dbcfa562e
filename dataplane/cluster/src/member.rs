//! The node; see the crate's documentation.

mod follow;
mod lead;

use crate::config::MemberConfig;
use crate::counts::Counts;
use crate::host::{Host, Need, Standing, State, Time, Why};
use journal::PROPOSAL_BYTES_MAX;
use replica::{
    ConfigError, Entry, Members, NotProposed, Outbox, Record, Refused, Release, Replica, Role,
    RoleKind, SnapshotMeta,
};
use session::{SessionId, Sessions};
use types::Nanos;
use venue::{Core, Stores};

/// Why a member cannot be, or cannot take a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// Proposals have no room in an entry, or none may be under way.
    #[error("{field} is {value}: at least {least} is needed")]
    Config {
        /// Which.
        field: &'static str,
        /// What it is.
        value: usize,
        /// The least that works.
        least: usize,
    },
    /// The consensus cannot be.
    #[error(transparent)]
    Replica(#[from] ConfigError),
    /// The state is not of this log, or not of a part of it that will do.
    #[error(
        "a state behind entry {index} of term {term}, where one from {least} to {most} will do"
    )]
    State {
        /// The last entry that is in it.
        index: u64,
        /// That entry's term.
        term: u64,
        /// The first that would do.
        least: u64,
        /// The last that would do.
        most: u64,
    },
}

/// Why something was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// This node does not serve.
    #[error("this node does not serve")]
    NotServing,
    /// Too much is under way.
    #[error("too much is under way")]
    NoRoom,
    /// It is no message that can be read.
    #[error("it cannot be read")]
    Unreadable,
    /// The consensus says no.
    #[error(transparent)]
    NotProposed(#[from] NotProposed),
}

/// See the crate's documentation.
pub struct Member {
    config: MemberConfig,
    replica: Replica,
    core: Core,
    standing: Standing,
    /// All entries up to this one are enacted and committed.
    checked: u64,
    /// Those enacted behind it were proposed in this term.
    ahead_term: u64,
    /// The stamp of the last input.
    stamp: Nanos,
    /// What the state's stores hold is released up to this entry.
    released: u64,
    /// Sessions with something that is held, each once.
    held: Vec<SessionId>,
    is_held: Vec<bool>,
    /// A state that is wanted.
    need: Option<Need>,
    told_need: bool,
    stands_back: bool,
    /// How many proposals will be taken before the next poll.
    room: usize,
    stalled: bool,
    /// When each command of the schedule is due, once the day is open.
    due: Vec<Nanos>,
    counts: Counts,
    proposal: [u8; PROPOSAL_BYTES_MAX],
}

/// What a poll of the consensus told besides what goes to the host.
struct Relay<'a, H> {
    host: &'a mut H,
    superseded: Option<u64>,
    snapshot: Option<u64>,
}

impl<H: Host> Outbox for Relay<'_, H> {
    fn send(&mut self, to: u64, datagram: &[u8]) {
        self.host.send(to, datagram);
    }

    fn persist(&mut self, number: u64, record: Record<'_>) {
        match &record {
            Record::Superseded { from } => {
                self.superseded = Some(self.superseded.map_or(*from, |before| before.min(*from)));
            }
            Record::Snapshot(meta) => self.snapshot = Some(meta.index),
            Record::HardState { .. } | Record::Entry(_) => {}
        }
        self.host.persist(number, record);
    }

    // The member reads entries from the log, at its own pace.
    fn committed(&mut self, entry: Entry<'_>) {
        self.host.committed(entry);
    }

    fn role(&mut self, role: Role) {
        self.host.role(role);
    }

    fn members(&mut self, members: &Members) {
        self.host.members(members);
    }

    fn snapshot_wanted(&mut self, peer: u64, index_min: u64) {
        self.host.snapshot_wanted(peer, index_min);
    }

    fn read_snapshot(&mut self, index: u64, offset: u64, into: &mut [u8]) -> usize {
        self.host.read_snapshot(index, offset, into)
    }

    fn snapshot_bytes(&mut self, meta: &SnapshotMeta, offset: u64, bytes: &[u8]) {
        self.host.snapshot_bytes(meta, offset, bytes);
    }
}

impl Member {
    /// A node with what its disk has: the log behind `replica`, and the state behind the entries up
    /// to [`replica::Recovered::applied`].
    ///
    /// # Errors
    /// A bound that cannot be, or a core that does not go with the log.
    pub fn new(
        config: MemberConfig,
        replica: Replica,
        state: State,
    ) -> Result<Member, MemberError> {
        let bound = |field, value, least| {
            if value < least { Err(MemberError::Config { field, value, least }) } else { Ok(()) }
        };
        bound("payload_bytes_max", replica.config().payload_bytes_max, PROPOSAL_BYTES_MAX)?;
        bound("inflight_max", config.inflight_max, 1)?;
        bound("enact_max", config.enact_max, 1)?;
        follow::fits(&replica, &state)?;
        let State { core, stamp, .. } = state;
        let mut member = Member {
            config,
            replica,
            core,
            standing: Standing::Standby,
            checked: 0,
            ahead_term: 0,
            stamp,
            released: 0,
            held: Vec::new(),
            is_held: Vec::new(),
            need: None,
            told_need: false,
            stands_back: false,
            room: 0,
            stalled: false,
            due: Vec::new(),
            counts: Counts::default(),
            proposal: [0; PROPOSAL_BYTES_MAX],
        };
        member.checked = member.core.inputs();
        member.replica.on_applied(member.checked);
        Ok(member)
    }

    /// Does all that is to be done: lets time pass, proposes what time brings, hands over what is
    /// to be sent and written, enacts what is committed, and releases what came of it. `stores` are
    /// those that go with the core. Call it once for all messages and datagrams that were there.
    pub fn poll(&mut self, time: Time, stores: &mut Stores<'_>, host: &mut impl Host) {
        if self.is_held.len() < stores.sessions.len() {
            self.list_sessions(stores.sessions.len());
        }
        self.replica.on_tick(time.clock_ns);
        self.keep_time(time, stores);
        let mut relay = Relay { host: &mut *host, superseded: None, snapshot: None };
        self.replica.poll(time.clock_ns, &mut relay);
        let Relay { superseded, snapshot, .. } = relay;
        if let Some(index) = snapshot {
            self.overtaken(index);
        }
        if superseded.is_some_and(|from| from <= self.core.inputs()) {
            self.diverge();
        }
        self.check_ahead();
        self.catch_up(stores);
        self.replica.on_applied(self.checked);
        self.release(stores);
        self.stand(time, stores, host);
        self.tell_need(host);
        self.stand_back();
        self.yield_leadership();
        self.measure_room();
    }

    /// Takes a datagram that came from the node `from`, as its address says; counted by the replica
    /// when it is refused.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn on_datagram(&mut self, time: Time, from: u64, bytes: &[u8]) -> Result<(), Refused> {
        self.replica.on_datagram(time.clock_ns, from, bytes)
    }

    /// All records up to this number are on disk.
    pub fn on_durable(&mut self, record: u64) {
        self.replica.on_durable(record);
    }

    /// As [`Replica::on_snapshot_ready`].
    pub fn on_snapshot_ready(
        &mut self,
        index: u64,
        bytes: u64,
        digest: u64,
    ) -> Option<SnapshotMeta> {
        self.replica.on_snapshot_ready(index, bytes, digest)
    }

    /// As [`Replica::on_snapshot_verified`].
    pub fn on_snapshot_verified(&mut self, index: u64) {
        self.replica.on_snapshot_verified(index);
    }

    /// As [`Replica::on_snapshot_bad`].
    pub fn on_snapshot_bad(&mut self, index: u64) {
        self.replica.on_snapshot_bad(index);
    }

    /// Decides what this node is to clients, and tells.
    fn stand(&mut self, time: Time, stores: &mut Stores<'_>, host: &mut impl Host) {
        let role = self.replica.role();
        let term = role.term;
        // Between two polls a role may be lost, and won again in a later term.
        let goes_on = match self.standing {
            Standing::Standby => false,
            Standing::Muted { term: then } | Standing::Serving { term: then } => then == term,
        };
        let leads = role.kind == RoleKind::Leader && self.need.is_none();
        let all_known = self.checked == self.replica.last().0;
        let next = match (leads, self.replica.holds_lease(time.clock_ns)) {
            (true, true) if goes_on || all_known => Standing::Serving { term },
            (true, false) if goes_on => Standing::Muted { term },
            _ => Standing::Standby,
        };
        if next == self.standing {
            return;
        }
        let before = std::mem::replace(&mut self.standing, next);
        if before != Standing::Standby && !goes_on {
            self.counts.stood_down += 1;
            host.standing(Standing::Standby);
        }
        match next {
            Standing::Serving { .. } if !goes_on => {
                self.counts.served += 1;
                self.ahead_term = term;
                stores.publisher.skip_sent();
            }
            Standing::Serving { .. } => {}
            Standing::Muted { .. } => self.counts.muted += 1,
            Standing::Standby if goes_on => self.counts.stood_down += 1,
            Standing::Standby => return,
        }
        host.standing(next);
    }

    /// Lets go of what is committed.
    fn release(&mut self, stores: &mut Stores<'_>) {
        if self.need.is_some() {
            return;
        }
        stores.publisher.release_through(self.checked);
        stores.sessions.release_through(self.checked);
        if self.released < self.checked {
            self.released = self.checked;
            for who in self.held.drain(..) {
                self.is_held[usize::from(who.0)] = false;
                self.core.mark_dirty(who);
            }
        }
    }

    /// Takes the memory for all sessions, before any of them has something to be sent.
    #[cold]
    fn list_sessions(&mut self, sessions: usize) {
        self.held.reserve(sessions);
        self.is_held.resize(sessions, false);
    }

    /// Looks whether the quorum is slow, and how much may be proposed until the next poll.
    fn measure_room(&mut self) {
        self.room = 0;
        if !matches!(self.standing, Standing::Serving { .. }) {
            return;
        }
        let ahead = (self.core.inputs() - self.checked) as usize;
        let mut room = self.config.inflight_max.saturating_sub(ahead);
        room = room.min(self.replica.config().batch_entries_max);
        while room > 0 && !self.replica.has_room_for(room, PROPOSAL_BYTES_MAX) {
            room /= 2;
        }
        self.room = room;
    }

    /// Whether a client's message would be taken: where not, leave it with the transport.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.room > 0
    }

    /// Whether what is released may leave at this moment of the clock, which is to be read right
    /// before it is handed to the port.
    #[inline]
    pub fn may_send(&self, clock_ns: u64) -> bool {
        matches!(self.standing, Standing::Serving { .. }) && self.replica.holds_lease(clock_ns)
    }

    /// Whether the quorum is slower than its bound: then sessions and feed send no heartbeats.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Looks whether the oldest input under way takes longer than its bound.
    fn check_quorum(&mut self, clock_ns: u64, stores: &mut Stores<'_>) {
        let waits =
            matches!(self.standing, Standing::Serving { .. }) && self.core.inputs() > self.checked;
        let slow = waits
            && matches!(
                self.replica.may_release(self.checked + 1, clock_ns),
                Release::Slow | Release::Provisional
            );
        self.counts.stalls += u64::from(slow && !self.stalled);
        self.stalled = slow;
        stores.sessions.set_stalled(slow);
        stores.publisher.set_stalled(slow);
    }

    /// What this node is to clients.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The last entry that is enacted and known to be committed.
    pub fn checked(&self) -> u64 {
        self.checked
    }

    /// The state that is wanted, if one is, and which will do by now.
    pub fn need(&self) -> Option<Need> {
        self.need
    }

    /// The engine and what stands around it.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The next session with something to be sent; one of which something is held as well comes
    /// again when that is released.
    #[inline]
    pub fn next_dirty(&mut self, sessions: &Sessions) -> Option<SessionId> {
        let who = self.core.next_dirty()?;
        if sessions.holds_back(who)
            && let Some(is_held) = self.is_held.get_mut(usize::from(who.0))
            && !std::mem::replace(is_held, true)
        {
            self.held.push(who);
        }
        Some(who)
    }

    /// A session has something to be sent that no input made: the answer to its login.
    pub fn mark_dirty(&mut self, who: SessionId) {
        self.core.mark_dirty(who);
    }

    /// The consensus, to look at.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The stamp of the last input.
    pub fn stamp(&self) -> Nanos {
        self.stamp
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn tell_need(&mut self, host: &mut impl Host) {
        let Some(need) = &mut self.need else { return };
        (need.least, need.most) = (self.replica.base(), self.replica.committed_on_disk());
        if !std::mem::replace(&mut self.told_need, true) {
            host.state_wanted(*need);
        }
    }

    fn want(&mut self, why: Why) {
        // Another reason is told again: what was being made for the first may not do.
        self.told_need = false;
        self.need = Some(Need { why, least: 0, most: 0 });
    }
}
