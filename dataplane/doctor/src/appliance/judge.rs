//! What is still fit.

use super::{Appliance, Lcore};
use crate::interrupts::{told, total};
use crate::{Line, Section};

/// Sources of interrupts, threads and mappings that a line names.
const NAMED_MAX: usize = 4;
const ISOLATE: &str = "isolate its CPU: scripts/provision.sh plan";

/// Beyond these an lcore is not left alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Interrupts a second on an lcore's CPU, of all kinds together.
    pub interrupts_per_s: f64,
}

impl Default for Limits {
    /// As for a CPU without an appliance ([`crate::jitter::Limits`]).
    fn default() -> Limits {
        Limits { interrupts_per_s: crate::jitter::Limits::default().interrupts_per_s }
    }
}

/// What was seen comes to. On a CPU that is not isolated, what the scheduler does there is a
/// warning: it is the isolation that is wrong, and has its own line.
pub fn lines(appliance: &Appliance, limits: &Limits) -> Vec<Line> {
    let mut lines = Vec::new();
    for lcore in &appliance.lcores {
        lines.push(pinned(appliance, lcore));
        lines.push(voluntary(appliance, lcore));
        lines.push(involuntary(appliance, lcore));
        lines.push(faults(appliance, lcore));
        lines.push(interrupts(appliance, lcore, limits));
        lines.push(others(appliance, lcore));
    }
    if appliance.ended > 0 {
        let line = Line::new(
            Section::Appliance,
            id(appliance, "ended"),
            what(appliance, "lcores that ended meanwhile"),
        );
        lines.push(line.noted(appliance.ended.to_string()));
    }
    lines.push(memory(appliance));
    lines.push(swap(appliance));
    lines
}

fn id(appliance: &Appliance, name: &str) -> String {
    format!("pid{} {name}", appliance.pid)
}

fn what(appliance: &Appliance, name: &str) -> String {
    format!("{}: {name}", appliance.pid)
}

fn line(appliance: &Appliance, lcore: &Lcore, name: &str, words: &str) -> Line {
    // Without the phase, so that a check has one name.
    let thread = lcore.name.split('-').next().unwrap_or_default();
    Line::new(
        Section::Appliance,
        id(appliance, &format!("{thread} {name}")),
        what(appliance, &format!("{} {words}", lcore.name)),
    )
}

fn pinned(appliance: &Appliance, lcore: &Lcore) -> Line {
    let line = line(appliance, lcore, "pinned", "runs on").wanted("one CPU, isolated");
    match (lcore.allowed.parse::<usize>(), lcore.cpu) {
        (Ok(only), Some(cpu)) if only == cpu => match lcore.isolated {
            true => line.ok(format!("CPU {cpu}, isolated")),
            false => line.warn(format!("CPU {cpu}, not isolated"), ISOLATE),
        },
        _ => line.wrong(
            format!("CPUs {}", lcore.allowed),
            format!("who moved it? taskset -p {}", lcore.tid),
        ),
    }
}

fn voluntary(appliance: &Appliance, lcore: &Lcore) -> Line {
    let line = line(appliance, lcore, "gave way", "gave its CPU away").wanted("0 times");
    let found = lcore.voluntary_switches.to_string();
    match (lcore.hot, lcore.voluntary_switches) {
        (false, _) => line.noted(format!("{found}, not hot")),
        (_, 0) => line.ok("0"),
        _ => line.wrong(found, format!("what does it wait for? strace -p {}", lcore.tid)),
    }
}

fn involuntary(appliance: &Appliance, lcore: &Lcore) -> Line {
    let line = line(appliance, lcore, "displaced", "lost its CPU to another").wanted("0 times");
    let found = lcore.involuntary_switches.to_string();
    match (lcore.isolated, lcore.involuntary_switches) {
        (_, 0) => line.ok("0"),
        (true, _) => line.wrong(found, "the line on other threads names them"),
        (false, _) => line.warn(found, ISOLATE),
    }
}

fn faults(appliance: &Appliance, lcore: &Lcore) -> Line {
    let line = line(appliance, lcore, "faults", "page faults").wanted("0");
    let found = format!("{} minor, {} major", lcore.minor_faults, lcore.major_faults);
    match (lcore.hot, lcore.minor_faults + lcore.major_faults) {
        (false, _) => line.noted(format!("{found}, not hot")),
        (_, 0) => line.ok("0"),
        _ => line.wrong(
            found,
            format!("numa_balancing off, no swap; perf trace -F all -t {} tells where", lcore.tid),
        ),
    }
}

fn interrupts(appliance: &Appliance, lcore: &Lcore, limits: &Limits) -> Line {
    let line = line(appliance, lcore, "interrupts", "interrupts on its CPU")
        .wanted(format!("none; {} a second at most", limits.interrupts_per_s));
    let Some(taken) = &lcore.interrupts else {
        return line.not_offered("/proc/interrupts cannot be read, or has no such CPU");
    };
    let soft = match lcore.softirqs.as_deref() {
        None | Some([]) => String::new(),
        Some(soft) => format!("; softirqs: {}", told(soft, NAMED_MAX)),
    };
    let found = format!("{}{soft}", told(taken, NAMED_MAX));
    let per_s = total(taken) as f64 * 1e9 / appliance.watched_ns.max(1) as f64;
    match (per_s <= limits.interrupts_per_s, lcore.isolated) {
        (true, _) => line.ok(found),
        (_, true) => line.wrong(found, "the lines on settings: tick, irqs"),
        (_, false) => line.warn(found, ISOLATE),
    }
}

fn others(appliance: &Appliance, lcore: &Lcore) -> Line {
    let line = line(appliance, lcore, "others", "others that may run on its CPU").wanted("none");
    let Some(first) = lcore.others.first() else { return line.ok("none to be seen") };
    let names: Vec<String> =
        lcore.others.iter().take(NAMED_MAX).map(|o| format!("{} ({})", o.name, o.tid)).collect();
    let more = match lcore.others_count.saturating_sub(names.len()) {
        0 => String::new(),
        n => format!(", {n} more"),
    };
    let found = format!("{}: {}{more}", lcore.others_count, names.join(", "));
    match lcore.isolated {
        true => line.wrong(found, format!("taskset -cp HOUSE_CPUS {}, and so on", first.tid)),
        false => line.warn(found, ISOLATE),
    }
}

fn memory(appliance: &Appliance) -> Line {
    let line = Line::new(
        Section::Appliance,
        id(appliance, "memory"),
        what(appliance, "hot pages off the lcores' node"),
    );
    let Some(memory) = &appliance.memory else {
        let why = appliance.memory_hidden.clone().unwrap_or_default();
        return line.not_offered_but(why, "as root, or as the appliance's user");
    };
    let line = line.wanted("none");
    let Some(largest) = memory.away.first() else {
        let kinds: Vec<String> = memory
            .kinds
            .iter()
            .filter(|kind| kind.kind != "files" && kind.kind != "stack")
            .map(|kind| {
                let pages = kind.pages.values().fold(0u64, |sum, n| sum.saturating_add(*n));
                format!("{} MB {}", pages.saturating_mul(kind.page_kb) >> 10, kind.kind)
            })
            .collect();
        let found = format!("none of {}", kinds.join(", "));
        // Without a node to compare with, nothing is away.
        return if memory.nodes.is_empty() { line.noted(found) } else { line.ok(found) };
    };
    let found = format!(
        "{} pages in {} mappings; {} has {} of {} kB, at {}",
        memory.away_pages,
        memory.away_count,
        largest.what,
        largest.pages,
        largest.page_kb,
        largest.address
    );
    line.wrong(
        found,
        "hugepages on the lcores' node (line on hugepages); numactl -m NODE to start it",
    )
}

fn swap(appliance: &Appliance) -> Line {
    let line =
        Line::new(Section::Appliance, id(appliance, "swap"), what(appliance, "memory in swap"));
    let line = line.wanted("0 kB");
    match appliance.swap_kb {
        0 => line.ok("0 kB"),
        kb => line.wrong(format!("{kb} kB"), "swapoff -a, and start it again"),
    }
}
