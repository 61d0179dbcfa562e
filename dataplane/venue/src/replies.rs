//! OUCH out: what the engine says to one client, as the messages of PROTOCOLS.md's table.

use types::{
    Accepted, Aiq, Broken, CancelReason, Corrected, Display, Echo, Executed, Firm, OrderSide,
    Party, Price, Qty, Rejected, Replaced, Restated, Symbol, UserRef,
};
use wire::ouch::outbound::{
    AccountQueryResponse, AiqCanceled, BrokenTrade, DisableOrderEntryResponse,
    EnableOrderEntryResponse, MassCancelResponse, OrderAccepted, OrderCanceled, OrderExecuted,
    OrderModified, OrderReplaced, OrderRestated, Rejected as OrderRejected, SystemEvent,
    TradeCorrection,
};
use wire::ouch::{self, Optional, Tag};

/// A live order; the venue never accepts a dead one.
const LIVE: u8 = b'L';
/// Room for an Order Restated with its appendage.
pub(crate) const RESTATED_LEN_MAX: usize = 64;

/// Bytes of optional fields that a reply repeats: each that OUCH knows, once.
const REPEATED_LEN_MAX: usize = 140;

/// An accepted order's optional fields, as its reply repeats them.
#[derive(Clone, Copy, Debug)]
pub struct Repeated {
    bytes: [u8; REPEATED_LEN_MAX],
    len: usize,
}

impl Repeated {
    /// The fields.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What `appendage_length` says.
    pub(crate) fn len(&self) -> u16 {
        self.len as u16
    }
}

/// The optional fields that OUCH knows; those of a client that repeats itself as far as they fit.
#[inline]
pub fn repeated(echo: &Echo<'_>) -> Repeated {
    let (mut bytes, mut len) = ([0; REPEATED_LEN_MAX], 0);
    let mut rest = echo.optional;
    while let [length, tag, ..] = *rest {
        let Some((field, after)) = rest.split_at_checked(1 + usize::from(length)) else { break };
        if Tag::from_byte(tag).is_some_and(is_asked)
            && let Some(room) = bytes.get_mut(len..len + field.len())
        {
            room.copy_from_slice(field);
            len += field.len();
        }
        rest = after;
    }
    Repeated { bytes, len }
}

/// Whether an optional field is for the client to say: the others are the venue's.
fn is_asked(tag: Tag) -> bool {
    !matches!(tag, Tag::SecondaryOrdRefNum | Tag::DisplayQuantity | Tag::DisplayPrice)
}

/// Order Accepted.
#[inline]
pub(crate) fn accepted(
    now_ns: u64,
    e: &Accepted,
    symbol: Symbol,
    echo: &Echo<'_>,
) -> OrderAccepted {
    OrderAccepted {
        message_type: OrderAccepted::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.party.user_ref.0.into(),
        side: e.side.letter(),
        quantity: e.qty.0.into(),
        symbol: symbol.0,
        price: wide(e.price),
        time_in_force: e.tif.letter(),
        display: display(e.display, echo.display),
        order_reference_number: e.party.order_id.0.into(),
        capacity: echo.capacity,
        inter_market_sweep_eligibility: echo.iso,
        cross_type: e.cross.letter(),
        order_state: LIVE,
        clordid: echo.cl_ord_id.0,
        appendage_length: 0.into(),
    }
}

/// Order Replaced.
#[inline]
pub(crate) fn replaced(
    now_ns: u64,
    e: &Replaced,
    symbol: Symbol,
    echo: &Echo<'_>,
) -> OrderReplaced {
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
        display: display(e.display, echo.display),
        order_reference_number: e.party.order_id.0.into(),
        capacity: e.capacity.letter(),
        inter_market_sweep_eligibility: echo.iso,
        cross_type: e.cross.letter(),
        order_state: LIVE,
        clordid: echo.cl_ord_id.0,
        appendage_length: 0.into(),
    }
}

/// Order Executed, to the party that stood in the book and to the one that came in.
#[inline]
pub(crate) fn executed(now_ns: u64, e: &Executed) -> [OrderExecuted; 2] {
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
    [to(&e.resting, e.liquidity[0]), to(&e.aggressor, e.liquidity[1])]
}

/// Order Canceled.
#[inline]
pub(crate) fn canceled(
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
pub(crate) fn modified(now_ns: u64, user_ref: UserRef, side: OrderSide, qty: Qty) -> OrderModified {
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
pub(crate) fn rejected(now_ns: u64, e: &Rejected) -> OrderRejected {
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
pub(crate) fn next_user_ref(now_ns: u64, next: UserRef) -> AccountQueryResponse {
    AccountQueryResponse {
        message_type: AccountQueryResponse::TYPE,
        timestamp: now_ns.into(),
        next_user_ref_num: next.0.into(),
    }
}

/// AIQ Canceled.
#[inline]
pub(crate) fn aiq(now_ns: u64, e: &Aiq) -> AiqCanceled {
    AiqCanceled {
        message_type: AiqCanceled::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.party.user_ref.0.into(),
        decrement_shares: e.qty.0.into(),
        order_cancel_reason: CancelReason::SelfMatchPrevention.code(),
        quantity_prevented_from_trading: e.prevented.0.into(),
        execution_price: wide(e.price),
        liquidity_flag: e.liquidity,
    }
}

/// Order Restated, with the number, the shares and the price now displayed; gives its length.
pub(crate) fn restated(now_ns: u64, e: &Restated, out: &mut [u8; RESTATED_LEN_MAX]) -> usize {
    let message = OrderRestated {
        message_type: OrderRestated::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.party.user_ref.0.into(),
        order_restated_reason: e.reason,
        appendage_length: 0.into(),
    };
    let fields = [
        Optional::SecondaryOrdRefNum(e.party.order_id.0),
        Optional::DisplayQuantity(e.displayed.0),
        Optional::DisplayPrice(u64::from(e.price.0)),
    ];
    // The room is made for it.
    ouch::write(out, &message, &fields).unwrap_or(0)
}

/// Broken Trade, to one of its parties.
pub(crate) fn broken(now_ns: u64, e: &Broken, party: usize) -> BrokenTrade {
    BrokenTrade {
        message_type: BrokenTrade::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.parties[party].1.0.into(),
        match_number: e.match_id.0.into(),
        broken_trade_reason: e.reason,
        clordid: e.cl_ord_ids[party].0,
    }
}

/// Trade Correction, to one of its parties.
pub(crate) fn corrected(now_ns: u64, e: &Corrected, party: usize) -> TradeCorrection {
    TradeCorrection {
        message_type: TradeCorrection::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: e.parties[party].1.0.into(),
        quantity: e.qty.0.into(),
        price: wide(e.price),
        liquidity_flag: e.liquidity[party],
        match_number: e.match_id.0.into(),
        trade_correction_reason: e.reason,
        clordid: e.cl_ord_ids[party].0,
    }
}

/// Mass Cancel Response.
pub(crate) fn mass_canceled(
    now_ns: u64,
    user_ref: UserRef,
    firm: Firm,
    symbol: Symbol,
) -> MassCancelResponse {
    MassCancelResponse {
        message_type: MassCancelResponse::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: user_ref.0.into(),
        firm: firm.0,
        symbol: symbol.0,
    }
}

/// Disable Order Entry Response.
pub(crate) fn disabled(now_ns: u64, user_ref: UserRef, firm: Firm) -> DisableOrderEntryResponse {
    DisableOrderEntryResponse {
        message_type: DisableOrderEntryResponse::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: user_ref.0.into(),
        firm: firm.0,
    }
}

/// Enable Order Entry Response.
pub(crate) fn enabled(now_ns: u64, user_ref: UserRef, firm: Firm) -> EnableOrderEntryResponse {
    EnableOrderEntryResponse {
        message_type: EnableOrderEntryResponse::TYPE,
        timestamp: now_ns.into(),
        user_ref_num: user_ref.0.into(),
        firm: firm.0,
    }
}

/// System Event: S the day begins, E it ends.
pub(crate) fn system_event(now_ns: u64, event_code: u8) -> SystemEvent {
    SystemEvent { message_type: SystemEvent::TYPE, timestamp: now_ns.into(), event_code }
}

/// The letter that was asked for, unless the engine keeps the order off the tape.
fn display(taken: Display, asked: u8) -> u8 {
    match (taken, asked) {
        (Display::Hidden, b'N' | b'M' | b'W') => asked,
        (Display::Hidden, _) => b'N',
        _ => asked,
    }
}

fn wide(price: Price) -> wire::field::Price8 {
    u64::from(price.0).into()
}
