//! The Internet checksum (RFC 1071): whole, in parts, and updated in place (RFC 1624).

/// A ones' complement sum under way. Parts may be added in any order if each but the last is of
/// even length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// An empty sum.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds bytes as big-endian words; an odd last byte is padded with a zero.
    ///
    /// The sum of words in the machine's own order, with its bytes swapped, is the sum in the other
    /// order (RFC 1071, 2 (B)): eight bytes are an addition, and only the sum is swapped.
    #[must_use]
    #[inline]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        let (words, tail) = bytes.as_chunks::<8>();
        let mut sum = 0u64;
        for word in words {
            let (next, carry) = sum.overflowing_add(u64::from_ne_bytes(*word));
            sum = next + u64::from(carry);
        }
        // At most seven more, which are four, two and one: what they add up to has no carry.
        let (fours, tail) = tail.as_chunks::<4>();
        let (twos, tail) = tail.as_chunks::<2>();
        let mut rest = 0;
        for four in fours {
            rest += u64::from(u32::from_ne_bytes(*four));
        }
        for two in twos {
            rest += u64::from(u16::from_ne_bytes(*two));
        }
        for one in tail {
            rest += u64::from(u16::from_ne_bytes([*one, 0]));
        }
        let (next, carry) = sum.overflowing_add(rest);
        sum = next + u64::from(carry);
        self.0 += u64::from(u16::from_be(fold(sum)));
        self
    }

    /// Adds two words.
    #[must_use]
    pub const fn double_word(mut self, words: u32) -> Self {
        self.0 += words as u64;
        self
    }

    /// Adds one word.
    #[must_use]
    pub const fn word(mut self, word: u16) -> Self {
        self.0 += word as u64;
        self
    }

    /// The checksum: the complement of the folded sum.
    pub const fn finish(self) -> u16 {
        !fold(self.0)
    }
}

/// The ones' complement sum of a sum's four words; zero only for zero.
const fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
    let sum = (sum & 0xFFFF) + (sum >> 16 & 0xFFFF) + (sum >> 32);
    let sum = (sum & 0xFFFF) + (sum >> 16);
    let sum = (sum & 0xFFFF) + (sum >> 16);
    sum as u16
}

/// The checksum over `bytes`. Over a header that holds its own checksum the answer is 0 when it is
/// right.
pub fn checksum(bytes: &[u8]) -> u16 {
    Sum::new().bytes(bytes).finish()
}

/// The sum of the IPv4 pseudo header for UDP, TCP.
pub fn pseudo_header(src: crate::Ip4, dst: crate::Ip4, protocol: u8, length: u16) -> Sum {
    Sum::new().bytes(&src).bytes(&dst).word(u16::from(protocol)).word(length)
}

/// RFC 1624: the checksum after one word of the covered bytes went from `old` to `new`.
///
/// When all the covered bytes become zero the answer is 0 where a whole sum says 0xFFFF: the two
/// are told apart by the bytes, which are not seen here. No IPv4 header is all zero.
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = !checksum as u32 + !old as u32 + new as u32;
    let sum = (sum & 0xFFFF) + (sum >> 16);
    let sum = (sum & 0xFFFF) + (sum >> 16);
    !(sum as u16)
}
