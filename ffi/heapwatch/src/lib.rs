//! A global allocator that counts, so that "the hot path does not allocate" is a measurement, and
//! that puts large tables on huge pages.
//!
//! [`CountingAlloc`] counts every request against the calling thread. An lcore takes
//! [`thread_allocations`] when it is warm and again when it ends; the difference is what its hot
//! path allocated, and the report prints it.
//!
//! # Large blocks
//!
//! A table of a gigabyte on pages of 4 KiB costs a walk of the page tables for nearly every random
//! read. Blocks of at least [`LARGE_MIN`] bytes therefore come straight from the kernel, begin at a
//! multiple of 2 MiB, and the kernel is advised to back them with huge pages (`large.rs`). That
//! works where `/sys/kernel/mm/transparent_hugepage/enabled` says `madvise` or `always`; elsewhere,
//! and when the kernel has none to give, they are ordinary memory. [`advise_huge_pages`] switches
//! the advice off, to compare. Everything smaller goes to the system's allocator.
//!
//! # Who holds what
//!
//! [`profile`] keeps the stacks of live blocks, when it is switched on: a soak compares two looks.
//!
//! # Why unsafe
//!
//! `GlobalAlloc` is an unsafe trait. Small blocks are forwarded to [`System`], pointer and layout
//! as they are; large ones are mappings of their own, of which `large.rs` tells.
//!
//! # Cost and limits
//!
//! Two thread-local words an allocation. The counters have no destructor and a constant
//! initialiser, so counting itself never allocates, also while a thread starts or ends. Memory that
//! does not come from the global allocator (mempools, hugepages, `mmap`) is not seen. A large block
//! costs two or three system calls, is touched 2 MiB at a time, and goes back to the kernel when it
//! is freed; one that grows is copied. Linux only, as what it is for.
//!
//! # Failure modes
//!
//! A program that forgot `#[global_allocator]` counts nothing and would prove nothing:
//! [`is_counting`] tells. Where the kernel has no memory, a null pointer, as from any allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

mod large;
pub mod profile;

pub use large::{LARGE_MIN, advise_huge_pages};

/// An allocator that counts each request against the thread that made it, and has large blocks on
/// huge pages. See the crate.
///
/// ```
/// #[global_allocator]
/// static ALLOC: heapwatch::CountingAlloc = heapwatch::CountingAlloc;
///
/// let before = heapwatch::thread_allocations();
/// let text = String::from("on the heap");
/// assert_eq!(heapwatch::thread_allocations().since(before).allocs, 1);
/// # drop(text);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAlloc;

/// What one thread has asked of the allocator since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks allocated; a reallocation is one more, wherever it ends up.
    pub allocs: u64,
    /// Blocks freed; a reallocation is one more.
    pub frees: u64,
    /// Bytes asked for over all allocations. It never falls.
    pub bytes: u64,
}

impl Counts {
    const ZERO: Self = Self { allocs: 0, frees: 0, bytes: 0 };

    /// What was counted from `earlier` to `self`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            allocs: self.allocs.wrapping_sub(earlier.allocs),
            frees: self.frees.wrapping_sub(earlier.frees),
            bytes: self.bytes.wrapping_sub(earlier.bytes),
        }
    }

    /// Whether the allocator was not called at all.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

thread_local! {
    // Constant and without a destructor: reached without registering anything with the thread.
    static COUNTS: Cell<Counts> = const { Cell::new(Counts::ZERO) };
}

/// The calling thread's counters. Cheap enough for every lap of a loop, though before and after
/// suffice.
pub fn thread_allocations() -> Counts {
    COUNTS.with(Cell::get)
}

/// Whether [`CountingAlloc`] is this program's global allocator: it allocates once and looks.
pub fn is_counting() -> bool {
    let before = thread_allocations();
    drop(black_box(Box::new(0_u8)));
    thread_allocations().since(before).allocs > 0
}

#[inline(always)]
fn count(allocs: u64, frees: u64, bytes: usize) {
    COUNTS.with(|cell| {
        let counts = cell.get();
        cell.set(Counts {
            allocs: counts.allocs.wrapping_add(allocs),
            frees: counts.frees.wrapping_add(frees),
            bytes: counts.bytes.wrapping_add(bytes as u64),
        });
    });
}

// SAFETY: which allocator has a block follows from its layout alone, so each gets back what it
// gave and adheres to the contract; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, 0, layout.size());
        let block = if large::takes(layout) {
            large::alloc(layout)
        } else {
            // SAFETY: the caller's promise about `layout` is passed on.
            unsafe { System.alloc(layout) }
        };
        profile::allocated(block, layout.size());
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, 1, 0);
        profile::freed(block);
        if large::takes(layout) {
            // SAFETY: `block` came from `large` with `layout`, as all blocks that it takes do.
            return unsafe { large::dealloc(block, layout) };
        }
        // SAFETY: `block` came from `System` with `layout`, as all others do.
        unsafe { System.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, 0, layout.size());
        let block = if large::takes(layout) {
            // New mappings are zero, and stay untouched until they are used.
            large::alloc(layout)
        } else {
            // SAFETY: the caller's promise about `layout` is passed on.
            unsafe { System.alloc_zeroed(layout) }
        };
        profile::allocated(block, layout.size());
        block
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size`, rounded up to the alignment, fits `isize`.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if large::takes(layout) || large::takes(new) {
            // SAFETY: the caller's promises are passed on.
            return unsafe { self.moved(block, layout, new) };
        }
        count(1, 1, new_size);
        // Before the block is another thread's to allocate. One that cannot grow is freed all the
        // same as far as the profile knows.
        profile::freed(block);
        // SAFETY: `block` came from `System` with `layout`; the promise about `new_size` goes on.
        let new = unsafe { System.realloc(block, layout, new_size) };
        profile::allocated(new, new_size);
        new
    }
}

impl CountingAlloc {
    /// A reallocation from, to or within the large blocks: a new block, and the contents copied.
    ///
    /// # Safety
    /// As [`GlobalAlloc::realloc`] for `block` and `old`.
    #[cold]
    unsafe fn moved(&self, block: *mut u8, old: Layout, new: Layout) -> *mut u8 {
        // SAFETY: sizes are not zero: the caller promises it.
        let to = unsafe { self.alloc(new) };
        if !to.is_null() {
            // SAFETY: both blocks hold as many bytes, and a new one overlaps no other. `block` is
            // the caller's, allocated here with `old`.
            unsafe {
                block.copy_to_nonoverlapping(to, old.size().min(new.size()));
                self.dealloc(block, old);
            }
        }
        to
    }
}

#[cfg(test)]
mod tests;
