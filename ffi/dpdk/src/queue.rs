//! The hot path: bursts of frames in and out of one queue of a port.
//!
//! A burst is one indirect call into the driver, through the table of fast-path functions that
//! DPDK exports for its own inline functions. It is made from Rust, because a C function in between
//! costs as much as the rest. A queue with callbacks (packet capture sets them) takes the way
//! through C, where DPDK's own code runs them.

use std::marker::PhantomData;

use arrayvec::ArrayVec;
use dpdk_sys as sys;

use crate::{Eal, Mbuf, PortId};

type MbufPtr = *mut sys::rte_mbuf;

/// Which queue of which port, and how its driver is called.
struct Queue<'e> {
    ops: *const sys::rte_eth_fp_ops,
    port: PortId,
    queue: u16,
    eal: PhantomData<&'e Eal>,
}

impl Queue<'_> {
    /// # Safety
    /// The port must be started and have this queue, and no other `Queue` may stand for it.
    unsafe fn new(port: PortId, queue: u16) -> Self {
        let table = (&raw const sys::rte_eth_fp_ops).cast::<sys::rte_eth_fp_ops>();
        // SAFETY: the number of a port is an index into this table.
        let ops = unsafe { table.add(usize::from(port.0)) };
        Queue { ops, port, queue, eal: PhantomData }
    }

    /// Receives at most `room` frames into `into`.
    ///
    /// # Safety
    /// `into` must have room for so many pointers.
    #[inline]
    unsafe fn rx(&mut self, into: *mut MbufPtr, room: u16) -> u16 {
        let index = usize::from(self.queue);
        // SAFETY: the entry is in a static table; a started port's entry has arrays with an
        // element for each of its queues, and nobody else calls the driver for this queue.
        unsafe {
            let ops = self.ops;
            let callbacks = *(*ops).rxq.clbk.add(index);
            match (*ops).rx_pkt_burst {
                Some(burst) if callbacks.is_null() => {
                    burst(*(*ops).rxq.data.add(index), into, room)
                }
                _ => rx_with_callbacks(self.port, self.queue, into, room),
            }
        }
    }

    /// Hands the driver `count` frames; returns how many of the first it took.
    ///
    /// # Safety
    /// `from` must point to so many mbufs. Those taken are no longer the caller's.
    #[inline]
    unsafe fn tx(&mut self, from: *mut MbufPtr, count: u16) -> u16 {
        let index = usize::from(self.queue);
        // SAFETY: as in `rx`.
        unsafe {
            let ops = self.ops;
            let callbacks = *(*ops).txq.clbk.add(index);
            match (*ops).tx_pkt_burst {
                Some(burst) if callbacks.is_null() => {
                    burst(*(*ops).txq.data.add(index), from, count)
                }
                _ => tx_with_callbacks(self.port, self.queue, from, count),
            }
        }
    }
}

#[cold]
unsafe fn rx_with_callbacks(port: PortId, queue: u16, into: *mut MbufPtr, room: u16) -> u16 {
    // SAFETY: handed on from the caller.
    unsafe { sys::pg_rx_burst(port.0, queue, into, room) }
}

#[cold]
unsafe fn tx_with_callbacks(port: PortId, queue: u16, from: *mut MbufPtr, count: u16) -> u16 {
    // SAFETY: handed on from the caller.
    unsafe { sys::pg_tx_burst(port.0, queue, from, count) }
}

/// As much of a length, which is no more than N, as a burst can be. For any array of a sensible
/// size this is the length itself, and nothing is compared.
#[inline]
fn burst_len<const N: usize>(len: usize) -> u16 {
    debug_assert!(len <= N, "longer than the array");
    if N <= u16::MAX as usize { len as u16 } else { len.min(usize::from(u16::MAX)) as u16 }
}

/// A receive queue, and the only user of it.
pub struct RxQueue<'e> {
    queue: Queue<'e>,
    /// Whether the driver may spread a frame over several mbufs.
    chains: bool,
    chains_dropped: u64,
}

// SAFETY: a driver's queue belongs to no thread; it wants one user at a time, and a queue that is
// neither Sync nor Clone has no more.
unsafe impl Send for RxQueue<'_> {}

impl<'e> RxQueue<'e> {
    /// # Safety
    /// As for [`Queue::new`]; without `chains`, the driver must deliver mbufs of one segment only.
    pub(crate) unsafe fn new(port: PortId, queue: u16, chains: bool) -> Self {
        // SAFETY: handed on from the caller.
        RxQueue { queue: unsafe { Queue::new(port, queue) }, chains, chains_dropped: 0 }
    }

    /// Fills the free room of `into` with frames that have come in; returns how many there were.
    ///
    /// A frame that the driver had to spread over a chain of mbufs is longer than the MTU, but a
    /// peer can send one over some virtual devices. It is dropped and counted.
    #[inline]
    pub fn rx<const N: usize>(&mut self, into: &mut ArrayVec<Mbuf<'e>, N>) -> usize {
        self.rx_at_most(into, u16::MAX)
    }

    /// As [`RxQueue::rx`], but receives no more than `most` frames.
    #[inline]
    pub fn rx_at_most<const N: usize>(
        &mut self,
        into: &mut ArrayVec<Mbuf<'e>, N>,
        most: u16,
    ) -> usize {
        // Mostly the burst is empty. Saying so apart lets the call below go ahead without waiting
        // for the length, which the last call on the other side of the port may just have stored.
        let count = match into.len() {
            0 => self.rx_behind(into, 0, most),
            len => self.rx_behind(into, len, most),
        };
        if self.chains {
            return self.drop_chains(into, count);
        }
        count
    }

    /// Receives behind the `len` frames that are there.
    #[inline(always)]
    fn rx_behind<const N: usize>(
        &mut self,
        into: &mut ArrayVec<Mbuf<'e>, N>,
        len: usize,
        most: u16,
    ) -> usize {
        debug_assert_eq!(into.len(), len, "not all that is there");
        let room = burst_len::<N>(N - len).min(most);
        // SAFETY: `into` has room for N - len more pointers behind its first len, an Mbuf is a
        // pointer to an mbuf, and the driver sets as many as it returns, to mbufs it gives up.
        unsafe {
            let at = into.as_mut_ptr().add(len).cast::<MbufPtr>();
            let count = usize::from(self.queue.rx(at, room));
            debug_assert!(count <= usize::from(room), "the driver overran the burst");
            into.set_len(len + count);
            count
        }
    }

    /// Drops the chains among the last `count`; returns how many are left of these.
    #[inline(never)]
    fn drop_chains<const N: usize>(
        &mut self,
        into: &mut ArrayVec<Mbuf<'e>, N>,
        count: usize,
    ) -> usize {
        let first = into.len() - count;
        let received = into.get(first..).unwrap_or_default();
        if received.iter().fold(0, |bits, mbuf| bits | (mbuf.segments() ^ 1)) == 0 {
            return count;
        }
        let mut index = 0;
        into.retain(|mbuf| {
            index += 1;
            index <= first || mbuf.segments() == 1
        });
        let left = into.len() - first;
        self.chains_dropped += (count - left) as u64;
        left
    }

    /// The port it belongs to.
    pub fn port(&self) -> PortId {
        self.queue.port
    }

    /// Its number at the port.
    pub fn index(&self) -> u16 {
        self.queue.queue
    }

    /// Frames dropped because they were too long for one mbuf.
    pub fn chains_dropped(&self) -> u64 {
        self.chains_dropped
    }
}

/// A transmit queue, and the only user of it.
pub struct TxQueue<'e> {
    queue: Queue<'e>,
    /// Whether the driver wants to see frames before they are sent, because it fills in checksums.
    prepare: bool,
    refused: u64,
}

// SAFETY: as for RxQueue.
unsafe impl Send for TxQueue<'_> {}

impl<'e> TxQueue<'e> {
    /// # Safety
    /// As for [`Queue::new`].
    pub(crate) unsafe fn new(port: PortId, queue: u16, prepare: bool) -> Self {
        // SAFETY: handed on from the caller.
        TxQueue { queue: unsafe { Queue::new(port, queue) }, prepare, refused: 0 }
    }

    /// Sends as many frames as the device takes, the first first, and takes these out of `from`;
    /// the rest stays, in order. Returns how many were sent.
    #[inline]
    pub fn tx<const N: usize>(&mut self, from: &mut ArrayVec<Mbuf<'e>, N>) -> usize {
        if self.prepare {
            return self.prepare_and_tx(from);
        }
        let count = burst_len::<N>(from.len());
        self.tx_first(from, count)
    }

    /// Sends at most `count` frames, which is no more than there are.
    #[inline]
    fn tx_first<const N: usize>(&mut self, from: &mut ArrayVec<Mbuf<'e>, N>, count: u16) -> usize {
        let len = from.len();
        debug_assert!(usize::from(count) <= len, "more than there are");
        // SAFETY: an Mbuf is a pointer to an mbuf, and there are `count`. The driver owns the
        // `sent` first of them on return: they leave the array without being dropped, and the
        // others move to its front.
        unsafe {
            let at = from.as_mut_ptr();
            let sent = usize::from(self.queue.tx(at.cast(), count));
            debug_assert!(sent <= usize::from(count), "the driver took more than there were");
            if sent == len {
                from.set_len(0);
            } else {
                std::ptr::copy(at.add(sent), at, len - sent);
                from.set_len(len - sent);
            }
            sent
        }
    }

    /// Shows the frames to the driver first. One that it refuses is dropped and counted: it could
    /// never be sent, and would hold up all behind it.
    #[cold]
    fn prepare_and_tx<const N: usize>(&mut self, from: &mut ArrayVec<Mbuf<'e>, N>) -> usize {
        let mut sent_sum = 0;
        loop {
            let count = burst_len::<N>(from.len());
            let (port, queue) = (self.queue.port.0, self.queue.queue);
            // SAFETY: an Mbuf is a pointer to an mbuf, and there are `count`; they stay ours.
            let good = unsafe { sys::pg_tx_prepare(port, queue, from.as_mut_ptr().cast(), count) };
            let sent = self.tx_first(from, good.min(count));
            sent_sum += sent;
            if sent < usize::from(good) || good >= count {
                return sent_sum;
            }
            // All before the bad frame went out, so it is the first now.
            drop(from.remove(0));
            self.refused += 1;
        }
    }

    /// The port it belongs to.
    pub fn port(&self) -> PortId {
        self.queue.port
    }

    /// Its number at the port.
    pub fn index(&self) -> u16 {
        self.queue.queue
    }

    /// Frames dropped because the driver cannot do to them what they ask for.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl std::fmt::Debug for RxQueue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RxQueue({}.{})", self.port(), self.index())
    }
}

impl std::fmt::Debug for TxQueue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TxQueue({}.{})", self.port(), self.index())
    }
}
