//! What stops a trader by itself, on ports: a venue that is gone, a feed that never begins, a
//! control plane that stands still. And what its position is afterwards.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use appliance::{Ended, Report, Running, Scenario, cpus, machine, wait_until};
use serde_json::{Value, json};

/// One of the two lines that tell a trader of one symbol.
fn status(scenario: &Scenario, event: &str) -> Value {
    let (ok, told) = scenario.tell("trader.sock", &[json!({"op": "status"})]);
    assert!(ok, "{told:?}");
    told.iter().find(|line| line["event"] == event).cloned().expect("its status")
}

fn trader(scenario: &Scenario) -> Value {
    status(scenario, "trader")
}

fn traded(scenario: &Scenario) -> u64 {
    status(scenario, "position")["traded_shares"].as_u64().expect("shares")
}

/// The quickstart with the trader's console, at a pace that leaves time to talk to it.
fn slow() -> Scenario {
    Scenario::new("config/quickstart.toml")
        .edit("# control = \"trader.sock\"", "control = \"trader.sock\"")
        .edit("gap_max_s = 1.0", "gap_max_s = 0.01")
        .edit("drain_ms = 500", "drain_ms = 10000")
        .args("--no-huge --pace recorded")
}

fn end(running: Running<'_>) -> Ended {
    running.signal("INT");
    running.wait()
}

/// Shares and average price of a role's note on its position.
fn shares(report: &Report, role: &str, begins: &str) -> i64 {
    let note = report.note(role, begins);
    let after = note.strip_prefix(begins).and_then(|rest| rest.split(' ').next());
    after.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{note}"))
}

/// The venue's process stands still for longer than any connection waits: for its clients it is
/// gone. Then it is back, with answers that they have missed.
#[test]
fn a_venue_that_is_gone_kills_and_when_it_is_back_the_position_is_its_ledgers() {
    let _machine = machine();
    let [venue, clients] = ["venue", "clients"].map(|name| {
        let cpu = cpus()[usize::from(name == "clients")];
        Scenario::new(&format!("tests/data/split-{name}.toml"))
            .edit("cpus = [0]", &format!("cpus = [{cpu}]"))
            .args("--no-huge")
    });
    let socket = format!("{}.sock", venue.prefix());
    let venue = venue.edit("split.sock", &socket);
    let clients = clients
        .edit("split.sock", &socket)
        .edit("trader-password", "quickstart")
        .edit("[trader.feed]", "control = \"trader.sock\"\n[trader.feed]")
        .edit("pace = \"20x\"\ngap_max_s = 1.0", "pace = \"recorded\"\ngap_max_s = 0.01")
        .edit("[[loadgen]]", "[trader.kill]\ndisconnected_ms = 300\n\n[[loadgen]]");
    let mut market = venue.start();
    market.wait_hot();
    let mut running = clients.start();
    running.wait_hot();
    wait_until("fills", || traded(&clients) > 0);
    assert_eq!(trader(&clients)["killed"], Value::Null);
    market.signal("STOP");
    wait_until("the kill", || trader(&clients)["killed"] == "order_connection");
    let gone = trader(&clients);
    assert_eq!(gone["can_trade"], false);
    market.signal("CONT");
    // What was live is taken off as soon as it is logged in again, and nothing new goes out.
    wait_until("no live orders", || trader(&clients)["live_orders"] == 0);
    let before = traded(&clients);
    let (ok, told) = clients.tell("trader.sock", &[json!({"op": "revive"})]);
    assert!(ok, "{told:?}");
    wait_until("trades after the revival", || traded(&clients) > before);
    let ended = end(running);
    let report = ended.report();
    assert!(report.counter("trader", "order_link", "logins") > 1, "{}", report.counted());
    assert_eq!(report.counter("trader", "orders", "unexpected"), 0, "{}", report.counted());
    let theirs = end(market);
    assert_eq!(
        shares(report, "trader", "AAPL: position "),
        shares(theirs.report(), "venue", "TRADE1: AAPL "),
        "{}",
        report.counted()
    );
}

/// Every trade so far, all but the first ones gone again in time: the trader's are among them.
#[test]
fn a_fill_that_the_operator_breaks_is_gone_from_the_position() {
    let _machine = machine();
    let scenario = slow().edit("# control = \"venue.sock\"", "control = \"venue.sock\"");
    let mut running = scenario.start();
    running.wait_hot();
    wait_until("fills", || traded(&scenario) > 2_000);
    let busts: Vec<Value> = (1..=400).map(|n| json!({"op": "bust", "match": n})).collect();
    // A number that no trade has is refused, and the rest done all the same.
    let (_, told) = scenario.tell("venue.sock", &busts);
    assert!(told.iter().any(|line| line["event"] == "broken"), "{told:?}");
    wait_until("trades after it", || traded(&scenario) > 4_000);
    let ended = end(running);
    let report = ended.passed();
    assert!(report.counter("trader", "orders", "broken") > 0, "{}", report.counted());
    assert!(report.is_ok("positions are the ledger's"));
}

#[test]
fn a_feed_that_never_begins_kills() {
    let _machine = machine();
    let scenario = slow()
        .edit("feed_silent_ms = 0 ", "feed_silent_ms = 300 ")
        .edit("silent_after_ms = 0 ", "silent_after_ms = 100 ")
        .edit("[pool]", "[[link]]\nname = \"cut\"\nslots = 1024\n\n[pool]")
        .edit("port = \"feed.b\"", "port = \"cut.b\"")
        .edit("[[loadgen]]", CUT);
    let mut running = scenario.start();
    running.wait_hot();
    wait_until("the kill", || trader(&scenario)["killed"] == "feed");
    assert_eq!(trader(&scenario)["feed"], "silent");
    let ended = end(running);
    assert_eq!(ended.report().summary("orders_sent"), 0);
}

/// A stage that lets no frame of the feed pass.
const CUT: &str = "[[impair]]\nname = \"cut\"\nlcore = 1\na = \"feed.b\"\nb = \"cut.a\"\n\
                   [impair.a_to_b]\nloss = 1.0\n[[loadgen]]";

/// A thread that is held; let go with the value.
struct Held(Child);

impl Held {
    fn thread(id: u32) -> Held {
        let path = common::repo_root().join("tests/peers/hold_thread.py");
        let mut command = Command::new("python3");
        command.arg(path).arg(id.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let mut line = String::new();
        let said = BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line);
        assert!(said.is_ok() && line == "held\n", "{line}");
        Held(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The supervisor is the process's first thread; the lcores and the console go on without it.
#[test]
fn a_control_plane_that_stands_still_kills() {
    if !common::need_root("a_control_plane_that_stands_still_kills") {
        return;
    }
    let _machine = machine();
    let scenario = slow().edit("control_silent_ms = 0 ", "control_silent_ms = 500 ");
    let mut running = scenario.start();
    running.wait_hot();
    wait_until("fills", || traded(&scenario) > 0);
    assert_eq!(trader(&scenario)["killed"], Value::Null);
    let held = Held::thread(running.pid());
    wait_until("the kill", || trader(&scenario)["killed"] == "control_plane");
    wait_until("no live orders", || trader(&scenario)["live_orders"] == 0);
    let before = traded(&scenario);
    drop(held);
    let (ok, told) = scenario.tell("trader.sock", &[json!({"op": "revive"})]);
    assert!(ok, "{told:?}");
    wait_until("trades after the revival", || traded(&scenario) > before);
    let ended = end(running);
    assert!(ended.passed().is_ok("positions are the ledger's"));
}
