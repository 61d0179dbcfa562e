//! Raft's messages as datagrams: a fixed layout, whose tables are in the crate's documentation.
//!
//! [`decode`] borrows; nothing here allocates. A datagram is taken whole or not at all: its
//! checksum covers all of it, each field has the values that a sender writes, and nothing follows
//! the last one. What is beyond one datagram, the log and the term, [`crate::Replica`] judges.

mod body;

pub use body::{
    AppendBody, AppendReplyBody, Body, CommitBody, Entries, EntryHead, OfferBody, SnapshotAckBody,
    SnapshotChunkBody, VoteBody, VoteReplyBody,
};

use crate::Refused;
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first bytes behind the checksum.
pub const MAGIC: [u8; 2] = *b"PR";
/// The only version that is written, and the only one that is read.
pub const VERSION: u8 = 1;
/// Bytes of a header.
pub const HEADER_BYTES: usize = size_of::<Header>();
/// Terms and indices are below this, so that sums of them do not wrap.
pub const NUMBER_MAX: u64 = 1 << 62;

/// Sender or receiver may not be raft's to know: the answer is no.
pub const FLAG_REJECT: u8 = 1;
/// A vote is asked for at the leader's own wish.
pub const FLAG_TRANSFER: u8 = 2;

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Entries, or none, behind one that the sender believes the receiver to have.
    Append = 1,
    /// How far the receiver's log agrees.
    AppendReply = 2,
    /// A leader is there.
    Heartbeat = 3,
    /// And was heard.
    HeartbeatReply = 4,
    /// Asks for a vote.
    Vote = 5,
    /// Gives it, or not.
    VoteReply = 6,
    /// Asks whether a vote would be given.
    PreVote = 7,
    /// It would be, or not.
    PreVoteReply = 8,
    /// Campaign at once: the leader hands over.
    TimeoutNow = 9,
    /// What a snapshot is that is about to come.
    Offer = 10,
    /// Some of its bytes.
    SnapshotChunk = 11,
    /// How many of them have arrived.
    SnapshotAck = 12,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Kind> {
        use Kind::*;
        const ALL: [Kind; 12] = [
            Append,
            AppendReply,
            Heartbeat,
            HeartbeatReply,
            Vote,
            VoteReply,
            PreVote,
            PreVoteReply,
            TimeoutNow,
            Offer,
            SnapshotChunk,
            SnapshotAck,
        ];
        ALL.get(usize::from(byte).checked_sub(1)?).copied()
    }

    fn flags_allowed(self) -> u8 {
        match self {
            Kind::AppendReply | Kind::VoteReply | Kind::PreVoteReply | Kind::SnapshotAck => {
                FLAG_REJECT
            }
            Kind::Vote | Kind::PreVote => FLAG_TRANSFER,
            _ => 0,
        }
    }
}

/// What every datagram begins with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// CRC32C of all that follows.
    pub crc: U32,
    /// [`MAGIC`].
    pub magic: [u8; 2],
    /// [`VERSION`]; here in every version to come, as the checksum and the magic.
    pub version: u8,
    /// A [`Kind`].
    pub kind: u8,
    /// The cluster's identity.
    pub cluster: [u8; 16],
    /// [`crate::Config::agreed_hash`].
    pub config: U64,
    /// Who sends.
    pub from: U64,
    /// Who is to receive.
    pub to: U64,
    /// The sender's term; in a pre-vote and its reply, the term that would be.
    pub term: U64,
    /// A leader's clock as it sends, and that same number in what answers it; 0 for none.
    pub stamp: U64,
    /// Bytes behind the header.
    pub body_bytes: U16,
    /// Entries of an append, members of an offer; else 0.
    pub count: U16,
    /// [`FLAG_REJECT`], [`FLAG_TRANSFER`].
    pub flags: u8,
    /// Zeros.
    pub zero: [u8; 3],
}
const _: () = assert!(HEADER_BYTES == 72);

/// What a node says of itself in each datagram, and expects of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The cluster's identity.
    pub cluster: [u8; 16],
    /// [`crate::Config::agreed_hash`].
    pub config: u64,
    /// This node.
    pub node: u64,
}

/// A datagram, decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datagram<'a> {
    /// Who sends, or is to receive.
    pub peer: u64,
    /// The sender's term.
    pub term: u64,
    /// The leader's clock, its own or echoed.
    pub stamp: u64,
    /// What it is.
    pub kind: Kind,
    /// [`FLAG_REJECT`], [`FLAG_TRANSFER`].
    pub flags: u8,
    /// The rest.
    pub body: Body<'a>,
}

/// Reads a datagram that was sent to the node of this seal.
pub fn decode<'a>(seal: &Seal, bytes: &'a [u8]) -> Result<Datagram<'a>, Refused> {
    let (header, body) = Header::ref_from_prefix(bytes).map_err(|_| Refused::Truncated)?;
    if header.magic != MAGIC {
        return Err(Refused::Magic);
    }
    if crc32c::crc32c(&bytes[size_of::<U32>()..]) != header.crc.get() {
        // A datagram that was cut is told as such where its length says so.
        let cut = body.len() < usize::from(header.body_bytes.get());
        return Err(if cut { Refused::Truncated } else { Refused::Checksum });
    }
    if header.version != VERSION {
        return Err(Refused::Version);
    }
    if header.cluster != seal.cluster {
        return Err(Refused::OtherCluster);
    }
    if header.config.get() != seal.config {
        return Err(Refused::OtherConfig);
    }
    if header.to.get() != seal.node {
        return Err(Refused::NotForUs);
    }
    let kind = Kind::from_byte(header.kind).ok_or(Refused::Malformed)?;
    let sound = header.zero == [0; 3]
        && header.flags & !kind.flags_allowed() == 0
        && usize::from(header.body_bytes.get()) == body.len()
        && (1..NUMBER_MAX).contains(&header.term.get())
        && header.from.get() != 0;
    if !sound {
        return Err(Refused::Malformed);
    }
    let body = Body::read(kind, header, body).ok_or(Refused::Malformed)?;
    Ok(Datagram {
        peer: header.from.get(),
        term: header.term.get(),
        stamp: header.stamp.get(),
        kind,
        flags: header.flags,
        body,
    })
}

/// The cluster, the configuration's hash and the sender that bytes speak of, whoever they are for:
/// to name whom a refusal is about. `None` where there is no whole header.
pub fn peek(bytes: &[u8]) -> Option<Seal> {
    let (header, _) = Header::ref_from_prefix(bytes).ok()?;
    let (cluster, config, node) = (header.cluster, header.config.get(), header.from.get());
    (header.magic == MAGIC).then_some(Seal { cluster, config, node })
}

/// Writes a datagram that has no entries and no bytes of a snapshot; its length.
///
/// # Panics
/// When `out` is shorter than [`crate::DATAGRAM_BYTES_MIN`].
pub fn encode(seal: &Seal, datagram: &Datagram<'_>, out: &mut [u8]) -> usize {
    let (count, len) = datagram.body.write(&mut out[HEADER_BYTES..]);
    finish(seal, datagram, count, len, out)
}

/// Puts the header before a body of `len` bytes; the datagram's length.
fn finish(seal: &Seal, datagram: &Datagram<'_>, count: u16, len: usize, out: &mut [u8]) -> usize {
    let header = Header {
        crc: U32::ZERO,
        magic: MAGIC,
        version: VERSION,
        kind: datagram.kind as u8,
        cluster: seal.cluster,
        config: seal.config.into(),
        from: seal.node.into(),
        to: datagram.peer.into(),
        term: datagram.term.into(),
        stamp: datagram.stamp.into(),
        body_bytes: (len as u16).into(),
        count: count.into(),
        flags: datagram.flags,
        zero: [0; 3],
    };
    out[..HEADER_BYTES].copy_from_slice(header.as_bytes());
    let total = HEADER_BYTES + len;
    let crc = crc32c::crc32c(&out[size_of::<U32>()..total]);
    out[..size_of::<U32>()].copy_from_slice(&crc.to_le_bytes());
    total
}

/// Puts entries into an append as long as there is room.
pub struct AppendWriter<'o> {
    out: &'o mut [u8],
    len: usize,
    count: u16,
}

impl<'o> AppendWriter<'o> {
    /// An append without entries, in `out`.
    ///
    /// # Panics
    /// When `out` is shorter than [`crate::DATAGRAM_BYTES_MIN`].
    pub fn new(head: &AppendBody, out: &'o mut [u8]) -> AppendWriter<'o> {
        let len = size_of::<AppendBody>();
        out[HEADER_BYTES..HEADER_BYTES + len].copy_from_slice(head.as_bytes());
        AppendWriter { out, len, count: 0 }
    }

    /// Adds the next entry; `false`, and nothing done, when there is no room for it.
    pub fn push(&mut self, term: u64, kind: crate::EntryKind, payload: &[u8]) -> bool {
        let at = HEADER_BYTES + self.len;
        let len = size_of::<EntryHead>() + payload.len();
        let Some(room) = self.out.get_mut(at..at + len) else { return false };
        let bytes = (payload.len() as u16).into();
        let head = EntryHead { term: term.into(), bytes, kind: kind as u8, zero: 0 };
        let (first, rest) = room.split_at_mut(size_of::<EntryHead>());
        first.copy_from_slice(head.as_bytes());
        rest.copy_from_slice(payload);
        self.len += len;
        self.count += 1;
        true
    }

    /// Puts the header before it; the datagram's length.
    pub fn finish(self, seal: &Seal, to: u64, term: u64, stamp: u64) -> usize {
        let (kind, body) = (Kind::Append, Body::TimeoutNow);
        let datagram = Datagram { peer: to, term, stamp, kind, flags: 0, body };
        finish(seal, &datagram, self.count, self.len, self.out)
    }
}

#[cfg(test)]
mod tests;
