//! The roles a thread may poll, as one type.

use algos::Builtin;
use lcore::impair::Impair;
use lcore::loadgen::Loadgen;
use lcore::port_io::PortIo;
use lcore::prober::Prober;
use lcore::replicated::Replicated;
use lcore::switch::Switch;
use lcore::trader::Trader;
use lcore::venue::Venue;
use lcore::{Agent, Fault, Now, WorkCount};

/// Any role. Chosen once a poll; everything below is monomorphised.
pub(crate) enum Role<'e> {
    /// A market.
    Venue(Box<Venue<'e>>),
    /// A node of a market that is a cluster.
    Node(Box<Replicated<'e>>),
    /// A trader.
    Trader(Box<Trader<'e, Builtin>>),
    /// A load generator.
    Loadgen(Box<Loadgen<'e>>),
    /// A client that holds a venue to its word.
    Prober(Box<Prober<'e>>),
    /// A network that loses frames.
    Impair(Box<Impair<'e>>),
    /// What joins many ports.
    Switch(Box<Switch<'e>>),
}

macro_rules! each {
    ($self:expr, $role:ident => $body:expr) => {
        match $self {
            Role::Venue($role) => $body,
            Role::Node($role) => $body,
            Role::Trader($role) => $body,
            Role::Loadgen($role) => $body,
            Role::Prober($role) => $body,
            Role::Impair($role) => $body,
            Role::Switch($role) => $body,
        }
    };
}

impl<'e> Role<'e> {
    /// Its name in the configuration.
    pub(crate) fn name(&self) -> &str {
        each!(self, r => r.name())
    }

    /// The ports, in the order they were given.
    pub(crate) fn into_ports(self) -> Vec<PortIo<'e>> {
        each!(self, r => r.into_ports())
    }
}

impl Agent for Role<'_> {
    fn start(&mut self, now: Now) {
        each!(self, r => r.start(now));
    }

    #[inline]
    fn poll(&mut self, now: Now) -> WorkCount {
        each!(self, r => r.poll(now))
    }

    fn is_ready(&self) -> bool {
        each!(self, r => r.is_ready())
    }

    fn drain(&mut self, now: Now) {
        each!(self, r => r.drain(now));
    }

    fn on_round(&mut self) {
        each!(self, r => r.on_round());
    }

    fn is_drained(&self) -> bool {
        each!(self, r => r.is_drained())
    }

    fn fault(&self) -> Option<Fault> {
        each!(self, r => r.fault())
    }

    fn stop(&mut self, now: Now) -> bool {
        each!(self, r => r.stop(now))
    }
}
