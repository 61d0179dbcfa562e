//! How the host's CPUs lie, read from sysfs.
//!
//! A poll loop wants a core that the scheduler leaves alone, on the NUMA node of its NIC, whose
//! hyperthread sibling is idle. All of that is in `/sys/devices/system`; the affinity mask of the
//! process is not the place to ask, because isolated cores are missing from it.
//!
//! # Failure modes
//!
//! The list of online CPUs must be there. Everything else is often missing in containers and small
//! virtual machines and then stands for what is simplest: node 0, a core of its own, not isolated.

use crate::{CpuSet, Error};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One online CPU (a hardware thread).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// The kernel's number for it, as in `taskset` and `--lcores`.
    pub id: usize,
    /// Its NUMA node.
    pub node: usize,
    /// Its socket.
    pub socket: usize,
    /// The physical core, numbered within the socket.
    pub core: usize,
    /// The hardware threads of that core, this one included.
    pub siblings: CpuSet,
    /// Whether the scheduler leaves it alone (`isolcpus`).
    pub isolated: bool,
    /// Whether its tick stops while one thread runs (`nohz_full`).
    pub tickless: bool,
}

/// The online CPUs of the host, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    cpus: Vec<Cpu>,
}

impl Topology {
    /// Reads this host's `/sys`.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::CpuList`] when the list of online CPUs is not there.
    pub fn read() -> Result<Self, Error> {
        Self::read_at(Path::new("/sys"))
    }

    /// Reads a sysfs mounted (or imitated) at `sysfs`.
    ///
    /// # Errors
    /// As [`Topology::read`].
    pub fn read_at(sysfs: &Path) -> Result<Self, Error> {
        let cpu_dir = sysfs.join("devices/system/cpu");
        let online: CpuSet = read(&cpu_dir.join("online"))?.parse()?;
        let isolated = cpu_list(&cpu_dir.join("isolated"))?;
        let tickless = cpu_list(&cpu_dir.join("nohz_full"))?;
        let nodes = read_nodes(&sysfs.join("devices/system/node"))?;
        let cpus = online
            .iter()
            .map(|id| {
                let dir = cpu_dir.join(format!("cpu{id}/topology"));
                let siblings = cpu_list(&dir.join("thread_siblings_list"))?;
                Ok(Cpu {
                    id,
                    node: nodes.iter().find(|(_, set)| set.contains(id)).map_or(0, |(n, _)| *n),
                    socket: number(&dir.join("physical_package_id")).unwrap_or(0),
                    core: number(&dir.join("core_id")).unwrap_or(id),
                    siblings: if siblings.is_empty() {
                        [id].into_iter().collect()
                    } else {
                        siblings
                    },
                    isolated: isolated.contains(id),
                    tickless: tickless.contains(id),
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { cpus })
    }

    /// The online CPUs, in ascending order.
    pub fn cpus(&self) -> &[Cpu] {
        &self.cpus
    }

    /// The CPU of that number, if it is online.
    pub fn cpu(&self, id: usize) -> Option<&Cpu> {
        self.cpus.iter().find(|cpu| cpu.id == id)
    }

    /// The numbers of all online CPUs.
    pub fn online(&self) -> CpuSet {
        self.cpus.iter().map(|cpu| cpu.id).collect()
    }

    /// The numbers of the CPUs that the scheduler leaves alone.
    pub fn isolated(&self) -> CpuSet {
        self.cpus.iter().filter(|cpu| cpu.isolated).map(|cpu| cpu.id).collect()
    }

    /// How many NUMA nodes the online CPUs lie on.
    pub fn nodes(&self) -> usize {
        let mut nodes: Vec<usize> = self.cpus.iter().map(|cpu| cpu.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.len()
    }

    /// Whether two CPUs are hardware threads of one core, and so share its execution units.
    pub fn share_a_core(&self, a: usize, b: usize) -> bool {
        a != b && self.cpu(a).is_some_and(|cpu| cpu.siblings.contains(b))
    }
}

/// What a report says about the machine it was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The CPU's name for itself, or `unknown CPU`.
    pub cpu_model: String,
    /// The running kernel's release, or `unknown`.
    pub kernel: String,
    /// Whether the counter's rate is constant and goes on in sleep states. Always so on aarch64.
    pub tsc_constant: bool,
    /// Whether this is a guest under a hypervisor, as far as the CPU says.
    pub virtualised: bool,
}

impl HostFacts {
    /// Reads this host's `/proc`. What is not there is reported as unknown: a report is no reason
    /// to fail a run.
    pub fn read() -> Self {
        Self::read_at(Path::new("/proc"))
    }

    /// Reads a procfs mounted (or imitated) at `procfs`.
    pub fn read_at(procfs: &Path) -> Self {
        let cpuinfo = fs::read_to_string(procfs.join("cpuinfo")).unwrap_or_default();
        let field = |name: &str| {
            cpuinfo
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.trim() == name)
                .map(|(_, value)| value.trim())
        };
        let flag = |name| field("flags").is_some_and(|all| all.split(' ').any(|f| f == name));
        let kernel = fs::read_to_string(procfs.join("sys/kernel/osrelease")).unwrap_or_default();
        let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
        Self {
            cpu_model: or(field("model name").unwrap_or_default(), "unknown CPU"),
            kernel: or(kernel.trim(), "unknown"),
            tsc_constant: cfg!(target_arch = "aarch64")
                || (flag("constant_tsc") && flag("nonstop_tsc")),
            virtualised: flag("hypervisor"),
        }
    }
}

/// The CPUs of each NUMA node; nothing on a kernel without NUMA.
fn read_nodes(dir: &Path) -> Result<Vec<(usize, CpuSet)>, Error> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut nodes = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix("node")).map(str::parse::<usize>);
        if let Some(Ok(number)) = number {
            nodes.push((number, cpu_list(&entry.path().join("cpulist"))?));
        }
    }
    nodes.sort_unstable_by_key(|(number, _)| *number);
    Ok(nodes)
}

fn read(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })
}

/// The CPU list in `path`, empty when there is no such file. `nohz_full` says `(null)` when unset.
fn cpu_list(path: &Path) -> Result<CpuSet, Error> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim() == "(null)" => Ok(CpuSet::new()),
        Ok(text) => text.parse(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(CpuSet::new()),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// The number in `path`. Some virtual machines write -1 for what they do not know.
fn number(path: &Path) -> Option<usize> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
