use super::*;
use crate::State;
use crate::fixture::Tree;

fn latency(cpu_node: usize, memory_node: usize, load_ns: f64) -> Latency {
    let (bytes, cache_bytes) = (64 << 20, Some(32 << 20));
    Latency {
        cpu: 0,
        cpu_node,
        memory_node,
        bytes,
        cache_bytes,
        hugepages: true,
        load_ns,
        loads: 1,
    }
}

fn told(all: &Latencies, virtualised: bool) -> Vec<(State, String)> {
    let lines = lines(all, 150.0, virtualised);
    lines.into_iter().map(|line| (line.state, line.found)).collect()
}

#[test]
fn local_memory_is_judged_on_bare_metal_and_remote_compared() {
    let missing = Missing { cpu_node: 1, memory_node: 0, why: "no".into() };
    let measured = vec![latency(0, 0, 80.0), latency(0, 1, 120.0), latency(1, 1, 151.0)];
    let all = Latencies { measured, missing: vec![missing] };
    let states: Vec<State> = told(&all, false).into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [State::Ok, State::Noted, State::Wrong, State::NotOffered]);
    assert!(told(&all, false)[1].1.ends_with("1.50 times local"));
    assert!(told(&all, true).iter().all(|(state, _)| !state.is_unfit()));
}

#[test]
fn what_a_cache_holds_is_no_verdict_on_memory() {
    let small = Latency { cache_bytes: Some(128 << 20), ..latency(0, 0, 999.0) };
    let all = Latencies { measured: vec![small], missing: Vec::new() };
    let told = told(&all, false);
    assert_eq!((told[0].0, told[1].0), (State::Noted, State::NotOffered));
    assert!(told[0].1.contains("the last cache holds"), "{}", told[0].1);
}

#[test]
fn one_cpu_of_each_node_is_taken() {
    let tree = Tree::new(&[
        ("sys/devices/system/cpu/online", "0-3"),
        ("sys/devices/system/node/node0/cpulist", "0-1"),
        ("sys/devices/system/node/node1/cpulist", "2-3"),
    ]);
    let topology = tree.host().topology().unwrap();
    assert_eq!(from(&topology, &[1, 0, 3, 2, 9]), [(1, 0), (3, 1)]);
}

#[test]
fn this_machines_memory_answers_and_a_stop_ends_it() {
    let cpu = hostcpu::allowed_cpus().unwrap().first().unwrap();
    let all = measure(&Host::here(), &[cpu], Some(16 << 20), &|| false).unwrap();
    assert!(!all.measured.is_empty() || !all.missing.is_empty());
    for latency in &all.measured {
        assert!(latency.load_ns > 0.0 && latency.loads > 0 && latency.bytes == 16 << 20);
    }
    let none = measure(&Host::here(), &[cpu], None, &|| true).unwrap();
    assert!(none.measured.is_empty() && !none.missing.is_empty());
}
