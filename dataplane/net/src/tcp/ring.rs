//! A ring of bytes: what was received and not read, or written and not acknowledged.
//!
//! Layout: `len` bytes from `head` on, going round. A ring that has become empty begins again at
//! its front, so that a connection which keeps up uses the same few cache lines all day, however
//! long the ring is.
//!
//! Limits: as many bytes as it was made with.

use super::ahead::LINE_BYTES;
use prefetch_index::prefetch_index;

/// See the module.
#[derive(Debug)]
pub(crate) struct Ring {
    bytes: Box<[u8]>,
    head: u32,
    len: u32,
}

impl Ring {
    /// Takes the memory; `capacity` is below 2^31.
    pub(crate) fn new(capacity: usize) -> Ring {
        debug_assert!(capacity < 1 << 31);
        Ring { bytes: vec![0; capacity].into_boxed_slice(), head: 0, len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(crate) fn free(&self) -> usize {
        self.bytes.len() - self.len as usize
    }

    pub(crate) fn clear(&mut self) {
        (self.head, self.len) = (0, 0);
    }

    /// Where the byte at `offset` lies.
    #[inline]
    fn place(&self, offset: usize) -> usize {
        let at = self.head as usize + offset;
        if at >= self.bytes.len() { at - self.bytes.len() } else { at }
    }

    /// The bytes in their order, as the two runs they lie in.
    pub(crate) fn runs(&self) -> [&[u8]; 2] {
        self.range(0, self.len())
    }

    /// `len` bytes from `offset` on, as the two runs they lie in; fewer where the ring has fewer.
    #[inline]
    pub(crate) fn range(&self, offset: usize, len: usize) -> [&[u8]; 2] {
        let offset = offset.min(self.len());
        let len = len.min(self.len() - offset);
        let at = self.place(offset);
        let first = len.min(self.bytes.len() - at);
        [&self.bytes[at..at + first], &self.bytes[..len - first]]
    }

    /// Asks memory for what will be written next: a short message is on two lines at most.
    #[inline]
    pub(crate) fn ask_room(&self) {
        let at = self.place(self.len());
        prefetch_index(&self.bytes, at);
        prefetch_index(&self.bytes, at + LINE_BYTES);
    }

    /// The run that can be written to behind the last byte: all that is free, or what there is of
    /// it before the ring's end.
    #[inline]
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let (at, free) = (self.place(self.len()), self.free());
        let run = free.min(self.bytes.len() - at);
        &mut self.bytes[at..at + run]
    }

    /// Puts bytes at `offset` behind the last one, without counting them yet; what does not fit is
    /// left out.
    #[inline]
    pub(crate) fn put_ahead(&mut self, offset: usize, bytes: &[u8]) {
        let fits = bytes.len().min(self.free().saturating_sub(offset));
        if fits == 0 {
            return;
        }
        let at = self.place(self.len() + offset);
        let (first, second) = bytes[..fits].split_at(fits.min(self.bytes.len() - at));
        self.bytes[at..at + first.len()].copy_from_slice(first);
        self.bytes[..second.len()].copy_from_slice(second);
    }

    /// Counts `len` bytes more, which were written.
    #[inline]
    pub(crate) fn extend(&mut self, len: usize) {
        debug_assert!(len <= self.free());
        self.len += len.min(self.free()) as u32;
    }

    /// Takes `len` bytes off the front. `begins_anew` says whether an empty ring may begin at its
    /// front again: not while bytes lie ahead.
    #[inline]
    pub(crate) fn consume(&mut self, len: usize, begins_anew: bool) {
        debug_assert!(len <= self.len());
        let len = len.min(self.len());
        self.head = self.place(len) as u32;
        self.len -= len as u32;
        if self.len == 0 && begins_anew {
            self.head = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        /// Against a queue, with a run that is put ahead and counted later.
        #[test]
        fn a_ring_is_a_queue(
            capacity in 1..40usize,
            acts in proptest::collection::vec((0..4u8, 0..40usize), 0..200),
        ) {
            let (mut ring, mut twin) = (Ring::new(capacity), VecDeque::new());
            let mut next = 0u8;
            let mut fresh = |len: usize| -> Vec<u8> {
                (0..len).map(|_| { next = next.wrapping_add(1); next }).collect()
            };
            for (act, len) in acts {
                match act {
                    0 => {
                        let bytes = fresh(len.min(ring.free()));
                        ring.put_ahead(0, &bytes);
                        ring.extend(bytes.len());
                        twin.extend(bytes);
                    }
                    1 => {
                        // The second half first, as when segments change places.
                        let bytes = fresh(len.min(ring.free()));
                        let (first, second) = bytes.split_at(len.min(ring.free()) / 2);
                        ring.put_ahead(first.len(), second);
                        ring.consume(0, false);
                        ring.put_ahead(0, first);
                        ring.extend(bytes.len());
                        twin.extend(bytes);
                    }
                    2 => {
                        let room = ring.room();
                        let run = room.len().min(len);
                        let bytes = fresh(run);
                        room[..run].copy_from_slice(&bytes);
                        ring.extend(run);
                        twin.extend(bytes);
                    }
                    _ => {
                        let len = len.min(ring.len());
                        ring.consume(len, true);
                        twin.drain(..len);
                    }
                }
                let [first, second] = ring.runs();
                prop_assert!(twin.iter().eq(first.iter().chain(second)));
                let [first, second] = ring.range(len, 5);
                prop_assert!(twin.iter().skip(len).take(5).eq(first.iter().chain(second)));
                prop_assert_eq!(ring.len() + ring.free(), capacity);
            }
        }
    }
}
