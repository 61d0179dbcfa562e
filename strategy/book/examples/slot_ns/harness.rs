//! What it costs to take a slot of a store and to give one back, by one thread.
//!
//! Of 4,096 slots 1,024 are taken one after the other, then given back; and in turn one is taken
//! and the oldest given back while 32 are held. Each figure is the median over batches of some
//! microseconds. That no slot is given out twice is checked beforehand.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Slots of the store.
pub(crate) const SLOTS: usize = 4096;
const HELD: usize = 1024;
const UNDER_WAY: usize = 32;
/// Turns of a batch.
const TURNS: usize = 4096;

/// A store of slots.
pub(crate) trait Store {
    /// What a slot is known by.
    type Slot: PartialEq;

    fn acquire(&mut self) -> Option<Self::Slot>;
    fn release(&mut self, slot: Self::Slot);
}

/// How long each figure is measured: milliseconds of a command line, if it says so; ends with 2
/// when it cannot be.
pub(crate) fn time(milliseconds: Option<&str>) -> Duration {
    let Some(ms) = milliseconds.map_or(Some(300), |ms| ms.parse().ok().filter(|ms| *ms > 0)) else {
        eprintln!("milliseconds a figure must be a number from 1 up");
        std::process::exit(2);
    };
    Duration::from_millis(ms)
}

fn tell(name: &str, mut batches: Vec<Duration>, count: usize) {
    batches.sort_unstable();
    let ns = batches[batches.len() / 2].as_nanos() as f64 / count as f64;
    println!("FIGURE {name} {ns:.3} ns");
}

/// Measures everything, and prints it.
pub(crate) fn measure<S: Store>(time: Duration, store: &mut S) {
    let mut held = Vec::with_capacity(SLOTS);
    check(store, &mut held);
    let (mut acquires, mut releases, begin) = (Vec::new(), Vec::new(), Instant::now());
    while acquires.is_empty() || begin.elapsed() < time {
        let start = Instant::now();
        acquire(store, &mut held, HELD);
        let middle = Instant::now();
        release(store, &mut held);
        releases.push(middle.elapsed());
        acquires.push(middle - start);
    }
    tell("acquire", acquires, HELD);
    tell("release", releases, HELD);
    acquire(store, &mut held, UNDER_WAY);
    let (mut turns, begin) = (Vec::new(), Instant::now());
    while turns.is_empty() || begin.elapsed() < time {
        let start = Instant::now();
        take_turns(store, &mut held);
        turns.push(start.elapsed());
    }
    tell("turn", turns, TURNS);
    release(store, &mut held);
}

fn check<S: Store>(store: &mut S, held: &mut Vec<S::Slot>) {
    acquire(store, held, HELD);
    for (at, slot) in held.iter().enumerate() {
        assert!(!held[..at].contains(slot), "a slot is given out twice");
    }
    release(store, held);
}

#[inline(never)]
fn acquire<S: Store>(store: &mut S, held: &mut Vec<S::Slot>, count: usize) {
    for _ in 0..count {
        held.push(one(store).acquire().expect("there are more slots"));
    }
}

#[inline(never)]
fn release<S: Store>(store: &mut S, held: &mut Vec<S::Slot>) {
    for slot in held.drain(..) {
        one(store).release(slot);
    }
}

#[inline(never)]
fn take_turns<S: Store>(store: &mut S, held: &mut [S::Slot]) {
    for turn in 0..TURNS {
        let at = turn % UNDER_WAY;
        let slot = one(store).acquire().expect("there are more slots");
        one(store).release(std::mem::replace(&mut held[at], slot));
    }
}

/// The store, of which nothing is known any more: each call stands alone, as between other work. A
/// thousand at once would be seen to be one copy of a thousand numbers.
#[inline(always)]
fn one<S: Store>(store: &mut S) -> &mut S {
    black_box(store)
}
