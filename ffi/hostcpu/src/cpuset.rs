//! A set of CPU numbers, written the way the kernel writes them: `0-3,8`.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// CPU numbers are below this: the size of a `cpu_set_t`.
pub const CPUS_MAX: usize = 1024;

const WORDS: usize = CPUS_MAX / 64;

/// A set of CPUs, as a bit mask of [`CPUS_MAX`] bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CpuSet([u64; WORDS]);

impl CpuSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self([0; WORDS])
    }

    /// Adds `cpu`.
    ///
    /// # Errors
    /// [`Error::CpuOutOfRange`] when `cpu` is [`CPUS_MAX`] or more.
    pub fn insert(&mut self, cpu: usize) -> Result<(), Error> {
        let word = self.0.get_mut(cpu / 64).ok_or(Error::CpuOutOfRange(cpu))?;
        *word |= 1 << (cpu % 64);
        Ok(())
    }

    /// Whether `cpu` is in the set.
    pub fn contains(&self, cpu: usize) -> bool {
        self.0.get(cpu / 64).is_some_and(|word| word & (1 << (cpu % 64)) != 0)
    }

    /// How many CPUs are in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no CPU is in the set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The CPUs, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..CPUS_MAX).filter(|&cpu| self.contains(cpu))
    }

    /// The lowest CPU of the set.
    pub fn first(&self) -> Option<usize> {
        self.iter().next()
    }
}

impl FromIterator<usize> for CpuSet {
    /// Collects CPU numbers; those out of range are left out.
    fn from_iter<I: IntoIterator<Item = usize>>(cpus: I) -> Self {
        let mut set = Self::new();
        for cpu in cpus {
            // A CPU that no mask can hold cannot be run on either.
            let _ = set.insert(cpu);
        }
        set
    }
}

impl FromStr for CpuSet {
    type Err = Error;

    /// Reads the kernel's list format: numbers and ranges between commas; nothing is an empty set.
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::CpuList { text: text.chars().take(80).collect() };
        let mut set = Self::new();
        for part in text.trim().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let low: usize = low.trim().parse().map_err(|_| malformed())?;
            let high: usize = high.trim().parse().map_err(|_| malformed())?;
            if low > high {
                return Err(malformed());
            }
            if high >= CPUS_MAX {
                return Err(Error::CpuOutOfRange(high));
            }
            for cpu in low..=high {
                set.insert(cpu)?;
            }
        }
        Ok(set)
    }
}

impl fmt::Display for CpuSet {
    /// The kernel's list format, runs folded: `0-3,8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.iter().peekable();
        let mut separator = "";
        while let Some(low) = cpus.next() {
            let mut high = low;
            while cpus.peek() == Some(&(high + 1)) {
                high += 1;
                cpus.next();
            }
            match high - low {
                0 => write!(f, "{separator}{low}")?,
                _ => write!(f, "{separator}{low}-{high}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CpuSet({self})")
    }
}

#[cfg(test)]
mod tests;
