//! A journal in memory: the same bytes as on disk, for whoever models a disk and what becomes of
//! it.
//!
//! Records, batches and segments are made and read by the code that makes and reads them on disk;
//! what is missing is files, and threads to write them. Nothing is preallocated: a segment ends
//! where its last batch does.

use crate::batch::{Batch, Place};
use crate::identity::Identity;
use crate::layout::{BLOCK_BYTES, HeaderFault, SECTOR_BYTES, SegmentHeader};
use crate::record::{Chain, Cursor, Entry, HardState, Payload};
use crate::scan::{Damage, scan};
use std::collections::BTreeMap;
use types::Nanos;

const BATCH_BYTES: usize = 4 * BLOCK_BYTES;
/// What a header says; there is no end to memory here.
const SEGMENT_BYTES: u64 = 1 << 32;

/// How far the bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    segments: usize,
    bytes: usize,
}

/// Why a journal cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// Something in a segment.
    #[error("segment {segment}: {damage}")]
    Segment {
        /// Its number, from 1.
        segment: usize,
        /// What.
        damage: Damage,
    },
    /// A segment's header.
    #[error("segment {segment}: its header is not as it was written")]
    Header {
        /// Its number, from 1.
        segment: usize,
    },
    /// A segment that does not go on where those before it end.
    #[error("segment {segment} does not follow the one before it")]
    Joint {
        /// Its number, from 1.
        segment: usize,
    },
}

impl Damaged {
    /// The number of the segment, from 1.
    pub fn segment(&self) -> usize {
        match *self {
            Damaged::Segment { segment, .. }
            | Damaged::Header { segment }
            | Damaged::Joint { segment } => segment,
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct MemoryJournal {
    identity: Identity,
    segments: Vec<Vec<u8>>,
    header: SegmentHeader,
    /// Where it begins: behind a snapshot, or nothing.
    first: Cursor,
    cursor: Cursor,
    /// The chain behind each record, and before the first.
    links: Vec<Chain>,
    /// What every segment begins with, as on disk.
    hard_state: Option<HardState>,
    batch: Option<Batch>,
    buffer: Vec<u8>,
}

impl MemoryJournal {
    /// One that has nothing yet.
    pub fn new(identity: Identity) -> MemoryJournal {
        MemoryJournal::behind(identity, 0, 0)
    }

    /// One that goes on behind a snapshot of that sequence and epoch. The chain begins anew.
    pub fn behind(identity: Identity, sequence: u64, epoch: u32) -> MemoryJournal {
        let chain = Chain::genesis(&identity.cluster);
        let cursor = Cursor { next_sequence: sequence + 1, epoch, chain };
        let mut journal = MemoryJournal {
            identity,
            segments: Vec::new(),
            header: header(identity, 0, cursor),
            first: cursor,
            cursor,
            links: vec![chain],
            hard_state: None,
            batch: None,
            buffer: vec![0; BATCH_BYTES],
        };
        journal.begin_segment(cursor);
        journal
    }

    fn begin_segment(&mut self, start: Cursor) {
        self.header = header(self.identity, self.segments.len() as u64 + 1, start);
        self.segments.push(self.header.encode().to_vec());
        self.cursor = start;
        if let Some(state) = self.hard_state {
            let payload = Payload::HardState(state);
            let (sequence, epoch) = (start.next_sequence - 1, start.epoch);
            let mut batch = Batch::begin(start.next_sequence);
            let entry = Entry { sequence, epoch, now: Nanos(0), payload };
            batch.push(&mut self.buffer, &entry, &mut self.cursor);
            self.batch = Some(batch);
            self.flush(0);
        }
    }

    /// Adds an entry to the batch; `durable` is the last sequence that is known to be on disk. One
    /// that takes another's place begins a segment.
    ///
    /// # Panics
    /// When it is not the next entry, nor one that there is.
    pub fn push(&mut self, entry: &Entry<'_>, durable: u64) {
        let mut entry = *entry;
        if let Payload::HardState(state) = entry.payload {
            self.hard_state = Some(state);
            entry.sequence = self.cursor.next_sequence - 1;
            entry.epoch = self.cursor.epoch;
        } else if entry.sequence != self.cursor.next_sequence {
            let first = self.first.next_sequence;
            assert!((first..self.cursor.next_sequence).contains(&entry.sequence), "a gap");
            self.flush(durable);
            let before = (entry.sequence - first) as usize;
            let chain = self.links[before];
            self.links.truncate(before + 1);
            let (next_sequence, epoch) = (entry.sequence, entry.epoch);
            self.begin_segment(Cursor { next_sequence, epoch, chain });
        }
        if self.batch.as_ref().is_some_and(|batch| !batch.has_room(BATCH_BYTES)) {
            self.flush(durable);
        }
        let next_sequence = self.cursor.next_sequence;
        let batch = self.batch.get_or_insert_with(|| Batch::begin(next_sequence));
        batch.push(&mut self.buffer, &entry, &mut self.cursor);
        if entry.payload.is_numbered() {
            self.links.push(self.cursor.chain);
        }
    }

    /// Writes the batch, if there is one.
    pub fn flush(&mut self, durable: u64) {
        let Some(batch) = self.batch.take() else { return };
        let Some(segment) = self.segments.last_mut() else { return };
        let durable_through = durable.min(batch.first_sequence() - 1);
        let offset = segment.len() as u64;
        let place = Place { segment: &self.header, offset, durable_through, flags: 0 };
        let len = batch.finish(&mut self.buffer, &place);
        segment.extend_from_slice(&self.buffer[..len]);
    }

    /// Whose it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// How far what was flushed is.
    pub fn mark(&self) -> Mark {
        let bytes = self.segments.last().map_or(0, Vec::len);
        Mark { segments: self.segments.len(), bytes }
    }

    /// All behind `at` is lost, but for sectors of the write that ends at `next`, of which some
    /// have arrived: `arrived` is given their number, and says which by its bits.
    pub fn cut(&mut self, at: Mark, next: Option<Mark>, arrived: impl FnOnce(u32) -> u64) {
        self.batch = None;
        self.segments.truncate(at.segments.max(1));
        let Some(segment) = self.segments.last_mut() else { return };
        let end = next.filter(|next| next.segments == at.segments).map_or(at.bytes, |n| n.bytes);
        segment.truncate(end.min(segment.len()));
        let torn = segment.get_mut(at.bytes..).unwrap_or_default();
        let which = arrived((torn.len() / SECTOR_BYTES) as u32);
        for (index, sector) in torn.chunks_mut(SECTOR_BYTES).enumerate() {
            if index >= 64 || which >> index & 1 == 0 {
                sector.fill(0);
            }
        }
    }

    /// That segment and all behind it are lost.
    pub fn cut_from(&mut self, segment: usize) {
        self.batch = None;
        self.segments.truncate(segment.saturating_sub(1));
        if self.segments.is_empty() {
            let Cursor { next_sequence, epoch, .. } = self.first;
            *self = MemoryJournal::behind(self.identity, next_sequence - 1, epoch);
        }
    }

    /// Flips the bit that `which` says of so many up to a mark; whether there was any.
    pub fn flip(&mut self, through: Mark, which: impl FnOnce(u64) -> u64) -> bool {
        let last = through.segments;
        let segments = self.segments.iter_mut().take(last).enumerate();
        let segments = segments.map(|(at, segment)| {
            let len = segment.len();
            &mut segment[..if at + 1 == last { through.bytes.min(len) } else { len }]
        });
        let segments: Vec<_> = segments.collect();
        let mut bit = which(segments.iter().map(|segment| segment.len() as u64 * 8).sum());
        for segment in segments {
            let here = segment.len() as u64 * 8;
            if bit < here {
                segment[bit as usize / 8] ^= 1 << (bit % 8);
                return true;
            }
            bit -= here;
        }
        false
    }

    /// Reads all up to a mark as a start does: what was superseded is not handed over, and a torn
    /// tail is cut. Whether it can be gone on with: [`MemoryJournal::reopen`].
    ///
    /// # Errors
    /// What is damaged.
    pub fn read(
        &self,
        through: Option<Mark>,
        mut sink: impl FnMut(&Entry<'_>),
    ) -> Result<(), Damaged> {
        self.read_all(through, &mut sink).map(|_| ())
    }

    fn read_all(
        &self,
        through: Option<Mark>,
        sink: &mut impl FnMut(&Entry<'_>),
    ) -> Result<Read, Damaged> {
        let through = through.unwrap_or(self.mark());
        let segments = self.segments.get(..through.segments).unwrap_or(&self.segments);
        let mut headers = Vec::with_capacity(segments.len());
        for (at, bytes) in segments.iter().enumerate() {
            let header = SegmentHeader::decode(bytes);
            let header = header.map_err(|_: HeaderFault| Damaged::Header { segment: at + 1 })?;
            if header.identity != self.identity || header.index != at as u64 + 1 {
                return Err(Damaged::Header { segment: at + 1 });
            }
            headers.push(header);
        }
        let mut cursor = self.first;
        let mut links = BTreeMap::from([(cursor.next_sequence - 1, cursor.chain)]);
        let mut hard_state = None;
        for (at, header) in headers.iter().enumerate() {
            let segment = at + 1;
            let first = header.first_sequence;
            if links.get(&(first - 1)) != Some(&Chain(header.chain)) {
                return Err(Damaged::Joint { segment });
            }
            let later = headers[segment..].iter().map(|later| later.first_sequence).min();
            let limit = later.unwrap_or(u64::MAX);
            let bytes = &segments[at];
            let is_last = segment == through.segments;
            let len = if is_last { through.bytes.min(bytes.len()) } else { bytes.len() };
            let chain = Chain(header.chain);
            links.retain(|sequence, _| *sequence < first);
            let start = Cursor { next_sequence: first, epoch: header.epoch, chain };
            let scanned = scan(&bytes[..len], header, start, |entry, at| {
                if let Payload::HardState(state) = entry.payload {
                    hard_state = Some(state);
                    return sink(entry);
                }
                links.insert(entry.sequence, at.chain);
                if entry.sequence < limit {
                    sink(entry);
                }
            });
            let scanned = scanned.map_err(|damage| Damaged::Segment { segment, damage })?;
            cursor = scanned.cursor;
        }
        Ok(Read { cursor, links, hard_state })
    }

    /// Goes on behind what can be read, in a new segment, as every start does.
    ///
    /// # Errors
    /// What is damaged.
    pub fn reopen(&mut self) -> Result<(), Damaged> {
        let read = self.read_all(None, &mut |_| ())?;
        (self.batch, self.hard_state) = (None, read.hard_state);
        self.links = read.links.into_values().collect();
        self.begin_segment(read.cursor);
        Ok(())
    }
}

/// What was read.
struct Read {
    cursor: Cursor,
    links: BTreeMap<u64, Chain>,
    hard_state: Option<HardState>,
}

fn header(identity: Identity, index: u64, start: Cursor) -> SegmentHeader {
    SegmentHeader {
        identity,
        index,
        first_sequence: start.next_sequence,
        epoch: start.epoch,
        segment_bytes: SEGMENT_BYTES,
        created_ns: index,
        chain: start.chain.0,
    }
}

#[cfg(test)]
mod tests;
