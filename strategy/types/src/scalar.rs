//! Newtypes over integers and fixed text. Units are part of the type.

use core::fmt;
use rkyv::{Archive, Deserialize, Serialize};

/// A price in 1/10000 dollar.
///
/// OUCH carries eight bytes and ITCH four; Nasdaq's highest limit price, $199,999.9900, fits four,
/// so the wider field is checked once at the edge ([`Price::from_wire`]) and never again.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Archive,
    Serialize,
    Deserialize,
)]
#[repr(transparent)]
pub struct Price(pub u32);

impl Price {
    /// One dollar.
    pub const DOLLAR: Price = Price(10_000);
    /// The highest limit price an order may carry (OUCH: $199,999.9900).
    pub const LIMIT_MAX: Price = Price(1_999_999_900);
    /// OUCH's price of a market order, 0x7FFFFFFF.
    pub const MARKET: Price = Price(0x7FFF_FFFF);

    /// OUCH 5.0's price of a market order, $200,000; clients of either age are understood.
    const MARKET_OF_5_0: u32 = 2_000_000_000;

    /// Takes OUCH's eight-byte price: a limit in `1..=LIMIT_MAX`, or a market price.
    pub fn from_wire(raw: u64) -> Result<Price, PriceError> {
        match u32::try_from(raw) {
            Ok(0) => Err(PriceError { raw }),
            Ok(Self::MARKET_OF_5_0) => Ok(Price::MARKET),
            Ok(p) if p <= Self::LIMIT_MAX.0 || p == Self::MARKET.0 => Ok(Price(p)),
            _ => Err(PriceError { raw }),
        }
    }

    /// Whether this is the price of a market order.
    pub const fn is_market(self) -> bool {
        self.0 == Self::MARKET.0
    }

    /// Price times quantity, in 1/10000 dollar. Cannot overflow: both factors are four bytes.
    pub const fn notional(self, qty: Qty) -> u64 {
        self.0 as u64 * qty.0 as u64
    }
}

/// A price outside `1..=1_999_999_900` that is not the market price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceError {
    /// The value met, in 1/10000 dollar.
    pub raw: u64,
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "price {} is not in 1..={} (1/10000 dollar) nor the market price {}",
            self.raw,
            Price::LIMIT_MAX.0,
            Price::MARKET.0
        )
    }
}

impl std::error::Error for PriceError {}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_market() {
            return f.write_str("market");
        }
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// A number of shares.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Archive,
    Serialize,
    Deserialize,
)]
#[repr(transparent)]
pub struct Qty(pub u32);

impl Qty {
    /// No shares.
    pub const ZERO: Qty = Qty(0);
    /// The largest order OUCH 5.0 accepts: less than a million shares.
    pub const ORDER_MAX: Qty = Qty(999_999);

    /// The smaller of two.
    pub fn min(self, other: Qty) -> Qty {
        Qty(self.0.min(other.0))
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Archive, Serialize, Deserialize)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// An order reference number, unique over a day on one venue.
    OrderId(u64)
);
number!(
    /// A match number, unique over a day on one venue.
    MatchId(u64)
);
number!(
    /// A client's own order number on one session, strictly increasing from 1 (OUCH UserRefNum).
    UserRef(u32)
);
number!(
    /// Which client session; dense from 0.
    SessionId(u16)
);
number!(
    /// Which instrument: ITCH's stock locate; dense, 0 means none.
    SymbolId(u16)
);
number!(
    /// A symbol's place among those that a trader may trade; dense from 0, the same all day.
    Ticker(u16)
);
number!(
    /// Whose cash and positions; dense from 0.
    AccountId(u16)
);
number!(
    /// Nanoseconds since midnight on the venue's clock. Given to the core, never read by it.
    Nanos(u64)
);

/// An instrument's name: eight ASCII bytes, padded with spaces on the right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Symbol(pub [u8; 8]);

impl Symbol {
    /// Pads `name`; `None` when it is empty, longer than eight bytes or not printable ASCII.
    pub fn new(name: &str) -> Option<Symbol> {
        let ok = (1..=8).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        ok.then(|| {
            let mut text = [b' '; 8];
            text[..name.len()].copy_from_slice(name.as_bytes());
            Symbol(text)
        })
    }

    /// The name without its padding; bytes that are not ASCII show as `?`.
    pub fn name(&self) -> impl Iterator<Item = char> + '_ {
        let len = self.0.iter().rposition(|&b| b != b' ').map_or(0, |i| i + 1);
        self.0[..len].iter().map(|&b| if b.is_ascii_graphic() { b as char } else { '?' })
    }

    /// The name as one number, for hashing.
    pub const fn key(&self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use core::fmt::Write;
        self.name().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({self})")
    }
}

/// A client's free text on an order: fourteen bytes, padded with spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct ClOrdId(pub [u8; 14]);

impl Default for ClOrdId {
    fn default() -> Self {
        ClOrdId([b' '; 14])
    }
}

/// A firm, as OUCH's appendage names it: four bytes, padded with spaces; blank for nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Firm(pub [u8; 4]);

impl Firm {
    /// Nobody.
    pub const BLANK: Firm = Firm(*b"    ");

    /// Pads `name`; `None` when it is longer than four bytes or not printable ASCII.
    pub fn new(name: &str) -> Option<Firm> {
        let ok = name.len() <= 4 && name.bytes().all(|b| b.is_ascii_graphic());
        ok.then(|| {
            let mut text = [b' '; 4];
            text[..name.len()].copy_from_slice(name.as_bytes());
            Firm(text)
        })
    }

    /// Whether it names nobody.
    pub fn is_blank(self) -> bool {
        self == Firm::BLANK
    }
}

impl Default for Firm {
    fn default() -> Firm {
        Firm::BLANK
    }
}

impl fmt::Debug for Firm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Firm({:?})", String::from_utf8_lossy(&self.0))
    }
}
