//! A venue as an exchange: its operator at the console, its day, its second line, its snapshots and
//! its rules for one firm, with clients over the kernel's TCP and UDP.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/market.rs"]
mod market;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Running, Scenario, machine};
use common::Proc;
use market::{Market, VENUE};
use peers::Peer;

const DOLLAR: u64 = 10_000;

/// What a venue of these tests has beyond `tests/data/kernel-venue.toml`.
const EXCHANGE: &str = r#"
symbols = ["AAPL"]
control = "venue.sock"
command_log_max = 10000
self_match = "oldest"
post_only = "slide"
"#;

const SNAPSHOT_LOGIN: &str = r#"
[[venue.accounts]]
user = "READER"
password = "reader-pwd"
snapshot = true
[[venue.ledger]]
name = "MAKER"
cash_dollars = 1000.0
[[venue.ledger]]
name = "TAKER"
[venue.itch.line_b]
group = "239.192.0.2"
udp_port = 26478
"#;

/// A market whose venue is an exchange; `more` goes into the venue's own table.
fn exchange(more: &str) -> Market {
    let mut market = Market::new();
    let scenario = std::mem::replace(&mut market.scenario, Scenario::new("config/quickstart.toml"));
    market.scenario = scenario.edit("symbols = [\"AAPL\"]\n", &format!("{EXCHANGE}{more}\n")).edit(
        "password = \"taker-pass\"\n",
        &format!("password = \"taker-pass\"\n{SNAPSHOT_LOGIN}"),
    );
    market
}

/// What a venue's console answers, a JSON object a line.
fn tell(market: &Market, commands: &[Value]) -> (bool, Vec<Value>) {
    let socket: PathBuf = market.scenario.folder().join("venue.sock");
    let mut program = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    program.arg("tell").arg(socket).args(commands.iter().map(Value::to_string));
    let (succeeded, text) = Proc::start(&mut program).finish();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    (succeeded, lines.collect())
}

/// The events among a console's answers that have this name.
fn events(answers: &[Value], name: &str) -> Vec<Value> {
    answers.iter().filter(|event| event["event"] == name).cloned().collect()
}

fn enter(side: &str, quantity: u32, price: u64) -> Value {
    json!({"do": "enter", "side": side, "quantity": quantity, "symbol": "AAPL", "price": price})
}

fn snapshot(market: &Market) -> Value {
    let mut program = peers::command(&market.cables[0], "glimpse.py");
    program.args(["--host", VENUE.0, "--port", &VENUE.1.to_string()]);
    program.args(["--user", "READER", "--password", "reader-pwd"]);
    let (succeeded, text) = Proc::start(&mut program).finish();
    assert!(succeeded, "{text}");
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("its answer")
}

fn ready(test: &str) -> bool {
    common::need_netns(test) && common::need_tools(test, &["python3"])
}

fn close(venue: Running<'_>) {
    std::thread::sleep(std::time::Duration::from_millis(200));
    venue.signal("INT");
    venue.wait().passed().all_ok();
}

#[test]
fn an_operator_halts_crosses_busts_and_transfers() {
    if !ready("an_operator_halts_crosses_busts_and_transfers") {
        return;
    }
    let _machine = machine();
    let market = exchange("");
    let mut venue = market.scenario.start();
    venue.wait_hot();
    let mut maker = market.login("MAKER", 1, 1);
    let mut taker = market.login("TAKER", 1, 1);

    let (ok, answers) = tell(&market, &[json!({"op": "halt", "symbol": "AAPL", "reason": "T1"})]);
    assert!(ok, "{answers:?}");
    assert_eq!(events(&answers, "state")[0]["state"], "halted");
    maker.ask(enter("B", 100, 101 * DOLLAR), "A");
    taker.ask(enter("S", 60, 100 * DOLLAR), "A");
    let (_, told) = tell(&market, &[json!({"op": "imbalance", "symbol": "AAPL"})]);
    assert_eq!(events(&told, "imbalance")[0]["paired"], 60);
    let (ok, crossed) = tell(&market, &[json!({"op": "resume", "symbol": "AAPL"})]);
    assert!(ok, "{crossed:?}");
    let fill = maker.hear("E");
    assert_eq!((&fill["quantity"], &fill["liquidity_flag"]), (&json!(60), &json!("K")));
    taker.hear("E");

    let number = fill["match_number"].clone();
    let (ok, _) = tell(&market, &[json!({"op": "bust", "match": number, "reason": "E"})]);
    assert!(ok);
    assert_eq!(maker.hear("B")["match_number"], number);
    taker.hear("B");
    let twice = json!({"op": "bust", "match": number});
    let (ok, refused) = tell(&market, &[twice]);
    assert!(!ok && events(&refused, "refused").len() == 1, "{refused:?}");

    let moves =
        |amount: u64| json!({"op": "transfer", "from": "MAKER", "to": "TAKER", "amount": amount});
    assert!(tell(&market, &[moves(1000 * DOLLAR)]).0, "all there is");
    assert!(!tell(&market, &[moves(1)]).0, "nothing is left");
    let (ok, wrong) = tell(&market, &[json!({"op": "halt", "symbol": "NONE"})]);
    assert!(!ok && wrong[0]["error"].as_str().is_some_and(|e| e.contains("NONE")), "{wrong:?}");
    maker.finish();
    taker.finish();
    close(venue);
}

#[test]
fn a_late_joiner_is_complete_and_both_lines_say_the_same() {
    if !ready("a_late_joiner_is_complete_and_both_lines_say_the_same") {
        return;
    }
    let _machine = machine();
    let market = exchange("");
    let line_b = || {
        let mut program = peers::command(&market.cables[1], "mold_listen.py");
        let interface = common::netns::Cable::PEER_IF;
        program.args(["--group", "239.192.0.2:26478", "--interface", interface, "--first", "1"]);
        program.args(["--seconds", "60", "--orders"]);
        let mut listener = Peer::start(&mut program);
        listener.until("joined");
        listener
    };
    let (a, b) = (market.listen(""), line_b());
    let mut venue = market.scenario.start();
    venue.wait_hot();
    let mut maker = market.login("MAKER", 1, 1);
    maker.ask(enter("B", 100, 99 * DOLLAR), "A");
    maker.ask(enter("S", 50, 101 * DOLLAR), "A");
    let mut hidden = enter("S", 70, 100 * DOLLAR);
    hidden["display"] = "N".into();
    maker.ask(hidden, "A");

    let image = snapshot(&market);
    assert_eq!(image["orders"].as_array().map(Vec::len), Some(2), "{image}");
    assert_eq!((&image["types"]["R"], &image["types"]["H"]), (&json!(1), &json!(1)), "{image}");
    assert_eq!((&image["types"]["G"], &image["ended"]), (&json!(1), &json!(true)), "{image}");
    maker.finish();
    close(venue);
    let (a, b) = (a.finish(), b.finish());
    assert_eq!(a["messages"], b["messages"], "{a} {b}");
    // The snapshot stands between the orders and the day's end: three system events follow it.
    let last = a["messages"].as_u64().unwrap_or_default();
    assert_eq!(image["next"].as_u64(), Some(last - 2), "{a}");
}

#[test]
fn a_day_follows_its_schedule() {
    if !ready("a_day_follows_its_schedule") {
        return;
    }
    let _machine = machine();
    let schedule = r#"
opens_trading = false
schedule = [
    { after_ms = 0, tell = '{"op":"phase","phase":"preopen"}' },
    { after_ms = 3000, tell = '{"op":"phase","phase":"open"}' },
]
"#;
    let market = exchange(schedule);
    let mut venue = market.scenario.start();
    venue.wait_hot();
    let mut maker = market.login("MAKER", 1, 1);
    let mut taker = market.login("TAKER", 1, 1);
    maker.ask(enter("B", 100, 101 * DOLLAR), "A");
    taker.ask(enter("S", 100, 99 * DOLLAR), "A");
    // Neither limit nor trade came before: the price is the middle.
    let fill = maker.hear("E");
    assert_eq!((&fill["price"], &fill["liquidity_flag"]), (&json!(100 * DOLLAR), &json!("M")));
    let (ok, answers) = tell(&market, &[json!({"op": "phase", "phase": "close"})]);
    assert!(ok, "{answers:?}");
    let reject = maker.ask(enter("B", 100, 101 * DOLLAR), "J");
    assert_eq!(reject["rejected_order_reason"], 2, "destination closed: {reject}");
    maker.finish();
    taker.finish();
    close(venue);
}

#[test]
fn a_venue_goes_on_where_it_was_stopped() {
    if !ready("a_venue_goes_on_where_it_was_stopped") {
        return;
    }
    let _machine = machine();
    let market = exchange("state_file = \"venue.state\"");
    let mut venue = market.scenario.start();
    venue.wait_hot();
    let mut maker = market.login("MAKER", 1, 1);
    let resting = maker.ask(enter("B", 100, 99 * DOLLAR), "A");
    maker.finish();
    close(venue);

    let mut venue = market.scenario.start();
    venue.wait_hot();
    let image = snapshot(&market);
    let order = &image["orders"][0]["order"];
    assert_eq!(*order, resting["order_reference_number"], "{image}");
    // The number of the first run is used up; the order can be traded with and canceled.
    let mut taker = market.login("TAKER", 1, 1);
    taker.ask(enter("S", 40, 99 * DOLLAR), "A");
    taker.hear("E");
    let mut maker = market.login("MAKER", 1, 2);
    assert_eq!(maker.hear("E")["quantity"], 40);
    let canceled = maker.ask(json!({"do": "cancel", "user_ref_num": 1, "quantity": 0}), "C");
    assert_eq!(canceled["quantity"], 60);
    maker.finish();
    taker.finish();
    close(venue);
}
