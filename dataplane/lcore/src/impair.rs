//! Bad weather between two ports: frames that one receives go out on the other, and some are lost,
//! repeated, out of order, late or damaged on the way.

use crate::agent::{Agent, Now, WorkCount};
use crate::port_io::{Burst, PortIo};
use telemetry::CounterSet;

telemetry::keys! {
    /// What becomes of the frames of one direction.
    pub enum ImpairCounter in "impair" {
        /// Frames that went on, late or damaged ones too.
        Passed = "passed",
        /// Frames lost one by one.
        Lost = "lost",
        /// Frames lost in a run of them.
        LostInBursts = "lost_in_bursts",
        /// Frames that went on twice.
        Duplicated = "duplicated",
        /// Frames that others were let past.
        Reordered = "reordered",
        /// Frames that went on later by the fixed delay.
        Delayed = "delayed",
        /// Frames of which one byte was changed.
        Corrupted = "corrupted",
        /// Frames and copies lost that should not have been; the aim is 0.
        NotTaken = "not_taken",
        /// Polls in which frames had to wait for a port or for room to be held in.
        Waited = "waited",
    }
}

/// What happens to the frames of one direction. Shares are of all frames, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Share that is lost.
    pub loss: f64,
    /// Chance of a frame to begin a run of lost ones.
    pub burst_loss: f64,
    /// The longest such run, in frames; at least 1.
    pub burst_frames_max: u16,
    /// Share that goes on twice.
    pub duplicate: f64,
    /// Share that others are let past.
    pub reorder: f64,
    /// How many others, at most; at least 1.
    pub reorder_frames_max: u16,
    /// Share in which one byte is changed.
    pub corrupt: f64,
    /// How much later every frame goes on, in ns.
    pub delay_ns: u64,
    /// Only UDP frames to this port; `None` is every frame.
    pub udp_port: Option<u16>,
}

impl Default for Rates {
    /// Nothing happens.
    fn default() -> Rates {
        Rates {
            loss: 0.0,
            burst_loss: 0.0,
            burst_frames_max: 8,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_frames_max: 5,
            corrupt: 0.0,
            delay_ns: 0,
            udp_port: None,
        }
    }
}

impl Rates {
    /// Whether frames may be kept for a while.
    pub fn holds(&self) -> bool {
        self.reorder > 0.0 || self.delay_ns > 0
    }
}

/// Frames of one direction that can be held at once.
pub const HELD_MAX: usize = 1024;

/// The parts an [`Impair`] is made of.
#[derive(Debug)]
pub struct ImpairParts<'e> {
    /// The role's name.
    pub name: String,
    /// One port.
    pub a: PortIo<'e>,
    /// The other.
    pub b: PortIo<'e>,
    /// What all chance comes from.
    pub seed: u64,
    /// What happens to frames that `a` receives.
    pub a_to_b: Rates,
    /// What happens to frames that `b` receives.
    pub b_to_a: Rates,
}

/// See the module.
#[derive(Debug)]
pub struct Impair<'e> {
    name: String,
    a: PortIo<'e>,
    b: PortIo<'e>,
    a_to_b: CounterSet<ImpairCounter>,
    b_to_a: CounterSet<ImpairCounter>,
    burst: Burst<'e>,
}

impl<'e> Impair<'e> {
    /// Puts one together.
    pub fn new(parts: ImpairParts<'e>) -> Impair<'e> {
        let ImpairParts { name, a, b, .. } = parts;
        let (a_to_b, b_to_a) = (CounterSet::new(), CounterSet::new());
        Impair { name, a, b, a_to_b, b_to_a, burst: Burst::new() }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What became of the frames that `a` received, and of those that `b` did.
    pub fn counters(&self) -> [&CounterSet<ImpairCounter>; 2] {
        [&self.a_to_b, &self.b_to_a]
    }

    /// The ports, for their counters.
    pub fn ios(&self) -> [&PortIo<'e>; 2] {
        [&self.a, &self.b]
    }

    /// Takes the role apart for its ports.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        vec![self.a, self.b]
    }
}

impl Agent for Impair<'_> {
    fn start(&mut self, _now: Now) {}

    fn poll(&mut self, _now: Now) -> WorkCount {
        let Impair { a, b, a_to_b, b_to_a, burst, .. } = self;
        cross(a, b, a_to_b, burst) + cross(b, a, b_to_a, burst)
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn drain(&mut self, _now: Now) {}

    fn is_drained(&self) -> bool {
        self.a.out.queued() == 0 && self.b.out.queued() == 0
    }

    fn stop(&mut self, _now: Now) -> bool {
        self.is_drained()
    }
}

fn cross<'e>(
    from: &mut PortIo<'e>,
    to: &mut PortIo<'e>,
    counters: &CounterSet<ImpairCounter>,
    burst: &mut Burst<'e>,
) -> usize {
    to.out.flush();
    if to.out.queued() > 0 {
        return 0;
    }
    let got = from.rx(burst);
    for mbuf in burst.drain(..) {
        counters.inc(ImpairCounter::Passed);
        let _ = to.out.forward(mbuf);
    }
    to.out.flush();
    got
}
