//! A running appliance, watched from outside: is each lcore left alone, and is its memory near?
//!
//! Nothing of it is stopped or asked: its threads are told apart by the names that the duty cycle
//! gives them (`lc0` while it connects, `lc0-hot` while it trades, `lc0-done` after), and all else
//! is what the kernel counts in `/proc`, looked at before and after a while.
//!
//! # Limits
//!
//! The kernel shows only what this user may see: another user's process hides its maps, a container
//! all processes outside of it. What cannot be seen is a line that says so.

mod judge;
mod memory;
mod others;

pub use judge::{Limits, lines};
pub use memory::{Away, Memory, OfKind};
pub use others::Other;

use crate::host::{self, Host, numbered, printable};
use crate::interrupts::{Table, Taken};
use crate::task::{Look, Stat, Status};
use crate::{Error, Stop, wait};
use hostcpu::{CpuSet, Topology};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What the binary is called, and what of it has lcores.
const BINARY: &str = "peregrine";
const WITH_LCORES: [&str; 3] = ["run", "replay", "loopback"];
/// A command line is cut here.
const COMMAND_CHARS_MAX: usize = 160;

/// An appliance that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its process.
    pub pid: u32,
    /// Its command line.
    pub command: String,
    /// Its lcores' threads; never empty.
    pub tids: Vec<usize>,
    /// The CPUs that they are pinned to.
    pub cpus: CpuSet,
}

/// What happened to one lcore meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lcore {
    /// Its thread.
    pub tid: usize,
    /// The thread's name.
    pub name: String,
    /// Whether it was hot all the while: connecting and draining may do what trading may not.
    pub hot: bool,
    /// The CPUs that it may run on, as `3`.
    pub allowed: String,
    /// Its CPU: the only one allowed, or the one that it ran on last.
    pub cpu: Option<usize>,
    /// The node of that CPU.
    pub node: Option<usize>,
    /// Whether the scheduler leaves that CPU alone.
    pub isolated: bool,
    /// Times it gave its CPU away.
    pub voluntary_switches: u64,
    /// Times its CPU was taken from it.
    pub involuntary_switches: u64,
    /// Page faults served without a disk.
    pub minor_faults: u64,
    /// Page faults that read a disk.
    pub major_faults: u64,
    /// Interrupts on its CPU; `None` where the kernel does not say.
    pub interrupts: Option<Vec<Taken>>,
    /// Deferred work of the kernel there.
    pub softirqs: Option<Vec<Taken>>,
    /// Other threads that may run on its CPU, up to a few; the rest is counted.
    pub others: Vec<Other>,
    /// How many there are in all, as far as this user sees.
    pub others_count: usize,
}

/// What was seen of one appliance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Appliance {
    /// Its process.
    pub pid: u32,
    /// Its command line.
    pub command: String,
    /// For how long it was watched, in ns.
    pub watched_ns: u64,
    /// Its lcores; those that ended meanwhile are left out.
    pub lcores: Vec<Lcore>,
    /// How many ended.
    pub ended: usize,
    /// Where its memory lies; `None` where that cannot be seen, and why.
    pub memory: Option<Memory>,
    /// Why its memory cannot be seen.
    pub memory_hidden: Option<String>,
    /// Its memory in swap, in kB.
    pub swap_kb: u64,
}

/// All that run on this host, as far as this user sees; by process.
pub fn find(host: &Host) -> Vec<Found> {
    let pids = numbered(&host.proc(""), "");
    let pids = pids.into_iter().filter_map(|pid| u32::try_from(pid).ok());
    pids.filter(|pid| *pid != std::process::id()).filter_map(|pid| open(host, pid).ok()).collect()
}

/// The appliance of a process.
///
/// # Errors
/// [`Error::NoProcess`], [`Error::NoAppliance`], [`Error::NoLcores`].
pub fn open(host: &Host, pid: u32) -> Result<Found, Error> {
    let text =
        host::read(&host.proc(&format!("{pid}/cmdline"))).map_err(|_| Error::NoProcess { pid })?;
    let words: Vec<&str> = text.split('\0').filter(|word| !word.is_empty()).collect();
    let command = printable(&words.join(" "), COMMAND_CHARS_MAX);
    let program = words.first().and_then(|path| path.rsplit('/').next());
    let verb = words.get(1).copied().unwrap_or_default();
    if program != Some(BINARY) || !WITH_LCORES.contains(&verb) {
        let name = || {
            Status::parse(&host::read(&host.proc(&format!("{pid}/status"))).unwrap_or_default())
                .name
        };
        let command = if command.is_empty() { name() } else { command };
        return Err(Error::NoAppliance { pid, command });
    }
    let mut found = Found { pid, command, tids: Vec::new(), cpus: CpuSet::new() };
    for tid in numbered(&host.proc(&format!("{pid}/task")), "") {
        let Some(look) = Look::at(&thread(host, pid, tid)) else { continue };
        if is_lcore(&look.status.name) {
            found.tids.push(tid);
            if let Some(cpu) = look.cpu() {
                // A CPU that no mask holds is nobody's.
                let _ = found.cpus.insert(cpu);
            }
        }
    }
    if found.tids.is_empty() { Err(Error::NoLcores { pid }) } else { Ok(found) }
}

/// `lc0`, `lc0-hot`, `lc0-done`.
fn is_lcore(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("lc") else { return false };
    let number = rest.trim_end_matches("-hot").trim_end_matches("-done");
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn thread(host: &Host, pid: u32, tid: usize) -> PathBuf {
    host.proc(&format!("{pid}/task/{tid}"))
}

impl Look {
    /// The only CPU that it may run on, else the last that it did.
    fn cpu(&self) -> Option<usize> {
        match &self.status.allowed {
            Some(allowed) if allowed.len() == 1 => allowed.first(),
            _ => self.stat.cpu,
        }
    }
}

/// Everything at one moment.
struct Moment {
    interrupts: Option<Table>,
    softirqs: Option<Table>,
    /// By appliance and lcore, in the order of what was found.
    threads: Vec<Vec<Option<Look>>>,
}

impl Moment {
    fn take(host: &Host, all: &[Found]) -> Moment {
        let table = |name: &str| host::read(&host.proc(name)).ok().map(|text| Table::parse(&text));
        let threads = |found: &Found| -> Vec<Option<Look>> {
            found.tids.iter().map(|tid| Look::at(&thread(host, found.pid, *tid))).collect()
        };
        Moment {
            threads: all.iter().map(threads).collect(),
            interrupts: table("interrupts"),
            softirqs: table("softirqs"),
        }
    }
}

/// Watches all of them for the same while.
///
/// # Errors
/// As [`Topology::read`].
pub fn watch(
    host: &Host,
    all: &[Found],
    time: Duration,
    stop: Stop<'_>,
) -> Result<Vec<Appliance>, Error> {
    let topology = host.topology()?;
    let isolated = host.isolated();
    let began = Instant::now();
    let before = Moment::take(host, all);
    wait(time, stop);
    let after = Moment::take(host, all);
    let watched_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let threads = others::everybody(host);
    let seen = Seen { topology: &topology, isolated: &isolated, before: &before, after: &after };
    let appliance = |(index, found): (usize, &Found)| {
        let lcores: Vec<Lcore> = (0..found.tids.len())
            .filter_map(|lcore| seen.lcore(found, (index, lcore), &threads))
            .collect();
        let nodes: Vec<usize> = lcores.iter().filter_map(|lcore| lcore.node).collect();
        let (memory, memory_hidden) = match memory::read(host, found.pid, &nodes) {
            Ok(memory) => (Some(memory), None),
            Err(why) => (None, Some(why)),
        };
        let status = host::read(&host.proc(&format!("{}/status", found.pid))).unwrap_or_default();
        Appliance {
            pid: found.pid,
            command: found.command.clone(),
            watched_ns,
            ended: found.tids.len() - lcores.len(),
            lcores,
            memory,
            memory_hidden,
            swap_kb: Status::parse(&status).swap_kb,
        }
    };
    Ok(all.iter().enumerate().map(appliance).collect())
}

/// What both moments have to be read with.
struct Seen<'s> {
    topology: &'s Topology,
    isolated: &'s CpuSet,
    before: &'s Moment,
    after: &'s Moment,
}

impl Seen<'_> {
    /// What became of one lcore; `None` when it ended meanwhile.
    fn lcore(
        &self,
        found: &Found,
        (appliance, lcore): (usize, usize),
        threads: &[others::Thread],
    ) -> Option<Lcore> {
        let look = |moment: &Moment| moment.threads.get(appliance)?.get(lcore)?.clone();
        let (first, last) = (look(self.before)?, look(self.after)?);
        let tid = *found.tids.get(lcore)?;
        let cpu = last.cpu();
        let taken = |before: Option<&Table>, after: Option<&Table>| {
            let (before, after, cpu) = (before?, after?, cpu?);
            after.has(cpu).then(|| after.since(before, cpu))
        };
        let (others, others_count) = others::on(threads, cpu, tid);
        let hot = |look: &Look| look.status.name.ends_with("-hot");
        let Stat { minor_faults, major_faults, .. } = first.stat;
        Some(Lcore {
            tid,
            hot: hot(&first) && hot(&last),
            allowed: last.status.allowed.map(|cpus| cpus.to_string()).unwrap_or_default(),
            cpu,
            node: cpu.and_then(|cpu| self.topology.cpu(cpu)).map(|cpu| cpu.node),
            isolated: cpu.is_some_and(|cpu| self.isolated.contains(cpu)),
            voluntary_switches: last
                .status
                .voluntary_switches
                .saturating_sub(first.status.voluntary_switches),
            involuntary_switches: last
                .status
                .involuntary_switches
                .saturating_sub(first.status.involuntary_switches),
            minor_faults: last.stat.minor_faults.saturating_sub(minor_faults),
            major_faults: last.stat.major_faults.saturating_sub(major_faults),
            interrupts: taken(self.before.interrupts.as_ref(), self.after.interrupts.as_ref()),
            softirqs: taken(self.before.softirqs.as_ref(), self.after.softirqs.as_ref()),
            others,
            others_count,
            name: last.status.name,
        })
    }
}

#[cfg(test)]
mod tests;
