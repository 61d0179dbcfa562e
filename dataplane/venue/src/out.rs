//! The engine's answers on their way out: replies into their sessions' stores, and the tape into
//! the publisher's.

use crate::ToOperator;
use crate::counters::{VenueCounter as Count, VenueCounts};
use crate::dirty::Dirty;
use crate::replies::Repeated;
use crate::{replies, tape};
use session::{MoldPublisher, SessionId, Sessions};
use types::{
    BookRemove, Echo, Event, EventSink, OrderId, Party, Phase, Print, Qty, Symbol, SymbolId,
};
use wire::IntoBytes;

#[inline]
pub(crate) fn publish(publisher: &mut MoldPublisher, counts: &VenueCounts, message: &[u8]) {
    if publisher.publish(message).is_some() {
        counts.set.inc(Count::Published);
        counts.published.add(message);
    } else {
        counts.set.inc(Count::PublishedLost);
    }
}

#[inline]
pub(crate) fn store_reply(
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

/// See the module.
pub(crate) struct Out<'a> {
    pub(crate) now_ns: u64,
    pub(crate) echo: &'a Echo<'a>,
    pub(crate) symbols: &'a [Symbol],
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) publisher: &'a mut MoldPublisher,
    pub(crate) dirty: &'a mut Dirty,
    pub(crate) counts: &'a VenueCounts,
    /// Whoever asked for this, if it was the operator.
    pub(crate) operator: Option<&'a mut spsc::Producer<ToOperator>>,
}

const BLANK: Symbol = Symbol([b' '; 8]);

impl Out<'_> {
    fn symbol(&self, id: SymbolId) -> Symbol {
        self.symbols.get(usize::from(id.0)).copied().unwrap_or(BLANK)
    }

    #[inline]
    fn reply(&mut self, who: SessionId, message: &[u8]) {
        store_reply(self.sessions, self.dirty, self.counts, who, message);
    }

    /// A message and its optional fields behind it.
    #[inline]
    fn reply_with(&mut self, who: SessionId, message: &[u8], optional: &Repeated) {
        let fields = optional.as_bytes();
        let taken = self.sessions.append_with(who, message.len() + fields.len(), |room| {
            let (head, tail) = room.split_at_mut(message.len());
            head.copy_from_slice(message);
            tail[..fields.len()].copy_from_slice(fields);
            message.len() + fields.len()
        });
        let count = if taken.is_some() { Count::Replies } else { Count::RepliesLost };
        self.counts.set.inc(count);
        self.dirty.push(who);
    }

    #[inline]
    fn tell(&mut self, message: &[u8]) {
        publish(self.publisher, self.counts, message);
    }

    #[inline]
    fn executed(&mut self, e: &types::Executed) {
        let [resting, aggressor] = replies::executed(self.now_ns, e);
        self.reply(e.resting.session, resting.as_bytes());
        self.reply(e.aggressor.session, aggressor.as_bytes());
        for (print, party) in e.print.iter().zip([&e.resting, &e.aggressor]) {
            match print {
                Print::Quiet => {}
                Print::Order => self.tell(tape::executed(self.now_ns, e).as_bytes()),
                Print::Trade => {
                    let symbol = self.symbol(e.symbol);
                    self.tell(tape::trade(self.now_ns, e, symbol).as_bytes());
                }
                Print::Cross => {
                    let message = tape::executed_in_cross(self.now_ns, e, party.order_id);
                    self.tell(message.as_bytes());
                }
            }
        }
        self.counts.set.add(Count::SharesExecuted, u64::from(e.qty.0));
    }

    fn canceled(&mut self, e: &types::Canceled) {
        let Party { session, user_ref, order_id } = e.party;
        self.reply(session, replies::canceled(self.now_ns, user_ref, e.qty, e.reason).as_bytes());
        self.taken_off(e.symbol, order_id, e.shown, e.leaves);
    }

    /// What the tape hears of shares that left the book without trading.
    fn taken_off(&mut self, symbol: SymbolId, order_id: OrderId, shown: Qty, leaves: Qty) {
        if shown == Qty::ZERO {
            return;
        }
        if leaves > Qty::ZERO {
            self.tell(tape::cancel(self.now_ns, symbol, order_id, shown).as_bytes());
        } else {
            let gone = BookRemove { order_id, symbol };
            self.tell(tape::delete(self.now_ns, &gone).as_bytes());
        }
    }

    fn restated(&mut self, e: &types::Restated) {
        let mut reply = [0; replies::RESTATED_LEN_MAX];
        let len = replies::restated(self.now_ns, e, &mut reply);
        self.reply(e.party.session, &reply[..len]);
    }

    fn broken(&mut self, e: &types::Broken) {
        for party in 0..2 {
            let reply = replies::broken(self.now_ns, e, party);
            self.reply(e.parties[party].0, reply.as_bytes());
        }
        self.tell(tape::busted(self.now_ns, e).as_bytes());
    }

    fn corrected(&mut self, e: &types::Corrected) {
        for party in 0..2 {
            let reply = replies::corrected(self.now_ns, e, party);
            self.reply(e.parties[party].0, reply.as_bytes());
        }
        self.tell(tape::broken(self.now_ns, e.symbol, e.match_id.0).as_bytes());
        self.tell(tape::corrected(self.now_ns, e, self.symbol(e.symbol)).as_bytes());
    }

    /// Answers to a session's requests that are no orders.
    fn answered(&mut self, event: &Event) {
        let now = self.now_ns;
        match event {
            Event::MassCanceled(e) => {
                let symbol = self.symbol(e.symbol);
                let reply = replies::mass_canceled(now, e.user_ref, e.firm, symbol);
                self.reply(e.session, reply.as_bytes());
            }
            Event::Permitted(e) if e.enabled => {
                let reply = replies::enabled(now, e.user_ref, e.firm);
                self.reply(e.session, reply.as_bytes());
            }
            Event::Permitted(e) => {
                let reply = replies::disabled(now, e.user_ref, e.firm);
                self.reply(e.session, reply.as_bytes());
            }
            _ => {}
        }
    }

    /// What everyone hears of the market as a whole, or of an instrument.
    #[cold]
    fn market(&mut self, event: &Event) {
        let now = self.now_ns;
        match event {
            Event::State(e) => self.tell(tape::state(now, e, self.symbol(e.symbol)).as_bytes()),
            Event::CrossDone(e) => {
                self.tell(tape::cross(now, e, self.symbol(e.symbol)).as_bytes());
            }
            Event::Imbalance(e) => {
                self.tell(tape::imbalance(now, e, self.symbol(e.symbol)).as_bytes());
            }
            Event::Collar { symbol, reference, lower, upper } => {
                let prices = [*reference, *lower, *upper];
                self.tell(tape::collar(now, *symbol, self.symbol(*symbol), prices).as_bytes());
            }
            Event::Offering { symbol, release_s, price } => {
                let name = self.symbol(*symbol);
                self.tell(tape::offering(now, *symbol, name, *release_s, *price).as_bytes());
            }
            Event::Breaker { level } => self.tell(tape::breaker(now, *level).as_bytes()),
            Event::Phase { symbol: SymbolId(0), phase } => {
                if let Some(code) = system_event(*phase) {
                    self.tell(tape::system_event(now, code).as_bytes());
                }
            }
            _ => {}
        }
    }

    /// What everyone hears of the book.
    #[inline]
    fn book(&mut self, event: &Event) {
        let now = self.now_ns;
        match event {
            Event::BookAdd(e) if e.firm.is_blank() => {
                self.tell(tape::add(now, e, self.symbol(e.symbol)).as_bytes());
            }
            Event::BookAdd(e) => {
                self.tell(tape::add_attributed(now, e, self.symbol(e.symbol)).as_bytes());
            }
            Event::BookReplace(e) => self.tell(tape::replace(now, e).as_bytes()),
            Event::BookReduce(e) => {
                self.tell(tape::cancel(now, e.symbol, e.order_id, e.qty).as_bytes());
            }
            Event::BookRemove(e) => self.tell(tape::delete(now, e).as_bytes()),
            _ => self.market(event),
        }
    }
}

/// ITCH's system event of a phase.
pub(crate) fn system_event(phase: Phase) -> Option<u8> {
    match phase {
        Phase::Start | Phase::PreOpen => None,
        Phase::Continuous => Some(b'Q'),
        Phase::Closed => Some(b'M'),
        Phase::End => Some(b'E'),
    }
}

impl EventSink for Out<'_> {
    #[inline]
    fn on_event(&mut self, event: &Event) {
        let now = self.now_ns;
        if let Some(operator) = &mut self.operator
            && operator.push(ToOperator::Event(*event)).is_err()
        {
            self.counts.set.inc(Count::OperatorLost);
        }
        match event {
            Event::Accepted(e) => {
                let mut reply = replies::accepted(now, e, self.symbol(e.symbol), self.echo);
                let optional = replies::repeated(self.echo);
                reply.appendage_length = optional.len().into();
                self.reply_with(e.party.session, reply.as_bytes(), &optional);
            }
            Event::Replaced(e) => {
                let mut reply = replies::replaced(now, e, self.symbol(e.symbol), self.echo);
                let optional = replies::repeated(self.echo);
                reply.appendage_length = optional.len().into();
                self.reply_with(e.party.session, reply.as_bytes(), &optional);
            }
            Event::Rejected(e) => self.reply(e.session, replies::rejected(now, e).as_bytes()),
            Event::Executed(e) => self.executed(e),
            Event::Canceled(e) => self.canceled(e),
            Event::Aiq(e) => {
                self.reply(e.party.session, replies::aiq(now, e).as_bytes());
                self.taken_off(e.symbol, e.party.order_id, e.shown, e.leaves);
            }
            Event::Modified { party, side, qty, .. } => {
                let reply = replies::modified(now, party.user_ref, *side, *qty);
                self.reply(party.session, reply.as_bytes());
            }
            Event::Restated(e) => self.restated(e),
            Event::Broken(e) => self.broken(e),
            Event::Corrected(e) => self.corrected(e),
            Event::MassCanceled(_) | Event::Permitted(_) => self.answered(event),
            _ => self.book(event),
        }
    }
}
