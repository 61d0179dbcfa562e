//! Everything of a venue that stands behind its ports: OUCH, the gate, the engine, replies and
//! tape.

use super::counters::{VenueCounter as Count, VenueCounts, VenueStage as Stage};
use super::entry::{self, Echo, Origin, Request};
use super::out::{Out, publish, store_reply};
use super::{Listing, replies, tape};
use crate::agent::Now;
use crate::laps::Laps;
use engine::{CommandLog, Engine};
use net::ConnId;
use risk::{Reference, VenueGate};
use session::{DisconnectReason, ImageWriter, MoldPublisher, ServerHandler, Sessions};
use types::{
    Command, Event, Firm, Nanos, Operation, Phase, Refused, SessionId, State, Symbol, SymbolId,
    UserRef,
};
use wire::IntoBytes;

/// What an operator hears.
#[derive(Clone, Copy, Debug)]
pub enum ToOperator {
    /// Something that came of the command.
    Event(Event),
    /// The command is done with.
    Done,
}

/// Of how many bursts one has its stages timed.
const TIMED_ONE_IN: u32 = 8;

/// Where a session's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which order port.
    pub endpoint: usize,
    /// Which connection on it.
    pub conn: ConnId,
}

/// The parts a [`Core`] is made of.
#[derive(Debug)]
pub struct CoreParts {
    /// The matching engine.
    pub engine: Engine,
    /// The venue's limits.
    pub gate: VenueGate,
    /// The command log; `None` keeps none.
    pub log: Option<CommandLog>,
    /// Every symbol by its locate, for replies and the tape; blank where there is none.
    pub symbols: Vec<Symbol>,
    /// Client sessions, and for whom each orders.
    pub origins: Vec<Origin>,
    /// What is announced of each instrument.
    pub listings: Vec<Listing>,
    /// Stage clocks.
    pub laps: Laps<Stage>,
}

/// See the module.
#[derive(Debug)]
pub struct Core {
    engine: Engine,
    gate: VenueGate,
    log: Option<CommandLog>,
    symbols: Vec<Symbol>,
    origins: Vec<Origin>,
    listings: Vec<Listing>,
    places: Vec<Option<Place>>,
    dirty: Dirty,
    counts: VenueCounts,
    /// Stage clocks.
    pub laps: Laps<Stage>,
}

impl Core {
    /// Puts the parts together.
    pub fn new(parts: CoreParts) -> Core {
        Core {
            engine: parts.engine,
            gate: parts.gate,
            log: parts.log,
            symbols: parts.symbols,
            places: vec![None; parts.origins.len()],
            dirty: Dirty::new(parts.origins.len()),
            origins: parts.origins,
            listings: parts.listings,
            counts: VenueCounts::default(),
            laps: parts.laps.one_in(TIMED_ONE_IN),
        }
    }

    /// The engine, for the report.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The command log, for the report.
    pub fn log(&self) -> Option<&CommandLog> {
        self.log.as_ref()
    }

    /// What was counted.
    pub fn counts(&self) -> &VenueCounts {
        &self.counts
    }

    /// A session with something to be sent, and where it is connected.
    pub fn next_dirty(&mut self) -> Option<Place> {
        loop {
            let who = self.dirty.pop()?;
            if let Some(Some(place)) = self.places.get(usize::from(who.0)) {
                return Some(*place);
            }
        }
    }

    /// A client's TCP connection was accepted.
    pub(super) fn connected(&mut self) {
        self.counts.set.inc(Count::Connections);
    }

    /// Publishes one message.
    pub fn publish(&mut self, publisher: &mut MoldPublisher, message: &[u8]) {
        publish(publisher, &self.counts, message);
    }

    /// One OUCH message of a logged-in session.
    #[inline]
    pub fn on_message(
        &mut self,
        now: Now,
        sessions: &mut Sessions,
        publisher: &mut MoldPublisher,
        who: SessionId,
        payload: &[u8],
    ) {
        self.laps.lap(Stage::TcpSoup);
        self.counts.set.inc(Count::Messages);
        let origin = self.origins.get(usize::from(who.0)).copied().unwrap_or_default();
        let request = match entry::read(&origin, payload) {
            Ok(request) => request,
            Err(reason) => {
                self.counts.unreadable.inc(reason as usize);
                return;
            }
        };
        self.laps.lap(Stage::Decode);
        match request {
            Request::Command(command, echo) => {
                let command = self.pass_gate(command);
                self.laps.lap(Stage::Gate);
                self.apply(now, sessions, publisher, &command, &echo, None);
            }
            Request::AccountQuery => self.answer_query(now, sessions, who),
        }
        self.laps.lap(Stage::MatchEncode);
    }

    fn apply(
        &mut self,
        now: Now,
        sessions: &mut Sessions,
        publisher: &mut MoldPublisher,
        command: &Command,
        echo: &Echo<'_>,
        operator: Option<&mut spsc::Producer<ToOperator>>,
    ) {
        let stamp = Nanos(now.ns);
        if let Some(log) = &mut self.log {
            self.counts.set.add(Count::LogFull, u64::from(!log.push(stamp, command)));
        }
        let mut out = Out {
            now_ns: now.ns,
            echo,
            symbols: &self.symbols,
            sessions,
            publisher,
            dirty: &mut self.dirty,
            counts: &self.counts,
            operator,
        };
        self.engine.apply(command, stamp, &mut out);
    }

    /// Carries out an operator's command, and tells whoever asked what came of it.
    #[cold]
    pub fn operate(
        &mut self,
        now: Now,
        sessions: &mut Sessions,
        publisher: &mut MoldPublisher,
        operation: &Operation,
        mut operator: Option<&mut spsc::Producer<ToOperator>>,
    ) {
        let command = Command::Operate(*operation);
        let asks = operator.as_deref_mut();
        self.apply(now, sessions, publisher, &command, &Echo::default(), asks);
        if let Some(operator) = operator
            && operator.push(ToOperator::Done).is_err()
        {
            self.counts.set.inc(Count::OperatorLost);
        }
    }

    /// Lets time pass in the engine where that changes something.
    #[inline]
    pub(super) fn keep_time(
        &mut self,
        now: Now,
        sessions: &mut Sessions,
        publisher: &mut MoldPublisher,
    ) {
        if self.engine.is_due(Nanos(now.ns)) {
            self.operate(now, sessions, publisher, &Operation::Clock, None);
        }
    }

    /// Says one of OUCH's system events to every session that enters orders.
    pub(super) fn tell_sessions(&mut self, now: Now, sessions: &mut Sessions, event_code: u8) {
        let message = replies::system_event(now.ns, event_code);
        for origin in self.origins.iter().filter(|origin| !origin.snapshot) {
            let who = origin.session;
            store_reply(sessions, &mut self.dirty, &self.counts, who, message.as_bytes());
        }
    }

    /// ITCH's system events that end a day and were not said yet, in their order.
    pub(super) fn unsaid(&self) -> [Option<u8>; 3] {
        let reached = self.phase_reached();
        [
            Some(b'M').filter(|_| reached < Phase::Closed),
            Some(b'E').filter(|_| reached < Phase::End),
            Some(b'C'),
        ]
    }

    /// The latest phase that any instrument is in.
    fn phase_reached(&self) -> Phase {
        let phases = self.listings.iter().filter_map(|l| self.engine.instrument(l.id().0));
        phases.map(|i| i.phase).max().unwrap_or_default()
    }

    /// Announces every instrument, and whether it trades.
    pub(super) fn announce(&mut self, now: Now, publisher: &mut MoldPublisher) {
        let mut say = |message: &[u8]| {
            publish(publisher, &self.counts, message);
            true
        };
        self.describe(now, &mut say);
        // Those of a state that was loaded: whoever hears the feed from here is to know them.
        self.list_orders(now, say);
    }

    /// The directory and the trading states, message by message, until `say` has heard enough.
    fn describe(&self, now: Now, mut say: impl FnMut(&[u8]) -> bool) -> bool {
        self.listings.iter().all(|listing| {
            let directory = match listing {
                Listing::Copied(message) => {
                    let mut message = *message;
                    message.head.timestamp = now.ns.into();
                    message
                }
                Listing::Plain(id, symbol) => tape::directory(now.ns, *id, *symbol),
            };
            let id = SymbolId(directory.head.stock_locate.get());
            let view = self.engine.instrument(id);
            let state = view.map(|i| i.state).unwrap_or_default();
            let state = State { symbol: id, state, reason: *b"    " };
            say(directory.as_bytes())
                && say(tape::state(now.ns, &state, Symbol(directory.stock)).as_bytes())
        })
    }

    /// Everything that a late joiner needs: instruments, states, and the shown orders in the order
    /// they are served. Gives the feed's next sequence number; `None` when it does not fit.
    #[cold]
    fn write_snapshot(
        &self,
        now: Now,
        publisher: &MoldPublisher,
        image: &mut ImageWriter<'_>,
    ) -> Option<u64> {
        let told = self.describe(now, |message| image.push(message));
        // Who joins now has missed the event that opened the market, or closed it.
        let told = told
            && super::out::system_event(self.phase_reached())
                .is_none_or(|code| image.push(tape::system_event(now.ns, code).as_bytes()));
        let all = told && self.list_orders(now, |message| image.push(message));
        all.then(|| publisher.next_seq())
    }

    /// The shown orders, message by message, in the order they are served.
    fn list_orders(&self, now: Now, mut say: impl FnMut(&[u8]) -> bool) -> bool {
        self.listings.iter().all(|listing| {
            let (id, symbol) = listing.id();
            let mut shown = self.engine.orders(id).filter(|order| order.displayed.0 > 0);
            shown.all(|order| {
                let add = types::BookAdd {
                    order_id: order.party.order_id,
                    side: order.side.side(),
                    qty: order.displayed,
                    symbol: id,
                    price: order.price,
                    firm: Firm::BLANK,
                };
                say(tape::add(now.ns, &add, symbol).as_bytes())
            })
        })
    }

    /// Turns what the venue's limits do not allow into a refusal.
    fn pass_gate(&mut self, command: Command) -> Command {
        let (verdict, session, user_ref, cl_ord_id) = match &command {
            Command::Enter(e) => {
                let at = self.engine.symbol_id(&e.symbol).map(|id| self.reference(id));
                let verdict = self.gate.check_enter(e, at.unwrap_or_default());
                (verdict, e.session, e.user_ref, e.cl_ord_id)
            }
            Command::Replace(r) => {
                // Without a live order the engine has the right answer.
                let Some(live) = self.engine.order(r.session, r.orig) else { return command };
                let at = self.reference(live.symbol);
                let verdict = self.gate.check_replace(r, live.side.side(), at);
                (verdict, r.session, r.user_ref, r.cl_ord_id)
            }
            _ => return command,
        };
        let Err(reason) = verdict else { return command };
        self.counts.set.inc(Count::GateRefused);
        Command::Refused(Refused { session, user_ref, reason, cl_ord_id })
    }

    fn reference(&self, symbol: types::SymbolId) -> Reference {
        let top = self.engine.top(symbol);
        Reference { bid: top.bid.map(|l| l.price), ask: top.ask.map(|l| l.price) }
    }

    fn answer_query(&mut self, now: Now, sessions: &mut Sessions, who: SessionId) {
        let next = UserRef(self.engine.last_user_ref(who).0.saturating_add(1));
        let reply = replies::next_user_ref(now.ns, next);
        store_reply(sessions, &mut self.dirty, &self.counts, who, reply.as_bytes());
    }
}

/// One connection's messages on their way into the core.
pub(super) struct Inbound<'a> {
    pub(super) core: &'a mut Core,
    pub(super) publisher: &'a mut MoldPublisher,
    pub(super) now: Now,
    pub(super) place: Place,
}

impl ServerHandler for Inbound<'_> {
    fn on_login(&mut self, _sessions: &mut Sessions, who: SessionId) {
        if let Some(place) = self.core.places.get_mut(usize::from(who.0)) {
            *place = Some(self.place);
        }
        self.core.dirty.push(who);
    }

    #[inline]
    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]) {
        self.core.on_message(self.now, sessions, self.publisher, who, message);
    }

    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        self.core.write_snapshot(self.now, self.publisher, image)
    }

    fn on_logout(&mut self, _sessions: &mut Sessions, who: SessionId, _why: DisconnectReason) {
        if let Some(place) = self.core.places.get_mut(usize::from(who.0)) {
            *place = None;
        }
    }
}

/// Sessions that have something to be sent, each once.
#[derive(Debug)]
pub(super) struct Dirty {
    listed: Vec<bool>,
    list: Vec<SessionId>,
}

impl Dirty {
    fn new(sessions: usize) -> Dirty {
        Dirty { listed: vec![false; sessions], list: Vec::with_capacity(sessions) }
    }

    /// Lists a session; the list has room for each of them once.
    #[inline]
    pub(super) fn push(&mut self, who: SessionId) {
        if let Some(listed) = self.listed.get_mut(usize::from(who.0))
            && !std::mem::replace(listed, true)
        {
            self.list.push(who);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<SessionId> {
        let who = self.list.pop()?;
        self.listed[usize::from(who.0)] = false;
        Some(who)
    }
}
