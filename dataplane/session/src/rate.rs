//! Token buckets: how often something may happen, in the long run and at once.
//!
//! Why it exists: logins, orders and retransmission requests come from outside at any rate; each is
//! bounded by the same few lines.
//!
//! Layout: a bucket is one number, the time at which it will be full again, so nothing has to be
//! refilled. A [`RateTable`] holds a bucket for each of many keys in sets of eight slots; a full
//! bucket says no more than no bucket, so its slot is free for another key.
//!
//! Limits: a table never grows. When more keys than a set holds are short of tokens at one time,
//! the one that is nearest to full again is forgotten for the new one and counted: a flood from
//! very many addresses is not bounded by the address alone, and whoever uses a table has a second
//! bound that is.

use crate::SECOND_NS;

#[cfg(test)]
mod tests;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// One more is allowed every so many ns; 0 for no limit.
    pub interval_ns: u64,
    /// How many at once after a rest; at least 1 is allowed.
    pub burst_max: u32,
}

impl Rate {
    /// No limit.
    pub const OFF: Rate = Rate { interval_ns: 0, burst_max: 0 };

    /// So many a second in the long run, so many at once; 0 a second is no limit.
    pub const fn per_second(per_second_max: u32, burst_max: u32) -> Rate {
        match SECOND_NS.checked_div(per_second_max as u64) {
            Some(0) => Rate { interval_ns: 1, burst_max },
            Some(interval_ns) => Rate { interval_ns, burst_max },
            None => Rate::OFF,
        }
    }

    /// Whether there is no limit.
    pub const fn is_off(&self) -> bool {
        self.interval_ns == 0
    }

    /// How far ahead of now a bucket's time may be for one more to be allowed.
    const fn slack_ns(&self) -> u64 {
        self.interval_ns.saturating_mul((self.burst_max as u64).saturating_sub(1))
    }
}

/// What is left of one [`Rate`]. The default is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    full_ns: u64,
}

impl Bucket {
    /// From when on one more is allowed.
    #[inline]
    pub(crate) const fn ready_ns(&self, rate: Rate) -> u64 {
        self.full_ns.saturating_sub(rate.slack_ns())
    }

    #[inline]
    pub(crate) const fn is_ready(&self, rate: Rate, now_ns: u64) -> bool {
        rate.is_off() || self.ready_ns(rate) <= now_ns
    }

    #[inline]
    pub(crate) fn charge(&mut self, rate: Rate, now_ns: u64) {
        self.full_ns = self.full_ns.max(now_ns).saturating_add(rate.interval_ns);
    }

    /// Charges one if it is allowed.
    #[inline]
    pub(crate) fn take(&mut self, rate: Rate, now_ns: u64) -> bool {
        let ready = self.is_ready(rate, now_ns);
        if ready {
            self.charge(rate, now_ns);
        }
        ready
    }

    const fn is_full(&self, now_ns: u64) -> bool {
        self.full_ns <= now_ns
    }
}

/// Slots in which a key may lie.
const WAYS: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: u32,
    bucket: Bucket,
}

/// A bucket for each of many keys.
#[derive(Debug)]
pub(crate) struct RateTable {
    rate: Rate,
    slots: Box<[Slot]>,
    forgotten: u64,
}

impl RateTable {
    /// Room for `keys_max` keys, rounded up to a power of two, at least 8 and at most 2^20.
    pub(crate) fn new(rate: Rate, keys_max: usize) -> RateTable {
        let slots = keys_max.clamp(WAYS, 1 << 20).next_power_of_two();
        RateTable { rate, slots: vec![Slot::default(); slots].into_boxed_slice(), forgotten: 0 }
    }

    /// Where the key's set begins.
    #[inline]
    fn set(&self, key: u32) -> usize {
        let spread = (u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        spread & (self.slots.len() - 1) & !(WAYS - 1)
    }

    #[inline]
    pub(crate) fn is_ready(&self, key: u32, now_ns: u64) -> bool {
        let set = self.set(key);
        let mut slots = self.slots[set..set + WAYS].iter();
        slots
            .find(|slot| slot.key == key && !slot.bucket.is_full(now_ns))
            .is_none_or(|slot| slot.bucket.is_ready(self.rate, now_ns))
    }

    #[inline]
    pub(crate) fn charge(&mut self, key: u32, now_ns: u64) {
        if self.rate.is_off() {
            return;
        }
        let set = self.set(key);
        let slots = &mut self.slots[set..set + WAYS];
        let (mut at, mut best) = (0, u64::MAX);
        for (index, slot) in slots.iter().enumerate() {
            if slot.key == key && !slot.bucket.is_full(now_ns) {
                at = index;
                break;
            }
            if slot.bucket.full_ns < best {
                (at, best) = (index, slot.bucket.full_ns);
            }
        }
        let slot = &mut slots[at];
        if slot.key != key {
            self.forgotten += u64::from(!slot.bucket.is_full(now_ns));
            *slot = Slot { key, bucket: Bucket::default() };
        }
        slot.bucket.charge(self.rate, now_ns);
    }

    /// Charges the key if it is allowed one more.
    #[inline]
    pub(crate) fn take(&mut self, key: u32, now_ns: u64) -> bool {
        let ready = self.is_ready(key, now_ns);
        if ready {
            self.charge(key, now_ns);
        }
        ready
    }

    /// Keys forgotten before their buckets were full again.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
