//! Which CPUs the calling thread may run on.
//!
//! `core_affinity` is used to set one CPU and for nothing else: its `get_core_ids` reads the
//! current mask, in which cores isolated with `isolcpus` do not appear, though they are exactly
//! those a poll loop wants. What exists is asked of sysfs ([`crate::Topology`]).

use crate::{CPUS_MAX, CpuSet, Error};
use core_affinity::CoreId;
use std::io;
use std::mem;
use std::thread;

/// Pins the calling thread to `cpu`, isolated or not.
///
/// # Errors
/// [`Error::CpuOutOfRange`], or [`Error::Pin`] when the kernel refuses: the CPU does not exist, is
/// offline, or is outside the process's cpuset.
pub fn pin_current(cpu: usize) -> Result<(), Error> {
    // Checked here because core_affinity would index its mask out of bounds.
    if cpu >= CPUS_MAX {
        return Err(Error::CpuOutOfRange(cpu));
    }
    if core_affinity::set_for_current(CoreId { id: cpu }) {
        Ok(())
    } else {
        Err(Error::Pin { cpu, source: io::Error::last_os_error() })
    }
}

/// The CPUs the calling thread may run on now. Isolated cores are not among them unless the thread
/// was put there: see [`crate::Topology`] for what exists.
///
/// # Errors
/// [`Error::Affinity`], on a kernel built for more than [`CPUS_MAX`] CPUs.
pub fn allowed_cpus() -> Result<CpuSet, Error> {
    // SAFETY: `cpu_set_t` is a plain array of integers, for which all zeroes is a value.
    let mut mask: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the pointer and the size describe `mask`, which the kernel fills; 0 is this thread.
    let rc = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut mask) };
    if rc != 0 {
        return Err(Error::Affinity { what: "read", source: io::Error::last_os_error() });
    }
    // SAFETY: every `cpu` is below CPUS_MAX, the number of bits in `mask`.
    Ok((0..CPUS_MAX).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &mask) }).collect())
}

/// The CPUs of `online` that this process may put its threads on: all that its cpuset has,
/// isolated ones as well. The kernel takes a wish for all of them and keeps what the cpuset allows,
/// whichever version of cgroups keeps it and wherever that is mounted. It is asked on a thread of
/// its own, so the caller's CPUs stay as they are.
///
/// # Errors
/// [`Error::EmptySet`], or [`Error::Affinity`] when the kernel refuses.
pub fn cpuset_cpus(online: &CpuSet) -> Result<CpuSet, Error> {
    let ask = || allow_cpus(online).and_then(|()| allowed_cpus());
    // A thread can panic, but this one has nothing to panic of.
    let panicked =
        |_| Err(Error::Call { call: "pthread_join", source: io::ErrorKind::Other.into() });
    thread::scope(|scope| scope.spawn(ask).join().unwrap_or_else(panicked))
}

/// Lets the calling thread, and those that it starts from then on, run on the CPUs of `cpus` alone.
///
/// # Errors
/// [`Error::EmptySet`], or [`Error::Affinity`] when the kernel refuses.
pub fn allow_cpus(cpus: &CpuSet) -> Result<(), Error> {
    if cpus.is_empty() {
        return Err(Error::EmptySet);
    }
    // SAFETY: `cpu_set_t` is a plain array of integers, for which all zeroes is a value.
    let mut mask: libc::cpu_set_t = unsafe { mem::zeroed() };
    for cpu in cpus.iter() {
        // SAFETY: members of a CpuSet are below CPUS_MAX, the number of bits in `mask`.
        unsafe { libc::CPU_SET(cpu, &mut mask) };
    }
    // SAFETY: the pointer and the size describe `mask`, which the kernel only reads.
    let rc = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &mask) };
    match rc {
        0 => Ok(()),
        _ => Err(Error::Affinity { what: "set", source: io::Error::last_os_error() }),
    }
}

/// The CPU the calling thread is on at this moment, where the kernel says.
pub fn current_cpu() -> Option<usize> {
    // SAFETY: takes no argument and touches no memory of ours.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

const _: () = assert!(size_of::<libc::cpu_set_t>() * 8 == CPUS_MAX);

#[cfg(test)]
mod tests;
