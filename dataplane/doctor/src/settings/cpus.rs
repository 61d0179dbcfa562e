//! Settings of single CPUs.

use super::Seen;
use crate::host::{self, numbered};
use crate::{Line, Section};
use hostcpu::CpuSet;
use std::fs;

/// How to have CPUs isolated.
const PLAN: &str = "scripts/provision.sh plan, then apply, then reboot";
/// Interrupts that are named.
const NAMED_MAX: usize = 4;

fn line(id: &str, what: &str) -> Line {
    Line::new(Section::Host, id, what)
}

/// Whether the scheduler leaves the lcores' CPUs alone.
pub(super) fn isolation(seen: &Seen<'_>) -> Line {
    let line = line("isolation", "CPUs kept for lcores").wanted("every lcore's CPU isolated");
    let not: CpuSet = seen.cpus.iter().filter(|&cpu| !seen.isolated.contains(cpu)).collect();
    if seen.cpus.is_empty() {
        return line.wrong("no CPU is isolated", PLAN);
    }
    if not.is_empty() {
        line.ok(seen.cpus.to_string())
    } else {
        line.wrong(format!("CPU {not} is not"), PLAN)
    }
}

/// Whether the timer tick stops there.
pub(super) fn tick(seen: &Seen<'_>) -> Line {
    let line = line("tick", "timer tick of lcores").wanted("nohz_full on every lcore's CPU");
    let Some(tickless) = host::list(&seen.host.sys("devices/system/cpu/nohz_full")) else {
        return line.not_offered("this kernel has no nohz_full");
    };
    let ticks: CpuSet = seen.cpus.iter().filter(|&cpu| !tickless.contains(cpu)).collect();
    match (seen.cpus.is_empty(), ticks.is_empty()) {
        (true, _) => line.not_offered("no CPU is an lcore's"),
        (_, true) => line.ok(tickless.to_string()),
        _ => line.wrong(format!("CPU {ticks} ticks"), PLAN),
    }
}

/// Whether an lcore has its core for itself.
pub(super) fn siblings(seen: &Seen<'_>) -> Line {
    let line = line("siblings", "other threads of lcores' cores").wanted("none online");
    if seen.cpus.is_empty() {
        return line.not_offered("no CPU is an lcore's");
    }
    let online = seen.topology.online();
    let mut others = CpuSet::new();
    for cpu in seen.cpus.iter().filter_map(|cpu| seen.topology.cpu(cpu)) {
        for other in cpu.siblings.iter().filter(|&other| other != cpu.id && online.contains(other))
        {
            // Of two lcores on one core, the second is the one too many.
            if !seen.cpus.contains(other) || other > cpu.id {
                let _ = others.insert(other);
            }
        }
    }
    if others.is_empty() {
        return line.ok("none");
    }
    let offline = each(&others, "echo 0 > /sys/devices/system/cpu/cpu$c/online");
    line.wrong(format!("CPU {others} share an lcore's core"), offline)
}

/// Who chooses the frequency.
pub(super) fn governor(seen: &Seen<'_>) -> Line {
    let line = line("governor", "frequency governor of lcores").wanted("performance");
    let named: Vec<(usize, String)> = seen
        .cpus
        .iter()
        .filter_map(|cpu| Some((cpu, host::word(&seen.host.sys(&policy(cpu, "governor")))?)))
        .collect();
    let other: CpuSet =
        named.iter().filter(|(_, name)| name != "performance").map(|(cpu, _)| *cpu).collect();
    match (named.first(), named.iter().find(|(_, name)| name != "performance")) {
        (None, _) => line.not_offered("no frequency driver"),
        (_, None) => line.ok("performance"),
        (_, Some((_, name))) => line.wrong(
            format!("{} on CPU {other}", host::printable(name, 24)),
            each(
                &other,
                "echo performance > /sys/devices/system/cpu/cpu$c/cpufreq/scaling_governor",
            ),
        ),
    }
}

/// Whether the frequency is fixed: the governor alone does not do that.
pub(super) fn frequency(seen: &Seen<'_>) -> Line {
    let line = line("frequency", "frequency of lcores").wanted("lowest = highest");
    let bound = |cpu, name| host::number(&seen.host.sys(&policy(cpu, name)));
    let known: Vec<(usize, u64, u64)> = seen
        .cpus
        .iter()
        .filter_map(|cpu| Some((cpu, bound(cpu, "min_freq")?, bound(cpu, "max_freq")?)))
        .collect();
    let moving: CpuSet = known.iter().filter(|(_, l, h)| l != h).map(|(cpu, ..)| *cpu).collect();
    let mhz = |khz: u64| khz / 1000;
    match (known.first(), known.iter().find(|(_, low, high)| low != high)) {
        (None, _) => line.not_offered("no frequency driver"),
        (Some((_, low, _)), None) => line.ok(format!("{} MHz", mhz(*low))),
        (_, Some((_, low, high))) => line.wrong(
            format!("{} to {} MHz on CPU {moving}", mhz(*low), mhz(*high)),
            each(
                &moving,
                "(cd /sys/devices/system/cpu/cpu$c/cpufreq; \
                 cat scaling_max_freq > scaling_min_freq)",
            ),
        ),
    }
}

/// An interrupt that comes to an lcore's CPU.
struct Irq {
    number: usize,
    device: String,
    /// Whether it may come to no other CPU.
    nowhere_else: bool,
}

/// Interrupts of devices that come to an lcore's CPU. Where the kernel says to which CPU an
/// interrupt goes, that counts and not where it might.
///
/// A queue that a driver made for an lcore's CPU alone cannot be moved (it is *managed*), and comes
/// only when that CPU itself asks for I/O. The kernel does not say which those are; with
/// `isolcpus=managed_irq`, which keeps all others of them away, no other may come there alone.
pub(super) fn irqs(seen: &Seen<'_>) -> Line {
    let line = line("irqs", "device interrupts on lcores").wanted("none");
    if seen.cpus.is_empty() {
        return line.not_offered("no CPU is an lcore's");
    }
    let all = numbered(&seen.host.proc("irq"), "");
    if all.is_empty() {
        return line.not_offered("/proc/irq has none, as in some containers");
    }
    let here: Vec<Irq> = all.iter().filter_map(|&irq| irq_here(seen, irq)).collect();
    if here.is_empty() {
        return line.ok(format!("none of {}", all.len()));
    }
    let command_line = host::word(&seen.host.proc("cmdline")).unwrap_or_default();
    let managed = command_line.split_whitespace().any(|word| {
        word.strip_prefix("isolcpus=")
            .is_some_and(|flags| flags.split(',').any(|f| f == "managed_irq"))
    });
    let movable: Vec<&Irq> = here.iter().filter(|irq| !(managed && irq.nowhere_else)).collect();
    if movable.is_empty() {
        let found =
            format!("{} of {}, of lcores' CPUs alone: {}", here.len(), all.len(), named(&here));
        return line
            .warn(found, "managed by their drivers; quiet as long as no lcore asks for I/O");
    }
    let found = format!("{} of {}: {}", here.len(), all.len(), named(&here));
    if seen.house.is_empty() {
        return line.wrong(found, "leave a CPU to the house: `lcores.cpus` has them all");
    }
    let numbers: Vec<String> = movable.iter().map(|irq| irq.number.to_string()).collect();
    let move_them = format!(
        "for i in {}; do echo {} > /proc/irq/$i/smp_affinity_list; done",
        numbers.join(" "),
        seen.house
    );
    line.wrong(found, move_them)
}

fn irq_here(seen: &Seen<'_>, number: usize) -> Option<Irq> {
    let at = |name: &str| seen.host.proc(&format!("irq/{number}/{name}"));
    let allowed = || host::list(&at("smp_affinity_list"));
    let effective = host::list(&at("effective_affinity_list")).filter(|cpus| !cpus.is_empty());
    let is_lcore = |cpu| seen.cpus.contains(cpu);
    if !effective.or_else(allowed)?.iter().any(is_lcore) {
        return None;
    }
    // Its handlers are folders; without any it never comes.
    let entries = fs::read_dir(at("")).ok()?.flatten();
    let handler = entries.into_iter().find(|entry| entry.path().is_dir())?;
    let device = host::printable(&handler.file_name().to_string_lossy(), 32);
    let nowhere_else = allowed().is_some_and(|cpus| cpus.iter().all(is_lcore));
    Some(Irq { number, device, nowhere_else })
}

fn named(irqs: &[Irq]) -> String {
    let name = |irq: &Irq| format!("{} ({})", irq.number, irq.device);
    let mut names: Vec<String> = irqs.iter().take(NAMED_MAX).map(name).collect();
    if irqs.len() > NAMED_MAX {
        names.push(format!("{} more", irqs.len() - NAMED_MAX));
    }
    names.join(", ")
}

fn policy(cpu: usize, name: &str) -> String {
    format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_{name}")
}

/// A shell's loop over CPUs.
fn each(cpus: &CpuSet, command: &str) -> String {
    let numbers: Vec<String> = cpus.iter().map(|cpu| cpu.to_string()).collect();
    format!("for c in {}; do {command}; done", numbers.join(" "))
}
