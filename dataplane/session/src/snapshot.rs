//! One consistent image of the market, for clients that come late.
//!
//! Why it exists: a Glimpse client is sent the books as ITCH messages and the sequence number of
//! the live feed that they are as of. The books go on changing while it reads, so they are copied
//! at one instant and sent from the copy.
//!
//! Layout: the messages one after the other in one buffer, and where each ends in another. The last
//! message is the End of Snapshot. Whoever asks while the image is young reads the same one; an old
//! one is replaced as soon as nobody reads it.
//!
//! Limits: both buffers are taken at construction. Filling stalls the loop for as long as the copy
//! takes, so an image is taken at most once in [`SnapshotConfig::image_age_max_ns`].
//!
//! Failure modes: a market larger than the buffers, an image too old that others still read, nobody
//! to give an image: the login is refused with 'S', each for its own reason. A reader that takes
//! longer than [`SnapshotConfig::send_ns_max`] is disconnected, so that no image is held for ever.

use crate::SECOND_NS;
use crate::reason::DisconnectReason;
use wire::IntoBytes;
use wire::glimpse::EndOfSnapshot;

#[cfg(test)]
mod tests;

/// How large an image may be and for how long it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotConfig {
    /// Messages at most, the End of Snapshot among them.
    pub messages_max: usize,
    /// Their bytes at most; below 4 GiB.
    pub bytes_max: usize,
    /// How old an image may be and still be given to a new client, in ns.
    pub image_age_max_ns: u64,
    /// From the connection to the last message sent, in ns.
    pub send_ns_max: u64,
}

impl Default for SnapshotConfig {
    /// A million messages, 36 bytes each as an Add Order has; an image serves for a second and is
    /// read within thirty.
    fn default() -> Self {
        SnapshotConfig {
            messages_max: 1 << 20,
            bytes_max: 36 << 20,
            image_age_max_ns: SECOND_NS,
            send_ns_max: 30 * SECOND_NS,
        }
    }
}

/// What became of snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotCounters {
    /// Images taken.
    pub taken: u64,
    /// Logins that were given an image that was there already.
    pub shared: u64,
    /// Images that did not fit.
    pub full: u64,
}

/// Where an image is written, message by message.
#[derive(Debug)]
pub struct ImageWriter<'a> {
    image: &'a mut SnapshotImage,
    full: bool,
}

impl ImageWriter<'_> {
    /// Adds a message; `false` once the image is full, and the rest need not be tried.
    #[inline]
    pub fn push(&mut self, message: &[u8]) -> bool {
        // A place is kept for the End of Snapshot.
        self.full |= !self.image.push(message, 1);
        !self.full
    }
}

/// See the module.
#[derive(Debug)]
pub struct SnapshotImage {
    config: SnapshotConfig,
    bytes: Box<[u8]>,
    /// Where message `n` ends, from 0.
    ends: Box<[u32]>,
    messages: usize,
    /// When it was taken; `None` when there is none.
    taken_ns: Option<u64>,
    /// The last input that it shows: until that is released it is held.
    mark: u64,
    /// Connections that read it.
    readers: usize,
    counters: SnapshotCounters,
}

impl SnapshotImage {
    pub(crate) fn new(config: SnapshotConfig) -> SnapshotImage {
        let bytes_max = config.bytes_max.min(u32::MAX as usize);
        SnapshotImage {
            config,
            // As in the stores: touched now, so that no client pays for the page faults.
            bytes: vec![0xFF; bytes_max].into_boxed_slice(),
            ends: vec![u32::MAX; config.messages_max].into_boxed_slice(),
            messages: 0,
            taken_ns: None,
            mark: 0,
            readers: 0,
            counters: SnapshotCounters::default(),
        }
    }

    /// Gives a reader an image that is young enough, taking one by `fill` if there is none. `fill`
    /// says from which sequence number on the live feed goes on; `mark` is the last input.
    pub(crate) fn acquire(
        &mut self,
        now_ns: u64,
        mark: u64,
        fill: impl FnOnce(&mut ImageWriter<'_>) -> Option<u64>,
    ) -> Result<(), DisconnectReason> {
        let age_max_ns = self.config.image_age_max_ns;
        let young = |taken_ns: u64| now_ns.saturating_sub(taken_ns) <= age_max_ns;
        if self.taken_ns.is_some_and(young) {
            self.counters.shared += 1;
        } else if self.readers > 0 {
            return Err(DisconnectReason::SnapshotBusy);
        } else {
            self.take(now_ns, fill)?;
            self.mark = mark;
        }
        self.readers += 1;
        Ok(())
    }

    fn take(
        &mut self,
        now_ns: u64,
        fill: impl FnOnce(&mut ImageWriter<'_>) -> Option<u64>,
    ) -> Result<(), DisconnectReason> {
        self.messages = 0;
        self.taken_ns = None;
        let mut writer = ImageWriter { image: self, full: false };
        let sequence = fill(&mut writer);
        let full = writer.full;
        let sequence = sequence.ok_or(DisconnectReason::SnapshotUnavailable)?;
        if full || !self.push(EndOfSnapshot::new(sequence).as_bytes(), 0) {
            self.counters.full += 1;
            return Err(DisconnectReason::SnapshotFull);
        }
        self.taken_ns = Some(now_ns);
        self.counters.taken += 1;
        Ok(())
    }

    /// A reader is gone.
    pub(crate) fn release(&mut self) {
        self.readers = self.readers.saturating_sub(1);
    }

    /// Adds a message if `kept` more would still have a place.
    #[inline]
    fn push(&mut self, message: &[u8], kept: usize) -> bool {
        let start = self.end_of(self.messages);
        let end = start + message.len();
        let Some(room) = self.bytes.get_mut(start..end) else { return false };
        if self.messages + kept >= self.ends.len() {
            return false;
        }
        room.copy_from_slice(message);
        self.ends[self.messages] = end as u32;
        self.messages += 1;
        true
    }

    /// Where the first `messages` messages end.
    #[inline]
    fn end_of(&self, messages: usize) -> usize {
        match messages.checked_sub(1) {
            Some(last) => self.ends[last] as usize,
            None => 0,
        }
    }

    /// A message by its number, from 1.
    #[inline]
    pub(crate) fn get(&self, seq: u64) -> Option<&[u8]> {
        if seq == 0 || seq > self.messages as u64 {
            return None;
        }
        let index = seq as usize - 1;
        self.bytes.get(self.end_of(index)..self.end_of(index + 1))
    }

    pub(crate) fn is_held(&self, through: u64) -> bool {
        self.mark > through
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.messages as u64 + 1
    }

    pub(crate) fn config(&self) -> &SnapshotConfig {
        &self.config
    }

    /// Connections that read it now.
    pub fn readers(&self) -> usize {
        self.readers
    }

    /// What it did so far.
    pub fn counters(&self) -> &SnapshotCounters {
        &self.counters
    }
}
