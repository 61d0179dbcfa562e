//! Other people's ends, as the harness wants them.

use crate::harness::{ITEMS_MAX, Receiver, Sender};
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::{Arc, Mutex, mpsc};

/// An end of somebody else's.
pub(crate) struct End<E>(pub(crate) E);

impl Sender for End<rtrb::Producer<u64>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.push(item).is_ok()
    }

    #[inline]
    fn push_burst(&mut self, items: &[u64]) -> usize {
        self.0.push_partial_slice(items).0.len()
    }
}

impl Receiver for End<rtrb::Consumer<u64>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.0.pop().ok()
    }

    #[inline]
    fn pop_burst(&mut self, out: &mut [u64]) -> usize {
        self.0.pop_partial_slice(out).0.len()
    }
}

impl Sender for End<Arc<crossbeam_queue::ArrayQueue<u64>>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.push(item).is_ok()
    }
}

impl Receiver for End<Arc<crossbeam_queue::ArrayQueue<u64>>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.0.pop()
    }
}

impl Sender for End<crossbeam_channel::Sender<u64>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.try_send(item).is_ok()
    }
}

impl Receiver for End<crossbeam_channel::Receiver<u64>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.0.try_recv().ok()
    }
}

impl Sender for End<mpsc::SyncSender<u64>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.try_send(item).is_ok()
    }
}

impl Receiver for End<mpsc::Receiver<u64>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.0.try_recv().ok()
    }
}

impl Sender for End<flume::Sender<u64>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.try_send(item).is_ok()
    }
}

impl Receiver for End<flume::Receiver<u64>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.0.try_recv().ok()
    }
}

type Shared = Arc<Mutex<VecDeque<u64>>>;

impl Sender for End<Shared> {
    fn push(&mut self, item: u64) -> bool {
        self.push_burst(&[item]) == 1
    }

    /// One lock a burst.
    fn push_burst(&mut self, items: &[u64]) -> usize {
        let mut queue = self.0.lock().expect("nobody panics");
        let count = items.len().min(ITEMS_MAX - queue.len());
        queue.extend(&items[..count]);
        count
    }
}

impl Receiver for End<Shared> {
    fn pop(&mut self) -> Option<u64> {
        self.0.lock().expect("nobody panics").pop_front()
    }

    fn pop_burst(&mut self, out: &mut [u64]) -> usize {
        let mut queue = self.0.lock().expect("nobody panics");
        let count = out.len().min(queue.len());
        for (place, item) in out.iter_mut().zip(queue.drain(..count)) {
            *place = item;
        }
        count
    }
}

/// A pipe of the kernel's, neither end of which waits.
pub(crate) fn pipe() -> (PipeWriter, PipeReader) {
    let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).expect("the kernel has pipes");
    (writer.into(), reader.into())
}

/// Writes of a few items are whole or not at all: PIPE_BUF is 4,096 bytes.
impl Sender for End<PipeWriter> {
    fn push(&mut self, item: u64) -> bool {
        self.0.write(&item.to_ne_bytes()).is_ok()
    }

    fn push_burst(&mut self, items: &[u64]) -> usize {
        let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_ne_bytes()).collect();
        self.0.write(&bytes).map_or(0, |written| written / size_of::<u64>())
    }
}

impl Receiver for End<PipeReader> {
    fn pop(&mut self) -> Option<u64> {
        let mut bytes = [0; size_of::<u64>()];
        self.0.read(&mut bytes).ok().map(|_| u64::from_ne_bytes(bytes))
    }

    fn pop_burst(&mut self, out: &mut [u64]) -> usize {
        let mut bytes = vec![0; size_of_val(out)];
        let count = self.0.read(&mut bytes).unwrap_or(0) / size_of::<u64>();
        for (item, bytes) in out.iter_mut().zip(bytes.as_chunks().0).take(count) {
            *item = u64::from_ne_bytes(*bytes);
        }
        count
    }
}
