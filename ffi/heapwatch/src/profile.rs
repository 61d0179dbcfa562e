//! Who holds what: live blocks by the stack that allocated them, sampled.
//!
//! While it is off it costs one relaxed read of a flag an allocation. Once [`start`] was called, an
//! allocation that uses up the next `every_bytes` of its thread is sampled: its stack is walked and
//! kept until the block is freed. It stands for all bytes its thread asked for since its last
//! sample, so sums over many samples are right. What was allocated before the start is not seen.
//!
//! Failure modes: walking a stack takes microseconds, and every free looks whether its block was
//! sampled, under a lock. That is for threads that are not on the hot path, which allocates
//! nothing and so pays nothing. The profile's own blocks are not in the profile.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Frames of a stack that are kept.
const FRAMES_MAX: usize = 48;

static ON: AtomicBool = AtomicBool::new(false);
static EVERY_BYTES: AtomicUsize = AtomicUsize::new(0);
static SAMPLES: Mutex<Option<HashMap<usize, Sample>>> = Mutex::new(None);

thread_local! {
    /// Bytes asked for since the last sample.
    static ASKED: Cell<usize> = const { Cell::new(0) };
    /// Whether this thread is at work on the profile itself.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Debug)]
struct Sample {
    bytes: usize,
    frames: Box<[usize]>,
}

/// Blocks that were allocated from one stack and are not freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveStack {
    /// Return addresses, the innermost first.
    pub frames: Vec<usize>,
    /// Bytes that the samples stand for.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
}

/// Begins to sample, about once every so many bytes a thread; 1 samples each block.
pub fn start(every_bytes: usize) {
    EVERY_BYTES.store(every_bytes.max(1), Ordering::Relaxed);
    let _inside = Inside::enter();
    samples().get_or_insert_with(HashMap::new);
    ON.store(true, Ordering::Release);
}

/// What is live of what was sampled, by stack, most bytes first.
pub fn live() -> Vec<LiveStack> {
    let _inside = Inside::enter();
    let mut by_stack: HashMap<Box<[usize]>, (u64, u64)> = HashMap::new();
    for sample in samples().iter().flat_map(HashMap::values) {
        let sum = by_stack.entry(sample.frames.clone()).or_default();
        *sum = (sum.0 + sample.bytes as u64, sum.1 + 1);
    }
    let of = |(frames, (bytes, samples)): (Box<[usize]>, _)| LiveStack {
        frames: frames.into_vec(),
        bytes,
        samples,
    };
    let mut stacks: Vec<LiveStack> = by_stack.into_iter().map(of).collect();
    stacks.sort_by(|a, b| (b.bytes, &b.frames).cmp(&(a.bytes, &a.frames)));
    stacks
}

/// This thread's work on the profile, which the profile does not see.
struct Inside {
    was: bool,
}

impl Inside {
    fn enter() -> Inside {
        Inside { was: INSIDE.replace(true) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.was);
    }
}

fn samples() -> MutexGuard<'static, Option<HashMap<usize, Sample>>> {
    // Nothing is half done where a panic could come between.
    SAMPLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A block was allocated.
#[inline]
pub(crate) fn allocated(block: *mut u8, bytes: usize) {
    if ON.load(Ordering::Relaxed) {
        sample(block, bytes);
    }
}

/// A block is about to be freed.
#[inline]
pub(crate) fn freed(block: *mut u8) {
    if ON.load(Ordering::Relaxed) {
        forget(block);
    }
}

#[cold]
fn sample(block: *mut u8, bytes: usize) {
    if block.is_null() || INSIDE.get() {
        return;
    }
    let asked = ASKED.get() + bytes;
    if asked < EVERY_BYTES.load(Ordering::Relaxed) {
        return ASKED.set(asked);
    }
    ASKED.set(0);
    let _inside = Inside::enter();
    let mut frames = Vec::with_capacity(FRAMES_MAX);
    backtrace::trace(|frame| {
        frames.push(frame.ip().addr());
        frames.len() < FRAMES_MAX
    });
    let sample = Sample { bytes: asked, frames: frames.into_boxed_slice() };
    if let Some(samples) = samples().as_mut() {
        samples.insert(block.addr(), sample);
    }
}

#[cold]
fn forget(block: *mut u8) {
    if INSIDE.get() {
        return;
    }
    let _inside = Inside::enter();
    if let Some(samples) = samples().as_mut() {
        samples.remove(&block.addr());
    }
}
