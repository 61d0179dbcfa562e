//! Everything of a venue that stands behind its ports: OUCH, the gate, the engine, replies and
//! tape.

use super::counters::{VenueCounter as Count, VenueCounts, VenueStage as Stage};
use super::entry::{self, Echo, Request};
use super::{replies, tape};
use crate::agent::Now;
use crate::laps::Laps;
use engine::{CommandLog, Engine};
use net::ConnId;
use risk::{Reference, VenueGate};
use session::{DisconnectReason, MoldPublisher, ServerHandler, Sessions};
use types::{
    BookRemove, Command, Event, EventSink, Nanos, Party, Refused, SessionId, Symbol, UserRef,
};
use wire::IntoBytes;

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
    /// Client sessions.
    pub sessions: usize,
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
            places: vec![None; parts.sessions],
            dirty: Dirty::new(parts.sessions),
            counts: VenueCounts::default(),
            laps: parts.laps,
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
    fn on_message(
        &mut self,
        now: Now,
        sessions: &mut Sessions,
        publisher: &mut MoldPublisher,
        who: SessionId,
        payload: &[u8],
    ) {
        self.laps.lap(Stage::TcpSoup);
        self.counts.set.inc(Count::Messages);
        let request = match entry::read(who, payload) {
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
                self.apply(now, sessions, publisher, &command, &echo);
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
        echo: &Echo,
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
        };
        self.engine.apply(command, stamp, &mut out);
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

#[inline]
fn publish(publisher: &mut MoldPublisher, counts: &VenueCounts, message: &[u8]) {
    if publisher.publish(message).is_some() {
        counts.set.inc(Count::Published);
        counts.published.add(message);
    } else {
        counts.set.inc(Count::PublishedLost);
    }
}

#[inline]
fn store_reply(
    sessions: &mut Sessions,
    dirty: &mut Dirty,
    counts: &VenueCounts,
    who: SessionId,
    message: &[u8],
) {
    let taken = sessions.append(who, message).is_some();
    counts.set.inc(if taken { Count::Replies } else { Count::RepliesLost });
    dirty.push(who);
}

/// The engine's answers on their way into the stores.
struct Out<'a> {
    now_ns: u64,
    echo: &'a Echo,
    symbols: &'a [Symbol],
    sessions: &'a mut Sessions,
    publisher: &'a mut MoldPublisher,
    dirty: &'a mut Dirty,
    counts: &'a VenueCounts,
}

const BLANK: Symbol = Symbol([b' '; 8]);

impl Out<'_> {
    fn symbol(&self, id: types::SymbolId) -> Symbol {
        self.symbols.get(usize::from(id.0)).copied().unwrap_or(BLANK)
    }

    #[inline]
    fn reply(&mut self, who: SessionId, message: &[u8]) {
        store_reply(self.sessions, self.dirty, self.counts, who, message);
    }

    #[inline]
    fn tell(&mut self, message: &[u8]) {
        publish(self.publisher, self.counts, message);
    }

    fn executed(&mut self, e: &types::Executed) {
        let [resting, aggressor] = replies::executed(self.now_ns, e);
        self.reply(e.resting.session, resting.as_bytes());
        self.reply(e.aggressor.session, aggressor.as_bytes());
        self.tell(tape::executed(self.now_ns, e).as_bytes());
        self.counts.set.add(Count::SharesExecuted, u64::from(e.qty.0));
    }

    fn canceled(&mut self, e: &types::Canceled) {
        let Party { session, user_ref, order_id } = e.party;
        self.reply(session, replies::canceled(self.now_ns, user_ref, e.qty, e.reason).as_bytes());
        if !e.rested {
            return;
        }
        if e.leaves.0 > 0 {
            self.tell(tape::cancel(self.now_ns, e.symbol, order_id, e.qty).as_bytes());
        } else {
            let gone = BookRemove { order_id, symbol: e.symbol };
            self.tell(tape::delete(self.now_ns, &gone).as_bytes());
        }
    }
}

impl EventSink for Out<'_> {
    #[inline]
    fn on_event(&mut self, event: &Event) {
        let now = self.now_ns;
        match event {
            Event::Accepted(e) => {
                let reply = replies::accepted(now, e, self.symbol(e.symbol), self.echo);
                self.reply(e.party.session, reply.as_bytes());
            }
            Event::Replaced(e) => {
                let reply = replies::replaced(now, e, self.symbol(e.symbol), self.echo);
                self.reply(e.party.session, reply.as_bytes());
            }
            Event::Rejected(e) => self.reply(e.session, replies::rejected(now, e).as_bytes()),
            Event::Executed(e) => self.executed(e),
            Event::Canceled(e) => self.canceled(e),
            Event::Modified { party, side, qty, .. } => {
                let reply = replies::modified(now, party.user_ref, *side, *qty);
                self.reply(party.session, reply.as_bytes());
            }
            Event::BookAdd(e) => self.tell(tape::add(now, e, self.symbol(e.symbol)).as_bytes()),
            Event::BookReplace(e) => self.tell(tape::replace(now, e).as_bytes()),
            Event::BookReduce(e) => {
                self.tell(tape::cancel(now, e.symbol, e.order_id, e.qty).as_bytes());
            }
            Event::BookRemove(e) => self.tell(tape::delete(now, e).as_bytes()),
        }
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

    fn on_logout(&mut self, _sessions: &mut Sessions, who: SessionId, _why: DisconnectReason) {
        if let Some(place) = self.core.places.get_mut(usize::from(who.0)) {
            *place = None;
        }
    }
}

/// Sessions that have something to be sent, each once.
#[derive(Debug)]
struct Dirty {
    listed: Vec<bool>,
    list: Vec<SessionId>,
}

impl Dirty {
    fn new(sessions: usize) -> Dirty {
        Dirty { listed: vec![false; sessions], list: Vec::with_capacity(sessions) }
    }

    /// Lists a session; the list has room for each of them once.
    #[inline]
    fn push(&mut self, who: SessionId) {
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
