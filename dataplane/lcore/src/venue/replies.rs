//! OUCH out: what the engine says to one client, as the messages of PROTOCOLS.md's table.

use super::entry::Echo;
use types::{
    Accepted, CancelReason, Executed, OrderSide, Party, Price, Qty, Rejected, Replaced, Symbol,
    UserRef,
};
use wire::ouch::outbound::{
    AccountQueryResponse, OrderAccepted, OrderCanceled, OrderExecuted, OrderModified,
    OrderReplaced, Rejected as OrderRejected,
};

/// A live order; the venue never accepts a dead one.
const LIVE: u8 = b'L';
/// Liquidity added, and removed.
const ADDED: u8 = b'A';
const REMOVED: u8 = b'R';

/// Order Accepted.
#[inline]
pub(super) fn accepted(now_ns: u64, e: &Accepted, symbol: Symbol, echo: &Echo) -> OrderAccepted {
    OrderAccepted {
        message_type: OrderAccepted::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.party.user_ref.0.into(),
        side: e.side.letter(),
        quantity: e.qty.0.into(),
        symbol: symbol.0,
        price: wide(e.price),
        time_in_force: e.tif.letter(),
        display: echo.display,
        order_reference_number: e.party.order_id.0.into(),
        capacity: echo.capacity,
        inter_market_sweep_eligibility: echo.iso,
        cross_type: echo.cross_type,
        order_state: LIVE,
        clordid: echo.cl_ord_id.0,
        appendage_length: 0.into(),
    }
}

/// Order Replaced.
#[inline]
pub(super) fn replaced(now_ns: u64, e: &Replaced, symbol: Symbol, echo: &Echo) -> OrderReplaced {
    OrderReplaced {
        message_type: OrderReplaced::TYPE,
        timestamp: now_ns.into(),
        orig_user_ref_num: e.orig.0.into(),
        user_ref_num: e.party.user_ref.0.into(),
        side: e.side.letter(),
        quantity: e.qty.0.into(),
        symbol: symbol.0,
        price: wide(e.price),
        time_in_force: e.tif.letter(),
        display: echo.display,
        order_reference_number: e.party.order_id.0.into(),
        capacity: e.capacity.letter(),
        inter_market_sweep_eligibility: echo.iso,
        cross_type: echo.cross_type,
        order_state: LIVE,
        clordid: echo.cl_ord_id.0,
        appendage_length: 0.into(),
    }
}

/// Order Executed, to the party that stood in the book and to the one that came in.
#[inline]
pub(super) fn executed(now_ns: u64, e: &Executed) -> [OrderExecuted; 2] {
    let to = |party: &Party, liquidity_flag| OrderExecuted {
        message_type: OrderExecuted::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: party.user_ref.0.into(),
        quantity: e.qty.0.into(),
        price: wide(e.price),
        liquidity_flag,
        match_number: e.match_id.0.into(),
        appendage_length: 0.into(),
    };
    [to(&e.resting, ADDED), to(&e.aggressor, REMOVED)]
}

/// Order Canceled.
#[inline]
pub(super) fn canceled(
    now_ns: u64,
    user_ref: UserRef,
    qty: Qty,
    reason: CancelReason,
) -> OrderCanceled {
    OrderCanceled {
        message_type: OrderCanceled::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: user_ref.0.into(),
        quantity: qty.0.into(),
        cancel_order_reason: reason.code(),
    }
}

/// Order Modified.
#[inline]
pub(super) fn modified(now_ns: u64, user_ref: UserRef, side: OrderSide, qty: Qty) -> OrderModified {
    OrderModified {
        message_type: OrderModified::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: user_ref.0.into(),
        side: side.letter(),
        quantity: qty.0.into(),
    }
}

/// Rejected.
#[inline]
pub(super) fn rejected(now_ns: u64, e: &Rejected) -> OrderRejected {
    OrderRejected {
        message_type: OrderRejected::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.user_ref.0.into(),
        rejected_order_reason: u16::from(e.reason.code()).into(),
        clordid: e.cl_ord_id.0,
    }
}

/// Account Query Response.
#[inline]
pub(super) fn next_user_ref(now_ns: u64, next: UserRef) -> AccountQueryResponse {
    AccountQueryResponse {
        message_type: AccountQueryResponse::TYPE,
        timestamp: now_ns.into(),
        next_user_ref_num: next.0.into(),
    }
}

fn wide(price: Price) -> wire::field::Price8 {
    u64::from(price.0).into()
}
