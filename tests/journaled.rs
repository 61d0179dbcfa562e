//! A venue with a journal, killed under load: what it has acknowledged is there when it comes back,
//! no number is given to other bytes, and the feed goes on.
//!
//! Clients are independent programs over the kernel's TCP (`tests/peers/relentless.py`), which keep
//! every message by its number through all connections; a listener does so for the feed, and asks
//! for what it missed. Then the disk is full, and a segment is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/peers.rs"]
mod peers;

use appliance::{Running, Scenario, machine, wait_until};
use common::netns::{Cable, run};
use peers::Peer;

const VENUE: (&str, &str) = ("10.77.1.1", "26400");

/// A venue that keeps a journal, and the cables to it.
struct Market {
    cables: [Cable; 2],
    scenario: Scenario,
}

impl Market {
    /// With settings of `[venue.journal]` besides its folder.
    fn new(settings: &str) -> Market {
        let lay = |address| Cable::lay(address).expect("a cable");
        let cables = [lay("10.77.1.2/24"), lay("10.77.2.2/24")];
        let room = "replay_messages = 524288\nreplay_bytes = 67108864\n";
        let tables = format!(
            "[venue.limits]\n{room}orders_max = 262144\n\n[venue.journal]\ndir = \"journal\"\n\
             {settings}\n\n[venue.orders]\nport"
        );
        let scenario = Scenario::new("tests/data/kernel-venue.toml")
            .edit("iface=ORDERS", &format!("iface={}", cables[0].host_if()))
            .edit("iface=MARKET", &format!("iface={}", cables[1].host_if()))
            .edit("[venue.orders]\nport", &tables)
            .edit("group = \"239.192.0.1\"", &format!("group = \"239.192.0.1\"\n{room}"))
            .args("--no-huge");
        Market { cables, scenario }
    }

    fn journal(&self) -> PathBuf {
        self.scenario.folder().join("journal")
    }

    fn has_snapshot(&self) -> bool {
        let files = fs::read_dir(self.journal()).expect("the journal").flatten();
        files.into_iter().any(|file| file.path().extension().is_some_and(|e| e == "state"))
    }

    /// Clients that trade with each other, and go on whatever happens to the venue.
    fn clients(&self) -> [Peer; 2] {
        [("MAKER", "maker-pass", "0"), ("TAKER", "taker-pass", "1")].map(|(user, word, first)| {
            let mut program = peers::command(&self.cables[0], "relentless.py");
            program.args(["--host", VENUE.0, "--port", VENUE.1, "--user", user]);
            program.args(["--password", word, "--first", first]);
            Peer::start(&mut program)
        })
    }

    /// A listener of the feed, from its first message on, which keeps it in a file.
    fn listen(&self, name: &str, more: &str) -> (Peer, PathBuf) {
        let file = self.scenario.folder().join(name);
        let mut program = peers::command(&self.cables[1], "mold_listen.py");
        program.args(["--group", "239.192.0.1:26477", "--interface", Cable::PEER_IF]);
        program.args(["--seconds", "170", "--first", "1", "--save"]).arg(&file);
        program.args(["--recover", "10.77.2.1:26477"]).args(more.split_whitespace());
        let mut listener = Peer::start(&mut program);
        listener.until("joined");
        (listener, file)
    }

    fn start(&self) -> Running<'_> {
        let mut venue = self.scenario.start();
        venue.wait_hot();
        venue
    }
}

fn say(clients: &mut [Peer], word: &str, answer: &str) -> Vec<Value> {
    clients.iter_mut().for_each(|client| client.say(word));
    clients.iter_mut().map(|client| client.until(answer)).collect()
}

/// The clients end with the venue, having contradicted nothing.
fn goodbye(venue: Running<'_>, mut clients: [Peer; 2]) {
    say(&mut clients, "end", "paused");
    venue.signal("INT");
    for mut client in clients {
        let summary = client.until_the_end();
        assert_eq!((&summary["wrong"], &summary["ended"]), (&Value::Null, &json!(true)));
        assert!(summary["accepted"].as_u64() > Some(0), "{summary}");
    }
    let ended = venue.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    let report = ended.report();
    let count = |name| report.counter("venue", "journal", name);
    assert_eq!(count("inputs"), count("on_disk_through"), "{}", report.counted());
    assert!(report.is_ok("books and ledger hold"), "{}", report.counted());
}

fn can_run(test: &str) -> bool {
    common::need_netns(test) && common::need_tools(test, &["python3"])
}

/// Kills the venue in the middle of it all, `times`, and has everyone compare.
fn killed(settings: &str, times: u64, snapshots: bool) -> (Market, Vec<String>) {
    let market = Market::new(settings);
    let mut venue = market.start();
    let (listener, feed) = market.listen("feed", "");
    let mut clients = market.clients();
    clients.iter_mut().for_each(|client| drop(client.until("trading")));
    let mut told = Vec::new();
    for round in 0..times {
        // Somewhere else each time, and long enough that there is much to be lost.
        std::thread::sleep(Duration::from_millis(700 + 431 * round));
        if snapshots && round > 0 {
            // The segment of the venue before is closed.
            wait_until("a snapshot", || market.has_snapshot());
        }
        venue.signal("KILL");
        venue.wait();
        venue = market.start();
        told.push(venue.told());
        for summary in say(&mut clients, "pause", "paused") {
            assert!(summary["accepted"].as_u64() > Some(10), "{summary}");
        }
        for summary in say(&mut clients, "check", "checked") {
            assert!(summary["read_again"].as_u64() > Some(10), "{summary}");
        }
        clients.iter_mut().for_each(|client| client.say("go"));
    }
    let (late, again) = market.listen("again", "--last 2000");
    late.finish();
    goodbye(venue, clients);
    let summary = listener.finish();
    assert_eq!(summary["gaps"], json!([]), "{summary}");
    assert_eq!((&summary["session_changes"], &summary["contradictions"]), (&json!(0), &json!(0)));
    assert_eq!((&summary["malformed"], &summary["ended"]), (&json!(0), &json!(true)));
    // Who asked for all of it afterwards has the same.
    let (feed, again) = (fs::read(feed).expect("a feed"), fs::read(again).expect("a feed"));
    assert!(!again.is_empty() && feed.starts_with(&again), "the feed is the same from its start");
    (market, told)
}

fn verify(dir: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    let output = command.args(["journal", "verify"]).arg(dir).output().expect("the binary starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

#[test]
fn nothing_that_was_acknowledged_is_lost_at_a_kill() {
    if !can_run("nothing_that_was_acknowledged_is_lost_at_a_kill") {
        return;
    }
    let _machine = machine();
    let (market, told) = killed("snapshot_every_s = 0", 3, false);
    assert!(told.iter().all(|told| !told.contains("the snapshot behind")), "{told:?}");
    assert!(verify(&market.journal()).contains("whole: "));
}

#[test]
fn a_snapshot_taken_while_it_trades_serves_as_well() {
    if !can_run("a_snapshot_taken_while_it_trades_serves_as_well") {
        return;
    }
    let _machine = machine();
    let (market, told) = killed("segment_mb = 2\nsnapshot_every_s = 1\nsegments_kept = 0", 4, true);
    assert!(told.iter().any(|told| told.contains("the snapshot behind")), "{told:?}");
    assert!(!market.journal().join("segment-0000000001.journal").exists(), "superfluous");
    assert!(verify(&market.journal()).contains("whole: "));
    // A new day begins with the engine as it was, and new sessions.
    let mut venue = market.start();
    assert!(venue.told().contains(" and 0 inputs read"), "{}", venue.told());
    venue.signal("INT");
    assert!(!venue.is_over() && venue.wait().status.success());
}

#[test]
fn a_full_disk_stops_acknowledgements_and_loses_none() {
    if !can_run("a_full_disk_stops_acknowledgements_and_loses_none") {
        return;
    }
    let _machine = machine();
    let market = Market::new("segment_mb = 2\nsnapshot_every_s = 0");
    fs::create_dir(market.journal()).expect("a folder");
    let disk = |how: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", how, "tmpfs"]).arg(market.journal());
        run(&mut mount).expect("a small disk");
    };
    disk("size=5m");
    let mut venue = market.start();
    let mut clients = market.clients();
    clients.iter_mut().for_each(|client| drop(client.until("trading")));
    wait_until("a full disk", || venue.told().contains("the disk is full"));
    assert!(venue.told().contains("nothing is acknowledged any more"), "{}", venue.told());
    // Nothing is heard any more, not even heartbeats; the venue is there, and says why.
    std::thread::sleep(Duration::from_millis(500));
    let before = say(&mut clients, "pause", "paused");
    std::thread::sleep(Duration::from_secs(1));
    let after = say(&mut clients, "pause", "paused");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["messages"], after["messages"], "{before} {after}");
        assert!(before["sent"].as_u64() > before["accepted"].as_u64(), "{before}");
    }
    assert!(!venue.is_over());
    venue.signal("INT");
    let ended = venue.wait();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("the disk is full"), "{}", ended.stderr);
    let count = |name| ended.report().counter("venue", "journal", name);
    assert_eq!((count("disk_full"), count("not_taken")), (1, 0));
    assert!(count("inputs") > count("on_disk_through"));

    disk("remount,size=64m");
    let venue = market.start();
    for summary in say(&mut clients, "check", "checked") {
        assert!(summary["read_again"].as_u64() > Some(10), "{summary}");
    }
    clients.iter_mut().for_each(|client| client.say("go"));
    std::thread::sleep(Duration::from_millis(300));
    goodbye(venue, clients);
    run(Command::new("umount").arg(market.journal())).expect("the disk goes");
}

#[test]
fn a_damaged_segment_is_named_and_left_alone() {
    if !can_run("a_damaged_segment_is_named_and_left_alone") {
        return;
    }
    let _machine = machine();
    let market = Market::new("");
    let mut venue = market.start();
    let mut clients = market.clients();
    clients.iter_mut().for_each(|client| drop(client.until("trading")));
    assert!(!venue.is_over());
    venue.signal("KILL");
    venue.wait();
    drop(clients);
    let path = market.journal().join("segment-0000000001.journal");
    let whole = fs::read(&path).expect("a segment");
    let mut damaged = whole.clone();
    damaged[4096 + 64 + 20] ^= 1;
    fs::write(&path, &damaged).expect("a segment");
    let refused = |why: &str| {
        let ended = market.scenario.run();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{why:?} in {}", ended.stderr);
        let files = fs::read_dir(market.journal()).expect("the journal").count();
        assert_eq!(files, 2, "the lock and the segment");
    };
    refused("segment-0000000001.journal: offset 4160, sequence 1: the record is not as it was");
    assert!(fs::read(&path).expect("a segment") == damaged, "nothing was written");
    fs::write(&path, &whole).expect("a segment");
    drop(market.start());
    assert!(fs::read(&path).expect("a segment") == whole, "nothing was written there");
    // A snapshot by hand, of what the segment tells, is what the next start begins with.
    let mut by_hand = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    by_hand.args(["journal", "snapshot", "run.toml"]).current_dir(market.scenario.folder());
    let output = by_hand.output().expect("the binary starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("snapshot behind input"), "{told}");
    assert!(market.start().told().contains("the snapshot behind"));
}

#[test]
fn another_configuration_waits_until_the_day_is_closed() {
    if !can_run("another_configuration_waits_until_the_day_is_closed") {
        return;
    }
    let _machine = machine();
    let Market { cables, scenario } = Market::new("snapshot_every_s = 0");
    let mut venue = scenario.start();
    venue.wait_hot();
    venue.signal("KILL");
    venue.wait();
    let scenario = scenario.edit("orders_max = 262144", "orders_max = 131072");
    let ended = scenario.run();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("begun under another configuration"), "{}", ended.stderr);
    let end = |scenario: &Scenario| {
        let mut venue = scenario.start();
        venue.wait_hot();
        venue.signal("INT");
        let ended = venue.wait();
        assert!(ended.status.success(), "{}", ended.stderr);
    };
    let scenario = scenario.edit("orders_max = 131072", "orders_max = 262144");
    end(&scenario);
    end(&scenario.edit("orders_max = 262144", "orders_max = 131072"));
    drop(cables);
}
