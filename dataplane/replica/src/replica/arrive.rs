//! What comes from peers: judged, and handed to raft.
//!
//! Raft panics where a message contradicts what it knows to be true. Each such case is looked for
//! here first, and refused by name: a datagram, whatever is in it, does not stop a node.

use super::{Heard, Replica};
use crate::codec::{self, AppendBody, Body, Datagram, Entries, FLAG_REJECT, FLAG_TRANSFER, Kind};
use crate::refused::Refused;
use crate::ring::{Need, entry_of};
use raft::StateRole;
use raft::eraftpb::{Message, MessageType};

impl Replica {
    /// Takes a datagram that came from the node `from`, as its address says.
    ///
    /// # Errors
    /// Why it was not taken; counted in [`Replica::refusals`]. Nothing changed then, but for
    /// [`Refused::PastEpoch`], of which the sender may be told.
    pub fn on_datagram(&mut self, now_ns: u64, from: u64, bytes: &[u8]) -> Result<(), Refused> {
        self.now_ns = now_ns;
        let taken = self.take(from, bytes);
        if let Err(why) = taken {
            self.refusals.count(why);
        }
        taken
    }

    fn take(&mut self, from: u64, bytes: &[u8]) -> Result<(), Refused> {
        let datagram = codec::decode(&self.seal, bytes)?;
        if datagram.peer != from || from == self.config.node {
            return Err(Refused::UnknownNode);
        }
        match datagram.body {
            Body::Append(head, entries) => self.take_append(&datagram, head, entries),
            Body::Commit(body) if datagram.kind == Kind::Heartbeat => {
                self.take_heartbeat(&datagram, body.commit.get())
            }
            Body::AppendReply(body) => {
                self.check_answer(&datagram, body.index.get())?;
                let mut message = message_of(&datagram, MessageType::MsgAppendResponse);
                message.index = body.index.get();
                message.log_term = body.log_term.get();
                message.commit = body.commit.get().min(self.last().0);
                message.reject_hint = body.hint.get();
                message.request_snapshot = body.snapshot.get();
                self.step_answer(&datagram, message)
            }
            Body::Commit(body) => {
                self.check_answer(&datagram, 0)?;
                let mut message = message_of(&datagram, MessageType::MsgHeartbeatResponse);
                message.commit = body.commit.get().min(self.last().0);
                self.step_answer(&datagram, message)
            }
            Body::Vote(body) => self.take_vote(&datagram, &body),
            Body::VoteReply(body) => self.take_vote_reply(&datagram, &body),
            Body::TimeoutNow => self.take_timeout_now(&datagram),
            Body::Offer(..) => self.take_offer(&datagram),
            Body::SnapshotChunk(body, bytes) => self.take_chunk(&datagram, &body, bytes),
            Body::SnapshotAck(body) => self.take_snapshot_ack(&datagram, &body),
        }
    }

    fn term(&self) -> u64 {
        self.node.raft.term
    }

    pub(super) fn step(&mut self, message: Message) {
        // Raft's errors are about proposals, and about peers that it does not know.
        let _ = self.node.step(message);
        self.after_step();
    }

    fn take_append(
        &mut self,
        datagram: &Datagram<'_>,
        head: &AppendBody,
        entries: Entries<'_>,
    ) -> Result<(), Refused> {
        let mut message = message_of(datagram, MessageType::MsgAppend);
        if datagram.term < self.term() {
            // Raft tells the sender of the newer term.
            self.step(message);
            return Err(Refused::PastEpoch);
        }
        self.check_leader(datagram)?;
        message.index = head.index.get();
        message.log_term = head.log_term.get();
        message.commit = head.commit.get();
        // What does not fit behind our log is refused by raft whatever it is, so nothing is copied.
        if message.index <= self.last_with_unstable() {
            if entries.iter().any(|entry| self.contradicts(entry.index, entry.term)) {
                return Err(Refused::Contradiction);
            }
            self.room_for(entries)?;
            let copies = entries.iter().map(|entry| entry_of(entry, &mut self.payloads));
            let copies: Option<Vec<_>> = copies.collect();
            message.set_entries(copies.ok_or(Refused::Malformed)?.into());
        }
        self.step(message);
        self.review_changes(entries);
        self.hear(datagram, head.commit.get());
        Ok(())
    }

    /// Whether an entry would replace a committed one.
    fn contradicts(&self, index: u64, term: u64) -> bool {
        // Unknown (0) is what the log let go of, and that was committed as the leader has it.
        let held = || self.node.raft.raft_log.term(index).unwrap_or(0);
        index <= self.committed() && ![0, term].contains(&held())
    }

    fn last_with_unstable(&self) -> u64 {
        self.node.raft.raft_log.last_index()
    }

    fn room_for(&mut self, entries: Entries<'_>) -> Result<(), Refused> {
        let unstable = self.node.raft.raft_log.unstable_entries().len();
        let (mut count, mut bytes) = (unstable, 0);
        for entry in entries.iter() {
            (count, bytes) = (count + 1, bytes + entry.payload.len());
        }
        if !self.make_room(Need { entries: count, bytes, proposed: false }) {
            return Err(Refused::LogFull);
        }
        Ok(())
    }

    /// Makes room in the log for so much; entries may go that the engine, the disk and raft have.
    pub(super) fn make_room(&mut self, need: Need) -> bool {
        let log = &self.node.raft.raft_log;
        let through = self.applied.min(log.persisted).min(log.applied);
        self.node.mut_store().make_room(need, through)
    }

    fn take_heartbeat(&mut self, datagram: &Datagram<'_>, commit: u64) -> Result<(), Refused> {
        let mut message = message_of(datagram, MessageType::MsgHeartbeat);
        if datagram.term < self.term() {
            self.step(message);
            return Err(Refused::PastEpoch);
        }
        self.check_leader(datagram)?;
        // The leader sends no more than what we said that we have.
        if commit > self.last_with_unstable() {
            return Err(Refused::Contradiction);
        }
        message.commit = commit;
        self.step(message);
        self.hear(datagram, commit);
        Ok(())
    }

    /// A term has one leader, and it is not us and the sender.
    fn check_leader(&self, datagram: &Datagram<'_>) -> Result<(), Refused> {
        let raft = &self.node.raft;
        let other = raft.leader_id != 0 && raft.leader_id != datagram.peer;
        let same_term = datagram.term == raft.term;
        if same_term && (raft.state == StateRole::Leader || other) {
            return Err(Refused::Contradiction);
        }
        Ok(())
    }

    /// Remembers the leader's clock, to send it back, which promises no vote to others for a while.
    fn hear(&mut self, datagram: &Datagram<'_>, committed: u64) {
        let raft = &self.node.raft;
        let Datagram { peer: leader, term, mut stamp, .. } = *datagram;
        if (raft.leader_id, raft.term) != (leader, term) {
            return;
        }
        if (self.heard.leader, self.heard.term) == (leader, term) {
            stamp = stamp.max(self.heard.stamp);
        }
        let (at_ns, committed) = (self.now_ns, committed.max(self.heard.committed));
        let until_ns = at_ns.saturating_add(self.config.silence_ns());
        self.heard = Heard { leader, term, stamp, committed, at_ns, until_ns };
    }

    /// An answer is for a leader of that term, about entries that it has.
    pub(super) fn check_answer(&self, datagram: &Datagram<'_>, index: u64) -> Result<(), Refused> {
        let raft = &self.node.raft;
        if datagram.term < raft.term {
            return Err(Refused::PastEpoch);
        }
        // A higher term in an answer would have us forget our leader, and a lease with it.
        if raft.state != StateRole::Leader {
            return Err(Refused::Unsolicited);
        }
        if !self.members.have(datagram.peer) {
            return Err(Refused::UnknownNode);
        }
        let rejected = datagram.flags & FLAG_REJECT != 0;
        if !rejected && index > self.last_with_unstable() && datagram.term == raft.term {
            return Err(Refused::Contradiction);
        }
        Ok(())
    }

    fn step_answer(&mut self, datagram: &Datagram<'_>, message: Message) -> Result<(), Refused> {
        self.step(message);
        self.answered(datagram);
        Ok(())
    }

    /// A peer has sent our clock back.
    pub(super) fn answered(&mut self, datagram: &Datagram<'_>) {
        let raft = &self.node.raft;
        let ours = raft.state == StateRole::Leader && raft.term == datagram.term;
        if ours && (1..=self.now_ns).contains(&datagram.stamp) {
            self.lease.on_answer(datagram.peer, datagram.stamp, &self.members);
        }
    }

    fn take_vote(
        &mut self,
        datagram: &Datagram<'_>,
        body: &codec::VoteBody,
    ) -> Result<(), Refused> {
        let pre = datagram.kind == Kind::PreVote;
        let kind = if pre { MessageType::MsgRequestPreVote } else { MessageType::MsgRequestVote };
        let transfer = datagram.flags & FLAG_TRANSFER != 0;
        let silent = self.now_ns < self.heard.until_ns && self.heard.leader != datagram.peer;
        if silent && !transfer {
            return Err(Refused::TooSoon);
        }
        let past = datagram.term < self.term();
        let mut message = message_of(datagram, kind);
        message.index = body.index.get();
        message.log_term = body.log_term.get();
        message.commit = body.commit.get();
        message.commit_term = body.commit_term.get();
        message.priority = body.priority.get();
        if transfer {
            message.context = raft::CAMPAIGN_TRANSFER.into();
            // The leader's wish goes before the order of succession.
            message.priority = i64::MAX;
        }
        self.step(message);
        if past { Err(Refused::PastEpoch) } else { Ok(()) }
    }

    fn take_vote_reply(
        &mut self,
        datagram: &Datagram<'_>,
        body: &codec::VoteReplyBody,
    ) -> Result<(), Refused> {
        if datagram.term < self.term() {
            return Err(Refused::PastEpoch);
        }
        if !matches!(self.node.raft.state, StateRole::PreCandidate | StateRole::Candidate) {
            // One that comes when the election is decided is nothing to speak of.
            let late = datagram.term == self.term();
            return if late { Ok(()) } else { Err(Refused::Unsolicited) };
        }
        if !self.members.have(datagram.peer) {
            return Err(Refused::UnknownNode);
        }
        let pre = datagram.kind == Kind::PreVoteReply;
        // We ask for votes when all that we have is on disk, and have nothing new until we win.
        if !pre && self.durable < self.records {
            return Err(Refused::Unsolicited);
        }
        let kind = if pre {
            MessageType::MsgRequestPreVoteResponse
        } else {
            MessageType::MsgRequestVoteResponse
        };
        let mut message = message_of(datagram, kind);
        message.commit = body.commit.get();
        message.commit_term = body.commit_term.get();
        self.step(message);
        Ok(())
    }

    fn take_timeout_now(&mut self, datagram: &Datagram<'_>) -> Result<(), Refused> {
        let raft = &self.node.raft;
        if datagram.term < raft.term {
            return Err(Refused::PastEpoch);
        }
        if datagram.term > raft.term || raft.leader_id != datagram.peer {
            return Err(Refused::Unsolicited);
        }
        if !self.may_campaign() || self.stands_back {
            return Err(Refused::TooSoon);
        }
        self.step(message_of(datagram, MessageType::MsgTimeoutNow));
        Ok(())
    }
}

fn message_of(datagram: &Datagram<'_>, kind: MessageType) -> Message {
    let mut message = Message::default();
    message.set_msg_type(kind);
    message.from = datagram.peer;
    message.term = datagram.term;
    message.reject = datagram.flags & FLAG_REJECT != 0;
    message
}
