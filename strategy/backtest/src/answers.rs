//! The simulated venue's words: OUCH as a venue writes it.

use crate::ghosts::Terms;
use types::{CancelReason, RejectReason, Symbol};
use wire::IntoBytes;
use wire::field::{Price8, U16, U32, U64};
use wire::ouch::outbound as out;

/// Order references of ours: above any of a recording.
const REFERENCES: u64 = 1 << 62;
/// Match numbers of ours.
const MATCHES: u64 = 1 << 52;

/// What becomes of the venue's doings.
pub(crate) trait Sink {
    /// The venue answers.
    fn answer(&mut self, now_ns: u64, message: &[u8]);
    /// Shares of ours traded.
    fn filled(&mut self, fill: &Filled);
    /// A resting order's place changed.
    fn placed(&mut self, place: &Place);
}

/// Shares of ours that traded, by the exchange's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) at_ns: u64,
    pub(crate) user_ref: u32,
    pub(crate) ticker: types::Ticker,
    pub(crate) side: types::Side,
    pub(crate) qty: u32,
    pub(crate) price: types::Price,
    pub(crate) liquidity: u8,
    pub(crate) match_id: u64,
    /// Twice the middle of the book before the trade.
    pub(crate) middle_twice: Option<u64>,
}

/// What stands before an order of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) user_ref: u32,
    pub(crate) shares: u64,
    pub(crate) orders: u32,
    /// Whether it rests no longer.
    pub(crate) gone: bool,
}

/// Numbers orders and trades, and writes.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    references: u64,
    matches: u64,
}

impl Writer {
    pub(crate) fn next_reference(&mut self) -> u64 {
        self.references += 1;
        REFERENCES | self.references
    }

    pub(crate) fn next_match(&mut self) -> u64 {
        self.matches += 1;
        MATCHES | self.matches
    }
}

pub(crate) fn accepted(
    now_ns: u64,
    terms: &Terms,
    symbol: Symbol,
    qty: u32,
    reference: u64,
) -> out::OrderAccepted {
    out::OrderAccepted {
        message_type: out::OrderAccepted::TYPE,
        timestamp: U64::new(now_ns),
        user_ref_num: U32::new(terms.user_ref),
        side: terms.side.letter(),
        quantity: U32::new(qty),
        symbol: symbol.0,
        price: Price8::new(u64::from(terms.price.0)),
        time_in_force: terms.tif,
        display: terms.display,
        order_reference_number: U64::new(reference),
        capacity: terms.capacity,
        inter_market_sweep_eligibility: terms.sweep,
        cross_type: b'N',
        order_state: b'L',
        clordid: terms.cl_ord_id,
        appendage_length: U16::ZERO,
    }
}

pub(crate) fn replaced(
    now_ns: u64,
    orig: u32,
    terms: &Terms,
    symbol: Symbol,
    qty: u32,
    reference: u64,
) -> out::OrderReplaced {
    out::OrderReplaced {
        message_type: out::OrderReplaced::TYPE,
        timestamp: U64::new(now_ns),
        orig_user_ref_num: U32::new(orig),
        user_ref_num: U32::new(terms.user_ref),
        side: terms.side.letter(),
        quantity: U32::new(qty),
        symbol: symbol.0,
        price: Price8::new(u64::from(terms.price.0)),
        time_in_force: terms.tif,
        display: terms.display,
        order_reference_number: U64::new(reference),
        capacity: terms.capacity,
        inter_market_sweep_eligibility: terms.sweep,
        cross_type: b'N',
        order_state: b'L',
        clordid: terms.cl_ord_id,
        appendage_length: U16::ZERO,
    }
}

pub(crate) fn executed<S: Sink>(fill: &Filled, sink: &mut S) {
    let message = out::OrderExecuted {
        message_type: out::OrderExecuted::TYPE,
        timestamp: U64::new(fill.at_ns),
        user_ref_num: U32::new(fill.user_ref),
        quantity: U32::new(fill.qty),
        price: Price8::new(u64::from(fill.price.0)),
        liquidity_flag: fill.liquidity,
        match_number: U64::new(fill.match_id),
        appendage_length: U16::ZERO,
    };
    sink.filled(fill);
    sink.answer(fill.at_ns, message.as_bytes());
}

pub(crate) fn canceled<S: Sink>(
    now_ns: u64,
    user_ref: u32,
    qty: u32,
    reason: CancelReason,
    sink: &mut S,
) {
    let message = out::OrderCanceled {
        message_type: out::OrderCanceled::TYPE,
        timestamp: U64::new(now_ns),
        user_ref_num: U32::new(user_ref),
        quantity: U32::new(qty),
        cancel_order_reason: reason.code(),
    };
    sink.answer(now_ns, message.as_bytes());
}

pub(crate) fn rejected<S: Sink>(
    now_ns: u64,
    user_ref: u32,
    cl_ord_id: [u8; 14],
    reason: RejectReason,
    sink: &mut S,
) {
    let message = out::Rejected {
        message_type: out::Rejected::TYPE,
        timestamp: U64::new(now_ns),
        user_ref_num: U32::new(user_ref),
        rejected_order_reason: U16::new(u16::from(reason.code())),
        clordid: cl_ord_id,
    };
    sink.answer(now_ns, message.as_bytes());
}

pub(crate) fn account<S: Sink>(now_ns: u64, next_user_ref: u32, sink: &mut S) {
    let message = out::AccountQueryResponse {
        message_type: out::AccountQueryResponse::TYPE,
        timestamp: U64::new(now_ns),
        next_user_ref_num: U32::new(next_user_ref),
    };
    sink.answer(now_ns, message.as_bytes());
}
