//! What goes to peers: raft's messages as datagrams, at once or when the disk is far enough.

use super::{HELD_MAX, Held, Replica};
use crate::codec::{self, AppendBody, AppendWriter, Body, Datagram, Kind};
use crate::codec::{
    AppendReplyBody, CommitBody, FLAG_REJECT, FLAG_TRANSFER, VoteBody, VoteReplyBody,
};
use crate::outbox::Outbox;
use crate::ring::view;
use raft::eraftpb::{Message, MessageType};

impl Replica {
    /// Keeps a message until the disk has what it promises, or sends it.
    pub(super) fn hold(&mut self, message: Message, out: &mut impl Outbox) {
        let record = self.promised(&message);
        if record <= self.durable {
            return self.send(&message, out);
        }
        if self.held.len() == HELD_MAX {
            self.held.pop_front();
        }
        self.held.push_back(Held { record, message });
    }

    /// The record without which a message would promise what a crash can undo.
    fn promised(&self, message: &Message) -> u64 {
        match message.get_msg_type() {
            // Of these nothing is kept: whoever asks binds nobody, nor does the answer.
            MessageType::MsgRequestPreVote | MessageType::MsgRequestPreVoteResponse => 0,
            // That the sender is in this term, and has voted as it has.
            MessageType::MsgHeartbeatResponse | MessageType::MsgRequestVoteResponse => {
                self.hard_record
            }
            MessageType::MsgAppendResponse if message.reject => self.hard_record,
            // That the log has everything up to there.
            MessageType::MsgAppendResponse => {
                self.hard_record.max(self.node.store().record_of(message.index))
            }
            // A candidate that wins begins with a log that is all on disk.
            _ => self.records,
        }
    }

    /// Sends what has waited for the disk, in its order.
    pub(super) fn release_held(&mut self, out: &mut impl Outbox) {
        for _ in 0..self.held.len() {
            let Some(held) = self.held.pop_front() else { break };
            if held.record <= self.durable {
                self.send(&held.message, out);
            } else {
                self.held.push_back(held);
            }
        }
    }

    pub(super) fn send(&mut self, message: &Message, out: &mut impl Outbox) {
        let number = |number: u64| number.into();
        let commit = message.commit;
        let (kind, body) = match message.get_msg_type() {
            MessageType::MsgAppend => return self.send_append(message, out),
            MessageType::MsgSnapshot => return self.begin_snapshot(message),
            MessageType::MsgAppendResponse => {
                let (only_rejected, none) = (message.reject, 0);
                let rejected = |value| number(if only_rejected { value } else { none });
                let body = AppendReplyBody {
                    index: number(message.index),
                    log_term: rejected(message.log_term),
                    commit: number(commit),
                    hint: rejected(message.reject_hint),
                    snapshot: rejected(message.request_snapshot),
                };
                (Kind::AppendReply, Body::AppendReply(body))
            }
            MessageType::MsgHeartbeat => {
                (Kind::Heartbeat, Body::Commit(CommitBody { commit: number(commit) }))
            }
            MessageType::MsgHeartbeatResponse => {
                (Kind::HeartbeatReply, Body::Commit(CommitBody { commit: number(commit) }))
            }
            MessageType::MsgRequestVote => (Kind::Vote, vote_body(message)),
            MessageType::MsgRequestPreVote => (Kind::PreVote, vote_body(message)),
            MessageType::MsgRequestVoteResponse => (Kind::VoteReply, vote_reply_body(message)),
            MessageType::MsgRequestPreVoteResponse => {
                (Kind::PreVoteReply, vote_reply_body(message))
            }
            MessageType::MsgTimeoutNow => (Kind::TimeoutNow, Body::TimeoutNow),
            // Proposals and reads are not forwarded: whoever leads is asked itself.
            _ => return,
        };
        let mut flags = if message.reject { FLAG_REJECT } else { 0 };
        if kind == Kind::Vote && message.context == raft::CAMPAIGN_TRANSFER {
            flags = FLAG_TRANSFER;
        }
        let stamp = self.stamp(message);
        let datagram = Datagram { peer: message.to, term: message.term, stamp, kind, flags, body };
        let len = codec::encode(&self.seal, &datagram, &mut self.datagram);
        out.send(message.to, &self.datagram[..len]);
    }

    /// A leader's clock; in what answers a leader, what its clock was.
    fn stamp(&self, message: &Message) -> u64 {
        match message.get_msg_type() {
            MessageType::MsgAppend | MessageType::MsgHeartbeat => self.now_ns,
            MessageType::MsgAppendResponse | MessageType::MsgHeartbeatResponse
                if (self.heard.leader, self.heard.term) == (message.to, message.term) =>
            {
                self.heard.stamp
            }
            _ => 0,
        }
    }

    /// Index and term of the entry that an append's entries follow. Raft puts entries into an
    /// append that it had made without any, whatever that one follows: with indices of their own
    /// they would do no harm, but a datagram has the head's alone.
    fn before(&self, message: &Message) -> Option<(u64, u64)> {
        match message.entries.first() {
            Some(first) if first.index != message.index + 1 => {
                let index = first.index - 1;
                let term = self.node.raft.raft_log.term(index).ok();
                term.filter(|&term| term > 0 || index == 0).map(|term| (index, term))
            }
            _ => Some((message.index, message.log_term)),
        }
    }

    /// Sends an append in as many datagrams as it needs.
    fn send_append(&mut self, message: &Message, out: &mut impl Outbox) {
        // Where it does not know, the peer is asked anew what it has, as if this had been lost.
        let Some((mut index, mut log_term)) = self.before(message) else { return };
        let mut entries = message.entries.iter().peekable();
        let stamp = self.stamp(message);
        loop {
            let head = AppendBody {
                index: index.into(),
                log_term: log_term.into(),
                commit: message.commit.into(),
            };
            let mut writer = AppendWriter::new(&head, &mut self.datagram);
            while let Some(entry) = entries.peek() {
                let entry = view(entry);
                debug_assert_eq!(entry.index, index + 1, "an append has no gap");
                if !writer.push(entry.term, entry.kind, entry.payload) {
                    break;
                }
                (index, log_term) = (entry.index, entry.term);
                entries.next();
            }
            let len = writer.finish(&self.seal, message.to, message.term, stamp);
            out.send(message.to, &self.datagram[..len]);
            if entries.peek().is_none() {
                return;
            }
        }
    }
}

fn vote_body(message: &Message) -> Body<'static> {
    Body::Vote(VoteBody {
        index: message.index.into(),
        log_term: message.log_term.into(),
        commit: message.commit.into(),
        commit_term: message.commit_term.into(),
        priority: message.priority.into(),
    })
}

fn vote_reply_body(message: &Message) -> Body<'static> {
    Body::VoteReply(VoteReplyBody {
        commit: message.commit.into(),
        commit_term: message.commit_term.into(),
    })
}
