//! From an input to what comes of it; see the crate's documentation.

use crate::counters::{VenueCounter as Count, VenueCounts, VenueStage as Stage};
use crate::dirty::Dirty;
use crate::entry::{self, Origin};
use crate::listing::Listing;
use crate::out::{Out, publish, store_reply};
use crate::{replies, tape};
use engine::{CommandLog, Engine};
use risk::{Reference, VenueGate};
use session::{MoldPublisher, Sessions};
use types::{
    Command, Echo, Event, Input, Nanos, Open, Operation, Phase, Refused, SessionId, Symbol, UserRef,
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

/// What watches a core from beside, and is never waited for.
pub trait Beside {
    /// A stage of a client's message is over.
    #[inline]
    fn lap(&mut self, stage: Stage) {
        let _ = stage;
    }

    /// This input is enacted next.
    #[inline]
    fn note(&mut self, sequence: u64, stamp: Nanos, input: &Input<'_>) {
        let _ = (sequence, stamp, input);
    }
}

impl Beside for () {}

/// Where what comes of an input is kept until it is sent, and sent again.
#[derive(Debug)]
pub struct Stores<'a> {
    /// Of each session.
    pub sessions: &'a mut Sessions,
    /// Of the feed.
    pub publisher: &'a mut MoldPublisher,
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
}

/// How far the day is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// The stamp of its beginning; `None` before it.
    pub opened: Option<Nanos>,
    /// The day that stamps count from, in days since 1970.
    pub date: u32,
    /// What tells its configuration from another; see [`Open::config`].
    pub config: u64,
    /// Commands of its schedule that were carried out.
    pub scheduled: u32,
    /// Whether it is over.
    pub closed: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Core {
    pub(crate) engine: Engine,
    gate: VenueGate,
    pub(crate) log: Option<CommandLog>,
    symbols: Vec<Symbol>,
    origins: Vec<Origin>,
    pub(crate) listings: Vec<Listing>,
    dirty: Dirty,
    pub(crate) counts: VenueCounts,
    /// Inputs that were enacted.
    pub(crate) inputs: u64,
    pub(crate) day: Day,
}

impl Core {
    /// Puts the parts together.
    pub fn new(parts: CoreParts) -> Core {
        Core {
            engine: parts.engine,
            gate: parts.gate,
            log: parts.log,
            symbols: parts.symbols,
            dirty: Dirty::new(parts.origins.len()),
            origins: parts.origins,
            listings: parts.listings,
            counts: VenueCounts::default(),
            inputs: 0,
            day: Day::default(),
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

    /// Keeps a log of at most so many commands from here on.
    pub fn keep_log(&mut self, commands_max: usize) {
        self.log = Some(CommandLog::after(&self.engine, commands_max));
    }

    /// What was counted.
    pub fn counts(&self) -> &VenueCounts {
        &self.counts
    }

    /// Inputs that were enacted: the sequence of the last one.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How far the day is.
    pub fn day(&self) -> Day {
        self.day
    }

    /// A session with something to be sent.
    #[inline]
    pub fn next_dirty(&mut self) -> Option<SessionId> {
        self.dirty.pop()
    }

    /// A session has something to be sent that no input made: the answer to its login.
    #[inline]
    pub fn mark_dirty(&mut self, who: SessionId) {
        self.dirty.push(who);
    }

    /// A client's transport was connected.
    pub fn connected(&self) {
        self.counts.set.inc(Count::Connections);
    }

    /// One OUCH message of a logged-in session.
    #[inline]
    pub fn on_message(
        &mut self,
        stamp: Nanos,
        stores: Stores<'_>,
        who: SessionId,
        payload: &[u8],
        beside: &mut impl Beside,
    ) {
        if let Some(input) = self.admit(who, payload, beside) {
            self.submit(stamp, &input, stores, None, beside);
            beside.lap(Stage::MatchEncode);
        }
    }

    /// What one OUCH message of a logged-in session asks to be enacted, past the gate; `None`,
    /// counted, for one that cannot be read.
    #[inline]
    pub fn admit<'p>(
        &mut self,
        who: SessionId,
        payload: &'p [u8],
        beside: &mut impl Beside,
    ) -> Option<Input<'p>> {
        beside.lap(Stage::TcpSoup);
        self.counts.set.inc(Count::Messages);
        let origin = self.origins.get(usize::from(who.0)).copied().unwrap_or_default();
        let mut input = match entry::read(&origin, payload) {
            Ok(input) => input,
            Err(reason) => {
                self.counts.unreadable.inc(reason as usize);
                return None;
            }
        };
        beside.lap(Stage::Decode);
        if let Input::Command(command, _) = &mut input {
            self.pass_gate(command);
            beside.lap(Stage::Gate);
        }
        Some(input)
    }

    /// Enacts an input that is new: whoever watches has it first.
    #[inline]
    pub fn submit(
        &mut self,
        stamp: Nanos,
        input: &Input<'_>,
        stores: Stores<'_>,
        operator: Option<&mut spsc::Producer<ToOperator>>,
        beside: &mut impl Beside,
    ) {
        beside.note(self.inputs + 1, stamp, input);
        self.enact(stamp, input, stores, operator);
    }

    /// Changes what is replicated, and nothing else does: the engine, what sessions are sent, the
    /// feed, the day. `stamp` is in ns since midnight. Gives the input's sequence, from 1.
    ///
    /// Who asks as an operator hears what came of it.
    pub fn enact(
        &mut self,
        stamp: Nanos,
        input: &Input<'_>,
        stores: Stores<'_>,
        operator: Option<&mut spsc::Producer<ToOperator>>,
    ) -> u64 {
        self.inputs += 1;
        stores.sessions.begin_input(self.inputs);
        stores.publisher.begin_input(self.inputs);
        match input {
            Input::Command(command, echo) => self.apply(stamp, command, echo, stores, operator),
            other => self.enact_rare(stamp, other, stores),
        }
        self.inputs
    }

    #[cold]
    fn enact_rare(&mut self, stamp: Nanos, input: &Input<'_>, stores: Stores<'_>) {
        match input {
            Input::AccountQuery(who) => self.answer_query(stamp, stores.sessions, *who),
            Input::Scheduled(operation) => {
                self.day.scheduled += 1;
                let command = Command::Operate(*operation);
                self.apply(stamp, &command, &Echo::default(), stores, None);
            }
            Input::Open(open) => self.open_day(stamp, open, stores),
            Input::Close => self.close_day(stamp, stores),
            Input::Command(..) | Input::Nothing => {}
        }
    }

    fn apply(
        &mut self,
        stamp: Nanos,
        command: &Command,
        echo: &Echo<'_>,
        stores: Stores<'_>,
        operator: Option<&mut spsc::Producer<ToOperator>>,
    ) {
        if let Some(log) = &mut self.log {
            self.counts.set.add(Count::LogFull, u64::from(!log.push(stamp, command)));
        }
        let mut out = Out {
            now_ns: stamp.0,
            echo,
            symbols: &self.symbols,
            sessions: stores.sessions,
            publisher: stores.publisher,
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
        stamp: Nanos,
        operation: &Operation,
        stores: Stores<'_>,
        mut operator: Option<&mut spsc::Producer<ToOperator>>,
        beside: &mut impl Beside,
    ) {
        let input = Input::operate(*operation);
        self.submit(stamp, &input, stores, operator.as_deref_mut(), beside);
        if let Some(operator) = operator
            && operator.push(ToOperator::Done).is_err()
        {
            self.counts.set.inc(Count::OperatorLost);
        }
    }

    /// Lets time pass in the engine where that changes something, and says whether it did.
    #[inline]
    pub fn keep_time(
        &mut self,
        stamp: Nanos,
        stores: Stores<'_>,
        beside: &mut impl Beside,
    ) -> bool {
        let is_due = self.engine.is_due(stamp);
        if is_due {
            self.operate(stamp, &Operation::Clock, stores, None, beside);
        }
        is_due
    }

    /// Start of messages, the directory, start of system hours; where orders match from the start,
    /// of market hours too. Behind a day that was closed, sessions and feed begin anew; the engine
    /// goes on.
    fn open_day(&mut self, stamp: Nanos, open: &Open, stores: Stores<'_>) {
        let Stores { sessions, publisher } = stores;
        if self.day.closed {
            sessions.begin_day();
            publisher.begin_day();
        }
        let Open { date, config, .. } = *open;
        self.day = Day { opened: Some(stamp), date, config, ..Day::default() };
        self.say(stamp, publisher, b'O');
        self.announce(stamp, publisher);
        self.say(stamp, publisher, b'S');
        if open.trades {
            self.say(stamp, publisher, b'Q');
        }
        self.tell_sessions(stamp, sessions, b'S');
    }

    fn close_day(&mut self, stamp: Nanos, stores: Stores<'_>) {
        let Stores { sessions, publisher } = stores;
        self.day.closed = true;
        self.tell_sessions(stamp, sessions, b'E');
        sessions.end_all();
        for code in self.unsaid().into_iter().flatten() {
            self.say(stamp, publisher, code);
        }
        publisher.end_session(stamp.0);
    }

    /// Says one of ITCH's system events to everyone.
    fn say(&self, stamp: Nanos, publisher: &mut MoldPublisher, event_code: u8) {
        let message = tape::system_event(stamp.0, event_code);
        publish(publisher, &self.counts, message.as_bytes());
    }

    /// Says one of OUCH's system events to every session that enters orders.
    fn tell_sessions(&mut self, stamp: Nanos, sessions: &mut Sessions, event_code: u8) {
        let message = replies::system_event(stamp.0, event_code);
        for origin in self.origins.iter().filter(|origin| !origin.snapshot) {
            let who = origin.session;
            store_reply(sessions, &mut self.dirty, &self.counts, who, message.as_bytes());
        }
    }

    /// ITCH's system events that end a day and were not said yet, in their order.
    fn unsaid(&self) -> [Option<u8>; 3] {
        let reached = self.phase_reached();
        [
            Some(b'M').filter(|_| reached < Phase::Closed),
            Some(b'E').filter(|_| reached < Phase::End),
            Some(b'C'),
        ]
    }

    /// Turns what the venue's limits do not allow into a refusal.
    fn pass_gate(&mut self, command: &mut Command) {
        let (verdict, session, user_ref, cl_ord_id) = match command {
            Command::Enter(e) => {
                let at = self.engine.symbol_id(&e.symbol).map(|id| self.reference(id));
                let verdict = self.gate.check_enter(e, at.unwrap_or_default());
                (verdict, e.session, e.user_ref, e.cl_ord_id)
            }
            Command::Replace(r) => {
                // Without a live order the engine has the right answer.
                let Some(live) = self.engine.order(r.session, r.orig) else { return };
                let at = self.reference(live.symbol);
                let verdict = self.gate.check_replace(r, live.side.side(), at);
                (verdict, r.session, r.user_ref, r.cl_ord_id)
            }
            _ => return,
        };
        let Err(reason) = verdict else { return };
        self.counts.set.inc(Count::GateRefused);
        *command = Command::Refused(Refused { session, user_ref, reason, cl_ord_id });
    }

    fn reference(&self, symbol: types::SymbolId) -> Reference {
        let top = self.engine.top(symbol);
        Reference { bid: top.bid.map(|l| l.price), ask: top.ask.map(|l| l.price) }
    }

    fn answer_query(&mut self, stamp: Nanos, sessions: &mut Sessions, who: SessionId) {
        let next = UserRef(self.engine.last_user_ref(who).0.saturating_add(1));
        let reply = replies::next_user_ref(stamp.0, next);
        store_reply(sessions, &mut self.dirty, &self.counts, who, reply.as_bytes());
    }
}
