//! Pools of mbufs.
//!
//! A pool is taken from EAL's memory once and lives as long as EAL does; a [`Mempool`] is a handle
//! to it that anyone may copy. Each lcore has a cache of its own in front of the shared ring, so
//! that taking and giving back touch nothing that another core writes. A thread that is no lcore
//! (see [`crate::Lcore`]) goes to the ring each time.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::NonNull;

use arrayvec::ArrayVec;
use dpdk_sys as sys;

use crate::eal::c_text;
use crate::error::last_reason;
use crate::{Eal, Error, Mbuf, SocketId};

/// Bytes that DPDK keeps free before a frame, for headers to be put in front of it.
pub const HEADROOM: u16 = sys::PG_MBUF_HEADROOM;

/// The usual size of an mbuf's buffer: the headroom and 2,048 bytes, more than a frame of MTU 1500.
pub const DATA_ROOM: u16 = HEADROOM + 2048;

/// A handle to a pool of mbufs.
#[derive(Clone, Copy)]
pub struct Mempool<'e> {
    raw: NonNull<sys::rte_mempool>,
    data_room: u16,
    eal: PhantomData<&'e Eal>,
}

// SAFETY: the pool's ring takes any number of producers and consumers, and each lcore's cache is
// reached by the thread that holds that lcore's id alone.
unsafe impl Send for Mempool<'_> {}
// SAFETY: as above.
unsafe impl Sync for Mempool<'_> {}

impl Eal {
    /// Makes a pool of `mbufs` buffers of `data_room` bytes each, [`HEADROOM`] included. Memory is
    /// used best when `mbufs` is a power of two less one. `cache` mbufs, at most 512 and two
    /// thirds of `mbufs`, wait at each lcore.
    pub fn mempool(
        &self,
        name: &str,
        mbufs: u32,
        cache: u32,
        data_room: u16,
        socket: SocketId,
    ) -> Result<Mempool<'_>, Error> {
        let failed = |reason: String| Error::Mempool { name: name.to_owned(), mbufs, reason };
        if data_room <= HEADROOM {
            return Err(failed(format!("a buffer of {data_room} bytes is all headroom")));
        }
        if cache > sys::PG_MEMPOOL_CACHE_MAX || u64::from(cache) * 3 > u64::from(mbufs) * 2 {
            return Err(failed(format!(
                "a cache of {cache} is more than {} or than two thirds of the pool",
                sys::PG_MEMPOOL_CACHE_MAX
            )));
        }
        // Ordinary pages are all counted to node 0, whichever they are on.
        let socket = if self.huge_in_use() { socket } else { SocketId::ANY };
        let name = c_text(name)?;
        let mut state = self.control();
        // SAFETY: EAL is started, the name is copied, and the numbers are checked by DPDK.
        let raw = unsafe {
            sys::rte_pktmbuf_pool_create(name.as_ptr(), mbufs, cache, 0, data_room, socket.0)
        };
        let raw = NonNull::new(raw).ok_or_else(|| failed(last_reason()))?;
        state.pools.push(raw);
        Ok(Mempool { raw, data_room, eal: PhantomData })
    }
}

impl<'e> Mempool<'e> {
    /// Takes an mbuf, empty and reset; none when the pool is exhausted.
    #[inline]
    pub fn alloc(&self) -> Option<Mbuf<'e>> {
        // SAFETY: the pool lives as long as 'e.
        let raw = NonNull::new(unsafe { sys::pg_mbuf_alloc(self.raw.as_ptr()) })?;
        // SAFETY: the mbuf was free until now, so nobody else has it.
        Some(unsafe { Mbuf::from_raw(raw) })
    }

    /// Takes `count` mbufs onto the end of `into`, or none at all: when the pool has fewer, or
    /// `into` has no room for them.
    #[inline]
    pub fn alloc_bulk<const N: usize>(
        &self,
        into: &mut ArrayVec<Mbuf<'e>, N>,
        count: usize,
    ) -> bool {
        let len = into.len();
        let Ok(wanted) = u32::try_from(count) else { return false };
        if count > N - len {
            return false;
        }
        // SAFETY: `into` has room for `count` more pointers behind its `len` first, and an Mbuf is
        // a pointer to an mbuf. On success all of them are set, to mbufs that nobody else has.
        unsafe {
            let at = into.as_mut_ptr().add(len).cast::<*mut sys::rte_mbuf>();
            if sys::pg_mbuf_alloc_bulk(self.raw.as_ptr(), at, wanted) != 0 {
                return false;
            }
            into.set_len(len + count);
        }
        true
    }

    /// Gives all mbufs in `from` back, of whichever pool they are: quicker than one by one.
    #[inline]
    pub fn free_bulk<const N: usize>(from: &mut ArrayVec<Mbuf<'e>, N>) {
        let count = from.len();
        // SAFETY: the first `count` are mbufs that `from` owns; it forgets them before they are
        // given back. N, and so `count`, is bounded by what an ArrayVec can index: a u32.
        unsafe {
            from.set_len(0);
            sys::pg_mbuf_free_bulk(from.as_mut_ptr().cast(), count as u32);
        }
    }

    /// How many mbufs are in use. Walks over all lcores' caches: not for the hot path.
    pub fn in_use(&self) -> u32 {
        // SAFETY: the pool lives as long as 'e.
        unsafe { sys::rte_mempool_in_use_count(self.raw.as_ptr()) }
    }

    /// How many mbufs are free, those in caches included. Not for the hot path.
    pub fn available(&self) -> u32 {
        // SAFETY: the pool lives as long as 'e.
        unsafe { sys::rte_mempool_avail_count(self.raw.as_ptr()) }
    }

    /// How many mbufs there are.
    pub fn size(&self) -> u32 {
        // SAFETY: the pool lives as long as 'e.
        unsafe { sys::pg_mempool_size(self.raw.as_ptr()) }
    }

    /// The size of each buffer in bytes, [`HEADROOM`] included.
    pub fn data_room(&self) -> u16 {
        self.data_room
    }

    /// Its name.
    pub fn name(&self) -> &'e str {
        // SAFETY: the name is a NUL-terminated string inside the pool, which lives as long as 'e
        // and does not change.
        let name = unsafe { CStr::from_ptr(sys::pg_mempool_name(self.raw.as_ptr())) };
        name.to_str().unwrap_or_default()
    }

    pub(crate) fn as_ptr(self) -> *mut sys::rte_mempool {
        self.raw.as_ptr()
    }
}

impl std::fmt::Debug for Mempool<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mempool")
            .field("name", &self.name())
            .field("size", &self.size())
            .field("data_room", &self.data_room)
            .finish()
    }
}
