//! What a client says to the venue, in SoupBinTCP's `U` packets.

use super::{Appended, Error, Trailing, appendage::Appendage, macros::messages, trailing};
use crate::field::{Describe, Field, Price8, U16, U32, Value};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

messages! {
    fixed {}
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
    trailing {
        /// Cancel Order.
        CancelOrder = b'X', "Cancel Order", 9, "cancel_order_optional_field" {
            /// The client's own number of the order.
            user_ref_num: U32,
            /// Shares.
            quantity: U32,
        }
        /// Modify Order.
        ModifyOrder = b'M', "Modify Order", 10, "modify_order_optional_field" {
            /// The client's own number of the order.
            user_ref_num: U32,
            /// See [`Side`](super::Side).
            side: u8,
            /// Shares.
            quantity: U32,
        }
        /// Account Query.
        AccountQuery = b'Q', "Account Query", 1, "account_query_optional_field" {}
        /// Mass Cancel Request: all of a firm's orders in a symbol, or of one side of it, or of one
        /// group, as the appendage says.
        MassCancel = b'C', "Mass Cancel Request", 17, "mass_cancel_optional_field" {
            /// The request's own number, from the same sequence as orders'.
            user_ref_num: U32,
            /// Whose orders.
            firm: [u8; 4],
            /// Instrument.
            symbol: [u8; 8],
        }
        /// Disable Order Entry Request.
        DisableOrderEntry = b'D', "Disable Order Entry Request", 9,
            "disable_order_entry_optional_field" {
            /// The request's own number, from the same sequence as orders'.
            user_ref_num: U32,
            /// For whom.
            firm: [u8; 4],
        }
        /// Enable Order Entry Request.
        EnableOrderEntry = b'E', "Enable Order Entry Request", 9,
            "enable_order_entry_optional_field" {
            /// The request's own number, from the same sequence as orders'.
            user_ref_num: U32,
            /// For whom.
            firm: [u8; 4],
        }
    }
}
