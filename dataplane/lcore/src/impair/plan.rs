//! What becomes of each frame: a pure function of a seed and of how many frames came before.
//!
//! Each kind of harm draws from a generator of its own, one number a frame. So the frames that one
//! rate loses are the same whatever the other rates are, and a run can be made worse in one respect
//! without becoming another run in all others.

/// Bytes of the Ethernet header, which is never damaged: the frame would reach nobody.
const SPARED_BYTES: usize = 14;

/// What happens to the frames of one direction. Shares are of all frames, from 0 to 1; what is
/// above is as 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Share that is lost.
    pub loss: f64,
    /// Chance of a frame to begin a run of lost ones.
    pub burst_loss: f64,
    /// The longest such run, in frames; at least 1.
    pub burst_frames_max: u16,
    /// Share that goes on twice.
    pub duplicate: f64,
    /// Share that others are let past.
    pub reorder: f64,
    /// How many others, at most; at least 1.
    pub reorder_frames_max: u16,
    /// Share in which one byte is changed.
    pub corrupt: f64,
    /// How much later every frame goes on, in ns.
    pub delay_ns: u64,
    /// Only UDP frames to this port; `None` is every frame.
    pub udp_port: Option<u16>,
}

impl Default for Rates {
    /// Nothing happens.
    fn default() -> Rates {
        Rates {
            loss: 0.0,
            burst_loss: 0.0,
            burst_frames_max: 8,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_frames_max: 5,
            corrupt: 0.0,
            delay_ns: 0,
            udp_port: None,
        }
    }
}

impl Rates {
    /// Whether frames may be kept for a while.
    pub fn holds(&self) -> bool {
        self.reorder > 0.0 || self.delay_ns > 0
    }
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Pass,
    /// It is lost, alone or in a run of frames.
    Drop {
        /// Whether it is one of a run.
        in_burst: bool,
    },
    /// It goes on, and a copy after it.
    Twice,
    /// So many others are let past it.
    Hold(u16),
    /// It goes on with some bits of one byte flipped.
    Corrupt {
        /// The byte, from the start of the frame.
        offset: u16,
        /// The bits, at least one.
        flip: u8,
    },
}

/// The fates of one direction's frames, in their order.
#[derive(Clone, Debug)]
pub struct Plan {
    burst: Chance,
    loss: Chance,
    corrupt: Chance,
    duplicate: Chance,
    reorder: Chance,
    burst_frames_max: u16,
    reorder_frames_max: u16,
    /// Frames that the run of losses still has.
    burst_left: u16,
}

impl Plan {
    /// The plan of a seed; `stream` tells directions of one seed apart.
    pub fn new(seed: u64, stream: u64, rates: &Rates) -> Plan {
        let chance = |kind: u64, rate| Chance::new(rate, Random::new(seed, (stream << 8) | kind));
        Plan {
            burst: chance(0, rates.burst_loss),
            loss: chance(1, rates.loss),
            corrupt: chance(2, rates.corrupt),
            duplicate: chance(3, rates.duplicate),
            reorder: chance(4, rates.reorder),
            burst_frames_max: rates.burst_frames_max.max(1),
            reorder_frames_max: rates.reorder_frames_max.max(1),
            burst_left: 0,
        }
    }

    /// The fate of the next frame, of `len` bytes. Of several harms that meet, the first of loss,
    /// damage, repetition and reordering happens.
    #[inline]
    pub fn decide(&mut self, len: usize) -> Fate {
        // All are asked, of each frame: see the module.
        let burst = self.burst.hits().then(|| 1 + self.burst.random.below(self.burst_frames_max));
        let lost = self.loss.hits();
        let damage = self.corrupt.hits().then(|| self.damage(len)).flatten();
        let twice = self.duplicate.hits();
        let past = self.reorder.hits().then(|| self.reorder.random.below(self.reorder_frames_max));
        if self.burst_left == 0 {
            self.burst_left = burst.unwrap_or(0);
        }
        if self.burst_left > 0 {
            self.burst_left -= 1;
            return Fate::Drop { in_burst: true };
        }
        match (damage, past) {
            _ if lost => Fate::Drop { in_burst: false },
            (Some(damage), _) => damage,
            _ if twice => Fate::Twice,
            (None, Some(past)) => Fate::Hold(1 + past),
            (None, None) => Fate::Pass,
        }
    }

    /// One bit, or any change of a byte, behind the Ethernet header; none in a frame without more.
    #[cold]
    fn damage(&mut self, len: usize) -> Option<Fate> {
        let random = &mut self.corrupt.random;
        let (place, bits) = (random.next(), random.next());
        let room = u16::try_from(len.checked_sub(SPARED_BYTES)?).ok().filter(|room| *room > 0)?;
        let offset = SPARED_BYTES as u16 + scale(place, room);
        let one_bit = 1 << ((bits >> 8) & 7);
        let byte = 1 + scale(bits, u16::from(u8::MAX)) as u8;
        Some(Fate::Corrupt { offset, flip: if bits & 1 == 0 { one_bit } else { byte } })
    }
}

/// One thing that may happen to each frame.
#[derive(Clone, Debug)]
struct Chance {
    /// Of 2^53.
    hits_of: u64,
    random: Random,
}

impl Chance {
    fn new(rate: f64, random: Random) -> Chance {
        // A cast takes what is below 0, and what is no number, as 0.
        Chance { hits_of: (rate * (1u64 << 53) as f64) as u64, random }
    }

    #[inline]
    fn hits(&mut self) -> bool {
        self.random.next() >> 11 < self.hits_of
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    /// The generator of one kind of harm; nearby seeds and kinds share nothing.
    fn new(seed: u64, kind: u64) -> Random {
        Random(mix(mix(seed).wrapping_add(kind)))
    }

    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    fn below(&mut self, bound: u16) -> u16 {
        scale(self.next(), bound)
    }
}

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number below `bound` from the upper half of a random one.
fn scale(random: u64, bound: u16) -> u16 {
    (((random >> 32) * u64::from(bound)) >> 32) as u16
}

#[cfg(test)]
mod tests;
