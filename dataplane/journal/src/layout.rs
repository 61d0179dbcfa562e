//! Places and sizes of the format; the tables are in the crate's documentation.

use crate::Identity;

/// What every write begins at and is a multiple of: O_DIRECT's wish on every disk of today.
pub const BLOCK_BYTES: usize = 4096;
/// What a disk writes whole or not at all: the smallest unit that a power cut can leave behind.
pub const SECTOR_BYTES: usize = 512;
/// The only version that is written and read: no journal of the first is anywhere.
pub const VERSION: u32 = 2;

pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"PEREJNL1";
pub(crate) const BATCH_MAGIC: [u8; 4] = *b"PJB1";
/// Bytes of a batch's header.
pub(crate) const BATCH_HEADER_BYTES: usize = 64;
/// Bytes of a record before its payload.
pub(crate) const RECORD_HEADER_BYTES: usize = 36;
/// The most a record has, header and payload: less than a sector, so that none hides a lost one.
pub(crate) const RECORD_BYTES_MAX: usize = 256;
/// Bytes of a hash.
pub(crate) const CHAIN_BYTES: usize = 32;
/// The batch that was the last one on purpose: the writer closed the segment behind it.
pub(crate) const FLAG_CLOSED: u32 = 1;

/// Segments smaller than this have no room for a batch.
pub const SEGMENT_BYTES_MIN: u64 = 8 * BLOCK_BYTES as u64;
/// The largest segment.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 32;

const _: () = assert!(RECORD_BYTES_MAX < SECTOR_BYTES);
const _: () = assert!(BATCH_HEADER_BYTES < SECTOR_BYTES);

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}

pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|b| b.first_chunk()).copied().unwrap_or([0; N])
}

/// `bytes` rounded up to whole blocks.
pub(crate) const fn blocks_up(bytes: usize) -> usize {
    bytes.next_multiple_of(BLOCK_BYTES)
}

/// Whether nothing was ever written here.
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|&b| b == 0)
}

/// A segment's first block, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose journal it is.
    pub identity: Identity,
    /// Its number, from 1.
    pub index: u64,
    /// The sequence of the first record that it has or would have had.
    pub first_sequence: u64,
    /// The epoch at its beginning.
    pub epoch: u32,
    /// Its size in bytes when it was made.
    pub segment_bytes: u64,
    /// When it was made, nanoseconds since 1970.
    pub created_ns: u64,
    /// The chain behind the record before its first.
    pub chain: [u8; CHAIN_BYTES],
}

/// What is wrong with a segment's first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// Not all of it is there.
    Short,
    /// Another kind of file.
    Magic,
    /// Not the bytes that were written.
    Checksum,
    /// Of a version that this program does not know.
    Version(u32),
    /// Right as to its checksum, and not what a writer writes.
    Field(&'static str),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        block[..8].copy_from_slice(&SEGMENT_MAGIC);
        block[8..12].copy_from_slice(&VERSION.to_le_bytes());
        block[16..32].copy_from_slice(&self.identity.cluster);
        block[32..40].copy_from_slice(&self.identity.node.to_le_bytes());
        block[40..48].copy_from_slice(&self.index.to_le_bytes());
        block[48..56].copy_from_slice(&self.first_sequence.to_le_bytes());
        block[56..60].copy_from_slice(&self.epoch.to_le_bytes());
        block[60..64].copy_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
        block[64..72].copy_from_slice(&self.segment_bytes.to_le_bytes());
        block[72..80].copy_from_slice(&self.created_ns.to_le_bytes());
        block[80..112].copy_from_slice(&self.chain);
        let sum = header_checksum(&block);
        block[12..16].copy_from_slice(&sum.to_le_bytes());
        block
    }

    /// The magic, the version and the checksum stay where they are in every version to come, so
    /// that a newer one is told from a damaged one.
    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        let block = bytes.first_chunk::<BLOCK_BYTES>().ok_or(HeaderFault::Short)?;
        if header_checksum(block) != u32_at(block, 12) {
            let damaged = block[..8] == SEGMENT_MAGIC || is_nearly_the_magic(&block[..8]);
            return Err(if damaged { HeaderFault::Checksum } else { HeaderFault::Magic });
        }
        if block[..8] != SEGMENT_MAGIC {
            return Err(HeaderFault::Magic);
        }
        let version = u32_at(block, 8);
        if version != VERSION {
            return Err(HeaderFault::Version(version));
        }
        let header = SegmentHeader {
            identity: Identity { cluster: array_at(block, 16), node: u64_at(block, 32) },
            index: u64_at(block, 40),
            first_sequence: u64_at(block, 48),
            epoch: u32_at(block, 56),
            segment_bytes: u64_at(block, 64),
            created_ns: u64_at(block, 72),
            chain: array_at(block, 80),
        };
        header.check(block)
    }

    fn check(self, block: &[u8; BLOCK_BYTES]) -> Result<SegmentHeader, HeaderFault> {
        let whole_blocks = self.segment_bytes.is_multiple_of(BLOCK_BYTES as u64);
        match () {
            () if u32_at(block, 60) != BLOCK_BYTES as u32 => Err(HeaderFault::Field("block size")),
            () if self.index == 0 => Err(HeaderFault::Field("index")),
            () if self.first_sequence == 0 => Err(HeaderFault::Field("first sequence")),
            () if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes)
                || !whole_blocks =>
            {
                Err(HeaderFault::Field("size"))
            }
            () if !is_blank(&block[112..]) => Err(HeaderFault::Field("unused part")),
            () => Ok(self),
        }
    }
}

/// Of the block but for the checksum's own four bytes.
pub(crate) fn header_checksum(block: &[u8; BLOCK_BYTES]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..])
}

/// A flipped bit or two in the magic are damage; more are another file.
fn is_nearly_the_magic(bytes: &[u8]) -> bool {
    bytes.iter().zip(SEGMENT_MAGIC).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>() <= 2
}

/// A batch's first bytes, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Bytes of the batch, this header among them, without the padding to a block.
    pub(crate) used_bytes: u32,
    pub(crate) records: u32,
    /// The sequence of its first record; without records, of the next one to come.
    pub(crate) first_sequence: u64,
    /// The highest sequence that was known to be on disk when the batch was handed over.
    pub(crate) durable_through: u64,
    /// Where in the segment the batch is.
    pub(crate) offset: u64,
    pub(crate) segment_index: u64,
    /// The segment's `created_ns`: no other file of that number has it.
    pub(crate) segment_stamp: u64,
    pub(crate) flags: u32,
}

impl BatchHeader {
    pub(crate) fn encode(&self, bytes: &mut [u8; BATCH_HEADER_BYTES]) {
        bytes[4..8].copy_from_slice(&BATCH_MAGIC);
        bytes[8..12].copy_from_slice(&self.used_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.records.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.durable_through.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.offset.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.segment_index.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.segment_stamp.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.flags.to_le_bytes());
        bytes[60..].fill(0);
        let sum = crc32c::crc32c(&bytes[4..]);
        bytes[..4].copy_from_slice(&sum.to_le_bytes());
    }

    /// `None` for anything that is no batch of this segment at this place.
    pub(crate) fn decode(bytes: &[u8], segment: &SegmentHeader, offset: u64) -> Option<Self> {
        let bytes = bytes.first_chunk::<BATCH_HEADER_BYTES>()?;
        if bytes[4..8] != BATCH_MAGIC || crc32c::crc32c(&bytes[4..]) != u32_at(bytes, 0) {
            return None;
        }
        let header = BatchHeader {
            used_bytes: u32_at(bytes, 8),
            records: u32_at(bytes, 12),
            first_sequence: u64_at(bytes, 16),
            durable_through: u64_at(bytes, 24),
            offset: u64_at(bytes, 32),
            segment_index: u64_at(bytes, 40),
            segment_stamp: u64_at(bytes, 48),
            flags: u32_at(bytes, 56),
        };
        let ours = header.offset == offset
            && header.segment_index == segment.index
            && header.segment_stamp == segment.created_ns
            && header.used_bytes as usize >= BATCH_HEADER_BYTES;
        ours.then_some(header)
    }

    pub(crate) fn padded_bytes(&self) -> usize {
        blocks_up(self.used_bytes as usize)
    }
}
