//! `peregrine doctor` on this machine, whatever it is, and on a run that really trades; and what
//! `run` says of a host that is not fit.
//!
//! Nothing here knows how fit the machine is. What is asserted is that the answers have their shape
//! and agree with each other, and that what cannot be done is refused by name.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Output};

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Scenario, Scratch, machine};

const STATES: [&str; 6] = ["ok", "wrong", "reboot", "warn", "noted", "not offered here"];
const SECTIONS: [&str; 6] = ["plan", "host", "jitter", "tsc", "memory", "appliance"];

fn doctor(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.arg("doctor").args(words).output().expect("the binary starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Runs it with `--json`, and holds the report to its shape.
fn report(words: &[&str]) -> Value {
    let output = doctor(&[&["--json"], words].concat());
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{words:?}: {error}: {}", stderr(&output)));
    assert_eq!(report["schema"], 1);
    let states: Vec<&str> = lines(&report).iter().map(|line| of(line, "state")).collect();
    let is_unfit = states.iter().any(|state| ["wrong", "reboot"].contains(state));
    assert_eq!(output.status.code(), Some(i32::from(is_unfit)), "{report:#}");
    assert_eq!(
        (&report["exit"], &report["interrupted"]),
        (&u8::from(is_unfit).into(), &false.into())
    );
    for line in lines(&report) {
        assert!(STATES.contains(&of(line, "state")), "{line}");
        assert!(SECTIONS.contains(&of(line, "section")), "{line}");
        assert!(!of(line, "id").is_empty() && !of(line, "what").is_empty(), "{line}");
        assert!(line["found"].is_string() && line["wanted"].is_string(), "{line}");
        assert!(of(line, "state") != "ok" || of(line, "mend").is_empty(), "{line}");
    }
    let keys: BTreeSet<_> =
        lines(&report).iter().map(|l| (of(l, "section"), of(l, "id"))).collect();
    assert_eq!(keys.len(), states.len(), "each check has a name of its own");
    for state in STATES {
        let counted = states.iter().filter(|one| **one == state).count();
        assert_eq!(report["counts"][state].as_u64(), Some(counted as u64), "{state}");
    }
    report
}

fn lines(report: &Value) -> &[Value] {
    report["lines"].as_array().expect("lines")
}

fn of<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key:?} in {value}"))
}

fn count(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no count {key:?} in {value}"))
}

fn sections(report: &Value) -> BTreeSet<&str> {
    lines(report).iter().map(|line| of(line, "section")).collect()
}

#[test]
fn every_part_has_its_lines_on_any_machine() {
    let _machine = machine();
    let report = report(&["--seconds", "1", "--memory-mb", "16"]);
    assert_eq!(sections(&report), BTreeSet::from(SECTIONS));
    assert!(!of(&report["host"], "online").is_empty());
    assert!(report["tsc"]["measured_hz"].as_u64() > Some(0));
}

#[test]
fn a_cpu_that_was_asked_for_is_measured_and_judged() {
    let _machine = machine();
    let cpu = appliance::cpus()[1];
    let report =
        report(&["--seconds", "0.3", "--cpus", &cpu.to_string(), "--only", "jitter,tsc,memory"]);
    let all = report["jitter"].as_array().expect("jitter");
    assert_eq!(all.len(), 1);
    let one = &all[0];
    assert_eq!((count(one, "cpu"), &one["judged"]), (cpu as u64, &true.into()));
    let (watched, longest) = (count(one, "watched_ns"), count(one, "longest_ns"));
    assert!(watched > 0 && longest <= watched && count(one, "stolen_ns") <= watched, "{one}");
    assert!(count(one, "p50_ns") <= count(one, "p999_ns"), "{one}");
    let bars = one["histogram"].as_array().expect("bars");
    let sum: u64 = bars.iter().map(|bar| count(bar, "count")).sum();
    assert_eq!(sum, count(one, "interruptions"));
    assert!(bars.iter().all(|bar| count(bar, "from_ns") < count(bar, "below_ns")));
    for pair in report["tsc"]["pairs"].as_array().expect("pairs") {
        assert!(pair["low_ns"].is_i64() && pair["high_ns"].is_i64(), "{pair}");
    }
    for latency in report["memory"].as_array().expect("latencies") {
        assert!(latency["load_ns"].as_f64() > Some(0.0), "{latency}");
        assert_eq!(count(latency, "cpu"), cpu as u64);
    }
    // Nobody asked for these.
    assert!(!sections(&report).contains("plan") && !sections(&report).contains("host"));
}

#[test]
fn limits_that_nothing_exceeds_make_a_cpu_fit() {
    let _machine = machine();
    let cpu = appliance::cpus()[0].to_string();
    let report = report(&[
        "--seconds",
        "0.2",
        "--cpus",
        &cpu,
        "--only",
        "jitter",
        "--longest-ns-max",
        "1000000000000",
        "--interruptions-per-s-max",
        "1e12",
        "--stolen-ppm-max",
        "1e6",
        "--interrupts-per-s-max",
        "1e12",
    ]);
    let state = |name: &str| {
        let id = format!("cpu{cpu} {name}");
        let line = lines(&report).iter().find(|line| of(line, "id") == id);
        of(line.unwrap_or_else(|| panic!("no line {id}")), "state").to_owned()
    };
    assert_eq!((state("longest").as_str(), state("interruptions").as_str()), ("ok", "ok"));
}

/// At the recorded pace, a run of several minutes.
fn trading() -> Scenario {
    Scenario::new("config/quickstart.toml").edit("gap_max_s = 1.0", "gap_max_s = 0.01")
}

#[test]
fn a_run_that_trades_is_watched_and_its_cpus_are_left_alone() {
    let _machine = machine();
    let scenario = trading().args("--pace recorded --no-huge");
    let mut running = scenario.start();
    running.wait_hot();
    let pid = running.pid().to_string();
    let report = report(&["--seconds", "0.5", "--pid", &pid]);
    let all = report["appliances"].as_array().expect("appliances");
    assert_eq!((all.len(), count(&all[0], "pid")), (1, u64::from(running.pid())));
    let lcores = all[0]["lcores"].as_array().expect("lcores");
    assert!(!lcores.is_empty());
    let mut cpus = BTreeSet::new();
    for lcore in lcores {
        assert!(of(lcore, "name").starts_with("lc") && lcore["hot"] == true, "{lcore}");
        assert_eq!(of(lcore, "allowed"), count(lcore, "cpu").to_string(), "pinned");
        assert!(cpus.insert(count(lcore, "cpu")), "a CPU has one lcore");
        for key in ["voluntary_switches", "involuntary_switches", "minor_faults", "major_faults"] {
            count(lcore, key);
        }
        let named = lcore["others"].as_array().expect("others").len() as u64;
        assert!(count(lcore, "others_count") >= named);
        let thread = of(lcore, "name").trim_end_matches("-hot").to_owned();
        for name in ["pinned", "gave way", "displaced", "faults", "interrupts", "others"] {
            let id = format!("pid{pid} {thread} {name}");
            assert!(lines(&report).iter().any(|line| of(line, "id") == id), "no line {id}");
        }
    }
    if let Some(kinds) = all[0]["memory"]["kinds"].as_array() {
        assert!(kinds.iter().any(|kind| kind["kind"] == "heap"), "{kinds:?}");
    }
    // Whatever would spin on the lcores' CPUs was not done, nor is it when asked for.
    let none = Value::Array(Vec::new());
    assert_eq!((&report["jitter"], &report["memory"]), (&none, &none));
    let cpu = cpus.first().expect("an lcore").to_string();
    let output = doctor(&["--cpus", &cpu]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(&format!("of process {pid}")), "{}", stderr(&output));
    assert!(!running.is_over(), "it was not disturbed: {}", running.told());
    running.signal("INT");
    let ended = running.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    let gone = doctor(&["--pid", &pid]);
    assert_eq!(gone.status.code(), Some(2));
}

#[test]
fn what_cannot_be_done_is_refused_with_what_could() {
    let own = std::process::id().to_string();
    for (words, told) in [
        (vec!["--cpus", "1023"], "there is no such CPU online"),
        (vec!["--cpus", "4-1"], "is not a CPU list"),
        (vec!["--cpus", ""], "an empty list"),
        (vec!["--pid", "4294967295"], "there is no such process"),
        (vec!["--pid", own.as_str()], "is no appliance"),
        (vec!["--only", "heart"], "'heart'"),
        (vec!["--seconds", "0"], "from 0.01 to 86400"),
        (vec!["--threshold-ns", "1"], "is not in 100..="),
        (vec!["--verify", "/nowhere/v.json", "--only", "plan"], "/nowhere/v.json"),
        (vec!["--provision", "/nowhere/p.sh", "--only", "plan"], "/nowhere/p.sh"),
        (vec!["--config", "/nowhere/c.toml"], "/nowhere/c.toml"),
    ] {
        let output = doctor(&words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr(&output).contains(told), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn provisionings_lines_are_taken_from_a_file_and_from_the_program() {
    let scratch = Scratch::new();
    let at = |name: &str| scratch.path().join(name).to_string_lossy().into_owned();
    let one = |state: &str| format!(r#"{{"lines": [{{"id": "thp", "state": "{state}"}}]}}"#);
    for (state, exit) in [("ok", 0), ("not offered here", 0), ("wrong", 1), ("reboot", 1)] {
        std::fs::write(at("v.json"), one(state)).expect("a file");
        let report = report(&["--only", "plan", "--verify", &at("v.json")]);
        assert_eq!((of(&lines(&report)[0], "state"), &report["exit"]), (state, &exit.into()));
    }
    std::fs::write(at("v.json"), one("splendid")).expect("a file");
    let output = doctor(&["--verify", &at("v.json")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("splendid"), "{}", stderr(&output));
    // A program that is there, and fails, is no failure of ours.
    std::fs::write(at("p.py"), "import sys\nsys.exit('no such host')\n").expect("a file");
    let report = report(&["--only", "plan", "--provision", &at("p.py")]);
    assert_eq!((lines(&report).len(), of(&lines(&report)[0], "state")), (1, "not offered here"));
    // The real one, where there is a Python for it.
    let script = common::repo_root().join("scripts/provision.sh");
    let report = self::report(&["--only", "plan", "--provision", &script.to_string_lossy()]);
    if common::need_tools("provisionings_lines_are_taken", &["python3"]) {
        assert!(lines(&report).iter().any(|line| of(line, "id") == "thp"), "{report:#}");
    }
}

#[test]
fn settings_are_looked_at_for_what_a_configuration_runs() {
    let config = common::repo_root().join("config/quickstart.toml");
    let report = report(&["--only", "host", "--config", &config.to_string_lossy()]);
    let line = |id: &str| {
        let line = lines(&report).iter().find(|line| of(line, "id") == id);
        line.unwrap_or_else(|| panic!("no line {id}"))
    };
    assert_eq!(of(line("hugepages"), "wanted"), "128 MB free");
    assert!(!of(&report["host"], "lcores").is_empty());
    // No program is started and nothing waited for: there is nothing but these.
    assert_eq!(sections(&report), BTreeSet::from(["host"]));
}

#[test]
fn ctrl_c_ends_it_with_what_there_is() {
    let _machine = machine();
    let cpu = appliance::cpus()[0].to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(["doctor", "--json", "--only", "jitter,tsc", "--seconds", "3600", "--cpus", &cpu]);
    let proc = common::Proc::start(&mut command);
    let tasks = format!("/proc/{}/task", proc.id());
    appliance::wait_until("a thread that spins", || {
        std::fs::read_dir(&tasks).is_ok_and(|tasks| tasks.count() > 2)
    });
    let kill = Command::new("kill").args(["-INT", &proc.id().to_string()]).status();
    assert!(kill.is_ok_and(|status| status.success()));
    let (fit, text) = proc.finish();
    assert!(!fit, "what was broken off is no verdict");
    let report: Value = serde_json::from_str(&text).expect("a whole report");
    assert_eq!((&report["interrupted"], &report["exit"]), (&true.into(), &130.into()));
    assert_eq!(report["jitter"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_run_tells_of_an_unfit_host_in_one_line_or_setting_by_setting() {
    let _machine = machine();
    let told = |args: &str, unfit: &str| {
        let run = trading().edit("unfit = \"warn\"", &format!("unfit = \"{unfit}\""));
        let ended = run.args(&format!("--pace recorded --no-huge --duration 1s{args}")).run();
        // A second may be too short for the run's own verdicts on a busy machine; it did start.
        assert_ne!(ended.status.code(), Some(2), "{}", ended.stderr);
        ended.stderr
    };
    let (brief, full) = (told("", "warn"), told(" --verbose", "warn"));
    let said = |text: &str| text.contains("settings do not suit trading");
    // A host that is fit says nothing, either way.
    assert_eq!(said(&brief), said(&full));
    if said(&brief) {
        assert!(brief.contains("`peregrine doctor`") && !brief.contains("wanted: "), "{brief}");
        assert!(full.contains("wanted: "), "{full}");
    }
    assert!(!said(&told("", "ignore")));
}

/// More hugepages than any machine has: not fit, wherever this runs.
#[test]
fn a_run_refuses_an_unfit_host_when_it_is_told_to() {
    let _machine = machine();
    let run = trading().edit("memory_mb = 128", "memory_mb = 1048576");
    let ended = run.edit("unfit = \"warn\"", "unfit = \"refuse\"").run();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    for part in ["host.unfit = \"refuse\"", "hugepages on lcores' nodes", "1048576 MB free"] {
        assert!(ended.stderr.contains(part), "{part} is not in {}", ended.stderr);
    }
    assert!(ended.report.is_none());
}
