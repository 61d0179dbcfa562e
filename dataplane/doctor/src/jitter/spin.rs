//! The loop that watches, and the threads it runs on.

use super::Settings;
use crate::{Error, Stop, wait};
use hostcpu::{TscClock, Usage, pin_current, thread_usage, tsc};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use telemetry::Histogram;

/// How long threads may take to their first reading.
const START_MAX: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What one thread saw.
pub(super) struct Spun {
    pub(super) watched_ns: u64,
    pub(super) stolen_ns: u64,
    pub(super) turn_ns: u64,
    pub(super) backwards: u64,
    /// Lengths of interruptions, in ns.
    pub(super) lengths: Histogram,
    pub(super) usage: Usage,
}

/// What the threads and the one that waits for them share.
#[derive(Default)]
struct Together {
    /// Threads whose loop runs, or that have failed.
    begun: AtomicUsize,
    over: AtomicBool,
}

/// Spins on each CPU until the time is over. `look` is taken twice while all of them spin.
pub(super) fn all<L>(
    cpus: &[usize],
    settings: Settings,
    clock: &TscClock,
    stop: Stop<'_>,
    look: impl Fn() -> L,
) -> Result<(Vec<Spun>, [L; 2]), Error> {
    let together = Together::default();
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(cpus.len());
        for &cpu in cpus {
            let together = &together;
            let body = move || one(cpu, settings, clock, together);
            match thread::Builder::new().name(format!("jitter{cpu}")).spawn_scoped(scope, body) {
                Ok(thread) => threads.push(thread),
                Err(source) => {
                    together.over.store(true, Ordering::Relaxed);
                    return Err(Error::Thread { cpu, source });
                }
            }
        }
        let begun = || together.begun.load(Ordering::Acquire) == cpus.len() || stop();
        let mut waited = Duration::ZERO;
        while !begun() && waited < START_MAX {
            thread::sleep(LOOK_EVERY);
            waited += LOOK_EVERY;
        }
        let before = look();
        wait(settings.time, stop);
        let after = look();
        together.over.store(true, Ordering::Relaxed);
        let mut spun = Vec::with_capacity(cpus.len());
        for thread in threads {
            match thread.join() {
                Ok(done) => spun.push(done?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok((spun, [before, after]))
    })
}

fn one(
    cpu: usize,
    settings: Settings,
    clock: &TscClock,
    together: &Together,
) -> Result<Spun, hostcpu::Error> {
    let pinned = pin_current(cpu);
    let lengths = Box::new(Histogram::new());
    // Each row is written to before the loop, which would fault on its pages one by one.
    (0..u64::BITS).for_each(|bit| lengths.record_n(1 << bit, 0));
    let usage = thread_usage();
    together.begun.fetch_add(1, Ordering::Release);
    pinned?;
    let usage = usage?;
    let mut seen = spin(settings.threshold_ns, clock, &lengths, &together.over);
    seen.usage = thread_usage()?.since(usage);
    Ok(seen.into_spun(*lengths))
}

#[derive(Default)]
struct Seen {
    watched_ns: u64,
    stolen_ns: u64,
    turn_ns: u64,
    backwards: u64,
    usage: Usage,
}

impl Seen {
    fn into_spun(self, lengths: Histogram) -> Spun {
        let Seen { watched_ns, stolen_ns, turn_ns, backwards, usage } = self;
        Spun { watched_ns, stolen_ns, turn_ns, backwards, lengths, usage }
    }
}

/// Reads the counter until it is over.
fn spin(threshold_ns: u64, clock: &TscClock, lengths: &Histogram, over: &AtomicBool) -> Seen {
    let threshold = clock.ticks(threshold_ns);
    let mut seen = Seen::default();
    let (mut stolen, mut turn) = (0u64, u64::MAX);
    let start = tsc();
    let mut last = start;
    while !over.load(Ordering::Relaxed) {
        let now = tsc();
        let gap = now.wrapping_sub(last);
        turn = turn.min(gap);
        if gap > threshold {
            note(gap, clock, lengths, &mut stolen, &mut seen.backwards);
        }
        last = now;
    }
    seen.watched_ns = clock.ns(last.wrapping_sub(start));
    seen.stolen_ns = clock.ns(stolen);
    seen.turn_ns = if turn == u64::MAX { 0 } else { clock.ns(turn) };
    seen
}

/// An interruption; or a counter that went back, which as a difference is huge.
#[cold]
#[inline(never)]
fn note(gap: u64, clock: &TscClock, lengths: &Histogram, stolen: &mut u64, backwards: &mut u64) {
    if gap.cast_signed() < 0 {
        *backwards += 1;
        return;
    }
    *stolen = stolen.saturating_add(gap);
    lengths.record(clock.ns(gap));
}
