//! What every built-in strategy asks of the market before it acts.

use crate::Context;
use book::{LevelView, Top};
use market::{Currency, Status};
use risk::Position;
use types::{OrderSide, Price, Qty, Side, TradingState};

/// Nanoseconds in a millisecond.
pub(crate) const MS_NS: u64 = 1_000_000;
/// Nanoseconds in a second.
pub(crate) const S_NS: u64 = 1_000_000_000;
/// Seconds in a day, the highest time of day that a parameter can name.
pub(crate) const DAY_S: i64 = 86_400;
/// Nanoseconds in a day.
const DAY_NS: u64 = DAY_S.unsigned_abs() * S_NS;

/// Whether orders may rest in the symbol: it trades, in market hours, and what is known of it can
/// be relied on.
#[inline]
pub(crate) fn is_sound(status: &Status) -> bool {
    status.trading == TradingState::Trading
        && status.market_hours
        && status.suspect.is_none()
        && status.currency == Currency::Current
}

/// Best bid and offer of a book that has both, neither locked nor crossed, at prices that an order
/// can have.
#[inline]
pub(crate) fn both_sides(top: &Top) -> Option<(LevelView, LevelView)> {
    let (bid, ask) = (top.bid?, top.ask?);
    let limits = bid.price > Price(0) && ask.price <= Price::LIMIT_MAX;
    (limits && bid.price < ask.price).then_some((bid, ask))
}

/// The kind of sale, or a purchase: a sale of more than is held and not for sale already is short.
#[inline]
pub(crate) fn order_side(side: Side, qty: Qty, position: &Position) -> OrderSide {
    let sold = i128::from(position.open_sell) + i128::from(qty.0);
    match side {
        Side::Buy => OrderSide::Buy,
        Side::Sell if i128::from(position.shares) >= sold => OrderSide::Sell,
        Side::Sell => OrderSide::SellShort,
    }
}

/// Shares held and working on a side, as that side sees them: what is held counts against a sale.
#[inline]
pub(crate) fn worst_case(side: Side, position: &Position) -> i64 {
    let open = |shares: u64| i64::try_from(shares).unwrap_or(i64::MAX);
    match side {
        Side::Buy => position.shares.saturating_add(open(position.open_buy)),
        Side::Sell => position.shares.saturating_neg().saturating_add(open(position.open_sell)),
    }
}

/// `shares` as an order's quantity: at most OUCH's largest, `None` when there are none.
#[inline]
pub(crate) fn order_qty(shares: i64) -> Option<Qty> {
    let shares = u32::try_from(shares.min(i64::from(Qty::ORDER_MAX.0))).ok()?;
    (shares > 0).then_some(Qty(shares))
}

/// `price` as a limit, when it can be one.
#[inline]
pub(crate) fn limit(price: i64) -> Option<Price> {
    let price = u32::try_from(price).ok()?;
    (1..=Price::LIMIT_MAX.0).contains(&price).then_some(Price(price))
}

/// Whether `ms` have passed since `then_ns` by the host's clock; always so when nothing has
/// happened yet (0).
#[inline]
pub(crate) fn passed<C: Context>(ctx: &C, then_ns: u64, ms: i64) -> bool {
    then_ns == 0 || ctx.host_ns().saturating_sub(then_ns) >= ms.unsigned_abs() * MS_NS
}

/// The exchange's time of day, also where a feed counts on after midnight; `None` while it is not
/// known.
#[inline]
pub(crate) fn time_of_day_ns<C: Context>(ctx: &C) -> Option<u64> {
    let now_ns = ctx.now_ns();
    (now_ns > 0).then_some(now_ns % DAY_NS)
}

/// Whether `ms` of the exchange's time have passed since a symbol's last news; 0 never have.
#[inline]
pub(crate) fn is_quiet<C: Context>(ctx: &C, status: &Status, ms: i64) -> bool {
    ms > 0 && ctx.now_ns().saturating_sub(status.updated_ns) > ms.unsigned_abs() * MS_NS
}
