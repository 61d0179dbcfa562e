//! A run that is told to end: in good order at the first signal, at once at the second, and without
//! anything left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Scenario, machine};

/// Where EAL, hugetlbfs and shared memory leave files.
const PLACES: [&str; 5] = ["/dev/shm", "/dev/hugepages", "/run/dpdk", "/var/run/dpdk", "/tmp"];

/// What lies in those places under `prefix`, which is this run's alone: others may work on the same
/// machine, so other names are not ours to judge. What goes to `TMPDIR` is looked at besides.
fn traces(prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for place in PLACES {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.path().to_string_lossy().into_owned();
            // EAL leaves an empty folder of its prefix behind: no more than that.
            if name.contains(prefix) && !is_empty(&entry.path()) {
                found.insert(name);
            }
        }
    }
    found
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A run of several minutes whose trader has orders resting.
fn slow(huge: &str) -> Scenario {
    let run = Scenario::new("config/quickstart.toml")
        .edit("mode = 0 ", "mode = 1 ")
        .edit("huge = \"auto\"", &format!("huge = \"{huge}\""))
        .edit("drain_ms = 500", "drain_ms = 10000");
    // The directory of the day at its own pace would take hours to go by.
    run.edit("gap_max_s = 1.0", "gap_max_s = 0.01").args("--pace recorded")
}

fn ends_in_order(signal: &str, huge: &str) {
    let run = slow(huge);
    let mut running = run.start();
    running.wait_hot();
    std::thread::sleep(Duration::from_secs(2));
    assert!(!running.is_over(), "it ended by itself: {}", running.told());
    running.signal(signal);
    let ended = running.wait();
    let report = ended.passed();
    assert_eq!(report.0["interrupted"], true);
    assert!(ended.stdout.contains("interrupted"), "{}", ended.stdout);
    assert!(report.summary("orders_sent") > 0, "{}", report.0["summary"]);
    // One verdict says that no order is live; this one, that it had to cancel some for that.
    assert!(report.is_ok("every order is accounted for"));
    assert!(report.counter("trader", "orders", "cancels_sent") > 0);
    assert_eq!(traces(run.prefix()), BTreeSet::new());
    assert!(is_empty(&run.folder().join("tmp")));
}

#[test]
fn sigint_ends_a_run_in_good_order() {
    let _machine = machine();
    ends_in_order("INT", "off");
}

#[test]
fn sigterm_ends_a_run_in_good_order() {
    let _machine = machine();
    ends_in_order("TERM", "off");
}

#[test]
fn hugepages_are_given_back_at_a_signal() {
    // First alone: other tests here take some of the pages that are asked for.
    let _machine = machine();
    if !common::need_hugepages("hugepages_are_given_back_at_a_signal", 100) {
        return;
    }
    ends_in_order("INT", "require");
}

/// A wire that leads nowhere: nobody ever answers.
#[test]
fn a_signal_before_the_venue_is_there_ends_the_wait() {
    let _machine = machine();
    let run = Scenario::new("config/trader.toml")
        .edit("\"0000:21:00.0\"", "\"net_null0,no-rx=1\"")
        .edit("\"0000:21:00.1\"", "\"net_null1,no-rx=1\"")
        .edit("orders_max = 4194304", "orders_max = 65536")
        .edit("levels_max = 1048576", "levels_max = 16384")
        .edit("memory_mb = 512", "memory_mb = 128")
        .edit("mbufs = 32767", "mbufs = 16383")
        .args("--no-huge");
    let mut running = run.start();
    std::thread::sleep(Duration::from_secs(1));
    assert!(!running.is_over(), "it goes on trying: {}", running.told());
    running.signal("TERM");
    let ended = running.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    let report = ended.report();
    assert_eq!(report.0["interrupted"], true);
    assert_eq!((report.summary("orders_sent"), report.summary("messages_decoded")), (0, 0));
    assert!(report.counter("trader", "order_link", "connects") > 0);
    assert_eq!(report.counter("trader", "order_link", "logins"), 0);
}

/// The venue is stopped while the trader waits for its cancels: it would drain for as long as it
/// may.
#[test]
fn a_second_signal_ends_at_once() {
    let _machine = machine();
    let [first, last] = appliance::cpus();
    let part = |name: &str, cpu: usize| {
        let scenario = Scenario::new(&format!("tests/data/split-{name}.toml"));
        scenario.edit("cpus = [0]", &format!("cpus = [{cpu}]")).args("--no-huge")
    };
    let venue = part("venue", first);
    let socket = format!("{}.sock", venue.prefix());
    let venue = venue.edit("split.sock", &socket);
    let clients = part("clients", last)
        .edit("split.sock", &socket)
        .edit("trader-password", "quickstart")
        .edit("drain_ms = 5000", "drain_ms = 60000");
    let mut venue_runs = venue.start();
    venue_runs.wait_hot();
    let mut clients_run = clients.start();
    clients_run.wait_hot();
    std::thread::sleep(Duration::from_secs(1));
    venue_runs.signal("STOP");
    clients_run.signal("INT");
    std::thread::sleep(Duration::from_millis(500));
    assert!(!clients_run.is_over(), "it drains: {}", clients_run.told());
    clients_run.signal("TERM");
    let ended = clients_run.wait();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    assert!(ended.report.is_none(), "an end at once leaves no time for a report");
    assert_eq!(traces(clients.prefix()), BTreeSet::new());
    // The venue has lost its clients, and is none the worse.
    venue_runs.signal("CONT");
    std::thread::sleep(Duration::from_millis(100));
    venue_runs.signal("INT");
    let ended = venue_runs.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.report().counter("venue", "engine", "accepted") > 0);
}
