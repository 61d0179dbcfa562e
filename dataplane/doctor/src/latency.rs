//! How long a load waits for memory, from each node's CPUs to each node's memory.
//!
//! A thread pinned to a CPU of one node follows a chain through memory of another: each cache line
//! names the next, in one cycle through all of them at random, so that no prefetcher helps and no
//! load begins before the last one ended. The chain is twice the last cache where there is room; on
//! hugepages where enough are free, since with ordinary pages a load waits for the page walk, too.
//!
//! # Limits
//!
//! A chain has 16 to 1,024 MB, at most a quarter of what is free on its node, and no more than a
//! cgroup leaves. Hugepages are taken only while as many again stay free: they are the appliance's.
//! Pairs are measured one after another: 64 at most, some half a second each.

mod chase;
mod room;

use crate::{Error, Host, Line, Section, Stop};
use hostcpu::Topology;
use serde::Serialize;

/// Pairs of nodes that are measured.
const PAIRS_MAX: usize = 64;

/// From a CPU to a node's memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// The CPU.
    pub cpu: usize,
    /// Its node.
    pub cpu_node: usize,
    /// The memory's node.
    pub memory_node: usize,
    /// The chain's length.
    pub bytes: u64,
    /// The last cache of that CPU; `None` where the kernel does not say.
    pub cache_bytes: Option<u64>,
    /// Whether it lay on hugepages.
    pub hugepages: bool,
    /// A load, in ns: the median of batches.
    pub load_ns: f64,
    /// How many loads there were.
    pub loads: u64,
}

/// A pair that could not be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The CPU's node.
    pub cpu_node: usize,
    /// The memory's.
    pub memory_node: usize,
    /// What was in the way.
    pub why: String,
}

/// All pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    /// Those that were measured.
    pub measured: Vec<Latency>,
    /// Those that were not.
    pub missing: Vec<Missing>,
}

/// Measures from one of `cpus` on each node to the memory of every node that has some. `bytes`
/// replaces the length that is chosen for the cache's sake.
///
/// # Errors
/// A `/sys` without CPUs, a CPU that cannot be used, a thread that cannot be made.
pub fn measure(
    host: &Host,
    cpus: &[usize],
    bytes: Option<u64>,
    stop: Stop<'_>,
) -> Result<Latencies, Error> {
    let topology = host.topology()?;
    let mut all = Latencies::default();
    let memories = room::nodes(host);
    let pairs = from(&topology, cpus)
        .into_iter()
        .flat_map(|(cpu, node)| memories.iter().map(move |&memory| (cpu, node, memory)));
    for (cpu, cpu_node, memory_node) in pairs.take(PAIRS_MAX) {
        let missing = |why: String| Missing { cpu_node, memory_node, why };
        if stop() {
            all.missing.push(missing("interrupted".to_owned()));
            continue;
        }
        let room = match room::find(host, cpu, memory_node, bytes) {
            Ok(room) => room,
            Err(why) => {
                all.missing.push(missing(why));
                continue;
            }
        };
        match chase::on(cpu, (cpu_node, memory_node), &room, stop)? {
            Ok(latency) => all.measured.push(latency),
            Err(why) => all.missing.push(missing(why)),
        }
    }
    Ok(all)
}

/// One CPU of each node, the first of the list that lies there.
fn from(topology: &Topology, cpus: &[usize]) -> Vec<(usize, usize)> {
    let mut from: Vec<(usize, usize)> = Vec::new();
    for cpu in cpus.iter().filter_map(|&cpu| topology.cpu(cpu)) {
        if from.iter().all(|(_, node)| *node != cpu.node) {
            from.push((cpu.id, cpu.node));
        }
    }
    from
}

/// What it comes to. A local load beyond `local_ns_max` is wrong on bare metal; else it is noted.
pub fn lines(all: &Latencies, local_ns_max: f64, virtualised: bool) -> Vec<Line> {
    let local = |cpu_node: usize| {
        let own = all.measured.iter().find(|l| l.cpu_node == cpu_node && l.memory_node == cpu_node);
        own.map(|latency| latency.load_ns)
    };
    let mut lines: Vec<Line> = all
        .measured
        .iter()
        .map(|latency| of_pair(latency, local(latency.cpu_node), local_ns_max, virtualised))
        .collect();
    lines.extend(all.missing.iter().map(|missing| {
        line(missing.cpu_node, missing.memory_node).not_offered(missing.why.clone())
    }));
    let nodes = all.measured.iter().map(|latency| latency.memory_node);
    let several = nodes.clone().any(|node| Some(node) != nodes.clone().next());
    if !several && all.missing.iter().all(|missing| missing.cpu_node == missing.memory_node) {
        let remote = Line::new(Section::Memory, "remote", "memory of another node");
        lines.push(remote.not_offered("one node with CPUs and memory"));
    }
    lines
}

fn line(cpu_node: usize, memory_node: usize) -> Line {
    let what = match cpu_node == memory_node {
        true => format!("node {cpu_node}: its own memory"),
        false => format!("node {cpu_node}: memory of node {memory_node}"),
    };
    Line::new(Section::Memory, format!("node{cpu_node} to node{memory_node}"), what)
}

fn of_pair(latency: &Latency, local_ns: Option<f64>, limit_ns: f64, virtualised: bool) -> Line {
    let line = line(latency.cpu_node, latency.memory_node);
    let inside = latency.cache_bytes.is_some_and(|cache| cache >= latency.bytes);
    let pages = if latency.hugepages { "hugepages" } else { "ordinary pages" };
    let cached = if inside { ", which the last cache holds" } else { "" };
    let found =
        format!("{:.1} ns a load, {} MB on {pages}{cached}", latency.load_ns, latency.bytes >> 20);
    if latency.cpu_node != latency.memory_node {
        return match local_ns.filter(|local| *local > 0.0) {
            Some(local) => {
                line.noted(format!("{found}; {:.2} times local", latency.load_ns / local))
            }
            None => line.noted(found),
        };
    }
    // Page walks, a cache and a hypervisor's paging are not the memory's doing.
    if virtualised || inside || !latency.hugepages {
        return line.noted(found);
    }
    let line = line.wanted(format!("{limit_ns} ns at most"));
    match latency.load_ns <= limit_ns {
        true => line.ok(found),
        false => {
            line.wrong(found, "all memory channels filled, node interleaving off, uncore fixed")
        }
    }
}

#[cfg(test)]
mod tests;
