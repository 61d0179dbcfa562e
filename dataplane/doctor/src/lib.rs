//! Is this host fit to trade, and is the appliance on it left in peace?
//!
//! Two kinds of answers. *Settings* are read: [`settings`] looks at what matters to given CPUs in a
//! few milliseconds, which is what `peregrine run` does at each start, and [`verify`] takes the
//! lines of provisioning, which knows every knob. *Behaviour* is measured: [`jitter`] spins on CPUs
//! and sees what takes them away, [`clock`] holds the time stamp counters against each other,
//! [`latency`] waits for memory, and [`appliance`] watches lcores that trade, from outside.
//!
//! Every answer is a [`Line`]: what was found, what was wanted, and the command that mends it. What
//! cannot be read here, for want of rights, hardware or a kernel's option, is a line as well, and
//! no failure.
//!
//! # Limits
//!
//! Files of `/proc` and `/sys` are read up to 64 MiB each, names are cut, and whatever bytes
//! they hold, no reader here panics. Nothing is written anywhere, and the measurements touch only
//! the CPUs that they are given: whoever calls keeps them off the lcores of a running appliance.
//!
//! # Failure modes
//!
//! [`Error`] is for what was asked by name and cannot be had, as a CPU that is not there. A kernel
//! that gives a thread no time makes a measurement longer, never endless: all of them end when the
//! `stop` they are given says so.
#![forbid(unsafe_code)]

pub mod appliance;
pub mod clock;
pub mod host;
pub mod interrupts;
pub mod jitter;
pub mod latency;
pub mod line;
pub mod numa_maps;
pub mod settings;
pub mod task;
pub mod verify;

pub use host::Host;
pub use line::{Line, Section, State};

use std::time::{Duration, Instant};

/// Whether whoever waits has had enough: asked every few milliseconds, from any thread.
pub type Stop<'s> = &'s (dyn Fn() -> bool + Sync);

/// How often a wait asks.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// What was asked for by name, and cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A CPU, or a call on it.
    #[error(transparent)]
    Cpu(#[from] hostcpu::Error),
    /// A thread could not be made.
    #[error("cannot start a thread for CPU {cpu}")]
    Thread {
        /// The CPU that it was for.
        cpu: usize,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// There is no such process.
    #[error("--pid {pid}: there is no such process here")]
    NoProcess {
        /// Its number.
        pid: u32,
    },
    /// It is something else.
    #[error(
        "--pid {pid}: {command:?} is no appliance: give the process of `peregrine run`, \
         `replay` or `loopback`"
    )]
    NoAppliance {
        /// Its number.
        pid: u32,
        /// What it is.
        command: String,
    },
    /// It has no lcores: it starts or ends just now.
    #[error("--pid {pid}: it has no lcores, so it is still starting, or ending")]
    NoLcores {
        /// Its number.
        pid: u32,
    },
}

/// Waits; says whether all of the time went by before `stop` said that it is enough.
pub fn wait(time: Duration, stop: Stop<'_>) -> bool {
    let until = Instant::now() + time;
    loop {
        if stop() {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(ASK_EVERY));
    }
}

#[cfg(test)]
mod fixture;
