//! A venue's own feed, received and rebuilt: what it published can be held against what it holds.

use crate::agent::Now;
use crate::feed_port::FeedPort;
use crate::port_io::{Burst, PortIo};
use market::Market;
use session::{MoldHandler, MoldReceiver, ReceiverCounters};
use telemetry::Counter;
use wire::itch::{self, Message};

/// See the module.
pub struct Watch<'e> {
    port: FeedPort<'e>,
    receiver: MoldReceiver,
    market: Market,
    shares_executed: Counter,
}

impl<'e> Watch<'e> {
    /// Watches the feed that comes in at `port`.
    pub fn new(port: FeedPort<'e>, receiver: MoldReceiver, market: Market) -> Watch<'e> {
        Watch { port, receiver, market, shares_executed: Counter::new() }
    }

    pub(crate) fn start(&mut self, now: Now) {
        self.port.start(now);
    }

    pub(crate) fn poll(&mut self, now: Now, burst: &mut Burst<'e>) -> usize {
        let got = self.port.rx(burst);
        for mbuf in burst.drain(..) {
            if let Some((_, payload)) = self.port.open(now, &mbuf) {
                let mut heard = Heard { market: &mut self.market, shares: &self.shares_executed };
                self.receiver.on_packet(now.ns, payload, &mut heard);
            }
            self.port.recycle(mbuf);
        }
        got + self.port.tend(now)
    }

    /// Sequence and gaps.
    pub fn receiver(&self) -> &ReceiverCounters {
        self.receiver.counters()
    }

    /// The rebuilt books.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Shares that the feed said were executed.
    pub fn shares_executed(&self) -> u64 {
        self.shares_executed.get()
    }

    /// The port, for its counters.
    pub fn port(&self) -> &FeedPort<'e> {
        &self.port
    }

    pub(crate) fn into_io(self) -> PortIo<'e> {
        self.port.into_io()
    }
}

struct Heard<'a> {
    market: &'a mut Market,
    shares: &'a Counter,
}

impl MoldHandler for Heard<'_> {
    fn on_message(&mut self, _seq: u64, message: &[u8]) {
        self.market.on_message(message);
        match itch::parse(message) {
            Ok(Message::OrderExecuted(m)) => self.shares.add(m.executed_shares.get().into()),
            Ok(Message::OrderExecutedPrice(m)) => self.shares.add(m.executed_shares.get().into()),
            _ => {}
        }
    }
}
