//! A batch being filled: what one write puts on disk.

use crate::layout::{
    BATCH_HEADER_BYTES, BLOCK_BYTES, BatchHeader, RECORD_BYTES_MAX, SegmentHeader, blocks_up,
};
use crate::record::{self, Cursor, Entry};

/// Ends every batch. No byte of it is zero, so that the batch's last sector is never blank.
pub(crate) const FOOTER: [u8; 4] = *b"PJE1";

/// The smallest buffer that a batch can be put together in.
pub(crate) const BATCH_BYTES_MIN: usize = BLOCK_BYTES;
const _: () = assert!(BATCH_HEADER_BYTES + RECORD_BYTES_MAX + FOOTER.len() <= BATCH_BYTES_MIN);

/// How far a buffer is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    used: usize,
    records: u32,
    first_sequence: u64,
}

impl Batch {
    /// An empty one, whose first record would be `next_sequence`.
    pub(crate) fn begin(next_sequence: u64) -> Batch {
        Batch { used: BATCH_HEADER_BYTES, records: 0, first_sequence: next_sequence }
    }

    pub(crate) fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    pub(crate) fn records(&self) -> u32 {
        self.records
    }

    /// Whether one more record of any kind fits.
    #[inline]
    pub(crate) fn has_room(&self, buffer_bytes: usize) -> bool {
        self.used + RECORD_BYTES_MAX + FOOTER.len() <= buffer_bytes
    }

    /// Adds a record, for which there is room.
    #[inline]
    pub(crate) fn push(&mut self, buffer: &mut [u8], entry: &Entry<'_>, cursor: &mut Cursor) {
        self.used += record::encode(entry, cursor, &mut buffer[self.used..]);
        self.records += 1;
    }

    /// Makes it whole for its place in a segment; the bytes to write, whole blocks.
    pub(crate) fn finish(self, buffer: &mut [u8], place: &Place<'_>) -> usize {
        let used = self.used + FOOTER.len();
        buffer[self.used..used].copy_from_slice(&FOOTER);
        let padded = blocks_up(used);
        buffer[used..padded].fill(0);
        let header = BatchHeader {
            used_bytes: used as u32,
            records: self.records,
            first_sequence: self.first_sequence,
            durable_through: place.durable_through,
            offset: place.offset,
            segment_index: place.segment.index,
            segment_stamp: place.segment.created_ns,
            flags: place.flags,
        };
        if let Some(bytes) = buffer.first_chunk_mut() {
            header.encode(bytes);
        }
        padded
    }
}

/// Where a batch goes, and what is known by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) segment: &'a SegmentHeader,
    pub(crate) offset: u64,
    pub(crate) durable_through: u64,
    pub(crate) flags: u32,
}
