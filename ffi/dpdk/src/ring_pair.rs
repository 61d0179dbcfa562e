//! Two ports with a wire of memory between them: what one sends the other receives.
//!
//! It needs no privilege, no hugepage and no driver but `net_ring`, and an mbuf that is sent on one
//! side is the very mbuf received on the other. So both ports must be used in this process, and the
//! pool that is passed to a port's `configure` is not used: nothing is ever copied.
//!
//! Each direction is a ring for one sender and one receiver, of a power of two slots, one of which
//! stays empty.

use std::ptr::NonNull;

use dpdk_sys as sys;

use crate::eal::{State, c_text};
use crate::error::last_reason;
use crate::{Eal, Error, PortId, SocketId};

impl Eal {
    /// Makes two ports, `net_ring_A` and `net_ring_B` for the names A and B, with one queue each
    /// way. `slots` is a power of two, and `slots - 1` frames can be on the way in each direction.
    pub fn ring_pair(
        &self,
        a: &str,
        b: &str,
        slots: u32,
        socket: SocketId,
    ) -> Result<(PortId, PortId), Error> {
        let (a, b) = (short(a), short(b));
        let failed = |name: &str, reason: &str| Error::RingPair {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        if !slots.is_power_of_two() || slots < 2 {
            return Err(failed(a, &format!("{slots} slots: it has to be a power of two above 1")));
        }
        if a == b || self.port_by_name(a).is_some() {
            return Err(failed(a, "there is one of this name"));
        }
        if self.port_by_name(b).is_some() {
            return Err(failed(b, "there is one of this name"));
        }
        let socket = if self.huge_in_use() { socket } else { SocketId::ANY };
        let mut state = self.control();
        let from_a = ring(&mut state, a, slots, socket)?;
        let from_b = ring(&mut state, b, slots, socket)?;
        let port_a = port(a, from_b, from_a, socket)?;
        let port_b = port(b, from_a, from_b, socket)?;
        Ok((port_a, port_b))
    }
}

/// The name without what DPDK puts before it.
fn short(name: &str) -> &str {
    name.strip_prefix("net_ring_").unwrap_or(name)
}

/// A ring that EAL frees when it goes.
fn ring(
    state: &mut State,
    name: &str,
    slots: u32,
    socket: SocketId,
) -> Result<NonNull<sys::rte_ring>, Error> {
    let full = c_text(format!("wire_{name}"))?;
    // SAFETY: EAL is started; the name is copied, and its length checked by DPDK.
    let raw = unsafe { sys::rte_ring_create(full.as_ptr(), slots, socket.0, sys::PG_RING_SP_SC) };
    let raw = NonNull::new(raw)
        .ok_or_else(|| Error::RingPair { name: name.to_owned(), reason: last_reason() })?;
    state.rings.push(raw);
    Ok(raw)
}

/// A port between two rings.
fn port(
    name: &str,
    rx: NonNull<sys::rte_ring>,
    tx: NonNull<sys::rte_ring>,
    socket: SocketId,
) -> Result<PortId, Error> {
    let text = c_text(name)?;
    let (rx, tx) = ([rx.as_ptr()], [tx.as_ptr()]);
    // SAFETY: the arrays have one ring each and are copied, and the rings are freed after the
    // port. "Any node" is the same -1 in the unsigned parameter.
    let id = unsafe {
        let node = socket.0.cast_unsigned();
        sys::rte_eth_from_rings(text.as_ptr(), rx.as_ptr(), 1, tx.as_ptr(), 1, node)
    };
    // A negative number is a failure, and no port has a number beyond u16.
    u16::try_from(id)
        .map(PortId)
        .map_err(|_| Error::RingPair { name: name.to_owned(), reason: last_reason() })
}
