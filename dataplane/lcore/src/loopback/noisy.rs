//! The `noisy` mode: forwarding beside a neighbour who makes noise, to see what noise does.
//!
//! Frames are held in a buffer and leave it as others push in behind, or when it was let alone for
//! the flush time; for each frame so many reads and writes of random lines of a large memory are
//! done. Both are testpmd's options. The buffer and the memory are taken at the start.

use std::collections::VecDeque;
use std::hint::black_box;

use dpdk::Mbuf;
use hostcpu::{TscClock, tsc};

use super::{BURST_MAX, Engine, Noisy as Options, Settings, Stream, TxFull};

/// Bytes of a cache line, the least of memory that can be waited for.
const LINE: usize = 64;
/// Any number but zero.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// The mode at work.
#[derive(Debug)]
pub(super) struct Noisy<'e> {
    options: Options,
    burst: u16,
    full: TxFull,
    held: VecDeque<Mbuf<'e>>,
    flush_ticks: Option<u64>,
    left_at: u64,
    memory: Memory,
}

impl<'e> Engine<'e> for Noisy<'e> {
    fn new(settings: &Settings, clock: &TscClock, _: &mut Stream<'e>) -> Self {
        let options = settings.noisy;
        let flush_ticks =
            (options.flush_ms > 0).then(|| clock.ticks(u64::from(options.flush_ms) * 1_000_000));
        Noisy {
            options,
            burst: settings.burst,
            full: settings.tx_full,
            held: VecDeque::with_capacity(options.buffer_frames as usize + BURST_MAX),
            flush_ticks,
            left_at: tsc(),
            memory: Memory::new(options.memory_mb),
        }
    }

    #[inline]
    fn poll(&mut self, stream: &mut Stream<'e>) -> usize {
        if !stream.is_ready(self.full) {
            return 0;
        }
        let got = stream.receive(self.burst);
        for _ in 0..got {
            self.memory.access(&self.options);
        }
        if self.options.buffer_frames > 0 {
            self.held.extend(stream.frames.drain(..));
            self.release(stream);
        }
        if !stream.frames.is_empty() {
            stream.send(self.full);
        }
        got
    }

    fn stop(&mut self, stream: &mut Stream<'e>) {
        // As many bursts as the buffer can hold, and some that the queue was too full for.
        for _ in 0..2 * (self.held.len() / BURST_MAX + 1) {
            if stream.is_ready(self.full) {
                self.take(stream, self.held.len());
                stream.send(self.full);
            }
        }
        stream.leave(self.held.drain(..));
    }
}

impl<'e> Noisy<'e> {
    /// Lets go of what the buffer holds beyond its size, or of all when it was let alone too long.
    fn release(&mut self, stream: &mut Stream<'e>) {
        let beyond = self.held.len().saturating_sub(self.options.buffer_frames as usize);
        if beyond > 0 {
            self.take(stream, beyond);
            self.left_at = tsc();
        } else if let Some(ticks) = self.flush_ticks
            && tsc().wrapping_sub(self.left_at) >= ticks
        {
            self.take(stream, self.held.len());
            // Of a buffer larger than a burst the rest goes with the next polls.
            if self.held.is_empty() {
                self.left_at = tsc();
            }
        }
    }

    fn take(&mut self, stream: &mut Stream<'e>, count: usize) {
        let count = count.min(stream.frames.remaining_capacity());
        stream.frames.extend(self.held.drain(..count));
    }
}

/// Memory that is accessed for no reason.
#[derive(Debug)]
struct Memory {
    lines: Vec<[u8; LINE]>,
    random: u64,
}

impl Memory {
    fn new(megabytes: u32) -> Memory {
        // One line at the least, so that there is always one to go to.
        let lines = ((megabytes as usize) * (1 << 20) / LINE).max(1);
        // Written, and not only asked for: a page that was never written is none.
        let mut memory = vec![[0; LINE]; lines];
        memory.iter_mut().for_each(|line| line[0] = black_box(1));
        Memory { lines: memory, random: SEED }
    }

    #[inline]
    fn access(&mut self, options: &Options) {
        for _ in 0..options.writes {
            self.line()[0] = 1;
        }
        for _ in 0..options.reads {
            black_box(self.line()[0]);
        }
        for _ in 0..options.reads_writes {
            let line = self.line();
            line[0] = black_box(line[0]).wrapping_add(1);
        }
    }

    /// A line at random (xorshift).
    #[inline]
    fn line(&mut self) -> &mut [u8; LINE] {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let at = (self.random % self.lines.len() as u64) as usize;
        &mut self.lines[at]
    }
}
