//! Zero-copy codecs: Ethernet to UDP and TCP headers, MoldUDP64, ITCH 5.0, SoupBinTCP and OUCH 5.0.
//!
//! Why it exists: every role reads and writes the same few formats, and a frame must be read where
//! it lies. A message here is a `#[repr(C)]` struct of unaligned big-endian fields ([`zerocopy`]):
//! parsing is a length check and a cast, encoding is a struct literal and `as_bytes()`.
//!
//! Layout: [`ether`], [`arp`], [`ipv4`], [`icmp`], [`igmp`], [`udp`], [`tcp`] and [`frame`] are the
//! network's headers; [`moldudp64`] and [`soup`] carry messages; [`itch`] and [`ouch`] are the
//! messages, [`glimpse`] what ends a snapshot of them; [`field`] has the field types and the way a
//! decoder asks any message for its fields.
//!
//! Limits: no allocation, no clocks, no I/O, no state beyond a borrowed slice. IPv4 only; a
//! fragment is reported, never reassembled. Prices stay the wire's integers.
//!
//! Failure modes: input may be anything. Every parser answers with a typed error which carries the
//! offset or the lengths involved; none panics, and the fuzz targets and property tests hold them
//! to that.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod arp;
pub mod block;
pub mod checksum;
pub mod ether;
pub mod field;
pub mod frame;
pub mod glimpse;
pub mod icmp;
pub mod igmp;
pub mod ipv4;
pub mod itch;
pub mod moldudp64;
pub mod ouch;
pub mod soup;
pub mod tcp;
pub mod udp;

pub use zerocopy::{FromBytes, IntoBytes};

/// An Ethernet address.
pub type Mac = [u8; 6];

/// An IPv4 address, as on the wire.
pub type Ip4 = [u8; 4];

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
