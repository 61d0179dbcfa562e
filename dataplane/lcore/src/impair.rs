//! Bad weather between two ports: frames that one receives go out on the other, and some are lost,
//! repeated, out of order, late or damaged on the way.
//!
//! Why it exists: how a feed or a connection recovers is only known once frames were lost through
//! real ports, in a pattern that can be had again. So all chance comes from a seed: the same seed
//! and the same frames have the same fate, whatever the time.
//!
//! ```text
//!            ┌────────────────────── Way a to b ───────────────────────┐
//!   a.rx ──▶ plan ─┬─ Pass, Twice, Corrupt ──┬─ no delay ─────────────┬─▶ b.tx
//!                  ├─ Hold ─▶ aside (≤ 64) ──┤                        │
//!                  └─ Drop                   └─ late (≤ 960), FIFO ───┘
//! ```
//! The way back is another of the same, with chances and rates of its own. Frames move by their
//! mbufs; only copies and damaged frames are written anew.
//!
//! Limits: at most [`HELD_MAX`] frames are held a way. What the other port does not take, and what
//! there is no room to hold, is not lost but waits, and behind it what the first port receives: an
//! impairment loses by its plan alone. A device whose ring runs over meanwhile says so itself.
//!
//! Failure modes: no mbuf for a copy, or frames still held when the run ends all the same, count
//! as `not_taken`. Frames may hold anything: what cannot be read as UDP is not the chosen port's.

mod plan;
mod way;

pub use plan::{Fate, Plan, Rates};
pub use way::{HELD_MAX, ImpairCounter, REORDER_NS_MAX};

use crate::agent::{Agent, Now, WorkCount};
use crate::port_io::PortIo;
use telemetry::CounterSet;
use way::Way;

/// At the end the role goes on until nothing has passed for so long: peers on other lcores say
/// goodbye through it.
const QUIET_NS: u64 = 200_000_000;

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
    a_to_b: Way<'e>,
    b_to_a: Way<'e>,
    /// Nothing is held back any more.
    closing: bool,
    /// When a frame passed last, or the role was told to stop.
    last_ns: u64,
}

impl<'e> Impair<'e> {
    /// Puts one together; takes all memory that it will need.
    pub fn new(parts: ImpairParts<'e>) -> Impair<'e> {
        let ImpairParts { name, a, b, seed, a_to_b, b_to_a } = parts;
        Impair {
            name,
            a,
            b,
            a_to_b: Way::new(Plan::new(seed, 0, &a_to_b), &a_to_b),
            b_to_a: Way::new(Plan::new(seed, 1, &b_to_a), &b_to_a),
            closing: false,
            last_ns: 0,
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What became of the frames that `a` received, and of those that `b` did.
    pub fn counters(&self) -> [&CounterSet<ImpairCounter>; 2] {
        [self.a_to_b.counters(), self.b_to_a.counters()]
    }

    /// The ports, for their counters.
    pub fn ios(&self) -> [&PortIo<'e>; 2] {
        [&self.a, &self.b]
    }

    /// Frames on their way through the role.
    pub fn held(&self) -> usize {
        self.a_to_b.held() + self.b_to_a.held() + self.a.out.queued() + self.b.out.queued()
    }

    /// Takes the role apart for its ports.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        vec![self.a, self.b]
    }
}

impl Agent for Impair<'_> {
    fn start(&mut self, now: Now) {
        self.last_ns = now.ns;
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let there = self.a_to_b.pass_on(now.ns, &mut self.a, &mut self.b.out);
        let back = self.b_to_a.pass_on(now.ns, &mut self.b, &mut self.a.out);
        if there + back > 0 {
            self.last_ns = now.ns;
        }
        there + back
    }

    fn is_ready(&self) -> bool {
        true
    }

    /// Goes on as before: what others finish passes through here.
    fn drain(&mut self, _now: Now) {}

    fn is_drained(&self) -> bool {
        self.held() == 0
    }

    /// Releases what is held; true once nothing has passed for a while.
    fn stop(&mut self, now: Now) -> bool {
        if !self.closing {
            self.closing = true;
            self.last_ns = now.ns;
            self.a_to_b.release_all(&mut self.b.out);
            self.b_to_a.release_all(&mut self.a.out);
        }
        self.held() == 0 && now.ns.saturating_sub(self.last_ns) > QUIET_NS
    }
}
