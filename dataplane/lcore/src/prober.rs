//! A client that holds a venue to its word: what was acknowledged once must be there whatever
//! became of the connection, or of the appliance at its other end.
//!
//! Why it exists: `peregrine drill` takes a cluster's leader away in the middle of trading. This
//! client counts what was lost and what came twice, and says for how long it had no answer.
//!
//! ```text
//!  orders 1, 2, 3 … (a window of them under way) ──▶ venue
//!  answers, each for the next order ◀── venue      a connection lost: log in for the next message,
//!                                                   ask for the next order's number, send again
//!  the end: log in for message 1, and read everything once more: the same bytes, no more, no less
//! ```
//! A hash of each sequenced message is kept, so that the second reading can be held against the
//! first.
//!
//! Limits: [`ProberConfig::orders_max`] orders and four messages for each are remembered; it stops
//! sending there.

mod book;

pub use book::{Outage, ProberCounter, Tally};

use crate::agent::{Agent, Now, WorkCount};
use crate::loadgen::Watch;
use crate::order_link::{LinkHandler, OrderLink};
use crate::port_io::{Burst, PortIo};
use desk::requests::{account_query, enter};
use session::ClientHandler;
use spsc::Producer;
use types::{OrderSide, TimeInForce};
use wire::IntoBytes;
use wire::ouch::outbound::{self, Message};

/// How long the end may take.
const END_NS_MAX: u64 = 60_000_000_000;

/// What a prober does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProberConfig {
    /// Its orders' symbol.
    pub symbol: [u8; 8],
    /// Their side.
    pub side: OrderSide,
    /// Their limit, in 1/10000 dollar.
    pub price: u32,
    /// Their shares.
    pub shares: u32,
    /// Orders that are under way at a time.
    pub window: u32,
    /// Nanoseconds between two orders at least.
    pub pause_ns: u64,
    /// Orders at most.
    pub orders_max: u32,
}

/// What the prober is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Sends orders.
    Trading,
    /// Waits for the last answers.
    Settling,
    /// Has logged out, to log in for the first message.
    Leaving,
    /// Reads everything again.
    Reading,
    /// Has read it.
    Done,
}

/// The parts a [`Prober`] is made of.
pub struct ProberParts<'e> {
    /// The role's name.
    pub name: String,
    /// The connection.
    pub link: OrderLink<'e>,
    /// What the venue publishes, received and checked.
    pub watch: Option<Watch<'e>>,
    /// What it does.
    pub config: ProberConfig,
    /// Who hears of outages as they end.
    pub outages: Producer<Outage>,
}

/// See the module.
pub struct Prober<'e> {
    name: String,
    link: OrderLink<'e>,
    watch: Option<Watch<'e>>,
    config: ProberConfig,
    tally: Tally,
    outages: Producer<Outage>,
    phase: Phase,
    /// The next order's number.
    next_ref: u32,
    next_ns: u64,
    /// Whether the venue's next number is being asked for.
    asked: bool,
    was_open: bool,
    ending_ns: Option<u64>,
    burst: Burst<'e>,
}

impl<'e> Prober<'e> {
    /// Puts one together; takes all memory that it will need.
    pub fn new(parts: ProberParts<'e>) -> Prober<'e> {
        let ProberParts { name, link, watch, config, outages } = parts;
        Prober {
            name,
            link,
            watch,
            config,
            tally: Tally::new(config.orders_max),
            outages,
            phase: Phase::Trading,
            next_ref: 1,
            next_ns: 0,
            asked: false,
            was_open: false,
            ending_ns: None,
            burst: Burst::new(),
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection, for the report.
    pub fn link(&self) -> &OrderLink<'e> {
        &self.link
    }

    /// What the venue published, for the report.
    pub fn watch(&self) -> Option<&Watch<'e>> {
        self.watch.as_ref()
    }

    /// What it found.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether everything was read a second time.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Takes the role apart for its ports.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        let watch = self.watch.map(Watch::into_io);
        [self.link.into_io()].into_iter().chain(watch).collect()
    }

    /// A connection that is new asks where the venue is, before anything else is sent.
    fn follow_connection(&mut self, now: Now) {
        let open = self.link.is_open();
        if self.link.take_closed() || !open {
            (self.was_open, self.asked) = (false, false);
        }
        if open && !self.was_open {
            self.was_open = true;
            if self.phase <= Phase::Settling && self.link.send(now, account_query().as_bytes()) {
                self.asked = true;
                self.tally.expect_query();
            }
        }
    }

    /// Sends orders, as many as may be under way; from the venue's number on when it was asked.
    fn send_orders(&mut self, now: Now) -> usize {
        if let Some(next) = self.tally.take_next_ref() {
            self.asked = false;
            self.next_ref = next;
        }
        let mut sent = 0;
        let last = self.last_wanted();
        while self.was_open && !self.asked && self.next_ref <= last && now.ns >= self.next_ns {
            let ProberConfig { side, shares, symbol, price, .. } = self.config;
            let order = enter(self.next_ref, side, shares, symbol, price, TimeInForce::Day);
            if !self.link.has_room(order.as_bytes().len()) || !self.link.send(now, order.as_bytes())
            {
                break;
            }
            self.tally.sent(self.next_ref, now.ns);
            self.next_ref += 1;
            self.next_ns = now.ns + self.config.pause_ns;
            sent += 1;
        }
        sent
    }

    /// The last order that may be under way now; at the end those that were sent once.
    fn last_wanted(&self) -> u32 {
        match self.phase {
            Phase::Trading => {
                let last = self.tally.answered().saturating_add(self.config.window);
                last.min(self.config.orders_max)
            }
            _ => self.tally.highest_sent(),
        }
    }

    /// The steps of the end.
    fn go_on(&mut self) {
        self.phase = match self.phase {
            Phase::Settling if self.tally.answered() == self.tally.highest_sent() => Phase::Leaving,
            Phase::Leaving if self.link.leave() => {
                self.tally.read_again();
                self.link.come_back();
                Phase::Reading
            }
            Phase::Reading if self.tally.is_read() => Phase::Done,
            phase => phase,
        };
    }
}

/// What the connection brings.
struct Heard<'a> {
    tally: &'a mut Tally,
    now_ns: u64,
}

impl ClientHandler for Heard<'_> {
    fn on_sequenced(&mut self, seq: u64, message: &[u8]) {
        if !self.tally.hear(seq, message) {
            return;
        }
        match outbound::parse(message) {
            Ok(Message::OrderAccepted(m, _)) => {
                self.tally.answer(m.user_ref_num.get(), self.now_ns);
            }
            Ok(Message::Rejected(m)) => self.tally.answer(m.user_ref_num.get(), self.now_ns),
            Ok(Message::OrderExecuted(m, _)) => self.tally.fill(m.quantity.get()),
            Ok(Message::AccountQueryResponse(m)) => {
                self.tally.next_ref(m.next_user_ref_num.get());
            }
            _ => {}
        }
    }
}

impl LinkHandler for Heard<'_> {}

impl Agent for Prober<'_> {
    fn start(&mut self, now: Now) {
        self.link.start(now);
        if let Some(watch) = &mut self.watch {
            watch.start(now);
        }
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let mut heard = Heard { tally: &mut self.tally, now_ns: now.ns };
        let got = self.link.receive(now, &mut self.burst, &mut heard);
        self.follow_connection(now);
        let sent = self.send_orders(now);
        let timers = self.link.tend(now);
        self.link.flush(now);
        if let Some(outage) = self.tally.take_outage() {
            // Nobody need listen: the tally has them all.
            let _ = self.outages.push(outage);
        }
        let watched = self.watch.as_mut().map_or(0, |watch| watch.poll(now, &mut self.burst));
        self.go_on();
        got + sent + timers + watched
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn drain(&mut self, now: Now) {
        self.ending_ns.get_or_insert(now.ns + END_NS_MAX);
        if self.phase == Phase::Trading {
            self.phase = Phase::Settling;
        }
    }

    fn is_drained(&self) -> bool {
        self.phase == Phase::Done
    }

    fn stop(&mut self, now: Now) -> bool {
        self.link.leave() || self.ending_ns.is_some_and(|end_ns| now.ns > end_ns)
    }
}
