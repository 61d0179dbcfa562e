//! A venue that loses all its 4,096 clients at once, and gets them all back at once.
//!
//! The clients are the kernel's sockets in a network namespace, half of which end by a FIN and half
//! by a reset; every one must be let in and logged in again, and a client that comes after
//! the storm must trade as before it.

use std::fmt::Write;

use serde_json::{Value, json};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Scenario, machine};
use common::netns::Cable;
use peers::Peer;

const VENUE: (&str, u16) = ("10.77.1.1", 26_400);
const CLIENTS: u32 = 4_096;
/// How often all drop and come again.
const ROUNDS: u32 = 2;
/// The accounts of the configuration that is edited.
const ACCOUNTS: &str = r#"[[venue.accounts]]
user = "MAKER"
password = "maker-pass"

[[venue.accounts]]
user = "TAKER"
password = "taker-pass"
"#;

/// Limits for as many sessions as can be, with small buffers, and an account for each client. Some
/// connections more than clients: a reset that a busy host's device lost leaves its slot taken.
fn accounts() -> String {
    let connections = CLIENTS + 64;
    let mut text = format!(
        "[venue.limits]\nconnections_max = {connections}\nrx_bytes = 4_096\ntx_bytes = 8_192\n\
         replay_bytes = 4_096\nreplay_messages = 64\n\n"
    );
    for client in 0..CLIENTS {
        let account = format!("user = \"U{client:04}\"\npassword = \"storm\"\n");
        writeln!(text, "[[venue.accounts]]\n{account}").expect("a string takes all");
    }
    text
}

#[test]
fn all_clients_drop_and_come_back_at_once() {
    const NAME: &str = "all_clients_drop_and_come_back_at_once";
    if !common::need_netns(NAME) || !common::need_tools(NAME, &["python3"]) {
        return;
    }
    let _machine = machine();
    let lay = |address| Cable::lay(address).expect("a cable");
    let cables = [lay("10.77.1.2/24"), lay("10.77.2.2/24")];
    let scenario = Scenario::new("tests/data/kernel-venue.toml")
        .edit("iface=ORDERS", &format!("iface={}", cables[0].host_if()))
        .edit("iface=MARKET", &format!("iface={}", cables[1].host_if()))
        .edit("memory_mb = 128", "memory_mb = 512")
        .edit(ACCOUNTS, &accounts())
        .args("--no-huge");
    let mut venue = scenario.start();
    venue.wait_hot();

    let mut program = peers::command(&cables[0], "tcp_storm.py");
    program.args(["--host", VENUE.0, "--port", &VENUE.1.to_string()]);
    program.args(["--count", &CLIENTS.to_string(), "--rounds", &ROUNDS.to_string()]);
    // On a busy machine; a quiet one takes a second for each round.
    program.args(["--seconds", "100"]);
    let mut storm = Peer::start(&mut program);
    for round in 0..=ROUNDS {
        let told = storm.until("round");
        println!("{told}");
        for name in ["connected", "accepted"] {
            assert_eq!(told[name], CLIENTS, "round {round}: {told}");
        }
    }
    storm.finish();
    trade(&cables[0]);
    venue.signal("INT");
    let ended = venue.wait();
    let report = ended.report();
    assert!(ended.status.success(), "{}", ended.stderr);
    let accepted = report.counter("venue", "venue", "connections");
    assert_eq!(accepted, u64::from(CLIENTS * (ROUNDS + 1) + 1), "{}", report.counted());
}

/// A client that comes after the storm is served as ever.
fn trade(cable: &Cable) {
    let mut client = Peer::connect(cable, VENUE, ("U0007", "storm"), (0, 1));
    client.until("login_accepted");
    let order = json!({"do": "enter", "side": "B", "quantity": 100, "symbol": "AAPL",
                       "price": 1_000_000});
    let accepted: Value = client.ask(order, "A");
    assert_eq!(accepted["quantity"], 100, "{accepted}");
}
