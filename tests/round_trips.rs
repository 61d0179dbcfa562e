//! Mode `soup` of `peregrine loopback` as one uses it: a venue in one process, the client in
//! another, shared memory between them; and what is told when there is no venue, or no login.

#[path = "common/appliance.rs"]
mod appliance;
mod common;

use appliance::{Scenario, machine, wait_until};
use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// A venue over memif, in a folder of its own.
fn venue() -> Scenario {
    Scenario::new("config/memif-venue.toml").args("--no-huge")
}

/// The client, told what the venue's configuration has, and `more`.
fn client(venue: &Scenario, more: &str) -> Output {
    let device = "net_memif0,role=client,id=0,socket=peregrine-memif.sock,rsize=10";
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(["loopback", "--mode", "soup", "--vdev", device, "--no-huge"]);
    command.args(["--ip", "10.0.2.2/24", "--user", "LOADG1", "--json", "client.json"]);
    command.args(more.split(' ')).current_dir(venue.folder()).stdin(Stdio::null());
    command.output().expect("the binary starts")
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{:?}\n{out}{err}", output.status)
}

fn report(venue: &Scenario) -> Value {
    let text = std::fs::read_to_string(venue.folder().join("client.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

const VENUE: &str = "--venue 10.0.2.1:26400 --password quickstart";

#[test]
fn orders_are_timed_to_their_acks_in_two_processes() {
    let _machine = machine();
    let scenario = venue();
    let mut running = scenario.start();
    running.wait_hot();
    // The session of the second client goes on where the first one's ended.
    for pace in ["", " --rate 2000 --in-flight 64"] {
        let output = client(&scenario, &format!("{VENUE} --count 3000 --warm-up 500{pace}"));
        assert!(output.status.success(), "{}", said(&output));
        let report = report(&scenario);
        let timed = &report["snapshot"]["latency"][0];
        assert_eq!((&timed["count"], &report["passed"]), (&2_500.into(), &true.into()), "{report}");
        let notes = &report["snapshot"]["streams"][0]["notes"];
        assert_eq!((&notes["accepted"], &notes["canceled"]), (&3_000.into(), &3_000.into()));
    }
    let output = client(&scenario, &format!("{VENUE} --count 10 --symbol NONE"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("10 orders: is the symbol traded there"), "{}", said(&output));
    let wrong = "--venue 10.0.2.1:26400 --password wrong --count 10";
    let output = client(&scenario, wrong);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("user or password is wrong"), "{}", said(&output));
    running.signal("TERM");
    let ended = running.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
}

#[test]
fn a_venue_that_is_not_there_is_told_within_seconds() {
    let _machine = machine();
    let scenario = venue();
    let mut running = scenario.start();
    running.wait_hot();
    for (at, told) in [
        ("10.0.2.77:26400", "nobody on the link answers for its address"),
        ("10.0.2.1:9", "it takes no connection"),
    ] {
        let output = client(&scenario, &format!("--venue {at} --password quickstart"));
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
    }
    let mut other = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    let output = other.args(["loopback", "--mode", "soup", "--no-huge"]).output();
    let output = output.expect("the binary starts");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    running.signal("TERM");
    wait_until("the venue's end", || running.is_over());
}
