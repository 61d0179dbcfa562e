//! A global allocator that counts, so that "the hot path does not allocate" is a measurement.
//!
//! [`CountingAlloc`] hands every request to the system's allocator and counts it against the
//! calling thread. An lcore takes [`thread_allocations`] when it is warm and again when it ends;
//! the difference is what its hot path allocated, and the report prints it.
//!
//! # Why unsafe
//!
//! `GlobalAlloc` is an unsafe trait. The implementation adds no pointer arithmetic of its own: it
//! forwards the same pointer and layout to [`System`].
//!
//! # Cost and limits
//!
//! Two thread-local words an allocation. The counters have no destructor and a constant
//! initialiser, so counting itself never allocates, also while a thread starts or ends. Memory that
//! does not come from the global allocator (mempools, hugepages, `mmap`) is not seen.
//!
//! # Failure modes
//!
//! A program that forgot `#[global_allocator]` counts nothing and would prove nothing:
//! [`is_counting`] tells.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

/// The system's allocator, with each request counted against the thread that made it.
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

// SAFETY: every method returns what `System` returns for the very same arguments, so `System`'s
// adherence to the contract is ours; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, 0, layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, 1, 0);
        // SAFETY: `block` came from `System` with `layout`, as all blocks of ours do.
        unsafe { System.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, 0, layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(1, 1, new_size);
        // SAFETY: `block` came from `System` with `layout`; the promise about `new_size` goes on.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[cfg(test)]
mod tests;
