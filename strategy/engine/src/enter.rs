//! New orders: what is checked before anything happens.

use crate::Engine;
use crate::engine::value_of;
use crate::order::{Incoming, Owner, Zone, rank, rests};
use types::{
    Accepted, CrossKind, Display, Enter, Event, EventSink, OrderSide, Peg, Phase, PostOnly, Price,
    Qty, RejectReason, Side, SymbolId, Terms, TimeInForce, TradingState,
};

impl Engine {
    pub(crate) fn enter<S: EventSink>(&mut self, c: &Enter, sink: &mut S) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        if !self.enter_plain(c, sink) {
            self.enter_any(c, sink);
        }
    }

    #[inline(never)]
    fn enter_any<S: EventSink>(&mut self, c: &Enter, sink: &mut S) {
        let mut order = match self.check_enter(c) {
            Ok(order) => order,
            Err(reason) => return self.reject(c.session, c.user_ref, reason, c.cl_ord_id, sink),
        };
        order.owner.order_id = self.take_order_id();
        self.tell_accepted(c, &order.owner, (order.symbol, order.price), sink);
        self.admit(order, sink);
    }

    #[inline]
    pub(crate) fn tell_accepted<S: EventSink>(
        &mut self,
        c: &Enter,
        owner: &Owner,
        (symbol, price): (SymbolId, Price),
        sink: &mut S,
    ) {
        self.counters.accepted += 1;
        sink.on_event(&Event::Accepted(Accepted {
            party: owner.party(),
            side: c.side,
            qty: c.qty,
            symbol,
            price,
            tif: c.terms.tif,
            display: owner.display,
            cross: c.cross,
        }));
    }

    fn check_enter(&mut self, c: &Enter) -> Result<Incoming, RejectReason> {
        if !self.clients.may_enter(c.session, c.firm) {
            return Err(RejectReason::FirmNotAuthorized);
        }
        let symbol = self.symbol_id(&c.symbol).ok_or(RejectReason::InvalidSymbol)?;
        let zone = self.check_zone(symbol, c.cross, &c.terms)?;
        self.check_qty(symbol, c.qty)?;
        let price = self.check_price(symbol, c.side, c.price, zone)?;
        if c.terms.max_floor > c.qty {
            return Err(RejectReason::InvalidMaxFloor);
        }
        let terms = self.check_terms(&c.terms, c.qty, zone)?;
        if self.instruments.get(symbol).state != TradingState::Trading
            && !rests(&terms, price, zone)
        {
            return Err(RejectReason::Halted);
        }
        let order = Incoming::entered(c, symbol, price, terms, zone);
        self.check_limits(&order)?;
        self.check_room(&order)?;
        Ok(order)
    }

    /// Whether the instrument takes such an order now, and in which of its books it belongs.
    fn check_zone(
        &self,
        symbol: SymbolId,
        cross: CrossKind,
        terms: &Terms,
    ) -> Result<Zone, RejectReason> {
        let instrument = self.instruments.get(symbol);
        let zone = Zone::for_cross(cross);
        let open = match cross {
            CrossKind::None => instrument.takes_orders(),
            CrossKind::Opening => matches!(instrument.phase, Phase::Start | Phase::PreOpen),
            CrossKind::Closing => instrument.phase < Phase::Closed,
            CrossKind::Halt => {
                instrument.takes_orders() && instrument.state != TradingState::Trading
            }
        };
        match cross {
            CrossKind::None if !open => Err(RejectReason::DestinationClosed),
            CrossKind::None if terms.peg == Peg::Midpoint => Ok(Zone::Peg),
            CrossKind::None => Ok(zone),
            _ if !open || terms.peg != Peg::None => Err(RejectReason::InvalidCrossOrder),
            _ => Ok(zone),
        }
    }

    fn check_qty(&self, symbol: SymbolId, qty: Qty) -> Result<(), RejectReason> {
        let ok = qty > Qty::ZERO && qty <= Qty::ORDER_MAX && self.instruments.lot_ok(symbol, qty.0);
        if ok { Ok(()) } else { Err(RejectReason::InvalidQuantity) }
    }

    /// The limit as it is taken: within the bands. An order that follows the midpoint may come
    /// without a limit, as price 0.
    pub(crate) fn check_price(
        &self,
        symbol: SymbolId,
        side: OrderSide,
        price: Price,
        zone: Zone,
    ) -> Result<Price, RejectReason> {
        if price.is_market() || (zone == Zone::Peg && price == Price(0)) {
            return Ok(Price::MARKET);
        }
        let ok = price > Price(0)
            && price <= Price::LIMIT_MAX
            && self.instruments.tick_ok(symbol, price);
        if !ok {
            return Err(RejectReason::InvalidPrice);
        }
        let instrument = self.instruments.get(symbol);
        Ok(match side.side() {
            _ if !instrument.has_bands() => price,
            Side::Buy => price.min(instrument.upper),
            Side::Sell => price.max(instrument.lower),
        })
    }

    /// The terms as they are taken. A minimum quantity and a price that follows the midpoint are
    /// kept off the tape: a shown order that may not be hit would stand in the way of everyone.
    pub(crate) fn check_terms(
        &self,
        terms: &Terms,
        qty: Qty,
        zone: Zone,
    ) -> Result<Terms, RejectReason> {
        let mut terms = *terms;
        let plain = terms.post_only == PostOnly::No
            && terms.min_qty == Qty::ZERO
            && terms.max_floor == Qty::ZERO
            && terms.tif != TimeInForce::Gtt;
        if !matches!(zone, Zone::Main | Zone::Peg) && !plain {
            return Err(RejectReason::InvalidCrossOrder);
        }
        if terms.min_qty > qty {
            return Err(RejectReason::InvalidMinQuantity);
        }
        if zone == Zone::Peg || (terms.min_qty > Qty::ZERO && terms.tif != TimeInForce::Ioc) {
            terms.display = Display::Hidden;
        }
        let unseen = terms.display == Display::Hidden || zone != Zone::Main;
        if terms.max_floor > Qty::ZERO && unseen {
            return Err(RejectReason::InvalidMaxFloor);
        }
        let in_time = terms.expire_s < crate::extras::DAY_S && terms.expire_s > self.second();
        if terms.tif == TimeInForce::Gtt && !in_time {
            return Err(RejectReason::Other);
        }
        if terms.tif != TimeInForce::Gtt {
            terms.expire_s = 0;
        }
        Ok(terms)
    }

    /// The venue's limits an account and a session.
    pub(crate) fn check_limits(&mut self, order: &Incoming) -> Result<(), RejectReason> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        let price = if order.price.is_market() { self.market_value(order) } else { order.price };
        let working = self.working(&order.owner, order.symbol, price);
        ledger.check(&working, order.leaves).map_err(|breach| {
            self.counters.limited += 1;
            breach.reject_reason()
        })
    }

    /// What a market order may cost: the other side's best price, else the last one.
    fn market_value(&self, order: &Incoming) -> Price {
        let top = self.top(order.symbol);
        let touch = match order.side() {
            Side::Buy => top.ask,
            Side::Sell => top.bid,
        };
        touch.map_or(self.instruments.get(order.symbol).cross_reference(), |level| level.price)
    }

    /// Room for what may have to rest.
    fn check_room(&mut self, order: &Incoming) -> Result<(), RejectReason> {
        if !order.rests() {
            return Ok(());
        }
        let Incoming { symbol, zone, terms, .. } = order;
        let extra = !needs_extra(terms) || self.extras.has_room();
        let at = rank(order.side(), order.price, order.is_shown());
        let room = self.book.has_room(zone.book(*symbol), order.side(), at);
        // A post-only order may have to rest at another price.
        let slides = terms.post_only == PostOnly::Slide && !self.book.has_spare_level();
        if room.is_err() || !extra || slides {
            self.counters.full += 1;
            return Err(RejectReason::ProcessingError);
        }
        Ok(())
    }

    /// Lets an accepted order into the market: against the book where it trades, else to its place
    /// for the next cross.
    pub(crate) fn admit<S: EventSink>(&mut self, mut order: Incoming, sink: &mut S) {
        let matching = self.instruments.get(order.symbol).matches()
            && matches!(order.zone, Zone::Main | Zone::Peg);
        if matching && order.terms.post_only != PostOnly::No && !self.post(&mut order, sink) {
            // The order it was to replace has left the book.
            return self.after_change(order.symbol, sink);
        }
        order.value = value_of(order.price);
        let working = self.working(&order.owner, order.symbol, order.value);
        if let Some(ledger) = &mut self.ledger {
            ledger.open(&working, order.leaves);
        }
        self.trade(order, matching, sink);
        self.after_change(order.symbol, sink);
    }

    /// Seconds since midnight.
    pub(crate) fn second(&self) -> u32 {
        u32::try_from(self.now_ns / 1_000_000_000).unwrap_or(u32::MAX)
    }
}

/// Whether an order that rests needs an entry among the conditional ones.
pub(crate) fn needs_extra(terms: &Terms) -> bool {
    terms.max_floor > Qty::ZERO || terms.min_qty > Qty::ZERO || terms.expire_s > 0
}

/// What of an order is put into the book, and what into its reserve.
pub(crate) fn displayed(terms: &Terms, leaves: Qty) -> (Qty, Qty) {
    if terms.max_floor == Qty::ZERO || terms.max_floor >= leaves {
        return (leaves, Qty::ZERO);
    }
    (terms.max_floor, Qty(leaves.0 - terms.max_floor.0))
}
