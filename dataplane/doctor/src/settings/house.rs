//! Settings of the whole machine.

use super::Seen;
use crate::host::{self, numbered};
use crate::{Line, Section};

fn line(id: &str, what: &str) -> Line {
    Line::new(Section::Host, id, what)
}

/// The clock that the kernel trusts. It drops the TSC when it has seen it lie.
pub(super) fn clocksource(seen: &Seen<'_>) -> Line {
    let line = line("clocksource", "clock source in use").wanted("tsc, or the CPU's own counter");
    let folder = "devices/system/clocksource/clocksource0";
    let at = |name: &str| host::word(&seen.host.sys(&format!("{folder}/{name}")));
    let Some(current) = at("current_clocksource") else {
        return line.not_offered("the kernel does not say");
    };
    let current = host::printable(&current, 24);
    if current == "tsc" || current == "arch_sys_counter" {
        return line.ok(current);
    }
    let offered = at("available_clocksource").unwrap_or_default();
    if offered.split_whitespace().any(|name| name == "tsc") {
        let mend = format!("echo tsc > /sys/{folder}/current_clocksource");
        return line.wrong(current, mend);
    }
    if seen.facts.virtualised {
        return line.noted(format!("{current}, the hypervisor's"));
    }
    line.wrong(
        current,
        "dmesg | grep -i -e clocksource -e tsc tells why the kernel dropped the TSC",
    )
}

/// Pages that the kernel makes large, splits and moves by itself.
pub(super) fn transparent_hugepages(seen: &Seen<'_>) -> Line {
    let line = line("thp", "transparent hugepages").wanted("never, or madvise");
    let Some(text) = host::word(&seen.host.sys("kernel/mm/transparent_hugepage/enabled")) else {
        return line.not_offered("this kernel has none");
    };
    let chosen = text.split(['[', ']']).nth(1).unwrap_or("unknown");
    match chosen {
        "never" | "madvise" => line.ok(chosen),
        other => line.wrong(
            host::printable(other, 24),
            "echo never > /sys/kernel/mm/transparent_hugepage/enabled",
        ),
    }
}

/// Pages that the kernel unmaps to learn who uses them.
pub(super) fn numa_balancing(seen: &Seen<'_>) -> Line {
    let line = line("numa balancing", "kernel.numa_balancing").wanted("0");
    match host::word(&seen.host.proc("sys/kernel/numa_balancing")).as_deref() {
        None => line.not_offered("this kernel has none"),
        Some("0") => line.ok("0"),
        Some(other) => line.wrong(host::printable(other, 24), "sysctl kernel.numa_balancing=0"),
    }
}

/// Memory that may be taken to a disk.
pub(super) fn swap(seen: &Seen<'_>) -> Line {
    let line = line("swap", "swap").wanted("none");
    let Ok(text) = host::read(&seen.host.proc("swaps")) else {
        return line.not_offered("this kernel has none");
    };
    let places: Vec<&str> =
        text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    if places.is_empty() {
        return line.ok("none");
    }
    line.wrong(host::printable(&places.join(", "), 60), "swapoff -a, and take it out of /etc/fstab")
}

/// Free hugepages where the lcores are.
pub(super) fn hugepages(seen: &Seen<'_>, wanted_mb: Option<u64>) -> Line {
    let line = line("hugepages", "hugepages on lcores' nodes");
    let nodes = numbered(&seen.host.sys("devices/system/node"), "node");
    let of = |nodes: &[usize], name: &str| -> u64 {
        nodes.iter().map(|&node| node_mb(seen, node, name)).fold(0, u64::saturating_add)
    };
    let near = if seen.nodes.is_empty() { nodes.clone() } else { seen.nodes.clone() };
    let (free, all) = (of(&near, "free_hugepages"), of(&near, "nr_hugepages"));
    let found = format!("{free} MB free of {all} MB on node {}", joined(&near));
    if nodes.is_empty() {
        return line.not_offered("this kernel has no NUMA nodes in sysfs");
    }
    match wanted_mb {
        Some(0) => line.wanted("none asked for").ok(found),
        None if all > 0 => line.wanted("some").ok(found),
        None => line.wanted("some").wrong(found, mend(&near, 1024)),
        Some(mb) if free >= mb => line.wanted(format!("{mb} MB free")).ok(found),
        Some(mb) => {
            let elsewhere = of(&nodes, "free_hugepages").saturating_sub(free);
            let found = match elsewhere {
                0 => found,
                mb => format!("{found}, and {mb} MB on others"),
            };
            line.wanted(format!("{mb} MB free"))
                .wrong(found, mend(&near, all.saturating_add(mb - free)))
        }
    }
}

fn mend(nodes: &[usize], mb: u64) -> String {
    let node = nodes.first().copied().unwrap_or(0);
    let pages = mb.div_ceil(2);
    let path =
        format!("/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/nr_hugepages");
    format!("echo {pages} > {path}")
}

/// Hugepages of every size on a node, in MB.
fn node_mb(seen: &Seen<'_>, node: usize, name: &str) -> u64 {
    let folder = seen.host.sys(&format!("devices/system/node/node{node}/hugepages"));
    let sizes = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let of_size = |size: std::fs::DirEntry| {
        let kb: u64 = size
            .file_name()
            .to_str()?
            .strip_prefix("hugepages-")?
            .strip_suffix("kB")?
            .parse()
            .ok()?;
        Some(host::number(&size.path().join(name))?.saturating_mul(kb / 1024))
    };
    sizes.filter_map(of_size).fold(0, u64::saturating_add)
}

fn joined(nodes: &[usize]) -> String {
    let numbers: Vec<String> = nodes.iter().map(|node| node.to_string()).collect();
    numbers.join(", ")
}

/// Whether somebody is below who takes CPUs away unseen.
pub(super) fn hypervisor(seen: &Seen<'_>) -> Line {
    let line = line("hypervisor", "hypervisor").wanted("none");
    if seen.facts.virtualised {
        return line.noted("a virtual machine: what lies below interrupts every CPU as it likes");
    }
    line.ok("none that the CPU tells of")
}
