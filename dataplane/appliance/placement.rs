//! Which CPU each logical lcore is.
//!
//! `auto` takes the CPUs that the process may use, best first: isolated ones, then one of each
//! physical core, then the siblings, since two poll loops on one core share its execution units. A
//! host's isolated CPUs are not in a process's mask unless someone put them there, so they are
//! added, but only while the mask is the one that every process gets: who narrowed it, with taskset or
//! a cpuset, meant it.

use std::cmp::Reverse;

use hostcpu::{CpuSet, Topology};

use crate::config::Cpus;

/// The CPUs of the lcores: logical lcore `i` is the `i % n`-th.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement(Vec<usize>);

/// Why lcores cannot be placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlacementError {
    /// The host does not tell.
    #[error("cannot see which CPUs there are: {0}")]
    Host(#[from] hostcpu::Error),
    /// A CPU of the list is not for us.
    #[error("lcores.cpus: this process cannot use CPU {cpu}; it can use {usable}")]
    NotUsable {
        /// The CPU.
        cpu: usize,
        /// Those that would do.
        usable: CpuSet,
    },
    /// There is no CPU at all.
    #[error("there is no CPU this process can use")]
    None,
}

impl Placement {
    /// Places lcores on this host.
    ///
    /// # Errors
    /// A listed CPU that is offline or outside of the process's cpuset, or a host that cannot be read.
    pub(crate) fn new(cpus: &Cpus) -> Result<Placement, PlacementError> {
        Placement::on(cpus, &hostcpu::allowed_cpus()?, &Topology::read()?)
    }

    fn on(cpus: &Cpus, allowed: &CpuSet, host: &Topology) -> Result<Placement, PlacementError> {
        let usable = usable(allowed, host);
        let placed = match cpus {
            Cpus::Auto => best_first(&usable, host),
            Cpus::List(list) => {
                if let Some(&cpu) = list.iter().find(|&&cpu| !usable.contains(cpu)) {
                    return Err(PlacementError::NotUsable { cpu, usable });
                }
                list.clone()
            }
        };
        if placed.is_empty() { Err(PlacementError::None) } else { Ok(Placement(placed)) }
    }

    /// The CPU of a logical lcore.
    pub(crate) fn cpu(&self, lcore: u16) -> usize {
        self.0[usize::from(lcore) % self.0.len()]
    }
}

fn usable(allowed: &CpuSet, host: &Topology) -> CpuSet {
    let isolated = host.isolated();
    let online = host.online();
    let usual = online.iter().filter(|&cpu| !isolated.contains(cpu));
    if usual.eq(allowed.iter()) { online } else { *allowed }
}

fn best_first(usable: &CpuSet, host: &Topology) -> Vec<usize> {
    let rank = |cpu: usize| {
        let isolated = host.isolated().contains(cpu);
        let sibling = host.cpu(cpu).map_or(0, |facts| {
            facts.siblings.iter().filter(|&other| other < cpu && usable.contains(other)).count()
        });
        (Reverse(isolated), sibling, cpu)
    };
    let mut cpus: Vec<usize> = usable.iter().collect();
    cpus.sort_by_key(|&cpu| rank(cpu));
    cpus
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// A host of two cores with two threads each; CPUs 1 and 3 are the second core.
    fn host(isolated: &str) -> (tempdir::Dir, Topology) {
        let dir = tempdir::Dir::new(&format!("placement-{isolated}"));
        let cpu = dir.path().join("devices/system/cpu");
        for (id, siblings) in [(0, "0,2"), (1, "1,3"), (2, "0,2"), (3, "1,3")] {
            let topology = cpu.join(format!("cpu{id}/topology"));
            write(&topology.join("thread_siblings_list"), siblings);
            write(&topology.join("core_id"), &(id % 2).to_string());
            write(&topology.join("physical_package_id"), "0");
        }
        write(&cpu.join("online"), "0-3");
        write(&cpu.join("isolated"), isolated);
        let topology = Topology::read_at(dir.path()).unwrap();
        (dir, topology)
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    /// A folder that goes when the test does.
    mod tempdir {
        use std::path::{Path, PathBuf};

        pub(super) struct Dir(PathBuf);

        impl Dir {
            pub(super) fn new(name: &str) -> Dir {
                let path =
                    std::env::temp_dir().join(format!("peregrine-{}-{name}", std::process::id()));
                std::fs::create_dir_all(&path).unwrap();
                Dir(path)
            }

            pub(super) fn path(&self) -> &Path {
                &self.0
            }
        }

        impl Drop for Dir {
            fn drop(&mut self) {
                let _ = std::fs::remove_dir_all(&self.0);
            }
        }
    }

    fn set(text: &str) -> CpuSet {
        text.parse().unwrap()
    }

    #[test]
    fn auto_takes_isolated_cpus_then_whole_cores() {
        let (_dir, none) = host("");
        let place = Placement::on(&Cpus::Auto, &set("0-3"), &none).unwrap();
        assert_eq!(place, Placement(vec![0, 1, 2, 3]));
        let (_dir, two) = host("2-3");
        // The usual mask leaves isolated CPUs out; a narrower one is someone's wish.
        let place = Placement::on(&Cpus::Auto, &set("0-1"), &two).unwrap();
        assert_eq!(place.0[..2], [2, 3]);
        assert_eq!(Placement::on(&Cpus::Auto, &set("1"), &two).unwrap(), Placement(vec![1]));
    }

    #[test]
    fn lcores_go_round_the_list() {
        let (_dir, host) = host("");
        let place = Placement::on(&Cpus::List(vec![3, 1]), &set("0-3"), &host).unwrap();
        assert_eq!([0, 1, 2].map(|lcore| place.cpu(lcore)), [3, 1, 3]);
    }

    #[test]
    fn a_cpu_that_is_not_ours_is_refused_with_those_that_are() {
        let (_dir, host) = host("");
        let error = Placement::on(&Cpus::List(vec![9]), &set("0-3"), &host).unwrap_err();
        let told = "lcores.cpus: this process cannot use CPU 9; it can use 0-3";
        assert_eq!(error.to_string(), told);
    }
}
