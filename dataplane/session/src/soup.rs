//! SoupBinTCP: a login, then messages that are sequenced one way and not the other.
//!
//! Why it exists: the venue's side of an order session is a [`SoupServer`], the trader's a
//! [`SoupClient`]. Each is one connection; what must survive a connection is in [`crate::Sessions`]
//! on the one side and in the client's own session name and sequence number on the other.
//!
//! Both sides are driven the same way: `open` when the transport connects, `on_bytes` for what came
//! in, `pump` to write what is due, `check` to look at the clock, `on_closed` when the transport is
//! gone. Each way a connection can end is reported once, as the `Err` of `on_bytes` or `check`.

mod client;
mod deframer;
mod server;

#[cfg(test)]
mod tests;

pub use client::{ClientConfig, ClientConfigError, ClientCounters, ClientHandler, SoupClient};
pub use server::{ServerConfig, ServerCounters, ServerHandler, SoupServer};

/// What a packet's length field may say, unless configured otherwise: OUCH's longest message with
/// all its appendage stays well below.
const PACKET_BYTES_MAX: u16 = 512;

/// The shortest limit that still lets logins through: type byte and login request.
const PACKET_BYTES_MIN: u16 = 1 + size_of::<wire::soup::LoginRequest>() as u16;

/// Soup 1.3: a heartbeat is sent when more than a second passes without sending.
const HEARTBEAT_NS: u64 = crate::SECOND_NS;

/// Soup 1.3: a peer that sends nothing for 15 seconds is taken for dead.
const SILENCE_MAX_NS: u64 = 15 * crate::SECOND_NS;

/// A name without the padding on either side; the specification pads sessions on the left, most
/// implementations on the right.
pub(crate) fn trimmed(field: &[u8]) -> &[u8] {
    let start = field.iter().position(|&b| b != b' ').unwrap_or(field.len());
    wire::field::trimmed(field.get(start..).unwrap_or(&[]))
}

/// Whether `name` fits a field of `width` bytes: printable ASCII without spaces.
pub(crate) fn is_name(name: &str, width: usize) -> bool {
    (1..=width).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
}
