//! Which NUMA node the calling thread's new pages come from.
//!
//! The kernel gives a page from the node of the CPU that touches it first. To measure how far
//! memory is, a thread must be able to ask for pages of a node that is not its own.

use crate::Error;
use std::io;

/// Node numbers are below this: more than any kernel is built for.
pub const NODES_MAX: usize = 1024;
const WORD_BITS: usize = libc::c_ulong::BITS as usize;

/// Takes the calling thread's new pages from `node` alone, until [`unbind`]. Pages that it has
/// stay where they are; threads that it starts inherit the rule.
///
/// # Errors
/// [`Error::NodeOutOfRange`], or [`Error::Call`] when the kernel refuses: there is no such node,
/// it has no memory, it is outside of the process's cpuset, or a sandbox forbids the call.
pub fn bind(node: usize) -> Result<(), Error> {
    set(libc::MPOL_BIND, &mask(node)?)
}

/// Takes the calling thread's new pages from `node` while it has any, else from others, until
/// [`unbind`].
///
/// # Errors
/// As [`bind`], but for a node without memory.
pub fn prefer(node: usize) -> Result<(), Error> {
    set(libc::MPOL_PREFERRED, &mask(node)?)
}

/// Whether the calling thread's new pages come from the node of its CPU: nobody, neither
/// [`bind`] nor whoever started the process under `numactl`, has said otherwise. False as well
/// where a sandbox forbids to ask.
///
/// There are three ways to say so. EAL leaves one of the others behind when it has taken memory:
/// `MPOL_LOCAL`, which older kernels call a preference for no node.
pub fn is_default() -> bool {
    let mut mode: libc::c_int = libc::MPOL_BIND;
    let mut mask = [0 as libc::c_ulong; NODES_MAX / WORD_BITS];
    let no_address = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel writes one `int` to `mode` and at most `NODES_MAX` bits to `mask`, which
    // has as many; the address is only asked for with a flag that is not given.
    let rc = unsafe {
        let mask = mask.as_mut_ptr();
        libc::syscall(libc::SYS_get_mempolicy, &raw mut mode, mask, NODES_MAX, no_address, 0)
    };
    let is_local = match mode {
        libc::MPOL_DEFAULT | libc::MPOL_LOCAL => true,
        libc::MPOL_PREFERRED => mask.iter().all(|word| *word == 0),
        _ => false,
    };
    rc == 0 && is_local
}

fn mask(node: usize) -> Result<[libc::c_ulong; NODES_MAX / WORD_BITS], Error> {
    let mut mask = [0 as libc::c_ulong; NODES_MAX / WORD_BITS];
    let word = mask.get_mut(node / WORD_BITS).ok_or(Error::NodeOutOfRange(node))?;
    *word |= 1 << (node % WORD_BITS);
    Ok(mask)
}

/// Takes the calling thread's new pages from the node of its CPU again, as at the start.
///
/// # Errors
/// [`Error::Call`], which a sandbox that forbids the call can cause.
pub fn unbind() -> Result<(), Error> {
    set(libc::MPOL_DEFAULT, &[])
}

fn set(mode: libc::c_int, mask: &[libc::c_ulong]) -> Result<(), Error> {
    // The kernel reads one bit less than it is told of.
    let bits = if mask.is_empty() { 0 } else { mask.len() * WORD_BITS + 1 };
    let pointer = if mask.is_empty() { std::ptr::null() } else { mask.as_ptr() };
    // SAFETY: the kernel reads `bits - 1` bits at `pointer`, which is what `mask` has, and none
    // where `bits` is zero; it writes nothing of ours.
    let rc =
        unsafe { libc::syscall(libc::SYS_set_mempolicy, libc::c_long::from(mode), pointer, bits) };
    match rc {
        0 => Ok(()),
        _ => {
            let source = io::Error::last_os_error();
            Err(Error::Call { call: "set_mempolicy", source })
        }
    }
}

#[cfg(test)]
mod tests;
