//! A receive queue, a transmit queue, and what waits between them.

use std::sync::Arc;

use arrayvec::ArrayVec;
use dpdk::{Mbuf, Mempool, Offloads, RxQueue, TxQueue};
use wire::Mac;

use super::{BURST_MAX, StreamCounter, StreamStats, TxFull};

/// Which queue of which port frames come from, and which they go to. Ports are numbered as the
/// session lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Port received from.
    pub rx_port: u16,
    /// Its queue.
    pub rx_queue: u16,
    /// Port sent to.
    pub tx_port: u16,
    /// Its queue.
    pub tx_queue: u16,
    /// The transmitting port's own address.
    pub tx_mac: Mac,
    /// The address of whoever is at the other end of the transmitting port.
    pub peer_mac: Mac,
    /// What the transmitting port fills in by itself.
    pub tx_offloads: Offloads,
}

/// One flow of frames through an lcore.
#[derive(Debug)]
pub struct Stream<'e> {
    /// Where frames come from and go to.
    pub route: Route,
    /// Where they come from.
    pub rx: RxQueue<'e>,
    /// Where they go.
    pub tx: TxQueue<'e>,
    /// What frames are made of.
    pub pool: Mempool<'e>,
    /// What was counted.
    pub stats: Arc<StreamStats>,
    /// Frames on their way; between polls, those that the transmit queue did not take.
    pub frames: ArrayVec<Mbuf<'e>, BURST_MAX>,
}

impl<'e> Stream<'e> {
    /// Joins two queues.
    pub fn new(route: Route, rx: RxQueue<'e>, tx: TxQueue<'e>, pool: Mempool<'e>) -> Stream<'e> {
        let stats = Arc::new(StreamStats::default());
        Stream { route, rx, tx, pool, stats, frames: ArrayVec::new() }
    }

    /// Sends what is in `frames`, and does with the rest as `full` has it. Whether none is left.
    #[inline]
    pub fn send(&mut self, full: TxFull) -> bool {
        let sent = self.tx.tx(&mut self.frames);
        let StreamStats { counters, tx_bursts, .. } = &*self.stats;
        counters.add(StreamCounter::TxFrames, sent as u64);
        tx_bursts.add(sent);
        self.frames.is_empty() || self.wait_or_drop(full)
    }

    #[cold]
    fn wait_or_drop(&mut self, full: TxFull) -> bool {
        let counters = &self.stats.counters;
        counters.inc(StreamCounter::TxFull);
        let TxFull::Drop { retries } = full else {
            counters.set(StreamCounter::Waiting, self.frames.len() as u64);
            return false;
        };
        for _ in 0..retries {
            let sent = self.tx.tx(&mut self.frames);
            counters.add(StreamCounter::TxFrames, sent as u64);
            if self.frames.is_empty() {
                return true;
            }
        }
        counters.add(StreamCounter::DropTxFull, self.frames.len() as u64);
        Mempool::free_bulk(&mut self.frames);
        true
    }
}
