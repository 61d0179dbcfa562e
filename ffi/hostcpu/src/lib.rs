//! The CPU under a poll loop: where a thread runs, how the cores lie, and what time it is.
//!
//! Five small subjects, one module each:
//!
//! * [`affinity`]: where a thread may run: what the kernel allows, and one CPU or a few of that;
//! * [`topology`]: CPUs, NUMA nodes, hyperthread siblings and isolated cores, from sysfs;
//! * [`mod@tsc`]: the time stamp counter, and nanoseconds out of it without a division;
//! * [`thread`]: the thread's name, and the kernel's account of its context switches;
//! * [`memory`]: which NUMA node the thread's new pages come from.
//!
//! # Limits
//!
//! Linux on x86_64 or aarch64; CPU numbers below [`CPUS_MAX`]. The counter must tick at a constant
//! rate and be the same on every core (`constant_tsc nonstop_tsc`, which every server CPU of the
//! last ten years has; [`topology::HostFacts`] says whether this one does).
//!
//! # Failure modes
//!
//! Everything here runs before the poll loops start, except [`tsc::tsc`], [`TscClock::ns`],
//! [`TscClock::nanos_since_midnight`] and [`TickScale::ns`], which cannot fail, do not allocate and
//! do not enter the kernel.

pub mod affinity;
pub mod cpuset;
pub mod memory;
pub mod thread;
pub mod topology;
pub mod tsc;

pub use affinity::{allow_cpus, allowed_cpus, cpuset_cpus, current_cpu, pin_current};
pub use cpuset::{CPUS_MAX, CpuSet};
pub use thread::{Usage, set_thread_name, thread_usage};
pub use topology::{Cpu, HostFacts, Topology};
pub use tsc::{RateWatch, TickScale, TscClock, tsc, tsc_ordered};

use std::io;
use std::path::PathBuf;

/// What can go wrong while a host is looked at or a thread placed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The CPU number does not fit a kernel CPU mask.
    #[error("CPU {0} is out of range: CPU numbers go up to {max}", max = CPUS_MAX - 1)]
    CpuOutOfRange(usize),
    /// The node's number does not fit a kernel node mask.
    #[error("node {0} is out of range: NUMA nodes go up to {max}", max = memory::NODES_MAX - 1)]
    NodeOutOfRange(usize),
    /// The kernel refused to place the thread there: no such CPU, offline, or outside the cpuset.
    #[error("cannot pin the thread to CPU {cpu} (offline, or outside this process's cpuset)")]
    Pin {
        /// The CPU asked for.
        cpu: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// The thread's affinity could not be read or set.
    #[error("cannot {what} the thread's CPU affinity")]
    Affinity {
        /// `read` or `set`.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A mask without any CPU in it was given.
    #[error("the CPU set is empty")]
    EmptySet,
    /// A file of sysfs or procfs could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A CPU list such as `0-3,8` was not one.
    #[error("{text:?} is not a CPU list such as 0-3,8")]
    CpuList {
        /// The text found.
        text: String,
    },
    /// A system call that has no reason to fail did.
    #[error("{call} failed")]
    Call {
        /// Its name.
        call: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The counter did not advance while it was being calibrated.
    #[error("the time stamp counter does not tick at a usable rate ({hz} Hz)")]
    Tsc {
        /// The rate seen.
        hz: u64,
    },
}
