//! The set of CPUs a thread may run on.

use std::io;

use crate::Error;

/// A set of CPUs, as the scheduler takes it.
#[derive(Clone, Copy)]
pub(crate) struct CpuSet(libc::cpu_set_t);

impl CpuSet {
    /// The calling thread's.
    pub(crate) fn current() -> Result<CpuSet, Error> {
        // SAFETY: cpu_set_t is an array of integers, for which all zeroes is the empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: fills the set, of which the size is given; 0 is the calling thread.
        match unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) } {
            0 => Ok(CpuSet(set)),
            _ => Err(Error::Affinity { action: "read", source: io::Error::last_os_error() }),
        }
    }

    /// This one CPU; none when it is beyond what a set can hold.
    pub(crate) fn only(cpu: usize) -> Option<CpuSet> {
        if cpu >= libc::CPU_SETSIZE as usize {
            return None;
        }
        // SAFETY: as in `current`.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the CPU was checked to lie within the set.
        unsafe { libc::CPU_SET(cpu, &mut set) };
        Some(CpuSet(set))
    }

    /// Whether the CPU is in the set.
    pub(crate) fn has(&self, cpu: usize) -> bool {
        // SAFETY: the CPU is checked to lie within the set first.
        cpu < libc::CPU_SETSIZE as usize && unsafe { libc::CPU_ISSET(cpu, &self.0) }
    }

    /// The CPU of the lowest number.
    pub(crate) fn first(&self) -> Option<usize> {
        (0..libc::CPU_SETSIZE as usize).find(|&cpu| self.has(cpu))
    }

    /// Makes it the calling thread's.
    pub(crate) fn apply(&self) -> Result<(), Error> {
        // SAFETY: reads the set, of which the size is given; 0 is the calling thread.
        match unsafe { libc::sched_setaffinity(0, size_of_val(&self.0), &self.0) } {
            0 => Ok(()),
            _ => Err(Error::Affinity { action: "set", source: io::Error::last_os_error() }),
        }
    }
}
