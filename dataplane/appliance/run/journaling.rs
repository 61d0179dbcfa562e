//! A venue's journal: read back at the start, written while the venue runs, closed with a snapshot
//! at the end.
//!
//! What is kept is every input and its stamp; whoever replays them has the same engine, the same
//! bytes under the same numbers of every session, and the same feed. So a venue that was killed
//! goes on where it was, and nothing that it had sent is sent again as something else.
//!
//! A venue whose configuration decides otherwise than the journal's would not come to the same
//! state: that is refused, by a fingerprint that the day's first record has. Once a day was closed
//! in order, its snapshot is all that the next one needs, and that may be configured anew.

mod snapshots;

pub(crate) use snapshots::make as snapshot;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::journal::{
    Entry, Feeder, Identity, Journal, Payload, Recovered, Running, Status, WriterConfig, queue,
    start,
};
use anyhow::{Context, Result, anyhow, ensure};
use hostcpu::CpuSet;
use lcore::venue::{JournalLine, Venue};
use session::{MoldPublisher, Sessions};
use types::{Input, Nanos};
use venue::{Core, Stores};

use super::wire_up::engine_config;
use crate::config::{JournalConfig, VenueConfig};
use crate::journal::JournalRefused;

/// A venue's replicated state: what inputs change.
pub(super) struct State {
    pub(super) core: Core,
    pub(super) sessions: Sessions,
    pub(super) publisher: MoldPublisher,
}

/// The journal of one venue while it is written.
#[derive(Debug)]
pub(crate) struct Keeper {
    venue: String,
    dir: PathBuf,
    identity: Identity,
    segments_kept: usize,
    running: Running,
    stop: Arc<AtomicBool>,
    helper: JoinHandle<()>,
}

/// Whose journal it is.
fn identity(settings: &JournalConfig) -> Identity {
    let mut cluster = [0; 16];
    let name = settings.cluster.as_bytes();
    cluster[..name.len().min(16)].copy_from_slice(&name[..name.len().min(16)]);
    Identity { cluster, node: settings.node }
}

/// What was read back, to be told.
pub(super) struct Read {
    recovered: Recovered,
    snapshot: Option<u64>,
    passed_over: Vec<String>,
    inputs: u64,
    took: Duration,
}

/// Brings a fresh state to where the journal ends: the newest snapshot that is whole, and what came
/// after it.
///
/// # Errors
/// A journal that is damaged, newer or somebody else's; one of a venue that decides otherwise. The
/// journal is as it was.
pub(super) fn recover(
    config: &VenueConfig,
    settings: &JournalConfig,
    state: &mut State,
) -> Result<Read> {
    let began = Instant::now();
    let shown = || format!("venue {:?}: journal {}", config.name, settings.dir.display());
    let journal = Journal::open(&settings.dir, identity(settings)).with_context(shown)?;
    let read = read(config, &journal, state).with_context(shown)?;
    Ok(Read { took: began.elapsed(), ..read })
}

fn read(config: &VenueConfig, journal: &Journal, state: &mut State) -> Result<Read> {
    let (snapshot, passed_over) = journal.newest_snapshot()?;
    let State { core, sessions, publisher } = state;
    if let Some(snapshot) = &snapshot {
        let name = || format!("the snapshot behind sequence {}", snapshot.sequence);
        let loaded = core.load(&engine_config(config), &snapshot.state, sessions, publisher);
        loaded.with_context(name)?;
        ensure!(core.inputs() == snapshot.sequence, "{} is of another sequence", name());
    }
    let config_hash = fingerprint(config);
    let (mut inputs, mut differs) = (0, core.day().opened.is_some() && !core.day().closed);
    differs &= core.day().config != config_hash;
    let mut sink = |entry: &Entry<'_>| {
        let input = match entry.payload {
            Payload::Input(input) => input,
            Payload::Opaque(_) | Payload::Membership(_) => Input::Nothing,
            Payload::HardState(_) => return,
        };
        if let Input::Open(open) = &input {
            differs |= open.config != config_hash;
        }
        inputs += 1;
        if !differs {
            core.enact(entry.now, &input, Stores { sessions, publisher }, None);
        }
    };
    let recovered = match &snapshot {
        Some(snapshot) => journal.replay_after(snapshot, &mut sink)?,
        None => journal.replay(1, &mut sink)?,
    };
    ensure!(!differs, JournalRefused::OtherConfiguration);
    ensure!(core.inputs() + 1 == recovered.next_sequence, "an input is missing");
    publisher.skip_sent();
    let passed_over = passed_over.iter().map(ToString::to_string).collect();
    let snapshot = snapshot.map(|snapshot| snapshot.sequence);
    Ok(Read { recovered, snapshot, passed_over, inputs, took: Duration::ZERO })
}

/// Starts the writer and its helper; the venue's end of the journal.
///
/// # Errors
/// Another process writes the journal, the disk has no room for a segment.
pub(super) fn begin(
    config: &VenueConfig,
    settings: &JournalConfig,
    read: &Read,
) -> Result<(Keeper, JournalLine)> {
    let shown = || format!("venue {:?}: journal {}", config.name, settings.dir.display());
    let identity = identity(settings);
    let mut writer = WriterConfig::new(settings.dir.clone(), identity);
    writer.epoch = read.recovered.epoch;
    writer.segment_bytes = settings.segment_bytes;
    writer.direct = settings.direct;
    writer.uring = settings.uring;
    writer.idle = Duration::from_micros(settings.idle_us);
    let (feeder, drain) = queue(settings.ring);
    let running = on_cpu(settings.cpu, || start(&writer, &read.recovered, drain))?;
    let running = running.with_context(shown)?;
    let line = line(feeder, &running, writer.epoch);
    let stop = Arc::new(AtomicBool::new(false));
    let helper = snapshots::spawn(config, settings, Arc::clone(running.status()), &stop)?;
    let keeper = Keeper {
        venue: config.name.clone(),
        dir: settings.dir.clone(),
        identity,
        segments_kept: settings.segments_kept,
        running,
        stop,
        helper,
    };
    Ok((keeper, line))
}

fn line(feeder: Feeder, running: &Running, epoch: u32) -> JournalLine {
    JournalLine::new(feeder, Arc::clone(running.status()), epoch)
}

/// Has the threads that `make` starts run on a CPU, where one is given.
fn on_cpu<T>(cpu: Option<usize>, make: impl FnOnce() -> T) -> Result<T> {
    let Some(cpu) = cpu else { return Ok(make()) };
    let before = hostcpu::allowed_cpus()?;
    let mut one = CpuSet::new();
    one.insert(cpu)?;
    hostcpu::allow_cpus(&one).with_context(|| format!("journal.cpu = {cpu}"))?;
    let made = make();
    hostcpu::allow_cpus(&before)?;
    Ok(made)
}

impl Read {
    /// What an operator wants to know of it.
    pub(super) fn describe(&self, config: &VenueConfig, keeper: &Keeper, core: &Core) -> String {
        let name = &config.name;
        let mut told = String::new();
        for wrong in &self.passed_over {
            told += &format!("venue {name:?}: passed over: {wrong}\n");
        }
        if let Some(torn) = &self.recovered.torn {
            let (path, offset) = (torn.path.display(), torn.offset);
            told += &format!("venue {name:?}: {path}: torn tail cut at offset {offset}\n");
        }
        for note in keeper.running.notes() {
            told += &format!("venue {name:?}: journal: {note}\n");
        }
        let from = match self.snapshot {
            Some(sequence) => format!("the snapshot behind input {sequence} and {}", self.inputs),
            None => self.inputs.to_string(),
        };
        told + &format!(
            "venue {name:?}: journal {}: {from} inputs read in {:.3} s, {} live orders, input {} \
             is next\n",
            keeper.dir.display(),
            self.took.as_secs_f64(),
            core.engine().live_orders(),
            self.recovered.next_sequence,
        )
    }
}

impl Keeper {
    /// The run is over: writes what is left, and where the day was closed in order, the snapshot
    /// that the next one begins with.
    ///
    /// # Errors
    /// The writer had stopped, so that inputs are not kept, or the snapshot could not be made.
    pub(crate) fn finish<'v>(self, venues: impl IntoIterator<Item = &'v Venue<'v>>) -> Result<()> {
        self.stop.store(true, Ordering::Release);
        if let Err(panic) = self.helper.join() {
            std::panic::resume_unwind(panic);
        }
        let status = self.running.stop();
        let shown = format!("venue {:?}: journal {}", self.venue, self.dir.display());
        stopped(&status).with_context(|| shown.clone())?;
        let venue = venues.into_iter().find(|venue| venue.name() == self.venue);
        let Some(venue) = venue.filter(|v| v.core().day().closed) else { return Ok(()) };
        let core = venue.core();
        ensure!(core.inputs() == status.durable(), "{shown}: an input was not kept");
        let state = core.save(venue.sessions(), venue.market_data().publisher())?;
        let kept = self.segments_kept;
        snapshots::keep(&self.dir, self.identity, core.inputs(), state, kept).context(shown)
    }
}

/// What the writer stopped at, as an error.
fn stopped(status: &Status) -> Result<()> {
    match status.fault() {
        None => Ok(()),
        Some(fault) => Err(anyhow!("{fault}; nothing was acknowledged from there on")),
    }
}

/// What tells one configuration from another, where it decides what comes of an input.
pub(super) fn fingerprint(config: &VenueConfig) -> u64 {
    let engine = engine_config(config);
    let sessions: Vec<_> = config.accounts.iter().map(|a| (&a.session, a.snapshot)).collect();
    let listings: Vec<_> = config.symbols.iter().map(|l| (l.locate, l.symbol, &l.entry)).collect();
    let limits = (config.limits.replay_messages, config.limits.replay_bytes);
    let feed = (&config.itch.session, config.itch.replay_messages, config.itch.replay_bytes);
    let text = format!("{engine:?} {sessions:?} {listings:?} {limits:?} {feed:?}");
    // FNV-1a: the same on every machine, and nobody's to forge.
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Days since 1970 of the midnight that stamps count from.
pub(super) fn date(unix_ns: u64, since_midnight: Nanos) -> u32 {
    let days = unix_ns.saturating_sub(since_midnight.0) / 86_400_000_000_000;
    u32::try_from(days).unwrap_or(u32::MAX)
}
