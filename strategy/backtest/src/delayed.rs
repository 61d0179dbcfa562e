//! Messages in flight: first in, first out, each with the time at which it arrives.
//!
//! Layout: a ring of 96-byte slots, taken at construction. A way is in order, as a line or a TCP
//! connection is: with jitter, a message waits for the one before it.

/// The longest message; a longer one is cut, and is unreadable either way: no type has as many.
pub(crate) const BYTES_MAX: usize = 84;

#[derive(Clone, Copy, Debug)]
struct Slot {
    at_ns: u64,
    len: u8,
    tag: u8,
    bytes: [u8; BYTES_MAX],
}

const _: () = assert!(size_of::<Slot>() == 96);

/// See the module.
#[derive(Debug)]
pub(crate) struct Delayed {
    ring: Box<[Slot]>,
    head: usize,
    len: usize,
    last_ns: u64,
    jitter: Jitter,
    latency_ns: u64,
}

/// A message that has arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) tag: u8,
    len: u8,
    bytes: [u8; BYTES_MAX],
}

impl Arrived {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Delayed {
    pub(crate) fn new(max: u32, latency_ns: u64, jitter: Jitter) -> Delayed {
        let slot = Slot { at_ns: 0, len: 0, tag: 0, bytes: [0; BYTES_MAX] };
        Delayed {
            ring: vec![slot; max.max(1) as usize].into_boxed_slice(),
            head: 0,
            len: 0,
            last_ns: 0,
            jitter,
            latency_ns,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == self.ring.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When a message that is sent at `now_ns` arrives, the jitter's next draw included.
    #[inline]
    pub(crate) fn arrival(&mut self, now_ns: u64) -> u64 {
        now_ns.saturating_add(self.latency_ns).saturating_add(self.jitter.next())
    }

    /// When a message that is sent at `now_ns` arrives at the earliest.
    pub(crate) fn earliest(&self, now_ns: u64) -> u64 {
        now_ns.saturating_add(self.latency_ns)
    }

    /// Sends a message that arrives at `at_ns`, or with the one before it if that is later; `false`
    /// when there is no room.
    #[inline]
    pub(crate) fn send(&mut self, at_ns: u64, tag: u8, message: &[u8]) -> bool {
        if self.is_full() {
            return false;
        }
        self.last_ns = self.last_ns.max(at_ns);
        let mut at = self.head + self.len;
        if at >= self.ring.len() {
            at -= self.ring.len();
        }
        let len = message.len().min(BYTES_MAX);
        let slot = &mut self.ring[at];
        slot.at_ns = self.last_ns;
        slot.len = len as u8;
        slot.tag = tag;
        slot.bytes[..len].copy_from_slice(&message[..len]);
        self.len += 1;
        true
    }

    /// When the next message arrives; `u64::MAX` for none.
    #[inline]
    pub(crate) fn next_ns(&self) -> u64 {
        if self.len == 0 { u64::MAX } else { self.ring[self.head].at_ns }
    }

    /// When the last message that was sent arrives, or arrived.
    pub(crate) fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// Takes the next message.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Arrived> {
        if self.len == 0 {
            return None;
        }
        let Slot { len, tag, bytes, .. } = self.ring[self.head];
        self.head += 1;
        if self.head == self.ring.len() {
            self.head = 0;
        }
        self.len -= 1;
        Some(Arrived { tag, len, bytes })
    }
}

/// Even numbers from 0 to a bound, the same for the same seed (splitmix64). Each way has its own,
/// so that one message more on one way does not shift the others.
#[derive(Clone, Debug)]
pub(crate) struct Jitter {
    state: u64,
    bound_ns: u64,
}

impl Jitter {
    pub(crate) fn new(seed: u64, way: u64, bound_ns: u64) -> Jitter {
        Jitter { state: seed.wrapping_add(way.wrapping_mul(0xD1B5_4A32_D192_ED03)), bound_ns }
    }

    #[inline]
    fn next(&mut self) -> u64 {
        if self.bound_ns == 0 {
            return 0;
        }
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((u128::from(z) * (u128::from(self.bound_ns) + 1)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests;
