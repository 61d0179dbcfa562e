//! What makes a venue an exchange: its rules, its day, its ledger, who is let in how fast.

use std::ops::RangeInclusive;

use engine::ledger::{AccountLimits, AccountTerms, SessionLimits};
use engine::{REG_NMS, SelfMatch, TickStep};
use lcore::venue::Due;
use session::{Rate, RequestLimits, ServerConfig};
use types::{Firm, Operation, PostOnly};

use super::model::{Account, LedgerAccount, Listing, Throttle};
use super::raw;
use super::scope::Scope;
use crate::script::{Names, Words};

const DOLLARS: RangeInclusive<f64> = -1e12..=1e12;
const MS: RangeInclusive<i64> = 1..=3_600_000;
const NS_A_MS: u64 = 1_000_000;
/// Accounts that a ledger can have.
const LEDGER_MAX: usize = 65_535;

/// `self_match`
pub(super) fn self_match(raw: Option<raw::SelfMatch>) -> SelfMatch {
    match raw {
        None | Some(raw::SelfMatch::Newest) => SelfMatch::CancelNewest,
        Some(raw::SelfMatch::Oldest) => SelfMatch::CancelOldest,
        Some(raw::SelfMatch::Decrement) => SelfMatch::Decrement,
        Some(raw::SelfMatch::Trade) => SelfMatch::Trade,
    }
}

/// `ticks`
pub(super) fn ticks(raw: Option<raw::Ticks>) -> Vec<TickStep> {
    match raw {
        None | Some(raw::Ticks::None) => Vec::new(),
        Some(raw::Ticks::RegNms) => REG_NMS.to_vec(),
    }
}

/// `post_only`
pub(super) fn post_only(raw: Option<raw::PostOnly>) -> PostOnly {
    match raw {
        None | Some(raw::PostOnly::Reject) => PostOnly::Reject,
        Some(raw::PostOnly::Slide) => PostOnly::Slide,
    }
}

/// Dollars as 1/10000 dollar.
fn money(scope: &mut Scope<'_>, table: &str, key: &str, raw: Option<&raw::Num>) -> Option<i64> {
    scope.num((table, key), raw, DOLLARS).map(|dollars| (dollars * 10_000.0).round() as i64)
}

/// `[[venue.ledger]]`, and an account for each login that names none of them.
pub(super) fn ledger(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &[raw::LedgerAccount],
) -> Vec<LedgerAccount> {
    let mut accounts: Vec<LedgerAccount> = Vec::with_capacity(raw.len());
    for (index, account) in raw.iter().enumerate() {
        let table = format!("{table}.ledger[{index}]");
        let name = account.name.get_ref().clone();
        if accounts.iter().any(|other| other.name == name) {
            let problem = "another account of the ledger has this name; rename one";
            scope.fault((&table, "name"), account.name.span(), problem);
        }
        accounts.push(LedgerAccount { terms: account_terms(scope, &table, account), name });
    }
    accounts
}

fn account_terms(scope: &mut Scope<'_>, table: &str, raw: &raw::LedgerAccount) -> AccountTerms {
    let none = AccountLimits::default();
    let notional = |scope: &mut Scope<'_>, key: &str, raw: Option<&raw::Num>, default: u64| {
        money(scope, table, key, raw).map_or(default, |limit| limit.max(0) as u64)
    };
    let limits = AccountLimits {
        order_qty_max: scope.int(
            (table, "order_qty_max"),
            raw.order_qty_max.as_ref(),
            none.order_qty_max,
            1..=999_999,
        ),
        order_notional_max: notional(
            scope,
            "order_notional_max_dollars",
            raw.order_notional_max_dollars.as_ref(),
            none.order_notional_max,
        ),
        open_orders_max: scope.int(
            (table, "open_orders_max"),
            raw.open_orders_max.as_ref(),
            none.open_orders_max,
            0..=1 << 26,
        ),
        open_notional_max: notional(
            scope,
            "open_notional_max_dollars",
            raw.open_notional_max_dollars.as_ref(),
            none.open_notional_max,
        ),
        position_max: scope.int(
            (table, "position_max_shares"),
            raw.position_max_shares.as_ref(),
            none.position_max,
            0..=1 << 40,
        ),
        cash_floor: money(scope, table, "cash_floor_dollars", raw.cash_floor_dollars.as_ref())
            .unwrap_or(none.cash_floor),
        short_allowed: raw.short_allowed.unwrap_or(true),
    };
    let cash = money(scope, table, "cash_dollars", raw.cash_dollars.as_ref()).unwrap_or(0);
    AccountTerms { cash, limits }
}

/// The account of the ledger that a login trades for; one of its own is opened when it names none.
pub(super) fn ledger_of(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::Account,
    user: &str,
    ledger: &mut Vec<LedgerAccount>,
) -> u16 {
    let name = raw.ledger.as_ref().map_or(user, |name| name.get_ref());
    let known = ledger.iter().position(|account| account.name == name);
    let at = known.unwrap_or_else(|| {
        if let Some(name) = &raw.ledger {
            let problem = "no [[venue.ledger]] has this name";
            scope.fault((table, "ledger"), name.span(), problem);
        }
        open(ledger, user)
    });
    u16::try_from(at).unwrap_or(0)
}

fn open(ledger: &mut Vec<LedgerAccount>, name: &str) -> usize {
    if ledger.len() < LEDGER_MAX {
        ledger.push(LedgerAccount { name: name.to_owned(), terms: AccountTerms::default() });
    }
    ledger.len() - 1
}

/// `firm`
pub(super) fn firm(scope: &mut Scope<'_>, table: &str, raw: Option<&raw::Text>) -> Firm {
    let Some(text) = raw else { return Firm::BLANK };
    Firm::new(text.get_ref()).unwrap_or_else(|| {
        let problem = "a firm is at most 4 printable ASCII characters, no spaces";
        scope.fault((table, "firm"), text.span(), problem);
        Firm::BLANK
    })
}

/// `accounts_count`: as many logins more, all of one password, for tests of many.
pub(super) fn many(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::Venue,
    accounts: &mut Vec<Account>,
    ledger: &mut Vec<LedgerAccount>,
) {
    let count: usize =
        scope.int((table, "accounts_count"), raw.accounts_count.as_ref(), 0, 0..=4096);
    let password = raw.accounts_password.as_ref();
    if count > 0 && password.is_none() {
        let problem = "needs accounts_password, which all of them share";
        let span = super::scope::span_of(raw.accounts_count.as_ref());
        scope.fault((table, "accounts_count"), span, problem);
    }
    for number in 1..=count {
        let user = format!("U{number:04}");
        let at = open(ledger, &user);
        accounts.push(Account {
            password: super::Password(password.map_or_else(String::new, |p| p.get_ref().clone())),
            session: user.clone(),
            user,
            firm: Firm::BLANK,
            ledger: u16::try_from(at).unwrap_or(0),
            snapshot: false,
        });
    }
}

/// `[venue.session_limits]`
pub(super) fn session_limits(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::SessionLimits,
) -> SessionLimits {
    let none = SessionLimits::default();
    let notional = |scope: &mut Scope<'_>, key: &str, raw: Option<&raw::Num>, default: u64| {
        money(scope, table, key, raw).map_or(default, |limit| limit.max(0) as u64)
    };
    SessionLimits {
        open_orders_max: scope.int(
            (table, "open_orders_max"),
            raw.open_orders_max.as_ref(),
            none.open_orders_max,
            0..=1 << 26,
        ),
        order_qty_max: scope.int(
            (table, "order_qty_max"),
            raw.order_qty_max.as_ref(),
            none.order_qty_max,
            1..=999_999,
        ),
        order_notional_max: notional(
            scope,
            "order_notional_max_dollars",
            raw.order_notional_max_dollars.as_ref(),
            none.order_notional_max,
        ),
        open_notional_max: notional(
            scope,
            "open_notional_max_dollars",
            raw.open_notional_max_dollars.as_ref(),
            none.open_notional_max,
        ),
    }
}

/// The keys of `[venue.sessions]`: how a client's connection is kept within bounds.
pub(super) fn throttle(scope: &mut Scope<'_>, table: &str, raw: &raw::Throttle) -> Throttle {
    let default = ServerConfig::default();
    let ms = |scope: &mut Scope<'_>, key: &str, raw: Option<&raw::Int>, default_ns: u64| {
        scope.int((table, key), raw, default_ns / NS_A_MS, MS) * NS_A_MS
    };
    let rate = raw.messages_per_second_max.as_ref();
    let burst = raw.messages_burst_max.as_ref();
    let per_second = scope.int((table, "messages_per_second_max"), rate, 0, 0..=10_000_000);
    let server = ServerConfig {
        messages_per_second_max: per_second,
        messages_burst_max: scope.int(
            (table, "messages_burst_max"),
            burst,
            per_second.max(1),
            1..=10_000_000,
        ),
        takeover_after_ns: ms(
            scope,
            "takeover_after_ms",
            raw.takeover_after_ms.as_ref(),
            default.takeover_after_ns,
        ),
        stall_ns_max: ms(scope, "stall_ms_max", raw.stall_ms_max.as_ref(), default.stall_ns_max),
        backlog_messages_max: scope.int(
            (table, "backlog_messages_max"),
            raw.backlog_messages_max.as_ref(),
            default.backlog_messages_max,
            64..=1 << 26,
        ),
        ..default
    };
    Throttle {
        server,
        keep_alive_ns: ms(scope, "keep_alive_ms", raw.keep_alive_ms.as_ref(), 5_000 * NS_A_MS),
        rto_min_ns: ms(scope, "rto_min_ms", raw.rto_min_ms.as_ref(), 10 * NS_A_MS),
    }
}

/// The limits of retransmission requests.
pub(super) fn requests(scope: &mut Scope<'_>, table: &str, raw: &raw::Publisher) -> RequestLimits {
    let default = RequestLimits::default();
    let rate = raw.requests_per_second_max.as_ref();
    if rate.is_none() {
        return default;
    }
    let per_second = scope.int((table, "requests_per_second_max"), rate, 1_000, 1..=1_000_000);
    RequestLimits { requester: Rate::per_second(per_second, per_second), ..default }
}

/// `[[venue.schedule]]`
pub(super) fn schedule(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &[raw::ScheduleEntry],
    symbols: &[Listing],
) -> Vec<(Due, Operation)> {
    let mut names = Names::default();
    symbols.iter().for_each(|listed| names.list(listed.symbol, listed.locate));
    let mut entries = Vec::with_capacity(raw.len());
    for (index, entry) in raw.iter().enumerate() {
        let table = format!("{table}.schedule[{index}]");
        let due = due(scope, &table, entry);
        let words: Result<Words, _> = serde_json::from_str(entry.tell.get_ref());
        let operation = match words {
            Ok(words) => words.operation(&names).map_err(|e| e.to_string()),
            Err(error) => Err(format!("not a command: {error}")),
        };
        match (due, operation) {
            (Some(due), Ok(operation)) => entries.push((due, operation)),
            (_, Err(problem)) => scope.fault((&table, "tell"), entry.tell.span(), problem),
            (None, Ok(_)) => {}
        }
    }
    entries
}

fn due(scope: &mut Scope<'_>, table: &str, raw: &raw::ScheduleEntry) -> Option<Due> {
    match (&raw.at, &raw.after_ms) {
        (Some(at), None) => match time_of_day(at.get_ref()) {
            Some(ns) => Some(Due::At(ns)),
            None => {
                let problem = "not a time of the day in UTC, as \"14:30:00\"";
                scope.fault((table, "at"), at.span(), problem);
                None
            }
        },
        (None, Some(ms)) => {
            let bounds = 0..=86_400_000;
            Some(Due::After(scope.int((table, "after_ms"), Some(ms), 0, bounds) * NS_A_MS))
        }
        _ => {
            let problem = "needs one of `at` and `after_ms`";
            scope.fault((table, "tell"), raw.tell.span(), problem);
            None
        }
    }
}

/// `HH:MM:SS` in ns since midnight.
fn time_of_day(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut part = |below: u64| {
        let part = parts.next().filter(|p| p.len() == 2)?;
        part.parse::<u64>().ok().filter(|value| *value < below)
    };
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(60)?);
    let over = parts.next().is_some();
    (!over).then_some((hours * 3600 + minutes * 60 + seconds) * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::time_of_day;

    #[test]
    fn times_are_read_to_the_second() {
        assert_eq!(time_of_day("00:00:00"), Some(0));
        assert_eq!(time_of_day("23:59:59"), Some(86_399_000_000_000));
        for bad in ["", "9:30:00", "24:00:00", "09:60:00", "09:30", "09:30:00:00", "ab:cd:ef"] {
            assert_eq!(time_of_day(bad), None, "{bad}");
        }
    }
}
