//! The thread as the kernel sees it: its name, and how often it was taken off its core.

use crate::Error;
use std::io;
use std::mem;

/// The kernel keeps 15 bytes of a thread's name, and a terminating zero.
const NAME_BYTES_MAX: usize = 15;

/// Names the calling thread, for `ps`, `top -H` and `perf`. Only the first 15 bytes are kept, cut
/// at a character, and nothing after a NUL.
///
/// It is one `prctl(PR_SET_NAME)` and nothing else, without an allocation, and so it also serves as
/// a mark in a system call trace: no call may come between the name a loop takes when it is warm
/// and the one it takes when it ends.
///
/// # Errors
/// [`Error::Call`], which a sandbox that forbids `prctl` can cause.
pub fn set_thread_name(name: &str) -> Result<(), Error> {
    let buffer = name_bytes(name);
    // SAFETY: `buffer` is 16 bytes and ends in zero; the kernel copies it before returning.
    let rc = unsafe { libc::prctl(libc::PR_SET_NAME, buffer.as_ptr(), 0, 0, 0) };
    match rc {
        0 => Ok(()),
        _ => Err(Error::Call { call: "prctl(PR_SET_NAME)", source: io::Error::last_os_error() }),
    }
}

fn name_bytes(name: &str) -> [u8; NAME_BYTES_MAX + 1] {
    let mut buffer = [0; NAME_BYTES_MAX + 1];
    let mut used = 0;
    for c in name.chars().take_while(|&c| c != '\0') {
        let end = used + c.len_utf8();
        if end > NAME_BYTES_MAX {
            break;
        }
        c.encode_utf8(&mut buffer[used..end]);
        used = end;
    }
    buffer
}

/// What the kernel has counted against a thread since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Times the thread gave its core away: it blocked or slept. Zero for a poll loop.
    pub voluntary_switches: u64,
    /// Times the core was taken from it: another thread ran there.
    pub involuntary_switches: u64,
    /// Page faults served without reading a disk. Zero for memory touched beforehand.
    pub minor_faults: u64,
    /// Page faults that read a disk.
    pub major_faults: u64,
}

impl Usage {
    /// What was counted from `earlier` to `self`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            voluntary_switches: self.voluntary_switches.saturating_sub(earlier.voluntary_switches),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(earlier.involuntary_switches),
            minor_faults: self.minor_faults.saturating_sub(earlier.minor_faults),
            major_faults: self.major_faults.saturating_sub(earlier.major_faults),
        }
    }
}

/// The calling thread's account (`getrusage(RUSAGE_THREAD)`): a system call, so for before and
/// after a loop, not for within it.
///
/// # Errors
/// [`Error::Call`], which a sandbox that forbids `getrusage` can cause.
pub fn thread_usage() -> Result<Usage, Error> {
    // SAFETY: `rusage` is a plain struct of integers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a `rusage`, which the kernel fills.
    if unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) } != 0 {
        let source = io::Error::last_os_error();
        return Err(Error::Call { call: "getrusage(RUSAGE_THREAD)", source });
    }
    let count = |value: libc::c_long| u64::try_from(value).unwrap_or(0);
    Ok(Usage {
        voluntary_switches: count(usage.ru_nvcsw),
        involuntary_switches: count(usage.ru_nivcsw),
        minor_faults: count(usage.ru_minflt),
        major_faults: count(usage.ru_majflt),
    })
}

#[cfg(test)]
mod tests;
