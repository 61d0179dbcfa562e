//! TCP directions, each a stream of bytes: enough to join SoupBinTCP packets that segments cut.
//!
//! Limits: [`FLOWS_MAX`] directions, and in each less than one SoupBinTCP packet (64 KiB) held
//! back. When a new direction finds no room, the one that was silent longest is forgotten.

use std::collections::HashMap;

/// TCP directions followed at once.
pub(super) const FLOWS_MAX: usize = 1024;

/// One direction: source and destination address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) src: (wire::Ip4, u16),
    pub(super) dst: (wire::Ip4, u16),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ip = std::net::Ipv4Addr::from;
        let ((src, from), (dst, to)) = (self.src, self.dst);
        write!(f, "{}:{from} > {}:{to}", ip(src), ip(dst))
    }
}

/// How a segment fits the bytes seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It goes on where they end, or begins the direction.
    Next,
    /// All of it was seen.
    Repeat,
    /// Bytes are missing before it.
    Gap {
        /// How many.
        missing: u32,
    },
}

/// One direction's state.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The sequence number of the next byte.
    next: u32,
    /// Bytes that do not make a whole packet yet.
    pending: Vec<u8>,
    /// How many bytes of the stream lie before `pending`.
    offset: u64,
    /// The packet that brought the first byte of `pending`.
    since: u64,
    /// The packet last seen.
    last: u64,
}

impl Flow {
    /// Takes a segment's payload in.
    fn take(&mut self, sequence: u32, payload: &[u8], packet: u64) -> Fit {
        let ahead = sequence.wrapping_sub(self.next);
        let (fresh, fit) = if ahead == 0 {
            (payload, Fit::Next)
        } else if ahead > u32::MAX / 2 {
            // The segment begins before `next`: what reaches beyond it is new.
            let seen = usize::try_from(self.next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            match payload.get(seen..) {
                Some(fresh) if !fresh.is_empty() => (fresh, Fit::Next),
                _ => return Fit::Repeat,
            }
        } else {
            self.drop_pending();
            self.offset += u64::from(ahead);
            (payload, Fit::Gap { missing: ahead })
        };
        if self.pending.is_empty() {
            self.since = packet;
        }
        self.pending.extend_from_slice(fresh);
        // Sequence numbers count modulo 2^32, so the cast's wrap is meant.
        self.next = sequence.wrapping_add(payload.len() as u32);
        fit
    }

    /// The bytes at hand, and their offset in the stream.
    pub(super) fn pending(&self) -> (&[u8], u64) {
        (&self.pending, self.offset)
    }

    /// Drops the first `count` bytes; what is left came with `packet`.
    pub(super) fn consume(&mut self, count: usize, packet: u64) {
        let count = count.min(self.pending.len());
        self.pending.drain(..count);
        self.offset += count as u64;
        if count > 0 {
            self.since = packet;
        }
    }

    /// Gives up on the bytes at hand: reading begins anew with the next segment.
    pub(super) fn drop_pending(&mut self) {
        self.offset += self.pending.len() as u64;
        self.pending.clear();
    }
}

/// All the directions.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: HashMap<Key, Flow>,
}

impl Flows {
    /// A connection begins: what was known of this direction is over. Its first byte is `next`.
    pub(super) fn begin(&mut self, key: Key, next: u32, packet: u64) {
        self.make_room(&key);
        self.flows.insert(key, Flow { next, last: packet, ..Flow::default() });
    }

    /// Takes a segment in. A direction that was not seen yet begins with it.
    pub(super) fn segment(
        &mut self,
        key: Key,
        sequence: u32,
        payload: &[u8],
        packet: u64,
    ) -> (&mut Flow, Fit) {
        self.make_room(&key);
        let flow =
            self.flows.entry(key).or_insert_with(|| Flow { next: sequence, ..Flow::default() });
        flow.last = packet;
        let fit = flow.take(sequence, payload, packet);
        (flow, fit)
    }

    /// Forgets a direction, and gives how many bytes it held back.
    pub(super) fn end(&mut self, key: &Key) -> usize {
        self.flows.remove(key).map_or(0, |flow| flow.pending.len())
    }

    /// Directions that end inside a packet, by the packet that began it.
    pub(super) fn unfinished(&self) -> Vec<(u64, Key, usize, u64)> {
        let held = self.flows.iter().filter(|(_, flow)| !flow.pending.is_empty());
        let mut cut: Vec<_> =
            held.map(|(key, flow)| (flow.since, *key, flow.pending.len(), flow.offset)).collect();
        cut.sort_unstable();
        cut
    }

    fn make_room(&mut self, key: &Key) {
        if self.flows.len() < FLOWS_MAX || self.flows.contains_key(key) {
            return;
        }
        let oldest = self.flows.iter().min_by_key(|(key, flow)| (flow.last, **key));
        if let Some(key) = oldest.map(|(key, _)| *key) {
            self.flows.remove(&key);
        }
    }
}
