//! What a burst brought, kept until the link is free again.
//!
//! Why it exists: messages are read where they lie in TCP's ring, and an answer to one is written
//! into the same host's other ring. A loadgen only counts; a trader answers, so it lets a burst's
//! messages be copied here first.
//!
//! Limits: a burst cannot bring more than both connections' rings and its own frames hold, and the
//! box has room for that.

use super::LinkHandler;
use crate::port_io::BURST;
use session::ClientHandler;
use wire::soup::Session;

/// TCP's receive ring of a client's connection, in bytes.
pub const CLIENT_RX_BYTES: usize = 65_535;
/// Payload of a frame at most.
const FRAME_BYTES: usize = 9_000;
/// Two connections' rings, and what a burst adds; a record's header is no longer than SoupBinTCP's.
const BYTES_MAX: usize = 2 * CLIENT_RX_BYTES + BURST * FRAME_BYTES;
/// Kind and length of a record.
const HEADER_BYTES: usize = 3;
const _: () = assert!(HEADER_BYTES <= wire::soup::HEADER_LEN);

const ACCEPTED: u8 = 0;
const SEQUENCED: u8 = 1;
const SNAPSHOT: u8 = 2;

/// See the module.
#[derive(Debug)]
pub struct Inbox {
    bytes: Box<[u8]>,
    len: usize,
    at: usize,
    /// Messages that found no room; cannot happen.
    lost: u64,
}

/// Something that a server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// The login was accepted.
    Accepted {
        /// The session.
        session: Session,
        /// The number of the next sequenced message.
        next_seq: u64,
    },
    /// A sequenced message of the orders' session.
    Sequenced(&'a [u8]),
    /// A message of the snapshot.
    Snapshot(&'a [u8]),
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox { bytes: vec![0xFF; BYTES_MAX].into_boxed_slice(), len: 0, at: 0, lost: 0 }
    }
}

impl Inbox {
    #[inline]
    fn put(&mut self, kind: u8, parts: [&[u8]; 2]) {
        let payload = parts[0].len() + parts[1].len();
        let end = self.len + HEADER_BYTES + payload;
        let (Ok(short), true) = (u16::try_from(payload), end <= self.bytes.len()) else {
            self.lost += 1;
            return;
        };
        let [low, high] = short.to_le_bytes();
        let record = &mut self.bytes[self.len..end];
        record[..HEADER_BYTES].copy_from_slice(&[kind, low, high]);
        let (first, second) = record[HEADER_BYTES..].split_at_mut(parts[0].len());
        first.copy_from_slice(parts[0]);
        second.copy_from_slice(parts[1]);
        self.len = end;
    }

    /// The next item; after the last the box is empty again.
    #[inline]
    pub fn take(&mut self) -> Option<Item<'_>> {
        let Some([kind, low, high]) = self.bytes[self.at..self.len].first_chunk() else {
            (self.at, self.len) = (0, 0);
            return None;
        };
        let kind = *kind;
        let from = self.at + HEADER_BYTES;
        let to = from + usize::from(u16::from_le_bytes([*low, *high]));
        self.at = to;
        let payload = &self.bytes[from..to];
        Some(match kind {
            ACCEPTED => {
                let (session, number) = payload.split_at(size_of::<Session>());
                let mut eight = [0; 8];
                eight.copy_from_slice(number);
                let mut name = [b' '; size_of::<Session>()];
                name.copy_from_slice(session);
                Item::Accepted { session: name, next_seq: u64::from_le_bytes(eight) }
            }
            SNAPSHOT => Item::Snapshot(payload),
            _ => Item::Sequenced(payload),
        })
    }

    /// Messages that found no room: 0.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl ClientHandler for Inbox {
    fn on_accepted(&mut self, session: &Session, next_seq: u64) {
        self.put(ACCEPTED, [session, &next_seq.to_le_bytes()]);
    }

    #[inline]
    fn on_sequenced(&mut self, _seq: u64, message: &[u8]) {
        self.put(SEQUENCED, [message, &[]]);
    }
}

impl LinkHandler for Inbox {
    fn on_snapshot(&mut self, message: &[u8]) {
        self.put(SNAPSHOT, [message, &[]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_in_order() {
        let mut inbox = Inbox::default();
        for round in 0..3u64 {
            inbox.on_accepted(b"SESSION   ", 7 + round);
            inbox.on_sequenced(7, b"answer");
            inbox.on_snapshot(b"");
            let session = *b"SESSION   ";
            assert_eq!(inbox.take(), Some(Item::Accepted { session, next_seq: 7 + round }));
            assert_eq!(inbox.take(), Some(Item::Sequenced(b"answer")));
            assert_eq!(inbox.take(), Some(Item::Snapshot(b"")));
            assert_eq!(inbox.take(), None);
        }
        assert_eq!(inbox.lost(), 0);
    }

    #[test]
    fn a_full_box_counts_what_it_cannot_hold() {
        let mut inbox = Inbox::default();
        let message = [1; 1000];
        for _ in 0..BYTES_MAX / 1000 {
            inbox.on_sequenced(1, &message);
        }
        assert!(inbox.lost() > 0);
        while inbox.take().is_some() {}
        inbox.on_sequenced(1, b"again");
        assert_eq!(inbox.take(), Some(Item::Sequenced(b"again")));
    }
}
