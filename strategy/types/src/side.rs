//! Sides and lifetimes of orders.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(u8)]
pub enum TimeInForce {
    /// `0`: until the end of the day.
    Day = b'0',
    /// `3`: what does not execute at once is canceled.
    Ioc = b'3',
}

impl TimeInForce {
    /// Reads OUCH's letter; lifetimes that the engine does not offer give `None`.
    pub const fn from_letter(letter: u8) -> Option<TimeInForce> {
        match letter {
            b'0' => Some(TimeInForce::Day),
            b'3' => Some(TimeInForce::Ioc),
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
