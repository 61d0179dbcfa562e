//! What follows the header, by kind.

use super::{FLAG_REJECT, Header, Kind, NUMBER_MAX};
use crate::config::PAYLOAD_BYTES_MAX;
use crate::members::{Change, LEARNERS_MAX, Members, VOTERS_MAX};
use crate::outbox::{Entry, EntryKind, SnapshotMeta};
use zerocopy::byteorder::little_endian::{I64, U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Declares a fixed body.
macro_rules! body {
    (
        $(#[$doc:meta])*
        $name:ident, $bytes:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq,
            FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
        )]
        #[repr(C)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
        const _: () = assert!(size_of::<$name>() == $bytes);
    };
}

body! {
    /// The fixed part of an append.
    AppendBody, 24 {
        /// The entry that the first one follows.
        index: U64,
        /// That entry's term.
        log_term: U64,
        /// What is committed.
        commit: U64,
    }
}

body! {
    /// Before each entry of an append; entries are numbered from the append's index on.
    EntryHead, 12 {
        /// The entry's term.
        term: U64,
        /// Bytes of payload, which follow.
        bytes: U16,
        /// An [`EntryKind`].
        kind: u8,
        /// Zero.
        zero: u8,
    }
}

body! {
    /// The answer to an append.
    AppendReplyBody, 40 {
        /// The last entry in which the logs agree; rejected, the entry that was to be followed.
        index: U64,
        /// Rejected: the term of the entry at the hint.
        log_term: U64,
        /// What the receiver has as committed.
        commit: U64,
        /// Rejected: an entry from which it may go on.
        hint: U64,
        /// Rejected: a snapshot of that index or later is wanted; 0 for none.
        snapshot: U64,
    }
}

body! {
    /// A heartbeat, and its answer.
    CommitBody, 8 {
        /// What is committed, and in the receiver's log; what the answering node has as committed.
        commit: U64,
    }
}

body! {
    /// A vote, or a pre-vote, that is asked for.
    VoteBody, 40 {
        /// The candidate's last entry.
        index: U64,
        /// That entry's term.
        log_term: U64,
        /// What it has as committed.
        commit: U64,
        /// That entry's term.
        commit_term: U64,
        /// Its priority.
        priority: I64,
    }
}

body! {
    /// A vote or a pre-vote.
    VoteReplyBody, 16 {
        /// Rejected: what the voter has as committed.
        commit: U64,
        /// That entry's term.
        commit_term: U64,
    }
}

body! {
    /// A snapshot; its members follow, voters first.
    OfferBody, 40 {
        /// The last entry in it.
        index: U64,
        /// That entry's term.
        log_term: U64,
        /// Its size in bytes.
        bytes: U64,
        /// What tells it from another of the same index.
        digest: U64,
        /// How many of the members vote.
        voters: U16,
        /// Zeros.
        zero: [u8; 6],
    }
}

body! {
    /// Some bytes of the snapshot that was offered; they follow.
    SnapshotChunkBody, 24 {
        /// Which snapshot: its last entry.
        index: U64,
        /// And its digest.
        digest: U64,
        /// Where the bytes belong.
        offset: U64,
    }
}

body! {
    /// How far a snapshot has arrived; rejected, it could not be used and is wanted anew.
    SnapshotAckBody, 24 {
        /// Which snapshot: its last entry.
        index: U64,
        /// And its digest.
        digest: U64,
        /// All bytes before this one are there.
        offset: U64,
    }
}

/// What follows the header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Body<'a> {
    /// [`Kind::Append`].
    Append(&'a AppendBody, Entries<'a>),
    /// [`Kind::AppendReply`].
    AppendReply(AppendReplyBody),
    /// [`Kind::Heartbeat`], [`Kind::HeartbeatReply`].
    Commit(CommitBody),
    /// [`Kind::Vote`], [`Kind::PreVote`].
    Vote(VoteBody),
    /// [`Kind::VoteReply`], [`Kind::PreVoteReply`].
    VoteReply(VoteReplyBody),
    /// [`Kind::TimeoutNow`].
    TimeoutNow,
    /// [`Kind::Offer`].
    Offer(OfferBody, &'a [U64]),
    /// [`Kind::SnapshotChunk`].
    SnapshotChunk(SnapshotChunkBody, &'a [u8]),
    /// [`Kind::SnapshotAck`].
    SnapshotAck(SnapshotAckBody),
}

/// The body, if it is that and nothing else.
fn whole<T: FromBytes + KnownLayout + Immutable + Copy>(bytes: &[u8]) -> Option<T> {
    T::read_from_bytes(bytes).ok()
}

fn are_numbers(numbers: &[U64]) -> bool {
    numbers.iter().all(|number| number.get() < NUMBER_MAX)
}

impl<'a> Body<'a> {
    /// Reads it; `None` unless every field has a value that a sender writes.
    pub(super) fn read(kind: Kind, header: &Header, bytes: &'a [u8]) -> Option<Body<'a>> {
        let (term, count) = (header.term.get(), header.count.get());
        if count != 0 && !matches!(kind, Kind::Append | Kind::Offer) {
            return None;
        }
        Some(match kind {
            Kind::Append => {
                let (head, entries) = AppendBody::ref_from_prefix(bytes).ok()?;
                let sound = are_numbers(&[head.index, head.log_term, head.commit])
                    && head.log_term.get() <= term
                    && (head.index.get() == 0) == (head.log_term.get() == 0);
                let entries = Entries { index: head.index.get(), bytes: entries };
                (sound && entries.are_sound(count, head.log_term.get(), term)).then_some(())?;
                Body::Append(head, entries)
            }
            Kind::AppendReply => {
                let body: AppendReplyBody = whole(bytes)?;
                let rejected = header.flags & FLAG_REJECT != 0;
                let only_then = [body.log_term, body.hint, body.snapshot];
                let sound = are_numbers(&[body.index, body.commit])
                    && are_numbers(&only_then)
                    && (rejected || only_then.iter().all(|field| field.get() == 0));
                sound.then_some(Body::AppendReply(body))?
            }
            Kind::Heartbeat | Kind::HeartbeatReply => {
                let body: CommitBody = whole(bytes)?;
                are_numbers(&[body.commit]).then_some(Body::Commit(body))?
            }
            Kind::Vote | Kind::PreVote => {
                let body: VoteBody = whole(bytes)?;
                let sound =
                    are_numbers(&[body.index, body.log_term, body.commit, body.commit_term])
                        && body.log_term.get() < term
                        && body.commit.get() <= body.index.get();
                sound.then_some(Body::Vote(body))?
            }
            Kind::VoteReply | Kind::PreVoteReply => {
                let body: VoteReplyBody = whole(bytes)?;
                are_numbers(&[body.commit, body.commit_term]).then_some(Body::VoteReply(body))?
            }
            Kind::TimeoutNow => bytes.is_empty().then_some(Body::TimeoutNow)?,
            Kind::Offer | Kind::SnapshotChunk | Kind::SnapshotAck => {
                return Body::read_snapshot(kind, header, bytes);
            }
        })
    }

    fn read_snapshot(kind: Kind, header: &Header, bytes: &'a [u8]) -> Option<Body<'a>> {
        let names = |index: U64| (1..NUMBER_MAX).contains(&index.get());
        match kind {
            Kind::Offer => {
                let (body, rest) = OfferBody::read_from_prefix(bytes).ok()?;
                let members = <[U64]>::ref_from_bytes(rest).ok()?;
                let sound = names(body.index)
                    && names(body.log_term)
                    && body.log_term.get() <= header.term.get()
                    && (1..NUMBER_MAX).contains(&body.bytes.get())
                    && body.zero == [0; 6]
                    && members.len() == usize::from(header.count.get());
                let offer = sound.then_some(Body::Offer(body, members))?;
                offer.snapshot().map(|_| offer)
            }
            Kind::SnapshotChunk => {
                let (body, rest) = SnapshotChunkBody::read_from_prefix(bytes).ok()?;
                let sound = names(body.index) && are_numbers(&[body.offset]) && !rest.is_empty();
                sound.then_some(Body::SnapshotChunk(body, rest))
            }
            _ => {
                let body: SnapshotAckBody = whole(bytes)?;
                let sound = names(body.index) && are_numbers(&[body.offset]);
                sound.then_some(Body::SnapshotAck(body))
            }
        }
    }

    /// Writes it to the front of `out`: its count and its length.
    pub(super) fn write(&self, out: &mut [u8]) -> (u16, usize) {
        let mut put = |head: &[u8], rest: &[u8]| {
            out[..head.len()].copy_from_slice(head);
            out[head.len()..head.len() + rest.len()].copy_from_slice(rest);
            head.len() + rest.len()
        };
        match self {
            Body::Append(head, entries) => {
                (entries.count() as u16, put(head.as_bytes(), entries.bytes))
            }
            Body::AppendReply(body) => (0, put(body.as_bytes(), &[])),
            Body::Commit(body) => (0, put(body.as_bytes(), &[])),
            Body::Vote(body) => (0, put(body.as_bytes(), &[])),
            Body::VoteReply(body) => (0, put(body.as_bytes(), &[])),
            Body::TimeoutNow => (0, 0),
            Body::Offer(body, members) => {
                (members.len() as u16, put(body.as_bytes(), members.as_bytes()))
            }
            Body::SnapshotChunk(body, bytes) => (0, put(body.as_bytes(), bytes)),
            Body::SnapshotAck(body) => (0, put(body.as_bytes(), &[])),
        }
    }

    /// The snapshot that an offer is of; `None` for other bodies, and when its members do not do.
    pub fn snapshot(&self) -> Option<SnapshotMeta> {
        let Body::Offer(body, ids) = self else { return None };
        let voters = usize::from(body.voters.get());
        if voters > VOTERS_MAX || ids.len() > voters + LEARNERS_MAX {
            return None;
        }
        let (voters, learners) = ids.split_at_checked(voters)?;
        let members = Members {
            voters: voters.iter().map(|id| id.get()).collect(),
            learners: learners.iter().map(|id| id.get()).collect(),
        };
        members.are_sound().then(|| SnapshotMeta {
            index: body.index.get(),
            term: body.log_term.get(),
            members,
            bytes: body.bytes.get(),
            digest: body.digest.get(),
        })
    }
}

/// The entries of an append, where they lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entries<'a> {
    index: u64,
    bytes: &'a [u8],
}

impl<'a> Entries<'a> {
    /// No entry.
    pub const NONE: Entries<'static> = Entries { index: 0, bytes: &[] };

    /// How many there are.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut left = *self;
        std::iter::from_fn(move || left.next())
    }

    /// The next one; `None` at the end, and where the bytes are not an entry's.
    fn next(&mut self) -> Option<Entry<'a>> {
        let (head, rest) = EntryHead::ref_from_prefix(self.bytes).ok()?;
        let (payload, rest) = rest.split_at_checked(usize::from(head.bytes.get()))?;
        let kind = match head.kind {
            0 => EntryKind::Noop,
            1 => EntryKind::Opaque,
            2 => EntryKind::Change,
            _ => return None,
        };
        let entry = Entry { index: self.index + 1, term: head.term.get(), kind, payload };
        let fits = match kind {
            EntryKind::Noop => payload.is_empty(),
            EntryKind::Opaque => (1..=PAYLOAD_BYTES_MAX).contains(&payload.len()),
            EntryKind::Change => Change::from_bytes(payload).is_some(),
        };
        if head.zero != 0 || !fits {
            return None;
        }
        *self = Entries { index: self.index + 1, bytes: rest };
        Some(entry)
    }

    /// Whether there are `count` of them and nothing else, of terms that do not fall.
    fn are_sound(mut self, count: u16, mut term: u64, term_max: u64) -> bool {
        for _ in 0..count {
            match self.next() {
                Some(entry) if (term.max(1)..=term_max).contains(&entry.term) => term = entry.term,
                _ => return false,
            }
        }
        self.bytes.is_empty()
    }
}
