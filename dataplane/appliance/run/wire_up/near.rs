//! A role's memory, on its lcore's node.
//!
//! Roles are built by the thread that starts the run, which is on the house's CPUs, and a page
//! comes from the node of whoever touches it first.

use hostcpu::{Topology, memory};

/// Has what `make` touches lie on the node of `cpu`, while that has any memory. Where somebody has
/// said otherwise (`numactl`), or a sandbox forbids it, it lies where it would have; `peregrine
/// doctor` tells of pages that are elsewhere.
pub(super) fn near<T>(host: &Topology, cpu: usize, make: impl FnOnce() -> T) -> T {
    let node = host.cpu(cpu).filter(|_| host.nodes() > 1).map(|cpu| cpu.node);
    let asked = node.is_some_and(|node| memory::is_default() && memory::prefer(node).is_ok());
    let made = make();
    if asked {
        // What was allowed a moment ago is still.
        let _ = memory::unbind();
    }
    made
}
