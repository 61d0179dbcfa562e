//! The gate's limits as an operator names them: the configuration's keys, in its units.

use crate::config::hint;
use desk::Command;
use risk::{GateLimits, LimitName, TickerLimitName, TickerLimits};
use serde_json::{Map, Value, json};
use types::Ticker;

/// 1/10000 dollars in a dollar.
const DOLLAR: u64 = 10_000;
const MS: u64 = 1_000_000;

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Account(LimitName),
    Symbol(TickerLimitName),
    Firm,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A whole number.
    Count,
    /// Whole dollars.
    Dollars,
    /// Whole dollars, of which 0 means that there is no limit.
    DollarsOrNone,
    /// Shares, of which 0 means that there is no limit.
    SharesOrNone,
    /// Milliseconds.
    Ms,
    /// `true` or `false`.
    Flag,
    /// `"stop"` or `"trade"`.
    Act,
}

impl Unit {
    /// The value in the gate's unit.
    fn read(self, value: &Value) -> Option<u64> {
        let or_none = |whole: u64| if whole == 0 { u64::MAX } else { whole };
        match self {
            Unit::Count => value.as_u64(),
            Unit::Dollars => value.as_u64()?.checked_mul(DOLLAR),
            Unit::DollarsOrNone => value.as_u64()?.checked_mul(DOLLAR).map(or_none),
            Unit::SharesOrNone => value.as_u64().map(or_none),
            Unit::Ms => value.as_u64()?.checked_mul(MS),
            Unit::Flag => value.as_bool().map(u64::from),
            Unit::Act => match value.as_str()? {
                "stop" => Some(1),
                "trade" => Some(0),
                _ => None,
            },
        }
    }

    /// The gate's value as the configuration writes it.
    fn write(self, value: u64) -> Value {
        let or_none = |whole: u64| if value == u64::MAX { 0 } else { whole };
        match self {
            Unit::Count => json!(value),
            Unit::Dollars => json!(value / DOLLAR),
            Unit::DollarsOrNone => json!(or_none(value / DOLLAR)),
            Unit::SharesOrNone => json!(or_none(value)),
            Unit::Ms => json!(value / MS),
            Unit::Flag => json!(value == 1),
            Unit::Act => json!(if value == 1 { "stop" } else { "trade" }),
        }
    }

    const fn wanted(self) -> &'static str {
        match self {
            Unit::Count => "a whole number",
            Unit::Dollars => "whole dollars",
            Unit::DollarsOrNone => "whole dollars, 0 for no limit",
            Unit::SharesOrNone => "shares, 0 for no limit",
            Unit::Ms => "whole milliseconds",
            Unit::Flag => "true or false",
            Unit::Act => "\"stop\" or \"trade\"",
        }
    }
}

type Named = (&'static str, Whose, Unit);

/// Every limit, by its key in `[trader.risk]` or `[trader.kill]`.
const NAMED: [Named; 20] = {
    use LimitName as L;
    use TickerLimitName as T;
    use Whose::{Account, Firm, Symbol};
    [
        ("order_qty_max", Account(L::OrderQty), Unit::Count),
        ("order_notional_max_dollars", Account(L::OrderNotional), Unit::Dollars),
        ("price_collar_bps", Account(L::CollarBps), Unit::Count),
        ("account_exposure_max_dollars", Account(L::AccountExposure), Unit::DollarsOrNone),
        ("account_gross_shares_max", Account(L::AccountGrossShares), Unit::SharesOrNone),
        ("open_orders_max", Account(L::OpenOrders), Unit::Count),
        ("orders_per_second_max", Account(L::OrdersPerSecond), Unit::Count),
        ("messages_per_second_max", Account(L::MessagesPerSecond), Unit::Count),
        ("duplicate_window_ms", Account(L::DuplicateWindow), Unit::Ms),
        ("duplicates_max", Account(L::Duplicates), Unit::Count),
        ("loss_dollars", Account(L::Loss), Unit::Dollars),
        ("refusals_in_a_row", Account(L::RunawayRefusals), Unit::Count),
        ("stale", Account(L::StaleIsRefused), Unit::Act),
        ("suspect", Account(L::SuspectIsRefused), Unit::Act),
        ("market_orders", Account(L::MarketOrders), Unit::Flag),
        ("firm_exposure_max_dollars", Firm, Unit::Dollars),
        ("position_max_shares", Symbol(T::Position), Unit::Count),
        ("exposure_max_dollars", Symbol(T::Exposure), Unit::DollarsOrNone),
        ("symbol_open_orders_max", Symbol(T::OpenOrders), Unit::Count),
        ("locates", Symbol(T::LocateShares), Unit::Count),
    ]
};

/// The command that sets limit `key` to `value`, of a symbol where it is a symbol's.
///
/// # Errors
/// What is wrong with the name, the value, or the symbol's being or not being there.
pub(super) fn command(key: &str, ticker: Option<Ticker>, value: &Value) -> Result<Command, String> {
    let Some((_, whose, unit)) = NAMED.into_iter().find(|(name, ..)| *name == key) else {
        return Err(format!("no limit {key:?}; {}", hint(key, &NAMED.map(|(name, ..)| name))));
    };
    let Some(value) = unit.read(value) else {
        return Err(format!("{key} = {value} must be {}", unit.wanted()));
    };
    match (whose, ticker) {
        (Whose::Account(limit), None) => Ok(Command::SetLimit { limit, value }),
        (Whose::Firm, None) => Ok(Command::SetFirmExposure { value }),
        (Whose::Symbol(limit), Some(ticker)) => {
            Ok(Command::SetTickerLimit { ticker, limit, value })
        }
        (Whose::Symbol(_), None) => {
            Err(format!("{key} is a symbol's limit; say of which, as \"symbol\":\"AAPL\""))
        }
        (_, Some(_)) => Err(format!("{key} is not a symbol's limit; leave \"symbol\" out")),
    }
}

/// An account's limits as a line of the answer.
pub(super) fn account(limits: &GateLimits) -> Value {
    let value = |limit| match limit {
        LimitName::OrderQty => u64::from(limits.order.qty_max.0),
        LimitName::OrderNotional => limits.order.notional_max,
        LimitName::CollarBps => u64::from(limits.order.collar_bps),
        LimitName::AccountExposure => limits.account_exposure_max,
        LimitName::AccountGrossShares => limits.account_gross_shares_max,
        LimitName::OpenOrders => u64::from(limits.open_orders_max),
        LimitName::OrdersPerSecond => u64::from(limits.orders_per_second_max),
        LimitName::MessagesPerSecond => u64::from(limits.messages_per_second_max),
        LimitName::DuplicateWindow => limits.duplicate_window_ns,
        LimitName::Duplicates => u64::from(limits.duplicates_max),
        LimitName::Loss => limits.loss_max,
        LimitName::RunawayRefusals => u64::from(limits.runaway_refusals_max),
        LimitName::StaleIsRefused => u64::from(limits.stale_is_refused),
        LimitName::SuspectIsRefused => u64::from(limits.suspect_is_refused),
        LimitName::MarketOrders => u64::from(limits.market_orders),
    };
    let told = NAMED.into_iter().filter_map(|(key, whose, unit)| match whose {
        Whose::Account(limit) => Some((key.to_owned(), unit.write(value(limit)))),
        _ => None,
    });
    event("limits", told)
}

/// A symbol's limits as a line of the answer.
pub(super) fn symbol(name: &str, limits: &TickerLimits) -> Value {
    let value = |limit| match limit {
        TickerLimitName::Position => limits.position_max,
        TickerLimitName::Exposure => limits.exposure_max,
        TickerLimitName::OpenOrders => u64::from(limits.open_orders_max),
        TickerLimitName::LocateShares => limits.locate_shares,
    };
    let told = NAMED.into_iter().filter_map(|(key, whose, unit)| match whose {
        Whose::Symbol(limit) => Some((key.to_owned(), unit.write(value(limit)))),
        _ => None,
    });
    event("symbol_limits", std::iter::once(("symbol".to_owned(), json!(name))).chain(told))
}

fn event(name: &str, told: impl Iterator<Item = (String, Value)>) -> Value {
    let head = std::iter::once(("event".to_owned(), json!(name)));
    Value::Object(head.chain(told).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests;
