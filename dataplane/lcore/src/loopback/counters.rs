//! What a stream counts. One writer, its lcore; any reader, at any time.
//!
//! Nothing here is ever set back: who wants counts from a moment on keeps those of that moment and
//! subtracts.

use std::sync::{Arc, OnceLock};

use telemetry::{Counter, CounterSet};

use super::BURST_MAX;
use super::soup::{OrderCounter, SoupError};
use super::trips::TripStats;

telemetry::keys! {
    /// What a stream counts.
    pub enum StreamCounter in "stream" {
        /// Frames taken from the receive queue.
        RxFrames = "rx_frames",
        /// Frames that the transmit queue took.
        TxFrames = "tx_frames",
        /// Dropped: the transmit queue was full for longer than [`super::TxFull`] waits.
        DropTxFull = "drop_tx_full",
        /// Dropped: the driver would not send what the frame asks of it.
        DropRefused = "drop_refused",
        /// Dropped: it came in several mbufs, being longer than one.
        DropChain = "drop_chain",
        /// Dropped: shorter than the header that the mode has to change.
        DropShort = "drop_short",
        /// Frames that were not made, because the pool had no mbuf.
        NoMbuf = "no_mbuf",
        /// Frames that nobody asked an answer for: ends here, as the mode has it.
        Consumed = "consumed",
        /// Frames that went on as they were: not of a kind that the mode changes.
        Untouched = "untouched",
        /// Frames whose IPv4 header checksum was wrong when they came in.
        BadIpChecksum = "bad_ip_checksum",
        /// Frames whose UDP or TCP checksum was wrong when they came in.
        BadL4Checksum = "bad_l4_checksum",
        /// Frames of the first bursts that the transmit queue had no room for.
        FirstLeft = "tx_first_left",
        /// Frames that still waited when forwarding was stopped, and were dropped then.
        LeftAtStop = "left_at_stop",
        /// Times that the transmit queue did not take all it was offered.
        TxFull = "tx_full",
        /// Gauge: frames that are due by the rate and not out yet.
        Behind = "behind",
        /// Gauge: frames that wait for the transmit queue.
        Waiting = "waiting",
    }
}

/// The counters that are losses: a lossless mode has none of them.
pub const DROPS: &[StreamCounter] = &[
    StreamCounter::DropTxFull,
    StreamCounter::DropRefused,
    StreamCounter::DropChain,
    StreamCounter::DropShort,
];

/// How many bursts had how many frames.
#[derive(Debug)]
pub struct BurstSpread([Counter; BURST_MAX + 1]);

impl BurstSpread {
    /// Counts a burst of `frames`.
    #[inline]
    pub fn add(&self, frames: usize) {
        if let Some(counter) = self.0.get(frames) {
            counter.inc();
        }
    }

    /// All bursts.
    pub fn total(&self) -> u64 {
        self.counts().fold(0, u64::wrapping_add)
    }

    /// Bursts by their number of frames, from 0 to [`BURST_MAX`].
    pub fn counts(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().map(Counter::get)
    }
}

impl Default for BurstSpread {
    fn default() -> BurstSpread {
        BurstSpread([const { Counter::new() }; BURST_MAX + 1])
    }
}

/// All that a stream counts.
#[derive(Debug, Default)]
pub struct StreamStats {
    /// Frames.
    pub counters: CounterSet<StreamCounter>,
    /// Bursts received; those of no frame are polls that found nothing.
    pub rx_bursts: BurstSpread,
    /// Bursts handed to the transmit queue, by the frames that it took.
    pub tx_bursts: BurstSpread,
    /// Round trips of probes and orders, in modes that measure them.
    pub trips: Arc<TripStats>,
    /// How orders were answered.
    pub answers: Arc<CounterSet<OrderCounter>>,
    error: OnceLock<SoupError>,
}

impl StreamStats {
    /// No order can be entered, and this is why.
    pub fn fail(&self, error: SoupError) {
        // The first reason is the one that counts.
        let _ = self.error.set(error);
    }

    /// Why no order could be entered.
    pub fn error(&self) -> Option<SoupError> {
        self.error.get().copied()
    }
}
