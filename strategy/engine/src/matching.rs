//! Continuous matching: an incoming order against the other side, best price first, shown before
//! hidden, oldest first.
//!
//! What it may meet stands in two of the instrument's books: limits in one, and orders that follow
//! the midpoint in another, all of which have the midpoint as their price.

use crate::Engine;
use crate::config::SelfMatch;
use crate::enter::{displayed, needs_extra};
use crate::order::{Incoming, NIL, Resting, Zone, allows, rank, unrank};
use crate::trades::{Trade, TradeParty};
use types::{
    Aiq, BookAdd, BookRemove, BookReplace, CancelReason, Canceled, Display, Event, EventSink,
    Executed, Firm, MatchId, OrderId, PostOnly, Price, Print, Qty, Side, TimeInForce, TradingState,
};

/// An order that another may meet, and the price they would trade at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counterparty {
    pub(crate) order: Resting,
    pub(crate) price: Price,
}

impl Engine {
    /// Trades an order as far as it goes, then lets it rest or cancels what is left.
    #[inline]
    pub(crate) fn trade<S: EventSink>(
        &mut self,
        mut order: Incoming,
        matching: bool,
        sink: &mut S,
    ) {
        let meets = matching && self.may_start(&order);
        let shown = order.is_shown();
        let first = if meets { self.counterparty(&order) } else { None };
        let quiet = order.replaces.filter(|_| shown && order.rests() && first.is_none());
        if let (Some(order_id), None) = (order.replaces, quiet) {
            sink.on_event(&Event::BookRemove(BookRemove { order_id, symbol: order.symbol }));
        }
        let mut next = first;
        while let Some(met) = next {
            if !self.meet(&mut order, &met, sink) {
                return;
            }
            next = if order.leaves > Qty::ZERO { self.counterparty(&order) } else { None };
        }
        if order.leaves == Qty::ZERO {
            return;
        }
        if order.rests() {
            self.rest(&order, quiet, sink);
        } else {
            self.cancel_rest(&order, sink);
        }
    }

    /// What an order would meet first.
    #[inline]
    pub(crate) fn counterparty(&self, order: &Incoming) -> Option<Counterparty> {
        let side = order.side();
        let limit = self.limit(order)?;
        let instrument = self.instruments.get(order.symbol);
        let main = self.first_in_main(order, side, limit);
        if instrument.pegs == 0 {
            return main;
        }
        let pegged = self.first_pegged(order, side, limit);
        match (main, pegged) {
            (Some(main), Some(pegged)) => Some(first_served(side, main, pegged)),
            (main, pegged) => main.or(pegged),
        }
    }

    /// How far an order may reach: its limit within the bands, and the midpoint if it follows that.
    pub(crate) fn limit(&self, order: &Incoming) -> Option<Price> {
        let instrument = self.instruments.get(order.symbol);
        let mut limit = order.price;
        if limit.is_market() && instrument.has_bands() {
            limit = match order.side() {
                Side::Buy => instrument.upper,
                Side::Sell => instrument.lower,
            };
        }
        if order.zone != Zone::Peg {
            return Some(limit);
        }
        let mid = self.midpoint(order.symbol)?;
        allows(order.side(), limit, mid).then_some(mid)
    }

    #[inline]
    fn first_in_main(&self, order: &Incoming, side: Side, limit: Price) -> Option<Counterparty> {
        let book = Zone::Main.book(order.symbol);
        // Most orders meet nobody: look at the price before the order, which may be far from cache.
        let best = self.book.best_price(book, side.opposite())?;
        if !allows(side, limit, unrank(side.opposite(), best).0) {
            return None;
        }
        let front = self.resting(self.book.front(book, side.opposite())?);
        if self.accepts(&front, order.leaves) {
            return Some(Counterparty { order: front, price: front.price });
        }
        let served = self.book.served(book, side.opposite());
        served
            .map(|(slot, view)| Resting::new(slot, view))
            .take_while(|resting| allows(side, limit, resting.price))
            .find(|resting| self.accepts(resting, order.leaves))
            .map(|resting| Counterparty { order: resting, price: resting.price })
    }

    pub(crate) fn same_firm(&self, one: Firm, other: Firm) -> bool {
        one == other && !one.is_blank() && self.config.self_match != SelfMatch::Trade
    }

    /// Two orders meet: they trade, or their firm is kept from trading with itself. Whether the
    /// incoming one goes on.
    #[inline]
    fn meet<S: EventSink>(
        &mut self,
        order: &mut Incoming,
        met: &Counterparty,
        sink: &mut S,
    ) -> bool {
        if self.same_firm(order.owner.firm, met.order.owner.firm) {
            return self.prevent(order, met, sink);
        }
        self.execute(order, met, sink);
        true
    }

    #[inline]
    fn execute<S: EventSink>(&mut self, order: &mut Incoming, met: &Counterparty, sink: &mut S) {
        let resting = &met.order;
        let qty = order.leaves.min(resting.qty);
        let match_id = self.take_match_id();
        order.leaves = Qty(order.leaves.0 - qty.0);
        order.owner.executed += qty.0;
        order.terms.min_qty = order.terms.min_qty.min(order.leaves);
        let liquidity = flags(order, resting);
        let print = if resting.shown { Print::Order } else { Print::Trade };
        let working = self.working(&order.owner, order.symbol, order.value);
        if let Some(ledger) = &mut self.ledger {
            ledger.release(&working, qty, order.leaves == Qty::ZERO);
        }
        let executed = Executed {
            resting: resting.owner.party(),
            aggressor: order.owner.party(),
            resting_side: resting.side,
            symbol: order.symbol,
            price: met.price,
            qty,
            match_id,
            liquidity,
            print: [print, Print::Quiet],
        };
        self.record(&executed, [party(resting, liquidity[0]), incoming(order, liquidity[1])]);
        sink.on_event(&Event::Executed(executed));
        self.fill(resting, qty, sink);
    }

    /// Keeps a trade for the ledger and for those who may want it undone.
    pub(crate) fn record(&mut self, e: &Executed, parties: [TradeParty; 2]) {
        let trade = Trade {
            match_id: e.match_id,
            price: e.price,
            qty: e.qty,
            symbol: e.symbol,
            side: e.resting_side,
            broken: false,
            parties,
        };
        if let Some(instrument) = self.instruments.get_mut(e.symbol) {
            instrument.last = e.price;
        }
        let (buyer, seller) = trade.accounts();
        if let Some(ledger) = &mut self.ledger {
            let Executed { symbol, price, qty, .. } = *e;
            ledger.settle(&crate::ledger::Fill { buyer, seller, symbol, price, qty });
        }
        self.trades.push(&trade);
    }

    pub(crate) fn take_match_id(&mut self) -> MatchId {
        let id = MatchId(self.next_match);
        self.next_match += 1;
        self.counters.matches += 1;
        id
    }

    /// Takes traded shares out of a resting order; what it has in reserve comes up, at the back of
    /// the queue and under a new number.
    pub(crate) fn fill<S: EventSink>(&mut self, resting: &Resting, qty: Qty, sink: &mut S) {
        let extra = self.extras.get(resting.owner.extra);
        let left = Qty(resting.qty.0 - qty.0);
        self.release(resting, qty, left == Qty::ZERO && extra.reserve == Qty::ZERO);
        if left > Qty::ZERO {
            self.book.reduce(resting.slot, qty);
            self.book.payload_mut(resting.slot).executed += qty.0;
            self.extras.cap_min_qty(resting.owner.extra, Qty(left.0 + extra.reserve.0));
        } else if extra.reserve == Qty::ZERO {
            self.book.remove(resting.slot);
            self.forget(resting);
        } else {
            self.refresh(resting, qty, sink);
        }
    }

    /// What it costs to be killed by one's own firm.
    #[cold]
    fn prevent<S: EventSink>(
        &mut self,
        order: &mut Incoming,
        met: &Counterparty,
        sink: &mut S,
    ) -> bool {
        let prevented = order.leaves.min(met.order.qty);
        self.counters.self_matches += u64::from(prevented.0);
        let mode = self.config.self_match;
        if matches!(mode, SelfMatch::CancelOldest | SelfMatch::Decrement) {
            let off =
                if mode == SelfMatch::Decrement { prevented } else { self.live_qty(&met.order) };
            self.take_off_by_firm(met, off, prevented, sink);
        }
        let off = match mode {
            SelfMatch::CancelOldest | SelfMatch::Trade => return true,
            SelfMatch::Decrement => prevented,
            SelfMatch::CancelNewest => order.leaves,
        };
        order.leaves = Qty(order.leaves.0 - off.0);
        order.terms.min_qty = order.terms.min_qty.min(order.leaves);
        let working = self.working(&order.owner, order.symbol, order.value);
        if let Some(ledger) = &mut self.ledger {
            ledger.release(&working, off, order.leaves == Qty::ZERO);
        }
        sink.on_event(&Event::Aiq(Aiq {
            party: order.owner.party(),
            symbol: order.symbol,
            qty: off,
            leaves: order.leaves,
            shown: Qty::ZERO,
            prevented,
            price: met.price,
            liquidity: b'R',
        }));
        order.leaves > Qty::ZERO
    }

    fn take_off_by_firm<S: EventSink>(
        &mut self,
        met: &Counterparty,
        off: Qty,
        prevented: Qty,
        sink: &mut S,
    ) {
        let (order, live) = (&met.order, self.live_qty(&met.order));
        let gone = off >= live;
        let leaves = Qty(live.0 - off.0);
        let shown = if order.shown { off.min(order.qty) } else { Qty::ZERO };
        self.release(order, off, gone);
        sink.on_event(&Event::Aiq(Aiq {
            party: order.owner.party(),
            symbol: order.symbol,
            qty: off,
            leaves,
            shown,
            prevented,
            price: met.price,
            liquidity: b'A',
        }));
        if gone {
            self.book.remove(order.slot);
            self.forget(order);
        } else if off < order.qty {
            self.book.reduce(order.slot, off);
            self.extras.cap_min_qty(order.owner.extra, leaves);
        } else {
            self.refresh(order, Qty::ZERO, sink);
        }
    }

    /// Puts what is left into the book. There is room: that was checked before anything happened,
    /// and matching has only made more.
    fn rest<S: EventSink>(&mut self, order: &Incoming, quiet: Option<OrderId>, sink: &mut S) {
        let Incoming { symbol, terms, zone, .. } = order;
        let mut owner = order.owner;
        let (qty, reserve) = displayed(terms, order.leaves);
        owner.extra = if needs_extra(terms) {
            self.extras.take(reserve, terms.max_floor, terms.min_qty, terms.expire_s)
        } else {
            NIL
        };
        let shown = order.is_shown();
        let at = rank(order.side(), order.price, shown);
        let inserted = self.book.insert(zone.book(*symbol), order.side(), at, qty, owner);
        debug_assert!(inserted.is_ok(), "room was checked");
        let Ok((slot, _)) = inserted else {
            self.extras.give(owner.extra);
            return self.cancel_rest(order, sink);
        };
        self.extras.put(owner.extra, slot);
        self.places.insert(owner.session, owner.user_ref, slot);
        self.clients.came(owner.session, owner.user_ref);
        if *zone == Zone::Peg
            && let Some(instrument) = self.instruments.get_mut(*symbol)
        {
            instrument.pegs += 1;
        }
        if shown {
            self.tell_rest(order, qty, quiet, sink);
        }
    }

    fn tell_rest<S: EventSink>(
        &self,
        order: &Incoming,
        qty: Qty,
        quiet: Option<OrderId>,
        sink: &mut S,
    ) {
        let Incoming { owner, symbol, price, .. } = *order;
        let new = owner.order_id;
        match quiet {
            Some(old) => {
                sink.on_event(&Event::BookReplace(BookReplace { old, new, symbol, qty, price }));
            }
            None => sink.on_event(&Event::BookAdd(BookAdd {
                order_id: new,
                side: order.side(),
                qty,
                symbol,
                price,
                firm: attribution(owner.display, owner.firm),
            })),
        }
    }

    /// Cancels what is left of an order that does not rest.
    pub(crate) fn cancel_rest<S: EventSink>(&mut self, order: &Incoming, sink: &mut S) {
        let reason = match order.terms.tif {
            TimeInForce::Ioc => CancelReason::ImmediateOrCancel,
            _ if order.price.is_market() => CancelReason::CannotBeExecuted,
            _ => CancelReason::SystemCancel,
        };
        let working = self.working(&order.owner, order.symbol, order.value);
        if let Some(ledger) = &mut self.ledger {
            ledger.release(&working, order.leaves, true);
        }
        self.tell_unrested(order, reason, sink);
    }

    fn tell_unrested<S: EventSink>(&self, order: &Incoming, reason: CancelReason, sink: &mut S) {
        sink.on_event(&Event::Canceled(Canceled {
            party: order.owner.party(),
            symbol: order.symbol,
            qty: order.leaves,
            leaves: Qty::ZERO,
            shown: Qty::ZERO,
            reason,
        }));
    }

    /// Keeps a post-only order from taking: it moves one tick short of what it would meet, or is
    /// canceled. Whether it lives.
    pub(crate) fn post<S: EventSink>(&mut self, order: &mut Incoming, sink: &mut S) -> bool {
        let Some(met) = self.counterparty(order) else { return true };
        let price = self.one_tick_short(order, met.price);
        match price.filter(|_| order.terms.post_only == PostOnly::Slide) {
            Some(price) if order.zone == Zone::Main && order.rests() => {
                order.price = price;
                let (qty, _) = displayed(&order.terms, order.leaves);
                sink.on_event(&Event::Restated(types::Restated {
                    party: order.owner.party(),
                    reason: b'P',
                    displayed: qty,
                    price,
                }));
                true
            }
            _ => {
                if let Some(order_id) = order.replaces {
                    let gone = BookRemove { order_id, symbol: order.symbol };
                    sink.on_event(&Event::BookRemove(gone));
                }
                let reason = if met.order.shown {
                    CancelReason::PostOnlyCancelContra
                } else {
                    CancelReason::PostOnlyCancel
                };
                self.tell_unrested(order, reason, sink);
                false
            }
        }
    }

    /// The next price of the grid that does not meet `price`.
    fn one_tick_short(&self, order: &Incoming, price: Price) -> Option<Price> {
        match order.side() {
            Side::Buy => self.instruments.below(order.symbol, price),
            Side::Sell => self.instruments.above(order.symbol, price),
        }
    }

    /// Whether orders of a symbol match now.
    pub(crate) fn is_matching(&self, symbol: types::SymbolId) -> bool {
        let instrument = self.instruments.get(symbol);
        instrument.matches() && instrument.state == TradingState::Trading
    }
}

/// Which of two an order meets first: the better price, then the older.
fn first_served(side: Side, one: Counterparty, other: Counterparty) -> Counterparty {
    let better = match side {
        Side::Buy => one.price < other.price,
        Side::Sell => one.price > other.price,
    };
    let older = one.price == other.price
        && (one.order.shown || one.order.owner.order_id < other.order.owner.order_id);
    if better || older { one } else { other }
}

/// OUCH's liquidity flags of a resting and an incoming order.
fn flags(order: &Incoming, resting: &Resting) -> [u8; 2] {
    let at_mid = order.zone == Zone::Peg || resting.zone == Zone::Peg;
    let adds = match resting.zone {
        Zone::Peg => b'k',
        _ if !resting.shown => b'J',
        _ => b'A',
    };
    [adds, if at_mid { b'm' } else { b'R' }]
}

/// The firm's name where the order is attributed.
pub(crate) fn attribution(display: Display, firm: Firm) -> Firm {
    if display == Display::Attributable { firm } else { Firm::BLANK }
}

pub(crate) fn party(order: &Resting, liquidity: u8) -> TradeParty {
    let o = &order.owner;
    TradeParty {
        session: o.session,
        account: o.account,
        user_ref: o.user_ref,
        cl_ord_id: o.cl_ord_id,
        liquidity,
    }
}

fn incoming(order: &Incoming, liquidity: u8) -> TradeParty {
    let o = &order.owner;
    TradeParty {
        session: o.session,
        account: o.account,
        user_ref: o.user_ref,
        cl_ord_id: o.cl_ord_id,
        liquidity,
    }
}
