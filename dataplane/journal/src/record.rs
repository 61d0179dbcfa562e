//! One record: its frame, its checksum, and its link of the chain.

use crate::codec::{self, PAYLOAD_BYTES_MAX};
use crate::layout::{CHAIN_BYTES, RECORD_BYTES_MAX, RECORD_HEADER_BYTES, u16_at, u32_at, u64_at};
use types::{Input, Nanos};

const _: () = assert!(RECORD_HEADER_BYTES + PAYLOAD_BYTES_MAX <= RECORD_BYTES_MAX);

/// Something to be kept, with its place in the order of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number, from 1, without a gap. What takes none has that of the entry before it.
    pub sequence: u64,
    /// Under which leader it was taken; never falls.
    pub epoch: u32,
    /// The stamp that goes with it, in ns since midnight.
    pub now: Nanos,
    /// What it is.
    pub payload: Payload<'a>,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// What changes a venue's state.
    Input(Input<'a>),
    /// Bytes that are somebody else's business, [`OPAQUE_BYTES_MAX`](crate::OPAQUE_BYTES_MAX) at
    /// most; none for an entry that is only a number.
    Opaque(&'a [u8]),
    /// A change of who belongs to the cluster, as its consensus writes it; as long at most.
    Membership(&'a [u8]),
    /// What a node of a cluster must not forget. Takes no sequence, and is no link of the chain:
    /// each node has its own.
    HardState(HardState),
}

/// What a node of a cluster must not forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The latest term it has seen.
    pub term: u64,
    /// Whom it voted for in that term; 0 for nobody.
    pub vote: u64,
    /// The highest sequence that it knows to be committed.
    pub commit: u64,
}

impl Payload<'_> {
    /// Whether it takes a sequence.
    #[inline]
    pub fn is_numbered(&self) -> bool {
        !matches!(self, Payload::HardState(_))
    }
}

/// The hash over everything that was ever recorded, up to one record.
///
/// Link `n` is BLAKE3 of record `n`, keyed with link `n - 1`. It depends on the records alone, not
/// on how they were put into batches: two nodes with the same link have the same history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Chain(pub [u8; CHAIN_BYTES]);

impl Chain {
    /// Before the first record of all: the same on every node of a cluster.
    pub(crate) fn genesis(cluster: &[u8; 16]) -> Chain {
        Chain(*blake3::hash(cluster).as_bytes())
    }

    fn after(&self, hashed: &[u8]) -> Chain {
        Chain(*blake3::keyed_hash(&self.0, hashed).as_bytes())
    }

    /// What a record carries of its link: enough to tell a record that belongs elsewhere.
    fn short(&self) -> u64 {
        u64_at(&self.0, 0)
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Writes a record to the front of `out`, and goes on behind it; its length. What takes no
/// sequence has the last one, and is tied to the chain without being a link of it.
///
/// # Panics
/// When `out` has less than [`RECORD_BYTES_MAX`] bytes.
pub(crate) fn encode(entry: &Entry<'_>, cursor: &mut Cursor, out: &mut [u8]) -> usize {
    let (kind, payload) = codec::encode(&entry.payload, &mut out[RECORD_HEADER_BYTES..]);
    let len = RECORD_HEADER_BYTES + payload;
    out[12..14].copy_from_slice(&(len as u16).to_le_bytes());
    out[14] = kind;
    out[15] = 0;
    out[16..24].copy_from_slice(&entry.sequence.to_le_bytes());
    out[24..32].copy_from_slice(&entry.now.0.to_le_bytes());
    out[32..36].copy_from_slice(&entry.epoch.to_le_bytes());
    let link = cursor.chain.after(&out[12..len]);
    out[4..12].copy_from_slice(&link.short().to_le_bytes());
    let sum = crc32c::crc32c(&out[4..len]);
    out[..4].copy_from_slice(&sum.to_le_bytes());
    if entry.payload.is_numbered() {
        let next_sequence = entry.sequence.saturating_add(1);
        *cursor = Cursor { next_sequence, epoch: entry.epoch, chain: link };
    }
    len
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordFault {
    /// A length that no record has, or more than is left of the batch.
    Length,
    /// Not the bytes that were written.
    Checksum,
    /// Whole, and it does not follow the record before it.
    Chain,
    /// Whole, with another number than the next one.
    Sequence(u64),
    /// Whole, of an epoch that was over.
    Epoch(u32),
    /// Whole, and no command: written by a program that knows more kinds.
    Kind(u8),
}

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) next_sequence: u64,
    pub(crate) epoch: u32,
    pub(crate) chain: Chain,
}

/// How long the record at the front of `bytes` says it is, if a record can be; `bytes` may have
/// less of it.
pub(crate) fn stated_len(bytes: &[u8]) -> Option<usize> {
    let len = usize::from(u16_at(bytes, 12));
    (RECORD_HEADER_BYTES..=RECORD_BYTES_MAX).contains(&len).then_some(len)
}

/// Reads the record at the front of `bytes`, which must be the next one; the cursor goes on behind
/// it. The record and its length.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    cursor: &mut Cursor,
) -> Result<(Entry<'a>, usize), RecordFault> {
    let len = stated_len(bytes).ok_or(RecordFault::Length)?;
    let bytes = bytes.get(..len).ok_or(RecordFault::Length)?;
    if crc32c::crc32c(&bytes[4..]) != u32_at(bytes, 0) {
        return Err(RecordFault::Checksum);
    }
    let (sequence, epoch) = (u64_at(bytes, 16), u32_at(bytes, 32));
    let numbered = codec::is_numbered(bytes[14]);
    if sequence != cursor.next_sequence - u64::from(!numbered) {
        return Err(RecordFault::Sequence(sequence));
    }
    if epoch < cursor.epoch {
        return Err(RecordFault::Epoch(epoch));
    }
    let chain = cursor.chain.after(&bytes[12..]);
    if chain.short() != u64_at(bytes, 4) {
        return Err(RecordFault::Chain);
    }
    let payload = (bytes[15] == 0).then(|| codec::decode(bytes[14], &bytes[RECORD_HEADER_BYTES..]));
    let payload = payload.flatten().ok_or(RecordFault::Kind(bytes[14]))?;
    if numbered {
        // The last sequence of all is no record's: there would be no next.
        let next_sequence = sequence.checked_add(1).ok_or(RecordFault::Sequence(sequence))?;
        *cursor = Cursor { next_sequence, epoch, chain };
    }
    Ok((Entry { sequence, epoch, now: Nanos(u64_at(bytes, 24)), payload }, len))
}
