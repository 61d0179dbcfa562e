//! A million hostile messages through a port to a live venue, which goes on serving.
//!
//! They come over the kernel's TCP from a network namespace (`tests/peers/hostile.py`): four
//! sessions that flood, a vandal that breaks SoupBinTCP's rules, somebody who guesses passwords.
//! Afterwards two clients that behave trade with each other, the report's verdicts hold (the log
//! replays to the same state, the tape is the book, books and ledger hold, nothing leaked), and
//! what was sent is what the venue counted. `dataplane/venue/tests/hostile.rs` checks after each
//! message what must hold then.

use serde_json::{Value, json};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Report, Scenario, cpus, machine};
use common::Proc;
use common::netns::{Cable, run};
use peers::Peer;

const VENUE: (&str, u16) = ("10.77.1.1", 26_400);
/// Whoever guesses passwords is counted by its address, which nobody else must have.
const GUESSER: &str = "10.77.1.3";
const MESSAGES: u64 = 1_000_000;
/// Messages that were none, by what was wrong with them.
const UNREAD: &str = "ouch_unreadable";
const UNREADABLE: [&str; 4] = ["ouch_empty", "ouch_unknown_type", "ouch_length", "ouch_appendage"];
/// `PEREGRINE_SEED` repeats a run.
const SEED: u64 = 1;

/// The hostile clients, to their end: what they say the venue must have counted.
fn attack(cable: &Cable, seed: u64) -> Value {
    let mut program = peers::command(cable, "hostile.py");
    program.args(["--host", VENUE.0, "--port", &VENUE.1.to_string(), "--guess-from", GUESSER]);
    program.args(["--messages", &MESSAGES.to_string(), "--seed", &seed.to_string()]);
    let (succeeded, text) = Proc::start(&mut program).finish();
    assert!(succeeded, "seed {seed}: {text}");
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("a summary")
}

/// Two clients that behave trade, as if nothing had been.
fn trade(cable: &Cable) {
    let login = |user| Peer::login(cable, VENUE, user, (0, 1));
    let (mut maker, mut taker) = (login("MAKER"), login("TAKER"));
    let order = |side| {
        json!({"do": "enter", "side": side, "quantity": 100, "symbol": "AAPL",
               "price": 1_000_000})
    };
    maker.ask(order("B"), "A");
    taker.ask(order("S"), "A");
    let (took, made) = (taker.hear("E"), maker.hear("E"));
    assert_eq!((&took["quantity"], &took["price"]), (&json!(100), &json!(1_000_000)));
    assert_eq!(took["match_number"], made["match_number"]);
    for mut client in [maker, taker] {
        client.tell(json!({"do": "logout"}));
        client.finish();
    }
}

#[test]
fn a_venue_survives_a_million_hostile_messages() {
    let name = "a_venue_survives_a_million_hostile_messages";
    if !common::need_netns(name) || !common::need_tools(name, &["python3"]) {
        return;
    }
    let _machine = machine();
    let seed = std::env::var("PEREGRINE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(SEED);
    println!("PEREGRINE_SEED={seed}");
    let cable = Cable::lay("10.77.1.2/24").expect("a cable");
    let second = format!("-n {} addr add {GUESSER}/24 dev {}", cable.ns(), Cable::PEER_IF);
    run(std::process::Command::new("ip").args(second.split(' '))).expect("a second address");
    let scenario = Scenario::new("tests/data/hostile-venue.toml")
        .edit("iface=ORDERS", &format!("iface={}", cable.host_if()))
        .edit("cpus = [0]", &format!("cpus = [{}]", cpus()[0]))
        .args("--no-huge");
    let mut venue = scenario.start();
    venue.wait_hot();
    let sent = attack(&cable, seed);
    println!("{sent}");
    trade(&cable);
    venue.signal("INT");
    let ended = venue.wait();
    let report = ended.report();
    println!("{}", report.counted());
    assert!(ended.status.success(), "{}", ended.stderr);
    everything_is_counted(report, &sent);
    nothing_was_lost(report);
}

/// Every verdict passed: what could not be read is counted, and is no loss.
fn nothing_was_lost(report: &Report) {
    let verdicts = report.0["verdicts"].as_array().expect("verdicts");
    for verdict in verdicts {
        assert_eq!(verdict["ok"], true, "{verdict}\n{}", report.counted());
    }
    for name in ["tape is the book", "books and ledger hold", "replay gives the same state"] {
        assert!(report.is_ok(name), "{name}");
    }
}

/// What was sent is what was counted.
fn everything_is_counted(report: &Report, sent: &Value) {
    let count = |group, name| report.counter("venue", group, name);
    let said = |name: &str| sent[name].as_u64().unwrap_or_else(|| panic!("no {name}: {sent}"));
    // The two that behave sent one each.
    let messages = said("sent") + said("vandal_messages") + 2;
    assert_eq!(count("venue", "ouch_messages"), messages);
    let unreadable = UNREADABLE.map(|name| count(UNREAD, name));
    assert!(unreadable.iter().all(|count| *count > 0), "{unreadable:?}");
    for name in ["rejected", "matches", "duplicates_ignored", "superfluous_ignored"] {
        assert!(count("engine", name) > 0, "no {name}: {}", report.counted());
    }
    let guesses = said("guesses_allowed");
    assert_eq!(count("disconnects", "not_authorized"), guesses);
    assert_eq!(count("disconnects", "login_throttled"), said("guesses") - guesses);
    let reasons = sent["disconnects"].as_object().expect("reasons");
    for (reason, times) in reasons.iter().filter(|(reason, _)| *reason != "logged_out") {
        let counted = count("disconnects", reason);
        assert_eq!(counted, times.as_u64().expect("a number"), "{reason}\n{}", report.counted());
    }
    // The vandal now and then, and each that came to trade or to flood.
    let logged_out = sent["disconnects"]["logged_out"].as_u64().unwrap_or(0) + 4 + 2;
    assert_eq!(count("disconnects", "logged_out"), logged_out);
}
