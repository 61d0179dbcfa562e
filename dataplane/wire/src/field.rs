//! The types of wire fields, and how a message tells its fields to a decoder.
//!
//! Why it exists: codecs want typed fields, and a decoder wants to print any message without
//! knowing it. Each message struct is declared once by a macro, which also writes its [`Describe`].
//!
//! Layout: each type is a big-endian integer of its stated width, alignment 1. `get()` reads it,
//! `new()` and `From` write it.

use zerocopy::byteorder::network_endian as be;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use zerocopy::byteorder::network_endian::{I32, U16, U32, U64};

/// What a field holds, as far as a decoder needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// An unsigned integer.
    Number(u64),
    /// One ASCII byte with a meaning of its own; a space is a value.
    Letter(u8),
    /// Text padded with spaces on the right.
    Text(&'a [u8]),
    /// A decimal number: `raw` in units of 10^-`decimals`.
    Decimal {
        /// The wire's integer.
        raw: i128,
        /// Digits after the point.
        decimals: u8,
    },
}

/// Anything that can name its fields, in wire order.
pub trait Describe {
    /// Calls `see` with each field's name in `snake_case` and its value.
    fn describe(&self, see: &mut dyn FnMut(&'static str, Value<'_>));
}

/// A type a message field may have.
pub trait Field {
    /// The field's value.
    fn value(&self) -> Value<'_>;
}

impl Field for u8 {
    fn value(&self) -> Value<'_> {
        Value::Letter(*self)
    }
}

impl<const N: usize> Field for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

macro_rules! numbers {
    ($($name:ty),*) => {
        $(impl Field for $name {
            fn value(&self) -> Value<'_> {
                Value::Number(self.get().into())
            }
        })*
    };
}
numbers!(be::U16, be::U32, be::U64);

macro_rules! decimals {
    ($($(#[$doc:meta])* $name:ident($inner:ty, $int:ty, $decimals:literal);)*) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout,
                Immutable, Unaligned,
            )]
            #[repr(transparent)]
            pub struct $name(pub $inner);

            impl $name {
                /// Writes the raw integer.
                pub const fn new(raw: $int) -> Self {
                    Self(<$inner>::new(raw))
                }

                /// Reads the raw integer.
                pub const fn get(self) -> $int {
                    self.0.get()
                }
            }

            impl From<$int> for $name {
                fn from(raw: $int) -> Self {
                    Self::new(raw)
                }
            }

            impl Field for $name {
                fn value(&self) -> Value<'_> {
                    Value::Decimal { raw: self.get().into(), decimals: $decimals }
                }
            }
        )*
    };
}
decimals!(
    /// A price of four bytes in 1/10000 dollar (ITCH).
    Price4(be::U32, u32, 4);
    /// A price of eight bytes in 1/10000 dollar (OUCH).
    Price8(be::U64, u64, 4);
    /// A market-wide circuit breaker level: eight bytes in 1/100000000.
    Level8(be::U64, u64, 8);
    /// A signed distance of four bytes in 1/10000 dollar (OUCH peg offsets).
    Offset4(be::I32, i32, 4);
);

/// Nanoseconds since midnight in six bytes (ITCH).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(transparent)]
pub struct Timestamp(pub [u8; 6]);

impl Timestamp {
    /// Writes `ns`; the six bytes hold more than three days, higher bits are dropped.
    pub const fn new(ns: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = ns.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// Nanoseconds since midnight.
    pub const fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl From<u64> for Timestamp {
    fn from(ns: u64) -> Self {
        Self::new(ns)
    }
}

impl Field for Timestamp {
    fn value(&self) -> Value<'_> {
        Value::Number(self.get())
    }
}

/// Text without the padding on its right.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&b| b != b' ').map_or(0, |last| last.saturating_add(1));
    text.get(..end).unwrap_or(text)
}

/// Left-justifies `text` in `N` bytes, padded with spaces; what does not fit is cut.
pub const fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut field = [b' '; N];
    let mut at = 0;
    while at < N && at < text.len() {
        field[at] = text[at];
        at += 1;
    }
    field
}

/// Declares a `#[repr(u8)]` enum of a field's letters with the specification's words.
macro_rules! letters {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $byte:literal, $text:literal;)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            #[repr(u8)]
            pub enum $name { $(#[doc = $text] $variant = $byte,)* }

            impl $name {
                /// Every value, in the specification's order.
                pub const ALL: &'static [$name] = &[$($name::$variant,)*];

                /// Reads the wire's byte; `None` for a byte the specification does not list.
                pub const fn from_byte(byte: u8) -> Option<$name> {
                    match byte { $($byte => Some($name::$variant),)* _ => None }
                }

                /// The wire's byte.
                pub const fn byte(self) -> u8 {
                    self as u8
                }

                /// The specification's words.
                pub const fn name(self) -> &'static str {
                    match self { $($name::$variant => $text,)* }
                }
            }
        )*
    };
}
pub(crate) use letters;
