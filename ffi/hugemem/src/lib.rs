//! Slabs on hugepages, for the state that DPDK does not hold: orders, levels, rings of events.
//!
//! A book of a million orders spans tens of thousands of 4 KiB pages, more than a TLB holds, so a
//! random access pays for a page walk as well as for the cache miss. On 2 MiB pages it does not.
//! [`HugeSlab`] is a slice of fixed length on such pages, written to from end to end before it is
//! handed out, so that the first order of the day does not meet the kernel's page-fault handler.
//!
//! # Layout
//!
//! One mapping a slab, rounded up to whole hugepages: a small slab still takes one, so make few and
//! large ones. The pages come from the NUMA node of the thread that makes the slab; make it on the
//! lcore that will use it.
//!
//! # Failure modes
//!
//! Hugepages are a setting of the host that may be missing. [`HugePolicy`] says what then happens,
//! and [`HugeSlab::backing`] what did; nothing falls back in silence. A cgroup with a hugetlb limit
//! below the host's free pages delivers SIGBUS while the slab is being filled, at start. A process
//! that holds slabs must not fork and go on in both halves: private hugepages are copied on write.
//!
//! # Why unsafe
//!
//! hugepage-rs hands out raw memory. Here it is filled with copies of one value before a reference
//! to it exists, and given back with the layout it was taken with.

use std::alloc::Layout;
use std::fmt;
use std::fs;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// What to do where there are no hugepages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HugePolicy {
    /// Hugepages where there are any, else the heap.
    #[default]
    Auto,
    /// Hugepages, else an error: what a host that trades for real is started with.
    Require,
    /// The heap.
    Off,
}

/// Where a slab lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// On hugepages.
    Huge,
    /// On the heap, in ordinary pages.
    Heap,
}

impl fmt::Display for Backing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Huge => "hugepages",
            Self::Heap => "heap",
        })
    }
}

/// Why a slab could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// [`HugePolicy::Require`], and the kernel has not enough free hugepages.
    #[error(
        "no hugepages for {bytes} bytes: {free_pages} pages of {page_bytes} bytes are free \
         (raise vm.nr_hugepages)"
    )]
    NoHugepages {
        /// What was needed.
        bytes: usize,
        /// Hugepages the kernel reports as free.
        free_pages: u64,
        /// The default hugepage size; 0 when the kernel has none.
        page_bytes: u64,
    },
    /// The length times the size of an element is more than an address space.
    #[error("a slab of {len} elements of {element_bytes} bytes does not fit an address space")]
    TooLarge {
        /// Elements asked for.
        len: usize,
        /// The size of one.
        element_bytes: usize,
    },
    /// The heap is exhausted.
    #[error("the heap has no room for {bytes} bytes")]
    OutOfMemory {
        /// What was needed.
        bytes: usize,
    },
}

/// A slice of fixed length on hugepages (or, where allowed, on the heap), touched from end to end.
///
/// It owns its elements as a `Box<[T]>` does and dereferences to the slice. Elements are `Copy`, so
/// there is nothing to drop. It is `Send` and `Sync` when `T` is:
///
/// ```
/// use hugemem::{HugePolicy, HugeSlab};
///
/// let mut slab = HugeSlab::new(1_000, 0_u64, HugePolicy::Auto)?;
/// slab[7] = 42;
/// let slab = std::thread::spawn(move || slab).join().unwrap();
/// assert_eq!((slab.len(), slab[7]), (1_000, 42));
/// # Ok::<(), hugemem::Error>(())
/// ```
///
/// and not when it is not:
///
/// ```compile_fail,E0277
/// # use hugemem::{HugePolicy, HugeSlab};
/// let cell = std::cell::Cell::new(1);
/// let slab = HugeSlab::new(10, &cell, HugePolicy::Auto).unwrap();
/// std::thread::scope(|scope| scope.spawn(|| slab[0].set(2)));
/// ```
///
/// Nor does it outlive what its elements borrow:
///
/// ```compile_fail,E0597
/// # use hugemem::{HugePolicy, HugeSlab};
/// let slab = {
///     let local = 1;
///     HugeSlab::new(10, &local, HugePolicy::Auto).unwrap()
/// };
/// assert_eq!(*slab[0], 1);
/// ```
pub struct HugeSlab<T: Copy> {
    /// The first of `len` initialised elements; dangling when there are no bytes.
    first: NonNull<T>,
    len: usize,
    /// What the memory was taken with.
    layout: Layout,
    backing: Backing,
    owns: PhantomData<T>,
}

// SAFETY: a slab owns its elements exclusively, as `Box<[T]>` does; moving it to another thread
// moves them, which `T: Send` allows. Both allocators free from any thread.
unsafe impl<T: Copy + Send> Send for HugeSlab<T> {}
// SAFETY: `&HugeSlab<T>` gives out `&[T]` and nothing more, which `T: Sync` allows to be shared.
unsafe impl<T: Copy + Sync> Sync for HugeSlab<T> {}

impl<T: Copy> HugeSlab<T> {
    /// Makes a slab of `len` copies of `fill`, each page written to. Cold: milliseconds a gigabyte
    /// and more.
    ///
    /// # Errors
    /// [`Error::NoHugepages`] under [`HugePolicy::Require`]; [`Error::TooLarge`];
    /// [`Error::OutOfMemory`].
    pub fn new(len: usize, fill: T, policy: HugePolicy) -> Result<Self, Error> {
        let too_large = Error::TooLarge { len, element_bytes: size_of::<T>() };
        let layout = Layout::array::<T>(len).map_err(|_| too_large)?;
        let (first, backing) = match layout.size() {
            // Nothing to hold: any aligned address will do, and neither allocator is asked.
            0 => (NonNull::dangling(), Backing::Heap),
            _ => take(layout, policy).map(|(block, backing)| (block.cast(), backing))?,
        };
        let slab = Self { first, len, layout, backing, owns: PhantomData };
        slab.fill(fill);
        Ok(slab)
    }

    /// Where the slab lies.
    pub fn backing(&self) -> Backing {
        self.backing
    }

    /// Its size in bytes, before rounding up to pages.
    pub fn size_bytes(&self) -> usize {
        self.layout.size()
    }

    /// Initialises every element. The writes are volatile, or the compiler could turn them into a
    /// request for zeroed pages, which the kernel hands out untouched.
    fn fill(&self, fill: T) {
        for index in 0..self.len {
            // SAFETY: `index` is below `len`, and the memory is ours, aligned and large enough for
            // `len` elements by `Layout::array`; no reference to it exists yet.
            unsafe { self.first.add(index).write_volatile(fill) };
        }
    }
}

/// Takes memory for `layout`, whose size is not zero, as `policy` says.
fn take(layout: Layout, policy: HugePolicy) -> Result<(NonNull<u8>, Backing), Error> {
    assert!(layout.size() > 0, "an empty layout is nobody's request");
    if policy != HugePolicy::Off {
        let pages = HugePages::read();
        if let Some(block) = take_huge(layout, pages) {
            return Ok((block, Backing::Huge));
        }
        if policy == HugePolicy::Require {
            let HugePages { free_pages, page_bytes } = pages;
            return Err(Error::NoHugepages { bytes: layout.size(), free_pages, page_bytes });
        }
    }
    // SAFETY: the size is not zero, as asserted above.
    let block = unsafe { std::alloc::alloc(layout) };
    let block = NonNull::new(block).ok_or(Error::OutOfMemory { bytes: layout.size() })?;
    Ok((block, Backing::Heap))
}

fn take_huge(layout: Layout, pages: HugePages) -> Option<NonNull<u8>> {
    // hugepage-rs panics where the kernel does not name its hugepage size, so it is not asked.
    if pages.page_bytes == 0 {
        return None;
    }
    // SAFETY: the size is not zero, which the only caller asserts.
    NonNull::new(unsafe { hugepage_rs::alloc(layout) })
}

impl<T: Copy> Drop for HugeSlab<T> {
    fn drop(&mut self) {
        if self.layout.size() == 0 {
            return;
        }
        let block = self.first.as_ptr().cast::<u8>();
        match self.backing {
            // SAFETY: taken from `hugepage_rs::alloc` with this layout, and given back once.
            Backing::Huge => unsafe { hugepage_rs::dealloc(block, self.layout) },
            // SAFETY: taken from `std::alloc::alloc` with this layout, and given back once.
            Backing::Heap => unsafe { std::alloc::dealloc(block, self.layout) },
        }
    }
}

impl<T: Copy> Deref for HugeSlab<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `first` is the first of `len` elements that `new` initialised; `&self` keeps
        // them alive and unwritten.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T: Copy> DerefMut for HugeSlab<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes the reference the only one.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

impl<T: Copy> fmt::Debug for HugeSlab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HugeSlab({} elements, {} bytes, {})", self.len, self.size_bytes(), self.backing)
    }
}

/// The kernel's default hugepages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HugePages {
    /// Pages free at this moment.
    pub free_pages: u64,
    /// The size of one; 0 when the kernel has none.
    pub page_bytes: u64,
}

impl HugePages {
    /// Reads `/proc/meminfo`; all zero where it does not speak of hugepages.
    pub fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/meminfo").unwrap_or_default())
    }

    fn parse(meminfo: &str) -> Self {
        let field = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Self {
            free_pages: field("HugePages_Free:").unwrap_or(0),
            page_bytes: field("Hugepagesize:").unwrap_or(0).saturating_mul(1024),
        }
    }
}

#[cfg(test)]
mod tests;
