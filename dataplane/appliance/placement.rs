//! Which CPU each role runs on.
//!
//! Logical lcore `i` is CPU `i % n` of the list, and each CPU that is used gets one thread: roles
//! that meet on a CPU are polled by it in turn, for two spinning threads on one CPU would each wait
//! for the scheduler, milliseconds at a time.
//!
//! `auto` takes the CPUs that the process may use, best first: isolated ones, then one of each
//! physical core, then the siblings, since two poll loops on one core share its execution units. A
//! host's isolated CPUs are not in a process's mask unless someone put them there, so they are
//! added, but only those of the process's cpuset, and only while the mask is the one that every
//! process gets: who narrowed it meant it. A container, a pod or a unit that was given CPUs has
//! them as its cpuset, even where these are just the host's usual ones. `taskset` with just the
//! usual ones changes nothing that the kernel would tell: there a list has to say it.
//!
//! All other threads have the house: the CPUs of the mask that are no lcore's. Isolated ones among
//! these may be the lcores of another process, so they are taken where there is nothing else.

use std::cmp::Reverse;

use hostcpu::{CpuSet, Topology};

use crate::config::{Config, Cpus};

/// Which threads there are, where they run, and what they poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// One for each CPU in use, by the lowest lcore on it.
    pub(crate) threads: Vec<ThreadPlace>,
}

/// One polling thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadPlace {
    /// Where it runs.
    pub(crate) cpu: usize,
    /// Names of the roles that it polls, by logical lcore.
    pub(crate) roles: Vec<String>,
}

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
        /// Those that would do, as `0-3,8`.
        usable: String,
    },
    /// There is no CPU at all.
    #[error("there is no CPU this process can use")]
    None,
}

/// Places a configuration's roles on this host.
///
/// # Errors
/// A listed CPU that is offline or outside of the process's cpuset, or a host that cannot be read.
pub(crate) fn place(config: &Config) -> Result<Placement, PlacementError> {
    let host = Topology::read()?;
    let cpus = cpus(&config.cpus, &Allowed::read(&host)?, &host)?;
    Ok(group(&cpus, config.roles().map(|(_, name, lcore)| (name, lcore))))
}

/// The CPUs that this process can use, the best first; never empty.
///
/// # Errors
/// There is none, or the host does not tell.
pub(crate) fn best() -> Result<Vec<usize>, PlacementError> {
    let host = Topology::read()?;
    cpus(&Cpus::Auto, &Allowed::read(&host)?, &host)
}

/// Whether this process can use all of these.
///
/// # Errors
/// It cannot, or the host does not tell.
pub(crate) fn usable_of(list: &[usize]) -> Result<(), PlacementError> {
    let list = Cpus::List(list.to_vec());
    let host = Topology::read()?;
    cpus(&list, &Allowed::read(&host)?, &host).map(drop)
}

/// Moves the calling thread, and with it those that it will start, from the lcores' CPUs to the
/// house. EAL's own threads come along where this is done before it starts.
///
/// # Errors
/// The host does not tell, or the kernel refuses.
pub(crate) fn move_to_house(lcores: &[usize]) -> Result<(), PlacementError> {
    let house = house(&hostcpu::allowed_cpus()?, lcores, &Topology::read()?);
    Ok(hostcpu::allow_cpus(&house)?)
}

/// The CPUs of the threads that are no lcores; all of the mask when lcores have every one.
fn house(mask: &CpuSet, lcores: &[usize], host: &Topology) -> CpuSet {
    let isolated = host.isolated();
    let left: CpuSet = mask.iter().filter(|cpu| !lcores.contains(cpu)).collect();
    let usual: CpuSet = left.iter().filter(|&cpu| !isolated.contains(cpu)).collect();
    [usual, left].into_iter().find(|cpus| !cpus.is_empty()).unwrap_or(*mask)
}

/// What the kernel lets this process have.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    /// Where its threads run unless they ask for other CPUs.
    mask: CpuSet,
    /// What they may ask for.
    cpuset: CpuSet,
}

impl Allowed {
    fn read(host: &Topology) -> Result<Allowed, hostcpu::Error> {
        let mask = hostcpu::allowed_cpus()?;
        // Where asking is not allowed, as under some seccomp profiles, the mask is all there is.
        let cpuset = hostcpu::cpuset_cpus(&host.online()).unwrap_or(mask);
        Ok(Allowed { mask, cpuset })
    }
}

/// The CPUs of the logical lcores from 0 on; never empty.
fn cpus(wanted: &Cpus, allowed: &Allowed, host: &Topology) -> Result<Vec<usize>, PlacementError> {
    let usable = usable(allowed, host);
    let cpus = match wanted {
        Cpus::Auto => best_first(&usable, host),
        Cpus::List(list) => {
            if let Some(&cpu) = list.iter().find(|&&cpu| !usable.contains(cpu)) {
                return Err(PlacementError::NotUsable { cpu, usable: usable.to_string() });
            }
            list.clone()
        }
    };
    if cpus.is_empty() { Err(PlacementError::None) } else { Ok(cpus) }
}

/// Gives each role to the thread of its CPU.
pub(crate) fn group<'c>(cpus: &[usize], roles: impl Iterator<Item = (&'c str, u16)>) -> Placement {
    let mut roles: Vec<(&str, u16)> = roles.collect();
    roles.sort_by_key(|(_, lcore)| *lcore);
    let mut threads: Vec<ThreadPlace> = Vec::new();
    for (name, lcore) in roles {
        let cpu = cpus[usize::from(lcore) % cpus.len()];
        let name = name.to_owned();
        match threads.iter_mut().find(|thread| thread.cpu == cpu) {
            Some(thread) => thread.roles.push(name),
            None => threads.push(ThreadPlace { cpu, roles: vec![name] }),
        }
    }
    Placement { threads }
}

impl Placement {
    /// The CPUs that are polled on.
    pub(crate) fn cpus(&self) -> Vec<usize> {
        self.threads.iter().map(|thread| thread.cpu).collect()
    }

    /// The index of the thread that polls a role, and its CPU.
    pub(crate) fn thread_of(&self, role: &str) -> Option<(usize, usize)> {
        let polls = |thread: &ThreadPlace| thread.roles.iter().any(|name| name == role);
        let index = self.threads.iter().position(polls)?;
        Some((index, self.threads[index].cpu))
    }
}

fn usable(allowed: &Allowed, host: &Topology) -> CpuSet {
    let isolated = host.isolated();
    let online = host.online();
    let usual = online.iter().filter(|&cpu| !isolated.contains(cpu));
    if usual.eq(allowed.mask.iter()) { allowed.cpuset } else { allowed.mask }
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

    fn allowed(mask: &str, cpuset: &str) -> Allowed {
        Allowed { mask: set(mask), cpuset: set(cpuset) }
    }

    #[test]
    fn auto_takes_isolated_cpus_then_whole_cores() {
        let (_dir, none) = host("");
        assert_eq!(cpus(&Cpus::Auto, &allowed("0-3", "0-3"), &none).unwrap(), [0, 1, 2, 3]);
        let (_dir, two) = host("2-3");
        // The usual mask leaves isolated CPUs out; a narrower one is someone's wish.
        assert_eq!(cpus(&Cpus::Auto, &allowed("0-1", "0-3"), &two).unwrap(), [2, 3, 0, 1]);
        assert_eq!(cpus(&Cpus::Auto, &allowed("1", "0-3"), &two).unwrap(), [1]);
        assert_eq!(cpus(&Cpus::Auto, &allowed("0-2", "0-3"), &two).unwrap(), [2, 0, 1]);
    }

    #[test]
    fn a_cpuset_of_just_the_usual_cpus_has_no_isolated_ones() {
        let (_dir, host) = host("2,3");
        assert_eq!(cpus(&Cpus::Auto, &allowed("0-1", "0-1"), &host).unwrap(), [0, 1]);
        assert_eq!(cpus(&Cpus::Auto, &allowed("0-1", "0-2"), &host).unwrap(), [2, 0, 1]);
        let error = cpus(&Cpus::List(vec![2]), &allowed("0-1", "0-1"), &host).unwrap_err();
        let told = "lcores.cpus: this process cannot use CPU 2; it can use 0-1";
        assert_eq!(error.to_string(), told);
    }

    #[test]
    fn the_house_is_what_lcores_leave_and_nobody_else_may_poll_on() {
        let (_dir, host) = host("2-3,");
        assert_eq!(house(&set("0-1"), &[2], &host), set("0-1"));
        assert_eq!(house(&set("0-2"), &[0], &host), set("1"), "CPU 2 may be another's lcore");
        assert_eq!(house(&set("2-3"), &[2], &host), set("3"), "there is nothing else");
        assert_eq!(house(&set("0-1"), &[0, 1], &host), set("0-1"), "lcores have all of it");
    }

    #[test]
    fn roles_that_meet_on_a_cpu_share_its_thread() {
        let roles = [("venue", 0), ("loadgen", 2), ("trader", 1)];
        let placed = group(&[3, 1], roles.into_iter());
        let thread = |cpu, roles: &[&str]| ThreadPlace {
            cpu,
            roles: roles.iter().map(|&name| name.to_owned()).collect(),
        };
        assert_eq!(placed.threads, [thread(3, &["venue", "loadgen"]), thread(1, &["trader"])]);
        assert_eq!(placed.thread_of("trader"), Some((1, 1)));
        assert_eq!(placed.thread_of("nobody"), None);
    }

    #[test]
    fn a_cpu_that_is_not_ours_is_refused_with_those_that_are() {
        let (_dir, host) = host("");
        let error = cpus(&Cpus::List(vec![9]), &allowed("0-3", "0-3"), &host).unwrap_err();
        let told = "lcores.cpus: this process cannot use CPU 9; it can use 0-3";
        assert_eq!(error.to_string(), told);
    }
}
