//! The client on a port: DPDK, our TCP, SoupBinTCP.

use super::{MESSAGE_LEN_MAX, Orders};
use crate::agent::{Agent, Now, WorkCount};
use crate::control::Fault;
use crate::order_link::OrderLink;
use crate::port_io::{Burst, PortIo};

/// Messages sent in one poll at most.
const BATCH_MAX: usize = 32;

/// See the module.
pub struct SoupLink<'e> {
    link: OrderLink<'e>,
    orders: Orders,
    burst: Burst<'e>,
}

impl<'e> SoupLink<'e> {
    /// Sends `orders` over `link`.
    pub fn new(link: OrderLink<'e>, orders: Orders) -> SoupLink<'e> {
        SoupLink { link, orders, burst: Burst::new() }
    }

    /// The orders, for their counters and to start and end them.
    pub fn orders(&mut self) -> &mut Orders {
        &mut self.orders
    }

    /// The link, for its counters.
    pub fn link(&self) -> &OrderLink<'e> {
        &self.link
    }

    /// Gives the port back.
    pub fn into_io(self) -> PortIo<'e> {
        self.link.into_io()
    }

    #[inline]
    fn send(&mut self, now: Now) -> usize {
        let mut message = [0; MESSAGE_LEN_MAX];
        for sent in 0..BATCH_MAX {
            if !self.link.has_room(MESSAGE_LEN_MAX) {
                self.orders.held();
                return sent;
            }
            let len = self.orders.next(&mut message);
            if len == 0 {
                return sent;
            }
            self.link.send(now, &message[..len]);
        }
        BATCH_MAX
    }
}

impl Agent for SoupLink<'_> {
    fn start(&mut self, now: Now) {
        self.link.start(now);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let got = self.link.receive(now, &mut self.burst, &mut self.orders);
        let sent = self.send(now);
        self.link.flush(now);
        self.link.tend(now);
        self.orders.expire(now.tsc);
        got + sent
    }

    fn is_ready(&self) -> bool {
        self.link.is_open() && self.orders.is_ready()
    }

    fn drain(&mut self, _now: Now) {
        self.orders.end();
    }

    fn is_drained(&self) -> bool {
        self.orders.is_over()
    }

    fn fault(&self) -> Option<Fault> {
        self.link.fault()
    }

    fn stop(&mut self, _now: Now) -> bool {
        self.link.leave()
    }
}
