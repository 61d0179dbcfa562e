//! ITCH 5.0 (TotalView): a venue's market data, one message an event.
//!
//! Layout: every message begins with the same eleven bytes ([`Head`]); each has one fixed length,
//! asserted where it is declared. Prices are 1/10000 dollar, market-wide levels 1/100000000, times
//! nanoseconds since midnight. Texts are ASCII, padded with spaces on the right.
//!
//! Failure modes: an unknown type, an empty message, or a length other than the type's; see
//! [`Error`]. Field contents are not judged: a letter the specification does not list stays the
//! byte it is.

mod letters;
mod messages;

pub use crate::block::{Block, BlockError, Blocks};
pub use letters::{
    BuySell, CrossType, EventCode, FinancialStatus, ImbalanceDirection, MarketCategory, Printable,
    TradingState,
};
pub use messages::{
    AddOrder, AddOrderMpid, BrokenTrade, CrossTrade, DirectListing, IpoQuotingPeriod, LuldCollar,
    MESSAGE_LEN_MAX, MarketParticipantPosition, Message, MwcbDeclineLevel, MwcbStatus,
    NetOrderImbalance, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedPrice, OrderReplace, RegSho, RetailInterest, StockDirectory, StockTradingAction,
    SystemEvent, TYPES, Trade, message_len, parse,
};

use crate::field::{Describe, Timestamp, U16, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What every message begins with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Head {
    /// The message's type.
    pub message_type: u8,
    /// The instrument, dense from 1; 0 when the message is about none.
    pub stock_locate: U16,
    /// Nasdaq's own number.
    pub tracking_number: U16,
    /// When, in nanoseconds since midnight.
    pub timestamp: Timestamp,
}
const _: () = assert!(size_of::<Head>() == 11);

impl Describe for Head {
    fn describe(&self, see: &mut dyn FnMut(&'static str, Value<'_>)) {
        use crate::field::Field;
        see("message_type", self.message_type.value());
        see("stock_locate", self.stock_locate.value());
        see("tracking_number", self.tracking_number.value());
        see("timestamp", self.timestamp.value());
    }
}

/// Why bytes are not an ITCH message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No bytes, so no type.
    #[error("empty ITCH message")]
    Empty,
    /// A type ITCH 5.0 does not have.
    #[error("unknown ITCH message type {kind:#04x} in {length} bytes")]
    UnknownType {
        /// The type byte.
        kind: u8,
        /// Bytes in the message.
        length: usize,
    },
    /// A known type in another length than its own.
    #[error("ITCH message type {:?} has {length} bytes, expected {expected}", char::from(*.kind))]
    Length {
        /// The type byte.
        kind: u8,
        /// Bytes in the message.
        length: usize,
        /// Bytes a message of this type has.
        expected: usize,
    },
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::rebuild;
