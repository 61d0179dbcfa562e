//! Packets out of a stream that may be cut anywhere.
//!
//! Layout: packets that lie whole in the input are parsed there. Only the packet that the input's
//! end cuts in two is copied, into one buffer of the longest packet, and completed by the next
//! input.
//!
//! Limits: the buffer never grows. A length beyond it ends the connection as soon as its two bytes
//! are there, so that nobody can make us wait for 64 KiB.

use crate::reason::DisconnectReason;
use wire::soup::{Packet, parse_packet};

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It was taken; on with the next.
    Taken,
    /// Not now: it and what follows stay with the caller.
    Held,
}

/// The reassembly buffer of one connection.
#[derive(Debug)]
pub(crate) struct Deframer {
    /// The beginning of a packet.
    buffer: Box<[u8]>,
    /// How much of it is there.
    held: usize,
    /// What a packet's length field may say at most.
    limit: usize,
}

impl Deframer {
    /// `limit` bounds the packet length field: type byte and payload.
    pub(crate) fn new(limit: u16) -> Deframer {
        let limit = usize::from(limit);
        Deframer { buffer: vec![0xFF; 2 + limit].into_boxed_slice(), held: 0, limit }
    }

    /// Forgets what a connection left behind.
    pub(crate) fn clear(&mut self) {
        self.held = 0;
    }

    /// Calls `take` with each packet that `input` completes; stops at the first error, and at the
    /// first packet that is held. Gives how many bytes were used; the rest has to come again.
    #[inline]
    pub(crate) fn feed(
        &mut self,
        input: &[u8],
        mut take: impl FnMut(Packet<'_>) -> Result<Flow, DisconnectReason>,
    ) -> Result<usize, DisconnectReason> {
        let mut used = 0;
        while self.held > 0 && used < input.len() {
            let rest = input.get(used..).unwrap_or(&[]);
            let head = rest.get(..self.missing().min(rest.len())).unwrap_or(&[]);
            let before = self.held;
            self.keep(head)?;
            let held = self.buffer.get(..self.held).unwrap_or(&[]);
            if let Some((packet, _)) = parse_packet(held, self.limit)? {
                if take(packet)? == Flow::Held {
                    self.held = before;
                    return Ok(used);
                }
                self.held = 0;
            }
            used += head.len();
        }
        while used < input.len() {
            let rest = input.get(used..).unwrap_or(&[]);
            let Some((packet, length)) = parse_packet(rest, self.limit)? else {
                self.keep(rest)?;
                return Ok(input.len());
            };
            if take(packet)? == Flow::Held {
                return Ok(used);
            }
            used += length;
        }
        Ok(used)
    }

    /// Bytes to the end of the length field, and once that is there to the end of the packet.
    fn missing(&self) -> usize {
        match (self.held, &self.buffer[..]) {
            (2.., [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                (2 + length).saturating_sub(self.held)
            }
            (held, _) => 2 - held.min(2),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), DisconnectReason> {
        // Always fits: the parser lets no length pass that is above the limit.
        let end = self.held + bytes.len();
        let room = self.buffer.get_mut(self.held..end).ok_or(DisconnectReason::PacketTooLong)?;
        room.copy_from_slice(bytes);
        self.held = end;
        Ok(())
    }
}
