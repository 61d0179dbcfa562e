//! OUCH as a client says it: the plain choices, written once for traders and load generators.

use types::{OrderSide, TimeInForce};
use wire::ouch::inbound::{CancelOrder, EnterOrder, ReplaceOrder};

/// The longest of these, in bytes.
pub const REQUEST_LEN_MAX: usize = size_of::<EnterOrder>();

/// An Enter Order: visible, principal, continuous market, no options. `price` in 1/10000 dollar.
#[inline]
pub fn enter(
    user_ref: u32,
    side: OrderSide,
    shares: u32,
    symbol: [u8; 8],
    price: u32,
    tif: TimeInForce,
) -> EnterOrder {
    EnterOrder {
        message_type: EnterOrder::TYPE,
        user_ref_num: user_ref.into(),
        side: side.letter(),
        quantity: shares.into(),
        symbol,
        price: u64::from(price).into(),
        time_in_force: tif.letter(),
        display: b'Y',
        capacity: b'P',
        inter_market_sweep_eligibility: b'N',
        cross_type: b'N',
        clordid: [b' '; 14],
        appendage_length: 0.into(),
    }
}

/// A Replace Order by a visible day order. `shares` is the chain's intended total, `price` in
/// 1/10000 dollar.
#[inline]
pub fn replace(orig: u32, user_ref: u32, shares: u32, price: u32) -> ReplaceOrder {
    ReplaceOrder {
        message_type: ReplaceOrder::TYPE,
        orig_user_ref_num: orig.into(),
        user_ref_num: user_ref.into(),
        quantity: shares.into(),
        price: u64::from(price).into(),
        time_in_force: TimeInForce::Day.letter(),
        display: b'Y',
        inter_market_sweep_eligibility: b'N',
        clordid: [b' '; 14],
        appendage_length: 0.into(),
    }
}

/// A Cancel Order down to `intended` shares, executed ones included; 0 takes all off.
#[inline]
pub fn cancel(user_ref: u32, intended: u32) -> CancelOrder {
    CancelOrder {
        message_type: CancelOrder::TYPE,
        user_ref_num: user_ref.into(),
        quantity: intended.into(),
    }
}
