//! Snapshots without stopping the lcore: a thread of its own, at the lowest priority, brings a
//! shadow of the venue from the newest snapshot to the end of the closed segments, writes that
//! down, and removes the segments that are superfluous then.
//!
//! The segment that is being written is not read. So there is a new snapshot once a segment was
//! closed since the last one, and what is read back after a crash is a segment or two.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::journal::{Identity, Journal, Snapshot, Status};
use anyhow::{Context, Result, ensure};

use super::{State, identity, read};
use crate::config::{JournalConfig, VenueConfig};
use crate::run::wire_up;

/// How often the thread looks whether the writer has stopped, or the run is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Snapshots kept: the last one, and one in case that is damaged.
const SNAPSHOTS_KEPT: usize = 2;
/// The lowest priority.
const NICEST: i32 = 19;

/// Starts the thread: it makes snapshots, and tells of a writer that has stopped.
pub(super) fn spawn(
    config: &VenueConfig,
    settings: &JournalConfig,
    status: Arc<Status>,
    stop: &Arc<AtomicBool>,
) -> Result<JoinHandle<()>> {
    let (config, settings, stop) = (config.clone(), settings.clone(), Arc::clone(stop));
    let helper = thread::Builder::new().name("snapshots".into());
    let helper = helper.spawn(move || help(&config, &settings, &status, &stop));
    helper.context("starting the thread that makes snapshots")
}

fn help(config: &VenueConfig, settings: &JournalConfig, status: &Status, stop: &AtomicBool) {
    // Who may not be nicer is as nice as it may be.
    let _ = rustix::process::nice(NICEST);
    let every = Duration::from_secs(settings.snapshot_every_s);
    let (mut last, mut told) = (Instant::now(), false);
    while !stop.load(Ordering::Acquire) {
        if let Some(fault) = status.fault().filter(|_| !told) {
            told = true;
            let name = &config.name;
            eprintln!("venue {name:?}: journal: {fault}: nothing is acknowledged any more");
        }
        if !every.is_zero() && last.elapsed() >= every && !told {
            last = Instant::now();
            if let Err(error) = make(config, settings) {
                eprintln!("venue {:?}: no snapshot: {error:#}", config.name);
            }
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Makes a snapshot of what the closed segments tell; its sequence, if there is any news.
///
/// # Errors
/// The journal cannot be read, the snapshot cannot be written or does not load.
pub(crate) fn make(config: &VenueConfig, settings: &JournalConfig) -> Result<Option<u64>> {
    let identity = identity(settings);
    let closed = Journal::open(&settings.dir, identity)?.without_last();
    let Some(last) = closed.segments().last() else { return Ok(None) };
    let newest = closed.newest_snapshot()?.0.map_or(0, |snapshot| snapshot.sequence);
    if last.header.first_sequence <= newest {
        return Ok(None);
    }
    let mut shadow = wire_up::state(config)?;
    let known = read(config, &closed, &mut shadow)?;
    let State { core, sessions, publisher } = &shadow;
    let sequence = known.recovered.next_sequence - 1;
    if sequence <= newest {
        return Ok(None);
    }
    let state = core.save(sessions, publisher)?;
    let mut again = wire_up::state(config)?;
    let engine = wire_up::engine_config(config);
    again.core.load(&engine, &state, &mut again.sessions, &mut again.publisher)?;
    let hashes = (core.engine().state_hash(), again.core.engine().state_hash());
    ensure!(hashes.0 == hashes.1, "the snapshot behind input {sequence} does not load as it was");
    keep(&settings.dir, identity, sequence, state, settings.segments_kept)?;
    Ok(Some(sequence))
}

/// Writes a state down as the snapshot behind `sequence`, sees that it can be read, and removes
/// what it makes superfluous: older snapshots, and segments but for the last `segments_kept` of
/// them.
///
/// # Errors
/// It cannot be written or read back; nothing was removed then.
pub(super) fn keep(
    dir: &Path,
    identity: Identity,
    sequence: u64,
    state: Vec<u8>,
    segments_kept: usize,
) -> Result<()> {
    let journal = Journal::open(dir, identity)?;
    let chain = journal.chain_behind(sequence)?;
    let epoch = journal.segments().last().map_or(0, |segment| segment.header.epoch);
    let snapshot = Snapshot { sequence, epoch, chain, state };
    let newest = || journal.newest_snapshot().map(|(newest, _)| newest);
    if newest()?.is_none_or(|newest| newest.sequence < sequence) {
        snapshot.save(dir, identity)?;
    }
    ensure!(newest()?.is_some_and(|read| read == snapshot), "the snapshot is not as it was made");
    journal.remove_snapshots(SNAPSHOTS_KEPT)?;
    // What the oldest snapshot that is kept needs stays.
    let oldest = journal.oldest_snapshot()?.unwrap_or(sequence);
    journal.remove_before(oldest, segments_kept)?;
    Ok(())
}
