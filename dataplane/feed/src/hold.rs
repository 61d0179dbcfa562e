//! Messages that came ahead of their turn.
//!
//! Layout: a ring of slots addressed by sequence number says where a message's bytes lie; one bit a
//! slot says whether it is there, so that the next one held is found 64 slots at a time. The bytes
//! lie in a ring in the order they came, each message in one piece, with a queue of what lies there
//! so that room is free again when the oldest are gone.
//!
//! Limits: all is taken at construction. There are twice as many slots as messages at most, and
//! what is held lies within as many sequence numbers. A message that came early and is due late
//! pins the bytes behind it; the ring counts as full then.
//!
//! Failure modes: no room is told to the caller, who decides what to give up.

/// Where a held message lies and when it came.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Position in the ring of bytes, counted since birth.
    at: u64,
    len: usize,
    came_ns: u64,
}

/// A message in the order of coming; it may be gone already.
#[derive(Clone, Copy, Debug, Default)]
struct Queued {
    seq: u64,
    at: u64,
}

/// What became of a message to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is held.
    New,
    /// It was held already.
    Duplicate,
    /// So far before what is held that there is no slot for it.
    FarBefore,
    /// No room: something has to go first.
    Full,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Hold {
    slots: Box<[Slot]>,
    present: Box<[u64]>,
    bytes: Box<[u8]>,
    queue: Box<[Queued]>,
    /// Counts of what was ever queued and taken out again.
    queue_in: u64,
    queue_out: u64,
    /// Where the next message's bytes would go, counted since birth.
    head: u64,
    /// The first sequence number held, and the one after the last.
    first: u64,
    end: u64,
    len: usize,
    len_max: usize,
}

impl Hold {
    /// Takes and touches the memory for so many messages with so many bytes.
    pub(crate) fn new(messages_max: usize, bytes_max: usize) -> Hold {
        // Twice as many, for the holes among what is held and for what is gone but still queued.
        let slots = match messages_max {
            0 => 0,
            max => max.saturating_mul(2).next_power_of_two(),
        };
        Hold {
            // Not zero, or the pages would only be there once they are written.
            slots: vec![Slot { at: u64::MAX, len: 0, came_ns: 0 }; slots].into_boxed_slice(),
            present: vec![0; slots.div_ceil(64)].into_boxed_slice(),
            bytes: vec![0xFF; bytes_max.min(u32::MAX as usize)].into_boxed_slice(),
            queue: vec![Queued { seq: u64::MAX, at: 0 }; slots].into_boxed_slice(),
            queue_in: 0,
            queue_out: 0,
            head: 0,
            first: 0,
            end: 0,
            len: 0,
            len_max: messages_max,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The lowest sequence number held.
    #[inline]
    pub(crate) fn first(&self) -> Option<u64> {
        (self.len > 0).then_some(self.first)
    }

    #[inline]
    fn index(&self, seq: u64) -> usize {
        (seq & (self.slots.len() as u64).wrapping_sub(1)) as usize
    }

    #[inline]
    fn holds(&self, seq: u64) -> bool {
        let index = self.index(seq);
        self.len > 0
            && (self.first..self.end).contains(&seq)
            && self.present[index / 64] >> (index % 64) & 1 == 1
    }

    /// The message, if it is held, and when it came.
    #[inline]
    pub(crate) fn get(&self, seq: u64) -> Option<(&[u8], u64)> {
        if !self.holds(seq) {
            return None;
        }
        let slot = self.slots[self.index(seq)];
        let start = self.offset(slot.at);
        Some((self.bytes.get(start..start + slot.len)?, slot.came_ns))
    }

    #[inline]
    fn offset(&self, at: u64) -> usize {
        match self.bytes.len() as u64 {
            0 => 0,
            size => (at % size) as usize,
        }
    }

    /// Holds a copy of the message.
    pub(crate) fn insert(&mut self, seq: u64, now_ns: u64, message: &[u8]) -> Held {
        if self.holds(seq) {
            return Held::Duplicate;
        }
        let slots = self.slots.len() as u64;
        if self.len > 0 && seq < self.first && self.end - seq > slots {
            return Held::FarBefore;
        }
        let far = self.len > 0 && seq >= self.first && seq - self.first >= slots;
        if far || self.len >= self.len_max {
            return Held::Full;
        }
        let Some(at) = self.make_room(message.len()) else { return Held::Full };
        let start = self.offset(at);
        let Some(room) = self.bytes.get_mut(start..start + message.len()) else {
            return Held::Full;
        };
        room.copy_from_slice(message);
        self.head = at + message.len() as u64;
        let queue_index = self.index(self.queue_in);
        self.queue[queue_index] = Queued { seq, at };
        self.queue_in += 1;
        let index = self.index(seq);
        self.slots[index] = Slot { at, len: message.len(), came_ns: now_ns };
        self.present[index / 64] |= 1 << (index % 64);
        self.first = if self.len == 0 { seq } else { self.first.min(seq) };
        self.end = if self.len == 0 { seq + 1 } else { self.end.max(seq + 1) };
        self.len += 1;
        Held::New
    }

    /// Where `len` bytes in one piece would go, once what is gone has been swept off the queue.
    fn make_room(&mut self, len: usize) -> Option<u64> {
        while self.queue_out < self.queue_in {
            let oldest = self.queue[self.index(self.queue_out)];
            if self.holds(oldest.seq) && self.slots[self.index(oldest.seq)].at == oldest.at {
                break;
            }
            self.queue_out += 1;
        }
        let size = self.bytes.len();
        if len > size || self.queue_in - self.queue_out >= self.queue.len() as u64 {
            return None;
        }
        let offset = self.offset(self.head);
        let skipped = if offset + len > size { size - offset } else { 0 };
        let at = self.head + skipped as u64;
        let oldest_at = match self.queue_out < self.queue_in {
            true => self.queue[self.index(self.queue_out)].at,
            false => at,
        };
        (at + len as u64 - oldest_at <= size as u64).then_some(at)
    }

    /// Lets the message go.
    pub(crate) fn remove(&mut self, seq: u64) {
        if !self.holds(seq) {
            return;
        }
        let index = self.index(seq);
        self.present[index / 64] &= !(1 << (index % 64));
        self.len -= 1;
        if self.len > 0 && seq == self.first {
            self.first = self.next_from(seq + 1);
        }
        // `end` may lie behind the last one held: that costs room for far ones, nothing else.
    }

    /// The first one held at or after `seq`; there must be one.
    fn next_from(&self, seq: u64) -> u64 {
        let mut seq = seq;
        while seq < self.end {
            let index = self.index(seq);
            let word = self.present[index / 64] >> (index % 64);
            if word != 0 {
                return seq + u64::from(word.trailing_zeros());
            }
            // A table of fewer than 64 slots is one word in part: step within the table.
            seq += (64.min(self.slots.len()) - index % 64) as u64;
        }
        self.end
    }

    /// Lets go of all below `seq` and says how many there were.
    pub(crate) fn remove_below(&mut self, seq: u64) -> usize {
        let before = self.len;
        while let Some(first) = self.first().filter(|&first| first < seq) {
            self.remove(first);
        }
        before - self.len
    }
}

#[cfg(test)]
mod tests;
