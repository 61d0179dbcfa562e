//! Where threads run: an lcore on its CPU, and every other thread, EAL's own among them, elsewhere.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Running, Scenario, Scratch, machine};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The names of a process's threads, and the CPUs that each may run on.
fn threads(pid: u32) -> Vec<(String, BTreeSet<usize>)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
    let thread = |task: PathBuf| {
        let status = fs::read_to_string(task.join("status")).ok()?;
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some((field("Name:")?.to_owned(), numbers(field("Cpus_allowed_list:")?)))
    };
    tasks.flatten().filter_map(|task| thread(task.path())).collect()
}

/// A list such as `0-3,8`.
fn numbers(list: &str) -> BTreeSet<usize> {
    let number = |text: &str| text.parse::<usize>().expect("a CPU's number");
    let range = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        number(low)..=number(high)
    };
    list.split(',').flat_map(range).collect()
}

/// All that this process may use, and the last of them; none, and a note, where that is all.
fn house_and_lcore(test: &str) -> Option<(BTreeSet<usize>, usize)> {
    let me = threads(std::process::id());
    let mut cpus = me.first().expect("a thread").1.clone();
    let lcore = cpus.pop_last().expect("a CPU");
    let have = if cpus.is_empty() { Err("needs two CPUs".to_owned()) } else { Ok(()) };
    common::need(test, have).then_some((cpus, lcore))
}

/// Lcores have that CPU and nothing else, and the others the house; both are there.
fn check(running: &Running<'_>, house: &BTreeSet<usize>, lcore: usize, others: &[&str]) {
    let threads = threads(running.pid());
    let (lcores, helpers): (Vec<_>, Vec<_>) =
        threads.iter().partition(|(name, _)| name.ends_with("-hot"));
    assert!(!lcores.is_empty(), "no lcore: {threads:?}");
    for (name, cpus) in &lcores {
        assert_eq!(*cpus, BTreeSet::from([lcore]), "{name} of {threads:?}");
    }
    for name in others {
        assert!(helpers.iter().any(|(n, _)| n.contains(name)), "no {name}: {threads:?}");
    }
    for (name, cpus) in &helpers {
        // A host may have isolated CPUs in the mask, which the house does without.
        assert!(!cpus.is_empty() && cpus.is_subset(house), "{name} of {threads:?}");
    }
}

#[test]
fn a_runs_other_threads_keep_off_its_lcores() {
    let _machine = machine();
    let Some((house, lcore)) = house_and_lcore("a_runs_other_threads_keep_off_its_lcores") else {
        return;
    };
    let scenario = Scenario::new("config/quickstart.toml")
        .edit("cpus = \"auto\"", &format!("cpus = [{lcore}]"))
        .edit("# control = \"trader.sock\"", "control = \"trader.sock\"")
        .args("--no-huge --pace recorded");
    let mut running = scenario.start();
    running.wait_hot();
    check(&running, &house, lcore, &["peregrine", "intr", "console"]);
    running.signal("INT");
    running.wait();
}

#[test]
fn so_do_those_of_a_loopback() {
    let _machine = machine();
    let Some((house, lcore)) = house_and_lcore("so_do_those_of_a_loopback") else { return };
    let folder = Scratch::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(["loopback", "--no-huge", "--lcores", &lcore.to_string()]);
    let mut running = Running::launch(&mut command, folder.path());
    running.wait_hot();
    check(&running, &house, lcore, &["peregrine", "intr"]);
    running.signal("INT");
    running.wait();
}
