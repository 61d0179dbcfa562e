//! A trader whose feed loses, repeats, overtakes and damages packets ends with the books of one
//! that heard everything, whatever the pattern, as long as a line, the retransmission server or a
//! snapshot has what is missing. And what was lost in one session is nothing to the next.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use std::path::Path;

use appliance::{Report, Scenario, cpus, machine, wait_until};
use serde_json::json;

/// The load generator's feed over two lines, each on a cable of its own through an impairment
/// stage, with `a` and `b` on them.
fn two_lines(a: &str, b: &str) -> Scenario {
    let cables = "[[link]]\nname = \"hurt\"\nslots = 1024\n\n[[link]]\nname = \"feedb\"\n\
                  slots = 1024\n\n[[link]]\nname = \"hurtb\"\nslots = 1024\n\n[pool]";
    let weather = format!(
        "[[impair]]\nname = \"weather\"\nlcore = 1\na = \"feed.b\"\nb = \"hurt.a\"\nseed = 3\n\
         [impair.a_to_b]\n{a}\n[[impair]]\nname = \"weatherb\"\nlcore = 1\na = \"feedb.b\"\n\
         b = \"hurtb.a\"\nseed = 4\n[impair.a_to_b]\n{b}\n[[loadgen]]"
    );
    let heard = "[trader.line_b]\nport = \"hurtb.b\"\nmac = \"02:00:00:00:05:02\"\n\
                 ip = \"10.0.5.2/24\"\ngroup = \"239.192.0.3\"\n\n[trader.recovery]";
    let sent = "[loadgen.feed.line_b]\nport = \"feedb.a\"\nmac = \"02:00:00:00:05:01\"\n\
                ip = \"10.0.5.1/24\"\ngroup = \"239.192.0.3\"\n\n[loadgen.orders]";
    Scenario::new("config/quickstart.toml")
        .edit("[pool]", cables)
        .edit("drain_ms = 500", "drain_ms = 10000")
        // A burst may last for as many requests as it has frames left, once nothing else flows.
        .edit("request_tries_max = 3 ", "request_tries_max = 100 ")
        .edit("mbufs = 16383", "mbufs = 32767")
        .edit("memory_mb = 128", "memory_mb = 256")
        .edit("port = \"feed.b\"", "port = \"hurt.b\"")
        .edit("[[loadgen]]", &weather)
        .edit("[trader.recovery]", heard)
        .edit("[loadgen.orders]", sent)
        .edit("replay_messages = 65536\nreplay_bytes = 4194304\n\n[loadgen", REPLAY)
        .edit("pace = \"50x\" ", "pace = \"200000/s\" ")
        .args("--no-huge")
}

/// Room for the whole replay, so that nothing asked for is gone already.
const REPLAY: &str = "heartbeat_ms = 20\nreplay_messages = 65536\nreplay_bytes = 4194304\n\
                      requests_per_second_max = 1000000\nrequests_burst_max = 100000\n\n[loadgen";

/// The books at the trader's end, as its report tells them.
fn books(report: &Report) -> String {
    report.note("trader", "books: ")
}

fn did(report: &Report, what: &str) -> u64 {
    report.counter("weather", "a_to_b", what)
}

fn feed(report: &Report, what: &str) -> u64 {
    report.counter("trader", "feed", what)
}

#[test]
fn every_pattern_of_loss_ends_in_the_same_books() {
    let _machine = machine();
    let clean = two_lines("", "").run();
    let expected = books(clean.passed());
    assert!(feed(clean.report(), "duplicates") > 0, "line B repeats line A");
    let everything = "loss = 0.02\nburst_loss = 0.002\nburst_frames_max = 30\nduplicate = 0.02\n\
                      reorder = 0.02\nreorder_frames_max = 6\ncorrupt = 0.002";
    for (pattern, a, b, harm) in [
        ("one line loses", "loss = 0.05", "", "lost"),
        ("both lines lose", "loss = 0.05", "loss = 0.05", "lost"),
        (
            "bursts on both",
            "burst_loss = 0.01\nburst_frames_max = 40",
            "burst_loss = 0.01\nburst_frames_max = 40",
            "lost_in_bursts",
        ),
        (
            "reordering",
            "reorder = 0.1\nreorder_frames_max = 8",
            "reorder = 0.1\nreorder_frames_max = 8",
            "reordered",
        ),
        ("duplicates", "duplicate = 0.2", "duplicate = 0.2", "duplicated"),
        ("damage", "corrupt = 0.05", "corrupt = 0.05", "corrupted"),
        ("all of it", everything, everything, "lost"),
    ] {
        let ended = two_lines(a, b).run();
        let report = ended.passed();
        assert!(did(report, harm) > 0, "{pattern}: no harm was done\n{}", report.counted());
        assert_eq!(books(report), expected, "{pattern}\n{}", report.counted());
        assert_eq!(feed(report, "lost_messages"), 0, "{pattern}\n{}", report.counted());
        if b.contains("loss") {
            let again = feed(report, "recovered_messages") + feed(report, "late_messages");
            assert_eq!(again, feed(report, "missing"), "{pattern}\n{}", report.counted());
        }
    }
}

/// The venue's own feed to the trader, which reads its snapshots over the orders' cable.
fn of_the_venue(settings: &str, edits: &[(&str, &str)]) -> Scenario {
    let text = Scenario::new("config/quickstart.toml");
    let account = "[[venue.accounts]]\nuser = \"SNAP01\"\npassword = \"quickstart\"\n\
                   snapshot = true\n\n# [[venue.ledger]]";
    let weather = format!(
        "[[impair]]\nname = \"weather\"\nlcore = 1\na = \"md.b\"\nb = \"hurt.a\"\nseed = 9\n\
         [impair.a_to_b]\n{settings}\n[[loadgen]]"
    );
    let snapshot = "[trader.snapshot]\nuser = \"SNAP01\"\npassword = \"quickstart\"\n\
                    retry_ms = 20\n\n[trader.orders]";
    let text = text
        .cut("[[link]]\nname = \"feed\"", "[[link]]\nname = \"order\"")
        .edit("[pool]", "[[link]]\nname = \"hurt\"\nslots = 1024\n\n[pool]")
        .edit("# [[venue.ledger]]", account)
        .edit("heartbeat_ms = 1000 ", "heartbeat_ms = 20 ")
        // A burst may swallow as many heartbeats as frames, one in 20 ms.
        .edit("drain_ms = 500", "drain_ms = 30000")
        .edit("snapshot_age_ms = 1000", "snapshot_age_ms = 10")
        .edit("port = \"feed.b\"", "port = \"hurt.b\"")
        .edit("ip = \"10.0.4.2/24\"\ngroup = \"239.192.0.2\"", VENUES)
        .edit("session = \"REPLAY0001\"          # refuses", "# refuses")
        .edit("server = \"10.0.4.1:26477\"", "server = \"10.0.3.1:26477\"")
        .edit("[trader.orders]", snapshot)
        .edit("every_ticks = 1 ", "every_ticks = 50 ")
        .cut("[loadgen.feed] ", "[loadgen.orders]")
        .cut("[loadgen.watch]", "# [[impair]]")
        .edit("[[loadgen]]", &weather)
        .args("--no-huge --pace 100000/s");
    edits.iter().fold(text, |text, (old, new)| text.edit(old, new))
}

const VENUES: &str = "ip = \"10.0.3.2/24\"\ngroup = \"239.192.0.1\"";

#[test]
fn a_gap_too_long_to_be_asked_for_is_filled_by_a_snapshot() {
    let _machine = machine();
    let bursts = "burst_loss = 0.003\nburst_frames_max = 200";
    let few = [("gap_messages_max = 4096", "gap_messages_max = 16")];
    let ended = of_the_venue(bursts, &few).run();
    let report = ended.passed();
    assert!(feed(report, "snapshots_done") > 0, "{}", report.counted());
    assert!(feed(report, "snapshot_covered") > 16, "{}", report.counted());
    assert_eq!(feed(report, "lost_messages"), 0);
    assert!(report.is_ok("book at the trader is the book"));
}

#[test]
fn who_comes_late_begins_with_a_snapshot() {
    let _machine = machine();
    let late = [("from = \"now\"", "from = \"snapshot\"")];
    let ended = of_the_venue("loss = 0.02", &late).run();
    let report = ended.passed();
    assert!(feed(report, "recovered_messages") > 0, "{}", report.counted());
    assert!(report.is_ok("book at the trader is the book"));
}

#[test]
fn what_nothing_brings_back_is_told_as_lost_and_stops_trading() {
    let _machine = machine();
    let alone = [
        ("server = \"10.0.3.1:26477\"       #", "# "),
        ("[trader.snapshot]\nuser = \"SNAP01\"\npassword = \"quickstart\"\nretry_ms = 20\n", ""),
        ("lossy_feed = false", "lossy_feed = true"),
    ];
    let ended = of_the_venue("loss = 0.02", &alone).run();
    let report = ended.report();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(feed(report, "lost_messages") > 0, "{}", report.counted());
    assert!(!report.is_ok("nothing dropped"));
    assert_eq!(report.note("trader", "killed: "), "killed: feed");
    assert!(report.is_ok("every order is accounted for"), "{}", report.counted());
}

/// The sample with every message about AAPL once more, as one about AA.
fn two_symbols(folder: &Path) -> String {
    let read = |name: &str| {
        let path = common::repo_root().join(format!("data/sample/{name}.itch"));
        std::fs::read(path).expect("the sample")
    };
    let (mut day, morning) = (read("sod"), read("aapl"));
    let listed = |name: &[u8; 8]| {
        let at = day.windows(8).position(|window| window == name).expect("its listing");
        // A listing's name stands behind its head of eleven bytes, whose locate is the second.
        [day[at - 10], day[at - 9]]
    };
    let other_locate = listed(b"AA      ");
    let mut at = 0;
    while at < morning.len() {
        let length = 2 + usize::from(u16::from_be_bytes([morning[at], morning[at + 1]]));
        let block = &morning[at..at + length];
        day.extend_from_slice(block);
        let mut other = block.to_vec();
        other[3..5].copy_from_slice(&other_locate);
        // The highest byte of a reference, 0 in the sample; and of a replacement's new one.
        let (named, references): (bool, &[usize]) = match block[2] {
            b'A' | b'F' | b'P' => (true, &[13]),
            b'E' | b'C' | b'X' | b'D' => (false, &[13]),
            b'U' => (false, &[13, 21]),
            _ => (true, &[]),
        };
        references.iter().for_each(|at| other[*at] ^= 1);
        if !references.is_empty() {
            if named {
                other[26..34].copy_from_slice(b"AA      ");
            }
            day.extend_from_slice(&other);
        }
        at += length;
    }
    let path = folder.join("two.itch");
    std::fs::write(&path, day).expect("a file");
    path.display().to_string()
}

#[test]
fn books_of_the_traded_symbols_alone_are_the_venues_too() {
    let _machine = machine();
    let traded = [
        ("books = \"all\" ", "books = \"traded\" "),
        ("symbols = [\"AAPL\"]\ndirectory", "symbols = [\"AAPL\", \"AA\"]\ndirectory"),
    ];
    let scenario = of_the_venue("loss = 0.02", &traded);
    let path = two_symbols(scenario.folder());
    let scenario = scenario
        .cut("files = [\"", "pace = ")
        .edit("pace = \"50x\"", &format!("files = [\"{path}\"]\npace = \"50x\""));
    let ended = scenario.run();
    let report = ended.passed();
    assert!(report.counter("trader", "market", "skipped") > 1_000, "{}", report.counted());
    assert!(feed(report, "recovered_messages") > 0, "{}", report.counted());
    assert!(report.summary("fills") > 0);
    assert!(report.is_ok("book at the trader is the book"));
}

/// A trader whose session on line A loses messages and then falls silent, and the feed of the next
/// one, which comes from another process by line B. That one waits some seconds before it lists its
/// symbols, so that the cable is laid by then.
fn two_sessions() -> [Scenario; 2] {
    let minute = |n: u64| {
        let stamp = (n * 60_000_000_000).to_be_bytes();
        [&[0, 12, b'S', 0, 0, 0, 0][..], &stamp[2..], b"O"].concat()
    };
    let next = Scenario::new("tests/data/next-feed.toml");
    let wait = next.folder().join("wait.itch");
    std::fs::write(&wait, (0..3).flat_map(minute).collect::<Vec<u8>>()).expect("a file");
    let socket = format!("{}.sock", next.prefix());
    let cable = format!(
        "[[link]]\nname = \"hurt\"\nslots = 1024\n\n[[port]]\nname = \"next\"\n\
         device = \"net_memif0,role=server,id=0,socket={socket},rsize=10\"\n\n[pool]"
    );
    let weather = "[[impair]]\nname = \"weather\"\nlcore = 1\na = \"feed.b\"\n\
                   b = \"hurt.a\"\n[impair.a_to_b]\nloss = 0.05\n[[loadgen]]";
    let heard = "[trader.line_b]\nport = \"next\"\nmac = \"02:00:00:00:05:02\"\n\
                 ip = \"10.0.5.2/24\"\ngroup = \"239.192.0.3\"\n\n[trader.recovery]";
    let first = Scenario::new("config/quickstart.toml")
        .edit("[pool]", &cable)
        .edit("stop = \"replay-end\" ", "stop = \"signal\" ")
        .edit("drain_ms = 500", "drain_ms = 10000")
        .edit("port = \"feed.b\"", "port = \"hurt.b\"")
        .edit("[[loadgen]]", weather)
        .edit("[trader.recovery]", heard)
        .edit("server = \"10.0.4.1:26477\"       #", "#")
        .edit("session = \"REPLAY0001\"          # refuses", "# refuses")
        .edit("session_silence_ms = 30000 ", "session_silence_ms = 300 ")
        .edit("# control = \"trader.sock\"", "control = \"trader.sock\"")
        .edit("replay_bytes = 4194304\n\n[loadgen", "heartbeat_ms = 60000\n\n[loadgen")
        .args("--no-huge --pace 200000/s");
    let next = next
        .edit("next.sock", &socket)
        .edit("WAIT", &wait.display().to_string())
        .edit("cpus = [0]", &format!("cpus = [{}]", cpus()[1]))
        .args("--no-huge");
    [first, next]
}

#[test]
fn what_one_session_lost_is_nothing_to_the_next() {
    let _machine = machine();
    let [first, next] = two_sessions();
    let mut running = first.start();
    running.wait_hot();
    let feed_is = |wanted: &str| {
        let (ok, told) = first.tell("trader.sock", &[json!({"op": "status"})]);
        ok && told.iter().any(|line| line["event"] == "trader" && line["feed"] == wanted)
    };
    wait_until("a loss", || feed_is("lossy"));
    let other = next.start();
    wait_until("the next session", || feed_is("current"));
    other.wait().passed();
    running.signal("INT");
    let ended = running.wait();
    let report = ended.report();
    assert_eq!(feed(report, "session_changes"), 1, "{}", report.counted());
    assert!(feed(report, "lost_messages") > 0, "{}", report.counted());
    // Where the weather took the symbol's listing, the first session had no book to trade on.
    let unlisted = report.counter("trader", "lies", "unlisted_symbol");
    let stale = report.counter("trader", "gate_refused", "stale");
    assert!(stale > 0 || unlisted > 0, "{}", report.counted());
    // The first loss came within some dozens of ticks; all else was sent in the second session.
    assert!(report.summary("orders_sent") > 500, "{}", report.counted());
    assert!(report.is_ok("every order is accounted for"), "{}", report.counted());
}
