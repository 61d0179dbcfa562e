//! The one shape of everything that is polled.

use crate::control::Fault;

/// The lcore's sample of time, taken once a duty cycle and handed to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time stamp counter.
    pub tsc: u64,
    /// Nanoseconds since midnight (UTC) of the day the process started.
    pub ns: u64,
}

/// How much a poll did: frames, messages or timers; 0 is idle.
pub type WorkCount = usize;

/// A role on an lcore: started once, polled for ever, stopped once.
///
/// A poll does a bounded amount of work and returns; it never blocks, allocates or calls the
/// kernel.
pub trait Agent {
    /// Sends what has to go out first: ARP announcements, group reports, logins.
    fn start(&mut self, now: Now);

    /// One bounded step.
    fn poll(&mut self, now: Now) -> WorkCount;

    /// Whether the role can do its job: ports up, sessions logged in.
    fn is_ready(&self) -> bool;

    /// The run is draining: take on nothing new, finish what is in flight.
    fn drain(&mut self, now: Now);

    /// The question is asked anew whether everything has drained: what others said before is old.
    fn on_round(&mut self) {}

    /// Whether nothing of this role's is in flight any more.
    fn is_drained(&self) -> bool;

    /// What the role cannot go on after, once it has happened.
    fn fault(&self) -> Option<Fault> {
        None
    }

    /// Says goodbye to peers; called between polls until it returns true.
    fn stop(&mut self, now: Now) -> bool;
}
