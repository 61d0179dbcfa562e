//! MoldUDP64 1.00: messages in sequence over multicast, and requests to have them again.
//!
//! Layout: `session[10] sequence_number[8] message_count[2]`, then `message_count` blocks of
//! `length[2] data[length]`. The sequence number is that of the first message. A request has the
//! same twenty bytes and nothing after them.

use crate::block::{BlockError, Blocks};
use crate::field::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of the header.
pub const HEADER_LEN: usize = 20;
/// Message count of a heartbeat: nothing new, the header's number is the next to come.
pub const HEARTBEAT: u16 = 0;
/// Message count of the end of a session.
pub const END_OF_SESSION: u16 = 0xFFFF;

/// A session's name.
pub type Session = [u8; 10];

/// The header of a downstream packet; a request is the same twenty bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// The session the numbers belong to.
    pub session: Session,
    /// Of the first message; of the next to come in a heartbeat.
    pub sequence_number: U64,
    /// How many messages follow, or are asked for; or [`HEARTBEAT`], or [`END_OF_SESSION`].
    pub message_count: U16,
}
const _: () = assert!(size_of::<Header>() == HEADER_LEN);

/// What the server retransmits on request.
pub type Request = Header;

/// Why the bytes are not a MoldUDP64 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer bytes than the header.
    #[error("MoldUDP64 header needs 20 bytes, {length} are there")]
    Short {
        /// Bytes at hand.
        length: usize,
    },
    /// The count says more messages than the bytes hold.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Bytes behind the last message.
    #[error("{extra} bytes at offset {offset} follow the last of {count} messages")]
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many there are.
        extra: usize,
        /// The header's message count.
        count: u16,
    },
}

/// What a downstream packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing new.
    Heartbeat,
    /// No more messages in this session.
    EndOfSession,
    /// This many messages follow.
    Messages(u16),
}

/// A downstream packet.
#[derive(Clone, Copy, Debug)]
pub struct Downstream<'a> {
    /// The header.
    pub header: &'a Header,
    packet: &'a [u8],
}

/// Reads a downstream packet's header. The messages are checked as they are walked over, or all by
/// [`Downstream::check`].
///
/// # Errors
/// Fewer than twenty bytes.
#[inline]
pub fn parse(packet: &[u8]) -> Result<Downstream<'_>, Error> {
    let (header, _) =
        Header::ref_from_prefix(packet).map_err(|_| Error::Short { length: packet.len() })?;
    Ok(Downstream { header, packet })
}

/// Reads a request; bytes behind it are not looked at.
///
/// # Errors
/// Fewer than twenty bytes.
pub fn parse_request(packet: &[u8]) -> Result<&Request, Error> {
    Ok(parse(packet)?.header)
}

impl<'a> Downstream<'a> {
    /// What this packet is.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.header.message_count.get() {
            HEARTBEAT => Kind::Heartbeat,
            END_OF_SESSION => Kind::EndOfSession,
            count => Kind::Messages(count),
        }
    }

    /// How many messages the header announces: none in a heartbeat and at the end of a session.
    #[inline]
    pub fn count(&self) -> u16 {
        match self.kind() {
            Kind::Messages(count) => count,
            Kind::Heartbeat | Kind::EndOfSession => 0,
        }
    }

    /// The sequence number expected after this packet; stays at the highest number rather than
    /// wrap.
    #[inline]
    pub fn next_sequence(&self) -> u64 {
        self.header.sequence_number.get().saturating_add(u64::from(self.count()))
    }

    /// The messages, in order. Offsets in errors count from the start of the packet.
    #[inline]
    pub fn messages(&self) -> Blocks<'a> {
        Blocks::counted(self.packet, HEADER_LEN, self.count())
    }

    /// Whether the blocks fill the packet exactly.
    ///
    /// # Errors
    /// The first block that does not fit, or bytes left over.
    pub fn check(&self) -> Result<(), Error> {
        let mut blocks = self.messages();
        blocks.by_ref().try_for_each(|block| block.map(|_| ()))?;
        let (offset, count) = (blocks.offset(), self.count());
        match self.packet.len().checked_sub(offset) {
            None | Some(0) => Ok(()),
            Some(extra) => Err(Error::Trailing { offset, extra, count }),
        }
    }
}

impl Header {
    /// A header, or a request.
    pub fn new(session: Session, sequence_number: u64, message_count: u16) -> Header {
        Header {
            session,
            sequence_number: U64::new(sequence_number),
            message_count: U16::new(message_count),
        }
    }
}

/// Packs messages into a downstream packet, in place.
#[derive(Debug)]
pub struct Packer<'a> {
    packet: &'a mut [u8],
    at: usize,
    count: u16,
}

impl<'a> Packer<'a> {
    /// Starts a packet that may fill `packet`; `None` when not even the header fits.
    pub fn new(packet: &'a mut [u8]) -> Option<Packer<'a>> {
        (packet.len() >= HEADER_LEN).then_some(Packer { packet, at: HEADER_LEN, count: 0 })
    }

    /// Room for the next message of `length` bytes, to be filled by the caller; `None` when it does
    /// not fit.
    #[inline]
    pub fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        let size = u16::try_from(length).ok()?;
        let count = self.count.checked_add(1).filter(|&n| n != END_OF_SESSION)?;
        let end = self.at.checked_add(2)?.checked_add(length)?;
        let block = self.packet.get_mut(self.at..end)?;
        let (head, data) = block.split_first_chunk_mut::<2>()?;
        *head = size.to_be_bytes();
        self.at = end;
        self.count = count;
        Some(data)
    }

    /// Adds a message; `false` when it does not fit.
    #[inline]
    #[must_use]
    pub fn push(&mut self, message: &[u8]) -> bool {
        self.reserve(message.len()).map(|room| room.copy_from_slice(message)).is_some()
    }

    /// Messages so far.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Bytes so far, the header included.
    pub const fn len(&self) -> usize {
        self.at
    }

    /// Whether no message was added yet.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes the header and gives the packet's length. Without messages the packet is a heartbeat.
    #[inline]
    pub fn finish(self, session: Session, sequence_number: u64) -> usize {
        let header = Header::new(session, sequence_number, self.count);
        // `new` made sure that the header fits, so this copies all of it.
        if let Some(to) = self.packet.get_mut(..HEADER_LEN) {
            to.copy_from_slice(header.as_bytes());
        }
        self.at
    }
}

#[cfg(test)]
mod tests;
