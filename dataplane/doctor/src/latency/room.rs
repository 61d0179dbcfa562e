//! Where a chain can lie, and how long it can be.

use crate::Host;
use crate::host::{self, number, numbered};
use std::fs;
use std::path::Path;

const MB: u64 = 1 << 20;
/// Shorter chains measure caches.
const BYTES_MIN: u64 = 16 * MB;
/// Longer ones take long to lay, and measure the same.
const BYTES_MAX: u64 = 1024 * MB;
/// What is taken without being asked for more.
const BYTES_USUAL_MAX: u64 = 256 * MB;

/// A chain's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) bytes: u64,
    pub(super) cache_bytes: Option<u64>,
    /// Whether there are enough free hugepages.
    pub(super) hugepages: bool,
}

/// Nodes that have memory; node 0 where the kernel tells of none.
pub(super) fn nodes(host: &Host) -> Vec<usize> {
    let all = numbered(&host.sys("devices/system/node"), "node");
    let has_memory = |node: &usize| meminfo(host, *node, "MemTotal").is_none_or(|bytes| bytes > 0);
    let with: Vec<usize> = all.into_iter().filter(has_memory).collect();
    if with.is_empty() { vec![0] } else { with }
}

/// A chain's place on a node; the error is for people.
pub(super) fn find(
    host: &Host,
    cpu: usize,
    node: usize,
    wanted: Option<u64>,
) -> Result<Room, String> {
    let cache_bytes = last_cache(host, cpu);
    let usual = cache_bytes.map_or(BYTES_USUAL_MAX, |cache| (2 * cache).min(BYTES_USUAL_MAX));
    let free = meminfo(host, node, "MemFree").or_else(|| of_machine(host, "MemAvailable"));
    let free = free.ok_or("the kernel does not say how much memory is free")?;
    let huge = free_hugepages(host, node);
    let wish = wanted.unwrap_or(usual).clamp(BYTES_MIN, BYTES_MAX);
    let hugepages = huge / 2 >= wish;
    let left = cgroup_left(host, "memory", "").unwrap_or(u64::MAX);
    // Hugepages are set aside already; a cgroup of memory does not count them.
    let bytes = if hugepages { wish } else { wish.min(free / 4).min(left / 2) };
    if bytes < BYTES_MIN {
        return Err(format!(
            "{} MB are free for it on node {node}, and {} MB are too little",
            free / MB,
            bytes / MB
        ));
    }
    Ok(Room { bytes, cache_bytes, hugepages })
}

/// A line of a node's `meminfo`, in bytes.
fn meminfo(host: &Host, node: usize, name: &str) -> Option<u64> {
    let text = host::read(&host.sys(&format!("devices/system/node/node{node}/meminfo"))).ok()?;
    kilobytes(&text, name)
}

fn of_machine(host: &Host, name: &str) -> Option<u64> {
    kilobytes(&host::read(&host.proc("meminfo")).ok()?, name)
}

/// `MemFree: 12 kB`, in bytes; of a node, `Node 0 MemFree: 12 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.split_whitespace().next_back() == Some(name)).then_some(value)
    })?;
    value.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Hugepages of the default size that are free on a node and left by cgroups, in bytes; 0 where the
/// kernel does not say. Past a cgroup's limit the kernel gives no error but a signal.
fn free_hugepages(host: &Host, node: usize) -> u64 {
    let of = || {
        let size = of_machine(host, "Hugepagesize")?;
        let folder =
            format!("devices/system/node/node{node}/hugepages/hugepages-{}kB", size / 1024);
        let free = number(&host.sys(&format!("{folder}/free_hugepages")))?.checked_mul(size)?;
        let name =
            if size >= 1 << 30 { format!("{}GB", size >> 30) } else { format!("{}MB", size >> 20) };
        let left = |file: &str| cgroup_left(host, "hugetlb", &format!("{name}.{file}"));
        Some([left(""), left("rsvd.")].into_iter().flatten().fold(free, u64::min))
    };
    of().unwrap_or(0)
}

/// What the cgroups of this process leave of something, in bytes: those of version 2 and of version
/// 1, each up to the top. `None` without a limit.
fn cgroup_left(host: &Host, controller: &str, what: &str) -> Option<u64> {
    let text = host::read(&host.proc("self/cgroup")).unwrap_or_default();
    // "4:memory:/a/b"; of version 2, "0::/a/b".
    let path = |name: &str| {
        let mut groups = text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
        let found = groups.find(|(names, _)| names.split(',').any(|one| one == name));
        found.map_or("", |(_, path)| path).trim_start_matches('/').to_owned()
    };
    let left = |top: &str, path: &str, [limit, used]: [&str; 2]| {
        let top = host.sys("fs/cgroup").join(top);
        let of = |group: &Path| {
            let at =
                |name: &str| number(&top.join(group).join(format!("{controller}.{what}{name}")));
            Some(at(limit)?.saturating_sub(at(used)?))
        };
        Path::new(path).ancestors().filter_map(of).min()
    };
    let second = left("", &path(""), ["max", "current"]);
    let first = left(controller, &path(controller), ["limit_in_bytes", "usage_in_bytes"]);
    second.into_iter().chain(first).min()
}

/// The largest cache of a CPU that holds data.
fn last_cache(host: &Host, cpu: usize) -> Option<u64> {
    let folder = host.sys(&format!("devices/system/cpu/cpu{cpu}/cache"));
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries.filter_map(|entry| size(&entry.path().join("size"))).max()
}

/// `491520K`, in bytes.
fn size(path: &Path) -> Option<u64> {
    let text = host::word(path)?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => MB,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes < 1 << 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Tree;
    use proptest::prelude::*;

    const NODE: &str = "sys/devices/system/node/node1";

    fn host() -> Tree {
        Tree::new(&[
            (
                &format!("{NODE}/meminfo"),
                "Node 1 MemTotal: 9999999 kB\nNode 1 MemFree: 800000 kB\n",
            ),
            ("sys/devices/system/node/node2/meminfo", "Node 2 MemTotal:  0 kB\n"),
            ("proc/meminfo", "MemAvailable: 400000 kB\nHugepagesize:    2048 kB\n"),
            (&format!("{NODE}/hugepages/hugepages-2048kB/free_hugepages"), "64\n"),
            ("sys/devices/system/cpu/cpu3/cache/index0/size", "48K\n"),
            ("sys/devices/system/cpu/cpu3/cache/index3/size", "32M\n"),
        ])
    }

    #[test]
    fn a_chain_is_twice_the_cache_and_leaves_others_their_memory() {
        let tree = host();
        let at = |wanted| find(&tree.host(), 3, 1, wanted);
        let room = at(None).unwrap();
        let cache_bytes = Some(32 * MB);
        assert_eq!(room, Room { bytes: 64 * MB, cache_bytes, hugepages: true });
        // More than half of the hugepages: ordinary ones, a quarter of what is free.
        let room = at(Some(BYTES_MAX)).unwrap();
        assert_eq!((room.bytes, room.hugepages), (800_000 * 1024 / 4, false));
        tree.write("sys/fs/cgroup/memory.max", "100000000\n");
        tree.write("sys/fs/cgroup/memory.current", "60000000\n");
        assert_eq!(at(Some(BYTES_MAX)).unwrap().bytes, 20_000_000);
        tree.write("sys/fs/cgroup/memory.current", "99000000\n");
        assert!(at(Some(BYTES_MAX)).unwrap_err().contains("too little"));
        // One's own cgroup counts as well as those above, and one of hugepages.
        tree.write("sys/fs/cgroup/memory.max", "max\n");
        tree.write("proc/self/cgroup", "1:cpu:/x\n0::/a/b\n");
        tree.write("sys/fs/cgroup/a/memory.max", "200000000\n");
        tree.write("sys/fs/cgroup/a/memory.current", "100000000\n");
        assert_eq!(at(Some(BYTES_MAX)).unwrap().bytes, 50_000_000);
        assert!(at(None).unwrap().hugepages);
        tree.write("sys/fs/cgroup/a/b/hugetlb.2MB.max", "4194304\n");
        tree.write("sys/fs/cgroup/a/b/hugetlb.2MB.current", "0\n");
        assert!(!at(None).unwrap().hugepages);
        tree.write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "90000000\n");
        tree.write("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "10000000\n");
        tree.write("proc/self/cgroup", "2:cpu,memory:/x/y\n0::/a/b\n");
        assert_eq!(at(Some(BYTES_MAX)).unwrap().bytes, 40_000_000);
        assert_eq!(nodes(&tree.host()), [1]);
        assert_eq!(nodes(&Tree::new(&[]).host()), [0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_content_makes_it_panic(text in "\\PC{0,40}", n in any::<u64>()) {
            let tree = host();
            for text in [text, format!("{n}"), format!("{n}K"), format!("MemFree: {n} kB")] {
                tree.write(&format!("{NODE}/meminfo"), &text);
                tree.write("sys/devices/system/cpu/cpu3/cache/index3/size", &text);
                tree.write("sys/fs/cgroup/memory.max", &text);
                tree.write("proc/self/cgroup", &format!("0::/{text}/.."));
                tree.write(&format!("{NODE}/hugepages/hugepages-2048kB/free_hugepages"), &text);
                let _ = find(&tree.host(), 3, 1, Some(n));
            }
        }
    }
}
