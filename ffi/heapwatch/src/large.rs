//! Blocks that are mappings of their own, on huge pages where the kernel has them.
//!
//! Why not the system's allocator with a larger alignment: its zeroed blocks are then written to,
//! which takes the memory of a table at once that may never be filled.
//!
//! Layout: a block begins at a multiple of 2 MiB and ends with the ordinary page its last byte is
//! in. It is mapped 2 MiB too large, and what lies before and after is given back.
//!
//! Limits: alignments beyond 2 MiB are left to the system's allocator.

use std::alloc::Layout;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes from which a block is large: two huge pages, so that at most a third of what is touched is
/// unused.
pub const LARGE_MIN: usize = 4 << 20;

const HUGE_PAGE: usize = 2 << 20;
/// Mappings end at a multiple of this: the largest ordinary page that a 64-bit Linux may have.
const PAGE: usize = 64 << 10;

/// Whether new large blocks get the advice.
static ADVISE: AtomicBool = AtomicBool::new(true);

/// Whether large blocks that are allocated from now on, by any thread, are to be on huge pages;
/// they are unless this was called. Where they begin does not change.
pub fn advise_huge_pages(wanted: bool) {
    ADVISE.store(wanted, Ordering::Relaxed);
}

/// Whether blocks of this layout are large.
#[inline]
pub(crate) const fn takes(layout: Layout) -> bool {
    layout.size() >= LARGE_MIN && layout.align() <= HUGE_PAGE
}

/// A zeroed block of a layout that [`takes`] accepts; null when there is no memory.
#[cold]
pub(crate) fn alloc(layout: Layout) -> *mut u8 {
    let len = mapped(layout);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no other memory.
    let base = unsafe {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE);
        libc::mmap(null_mut(), len + HUGE_PAGE, access, kind | libc::MAP_ANONYMOUS, -1, 0)
    };
    if base == libc::MAP_FAILED {
        return null_mut();
    }
    let base = base.cast::<u8>();
    let before = base.addr().next_multiple_of(HUGE_PAGE) - base.addr();
    let block = base.wrapping_add(before);
    // SAFETY: both ranges are parts of the mapping just made that nobody knows of. Advice changes
    // no content; that it may be refused is no harm.
    unsafe {
        unmap(base, before);
        unmap(block.wrapping_add(len), HUGE_PAGE - before);
        if ADVISE.load(Ordering::Relaxed) {
            libc::madvise(block.cast(), len, libc::MADV_HUGEPAGE);
        }
    }
    block
}

/// Gives a block back.
///
/// # Safety
/// `block` came from [`alloc`] with this `layout` and is not used again.
#[cold]
pub(crate) unsafe fn dealloc(block: *mut u8, layout: Layout) {
    // SAFETY: the caller's promise: this is the whole of what `alloc` left mapped.
    unsafe { unmap(block, mapped(layout)) };
}

/// Bytes that a block's mapping takes. No overflow: a layout's size fits an `isize`.
const fn mapped(layout: Layout) -> usize {
    layout.size().next_multiple_of(PAGE)
}

/// Gives `len` bytes from `at` back to the kernel.
///
/// # Safety
/// `len` bytes from `at`, both multiples of the page size, are mapped and nobody's.
unsafe fn unmap(at: *mut u8, len: usize) {
    if len > 0 {
        // SAFETY: the caller's promise.
        let done = unsafe { libc::munmap(at.cast(), len) };
        // It fails when the process has too many mappings to split one: then this one leaks.
        debug_assert!(done == 0, "munmap");
    }
}
