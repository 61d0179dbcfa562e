//! Threads that poll.
//!
//! A thread made by Rust is unknown to DPDK and goes to the shared ring of a mempool for each mbuf.
//! Registered, it has an lcore id and with it a cache of its own.

use std::ffi::CString;
use std::marker::PhantomData;

use dpdk_sys as sys;

use crate::affinity::CpuSet;
use crate::error::last_reason;
use crate::{Eal, Error};

/// The longest name the kernel keeps for a thread, in bytes.
const THREAD_NAME_MAX: usize = 15;

/// Says that the calling thread is an lcore, as long as it lives.
pub struct Lcore<'e> {
    id: u32,
    registered: bool,
    affinity_before: CpuSet,
    eal: PhantomData<&'e Eal>,
    /// It stands for a thread, and stays on it.
    not_send: PhantomData<*mut ()>,
}

impl<'e> Lcore<'e> {
    /// Makes the calling thread an lcore: pins it to `cpu`, if given, names it `name` (cut to 15
    /// bytes) for the kernel's tools, and registers it with DPDK. Dropping undoes the pinning and
    /// the registration. A thread that is an lcore already, such as the one that started EAL,
    /// keeps its id.
    pub fn enter(_eal: &'e Eal, cpu: Option<usize>, name: &str) -> Result<Lcore<'e>, Error> {
        let affinity_before = CpuSet::current()?;
        if let Some(cpu) = cpu {
            let set = CpuSet::only(cpu).ok_or(Error::CpuNotAllowed { cpu })?;
            set.apply().map_err(|error| match error {
                // The kernel's word for a CPU that is not there or not in the process's cpuset.
                Error::Affinity { source, .. } if source.raw_os_error() == Some(libc::EINVAL) => {
                    Error::CpuNotAllowed { cpu }
                }
                error => error,
            })?;
        }
        set_thread_name(name);
        // SAFETY: EAL is started.
        let known = unsafe { sys::pg_lcore_id() } != sys::PG_LCORE_ANY;
        // SAFETY: EAL is started, and this thread is not registered.
        if !known && unsafe { sys::rte_thread_register() } != 0 {
            let reason = last_reason();
            affinity_before.apply()?;
            return Err(Error::Lcore { reason });
        }
        // SAFETY: EAL is started.
        let id = unsafe { sys::pg_lcore_id() };
        Ok(Lcore {
            id,
            registered: !known,
            affinity_before,
            eal: PhantomData,
            not_send: PhantomData,
        })
    }

    /// The lcore's id in DPDK; the cache of a mempool is chosen by it.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for Lcore<'_> {
    fn drop(&mut self) {
        if self.registered {
            // SAFETY: this thread registered itself, and EAL is still there.
            unsafe { sys::rte_thread_unregister() };
        }
        // The CPUs were the thread's before; if they are gone by now, it stays where it is.
        let _ = self.affinity_before.apply();
    }
}

impl std::fmt::Debug for Lcore<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lcore({})", self.id)
    }
}

/// Cuts the name to what the kernel keeps, at a character's border.
fn kernel_name(name: &str) -> CString {
    let mut end = name.len().min(THREAD_NAME_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = name.get(..end).unwrap_or_default().bytes().filter(|&byte| byte != 0);
    CString::new(bytes.collect::<Vec<u8>>()).unwrap_or_default()
}

fn set_thread_name(name: &str) {
    let name = kernel_name(name);
    // SAFETY: prctl copies the NUL-terminated name. It cannot fail with a valid pointer.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_names_are_cut_where_a_character_ends() {
        assert_eq!(kernel_name("venue").as_bytes(), b"venue");
        assert_eq!(kernel_name("a-very-long-thread-name").as_bytes(), b"a-very-long-thr");
        assert_eq!(kernel_name("fourteen-bytesé").as_bytes(), b"fourteen-bytes");
        assert_eq!(kernel_name("a\0b").as_bytes(), b"ab");
    }
}
