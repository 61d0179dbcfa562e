//! ITCH messages from a file to a loadgen's lcore, without a system call on the lcore.
//!
//! A reader thread fills chunks of whole framed messages (`length[2] message`) and passes them over
//! a wait-free ring; the lcore walks them in place and hands the empty chunks back over another.
//! Chunks are allocated once and go round. When the reader lags, the lcore sees [`Peek::Wait`].

use spsc::{Consumer, Producer, ring};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One piece of an input: whole framed messages.
#[derive(Debug)]
pub struct Chunk {
    /// `length[2] message`, repeated.
    pub bytes: Vec<u8>,
    /// Bytes of input this chunk stands for, for the progress bar.
    pub input_bytes: u64,
}

/// The reader thread's end.
#[derive(Debug)]
pub struct SourceTx {
    full: Producer<Chunk>,
    empty: Consumer<Chunk>,
    ended: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
}

/// The lcore's end.
#[derive(Debug)]
pub struct SourceRx {
    full: Consumer<Chunk>,
    empty: Producer<Chunk>,
    ended: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    current: Option<Chunk>,
    at: usize,
    taken_bytes: u64,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Peek<'a> {
    /// A message, without its length.
    Message(&'a [u8]),
    /// The reader lags behind; ask again.
    Wait,
    /// All is read.
    End,
    /// The input broke off; what came before it was good.
    Failed,
}

/// A source of `chunks` chunks of `chunk_bytes` each.
pub fn source(chunks: usize, chunk_bytes: usize) -> (SourceTx, SourceRx) {
    let (full_tx, full_rx) = ring(chunks);
    let (mut empty_tx, empty_rx) = ring(chunks);
    for _ in 0..chunks {
        let chunk = Chunk { bytes: Vec::with_capacity(chunk_bytes), input_bytes: 0 };
        // The ring was made for exactly this many.
        let _ = empty_tx.push(chunk);
    }
    let (ended, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let tx =
        SourceTx { full: full_tx, empty: empty_rx, ended: ended.clone(), failed: failed.clone() };
    let rx = SourceRx {
        full: full_rx,
        empty: empty_tx,
        ended,
        failed,
        current: None,
        at: 0,
        taken_bytes: 0,
    };
    (tx, rx)
}

impl SourceTx {
    /// An empty chunk to fill, when the lcore has handed one back.
    pub fn take_empty(&mut self) -> Option<Chunk> {
        let mut chunk = self.empty.pop()?;
        chunk.bytes.clear();
        chunk.input_bytes = 0;
        Some(chunk)
    }

    /// Passes a chunk on. There are never more chunks than places.
    pub fn pass(&mut self, chunk: Chunk) {
        let _ = self.full.push(chunk);
    }

    /// Says that nothing more comes; `failed` when the input broke off.
    pub fn end(self, failed: bool) {
        self.failed.store(failed, Ordering::Release);
        self.ended.store(true, Ordering::Release);
    }

    /// Whether the lcore's end is gone.
    pub fn is_abandoned(&self) -> bool {
        self.full.is_abandoned()
    }
}

impl SourceRx {
    /// The next message, left in place until [`SourceRx::advance`].
    pub fn peek(&mut self) -> Peek<'_> {
        if !self.has_message() && !self.next_chunk() {
            return self.at_end();
        }
        match self.message() {
            Some(message) => Peek::Message(message),
            None => Peek::Failed,
        }
    }

    /// Moves past the message that was peeked.
    pub fn advance(&mut self) {
        self.at += 2 + self.message().map_or(0, <[u8]>::len);
    }

    /// Whether a message is at hand or may yet come at once; false when one has to wait.
    pub fn is_primed(&self) -> bool {
        self.current.is_some() || self.full.has_some() || self.ended.load(Ordering::Acquire)
    }

    /// Input bytes of the chunks taken up so far.
    pub fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    fn has_message(&self) -> bool {
        self.current.as_ref().is_some_and(|c| self.at < c.bytes.len())
    }

    fn message(&self) -> Option<&[u8]> {
        let bytes = &self.current.as_ref()?.bytes;
        let length = bytes.get(self.at..self.at + 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        bytes.get(self.at + 2..self.at + 2 + length)
    }

    fn next_chunk(&mut self) -> bool {
        if let Some(done) = self.current.take() {
            let _ = self.empty.push(done);
        }
        self.at = 0;
        self.current = self.full.pop();
        self.taken_bytes += self.current.as_ref().map_or(0, |c| c.input_bytes);
        self.has_message()
    }

    fn at_end(&self) -> Peek<'_> {
        // The flag is set after the last chunk: an empty ring seen after it is the end.
        if !self.ended.load(Ordering::Acquire) || self.full.has_some() {
            Peek::Wait
        } else if self.failed.load(Ordering::Acquire) {
            Peek::Failed
        } else {
            Peek::End
        }
    }
}

#[cfg(test)]
mod tests;
