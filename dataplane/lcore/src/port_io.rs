//! One port as a role uses it: a burst in, replies out, and the mbufs that go round between them.
//!
//! An mbuf that brought a request is kept in `spare` once its frame has been read, and carries the
//! next reply: in the steady state the mempool is not asked at all. Transmit is flushed when the
//! burst is done, not when the buffer is full; what the device does not take stays, in order.

use arrayvec::ArrayVec;
use dpdk::{Checksum, Mbuf, Mempool, RxQueue, TxQueue};
use net::{FrameTx, RxChecks};

/// Frames taken from a port at once.
pub const BURST: usize = 32;
/// Frames that may wait for a transmit queue to take them.
pub const QUEUED_MAX: usize = 64;
/// Mbufs kept at hand for replies.
const SPARE_MAX: usize = 64;

/// What the NIC says it has verified in a frame.
#[inline]
pub fn rx_checks(mbuf: &Mbuf<'_>) -> RxChecks {
    RxChecks {
        ipv4: mbuf.rx_ipv4_checksum() == Checksum::Good,
        l4: mbuf.rx_l4_checksum() == Checksum::Good,
    }
}

/// Received frames on their way through the pipeline.
pub type Burst<'e> = ArrayVec<Mbuf<'e>, BURST>;

/// Both directions of a port's queue pair.
#[derive(Debug)]
pub struct PortIo<'e> {
    rx: RxQueue<'e>,
    /// The way out; apart, so that a frame can be read while its reply is written.
    pub out: Outbox<'e>,
    rx_frames: u64,
    rx_bytes: u64,
}

/// The transmit side.
#[derive(Debug)]
pub struct Outbox<'e> {
    tx: TxQueue<'e>,
    pool: Mempool<'e>,
    spare: ArrayVec<Mbuf<'e>, SPARE_MAX>,
    queued: ArrayVec<Mbuf<'e>, QUEUED_MAX>,
    frames: u64,
    bytes: u64,
    no_mbuf: u64,
    backpressure: u64,
}

/// What went through a port, and what did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounts {
    /// Frames received.
    pub rx_frames: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames the device took.
    pub tx_frames: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Times the pool had no mbuf for a reply; the reply was kept back, not lost.
    pub no_mbuf: u64,
    /// Times the device took less than it was given; the rest was kept.
    pub backpressure: u64,
}

impl<'e> PortIo<'e> {
    /// Takes the queue pair; replies come from `pool`.
    pub fn new(rx: RxQueue<'e>, tx: TxQueue<'e>, pool: Mempool<'e>) -> PortIo<'e> {
        let mut out = Outbox {
            tx,
            pool,
            spare: ArrayVec::new(),
            queued: ArrayVec::new(),
            frames: 0,
            bytes: 0,
            no_mbuf: 0,
            backpressure: 0,
        };
        out.refill();
        PortIo { rx, out, rx_frames: 0, rx_bytes: 0 }
    }

    /// Receives up to a burst into `burst`, which is empty.
    #[inline]
    pub fn rx(&mut self, burst: &mut Burst<'e>) -> usize {
        let got = self.rx.rx(burst);
        self.rx_frames += got as u64;
        self.rx_bytes += burst.iter().map(|m| m.len() as u64).sum::<u64>();
        got
    }

    /// What went through so far.
    pub fn counts(&self) -> PortCounts {
        PortCounts {
            rx_frames: self.rx_frames,
            rx_bytes: self.rx_bytes,
            tx_frames: self.out.frames,
            tx_bytes: self.out.bytes,
            no_mbuf: self.out.no_mbuf,
            backpressure: self.out.backpressure,
        }
    }

    /// Gives the queues back, for the port to be stopped. Frames still waiting are dropped.
    pub fn into_queues(self) -> (RxQueue<'e>, TxQueue<'e>) {
        (self.rx, self.out.tx)
    }
}

impl<'e> Outbox<'e> {
    /// Keeps a frame that has been read for the next reply.
    #[inline]
    pub fn recycle(&mut self, mbuf: Mbuf<'e>) {
        // A full store gives it back: dropping an mbuf returns it to its pool.
        let _ = self.spare.try_push(mbuf);
    }

    /// Queues a received frame as it is, for this port to send. Gives it back where the queue is
    /// full: see [`room`](Self::room).
    #[inline]
    pub fn forward(&mut self, mbuf: Mbuf<'e>) -> Result<(), Mbuf<'e>> {
        self.queued.try_push(mbuf).map_err(|full| full.element())
    }

    /// A frame of these bytes, with nothing known of it. `None` where there is no mbuf, or the
    /// frame is longer than one holds.
    pub fn copy_of(&mut self, frame: &[u8]) -> Option<Mbuf<'e>> {
        if self.spare.is_empty() {
            self.refill();
        }
        let mut copy = self.spare.pop()?;
        copy.reset();
        copy.extend(frame).then_some(copy)
    }

    /// Frames that can still be queued.
    #[inline]
    pub fn room(&self) -> usize {
        self.queued.remaining_capacity()
    }

    /// Hands what is queued to the device.
    #[inline]
    pub fn flush(&mut self) {
        if self.queued.is_empty() {
            return;
        }
        let waiting: u64 = self.queued.iter().map(|m| m.len() as u64).sum();
        let sent = self.tx.tx(&mut self.queued);
        let left: u64 = self.queued.iter().map(|m| m.len() as u64).sum();
        self.frames += sent as u64;
        self.bytes += waiting - left;
        self.backpressure += u64::from(!self.queued.is_empty());
        // A side that sends more than it receives must not run dry in the middle of its next burst:
        // TCP would keep the rest for a later poll.
        if self.spare.len() < BURST {
            self.refill();
        }
    }

    /// Lets go of the frames that wait for the device.
    pub(crate) fn discard(&mut self) {
        self.queued.clear();
    }

    /// Frames that wait for the device.
    pub fn queued(&self) -> usize {
        self.queued.len()
    }

    #[cold]
    fn refill(&mut self) {
        while self.spare.len() < SPARE_MAX / 2 {
            match self.pool.alloc() {
                Some(mbuf) => self.spare.push(mbuf),
                None => {
                    self.no_mbuf += 1;
                    return;
                }
            }
        }
    }
}

/// A port that takes every frame, and of which nothing ever leaves.
#[derive(Debug)]
pub(crate) struct Nowhere([u8; NOWHERE_BYTES]);

/// Room for any frame of a port without jumbo frames, with its tags.
const NOWHERE_BYTES: usize = 2_048;

impl Default for Nowhere {
    fn default() -> Nowhere {
        Nowhere([0; NOWHERE_BYTES])
    }
}

impl FrameTx for Nowhere {
    fn ready(&self) -> bool {
        true
    }

    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        self.0.get_mut(..len).map(fill).is_some()
    }
}

impl FrameTx for Outbox<'_> {
    #[inline]
    fn ready(&self) -> bool {
        !self.spare.is_empty() && !self.queued.is_full()
    }

    #[inline]
    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if !self.ready() {
            self.flush();
            if self.spare.is_empty() {
                self.refill();
            }
            if !self.ready() {
                return false;
            }
        }
        let Some(mut mbuf) = self.spare.pop() else { return false };
        mbuf.reset();
        let Some(frame) = mbuf.append(len) else { return false };
        fill(frame);
        self.queued.push(mbuf);
        true
    }
}
