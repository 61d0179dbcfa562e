//! The node: raft, its log, its lease, and what it asks for and answers.

mod arrive;
mod changes;
mod lead;
mod say;
mod snapshots;

use crate::codec::Seal;
use crate::config::{Config, ConfigError};
use crate::lease::Lease;
use crate::members::{LEARNERS_MAX, Members, VOTERS_MAX};
use crate::outbox::{EntryKind, Outbox, Record, Role, RoleKind, SnapshotMeta};
use crate::refused::Refusals;
use crate::ring::{LogRing, Payloads, view};
use raft::eraftpb;
use raft::{RawNode, StateRole};
use std::collections::VecDeque;

/// An entry that was on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredEntry {
    /// Its term.
    pub term: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// What a node finds on its disk when it starts; the default is a node that has never run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last term on record.
    pub term: u64,
    /// The vote on record in that term.
    pub vote: u64,
    /// Index and term of the entry before the first one below: a snapshot's, or where the part of
    /// the log begins that is read back.
    pub base: (u64, u64),
    /// The entries behind it, without those that were superseded.
    pub entries: Vec<RecoveredEntry>,
    /// What the engine has, all of it known to be committed.
    pub applied: u64,
    /// What is known to be committed; less than is true does no harm.
    pub committed: u64,
    /// The members behind the entry `applied`; none: the founders.
    pub members: Members,
    /// The newest snapshot that is on disk, for peers that need one.
    pub snapshot: Option<SnapshotMeta>,
    /// The number of the last record that was written; the next one is numbered behind it.
    pub records: u64,
}

impl Recovered {
    /// Term and vote. A cluster is founded in term 1, which nobody leads: raft panics where a node
    /// of term 0 refuses a pre-vote.
    pub(crate) fn hard_state(&self) -> (u64, u64) {
        (self.term.max(1), self.vote)
    }

    /// The members that count, and the changes in the log that led to them.
    fn members(&self, config: &Config) -> (Members, changes::Changes) {
        let known = if self.members.voters.is_empty() { &config.founders } else { &self.members };
        let (mut members, mut changes) = (known.clone(), changes::Changes::behind(self.done()));
        for (index, entry) in (self.base.0 + 1..).zip(&self.entries) {
            let change = crate::Change::from_bytes(&entry.payload);
            let new = index > self.applied && entry.kind == EntryKind::Change;
            if let Some(change) = change.filter(|_| new) {
                changes.note((index, entry.term), change, &mut members);
            }
        }
        (members, changes)
    }

    /// What the engine has, or need not be told.
    pub(crate) fn done(&self) -> u64 {
        self.applied.max(self.base.0)
    }
}

/// Whether a reply may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Committed, and the lease holds: it may.
    Committed,
    /// It may, flagged as not yet replicated.
    Provisional,
    /// Not yet.
    Wait,
    /// Not yet, and the quorum takes longer than its bound.
    Slow,
    /// This node does not lead, or not yet ready: whatever it would send is another's to send.
    NotLeader,
    /// This node may have been succeeded without having heard of it.
    NoLease,
}

/// A peer as its leader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its number.
    pub node: u64,
    /// Whether it votes; else it is a learner.
    pub votes: bool,
    /// Up to where its log is known to be ours.
    pub matched: u64,
    /// Entries that it lacks.
    pub lag_entries: u64,
    /// Whether it is being sent a snapshot, or waits for one.
    pub snapshot: bool,
    /// The leader's clock in the newest word that it has answered; 0 when it has answered none.
    pub answered_ns: u64,
}

/// A message that waits for the disk.
struct Held {
    record: u64,
    message: eraftpb::Message,
}

/// The last word of a leader.
#[derive(Clone, Copy, Default)]
struct Heard {
    leader: u64,
    term: u64,
    /// The leader's clock in what it said.
    stamp: u64,
    /// What that leader has as committed, and when it was heard, by our clock.
    committed: u64,
    at_ns: u64,
    /// Until then, by our clock, nobody else is given a vote. After a start, no leader is known
    /// and its lease may run all the same.
    until_ns: u64,
}

/// Messages that may wait for the disk; the oldest is lost then, as on a wire.
const HELD_MAX: usize = 1024;

/// A node of a cluster.
pub struct Replica {
    config: Config,
    seal: Seal,
    node: RawNode<LogRing>,
    payloads: Payloads,
    members: Members,
    changes: changes::Changes,
    lease: Lease,
    refusals: Refusals,
    /// Proposals since the last poll.
    batch: Vec<eraftpb::Entry>,
    batch_bytes: usize,
    /// The newest reading of the caller's clock.
    now_ns: u64,
    /// The last record that was handed over, the last one on disk, and the last hard state's.
    records: u64,
    durable: u64,
    hard_record: u64,
    /// Raft's numbers of what it asked to have on disk, each with the record that has it.
    readies: VecDeque<(u64, u64)>,
    held: VecDeque<Held>,
    /// What raft has told us last: term and vote, role.
    told_hard: (u64, u64),
    told_soft: raft::SoftState,
    told_role: Role,
    /// What was told as committed, and what the engine has.
    delivered: u64,
    applied: u64,
    last_tick_ns: u64,
    heard: Heard,
    /// Who led last, and campaigns of ours since.
    last_leader: u64,
    campaigns: u32,
    stands_back: bool,
    /// A member that handed leadership over and failed leads no more in that term.
    transfer_term: u64,
    datagram: Vec<u8>,
    /// Snapshots under way, out and in, one whose bytes are all here, and a chunk of one.
    outgoing: Vec<snapshots::Outgoing>,
    incoming: Option<snapshots::Incoming>,
    restored: Option<SnapshotMeta>,
    chunk: Vec<u8>,
}

impl Replica {
    /// A node with what its disk has.
    ///
    /// # Errors
    /// When the configuration cannot be used, or what was recovered is no log.
    pub fn new(config: Config, recovered: Recovered, now_ns: u64) -> Result<Replica, ConfigError> {
        config.check()?;
        let mut payloads = Payloads::new();
        let (members, changes) = recovered.members(&config);
        let ring = LogRing::new(&config, &recovered, &members, &mut payloads)?;
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = RawNode::new(&raft_config(&config, &recovered), ring, &logger);
        let node = node.map_err(|error| ConfigError::Raft(error.to_string()))?;
        let soft = node.raft.soft_state();
        let hard = recovered.hard_state();
        let mut replica = Replica {
            seal: Seal { cluster: config.cluster, config: config.agreed_hash(), node: config.node },
            lease: Lease::new(config.lease_ns()),
            payloads,
            members,
            changes,
            refusals: Refusals::default(),
            batch: Vec::with_capacity(config.batch_entries_max),
            batch_bytes: 0,
            now_ns,
            records: recovered.records,
            durable: recovered.records,
            hard_record: recovered.records,
            readies: VecDeque::with_capacity(1024),
            held: VecDeque::with_capacity(HELD_MAX),
            told_hard: hard,
            told_soft: soft,
            told_role: Role { kind: RoleKind::Follower, term: hard.0, leader: 0 },
            delivered: recovered.done(),
            applied: recovered.done(),
            last_tick_ns: now_ns,
            // A lease from before a start may run, and a disk that was wiped does not tell of one.
            heard: Heard {
                until_ns: now_ns.saturating_add(config.silence_ns()),
                ..Heard::default()
            },
            last_leader: 0,
            campaigns: 0,
            stands_back: false,
            transfer_term: 0,
            datagram: vec![0; config.datagram_bytes],
            outgoing: Vec::with_capacity(VOTERS_MAX + LEARNERS_MAX),
            incoming: None,
            restored: None,
            chunk: Vec::with_capacity(config.datagram_bytes),
            node,
            config,
        };
        replica.pace();
        Ok(replica)
    }

    /// Counts a tick, if one is due since the last: no sooner than a whole one after it, so that a
    /// node that slept does not make up for lost time, and break a lease by it. Whether it did.
    pub fn on_tick(&mut self, now_ns: u64) -> bool {
        self.now_ns = now_ns;
        if now_ns < self.next_tick_ns() {
            return false;
        }
        self.last_tick_ns = now_ns;
        let raft = &self.node.raft;
        let campaigns = raft.state != StateRole::Leader
            && raft.promotable()
            && raft.election_elapsed + 1 >= raft.randomized_election_timeout();
        let asks_again = !campaigns && raft.state == StateRole::PreCandidate;
        if (campaigns || asks_again) && !self.may_campaign() {
            return true;
        }
        if campaigns && self.campaigns > 0 {
            self.node.set_priority(0);
        }
        self.node.tick();
        self.campaigns += u32::from(campaigns);
        if asks_again {
            // Whoever heard the leader a tick after us did not answer. Asking binds nobody, so
            // there is no need to wait for the next round.
            let _ = self.node.campaign();
        }
        let raft = &mut self.node.raft;
        let handed_over = self.transfer_term == raft.term && raft.lead_transferee.is_none();
        if handed_over && raft.state == StateRole::Leader {
            // Raft gave the transfer up and would lead on. But whoever was asked to campaign may do
            // so yet, and is given votes that leases would forbid: a new term ends that.
            let term = raft.term;
            raft.become_follower(term, raft::INVALID_ID);
        }
        self.after_step();
        true
    }

    /// Whether raft can campaign without a panic: not before the disk has a snapshot that the log
    /// begins behind, nor, alone, before it has the whole log, since a candidate that is alone wins
    /// at once.
    fn may_campaign(&self) -> bool {
        let alone = self.members.voters.len() == 1;
        let whole = self.durable == self.records;
        self.node.raft.raft_log.applied >= self.base() && (whole || !alone)
    }

    /// When the next tick is due.
    pub fn next_tick_ns(&self) -> u64 {
        self.last_tick_ns.saturating_add(self.config.tick_ns)
    }

    /// Has this node leave the lead to others, or no longer: its engine is not ready for it. It
    /// follows and votes as ever, and campaigns only when nobody else has done so for long.
    pub fn stand_back(&mut self, stands_back: bool) {
        self.stands_back = stands_back;
        self.pace();
    }

    /// All records up to this number are on disk.
    pub fn on_durable(&mut self, record: u64) {
        self.durable = self.durable.max(record.min(self.records));
        let mut number = None;
        while let Some(&(ready, _)) = self.readies.front().filter(|(_, r)| *r <= self.durable) {
            number = Some(ready);
            self.readies.pop_front();
        }
        if let Some(number) = number {
            self.node.on_persist_ready(number);
        }
    }

    /// The engine has all entries up to this one, so the log may let go of them.
    pub fn on_applied(&mut self, index: u64) {
        self.applied = self.applied.max(index.min(self.delivered));
    }

    /// Does all that is to be done: takes in what was proposed, hands records, messages and
    /// committed entries to `out`.
    pub fn poll(&mut self, now_ns: u64, out: &mut impl Outbox) {
        self.now_ns = now_ns;
        self.propose_batch();
        self.pump_snapshots(out);
        while self.has_ready() {
            self.handle_ready(out);
            self.advance_applied();
        }
        self.changes.settle(self.applied);
        if std::mem::take(&mut self.changes.news) {
            out.members(&self.members);
        }
        self.release_held(out);
        self.deliver(out);
        self.tell_role(out);
        if let Some((peer, index_min)) = self.node.store().take_wanted() {
            out.snapshot_wanted(peer, index_min);
        }
    }

    fn has_ready(&self) -> bool {
        let raft = &self.node.raft;
        !raft.msgs.is_empty()
            || (raft.term, raft.vote) != self.told_hard
            || raft.soft_state() != self.told_soft
            || !raft.raft_log.unstable_entries().is_empty()
            || raft.raft_log.unstable_snapshot().is_some()
    }

    fn handle_ready(&mut self, out: &mut impl Outbox) {
        self.node.store().quiet.set(true);
        let mut ready = self.node.ready();
        self.node.store().quiet.set(false);
        if let Some(soft) = ready.ss() {
            self.told_soft =
                raft::SoftState { leader_id: soft.leader_id, raft_state: soft.raft_state };
        }
        let hard = (self.node.raft.term, self.node.raft.vote);
        if hard != self.told_hard {
            self.told_hard = hard;
            self.hard_record = self.records + 1;
            let (term, vote) = hard;
            self.persist(out, Record::HardState { term, vote });
        }
        if !ready.snapshot().is_empty() {
            self.handle_snapshot(ready.snapshot(), out);
        }
        let entries = ready.take_entries();
        if let Some(first) = entries.first() {
            let from = first.index;
            if self.node.mut_store().truncate(from) {
                self.persist(out, Record::Superseded { from });
            }
        }
        for entry in entries {
            self.persist(out, Record::Entry(view(&entry)));
            let (record, now_ns) = (self.records, self.now_ns);
            self.node.mut_store().push(entry, record, now_ns);
        }
        // What a leader sends may be on its way before its own disk has it; what others say is a
        // promise, and waits for the disk as far as it promises something.
        for message in ready.take_messages() {
            self.send(&message, out);
        }
        for message in ready.take_persisted_messages() {
            self.hold(message, out);
        }
        self.readies.push_back((ready.number(), self.records));
        self.node.advance_append_async(ready);
        if self.durable >= self.records {
            self.on_durable(self.records);
        }
    }

    fn persist(&mut self, out: &mut impl Outbox, record: Record<'_>) {
        self.records += 1;
        out.persist(self.records, record);
    }

    /// Tells entries as committed, from the log as it lies.
    fn deliver(&mut self, out: &mut impl Outbox) {
        let store = self.node.store();
        let committed = self.node.raft.raft_log.committed;
        while self.delivered < committed {
            let Some(entry) = store.get(self.delivered + 1) else { break };
            out.committed(entry);
            self.delivered += 1;
        }
    }

    fn tell_role(&mut self, out: &mut impl Outbox) {
        let role = self.role();
        if role != self.told_role {
            self.told_role = role;
            out.role(role);
        }
    }

    /// What raft calls applied is what it no longer needs to look at: the members are dealt with
    /// when they come into the log, and the engine's progress is its own.
    fn advance_applied(&mut self) {
        let log = &self.node.raft.raft_log;
        let through = log.committed.min(log.persisted);
        if through > log.applied {
            self.node.advance_apply_to(through);
        }
    }

    /// After anything that raft was told: who leads, how long to wait, with which priority.
    fn after_step(&mut self) {
        let raft = &self.node.raft;
        if raft.leader_id != 0 {
            self.last_leader = raft.leader_id;
            self.campaigns = 0;
        }
        self.lease.in_term(raft.term, raft.state == StateRole::Leader, &self.members);
        self.pace();
    }

    /// Sets how long raft waits before it campaigns, and its priority when it does: no chance is
    /// in it.
    ///
    /// In the first round the first in succession wins, if its log is not behind: others who ask
    /// for its vote at the same moment are of lower priority. Whoever did not win in its first
    /// round has no priority in the next, and all wait so long, each by its place, that rounds do
    /// not meet.
    fn pace(&mut self) {
        let (own, voters) = (self.config.node, &self.members);
        let next = voters.place(own, self.last_leader);
        let priority = if self.campaigns > 1 { 0 } else { voters.voters.len() - next };
        let retry_ticks = self.config.stagger_ticks.max(RETRY_STAGGER_TICKS);
        let (priority, place, stagger) = match self.campaigns {
            _ if self.stands_back => (0, VOTERS_MAX, retry_ticks),
            0 => (priority, next, self.config.stagger_ticks),
            // Nodes may differ as to who led last, but not as to the list.
            _ => (priority, voters.place(own, 0), retry_ticks),
        };
        let ticks = self.config.campaign_ticks as usize + place * stagger as usize;
        let raft = &mut self.node.raft;
        raft.set_priority(priority as i64);
        if raft.randomized_election_timeout() != ticks {
            raft.set_randomized_election_timeout(ticks);
        }
    }

    /// What this node does.
    pub fn role(&self) -> Role {
        let raft = &self.node.raft;
        let kind = match raft.state {
            StateRole::Follower => RoleKind::Follower,
            StateRole::PreCandidate => RoleKind::PreCandidate,
            StateRole::Candidate => RoleKind::Candidate,
            StateRole::Leader if raft.commit_to_current_term() => RoleKind::Leader,
            StateRole::Leader => RoleKind::LeaderElect,
        };
        Role { kind, term: raft.term, leader: raft.leader_id }
    }

    /// The last entry that is committed, as far as this node knows.
    pub fn committed(&self) -> u64 {
        self.node.raft.raft_log.committed
    }

    /// The entry before the first one that is in memory: a peer that lacks it needs a snapshot.
    pub fn base(&self) -> u64 {
        self.node.store().base()
    }

    /// The last entry of the log, with its term.
    pub fn last(&self) -> (u64, u64) {
        self.node.store().last()
    }

    /// The last committed entry that this node's disk has, with all before it, as they were agreed
    /// on: the disk may have others behind it, which this node once heard of.
    pub fn committed_on_disk(&self) -> u64 {
        let store = self.node.store();
        let (base, mut index) = (store.base(), self.committed().min(self.last().0));
        while index > base && store.record_of(index) > self.durable {
            index -= 1;
        }
        index
    }

    /// The term of the entry of that index, while the log knows it.
    pub fn term_of(&self, index: u64) -> Option<u64> {
        self.node.raft.raft_log.term(index).ok().filter(|term| *term > 0)
    }

    /// The entry of that index, while the log has it in memory.
    pub fn entry(&self, index: u64) -> Option<crate::Entry<'_>> {
        self.node.store().get(index)
    }

    /// What the last leader had as committed, and when it was heard.
    pub(crate) fn heard_committed(&self) -> (u64, u64) {
        (self.heard.committed, self.heard.at_ns)
    }

    /// The members that count.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// How it was configured.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Datagrams that were refused, by reason.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The last record that was handed over, and the last one that is on disk.
    pub fn records(&self) -> (u64, u64) {
        (self.records, self.durable)
    }
}

/// Rounds after the first are this far apart at least: more than the round trips of an election,
/// at any phases of two nodes' ticks.
const RETRY_STAGGER_TICKS: u32 = 2;

fn raft_config(config: &Config, recovered: &Recovered) -> raft::Config {
    let campaign = config.campaign_ticks as usize;
    let stagger = config.stagger_ticks.max(RETRY_STAGGER_TICKS) as usize;
    raft::Config {
        id: config.node,
        election_tick: config.election_ticks as usize,
        heartbeat_tick: config.heartbeat_ticks as usize,
        min_election_tick: campaign,
        // Raft draws from this range, and `pace` replaces what it drew.
        max_election_tick: campaign + stagger * (VOTERS_MAX + 1) + 1,
        applied: recovered.done(),
        // Batches are cut by the log and by the datagram, which know what fits.
        max_size_per_msg: raft::NO_LIMIT,
        max_inflight_msgs: config.inflight_max,
        check_quorum: true,
        pre_vote: true,
        // What is committed goes with the next append, or heartbeat.
        skip_bcast_commit: true,
        batch_append: true,
        ..raft::Config::default()
    }
}
