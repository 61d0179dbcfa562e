//! A receive queue, a transmit queue, and what waits between them.

use std::sync::Arc;

use arrayvec::ArrayVec;
use dpdk::{Mbuf, Mempool, Offloads, RxQueue, TxQueue};
use wire::Mac;

use super::{BURST_MAX, StreamCounter, StreamStats, TxFull};

/// How often frames that wait are offered when a session ends.
const OFFERS_LAST: usize = 1_000;

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
    /// Chains that the receive queue and frames that the transmit queue had dropped when the
    /// counters began.
    before: [u64; 2],
}

impl<'e> Stream<'e> {
    /// Joins two queues.
    pub fn new(route: Route, rx: RxQueue<'e>, tx: TxQueue<'e>, pool: Mempool<'e>) -> Stream<'e> {
        let stats = Arc::new(StreamStats::default());
        let mut stream =
            Stream { route, rx, tx, pool, stats, frames: ArrayVec::new(), before: [0; 2] };
        stream.count_anew();
        stream
    }

    /// Counts from nothing, in new counters.
    pub fn count_anew(&mut self) -> Arc<StreamStats> {
        self.stats = Arc::new(StreamStats::default());
        self.before = [self.rx.chains_dropped(), self.tx.refused()];
        Arc::clone(&self.stats)
    }

    /// Receives at most `most` frames behind those in `frames`.
    #[inline]
    pub fn receive(&mut self, most: u16) -> usize {
        let got = self.rx.rx_at_most(&mut self.frames, most);
        self.count_received(got);
        got
    }

    /// Receives at most `most` frames behind those in `into`.
    #[inline]
    pub fn receive_into(&mut self, into: &mut ArrayVec<Mbuf<'e>, BURST_MAX>, most: u16) -> usize {
        let got = self.rx.rx_at_most(into, most);
        self.count_received(got);
        got
    }

    #[inline]
    fn count_received(&self, got: usize) {
        self.stats.rx_bursts.add(got);
        if got > 0 {
            self.stats.counters.add(StreamCounter::RxFrames, got as u64);
            self.count_queues();
        }
    }

    /// What the queues themselves dropped.
    #[inline]
    fn count_queues(&self) {
        let [chains, refused] = self.before;
        let counters = &self.stats.counters;
        counters.set(StreamCounter::DropChain, self.rx.chains_dropped().wrapping_sub(chains));
        counters.set(StreamCounter::DropRefused, self.tx.refused().wrapping_sub(refused));
    }

    /// Whether frames may be put into `frames`: if some wait there, they are offered again first.
    #[inline]
    pub fn is_ready(&mut self, full: TxFull) -> bool {
        self.frames.is_empty() || self.offer_again(full)
    }

    #[cold]
    fn offer_again(&mut self, full: TxFull) -> bool {
        let ready = self.send(full);
        if ready {
            self.stats.counters.set(StreamCounter::Waiting, 0);
        }
        ready
    }

    /// Sends what is in `frames`, and does with the rest as `full` has it. Whether none is left.
    #[inline]
    pub fn send(&mut self, full: TxFull) -> bool {
        let sent = self.tx.tx(&mut self.frames);
        self.stats.counters.add(StreamCounter::TxFrames, sent as u64);
        self.stats.tx_bursts.add(sent);
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

    /// The end of a session: offers what waits for the last time, and counts what is left.
    pub(super) fn finish(&mut self) {
        for _ in 0..OFFERS_LAST {
            if self.is_ready(TxFull::Wait) {
                break;
            }
            std::thread::yield_now();
        }
        let left = self.frames.len() as u64;
        self.stats.counters.add(StreamCounter::LeftAtStop, left);
        self.stats.counters.set(StreamCounter::Waiting, 0);
        self.stats.counters.set(StreamCounter::Behind, 0);
        self.frames.clear();
        self.count_queues();
    }

    /// Gives up frames that an engine held back beyond what the transmit queue took at the end.
    pub(super) fn leave(&self, held: impl Iterator<Item = Mbuf<'e>>) {
        self.stats.counters.add(StreamCounter::LeftAtStop, held.map(drop).count() as u64);
    }

    /// Gives the queues back. Frames still waiting are dropped.
    pub fn into_queues(self) -> (RxQueue<'e>, TxQueue<'e>) {
        (self.rx, self.tx)
    }
}
