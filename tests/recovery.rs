//! A trader whose feed loses, repeats, overtakes and damages packets ends with the books of one
//! that heard everything, whatever the pattern, as long as a line, the retransmission server or a
//! snapshot has what is missing.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Report, Scenario, machine};

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
        .args("--no-huge --pace 200000/s")
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
        .edit("drain_ms = 500", "drain_ms = 5000")
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
