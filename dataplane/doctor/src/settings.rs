//! The settings that lcores feel, read from `/proc` and `/sys` in a few milliseconds.
//!
//! It is the part of provisioning's `verify` that can be seen without knowing the plan, for the
//! CPUs that a run is about to take. `peregrine run` makes it at each start; no program is started
//! and nothing is waited for.

mod cpus;
mod house;

use crate::{Host, Line};
use hostcpu::{CpuSet, HostFacts, Topology};

/// What is about to run, or runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The lcores' CPUs. Empty: those that are isolated.
    pub cpus: CpuSet,
    /// Hugepages that are going to be taken on the lcores' nodes, in MB: `None` where that is not
    /// known, 0 where none are wanted.
    pub huge_mb: Option<u64>,
}

/// What all checks look at.
struct Seen<'h> {
    host: &'h Host,
    topology: Topology,
    facts: HostFacts,
    /// CPUs that the scheduler leaves alone.
    isolated: CpuSet,
    /// The lcores' CPUs.
    cpus: CpuSet,
    /// CPUs for everything else; empty where the lcores have them all.
    house: CpuSet,
    /// The nodes of the lcores' CPUs.
    nodes: Vec<usize>,
}

/// Checks everything; a line each, always the same ones in the same order.
///
/// # Errors
/// As [`Topology::read`]: a `/sys` that does not even list the online CPUs.
pub fn check(host: &Host, wanted: &Wanted) -> Result<Vec<Line>, hostcpu::Error> {
    let topology = host.topology()?;
    let isolated = host.isolated();
    let cpus = if wanted.cpus.is_empty() { isolated } else { wanted.cpus };
    let house = topology.online().iter().filter(|&cpu| !cpus.contains(cpu)).collect();
    let mut nodes: Vec<usize> =
        cpus.iter().filter_map(|cpu| topology.cpu(cpu)).map(|cpu| cpu.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let seen = Seen { host, topology, facts: host.facts(), isolated, cpus, house, nodes };
    Ok(vec![
        cpus::isolation(&seen),
        cpus::tick(&seen),
        cpus::siblings(&seen),
        cpus::governor(&seen),
        cpus::frequency(&seen),
        cpus::irqs(&seen),
        house::clocksource(&seen),
        house::transparent_hugepages(&seen),
        house::numa_balancing(&seen),
        house::swap(&seen),
        house::hugepages(&seen, wanted.huge_mb),
        house::hypervisor(&seen),
    ])
}

#[cfg(test)]
mod tests;
