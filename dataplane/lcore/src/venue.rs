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

mod ahead;
mod core;
mod counters;
mod endpoint;
pub mod entry;
mod out;
mod replies;
mod schedule;
mod tape;

pub use self::core::{Core, CoreParts, ToOperator};
pub use counters::{VenueCounter, VenueCounts, VenueStage};
pub use endpoint::Endpoint;
pub use schedule::{Due, Schedule};

use crate::agent::{Agent, Now, WorkCount};
use crate::market_data::MarketDataPort;
use crate::port_io::{Burst, PortIo};
use session::Sessions;
use spsc::{Consumer, Producer};
use types::{Operation, Symbol, SymbolId};
use wire::IntoBytes;

/// What the venue says of its symbols when the day opens.
#[derive(Debug)]
pub enum Listing {
    /// A directory message to be repeated as it is, with the time set to now.
    Copied(wire::itch::StockDirectory),
    /// A symbol with nothing known but its name.
    Plain(SymbolId, Symbol),
}

impl Listing {
    /// The instrument's number and name.
    pub fn id(&self) -> (SymbolId, Symbol) {
        match self {
            Listing::Copied(m) => (SymbolId(m.head.stock_locate.get()), Symbol(m.stock)),
            Listing::Plain(id, symbol) => (*id, *symbol),
        }
    }
}

/// Where an operator's commands come from and their answers go; the other ends are a console's.
#[derive(Debug)]
pub struct OperatorLine {
    /// Commands, one taken a poll.
    pub commands: Consumer<Operation>,
    /// What comes of them.
    pub answers: Producer<ToOperator>,
}

/// A venue on its ports.
pub struct Venue<'e> {
    name: String,
    endpoints: Vec<Endpoint<'e>>,
    market_data: MarketDataPort<'e>,
    core: Core,
    sessions: Sessions,
    schedule: Schedule,
    operator: Option<OperatorLine>,
    opens_trading: bool,
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
    /// What the operator has said beforehand.
    pub schedule: Schedule,
    /// What the operator says as the venue runs.
    pub operator: Option<OperatorLine>,
    /// Whether orders match from the start.
    pub opens_trading: bool,
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
            schedule: parts.schedule,
            operator: parts.operator,
            opens_trading: parts.opens_trading,
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
        orders.chain(self.market_data.into_ios()).collect()
    }

    /// Start of messages, the directory, start of system hours; where orders match from the start,
    /// of market hours too.
    fn open_day(&mut self, now: Now) {
        self.say(tape::system_event(now.ns, b'O').as_bytes());
        self.core.announce(now, self.market_data.publisher_mut());
        self.say(tape::system_event(now.ns, b'S').as_bytes());
        if self.opens_trading {
            self.say(tape::system_event(now.ns, b'Q').as_bytes());
        }
        self.core.tell_sessions(now, &mut self.sessions, b'S');
        self.schedule.begin(now.ns);
    }

    fn close_day(&mut self, now: Now) {
        self.core.tell_sessions(now, &mut self.sessions, b'E');
        self.sessions.end_all();
        for code in self.core.unsaid().into_iter().flatten() {
            self.say(tape::system_event(now.ns, code).as_bytes());
        }
        self.market_data.end_session(now);
    }

    /// At most one command a poll: the schedule's before the operator's.
    #[inline]
    fn take_command(&mut self, now: Now) {
        let publisher = self.market_data.publisher_mut();
        let (core, sessions) = (&mut self.core, &mut self.sessions);
        core.keep_time(now, sessions, publisher);
        if let Some(operation) = self.schedule.next(now.ns) {
            core.operate(now, sessions, publisher, &operation, None);
        } else if let Some(line) = &mut self.operator
            && let Some(operation) = line.commands.pop()
        {
            core.operate(now, sessions, publisher, &operation, Some(&mut line.answers));
        }
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
        self.take_command(now);
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
            core.laps.lap_and_span(VenueStage::ReplyTx, VenueStage::RxToTx, now.tsc);
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
            self.close_day(now);
        }
        let told = self.market_data.publisher().counters().ends > 0;
        told && self.endpoints.iter().all(Endpoint::is_quiet)
    }
}
