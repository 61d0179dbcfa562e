//! What the venue says of orders; what it says of trades is in [`super::trades`].

use super::keep::Link;
use super::{Desk, DeskEvent};
use crate::OrderWire;
use crate::working::{Cancel, NOBODY, Order};
use algos::{OrderReport, What};
use risk::Ask;
use types::{OrderId, OrderSide, Price, Qty, RejectReason, Symbol, Ticker, TimeInForce, UserRef};
use wire::ouch::outbound::{
    OrderAccepted, OrderModified, OrderPriorityUpdate, OrderReplaced, Rejected,
};
use wire::ouch::{Appendage, Optional, outbound};

/// OUCH's state of an order that was taken and is over.
const DEAD: u8 = b'D';

/// The price of one that OUCH's eight bytes tell.
fn limit(raw: u64) -> Option<Price> {
    Price::from_wire(raw).ok()
}

impl Desk {
    /// Takes one sequenced OUCH message.
    #[inline]
    pub fn on_message<W: OrderWire>(
        &mut self,
        now_ns: u64,
        message: &[u8],
        wire: &mut W,
    ) -> Option<DeskEvent> {
        if self.repeats > 0 {
            self.repeats -= 1;
            self.counters.repeated += 1;
            return None;
        }
        self.next_seq = self.next_seq.saturating_add(1);
        if self.fresh {
            self.heard_ns = now_ns;
        }
        let event = self.hear(now_ns, message, wire);
        if self.gate.killed().is_some() && !self.kill_seen {
            self.see_kill();
            self.send_owed(now_ns, wire);
        }
        event
    }

    #[inline]
    fn hear<W: OrderWire>(
        &mut self,
        now_ns: u64,
        message: &[u8],
        wire: &mut W,
    ) -> Option<DeskEvent> {
        use outbound::Message as M;
        let Ok(message) = outbound::parse(message) else {
            self.counters.unreadable += 1;
            return None;
        };
        match message {
            M::OrderAccepted(m, _) => self.on_accepted(now_ns, m, wire),
            M::OrderExecuted(m, _) => self.on_executed(now_ns, m),
            M::OrderCanceled(m) => {
                let (qty, reason) = (m.quantity.get(), m.cancel_order_reason);
                self.on_canceled(now_ns, UserRef(m.user_ref_num.get()), Qty(qty), reason)
            }
            M::OrderReplaced(m, _) => self.on_replaced(now_ns, m, wire),
            M::Rejected(m) => self.on_rejected(now_ns, m, wire),
            other => self.hear_rare(now_ns, other),
        }
    }

    #[cold]
    fn hear_rare(&mut self, now_ns: u64, message: outbound::Message<'_>) -> Option<DeskEvent> {
        use outbound::Message as M;
        match message {
            M::AiqCanceled(m) => {
                let (qty, reason) = (m.decrement_shares.get(), m.order_cancel_reason);
                self.on_canceled(now_ns, UserRef(m.user_ref_num.get()), Qty(qty), reason)
            }
            M::BrokenTrade(m) => self.on_broken(now_ns, m),
            M::TradeCorrection(m) => self.on_corrected(now_ns, m),
            M::CancelPending(m) => {
                // It stays asked for.
                self.live_or_late(now_ns, UserRef(m.user_ref_num.get()));
                None
            }
            M::CancelReject(m) => {
                let user_ref = UserRef(m.user_ref_num.get());
                if self.live_or_late(now_ns, user_ref).is_some() {
                    self.orders.set_cancel(user_ref, Cancel::No);
                }
                None
            }
            M::OrderPriorityUpdate(m) => self.on_priority(now_ns, m),
            M::OrderModified(m) => self.on_modified(now_ns, m),
            M::OrderRestated(m, fields) => {
                self.on_restated(now_ns, UserRef(m.user_ref_num.get()), fields)
            }
            M::AccountQueryResponse(m) => {
                self.on_query_answer(now_ns, m.next_user_ref_num.get());
                None
            }
            // The day, and what an operator or a former process asked for on this session.
            _ => None,
        }
    }

    /// The live order of a number. Of one that has ended an answer may come late; one that never
    /// was is a contradiction.
    fn live_or_late(&mut self, now_ns: u64, user_ref: UserRef) -> Option<Order> {
        if let Some(order) = self.orders.get(user_ref) {
            return Some(*order);
        }
        self.late(now_ns, user_ref);
        None
    }

    fn late(&mut self, now_ns: u64, user_ref: UserRef) {
        if user_ref != NOBODY && user_ref.0 < self.orders.next() {
            self.counters.late += 1;
        } else {
            self.contradicted(now_ns);
        }
    }

    /// Tells an order as it is now; nothing of one in a symbol that is not ours.
    pub(super) fn told(&self, user_ref: UserRef, what: What) -> Option<DeskEvent> {
        let order = self.orders.known(user_ref).filter(|order| !order.is_foreign())?;
        Some(DeskEvent::Order(OrderReport { order: order.view(), what }))
    }

    fn on_accepted<W: OrderWire>(
        &mut self,
        now_ns: u64,
        m: &OrderAccepted,
        wire: &mut W,
    ) -> Option<DeskEvent> {
        let user_ref = UserRef(m.user_ref_num.get());
        let Some(order) = self.orders.get(user_ref).copied() else {
            let told = Told::of_accepted(m);
            return self.adopt(now_ns, &told);
        };
        if order.answered || order.replaces != NOBODY {
            self.contradicted(now_ns);
            return None;
        }
        self.orders.answered(user_ref);
        self.counters.accepted += 1;
        self.gate.on_accepted();
        wire.acknowledged(user_ref);
        let same = self.name_of(order.ticker) == Some(m.symbol)
            && m.side == order.side.letter()
            && m.quantity.get() == order.leaves.0;
        if !same {
            self.contradicted(now_ns);
        }
        let (reference, dead) = (m.order_reference_number.get(), m.order_state == DEAD);
        self.take_terms(now_ns, user_ref, m.quantity.get(), m.price.get(), reference);
        if dead {
            self.end(user_ref);
        }
        self.told(user_ref, What::Accepted)
    }

    /// Shares, price and number as the venue has them.
    fn take_terms(&mut self, now_ns: u64, user_ref: UserRef, qty: u32, price: u64, reference: u64) {
        let Some(order) = self.orders.get_mut(user_ref) else { return };
        order.reference = Some(OrderId(reference));
        let order = *order;
        self.resize(&order, Qty(qty));
        match limit(price) {
            Some(price) => self.reprice(user_ref, price),
            None => self.contradicted(now_ns),
        }
        if qty == 0 {
            self.end(user_ref);
        }
    }

    /// The venue has another number of shares than we have.
    fn resize(&mut self, order: &Order, qty: Qty) {
        let (ticker, side, was) = (order.ticker, order.side.side(), order.leaves);
        if qty < was {
            self.gate.release(ticker, side, Qty(was.0 - qty.0), order.price);
        } else if qty > was {
            // More shares, and no order more.
            self.gate.adopt(ticker, side, Qty(qty.0 - was.0), order.price);
            self.gate.on_done(ticker);
        }
        if let Some(order) = self.orders.get_mut(order.user_ref) {
            order.leaves = qty;
        }
    }

    fn reprice(&mut self, user_ref: UserRef, price: Price) {
        let Some(order) = self.orders.get(user_ref).copied() else { return };
        if order.price != price {
            let side = order.side.side();
            self.gate.on_repriced(order.ticker, side, order.leaves, order.price, price);
            self.orders.set_price(user_ref, price);
        }
    }

    fn name_of(&self, ticker: Ticker) -> Option<[u8; 8]> {
        self.names.get(usize::from(ticker.0)).map(|name| name.0)
    }

    fn ticker_of(&self, name: [u8; 8]) -> Option<Ticker> {
        let at = self.names.iter().position(|known| *known == Symbol(name))?;
        u16::try_from(at).ok().map(Ticker)
    }

    /// The venue tells of an order that we do not know: ours from before a restart, while the
    /// session is replayed; a contradiction at any other time. It is tracked either way.
    #[cold]
    fn adopt(&mut self, now_ns: u64, told: &Told) -> Option<DeskEvent> {
        let known = told.user_ref == NOBODY || told.user_ref.0 < self.orders.next();
        if known || self.link == Link::Up {
            self.contradicted(now_ns);
        }
        let (Some(side), Some(price)) = (OrderSide::from_letter(told.side), limit(told.price))
        else {
            self.contradicted(now_ns);
            return None;
        };
        let ticker = self.ticker_of(told.symbol).unwrap_or(Order::FOREIGN);
        let ask = Ask {
            ticker,
            side,
            qty: Qty(told.qty),
            price,
            tif: TimeInForce::from_letter(told.tif).unwrap_or_default(),
            post_only: matches!(told.display, b'P' | b'L'),
        };
        let order = Order {
            answered: true,
            executed: told.executed,
            reference: Some(OrderId(told.reference)),
            cancel: if self.kill_seen { Cancel::Owed } else { Cancel::No },
            ..Order::new(told.user_ref, &ask, now_ns)
        };
        if told.user_ref == NOBODY || !self.orders.insert(order) {
            self.contradicted(now_ns);
            return None;
        }
        self.gate.adopt(ticker, side.side(), ask.qty, price);
        if order.is_foreign() {
            self.counters.foreign += 1;
        } else {
            self.counters.recovered += 1;
        }
        if told.dead || told.qty == 0 {
            self.end(told.user_ref);
        }
        self.told(told.user_ref, What::Recovered)
    }

    fn on_replaced<W: OrderWire>(
        &mut self,
        now_ns: u64,
        m: &OrderReplaced,
        wire: &mut W,
    ) -> Option<DeskEvent> {
        let (orig, user_ref) = (UserRef(m.orig_user_ref_num.get()), UserRef(m.user_ref_num.get()));
        let old = self.orders.get(orig).copied();
        let new = self.orders.get(user_ref).copied();
        let (Some(old), Some(new)) = (old, new.filter(|new| new.replaces == orig)) else {
            return self.adopt_replacement(now_ns, old, m);
        };
        self.gate.on_replaced(&old.open());
        self.orders.end(orig);
        self.orders.answered(user_ref);
        if let Some(new) = self.orders.get_mut(user_ref) {
            new.replaces = NOBODY;
            new.executed = old.executed;
        }
        self.counters.replaced += 1;
        self.gate.on_accepted();
        wire.acknowledged(user_ref);
        let qty = m.quantity.get();
        // Fewer where some have traded; never more.
        if qty > new.leaves.0 || m.side != old.side.letter() {
            self.contradicted(now_ns);
        }
        self.take_terms(now_ns, user_ref, qty, m.price.get(), m.order_reference_number.get());
        if m.order_state == DEAD {
            self.end(user_ref);
        }
        self.told(user_ref, What::Replaced { old: orig })
    }

    /// A replacement that we do not know takes an order's place, whether we know that or not.
    #[cold]
    fn adopt_replacement(
        &mut self,
        now_ns: u64,
        old: Option<Order>,
        m: &OrderReplaced,
    ) -> Option<DeskEvent> {
        let user_ref = UserRef(m.user_ref_num.get());
        let mut told = Told::of_replaced(m);
        if self.orders.get(user_ref).is_some() {
            self.contradicted(now_ns);
            return None;
        }
        let Some(old) = old else { return self.adopt(now_ns, &told) };
        told.executed = old.executed;
        self.end(old.user_ref);
        let event = self.adopt(now_ns, &told)?;
        match event {
            DeskEvent::Order(OrderReport { order, .. }) => {
                let what = What::Replaced { old: old.user_ref };
                Some(DeskEvent::Order(OrderReport { order, what }))
            }
            other => Some(other),
        }
    }

    pub(super) fn on_canceled(
        &mut self,
        now_ns: u64,
        user_ref: UserRef,
        qty: Qty,
        reason: u8,
    ) -> Option<DeskEvent> {
        let Some(order) = self.orders.get(user_ref).copied() else {
            self.contradicted(now_ns);
            return None;
        };
        if !order.answered || qty > order.leaves || qty == Qty::ZERO {
            self.contradicted(now_ns);
        }
        let qty = qty.min(order.leaves);
        self.counters.canceled += 1;
        self.shrink(&order, Qty(order.leaves.0 - qty.0));
        self.told(user_ref, What::Canceled { qty, reason })
    }

    /// An order has fewer shares, none of which traded; its end if it has none.
    fn shrink(&mut self, order: &Order, leaves: Qty) {
        self.resize(order, leaves);
        if leaves == Qty::ZERO {
            self.end(order.user_ref);
        }
    }

    fn on_rejected<W: OrderWire>(
        &mut self,
        now_ns: u64,
        m: &Rejected,
        wire: &mut W,
    ) -> Option<DeskEvent> {
        let (user_ref, reason) = (UserRef(m.user_ref_num.get()), m.rejected_order_reason.get());
        let Some(order) = self.orders.get(user_ref).copied() else {
            if user_ref.0 >= self.orders.next() && self.link != Link::Up {
                // Of before a restart.
                self.orders.skip_to(user_ref.0.saturating_add(1));
            } else {
                self.late(now_ns, user_ref);
            }
            return None;
        };
        if order.answered {
            return self.on_cancel_rejected(now_ns, user_ref, reason);
        }
        self.orders.answered(user_ref);
        self.counters.rejected += 1;
        self.rejects.note(reason);
        self.gate.on_rejected(now_ns);
        wire.acknowledged(user_ref);
        if order.replaces != NOBODY {
            let old = self.void(&order)?;
            return self.told(old.user_ref, What::ReplaceFailed { new: user_ref, reason });
        }
        self.end(user_ref);
        self.told(user_ref, What::Rejected { reason })
    }

    /// A reject of an order that lives: of its cancel, or nonsense.
    #[cold]
    fn on_cancel_rejected(
        &mut self,
        now_ns: u64,
        user_ref: UserRef,
        reason: u16,
    ) -> Option<DeskEvent> {
        let of_cancel = [RejectReason::CancelPending, RejectReason::CancelNotAllowed];
        if of_cancel.iter().any(|r| u16::from(r.code()) == reason) {
            if reason == u16::from(RejectReason::CancelNotAllowed.code()) {
                self.orders.set_cancel(user_ref, Cancel::No);
            }
        } else {
            self.contradicted(now_ns);
        }
        None
    }

    fn on_priority(&mut self, now_ns: u64, m: &OrderPriorityUpdate) -> Option<DeskEvent> {
        let user_ref = UserRef(m.user_ref_num.get());
        self.live_or_late(now_ns, user_ref)?;
        if let Some(order) = self.orders.get_mut(user_ref) {
            order.reference = Some(OrderId(m.order_reference_number.get()));
        }
        match limit(m.price.get()) {
            Some(price) => self.reprice(user_ref, price),
            None => self.contradicted(now_ns),
        }
        self.counters.restated += 1;
        self.told(user_ref, What::Restated)
    }

    /// Its quantity counts what has executed, as a cancel's does.
    fn on_modified(&mut self, now_ns: u64, m: &OrderModified) -> Option<DeskEvent> {
        let user_ref = UserRef(m.user_ref_num.get());
        let order = self.live_or_late(now_ns, user_ref)?;
        let leaves = Qty(m.quantity.get().saturating_sub(order.executed.0));
        let side = OrderSide::from_letter(m.side).filter(|is| is.side() == order.side.side());
        if leaves > order.leaves || side.is_none() {
            self.contradicted(now_ns);
        }
        if let (Some(kept), Some(side)) = (self.orders.get_mut(user_ref), side) {
            kept.side = side;
        }
        self.counters.restated += 1;
        self.shrink(&order, leaves.min(order.leaves));
        self.told(user_ref, What::Restated)
    }

    fn on_restated(
        &mut self,
        now_ns: u64,
        user_ref: UserRef,
        fields: Appendage<'_>,
    ) -> Option<DeskEvent> {
        self.live_or_late(now_ns, user_ref)?;
        let number = fields.known().find_map(|field| match field {
            Optional::SecondaryOrdRefNum(number) => Some(OrderId(number)),
            _ => None,
        });
        if let (Some(order), Some(number)) = (self.orders.get_mut(user_ref), number) {
            order.reference = Some(number);
        }
        self.counters.restated += 1;
        self.told(user_ref, What::Restated)
    }
}

/// An order as the venue tells it.
struct Told {
    user_ref: UserRef,
    symbol: [u8; 8],
    side: u8,
    qty: u32,
    price: u64,
    tif: u8,
    display: u8,
    reference: u64,
    dead: bool,
    executed: Qty,
}

impl Told {
    fn of_accepted(m: &OrderAccepted) -> Told {
        Told {
            user_ref: UserRef(m.user_ref_num.get()),
            symbol: m.symbol,
            side: m.side,
            qty: m.quantity.get(),
            price: m.price.get(),
            tif: m.time_in_force,
            display: m.display,
            reference: m.order_reference_number.get(),
            dead: m.order_state == DEAD,
            executed: Qty::ZERO,
        }
    }

    fn of_replaced(m: &OrderReplaced) -> Told {
        Told {
            user_ref: UserRef(m.user_ref_num.get()),
            symbol: m.symbol,
            side: m.side,
            qty: m.quantity.get(),
            price: m.price.get(),
            tif: m.time_in_force,
            display: m.display,
            reference: m.order_reference_number.get(),
            dead: m.order_state == DEAD,
            executed: Qty::ZERO,
        }
    }
}
