//! What we say to the simulated venue.
//!
//! Answers are our own venue's: a cancel of an order that is gone has none, a replacement of one is
//! rejected, a number that was used is ignored. An order that is accepted and then cannot be is
//! canceled with OUCH's letter: `G` post-only that would take, `Q` that would meet one of ours, `I`
//! what is left of one that is not to rest. Hidden, pegged, reserve and minimum-quantity orders are
//! rejected: nothing in a feed tells how they would have fared.

use super::{GHOSTS_MAX, Venue, place};
use crate::answers::{self, Filled, Sink};
use crate::ghosts::{Ghost, Terms, better};
use types::{CancelReason, OrderSide, Price, Qty, RejectReason, Side, Symbol, Ticker, TimeInForce};
use wire::IntoBytes;
use wire::ouch::appendage::{Appendage, Optional};
use wire::ouch::inbound::{self, EnterOrder, Message, ReplaceOrder};

impl Venue {
    /// Takes one message of ours.
    pub(crate) fn on_ouch<S: Sink>(&mut self, now_ns: u64, bytes: &[u8], sink: &mut S) {
        match inbound::parse(bytes) {
            Ok(Message::EnterOrder(m, optional)) => self.enter(now_ns, m, optional, sink),
            Ok(Message::ReplaceOrder(m, optional)) => self.exchange(now_ns, m, optional, sink),
            Ok(Message::CancelOrder(m, _)) => {
                self.cancel(now_ns, m.user_ref_num.get(), m.quantity.get(), sink);
            }
            Ok(Message::AccountQuery(..)) => {
                self.counts.queries += 1;
                answers::account(now_ns, self.last_user_ref.saturating_add(1), sink);
            }
            _ => self.counts.not_understood += 1,
        }
    }

    /// Whether a number was not used before; it is from now on.
    fn is_new(&mut self, user_ref: u32) -> bool {
        let is_new = user_ref > self.last_user_ref;
        if is_new {
            self.last_user_ref = user_ref;
        } else {
            self.counts.repeated += 1;
        }
        is_new
    }

    fn enter<S: Sink>(
        &mut self,
        now_ns: u64,
        m: &EnterOrder,
        optional: Appendage<'_>,
        sink: &mut S,
    ) {
        let user_ref = m.user_ref_num.get();
        if !self.is_new(user_ref) {
            return;
        }
        self.counts.orders += 1;
        self.counts.order_shares += u64::from(m.quantity.get());
        match self.check_enter(m, optional) {
            Ok(terms) => {
                self.counts.accepted += 1;
                let symbol = self.names[usize::from(terms.ticker.0)];
                let reference = self.writer.next_reference();
                let qty = m.quantity.get();
                let accepted = answers::accepted(now_ns, &terms, symbol, qty, reference);
                sink.answer(now_ns, accepted.as_bytes());
                self.work(now_ns, terms, qty, sink);
            }
            Err(reason) => {
                self.counts.rejected += 1;
                answers::rejected(now_ns, user_ref, m.clordid, reason, sink);
            }
        }
    }

    fn check_enter(&self, m: &EnterOrder, optional: Appendage<'_>) -> Result<Terms, RejectReason> {
        let side = OrderSide::from_letter(m.side).ok_or(RejectReason::InvalidSide)?;
        let name = Symbol(m.symbol);
        let at = self.names.iter().position(|one| *one == name);
        let at = at.filter(|at| self.states[*at].locate != 0);
        let ticker = Ticker(at.ok_or(RejectReason::InvalidSymbol)? as u16);
        if m.cross_type != b'N' {
            return Err(RejectReason::InvalidCrossOrder);
        }
        let post_only = check_terms(m.display, m.time_in_force, optional)?;
        let terms = Terms {
            user_ref: m.user_ref_num.get(),
            ticker,
            side,
            price: check_price(m.quantity.get(), m.price.get())?,
            tif: m.time_in_force,
            display: m.display,
            capacity: m.capacity,
            sweep: m.inter_market_sweep_eligibility,
            cl_ord_id: m.clordid,
            post_only,
            executed: 0,
        };
        self.check_state(&terms)?;
        Ok(terms)
    }

    fn check_state(&self, terms: &Terms) -> Result<(), RejectReason> {
        if !rests(terms) && !self.is_trading(terms.ticker) {
            return Err(RejectReason::Halted);
        }
        if self.ghosts.len() >= GHOSTS_MAX {
            return Err(RejectReason::ProcessingError);
        }
        Ok(())
    }

    /// OUCH's quantity is the chain's, shares that have traded included.
    fn exchange<S: Sink>(
        &mut self,
        now_ns: u64,
        m: &ReplaceOrder,
        optional: Appendage<'_>,
        sink: &mut S,
    ) {
        let (orig, user_ref) = (m.orig_user_ref_num.get(), m.user_ref_num.get());
        if !self.is_new(user_ref) {
            return;
        }
        self.counts.replaces += 1;
        let Some(at) = self.ghosts.find(orig) else {
            self.counts.late += 1;
            return self.reject(now_ns, user_ref, m, RejectReason::ReplaceNotAllowed, sink);
        };
        let old = self.ghosts.of(at.0, at.1)[at.2];
        let qty = m.quantity.get().saturating_sub(old.terms.executed);
        if qty == 0 {
            return self.take_off(now_ns, at, 0, sink);
        }
        match self.check_exchange(m, optional, &old) {
            Ok(terms) => {
                self.counts.order_shares += u64::from(qty.saturating_sub(old.leaves));
                self.counts.accepted += 1;
                let symbol = self.names[usize::from(terms.ticker.0)];
                let reference = self.writer.next_reference();
                let told = answers::replaced(now_ns, orig, &terms, symbol, qty, reference);
                sink.answer(now_ns, told.as_bytes());
                self.put_instead(now_ns, at, terms, qty, sink);
            }
            Err(reason) => self.reject(now_ns, user_ref, m, reason, sink),
        }
    }

    fn reject<S: Sink>(
        &mut self,
        now_ns: u64,
        user_ref: u32,
        m: &ReplaceOrder,
        reason: RejectReason,
        sink: &mut S,
    ) {
        self.counts.rejected += 1;
        answers::rejected(now_ns, user_ref, m.clordid, reason, sink);
    }

    fn check_exchange(
        &self,
        m: &ReplaceOrder,
        optional: Appendage<'_>,
        old: &Ghost,
    ) -> Result<Terms, RejectReason> {
        let post_only = check_terms(m.display, m.time_in_force, optional)?;
        let terms = Terms {
            user_ref: m.user_ref_num.get(),
            price: check_price(m.quantity.get(), m.price.get())?,
            tif: m.time_in_force,
            display: m.display,
            sweep: m.inter_market_sweep_eligibility,
            cl_ord_id: m.clordid,
            post_only,
            ..old.terms
        };
        self.check_state(&terms)?;
        Ok(terms)
    }

    /// OUCH 5.0: the place is kept when price and terms are the same and no share is added.
    fn put_instead<S: Sink>(
        &mut self,
        now_ns: u64,
        at: (Ticker, Side, usize),
        terms: Terms,
        qty: u32,
        sink: &mut S,
    ) {
        let ghost = &mut self.ghosts.of_mut(at.0, at.1)[at.2];
        let was = ghost.terms;
        let same = (was.price, was.tif, was.display, was.post_only)
            == (terms.price, terms.tif, terms.display, terms.post_only);
        let left = answers::Place { gone: true, ..place(ghost) };
        if same && qty <= ghost.leaves {
            ghost.terms = terms;
            ghost.leaves = qty;
            let now = place(ghost);
            sink.placed(&left);
            sink.placed(&now);
            return;
        }
        self.ghosts.remove(at);
        sink.placed(&left);
        self.work(now_ns, terms, qty, sink);
    }

    /// OUCH's quantity is the new intended size, shares that have traded included; 0 for none.
    fn cancel<S: Sink>(&mut self, now_ns: u64, user_ref: u32, qty: u32, sink: &mut S) {
        self.counts.cancels += 1;
        match self.ghosts.find(user_ref) {
            Some(at) => {
                let executed = self.ghosts.of(at.0, at.1)[at.2].terms.executed;
                self.take_off(now_ns, at, qty.saturating_sub(executed), sink);
            }
            None => self.counts.late += 1,
        }
    }

    /// Leaves `stays` shares of a resting order.
    fn take_off<S: Sink>(
        &mut self,
        now_ns: u64,
        at: (Ticker, Side, usize),
        stays: u32,
        sink: &mut S,
    ) {
        let ghost = &mut self.ghosts.of_mut(at.0, at.1)[at.2];
        let off = ghost.leaves.saturating_sub(stays);
        if off == 0 {
            return;
        }
        ghost.leaves -= off;
        let now = place(ghost);
        answers::canceled(now_ns, now.user_ref, off, CancelReason::UserRequested, sink);
        self.counts.canceled_by_us += u64::from(off);
        if now.gone {
            sink.placed(&now);
            self.ghosts.remove(at);
        }
    }

    /// An accepted order works: it takes what it can, and rests or ends.
    fn work<S: Sink>(&mut self, now_ns: u64, mut terms: Terms, qty: u32, sink: &mut S) {
        let (user_ref, side) = (terms.user_ref, terms.side.side());
        let other = side.opposite();
        let meets = |price: Price| !better(other, terms.price, price);
        if self.ghosts.best(terms.ticker, other).is_some_and(meets) {
            self.counts.canceled_self_match += u64::from(qty);
            let reason = CancelReason::SelfMatchPrevention;
            return answers::canceled(now_ns, user_ref, qty, reason, sink);
        }
        let mut leaves = qty;
        if self.is_trading(terms.ticker) {
            leaves = self.find_takes(&terms, qty);
            if terms.post_only && leaves < qty {
                self.takes.clear();
                self.counts.canceled_post_only += u64::from(qty);
                let reason = CancelReason::PostOnlyCancelContra;
                return answers::canceled(now_ns, user_ref, qty, reason, sink);
            }
            self.take(now_ns, &mut terms, sink);
        }
        if leaves == 0 {
            return;
        }
        if !rests(&terms) {
            self.counts.canceled_unrested += u64::from(leaves);
            let reason = CancelReason::ImmediateOrCancel;
            return answers::canceled(now_ns, user_ref, leaves, reason, sink);
        }
        let (ahead_shares, ahead_orders) = self.books.queue(terms.ticker, side, terms.price);
        let came = self.books.came();
        let ghost = Ghost { terms, leaves, came, ahead_shares, ahead_orders };
        self.ghosts.rest(ghost);
        sink.placed(&place(&ghost));
    }

    /// Finds what an order would take; the shares that it would not.
    fn find_takes(&mut self, terms: &Terms, qty: u32) -> u32 {
        let other = terms.side.side().opposite();
        self.takes.clear();
        let mut leaves = qty;
        for shown in self.books.served(terms.ticker, other) {
            if leaves == 0 || better(other, terms.price, shown.price) {
                break;
            }
            let take = shown.available().min(leaves);
            if take > 0 {
                self.takes.push((shown.slot, take, shown.price));
                leaves -= take;
            }
        }
        leaves
    }

    /// Takes what was found.
    fn take<S: Sink>(&mut self, now_ns: u64, terms: &mut Terms, sink: &mut S) {
        let middle_twice = self.books.middle_twice(terms.ticker);
        for (slot, qty, price) in self.takes.drain(..) {
            self.books.take(slot, qty);
            terms.executed += qty;
            let filled = Filled {
                at_ns: now_ns,
                user_ref: terms.user_ref,
                ticker: terms.ticker,
                side: terms.side.side(),
                qty,
                price,
                liquidity: b'R',
                match_id: self.writer.next_match(),
                middle_twice,
            };
            answers::executed(&filled, sink);
        }
    }
}

/// Whether what does not trade at once is to rest.
fn rests(terms: &Terms) -> bool {
    terms.tif != TimeInForce::Ioc.letter() && !terms.price.is_market()
}

fn check_price(qty: u32, price: u64) -> Result<Price, RejectReason> {
    if qty == 0 || qty > Qty::ORDER_MAX.0 {
        return Err(RejectReason::InvalidQuantity);
    }
    Price::from_wire(price).map_err(|_| RejectReason::InvalidPrice)
}

/// Whether an order is post-only, when it is one that can be simulated at all.
fn check_terms(display: u8, tif: u8, optional: Appendage<'_>) -> Result<bool, RejectReason> {
    TimeInForce::from_letter(tif).ok_or(RejectReason::Other)?;
    let mut post_only = match display {
        b'A' | b'Y' => false,
        b'P' | b'L' => true,
        _ => return Err(RejectReason::InvalidDisplay),
    };
    for field in optional.known() {
        match field {
            Optional::PostOnly(letter) => post_only = letter == b'P',
            Optional::MinQty(1..) => return Err(RejectReason::InvalidMinQuantity),
            Optional::MaxFloor(1..) => return Err(RejectReason::InvalidMaxFloor),
            Optional::PriceType(letter) if letter != b'L' => {
                return Err(RejectReason::PeggingNotAllowed);
            }
            _ => {}
        }
    }
    Ok(post_only)
}
