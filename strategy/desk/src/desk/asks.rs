//! What is asked of the venue: orders, replacements, cancels.

use super::Desk;
use super::keep::Link;
use crate::requests::{self, REQUEST_LEN_MAX};
use crate::working::{Cancel, Order};
use crate::{OrderWire, Refused, Step};
use risk::{Ask, Quote, Refusal};
use types::{OrderSide, Price, Qty, Side, TimeInForce, UserRef};
use wire::IntoBytes;

impl Desk {
    /// Asks for a new order: the number it was sent under. `at` is the market; our own orders are
    /// filled in here.
    ///
    /// # Errors
    /// The gate's reason; [`Refusal::NotConnected`] before reconciliation, without room on the
    /// wire, or after [`Desk::close_entry`]; [`Refusal::OpenOrders`] when no slot is free.
    #[inline]
    pub fn enter<W: OrderWire>(
        &mut self,
        now_ns: u64,
        ask: &Ask,
        at: Quote,
        wire: &mut W,
    ) -> Result<UserRef, Refusal> {
        wire.passed(Step::Strategy);
        let market = self.with_own(ask, at);
        let result = self.try_enter(now_ns, ask, &market, wire);
        if let Err(refusal) = result {
            let refused = Refused { at_ns: now_ns, refusal, ask: *ask, replaces: None, market };
            self.held_back(&refused, wire);
        }
        result
    }

    #[inline]
    fn try_enter<W: OrderWire>(
        &mut self,
        now_ns: u64,
        ask: &Ask,
        at: &Quote,
        wire: &mut W,
    ) -> Result<UserRef, Refusal> {
        let user_ref = self.way_out(now_ns, wire)?;
        self.gate.admit(now_ns, ask, at)?;
        wire.passed(Step::Gate);
        // The gate knows only symbols that have a name.
        let name = self.names[usize::from(ask.ticker.0)].0;
        let Ask { side, qty, price, tif, .. } = *ask;
        let mut message = requests::enter(user_ref.0, side, qty.0, name, price.0, tif);
        message.display = requests::display(ask.post_only);
        if !wire.send(now_ns, message.as_bytes()) {
            self.gate.release(ask.ticker, side.side(), qty, price);
            self.gate.on_done(ask.ticker);
            return Err(self.gate.refuse(now_ns, Refusal::NotConnected));
        }
        wire.entered(user_ref, ask.ticker);
        wire.passed(Step::Encode);
        self.orders.insert(Order::new(user_ref, ask, now_ns));
        self.counters.sent += 1;
        Ok(user_ref)
    }

    /// The number of what goes out next, if anything can.
    #[inline]
    fn way_out<W: OrderWire>(&mut self, now_ns: u64, wire: &W) -> Result<UserRef, Refusal> {
        if self.gate.killed().is_some() {
            return Err(self.gate.refuse(now_ns, Refusal::Killed));
        }
        if self.link != Link::Up || !self.entry_open || !wire.has_room(REQUEST_LEN_MAX) {
            return Err(self.gate.refuse(now_ns, Refusal::NotConnected));
        }
        match self.orders.next_ref() {
            Some(user_ref) => Ok(user_ref),
            None => Err(self.gate.refuse(now_ns, Refusal::OpenOrders)),
        }
    }

    #[inline]
    fn with_own(&self, ask: &Ask, at: Quote) -> Quote {
        let best = |side| self.orders.best(ask.ticker, side);
        Quote { own_bid: best(Side::Buy), own_ask: best(Side::Sell), ..at }
    }

    #[cold]
    fn held_back<W: OrderWire>(&mut self, refused: &Refused, wire: &mut W) {
        wire.refused(refused);
        self.see_kill();
        self.send_owed(refused.at_ns, wire);
    }

    /// Asks for an order to be replaced: `qty` shares that may still trade, at `price`. The number
    /// of the replacement, under which it lives if the venue agrees.
    ///
    /// # Errors
    /// As [`Desk::enter`]; [`Refusal::UnknownOrder`] for an order that is gone, or being replaced
    /// or canceled, or a replacement that the venue has not answered.
    pub fn replace<W: OrderWire>(
        &mut self,
        now_ns: u64,
        user_ref: UserRef,
        qty: Qty,
        price: Price,
        at: Quote,
        wire: &mut W,
    ) -> Result<UserRef, Refusal> {
        wire.passed(Step::Strategy);
        let known = self.orders.known(user_ref).copied();
        let ask = Ask {
            ticker: known.map_or(Order::FOREIGN, |old| old.ticker),
            side: known.map_or(OrderSide::Buy, |old| old.side),
            qty,
            price,
            tif: known.map_or(TimeInForce::Day, |old| old.tif),
            post_only: known.is_some_and(|old| old.post_only),
        };
        let market = self.with_own(&ask, at);
        let result = match known.filter(Order::may_be_replaced) {
            Some(old) => self.try_replace(now_ns, &old, &ask, &market, wire),
            None => Err(self.gate.refuse(now_ns, Refusal::UnknownOrder)),
        };
        if let Err(refusal) = result {
            let replaces = Some(user_ref);
            self.held_back(&Refused { at_ns: now_ns, refusal, ask, replaces, market }, wire);
        }
        result
    }

    fn try_replace<W: OrderWire>(
        &mut self,
        now_ns: u64,
        old: &Order,
        ask: &Ask,
        at: &Quote,
        wire: &mut W,
    ) -> Result<UserRef, Refusal> {
        let user_ref = self.way_out(now_ns, wire)?;
        let Ask { qty, price, .. } = *ask;
        // On the wire stands the chain's total, and that must be an order's too.
        let total = old.executed.0.saturating_add(qty.0);
        if total > Qty::ORDER_MAX.0 {
            return Err(self.gate.refuse(now_ns, Refusal::OrderQty));
        }
        self.gate.admit_replace(now_ns, &old.open(), qty, price, at)?;
        wire.passed(Step::Gate);
        let mut message = requests::replace(old.user_ref.0, user_ref.0, total, price.0);
        message.display = requests::display(old.post_only);
        message.time_in_force = old.tif.letter();
        if !wire.send(now_ns, message.as_bytes()) {
            self.gate.on_replace_failed(&old.open(), qty, price);
            return Err(self.gate.refuse(now_ns, Refusal::NotConnected));
        }
        wire.entered(user_ref, ask.ticker);
        wire.passed(Step::Encode);
        self.orders.insert(Order { replaces: old.user_ref, ..Order::new(user_ref, ask, now_ns) });
        if let Some(old) = self.orders.get_mut(old.user_ref) {
            old.replaced_by = user_ref;
        }
        self.counters.replaces_sent += 1;
        Ok(user_ref)
    }

    /// Asks for an order to be taken off, once; of an order that is being replaced, for both.
    /// `false` when it is unknown, gone or asked for, or when there is no room or no connection:
    /// then nothing was asked.
    pub fn cancel<W: OrderWire>(&mut self, now_ns: u64, user_ref: UserRef, wire: &mut W) -> bool {
        let Some(order) = self.orders.get(user_ref) else { return false };
        let new = order.replaced_by;
        if order.cancel == Cancel::Sent || !self.send_cancel(now_ns, user_ref, wire) {
            return false;
        }
        if self.orders.get(new).is_some_and(|new| new.cancel != Cancel::Sent) {
            self.orders.set_cancel(new, Cancel::Owed);
            self.send_cancel(now_ns, new, wire);
        }
        true
    }

    fn send_cancel<W: OrderWire>(&mut self, now_ns: u64, user_ref: UserRef, wire: &mut W) -> bool {
        let message = requests::cancel(user_ref.0, 0);
        if self.link == Link::Down
            || !wire.has_room(REQUEST_LEN_MAX)
            || !wire.send(now_ns, message.as_bytes())
        {
            return false;
        }
        if let Some(order) = self.orders.get_mut(user_ref) {
            order.cancel_ns = now_ns;
        }
        self.orders.set_cancel(user_ref, Cancel::Sent);
        self.gate.on_cancel_sent(now_ns);
        self.counters.cancels_sent += 1;
        true
    }

    /// Sends what cancels are owed, as far as there is room.
    #[inline]
    pub(super) fn send_owed<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        if self.orders.owed() > 0 && self.link != Link::Down {
            self.send_cancels(now_ns, wire);
        }
    }

    #[cold]
    fn send_cancels<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        let mut at = self.orders.oldest();
        while let Some(order) = at {
            let (user_ref, owed) = (order.user_ref, order.cancel == Cancel::Owed);
            if owed && !self.send_cancel(now_ns, user_ref, wire) {
                return;
            }
            at = self.orders.younger(user_ref);
        }
    }
}
