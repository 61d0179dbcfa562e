//! The way from an lcore to the writer: a ring of entries, and one of the bytes that few of them
//! have behind them.
//!
//! Most entries have no bytes of their own, and an entry that had room for them would be twice as
//! long. So these go through a second ring, before the entry that they are of.

use crate::codec::{OPAQUE_BYTES_MAX, OPTIONAL_BYTES_MAX};
use crate::record::{Entry, Payload};
use spsc::{Consumer, Producer};
use types::{Echo, Input};

const _: () = assert!(OPTIONAL_BYTES_MAX <= OPAQUE_BYTES_MAX);

/// Of how many entries one may have bytes, when the ring is full.
const TAIL_ONE_IN: usize = 4;

/// An entry without its bytes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    entry: Entry<'static>,
    tail: u16,
}

type Tail = [u8; OPAQUE_BYTES_MAX];

/// Why an entry was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// There is no room: the writer is behind.
    #[error("the journal's ring is full")]
    Full,
    /// Its bytes are more than a record has room for.
    #[error("an entry with more bytes than a record has room for")]
    TooLong,
}

/// The end that entries are pushed into.
#[derive(Debug)]
pub struct Feeder {
    slots: Producer<Slot>,
    tails: Producer<Tail>,
}

/// The writer's end.
#[derive(Debug)]
pub struct Drain {
    slots: Consumer<Slot>,
    tails: Consumer<Tail>,
    tail: Tail,
}

/// A way with room for `entries_min` entries or some more, all of it touched.
pub fn queue(entries_min: usize) -> (Feeder, Drain) {
    let (slots, slots_out) = spsc::ring(entries_min);
    let (tails, tails_out) = spsc::ring(entries_min / TAIL_ONE_IN);
    let drain = Drain { slots: slots_out, tails: tails_out, tail: [0; OPAQUE_BYTES_MAX] };
    (Feeder { slots, tails }, drain)
}

impl Feeder {
    /// Hands an entry over. Never waits.
    ///
    /// # Errors
    /// The entry was not taken.
    #[inline]
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), NotTaken> {
        let (payload, bytes) = split(&entry.payload);
        if !bytes.is_empty() {
            self.push_tail(entry, bytes)?;
        }
        let Entry { sequence, epoch, now, .. } = *entry;
        let entry = Entry { sequence, epoch, now, payload };
        let slot = Slot { entry, tail: bytes.len() as u16 };
        self.slots.push(slot).map_err(|_| NotTaken::Full)
    }

    #[cold]
    fn push_tail(&mut self, entry: &Entry<'_>, bytes: &[u8]) -> Result<(), NotTaken> {
        let orders = matches!(entry.payload, Payload::Input(_));
        let most = if orders { OPTIONAL_BYTES_MAX } else { OPAQUE_BYTES_MAX };
        let mut tail = [0; OPAQUE_BYTES_MAX];
        let room = tail.get_mut(..bytes.len().min(most));
        let room = room.filter(|room| room.len() == bytes.len()).ok_or(NotTaken::TooLong)?;
        room.copy_from_slice(bytes);
        // Looked at first: a tail without its entry would be taken for the next one's.
        if !self.slots.has_room() {
            return Err(NotTaken::Full);
        }
        self.tails.push(tail).map_err(|_| NotTaken::Full)
    }

    /// Whether any one entry would be taken now.
    #[inline]
    pub fn has_room(&mut self) -> bool {
        self.slots.has_room() && self.tails.has_room()
    }
}

impl Drain {
    /// The next entry, if there is one.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Entry<'_>> {
        let Slot { entry, tail } = self.slots.pop()?;
        if tail == 0 {
            return Some(entry);
        }
        // It was pushed before its entry.
        self.tail = self.tails.pop()?;
        let Entry { sequence, epoch, now, payload } = entry;
        let payload = joined(payload, self.tail.get(..usize::from(tail))?);
        Some(Entry { sequence, epoch, now, payload })
    }

    pub(crate) fn has_some(&self) -> bool {
        self.slots.has_some()
    }
}

/// What is kept, without its bytes, and those.
#[inline]
fn split<'a>(payload: &Payload<'a>) -> (Payload<'static>, &'a [u8]) {
    match *payload {
        Payload::Input(Input::Command(command, echo)) => {
            let Echo { display, capacity, iso, cl_ord_id, optional } = echo;
            let kept = Echo { display, capacity, iso, cl_ord_id, optional: &[] };
            (Payload::Input(Input::Command(command, kept)), optional)
        }
        Payload::Input(Input::Scheduled(operation)) => {
            (Payload::Input(Input::Scheduled(operation)), &[])
        }
        Payload::Input(Input::AccountQuery(who)) => (Payload::Input(Input::AccountQuery(who)), &[]),
        Payload::Input(Input::Open(open)) => (Payload::Input(Input::Open(open)), &[]),
        Payload::Input(Input::Close) => (Payload::Input(Input::Close), &[]),
        Payload::Input(Input::Nothing) => (Payload::Input(Input::Nothing), &[]),
        Payload::Opaque(bytes) => (Payload::Opaque(&[]), bytes),
        Payload::Membership(bytes) => (Payload::Membership(&[]), bytes),
        Payload::HardState(state) => (Payload::HardState(state), &[]),
    }
}

#[cold]
fn joined<'a>(payload: Payload<'static>, bytes: &'a [u8]) -> Payload<'a> {
    match payload {
        Payload::Input(Input::Command(command, echo)) => {
            Payload::Input(Input::Command(command, Echo { optional: bytes, ..echo }))
        }
        Payload::Opaque(_) => Payload::Opaque(bytes),
        Payload::Membership(_) => Payload::Membership(bytes),
        other => other,
    }
}
