//! A live trader and the people responsible for it: what they can tell it, what it writes down, and
//! when it stops by itself.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Report, Running, Scenario, machine, wait_until};
use serde_json::{Value, json};

/// A trader of the quickstart with a console, at a pace that leaves time to talk to it.
fn slow() -> Scenario {
    Scenario::new("config/quickstart.toml")
        .edit("# control = \"trader.sock\"", "control = \"trader.sock\"")
        .edit("gap_max_s = 1.0", "gap_max_s = 0.01")
        .edit("drain_ms = 500", "drain_ms = 10000")
        .args("--no-huge --pace recorded")
}

/// What the trader's console answers, and whether all of it was done.
fn tell(scenario: &Scenario, commands: &[Value]) -> (bool, Vec<Value>) {
    scenario.tell("trader.sock", commands)
}

fn status(scenario: &Scenario) -> [Value; 2] {
    let (ok, told) = tell(scenario, &[json!({"op": "status"})]);
    assert!(ok, "{told:?}");
    let find = |event: &str| told.iter().find(|v| v["event"] == event).cloned();
    [find("position").expect("a position"), find("trader").expect("the trader")]
}

fn traded(scenario: &Scenario) -> u64 {
    status(scenario)[0]["traded_shares"].as_u64().expect("shares")
}

fn end(running: Running<'_>) -> Report {
    running.signal("INT");
    let ended = running.wait();
    ended.passed();
    ended.report.expect("a report")
}

#[test]
fn an_operator_sets_limits_kills_and_revives() {
    let _machine = machine();
    let scenario = slow();
    let mut running = scenario.start();
    running.wait_hot();
    wait_until("fills", || traded(&scenario) > 0);
    let (ok, params) = tell(&scenario, &[json!({"op": "params"})]);
    let told = |params: &[Value], value: u64| {
        params.iter().any(|p| p["name"] == "qty_shares" && p["value"] == value)
    };
    assert!(ok && told(&params, 100), "{params:?}");
    let (ok, set) = tell(&scenario, &[json!({"op": "set", "param": "qty_shares", "value": 7})]);
    assert!(ok && set == [json!({"event": "ok"})], "{set:?}");
    let (_, params) = tell(&scenario, &[json!({"op": "params"})]);
    assert!(told(&params, 7), "{params:?}");
    for (wrong, told) in [
        (json!({"op": "set", "param": "qty", "value": 7}), "qty_shares"),
        (json!({"op": "set", "param": "qty_shares", "value": 0}), "1..="),
        (json!({"op": "limit", "limit": "size", "value": 1}), "order_qty_max"),
        (json!({"op": "limit", "limit": "order_qty", "value": 1}), "did you mean"),
        (json!({"op": "limit", "limit": "stale", "value": 1}), "\"stop\" or \"trade\""),
        (json!({"op": "limit", "limit": "position_max_shares", "value": 1}), "AAPL"),
        (json!({"op": "limit", "limit": "firm_exposure_max_dollars", "value": 1}), "firm"),
        (json!({"op": "restrict", "symbol": "MSFT", "to": "none"}), "AAPL"),
        (json!({"op": "restrict", "symbol": "AAPL", "to": "all"}), "no-trade"),
        (json!({"op": "dance"}), "kill"),
        (json!({"op": "cancel-all", "symbol": "AAPL"}), "unknown field `symbol`"),
        (json!({"op": "kill", "after_ms": 1}), "unknown field `after_ms`"),
    ] {
        let (ok, answer) = tell(&scenario, std::slice::from_ref(&wrong));
        let message = answer[0]["message"].as_str().unwrap_or_default();
        assert!(!ok && message.contains(told), "{wrong}: {answer:?}");
    }
    set_limits(&scenario);
    // The restricted list, then the kill switch: nothing more trades.
    for stop in
        [json!({"op": "restrict", "symbol": "AAPL", "to": "no-trade"}), json!({"op": "kill"})]
    {
        let (ok, told) = tell(&scenario, &[stop]);
        assert!(ok, "{told:?}");
        wait_until("no live orders", || status(&scenario)[1]["live_orders"] == 0);
        let before = traded(&scenario);
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(traded(&scenario), before);
    }
    assert_eq!(status(&scenario)[1]["killed"], "operator");
    assert_eq!(status(&scenario)[1]["can_trade"], false);
    let before = traded(&scenario);
    let free = [
        json!({"op": "revive"}),
        json!({"op": "restrict", "symbol": "AAPL", "to": "none"}),
        json!({"op": "cancel-all"}),
        json!({"op": "absolve", "symbol": "AAPL"}),
    ];
    assert!(tell(&scenario, &free).0);
    wait_until("trades after the revival", || traded(&scenario) > before);
    assert_eq!((traded(&scenario) - before) % 7, 0, "orders of 7 shares since the change");
    let report = end(running);
    assert!(report.counter("trader", "gate_refused", "restricted") > 0, "{}", report.counted());
    assert!(report.counter("trader", "gate_refused", "killed") > 0, "{}", report.counted());
}

/// Limits by their keys in the configuration, and what stands then.
fn set_limits(scenario: &Scenario) {
    let set = |limit: &str, value: Value| json!({"op": "limit", "limit": limit, "value": value});
    let position = json!({"op": "limit", "symbol": "AAPL", "limit": "position_max_shares",
                          "value": 9000});
    let limits = [set("order_qty_max", json!(500)), set("loss_dollars", json!(70_000)), position];
    let (ok, told) = tell(scenario, &limits);
    assert!(ok, "{told:?}");
    let (ok, told) = tell(scenario, &[json!({"op": "limits"})]);
    assert!(ok, "{told:?}");
    let [account, symbol] = &told[..] else { panic!("{told:?}") };
    assert_eq!(account["order_qty_max"], 500);
    assert_eq!(account["loss_dollars"], 70_000);
    assert_eq!(account["stale"], "stop");
    assert_eq!(account["account_exposure_max_dollars"], 0);
    assert_eq!((&symbol["symbol"], &symbol["position_max_shares"]), (&json!("AAPL"), &json!(9000)));
}

#[test]
fn what_the_gate_holds_back_is_written_down() {
    let _machine = machine();
    let scenario = Scenario::new("config/quickstart.toml")
        .edit("order_qty_max = 1000            #", "order_qty_max = 99 #")
        .args("--no-huge --pace 100000/s");
    let ended = scenario.run();
    let report = ended.passed();
    let refused = report.counter("trader", "gate_refused", "order_qty");
    assert!(refused > 1_000, "{}", report.counted());
    assert_eq!(report.counter("trader", "gate_refused", "unwritten"), 0);
    assert_eq!(report.summary("orders_sent"), 0);
    let text = std::fs::read_to_string(scenario.folder().join("report/refusals-trader.jsonl"))
        .expect("a file");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of_size = lines.iter().filter(|line| line["refused"] == "order_qty").count();
    assert_eq!(of_size as u64, refused);
    assert!(report.is_ok("every refusal is written down"));
    let line = &lines[lines.len() - 1];
    assert_eq!((&line["symbol"], &line["qty"]), (&json!("AAPL"), &json!(100)));
    assert!(line["bid"].is_string() && line["ask"].is_string(), "{line}");
}

/// Runs to the end of the replay with one switch set, and tells why the trader was killed.
fn killed_by(edits: &[(&str, &str)]) -> String {
    let scenario = Scenario::new("config/quickstart.toml").args("--no-huge --pace 100000/s");
    let ended = edits.iter().fold(scenario, |s, (old, new)| s.edit(old, new)).run();
    let report = ended.passed();
    assert!(report.is_ok("positions are the ledger's"), "{}", report.counted());
    report.note("trader", "killed: ")
}

#[test]
fn a_trader_stops_itself() {
    let _machine = machine();
    let loss = [("loss_dollars = 0 ", "loss_dollars = 50 ")];
    assert_eq!(killed_by(&loss), "killed: loss");
    let wild = [
        ("order_qty_max = 1000            #", "order_qty_max = 99 #"),
        ("refusals_in_a_row = 0 ", "refusals_in_a_row = 20 "),
    ];
    assert_eq!(killed_by(&wild), "killed: runaway");
}

#[test]
fn a_feed_that_falls_silent_kills() {
    let _machine = machine();
    let scenario = slow()
        .edit("feed_silent_ms = 0 ", "feed_silent_ms = 200 ")
        .edit(
            "heartbeat_ms = 1000             # silence after which a heartbeat",
            "heartbeat_ms = 1000 #",
        )
        .edit("udp_port = 26477\nsession = \"REPLAY0001\"          # [REPLAY0001]", SPARSE);
    let mut running = scenario.start();
    running.wait_hot();
    wait_until("a silence", || status(&scenario)[1]["killed"] == "feed");
    assert_eq!(status(&scenario)[1]["live_orders"], 0);
    end(running);
}

/// The load generator's feed with heartbeats too rare for a trader that waits 200 ms.
const SPARSE: &str = "udp_port = 26477\nheartbeat_ms = 60000\nsession = \"REPLAY0001\"";
