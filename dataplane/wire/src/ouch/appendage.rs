//! OUCH's optional fields: `length[1] tag[1] value[length - 1]`, as many as `appendage_length`
//! covers.
//!
//! Failure modes: a length of 0 (it must count the tag), a length beyond the appendage, and a known
//! tag with a value of another size are rejected with the field's offset. Unknown tags are passed
//! over: the venue may add some.

use crate::field::Value;

/// What is wrong in an appendage. Offsets count from its first byte to a field's length byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendageError {
    /// A length of 0.
    #[error("optional field at offset {offset} has length 0, at least 1 is needed for the tag")]
    Empty {
        /// Where the field begins.
        offset: usize,
    },
    /// A field reaches beyond the appendage.
    #[error("optional field at offset {offset} needs {needed} bytes, {left} are left")]
    Overrun {
        /// Where the field begins.
        offset: usize,
        /// Bytes the field needs, its length byte included.
        needed: usize,
        /// Bytes left there.
        left: usize,
    },
    /// A known tag with a value of another size.
    #[error(
        "optional field at offset {offset}, tag {tag}, has {length} value bytes, not {expected}"
    )]
    Length {
        /// Where the field begins.
        offset: usize,
        /// Its tag.
        tag: u8,
        /// Bytes of value.
        length: usize,
        /// Bytes of value this tag has.
        expected: usize,
    },
}

/// Calls a macro with the table of tags: variant, type, tag, bytes, name, and how a decoder shows
/// the value.
macro_rules! with_tags {
    ($then:ident) => {
        $then! {
            /// The order's reference number in another system.
            SecondaryOrdRefNum(u64) = 1, 8, "secondary_ord_ref_num", number;
            /// The firm trading.
            Firm([u8; 4]) = 2, 4, "firm", text;
            /// The least number of shares to execute at once.
            MinQty(u32) = 3, 4, "min_qty", number;
            /// `R` retail, `N` not.
            CustomerType(u8) = 4, 1, "customer_type", letter;
            /// The displayed size of a reserve order.
            MaxFloor(u32) = 5, 4, "max_floor", number;
            /// `L` limit, `P` market peg, `R` primary peg, `M` midpoint, …
            PriceType(u8) = 6, 1, "price_type", letter;
            /// Distance from the peg, in 1/10000 dollar.
            PegOffset(i32) = 7, 4, "peg_offset", decimal;
            /// In 1/10000 dollar.
            DiscretionPrice(u64) = 9, 8, "discretion_price", decimal;
            /// As `PriceType`, for the discretion.
            DiscretionPegType(u8) = 10, 1, "discretion_peg_type", letter;
            /// As `PegOffset`, for the discretion.
            DiscretionPegOffset(i32) = 11, 4, "discretion_peg_offset", decimal;
            /// `P` post only, `N` not.
            PostOnly(u8) = 12, 1, "post_only", letter;
            /// Shares by which a reserve order's refreshed size varies.
            RandomReserves(u32) = 13, 4, "random_reserves", number;
            /// Where to route.
            Route([u8; 4]) = 14, 4, "route", text;
            /// Seconds since midnight, with time in force `6`.
            ExpireTime(u32) = 15, 4, "expire_time", number;
            /// `Y`, `N`, or the port's default.
            TradeNow(u8) = 16, 1, "trade_now", letter;
            /// Handling instruction.
            HandleInst(u8) = 17, 1, "handle_inst", letter;
            /// Where the order stood against the best bid and offer.
            BboWeightIndicator(u8) = 18, 1, "bbo_weight_indicator", letter;
            /// In 1/10000 dollar.
            ReferencePrice(u64) = 19, 8, "reference_price", decimal;
            /// Which price the reference is.
            ReferencePriceType(u8) = 20, 1, "reference_price_type", letter;
            /// Shares displayed.
            DisplayQuantity(u32) = 22, 4, "display_quantity", number;
            /// In 1/10000 dollar.
            DisplayPrice(u64) = 23, 8, "display_price", decimal;
            /// Marks orders for a mass cancel of their group.
            GroupId(u16) = 24, 2, "group_id", number;
            /// `Y` when the shares of a short sale were located.
            SharesLocated(u8) = 25, 1, "shares_located", letter;
            /// Who located them.
            LocateBroker([u8; 4]) = 26, 4, "locate_broker", text;
            /// Mass cancel: only this side.
            Side(u8) = 27, 1, "side", letter;
            /// Which of the account's sequences of user reference numbers.
            UserRefIdx(u8) = 28, 1, "user_ref_idx", number;
        }
    };
}

trait Bytes<const N: usize>: Sized {
    fn read(bytes: &[u8; N]) -> Self;
    fn put(self) -> [u8; N];
}

macro_rules! integers {
    ($($ty:ty, $size:literal;)*) => {
        $(impl Bytes<$size> for $ty {
            fn read(bytes: &[u8; $size]) -> Self {
                Self::from_be_bytes(*bytes)
            }
            fn put(self) -> [u8; $size] {
                self.to_be_bytes()
            }
        })*
    };
}
integers!(u8, 1; u16, 2; u32, 4; i32, 4; u64, 8;);

impl Bytes<4> for [u8; 4] {
    fn read(bytes: &[u8; 4]) -> Self {
        *bytes
    }
    fn put(self) -> [u8; 4] {
        self
    }
}

macro_rules! shown {
    ($value:ident number) => {
        Value::Number(u64::from(*$value))
    };
    ($value:ident letter) => {
        Value::Letter(*$value)
    };
    ($value:ident text) => {
        Value::Text($value)
    };
    ($value:ident decimal) => {
        Value::Decimal { raw: i128::from(*$value), decimals: 4 }
    };
}

macro_rules! declare {
    ($(
        $(#[$doc:meta])*
        $name:ident($ty:ty) = $tag:literal, $size:literal, $text:literal, $shown:ident;
    )*) => {
        /// A known optional field's tag.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Tag { $($(#[$doc])* $name = $tag,)* }

        impl Tag {
            /// Every known tag.
            pub const ALL: &'static [Tag] = &[$(Tag::$name,)*];

            /// Reads the wire's tag; `None` for one the specification does not list.
            pub const fn from_byte(tag: u8) -> Option<Tag> {
                match tag { $($tag => Some(Tag::$name),)* _ => None }
            }

            /// Bytes of a value under this tag.
            pub const fn value_len(self) -> usize {
                match self { $(Tag::$name => $size,)* }
            }
        }

        /// An optional field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Optional<'a> {
            $($(#[$doc])* $name($ty),)*
            /// A tag the specification does not list, with its value.
            Unknown(u8, &'a [u8]),
        }

        impl<'a> Optional<'a> {
            /// Reads a value; a known tag with a value of another size gives the size it should
            /// have.
            fn read(tag: u8, value: &'a [u8]) -> Result<Self, usize> {
                match tag {
                    $($tag => match <&[u8; $size]>::try_from(value) {
                        Ok(bytes) => Ok(Optional::$name(<$ty as Bytes<$size>>::read(bytes))),
                        Err(_) => Err($size),
                    },)*
                    _ => Ok(Optional::Unknown(tag, value)),
                }
            }

            /// The wire's tag.
            pub const fn tag(&self) -> u8 {
                match self { $(Optional::$name(_) => $tag,)* Optional::Unknown(tag, _) => *tag }
            }

            /// Bytes on the wire: length, tag and value.
            pub const fn wire_len(&self) -> usize {
                match self {
                    $(Optional::$name(_) => 2 + $size,)*
                    Optional::Unknown(_, value) => 2 + value.len(),
                }
            }

            /// The field's name and value; `None` for an unknown tag.
            pub fn describe(&self) -> Option<(&'static str, Value<'_>)> {
                match self {
                    $(Optional::$name(value) => Some(($text, shown!(value $shown))),)*
                    Optional::Unknown(..) => None,
                }
            }

            /// Hands the value's bytes to `with`.
            fn with_value<R>(&self, with: impl FnOnce(&[u8]) -> R) -> R {
                match self {
                    $(Optional::$name(value) => with(&Bytes::<$size>::put(*value)),)*
                    Optional::Unknown(_, value) => with(value),
                }
            }
        }
    };
}
with_tags!(declare);

/// A sound run of optional fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appendage<'a> {
    bytes: &'a [u8],
}

impl<'a> Appendage<'a> {
    /// No optional fields.
    pub const EMPTY: Appendage<'static> = Appendage { bytes: &[] };

    /// Takes the bytes that `appendage_length` covers, and checks every field.
    ///
    /// # Errors
    /// A length of 0, a field beyond the bytes, or a known tag with a value of another size.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, AppendageError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            rest = step(rest, offset)?.1;
        }
        Ok(Self { bytes })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes as they lie.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The fields in order, unknown ones among them.
    pub const fn all(&self) -> All<'a> {
        All { rest: self.bytes }
    }

    /// The known fields in order; unknown ones are skipped.
    pub fn known(&self) -> impl Iterator<Item = Optional<'a>> + use<'a> {
        self.all().filter(|field| !matches!(field, Optional::Unknown(..)))
    }
}

/// Reads the field at the start of `rest`, which is not empty.
fn step(rest: &[u8], offset: usize) -> Result<(Optional<'_>, &[u8]), AppendageError> {
    let left = rest.len();
    let (&length, after) = rest.split_first().ok_or(AppendageError::Empty { offset })?;
    let needed = 1 + usize::from(length);
    if length == 0 {
        return Err(AppendageError::Empty { offset });
    }
    let (field, after) = after
        .split_at_checked(usize::from(length))
        .ok_or(AppendageError::Overrun { offset, needed, left })?;
    let (&tag, value) = field.split_first().ok_or(AppendageError::Empty { offset })?;
    match Optional::read(tag, value) {
        Ok(field) => Ok((field, after)),
        Err(expected) => Err(AppendageError::Length { offset, tag, length: value.len(), expected }),
    }
}

/// Walks over the fields of a sound [`Appendage`].
#[derive(Clone, Debug)]
pub struct All<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for All<'a> {
    type Item = Optional<'a>;

    fn next(&mut self) -> Option<Optional<'a>> {
        let (field, rest) = step(self.rest, 0).ok()?;
        self.rest = rest;
        Some(field)
    }
}

/// Writes optional fields one after another.
#[derive(Debug)]
pub struct Builder<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Builder<'a> {
    /// Starts at the beginning of `out`.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    /// Adds a field; `false` (and nothing written) when it does not fit `out` or its length does
    /// not fit a byte.
    #[must_use]
    pub fn push(&mut self, field: Optional<'_>) -> bool {
        let end = self.at + field.wire_len();
        let Ok(length) = u8::try_from(field.wire_len() - 1) else { return false };
        let Some([head, tag, value @ ..]) = self.out.get_mut(self.at..end) else { return false };
        *head = length;
        *tag = field.tag();
        field.with_value(|bytes| value.copy_from_slice(bytes));
        self.at = end;
        true
    }

    /// Bytes written.
    pub const fn finish(self) -> usize {
        self.at
    }
}
