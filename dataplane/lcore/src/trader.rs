//! The trader's loop: ITCH in, books, strategy, risk gate, OUCH out.
//!
//! One poll takes a burst from the feed and one from the venue. Each ITCH message goes through the
//! books; where it changes the top of one, the strategy is asked at once, and what it wants passes
//! the gate and is written into TCP's ring. When the burst is done the ring is flushed: that is the
//! trade in tick-to-trade, and the clock stops when the device has taken the frame.

mod desk;
mod working;

pub use desk::{Desk, DeskCounter, DeskStage};
pub use working::{Working, WorkingOrders};

use crate::agent::{Agent, Now, WorkCount};
use crate::control::{Control, Fault};
use crate::feed_port::FeedPort;
use crate::market::{Heard, Market};
use crate::order_link::OrderLink;
use crate::port_io::{Burst, PortIo};
use algos::old::Strategy;
use desk::{Answers, Asking};
use feed::{Feed, Line};
use session::{Gap, MoldHandler};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use types::Symbol;

/// A trader on its ports.
pub struct Trader<'e, S> {
    name: String,
    feed_port: FeedPort<'e>,
    feed: Feed,
    link: OrderLink<'e>,
    market: Market,
    desk: Desk,
    strategy: S,
    symbols: Vec<Symbol>,
    control: Arc<Control>,
    burst: Burst<'e>,
}

/// The parts a [`Trader`] is made of.
pub struct TraderParts<'e, S> {
    /// The role's name.
    pub name: String,
    /// Where the feed comes in.
    pub feed_port: FeedPort<'e>,
    /// Sequence and lines.
    pub feed: Feed,
    /// The way to the venue.
    pub link: OrderLink<'e>,
    /// Books.
    pub market: Market,
    /// Orders, positions, the gate.
    pub desk: Desk,
    /// What decides.
    pub strategy: S,
    /// The names it watches.
    pub symbols: Vec<Symbol>,
    /// The run's progress.
    pub control: Arc<Control>,
}

impl<'e, S: Strategy> Trader<'e, S> {
    /// Puts a trader together.
    pub fn new(parts: TraderParts<'e, S>) -> Trader<'e, S> {
        Trader {
            name: parts.name,
            feed_port: parts.feed_port,
            feed: parts.feed,
            link: parts.link,
            market: parts.market,
            desk: parts.desk,
            strategy: parts.strategy,
            symbols: parts.symbols,
            control: parts.control,
            burst: Burst::new(),
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feed, for the report.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The feed's port, for the report.
    pub fn feed_port(&self) -> &FeedPort<'e> {
        &self.feed_port
    }

    /// The market, for the report.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Orders and positions, for the report.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The link to the venue, for the report.
    pub fn link(&self) -> &OrderLink<'e> {
        &self.link
    }

    /// Takes the role apart for its ports: the feed's, then the orders'.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        vec![self.feed_port.into_io(), self.link.into_io()]
    }

    /// A burst of the feed, message by message through book, strategy and gate.
    fn hear(&mut self, now: Now) -> usize {
        let got = self.feed_port.rx(&mut self.burst);
        if got == 0 {
            return 0;
        }
        self.desk.laps.start(now.tsc);
        self.desk.laps.lap(DeskStage::Rx);
        for mbuf in self.burst.drain(..) {
            if let Some((_, payload)) = self.feed_port.open(now, &mbuf) {
                let mut on_feed = OnFeed {
                    market: &mut self.market,
                    desk: &mut self.desk,
                    strategy: &mut self.strategy,
                    link: &mut self.link,
                    symbols: &self.symbols,
                    now,
                };
                self.feed.on_packet(Line::A, now.ns, payload, &mut on_feed);
            }
            self.feed_port.recycle(mbuf);
        }
        self.desk.laps.lap(DeskStage::Packet);
        if self.desk.has_unsent() {
            self.link.flush(now);
            self.desk.sent(now);
        }
        got
    }

    fn answers(&mut self, now: Now) -> usize {
        let mut answers = Answers { desk: &mut self.desk, strategy: &mut self.strategy };
        let got = self.link.receive(now, &mut self.burst, &mut answers);
        if got > 0 {
            let fills = self.desk.counters().get(DeskCounter::Fills);
            self.control.fills.store(fills, Ordering::Relaxed);
        }
        got
    }
}

impl<S: Strategy> Agent for Trader<'_, S> {
    fn start(&mut self, now: Now) {
        self.feed_port.start(now);
        self.link.start(now);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let work = self.hear(now) + self.answers(now);
        let idle = self.feed_port.tend(now) + self.link.tend(now);
        self.link.flush(now);
        work + idle
    }

    fn is_ready(&self) -> bool {
        self.link.is_open()
    }

    fn drain(&mut self, now: Now) {
        self.desk.close_entry();
        let mut asking = Asking { desk: &mut self.desk, link: &mut self.link, now, at: None };
        asking.cancel_all();
        self.link.flush(now);
    }

    fn is_drained(&self) -> bool {
        self.desk.live_orders() == 0 && self.link.is_acknowledged()
    }

    fn stop(&mut self, _now: Now) -> bool {
        self.link.leave()
    }

    fn fault(&self) -> Option<Fault> {
        self.link.fault()
    }
}

/// One packet's messages on their way through the trader.
struct OnFeed<'a, 'e, S> {
    market: &'a mut Market,
    desk: &'a mut Desk,
    strategy: &'a mut S,
    link: &'a mut OrderLink<'e>,
    symbols: &'a [Symbol],
    now: Now,
}

impl<S: Strategy> MoldHandler for OnFeed<'_, '_, S> {
    #[inline]
    fn on_message(&mut self, _seq: u64, message: &[u8]) {
        self.desk.laps.lap(DeskStage::Packet);
        let heard = self.market.on_message(message);
        self.desk.laps.lap(DeskStage::Book);
        match heard {
            Heard::Nothing => {}
            Heard::Listed(id, name) => {
                if self.symbols.contains(&name) {
                    self.strategy.watch(id);
                    self.desk.list(id, name);
                }
            }
            Heard::Tick(symbol) => {
                let top = self.market.top(symbol);
                let (desk, link) = (&mut *self.desk, &mut *self.link);
                let mut asking = Asking { desk, link, now: self.now, at: Some(top) };
                self.strategy.on_tick(self.now.ns, symbol, &top, &mut asking);
                self.desk.laps.lap(DeskStage::Strategy);
            }
        }
    }

    fn on_gap(&mut self, _gap: Gap) {}
}
