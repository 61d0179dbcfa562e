//! The writer: a thread that takes entries off a ring and puts them on disk.
//!
//! Group commit without a timer: while the disk is busy, entries gather in a batch; when it is not,
//! the batch is written, whatever its size, and an fdatasync follows. A batch that is full is
//! written at once. So a slow disk makes large batches and a quiet market small ones, and nobody
//! waits for more than two writes with their fdatasyncs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use types::Nanos;
use uring::Completion;

use crate::batch::{Batch, Place};
use crate::device::Device;
use crate::layout::{BLOCK_BYTES, FLAG_CLOSED, SegmentHeader};
use crate::links::{Link, Links};
use crate::queue::Drain;
use crate::record::{Cursor, Entry, HardState, Payload};
use crate::status::{Fault, Status};
use crate::store::Store;

/// The buffer that seals are made in; batches have those behind it.
const SEAL: usize = 0;
/// How long the thread sleeps when it is over.
const OVER: Duration = Duration::from_millis(1);
/// How long nothing came until the last batch is sealed.
const SEAL_AFTER: Duration = Duration::from_millis(100);
/// The most entries taken off the ring before the disk is looked at.
const ENTRIES_A_STEP: usize = 4096;

/// A write under way or completed, in the order of the segment.
#[derive(Clone, Copy, Debug)]
struct Write {
    buffer: usize,
    offset: u64,
    len: usize,
    /// On disk when this and all before it are.
    last: Mark,
    completed: bool,
}

/// How far something is: the last sequence, and how many entries were taken up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    sequence: u64,
    entries: u64,
}

/// The batch being filled.
#[derive(Clone, Copy, Debug)]
struct Filling {
    buffer: usize,
    batch: Batch,
    /// Before its first record: where a segment that begins with it would go on.
    start: Cursor,
}

/// See the module.
pub(crate) struct Writer {
    pub(crate) device: Box<dyn Device>,
    pub(crate) store: Store,
    pub(crate) status: Arc<Status>,
    pub(crate) buffers: usize,
    pub(crate) batch_bytes: usize,
    idle: Duration,
    segment: SegmentHeader,
    path: PathBuf,
    /// Where the next batch goes.
    offset: u64,
    cursor: Cursor,
    filling: Option<Filling>,
    writes: VecDeque<Write>,
    /// Written and completed, without a gap before it.
    written_through: Mark,
    /// What the fdatasync under way makes durable.
    syncing: Option<Mark>,
    durable: Mark,
    /// Entries that were taken.
    entries: u64,
    /// Of what was written since the start, where that is not long ago.
    links: Links,
    /// What every segment begins with, so that no older one is needed for it.
    hard_state: Option<HardState>,
    /// Whether a batch tells that the last record is on disk.
    is_sealed: bool,
    last_entry: Instant,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The parts that a writer is made of.
pub(crate) struct Parts {
    pub(crate) device: Box<dyn Device>,
    pub(crate) store: Store,
    pub(crate) status: Arc<Status>,
    /// How many the device has, the seal's among them.
    pub(crate) buffers: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) idle: Duration,
    /// The segment that the device's file is.
    pub(crate) segment: SegmentHeader,
    pub(crate) path: PathBuf,
    pub(crate) cursor: Cursor,
    pub(crate) hard_state: Option<HardState>,
}

impl Writer {
    pub(crate) fn new(parts: Parts) -> Writer {
        let durable = Mark { sequence: parts.cursor.next_sequence - 1, entries: 0 };
        Writer {
            device: parts.device,
            store: parts.store,
            status: parts.status,
            buffers: parts.buffers,
            batch_bytes: parts.batch_bytes,
            idle: parts.idle,
            segment: parts.segment,
            path: parts.path,
            offset: BLOCK_BYTES as u64,
            cursor: parts.cursor,
            filling: None,
            writes: VecDeque::with_capacity(parts.buffers),
            written_through: durable,
            syncing: None,
            durable,
            entries: 0,
            links: Links::new(parts.cursor.next_sequence),
            hard_state: parts.hard_state,
            is_sealed: true,
            last_entry: Instant::now(),
        }
    }

    /// Writes until `stop`, and then what is left in the ring; closes the segment.
    pub(crate) fn run(mut self, mut ring: Drain, stop: &AtomicBool) {
        let result = self.write_all(&mut ring, stop);
        if let Err(fault) = result {
            self.status.fail(fault);
            self.drop_all(&mut ring, stop);
        }
    }

    fn write_all(&mut self, ring: &mut Drain, stop: &AtomicBool) -> Result<(), Fault> {
        self.restate(self.cursor)?;
        loop {
            // Looked at before the ring is: what was pushed before it was set is in the ring.
            let stopping = stop.load(Ordering::Acquire);
            let taken = self.step(ring)?;
            if taken > 0 {
                continue;
            }
            if stopping && !ring.has_some() {
                return self.close();
            }
            self.rest()?;
        }
    }

    /// One turn: what completed, what came, what can be started. How many entries came.
    pub(crate) fn step(&mut self, ring: &mut Drain) -> Result<usize, Fault> {
        self.reap()?;
        let mut taken = 0;
        while taken < ENTRIES_A_STEP {
            // A full batch goes at once; without a buffer to go on in, entries wait in the ring.
            if !self.make_room()? {
                break;
            }
            let Some(entry) = ring.pop() else { break };
            self.push(&entry)?;
            taken += 1;
        }
        if self.writes.is_empty() && self.syncing.is_none() {
            self.write_batch()?;
        }
        self.start_sync()?;
        Ok(taken)
    }

    /// Adds an entry to the batch, which has room.
    fn push(&mut self, entry: &Entry<'_>) -> Result<(), Fault> {
        self.entries += 1;
        if let Payload::HardState(state) = entry.payload {
            self.hard_state = Some(state);
            // Where it stands is the writer's to say.
            let (sequence, epoch) = (self.cursor.next_sequence - 1, self.cursor.epoch);
            self.add(&Entry { sequence, epoch, ..*entry });
            return Ok(());
        }
        let due = self.cursor.next_sequence;
        if entry.sequence > due || entry.sequence == 0 {
            return Err(Fault::Sequence { expected: due, found: entry.sequence });
        }
        let is_past = entry.sequence == due && entry.epoch < self.cursor.epoch;
        if is_past || (entry.sequence < due && !self.supersede(entry)?) {
            self.status.counts.past_epoch(1);
            return Ok(());
        }
        self.add(entry);
        self.links.push(self.cursor);
        Ok(())
    }

    /// Adds a record to the batch.
    fn add(&mut self, entry: &Entry<'_>) {
        let filling = self.filling.as_mut().expect("room was made for the entry");
        let buffer = self.device.buffer(filling.buffer).expect("no write is under way from it");
        filling.batch.push(buffer, entry, &mut self.cursor);
        self.status.counts.commands(1);
    }

    /// An entry of another epoch takes the place of one that was written, and of all behind that:
    /// nothing is overwritten, a segment begins with it whose header says what it follows. In what
    /// is left epochs never fall, so that its own is not below that of the record it follows; false
    /// where it is.
    #[cold]
    fn supersede(&mut self, entry: &Entry<'_>) -> Result<bool, Fault> {
        let Entry { sequence, epoch, .. } = *entry;
        self.write_batch()?;
        self.filling = None;
        self.settle()?;
        let (behind, replaced) = (self.link_behind(sequence - 1)?, self.link_behind(sequence)?);
        if epoch < behind.epoch {
            return self.make_room().map(|_| false);
        }
        if epoch == replaced.epoch {
            let expected = self.cursor.next_sequence;
            return Err(Fault::Sequence { expected, found: sequence });
        }
        let start = Cursor { next_sequence: sequence, epoch, chain: behind.chain };
        self.next_segment(start)?;
        self.cursor = start;
        let mark = Mark { sequence: sequence - 1, entries: self.durable.entries };
        (self.written_through, self.durable) = (mark, mark);
        self.status.set_durable(mark.sequence, mark.entries);
        self.status.counts.superseded(1);
        self.restate(start)?;
        self.make_room().map(|_| true)
    }

    /// What is behind a record: remembered, or read again.
    fn link_behind(&self, sequence: u64) -> Result<Link, Fault> {
        if let Some(link) = self.links.behind(sequence) {
            return Ok(link);
        }
        let link = self.store.journal().and_then(|journal| journal.link_behind(sequence));
        link.map_err(|error| Fault::Supersede { sequence, reason: error.to_string() })
    }

    /// Sees to it that there is a batch with room for an entry; false while every buffer is busy.
    fn make_room(&mut self) -> Result<bool, Fault> {
        if let Some(filling) = self.filling {
            if filling.batch.has_room(self.batch_bytes) {
                return Ok(true);
            }
            self.write_batch()?;
        }
        let free = (SEAL + 1..self.buffers).find(|&buffer| self.device.buffer(buffer).is_some());
        let Some(buffer) = free else { return Ok(false) };
        let batch = Batch::begin(self.cursor.next_sequence);
        self.filling = Some(Filling { buffer, batch, start: self.cursor });
        Ok(true)
    }

    /// Starts writing the batch, if it has a record, in this segment or, full, in a new one.
    fn write_batch(&mut self) -> Result<(), Fault> {
        let Some(filling) = self.filling.filter(|filling| filling.batch.records() > 0) else {
            return Ok(());
        };
        // A block is kept for the seal that closes the segment.
        let end = self.offset + (self.batch_bytes + BLOCK_BYTES) as u64;
        if end > self.segment.segment_bytes {
            self.next_segment(filling.start)?;
            self.restate(filling.start)?;
        }
        self.filling = None;
        self.last_entry = Instant::now();
        self.is_sealed = false;
        let last = Mark { sequence: self.cursor.next_sequence - 1, entries: self.entries };
        self.write(filling.buffer, filling.batch, 0, last)
    }

    fn write(&mut self, buffer: usize, batch: Batch, flags: u32, last: Mark) -> Result<(), Fault> {
        let (offset, durable_through) = (self.offset, self.durable.sequence);
        let place = Place { segment: &self.segment, offset, durable_through, flags };
        let bytes = self.device.buffer(buffer).expect("no write is under way from it");
        let len = batch.finish(bytes, &place);
        self.offset += len as u64;
        self.writes.push_back(Write { buffer, offset, len, last, completed: false });
        self.status.counts.batches(1);
        self.status.counts.bytes(len as u64);
        self.device.write(buffer, len, offset).map_err(self.failed("write"))
    }

    /// Starts an fdatasync, if something was written that none was for.
    fn start_sync(&mut self) -> Result<(), Fault> {
        if self.syncing.is_some() || self.written_through == self.durable {
            return Ok(());
        }
        self.syncing = Some(self.written_through);
        self.device.sync().map_err(self.failed("sync"))
    }

    /// Takes what was completed.
    fn reap(&mut self) -> Result<(), Fault> {
        while let Some(completion) = self.device.next_completion() {
            match completion {
                Completion::Write { buffer, written } => self.written(buffer, written)?,
                Completion::Sync(result) => {
                    result.map_err(self.failed("sync"))?;
                    self.durable = self.syncing.take().unwrap_or(self.durable);
                    self.status.counts.syncs(1);
                    let Mark { sequence, entries } = self.durable;
                    self.status.set_durable(sequence, entries);
                }
            }
        }
        Ok(())
    }

    fn written(&mut self, buffer: usize, result: std::io::Result<usize>) -> Result<(), Fault> {
        let written = result.map_err(self.failed("write"))?;
        let under_way = |write: &&mut Write| write.buffer == buffer && !write.completed;
        let Some(write) = self.writes.iter_mut().find(under_way) else { return Ok(()) };
        write.completed = true;
        let Write { offset, len, .. } = *write;
        if written != len {
            return Err(Fault::ShortWrite { path: self.path.clone(), offset, len, written });
        }
        while let Some(write) = self.writes.front().filter(|write| write.completed) {
            self.written_through = write.last;
            self.writes.pop_front();
        }
        Ok(())
    }

    /// Waits for the disk, or a little.
    fn rest(&mut self) -> Result<(), Fault> {
        if !self.writes.is_empty() || self.syncing.is_some() {
            return self.device.wait().map_err(self.failed("wait for"));
        }
        if !self.is_sealed && self.last_entry.elapsed() >= SEAL_AFTER {
            return self.seal(0);
        }
        match self.idle {
            Duration::ZERO => std::hint::spin_loop(),
            idle => std::thread::sleep(idle),
        }
        Ok(())
    }

    /// Waits until all that was written is on disk.
    fn settle(&mut self) -> Result<(), Fault> {
        loop {
            self.reap()?;
            self.start_sync()?;
            if self.writes.is_empty() && self.syncing.is_none() {
                return Ok(());
            }
            self.device.wait().map_err(self.failed("wait for"))?;
        }
    }

    /// Writes an empty batch, that tells what is on disk, and waits until it is there itself.
    fn seal(&mut self, flags: u32) -> Result<(), Fault> {
        self.settle()?;
        // The sequence behind what is on disk: a batch that is being filled is not.
        self.write(SEAL, Batch::begin(self.durable.sequence + 1), flags, self.durable)?;
        self.is_sealed = true;
        self.settle()?;
        self.device.sync().map_err(self.failed("sync"))?;
        self.syncing = Some(self.durable);
        self.settle()
    }

    /// Closes the segment, and goes on in a new one that begins at `start`.
    fn next_segment(&mut self, start: Cursor) -> Result<(), Fault> {
        self.seal(FLAG_CLOSED)?;
        let made = self.store.create(self.segment.index + 1, start, &mut Vec::new());
        let (file, segment, path) =
            made.map_err(|(path, source)| Fault::of_io("make", path, source))?;
        self.device.set_file(file);
        (self.segment, self.path, self.offset) = (segment, path, BLOCK_BYTES as u64);
        self.status.counts.segments(1);
        Ok(())
    }

    /// Begins a segment with the hard state, if there is one.
    fn restate(&mut self, mut start: Cursor) -> Result<(), Fault> {
        let Some(state) = self.hard_state else { return Ok(()) };
        let Cursor { next_sequence, epoch, .. } = start;
        let payload = Payload::HardState(state);
        let entry = Entry { sequence: next_sequence - 1, epoch, now: Nanos(0), payload };
        let mut batch = Batch::begin(next_sequence);
        let buffer = self.device.buffer(SEAL).expect("no write is under way from it");
        batch.push(buffer, &entry, &mut start);
        self.write(SEAL, batch, 0, self.durable)
    }

    /// The end: everything on disk, the segment closed, and what it did not use given back.
    fn close(&mut self) -> Result<(), Fault> {
        self.settle()?;
        self.write_batch()?;
        self.seal(FLAG_CLOSED)?;
        let file = self.device.file();
        let trimmed = file.set_len(self.offset).and_then(|()| file.sync_all());
        trimmed.map_err(self.failed("trim"))
    }

    /// After a fault the ring is emptied, so that what was not written is counted.
    fn drop_all(&self, ring: &mut Drain, stop: &AtomicBool) {
        let in_batch = self.filling.map_or(0, |filling| filling.batch.records());
        self.status.counts.dropped_after_fault(u64::from(in_batch));
        loop {
            let stopping = stop.load(Ordering::Acquire);
            while ring.pop().is_some() {
                self.status.counts.dropped_after_fault(1);
            }
            if stopping {
                return;
            }
            std::thread::sleep(OVER);
        }
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(std::io::Error) -> Fault + use<> {
        let path = self.path.clone();
        move |source| Fault::of_io(what, path, source)
    }
}

#[cfg(test)]
mod tests;
