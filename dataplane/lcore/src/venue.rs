//! The venue's loop: OUCH in, price-time matching, OUCH and ITCH out.
//!
//! One poll takes a burst from each order port, runs every frame through TCP, SoupBinTCP, OUCH, the
//! gate and the engine, and only then writes what came of it: replies to whoever has some waiting,
//! and the tape. Replies live in each session's store, which is queue and replay memory at once;
//! the tape in the publisher's. So a message is written once where it will be kept, and once into a
//! frame.
//!
//! Limits: connections, sessions, stores, orders, levels and symbols are taken at start. A full
//! store evicts its oldest message; a full engine rejects; neither grows.

mod core;
mod counters;
mod endpoint;
pub mod entry;
mod replies;
mod tape;

pub use self::core::{Core, CoreParts};
pub use counters::{VenueCounter, VenueCounts, VenueStage};
pub use endpoint::Endpoint;

use crate::agent::{Agent, Now, WorkCount};
use crate::market_data::MarketDataPort;
use crate::port_io::{Burst, PortIo};
use session::Sessions;
use types::{Symbol, SymbolId};
use wire::IntoBytes;

/// What the venue says of its symbols when the day opens.
#[derive(Debug)]
pub enum Listing {
    /// A directory message to be repeated as it is, with the time set to now.
    Copied(wire::itch::StockDirectory),
    /// A symbol with nothing known but its name.
    Plain(SymbolId, Symbol),
}

/// A venue on its ports.
pub struct Venue<'e> {
    name: String,
    endpoints: Vec<Endpoint<'e>>,
    market_data: MarketDataPort<'e>,
    core: Core,
    sessions: Sessions,
    listings: Vec<Listing>,
    burst: Burst<'e>,
    closing: bool,
}

/// The parts a [`Venue`] is made of.
pub struct VenueParts<'e> {
    /// The role's name.
    pub name: String,
    /// Order ports, in the configuration's order.
    pub endpoints: Vec<Endpoint<'e>>,
    /// Where the tape goes out.
    pub market_data: MarketDataPort<'e>,
    /// Everything behind the ports.
    pub core: Core,
    /// Client accounts.
    pub sessions: Sessions,
    /// Symbols to announce.
    pub listings: Vec<Listing>,
}

impl<'e> Venue<'e> {
    /// Puts a venue together.
    pub fn new(parts: VenueParts<'e>) -> Venue<'e> {
        Venue {
            name: parts.name,
            endpoints: parts.endpoints,
            market_data: parts.market_data,
            core: parts.core,
            sessions: parts.sessions,
            listings: parts.listings,
            burst: Burst::new(),
            closing: false,
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything behind the ports, for the report.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The sessions, for the report.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The order ports, for the report.
    pub fn endpoints(&self) -> &[Endpoint<'e>] {
        &self.endpoints
    }

    /// The tape's port, for the report.
    pub fn market_data(&self) -> &MarketDataPort<'e> {
        &self.market_data
    }

    /// Takes the role apart for its ports: order ports in order, then the tape's.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        let orders = self.endpoints.into_iter().map(Endpoint::into_io);
        orders.chain([self.market_data.into_io()]).collect()
    }

    /// Start of messages, of system hours and of market hours, and the directory between them.
    fn open_day(&mut self, now: Now) {
        self.say(tape::system_event(now.ns, b'O').as_bytes());
        for listing in std::mem::take(&mut self.listings) {
            let message = match listing {
                Listing::Copied(mut m) => {
                    m.head.timestamp = now.ns.into();
                    m
                }
                Listing::Plain(id, symbol) => tape::directory(now.ns, id, symbol),
            };
            self.say(message.as_bytes());
        }
        self.say(tape::system_event(now.ns, b'S').as_bytes());
        self.say(tape::system_event(now.ns, b'Q').as_bytes());
    }

    fn close_day(&mut self, now: Now) {
        for code in *b"MEC" {
            self.say(tape::system_event(now.ns, code).as_bytes());
        }
        self.market_data.publisher_mut().end_session(now.ns);
    }

    fn say(&mut self, message: &[u8]) {
        self.core.publish(self.market_data.publisher_mut(), message);
    }
}

impl Agent for Venue<'_> {
    fn start(&mut self, now: Now) {
        self.endpoints.iter_mut().for_each(|e| e.start(now));
        self.market_data.start(now);
        self.open_day(now);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let (core, sessions) = (&mut self.core, &mut self.sessions);
        let publisher = self.market_data.publisher_mut();
        let mut work = 0;
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            work += endpoint.receive(index, now, &mut self.burst, core, sessions, publisher);
        }
        while let Some(place) = core.next_dirty() {
            if let Some(endpoint) = self.endpoints.get_mut(place.endpoint) {
                endpoint.pump(place.conn, now, sessions);
            }
        }
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            endpoint.tend(index, now, core, sessions, publisher);
        }
        let packets = self.market_data.pump(now);
        if work > 0 {
            let done = core.laps.lap(VenueStage::ReplyTx);
            core.laps.span(VenueStage::RxToTx, now.tsc, done);
        }
        work + packets + self.market_data.receive(now, &mut self.burst)
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn drain(&mut self, _now: Now) {}

    fn is_drained(&self) -> bool {
        self.market_data.is_sent()
    }

    fn stop(&mut self, now: Now) -> bool {
        if !self.closing {
            self.closing = true;
            self.sessions.end_all();
            self.close_day(now);
        }
        let told = self.market_data.publisher().counters().ends > 0;
        told && self.endpoints.iter().all(Endpoint::is_quiet)
    }
}
