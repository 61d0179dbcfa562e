//! A cluster of real processes loses its leader, in each way there is: nothing that a client was
//! told is lost, told twice or told otherwise.
//!
//! The journals lie in memory: what a machine's disk takes for an fdatasync under load is longer
//! than an election, and is not what is tested here.

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::machine;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Pages of 2 MB that four processes share, and one more while a dead one's are not yet free.
const PAGES: u64 = 160;

/// A folder in memory that goes with the value.
struct Memory(PathBuf);

impl Memory {
    fn new(name: &str) -> Memory {
        let path = PathBuf::from("/dev/shm");
        let path = if path.is_dir() { path } else { std::env::temp_dir() };
        Memory(path.join(format!("peregrine-{name}-{}", std::process::id())))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Plays a drill, and gives its report.
fn drill(name: &str, harm: &str, rounds: u32) -> Option<Value> {
    let _machine = machine();
    if !common::need_hugepages(name, PAGES) {
        return None;
    }
    let folder = Memory::new(harm);
    let output = Command::new(env!("CARGO_BIN_EXE_peregrine"))
        .args(["drill", harm, "--rounds", &rounds.to_string(), "--json", "--dir"])
        .arg(&folder.0)
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {told}\n{}", logs(&folder.0)));
    assert!(output.status.success(), "{report:#}\n{told}");
    assert_eq!(report["clean"], true, "{report:#}");
    assert_eq!(report["rounds"].as_array().map(Vec::len), Some(rounds as usize));
    for round in report["rounds"].as_array().into_iter().flatten() {
        assert_ne!(round["leader"], round["successor"], "{report:#}");
        assert!(round["serving_ns"].is_u64() && round["answered_ns"].is_u64(), "{report:#}");
    }
    assert!(report["orders"].as_u64() > Some(0) && report["shares_bought"].as_u64() > Some(0));
    Some(report)
}

/// The last lines of each process's log.
fn logs(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            let text = std::fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let last: Vec<&str> = text.lines().rev().take(12).collect();
            all += &format!("{:?}: {:#?}\n", entry.file_name(), last);
        }
    }
    all
}

#[test]
fn a_leader_is_killed() {
    let Some(report) = drill("a_leader_is_killed", "failover", 2) else { return };
    let states: Vec<&str> =
        report["states"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(states.len() == 3 && states.iter().all(|state| *state == states[0]), "{states:?}");
}

#[test]
fn a_leader_is_stopped_and_wakes_up() {
    drill("a_leader_is_stopped_and_wakes_up", "pause", 2);
}

#[test]
fn a_leader_is_cut_off_from_the_others() {
    drill("a_leader_is_cut_off_from_the_others", "partition", 2);
}

#[test]
fn what_cannot_be_done_is_said() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_peregrine")).args(words).output();
        let output = output.expect("the program runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(run(&["drill", "failover", "--nodes", "4"]).contains("3 or 5"));
    assert!(run(&["drill", "flood"]).contains("failover"));
    let there = run(&["drill", "failover", "--dir", "."]);
    assert!(there.contains("is there already"), "{there}");
}
