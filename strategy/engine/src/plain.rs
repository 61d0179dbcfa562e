//! Plain orders in a plain market: most commands, and nothing to look at but price and time.
//!
//! An order is plain when it has no minimum, reserve, expiry, peg, post-only or cross; a market is
//! plain when orders match as they come, within no bands and with no orders that follow the
//! midpoint. What is done here is what the other files do, less what then cannot apply; where
//! anything else turns up, a limit that is breached or a table that is full too, nothing is done
//! and they take over. Both ways give the same events and the same state: the tests hold every
//! command to a twin that knows of no short way.

use crate::Engine;
use crate::instruments::Instrument;
use crate::ledger::Working;
use crate::matching::attribution;
use crate::order::{Incoming, NIL, Owner, Resting, Zone, allows, rank, unrank};
use crate::places::Place;
use book::Slot;
use types::{
    BookAdd, BookReduce, BookRemove, BookReplace, CancelReason, Canceled, CrossKind, Enter, Event,
    EventSink, OrderId, Peg, PostOnly, Price, Qty, Replace, Side, SymbolId, Terms, TimeInForce,
};

#[inline]
fn is_plain(terms: &Terms) -> bool {
    terms.min_qty.0 | terms.max_floor.0 == 0
        && terms.post_only == PostOnly::No
        && terms.peg == Peg::None
        && terms.tif != TimeInForce::Gtt
}

impl Instrument {
    #[inline]
    fn is_plain(&self) -> bool {
        self.matches() && !self.has_bands() && self.pegs == 0
    }
}

impl Engine {
    /// Whether an order meets none at its price.
    #[inline(always)]
    pub(crate) fn meets_none(&self, symbol: SymbolId, side: Side, price: Price) -> bool {
        let other = side.opposite();
        let best = self.book.best_price(Zone::Main.book(symbol), other);
        best.is_none_or(|best| !allows(side, price, unrank(other, best).0))
    }

    #[inline]
    fn is_plain_limit(&self, symbol: SymbolId, price: Price, qty: Qty) -> bool {
        (1..=Qty::ORDER_MAX.0).contains(&qty.0)
            && (1..=Price::LIMIT_MAX.0).contains(&price.0)
            && self.instruments.lot_ok(symbol, qty.0)
            && self.instruments.tick_ok(symbol, price)
    }

    /// Enters an order if it is plain. `false`: nothing was done.
    #[inline]
    pub(crate) fn enter_plain<S: EventSink>(&mut self, c: &Enter, sink: &mut S) -> bool {
        let Some(symbol) = self.symbol_id(&c.symbol) else { return false };
        let plain = is_plain(&c.terms)
            && c.cross == CrossKind::None
            && self.instruments.get(symbol).is_plain()
            && self.clients.may_enter(c.session, c.firm)
            && self.is_plain_limit(symbol, c.price, c.qty)
            && self.book.next_slot().is_some()
            && self.book.has_spare_level();
        let side = c.side.side();
        let (account, session) = (c.account, c.session);
        let working = Working { account, session, symbol, side, price: c.price };
        let allowed = self.ledger.as_ref().is_none_or(|l| l.check(&working, c.qty).is_ok());
        if !plain || !allowed {
            return false;
        }
        let rests = c.terms.tif != TimeInForce::Ioc;
        if !rests || !self.meets_none(symbol, side, c.price) {
            self.enter_crossing(c, symbol, sink);
            return true;
        }
        let owner = Owner::entered(c, &c.terms, self.take_order_id());
        self.tell_accepted(c, &owner, (symbol, c.price), sink);
        if let Some(ledger) = &mut self.ledger {
            ledger.open(&working, c.qty);
        }
        self.put(&owner, (symbol, c.price, c.qty), sink);
        true
    }

    #[inline(never)]
    fn enter_crossing<S: EventSink>(&mut self, c: &Enter, symbol: SymbolId, sink: &mut S) {
        let terms = Terms { expire_s: 0, ..c.terms };
        let mut order = Incoming::entered(c, symbol, c.price, terms, Zone::Main);
        order.owner.order_id = self.take_order_id();
        self.tell_accepted(c, &order.owner, (symbol, c.price), sink);
        self.admit(order, sink);
    }

    /// Puts a plain order, for which there is room, into the book.
    #[inline]
    fn put<S: EventSink>(
        &mut self,
        owner: &Owner,
        (symbol, price, qty): (SymbolId, Price, Qty),
        sink: &mut S,
    ) {
        let shown = owner.display.is_shown();
        let (book, side) = (Zone::Main.book(symbol), owner.side.side());
        let inserted = self.book.insert(book, side, rank(side, price, shown), qty, *owner);
        debug_assert!(inserted.is_ok(), "room was checked");
        let Ok((slot, _)) = inserted else { return };
        self.places.insert(owner.session, owner.user_ref, slot);
        self.clients.came(owner.session, owner.user_ref);
        self.tell_put(owner, (symbol, price, qty), None, sink);
    }

    /// Tells the tape of an order that came to rest, perhaps in another's place.
    #[inline]
    fn tell_put<S: EventSink>(
        &mut self,
        owner: &Owner,
        (symbol, price, qty): (SymbolId, Price, Qty),
        replaces: Option<OrderId>,
        sink: &mut S,
    ) {
        let (new, side, shown) = (owner.order_id, owner.side.side(), owner.display.is_shown());
        match replaces {
            Some(old) if shown => {
                sink.on_event(&Event::BookReplace(BookReplace { old, new, symbol, qty, price }));
            }
            Some(old) => {
                sink.on_event(&Event::BookRemove(BookRemove { order_id: old, symbol }));
            }
            None if shown => {
                let (order_id, firm) = (new, attribution(owner.display, owner.firm));
                sink.on_event(&Event::BookAdd(BookAdd {
                    order_id,
                    side,
                    qty,
                    symbol,
                    price,
                    firm,
                }));
            }
            None => {}
        }
    }

    /// Replaces an order by another if both are plain. `false`: nothing was done.
    #[inline]
    pub(crate) fn replace_plain<S: EventSink>(
        &mut self,
        c: &Replace,
        place: Place,
        slot: Slot,
        sink: &mut S,
    ) -> bool {
        let live = self.resting(slot);
        let Resting { symbol, side, .. } = live;
        let leaves = Qty(c.qty.0.saturating_sub(live.owner.executed));
        let plain = is_plain(&c.terms)
            && c.terms.tif != TimeInForce::Ioc
            && live.owner.extra == NIL
            && live.zone == Zone::Main
            && self.instruments.get(symbol).is_plain()
            && self.clients.may_enter(c.session, live.owner.firm)
            && self.is_plain_limit(symbol, c.price, c.qty)
            && leaves > Qty::ZERO
            && self.ledger.is_none()
            && self.book.has_spare_level();
        if !plain || !self.meets_none(symbol, side, c.price) {
            return false;
        }
        let mut owner = live.owner.replaced(c, &c.terms);
        let alike = (owner.tif, owner.display) == (live.owner.tif, live.owner.display);
        let keeps = alike && c.price == live.price && leaves <= live.qty;
        if !keeps {
            owner.order_id = self.take_order_id();
        }
        self.places.remove_at(place);
        self.places.insert(c.session, c.user_ref, slot);
        *self.book.payload_mut(slot) = owner;
        self.tell_replaced(c.orig, &owner, (Zone::Main, symbol, c.price, leaves), sink);
        if keeps {
            self.reduce_plain(&live, Qty(live.qty.0 - leaves.0), sink);
            return true;
        }
        let shown = owner.display.is_shown();
        let shifted = self.book.shift(slot, rank(side, c.price, shown), leaves);
        debug_assert!(shifted.is_ok(), "room was checked");
        self.clients.swapped(c.session);
        let replaces = live.shown.then_some(live.owner.order_id);
        self.tell_put(&owner, (symbol, c.price, leaves), replaces, sink);
        true
    }

    /// Takes off some or none of an order's shares.
    #[inline]
    fn reduce_plain<S: EventSink>(&mut self, live: &Resting, qty: Qty, sink: &mut S) {
        if qty == Qty::ZERO {
            return;
        }
        self.book.reduce(live.slot, qty);
        if live.shown {
            let (order_id, symbol) = (live.owner.order_id, live.symbol);
            sink.on_event(&Event::BookReduce(BookReduce { order_id, symbol, qty }));
        }
    }

    /// Takes off all of an order that has no conditions.
    #[inline]
    pub(crate) fn cancel_plain<S: EventSink>(
        &mut self,
        place: Place,
        live: &Resting,
        sink: &mut S,
    ) {
        debug_assert!(live.owner.extra == NIL);
        let Resting { slot, symbol, qty, .. } = *live;
        self.release(live, qty, true);
        self.book.remove(slot);
        self.places.remove_at(place);
        self.clients.went(live.owner.session);
        if live.zone == Zone::Peg
            && let Some(instrument) = self.instruments.get_mut(symbol)
        {
            instrument.pegs -= 1;
        }
        sink.on_event(&Event::Canceled(Canceled {
            party: live.owner.party(),
            symbol,
            qty,
            leaves: Qty::ZERO,
            shown: if live.shown { qty } else { Qty::ZERO },
            reason: CancelReason::UserRequested,
        }));
        self.after_change(symbol, sink);
    }
}
