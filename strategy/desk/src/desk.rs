//! A trading client's orders at an OUCH 5.0 venue, from ask to last share.
//!
//! Why it exists: between the strategy and the venue an order can be filled while it is canceled,
//! rejected while it is replaced, broken when it is over, or lost with a connection. Here each of
//! these ends exactly once, and positions follow the venue's word to the share. Sans-I/O: bytes and
//! time come in, an [`OrderWire`] takes bytes out.
//!
//! # States
//!
//! * `Sent`: left by `A` for `Live`, by `J` or when it never arrived (`Lost`) for good.
//! * `Live`: left by its last share (`E`, `C`, `D`) for good, by requests for the two below.
//! * `Replacing`: left by `U` for good, and the new order is `Live` with the venue's shares; by `J`
//!   of the new number for `Live`; by its own end, and then the new order never lives: a `J` of it
//!   comes late, or nothing does.
//! * `Canceling`: left by its end alone, by `C` or by fills that crossed the cancel, which gets no
//!   answer then; by the venue's refusal of the cancel (`I`) for `Live`.
//!
//! Fills reduce an order in any state. While it is replaced, the gate counts both orders' shares. A
//! cancel of an order that is being replaced asks for both: whichever lives is taken off.
//!
//! # Connections
//!
//! SoupBinTCP replays what was missed after a login; then the desk asks for the next number the
//! venue expects (`Q`), and the answer comes behind the replay. What was sent under that number or
//! a higher one never arrived: it is [`Lost`](algos::What::Lost), told one a poll. Cancels are sent
//! again. Entry is refused until that is done. A query of a former connection may be answered in
//! the replay and cannot be told from ours, so as many answers more are waited for as queries may
//! be open (`doubt`). An order unanswered for too long is asked about in the same way.
//!
//! A desk that is new, and hears the session from its first message, adopts the orders it does not
//! know and so comes to the same positions. The replay then holds answers to its forerunner's
//! queries, nobody knows how many: it asks once nothing has come for a quarter of the answer
//! timeout. If that was too early, what still comes contradicts it, and it stops.
//!
//! Another session's name means that the venue started anew: no order of before lives there, and
//! positions stay.
//!
//! # Failure modes
//!
//! A message that contradicts us (more shares filled than were open, a fill of an unknown order,
//! another quantity than ours) is counted as unexpected and trips the kill switch with
//! [`KillReason::Reconciliation`]; where shares are told of, the position follows the venue. A fill
//! of an order whose slot is taken again cannot be booked, and a bust of a fill older than the last
//! 65,536 cannot be undone: both are such contradictions. A venue that never answers the query
//! never lets us enter. Nothing allocates after construction.

mod answers;
mod asks;
mod keep;
mod trades;

use crate::DeskCounters;
use crate::counters::Rejects;
use crate::fills::Fills;
use crate::working::{Cancel, NOBODY, Order, Orders};
use algos::{Fill, OrderReport, OrderView};
use keep::{Link, Round, Verdict};
use risk::{Firm, Gate, GateLimits, KillReason, TickerLimits};
use std::sync::Arc;
use types::{Price, Qty, Side, Symbol, Ticker, UserRef};

/// What a desk is made of.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// The symbols that may be traded; a [`Ticker`] is a place among them.
    pub tickers: Vec<Symbol>,
    /// How many numbers apart the oldest and the newest live order can be; rounded up to a power of
    /// two. An order takes about 90 bytes.
    pub slots: usize,
    /// Bounds on the account.
    pub limits: GateLimits,
    /// Bounds on each symbol, in the order of `tickers`.
    pub ticker_limits: Vec<TickerLimits>,
    /// All accounts' common bound.
    pub firm: Option<Arc<Firm>>,
    /// An order unanswered for so long is asked about, a cancel sent again, in ns; 0 for never.
    pub answer_timeout_ns: u64,
}

/// What a desk has to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeskEvent {
    /// Shares traded.
    Fill(Fill),
    /// An order changed.
    Order(OrderReport),
    /// Logged in and reconciled: orders may be entered.
    Connected,
    /// The kill switch is on: everything is asked to be taken off, and nothing goes out. Once.
    Killed(KillReason),
}

/// See the module.
#[derive(Debug)]
pub struct Desk {
    orders: Orders,
    names: Box<[Symbol]>,
    gate: Gate,
    fills: Fills,
    counters: DeskCounters,
    rejects: Rejects,
    link: Link,
    round: Option<Round>,
    /// Queries of former rounds that may still be answered; see [`keep`].
    doubt: u32,
    verdict: Option<Verdict>,
    /// Orders below this number were sent to a venue that is no more.
    wiped_below: u32,
    session: Option<[u8; 10]>,
    /// Never reconciled: what is replayed may be a former process's, its queries included.
    fresh: bool,
    /// When the last message came, or the login; only while fresh.
    heard_ns: u64,
    /// The number of the session's next message.
    next_seq: u64,
    /// Messages to come that we have had.
    repeats: u64,
    /// When to look for unanswered orders next.
    look_at_ns: u64,
    answer_timeout_ns: u64,
    entry_open: bool,
    /// The kill that is in force was acted on.
    kill_seen: bool,
    /// The kill that is in force was told.
    kill_told: bool,
}

impl Desk {
    /// Takes all memory: about 100 bytes a slot, 4 MB for fills.
    pub fn new(config: &DeskConfig) -> Desk {
        let mut limits = config.ticker_limits.clone();
        // A symbol without limits may not be traded: the gate does not know it.
        limits.truncate(config.tickers.len());
        Desk {
            orders: Orders::new(config.slots, config.tickers.len()),
            names: config.tickers.clone().into_boxed_slice(),
            gate: Gate::new(config.limits, &limits, config.firm.clone()),
            fills: Fills::new(),
            counters: DeskCounters::default(),
            rejects: Rejects::new(),
            link: Link::Down,
            round: None,
            doubt: 0,
            verdict: None,
            wiped_below: 0,
            session: None,
            fresh: true,
            heard_ns: 0,
            next_seq: 0,
            repeats: 0,
            look_at_ns: 0,
            answer_timeout_ns: config.answer_timeout_ns,
            entry_open: true,
            kill_seen: false,
            kill_told: false,
        }
    }

    /// Asks for all orders to be taken off. What finds no room is sent by later polls.
    pub fn cancel_all(&mut self) {
        self.orders.change_cancels(|o| match o.cancel {
            Cancel::No => Cancel::Owed,
            cancel => cancel,
        });
    }

    /// Stops entry and asks for all orders to be taken off, by the next poll.
    pub fn kill(&mut self, now_ns: u64, reason: KillReason) {
        self.gate.kill(reason, now_ns);
        self.see_kill();
    }

    /// Allows entry again.
    pub fn revive(&mut self) {
        self.gate.revive();
        self.kill_seen = false;
        self.kill_told = false;
    }

    /// Why nothing goes out.
    pub fn killed(&self) -> Option<KillReason> {
        self.gate.killed().map(|(reason, _)| reason)
    }

    /// Refuses entry from here on.
    pub fn close_entry(&mut self) {
        self.entry_open = false;
    }

    /// Whether orders can go out: logged in, reconciled, not killed, not closed.
    pub fn can_trade(&self) -> bool {
        self.link == Link::Up && self.entry_open && self.gate.killed().is_none()
    }

    /// An order that may still trade.
    #[inline]
    pub fn order(&self, user_ref: UserRef) -> Option<OrderView> {
        self.orders.get(user_ref).filter(|order| !order.is_foreign()).map(Order::view)
    }

    /// All orders that may still trade, the oldest first.
    pub fn orders(&self) -> impl Iterator<Item = OrderView> {
        self.orders.iter().filter(|order| !order.is_foreign()).map(Order::view)
    }

    /// Orders that may still trade, those in symbols that are not ours included.
    pub fn live_orders(&self) -> u32 {
        self.orders.live()
    }

    /// The best price of our live orders, replacements under way included. A sale at the market
    /// stands at 0, a buy at [`Price::MARKET`].
    #[inline]
    pub fn own_best(&self, ticker: Ticker, side: Side) -> Option<Price> {
        self.orders.best(ticker, side)
    }

    /// Positions and limits.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Positions and limits, to be changed by marks and operators. Orders are told to the gate by
    /// the desk alone.
    pub fn gate_mut(&mut self) -> &mut Gate {
        &mut self.gate
    }

    /// What was counted.
    pub fn counters(&self) -> &DeskCounters {
        &self.counters
    }

    /// The venue's rejects by reason.
    pub fn rejected(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.rejects.iter()
    }

    /// Acts on a kill that was tripped; the rest is the poll's.
    #[inline]
    fn see_kill(&mut self) {
        if self.gate.killed().is_some() && !self.kill_seen {
            self.kill_seen = true;
            self.cancel_all();
        }
    }

    /// The venue contradicts us.
    #[cold]
    fn contradicted(&mut self, now_ns: u64) {
        self.counters.unexpected += 1;
        self.gate.kill(KillReason::Reconciliation, now_ns);
    }

    /// An order has ended: what was left of it is open no more, and its replacement never lives.
    fn end(&mut self, user_ref: UserRef) -> Option<Order> {
        let mut order = *self.orders.get(user_ref)?;
        if order.leaves > Qty::ZERO {
            self.gate.release(order.ticker, order.side.side(), order.leaves, order.price);
        }
        order.leaves = Qty::ZERO;
        self.orders.end(user_ref);
        if order.replaces == NOBODY {
            self.gate.on_done(order.ticker);
        } else if let Some(old) = self.orders.get_mut(order.replaces) {
            // One that was never taken is no order of its own; only a venue that contradicts itself
            // fills or cancels it. The order it was for stands.
            old.replaced_by = NOBODY;
        }
        if let Some(new) = self.orders.get(order.replaced_by).copied() {
            self.gate.on_replace_failed(&new.open(), new.leaves, new.price);
            self.orders.end(new.user_ref);
            self.counters.replaces_void += 1;
        }
        order.live = false;
        order.replaced_by = NOBODY;
        Some(order)
    }

    /// A replacement will not live; the order it was for stands. That order.
    fn void(&mut self, new: &Order) -> Option<Order> {
        self.gate.on_replace_failed(&new.open(), new.leaves, new.price);
        self.orders.end(new.user_ref);
        let old = self.orders.get_mut(new.replaces)?;
        old.replaced_by = NOBODY;
        Some(*old)
    }
}

#[cfg(test)]
mod tests;
