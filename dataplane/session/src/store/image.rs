//! A store written down, and read back as it was: every message under its number, and lying where
//! it lay, so that the next one evicts what it would have evicted.

use super::{ReplayStore, Slot};
use crate::image::{ImageError, Reader, put};

impl ReplayStore {
    /// Adds the store to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        put(out, self.index.len() as u64);
        put(out, self.bytes.len() as u64);
        for number in [self.write, self.oldest_seq, self.next_seq, self.evicted, self.refused] {
            put(out, number);
        }
        for seq in self.oldest_seq..self.next_seq {
            let slot = self.index[self.slot(seq)];
            put(out, slot.start());
            put(out, slot.len() as u64);
            out.extend_from_slice(self.get(seq).unwrap_or_default());
        }
    }

    /// Becomes the store that was saved. Nothing of it is held.
    ///
    /// # Errors
    /// Bytes that are no store of this size; this one is not to be used then.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), ImageError> {
        let (messages, ring) = (from.number()?, from.number()?);
        if (messages, ring) != (self.index.len() as u64, self.bytes.len() as u64) {
            return Err(ImageError::Size);
        }
        let [write, oldest_seq, next_seq, evicted, refused] = from.numbers()?;
        let held = next_seq.checked_sub(oldest_seq).filter(|held| *held <= messages);
        held.filter(|_| oldest_seq > 0).ok_or(ImageError::Contradiction)?;
        let mut behind = write.saturating_sub(ring);
        for seq in oldest_seq..next_seq {
            let (start, len) = (from.number()?, from.number()?);
            let fits = |len: &usize| *len <= Self::MESSAGE_BYTES_MAX && start < 1 << 48;
            let len = usize::try_from(len).ok().filter(fits).ok_or(ImageError::Contradiction)?;
            let at = self.offset(start);
            let end = start.checked_add(len as u64).filter(|end| *end <= write && start >= behind);
            behind = end.ok_or(ImageError::Contradiction)?;
            let room = self.bytes.get_mut(at..).and_then(|bytes| bytes.get_mut(..len));
            room.ok_or(ImageError::Contradiction)?.copy_from_slice(from.bytes(len)?);
            let slot = self.slot(seq);
            self.index[slot] = Slot::new(start, len, 0);
        }
        (self.write, self.oldest_seq, self.next_seq) = (write, oldest_seq, next_seq);
        (self.evicted, self.refused) = (evicted, refused);
        Ok(())
    }

    /// Begins anew: nothing is held, and the next message is the first.
    pub(crate) fn begin(&mut self) {
        (self.write, self.oldest_seq, self.next_seq) = (0, 1, 1);
    }
}
