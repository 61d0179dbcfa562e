//! What makes a venue an exchange: its rules, its day, and how its clients are kept within bounds.

use std::path::PathBuf;

use engine::{REG_NMS, SelfMatch, TickStep};
use lcore::venue::Due;
use net::TcpConfig;
use session::{LoginLimits, Rate, RequestLimits, ServerConfig};
use types::{Operation, PostOnly, Price};

use super::fault;
use super::model::{Listing, Throttle};
use super::raw::{self, Int, Text};
use super::scope::{Scope, span_of};
use crate::script::{Names, Words};

const NS_A_MS: u64 = 1_000_000;
/// A day.
const DAY_MS: i64 = 86_400_000;
/// TCP asks a quiet peer twice at least before its 15 s of silence are over.
const KEEP_ALIVE_MS_MAX: i64 = 7_500;
/// Commands of a day.
const SCHEDULE_MAX: usize = 65_536;
/// What a Unix socket's address holds, with a zero byte behind it.
const SOCKET_PATH_MAX: usize = 107;

/// What a schedule may say: trades, accounts and sessions are not known beforehand.
const SCHEDULED_OPS: [&str; 9] =
    ["phase", "halt", "resume", "cross", "quote", "reference", "bands", "breaker", "imbalance"];

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

/// `control`: where the operator's socket will be.
pub(super) fn control(scope: &mut Scope<'_>, table: &str, text: Option<&Text>) -> Option<PathBuf> {
    let text = text?;
    let path = written_path(scope, (table, "control"), text);
    if text.get_ref().len() > SOCKET_PATH_MAX {
        let problem = format!(
            "{} bytes; a socket's path has at most {SOCKET_PATH_MAX}: give one from the working \
             directory",
            text.get_ref().len()
        );
        scope.fault((table, "control"), text.span(), problem);
    }
    Some(path)
}

/// A path that the run writes to, from the working directory.
pub(super) fn written_path(scope: &mut Scope<'_>, key: (&str, &str), text: &Text) -> PathBuf {
    if text.get_ref().is_empty() || text.get_ref().contains('\0') {
        scope.fault(key, text.span(), "a path is a text that is not empty, without zero bytes");
    }
    PathBuf::from(text.get_ref())
}

/// `opens_trading`: a day that waits has something to wait for.
pub(super) fn opens_trading(scope: &mut Scope<'_>, table: &str, raw: &raw::Venue) -> bool {
    let Some(opens) = &raw.opens_trading else { return true };
    if !opens.get_ref() && raw.schedule.is_empty() && raw.control.is_none() {
        let problem = "nothing would ever begin the day; give a [[venue.schedule]] or `control`";
        scope.fault((table, "opens_trading"), opens.span(), problem);
    }
    *opens.get_ref()
}

/// The keys of `[venue.sessions]`: how a client's connection is kept within bounds.
pub(super) fn throttle(scope: &mut Scope<'_>, table: &str, raw: &raw::Throttle) -> Throttle {
    let tcp = TcpConfig::default();
    let mut ms = |key: &str, raw: Option<&Int>, default_ns: u64, max_ms: i64| -> u64 {
        scope.int((table, key), raw, default_ns / NS_A_MS, 1..=max_ms) * NS_A_MS
    };
    let keep_alive_ns =
        ms("keep_alive_ms", raw.keep_alive_ms.as_ref(), tcp.keep_alive_ns, KEEP_ALIVE_MS_MAX);
    let rto_min_ns = ms("rto_min_ms", raw.rto_min_ms.as_ref(), tcp.rto_min_ns, 1_000);
    let user_timeout_ns =
        ms("user_timeout_ms", raw.user_timeout_ms.as_ref(), tcp.user_timeout_ns, DAY_MS);
    let mut logins = LoginLimits::default();
    let retry = raw.login_retry_ms.as_ref();
    logins.address.interval_ns = ms("login_retry_ms", retry, logins.address.interval_ns, DAY_MS);
    let burst = raw.login_failures_burst.as_ref();
    logins.address.burst_max =
        scope.int((table, "login_failures_burst"), burst, logins.address.burst_max, 1..=1_000_000);
    Throttle {
        server: server(scope, table, raw),
        logins,
        keep_alive_ns,
        rto_min_ns,
        user_timeout_ns,
    }
}

fn server(scope: &mut Scope<'_>, table: &str, raw: &raw::Throttle) -> ServerConfig {
    let default = ServerConfig::default();
    let mut ms = |key: &str, raw: Option<&Int>, default_ns: u64, max_ms: i64| -> u64 {
        scope.int((table, key), raw, default_ns / NS_A_MS, 1..=max_ms) * NS_A_MS
    };
    // Whoever has been silent for longer is disconnected, and there is nothing to take over.
    let silence_ms = i64::try_from(default.silence_max_ns / NS_A_MS).unwrap_or(i64::MAX);
    let takeover = raw.takeover_after_ms.as_ref();
    let takeover_after_ns =
        ms("takeover_after_ms", takeover, default.takeover_after_ns, silence_ms);
    let stall_ns_max = ms("stall_ms_max", raw.stall_ms_max.as_ref(), default.stall_ns_max, DAY_MS);
    let rate = raw.messages_per_second_max.as_ref();
    let per_second: u32 = scope.int((table, "messages_per_second_max"), rate, 0, 0..=10_000_000);
    let burst = raw.messages_burst_max.as_ref();
    if burst.is_some() && rate.is_none_or(|rate| *rate.get_ref() == 0) {
        let problem = "means nothing without a messages_per_second_max above 0; give that too";
        scope.fault((table, "messages_burst_max"), span_of(burst), problem);
    }
    ServerConfig {
        messages_per_second_max: per_second,
        messages_burst_max: scope.int(
            (table, "messages_burst_max"),
            burst,
            per_second,
            1..=10_000_000,
        ),
        takeover_after_ns,
        stall_ns_max,
        backlog_messages_max: scope.int(
            (table, "backlog_messages_max"),
            raw.backlog_messages_max.as_ref(),
            default.backlog_messages_max,
            64..=1 << 26,
        ),
        backlog_bytes_max: scope.int(
            (table, "backlog_bytes_max"),
            raw.backlog_bytes_max.as_ref(),
            default.backlog_bytes_max,
            4096..=1 << 31,
        ),
        ..default
    }
}

/// The limits of retransmission requests. All requesters together may have what one may.
pub(super) fn requests(scope: &mut Scope<'_>, table: &str, raw: &raw::Publisher) -> RequestLimits {
    let default = RequestLimits::default();
    let key = (table, "requests_per_second_max");
    let rate = raw.requests_per_second_max.as_ref();
    let per_second: u32 = scope.int(key, rate, 1_000, 1..=1_000_000);
    let key = (table, "requests_burst_max");
    let burst = raw.requests_burst_max.as_ref();
    let at_once: u32 = scope.int(key, burst, default.requester.burst_max, 1..=1_000_000);
    RequestLimits {
        requester: Rate::per_second(per_second, at_once),
        all: Rate::per_second(per_second.max(10_000), at_once.max(default.all.burst_max)),
        ..default
    }
}

/// `heartbeat_ms`
pub(super) fn heartbeat_ns(scope: &mut Scope<'_>, table: &str, raw: Option<&Int>) -> u64 {
    scope.int((table, "heartbeat_ms"), raw, 1_000, 1..=60_000) * NS_A_MS
}

/// `snapshot_age_ms`
pub(super) fn snapshot_age_ns(scope: &mut Scope<'_>, table: &str, raw: Option<&Int>) -> u64 {
    scope.int((table, "snapshot_age_ms"), raw, 1_000, 0..=DAY_MS) * NS_A_MS
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
    let mut entries = Vec::with_capacity(raw.len().min(SCHEDULE_MAX));
    for (index, entry) in raw.iter().enumerate() {
        let table = format!("{table}.schedule[{index}]");
        if index == SCHEDULE_MAX {
            let problem = format!("a schedule has at most {SCHEDULE_MAX} entries; take some out");
            scope.fault((&table, "tell"), entry.tell.span(), problem);
            break;
        }
        let due = due(scope, &table, entry);
        match (due, operations(entry.tell.get_ref(), &names)) {
            (Some(due), Ok(told)) => entries.extend(told.map(|operation| (due, operation))),
            (_, Err(problem)) => scope.fault((&table, "tell"), entry.tell.span(), problem),
            (None, Ok(_)) => {}
        }
    }
    entries
}

/// The operator's command that a schedule tells, behind the reference price that it may name; or
/// why it is none.
fn operations(
    tell: &str,
    names: &Names,
) -> Result<impl Iterator<Item = Operation> + use<>, String> {
    let words: Words = serde_json::from_str(tell).map_err(|error| {
        let why = fault::reworded(&error.to_string());
        format!("not a command, as '{{\"op\":\"phase\",\"phase\":\"open\"}}': {why}")
    })?;
    if !SCHEDULED_OPS.contains(&words.op.as_str()) {
        let hint = fault::hint(&words.op, &SCHEDULED_OPS);
        return Err(format!("no schedule has the op {:?}; {hint}", fault::shorten(&words.op)));
    }
    let made = words.reference_first(names).and_then(|r| Ok((r, words.operation(names)?)));
    let (reference, operation) = made.map_err(|error| error.to_string())?;
    let told = reference.into_iter().chain([operation]);
    match told.clone().find_map(|operation| never(&operation)) {
        Some(problem) => Err(problem.to_owned()),
        None => Ok(told),
    }
}

/// Why an engine would refuse a command whatever its state.
fn never(operation: &Operation) -> Option<&'static str> {
    let beyond = |price: Price| price > Price::LIMIT_MAX;
    match *operation {
        Operation::Reference { price, .. } | Operation::Quote { price, .. } if beyond(price) => {
            Some("\"price\" must be 1/10000 dollars, at most 1999999900")
        }
        Operation::Bands { lower, upper, .. } if lower > upper || beyond(upper) => {
            Some("\"lower\" must be at most \"upper\", and that at most 1999999900")
        }
        Operation::Breaker { level } if !(1..=3).contains(&level) => Some("\"level\" is 1 to 3"),
        _ => None,
    }
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
            let ms: u64 = scope.int((table, "after_ms"), Some(ms), 0, 0..=DAY_MS);
            Some(Due::After(ms * NS_A_MS))
        }
        (Some(at), Some(_)) => {
            let problem = "an entry has one of `at` and `after_ms`; take one out";
            scope.fault((table, "at"), at.span(), problem);
            None
        }
        (None, None) => {
            let problem = "says what and not when; give one of `at` and `after_ms`";
            scope.fault((table, "tell"), raw.tell.span(), problem);
            None
        }
    }
}

/// `HH:MM:SS` in ns since midnight.
fn time_of_day(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut part = |below: u64| {
        let two_digits = |p: &&str| p.len() == 2 && p.bytes().all(|b| b.is_ascii_digit());
        let part = parts.next().filter(two_digits)?;
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
        for bad in
            ["", "9:30:00", "24:00:00", "09:60:00", "09:30", "09:30:00:00", "ab:cd:ef", "+9:30:00"]
        {
            assert_eq!(time_of_day(bad), None, "{bad}");
        }
    }
}
