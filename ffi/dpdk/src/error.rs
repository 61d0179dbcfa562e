//! Everything that can go wrong, in words that say what to do next where something can be done.

use std::ffi::CStr;
use std::io;

use crate::hugepages::HugeLack;
use crate::info::PortId;

/// Why a call into DPDK failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The library found at run time is older than the bindings allow.
    #[error("{found} is too old: DPDK 22.11 or newer is needed")]
    TooOld {
        /// As the library names itself.
        found: String,
    },
    /// EAL starts once a process, and did so before.
    #[error("EAL was already started in this process, and can be started once only")]
    AlreadyStarted,
    /// Hugepages were required, and cannot be had.
    #[error("{lack}{}: {}, or pass --no-huge", lack.said(), lack.mend())]
    NoHugepages {
        /// Why not.
        lack: HugeLack,
    },
    /// EAL did not start.
    #[error("EAL did not start: {reason}{}", Log(log))]
    Start {
        /// The text of `rte_errno`.
        reason: String,
        /// What EAL logged, without its informational lines.
        log: String,
    },
    /// A device given in `vdevs` is not there after the start.
    #[error(
        "device \"{device}\" did not come up: is its driver installed, and are its arguments \
         right?{}",
        Log(log)
    )]
    NoDevice {
        /// The device as it was given.
        device: String,
        /// What EAL logged, without its informational lines.
        log: String,
    },
    /// A name or argument has a NUL byte in it, or is empty.
    #[error("\"{}\" cannot be a name or argument here", text.escape_default())]
    BadText {
        /// What was given.
        text: String,
    },
    /// The process may not run on the CPU that was asked for.
    #[error("CPU {cpu} is not among those this process may run on")]
    CpuNotAllowed {
        /// The CPU.
        cpu: usize,
    },
    /// The scheduler would not read or set an affinity.
    #[error("cannot {action} the affinity of the thread: {source}")]
    Affinity {
        /// `read` or `set`.
        action: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The thread could not become an lcore.
    #[error("cannot register the thread as an lcore: {reason}")]
    Lcore {
        /// The text of `rte_errno`.
        reason: String,
    },
    /// A mempool could not be made.
    #[error("cannot make mempool {name} of {mbufs} mbufs: {reason}")]
    Mempool {
        /// Its name.
        name: String,
        /// How many mbufs it was to have.
        mbufs: u32,
        /// Why not.
        reason: String,
    },
    /// A pair of ring ports could not be made.
    #[error("cannot make ring port {name}: {reason}")]
    RingPair {
        /// The port's name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// No port has this number.
    #[error("there is no port {port}")]
    NoPort {
        /// Its number.
        port: PortId,
    },
    /// Someone has this port already.
    #[error("port {port} is in use: a port has one owner")]
    PortTaken {
        /// Its number.
        port: PortId,
    },
    /// A port did not do what it was asked.
    #[error("port {port}: cannot {step}: {reason}")]
    Port {
        /// Its number.
        port: PortId,
        /// The step that failed, as a verb.
        step: String,
        /// Why.
        reason: String,
    },
    /// Frames of this MTU do not fit into one mbuf of the pool.
    #[error(
        "port {port}: frames of MTU {mtu} take {needed} bytes, \
         and an mbuf of pool {pool} holds {room}"
    )]
    MtuTooBig {
        /// Its number.
        port: PortId,
        /// The MTU asked for, in bytes.
        mtu: u16,
        /// MTU and Ethernet header with two VLAN tags, in bytes.
        needed: usize,
        /// Bytes that fit behind the headroom.
        room: usize,
        /// The pool's name.
        pool: String,
    },
    /// A port can stop only when all of its queues are back.
    #[error("port {port}: stays started, because not all of its queues were handed back")]
    QueuesMissing {
        /// Its number.
        port: PortId,
    },
    /// A frame of this length does not fit into the mbuf.
    #[error("{len} bytes do not fit into an mbuf with room for {room}")]
    TooLong {
        /// The length asked for, in bytes.
        len: usize,
        /// The most it can be, in bytes.
        room: usize,
    },
}

/// Appends what EAL logged to a message, when it logged anything.
struct Log<'a>(&'a str);

impl std::fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.0.lines() {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// The text for an error number of DPDK's, positive or negative.
pub(crate) fn reason(code: i32) -> String {
    // SAFETY: rte_strerror returns a NUL-terminated string in static or thread-local storage,
    // which stays as it is until the next call on this thread; it is copied before that.
    let text = unsafe { CStr::from_ptr(dpdk_sys::rte_strerror(code.wrapping_abs())) };
    text.to_string_lossy().into_owned()
}

/// The text for the calling thread's `rte_errno`.
pub(crate) fn last_reason() -> String {
    // SAFETY: reads a thread-local variable.
    reason(unsafe { dpdk_sys::pg_errno() })
}
