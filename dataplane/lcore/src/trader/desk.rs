//! The trader's own side: what was sent, what became of it, positions, and the gate before it all.

use super::working::{Working, WorkingOrders};
use crate::agent::Now;
use crate::laps::Laps;
use crate::order_link::{LinkHandler, OrderLink};
use crate::requests::{REQUEST_LEN_MAX, cancel, enter};
use algos::old::{Intent, Orders, Strategy};
use book::Top;
use hostcpu::tsc;
use risk::old::{Position, TraderGate};
use risk::{Reference, Refusal};
use session::ClientHandler;
use telemetry::{CounterSet, CounterTable};
use types::{Price, Qty, RejectReason, Symbol, SymbolId, UserRef};
use wire::IntoBytes;
use wire::ouch::outbound::{self, Message};

telemetry::keys! {
    /// The stages from a tick to a trade, and the two spans users ask for.
    pub enum DeskStage in "trader" {
        /// From the start of the poll to the burst in hand.
        Rx = "rx",
        /// Ethernet to MoldUDP64, up to a message.
        Packet = "packet",
        /// ITCH and the book.
        Book = "book",
        /// The strategy, the gate and OUCH, on a tick.
        Strategy = "strategy_gate_encode",
        /// TCP and the device.
        Tx = "tcp_tx",
        /// From the start of the poll that brought the tick to the order handed to the device.
        TickToTrade = "tick_to_trade",
        /// From the order handed to the device to its answer in hand.
        OrderToAck = "order_to_ack",
    }
}

telemetry::keys! {
    /// What a desk counts.
    pub enum DeskCounter in "orders" {
        /// Orders sent.
        Sent = "sent",
        /// Orders the venue accepted.
        Accepted = "accepted",
        /// Orders the venue rejected.
        Rejected = "rejected",
        /// Fills.
        Fills = "fills",
        /// Shares filled.
        SharesFilled = "shares_filled",
        /// Cancels asked for.
        CancelsSent = "cancels_sent",
        /// Orders canceled, in whole or in part.
        Canceled = "canceled",
        /// Answers about orders we do not have: the venue's view and ours differ; the aim is 0.
        Unexpected = "unexpected",
        /// Answers that could not be read; the aim is 0.
        Unreadable = "unreadable",
    }
}

/// Orders whose frame has not been flushed yet, at most; a flush comes before one more.
const UNSENT_MAX: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct Desk {
    gate: TraderGate,
    working: WorkingOrders,
    names: Vec<Option<Symbol>>,
    entry_open: bool,
    unsent: Vec<UserRef>,
    counters: CounterSet<DeskCounter>,
    refused: CounterTable,
    rejected: CounterTable,
    /// Stage clocks.
    pub laps: Laps<DeskStage>,
}

impl Desk {
    /// A desk for symbols `0..symbols_max`, whose live orders have room in `working`.
    pub fn new(
        gate: TraderGate,
        symbols_max: u16,
        working: WorkingOrders,
        laps: Laps<DeskStage>,
    ) -> Desk {
        let highest = usize::from(RejectReason::ALL[RejectReason::ALL.len() - 1].code());
        let reason = |code: usize| {
            u8::try_from(code).ok().and_then(RejectReason::from_code).map_or("", RejectReason::text)
        };
        Desk {
            gate,
            working,
            names: vec![None; usize::from(symbols_max)],
            entry_open: true,
            unsent: Vec::with_capacity(UNSENT_MAX),
            counters: CounterSet::new(),
            refused: CounterTable::new("gate_refused", Refusal::ALL.map(Refusal::name)),
            rejected: CounterTable::new("venue_rejected", (0..=highest).map(reason)),
            laps,
        }
    }

    /// A symbol that may be traded.
    pub fn list(&mut self, id: SymbolId, name: Symbol) {
        if let Some(slot) = self.names.get_mut(usize::from(id.0)) {
            *slot = Some(name);
        }
    }

    /// No new orders from here on.
    pub fn close_entry(&mut self) {
        self.entry_open = false;
    }

    /// Whether orders wait for the flush.
    #[inline]
    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The device has taken what was flushed: stops the clocks.
    #[inline]
    pub fn sent(&mut self, now: Now) {
        let at = self.laps.lap(DeskStage::Tx);
        for user_ref in self.unsent.drain(..) {
            self.laps.span(DeskStage::TickToTrade, now.tsc, at);
            if let Some(order) = self.working.get_mut(user_ref) {
                order.sent_tsc = at;
            }
        }
    }

    /// Orders that the venue may still act on.
    pub fn live_orders(&self) -> u32 {
        self.working.live()
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<DeskCounter> {
        &self.counters
    }

    /// Orders the gate held back, by reason.
    pub fn refused(&self) -> &CounterTable {
        &self.refused
    }

    /// Orders the venue rejected, by reason.
    pub fn rejected(&self) -> &CounterTable {
        &self.rejected
    }

    /// What is held in a symbol.
    pub fn position(&self, symbol: SymbolId) -> Position {
        self.gate.position(symbol)
    }

    /// Symbols that may be traded.
    pub fn symbols(&self) -> impl Iterator<Item = (SymbolId, Symbol)> + '_ {
        let named = self.names.iter().enumerate();
        named.filter_map(|(id, name)| Some((SymbolId(u16::try_from(id).ok()?), (*name)?)))
    }

    fn acknowledged(&mut self, user_ref: UserRef, at_tsc: u64) {
        let Some(order) = self.working.get_mut(user_ref) else {
            self.counters.inc(DeskCounter::Unexpected);
            return;
        };
        if !order.acked && order.sent_tsc > 0 {
            let sent = order.sent_tsc;
            order.acked = true;
            self.laps.span(DeskStage::OrderToAck, sent, at_tsc);
        }
    }
}

/// A strategy's way out: every order passes the gate here. `at` is the market it looks at.
pub(super) struct Asking<'a, 'e> {
    pub(super) desk: &'a mut Desk,
    pub(super) link: &'a mut OrderLink<'e>,
    pub(super) now: Now,
    pub(super) at: Option<Top>,
}

impl Asking<'_, '_> {
    /// Asks for every live order to be taken off, once each.
    pub(super) fn cancel_all(&mut self) {
        let Asking { desk, link, now, .. } = self;
        for order in desk.working.iter_mut().filter(|o| !o.cancel_sent) {
            order.cancel_sent = link.send(*now, cancel(order.user_ref.0, 0).as_bytes());
            desk.counters.add(DeskCounter::CancelsSent, u64::from(order.cancel_sent));
        }
    }

    fn try_enter(&mut self, intent: &Intent) -> Result<UserRef, Refusal> {
        let desk = &mut *self.desk;
        let name = desk.names.get(usize::from(intent.symbol.0)).copied().flatten();
        let name = name.ok_or(Refusal::UnknownSymbol)?;
        let user_ref = desk.working.next_ref().ok_or(Refusal::OpenOrders)?;
        let room = desk.unsent.len() < UNSENT_MAX && self.link.has_room(REQUEST_LEN_MAX);
        if !desk.entry_open || !room {
            return Err(Refusal::NotConnected);
        }
        let top = self.at.unwrap_or_default();
        let at = Reference { bid: top.bid.map(|l| l.price), ask: top.ask.map(|l| l.price) };
        desk.gate.admit(self.now.ns, intent, at)?;
        let Intent { symbol, side, qty, price, tif } = *intent;
        let message = enter(user_ref.0, side, qty.0, name.0, price.0, tif);
        // Room was asked for above.
        let _ = self.link.send(self.now, message.as_bytes());
        desk.working.insert(Working {
            user_ref,
            symbol,
            side,
            leaves: qty,
            price,
            sent_tsc: 0,
            acked: false,
            cancel_sent: false,
        });
        desk.unsent.push(user_ref);
        desk.counters.inc(DeskCounter::Sent);
        Ok(user_ref)
    }
}

impl Orders for Asking<'_, '_> {
    #[inline]
    fn enter(&mut self, intent: &Intent) -> Result<UserRef, Refusal> {
        let result = self.try_enter(intent);
        if let Err(refusal) = result {
            self.desk.refused.inc(refusal as usize);
        }
        result
    }

    fn cancel(&mut self, user_ref: UserRef) {
        let Some(order) = self.desk.working.get_mut(user_ref) else { return };
        if !order.cancel_sent {
            order.cancel_sent = self.link.send(self.now, cancel(user_ref.0, 0).as_bytes());
            self.desk.counters.add(DeskCounter::CancelsSent, u64::from(order.cancel_sent));
        }
    }
}

/// The venue's answers on their way to the desk.
pub(super) struct Answers<'a, S> {
    pub(super) desk: &'a mut Desk,
    pub(super) strategy: &'a mut S,
}

impl<S: Strategy> Answers<'_, S> {
    fn executed(&mut self, user_ref: UserRef, qty: Qty, price: Price) {
        let Some((order, done)) = self.desk.working.reduce(user_ref, qty) else {
            self.desk.counters.inc(DeskCounter::Unexpected);
            return;
        };
        self.desk.gate.on_fill(order.symbol, order.side.side(), qty, price);
        self.desk.counters.inc(DeskCounter::Fills);
        self.desk.counters.add(DeskCounter::SharesFilled, u64::from(qty.0));
        self.strategy.on_fill(user_ref, qty, price);
        self.finish(user_ref, done);
    }

    fn canceled(&mut self, user_ref: UserRef, qty: Qty) {
        let Some((order, done)) = self.desk.working.reduce(user_ref, qty) else {
            self.desk.counters.inc(DeskCounter::Unexpected);
            return;
        };
        self.desk.gate.release(order.symbol, order.side.side(), qty);
        self.desk.counters.inc(DeskCounter::Canceled);
        self.finish(user_ref, done);
    }

    fn rejected(&mut self, user_ref: UserRef, reason: u16) {
        self.desk.acknowledged(user_ref, tsc());
        self.desk.counters.inc(DeskCounter::Rejected);
        self.desk.rejected.inc(usize::from(reason));
        if let Some(order) = self.desk.working.remove(user_ref) {
            self.desk.gate.release(order.symbol, order.side.side(), order.leaves);
            self.finish(user_ref, true);
        }
    }

    fn finish(&mut self, user_ref: UserRef, done: bool) {
        if done {
            self.desk.gate.on_done();
            self.strategy.on_done(user_ref);
        }
    }
}

impl<S: Strategy> LinkHandler for Answers<'_, S> {}

impl<S: Strategy> ClientHandler for Answers<'_, S> {
    #[inline]
    fn on_sequenced(&mut self, _seq: u64, message: &[u8]) {
        match outbound::parse(message) {
            Ok(Message::OrderAccepted(m, _)) => {
                self.desk.counters.inc(DeskCounter::Accepted);
                self.desk.acknowledged(UserRef(m.user_ref_num.get()), tsc());
            }
            Ok(Message::OrderExecuted(m, _)) => {
                // A price beyond four bytes is no price of ours: the largest one keeps it visible.
                let price = Price(u32::try_from(m.price.get()).unwrap_or(u32::MAX));
                self.executed(UserRef(m.user_ref_num.get()), Qty(m.quantity.get()), price);
            }
            Ok(Message::OrderCanceled(m)) => {
                self.canceled(UserRef(m.user_ref_num.get()), Qty(m.quantity.get()));
            }
            Ok(Message::Rejected(m)) => {
                self.rejected(UserRef(m.user_ref_num.get()), m.rejected_order_reason.get());
            }
            Ok(Message::SystemEvent(_)) => {}
            Ok(_) => self.desk.counters.inc(DeskCounter::Unexpected),
            Err(_) => self.desk.counters.inc(DeskCounter::Unreadable),
        }
    }
}
