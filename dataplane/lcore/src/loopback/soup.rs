//! Orders as probes: from the moment an order is due until its Order Accepted is in hand.
//!
//! Why it exists: what counts of a venue is how long an order takes through all of it: TCP,
//! SoupBinTCP, OUCH, the gate, the engine and back. Each order rests, and is canceled once it was
//! accepted, so that the book stays as small as it began.
//!
//! Layout: [`Orders`] is the client without its transport: it says what to send and takes what
//! came, over DPDK ([`SoupLink`]) as over a kernel's socket. [`SoupLink`] is a port, TCP and
//! SoupBinTCP under it.
//!
//! Limits: the venue tells, by an Account Query, which `UserRefNum` it takes next; trips end where
//! these do. Nobody else may enter orders in the same session meanwhile.
//!
//! Failure modes: an order that the venue rejects is answered and counted, and is not in the
//! histogram. One that is never answered is lost: it is given up after the timeout.

mod link;
mod run;

pub use link::SoupLink;
pub use run::{CONNECT_NS_MAX, SoupError, SoupSettings, SoupSettingsError, run};

use super::trips::{Pacing, RoundTrips, TripSettings, TripStats};
use crate::order_link::LinkHandler;
use desk::requests::{REQUEST_LEN_MAX, account_query, cancel, enter};
use hostcpu::TscClock;
use session::ClientHandler;
use std::collections::VecDeque;
use std::sync::Arc;
use telemetry::CounterSet;
use types::{OrderSide, TimeInForce};
use wire::IntoBytes;
use wire::ouch::outbound::{self, Message};

/// The longest message that is sent, in bytes.
pub const MESSAGE_LEN_MAX: usize = REQUEST_LEN_MAX;

/// Cancels that can wait to be sent, beside one for each order under way.
const CANCELS_MIN: usize = 1_024;

telemetry::keys! {
    /// What a client counts of its orders' answers.
    pub enum OrderCounter in "orders" {
        /// Orders accepted.
        Accepted = "accepted",
        /// Orders rejected.
        Rejected = "rejected",
        /// Executions.
        Fills = "fills",
        /// Cancels sent.
        CancelsSent = "cancels_sent",
        /// Cancels answered.
        Canceled = "canceled",
        /// Cancels that were not: their orders had traded, or the answer was lost.
        CancelsUnanswered = "cancels_unanswered",
        /// Answers that could not be read; the aim is 0.
        Unreadable = "answers_unreadable",
    }
}

/// Where it is counted what becomes of orders; for readers, too.
#[derive(Clone, Debug, Default)]
pub struct OrderStats {
    /// Their round trips.
    pub trips: Arc<TripStats>,
    /// Their answers.
    pub answers: Arc<CounterSet<OrderCounter>>,
}

/// The orders that are sent: all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSettings {
    /// The symbol, padded with spaces.
    pub symbol: [u8; 8],
    /// Which side.
    pub side: OrderSide,
    /// Shares.
    pub shares: u32,
    /// Price, in 1/10000 dollar; one at which they rest.
    pub price: u32,
    /// Whether each order is canceled once it is accepted.
    pub cancels: bool,
}

/// See the module.
pub struct Orders {
    settings: OrderSettings,
    trips: RoundTrips,
    ping_pong: bool,
    /// The `UserRefNum` of trip 0, once the venue has told.
    first_ref: Option<u32>,
    asked: bool,
    started: bool,
    to_cancel: VecDeque<u32>,
    /// Cancels without an answer, and when the last one was sent.
    cancels_out: u64,
    cancel_sent_tsc: u64,
    timeout_ticks: u64,
    counters: Arc<CounterSet<OrderCounter>>,
    read_tsc: fn() -> u64,
}

impl Orders {
    /// Orders that are timed by `read_tsc`, the counter of `clock`.
    pub fn new(
        settings: OrderSettings,
        trips: TripSettings,
        clock: &TscClock,
        read_tsc: fn() -> u64,
        stats: OrderStats,
    ) -> Orders {
        let room = trips.in_flight_max as usize + CANCELS_MIN;
        Orders {
            settings,
            ping_pong: trips.pacing == Pacing::PingPong,
            timeout_ticks: clock.ticks(trips.timeout_ns),
            trips: RoundTrips::new(trips, clock, stats.trips),
            first_ref: None,
            asked: false,
            started: false,
            to_cancel: VecDeque::with_capacity(room),
            cancels_out: 0,
            cancel_sent_tsc: 0,
            counters: stats.answers,
            read_tsc,
        }
    }

    /// Whether the venue has told where to go on, so that orders can be sent.
    pub fn is_ready(&self) -> bool {
        self.first_ref.is_some()
    }

    /// Orders begin; the first is due now.
    pub fn start(&mut self) {
        self.started = true;
        self.trips.start((self.read_tsc)());
    }

    /// No order begins any more; cancels still do.
    pub fn end(&mut self) {
        self.trips.end();
    }

    /// Whether nothing is to be sent and nothing to come.
    pub fn is_over(&self) -> bool {
        self.trips.is_over() && self.to_cancel.is_empty() && self.cancels_out == 0
    }

    /// Writes the next message there is to send, and gives its length; 0 for none. What is written
    /// has to be sent: ask only while there is room for [`MESSAGE_LEN_MAX`] bytes.
    #[inline]
    pub fn next(&mut self, out: &mut [u8; MESSAGE_LEN_MAX]) -> usize {
        let Some(first_ref) = self.first_ref else { return self.ask(out) };
        let now_tsc = (self.read_tsc)();
        if let Some(user_ref) = self.to_cancel.pop_front() {
            self.cancels_out += 1;
            self.cancel_sent_tsc = now_tsc;
            self.counters.inc(OrderCounter::CancelsSent);
            return put(out, cancel(user_ref, 0).as_bytes());
        }
        let waits = self.ping_pong && self.cancels_out > 0;
        if !self.started || waits {
            return 0;
        }
        let Some((trip, due_tsc)) = self.trips.due(now_tsc) else { return 0 };
        let user_ref = u32::try_from(trip).ok().and_then(|trip| first_ref.checked_add(trip));
        let Some(user_ref) = user_ref else {
            self.trips.end();
            return 0;
        };
        self.trips.sent(due_tsc, now_tsc);
        let OrderSettings { symbol, side, shares, price, .. } = self.settings;
        put(out, enter(user_ref, side, shares, symbol, price, TimeInForce::Day).as_bytes())
    }

    #[cold]
    fn ask(&mut self, out: &mut [u8; MESSAGE_LEN_MAX]) -> usize {
        if std::mem::replace(&mut self.asked, true) {
            return 0;
        }
        put(out, account_query().as_bytes())
    }

    /// The order that is due finds no room.
    #[inline]
    pub fn held(&mut self) {
        if self.started && self.trips.due((self.read_tsc)()).is_some() {
            self.trips.held();
        }
    }

    /// Orders that are due and not sent.
    #[inline]
    pub fn behind(&self, now_tsc: u64) -> u64 {
        if self.started { self.trips.behind(now_tsc) } else { 0 }
    }

    /// Gives up what has waited for too long; to be called once a poll.
    #[inline]
    pub fn expire(&mut self, now_tsc: u64) {
        self.trips.expire(now_tsc);
        let waited = now_tsc.saturating_sub(self.cancel_sent_tsc);
        if self.cancels_out > 0 && waited > self.timeout_ticks {
            self.counters.add(OrderCounter::CancelsUnanswered, self.cancels_out);
            self.cancels_out = 0;
        }
    }

    /// The round trips of orders.
    pub fn trips(&self) -> &RoundTrips {
        &self.trips
    }

    /// What was counted.
    pub fn counters(&self) -> &Arc<CounterSet<OrderCounter>> {
        &self.counters
    }

    /// There is room, unless many answers come at once that were no longer expected: their orders
    /// stay in the book.
    #[inline]
    fn cancel_next(&mut self, user_ref: u32) {
        if self.to_cancel.len() < self.to_cancel.capacity() {
            self.to_cancel.push_back(user_ref);
        } else {
            self.counters.inc(OrderCounter::CancelsUnanswered);
        }
    }

    fn trip(&self, user_ref: u32) -> u64 {
        // A number of before this run is no trip of it.
        self.first_ref.and_then(|first| user_ref.checked_sub(first)).map_or(u64::MAX, u64::from)
    }
}

fn put(out: &mut [u8; MESSAGE_LEN_MAX], message: &[u8]) -> usize {
    out[..message.len()].copy_from_slice(message);
    message.len()
}

impl LinkHandler for Orders {}

impl ClientHandler for Orders {
    #[inline]
    fn on_sequenced(&mut self, _seq: u64, message: &[u8]) {
        match outbound::parse(message) {
            Ok(Message::OrderAccepted(m, _)) => {
                let user_ref = m.user_ref_num.get();
                self.counters.inc(OrderCounter::Accepted);
                let ours = self.trips.answered(self.trip(user_ref), (self.read_tsc)()).is_some();
                if ours && self.settings.cancels {
                    self.cancel_next(user_ref);
                }
            }
            Ok(Message::OrderCanceled(_)) => {
                self.counters.inc(OrderCounter::Canceled);
                self.cancels_out = self.cancels_out.saturating_sub(1);
            }
            Ok(Message::Rejected(m)) => {
                self.counters.inc(OrderCounter::Rejected);
                self.trips.refused(self.trip(m.user_ref_num.get()));
            }
            Ok(Message::OrderExecuted(..)) => self.counters.inc(OrderCounter::Fills),
            Ok(Message::AccountQueryResponse(m)) => {
                self.first_ref.get_or_insert(m.next_user_ref_num.get());
            }
            Ok(_) => {}
            Err(_) => self.counters.inc(OrderCounter::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests;
