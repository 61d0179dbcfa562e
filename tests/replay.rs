//! `peregrine replay`: a recorded feed through ports, with no configuration to write first.

use std::fs;
use std::process::{Command, Output};

#[path = "common/appliance.rs"]
mod appliance;
mod common;

use appliance::{Report, Scratch, machine};

/// Runs `peregrine replay` on the sample, in `folder`.
fn replay(folder: &Scratch, arguments: &str) -> Output {
    let root = common::repo_root();
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.arg("replay").args(["sod.itch", "aapl.itch"].map(|f| root.join("data/sample").join(f)));
    command.args(arguments.split_whitespace()).current_dir(folder.path());
    command.output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_sample_goes_from_tick_to_trade_by_stage() {
    let _machine = machine();
    let folder = Scratch::new();
    let ended = replay(&folder, "--symbols AAPL --no-huge --pace 100000/s --report report");
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    let json = fs::read_to_string(folder.path().join("report/report.json")).expect("a report");
    let report = Report(serde_json::from_str(&json).expect("JSON"));
    report.all_ok();
    assert!(report.counter("trader", "orders", "sent") > 100, "{}", report.counted());
    let roles = report.0["roles"].as_array().expect("roles");
    let trader = roles.iter().find(|role| role["name"] == "trader").expect("a trader");
    let count = |list: &str, name: &str| {
        let rows = trader[list].as_array().expect("a list");
        let row = rows.iter().find(|row| row["name"] == name);
        row.unwrap_or_else(|| panic!("no {name} in {list}"))["count"].as_u64().unwrap_or(0)
    };
    for stage in ["rx", "book", "strategy", "gate", "encode", "tcp_tx"] {
        assert!(count("stages", stage) > 10, "{stage}");
    }
    for latency in ["tick_to_trade", "order_to_ack"] {
        assert!(count("latencies", latency) > 10, "{latency}");
    }
    assert!(folder.path().join("report/index.html").exists());
}

/// Quotes are held against the recording's morning, at whatever time of day this test is run.
#[test]
fn a_market_maker_quotes_by_the_recordings_time_of_day() {
    let _machine = machine();
    let folder = Scratch::new();
    let maker = "--symbols AAPL --strategy market-maker --set position_max_shares=1000";
    let ended = replay(&folder, &format!("{maker} --no-huge --pace 50x --report report"));
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    let json = fs::read_to_string(folder.path().join("report/report.json")).expect("a report");
    let report = Report(serde_json::from_str(&json).expect("JSON"));
    assert!(report.counter("trader", "orders", "sent") > 10, "{}", report.counted());
    // And not after its close: 9:30 is over before it begins.
    let late = "--symbols AAPL --strategy market-maker --set quote_until_s=34200";
    let ended = replay(&folder, &format!("{late} --no-huge --pace 100000/s --report late"));
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    let json = fs::read_to_string(folder.path().join("late/report.json")).expect("a report");
    let report = Report(serde_json::from_str(&json).expect("JSON"));
    assert_eq!(report.counter("trader", "orders", "sent"), 0, "{}", report.counted());
}

#[test]
fn the_configuration_that_would_run_can_be_read() {
    let folder = Scratch::new();
    let ended = replay(&folder, "--symbols AAPL --strategy market-maker --print-config");
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let printed: toml::Value = toml::from_str(&text(&ended.stdout)).expect("TOML");
    let trader = &printed["trader"][0];
    assert_eq!(trader["strategy"]["kind"].as_str(), Some("market-maker"));
    assert_eq!(trader["strategy"]["symbols"][0].as_str(), Some("AAPL"));
    assert!(!folder.path().join("target").exists(), "printing runs nothing");
}

#[test]
fn what_cannot_be_replayed_is_refused_with_what_could() {
    let folder = Scratch::new();
    for (arguments, told) in [
        ("--symbols AAPL --strategy nosuch", "there are"),
        ("--symbols AAPL --set qty=1", "qty_shares"),
        ("--symbols AAPL --set qty_shares=x", "whole number"),
        ("--symbols AAPL --pace fast", "pace"),
        ("--symbols AAPL --gap-max -1", "0 to 86400"),
        ("--device net_null0", "--ip"),
        ("", "name those to trade"),
    ] {
        let ended = replay(&folder, arguments);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(told), "{arguments}: {said}");
    }
}
