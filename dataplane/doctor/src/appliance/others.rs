//! Who else may run on an lcore's CPU.

use crate::host::{Host, numbered};
use crate::task::Look;
use hostcpu::CpuSet;
use serde::Serialize;

/// Threads that are named; the rest is counted.
const NAMED_MAX: usize = 8;
/// Threads that are looked at: more than a host that trades has.
const THREADS_MAX: usize = 50_000;

/// A thread that is not the lcore's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Its process.
    pub pid: usize,
    /// Itself.
    pub tid: usize,
    /// Its name.
    pub name: String,
}

/// A thread of the host whose CPUs somebody could change.
pub(super) struct Thread {
    pid: usize,
    tid: usize,
    name: String,
    allowed: CpuSet,
}

/// Every thread that this user sees. A CPU's own kernel threads (`ksoftirqd/3`) are left out: they
/// cannot be elsewhere, and run only when that CPU gives them cause.
pub(super) fn everybody(host: &Host) -> Vec<Thread> {
    let mut all = Vec::new();
    for pid in numbered(&host.proc(""), "") {
        for tid in numbered(&host.proc(&format!("{pid}/task")), "") {
            if all.len() >= THREADS_MAX {
                return all;
            }
            let Some(look) = Look::at(&host.proc(&format!("{pid}/task/{tid}"))) else { continue };
            let Some(allowed) = look.status.allowed else { continue };
            if !(look.stat.is_kernel && look.stat.is_bound) {
                all.push(Thread { pid, tid, name: look.status.name, allowed });
            }
        }
    }
    all
}

/// Those that may run on `cpu` besides `tid`: some, and how many there are.
pub(super) fn on(threads: &[Thread], cpu: Option<usize>, tid: usize) -> (Vec<Other>, usize) {
    let Some(cpu) = cpu else { return (Vec::new(), 0) };
    let may = |thread: &&Thread| thread.tid != tid && thread.allowed.contains(cpu);
    let other = |t: &Thread| Other { pid: t.pid, tid: t.tid, name: t.name.clone() };
    let named = threads.iter().filter(may).take(NAMED_MAX).map(other).collect();
    (named, threads.iter().filter(may).count())
}
