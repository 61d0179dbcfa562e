//! A cluster of venues and its clients in bad weather, on a virtual clock, from one seed.
//!
//! Why it exists: what a replicated venue promises (no acknowledged order lost, no fill repeated,
//! no message twice) must hold for every order in which things may happen, and most of these
//! happen to nobody in a year. Here they happen thousands of times a minute, and each can be
//! looked at again: a run is a function of its seed.
//!
//! What runs is production's code: [`cluster::Member`] with the consensus, the venue, the sessions
//! and the feed in it, SoupBinTCP at both ends, and the journal's bytes. What is modelled is
//! everything else: clocks, network, disks, and processes (`docs/simulator.md` tells how).
#![forbid(unsafe_code)]

mod canary;
mod client;
mod disk;
mod floor;
mod node;
mod oracle;
mod outcome;
mod rng;
mod weather;
mod world;

pub use canary::Canary;
pub use outcome::{Check, Outcome, Tally, Violation};

/// Lives through a seed.
pub fn run(seed: u64, canary: Option<Canary>) -> Outcome {
    world::World::new(seed, canary).run(seed)
}

/// As [`run`], telling of every step that matters.
pub fn trace(seed: u64, canary: Option<Canary>, told: impl FnMut(&str) + 'static) -> Outcome {
    let mut world = world::World::new(seed, canary);
    world.tell(Box::new(told));
    world.run(seed)
}
