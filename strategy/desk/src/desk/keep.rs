//! The connection: logins, queries, what a reconnect lost, cancels that are owed, kills to tell.
//!
//! A query's answer says which number the venue expects next. What the venue read before the query
//! it has answered before the answer. But an answer does not say which query it answers, and one of
//! a connection that is gone may have arrived or not. So the desk keeps how many queries may be
//! open at most (`doubt`) and trusts the answer that cannot be theirs: the one after as many. For
//! each answer one query is sent, so the bound stays true.

use super::{Desk, DeskEvent};
use crate::OrderWire;
use crate::requests::{self, REQUEST_LEN_MAX};
use crate::working::{Cancel, NOBODY, Order};
use algos::{OrderReport, What};
use types::UserRef;
use wire::IntoBytes;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// There is none.
    Down,
    /// Logged in; what the venue has and we have is being compared.
    Comparing,
    /// Orders may be entered.
    Up,
}

/// A question to the venue, until an answer to it can be trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Orders below this number were sent before it.
    upto: u32,
    /// Answers still to come.
    left: u32,
    /// A query is out.
    asked: bool,
}

/// What an answered round has to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// Numbers from here on never arrived,
    next: u32,
    /// of those below this.
    upto: u32,
}

impl Desk {
    /// The login was accepted: replayed messages follow, the first of them numbered `next_seq`.
    /// Another session's name than before means that the venue started anew.
    pub fn on_login(&mut self, now_ns: u64, session: &[u8; 10], next_seq: u64) {
        self.hang_up();
        match self.session {
            Some(known) if known == *session => {
                if next_seq > self.next_seq {
                    // Messages that are never replayed: nothing can be relied on.
                    self.contradicted(now_ns);
                    self.next_seq = next_seq;
                }
            }
            known => {
                if known.is_some() {
                    self.wiped_below = self.orders.next();
                    self.fills.clear();
                    self.doubt = 0;
                }
                self.next_seq = next_seq;
            }
        }
        self.repeats = self.next_seq - next_seq;
        self.session = Some(*session);
        self.link = Link::Comparing;
        self.heard_ns = now_ns;
        self.start_round();
        // A cancel may be lost with the connection; one too many does no harm.
        self.orders.change_cancels(|o| match o.cancel {
            Cancel::Sent => Cancel::Owed,
            cancel => cancel,
        });
        self.see_kill();
    }

    /// The connection is lost. Orders stay as they were until it is back.
    pub fn on_disconnected(&mut self, now_ns: u64) {
        self.look_at_ns = now_ns;
        self.hang_up();
    }

    fn hang_up(&mut self) {
        self.link = Link::Down;
        self.verdict = None;
        if let Some(Round { asked: true, .. }) = self.round.take() {
            self.doubt = self.doubt.saturating_add(1);
        }
    }

    fn start_round(&mut self) {
        let left = self.doubt.saturating_add(1);
        self.round = Some(Round { upto: self.orders.next(), left, asked: false });
    }

    /// The venue told the next number it expects.
    #[cold]
    pub(super) fn on_query_answer(&mut self, now_ns: u64, next: u32) {
        let Some(round) = self.round.as_mut().filter(|round| round.asked) else {
            // To a query that was open when the one before was trusted, or a connection was lost.
            if self.fresh {
                // A forerunner's.
                return;
            }
            if self.doubt == 0 {
                return self.contradicted(now_ns);
            }
            self.doubt -= 1;
            if let Some(round) = &mut self.round {
                round.left = round.left.saturating_sub(1).max(1);
            }
            return;
        };
        round.asked = false;
        round.left = round.left.saturating_sub(1);
        if round.left > 0 {
            return;
        }
        let upto = round.upto;
        self.round = None;
        self.counters.reconciliations += 1;
        let from = next.max(self.wiped_below);
        let denied = self.orders.iter().any(|o| o.answered && o.user_ref.0 >= from);
        let beyond = self.link == Link::Up && next > self.orders.next();
        if next == 0 || denied || beyond {
            self.contradicted(now_ns);
        }
        self.orders.skip_to(next);
        self.verdict = Some(Verdict { next, upto });
    }

    /// Sends what is owed and tells what has happened without a message: call it until `None`. A
    /// call looks at each live order a few times at most.
    #[inline]
    pub fn poll<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) -> Option<DeskEvent> {
        self.see_kill();
        self.send_owed(now_ns, wire);
        if self.kill_seen && !self.kill_told {
            self.kill_told = true;
            return self.killed().map(DeskEvent::Killed);
        }
        if self.wiped_below > 0
            && let Some(event) = self.next_wiped()
        {
            return Some(event);
        }
        if self.link == Link::Down {
            return None;
        }
        self.ask(now_ns, wire);
        if let Some(verdict) = self.verdict {
            return self.carry_out(now_ns, verdict, wire);
        }
        if self.link == Link::Up && now_ns >= self.look_at_ns {
            self.look(now_ns, wire);
        }
        None
    }

    /// The next order of a venue that is no more.
    #[cold]
    fn next_wiped(&mut self) -> Option<DeskEvent> {
        let below = self.wiped_below;
        // A replacement goes with its order.
        let gone = |o: &Order| o.user_ref.0 < below && o.replaces == NOBODY;
        while let Some(order) = self.orders.find(gone) {
            match order.answered {
                true => self.counters.wiped += 1,
                false => self.counters.lost += 1,
            }
            let event = self.end_as(order.user_ref, What::Lost);
            if event.is_some() {
                return event;
            }
        }
        self.wiped_below = 0;
        None
    }

    /// Ends an order and tells it; nothing of one in a symbol that is not ours.
    fn end_as(&mut self, user_ref: UserRef, what: What) -> Option<DeskEvent> {
        let order = self.end(user_ref)?;
        let report = OrderReport { order: order.view(), what };
        (!order.is_foreign()).then_some(DeskEvent::Order(report))
    }

    #[inline]
    fn ask<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        let Some(round) = &mut self.round else { return };
        let quiet_ns = self.answer_timeout_ns / 4;
        if self.fresh && now_ns.saturating_sub(self.heard_ns) < quiet_ns {
            return;
        }
        if !round.asked && wire.has_room(REQUEST_LEN_MAX) {
            round.asked = wire.send(now_ns, requests::account_query().as_bytes());
        }
    }

    /// The next order that never arrived; when there is none, entry is open.
    #[cold]
    fn carry_out<W: OrderWire>(
        &mut self,
        now_ns: u64,
        verdict: Verdict,
        wire: &mut W,
    ) -> Option<DeskEvent> {
        let silent = |o: &Order| !o.answered && o.user_ref.0 < verdict.upto;
        if let Some(order) = self.orders.find(silent) {
            let arrived = order.user_ref.0 < verdict.next;
            return self.lose(now_ns, &order, arrived);
        }
        self.verdict = None;
        if self.link == Link::Up {
            return None;
        }
        self.link = Link::Up;
        self.fresh = false;
        self.send_owed(now_ns, wire);
        Some(DeskEvent::Connected)
    }

    /// An order that the venue will not answer.
    fn lose(&mut self, now_ns: u64, order: &Order, arrived: bool) -> Option<DeskEvent> {
        if order.replaces != NOBODY {
            match arrived {
                true => self.counters.replaces_void += 1,
                false => self.counters.lost += 1,
            }
            let what = What::ReplaceFailed { new: order.user_ref, reason: 0 };
            let order = self.void(order)?.view();
            return Some(DeskEvent::Order(OrderReport { order, what }));
        }
        if arrived {
            // The venue read it and says nothing of it.
            self.contradicted(now_ns);
        }
        self.counters.lost += 1;
        self.end_as(order.user_ref, What::Lost)
    }

    /// Looks for orders and cancels that have waited too long for an answer.
    #[cold]
    fn look<W: OrderWire>(&mut self, now_ns: u64, wire: &mut W) {
        let timeout_ns = self.answer_timeout_ns;
        if timeout_ns == 0 {
            self.look_at_ns = u64::MAX;
            return;
        }
        self.look_at_ns = now_ns.saturating_add(timeout_ns / 4 + 1);
        let over = |since_ns: u64| now_ns.saturating_sub(since_ns) >= timeout_ns;
        if self.kill_seen {
            // Also those whose cancel the venue refused.
            self.cancel_all();
        }
        if self.orders.canceling() > 0 {
            self.orders.change_cancels(|o| match o.cancel {
                Cancel::Sent if over(o.cancel_ns) => Cancel::Owed,
                cancel => cancel,
            });
        }
        self.send_owed(now_ns, wire);
        let waits = self.orders.unanswered() > 0 && self.round.is_none();
        if waits && self.orders.iter().any(|o| !o.answered && over(o.entered_ns)) {
            self.start_round();
            self.ask(now_ns, wire);
        }
    }
}
