//! OUCH 5.0: orders in, and what became of them out.
//!
//! Layout: a type byte, then fixed fields; six of the messages end in `appendage_length[2]` and
//! that many bytes of optional fields ([`appendage`]), and some may, since the specification gave
//! them an appendage later ([`Trailing`]): clients of either age are read. Prices are 1/10000
//! dollar in eight bytes, times nanoseconds since midnight. Inbound messages ride in SoupBinTCP's
//! `U` packets, outbound ones in `S` packets; the two directions share type bytes, so each has its
//! own module and `parse`.
//!
//! Failure modes: an unknown type, a length other than the type's, an appendage whose lengths do
//! not add up; see [`Error`]. A parsed message's appendage is sound: walking over it cannot fail.

pub mod appendage;
pub mod inbound;
mod letters;
mod macros;
pub mod outbound;

pub use appendage::{Appendage, AppendageError, Optional, Tag};
pub use letters::{
    BrokenTradeReason, CancelReason, Capacity, CrossType, Display, LiquidityFlag, OrderState,
    RejectReason, RestatedReason, Side, TimeInForce,
};

use zerocopy::{Immutable, IntoBytes};

/// The price that makes an order a market order, in 1/10000 dollar.
pub const MARKET_PRICE: u64 = 0x7FFF_FFFF;

/// Why bytes are not an OUCH message. Offsets count from the type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No bytes, so no type.
    #[error("empty OUCH message")]
    Empty,
    /// A type this direction does not have.
    #[error("unknown OUCH message type {kind:#04x} in {length} bytes")]
    UnknownType {
        /// The type byte.
        kind: u8,
        /// Bytes in the message.
        length: usize,
    },
    /// A known type in another length than its own.
    #[error("OUCH message type {:?} has {length} bytes, expected {expected}", char::from(*.kind))]
    Length {
        /// The type byte.
        kind: u8,
        /// Bytes in the message.
        length: usize,
        /// Bytes it should have: its fixed part, and as much appendage as it announces.
        expected: usize,
    },
    /// An optional field is malformed.
    #[error("OUCH message type {:?}, appendage at offset {at}: {source}", char::from(*.kind))]
    Appendage {
        /// The type byte.
        kind: u8,
        /// Where the appendage begins in the message.
        at: usize,
        /// What is wrong, with an offset from there.
        source: AppendageError,
    },
}

/// A message whose fixed part ends in `appendage_length`.
pub trait Appended: IntoBytes + Immutable {
    /// The key under which dissectors show an optional field's tag.
    const OPTIONAL_FIELD: &'static str;
}

/// A message that may end after its fixed part, or go on with `appendage_length` and optional
/// fields: texts and clients before the user reference index had no appendage there.
pub trait Trailing: IntoBytes + Immutable {
    /// The key under which a decoder shows an optional field's tag.
    const OPTIONAL_FIELD: &'static str;
}

/// Reads what follows a [`Trailing`] message's `fixed` bytes: nothing, or an appendage.
#[inline]
fn trailing(kind: u8, fixed: usize, rest: &[u8]) -> Result<Appendage<'_>, Error> {
    if rest.is_empty() {
        return Ok(Appendage::default());
    }
    let length = fixed + rest.len();
    let at = fixed + 2;
    let Some((announced, fields)) = rest.split_first_chunk::<2>() else {
        return Err(Error::Length { kind, length, expected: at });
    };
    let expected = at + usize::from(u16::from_be_bytes(*announced));
    if length != expected {
        return Err(Error::Length { kind, length, expected });
    }
    Appendage::parse(fields).map_err(|source| Error::Appendage { kind, at, source })
}

/// Writes `message` to the start of `out`, followed by `appendage_length` and the optional fields
/// if there are any, and gives the bytes used; `None` when `out` is too short.
pub fn write_trailing<M: Trailing>(
    out: &mut [u8],
    message: &M,
    optional: &[Optional<'_>],
) -> Option<usize> {
    let fixed = message.as_bytes();
    let (head, tail) = out.split_at_mut_checked(fixed.len())?;
    head.copy_from_slice(fixed);
    if optional.is_empty() {
        return Some(fixed.len());
    }
    let (length, tail) = tail.split_first_chunk_mut::<2>()?;
    let mut builder = appendage::Builder::new(tail);
    if !optional.iter().all(|field| builder.push(*field)) {
        return None;
    }
    let used = builder.finish();
    *length = u16::try_from(used).ok()?.to_be_bytes();
    Some(fixed.len() + 2 + used)
}

/// Writes `message` and its optional fields to the start of `out`, sets the appendage's length, and
/// gives the bytes used; `None` when `out` is too short. The message's own `appendage_length` is
/// not looked at.
pub fn write<M: Appended>(out: &mut [u8], message: &M, optional: &[Optional<'_>]) -> Option<usize> {
    let fixed = message.as_bytes();
    let (head, tail) = out.split_at_mut_checked(fixed.len())?;
    let mut builder = appendage::Builder::new(tail);
    if !optional.iter().all(|field| builder.push(*field)) {
        return None;
    }
    let length = builder.finish();
    head.copy_from_slice(fixed);
    head.last_chunk_mut::<2>()?.copy_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
    Some(fixed.len() + length)
}

#[cfg(test)]
mod tests;
