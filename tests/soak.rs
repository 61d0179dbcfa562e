//! A short soak: made-up orders into a venue flat out, with samples and heap profiles.

#[path = "common/appliance.rs"]
mod appliance;
mod common;

use appliance::{Scenario, machine};
use serde_json::Value;
use std::fs;

#[test]
fn a_short_soak_holds_and_leaves_what_it_saw() {
    let _machine = machine();
    let scenario = Scenario::new("config/soak.toml")
        .edit("messages = 1000000 ", "messages = 20000 ")
        .edit("live_orders = 10000 ", "live_orders = 1000 ")
        .args("--no-huge --duration 4s --samples seen/samples.jsonl --samples-every 100ms")
        .args("--heap-profile heap");
    let (folder, ended) = (scenario.folder(), scenario.run());
    let report = ended.passed();
    for verdict in ["memory does not grow", "heap does not grow", "hot path does not allocate"] {
        assert!(report.is_ok(verdict), "{verdict}");
    }
    let looks: Vec<Value> = fs::read_to_string(folder.join("seen/samples.jsonl"))
        .expect("samples")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(looks.len() > 10, "{} looks", looks.len());
    let of = |at: usize, name: &str| looks[at][name].as_u64().unwrap_or(0);
    assert!(of(looks.len() - 1, "messages") > of(0, "messages"));
    assert!(of(0, "resident_kb") > 1_000 && of(0, "mbufs_in_use") > 0);
    for name in ["before", "after", "difference"] {
        let bytes = fs::read(folder.join(format!("heap/{name}.pb.gz"))).expect("a profile");
        assert!(bytes.starts_with(&[0x1f, 0x8b]), "{name} is not gzip");
    }
}
