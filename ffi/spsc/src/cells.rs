//! The memory of a ring: cells of a stamp and some items.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::{needs_drop, size_of};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

const LINE_BYTES: usize = 64;
/// Pairs of lines are fetched together.
const PAIR_BYTES: usize = 128;

/// A stamp counts rounds in steps of this, which is more than a cell has items, and below it the
/// cell's items. The first round is 1, so that memory that is all zeroes is of a round before.
pub(crate) const ROUND: usize = 256;

/// How many items a cell has by its stamp.
#[inline(always)]
pub(crate) const fn count_in(stamp: usize) -> usize {
    stamp % ROUND
}

/// What one core writes and another reads, with no neighbour.
#[repr(align(128))]
pub(crate) struct Apart<T>(T);

impl<T> std::ops::Deref for Apart<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Where the end that pops was when it was dropped.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) cell: *mut u8,
    pub(crate) at: usize,
}

/// All cells of a ring, shared by its two ends.
pub(crate) struct Cells<T> {
    base: NonNull<u8>,
    end: *mut u8,
    count: usize,
    /// Set by the end that pops, once, when it goes.
    pub(crate) left: UnsafeCell<Option<Left>>,
    /// Cells ever given back by the end that pops.
    pub(crate) given_back: Apart<AtomicUsize>,
    items: PhantomData<T>,
}

// SAFETY: the ends reach an item only after the stamp, or the count of cells given back, has told
// them that it is theirs; items move from thread to thread, and are never shared.
unsafe impl<T: Send> Sync for Cells<T> {}
// SAFETY: it owns the memory and the items in it.
unsafe impl<T: Send> Send for Cells<T> {}

impl<T> Cells<T> {
    /// Where the items begin: behind the stamp, aligned.
    const OFFSET: usize = {
        assert!(size_of::<T>() > 0, "an item has a size");
        assert!(align_of::<T>() <= LINE_BYTES, "an item asks for no more than a line's alignment");
        size_of::<AtomicUsize>().next_multiple_of(align_of::<T>())
    };

    /// Items of a cell: as many as the line holds, or one that takes several lines.
    pub(crate) const ITEMS: usize = {
        let fit = (LINE_BYTES - Self::OFFSET) / size_of::<T>();
        assert!(fit < ROUND);
        if fit == 0 { 1 } else { fit }
    };

    const BYTES: usize = (Self::OFFSET + Self::ITEMS * size_of::<T>()).next_multiple_of(LINE_BYTES);

    /// Cells for `items_min` items, of which the first may be there no more but for one.
    pub(crate) fn new(items_min: usize) -> Cells<T> {
        let count = items_min.max(1).div_ceil(Self::ITEMS) + usize::from(Self::ITEMS > 1);
        let layout = Self::layout(count);
        // SAFETY: the layout is of more than no bytes.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout));
        for at in 0..count {
            // SAFETY: within what was taken. Zeroed pages are touched only when written to.
            unsafe { base.as_ptr().add(at * Self::BYTES).cast::<usize>().write_volatile(0) };
        }
        let end = base.as_ptr().wrapping_add(count * Self::BYTES);
        let given_back = Apart(AtomicUsize::new(0));
        Cells { base, end, count, left: UnsafeCell::new(None), given_back, items: PhantomData }
    }

    fn layout(count: usize) -> Layout {
        let bytes = count.checked_mul(Self::BYTES);
        bytes
            .and_then(|bytes| Layout::from_size_align(bytes, PAIR_BYTES).ok())
            .expect("a ring fits an address space")
    }

    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    pub(crate) fn first(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The cell after this one of the ring, and what it is stamped without an item, when this one
    /// is stamped `at`.
    #[inline(always)]
    pub(crate) fn after(&self, cell: *mut u8, at: usize) -> (*mut u8, usize) {
        let (next, round) = (cell.wrapping_add(Self::BYTES), at - count_in(at));
        if next == self.end { (self.first(), round + ROUND) } else { (next, round) }
    }

    /// A cell's stamp.
    ///
    /// # Safety
    /// The cell is one of a ring's that lives.
    #[inline(always)]
    pub(crate) unsafe fn stamp<'a>(cell: *mut u8) -> &'a AtomicUsize {
        // SAFETY: a cell begins with its stamp, aligned; it is never reached in another way.
        unsafe { AtomicUsize::from_ptr(cell.cast()) }
    }

    /// A cell's item `at`.
    ///
    /// # Safety
    /// The cell is one of a ring's that lives, and `at` is at most [`Cells::ITEMS`].
    #[inline(always)]
    pub(crate) unsafe fn item(cell: *mut u8, at: usize) -> *mut T {
        debug_assert!(at <= Self::ITEMS);
        // SAFETY: within the cell or at its end; aligned, since the cell and the offset are.
        unsafe { cell.add(Self::OFFSET).cast::<T>().add(at) }
    }

    /// Copies a whole cell of items, by a copy of known length.
    ///
    /// # Safety
    /// That of [`ptr::copy_nonoverlapping`].
    #[inline(always)]
    pub(crate) unsafe fn copy_all(from: *const T, to: *mut T) {
        // SAFETY: the caller's.
        unsafe { ptr::copy_nonoverlapping(from, to, Self::ITEMS) };
    }

    /// Copies `count` items, at most a cell of them: where these are few by up to three copies of
    /// known lengths, since a call of `memcpy` would take longer than what it copies.
    ///
    /// # Safety
    /// That of [`ptr::copy_nonoverlapping`].
    #[inline(always)]
    pub(crate) unsafe fn copy_some(from: *const T, to: *mut T, count: usize) {
        if Self::ITEMS > 7 {
            // SAFETY: the caller's.
            return unsafe { ptr::copy_nonoverlapping(from, to, count) };
        }
        let (pair, last) = (count & 4, count & 6);
        // SAFETY: the caller's; 4, 2 and 1 make up every count up to 7.
        unsafe {
            if count & 4 != 0 {
                ptr::copy_nonoverlapping(from, to, 4);
            }
            if count & 2 != 0 {
                ptr::copy_nonoverlapping(from.add(pair), to.add(pair), 2);
            }
            if count & 1 != 0 {
                ptr::copy_nonoverlapping(from.add(last), to.add(last), 1);
            }
        }
    }

    /// Drops what was pushed and not popped.
    fn drop_items(&mut self) {
        let Some(Left { mut cell, mut at }) = *self.left.get_mut() else { return };
        loop {
            // SAFETY: the cell is one of ours, and nobody else is left.
            let stamp = unsafe { Self::stamp(cell) }.load(Ordering::Relaxed);
            for at in at..stamp {
                // SAFETY: the stamp tells that it was pushed; it was not popped.
                unsafe { Self::item(cell, count_in(at)).drop_in_place() };
            }
            if stamp < at || count_in(stamp) < Self::ITEMS {
                return;
            }
            (cell, at) = self.after(cell, stamp);
        }
    }
}

impl<T> Drop for Cells<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            self.drop_items();
        }
        // SAFETY: taken with this layout, and nobody else is left.
        unsafe { dealloc(self.base.as_ptr(), Self::layout(self.count)) };
    }
}
