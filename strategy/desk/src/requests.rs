//! OUCH as a client says it: the plain choices, written once for traders and load generators.

use types::{OrderSide, TimeInForce};
use wire::ouch::inbound::{AccountQuery, CancelOrder, EnterOrder, ReplaceOrder};

/// The longest of these, in bytes.
pub const REQUEST_LEN_MAX: usize = size_of::<EnterOrder>();

/// OUCH's display of an order that everyone sees.
const VISIBLE: u8 = b'Y';
/// OUCH's display of an order that everyone sees and that only adds to the book.
const POST_ONLY: u8 = b'P';

/// OUCH's display for an order that may only add to the book, or may take from it.
#[inline]
pub const fn display(post_only: bool) -> u8 {
    if post_only { POST_ONLY } else { VISIBLE }
}

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
        display: VISIBLE,
        capacity: b'P',
        inter_market_sweep_eligibility: b'N',
        cross_type: b'N',
        clordid: [b' '; 14],
        appendage_length: 0.into(),
    }
}

/// A Replace Order by a visible day order. `shares` is the chain's intended total, executed ones
/// included; `price` in 1/10000 dollar.
#[inline]
pub fn replace(orig: u32, user_ref: u32, shares: u32, price: u32) -> ReplaceOrder {
    ReplaceOrder {
        message_type: ReplaceOrder::TYPE,
        orig_user_ref_num: orig.into(),
        user_ref_num: user_ref.into(),
        quantity: shares.into(),
        price: u64::from(price).into(),
        time_in_force: TimeInForce::Day.letter(),
        display: VISIBLE,
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

/// An Account Query: the venue answers with the number it expects next.
#[inline]
pub fn account_query() -> AccountQuery {
    AccountQuery { message_type: AccountQuery::TYPE }
}
