//! Reading ahead over a burst of frames.
//!
//! Why it exists: with thousands of connections the one that a segment is for is in no cache, and
//! its segment waits for some ten lines, each found by the one before it. The waits of different
//! segments do not depend on each other. So before a burst is taken in, it is gone through step by
//! step, and each step asks for what the one before it has found: the table's cell, the slot, the
//! ring.
//!
//! It is advice alone: nothing is changed, checked or counted, and a frame that is something else
//! is looked at as such when it is taken in.

use super::TcpHost;
use super::table::Tuple;
use prefetch_index::prefetch_index;
use std::net::SocketAddrV4;
use wire::{ether, ipv4};

/// Frames that an [`Ahead`] keeps account of.
pub const AHEAD_MAX: usize = 32;
/// Connections from which on segments wait for memory for longer than asking takes.
const NEAR_CONNECTIONS: usize = 128;
/// Bytes of a cache line.
pub(crate) const LINE_BYTES: usize = 64;
/// Where TCP's header is in a frame without a tag and without options.
const TCP_AT: usize = ether::HEADER_LEN + ipv4::HEADER_LEN;
/// No connection.
const NOBODY: u32 = u32::MAX;

/// Asks memory for the line that a thing begins on.
#[inline(always)]
pub(crate) fn ask<T>(thing: &T) {
    prefetch_index(std::slice::from_ref(thing), 0);
}

/// The connections that a burst's frames seem to be for.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    slots: [u32; AHEAD_MAX],
    len: usize,
}

impl Default for Ahead {
    fn default() -> Ahead {
        Ahead { slots: [NOBODY; AHEAD_MAX], len: 0 }
    }
}

impl Ahead {
    /// For each of the burst's first [`AHEAD_MAX`] frames, which connection it seems to be for: a
    /// number as [`ConnId::index`](crate::ConnId::index) gives it.
    #[inline]
    pub fn conns(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let slots = self.slots[..self.len.min(AHEAD_MAX)].iter();
        slots.map(|slot| (*slot != NOBODY).then_some(*slot as usize))
    }
}

/// The connection of a frame, if it is a plain segment.
#[inline]
fn tuple(frame: &[u8]) -> Option<Tuple> {
    let head = frame.first_chunk::<{ TCP_AT + 4 }>()?;
    let [.., a, b, c, d, _, _, _, _, from_high, from_low, to_high, to_low] = *head;
    let is_plain = head[ether::HEADER_LEN] == 0x45 && head[ether::HEADER_LEN + 9] == ipv4::TCP;
    let remote = SocketAddrV4::new([a, b, c, d].into(), u16::from_be_bytes([from_high, from_low]));
    is_plain.then(|| Tuple::new(u16::from_be_bytes([to_high, to_low]), remote))
}

impl TcpHost {
    /// Whether reading ahead pays: the caches have few connections whole.
    #[inline]
    pub fn wants_ahead(&self) -> bool {
        self.table.len() >= NEAR_CONNECTIONS
    }

    /// Asks memory for what the frames of a burst will need, and tells whose they seem to be.
    #[inline]
    pub fn read_ahead<'f>(&self, frames: impl Iterator<Item = &'f [u8]>, ahead: &mut Ahead) {
        let mut tuples = [None; AHEAD_MAX];
        ahead.len = 0;
        for (place, frame) in tuples.iter_mut().zip(frames) {
            *place = tuple(frame);
            if let Some(tuple) = *place {
                self.table.ask(tuple);
            }
            prefetch_index(frame, LINE_BYTES);
            ahead.len += 1;
        }
        for (slot, tuple) in ahead.slots.iter_mut().zip(&tuples[..ahead.len]) {
            *slot = tuple.and_then(|tuple| self.table.get(tuple)).unwrap_or(NOBODY);
            if let Some(place) = self.slots.get(*slot as usize) {
                place.ask();
                self.deadlines.ask(*slot as usize);
            }
        }
        for slot in &ahead.slots[..ahead.len] {
            if let Some(place) = self.slots.get(*slot as usize) {
                place.machine.ask_room();
            }
        }
    }
}
