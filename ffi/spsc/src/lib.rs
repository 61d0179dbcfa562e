//! The ring between two threads: one pushes, one pops, and neither ever waits.
//!
//! A hop costs what it costs to move cache lines from one core to another, so the ring is laid out
//! to move as few of them as can be: one, where an index beside the items would make it two.
//!
//! # Layout
//!
//! ```text
//! cell   | stamp | item | item | item | item | item | item | item |    64 bytes, or a multiple
//! cell   | stamp | item | ...
//! ```
//!
//! A stamp tells which time around the ring it is, and how many items its cell has. Who pops looks
//! at the stamp of the cell it is in, and has the items with it. Cells are given back whole, by a
//! count in a line of its own, which who pushes reads only when it ran out of cells.
//!
//! # Limits
//!
//! Items are not of size zero and ask for no more than the alignment of a cache line. There is room
//! for at least as many as was asked for; since cells are given back whole, now and then for more.
//!
//! # Why unsafe
//!
//! Both threads hold the same memory, and the stamps alone say whose a place is. `rtrb`, which does
//! the same in the usual layout, is a peer of `scripts/bench.sh --only rings`;
//! docs/performance.md has what the difference is.

mod cells;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cells::{Cells, Left, ROUND, count_in};

/// The end that items are pushed into.
pub struct Producer<T> {
    cells: Arc<Cells<T>>,
    /// The cell being filled.
    cell: *mut u8,
    /// The stamp of the last item pushed: the round, and how many items the cell has.
    at: usize,
    /// Cells ever begun, and how many of them were given back when last looked.
    begun: usize,
    given_back: usize,
}

/// The end that items are popped from.
pub struct Consumer<T> {
    cells: Arc<Cells<T>>,
    /// The cell being emptied.
    cell: *mut u8,
    /// The stamp of the last item popped.
    at: usize,
    /// Cells ever given back.
    given_back: usize,
}

// SAFETY: an end is used by one thread at a time, as it is not Sync and its methods take `&mut`;
// the memory it points into is shared as `Cells` says, and items are of a type that may move.
unsafe impl<T: Send> Send for Producer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Consumer<T> {}

/// A ring with room for `items_min` items or some more, all of it touched.
///
/// # Panics
/// When the room asked for is more than an address space.
pub fn ring<T>(items_min: usize) -> (Producer<T>, Consumer<T>) {
    let cells = Arc::new(Cells::new(items_min));
    let cell = cells.first();
    let consumer = Consumer { cells: cells.clone(), cell, at: ROUND, given_back: 0 };
    (Producer { cells, cell, at: ROUND, begun: 1, given_back: 0 }, consumer)
}

impl<T> Producer<T> {
    /// Hands an item over; gives it back when there is no room.
    ///
    /// # Errors
    /// The item, when the ring is full.
    #[inline(always)]
    pub fn push(&mut self, item: T) -> Result<(), T> {
        if count_in(self.at) == Cells::<T>::ITEMS && !self.begin_cell() {
            return Err(item);
        }
        // SAFETY: the cell has a place left, which is ours until it is stamped.
        unsafe { Cells::<T>::item(self.cell, count_in(self.at)).write(item) };
        self.stamp(1);
        Ok(())
    }

    /// Whether an item would find room now. What has room keeps it until it is pushed.
    #[inline(always)]
    pub fn has_room(&mut self) -> bool {
        count_in(self.at) < Cells::<T>::ITEMS || self.spare_cells(1) > 0
    }

    /// Hands over as many as there is room for, from the front; tells how many.
    #[inline]
    pub fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let mut done = self.push_some(items);
        let whole = ((items.len() - done) / Cells::<T>::ITEMS).min(self.spare_cells(items.len()));
        for items in items[done..].chunks_exact(Cells::<T>::ITEMS).take(whole) {
            self.next_cell();
            // SAFETY: the cell was given back, and there are as many items as it has places.
            unsafe { Cells::<T>::copy_all(items.as_ptr(), Cells::item(self.cell, 0)) };
            self.stamp(Cells::<T>::ITEMS);
        }
        done += whole * Cells::<T>::ITEMS;
        if done < items.len() && count_in(self.at) == Cells::<T>::ITEMS && self.begin_cell() {
            done += self.push_some(&items[done..]);
        }
        done
    }

    /// Whether the other end is gone, so that nobody will ever pop.
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.cells) == 1
    }

    /// Writes what finds room in the cell that is begun; how many.
    #[inline(always)]
    fn push_some(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let from = count_in(self.at);
        let count = items.len().min(Cells::<T>::ITEMS - from);
        if count > 0 {
            // SAFETY: the cell's places behind `from` are ours, and `count` of them are left.
            unsafe { Cells::<T>::copy_some(items.as_ptr(), Cells::item(self.cell, from), count) };
            self.stamp(count);
        }
        count
    }

    /// Hands over `count` more items of the cell.
    #[inline(always)]
    fn stamp(&mut self, count: usize) {
        self.at += count;
        // SAFETY: the cell is one of the ring's.
        unsafe { Cells::<T>::stamp(self.cell) }.store(self.at, Ordering::Release);
    }

    /// Cells that may be begun; looks again what was given back when `items` find no room in them.
    #[inline(always)]
    fn spare_cells(&mut self, items: usize) -> usize {
        let spare = self.cells.count() - self.begun.wrapping_sub(self.given_back);
        if spare * Cells::<T>::ITEMS >= items {
            return spare;
        }
        self.given_back = self.cells.given_back.load(Ordering::Acquire);
        self.cells.count() - self.begun.wrapping_sub(self.given_back)
    }

    /// Goes on to the next cell; false when it was not given back yet.
    #[inline(always)]
    fn begin_cell(&mut self) -> bool {
        let is_spare = self.spare_cells(1) > 0;
        if is_spare {
            self.next_cell();
        }
        is_spare
    }

    #[inline(always)]
    fn next_cell(&mut self) {
        (self.cell, self.at) = self.cells.after(self.cell, self.at);
        self.begun = self.begun.wrapping_add(1);
    }
}

impl<T> Consumer<T> {
    /// The next item, if there is one.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        if !self.has_some() {
            return None;
        }
        // SAFETY: the stamp tells that this item was pushed, and it was not popped before.
        let item = unsafe { Cells::<T>::item(self.cell, count_in(self.at)).read() };
        self.at += 1;
        if count_in(self.at) == Cells::<T>::ITEMS {
            self.next_cell();
            self.cells.given_back.store(self.given_back, Ordering::Release);
        }
        Some(item)
    }

    /// The next items, as many as there are and `out` has room for; tells how many.
    #[inline]
    pub fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let before = self.given_back;
        let mut done = self.pop_some(out);
        for out in out[done..].chunks_exact_mut(Cells::<T>::ITEMS) {
            if self.look() != Cells::<T>::ITEMS {
                break;
            }
            // SAFETY: the stamp tells that the whole cell was pushed; `out` has room for it.
            unsafe { Cells::<T>::copy_all(Cells::item(self.cell, 0), out.as_mut_ptr()) };
            done += Cells::<T>::ITEMS;
            self.next_cell();
        }
        done += self.pop_some(&mut out[done..]);
        if self.given_back != before {
            self.cells.given_back.store(self.given_back, Ordering::Release);
        }
        done
    }

    /// Whether there is something to pop.
    #[inline(always)]
    pub fn has_some(&self) -> bool {
        self.look() > 0
    }

    /// How many items there are in the cell. The stamp lies beside them: there is nothing to be
    /// won by keeping what it was.
    #[inline(always)]
    fn look(&self) -> usize {
        // SAFETY: the cell is one of the ring's.
        let stamp = unsafe { Cells::<T>::stamp(self.cell) }.load(Ordering::Acquire);
        // That of a round before is less, whatever its count.
        stamp.saturating_sub(self.at)
    }

    /// Takes what there is in the cell and finds room; how many.
    #[inline(always)]
    fn pop_some(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let count = out.len().min(self.look());
        if count == 0 {
            return 0;
        }
        // SAFETY: the stamp tells that so many were pushed; `out` has room for them.
        unsafe {
            let from = Cells::item(self.cell, count_in(self.at));
            Cells::<T>::copy_some(from, out.as_mut_ptr(), count);
        }
        self.at += count;
        if count_in(self.at) == Cells::<T>::ITEMS {
            self.next_cell();
        }
        count
    }

    #[inline(always)]
    fn next_cell(&mut self) {
        (self.cell, self.at) = self.cells.after(self.cell, self.at);
        self.given_back = self.given_back.wrapping_add(1);
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("given_back", &self.given_back).finish_non_exhaustive()
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // SAFETY: this end alone writes it, and it is read only when no end is left.
        unsafe { *self.cells.left.get() = Some(Left { cell: self.cell, at: self.at }) };
    }
}

#[cfg(test)]
mod tests;
