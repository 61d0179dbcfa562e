//! Two threads that pass a word to and fro.

use super::Pair;
use crate::{Error, Stop};
use hostcpu::{TscClock, pin_current, tsc, tsc_ordered};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Rounds after which the bounds are as tight as they get.
const ROUNDS_MAX: u64 = 20_000;
/// A pair takes no longer, whoever else wants the CPUs.
const PAIR_NS_MAX: u64 = 200_000_000;

/// What the two share, on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Table {
    /// Twice the round, less one while it is the second's turn.
    turn: AtomicU64,
    /// The second's reading.
    stamp: AtomicU64,
    over: AtomicBool,
}

/// The tightest bounds of the second's offset, in ticks.
struct Bounds {
    low: i64,
    high: i64,
    rounds: u64,
}

/// Compares the counters of two CPUs.
pub(super) fn compare(
    reference: usize,
    cpu: usize,
    clock: &TscClock,
    stop: Stop<'_>,
) -> Result<Pair, Error> {
    let table = Table::default();
    let spawn = |source| Error::Thread { cpu, source };
    let named = |name: String| thread::Builder::new().name(name);
    let bounds = thread::scope(|scope| -> Result<Bounds, Error> {
        let second = named(format!("tsc{cpu}"))
            .spawn_scoped(scope, || second(cpu, &table))
            .map_err(spawn)?;
        let first = named(format!("tsc{reference}"))
            .spawn_scoped(scope, || first(reference, &table, clock, stop))
            .inspect_err(|_| table.over.store(true, Ordering::Relaxed))
            .map_err(spawn)?;
        let bounds = joined(first.join());
        let done = joined(second.join());
        let bounds = bounds?;
        done?;
        Ok(bounds)
    })?;
    let Bounds { low, high, rounds } = bounds;
    let ns = |ticks: i64| {
        let ns = i64::try_from(clock.ns(ticks.unsigned_abs())).unwrap_or(i64::MAX);
        if ticks < 0 { -ns } else { ns }
    };
    let (low_ns, high_ns) = if rounds == 0 { (0, 0) } else { (ns(low), ns(high)) };
    Ok(Pair { reference, cpu, low_ns, high_ns, rounds })
}

fn joined<T>(ended: thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn first(
    cpu: usize,
    table: &Table,
    clock: &TscClock,
    stop: Stop<'_>,
) -> Result<Bounds, hostcpu::Error> {
    let pinned = pin_current(cpu);
    let mut bounds = Bounds { low: i64::MIN, high: i64::MAX, rounds: 0 };
    let (start, ticks_max) = (tsc(), clock.ticks(PAIR_NS_MAX));
    let late = || tsc().wrapping_sub(start) > ticks_max;
    while pinned.is_ok() && bounds.rounds < ROUNDS_MAX && !table.over.load(Ordering::Relaxed) {
        if bounds.rounds.is_multiple_of(256) && stop() {
            break;
        }
        let Some([t1, t2, t3]) = round(table, bounds.rounds + 1, late) else { break };
        bounds.low = bounds.low.max(t2.wrapping_sub(t3).cast_signed());
        bounds.high = bounds.high.min(t2.wrapping_sub(t1).cast_signed());
        bounds.rounds += 1;
    }
    table.over.store(true, Ordering::Relaxed);
    pinned.map(|()| bounds)
}

/// One round of the first's; `None` when it took too long, or the second is gone.
fn round(table: &Table, round: u64, late: impl Fn() -> bool) -> Option<[u64; 3]> {
    let t1 = tsc_ordered();
    table.turn.store(2 * round - 1, Ordering::Release);
    while table.turn.load(Ordering::Acquire) != 2 * round {
        if table.over.load(Ordering::Relaxed) || late() {
            return None;
        }
        spin_loop();
    }
    let t3 = tsc_ordered();
    Some([t1, table.stamp.load(Ordering::Relaxed), t3])
}

fn second(cpu: usize, table: &Table) -> Result<(), hostcpu::Error> {
    let pinned = pin_current(cpu);
    if pinned.is_err() {
        table.over.store(true, Ordering::Relaxed);
    }
    while !table.over.load(Ordering::Relaxed) {
        let turn = table.turn.load(Ordering::Acquire);
        if turn.is_multiple_of(2) {
            spin_loop();
            continue;
        }
        table.stamp.store(tsc_ordered(), Ordering::Relaxed);
        table.turn.store(turn + 1, Ordering::Release);
    }
    pinned
}
