//! Who may depend on whom, read from `cargo metadata`.
//!
//! The layers, from DESIGN's "what must never be": deciding code (`strategy`) knows nothing of the
//! machine, moving code (`dataplane`) keeps DPDK behind one crate, and poll loops carry no runtime.
//! Dependencies for building and testing alone are free but for the rules that say otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::{expect_none, spdx, tree};

/// Crates that read clocks, draw random numbers, talk to the system, or log.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "chrono",
    "core_affinity",
    "crossterm",
    "dpdk",
    "dpdk-sys",
    "env_logger",
    "fastrand",
    "getrandom",
    "hostcpu",
    "hugemem",
    "hugepage-rs",
    "hyper",
    "jiff",
    "log",
    "mio",
    "minstant",
    "nix",
    "quanta",
    "rand",
    "rand_core",
    "reqwest",
    "rustix",
    "slog",
    "smol",
    "smoltcp",
    "socket2",
    "time",
    "tokio",
    "tokio-util",
    "tracing",
    "tracing-core",
    "tracing-subscriber",
];

/// Crates that a poll loop does not depend on itself.
const NOT_IN_LOOPS: &[&str] = &["serde", "serde_json", "rkyv", "log", "anyhow", "clap", "toml"];
/// Crates that a poll loop does not depend on even through others.
const NOT_BELOW_LOOPS: &[&str] = &[
    "async-std",
    "axum",
    "hyper",
    "metrics",
    "metrics-exporter-prometheus",
    "mio",
    "opentelemetry",
    "opentelemetry_sdk",
    "prometheus",
    "prometheus-client",
    "reqwest",
    "smol",
    "tokio",
    "tracing",
    "tracing-core",
];

/// A package of the graph.
struct Package {
    name: String,
    /// The folder below the top, for our own.
    folder: Option<String>,
    source: Option<String>,
    license: String,
    version: String,
    /// Ids of normal dependencies.
    normal: BTreeSet<String>,
    /// Ids of every kind of dependency.
    every: BTreeSet<String>,
}

/// Packages by id.
struct Graph(BTreeMap<String, Package>);

impl Graph {
    fn read() -> Graph {
        let cargo = std::env::var("CARGO").unwrap_or("cargo".into());
        let arguments = ["metadata", "--format-version", "1", "--locked"];
        let platform = ["--filter-platform", "x86_64-unknown-linux-gnu"];
        let output =
            Command::new(cargo).args(arguments).args(platform).current_dir(tree::top()).output();
        let output = output.expect("cargo starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata: {said}");
        let json = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
        Graph::from_metadata(&json)
    }

    fn from_metadata(json: &Value) -> Graph {
        let mut packages: BTreeMap<String, Package> = list(&json["packages"])
            .iter()
            .map(|package| (text(&package["id"]), Package::from_metadata(package)))
            .collect();
        for node in list(&json["resolve"]["nodes"]) {
            let package = packages.get_mut(&text(&node["id"])).expect("a node is a package");
            for dependency in list(&node["deps"]) {
                let id = text(&dependency["pkg"]);
                // A normal dependency has a kind of null.
                if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()) {
                    package.normal.insert(id.clone());
                }
                package.every.insert(id);
            }
        }
        Graph(packages)
    }

    /// Our own packages.
    fn members(&self) -> impl Iterator<Item = &Package> {
        self.0.values().filter(|package| package.folder.is_some())
    }

    fn member(&self, name: &str) -> &Package {
        self.members().find(|p| p.name == name).unwrap_or_else(|| panic!("no member {name}"))
    }

    /// Normal dependencies of `package`: its own, or with those below them.
    fn direct<'g>(&'g self, package: &Package) -> Vec<&'g Package> {
        package.normal.iter().map(|id| &self.0[id]).collect()
    }

    fn below<'g>(&'g self, package: &Package) -> Vec<&'g Package> {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<&String> = package.normal.iter().collect();
        while let Some(id) = todo.pop() {
            if seen.insert(id) {
                todo.extend(self.0[id].normal.iter());
            }
        }
        seen.into_iter().map(|id| &self.0[id]).collect()
    }
}

impl Package {
    fn from_metadata(package: &Value) -> Package {
        let source = package["source"].as_str().map(String::from);
        let manifest = text(&package["manifest_path"]);
        let top = tree::top().to_string_lossy().into_owned();
        let below = manifest.strip_prefix(&top).unwrap_or(&manifest);
        let folder = below.trim_start_matches('/').trim_end_matches("Cargo.toml");
        Package {
            name: text(&package["name"]),
            folder: source.is_none().then(|| folder.trim_end_matches('/').to_string()),
            source,
            license: text(&package["license"]),
            version: text(&package["version"]),
            normal: BTreeSet::new(),
            every: BTreeSet::new(),
        }
    }

    /// Whether this is a member below `folder`.
    fn is_in(&self, folder: &str) -> bool {
        self.folder.as_deref().is_some_and(|own| own.starts_with(folder))
    }

    /// Where its rules are broken: its manifest.
    fn manifest(&self) -> String {
        match self.folder.as_deref() {
            Some("") => "Cargo.toml:1".into(),
            Some(folder) => format!("{folder}/Cargo.toml:1"),
            None => format!("{} {}", self.name, self.version),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

#[test]
fn strategy_knows_no_machine_and_no_wire_but_the_codecs() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    let deciding = |package: &&Package| package.is_in("strategy/") && package.name != "sim";
    for package in graph.members().filter(deciding) {
        for below in graph.below(package) {
            let dataplane = below.is_in("dataplane/") && below.name != "wire";
            if below.is_in("ffi/") || dataplane {
                broken.push(format!(
                    "{}: strategy depends on {}, which moves bytes or is unsafe",
                    package.manifest(),
                    below.name
                ));
            }
        }
    }
    expect_none(&broken);
}

/// The one exception: the simulator runs a whole cluster, so it has what is sans-I/O of the
/// dataplane. It touches nothing unsafe itself, and no device is anywhere below it.
#[test]
fn the_simulator_knows_what_is_sans_io_and_no_more() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    let package = graph.member("sim");
    let may = ["cluster", "journal", "replica", "session", "venue", "wire"];
    for direct in graph.direct(package) {
        let dataplane = direct.is_in("dataplane/") && !may.contains(&direct.name.as_str());
        if direct.is_in("ffi/") || dataplane {
            broken.push(format!("{}: sim depends on {}", package.manifest(), direct.name));
        }
    }
    let never = ["dpdk", "dpdk-sys", "smoltcp", "net", "lcore", "tokio"];
    for below in graph.below(package).iter().filter(|p| never.contains(&p.name.as_str())) {
        broken.push(format!("{}: {} is below the simulator", package.manifest(), below.name));
    }
    expect_none(&broken);
}

#[test]
fn pure_crates_depend_on_nothing_that_looks_outside() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    for name in ["types", "book", "engine", "wire"] {
        let package = graph.member(name);
        for below in graph.below(package).iter().filter(|p| IMPURE.contains(&p.name.as_str())) {
            broken.push(format!(
                "{}: {name} depends on {}: no clocks, randomness, I/O or logging here",
                package.manifest(),
                below.name
            ));
        }
    }
    expect_none(&broken);
}

#[test]
fn protocol_cores_and_the_doctor_know_no_device_and_no_tcp_stack() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    for (name, never) in [
        ("session", ["dpdk", "dpdk-sys", "smoltcp"].as_slice()),
        ("feed", &["dpdk", "dpdk-sys", "smoltcp"]),
        ("net", &["dpdk", "dpdk-sys"]),
        ("telemetry", &["dpdk", "dpdk-sys", "smoltcp"]),
        ("doctor", &["dpdk", "dpdk-sys", "smoltcp"]),
        ("venue", &["dpdk", "dpdk-sys", "smoltcp", "net", "lcore"]),
        ("cluster", &["dpdk", "dpdk-sys", "smoltcp", "net", "lcore"]),
        ("engine", &["journal", "replica"]),
        ("journal", &["dpdk", "dpdk-sys", "smoltcp", "engine"]),
        ("replica", &["dpdk", "dpdk-sys", "smoltcp", "engine", "journal", "hostcpu"]),
    ] {
        let package = graph.member(name);
        for below in graph.below(package).iter().filter(|p| never.contains(&p.name.as_str())) {
            let manifest = package.manifest();
            broken.push(format!("{manifest}: {name} depends on {}", below.name));
        }
    }
    expect_none(&broken);
}

#[test]
fn only_the_safe_face_sees_the_raw_bindings() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    for package in graph.members().filter(|package| package.name != "dpdk") {
        // Of any kind: a test that reaches around the safe face proves nothing about it.
        if package.every.iter().any(|id| graph.0[id].name == "dpdk-sys") {
            broken.push(format!("{}: only `dpdk` depends on dpdk-sys", package.manifest()));
        }
    }
    expect_none(&broken);
}

#[test]
fn poll_loops_carry_no_runtime_and_no_exporter() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    let package = graph.member("lcore");
    for direct in graph.direct(package) {
        if NOT_IN_LOOPS.contains(&direct.name.as_str()) {
            broken.push(format!("{}: a poll loop depends on {}", package.manifest(), direct.name));
        }
    }
    for below in graph.below(package) {
        if NOT_BELOW_LOOPS.contains(&below.name.as_str()) {
            broken.push(format!("{}: {} is below a poll loop", package.manifest(), below.name));
        }
    }
    expect_none(&broken);
}

#[test]
fn nobody_depends_on_the_appliance() {
    let graph = Graph::read();
    let mut broken = Vec::new();
    for package in graph.members() {
        if package.every.iter().any(|id| graph.0[id].name == "peregrine") {
            let manifest = package.manifest();
            broken.push(format!("{manifest}: depends on the appliance, which wires everything"));
        }
    }
    expect_none(&broken);
}

#[test]
fn what_we_take_comes_from_one_registry_under_terms_we_accept() {
    let graph = Graph::read();
    let deny = std::fs::read_to_string(tree::top().join("deny.toml")).expect("deny.toml");
    let deny: toml::Table = deny.parse().expect("deny.toml is TOML");
    let allow = deny["licenses"]["allow"].as_array().expect("licenses.allow in deny.toml");
    let accepted: Vec<String> = allow.iter().filter_map(|v| v.as_str()).map(String::from).collect();
    let mut broken = Vec::new();
    let mut registries = BTreeSet::new();
    for package in graph.0.values() {
        if !spdx::satisfied(&package.license, &accepted) {
            let (manifest, license) = (package.manifest(), &package.license);
            broken.push(format!("{manifest}: licence `{license}` is not accepted by deny.toml"));
        }
        match package.source.as_deref() {
            None => {}
            Some(source) if source.starts_with("registry+") => {
                registries.insert(source);
            }
            Some(source) => broken.push(format!("{}: comes from {source}", package.manifest())),
        }
    }
    if registries.len() > 1 {
        broken.push(format!("Cargo.lock:1: more than one registry: {registries:?}"));
    }
    expect_none(&broken);
}
