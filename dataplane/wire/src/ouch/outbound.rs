//! What the venue says to a client, in SoupBinTCP's `S` packets.

use super::{Appended, Error, Trailing, appendage::Appendage, macros::messages, trailing};
use crate::field::{Describe, Field, Price8, U16, U32, U64, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

messages! {
    fixed {
        /// System Event.
        SystemEvent = b'S', "System Event", 10 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// `S` start of day, `E` end of day.
            event_code: u8,
        }
        /// Order Canceled.
        OrderCanceled = b'C', "Order Canceled", 18 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// Shares.
            quantity: U32,
            /// See [`CancelReason`](super::CancelReason).
            cancel_order_reason: u8,
        }
        /// AIQ Canceled.
        AiqCanceled = b'D', "AIQ Canceled", 31 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            decrement_shares: U32,
            /// See [`CancelReason`](super::CancelReason).
            order_cancel_reason: u8,
            quantity_prevented_from_trading: U32,
            execution_price: Price8,
            /// See [`LiquidityFlag`](super::LiquidityFlag).
            liquidity_flag: u8,
        }
        /// Broken Trade.
        BrokenTrade = b'B', "Broken Trade", 36 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// The match, unique over the day.
            match_number: U64,
            /// See [`BrokenTradeReason`](super::BrokenTradeReason).
            broken_trade_reason: u8,
            /// The client's free text.
            clordid: [u8; 14],
        }
        /// Trade Correction.
        TradeCorrection = b'F', "Trade Correction", 49 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// Shares.
            quantity: U32,
            /// In 1/10000 dollar.
            price: Price8,
            /// See [`LiquidityFlag`](super::LiquidityFlag).
            liquidity_flag: u8,
            /// The match, unique over the day.
            match_number: U64,
            trade_correction_reason: u8,
            /// The client's free text.
            clordid: [u8; 14],
        }
        /// Rejected.
        Rejected = b'J', "Rejected", 29 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`RejectReason`](super::RejectReason).
            rejected_order_reason: U16,
            /// The client's free text.
            clordid: [u8; 14],
        }
        /// Cancel Pending.
        CancelPending = b'P', "Cancel Pending", 13 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
        }
        /// Cancel Reject.
        CancelReject = b'I', "Cancel Reject", 13 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
        }
        /// Order Priority Update.
        OrderPriorityUpdate = b'T', "Order Priority Update", 30 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// In 1/10000 dollar.
            price: Price8,
            /// See [`Display`](super::Display).
            display: u8,
            /// The order, unique over the day.
            order_reference_number: U64,
        }
        /// Order Modified.
        OrderModified = b'M', "Order Modified", 18 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`Side`](super::Side).
            side: u8,
            /// Shares.
            quantity: U32,
        }
        /// Account Query Response.
        AccountQueryResponse = b'Q', "Account Query Response", 13 {
            /// Nanoseconds since midnight.
            timestamp: U64,
            next_user_ref_num: U32,
        }
    }
    appended {
        /// Order Accepted.
        OrderAccepted = b'A', "Order Accepted", 64, "order_accepted_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`Side`](super::Side).
            side: u8,
            /// Shares.
            quantity: U32,
            /// Instrument.
            symbol: [u8; 8],
            /// In 1/10000 dollar.
            price: Price8,
            /// See [`TimeInForce`](super::TimeInForce).
            time_in_force: u8,
            /// See [`Display`](super::Display).
            display: u8,
            /// The order, unique over the day.
            order_reference_number: U64,
            /// See [`Capacity`](super::Capacity).
            capacity: u8,
            inter_market_sweep_eligibility: u8,
            /// See [`CrossType`](super::CrossType).
            cross_type: u8,
            /// See [`OrderState`](super::OrderState).
            order_state: u8,
            /// The client's free text.
            clordid: [u8; 14],
            /// Bytes of optional fields that follow.
            appendage_length: U16,
        }
        /// Order Replaced.
        OrderReplaced = b'U', "Order Replaced", 68, "replaced_message_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            orig_user_ref_num: U32,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`Side`](super::Side).
            side: u8,
            /// Shares.
            quantity: U32,
            /// Instrument.
            symbol: [u8; 8],
            /// In 1/10000 dollar.
            price: Price8,
            /// See [`TimeInForce`](super::TimeInForce).
            time_in_force: u8,
            /// See [`Display`](super::Display).
            display: u8,
            /// The order, unique over the day.
            order_reference_number: U64,
            /// See [`Capacity`](super::Capacity).
            capacity: u8,
            inter_market_sweep_eligibility: u8,
            /// See [`CrossType`](super::CrossType).
            cross_type: u8,
            /// See [`OrderState`](super::OrderState).
            order_state: u8,
            /// The client's free text.
            clordid: [u8; 14],
            /// Bytes of optional fields that follow.
            appendage_length: U16,
        }
        /// Order Executed.
        OrderExecuted = b'E', "Order Executed", 36, "order_executed_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// Shares.
            quantity: U32,
            /// In 1/10000 dollar.
            price: Price8,
            /// See [`LiquidityFlag`](super::LiquidityFlag).
            liquidity_flag: u8,
            /// The match, unique over the day.
            match_number: U64,
            /// Bytes of optional fields that follow.
            appendage_length: U16,
        }
        /// Order Restated.
        OrderRestated = b'R', "Order Restated", 16, "order_restated_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`RestatedReason`](super::RestatedReason).
            order_restated_reason: u8,
            /// Bytes of optional fields that follow.
            appendage_length: U16,
        }
    }
    trailing {
        /// Mass Cancel Response: repeats the request.
        MassCancelResponse = b'X', "Mass Cancel Response", 25,
            "mass_cancel_response_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The request's own number.
            user_ref_num: U32,
            /// For whom.
            firm: [u8; 4],
            /// Instrument.
            symbol: [u8; 8],
        }
        /// Disable Order Entry Response: repeats the request.
        DisableOrderEntryResponse = b'G', "Disable Order Entry Response", 17,
            "disable_order_entry_response_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The request's own number.
            user_ref_num: U32,
            /// For whom.
            firm: [u8; 4],
        }
        /// Enable Order Entry Response: repeats the request.
        EnableOrderEntryResponse = b'K', "Enable Order Entry Response", 17,
            "enable_order_entry_response_optional_field" {
            /// Nanoseconds since midnight.
            timestamp: U64,
            /// The request's own number.
            user_ref_num: U32,
            /// For whom.
            firm: [u8; 4],
        }
    }
}
