//! Changes to orders that rest: replaced, reduced, refreshed, taken off.

use crate::Engine;
use crate::enter::needs_extra;
use crate::matching::attribution;
use crate::order::{Incoming, NIL, Owner, Resting, Zone, rank};
use book::{BookId, Slot};
use types::{
    BookAdd, BookReduce, Cancel, CancelReason, Canceled, CrossKind, Event, EventSink, MassCancel,
    MassCanceled, Modify, Permit, Permitted, Price, Qty, RejectReason, Replace, Replaced, Restated,
    SessionId, Side, SymbolId, Terms, UserRef,
};

/// How many numbers are tried one by one for a session's live orders, however few orders fit.
const NUMBERS_TRIED: u32 = 1 << 16;

impl Engine {
    pub(crate) fn replace<S: EventSink>(&mut self, c: &Replace, sink: &mut S) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let Some((place, slot)) = self.find(c.session, c.orig) else {
            let reason = RejectReason::ReplaceNotAllowed;
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink);
        };
        if !self.replace_plain(c, place, slot, sink) {
            self.replace_any(c, slot, sink);
        }
    }

    #[inline(never)]
    fn replace_any<S: EventSink>(&mut self, c: &Replace, slot: Slot, sink: &mut S) {
        let live = self.resting(slot);
        let leaves = Qty(c.qty.0.saturating_sub(live.owner.executed));
        if leaves == Qty::ZERO && c.qty <= Qty::ORDER_MAX {
            let all = self.live_qty(&live);
            self.take_off(&live, all, CancelReason::UserRequested, sink);
            return self.after_change(live.symbol, sink);
        }
        let checked = self.check_replace(c, &live, leaves);
        let order = match checked {
            Ok(order) => order,
            Err(reason) => return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink),
        };
        if self.keeps_priority(&order, &live) {
            self.replace_in_place(c, &order, &live, sink);
            return self.after_change(live.symbol, sink);
        }
        if self.has_room_instead(&order, &live) {
            self.replace_anew(c, order, &live, sink);
        } else {
            self.counters.full += 1;
            let reason = RejectReason::ProcessingError;
            self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink);
        }
    }

    /// The replacement as it would come in. The old order's shares are not held against its limits.
    fn check_replace(
        &mut self,
        c: &Replace,
        live: &Resting,
        leaves: Qty,
    ) -> Result<Incoming, RejectReason> {
        if !self.clients.may_enter(c.session, live.owner.firm) {
            return Err(RejectReason::FirmNotAuthorized);
        }
        let instrument = self.instruments.get(live.symbol);
        if !instrument.takes_orders() && live.zone == Zone::Main {
            return Err(RejectReason::DestinationClosed);
        }
        if c.qty > Qty::ORDER_MAX || !self.instruments.lot_ok(live.symbol, c.qty.0) {
            return Err(RejectReason::InvalidQuantity);
        }
        let price = self.check_price(live.symbol, live.owner.side, c.price, live.zone)?;
        let terms = self.check_terms(&c.terms, leaves, live.zone)?;
        let order = Incoming::replacing(c, live, price, leaves, terms);
        if !instrument.matches() && !order.rests() {
            return Err(RejectReason::Halted);
        }
        self.check_limits_instead(&order, live)?;
        Ok(order)
    }

    fn check_limits_instead(
        &mut self,
        order: &Incoming,
        live: &Resting,
    ) -> Result<(), RejectReason> {
        if self.ledger.is_none() {
            return Ok(());
        }
        let all = self.live_qty(live);
        self.release(live, all, true);
        let verdict = self.check_limits(order);
        let working = self.working(&live.owner, live.symbol, live.value());
        if let Some(ledger) = &mut self.ledger {
            ledger.open(&working, all);
        }
        verdict
    }

    /// OUCH 5.0: priority is kept when price and terms are the same and no share is added.
    fn keeps_priority(&self, order: &Incoming, live: &Resting) -> bool {
        let extra = self.extras.get(live.owner.extra);
        let Terms { tif, display, min_qty, max_floor, expire_s, .. } = order.terms;
        order.price == live.price
            && order.leaves <= self.live_qty(live)
            && (tif, display) == (live.owner.tif, live.owner.display)
            && (min_qty, max_floor, expire_s) == (extra.min_qty, extra.max_floor, extra.expire_s)
    }

    fn has_room_instead(&self, order: &Incoming, live: &Resting) -> bool {
        if !order.rests() {
            return true;
        }
        let extra = !needs_extra(&order.terms) || live.owner.extra != NIL || self.extras.has_room();
        let at = rank(order.side(), order.price, order.is_shown());
        let slides = order.terms.post_only == types::PostOnly::Slide;
        extra
            && self.book.has_room_instead(live.slot, at).is_ok()
            && (!slides || self.book.has_spare_level())
    }

    /// The order stays where it stands, under a new client number.
    fn replace_in_place<S: EventSink>(
        &mut self,
        c: &Replace,
        order: &Incoming,
        live: &Resting,
        sink: &mut S,
    ) {
        self.places.remove(c.session, c.orig, live.slot);
        self.places.insert(c.session, c.user_ref, live.slot);
        let owner = order.owner;
        *self.book.payload_mut(live.slot) = owner;
        let Incoming { symbol, price, leaves, zone, .. } = *order;
        self.tell_replaced(c.orig, &owner, (zone, symbol, price, leaves), sink);
        let off = Qty(self.live_qty(live).0 - order.leaves.0);
        self.shrink(&Resting { owner, ..*live }, off, sink);
    }

    /// Takes shares off that are not all: from the reserve first. The tape hears of what it saw.
    fn shrink<S: EventSink>(&mut self, live: &Resting, off: Qty, sink: &mut S) -> Qty {
        let reserve = self.extras.get(live.owner.extra).reserve;
        let unseen = off.min(reserve);
        if unseen > Qty::ZERO {
            self.extras.set_reserve(live.owner.extra, Qty(reserve.0 - unseen.0));
        }
        let seen = Qty(off.0 - unseen.0);
        self.release(live, off, false);
        self.extras.cap_min_qty(live.owner.extra, Qty(live.qty.0 + reserve.0 - off.0));
        if seen == Qty::ZERO {
            return Qty::ZERO;
        }
        self.book.reduce(live.slot, seen);
        if !live.shown {
            return Qty::ZERO;
        }
        sink.on_event(&Event::BookReduce(BookReduce {
            order_id: live.owner.order_id,
            symbol: live.symbol,
            qty: seen,
        }));
        seen
    }

    /// The old order leaves, the new one comes in as if entered, under a new number.
    fn replace_anew<S: EventSink>(
        &mut self,
        c: &Replace,
        mut order: Incoming,
        live: &Resting,
        sink: &mut S,
    ) {
        let all = self.live_qty(live);
        self.release(live, all, true);
        self.book.remove(live.slot);
        self.forget(live);
        order.owner.order_id = self.take_order_id();
        order.owner.extra = NIL;
        let Incoming { symbol, price, leaves, zone, .. } = order;
        self.tell_replaced(c.orig, &order.owner, (zone, symbol, price, leaves), sink);
        self.admit(order, sink);
    }

    #[inline]
    pub(crate) fn tell_replaced<S: EventSink>(
        &mut self,
        orig: UserRef,
        owner: &Owner,
        (zone, symbol, price, qty): (Zone, SymbolId, Price, Qty),
        sink: &mut S,
    ) {
        self.counters.accepted += 1;
        sink.on_event(&Event::Replaced(Replaced {
            party: owner.party(),
            orig,
            side: owner.side,
            qty,
            symbol,
            price,
            tif: owner.tif,
            display: owner.display,
            cross: cross_of(zone),
            capacity: owner.capacity,
        }));
    }

    pub(crate) fn cancel<S: EventSink>(&mut self, c: &Cancel, sink: &mut S) {
        let Some((place, slot)) = self.find(c.session, c.user_ref) else {
            self.counters.superfluous += 1;
            return;
        };
        if c.qty == Qty::ZERO && self.book.carried(slot).extra == NIL {
            self.cancel_plain(place, &self.resting(slot), sink);
        } else {
            self.cancel_some(c, slot, sink);
        }
    }

    #[inline(never)]
    fn cancel_some<S: EventSink>(&mut self, c: &Cancel, slot: Slot, sink: &mut S) {
        let live = self.resting(slot);
        let all = self.live_qty(&live);
        let stays = c.qty.0.saturating_sub(live.owner.executed).min(all.0);
        let off = Qty(all.0 - stays);
        if off == Qty::ZERO {
            self.counters.superfluous += 1;
            return;
        }
        self.take_off(&live, off, CancelReason::UserRequested, sink);
        self.after_change(live.symbol, sink);
    }

    pub(crate) fn modify<S: EventSink>(&mut self, c: &Modify, sink: &mut S) {
        let slot = self.slot(c.session, c.user_ref);
        let Some(live) = slot.map(|slot| self.resting(slot)) else {
            self.counters.superfluous += 1;
            return;
        };
        let all = self.live_qty(&live);
        let stays = c.qty.0.saturating_sub(live.owner.executed).min(all.0);
        // OUCH 5.0: a modification may change the kind of sale, never the side of the book, and may
        // take shares off but not all.
        if c.side.side() != live.side || stays == 0 {
            self.counters.superfluous += 1;
            return;
        }
        let reduced = Qty(all.0 - stays);
        self.book.payload_mut(live.slot).side = c.side;
        let party = live.owner.party();
        let qty = Qty(live.owner.executed.saturating_add(stays));
        sink.on_event(&Event::Modified { party, side: c.side, qty, reduced });
        if reduced > Qty::ZERO {
            self.shrink(&live, reduced, sink);
            // Fewer shares can mean a lower minimum.
            self.after_change(live.symbol, sink);
        }
    }

    /// Takes shares off a resting order.
    pub(crate) fn take_off<S: EventSink>(
        &mut self,
        live: &Resting,
        off: Qty,
        reason: CancelReason,
        sink: &mut S,
    ) {
        let all = self.live_qty(live);
        let leaves = Qty(all.0.saturating_sub(off.0));
        let reserve = self.extras.get(live.owner.extra).reserve;
        let seen = Qty(off.0.saturating_sub(reserve.0)).min(live.qty);
        let gone = leaves == Qty::ZERO;
        let shown = match live.shown {
            true if gone => live.qty,
            true => seen,
            false => Qty::ZERO,
        };
        self.release(live, off, gone);
        if gone {
            self.book.remove(live.slot);
            self.forget(live);
        } else {
            self.extras.set_reserve(live.owner.extra, Qty(reserve.0.saturating_sub(off.0)));
            self.extras.cap_min_qty(live.owner.extra, leaves);
            if seen > Qty::ZERO {
                self.book.reduce(live.slot, seen);
            }
        }
        sink.on_event(&Event::Canceled(Canceled {
            party: live.owner.party(),
            symbol: live.symbol,
            qty: off,
            leaves,
            shown,
            reason,
        }));
    }

    /// The shown part of a reserve order is gone: the next part comes up at the back of the queue,
    /// under a new number, `traded` shares later.
    pub(crate) fn refresh<S: EventSink>(&mut self, live: &Resting, traded: Qty, sink: &mut S) {
        let extra = self.extras.get(live.owner.extra);
        let qty = extra.reserve.min(extra.max_floor);
        self.extras.set_reserve(live.owner.extra, Qty(extra.reserve.0 - qty.0));
        self.book.remove(live.slot);
        let mut owner = live.owner;
        owner.executed += traded.0;
        owner.order_id = self.take_order_id();
        let at = rank(live.side, live.price, live.shown);
        // The order just left the same level: its place and a level are free.
        let Ok((slot, _)) =
            self.book.insert(live.zone.book(live.symbol), live.side, at, qty, owner)
        else {
            debug_assert!(false, "the order's own place is free");
            return self.forget(live);
        };
        self.extras.put(owner.extra, slot);
        self.places.remove(owner.session, owner.user_ref, live.slot);
        self.places.insert(owner.session, owner.user_ref, slot);
        sink.on_event(&Event::Restated(Restated {
            party: owner.party(),
            reason: b'R',
            displayed: qty,
            price: live.price,
        }));
        if live.shown {
            sink.on_event(&Event::BookAdd(BookAdd {
                order_id: owner.order_id,
                side: live.side,
                qty,
                symbol: live.symbol,
                price: live.price,
                firm: attribution(owner.display, owner.firm),
            }));
        }
    }

    pub(crate) fn mass_cancel<S: EventSink>(&mut self, c: &MassCancel, sink: &mut S) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let blank = c.symbol.0 == [b' '; 8];
        let symbol = if blank { Some(SymbolId(0)) } else { self.symbol_id(&c.symbol) };
        let Some(symbol) = symbol else {
            let (reason, text) = (RejectReason::InvalidSymbol, types::ClOrdId::default());
            return self.reject(c.session, c.user_ref, reason, text, sink);
        };
        self.cancel_session(c.session, CancelReason::UserRequested, sink, |live| {
            (c.firm.is_blank() || live.owner.firm == c.firm)
                && (symbol.0 == 0 || live.symbol == symbol)
        });
        let MassCancel { session, user_ref, firm, .. } = *c;
        sink.on_event(&Event::MassCanceled(MassCanceled { session, user_ref, firm, symbol }));
    }

    /// Takes off all of a session's orders that are meant, the oldest number first.
    pub(crate) fn cancel_session<S: EventSink>(
        &mut self,
        who: SessionId,
        reason: CancelReason,
        sink: &mut S,
        meant: impl Fn(&Resting) -> bool,
    ) {
        let last = self.clients.get(who).last;
        let mut numbers = core::mem::take(&mut self.numbers);
        numbers.clear();
        self.list_session(who, &mut numbers);
        let mut first = None;
        for at in &numbers {
            // What was canceled before it may have let it trade.
            let Some(slot) = self.slot(who, UserRef(*at)) else { continue };
            let live = self.resting(slot);
            if meant(&live) {
                let all = self.live_qty(&live);
                self.take_off(&live, all, reason, sink);
                self.after_change(live.symbol, sink);
            } else {
                first.get_or_insert(*at);
            }
        }
        self.numbers = numbers;
        self.clients.raise_floor(who, UserRef(first.unwrap_or(last.0)));
    }

    /// Numbers of a session's live orders, the lowest first. Clients choose their numbers: where
    /// they lie too far apart to be tried one by one, all orders are looked at instead.
    fn list_session(&self, who: SessionId, numbers: &mut Vec<u32>) {
        let client = self.clients.get(who);
        let live = client.live as usize;
        if client.last.0.saturating_sub(client.floor.0) <= self.config.orders.max(NUMBERS_TRIED) {
            let tried = client.floor.0..=client.last.0;
            let found = tried.filter(|at| self.slot(who, UserRef(*at)).is_some());
            return numbers.extend(found.take(live));
        }
        let books = (0..self.book.books()).map(BookId);
        let sides = books.flat_map(|book| [(book, Side::Buy), (book, Side::Sell)]);
        let orders = sides.flat_map(|(book, side)| self.book.served(book, side));
        let theirs = orders.map(|(_, order)| order.payload).filter(|o| o.session == who);
        numbers.extend(theirs.map(|o| o.user_ref.0).take(live));
        numbers.sort_unstable();
    }

    pub(crate) fn permit<S: EventSink>(&mut self, c: &Permit, sink: &mut S) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let Permit { session, user_ref, firm, enable } = *c;
        self.clients.permit(session, firm, enable);
        sink.on_event(&Event::Permitted(Permitted { session, user_ref, firm, enabled: enable }));
    }

    /// What a change of a book brings about: pegged orders follow, a band may be reached.
    #[inline]
    pub(crate) fn after_change<S: EventSink>(&mut self, symbol: SymbolId, sink: &mut S) {
        let instrument = self.instruments.get(symbol);
        let (has_pegs, has_bands) = (instrument.pegs > 0, instrument.has_bands());
        if has_pegs {
            self.follow_midpoint(symbol, sink);
        }
        if has_bands {
            self.watch_bands(symbol);
        }
    }

    /// Takes off an order that is done for a reason of the venue's.
    pub(crate) fn expel<S: EventSink>(&mut self, slot: Slot, reason: CancelReason, sink: &mut S) {
        let live = self.resting(slot);
        let all = self.live_qty(&live);
        self.take_off(&live, all, reason, sink);
    }
}

pub(crate) fn cross_of(zone: Zone) -> CrossKind {
    match zone {
        Zone::Main | Zone::Peg => CrossKind::None,
        Zone::Opening => CrossKind::Opening,
        Zone::Closing => CrossKind::Closing,
        Zone::Halt => CrossKind::Halt,
    }
}
