//! The thread that waits: signals, the run's phases, the progress bar.

use crate::config::{Config, Stop};
use crate::report::Progress;
use lcore::control::{Control, Phase};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often the supervisor looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long roles may take to resolve, connect and log in where the run waits for them.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a drained run goes on, at least, for what is under way on the ports.
const SETTLE: Duration = Duration::from_millis(50);
/// How often all lcores must have had nothing in flight, one time after another: as many as what
/// one says passes through, from loadgen by venue and impairment to trader. On a busy machine an
/// lcore may stand still for longer than any time set here; a round goes on until it has polled.
const ROUNDS: u32 = 4;

/// Signals received so far.
#[derive(Clone, Debug)]
pub(crate) struct Signals(Arc<AtomicU32>);

impl Signals {
    /// Whether there was any.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// Installs the handler: the first signal ends the run in order, the second at once (status 130).
pub(crate) fn signals() -> Result<Signals, ctrlc::Error> {
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    ctrlc::set_handler(move || {
        if seen.fetch_add(1, Ordering::Relaxed) > 0 {
            std::process::exit(130);
        }
    })?;
    Ok(Signals(count))
}

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every replay is done.
    Replayed,
    /// Its time was over.
    Duration,
    /// A signal.
    Signal,
    /// Roles did not become ready in time.
    NotReady,
    /// A role cannot go on, or a thread ended.
    Failed,
}

/// What the supervisor tells whoever looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The run is about to be hot.
    Hot,
    /// It is hot; every [`LOOK_EVERY`].
    Look,
    /// The hot part is over.
    Over,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Supervisor {
    signals: Signals,
    control: Arc<Control>,
    duration: Option<Duration>,
    drain: Duration,
    replays: u32,
    total: Option<u64>,
    quiet: bool,
}

impl Supervisor {
    /// Supervises a run of `config`; `total` is the number of messages to be replayed, if known.
    pub(crate) fn new(
        config: &Config,
        signals: Signals,
        control: Arc<Control>,
        total: Option<u64>,
        quiet: bool,
    ) -> Supervisor {
        let replays = match config.run.stop {
            Stop::ReplayEnd => config.loadgens.len() as u32,
            Stop::Signal => u32::MAX,
        };
        let (duration, drain) = (config.run.duration, config.run.drain);
        Supervisor { signals, control, duration, drain, replays, total, quiet }
    }

    /// Moves the run through its phases; `ended` says whether a thread has ended by itself.
    pub(crate) fn watch(
        &self,
        lcores: usize,
        ended: impl Fn() -> bool,
        tell: &mut dyn FnMut(Moment),
    ) -> Ending {
        let mut ending = self.connect(lcores, &ended);
        if ending.is_none() {
            tell(Moment::Hot);
            self.control.enter(Phase::Running);
            ending = Some(self.running(&ended, tell));
            tell(Moment::Over);
        }
        self.control.enter(Phase::Draining);
        self.drained(lcores as u32, &ended);
        self.control.enter(Phase::Closing);
        ending.unwrap_or(Ending::Failed)
    }

    /// Waits until nothing is in flight, or for as long as may be waited.
    fn drained(&self, lcores: u32, ended: &impl Fn() -> bool) {
        let began = Instant::now();
        self.control.ask_round();
        while began.elapsed() < self.drain && !ended() {
            if self.control.answers() >= lcores {
                if self.control.round() >= ROUNDS && began.elapsed() >= SETTLE {
                    return;
                }
                self.control.ask_round();
            }
            self.wait();
        }
    }

    /// Until the next look; the lcores see that somebody looks.
    fn wait(&self) {
        self.control.beats.fetch_add(1, Ordering::Relaxed);
        thread::sleep(LOOK_EVERY);
    }

    fn broken(&self, ended: &impl Fn() -> bool) -> Option<Ending> {
        if self.signals.any() {
            return Some(Ending::Signal);
        }
        (self.control.fault().is_some() || ended()).then_some(Ending::Failed)
    }

    /// Waits for all roles to be ready. Only a run with a replay gives up: a trader or a venue that
    /// runs until a signal goes on trying.
    fn connect(&self, lcores: usize, ended: &impl Fn() -> bool) -> Option<Ending> {
        let began = Instant::now();
        while (self.control.lcores_ready() as usize) < lcores {
            if let Some(ending) = self.broken(ended) {
                return Some(ending);
            }
            if self.replays != u32::MAX && began.elapsed() > CONNECT_MAX {
                return Some(Ending::NotReady);
            }
            self.wait();
        }
        None
    }

    fn running(&self, ended: &impl Fn() -> bool, tell: &mut dyn FnMut(Moment)) -> Ending {
        let began = Instant::now();
        let mut progress = (!self.quiet).then(|| Progress::start(self.total));
        let ending = loop {
            if let Some(ending) = self.broken(ended) {
                break ending;
            }
            if self.control.replays_done() >= self.replays {
                break Ending::Replayed;
            }
            if self.duration.is_some_and(|d| began.elapsed() >= d) {
                break Ending::Duration;
            }
            if let Some(progress) = &mut progress {
                let messages = self.control.messages_replayed.load(Ordering::Relaxed);
                progress.update(messages, self.control.fills.load(Ordering::Relaxed));
            }
            tell(Moment::Look);
            self.wait();
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        ending
    }
}
