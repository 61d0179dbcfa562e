//! Glimpse 5.0: the message that ends a snapshot of ITCH.
//!
//! Why it exists: a snapshot is ITCH messages in a SoupBinTCP session of its own; the last message
//! says where in the live feed it was taken, so that a client knows from where to go on.
//!
//! Layout: `G`, then the sequence number in ASCII, justified right, padded with spaces, 20 bytes.
//!
//! Failure modes: another length, another type, a field that is no number; see [`Error`].

use crate::soup::text::{self, Number};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The message's type byte.
pub const END_OF_SNAPSHOT: u8 = b'G';

/// The end of a snapshot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct EndOfSnapshot {
    /// [`END_OF_SNAPSHOT`].
    pub message_type: u8,
    /// ASCII number of the live feed's message to go on from; see [`EndOfSnapshot::sequence`].
    pub sequence_number: Number,
}
const _: () = assert!(size_of::<EndOfSnapshot>() == 21);

/// Why bytes are not an end of snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 21 bytes.
    #[error("an end of snapshot has 21 bytes, not {length}")]
    Length {
        /// Bytes in the message.
        length: usize,
    },
    /// Not an end of snapshot: an ITCH message of that length, if it is any.
    #[error("message type {kind:#04x} is not an end of snapshot")]
    Type {
        /// The type byte.
        kind: u8,
    },
    /// The sequence number is not one.
    #[error("an end of snapshot's sequence number: {0}")]
    Number(#[from] text::Error),
}

/// Reads an end of snapshot where it lies; `bytes` must be all of it.
///
/// # Errors
/// See [`Error`].
pub fn parse(bytes: &[u8]) -> Result<&EndOfSnapshot, Error> {
    let message =
        EndOfSnapshot::ref_from_bytes(bytes).map_err(|_| Error::Length { length: bytes.len() })?;
    if message.message_type != END_OF_SNAPSHOT {
        return Err(Error::Type { kind: message.message_type });
    }
    text::parse(&message.sequence_number)?;
    Ok(message)
}

impl EndOfSnapshot {
    /// The end of a snapshot after which `sequence` is the next message of the live feed; its bytes
    /// are `as_bytes()`.
    pub fn new(sequence: u64) -> EndOfSnapshot {
        EndOfSnapshot { message_type: END_OF_SNAPSHOT, sequence_number: text::format(sequence) }
    }

    /// The live feed's message to go on from.
    ///
    /// # Errors
    /// The field is not a number; [`parse`] lets no such message pass.
    pub fn sequence(&self) -> Result<u64, text::Error> {
        text::parse(&self.sequence_number)
    }
}

#[cfg(test)]
mod tests;
