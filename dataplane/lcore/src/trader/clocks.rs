//! The trader's stage clocks, and the way of its orders to TCP's ring.

use crate::agent::Now;
use crate::laps::Laps;
use crate::order_link::OrderLink;
use desk::{OrderWire, Refused, Step};
use hostcpu::tsc;
use spsc::Producer;
use types::{Ticker, UserRef};

telemetry::keys! {
    /// The stages from a tick to a trade, and the two spans users ask for.
    pub enum TraderStage in "trader" {
        /// From the start of the poll to the burst in hand.
        Rx = "rx",
        /// Ethernet to MoldUDP64, arbitration, up to a message.
        Packet = "packet",
        /// ITCH and the book.
        Book = "book",
        /// The strategy, until it asks for an order or has done.
        Strategy = "strategy",
        /// The risk gate.
        Gate = "gate",
        /// OUCH into TCP's ring.
        Encode = "encode",
        /// TCP and the device.
        Tx = "tcp_tx",
        /// From the start of the poll that brought the tick to the order handed to the device.
        TickToTrade = "tick_to_trade",
        /// From the order handed to the device to its answer in hand.
        OrderToAck = "order_to_ack",
    }
}

/// Orders whose frame has not been flushed yet, at most; more wait for the next poll.
const UNSENT_MAX: usize = 256;

/// When orders left, for the two spans.
#[derive(Debug)]
pub struct Clocks {
    /// The stages.
    pub laps: Laps<TraderStage>,
    /// Orders written and not yet flushed, and whether a tick led to them.
    unsent: Vec<(UserRef, bool)>,
    /// When an order was handed to the device, by its number's low bits; 0 once answered.
    sent_tsc: Box<[u64]>,
    /// Whether what is asked for now answers a tick.
    pub(super) on_tick: bool,
}

impl Clocks {
    /// Clocks for `orders` orders in flight, a power of two.
    pub fn new(laps: Laps<TraderStage>, orders: usize) -> Clocks {
        let orders = orders.max(1).next_power_of_two();
        let sent_tsc = vec![0; orders].into_boxed_slice();
        Clocks { laps, unsent: Vec::with_capacity(UNSENT_MAX), sent_tsc, on_tick: false }
    }

    /// Whether orders wait for the flush.
    #[inline]
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The device has taken what was flushed: stops the clocks.
    #[inline]
    pub(super) fn sent(&mut self, now: Now) {
        let at = self.laps.lap(TraderStage::Tx);
        let mask = self.sent_tsc.len() - 1;
        for (user_ref, on_tick) in self.unsent.drain(..) {
            if on_tick {
                self.laps.span(TraderStage::TickToTrade, now.tsc, at);
            }
            self.sent_tsc[user_ref.0 as usize & mask] = at;
        }
    }

    #[inline]
    fn acknowledged(&mut self, user_ref: UserRef) {
        let mask = self.sent_tsc.len() - 1;
        let sent = std::mem::take(&mut self.sent_tsc[user_ref.0 as usize & mask]);
        if sent > 0 {
            self.laps.span(TraderStage::OrderToAck, sent, tsc());
        }
    }
}

/// Where refused orders go to be written down; what finds no room is counted.
#[derive(Debug, Default)]
pub struct RefusalLog {
    /// To the thread that writes; `None` keeps none.
    pub to_writer: Option<Producer<Refused>>,
    /// Refusals that were not written down.
    pub lost: u64,
}

/// The way out, as the core uses it during one poll.
pub(super) struct Way<'a, 'e> {
    pub(super) link: &'a mut OrderLink<'e>,
    pub(super) clocks: &'a mut Clocks,
    pub(super) refusals: &'a mut RefusalLog,
    pub(super) now: Now,
}

impl OrderWire for Way<'_, '_> {
    #[inline]
    fn has_room(&self, len: usize) -> bool {
        self.clocks.unsent.len() < UNSENT_MAX && self.link.has_room(len)
    }

    #[inline]
    fn send(&mut self, _now_ns: u64, message: &[u8]) -> bool {
        self.link.send(self.now, message)
    }

    #[inline]
    fn passed(&mut self, step: Step) {
        self.clocks.laps.lap(match step {
            Step::Book => TraderStage::Book,
            Step::Strategy => TraderStage::Strategy,
            Step::Gate => TraderStage::Gate,
            Step::Encode => TraderStage::Encode,
        });
    }

    #[inline]
    fn entered(&mut self, user_ref: UserRef, _ticker: Ticker) {
        // Room was asked for; beyond it an order goes unclocked rather than the vector grows.
        if self.clocks.unsent.len() < UNSENT_MAX {
            let on_tick = self.clocks.on_tick;
            self.clocks.unsent.push((user_ref, on_tick));
        }
    }

    #[inline]
    fn acknowledged(&mut self, user_ref: UserRef) {
        self.clocks.acknowledged(user_ref);
    }

    #[cold]
    fn refused(&mut self, refused: &Refused) {
        if let Some(to_writer) = &mut self.refusals.to_writer
            && to_writer.push(*refused).is_err()
        {
            self.refusals.lost += 1;
        }
    }
}
