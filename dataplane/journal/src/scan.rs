//! One segment, read: every record checked, and what is wrong told apart. Bytes in, no file here.
//!
//! A crash leaves sectors that never arrived, and they are blank, as a segment is blank before it
//! is written and nothing is written twice. Whatever is not blank and not right was changed later.
//! Whether a blank sector is a tail that was torn off or a write that the disk lost is decided by
//! what later batches say was on disk by then. The crate's documentation has the table.

use crate::batch::FOOTER;
use crate::layout::{
    BATCH_HEADER_BYTES, BLOCK_BYTES, BatchHeader, FLAG_CLOSED, RECORD_HEADER_BYTES, SECTOR_BYTES,
    SegmentHeader, is_blank,
};
use crate::record::{self, Chain, Cursor, Entry, RecordFault};

/// What is wrong at one place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where in the segment, in bytes from its beginning: the record's, or the batch's or the
    /// block's if it is none of a record.
    pub offset: u64,
    /// The first sequence that cannot be read because of it.
    pub sequence: u64,
    /// What.
    pub what: What,
}

/// Kinds of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A record's bytes are not those that were written.
    RecordAltered,
    /// A batch's first bytes are not those that were written.
    BatchAltered,
    /// Bytes that hold nothing are not zero: behind a batch, or behind the last one.
    PaddingAltered,
    /// Sectors are blank that a later batch or segment says were on disk.
    Lost,
    /// A whole record that does not follow the one before it in the chain.
    Chain,
    /// A whole record or batch that is not the next one; it has this number.
    Sequence(u64),
    /// A whole record of this epoch, which was over.
    Epoch(u32),
    /// A whole record of a kind that this program does not know.
    Kind(u8),
    /// A batch whose parts contradict each other, which no writer makes.
    Contradiction,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Damage { offset, sequence, what } = self;
        write!(f, "offset {offset}, sequence {sequence}: ")?;
        match what {
            What::RecordAltered => write!(f, "the record is not as it was written"),
            What::BatchAltered => write!(f, "the batch's header is not as it was written"),
            What::PaddingAltered => write!(f, "bytes that hold nothing are not zero"),
            What::Lost => write!(f, "never written, or lost, though it was on disk before"),
            What::Chain => write!(f, "the record does not follow the one before it"),
            What::Sequence(found) => write!(f, "number {found} is not the next one"),
            What::Epoch(found) => write!(f, "epoch {found} was over"),
            What::Kind(found) => write!(f, "kind {found} is unknown: a newer program's"),
            What::Contradiction => write!(f, "the batch contradicts itself"),
        }
    }
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By its writer's will.
    Closed,
    /// Its writer stopped between two batches, or runs still.
    Open,
    /// In the middle of a batch that was never acknowledged.
    Torn {
        /// The first byte that is cut: of a record, or of a batch.
        offset: u64,
        /// The first byte behind the batches that is not zero: of a sector that arrived though one
        /// before it did not, or altered since. What it was cannot be told; it is cut.
        stray: Option<u64>,
    },
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// In the segment.
    pub(crate) offset: u64,
    /// The chain behind it.
    pub(crate) chain: Chain,
}

/// What a whole segment had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Behind the last record.
    pub(crate) cursor: Cursor,
    pub(crate) end: End,
    pub(crate) records: u64,
    pub(crate) batches: u64,
    /// Bytes from the beginning to the end of the last batch.
    pub(crate) used_bytes: u64,
}

/// Reads a segment that lies in memory, as a replay would read its file, and hands every record
/// over with its offset; how it ends. Where it goes on from is what its header says.
///
/// # Errors
/// A header that is none or of another version; the first damage.
pub fn read_segment(
    bytes: &[u8],
    mut sink: impl FnMut(&Entry<'_>, u64),
) -> Result<End, crate::JournalError> {
    let name = std::path::PathBuf::from("a segment in memory");
    let wrong = |fault| crate::JournalError::header(name.clone(), fault);
    let header = SegmentHeader::decode(bytes).map_err(wrong)?;
    let SegmentHeader { first_sequence, epoch, chain, .. } = header;
    let start = Cursor { next_sequence: first_sequence, epoch, chain: Chain(chain) };
    let scanned = scan(bytes, &header, start, |entry, at| sink(entry, at.offset));
    let damaged = |damage| crate::JournalError::Damaged { path: name.clone(), damage };
    scanned.map(|scanned| scanned.end).map_err(damaged)
}

/// Reads a segment, header included, and hands every record over in order.
pub(crate) fn scan(
    bytes: &[u8],
    segment: &SegmentHeader,
    cursor: Cursor,
    mut sink: impl FnMut(&Entry<'_>, At),
) -> Result<Scanned, Damage> {
    // What is behind the segment's own size is nobody's, and told by whoever reads the file.
    let size = bytes.len().min(usize::try_from(segment.segment_bytes).unwrap_or(usize::MAX));
    let mut scanner = Scanner { bytes: &bytes[..size], segment, cursor, offset: BLOCK_BYTES };
    let (mut records, mut batches) = (0, 0);
    let end = loop {
        match scanner.batch(&mut sink)? {
            Step::Batch(header) => {
                records += u64::from(header.records);
                batches += 1;
                if header.flags & FLAG_CLOSED != 0 {
                    scanner.expect_nothing()?;
                    break End::Closed;
                }
            }
            Step::End(end, some) => {
                records += some;
                break end;
            }
        }
    };
    let used_bytes = scanner.offset.min(size) as u64;
    Ok(Scanned { cursor: scanner.cursor, end, records, batches, used_bytes })
}

enum Step {
    Batch(BatchHeader),
    /// Nothing follows, but for this many records of a torn batch.
    End(End, u64),
}

struct Scanner<'a> {
    bytes: &'a [u8],
    segment: &'a SegmentHeader,
    cursor: Cursor,
    /// Of the batch that comes next.
    offset: usize,
}

impl Scanner<'_> {
    fn batch(&mut self, sink: &mut impl FnMut(&Entry<'_>, At)) -> Result<Step, Damage> {
        let start = self.offset;
        if start >= self.bytes.len() || self.is_missing(start, start + BATCH_HEADER_BYTES) {
            return self.tail(start);
        }
        let header = BatchHeader::decode(&self.bytes[start..], self.segment, start as u64);
        let header = header.ok_or(self.damage(start, What::BatchAltered))?;
        self.check(&header)?;
        let used_end = start + header.used_bytes as usize;
        let body_end = used_end - FOOTER.len();
        let mut read = 0;
        let mut at = start + BATCH_HEADER_BYTES;
        while at < body_end {
            let within = &self.bytes[at.min(self.bytes.len())..body_end.min(self.bytes.len())];
            match record::decode(within, &mut self.cursor) {
                Ok((entry, len)) => {
                    read += 1;
                    sink(&entry, At { offset: at as u64, chain: self.cursor.chain });
                    at += len;
                }
                Err(fault) => {
                    return self.bad_record(fault, at, &header, read);
                }
            }
        }
        if self.bytes.get(body_end..used_end) != Some(&FOOTER) {
            if self.is_missing(body_end, used_end) {
                return self.torn_or_lost(body_end, &header, read);
            }
            return Err(self.damage(body_end, What::BatchAltered));
        }
        if read != u64::from(header.records) {
            return Err(self.damage(start, What::Contradiction));
        }
        let padded_end = start + header.padded_bytes();
        self.expect_blank(used_end, padded_end)?;
        self.offset = padded_end;
        Ok(Step::Batch(header))
    }

    /// A header whose checksum is right was written by a writer; this is for writers gone wrong.
    fn check(&self, header: &BatchHeader) -> Result<(), Damage> {
        let start = self.offset;
        let next = self.cursor.next_sequence;
        if header.first_sequence != next {
            return Err(self.damage(start, What::Sequence(header.first_sequence)));
        }
        let room = self.segment.segment_bytes.saturating_sub(start as u64);
        let fits = header.padded_bytes() as u64 <= room;
        let least = (BATCH_HEADER_BYTES + FOOTER.len()) as u32;
        if !fits || header.used_bytes < least || header.durable_through >= next {
            return Err(self.damage(start, What::Contradiction));
        }
        Ok(())
    }

    #[cold]
    fn bad_record(
        &self,
        fault: RecordFault,
        at: usize,
        header: &BatchHeader,
        read: u64,
    ) -> Result<Step, Damage> {
        let used_end = self.offset + header.used_bytes as usize;
        let what = match fault {
            RecordFault::Length | RecordFault::Checksum => {
                let rest = self.bytes.get(at..).unwrap_or_default();
                let len = record::stated_len(rest).unwrap_or(RECORD_HEADER_BYTES);
                if self.is_missing(at, (at + len).min(used_end)) {
                    return self.torn_or_lost(at, header, read);
                }
                What::RecordAltered
            }
            RecordFault::Chain => What::Chain,
            RecordFault::Sequence(found) => What::Sequence(found),
            RecordFault::Epoch(found) => What::Epoch(found),
            RecordFault::Kind(found) => What::Kind(found),
        };
        Err(self.damage(at, what))
    }

    /// Sectors of the batch at hand never arrived; `at` is the first record without them.
    #[cold]
    fn torn_or_lost(&self, at: usize, header: &BatchHeader, read: u64) -> Result<Step, Damage> {
        let behind = self.offset + header.padded_bytes();
        if self.is_claimed_behind(behind) {
            return Err(self.damage(at, What::Lost));
        }
        let stray = self.stray_behind(behind);
        Ok(Step::End(End::Torn { offset: at as u64, stray }, read))
    }

    /// No batch begins at `start`: is it the end, or a hole?
    #[cold]
    fn tail(&self, start: usize) -> Result<Step, Damage> {
        if self.is_claimed_behind(start) {
            return Err(self.damage(start, What::Lost));
        }
        let end = match self.stray_behind(start) {
            None => End::Open,
            stray => End::Torn { offset: start as u64, stray },
        };
        Ok(Step::End(end, 0))
    }

    fn stray_behind(&self, from: usize) -> Option<u64> {
        let rest = self.bytes.get(from..).filter(|rest| !is_blank(rest))?;
        rest.iter().position(|&byte| byte != 0).map(|at| (from + at) as u64)
    }

    /// Whether a batch from `from` on says that the next sequence was on disk. Such batches can
    /// only be found block by block: how long the one at hand is, is not known.
    fn is_claimed_behind(&self, from: usize) -> bool {
        (from..self.bytes.len()).step_by(BLOCK_BYTES).any(|at| {
            BatchHeader::decode(&self.bytes[at..], self.segment, at as u64)
                .is_some_and(|header| header.durable_through >= self.cursor.next_sequence)
        })
    }

    /// Whether any sector of `from..to` never arrived: it is blank, or the file ends before it
    /// does. A batch has no sector that is blank up to the batch's last byte.
    fn is_missing(&self, from: usize, to: usize) -> bool {
        let batch_end = BatchHeader::decode(
            self.bytes.get(self.offset..).unwrap_or_default(),
            self.segment,
            self.offset as u64,
        )
        .map_or(usize::MAX, |header| self.offset + header.used_bytes as usize);
        let first = from - from % SECTOR_BYTES;
        (first..to).step_by(SECTOR_BYTES).any(|sector| {
            let end = (sector + SECTOR_BYTES).min(batch_end);
            self.bytes.get(sector..end).is_none_or(is_blank)
        })
    }

    /// Nothing is behind a batch but zeros, or the file's end.
    fn expect_blank(&self, from: usize, to: usize) -> Result<(), Damage> {
        let to = to.min(self.bytes.len());
        let bytes = self.bytes.get(from..to).unwrap_or_default();
        match bytes.iter().position(|&byte| byte != 0) {
            None => Ok(()),
            Some(at) => Err(self.damage(from + at, What::PaddingAltered)),
        }
    }

    fn expect_nothing(&self) -> Result<(), Damage> {
        self.expect_blank(self.offset, self.bytes.len())
    }

    fn damage(&self, offset: usize, what: What) -> Damage {
        Damage { offset: offset as u64, sequence: self.cursor.next_sequence, what }
    }
}

#[cfg(test)]
mod tests;
