//! The engine's twin, written from the crate's documentation alone: one list of orders, everything
//! searched for in it, nothing indexed.

use crate::{EngineConfig, EngineCounters};
use types::{
    Accepted, BookAdd, BookReduce, BookRemove, BookReplace, Cancel, CancelReason, Canceled,
    ClOrdId, Command, Enter, Event, Executed, MatchId, Modify, OrderCapacity, OrderId, OrderSide,
    Party, Price, Qty, RejectReason, Rejected, Replace, Replaced, SessionId, Side, SymbolId,
    TimeInForce, UserRef,
};

/// A live order. The list of them is in order of time.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) party: Party,
    pub(crate) side: OrderSide,
    pub(crate) symbol: SymbolId,
    pub(crate) price: Price,
    pub(crate) leaves: u32,
    pub(crate) executed: u32,
    tif: TimeInForce,
    capacity: OrderCapacity,
}

/// See the module.
pub(crate) struct Naive {
    config: EngineConfig,
    /// Resting orders, the oldest first.
    pub(crate) orders: Vec<Order>,
    last_refs: Vec<u32>,
    orders_given: u64,
    matches_given: u64,
    pub(crate) counters: EngineCounters,
    events: Vec<Event>,
}

impl Naive {
    pub(crate) fn new(config: &EngineConfig) -> Naive {
        Naive {
            config: config.clone(),
            orders: Vec::new(),
            last_refs: vec![0; usize::from(config.sessions)],
            orders_given: 0,
            matches_given: 0,
            counters: EngineCounters::default(),
            events: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.counters.commands += 1;
        if command.session().0 >= self.config.sessions {
            self.counters.unknown_session += 1;
            return Vec::new();
        }
        match command {
            Command::Enter(c) => self.enter(c),
            Command::Replace(c) => self.replace(c),
            Command::Cancel(c) => self.cancel(c),
            Command::Modify(c) => self.modify(c),
            Command::Refused(c) => {
                if self.number_is_new(c.session, c.user_ref) {
                    self.reject(c.session, c.user_ref, c.reason, c.cl_ord_id);
                }
            }
        }
        std::mem::take(&mut self.events)
    }

    fn number_is_new(&mut self, session: SessionId, user_ref: UserRef) -> bool {
        let last = &mut self.last_refs[usize::from(session.0)];
        let is_new = user_ref.0 > *last;
        *last = user_ref.0.max(*last);
        self.counters.duplicates += u64::from(!is_new);
        is_new
    }

    fn reject(&mut self, who: SessionId, user_ref: UserRef, why: RejectReason, text: ClOrdId) {
        self.counters.rejected += 1;
        let told = Rejected { session: who, user_ref, reason: why, cl_ord_id: text };
        self.events.push(Event::Rejected(told));
    }

    fn new_id(&mut self) -> OrderId {
        self.orders_given += 1;
        OrderId(self.orders_given)
    }

    fn find(&self, session: SessionId, user_ref: UserRef) -> Option<usize> {
        let is_it = |o: &Order| o.party.session == session && o.party.user_ref == user_ref;
        self.orders.iter().position(is_it)
    }

    /// Whether an order would find a place among `others`.
    fn has_room(&self, others: &[Order], symbol: SymbolId, side: Side, price: Price) -> bool {
        let mut levels: Vec<_> =
            others.iter().map(|o| (o.symbol, o.side.side(), o.price)).collect();
        levels.push((symbol, side, price));
        levels.sort_by_key(|(symbol, side, price)| (*symbol, *side as u8, *price));
        levels.dedup();
        others.len() < self.config.orders as usize && levels.len() <= self.config.levels as usize
    }

    fn enter(&mut self, c: &Enter) {
        if !self.number_is_new(c.session, c.user_ref) {
            return;
        }
        let named = self.config.symbols.iter().find(|(_, name)| *name == c.symbol);
        let stays = c.tif == TimeInForce::Day && c.price != Price::MARKET;
        let side = c.side.side();
        let refusal = match named {
            None => Some(RejectReason::InvalidSymbol),
            Some(_) if !(1..=999_999).contains(&c.qty.0) => Some(RejectReason::InvalidQuantity),
            Some(_) if !price_is_valid(c.price) => Some(RejectReason::InvalidPrice),
            Some((id, _)) if stays && !self.has_room(&self.orders, *id, side, c.price) => {
                self.counters.full += 1;
                Some(RejectReason::ProcessingError)
            }
            Some(_) => None,
        };
        if let Some(reason) = refusal {
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id);
        }
        let (symbol, _) = *named.expect("a name that is known");
        let party = Party { session: c.session, user_ref: c.user_ref, order_id: self.new_id() };
        self.counters.accepted += 1;
        self.events.push(Event::Accepted(Accepted {
            party,
            side: c.side,
            qty: c.qty,
            symbol,
            price: c.price,
            tif: c.tif,
        }));
        let (side, price, tif) = (c.side, c.price, c.tif);
        let (leaves, capacity) = (c.qty.0, c.capacity);
        let order = Order { party, side, symbol, price, leaves, executed: 0, tif, capacity };
        self.come_in(order, None);
    }

    fn replace(&mut self, c: &Replace) {
        if !self.number_is_new(c.session, c.user_ref) {
            return;
        }
        let Some(at) = self.find(c.session, c.orig) else {
            let reason = RejectReason::ReplaceNotAllowed;
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id);
        };
        let old = self.orders[at];
        if c.qty.0 > 999_999 {
            return self.reject(c.session, c.user_ref, RejectReason::InvalidQuantity, c.cl_ord_id);
        }
        if !price_is_valid(c.price) {
            return self.reject(c.session, c.user_ref, RejectReason::InvalidPrice, c.cl_ord_id);
        }
        if c.qty.0 <= old.executed {
            return self.take_off(at, old.leaves);
        }
        let leaves = c.qty.0 - old.executed;
        let keeps = c.price == old.price && leaves <= old.leaves && c.tif == old.tif;
        if !keeps && c.tif == TimeInForce::Day && c.price != Price::MARKET {
            let mut others = self.orders.clone();
            others.remove(at);
            if !self.has_room(&others, old.symbol, old.side.side(), c.price) {
                self.counters.full += 1;
                let reason = RejectReason::ProcessingError;
                return self.reject(c.session, c.user_ref, reason, c.cl_ord_id);
            }
        }
        let order_id = if keeps { old.party.order_id } else { self.new_id() };
        let party = Party { session: c.session, user_ref: c.user_ref, order_id };
        self.counters.accepted += 1;
        self.events.push(Event::Replaced(Replaced {
            party,
            orig: c.orig,
            side: old.side,
            qty: Qty(leaves),
            symbol: old.symbol,
            price: c.price,
            tif: c.tif,
            capacity: old.capacity,
        }));
        if keeps {
            self.orders[at].party = party;
            return self.lessen(at, old.leaves - leaves);
        }
        self.orders.remove(at);
        let order = Order { party, price: c.price, leaves, tif: c.tif, ..old };
        self.come_in(order, Some(old.party.order_id));
    }

    /// Takes shares off in place, as the tape tells it.
    fn lessen(&mut self, at: usize, off: u32) {
        let order = &mut self.orders[at];
        order.leaves -= off;
        if off > 0 {
            let (order_id, symbol) = (order.party.order_id, order.symbol);
            self.events.push(Event::BookReduce(BookReduce { order_id, symbol, qty: Qty(off) }));
        }
    }

    fn take_off(&mut self, at: usize, off: u32) {
        let order = self.orders[at];
        let leaves = order.leaves - off;
        match leaves {
            0 => drop(self.orders.remove(at)),
            _ => self.orders[at].leaves = leaves,
        }
        self.events.push(Event::Canceled(Canceled {
            party: order.party,
            symbol: order.symbol,
            qty: Qty(off),
            leaves: Qty(leaves),
            rested: true,
            reason: CancelReason::UserRequested,
        }));
    }

    fn cancel(&mut self, c: &Cancel) {
        let off = |order: &Order| {
            // No more than the intended size may ever execute in total.
            let intended = u64::from(c.qty.0);
            let now = u64::from(order.executed) + u64::from(order.leaves);
            now.saturating_sub(intended).min(u64::from(order.leaves)) as u32
        };
        match self.find(c.session, c.user_ref).map(|at| (at, off(&self.orders[at]))) {
            Some((at, off)) if off > 0 => self.take_off(at, off),
            _ => self.counters.superfluous += 1,
        }
    }

    fn modify(&mut self, c: &Modify) {
        let Some(at) = self.find(c.session, c.user_ref) else {
            self.counters.superfluous += 1;
            return;
        };
        let order = self.orders[at];
        if c.side.side() != order.side.side() || c.qty.0 <= order.executed {
            self.counters.superfluous += 1;
            return;
        }
        let reduced = order.leaves - order.leaves.min(c.qty.0 - order.executed);
        let qty = Qty(order.executed + order.leaves - reduced);
        self.orders[at].side = c.side;
        let (party, side, off) = (order.party, c.side, Qty(reduced));
        self.events.push(Event::Modified { party, side, qty, reduced: off });
        self.lessen(at, reduced);
    }

    /// The order on the other side that is served next, if the incoming one's price allows.
    fn counterparty(&self, order: &Order) -> Option<usize> {
        let buys = order.side.side() == Side::Buy;
        let meets = |o: &Order| {
            let prices_meet = if buys { o.price <= order.price } else { o.price >= order.price };
            let is_other_side = (o.side.side() == Side::Buy) != buys;
            o.symbol == order.symbol && is_other_side && (order.price.is_market() || prices_meet)
        };
        // The first of the best: `min_by_key` keeps the earliest of equals, and the list is by
        // time.
        let rank = |o: &Order| if buys { i64::from(o.price.0) } else { -i64::from(o.price.0) };
        (0..self.orders.len())
            .filter(|at| meets(&self.orders[*at]))
            .min_by_key(|at| rank(&self.orders[*at]))
    }

    fn come_in(&mut self, mut order: Order, replaces: Option<OrderId>) {
        let stays = order.tif == TimeInForce::Day && !order.price.is_market();
        let symbol = order.symbol;
        let at_once = stays && self.counterparty(&order).is_none();
        if let (Some(order_id), false) = (replaces, at_once) {
            self.events.push(Event::BookRemove(BookRemove { order_id, symbol }));
        }
        while let Some(at) = self.counterparty(&order).filter(|_| order.leaves > 0) {
            self.execute(&mut order, at);
        }
        let (qty, order_id) = (Qty(order.leaves), order.party.order_id);
        if order.leaves > 0 && stays {
            self.orders.push(order);
            let (side, price) = (order.side.side(), order.price);
            self.events.push(match replaces {
                Some(old) if at_once => {
                    Event::BookReplace(BookReplace { old, new: order_id, symbol, qty, price })
                }
                _ => Event::BookAdd(BookAdd { order_id, side, qty, symbol, price }),
            });
        } else if order.leaves > 0 {
            let reason = match order.tif {
                TimeInForce::Ioc => CancelReason::ImmediateOrCancel,
                TimeInForce::Day => CancelReason::CannotBeExecuted,
            };
            let (party, leaves) = (order.party, Qty(0));
            let told = Canceled { party, symbol, qty, leaves, rested: false, reason };
            self.events.push(Event::Canceled(told));
        }
    }

    fn execute(&mut self, order: &mut Order, at: usize) {
        let resting = &mut self.orders[at];
        let qty = order.leaves.min(resting.leaves);
        for party in [&mut *resting, order] {
            party.leaves -= qty;
            party.executed += qty;
        }
        self.matches_given += 1;
        self.counters.matches += 1;
        self.events.push(Event::Executed(Executed {
            resting: resting.party,
            aggressor: order.party,
            resting_side: resting.side.side(),
            symbol: order.symbol,
            price: resting.price,
            qty: Qty(qty),
            match_id: MatchId(self.matches_given),
        }));
        if resting.leaves == 0 {
            self.orders.remove(at);
        }
    }
}

fn price_is_valid(price: Price) -> bool {
    Price::from_wire(u64::from(price.0)).is_ok()
}
