//! A feed that crosses bad weather: the quickstart's load generator and trader with an impairment
//! stage on the cable between them.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Ended, Report, Scenario, machine};

/// Between the load generator's cable and one of its own, to the trader.
fn weather(settings: &str) -> Scenario {
    let impair = "[[impair]]\nname = \"weather\"\nlcore = 1\na = \"feed.b\"\nb = \"hurt.a\"\n";
    let hurt = "[[link]]\nname = \"hurt\"\nslots = 1024\n\n[pool]";
    Scenario::new("config/quickstart.toml")
        .edit("[pool]", hurt)
        .edit("port = \"feed.b\"", "port = \"hurt.b\"")
        .edit("server = \"10.0.4.1:26477\"       #", "#")
        .edit("[[loadgen]]", &format!("{impair}{settings}\n[[loadgen]]"))
        .args("--no-huge --pace max")
}

/// As little as can be in a frame, one message or two of the shortest, and no heartbeat but the
/// first: the frames of each run are the same.
fn frame_by_frame(settings: &str) -> Scenario {
    let packing = "messages_per_packet_max = 32\nreplay_messages = 65536\n\
                   replay_bytes = 4194304\n\n[loadgen.orders]";
    let one = "messages_per_packet_max = 1\nheartbeat_ms = 60000\n\n[loadgen.orders]";
    weather(settings).edit(packing, one)
}

/// What the stage did to frames on their way to the trader.
fn did(report: &Report, what: &str) -> u64 {
    report.counter("weather", "a_to_b", what)
}

#[test]
fn fair_weather_changes_nothing() {
    let _machine = machine();
    let nothing = "[impair.a_to_b]\nloss = 0\ndelay_us = 0\n[impair.b_to_a]\ncorrupt = 0.0";
    let ended = weather(nothing).run();
    let report = ended.passed();
    let sent = report.counter("loadgen", "feed port", "tx_frames");
    // The end of the session may come when the stage has ended.
    assert!((sent - 1..=sent).contains(&did(report, "passed")), "{}", report.counted());
    assert_eq!(report.counter("weather", "a port", "rx_frames"), did(report, "passed"));
    for nothing in ["lost", "lost_in_bursts", "duplicated", "reordered", "delayed", "corrupted"] {
        assert_eq!(did(report, nothing), 0, "{nothing}");
    }
    assert_eq!(did(report, "not_taken"), 0);
    assert!(ended.stdout.contains("weather"), "{}", ended.stdout);
}

/// A run whose feed loses one frame in twenty, and of it what is lost by the seed alone.
fn lossy() -> (Ended, [u64; 4]) {
    let loss = "seed = 7\n[impair.a_to_b]\nloss = 0.05\nudp_port = 26477";
    let ended = frame_by_frame(loss).run();
    let report = ended.report();
    let trader = |name| report.counter("trader", "feed", name);
    let told = [did(report, "lost"), trader("gaps"), trader("missing"), trader("delivered")];
    (ended, told)
}

#[test]
fn the_same_seed_loses_the_same_frames() {
    let _machine = machine();
    let [(ended, told), (_, again)] = [lossy(), lossy()];
    assert_eq!(told, again);
    let report = ended.report();
    let [lost, gaps, missing, delivered] = told;
    println!("{lost} frames lost, {gaps} gaps, {missing} messages missing");
    let messages = report.counter("loadgen", "loadgen", "messages");
    let frames = report.counter("weather", "a port", "rx_frames");
    // Five in a hundred, within five standard deviations of some 40,000.
    assert!(lost.abs_diff(frames / 20) < 220, "{lost} of {frames}");
    // Neither the first frame nor the last is lost, which have no message.
    assert_eq!(missing + delivered, messages);
    assert!((lost..2 * lost).contains(&missing), "one or two a frame: {missing} in {lost}");
    assert!(gaps > lost * 9 / 10 && gaps < lost, "neighbours are one gap: {gaps} of {lost}");
    // The run tells what its trader lost, and does not count the loss itself once more.
    assert!(!report.is_ok("nothing dropped") && !report.is_ok("feed arrived whole"));
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let lost_for_good = report.counter("trader", "feed", "lost_gaps");
    assert_eq!((report.summary("drops"), report.summary("gaps")), (missing, lost_for_good));
    assert!(report.is_ok("hot path does not allocate") && report.is_ok("every mbuf came back"));
}

#[test]
fn all_weather_at_once_leaves_nothing_behind() {
    let _machine = machine();
    let all = "[impair.a_to_b]\nloss = 0.01\nburst_loss = 0.001\nburst_frames_max = 20\n\
               duplicate = 0.01\nreorder = 0.01\nreorder_frames_max = 5\ncorrupt = 0.001\n\
               delay_us = 50\n[impair.b_to_a]\nduplicate = 1";
    let ended = frame_by_frame(all).run();
    let report = ended.report();
    for some in ["lost", "lost_in_bursts", "duplicated", "reordered", "delayed", "corrupted"] {
        assert!(did(report, some) > 0, "{some}: {}", report.counted());
    }
    assert_eq!(did(report, "not_taken"), 0);
    let received = report.counter("weather", "a port", "rx_frames");
    let lost = did(report, "lost") + did(report, "lost_in_bursts");
    assert_eq!(received, did(report, "passed") + lost);
    let copies = did(report, "duplicated");
    assert_eq!(report.counter("weather", "b port", "tx_frames"), did(report, "passed") + copies);
    assert!(report.is_ok("hot path does not allocate") && report.is_ok("every mbuf came back"));
}
