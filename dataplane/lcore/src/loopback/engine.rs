//! The loop of an lcore, once a mode.

use std::sync::atomic::{AtomicBool, Ordering};

use hostcpu::TscClock;

use super::{Settings, Stream};

/// On while the streams are to run. Set by the supervisor, read by lcores.
#[derive(Debug)]
pub struct Switch(AtomicBool);

impl Default for Switch {
    fn default() -> Switch {
        Switch(AtomicBool::new(true))
    }
}

impl Switch {
    /// Lets the lcores end.
    pub fn off(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether they go on.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
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

/// Runs one engine a stream until the switch is off.
pub fn drive<'e, E: Engine<'e>>(
    streams: &mut [Stream<'e>],
    settings: &Settings,
    clock: &TscClock,
    switch: &Switch,
) {
    let mut engines: Vec<E> = streams.iter_mut().map(|s| E::new(settings, clock, s)).collect();
    while switch.is_on() {
        for (engine, stream) in engines.iter_mut().zip(streams.iter_mut()) {
            engine.poll(stream);
        }
    }
    for (engine, stream) in engines.iter_mut().zip(streams.iter_mut()) {
        engine.stop(stream);
    }
}
