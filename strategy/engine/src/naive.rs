//! The engine's twin, written from the crate's documentation: one list of orders, everything
//! searched for in it, nothing indexed. It keeps no ledger, has room for everything, and a grid of
//! one 1/10000 dollar.

use crate::EngineConfig;
use types::{
    Accepted, Cancel, CancelReason, Canceled, ClOrdId, Command, CrossKind, Display, Enter, Event,
    Firm, MassCancel, MassCanceled, Modify, Nanos, Obstacle, OrderCapacity, OrderId, OrderSide,
    Party, Peg, Permit, Permitted, Phase, PostOnly, Price, Qty, RejectReason, Rejected, Replace,
    Replaced, SessionId, Side, SymbolId, Terms, TimeInForce, TradingState, UserRef,
};

mod day;
mod market;

/// An order, live or on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) party: Party,
    pub(crate) side: OrderSide,
    pub(crate) symbol: SymbolId,
    pub(crate) price: Price,
    /// Shares in the book.
    pub(crate) qty: u32,
    pub(crate) reserve: u32,
    pub(crate) executed: u32,
    pub(crate) terms: Terms,
    pub(crate) firm: Firm,
    pub(crate) cross: CrossKind,
    capacity: OrderCapacity,
    cl_ord_id: ClOrdId,
    /// When it came to rest, among those that expire.
    rested: u64,
    /// The shown order it takes the place of.
    replaces: Option<OrderId>,
}

impl Order {
    fn is(&self, session: SessionId, user_ref: UserRef) -> bool {
        (self.party.session, self.party.user_ref) == (session, user_ref)
    }

    pub(crate) fn live(&self) -> u32 {
        self.qty + self.reserve
    }

    fn follows(&self) -> bool {
        self.terms.peg == Peg::Midpoint
    }

    /// Whether it stands in the continuous book.
    fn is_plain(&self) -> bool {
        self.cross == CrossKind::None && !self.follows()
    }

    pub(crate) fn shown(&self) -> bool {
        self.is_plain() && self.terms.display.is_shown()
    }

    fn rests(&self) -> bool {
        self.terms.tif != TimeInForce::Ioc && !(self.price.is_market() && self.is_plain())
    }
}

#[derive(Clone, Copy, Debug)]
struct Instrument {
    id: SymbolId,
    phase: Phase,
    state: TradingState,
    reference: Price,
    last: Price,
    bands: Option<(Price, Price)>,
    limit_since: Option<u64>,
    resume_at: Option<u64>,
}

impl Instrument {
    fn matches(&self) -> bool {
        self.phase == Phase::Continuous && self.state == TradingState::Trading
    }

    fn takes_orders(&self) -> bool {
        matches!(self.phase, Phase::PreOpen | Phase::Continuous)
    }
}

/// A trade that can be broken.
#[derive(Clone, Copy, Debug)]
struct Trade {
    executed: types::Executed,
    cl_ord_ids: [ClOrdId; 2],
    broken: bool,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Naive {
    config: EngineConfig,
    pub(crate) orders: Vec<Order>,
    instruments: Vec<Instrument>,
    trades: Vec<Trade>,
    last_refs: Vec<u32>,
    off: Vec<(SessionId, Firm)>,
    orders_given: u64,
    matches_given: u64,
    rests: u64,
    now_ns: u64,
    events: Vec<Event>,
}

impl Naive {
    pub(crate) fn new(config: &EngineConfig) -> Naive {
        let phase = if config.opens_trading { Phase::Continuous } else { Phase::Start };
        let instrument = |i: &crate::InstrumentConfig| Instrument {
            id: i.id,
            phase,
            state: TradingState::Trading,
            reference: i.reference,
            last: Price(0),
            bands: None,
            limit_since: None,
            resume_at: None,
        };
        Naive {
            config: config.clone(),
            orders: Vec::new(),
            instruments: config.instruments.iter().map(instrument).collect(),
            trades: Vec::new(),
            last_refs: vec![0; usize::from(config.sessions)],
            off: Vec::new(),
            orders_given: 0,
            matches_given: 0,
            rests: 0,
            now_ns: 0,
            events: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, command: &Command, now: Nanos) -> Vec<Event> {
        self.now_ns = self.now_ns.max(now.0);
        self.pass_time();
        if command.session().is_none_or(|who| who.0 < self.config.sessions) {
            match command {
                Command::Enter(c) => self.enter(c),
                Command::Replace(c) => self.replace(c),
                Command::Cancel(c) => self.cancel(c),
                Command::Modify(c) => self.modify(c),
                Command::MassCancel(c) => self.mass_cancel(c),
                Command::Permit(c) => self.permit(c),
                Command::Refused(c) => {
                    if self.is_new(c.session, c.user_ref) {
                        self.reject(c.session, c.user_ref, c.reason, c.cl_ord_id);
                    }
                }
                Command::Operate(operation) => self.operate(operation),
            }
        }
        core::mem::take(&mut self.events)
    }

    fn is_new(&mut self, session: SessionId, user_ref: UserRef) -> bool {
        let last = &mut self.last_refs[usize::from(session.0)];
        let new = user_ref.0 > *last;
        *last = user_ref.0.max(*last);
        new
    }

    fn reject(&mut self, session: SessionId, user_ref: UserRef, reason: RejectReason, id: ClOrdId) {
        self.events.push(Event::Rejected(Rejected { session, user_ref, reason, cl_ord_id: id }));
    }

    fn instrument(&self, symbol: SymbolId) -> Instrument {
        *self.instruments.iter().find(|i| i.id == symbol).expect("it is listed")
    }

    fn instrument_mut(&mut self, symbol: SymbolId) -> &mut Instrument {
        self.instruments.iter_mut().find(|i| i.id == symbol).expect("it is listed")
    }

    fn find(&self, session: SessionId, user_ref: UserRef) -> Option<Order> {
        self.orders.iter().find(|o| o.is(session, user_ref)).copied()
    }

    /// A live order, by the venue's number.
    fn at(&mut self, id: OrderId) -> &mut Order {
        self.orders.iter_mut().find(|o| o.party.order_id == id).expect("it is live")
    }

    fn take_out(&mut self, id: OrderId) -> Order {
        let at = self.orders.iter().position(|o| o.party.order_id == id).expect("it is live");
        self.orders.remove(at)
    }

    fn next_order(&mut self) -> OrderId {
        self.orders_given += 1;
        OrderId(self.orders_given)
    }

    fn may_enter(&self, session: SessionId, firm: Firm) -> bool {
        !self.off.contains(&(session, firm)) && !self.off.contains(&(session, Firm::BLANK))
    }

    fn enter(&mut self, c: &Enter) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let mut order = match self.check_enter(c) {
            Ok(order) => order,
            Err(reason) => return self.reject(c.session, c.user_ref, reason, c.cl_ord_id),
        };
        order.party.order_id = self.next_order();
        self.events.push(Event::Accepted(Accepted {
            party: order.party,
            side: c.side,
            qty: c.qty,
            symbol: order.symbol,
            price: order.price,
            tif: c.terms.tif,
            display: order.terms.display,
            cross: c.cross,
        }));
        self.admit(order);
    }

    fn check_enter(&self, c: &Enter) -> Result<Order, RejectReason> {
        if !self.may_enter(c.session, c.firm) {
            return Err(RejectReason::FirmNotAuthorized);
        }
        let listed = self.config.instruments.iter().find(|i| i.name == c.symbol);
        let symbol = listed.ok_or(RejectReason::InvalidSymbol)?.id;
        let instrument = self.instrument(symbol);
        let open = match c.cross {
            CrossKind::None => instrument.takes_orders(),
            CrossKind::Opening => instrument.phase < Phase::Continuous,
            CrossKind::Closing => instrument.phase < Phase::Closed,
            CrossKind::Halt => {
                instrument.takes_orders() && instrument.state != TradingState::Trading
            }
        };
        match c.cross {
            CrossKind::None if !open => return Err(RejectReason::DestinationClosed),
            CrossKind::None => {}
            _ if !open || c.terms.peg != Peg::None => return Err(RejectReason::InvalidCrossOrder),
            _ => {}
        }
        if c.qty == Qty::ZERO || c.qty > Qty::ORDER_MAX {
            return Err(RejectReason::InvalidQuantity);
        }
        let follows = c.terms.peg == Peg::Midpoint;
        let price = self.check_price(symbol, c.side, c.price, follows)?;
        if c.terms.max_floor > c.qty {
            return Err(RejectReason::InvalidMaxFloor);
        }
        let terms = self.check_terms(&c.terms, c.qty.0, c.cross)?;
        let (session, user_ref, order_id) = (c.session, c.user_ref, OrderId(0));
        let order = Order {
            party: Party { session, user_ref, order_id },
            side: c.side,
            symbol,
            price,
            qty: c.qty.0,
            reserve: 0,
            executed: 0,
            terms,
            firm: c.firm,
            cross: c.cross,
            capacity: c.capacity,
            cl_ord_id: c.cl_ord_id,
            rested: 0,
            replaces: None,
        };
        if instrument.state != TradingState::Trading && !order.rests() {
            return Err(RejectReason::Halted);
        }
        Ok(order)
    }

    fn check_price(
        &self,
        symbol: SymbolId,
        side: OrderSide,
        price: Price,
        follows: bool,
    ) -> Result<Price, RejectReason> {
        if price.is_market() || (follows && price == Price(0)) {
            return Ok(Price::MARKET);
        }
        if price == Price(0) || price > Price::LIMIT_MAX {
            return Err(RejectReason::InvalidPrice);
        }
        Ok(match (self.instrument(symbol).bands, side.side()) {
            (None, _) => price,
            (Some((_, upper)), Side::Buy) => price.min(upper),
            (Some((lower, _)), Side::Sell) => price.max(lower),
        })
    }

    fn check_terms(&self, t: &Terms, qty: u32, cross: CrossKind) -> Result<Terms, RejectReason> {
        let mut t = *t;
        let plain = t.post_only == PostOnly::No && t.min_qty.0 == 0 && t.max_floor.0 == 0;
        if cross != CrossKind::None && (!plain || t.tif == TimeInForce::Gtt) {
            return Err(RejectReason::InvalidCrossOrder);
        }
        if t.min_qty.0 > qty {
            return Err(RejectReason::InvalidMinQuantity);
        }
        if t.peg == Peg::Midpoint || (t.min_qty.0 > 0 && t.tif != TimeInForce::Ioc) {
            t.display = Display::Hidden;
        }
        if t.max_floor.0 > 0 && t.display == Display::Hidden {
            return Err(RejectReason::InvalidMaxFloor);
        }
        match t.tif {
            TimeInForce::Gtt => {
                let second = self.now_ns / 1_000_000_000;
                if t.expire_s >= 86_400 || u64::from(t.expire_s) <= second {
                    return Err(RejectReason::Other);
                }
            }
            _ => t.expire_s = 0,
        }
        Ok(t)
    }

    fn replace(&mut self, c: &Replace) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let Some(old) = self.find(c.session, c.orig) else {
            let reason = RejectReason::ReplaceNotAllowed;
            return self.reject(c.session, c.user_ref, reason, c.cl_ord_id);
        };
        if c.qty.0 <= old.executed && c.qty <= Qty::ORDER_MAX {
            self.take_off(old.party.order_id, old.live(), CancelReason::UserRequested);
            return self.after_change(old.symbol);
        }
        let mut new = match self.check_replace(c, &old) {
            Ok(new) => new,
            Err(reason) => return self.reject(c.session, c.user_ref, reason, c.cl_ord_id),
        };
        let same = |t: &Terms| (t.tif, t.display, t.min_qty, t.max_floor, t.expire_s);
        let kept =
            new.price == old.price && new.qty <= old.live() && same(&new.terms) == same(&old.terms);
        if !kept {
            new.party.order_id = self.next_order();
        }
        self.events.push(Event::Replaced(Replaced {
            party: new.party,
            orig: c.orig,
            side: new.side,
            qty: Qty(new.qty),
            symbol: new.symbol,
            price: new.price,
            tif: new.terms.tif,
            display: new.terms.display,
            cross: new.cross,
            capacity: new.capacity,
        }));
        if kept {
            let order = self.at(old.party.order_id);
            order.party.user_ref = c.user_ref;
            order.cl_ord_id = c.cl_ord_id;
            self.shrink(old.party.order_id, old.live() - new.qty);
            return self.after_change(old.symbol);
        }
        self.take_out(old.party.order_id);
        self.admit(new);
    }

    fn check_replace(&self, c: &Replace, old: &Order) -> Result<Order, RejectReason> {
        let instrument = self.instrument(old.symbol);
        if !self.may_enter(c.session, old.firm) {
            return Err(RejectReason::FirmNotAuthorized);
        }
        if !instrument.takes_orders() && old.is_plain() {
            return Err(RejectReason::DestinationClosed);
        }
        if c.qty > Qty::ORDER_MAX {
            return Err(RejectReason::InvalidQuantity);
        }
        let price = self.check_price(old.symbol, old.side, c.price, old.follows())?;
        let qty = c.qty.0 - old.executed;
        let terms = Terms { peg: old.terms.peg, ..c.terms };
        let terms = self.check_terms(&terms, qty, old.cross)?;
        let order = Order {
            party: Party { user_ref: c.user_ref, ..old.party },
            price,
            qty,
            reserve: 0,
            terms,
            cl_ord_id: c.cl_ord_id,
            replaces: Some(old.party.order_id).filter(|_| old.shown()),
            ..*old
        };
        if !instrument.matches() && !order.rests() {
            return Err(RejectReason::Halted);
        }
        Ok(order)
    }

    fn cancel(&mut self, c: &Cancel) {
        let Some(order) = self.find(c.session, c.user_ref) else { return };
        let stays = c.qty.0.saturating_sub(order.executed).min(order.live());
        if stays < order.live() {
            let off = order.live() - stays;
            self.take_off(order.party.order_id, off, CancelReason::UserRequested);
            self.after_change(order.symbol);
        }
    }

    fn modify(&mut self, c: &Modify) {
        let Some(order) = self.find(c.session, c.user_ref) else { return };
        let stays = c.qty.0.saturating_sub(order.executed).min(order.live());
        if c.side.side() != order.side.side() || stays == 0 {
            return;
        }
        let id = order.party.order_id;
        self.at(id).side = c.side;
        let (qty, reduced) = (Qty(order.executed + stays), Qty(order.live() - stays));
        self.events.push(Event::Modified { party: order.party, side: c.side, qty, reduced });
        self.shrink(id, reduced.0);
        if reduced.0 > 0 {
            self.after_change(order.symbol);
        }
    }

    fn mass_cancel(&mut self, c: &MassCancel) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let listed = self.config.instruments.iter().find(|i| i.name == c.symbol).map(|i| i.id);
        let symbol = if c.symbol.0 == [b' '; 8] { Some(SymbolId(0)) } else { listed };
        let Some(symbol) = symbol else {
            let reason = RejectReason::InvalidSymbol;
            return self.reject(c.session, c.user_ref, reason, ClOrdId::default());
        };
        self.cancel_session(c.session, CancelReason::UserRequested, |o| {
            (c.firm.is_blank() || o.firm == c.firm) && (symbol.0 == 0 || o.symbol == symbol)
        });
        let MassCancel { session, user_ref, firm, .. } = *c;
        self.events.push(Event::MassCanceled(MassCanceled { session, user_ref, firm, symbol }));
    }

    fn cancel_session(
        &mut self,
        who: SessionId,
        reason: CancelReason,
        meant: impl Fn(&Order) -> bool,
    ) {
        let theirs = self.orders.iter().filter(|o| o.party.session == who && meant(o));
        let mut refs: Vec<UserRef> = theirs.map(|o| o.party.user_ref).collect();
        refs.sort();
        for user_ref in refs {
            if let Some(order) = self.find(who, user_ref) {
                self.take_off(order.party.order_id, order.live(), reason);
                self.after_change(order.symbol);
            }
        }
    }

    fn permit(&mut self, c: &Permit) {
        if !self.is_new(c.session, c.user_ref) {
            return;
        }
        let Permit { session, user_ref, firm, enable } = *c;
        let all = firm.is_blank() && enable;
        self.off.retain(|(who, f)| *who != session || (*f != firm && !all));
        if !enable {
            self.off.push((session, firm));
        }
        let permitted = Permitted { session, user_ref, firm, enabled: enable };
        self.events.push(Event::Permitted(permitted));
    }

    /// Takes shares off, from the reserve first.
    fn take_off(&mut self, id: OrderId, off: u32, reason: CancelReason) {
        let order = *self.at(id);
        let leaves = order.live() - off;
        let seen = if leaves == 0 { order.qty } else { off.saturating_sub(order.reserve) };
        self.lower(id, off);
        self.events.push(Event::Canceled(Canceled {
            party: order.party,
            symbol: order.symbol,
            qty: Qty(off),
            leaves: Qty(leaves),
            shown: Qty(if order.shown() { seen } else { 0 }),
            reason,
        }));
    }

    /// Takes shares off that are not all; the tape hears of what it saw.
    fn shrink(&mut self, id: OrderId, off: u32) {
        let order = *self.at(id);
        let seen = off.saturating_sub(order.reserve);
        self.lower(id, off);
        if seen > 0 && order.shown() {
            self.events.push(Event::BookReduce(types::BookReduce {
                order_id: id,
                symbol: order.symbol,
                qty: Qty(seen),
            }));
        }
    }

    fn lower(&mut self, id: OrderId, off: u32) {
        let order = self.at(id);
        let unseen = off.min(order.reserve);
        order.reserve -= unseen;
        order.qty -= off - unseen;
        order.terms.min_qty = order.terms.min_qty.min(Qty(order.live()));
        if order.live() == 0 {
            self.take_out(id);
        }
    }

    fn obstacle(&mut self, obstacle: Obstacle) {
        self.events.push(Event::Obstacle(obstacle));
    }
}
