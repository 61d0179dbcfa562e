//! Counters of one writer.

use crate::Key;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that one thread writes and any thread reads.
///
/// Adding is a load, an addition and a store, without the `lock` prefix that makes a shared
/// counter cost tens of cycles. It wraps at 2⁶⁴.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`. For the one writer.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Adds one. For the one writer.
    #[inline(always)]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Replaces the value: a gauge. For the one writer.
    #[inline(always)]
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Keeps the larger of the value and `candidate`: a high-water mark. For the one writer.
    #[inline(always)]
    pub fn raise(&self, candidate: u64) {
        if candidate > self.0.load(Relaxed) {
            self.0.store(candidate, Relaxed);
        }
    }

    /// The value, as of some moment close to now.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A counter as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the list of counters is about.
    pub group: &'static str,
    /// The counter.
    pub name: String,
    /// Its value.
    pub value: u64,
}

/// One counter for each name of `K`, inline and in the order of the names.
///
/// The index of a key is known to be in bounds when the code is compiled, so adding to a named
/// counter is as cheap as adding to a field.
#[repr(align(128))]
pub struct CounterSet<K: Key> {
    slots: K::Slots<Counter>,
}

impl<K: Key> CounterSet<K> {
    /// All zero.
    pub fn new() -> Self {
        Self { slots: K::slots(|_| Counter::new()) }
    }

    /// Adds `n`. For the one writer.
    #[inline(always)]
    pub fn add(&self, key: K, n: u64) {
        if let Some(counter) = self.slots.as_ref().get(key.index()) {
            counter.add(n);
        }
    }

    /// Adds one. For the one writer.
    #[inline(always)]
    pub fn inc(&self, key: K) {
        self.add(key, 1);
    }

    /// Replaces the value: a gauge. For the one writer.
    #[inline(always)]
    pub fn set(&self, key: K, value: u64) {
        if let Some(counter) = self.slots.as_ref().get(key.index()) {
            counter.set(value);
        }
    }

    /// Keeps the larger value: a high-water mark. For the one writer.
    #[inline(always)]
    pub fn raise(&self, key: K, candidate: u64) {
        if let Some(counter) = self.slots.as_ref().get(key.index()) {
            counter.raise(candidate);
        }
    }

    /// The value of one counter.
    #[inline(always)]
    pub fn get(&self, key: K) -> u64 {
        self.slots.as_ref().get(key.index()).map_or(0, Counter::get)
    }

    /// Every key with its value, in order; allocates nothing.
    pub fn iter(&self) -> impl Iterator<Item = (K, u64)> + '_ {
        K::ALL.iter().copied().zip(self.slots.as_ref().iter().map(Counter::get))
    }

    /// Every counter by name, for a report.
    pub fn readings(&self) -> Vec<Reading> {
        self.iter()
            .map(|(key, value)| Reading { group: K::GROUP, name: key.name().to_owned(), value })
            .collect()
    }
}

impl<K: Key> Default for CounterSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Key> std::fmt::Debug for CounterSet<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, value)| (key.name(), value))).finish()
    }
}

/// Counters keyed by a small number whose names come from elsewhere: reject codes, message types.
///
/// A number that is not in the table is counted too, as `other`: hostile input reaches these.
#[derive(Debug)]
#[repr(align(128))]
pub struct CounterTable {
    other: Counter,
    group: &'static str,
    names: Box<[String]>,
    slots: Box<[Counter]>,
}

impl CounterTable {
    /// One counter for each of `names`; the first is number 0. An empty name is a number that is
    /// not in use: it is counted, and reported only if it was.
    pub fn new<N: Into<String>>(group: &'static str, names: impl IntoIterator<Item = N>) -> Self {
        let names: Box<[String]> = names.into_iter().map(Into::into).collect();
        let slots = names.iter().map(|_| Counter::new()).collect();
        Self { other: Counter::new(), group, names, slots }
    }

    /// Adds `n` to counter `index`. For the one writer.
    #[inline(always)]
    pub fn add(&self, index: usize, n: u64) {
        self.slots.get(index).unwrap_or(&self.other).add(n);
    }

    /// Adds one to counter `index`. For the one writer.
    #[inline(always)]
    pub fn inc(&self, index: usize) {
        self.add(index, 1);
    }

    /// The value of counter `index`, or of `other`.
    pub fn get(&self, index: usize) -> u64 {
        self.slots.get(index).unwrap_or(&self.other).get()
    }

    /// The sum over all counters, `other` included.
    pub fn total(&self) -> u64 {
        self.slots.iter().map(Counter::get).fold(self.other.get(), u64::wrapping_add)
    }

    /// Every named counter, zero or not, then the unnamed ones that are not zero.
    pub fn readings(&self) -> Vec<Reading> {
        let named = |name: String, value| Reading { group: self.group, name, value };
        let values = || self.slots.iter().map(Counter::get).enumerate();
        let mut readings: Vec<_> = (self.names.iter().zip(&self.slots))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, slot)| named(name.clone(), slot.get()))
            .collect();
        let unnamed = values().filter(|(at, value)| self.names[*at].is_empty() && *value > 0);
        readings.extend(unnamed.map(|(at, value)| named(format!("number_{at}"), value)));
        match self.other.get() {
            0 => {}
            value => readings.push(named("other".to_owned(), value)),
        }
        readings
    }
}

#[cfg(test)]
mod tests;
