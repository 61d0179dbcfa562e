//! The way out for frames.

/// Something that takes frames to be sent: an mbuf queue of an lcore, a vector in a test.
pub trait FrameTx {
    /// Whether the next [`send`](Self::send) will be taken. TCP asks before it commits to a
    /// segment, so that a full queue costs time and not a retransmission; an implementation that
    /// says `true` and then refuses is counted, and the segment waits for its retransmission timer.
    fn ready(&self) -> bool {
        true
    }

    /// Takes a frame of exactly `len` bytes, written by `fill` into a buffer of that length whose
    /// contents are undefined before. Gives `false`, without having called `fill`, when there is no
    /// room; the caller then tries again later.
    #[must_use]
    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> bool;
}

/// A list of frames, for tests; a full one takes no more.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Frames {
    pub(crate) list: Vec<Vec<u8>>,
    pub(crate) full: bool,
}

#[cfg(test)]
impl FrameTx for Frames {
    fn ready(&self) -> bool {
        !self.full
    }

    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if self.full {
            return false;
        }
        // As in an mbuf, what lies there before is not zero.
        let mut frame = vec![0xA5; len];
        fill(&mut frame);
        self.list.push(frame);
        true
    }
}
