//! One frame in a buffer that a NIC can read and write.
//!
//! ```text
//!   buf_addr        buf_addr + data_off                          buf_addr + buf_len
//!   |<- headroom ->|<-------- data (len) -------->|<- tailroom ->|
//! ```
//! A frame lies in one piece: `nb_segs` is 1 for every [`Mbuf`], asserted in debug builds. Chains
//! that a driver receives are dropped before anyone sees them.
//!
//! All bytes of a buffer count as initialised: they lie in memory that the kernel cleared, and
//! that drivers and devices have written since.

use std::marker::PhantomData;
use std::ptr::NonNull;

use dpdk_sys as sys;

use crate::mempool::HEADROOM;
use crate::{Eal, Error, PortId};

/// What a device found of a checksum in a frame it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It did not look.
    Unknown,
    /// Right.
    Good,
    /// Wrong.
    Bad,
    /// Not there, though the frame is known to be whole: it did not cross a wire.
    Absent,
}

/// A transport protocol of which a device can fill in the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L4 {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// A frame, and the only owner of it. Dropping it gives it back to its pool.
#[repr(transparent)]
pub struct Mbuf<'e> {
    raw: NonNull<sys::rte_mbuf>,
    eal: PhantomData<&'e Eal>,
}

// Arrays of them are handed to drivers as arrays of pointers.
const _: () = assert!(size_of::<Mbuf<'_>>() == size_of::<*mut sys::rte_mbuf>());
const _: () = assert!(size_of::<Option<Mbuf<'_>>>() == size_of::<*mut sys::rte_mbuf>());

// SAFETY: an mbuf belongs to no thread, and its pool takes it back from any.
unsafe impl Send for Mbuf<'_> {}

impl<'e> Mbuf<'e> {
    /// Takes over an mbuf.
    ///
    /// # Safety
    /// It must be a valid mbuf of one segment, with a reference count of one, from a pool that
    /// lives as long as `'e`, and nobody else may use it from now on.
    #[inline]
    pub unsafe fn from_raw(raw: NonNull<sys::rte_mbuf>) -> Mbuf<'e> {
        Mbuf { raw, eal: PhantomData }
    }

    /// Hands over the mbuf; whoever takes it has to give it back.
    #[inline]
    pub fn into_raw(self) -> NonNull<sys::rte_mbuf> {
        let raw = self.raw;
        std::mem::forget(self);
        raw
    }

    #[inline]
    fn fields(&self) -> &sys::pg_mbuf {
        // SAFETY: pg_mbuf lies over the first bytes of rte_mbuf (asserted by the C compiler), the
        // mbuf is ours, and nobody writes to it while it is borrowed.
        unsafe { self.raw.cast().as_ref() }
    }

    #[inline]
    fn fields_mut(&mut self) -> &mut sys::pg_mbuf {
        // SAFETY: as in `fields`, and self is borrowed exclusively.
        unsafe { self.raw.cast().as_mut() }
    }

    /// How many segments it has: 1, unless it came from a driver a moment ago.
    #[inline]
    pub(crate) fn segments(&self) -> u16 {
        self.fields().nb_segs
    }

    /// The frame.
    #[inline]
    pub fn data(&self) -> &[u8] {
        let fields = self.fields();
        debug_assert_eq!(fields.nb_segs, 1, "a chain got past the receive queue");
        // SAFETY: the data lies within the buffer, which is ours as long as self.
        unsafe {
            let start = fields.buf_addr.add(usize::from(fields.data_off));
            std::slice::from_raw_parts(start, usize::from(fields.data_len))
        }
    }

    /// The frame, to be changed.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        let fields = self.fields();
        debug_assert_eq!(fields.nb_segs, 1, "a chain got past the receive queue");
        // SAFETY: as in `data`, and self is borrowed exclusively.
        unsafe {
            let start = fields.buf_addr.add(usize::from(fields.data_off));
            std::slice::from_raw_parts_mut(start, usize::from(fields.data_len))
        }
    }

    /// The frame's length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // an empty frame is nothing to look for
    pub fn len(&self) -> usize {
        usize::from(self.fields().data_len)
    }

    /// Bytes free before the frame.
    #[inline]
    pub fn headroom(&self) -> usize {
        usize::from(self.fields().data_off)
    }

    /// Bytes free behind the frame.
    #[inline]
    pub fn tailroom(&self) -> usize {
        let fields = self.fields();
        // In this order, so that no intermediate value can wrap: off and len lie within the buffer.
        usize::from(fields.buf_len) - usize::from(fields.data_off) - usize::from(fields.data_len)
    }

    /// Sets where the frame lies. The caller has checked that this is within the buffer.
    #[inline]
    fn set_extent(&mut self, offset: usize, len: usize) {
        let fields = self.fields_mut();
        debug_assert_eq!(fields.nb_segs, 1, "a chain got past the receive queue");
        debug_assert!(offset + len <= usize::from(fields.buf_len), "beyond the buffer");
        fields.data_off = offset as u16;
        fields.data_len = len as u16;
        fields.pkt_len = len as u32;
    }

    /// Makes the frame longer by `count` bytes at its end and returns these, whatever they hold;
    /// none, and no change, when there is no room.
    #[inline]
    pub fn append(&mut self, count: usize) -> Option<&mut [u8]> {
        if count > self.tailroom() {
            return None;
        }
        let len = self.len();
        self.set_extent(self.headroom(), len + count);
        self.data_mut().get_mut(len..)
    }

    /// Appends these bytes; false, and no change, when there is no room.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) -> bool {
        self.append(bytes.len()).map(|room| room.copy_from_slice(bytes)).is_some()
    }

    /// Makes the frame longer by `count` bytes at its start and returns these, whatever they
    /// hold; none, and no change, when there is no room.
    #[inline]
    pub fn prepend(&mut self, count: usize) -> Option<&mut [u8]> {
        let offset = self.headroom().checked_sub(count)?;
        self.set_extent(offset, self.len() + count);
        self.data_mut().get_mut(..count)
    }

    /// Cuts `count` bytes off the end; false, and no change, when the frame is shorter.
    #[inline]
    pub fn trim(&mut self, count: usize) -> bool {
        let Some(len) = self.len().checked_sub(count) else { return false };
        self.set_extent(self.headroom(), len);
        true
    }

    /// Cuts `count` bytes off the start; false, and no change, when the frame is shorter.
    #[inline]
    pub fn adj(&mut self, count: usize) -> bool {
        let Some(len) = self.len().checked_sub(count) else { return false };
        self.set_extent(self.headroom() + count, len);
        true
    }

    /// Sets the length, from where the frame starts now. Bytes gained hold anything.
    #[inline]
    pub fn set_len(&mut self, len: usize) -> Result<(), Error> {
        let room = self.len() + self.tailroom();
        if len > room {
            return Err(Error::TooLong { len, room });
        }
        self.set_extent(self.headroom(), len);
        Ok(())
    }

    /// Makes it as a pool gives it out: empty, with [`HEADROOM`], and with nothing known of it.
    #[inline]
    pub fn reset(&mut self) {
        let fields = self.fields_mut();
        fields.data_off = HEADROOM.min(fields.buf_len);
        fields.data_len = 0;
        fields.pkt_len = 0;
        fields.port = sys::PG_MBUF_PORT_INVALID;
        fields.ol_flags &= sys::PG_MBUF_EXTERNAL;
        fields.packet_type = 0;
        fields.vlan_tci = 0;
        fields.vlan_tci_outer = 0;
        fields.tx_offload = 0;
    }

    /// The port it was received from.
    #[inline]
    pub fn port(&self) -> Option<PortId> {
        let port = self.fields().port;
        (port != sys::PG_MBUF_PORT_INVALID).then_some(PortId(port))
    }

    /// The device's flow hash, where it left one.
    #[inline]
    pub fn rss_hash(&self) -> Option<u32> {
        let fields = self.fields();
        (fields.ol_flags & sys::PG_MBUF_RX_RSS_HASH != 0).then_some(fields.hash_rss)
    }

    /// What the device found of the IPv4 header's checksum.
    #[inline]
    pub fn rx_ipv4_checksum(&self) -> Checksum {
        checksum(
            self.fields().ol_flags & sys::PG_MBUF_RX_IP_CKSUM_MASK,
            sys::PG_MBUF_RX_IP_CKSUM_GOOD,
            sys::PG_MBUF_RX_IP_CKSUM_BAD,
        )
    }

    /// What the device found of the UDP or TCP checksum.
    #[inline]
    pub fn rx_l4_checksum(&self) -> Checksum {
        checksum(
            self.fields().ol_flags & sys::PG_MBUF_RX_L4_CKSUM_MASK,
            sys::PG_MBUF_RX_L4_CKSUM_GOOD,
            sys::PG_MBUF_RX_L4_CKSUM_BAD,
        )
    }

    /// Asks the device to fill in checksums on transmit: that of the IPv4 header, with `ipv4`, and
    /// with `l4` that of the segment. Header lengths are in bytes. Only for a port that has these
    /// offloads switched on ([`crate::PortSettings::offloads`]); for others it has no effect.
    #[inline]
    pub fn request_tx_checksums(&mut self, l2_len: u8, l3_len: u8, ipv4: bool, l4: Option<L4>) {
        let l2 = u64::from(l2_len) & ((1 << sys::PG_L2_LEN_BITS) - 1);
        let l3 = u64::from(l3_len) & ((1 << sys::PG_L3_LEN_BITS) - 1);
        let l3_flag = if ipv4 { sys::PG_MBUF_TX_IP_CKSUM } else { 0 };
        let l4_flag = match l4 {
            None => 0,
            Some(L4::Udp) => sys::PG_MBUF_TX_UDP_CKSUM,
            Some(L4::Tcp) => sys::PG_MBUF_TX_TCP_CKSUM,
        };
        let fields = self.fields_mut();
        fields.tx_offload = l2 | (l3 << sys::PG_L2_LEN_BITS);
        fields.ol_flags &= !(sys::PG_MBUF_TX_UDP_CKSUM | sys::PG_MBUF_TX_IP_CKSUM);
        fields.ol_flags |= sys::PG_MBUF_TX_IPV4 | l3_flag | l4_flag;
    }
}

/// Reads a two-bit verdict; both bits at once say that there is no checksum to judge.
#[inline]
fn checksum(verdict: u64, good: u64, bad: u64) -> Checksum {
    match verdict {
        0 => Checksum::Unknown,
        verdict if verdict == good => Checksum::Good,
        verdict if verdict == bad => Checksum::Bad,
        _ => Checksum::Absent,
    }
}

impl Drop for Mbuf<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: self is the only owner, and the pool still lives.
        unsafe { sys::pg_mbuf_free(self.raw.as_ptr()) }
    }
}

impl std::fmt::Debug for Mbuf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mbuf").field("len", &self.len()).field("port", &self.port()).finish()
    }
}
