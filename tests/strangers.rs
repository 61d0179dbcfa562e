//! A venue whose clients are programs that we did not write.
//!
//! They come over the kernel's TCP and UDP from network namespaces: SoupBinTCP by the package
//! `nasdaq-protocols`, OUCH 5.0 by the crate `slouch`, ITCH 5.0 by the package `itchfeed`, the
//! frames themselves by tshark, and `ping` and `nc` as everybody has them. Where no published client
//! speaks a message our second implementation does (`tests/peers/ouch5.py`, `itch5.py`), written
//! from the tables of the wire formats. `scripts/setup.sh --tests` installs what these tests need.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/market.rs"]
mod market;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Ended, Running, Scratch, machine};
use common::netns::Cable;
use common::Proc;
use market::{Market, VENUE};
use peers::Peer;

/// Ends the venue as its operator does, and returns what it left.
fn close(venue: Running<'_>) -> Ended {
    // What was asked for last is still on its way.
    std::thread::sleep(Duration::from_millis(200));
    venue.signal("INT");
    let ended = venue.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    ended
}

/// The last line of a program's output, as JSON.
fn last_line(text: &str) -> Value {
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// Our second implementation trades and listens; the tape and the replies tell one story.
#[test]
fn our_second_implementation_agrees_with_the_venue() {
    let name = "our_second_implementation_agrees_with_the_venue";
    if !common::need_netns(name) || !common::need_tools(name, &["python3"]) {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let [tape, transcript] = ["tape.itch", "transcript.jsonl"].map(|n| folder.path().join(n));
    let market = Market::new();
    let listener = market.listen(&format!("--save {}", tape.display()));
    let mut venue = market.scenario.start();
    venue.wait_hot();

    let mut program = peers::command(&market.cables[0], "ouch5.py");
    program.args(["--host", VENUE.0, "--port", &VENUE.1.to_string(), "--transcript"]);
    let (succeeded, text) = Proc::start(program.arg(&transcript)).finish();
    assert!(succeeded, "{text}");
    let summary = last_line(&text);
    assert!(summary["passed"].as_u64() > Some(10), "{summary}");

    let ended = close(venue);
    let heard = listener.finish();
    assert_eq!(heard["gaps"], serde_json::json!([]), "{heard}");
    let mut compare = Command::new("python3");
    compare.arg(common::repo_root().join("tests/peers/itch5.py")).arg(&tape);
    let (succeeded, text) = Proc::start(compare.arg("--transcript").arg(&transcript)).finish();
    assert!(succeeded, "{text}");
    let compared = last_line(&text);
    assert!(compared["compared"]["executions"].as_u64() > Some(10), "{compared}");
    as_reported(&ended, &compared["types"]);
}

/// What somebody counted on the tape, by type, is what the venue says that it published.
fn as_reported(ended: &Ended, types: &Value) {
    let report = ended.report();
    let counted = types.as_object().expect("counts by type");
    let of = |kind: &str| counted.get(kind).and_then(Value::as_u64).unwrap_or(0);
    let all: u64 = counted.keys().map(|kind| of(kind)).sum();
    for (group, name) in [("venue", "itch_published"), ("moldudp64", "messages")] {
        assert_eq!(report.counter("venue", group, name), all, "{types}\n{}", report.counted());
    }
    let executions = of("E") + of("C") + of("P");
    assert_eq!(report.counter("venue", "engine", "matches"), executions, "{types}");
}
