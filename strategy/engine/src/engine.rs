//! The engine's state, and which part takes which command.

use crate::clients::Clients;
use crate::config::EngineConfig;
use crate::cross::Scratch;
use crate::extras::Extras;
use crate::instruments::Instruments;
use crate::ledger::{Ledger, Working};
use crate::order::{Owner, Resting, ZONES, Zone};
use crate::places::{Place, Places};
use crate::trades::Trades;
use book::{BookCore, Capacity, Slot};
use rkyv::{Archive, Deserialize, Serialize};
use types::{
    Command, Event, EventSink, Nanos, OrderId, Price, Qty, RejectReason, Rejected, SessionId,
    SymbolId, UserRef,
};

/// What an engine counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct EngineCounters {
    /// Commands taken.
    pub commands: u64,
    /// Orders accepted, replacements included.
    pub accepted: u64,
    /// Commands rejected.
    pub rejected: u64,
    /// Matches.
    pub matches: u64,
    /// Commands whose number was not above the session's last, ignored.
    pub duplicates: u64,
    /// Cancels and modifies of orders that are not live, ignored.
    pub superfluous: u64,
    /// Commands of sessions beyond the capacity, ignored.
    pub unknown_session: u64,
    /// Orders rejected because a table was full.
    pub full: u64,
    /// Orders rejected by a limit of their account or session.
    pub limited: u64,
    /// Shares kept from trading within one firm.
    pub self_matches: u64,
    /// Crosses held.
    pub crosses: u64,
    /// Operator's commands that could not be carried out.
    pub obstacles: u64,
}

/// The matching engine; see the [crate](crate).
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) book: BookCore<Owner, 1>,
    pub(crate) places: Places,
    pub(crate) extras: Extras,
    pub(crate) instruments: Instruments,
    pub(crate) clients: Clients,
    pub(crate) trades: Trades,
    pub(crate) ledger: Option<Ledger>,
    pub(crate) config: EngineConfig,
    pub(crate) scratch: Scratch,
    /// Where a session's live orders are listed.
    pub(crate) numbers: Vec<u32>,
    pub(crate) next_order: u64,
    pub(crate) next_match: u64,
    /// The latest stamp.
    pub(crate) now_ns: u64,
    /// Seconds since midnight up to which orders have expired.
    pub(crate) clock_s: u32,
    /// The first pause or limit state that time will change; `u64::MAX` for none.
    pub(crate) deadline_ns: u64,
    pub(crate) counters: EngineCounters,
}

impl Engine {
    /// Takes all the memory the engine will ever use.
    pub fn new(config: &EngineConfig) -> Engine {
        let instruments = Instruments::new(config);
        let capacity = Capacity {
            orders: config.orders,
            levels: config.levels,
            books: instruments.ids() * ZONES,
        };
        let ledger = config.ledger.as_ref();
        Engine {
            book: BookCore::new(capacity),
            places: Places::new(config.orders),
            extras: Extras::new(config.conditional_orders),
            instruments,
            clients: Clients::new(config.sessions),
            trades: Trades::new(config.trades),
            ledger: ledger.map(|l| Ledger::new(l, config.sessions, &config.session_limits)),
            config: config.clone(),
            scratch: Scratch::new(config.levels),
            numbers: Vec::with_capacity(config.orders as usize),
            next_order: 1,
            next_match: 1,
            now_ns: 0,
            clock_s: 0,
            deadline_ns: u64::MAX,
            counters: EngineCounters::default(),
        }
    }

    /// Applies one command; what comes of it goes to `sink` in the order it happens. `now` is the
    /// command's stamp, in ns since midnight: orders whose time has come expire first. A stamp
    /// before the latest counts as the latest.
    #[inline]
    pub fn apply<S: EventSink>(&mut self, command: &Command, now: Nanos, sink: &mut S) {
        self.counters.commands += 1;
        if self.is_due(now) {
            self.pass_time(now, sink);
        }
        self.now_ns = self.now_ns.max(now.0);
        match command {
            Command::Enter(c) if self.clients.knows(c.session) => self.enter(c, sink),
            Command::Replace(c) if self.clients.knows(c.session) => self.replace(c, sink),
            Command::Cancel(c) if self.clients.knows(c.session) => self.cancel(c, sink),
            other => self.apply_rare(other, sink),
        }
    }

    /// What is no order, replacement or cancel of a session that there is.
    #[inline(never)]
    fn apply_rare<S: EventSink>(&mut self, command: &Command, sink: &mut S) {
        if command.session().is_some_and(|who| !self.clients.knows(who)) {
            self.counters.unknown_session += 1;
            return;
        }
        match command {
            Command::Modify(c) => self.modify(c, sink),
            Command::MassCancel(c) => self.mass_cancel(c, sink),
            Command::Permit(c) => self.permit(c, sink),
            Command::Refused(c) => {
                if self.is_new(c.session, c.user_ref) {
                    self.reject(c.session, c.user_ref, c.reason, c.cl_ord_id, sink);
                }
            }
            Command::Operate(operation) => self.operate(operation, sink),
            Command::Enter(_) | Command::Replace(_) | Command::Cancel(_) => {
                debug_assert!(false, "a known session's was taken above");
            }
        }
    }

    /// Whether something happens by the mere passing of time up to `now`: then a
    /// [`types::Operation::Clock`] makes it happen, as any command would.
    #[inline]
    pub fn is_due(&self, now: Nanos) -> bool {
        now.0 >= self.deadline_ns
            || (self.extras.expiring() > 0 && now.0 / 1_000_000_000 > u64::from(self.clock_s))
    }

    #[inline]
    pub(crate) fn is_new(&mut self, session: SessionId, user_ref: UserRef) -> bool {
        let new = self.clients.is_new(session, user_ref);
        self.counters.duplicates += u64::from(!new);
        new
    }

    #[cold]
    pub(crate) fn reject<S: EventSink>(
        &mut self,
        session: SessionId,
        user_ref: UserRef,
        reason: RejectReason,
        cl_ord_id: types::ClOrdId,
        sink: &mut S,
    ) {
        self.counters.rejected += 1;
        sink.on_event(&Event::Rejected(Rejected { session, user_ref, reason, cl_ord_id }));
    }

    #[inline]
    pub(crate) fn take_order_id(&mut self) -> OrderId {
        let id = OrderId(self.next_order);
        self.next_order += 1;
        id
    }

    #[inline]
    pub(crate) fn slot(&self, session: SessionId, user_ref: UserRef) -> Option<Slot> {
        self.find(session, user_ref).map(|(_, slot)| slot)
    }

    /// Where a live order is in the table and in the books.
    #[inline]
    pub(crate) fn find(&self, session: SessionId, user_ref: UserRef) -> Option<(Place, Slot)> {
        self.places.find(session, user_ref, |slot| {
            let owner = self.book.carried(slot);
            (owner.session, owner.user_ref)
        })
    }

    /// The order at a place.
    #[inline]
    pub(crate) fn resting(&self, slot: Slot) -> Resting {
        Resting::new(slot, self.book.order(slot))
    }

    /// Shares of a resting order that are live, its reserve included.
    #[inline]
    pub(crate) fn live_qty(&self, order: &Resting) -> Qty {
        Qty(order.qty.0 + self.extras.get(order.owner.extra).reserve.0)
    }

    /// Takes an order's traces out of every table but the book.
    #[inline]
    pub(crate) fn forget(&mut self, order: &Resting) {
        self.places.remove(order.owner.session, order.owner.user_ref, order.slot);
        self.clients.went(order.owner.session);
        self.extras.give(order.owner.extra);
        if order.zone == Zone::Peg
            && let Some(instrument) = self.instruments.get_mut(order.symbol)
        {
            instrument.pegs -= 1;
        }
    }

    /// Tells the ledger that shares of a resting order are no longer working.
    #[inline]
    pub(crate) fn release(&mut self, order: &Resting, qty: Qty, done: bool) {
        let working = self.working(&order.owner, order.symbol, order.value());
        if let Some(ledger) = &mut self.ledger {
            ledger.release(&working, qty, done);
        }
    }

    #[inline]
    pub(crate) fn working(&self, owner: &Owner, symbol: SymbolId, price: Price) -> Working {
        let Owner { account, session, .. } = *owner;
        Working { account, session, symbol, side: owner.side.side(), price }
    }
}

/// What the ledger values a price at: a market order has no value of its own.
#[inline]
pub(crate) fn value_of(price: Price) -> Price {
    if price.is_market() { Price(0) } else { price }
}
