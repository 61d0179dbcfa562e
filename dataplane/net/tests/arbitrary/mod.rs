//! TCP under arbitrary bytes: each input is a script of what peers, the link, the clock and the
//! applications do, and is held against what no peer can change.
//!
//! * [`alone`]: one host, and a peer that says whatever it likes.
//! * [`pair`]: two hosts and a link that does to their frames whatever it likes.
//!
//! The fuzz targets `tcp` and `tcp_pair` run the same scripts.
#![allow(unreachable_pub, reason = "a module of each test binary and fuzz target")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

pub mod alone;
pub mod pair;

use net::{FrameTx, Interface};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// A microsecond.
pub const US: u64 = 1_000;
/// A millisecond.
pub const MS: u64 = 1_000_000;
/// A second.
pub const SEC: u64 = 1_000_000_000;
/// The port the servers listen on.
pub const PORT: u16 = 4_000;

/// The bytes that say what happens; zeros when they are used up.
pub struct Script<'a>(pub &'a [u8]);

impl Script<'_> {
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    pub fn word(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[usize::from(self.byte()) % these.len()]
    }

    /// How long something takes.
    pub fn time_ns(&mut self) -> u64 {
        self.one_of(&[0, US, 20 * US, 100 * US, MS, 11 * MS, 50 * MS, 300 * MS, SEC])
    }

    /// How many bytes; mostly few, or about a segment.
    pub fn length(&mut self) -> usize {
        let some = usize::from(self.byte());
        self.one_of(&[some, some, 1, 7 * some, 536, 1_460, 0])
    }
}

/// Frames that were sent, in their order.
#[derive(Default)]
pub struct Wire {
    pub frames: VecDeque<Vec<u8>>,
    /// Takes no more.
    pub is_full: bool,
}

impl FrameTx for Wire {
    fn ready(&self) -> bool {
        !self.is_full
    }

    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if self.is_full {
            return false;
        }
        // As in an mbuf, what lies there before is not zero.
        let mut frame = vec![0xA5; len];
        fill(&mut frame);
        self.frames.push_back(frame);
        true
    }
}

pub fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

pub fn interface(last: u8, mtu: u16) -> Interface {
    let (mac, ip) = ([0x02, 0, 0, 0, 0, last], ip(last));
    Interface { mac, ip, prefix_len: 24, gateway: None, vlan: None, mtu }
}

/// The byte at `at` of every stream: a shift by any distance shows.
pub fn byte_at(at: u32) -> u8 {
    (at.wrapping_mul(0x9E37_79B1) >> 24) as u8
}
