//! The messages of one session, kept so that they can be sent, and sent again.
//!
//! Why it exists: SoupBinTCP promises a client that comes back everything since the last message it
//! saw, and MoldUDP64's retransmission server answers for any recent sequence number. Both are a
//! ring of recent messages addressed by sequence number. The ring is also the send queue: a
//! connection is a cursor into it, so a message is copied once in and once out, and a slow reader
//! costs nothing.
//!
//! Layout: `bytes` holds the messages one after the other, each in one piece; where the next one
//! would cross the end, the rest of the ring is left as padding and it starts at the front. `index`
//! holds start and length of message `seq` in slot `seq & mask`. Positions count up for ever, so
//! that "still there" is one subtraction.
//!
//! Limits: as many messages as the index has slots, as many bytes as the ring holds, both powers of
//! two and taken at construction; one message is at most a quarter of the ring and 65,533 bytes.
//!
//! A message may be *held*: it has the mark of the input that it came of, and whoever reads for the
//! outside says through which mark that is known to be kept ([`ReplayStore::get_released`]).
//!
//! Failure modes: a full ring evicts its oldest messages and counts them; [`ReplayStore::get`] then
//! says `None`, and it is for the reader to turn that into a typed disconnect or refusal.

mod image;
#[cfg(test)]
mod tests;

use prefetch_index::prefetch_index;

/// How large a [`ReplayStore`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Messages held at most; a power of two.
    pub messages_max: usize,
    /// Bytes held at most, padding included; a power of two.
    pub bytes_max: usize,
}

impl Default for StoreConfig {
    /// 16,384 messages in 1 MiB: the largest OUCH reply is 68 bytes before its appendage, so that
    /// the two bounds are met at about the same time.
    fn default() -> Self {
        StoreConfig { messages_max: 1 << 14, bytes_max: 1 << 20 }
    }
}

/// Why a store could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Index by mask wants a power of two.
    #[error("a store of {0} messages: not a power of two of at most 2^31")]
    Messages(usize),
    /// Addressing by mask wants a power of two.
    #[error("a store of {0} bytes: not a power of two in 64..=2^40")]
    Bytes(usize),
}

/// Where one message lies, and what it came of: as small as it can be, since each message that is
/// written or read asks memory for one.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Position of its first byte, counted from the store's birth, in the upper 48 bits, which are
    /// 256 TiB; its length in bytes in the lower 16.
    place: u64,
    /// The input that it came of; 0 for none that matters.
    mark: u64,
}

impl Slot {
    #[inline]
    fn new(start: u64, len: usize, mark: u64) -> Slot {
        Slot { place: start << 16 | len as u64, mark }
    }

    #[inline]
    fn start(self) -> u64 {
        self.place >> 16
    }

    #[inline]
    fn len(self) -> usize {
        (self.place & 0xFFFF) as usize
    }
}

const _: () = assert!(ReplayStore::MESSAGE_BYTES_MAX <= 0xFFFF);

/// A ring of recent messages addressed by sequence number.
#[derive(Debug)]
pub struct ReplayStore {
    bytes: Box<[u8]>,
    index: Box<[Slot]>,
    /// Position of the next byte to be written.
    write: u64,
    /// Sequence number of the oldest message held; `next_seq` when none is.
    oldest_seq: u64,
    /// Sequence number of the next message.
    next_seq: u64,
    evicted: u64,
    refused: u64,
}

impl ReplayStore {
    /// The longest message any store takes, in bytes: what a MoldUDP64 or SoupBinTCP length can say
    /// with the type byte of the latter.
    pub const MESSAGE_BYTES_MAX: usize = u16::MAX as usize - 2;

    /// Takes all the memory the store will ever use, and touches it.
    pub fn new(config: StoreConfig) -> Result<ReplayStore, StoreError> {
        let StoreConfig { messages_max, bytes_max } = config;
        if !messages_max.is_power_of_two() || messages_max > 1 << 31 {
            return Err(StoreError::Messages(messages_max));
        }
        if !bytes_max.is_power_of_two() || !(64..=1 << 40).contains(&bytes_max) {
            return Err(StoreError::Bytes(bytes_max));
        }
        // Filled with ones: zeroes would come from calloc as pages not yet there, and the first
        // trader to use each would pay for the fault.
        let slot = Slot::new(1, 1, 1);
        Ok(ReplayStore {
            bytes: vec![0xFF; bytes_max].into_boxed_slice(),
            index: vec![slot; messages_max].into_boxed_slice(),
            write: 0,
            oldest_seq: 1,
            next_seq: 1,
            evicted: 0,
            refused: 0,
        })
    }

    /// The longest message this store takes, in bytes.
    pub fn message_bytes_max(&self) -> usize {
        (self.bytes.len() / 4).min(Self::MESSAGE_BYTES_MAX)
    }

    /// Appends a message and gives its sequence number; `None`, counted, when it is too long.
    #[inline]
    pub fn append(&mut self, message: &[u8]) -> Option<u64> {
        self.append_with(message.len(), |room| {
            room.copy_from_slice(message);
            message.len()
        })
    }

    /// Appends a message that `fill` writes where it will lie, in room of `len_max` bytes; `fill`
    /// says how many it used. Gives the sequence number; `None`, counted, when `len_max` is too
    /// long.
    #[inline]
    pub fn append_with(
        &mut self,
        len_max: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<u64> {
        self.append_marked(0, len_max, fill)
    }

    /// As [`ReplayStore::append_with`], of a message that is held until `mark` is released. Marks
    /// never fall.
    #[inline]
    pub fn append_marked(
        &mut self,
        mark: u64,
        len_max: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<u64> {
        if len_max > self.message_bytes_max() {
            self.refused += 1;
            return None;
        }
        let start = self.make_room(len_max);
        let at = self.offset(start);
        let len = fill(&mut self.bytes[at..at + len_max]).min(len_max);
        let seq = self.next_seq;
        let slot = self.slot(seq);
        self.index[slot] = Slot::new(start, len, mark);
        self.write = start + len as u64;
        self.next_seq = seq + 1;
        Some(seq)
    }

    /// Asks memory for where the next message will be written, two lines of it.
    #[inline]
    pub(crate) fn ask(&self) {
        let at = self.offset(self.write);
        prefetch_index(&self.bytes, at);
        prefetch_index(&self.bytes, at + 64);
        prefetch_index(&self.index, self.slot(self.next_seq));
        // The one that may have to go.
        prefetch_index(&self.index, self.slot(self.oldest_seq));
    }

    /// Evicts until a message of `len` bytes can be written in one piece, and says where.
    #[inline]
    fn make_room(&mut self, len: usize) -> u64 {
        let ring = self.bytes.len() as u64;
        let left_before_end = ring - (self.write & (ring - 1));
        let start =
            if len as u64 > left_before_end { self.write + left_before_end } else { self.write };
        let end = start + len as u64;
        let messages = self.index.len() as u64;
        while self.oldest_seq < self.next_seq {
            let oldest = self.index[self.slot(self.oldest_seq)];
            let bytes_fit = end - oldest.start() <= ring;
            if bytes_fit && self.next_seq - self.oldest_seq < messages {
                break;
            }
            self.oldest_seq += 1;
            self.evicted += 1;
        }
        start
    }

    /// The message of a sequence number, in one piece; `None` when it was evicted or is yet to
    /// come.
    #[inline]
    pub fn get(&self, seq: u64) -> Option<&[u8]> {
        if seq < self.oldest_seq || seq >= self.next_seq {
            return None;
        }
        self.lying(self.index[self.slot(seq)])
    }

    #[inline]
    fn lying(&self, slot: Slot) -> Option<&[u8]> {
        let at = self.offset(slot.start());
        self.bytes.get(at..at + slot.len())
    }

    /// As [`ReplayStore::get`], of a message whose mark is not above `through`.
    #[inline]
    pub fn get_released(&self, seq: u64, through: u64) -> Option<&[u8]> {
        if seq < self.oldest_seq || seq >= self.next_seq {
            return None;
        }
        let slot = self.index[self.slot(seq)];
        if slot.mark > through { None } else { self.lying(slot) }
    }

    /// Whether a message of that number was appended, and may be sent or is gone.
    #[inline]
    pub fn is_due(&self, seq: u64, through: u64) -> bool {
        seq < self.next_seq && (seq < self.oldest_seq || self.index[self.slot(seq)].mark <= through)
    }

    /// Whether there is such a message and its mark is above `through`.
    #[inline]
    pub fn is_held(&self, seq: u64, through: u64) -> bool {
        seq >= self.oldest_seq && seq < self.next_seq && self.index[self.slot(seq)].mark > through
    }

    /// The first sequence number that is held, or the next one: what the outside may know of.
    pub fn released_seq(&self, through: u64) -> u64 {
        let (mut from, mut to) = (self.oldest_seq, self.next_seq);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.is_held(middle, through) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        from
    }

    /// Sequence number of the oldest message held; equal to [`ReplayStore::next_seq`] when none is.
    #[inline]
    pub fn oldest_seq(&self) -> u64 {
        self.oldest_seq
    }

    /// Sequence number that the next message will have; 1 for a new store.
    #[inline]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Bytes from a message on to the end, padding included; all that are held when it was evicted,
    /// 0 when it is yet to come.
    #[inline]
    pub fn bytes_from(&self, seq: u64) -> u64 {
        let seq = seq.max(self.oldest_seq);
        if seq >= self.next_seq {
            return 0;
        }
        self.write - self.index[self.slot(seq)].start()
    }

    /// Messages held.
    pub fn len(&self) -> usize {
        (self.next_seq - self.oldest_seq) as usize
    }

    /// Whether no message is held.
    pub fn is_empty(&self) -> bool {
        self.oldest_seq == self.next_seq
    }

    /// Messages that had to make room, since the store's birth.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Messages refused for their length, since the store's birth.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn slot(&self, seq: u64) -> usize {
        (seq & (self.index.len() as u64 - 1)) as usize
    }

    fn offset(&self, position: u64) -> usize {
        (position & (self.bytes.len() as u64 - 1)) as usize
    }
}
