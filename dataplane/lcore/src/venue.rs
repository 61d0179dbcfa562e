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
mod answers;
mod behind;
mod endpoint;
mod journaled;
mod schedule;

pub use ::venue::{Core, VenueCounter, VenueStage};
pub use answers::OperatorLine;
pub(crate) use behind::{Behind, Desk, Place, Watchers};
pub use endpoint::Endpoint;
pub use journaled::JournalLine;
pub use schedule::{Due, Schedule};

use crate::agent::{Agent, Now, WorkCount};
use crate::laps::Laps;
use crate::market_data::MarketDataPort;
use crate::port_io::{Burst, PortIo};
use ::venue::{Day, Dirty, Stores};
use answers::Operator;
use session::Sessions;
use types::{Input, Nanos, Open};

/// Nanoseconds of a day.
const DAY_NS: u64 = 86_400_000_000_000;
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
    operator: Option<Operator>,
    opens: Open,
    burst: Burst<'e>,
    closing: bool,
    /// What a stamp is ahead of the lcore's time: the days since the one that goes on.
    ahead_ns: u64,
    /// What came of inputs up to this may leave.
    released: u64,
    /// Sessions with something that may not.
    held: Dirty,
    /// Whether nothing more will be released.
    stalled: bool,
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
    /// Where inputs are kept, before what came of them leaves; `None` keeps none.
    pub journal: Option<JournalLine>,
}

impl<'e> Venue<'e> {
    /// Puts a venue together.
    pub fn new(parts: VenueParts<'e>) -> Venue<'e> {
        let day = parts.core.day();
        let goes_on = day.opened.is_some() && !day.closed;
        let days = if goes_on { parts.opens.date.saturating_sub(day.date) } else { 0 };
        let mut venue = Venue {
            name: parts.name,
            endpoints: parts.endpoints,
            market_data: parts.market_data,
            core: parts.core,
            places: vec![None; parts.sessions.len()],
            held: Dirty::new(parts.sessions.len()),
            sessions: parts.sessions,
            operator: parts.operator.map(|line| Operator::new(line, parts.journal.is_some())),
            watchers: Watchers::new(parts.laps.one_in(TIMED_ONE_IN), parts.journal),
            schedule: parts.schedule,
            opens: parts.opens,
            burst: Burst::new(),
            closing: false,
            ahead_ns: u64::from(days) * DAY_NS,
            released: u64::MAX,
            stalled: false,
        };
        venue.follow_journal();
        venue
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

    /// The journal, where there is one.
    pub fn journal(&self) -> Option<&JournalLine> {
        self.watchers.journal.as_ref()
    }

    fn stamp(&self, now: Now) -> Nanos {
        Nanos(now.ns + self.ahead_ns)
    }

    /// Enacts an input of the venue's own.
    fn submit(&mut self, now: Now, input: &Input<'_>) {
        let stamp = self.stamp(now);
        let publisher = self.market_data.publisher_mut();
        let stores = Stores { sessions: &mut self.sessions, publisher };
        self.core.submit(stamp, input, stores, None, &mut self.watchers);
    }

    /// Releases what is kept by now.
    #[inline]
    fn follow_journal(&mut self) {
        let Some(journal) = &self.watchers.journal else { return };
        let durable = journal.status().durable();
        if durable != self.released {
            self.released = durable;
            self.sessions.release_through(durable);
            self.market_data.publisher_mut().release_through(durable);
            while let Some(who) = self.held.pop() {
                self.core.mark_dirty(who);
            }
        }
        if journal.has_stopped() && !self.stalled {
            self.stall();
        }
    }

    /// Nothing is acknowledged any more, and clients are to notice by silence.
    #[cold]
    fn stall(&mut self) {
        self.stalled = true;
        self.sessions.set_stalled(true);
        self.market_data.publisher_mut().set_stalled(true);
    }

    /// At most one command a poll: the schedule's before the operator's; none while none could be
    /// kept.
    #[inline]
    fn take_command(&mut self, now: Now) {
        if !self.watchers.has_room() {
            return;
        }
        let stamp = self.stamp(now);
        let publisher = self.market_data.publisher_mut();
        let stores = Stores { sessions: &mut self.sessions, publisher };
        if self.core.keep_time(stamp, stores, &mut self.watchers) {
            return;
        }
        if let Some(operation) = self.schedule.next(stamp.0) {
            self.submit(now, &Input::Scheduled(operation));
        } else if let Some(operator) = &mut self.operator
            && let Some(operation) = operator.next(self.released)
        {
            let publisher = self.market_data.publisher_mut();
            let stores = Stores { sessions: &mut self.sessions, publisher };
            let answers = Some(operator.answers(self.core.inputs() + 1));
            self.core.operate(stamp, &operation, stores, answers, &mut self.watchers);
        }
    }

    /// The day begins, or goes on where it was.
    fn open(&mut self, now: Now) {
        match self.core.day() {
            Day { opened: Some(opened), scheduled, closed: false, .. } => {
                self.schedule.begin(opened.0);
                self.schedule.skip(scheduled as usize);
            }
            _ => {
                self.submit(now, &Input::Open(self.opens));
                self.schedule.begin(now.ns);
            }
        }
    }
}

impl Agent for Venue<'_> {
    fn start(&mut self, now: Now) {
        self.endpoints.iter_mut().for_each(|e| e.start(now));
        self.market_data.start(now);
        self.open(now);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        self.follow_journal();
        self.take_command(now);
        let sessions = &mut self.sessions;
        let mut behind = Behind {
            core: &mut self.core,
            publisher: self.market_data.publisher_mut(),
            places: &mut self.places,
            watchers: &mut self.watchers,
            ahead_ns: self.ahead_ns,
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
                if self.released < u64::MAX && sessions.holds_back(who) {
                    self.held.push(who);
                }
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
        self.stalled || self.market_data.is_sent()
    }

    fn stop(&mut self, now: Now) -> bool {
        if self.stalled {
            return true;
        }
        if !self.closing && self.watchers.has_room() {
            self.closing = true;
            self.submit(now, &Input::Close);
        }
        let told = self.market_data.publisher().counters().ends > 0;
        told && self.endpoints.iter().all(Endpoint::is_quiet)
    }
}
