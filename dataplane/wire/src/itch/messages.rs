//! ITCH's messages: each declared once, with its struct, its length, its parser arm and its field
//! names.

use super::{Error, Head};
use crate::field::{Describe, Field, Level8, Price4, Timestamp, U16, U32, U64, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $name:ident = $type:literal, $text:literal, $size:literal {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable,
                Unaligned,
            )]
            #[repr(C)]
            pub struct $name {
                /// Type, instrument, tracking number and time.
                pub head: Head,
                $(
                    #[doc = concat!("`", stringify!($field), "`.")]
                    $(#[$field_doc])*
                    pub $field: $ty,
                )*
            }
            const _: () = assert!(size_of::<$name>() == $size);

            impl $name {
                /// The message's type byte.
                pub const TYPE: u8 = $type;

                /// The head of such a message: instrument, and nanoseconds since midnight.
                pub const fn head(stock_locate: u16, timestamp_ns: u64) -> Head {
                    Head {
                        message_type: $type,
                        stock_locate: U16::new(stock_locate),
                        tracking_number: U16::ZERO,
                        timestamp: Timestamp::new(timestamp_ns),
                    }
                }
            }

            impl Describe for $name {
                fn describe(&self, see: &mut dyn FnMut(&'static str, Value<'_>)) {
                    self.head.describe(see);
                    $(see(stringify!($field), self.$field.value());)*
                }
            }
        )*

        /// Any message, where it lies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $($(#[$doc])* $name(&'a $name),)*
        }

        /// Every type: its byte, its name and its length in bytes.
        pub const TYPES: &[(u8, &str, usize)] = &[$(($type, $text, $size),)*];

        /// Bytes in a message of type `kind`; `None` for an unknown type.
        pub const fn message_len(kind: u8) -> Option<usize> {
            match kind {
                $($type => Some($size),)*
                _ => None,
            }
        }

        /// Reads one message; `bytes` must be all of it.
        ///
        /// # Errors
        /// No bytes, an unknown type, or another length than the type's.
        // Always: for who matches on the answer at once, both are one jump then.
        #[inline(always)]
        pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Error> {
            let length = bytes.len();
            let Some(&kind) = bytes.first() else { return Err(Error::Empty) };
            match kind {
                $($type => match $name::ref_from_bytes(bytes) {
                    Ok(message) => Ok(Message::$name(message)),
                    Err(_) => Err(Error::Length { kind, length, expected: $size }),
                },)*
                _ => Err(Error::UnknownType { kind, length }),
            }
        }

        impl<'a> Message<'a> {
            /// Type, instrument, tracking number and time.
            #[inline]
            pub const fn head(&self) -> &'a Head {
                match self { $(Message::$name(m) => &m.head,)* }
            }

            /// The specification's name.
            pub const fn name(&self) -> &'static str {
                match self { $(Message::$name(_) => $text,)* }
            }

            /// The message's bytes.
            pub fn as_bytes(&self) -> &'a [u8] {
                match self { $(Message::$name(m) => m.as_bytes(),)* }
            }
        }

        impl Describe for Message<'_> {
            fn describe(&self, see: &mut dyn FnMut(&'static str, Value<'_>)) {
                match self { $(Message::$name(m) => m.describe(see),)* }
            }
        }
    };
}

/// The longest message, in bytes (Net Order Imbalance).
pub const MESSAGE_LEN_MAX: usize = 50;

messages! {
    /// System Event.
    SystemEvent = b'S', "System Event", 12 {
        /// See [`EventCode`](super::EventCode).
        event_code: u8,
    }
    /// Stock Directory.
    StockDirectory = b'R', "Stock Directory", 39 {
        /// Instrument.
        stock: [u8; 8],
        /// See [`MarketCategory`](super::MarketCategory).
        market_category: u8,
        /// See [`FinancialStatus`](super::FinancialStatus).
        financial_status_indicator: u8,
        /// Shares in a round lot.
        round_lot_size: U32,
        /// `Y` or `N`.
        round_lots_only: u8,
        issue_classification: u8,
        issue_sub_type: [u8; 2],
        authenticity: u8,
        short_sale_threshold_indicator: u8,
        ipo_flag: u8,
        luld_reference_price_tier: u8,
        etp_flag: u8,
        etp_leverage_factor: U32,
        inverse_indicator: u8,
    }
    /// Stock Trading Action.
    StockTradingAction = b'H', "Stock Trading Action", 25 {
        /// Instrument.
        stock: [u8; 8],
        /// See [`TradingState`](super::TradingState).
        trading_state: u8,
        reserved: u8,
        reason_code: [u8; 4],
    }
    /// Reg SHO Restriction.
    RegSho = b'Y', "Reg SHO Restriction", 20 {
        /// Instrument.
        stock: [u8; 8],
        reg_sho_action: u8,
    }
    /// Market Participant Position.
    MarketParticipantPosition = b'L', "Market Participant Position", 26 {
        mpid: [u8; 4],
        /// Instrument.
        stock: [u8; 8],
        primary_market_maker: u8,
        market_maker_mode: u8,
        market_participant_state: u8,
    }
    /// MWCB Decline Level.
    MwcbDeclineLevel = b'V', "MWCB Decline Level", 35 {
        level_1: Level8,
        level_2: Level8,
        level_3: Level8,
    }
    /// MWCB Status.
    MwcbStatus = b'W', "MWCB Status", 12 {
        breached_level: u8,
    }
    /// IPO Quoting Period Update.
    IpoQuotingPeriod = b'K', "IPO Quoting Period Update", 28 {
        /// Instrument.
        stock: [u8; 8],
        /// Seconds since midnight.
        ipo_quotation_release_time: U32,
        ipo_quotation_release_qualifier: u8,
        ipo_price: Price4,
    }
    /// LULD Auction Collar.
    LuldCollar = b'J', "LULD Auction Collar", 35 {
        /// Instrument.
        stock: [u8; 8],
        auction_collar_reference_price: Price4,
        upper_auction_collar_price: Price4,
        lower_auction_collar_price: Price4,
        auction_collar_extension: U32,
    }
    /// Operational Halt.
    OperationalHalt = b'h', "Operational Halt", 21 {
        /// Instrument.
        stock: [u8; 8],
        market_code: u8,
        operational_halt_action: u8,
    }
    /// Add Order.
    AddOrder = b'A', "Add Order", 36 {
        /// The order, unique over the day.
        order_reference_number: U64,
        /// See [`BuySell`](super::BuySell).
        buy_sell_indicator: u8,
        /// Shares.
        shares: U32,
        /// Instrument.
        stock: [u8; 8],
        /// In 1/10000 dollar.
        price: Price4,
    }
    /// Add Order with MPID.
    AddOrderMpid = b'F', "Add Order with MPID", 40 {
        /// The order, unique over the day.
        order_reference_number: U64,
        /// See [`BuySell`](super::BuySell).
        buy_sell_indicator: u8,
        /// Shares.
        shares: U32,
        /// Instrument.
        stock: [u8; 8],
        /// In 1/10000 dollar.
        price: Price4,
        attribution: [u8; 4],
    }
    /// Order Executed.
    OrderExecuted = b'E', "Order Executed", 31 {
        /// The order, unique over the day.
        order_reference_number: U64,
        executed_shares: U32,
        /// The match, unique over the day.
        match_number: U64,
    }
    /// Order Executed with Price.
    OrderExecutedPrice = b'C', "Order Executed with Price", 36 {
        /// The order, unique over the day.
        order_reference_number: U64,
        executed_shares: U32,
        /// The match, unique over the day.
        match_number: U64,
        /// See [`Printable`](super::Printable).
        printable: u8,
        execution_price: Price4,
    }
    /// Order Cancel.
    OrderCancel = b'X', "Order Cancel", 23 {
        /// The order, unique over the day.
        order_reference_number: U64,
        canceled_shares: U32,
    }
    /// Order Delete.
    OrderDelete = b'D', "Order Delete", 19 {
        /// The order, unique over the day.
        order_reference_number: U64,
    }
    /// Order Replace.
    OrderReplace = b'U', "Order Replace", 35 {
        original_order_reference_number: U64,
        new_order_reference_number: U64,
        /// Shares.
        shares: U32,
        /// In 1/10000 dollar.
        price: Price4,
    }
    /// Trade (non-cross).
    Trade = b'P', "Trade (non-cross)", 44 {
        /// The order, unique over the day.
        order_reference_number: U64,
        /// See [`BuySell`](super::BuySell).
        buy_sell_indicator: u8,
        /// Shares.
        shares: U32,
        /// Instrument.
        stock: [u8; 8],
        /// In 1/10000 dollar.
        price: Price4,
        /// The match, unique over the day.
        match_number: U64,
    }
    /// Cross Trade.
    CrossTrade = b'Q', "Cross Trade", 40 {
        cross_shares: U64,
        /// Instrument.
        stock: [u8; 8],
        cross_price: Price4,
        /// The match, unique over the day.
        match_number: U64,
        /// See [`CrossType`](super::CrossType).
        cross_type: u8,
    }
    /// Broken Trade.
    BrokenTrade = b'B', "Broken Trade", 19 {
        /// The match, unique over the day.
        match_number: U64,
    }
    /// Net Order Imbalance.
    NetOrderImbalance = b'I', "Net Order Imbalance", 50 {
        paired_shares: U64,
        imbalance_shares: U64,
        /// See [`ImbalanceDirection`](super::ImbalanceDirection).
        imbalance_direction: u8,
        /// Instrument.
        stock: [u8; 8],
        far_price: Price4,
        near_price: Price4,
        current_reference_price: Price4,
        /// See [`CrossType`](super::CrossType).
        cross_type: u8,
        price_variation_indicator: u8,
    }
    /// Retail Price Improvement.
    RetailInterest = b'N', "Retail Price Improvement", 20 {
        /// Instrument.
        stock: [u8; 8],
        interest_flag: u8,
    }
    /// Direct Listing with Capital Raise.
    DirectListing = b'O', "Direct Listing with Capital Raise", 48 {
        /// Instrument.
        stock: [u8; 8],
        open_eligibility_status: u8,
        minimum_allowable_price: Price4,
        maximum_allowable_price: Price4,
        near_execution_price: Price4,
        /// Nanoseconds since midnight.
        near_execution_time: U64,
        lower_price_range_collar: Price4,
        upper_price_range_collar: Price4,
    }
}
