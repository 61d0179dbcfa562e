//! The loop of an lcore, once a mode.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hostcpu::TscClock;

use super::forward::{Answer, Csum, Forward, Io, SetMacs, SwapFiveTuple, SwapMacs};
use super::generate::{Frames, Generate, RxOnly};
use super::latency::Latency;
use super::noisy::Noisy;
use super::soup;
use super::{Mode, Settings, Stream, StreamCounter, TxFull};
use crate::duty::{LcoreFacts, Mark};

/// How often the first bursts are offered to a transmit queue that is full.
const OFFERS_FIRST: usize = 1_000;

/// On while the streams are to run. Set by the supervisor, read by lcores.
#[derive(Debug)]
pub struct Switch {
    on: AtomicBool,
    /// Lcores that have begun.
    begun: AtomicUsize,
}

impl Default for Switch {
    fn default() -> Switch {
        Switch { on: AtomicBool::new(true), begun: AtomicUsize::new(0) }
    }
}

impl Switch {
    /// Lets the lcores end.
    pub fn off(&self) {
        self.on.store(false, Ordering::Release);
    }

    /// Whether they go on.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// How many lcores have begun: their first bursts are out, and each stream was polled.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Acquire)
    }

    /// Told by each lcore, once.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Release);
    }
}

/// A mode at work on one stream.
pub trait Engine<'e>: Sized {
    /// Takes all the memory that it needs.
    fn new(settings: &Settings, clock: &TscClock, stream: &mut Stream<'e>) -> Self;

    /// One burst: bounded, without allocation, system call or wait. How many frames it had.
    fn poll(&mut self, stream: &mut Stream<'e>) -> usize;

    /// The end: lets go of what it holds back. What the stream still holds is dealt with after.
    fn stop(&mut self, _stream: &mut Stream<'e>) {}
}

/// Runs the streams of lcore `index`, as the settings have it, until the switch is off. What they
/// hold then has been sent, or counted as left.
pub fn run<'e>(
    index: usize,
    streams: &mut Vec<Stream<'e>>,
    settings: &Settings,
    clock: &TscClock,
    switch: &Switch,
) -> LcoreFacts {
    streams.iter_mut().for_each(|stream| send_first(stream, settings));
    let drive = match settings.mode {
        Mode::Io => drive::<Forward<Io>>,
        Mode::Mac => drive::<Forward<SetMacs>>,
        Mode::MacSwap => drive::<Forward<SwapMacs>>,
        Mode::FiveTupleSwap => drive::<Forward<SwapFiveTuple>>,
        Mode::Csum => drive::<Forward<Csum>>,
        Mode::IcmpEcho => drive::<Forward<Answer>>,
        Mode::FlowGen => drive::<Generate<'e, true>>,
        Mode::TxOnly => drive::<Generate<'e, false>>,
        Mode::RxOnly => drive::<RxOnly>,
        Mode::Noisy => drive::<Noisy<'e>>,
        Mode::Latency => drive::<Latency<'e>>,
        Mode::Soup => {
            let orders = settings.soup.as_ref();
            let run = |orders| soup::run(index, streams, orders, clock, switch);
            return orders.map(run).unwrap_or_default();
        }
    };
    let facts = drive(index, streams, settings, clock, switch);
    streams.iter_mut().for_each(Stream::finish);
    facts
}

/// Puts the first bursts on the way. A wire that goes in a circle holds only so many, and would
/// never take the others.
fn send_first(stream: &mut Stream<'_>, settings: &Settings) {
    if settings.tx_first == 0 {
        return;
    }
    let mut frames = Frames::txonly(settings, stream);
    for _ in 0..settings.tx_first {
        let burst = usize::from(settings.burst);
        if !frames.make(&stream.pool, &mut stream.frames, burst) {
            stream.stats.counters.add(StreamCounter::NoMbuf, burst as u64);
            return;
        }
        for _ in 0..OFFERS_FIRST {
            if stream.send(TxFull::Wait) {
                break;
            }
        }
        if !stream.frames.is_empty() {
            let left = stream.frames.len() as u64;
            stream.stats.counters.add(StreamCounter::FirstLeft, left);
            stream.frames.clear();
        }
    }
    stream.stats.counters.set(StreamCounter::Waiting, 0);
}

/// Runs one engine a stream until the switch is off.
fn drive<'e, E: Engine<'e>>(
    index: usize,
    streams: &mut [Stream<'e>],
    settings: &Settings,
    clock: &TscClock,
    switch: &Switch,
) -> LcoreFacts {
    let names = [format!("lc{index}-hot"), format!("lc{index}-done")];
    let mut facts = LcoreFacts::default();
    let mut engines: Vec<E> = streams.iter_mut().map(|s| E::new(settings, clock, s)).collect();
    let mark = Mark::take(&names[0]);
    poll_each(&mut engines, streams);
    switch.begin();
    while switch.is_on() {
        poll_each(&mut engines, streams);
    }
    mark.close(&mut facts, clock, &names[1]);
    for (engine, stream) in engines.iter_mut().zip(streams.iter_mut()) {
        engine.stop(stream);
    }
    facts
}

#[inline]
fn poll_each<'e, E: Engine<'e>>(engines: &mut [E], streams: &mut [Stream<'e>]) {
    for (engine, stream) in engines.iter_mut().zip(streams.iter_mut()) {
        engine.poll(stream);
    }
}
