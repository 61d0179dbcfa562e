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
mod behind;
mod endpoint;
mod schedule;

pub use ::venue::{Core, VenueCounter, VenueStage};
pub use endpoint::Endpoint;
pub use schedule::{Due, Schedule};

use crate::agent::{Agent, Now, WorkCount};
use crate::laps::Laps;
use crate::market_data::MarketDataPort;
use crate::port_io::{Burst, PortIo};
use ::venue::{Stores, ToOperator};
use behind::{Behind, Place, Watchers};
use session::Sessions;
use spsc::{Consumer, Producer};
use types::{Input, Nanos, Open, Operation};

/// Where an operator's commands come from and their answers go; the other ends are a console's.
#[derive(Debug)]
pub struct OperatorLine {
    /// Commands, one taken a poll.
    pub commands: Consumer<Operation>,
    /// What comes of them.
    pub answers: Producer<ToOperator>,
}

/// Of how many bursts one has its stages timed.
const TIMED_ONE_IN: u32 = 8;

/// A venue on its ports.
pub struct Venue<'e> {
    name: String,
    endpoints: Vec<Endpoint<'e>>,
    market_data: MarketDataPort<'e>,
    core: Core,
    sessions: Sessions,
    places: Vec<Option<Place>>,
    watchers: Watchers,
    schedule: Schedule,
    operator: Option<OperatorLine>,
    opens: Open,
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
    /// How the day begins.
    pub opens: Open,
    /// Stage clocks.
    pub laps: Laps<VenueStage>,
}

impl<'e> Venue<'e> {
    /// Puts a venue together.
    pub fn new(parts: VenueParts<'e>) -> Venue<'e> {
        Venue {
            name: parts.name,
            endpoints: parts.endpoints,
            market_data: parts.market_data,
            core: parts.core,
            places: vec![None; parts.sessions.len()],
            sessions: parts.sessions,
            watchers: Watchers { laps: parts.laps.one_in(TIMED_ONE_IN) },
            schedule: parts.schedule,
            operator: parts.operator,
            opens: parts.opens,
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

    /// Stage clocks, for the report.
    pub fn laps(&self) -> &Laps<VenueStage> {
        &self.watchers.laps
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

    /// Enacts an input of the venue's own.
    fn submit(&mut self, now: Now, input: &Input<'_>) {
        let publisher = self.market_data.publisher_mut();
        let stores = Stores { sessions: &mut self.sessions, publisher };
        self.core.submit(Nanos(now.ns), input, stores, None, &mut self.watchers);
    }

    /// At most one command a poll: the schedule's before the operator's.
    #[inline]
    fn take_command(&mut self, now: Now) {
        let stamp = Nanos(now.ns);
        let publisher = self.market_data.publisher_mut();
        let stores = Stores { sessions: &mut self.sessions, publisher };
        self.core.keep_time(stamp, stores, &mut self.watchers);
        if let Some(operation) = self.schedule.next(now.ns) {
            self.submit(now, &Input::Scheduled(operation));
        } else if let Some(line) = &mut self.operator
            && let Some(operation) = line.commands.pop()
        {
            let publisher = self.market_data.publisher_mut();
            let stores = Stores { sessions: &mut self.sessions, publisher };
            let (core, answers) = (&mut self.core, Some(&mut line.answers));
            core.operate(stamp, &operation, stores, answers, &mut self.watchers);
        }
    }
}

impl Agent for Venue<'_> {
    fn start(&mut self, now: Now) {
        self.endpoints.iter_mut().for_each(|e| e.start(now));
        self.market_data.start(now);
        self.submit(now, &Input::Open(self.opens));
        self.schedule.begin(now.ns);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        self.take_command(now);
        let sessions = &mut self.sessions;
        let mut behind = Behind {
            core: &mut self.core,
            publisher: self.market_data.publisher_mut(),
            places: &mut self.places,
            watchers: &mut self.watchers,
        };
        let mut work = 0;
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            work += endpoint.receive(index, now, &mut self.burst, &mut behind, sessions);
        }
        while let Some(who) = behind.core.next_dirty() {
            if let Some(Some(place)) = behind.places.get(usize::from(who.0))
                && let Some(endpoint) = self.endpoints.get_mut(place.endpoint)
            {
                endpoint.pump(place.conn, now, sessions);
            }
        }
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            endpoint.tend(index, now, &mut behind, sessions);
        }
        let packets = self.market_data.pump(now);
        if work > 0 {
            let laps = &mut self.watchers.laps;
            laps.lap_and_span(VenueStage::ReplyTx, VenueStage::RxToTx, now.tsc);
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
            self.submit(now, &Input::Close);
        }
        let told = self.market_data.publisher().counters().ends > 0;
        told && self.endpoints.iter().all(Endpoint::is_quiet)
    }
}
