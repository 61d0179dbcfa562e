//! What the traders' gates hold orders to: each order, each symbol, the account, the firm.

use risk::{GateLimits, Restriction, TickerLimits};
use types::{Price, Symbol};

use super::fault::hint;
use super::raw::{self, Text};
use super::roles;
use super::scope::{Key, Scope};

/// The unit of money in a dollar.
const DOLLAR: u64 = Price::DOLLAR.0 as u64;
/// Reg NMS, rule 612: what prices from one dollar up are multiples of.
const CENT: Price = Price(Price::DOLLAR.0 / 100);
/// Dollars that fit 1/10000 dollar in an i64 with room to add.
const DOLLARS: std::ops::RangeInclusive<i64> = 0..=100_000_000_000;
const SHARES_MAX: i64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// What the gate holds orders to. 0 in a limit of dollars is none.
pub(super) fn gate(
    scope: &mut Scope<'_>,
    trader: &str,
    raw: &raw::Trader,
    symbols: &[Symbol],
) -> (GateLimits, Vec<TickerLimits>) {
    let risk = &raw.risk;
    let (table, kill) = (&*format!("{trader}.risk"), &*format!("{trader}.kill"));
    let order = roles::order_limits(
        scope,
        table,
        [
            risk.order_qty_max.as_ref(),
            risk.order_notional_max_dollars.as_ref(),
            risk.price_collar_bps.as_ref(),
        ],
        roles::TRADER_DEFAULT,
    );
    let mut int = |name, value: &Option<raw::Int>, default: u32, max: i64| -> u32 {
        scope.int((table, name), value.as_ref(), default, 1..=max)
    };
    let open_orders_max = int("open_orders_max", &risk.open_orders_max, 64, 1 << 16);
    let orders_per_second_max =
        int("orders_per_second_max", &risk.orders_per_second_max, 1_000, 10_000_000);
    let messages_per_second_max = int(
        "messages_per_second_max",
        &risk.messages_per_second_max,
        orders_per_second_max.saturating_mul(2),
        20_000_000,
    );
    let duplicates_max = int("duplicates_max", &risk.duplicates_max, 8, 1_000_000_000);
    let window_ms = int("duplicate_window_ms", &risk.duplicate_window_ms, 1_000, 60_000);
    let runaway = raw.kill.refusals_in_a_row.as_ref();
    let limits = GateLimits {
        order,
        account_exposure_max: unless_zero(dollars(
            scope,
            (table, "account_exposure_max_dollars"),
            risk.account_exposure_max_dollars.as_ref(),
            0,
        )),
        account_gross_shares_max: unless_zero(scope.int(
            (table, "account_gross_shares_max"),
            risk.account_gross_shares_max.as_ref(),
            0,
            0..=SHARES_MAX,
        )),
        open_orders_max,
        orders_per_second_max,
        messages_per_second_max,
        duplicate_window_ns: u64::from(window_ms) * MS,
        duplicates_max,
        loss_max: dollars(scope, (kill, "loss_dollars"), raw.kill.loss_dollars.as_ref(), 0),
        runaway_refusals_max: scope.int((kill, "refusals_in_a_row"), runaway, 0, 0..=1 << 30),
        stale_is_refused: risk.stale.unwrap_or(raw::Act::Stop) == raw::Act::Stop,
        suspect_is_refused: risk.suspect.unwrap_or(raw::Act::Stop) == raw::Act::Stop,
        market_orders: risk.market_orders.unwrap_or(false),
    };
    let plain = plain(scope, table, risk, open_orders_max);
    let mut tickers = vec![plain; symbols.len()];
    each_symbol(scope, table, risk, symbols, &mut tickers);
    restricted(scope, table, risk, symbols, &mut tickers);
    (limits, tickers)
}

/// What a symbol is held to where nothing is said of it alone.
fn plain(
    scope: &mut Scope<'_>,
    table: &str,
    risk: &raw::TraderRisk,
    open_orders_max: u32,
) -> TickerLimits {
    TickerLimits {
        position_max: scope.int(
            (table, "position_max_shares"),
            risk.position_max_shares.as_ref(),
            10_000,
            1..=SHARES_MAX,
        ),
        exposure_max: unless_zero(dollars(
            scope,
            (table, "exposure_max_dollars"),
            risk.exposure_max_dollars.as_ref(),
            0,
        )),
        open_orders_max: scope.int(
            (table, "symbol_open_orders_max"),
            risk.symbol_open_orders_max.as_ref(),
            open_orders_max,
            1..=1 << 16,
        ),
        restriction: Restriction::None,
        locate_shares: 0,
        tick: match risk.ticks {
            None | Some(raw::Ticks::None) => Price(0),
            Some(raw::Ticks::RegNms) => CENT,
        },
    }
}

fn unless_zero(money: u64) -> u64 {
    if money == 0 { u64::MAX } else { money }
}

/// `[trader.risk.symbols.NAME]`: what one symbol is held to instead.
fn each_symbol(
    scope: &mut Scope<'_>,
    table: &str,
    risk: &raw::TraderRisk,
    symbols: &[Symbol],
    tickers: &mut [TickerLimits],
) {
    for (name, own) in &risk.symbols {
        let key = format!("{table}.symbols.{}", name.get_ref());
        let Some(at) = traded(scope, (&key, ""), name, symbols) else { continue };
        let limits = &mut tickers[at];
        limits.position_max = scope.int(
            (&key, "position_max_shares"),
            own.position_max_shares.as_ref(),
            limits.position_max,
            1..=SHARES_MAX,
        );
        if own.exposure_max_dollars.is_some() {
            let exposure = own.exposure_max_dollars.as_ref();
            limits.exposure_max =
                unless_zero(dollars(scope, (&key, "exposure_max_dollars"), exposure, 0));
        }
        limits.open_orders_max = scope.int(
            (&key, "open_orders_max"),
            own.open_orders_max.as_ref(),
            limits.open_orders_max,
            1..=1 << 16,
        );
    }
}

/// The place of a symbol among those that the strategy trades.
fn traded(scope: &mut Scope<'_>, key: Key<'_>, name: &Text, symbols: &[Symbol]) -> Option<usize> {
    let names: Vec<String> = symbols.iter().map(Symbol::to_string).collect();
    let found = names.iter().position(|one| one == name.get_ref());
    // Where there is no symbol at all, that was told already.
    if found.is_none() && !names.is_empty() {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = hint(name.get_ref(), &known);
        scope.fault(key, name.span(), format!("is not traded by this strategy; {hint}"));
    }
    found
}

fn dollars(
    scope: &mut Scope<'_>,
    key: super::scope::Key<'_>,
    value: Option<&raw::Int>,
    default: u64,
) -> u64 {
    scope.int(key, value, default, DOLLARS) * DOLLAR
}

/// The restricted list and the shares that may be sold short, each of a symbol that is traded.
fn restricted(
    scope: &mut Scope<'_>,
    table: &str,
    risk: &raw::TraderRisk,
    symbols: &[Symbol],
    tickers: &mut [TickerLimits],
) {
    let lists = [
        ("no_trade", &risk.no_trade, Restriction::NoTrade),
        ("close_only", &risk.close_only, Restriction::CloseOnly),
    ];
    for (key, list, restriction) in lists {
        for name in list {
            if let Some(at) = traded(scope, (table, key), name, symbols) {
                tickers[at].restriction = restriction;
            }
        }
    }
    let table = format!("{table}.locates");
    for (name, shares) in &risk.locates {
        let key = (&*table, name.get_ref().as_str());
        if let Some(at) = traded(scope, key, name, symbols) {
            tickers[at].locate_shares = scope.int(key, Some(shares), 0, 0..=SHARES_MAX);
        }
    }
}

/// The bound over all traders: whoever gives it gives it for all, and two that differ are a fault.
/// 0 is none.
pub(super) fn firm_exposure_max(scope: &mut Scope<'_>, traders: &[raw::Trader]) -> u64 {
    let mut given: Option<(u64, std::ops::Range<usize>)> = None;
    for (index, trader) in traders.iter().enumerate() {
        let Some(value) = &trader.risk.firm_exposure_max_dollars else { continue };
        let table = format!("trader[{index}].risk");
        let key = (&*table, "firm_exposure_max_dollars");
        let money = dollars(scope, key, Some(value), 0);
        match &given {
            Some((first, at)) if *first != money => {
                let line = scope.line(at.start);
                let problem = format!(
                    "differs from line {line}: the firm is one, say the same or leave it out here"
                );
                scope.fault(key, value.span(), problem);
            }
            _ => given = Some((money, value.span())),
        }
    }
    given.map_or(0, |(money, _)| money)
}
