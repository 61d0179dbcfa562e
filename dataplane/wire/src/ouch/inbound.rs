//! What a client says to the venue, in SoupBinTCP's `U` packets.

use super::{Appended, Error, appendage::Appendage, macros::messages};
use crate::field::{Describe, Field, Price8, U16, U32, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

messages! {
    fixed {
        /// Cancel Order.
        CancelOrder = b'X', "Cancel Order", 9 {
            /// The client's own number of the order.
            user_ref_num: U32,
            /// Shares.
            quantity: U32,
        }
        /// Modify Order.
        ModifyOrder = b'M', "Modify Order", 10 {
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`Side`](super::Side).
            side: u8,
            /// Shares.
            quantity: U32,
        }
        /// Account Query.
        AccountQuery = b'Q', "Account Query", 1 {}
    }
    appended {
        /// Enter Order.
        EnterOrder = b'O', "Enter Order", 47, "enter_order_optional_field" {
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
            /// See [`Capacity`](super::Capacity).
            capacity: u8,
            inter_market_sweep_eligibility: u8,
            /// See [`CrossType`](super::CrossType).
            cross_type: u8,
            /// The client's free text.
            clordid: [u8; 14],
            /// Bytes of optional fields that follow.
            appendage_length: U16,
        }
        /// Replace Order.
        ReplaceOrder = b'U', "Replace Order", 40, "replace_order_optional_field" {
            orig_user_ref_num: U32,
            /// The client's own number of the order.
            user_ref_num: U32,
            /// Shares.
            quantity: U32,
            /// In 1/10000 dollar.
            price: Price8,
            /// See [`TimeInForce`](super::TimeInForce).
            time_in_force: u8,
            /// See [`Display`](super::Display).
            display: u8,
            inter_market_sweep_eligibility: u8,
            /// The client's free text.
            clordid: [u8; 14],
            /// Bytes of optional fields that follow.
            appendage_length: U16,
        }
    }
}
