//! The command line as a person meets it.

use std::process::{Command, Output};

#[path = "common/mod.rs"]
mod common;

fn peregrine(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.args(arguments).current_dir(common::repo_root()).env("RUST_BACKTRACE", "1");
    command.output().expect("the binary starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn every_command_helps_with_examples() {
    for command in
        ["run", "check", "replay", "backtest", "match", "tell", "decode", "journal", "ports"]
    {
        let output = peregrine(&[command, "--help"]);
        let told = stdout(&output);
        assert!(output.status.success(), "{command}");
        assert!(told.contains("Examples:"), "{command}: {told}");
        assert!(told.matches(&format!("peregrine {command}")).count() >= 3, "{command}: {told}");
        assert_eq!(stdout(&peregrine(&["help", command])), told);
    }
    let told = stdout(&peregrine(&["--help"]));
    assert!(told.contains("Examples:") && told.contains("Exit status:"), "{told}");
}

#[test]
fn examples_in_the_help_are_true() {
    for line in ["check config/quickstart.toml", "ports --no-huge --vdev net_ring0 --json"] {
        let output = peregrine(&line.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", stderr(&output));
    }
}

#[test]
fn the_version_says_what_it_was_made_from() {
    let told = stdout(&peregrine(&["--version"]));
    assert!(told.starts_with(&format!("peregrine {} (git ", env!("CARGO_PKG_VERSION"))), "{told}");
    assert!(told.contains(", DPDK ") && told.contains(", target CPU "), "{told}");
}

#[test]
fn what_cannot_be_understood_is_refused_with_a_hint() {
    for (arguments, told) in [
        (vec!["chek"], "a similar subcommand exists: 'check'"),
        (vec!["run"], "<CONFIG>"),
        (vec!["run", "x.toml", "--no-hug"], "--no-huge"),
        (vec!["run", "x.toml", "--pace", "fast"], "\"250000/s\""),
        (vec!["run", "x.toml", "--duration", "10"], "500ms, 10s, 5m or 2h"),
        (vec!["ports", "--config", "x.toml", "--vdev", "net_null0"], "cannot be used with"),
    ] {
        let output = peregrine(&arguments);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.starts_with("peregrine: "), "{arguments:?}: {text}");
        assert!(text.contains(told), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(peregrine(&[]).status.code(), Some(2));
}

#[test]
fn ports_lists_the_links_of_a_configuration() {
    let output = peregrine(&["ports", "--no-huge", "--json", "--config", "config/quickstart.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> =
        rows.as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names.len(), 8);
    assert!(names.iter().any(|name| name.ends_with("feed.a")), "{names:?}");
    assert_eq!(rows[0]["driver"], "net_ring");
    assert_eq!(rows[0]["rx_queues_max"], 1);
}

#[test]
fn ports_of_a_device_are_a_table() {
    let output = peregrine(&["ports", "--no-huge", "--vdev", "net_null0"]);
    let told = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(told.contains("net_null0") && told.contains("offloads"), "{told}");
}

#[test]
fn a_device_that_does_not_come_up_is_refused() {
    let output = peregrine(&["ports", "--no-huge", "--vdev", "net_af_packet0,iface=nosuchif"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with("peregrine: "), "{told}");
    assert!(told.contains("net_af_packet0,iface=nosuchif"), "{told}");
}

#[test]
fn without_ports_it_says_what_would_make_some() {
    let output = peregrine(&["ports", "--no-huge"]);
    let told = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    // A machine may have a NIC under vfio-pci.
    assert!(
        told.contains("DPDK sees no ports. To have some:") || told.contains("driver"),
        "{told}"
    );
}
