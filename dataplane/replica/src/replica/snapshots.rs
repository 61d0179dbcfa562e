//! Snapshots: to a peer that is further behind than the log reaches, and from a leader.
//!
//! The leader offers one, and sends its bytes in chunks, a window ahead of what the peer has
//! acknowledged; where nothing is acknowledged for a while it offers it again and goes back to
//! where the peer is, so that a peer that restarts, or a leader that does, goes on from there. The
//! peer hands bytes to its driver in order, and acknowledges them once a poll. Raft hears of the
//! snapshot when all of it is there and found good.

use super::changes::Changes;
use super::{Heard, Replica};
use crate::codec::{self, Body, Datagram, FLAG_REJECT, HEADER_BYTES, Kind};
use crate::codec::{OfferBody, SnapshotAckBody, SnapshotChunkBody};
use crate::outbox::{Outbox, Record, SnapshotMeta};
use crate::refused::Refused;
use raft::eraftpb::{Message, MessageType, Snapshot};
use raft::{ProgressState, SnapshotStatus, StateRole};

/// Chunks to one peer in one poll: what else the lcore has to do comes between.
const CHUNKS_A_POLL: u64 = 4;
/// Chunks under way to one peer.
const CHUNKS_UNDER_WAY: u64 = 64;
/// A peer is offered the snapshot again when it has not acknowledged anything for so many ticks.
const PATIENCE_TICKS: u64 = 16;
/// After so many offers in vain raft finds out anew what the peer lacks.
const OFFERS_MAX: u32 = 64;

/// A snapshot on its way to a peer.
pub(super) struct Outgoing {
    to: u64,
    meta: SnapshotMeta,
    /// What the peer has, and what was sent.
    acknowledged: u64,
    sent: u64,
    /// When something was heard of it last, or the last offer made.
    since_ns: u64,
    offers: u32,
    /// The next acknowledgement counts also when it is lower.
    anew: bool,
}

/// A snapshot on its way here.
pub(super) struct Incoming {
    meta: SnapshotMeta,
    from: u64,
    /// What the driver was given.
    handed: u64,
    /// What comes behind it.
    bytes: Vec<u8>,
    acknowledge: bool,
    verified: bool,
}

impl Replica {
    /// The driver has a snapshot of the engine behind that entry, and gives its bytes when it is
    /// asked for them ([`Outbox::read_snapshot`]); it is for peers that need one. What is to be
    /// kept with it, for [`crate::Recovered`].
    ///
    /// Nothing changes, and `None`, when the log no longer has that entry, the engine not yet, or
    /// when there is one that is as new.
    pub fn on_snapshot_ready(
        &mut self,
        index: u64,
        bytes: u64,
        digest: u64,
    ) -> Option<SnapshotMeta> {
        let newest = self.node.store().snapshot.as_ref().map_or(0, |meta| meta.index);
        let known = index > newest && index <= self.applied && bytes > 0;
        let term = self.node.raft.raft_log.term(index).ok().filter(|term| known && *term > 0)?;
        let members = self.changes.behind_entry(index).unwrap_or(&self.members).clone();
        let meta = SnapshotMeta { index, term, members, bytes, digest };
        self.node.mut_store().snapshot = Some(meta.clone());
        Some(meta)
    }

    /// The bytes that [`Outbox::snapshot_bytes`] was given are all there and good: raft may go on
    /// from that snapshot. [`Record::Snapshot`] says when it does, and the engine with it.
    pub fn on_snapshot_verified(&mut self, index: u64) {
        if let Some(incoming) = &mut self.incoming {
            incoming.verified |= incoming.meta.index == index && incoming.is_whole();
        }
        self.restore();
    }

    /// They are not good: the leader sends them anew.
    pub fn on_snapshot_bad(&mut self, index: u64) {
        if let Some(incoming) = self.incoming.as_mut().filter(|i| i.meta.index == index) {
            (incoming.handed, incoming.acknowledge) = (0, true);
            incoming.bytes.clear();
        }
    }

    /// Has raft go on from a snapshot that is whole and verified.
    fn restore(&mut self) {
        let raft = &self.node.raft;
        let leader = raft.leader_id;
        let can = raft.state == StateRole::Follower && leader != 0 && leader != self.config.node;
        let Some(incoming) = self.incoming.take_if(|incoming| can && incoming.verified) else {
            return;
        };
        let mut message = Message { from: leader, term: raft.term, ..Message::default() };
        message.set_msg_type(MessageType::MsgSnapshot);
        message.set_snapshot(to_raft(&incoming.meta));
        self.restored = Some(incoming.meta);
        self.step(message);
    }

    /// Raft's answer to a snapshot: the log begins behind it.
    pub(super) fn handle_snapshot(&mut self, snapshot: &Snapshot, out: &mut impl Outbox) {
        let index = snapshot.get_metadata().index;
        let Some(meta) = self.restored.take_if(|meta| meta.index == index) else { return };
        self.persist(out, Record::Snapshot(&meta));
        let record = self.records;
        self.node.mut_store().restart(&meta, record);
        (self.delivered, self.applied) = (index, index);
        self.members = meta.members.clone();
        self.changes = Changes::behind(index);
        self.node.mut_store().snapshot = Some(meta);
    }

    /// Raft wants a peer to have a snapshot.
    pub(super) fn begin_snapshot(&mut self, message: &Message) {
        let Some(meta) = self.node.store().snapshot.clone() else { return };
        self.outgoing.retain(|outgoing| outgoing.to != message.to);
        self.outgoing.push(Outgoing::of(message.to, meta));
    }

    /// Sends what is to be sent of snapshots, and hands over what has come of one.
    pub(super) fn pump_snapshots(&mut self, out: &mut impl Outbox) {
        if !self.outgoing.is_empty() {
            let raft = &self.node.raft;
            let leads = raft.state == StateRole::Leader;
            let prs = raft.prs();
            let state = |to| prs.get(to).map(|progress| progress.state);
            self.outgoing.retain(|o| leads && state(o.to) == Some(ProgressState::Snapshot));
            let mut outgoing = std::mem::take(&mut self.outgoing);
            outgoing.iter_mut().for_each(|one| self.pump_one(one, out));
            outgoing.retain(|one| one.offers <= OFFERS_MAX);
            self.outgoing = outgoing;
        }
        self.hand_over(out);
    }

    fn pump_one(&mut self, one: &mut Outgoing, out: &mut impl Outbox) {
        let patience_ns = PATIENCE_TICKS * self.config.tick_ns;
        if one.offers == 0 || self.now_ns.saturating_sub(one.since_ns) >= patience_ns {
            one.offers += 1;
            if one.offers > OFFERS_MAX {
                return self.node.report_snapshot(one.to, SnapshotStatus::Failure);
            }
            (one.since_ns, one.sent, one.anew) = (self.now_ns, one.acknowledged, true);
            self.offer(one, out);
        }
        // Nothing is sent before the peer has said where it is.
        for _ in 0..if one.anew { 0 } else { CHUNKS_A_POLL } {
            let chunk =
                (self.datagram.len() - HEADER_BYTES - size_of::<SnapshotChunkBody>()) as u64;
            let left = one.meta.bytes - one.sent;
            if left == 0 || one.sent - one.acknowledged >= CHUNKS_UNDER_WAY * chunk {
                break;
            }
            let wanted = chunk.min(left) as usize;
            self.chunk.resize(wanted, 0);
            let got = out.read_snapshot(one.meta.index, one.sent, &mut self.chunk).min(wanted);
            if got == 0 {
                self.take_newer(one);
                break;
            }
            self.send_chunk(one, got, out);
            one.sent += got as u64;
        }
    }

    /// Where the driver no longer has a snapshot and has a newer one, that one is sent: raft takes
    /// any that is as new as the one it asked for.
    fn take_newer(&mut self, one: &mut Outgoing) {
        let newest = self.node.store().snapshot.as_ref();
        if let Some(newer) = newest.filter(|newest| newest.index > one.meta.index) {
            let (meta, to) = (newer.clone(), one.to);
            *one = Outgoing::of(to, meta);
        }
    }

    fn offer(&mut self, one: &Outgoing, out: &mut impl Outbox) {
        let meta = &one.meta;
        let members = meta.members.voters.iter().chain(&meta.members.learners);
        let ids: arrayvec::ArrayVec<_, 16> = members.map(|id| (*id).into()).collect();
        let body = OfferBody {
            index: meta.index.into(),
            log_term: meta.term.into(),
            bytes: meta.bytes.into(),
            digest: meta.digest.into(),
            voters: (meta.members.voters.len() as u16).into(),
            zero: [0; 6],
        };
        self.say(one.to, Kind::Offer, 0, Body::Offer(body, &ids), out);
    }

    fn send_chunk(&mut self, one: &Outgoing, len: usize, out: &mut impl Outbox) {
        let body = SnapshotChunkBody {
            index: one.meta.index.into(),
            digest: one.meta.digest.into(),
            offset: one.sent.into(),
        };
        let bytes = std::mem::take(&mut self.chunk);
        self.say(one.to, Kind::SnapshotChunk, 0, Body::SnapshotChunk(body, &bytes[..len]), out);
        self.chunk = bytes;
    }

    /// Sends what is no message of raft's.
    fn say(&mut self, to: u64, kind: Kind, flags: u8, body: Body<'_>, out: &mut impl Outbox) {
        let Heard { leader, term: heard, stamp, .. } = self.heard;
        let term = self.node.raft.term;
        // An acknowledgement answers the leader's clock as other answers do.
        let answers = kind == Kind::SnapshotAck && (leader, heard) == (to, term);
        let own = if kind == Kind::SnapshotAck { 0 } else { self.now_ns };
        let stamp = if answers { stamp } else { own };
        let datagram = Datagram { peer: to, term, stamp, kind, flags, body };
        let len = codec::encode(&self.seal, &datagram, &mut self.datagram);
        out.send(to, &self.datagram[..len]);
    }

    /// Gives the driver what has come of a snapshot, and acknowledges it.
    fn hand_over(&mut self, out: &mut impl Outbox) {
        let Some(mut incoming) = self.incoming.take() else { return };
        if incoming.meta.index <= self.committed() {
            // The log has come this far in the meantime.
            return;
        }
        if !incoming.bytes.is_empty() {
            out.snapshot_bytes(&incoming.meta, incoming.handed, &incoming.bytes);
            incoming.handed += incoming.bytes.len() as u64;
            incoming.bytes.clear();
            incoming.acknowledge = true;
        }
        if std::mem::take(&mut incoming.acknowledge) {
            let body = SnapshotAckBody {
                index: incoming.meta.index.into(),
                digest: incoming.meta.digest.into(),
                offset: incoming.handed.into(),
            };
            self.say(incoming.from, Kind::SnapshotAck, 0, Body::SnapshotAck(body), out);
        }
        self.incoming = Some(incoming);
        self.restore();
    }

    /// A leader has a snapshot for us.
    pub(super) fn take_offer(&mut self, datagram: &Datagram<'_>) -> Result<(), Refused> {
        let meta = datagram.body.snapshot().ok_or(Refused::Malformed)?;
        self.check_snapshot_leader(datagram)?;
        if !meta.members.have(self.config.node) {
            return Err(Refused::Malformed);
        }
        if meta.index <= self.committed() {
            // We have that: raft answers how far we are.
            let mut message = Message { from: datagram.peer, ..Message::default() };
            message.term = datagram.term;
            message.set_msg_type(MessageType::MsgSnapshot);
            message.set_snapshot(to_raft(&meta));
            self.step(message);
            return Ok(());
        }
        let from = datagram.peer;
        match &mut self.incoming {
            Some(incoming) if incoming.meta == meta => {
                (incoming.from, incoming.acknowledge) = (from, true);
            }
            _ => {
                let bytes = Vec::with_capacity(self.window_bytes());
                let (handed, acknowledge, verified) = (0, true, false);
                let incoming = Incoming { meta, from, handed, bytes, acknowledge, verified };
                self.incoming = Some(incoming);
            }
        }
        Ok(())
    }

    fn window_bytes(&self) -> usize {
        CHUNKS_UNDER_WAY as usize * self.config.datagram_bytes
    }

    /// As for an append; a leader of a newer term is first heard of by an append or a heartbeat.
    fn check_snapshot_leader(&mut self, datagram: &Datagram<'_>) -> Result<(), Refused> {
        let (term, leader) = (self.node.raft.term, self.node.raft.leader_id);
        match () {
            () if datagram.term < term => Err(Refused::PastEpoch),
            () if datagram.term > term || leader != datagram.peer => Err(Refused::Unsolicited),
            () => Ok(()),
        }
    }

    pub(super) fn take_chunk(
        &mut self,
        datagram: &Datagram<'_>,
        body: &SnapshotChunkBody,
        bytes: &[u8],
    ) -> Result<(), Refused> {
        self.check_snapshot_leader(datagram)?;
        let window = self.window_bytes();
        let Some(incoming) = &mut self.incoming else { return Err(Refused::Unsolicited) };
        if !incoming.is(body.index.get(), body.digest.get()) {
            return Err(Refused::Unsolicited);
        }
        let have = incoming.handed + incoming.bytes.len() as u64;
        let next = body.offset.get() == have;
        if have + bytes.len() as u64 > incoming.meta.bytes && next {
            return Err(Refused::Malformed);
        }
        if next && incoming.bytes.len() + bytes.len() <= window {
            incoming.bytes.extend_from_slice(bytes);
        } else {
            // Lost, doubled or out of turn: the leader hears how far we are.
            incoming.acknowledge = true;
        }
        Ok(())
    }

    pub(super) fn take_snapshot_ack(
        &mut self,
        datagram: &Datagram<'_>,
        body: &SnapshotAckBody,
    ) -> Result<(), Refused> {
        self.check_answer(datagram, 0)?;
        self.answered(datagram);
        let (index, digest, offset) = (body.index.get(), body.digest.get(), body.offset.get());
        let of = |o: &&mut Outgoing| {
            o.to == datagram.peer && (o.meta.index, o.meta.digest) == (index, digest)
        };
        let Some(one) = self.outgoing.iter_mut().find(of) else { return Ok(()) };
        if offset > one.meta.bytes {
            return Err(Refused::Contradiction);
        }
        let bad = datagram.flags & FLAG_REJECT != 0;
        if one.anew || bad {
            (one.acknowledged, one.sent, one.anew) = (offset, offset, false);
            one.since_ns = self.now_ns;
        } else if offset > one.acknowledged {
            one.acknowledged = offset;
            one.sent = one.sent.max(offset);
            (one.since_ns, one.offers) = (self.now_ns, 1);
        }
        Ok(())
    }
}

impl Outgoing {
    fn of(to: u64, meta: SnapshotMeta) -> Outgoing {
        let (acknowledged, sent, since_ns) = (0, 0, 0);
        Outgoing { to, meta, acknowledged, sent, since_ns, offers: 0, anew: true }
    }
}

impl Incoming {
    fn is_whole(&self) -> bool {
        self.handed == self.meta.bytes
    }

    fn is(&self, index: u64, digest: u64) -> bool {
        (self.meta.index, self.meta.digest) == (index, digest)
    }
}

fn to_raft(meta: &SnapshotMeta) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let about = snapshot.mut_metadata();
    about.index = meta.index;
    about.term = meta.term;
    about.set_conf_state(meta.members.to_raft());
    snapshot
}
