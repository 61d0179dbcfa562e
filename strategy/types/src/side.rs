//! Sides, lifetimes and kinds of orders, and the states of a market: OUCH's and ITCH's letters.

use rkyv::{Archive, Deserialize, Serialize};

/// A side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = 0,
    /// Offers.
    Sell = 1,
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// ITCH's letter.
    pub const fn letter(self) -> u8 {
        match self {
            Side::Buy => b'B',
            Side::Sell => b'S',
        }
    }
}

/// OUCH's side of an order: which side of the book, and what kind of sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum OrderSide {
    /// `B`
    Buy = b'B',
    /// `S`
    Sell = b'S',
    /// `T`
    SellShort = b'T',
    /// `E`
    SellShortExempt = b'E',
}

impl OrderSide {
    /// Reads OUCH's letter.
    pub const fn from_letter(letter: u8) -> Option<OrderSide> {
        match letter {
            b'B' => Some(OrderSide::Buy),
            b'S' => Some(OrderSide::Sell),
            b'T' => Some(OrderSide::SellShort),
            b'E' => Some(OrderSide::SellShortExempt),
            _ => None,
        }
    }

    /// OUCH's letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }

    /// The side of the book the order stands on.
    pub const fn side(self) -> Side {
        match self {
            OrderSide::Buy => Side::Buy,
            _ => Side::Sell,
        }
    }
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum TimeInForce {
    /// `0`: until the closing cross.
    #[default]
    Day = b'0',
    /// `3`: what does not execute at once is canceled.
    Ioc = b'3',
    /// `5`: until the end of the day.
    Gtx = b'5',
    /// `6`: until a given second.
    Gtt = b'6',
}

impl TimeInForce {
    /// Reads OUCH's letter; lifetimes that the engine does not offer give `None`.
    pub const fn from_letter(letter: u8) -> Option<TimeInForce> {
        match letter {
            b'0' => Some(TimeInForce::Day),
            b'3' => Some(TimeInForce::Ioc),
            b'5' => Some(TimeInForce::Gtx),
            b'6' => Some(TimeInForce::Gtt),
            _ => None,
        }
    }

    /// OUCH's letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }
}

/// In what capacity an order is entered: on whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum OrderCapacity {
    /// `O`
    Other = b'O',
    /// `A`
    Agency = b'A',
    /// `P`
    Principal = b'P',
    /// `R`
    Riskless = b'R',
}

impl OrderCapacity {
    /// Reads OUCH's letter.
    pub const fn from_letter(letter: u8) -> Option<OrderCapacity> {
        match letter {
            b'O' => Some(OrderCapacity::Other),
            b'A' => Some(OrderCapacity::Agency),
            b'P' => Some(OrderCapacity::Principal),
            b'R' => Some(OrderCapacity::Riskless),
            _ => None,
        }
    }

    /// OUCH's letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }
}

/// Who sees an order, and how it is kept out of others' way (OUCH's display).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum Display {
    /// `A`: everyone, with the firm's name.
    Attributable = b'A',
    /// `Y`: everyone.
    #[default]
    Visible = b'Y',
    /// `N`: nobody.
    Hidden = b'N',
}

impl Display {
    /// OUCH's letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }

    /// Whether the order is on the tape.
    pub const fn is_shown(self) -> bool {
        !matches!(self, Display::Hidden)
    }
}

/// What an order's price follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum Peg {
    /// Nothing: its limit is its price.
    #[default]
    None = b'L',
    /// The middle between the best displayed bid and offer, its limit permitting.
    Midpoint = b'M',
}

/// Which cross an order is for, or which cross took place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum CrossKind {
    /// `N`: the continuous market.
    #[default]
    None = b'N',
    /// `O`
    Opening = b'O',
    /// `C`
    Closing = b'C',
    /// `H`: after a halt, and an offering's first.
    Halt = b'H',
}

impl CrossKind {
    /// Reads OUCH's letter; crosses that the engine does not hold give `None`.
    pub const fn from_letter(letter: u8) -> Option<CrossKind> {
        match letter {
            b'N' => Some(CrossKind::None),
            b'O' => Some(CrossKind::Opening),
            b'C' => Some(CrossKind::Closing),
            b'H' => Some(CrossKind::Halt),
            _ => None,
        }
    }

    /// OUCH's and ITCH's letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }
}

/// Where an instrument stands in its trading day.
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
#[repr(u8)]
pub enum Phase {
    /// The system is up; no order is taken.
    Start = 0,
    /// Orders are taken and not matched.
    PreOpen = 1,
    /// Orders match as they come. Reached through the opening cross.
    #[default]
    Continuous = 2,
    /// The closing cross was held; no order is taken.
    Closed = 3,
    /// The system goes down.
    End = 4,
}

/// Whether an instrument trades (ITCH's trading state).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum TradingState {
    /// `H`
    Halted = b'H',
    /// `P`: by the bands, for a while.
    Paused = b'P',
    /// `Q`: orders are taken towards a cross.
    Quotation = b'Q',
    /// `T`
    #[default]
    Trading = b'T',
}

impl TradingState {
    /// ITCH's letter.
    pub const fn letter(self) -> u8 {
        self as u8
    }
}
