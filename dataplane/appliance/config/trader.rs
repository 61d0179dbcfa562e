//! The traders: feed and its recovery, strategy, and what pulls the plug; `gate` has the rest.

use algos::{Builtin, ParamSpec};
use desk::CoreConfig;
use feed::{FeedConfig, RetransmitConfig, SnapshotJoinConfig};
use toml::Spanned;
use types::Symbol;

use super::exchange;
use super::fault::hint;
use super::gate;
use super::raw::{self, Text};
use super::roles::{self, LCORES, LEVELS, ORDERS};
use super::scope::{Scope, span_of};
use super::{SnapshotClient, StrategyConfig, TraderCapacity, TraderConfig};

/// Milliseconds of a watchdog; 0 is none.
const WATCH_MS: std::ops::RangeInclusive<i64> = 0..=3_600_000;
const MS: u64 = 1_000_000;

/// `[[trader]]`
pub(super) fn traders(scope: &mut Scope<'_>, raw: &[raw::Trader]) -> Vec<TraderConfig> {
    let one = |(index, raw)| trader(scope, &format!("trader[{index}]"), raw);
    let mut traders: Vec<TraderConfig> = raw.iter().enumerate().map(one).collect();
    let firm_exposure_max = gate::firm_exposure_max(scope, raw);
    traders.iter_mut().for_each(|trader| trader.firm_exposure_max = firm_exposure_max);
    traders
}

fn trader(scope: &mut Scope<'_>, table: &str, raw: &raw::Trader) -> TraderConfig {
    let part = |name: &str| format!("{table}.{name}");
    let orders = roles::client(scope, &part("orders"), &raw.orders);
    let feed = roles::receiver(scope, &part("feed"), &raw.feed);
    let strategy = strategy(scope, &part("strategy"), &raw.strategy);
    let (gate, ticker_limits) = gate::gate(scope, table, raw, &strategy.symbols);
    let snapshot = raw.snapshot.as_ref();
    TraderConfig {
        name: scope.name((table, "name"), &raw.name),
        lcore: scope.int((table, "lcore"), Some(&raw.lcore), 0, LCORES),
        control: exchange::control(scope, table, raw.control.as_ref()),
        refusals: raw
            .refusals
            .as_ref()
            .map(|path| exchange::written_path(scope, (table, "refusals"), path)),
        line_b: raw
            .line_b
            .as_ref()
            .map(|b| roles::line_b(scope, &part("line_b"), b, roles::LineA::heard(&raw.feed))),
        recovery: recovery(scope, &part("recovery"), raw),
        server: raw
            .recovery
            .server
            .as_ref()
            .map(|s| scope.socket((&part("recovery"), "server"), s)),
        silent_after_ns: MS
            * scope.int(
                (&part("recovery"), "silent_after_ms"),
                raw.recovery.silent_after_ms.as_ref(),
                0,
                WATCH_MS,
            ),
        snapshot: snapshot.map(|raw| SnapshotClient {
            server: match &raw.server {
                Some(text) => scope.socket((&part("snapshot"), "server"), text),
                None => orders.venue,
            },
            user: scope.field((&part("snapshot"), "user"), &raw.user, 6),
            password: super::accounts::password(
                scope,
                (&part("snapshot"), "password"),
                &raw.password,
            ),
        }),
        core: kill(scope, &part("kill"), raw),
        limits: capacity(scope, &part("limits"), &raw.limits),
        feed,
        orders,
        strategy,
        firm_exposure_max: 0,
        gate,
        ticker_limits,
    }
}

/// What is done about loss. Means that are not there are not asked for.
fn recovery(scope: &mut Scope<'_>, table: &str, raw: &raw::Trader) -> FeedConfig {
    let r = &raw.recovery;
    let asks = RetransmitConfig::default();
    let mut int = |name, value: &Option<raw::Int>, default: u64, max| -> u64 {
        scope.int((table, name), value.as_ref(), default, 0..=max)
    };
    let wait_ns = 1_000 * int("wait_us", &r.wait_us, 500, 10_000_000);
    let messages_max = int("gap_messages_max", &r.gap_messages_max, asks.messages_max, 1 << 30);
    let timeout_ns = MS * int("request_timeout_ms", &r.request_timeout_ms, 20, 60_000);
    let held_messages_max = int("held_messages_max", &r.held_messages_max, 1 << 16, 1 << 24);
    let held_bytes_max = int("held_bytes_max", &r.held_bytes_max, 1 << 22, 1 << 31);
    let session_silence_ns =
        MS * int("session_silence_ms", &r.session_silence_ms, 30_000, 86_400_000);
    let request_messages_max = scope.int(
        (table, "request_messages_max"),
        r.request_messages_max.as_ref(),
        asks.request_messages_max,
        1..=65_534,
    );
    let tries_max = scope.int(
        (table, "request_tries_max"),
        r.request_tries_max.as_ref(),
        asks.tries_max,
        1..=1_000,
    );
    let retransmit = r.server.as_ref().map(|_| RetransmitConfig {
        messages_max,
        request_messages_max,
        timeout_ns,
        tries_max,
    });
    let from = r.from.as_ref().map_or(raw::From::Now, |from| *from.get_ref());
    let snapshot = snapshot_join(scope, raw, from);
    FeedConfig {
        first_seq: matches!(from, raw::From::Start).then_some(1),
        wait_ns,
        retransmit,
        snapshot,
        held_messages_max: held_messages_max as usize,
        held_bytes_max: held_bytes_max as usize,
        session_silence_ns,
        ..FeedConfig::default()
    }
}

fn snapshot_join(
    scope: &mut Scope<'_>,
    raw: &raw::Trader,
    from: raw::From,
) -> Option<SnapshotJoinConfig> {
    let table = "trader.snapshot";
    let join_at_start = matches!(from, raw::From::Snapshot);
    let Some(snapshot) = &raw.snapshot else {
        if join_at_start {
            let problem = "needs a [trader.snapshot] that says whom to ask; or \"now\"";
            let span = span_of(raw.recovery.from.as_ref());
            scope.fault(("trader.recovery", "from"), span, problem);
        }
        return None;
    };
    let default = SnapshotJoinConfig::default();
    let mut ms = |name, value: &Option<raw::Int>, default_ns: u64| -> u64 {
        MS * scope.int((table, name), value.as_ref(), default_ns / MS, 1..=600_000)
    };
    Some(SnapshotJoinConfig {
        join_at_start,
        timeout_ns: ms("timeout_ms", &snapshot.timeout_ms, default.timeout_ns),
        retry_ns: ms("retry_ms", &snapshot.retry_ms, default.retry_ns),
        tries_max: scope.int(
            (table, "tries_max"),
            snapshot.tries_max.as_ref(),
            default.tries_max,
            1..=1_000,
        ),
    })
}

fn kill(scope: &mut Scope<'_>, table: &str, raw: &raw::Trader) -> CoreConfig {
    let kill = &raw.kill;
    let mut ms = |name, value: Option<&raw::Int>| -> u64 {
        MS * scope.int((table, name), value, 0, WATCH_MS)
    };
    CoreConfig {
        kill_on_lossy_feed: kill.lossy_feed.unwrap_or(false),
        kill_feed_silence_ns: ms("feed_silent_ms", kill.feed_silent_ms.as_ref()),
        kill_control_silence_ns: ms("control_silent_ms", kill.control_silent_ms.as_ref()),
        kill_disconnected_ns: ms("disconnected_ms", kill.disconnected_ms.as_ref()),
        cancel_on_suspect: raw.risk.suspect.unwrap_or(raw::Act::Stop) == raw::Act::Stop,
    }
}

fn capacity(scope: &mut Scope<'_>, table: &str, raw: &raw::TraderLimits) -> TraderCapacity {
    TraderCapacity {
        orders_max: scope.int((table, "orders_max"), raw.orders_max.as_ref(), 65_536, ORDERS),
        levels_max: scope.int((table, "levels_max"), raw.levels_max.as_ref(), 16_384, LEVELS),
        symbols_max: scope.int((table, "symbols_max"), raw.symbols_max.as_ref(), 1024, 2..=65_535),
        only_traded: raw.books.unwrap_or(raw::Books::All) == raw::Books::Traded,
        tape_prints_max: scope.power_of_two(
            (table, "tape_prints_max"),
            raw.tape_prints_max.as_ref(),
            4096,
            1..=1 << 24,
        ),
    }
}

/// `kind`, `symbols`, and the kind's own parameters.
fn strategy(scope: &mut Scope<'_>, table: &str, raw: &Spanned<raw::Strategy>) -> StrategyConfig {
    let entries = raw.get_ref();
    let get = |name: &str| entries.iter().find(|(key, _)| key.get_ref() == name);
    let kinds: Vec<&str> = Builtin::KINDS.iter().map(|kind| kind.name).collect();
    let kind = get("kind").and_then(|(_, value)| value.get_ref().as_str());
    let found = kind.and_then(|name| Builtin::KINDS.iter().find(|kind| kind.name == name));
    let Some(found) = found else {
        let span = get("kind").map_or(raw.span(), |(_, value)| value.span());
        let problem = match kind {
            Some(kind) => format!("no such strategy; {}", hint(kind, &kinds)),
            None => format!("a strategy has a `kind`, one of {}", kinds.join(", ")),
        };
        scope.fault((table, "kind"), span, problem);
        return StrategyConfig { kind: kinds[0], symbols: Vec::new(), values: Vec::new() };
    };
    let list = get("symbols").map(|(_, value)| value);
    let symbols = watched(scope, table, raw.span(), list);
    let (least, most) = (found.symbols_min, found.symbols_max);
    if !symbols.is_empty() && !(usize::from(least)..=usize::from(most)).contains(&symbols.len()) {
        let span = list.map_or(raw.span(), Spanned::span);
        let name = found.name;
        let problem = format!("{name} works with {least} to {most} symbols, not {}", symbols.len());
        scope.fault((table, "symbols"), span, problem);
    }
    let mut values: Vec<i64> = found.params.iter().map(|param| param.default).collect();
    for (key, value) in entries {
        let name = key.get_ref().as_str();
        if name == "kind" || name == "symbols" {
            continue;
        }
        match found.params.iter().position(|param| param.name == name) {
            Some(at) => values[at] = parameter(scope, table, &found.params[at], value),
            None => {
                let known: Vec<&str> = found.params.iter().map(|param| param.name).collect();
                let problem =
                    format!("{} has no such parameter; {}", found.name, hint(name, &known));
                scope.fault((table, name), value.span(), problem);
            }
        }
    }
    StrategyConfig { kind: found.name, symbols, values }
}

fn parameter(
    scope: &mut Scope<'_>,
    table: &str,
    spec: &ParamSpec,
    value: &Spanned<toml::Value>,
) -> i64 {
    let bounds = spec.min..=spec.max;
    match value.get_ref() {
        toml::Value::Integer(number) if bounds.contains(number) => return *number,
        toml::Value::Boolean(flag) if spec.min == 0 && spec.max == 1 => return i64::from(*flag),
        _ => {}
    }
    let what = match value.get_ref() {
        toml::Value::Integer(_) => "out of bounds; must be",
        _ => "must be a whole number,",
    };
    let problem = format!("{what} {} to {}: {}", spec.min, spec.max, spec.help);
    scope.fault((table, spec.name), value.span(), problem);
    spec.default
}

fn watched(
    scope: &mut Scope<'_>,
    table: &str,
    at: std::ops::Range<usize>,
    value: Option<&Spanned<toml::Value>>,
) -> Vec<Symbol> {
    let list = value.and_then(|value| value.get_ref().as_array());
    let names: Option<Vec<&str>> =
        list.map(|list| list.iter().map(toml::Value::as_str).collect()).unwrap_or_default();
    let span = value.map_or(at, Spanned::span);
    let names = names.unwrap_or_default();
    if names.is_empty() {
        let problem = "watches nothing; name at least one symbol, as [\"AAPL\"]";
        scope.fault((table, "symbols"), span, problem);
        return Vec::new();
    }
    let texts: Vec<Text> =
        names.iter().map(|name| Spanned::new(span.clone(), (*name).to_owned())).collect();
    roles::symbols(scope, table, &texts)
}
