//! Every way in which a configuration can be wrong is told in one message that names the place, the
//! value and the remedy, with exit status 2. Each case is one edit of the quickstart's file, or of
//! the exchange's.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "common/mod.rs"]
mod common;

/// A file below the target folder that goes when the test does.
struct Written(PathBuf);

impl Written {
    /// Puts `text` where the quickstart's relative paths lead to the samples.
    fn new(name: &str, text: &str) -> Written {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("config-{name}"));
        std::fs::create_dir_all(&folder).expect("a folder below target");
        let data = common::repo_root().join("data");
        let file = folder.join("x.toml");
        let text = text.replace("../data/", &format!("{}/", data.display()));
        std::fs::write(&file, text).expect("a file below target");
        Written(folder)
    }

    fn check(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
        command.args(["check", "x.toml"]).current_dir(&self.0).env("RUST_BACKTRACE", "1");
        command.output().expect("the binary starts")
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn quickstart() -> String {
    configuration("quickstart")
}

fn configuration(name: &str) -> String {
    let path = common::repo_root().join(format!("config/{name}.toml"));
    std::fs::read_to_string(path).expect("a configuration that we give")
}

/// An edit of the quickstart's file, and what must be told of it.
struct Case {
    /// A line of this table is meant, by its header, and of those tables the n-th.
    table: (&'static str, usize),
    /// The line starts so; an empty one is the header's.
    line: &'static str,
    /// What stands there instead.
    instead: &'static str,
    /// The place is the edited line; these are in the message too.
    told: &'static [&'static str],
}

const fn case(
    table: (&'static str, usize),
    line: &'static str,
    instead: &'static str,
    told: &'static [&'static str],
) -> Case {
    Case { table, line, instead, told }
}

/// The edited text and the number of the edited line.
fn edit(text: &str, case: &Case) -> (String, usize) {
    let (header, nth) = case.table;
    let lines: Vec<&str> = text.lines().collect();
    let is_header = |line: &str| line.split('#').next().unwrap_or("").trim() == header;
    let headers = (0..lines.len()).filter(|&i| is_header(lines[i]));
    let start = headers.clone().nth(nth).unwrap_or_else(|| panic!("no {header} number {nth}"));
    let at = if case.line.is_empty() {
        start
    } else {
        (start + 1..lines.len())
            .find(|&i| lines[i].starts_with(case.line))
            .unwrap_or_else(|| panic!("no line {} in {header}", case.line))
    };
    let mut edited: Vec<&str> = lines;
    edited[at] = case.instead;
    (edited.join("\n"), at + 1)
}

fn run_cases(group: &str, cases: &[Case]) {
    run_cases_of(&quickstart(), group, cases);
}

fn run_cases_of(text: &str, group: &str, cases: &[Case]) {
    for (index, case) in cases.iter().enumerate() {
        let (edited, line) = edit(text, case);
        let output = Written::new(&format!("{group}-{index}"), &edited).check();
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        let what = format!("{:?} -> {}\n{told}", case.table, case.instead);
        assert_eq!(output.status.code(), Some(2), "{what}");
        assert!(output.stdout.is_empty(), "{what}");
        assert!(told.starts_with("peregrine: x.toml:"), "one message, with its place: {what}");
        assert_eq!(told.lines().count(), 1, "one line, no backtrace: {what}");
        // What an empty line lacks is told at the table's header.
        if !case.instead.is_empty() {
            assert!(told.starts_with(&format!("peregrine: x.toml:{line}:")), "line {line}: {what}");
        }
        for part in case.told {
            assert!(told.contains(part), "{part:?} is not told: {what}");
        }
    }
}

const RUN: (&str, usize) = ("[run]", 0);
const EAL: (&str, usize) = ("[eal]", 0);
const HOST: (&str, usize) = ("[host]", 0);
const LCORES: (&str, usize) = ("[lcores]", 0);
const POOL: (&str, usize) = ("[pool]", 0);
const VENUE: (&str, usize) = ("[[venue]]", 0);
const VENUE_ORDERS: (&str, usize) = ("[[venue.orders]]", 0);
const ITCH: (&str, usize) = ("[venue.itch]", 0);
const ACCOUNT: (&str, usize) = ("[[venue.accounts]]", 0);
const ACCOUNT_2: (&str, usize) = ("[[venue.accounts]]", 1);
const VENUE_LIMITS: (&str, usize) = ("[venue.limits]", 0);
const VENUE_RISK: (&str, usize) = ("[venue.risk]", 0);
const TRADER: (&str, usize) = ("[[trader]]", 0);
const FEED: (&str, usize) = ("[trader.feed]", 0);
const TRADER_ORDERS: (&str, usize) = ("[trader.orders]", 0);
const STRATEGY: (&str, usize) = ("[trader.strategy]", 0);
const RECOVERY: (&str, usize) = ("[trader.recovery]", 0);
const TRADER_RISK: (&str, usize) = ("[trader.risk]", 0);
const SYMBOL: (&str, usize) = ("[trader.risk.symbols.AAPL]", 0);
const KILL: (&str, usize) = ("[trader.kill]", 0);
const TRADER_LIMITS: (&str, usize) = ("[trader.limits]", 0);
const LOADGEN: (&str, usize) = ("[[loadgen]]", 0);
const LOADGEN_FEED: (&str, usize) = ("[loadgen.feed]", 0);
const LOADGEN_ORDERS: (&str, usize) = ("[loadgen.orders]", 0);
const WATCH: (&str, usize) = ("[loadgen.watch]", 0);
const LINE_B: (&str, usize) = ("[venue.itch.line_b]", 0);
const SCHEDULE: (&str, usize) = ("[[venue.schedule]]", 0);
const LEDGER: (&str, usize) = ("[[venue.ledger]]", 0);
const SESSION_LIMITS: (&str, usize) = ("[venue.session_limits]", 0);
const SESSIONS: (&str, usize) = ("[venue.sessions]", 0);
const IMPAIR: (&str, usize) = ("[[impair]]", 0);
const A_TO_B: (&str, usize) = ("[impair.a_to_b]", 0);
const B_TO_A: (&str, usize) = ("[impair.b_to_a]", 0);

#[test]
fn unknown_keys_and_values_name_the_nearest_known() {
    run_cases(
        "unknown",
        &[
            case(
                RUN,
                "title",
                "titel = \"x\"",
                &["unknown key `titel`", "mean `title`", "drain_ms"],
            ),
            case(POOL, "", "[pol]", &["unknown key `pol`", "did you mean `pool`", "loadgen"]),
            case(("[[link]]", 0), "slots", "slotz = 64", &["`slotz`", "did you mean `slots`"]),
            case(ITCH, "mtu", "mtus = 1500", &["`mtus`", "did you mean `mtu`", "udp_port"]),
            case(VENUE_LIMITS, "rx_bytes", "rxbytes = 1", &["did you mean `rx_bytes`"]),
            case(STRATEGY, "every_ticks", "every_tick = 1", &["did you mean \"every_ticks\""]),
            case(EAL, "huge", "huge = \"of\"", &["huge = \"of\"", "`of`", "auto, require, off"]),
            case(RUN, "stop", "stop = \"replay_end\"", &["did you mean `replay-end`"]),
            case(HOST, "unfit", "unfit = \"refuze\"", &["unfit = \"refuze\"", "mean `refuse`"]),
            case(HOST, "warnings", "warnings = \"line\"", &["did you mean `lines`", "brief"]),
            case(HOST, "verify", "verifi = true", &["`verifi`", "did you mean `verify`"]),
            case(STRATEGY, "kind", "kind = \"ecco\"", &["did you mean \"echo\""]),
            case(("[[link]]", 1), "kind", "kind = \"net_rung\"", &["did you mean `net_ring`"]),
        ],
    );
}

#[test]
fn broken_toml_and_wrong_types_name_the_place() {
    run_cases(
        "types",
        &[
            case(RUN, "drain_ms", "drain_ms = ", &[]),
            case(RUN, "drain_ms", "drain_ms = 1.5", &["drain_ms = 1.5", "a whole number"]),
            case(RUN, "title", "title = 5", &["title = 5", "a string"]),
            case(EAL, "memory_mb", "memory_mb = \"128\"", &["a whole number"]),
            case(LCORES, "cpus", "cpus = true", &["cpus = true", "\"auto\" or a list"]),
            case(LCORES, "cpus", "cpus = \"all\"", &["lcores.cpus = \"all\"", "[2, 3]"]),
            case(LOADGEN, "files", "files = \"a\"", &["a list"]),
            case(RUN, "drain_ms", "title = \"again\"", &["duplicate key"]),
            case(VENUE, "lcore", "", &["the key `lcore` is missing"]),
            case(WATCH, "group", "", &["the key `group` is missing"]),
        ],
    );
}

#[test]
fn numbers_out_of_bounds_name_the_bounds() {
    run_cases(
        "bounds",
        &[
            case(RUN, "drain_ms", "drain_ms = -1", &["run.drain_ms = -1", "0 to 60000"]),
            case(RUN, "drain_ms", "duration_s = nan", &["run.duration_s = nan", "0.001 to"]),
            case(VENUE, "lcore", "lcore = 128", &["venue[0].lcore = 128", "0 to 127"]),
            case(ITCH, "mtu", "mtu = 575", &["venue[0].itch.mtu = 575", "576 to 9000"]),
            case(ITCH, "mtu", "mtu = 9001", &["576 to 9000"]),
            case(ITCH, "mtu", "mtu = 9000", &["does not fit an mbuf", "set pool.data_room = 9146"]),
            case(ITCH, "ttl", "ttl = 0", &["1 to 255"]),
            case(ITCH, "udp_port", "udp_port = 65536", &["1 to 65535"]),
            case(VENUE_ORDERS, "listen", "listen = 0", &["orders[0].listen = 0", "1 to 65535"]),
            case(VENUE_ORDERS, "listen", "vlan = 4095", &["vlan = 4095", "1 to 4094"]),
            case(VENUE_LIMITS, "orders_max", "orders_max = 0", &["limits.orders_max = 0", "16 to"]),
            case(VENUE_LIMITS, "connections_max", "connections_max = 0", &["1 to 8192"]),
            case(VENUE_LIMITS, "replay_bytes", "replay_bytes = 5000", &["power of two", "4096"]),
            case(VENUE_RISK, "order_qty_max", "order_qty_max = 1000000", &["1 to 999999"]),
            case(VENUE_RISK, "price_collar_bps", "price_collar_bps = 10001", &["0 to 10000"]),
            case(TRADER_RISK, "open_orders_max", "open_orders_max = 0", &["1 to 65536"]),
            case(TRADER_LIMITS, "symbols_max", "symbols_max = 65536", &["2 to 65535"]),
            case(STRATEGY, "qty", "qty_shares = 0", &["strategy.qty_shares = 0", "1 to 999999"]),
            case(STRATEGY, "mode", "mode = \"take\"", &["strategy.mode", "a whole number, 0 to 1"]),
            case(STRATEGY, "symbols", "symbols = []", &["watches nothing", "[\"AAPL\"]"]),
            case(RECOVERY, "wait_us", "wait_us = -1", &["recovery.wait_us = -1", "0 to 10000000"]),
            case(RECOVERY, "server", "server = \"10.0.4.1\"", &["recovery.server", "26400"]),
            case(RECOVERY, "from", "from = \"snapshot\"", &["needs a [trader.snapshot]"]),
            case(RECOVERY, "from", "from = \"begin\"", &["`begin`", "start, now, snapshot"]),
            case(TRADER_RISK, "no_trade", "no_trade = [\"APL\"]", &["not traded", "\"AAPL\""]),
            case(TRADER_RISK, "stale", "stale = \"halt\"", &["`halt`", "stop, trade"]),
            case(TRADER_RISK, "ticks", "ticks = \"cent\"", &["`cent`", "none, reg-nms"]),
            case(
                TRADER_RISK,
                "account_gross",
                "account_gross_shares_max = -1",
                &["0 to 1000000000"],
            ),
            case(SYMBOL, "position_max", "position_max_shares = 0", &["symbols.AAPL.position_max"]),
            case(KILL, "loss_dollars", "loss_dollars = -5", &["trader[0].kill.loss_dollars = -5"]),
            case(TRADER_LIMITS, "tape", "tape_prints_max = 1000", &["power of two, such as 512"]),
            case(LOADGEN, "repeat", "repeat = 0", &["repeat = 0"]),
            case(LOADGEN, "gap_max_s", "gap_max_s = -0.5", &["gap_max_s = -0.5", "0 to 86400"]),
            case(LOADGEN, "pace", "pace = \"fast\"", &["pace = \"fast\"", "250000/s"]),
            case(LOADGEN, "pace", "pace = \"0x\"", &["0.001x"]),
            case(("[[link]]", 0), "slots", "slots = 1000", &["power of two, such as 512 or 1024"]),
            case(POOL, "mbufs", "mbufs = 4095", &["4095 mbufs", "link feed", "set at least 9728"]),
            case(EAL, "memory_mb", "memory_mb = 32", &["eal.memory_mb = 32", "set at least 46"]),
        ],
    );
}

#[test]
fn addresses_and_names_are_what_they_claim_to_be() {
    run_cases(
        "addresses",
        &[
            case(
                ITCH,
                "group",
                "group = \"10.0.0.1\"",
                &["itch.group = \"10.0.0.1\"", "239.192.0.1"],
            ),
            case(ITCH, "group", "group = \"224.0.0.5\"", &["224.0.1.0 to 239.255.255.255"]),
            case(ITCH, "mac", "mac = \"01:00:5e:00:00:01\"", &["multicast", "must be even"]),
            case(ITCH, "mac", "mac = \"02-00-00-00-03-01\"", &["not a MAC", "02:00:00:00:01:01"]),
            case(ITCH, "ip", "ip = \"10.0.3.1\"", &["network's bits", "10.0.1.1/24"]),
            case(ITCH, "ip", "ip = \"10.0.3.1/33\"", &["network's bits"]),
            case(ITCH, "ip", "ip = \"239.0.3.1/24\"", &["not a host's"]),
            case(
                VENUE_ORDERS,
                "listen",
                "gateway = \"10.9.9.9\"",
                &["network of ip = 10.0.1.1/24"],
            ),
            case(ITCH, "session", "session = \"PEREGRINE12\"", &["itch.session", "1 to 10"]),
            case(ITCH, "session", "session = \"PÉREGRIN\"", &["printable ASCII"]),
            case(ACCOUNT, "user", "user = \"TRADER1\"", &["accounts[0].user", "1 to 6"]),
            case(VENUE, "name", "name = \"the venue\"", &["venue[0].name", "1 to 12"]),
            case(STRATEGY, "symbols", "symbols = [\"TOOLONGNAME\"]", &["symbols[0]", "1 to 8"]),
            case(STRATEGY, "symbols", "symbols = []", &["watches nothing"]),
            case(TRADER_ORDERS, "venue", "venue = \"10.0.1.1\"", &["10.0.1.1:26400"]),
            case(EAL, "allow_pci", "allow_pci = [\"21:00.0\"]", &["allow_pci[0]", "0000:21:00.0"]),
            case(LOADGEN, "files", "files = [\"../data/sample/none.itch\"]", &["No such file"]),
            case(LOADGEN, "files", "files = [\"../data/sample\"]", &["not a file"]),
            case(LOADGEN, "files", "files = []", &["nothing to replay"]),
            case(VENUE, "directory", "directory = \"x.toml\"", &["must be an ITCH file"]),
            case(VENUE, "symbols", "symbols = [\"AAPLE\"]", &["not in the directory", "\"AAPL\"?"]),
        ],
    );
}

#[test]
fn an_exchange_names_the_nearest_key_and_the_bounds() {
    run_cases_of(
        &configuration("exchange"),
        "exchange",
        &[
            case(VENUE, "ticks", "tick = \"none\"", &["`tick`", "did you mean `ticks`"]),
            case(VENUE, "ticks", "ticks = \"regnms\"", &["did you mean `reg-nms`"]),
            case(VENUE, "self_match", "self_match = \"new\"", &["decrement, trade"]),
            case(VENUE, "post_only", "post_only = true", &["post_only = true"]),
            case(SESSIONS, "stall_ms_max", "stall_max_ms = 1", &["mean `stall_ms_max`"]),
            case(LINE_B, "udp_port", "udp_prot = 1", &["did you mean `udp_port`"]),
            case(LEDGER, "cash_floor", "cash_flor_dollars = 0", &["mean `cash_floor_dollars`"]),
            case(
                SESSIONS,
                "rto_min_ms",
                "rto_min_ms = 0",
                &["sessions.rto_min_ms = 0", "1 to 1000"],
            ),
            case(SESSIONS, "keep_alive_ms", "keep_alive_ms = 8000", &["1 to 7500"]),
            case(SESSIONS, "takeover", "takeover_after_ms = 15001", &["1 to 15000"]),
            case(SESSIONS, "backlog_bytes", "backlog_bytes_max = 1", &["4096 to 2147483648"]),
            case(SESSIONS, "login_failures", "login_failures_burst = 0", &["1 to 1000000"]),
            case(SESSIONS, "messages_per", "messages_per_second_max = -1", &["0 to 10000000"]),
            case(
                ITCH,
                "heartbeat_ms",
                "heartbeat_ms = 0",
                &["itch.heartbeat_ms = 0", "1 to 60000"],
            ),
            case(ITCH, "requests_burst", "requests_burst_max = 0", &["1 to 1000000"]),
            case(VENUE_LIMITS, "connections_max", "connections_max = 8193", &["1 to 8192"]),
            case(VENUE_LIMITS, "trades_max", "trades_max = 0", &["1 to 67108864"]),
            case(VENUE_LIMITS, "snapshot_bytes", "snapshot_bytes = 1", &["65536 to 2147483648"]),
            case(VENUE_LIMITS, "snapshot_age", "snapshot_age_ms = -1", &["0 to 86400000"]),
            case(VENUE_LIMITS, "positions_max", "positions_max = 15", &["16 to 67108864"]),
            case(SESSION_LIMITS, "order_qty", "order_qty_max = 1000000", &["1 to 999999"]),
            case(SESSION_LIMITS, "open_orders", "open_orders_max = -1", &["0 to 67108864"]),
        ],
    );
}

#[test]
fn dollars_are_read_digit_by_digit() {
    let exchange = configuration("exchange");
    let cases = [
        "cash_dollars = 0.00001",
        "cash_dollars = 1e6",
        "cash_dollars = nan",
        "cash_dollars = -inf",
        "cash_dollars = true",
        "cash_dollars = 0x10",
        "cash_dollars = \"1,000\"",
        "cash_dollars = \"\"",
        "cash_dollars = \"-\"",
        "cash_dollars = \".5\"",
        "cash_dollars = \"99999999999999999999\"",
    ]
    .map(|instead| {
        case(LEDGER, "cash_dollars", instead, &["ledger[0].cash_dollars", "at most four decimals"])
    });
    run_cases_of(&exchange, "dollars", &cases);
    let bounds = [
        case(LEDGER, "cash_dollars", "cash_dollars = 1000000000000.0001", &["to 1000000000000"]),
        case(LEDGER, "order_not", "order_notional_max_dollars = -0.0001", &["0 to 1000000000000"]),
    ];
    run_cases_of(&exchange, "dollar-bounds", &bounds);
}

#[test]
fn an_exchange_says_what_can_be() {
    run_cases_of(
        &configuration("exchange"),
        "can-be",
        &[
            case(SCHEDULE, "at", "at = \"9:30\"", &["schedule[0].at = \"9:30\"", "14:30:00"]),
            case(SCHEDULE, "at", "at = \"24:00:00\"", &["time of the day"]),
            case(SCHEDULE, "at", "after_ms = -1", &["after_ms = -1", "0 to 86400000"]),
            case(SCHEDULE, "tell", "tell = '{\"op\":\"phase\"}'", &["needs \"phase\""]),
            case(SCHEDULE, "tell", "tell = 'open'", &["schedule[0].tell", "not a command"]),
            case(
                SCHEDULE,
                "tell",
                "tell = '{\"op\":\"phase\",\"phas\":\"open\"}'",
                &["unknown key `phas`", "did you mean `phase`"],
            ),
            case(SCHEDULE, "tell", "tell = '{\"op\":\"halts\"}'", &["did you mean \"halt\"?"]),
            case(SCHEDULE, "tell", "tell = '{\"op\":\"bust\",\"match\":1}'", &["no schedule has"]),
            case(
                SCHEDULE,
                "tell",
                "tell = '{\"op\":\"halt\",\"symbol\":\"MSFT\"}'",
                &["\"MSFT\"", "no such symbol"],
            ),
            case(SCHEDULE, "tell", "tell = '{\"op\":\"breaker\",\"level\":4}'", &["1 to 3"]),
            case(
                SCHEDULE,
                "tell",
                "tell = '{\"op\":\"bands\",\"lower\":2,\"upper\":1}'",
                &["at most \"upper\""],
            ),
            case(ACCOUNT, "firm", "firm = \"ALPHA\"", &["accounts[0].firm", "1 to 4"]),
            case(ACCOUNT, "firm", "firm = \"\"", &["1 to 4"]),
            case(ACCOUNT, "ledger", "ledger = \"alpa\"", &["no [[venue.ledger]]", "\"alpha\"?"]),
            case(VENUE, "control", "control = \"\"", &["a path is a text"]),
            case(VENUE, "state_file", "state_file = \"exchange.sock\"", &["has this path too"]),
            case(VENUE, "round_lots", "accounts_count = 9", &["needs accounts_password"]),
            case(VENUE, "round_lots", "accounts_prefix = \"V\"", &["without an accounts_count"]),
            case(VENUE, "round_lots", "accounts_count = 4097", &["0 to 4096"]),
            case(SESSIONS, "messages_per", "", &["messages_burst_max = 5000", "give that too"]),
            case(LINE_B, "ip", "ip = \"10.10.3.1\"", &["line_b.ip", "10.0.1.1/24"]),
            case(LINE_B, "group", "group = \"10.0.0.1\"", &["line_b.group", "239.192.0.1"]),
        ],
    );
}

/// What several lines say together.
#[test]
fn an_exchange_is_whole() {
    let told = |name: &str, edits: &[(&str, &str)], parts: &[&str]| {
        let mut text = configuration("exchange");
        for (from, to) in edits {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text = text.replace(from, to);
        }
        let output = Written::new(name, &text).check();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code().map(|code| code == 0), Some(parts.is_empty()), "{told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{parts:?} is not told: {told}");
        assert!(!told.contains("sesame"), "{told}");
    };
    let many = |count: &str| format!("round_lots = false\n{count}\naccounts_password = \"sesame\"");
    let round_lots = "round_lots = false";
    told("many", &[(round_lots, &many("accounts_count = 4093"))], &[]);
    let at_most = "more than 4096 logins; at most 4093";
    told("too-many", &[(round_lots, &many("accounts_count = 4094"))], &[at_most]);
    let taken = [(round_lots, &*many("accounts_count = 9")), ("\"SNAP1\"", "\"u0009\"")];
    told("taken", &taken, &["has the user U0009 already", "accounts_prefix"]);
    let prefix = many("accounts_count = 9\naccounts_prefix = \"U12\"");
    told("prefix", &[(round_lots, &prefix)], &["accounts_prefix = \"U12\"", "1 to 2"]);
    let positions = ("positions_max = 65536", "positions_max = 16");
    let more = many("accounts_count = 20");
    told("positions", &[positions, (round_lots, &more)], &["each of 23 accounts"]);
    let third = ("short_allowed = false", "[[venue.ledger]]\nname = \"beta\"");
    told("twice", &[third], &["ledger[2].name = \"beta\"", "another account", "rename one"]);
    let nameless = ("short_allowed = false", "[[venue.ledger]]\nname = \"\"");
    told("nameless", &[nameless], &["ledger[2].name = \"\"", "1 to 32"]);
    // Line B over line A's port, said in both ways, and with what does not go with it.
    let port = "port = \"line_b\"\n";
    let unused = ("[[port]]\nname = \"line_b\"", "#");
    let device = ("device = \"0000:21:00.2\"", "#");
    let ip = "ip = \"10.10.3.1/24\"\n";
    told("shared", &[(port, ""), (ip, ""), unused, device], &[]);
    told("shared-named", &[(port, "port = \"line_a\"\n"), (ip, ""), unused, device], &[]);
    told("shared-ip", &[(port, ""), unused, device], &["it has line A's address"]);
    told("no-ip", &[(ip, "")], &["line_b.port = \"line_b\"", "needs an `ip`"]);
    let same = [("239.192.0.2", "239.192.0.1"), ("udp_port = 26478", "")];
    told("one-group", &same, &["line A has this group and port"]);
    // A day that nothing begins.
    let text = configuration("exchange");
    let days =
        &text[text.find("[[venue.schedule]]").unwrap()..text.find("[[venue.accounts]]").unwrap()];
    let silent = [(days, ""), ("control = \"exchange.sock\"", "")];
    told("never", &silent, &["opens_trading = false", "give a [[venue.schedule]] or `control`"]);
    told("operator", &silent[..1], &[]);
}

/// The quickstart with its bad weather taken in, as its comments say.
fn weather() -> String {
    let text = quickstart();
    let (rest, weather) = text.split_at(text.find("# [[impair]]").expect("an impairment"));
    let rest = rest.replace("[pool]", "[[link]]\nname = \"hurt\"\n\n[pool]");
    let rest = rest.replace("port = \"feed.b\"", "port = \"hurt.b\"");
    rest + &weather.replace("\n# ", "\n")[2..]
}

#[test]
fn an_impairment_says_what_can_be() {
    let text = weather();
    let output = Written::new("weather", &text).check();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in ["a to b impaired, back untouched, seed 1", "weather.b", "frames on to feed.b"] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert!(told.contains("weather: 1 x 1024 frames held"), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 100), "a line is too long:\n{told}");
    run_cases_of(
        &text,
        "impair",
        &[
            case(IMPAIR, "seed", "seeds = 1", &["unknown key `seeds`", "mean `seed`"]),
            case(IMPAIR, "seed", "seed = -1", &["impair[0].seed = -1", "0 to 9223372036854775807"]),
            case(IMPAIR, "lcore", "lcore = 128", &["impair[0].lcore = 128", "0 to 127"]),
            case(IMPAIR, "b", "", &["the key `b` is missing"]),
            case(IMPAIR, "name", "name = \"trader\"", &["has a role of this name"]),
            case(IMPAIR, "name", "name = \"bad weather\"", &["impair[0].name", "1 to 12"]),
            case(A_TO_B, "", "[impair.a_to_c]", &["unknown key `a_to_c`", "mean `a_to_b`"]),
            case(A_TO_B, "loss", "lost = 0.1", &["unknown key `lost`", "mean `loss`"]),
            case(A_TO_B, "loss", "loss = 1.01", &["impair[0].a_to_b.loss = 1.01", "0 to 1"]),
            case(A_TO_B, "loss", "loss = -0.1", &["a_to_b.loss = -0.1", "0 to 1"]),
            case(A_TO_B, "loss", "loss = nan", &["a_to_b.loss = nan", "0 to 1"]),
            case(A_TO_B, "loss", "loss = \"1%\"", &["loss = \"1%\""]),
            case(A_TO_B, "burst_loss", "burst_loss = 2", &["burst_loss = 2", "0 to 1"]),
            case(A_TO_B, "burst_frames", "burst_frames_max = 0", &["1 to 1000"]),
            case(A_TO_B, "duplicate", "duplicate = inf", &["duplicate = inf", "0 to 1"]),
            case(A_TO_B, "reorder_frames", "reorder_frames_max = 1001", &["1 to 1000"]),
            case(A_TO_B, "corrupt", "corrupt = 7", &["corrupt = 7", "0 to 1"]),
            case(A_TO_B, "delay_us", "delay_us = 10001", &["delay_us = 10001", "0 to 10000"]),
            case(A_TO_B, "udp_port", "udp_port = 0", &["a_to_b.udp_port = 0", "1 to 65535"]),
            case(B_TO_A, "", "[impair.a_to_b]", &["duplicate key"]),
        ],
    );
}

#[test]
fn the_ends_behind_an_impairment_agree() {
    let group = case(FEED, "group", "group = \"239.192.0.9\"", &["feed.group", "239.192.0.2"]);
    let mac =
        case(LOADGEN_FEED, "mac", "mac = \"02:00:00:00:04:02\"", &["the address of the other end"]);
    run_cases_of(&weather(), "far-ends", &[group, mac]);
    // What breaks a cable is told of its ends, too.
    for (name, instead, told) in [
        ("none", "b = \"hurts.a\"", "did you mean \"hurt.a\"?"),
        ("taken", "b = \"md.b\"", "(loadgen[0].watch) uses this port already"),
        ("itself", "b = \"feed.b\"", "(impair[0]) uses this port already"),
        ("round", "b = \"feed.a\"", "frames would go round for ever"),
    ] {
        let (text, line) = edit(&weather(), &case(IMPAIR, "b", instead, &[]));
        let output = Written::new(&format!("impair-{name}"), &text).check();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("x.toml:{line}:")) && text.contains(told), "{name}: {text}");
    }
}

#[test]
fn a_password_is_never_repeated() {
    let (text, line) =
        edit(&quickstart(), &case(ACCOUNT, "password", "password = \"hunter2 hunter2\"", &[]));
    let output = Written::new("password", &text).check();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("x.toml:{line}:")) && told.contains("1 to 10"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    let cases = [case(TRADER_ORDERS, "password", "password = \"wrong\"", &["not the password"])];
    run_cases("password", &cases);
}

#[test]
fn places_that_must_agree_name_each_other() {
    run_cases(
        "agree",
        &[
            case(
                WATCH,
                "group",
                "group = \"239.192.0.9\"",
                &["watch.group", "239.192.0.1", "itch"],
            ),
            case(WATCH, "session", "session = \"OTHER\"", &["session is \"PEREGRINE1\""]),
            case(FEED, "udp_port", "udp_port = 1", &["feed.udp_port = 1", "26477"]),
            case(
                TRADER_ORDERS,
                "venue",
                "venue = \"10.0.1.1:1\"",
                &["listens at \"10.0.1.1:26400\""],
            ),
            case(TRADER_ORDERS, "user", "user = \"TRADE9\"", &["no such account", "\"TRADE1\"?"]),
            case(LOADGEN_ORDERS, "ip", "ip = \"10.0.2.1/24\"", &["address of the other end"]),
            case(WATCH, "mac", "mac = \"02:00:00:00:03:01\"", &["address of the other end"]),
            case(WATCH, "session", "vlan = 7", &["not the tag of the other end"]),
            case(WATCH, "mac", "", &["watch.port = \"md.b\"", "give `mac`"]),
            case(
                TRADER,
                "name",
                "name = \"venue\"",
                &["trader[0].name", "has a role of this name"],
            ),
            case(ACCOUNT_2, "user", "user = \"trade1\"", &["has an account of this user"]),
            case(LCORES, "cpus", "cpus = [1, 1]", &["twice"]),
        ],
    );
}

/// These break a cable, so both of its ends are told.
#[test]
fn ports_that_are_not_there_or_taken_name_what_is() {
    let several = |case: Case, told: &[&str]| {
        let (text, line) = edit(&quickstart(), &case);
        let output = Written::new(&format!("ports-{line}"), &text).check();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("peregrine: 2 errors:\n  1. x.toml:"), "{text}");
        assert!(text.contains(&format!("x.toml:{line}:")), "line {line}: {text}");
        for part in told {
            assert!(text.contains(part), "{part:?} is not told: {text}");
        }
    };
    several(
        case(LOADGEN_FEED, "port", "port = \"fed.a\"", &[]),
        &["did you mean \"feed.a\"?", "no role is at the end \"feed.a\""],
    );
    several(
        case(LOADGEN_ORDERS, "port", "port = \"order.a\"", &[]),
        &["(trader[0].orders) uses this port already", "no role is at the end \"flow.a\""],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_a_remedy() {
    let binary = env!("CARGO_BIN_EXE_peregrine");
    let told = |arguments: &[&str]| {
        let output = Command::new(binary).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = told(&["check", "none.toml"]);
    assert!(missing.starts_with("peregrine: none.toml: No such file"), "{missing}");
    assert!(missing.contains("config/quickstart.toml"), "{missing}");
    assert_eq!(told(&["run", "none.toml"]), missing);
    let binary_file = common::repo_root().join("data/sample/aapl.itch");
    let not_text = told(&["check", &binary_file.display().to_string()]);
    assert!(not_text.contains("is not UTF-8"), "{not_text}");
}

#[test]
fn every_configuration_that_we_give_is_right() {
    for entry in std::fs::read_dir(common::repo_root().join("config")).unwrap() {
        let path = entry.unwrap().path();
        // A cluster's file is not a run's: `config/cluster/tests.rs` reads it.
        let is_cluster = path.file_stem().is_some_and(|stem| stem == "cluster");
        if path.extension().is_none_or(|extension| extension != "toml") || is_cluster {
            continue;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
        let output = command.arg("check").arg(&path).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {told}", path.display());
    }
}

#[test]
fn check_prints_the_placement_and_the_sums() {
    let output = Written::new("whole", &quickstart()).check();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    for part in [
        "x.toml: valid",
        "lcore  thread  cpu  kind     name     does",
        "echo on AAPL",
        "at 50x the recorded pace, pauses cut to 1 s",
        "venue.itch",
        "ITCH to 239.192.0.1:26477",
        "OUCH to LOADG1@10.0.2.1:26400",
        "link feed: 2 x 1024 slots",
        "of 16383 in the pool",
        "pool: 16383 mbufs x 2368 bytes",
        "of 128 MB (eal.memory_mb)",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 100), "a line is too long:\n{told}");
}
