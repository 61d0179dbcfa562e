//! Starting a writer, and stopping it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hugemem::{Backing, HugePolicy};
use uring::{Buffers, WriteRing};

use crate::batch::BATCH_BYTES_MIN;
use crate::device::{Calls, Device};
use crate::error::{JournalError, io_error};
use crate::identity::Identity;
use crate::layout::{BLOCK_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::queue::Drain;
use crate::read::Recovered;
use crate::record::Cursor;
use crate::status::Status;
use crate::store::{Notes, Store};
use crate::writer::{Parts, Writer};

/// The largest batch.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// The most batches under way at a time.
pub const BATCHES_MAX: usize = 256;

/// How a journal is written.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// The folder; made when it is not there.
    pub dir: PathBuf,
    /// Whose journal it is.
    pub identity: Identity,
    /// The epoch that the writer begins in; not below the journal's.
    pub epoch: u32,
    /// The size of a segment, whole blocks in
    /// `SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX`.
    pub segment_bytes: u64,
    /// The most that is written at once, whole blocks, up to [`BATCH_BYTES_MAX`].
    pub batch_bytes: usize,
    /// Batches being filled or under way, 1 to [`BATCHES_MAX`].
    pub batches: usize,
    /// Whether to go around the page cache where the file system allows it.
    pub direct: bool,
    /// Whether to use io_uring where the kernel allows it.
    pub uring: bool,
    /// Has a thread of the kernel take what is submitted, until idle for so long.
    pub sqpoll_idle_ms: Option<u32>,
    /// Where the buffers lie.
    pub huge: HugePolicy,
    /// How long the thread sleeps when there is nothing to do; zero polls, for hosts that have a
    /// CPU for it. What comes meanwhile waits for that long.
    pub idle: Duration,
}

impl WriterConfig {
    /// What suits most: segments of 256 MiB, up to 8 batches of 1 MiB, O_DIRECT and io_uring.
    pub fn new(dir: PathBuf, identity: Identity) -> WriterConfig {
        WriterConfig {
            dir,
            identity,
            epoch: 0,
            segment_bytes: 256 << 20,
            batch_bytes: 1 << 20,
            batches: 8,
            direct: true,
            uring: true,
            sqpoll_idle_ms: None,
            huge: HugePolicy::Auto,
            idle: Duration::from_micros(50),
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        let blocks = |bytes: u64| bytes.is_multiple_of(BLOCK_BYTES as u64);
        let (batch, batches) = (self.batch_bytes as u64, self.batches as u64);
        let wrong =
            |field, value, right: String| Err(JournalError::Setting { field, value, right });
        let (min, max) = (BATCH_BYTES_MIN, BATCH_BYTES_MAX);
        if !(min..=max).contains(&self.batch_bytes) || !blocks(batch) {
            return wrong("batch_bytes", batch, format!("a multiple of 4096 in {min}..={max}"));
        }
        if !(1..=BATCHES_MAX).contains(&self.batches) {
            return wrong("batches", batches, format!("1..={BATCHES_MAX}"));
        }
        // The header, the hard state, a batch, and the seal.
        let (min, max) = (SEGMENT_BYTES_MIN.max(batch + 3 * BLOCK_BYTES as u64), SEGMENT_BYTES_MAX);
        if !(min..=max).contains(&self.segment_bytes) || !blocks(self.segment_bytes) {
            let right = format!("a multiple of 4096 in {min}..={max}");
            return wrong("segment_bytes", self.segment_bytes, right);
        }
        Ok(())
    }
}

/// A writer at work.
#[derive(Debug)]
pub struct Running {
    status: Arc<Status>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    notes: Notes,
}

/// Starts a writer that goes on where `recovered` ended, in a segment of its own: what was written
/// before is never touched again. It takes what comes from `ring`: entries numbered from
/// `recovered.next_sequence` without a gap.
///
/// The thread may run where the thread that starts it may: start it from one that is not pinned to
/// an lcore's CPU.
///
/// # Errors
/// Settings that cannot be, an epoch that was over, a folder that another process writes to, a disk
/// without room for a segment, no memory.
pub fn start(
    config: &WriterConfig,
    recovered: &Recovered,
    ring: Drain,
) -> Result<Running, JournalError> {
    let (writer, notes) = open(config, recovered)?;
    let (status, stop) = (writer.status.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let thread = std::thread::Builder::new()
        .name("journal".into())
        .spawn(move || writer.run(ring, &stopped))
        .map_err(io_error("start a thread for", &config.dir))?;
    Ok(Running { status, stop, thread: Some(thread), notes })
}

/// A writer, and what it has to do without.
pub(crate) fn open(
    config: &WriterConfig,
    recovered: &Recovered,
) -> Result<(Writer, Notes), JournalError> {
    config.check()?;
    if config.epoch < recovered.epoch {
        let (asked, current) = (config.epoch, recovered.epoch);
        return Err(JournalError::PastEpoch { asked, current });
    }
    let mut notes = Notes::new();
    let mut store = Store::open(&config.dir, config.identity, config.segment_bytes)?;
    if config.direct {
        store.try_direct(&mut notes)?;
    }
    // A process that was killed may have left a tail that was read and is not on disk yet. The new
    // segment's header will say that it is.
    store.settle(recovered.last_segment)?;
    let (next_sequence, chain) = (recovered.next_sequence, recovered.chain);
    let cursor = Cursor { next_sequence, epoch: config.epoch, chain };
    let (file, segment, path) = store
        .create(recovered.last_segment + 1, cursor, &mut notes)
        .map_err(|(path, source)| JournalError::Io { what: "make", path, source })?;
    let buffers = Buffers::new(config.batches + 1, config.batch_bytes, config.huge)?;
    if buffers.backing() == Backing::Heap && config.huge != HugePolicy::Off {
        notes.push("no hugepages: the journal's buffers lie in ordinary pages".into());
    }
    let device = device(config, buffers, file, &path, &mut notes)?;
    let status = Arc::new(Status::new(next_sequence - 1));
    status.counts.segments(1);
    let (buffers, batch_bytes, idle) = (config.batches + 1, config.batch_bytes, config.idle);
    let hard_state = recovered.hard_state;
    let parts = Parts {
        device,
        store,
        status,
        buffers,
        batch_bytes,
        idle,
        segment,
        path,
        cursor,
        hard_state,
    };
    Ok((Writer::new(parts), notes))
}

fn device(
    config: &WriterConfig,
    buffers: Buffers,
    file: std::fs::File,
    path: &std::path::Path,
    notes: &mut Notes,
) -> Result<Box<dyn Device>, JournalError> {
    if !config.uring {
        return Ok(Box::new(Calls::new(buffers, file)));
    }
    let again = file.try_clone().map_err(io_error("open", path))?;
    match WriteRing::new(buffers, file, config.sqpoll_idle_ms) {
        Ok(ring) => {
            if let Some(error) = ring.unregistered() {
                notes.push(format!("no registered buffers: {error} (RLIMIT_MEMLOCK)"));
            }
            Ok(Box::new(ring))
        }
        Err(refused) => {
            notes.push(format!("no io_uring: {}; pwrite instead", refused.source));
            Ok(Box::new(Calls::new(refused.buffers, again)))
        }
    }
}

impl Running {
    /// What the writer tells.
    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// What was asked for and cannot be had on this host, with the reason; empty when all can.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Has the writer write what is in the ring, close the segment and end. The status then says
    /// how far it came. What is pushed later is lost.
    pub fn stop(mut self) -> Arc<Status> {
        self.join();
        self.status.clone()
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so; the status does not go on.
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.join();
    }
}
