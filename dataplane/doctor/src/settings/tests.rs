use super::*;
use crate::State;
use crate::fixture::Tree;
use proptest::prelude::*;

const CPU: &str = "sys/devices/system/cpu";

/// A tuned host of two cores with two threads each, of which the second ones are off: CPUs 0 and 1
/// on nodes of their own; CPU 1 is the lcore.
fn tuned() -> Tree {
    let tree = Tree::new(&[
        ("proc/cpuinfo", "model name : Tuned\nflags : constant_tsc nonstop_tsc\n"),
        ("proc/swaps", "Filename Type Size Used Priority\n"),
        ("proc/sys/kernel/numa_balancing", "0\n"),
        ("proc/irq/24/effective_affinity_list", "0\n"),
        ("proc/irq/24/smp_affinity_list", "0-1\n"),
        ("proc/irq/24/nvme0q0/x", ""),
        ("proc/irq/25/effective_affinity_list", "1\n"),
        ("proc/irq/default_smp_affinity", "1\n"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
        ("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet\n"),
    ]);
    let put = |name: &str, text: &str| tree.write(&format!("{CPU}/{name}"), text);
    put("online", "0-1\n");
    put("isolated", "1\n");
    put("nohz_full", "1\n");
    for cpu in [0, 1] {
        put(&format!("cpu{cpu}/topology/thread_siblings_list"), &format!("{cpu},{}\n", cpu + 2));
        put(&format!("cpu{cpu}/cpufreq/scaling_governor"), "performance\n");
        put(&format!("cpu{cpu}/cpufreq/scaling_min_freq"), "3000000\n");
        put(&format!("cpu{cpu}/cpufreq/scaling_max_freq"), "3000000\n");
        let node = format!("sys/devices/system/node/node{cpu}");
        tree.write(&format!("{node}/cpulist"), &format!("{cpu}\n"));
        tree.write(&format!("{node}/hugepages/hugepages-2048kB/nr_hugepages"), "128\n");
        tree.write(&format!("{node}/hugepages/hugepages-2048kB/free_hugepages"), "64\n");
    }
    tree
}

fn wanted(cpus: &str, huge_mb: Option<u64>) -> Wanted {
    Wanted { cpus: cpus.parse().unwrap(), huge_mb }
}

fn line(tree: &Tree, wanted: &Wanted, id: &str) -> Line {
    let lines = check(&tree.host(), wanted).unwrap();
    lines.into_iter().find(|line| line.id == id).unwrap_or_else(|| panic!("no line {id}"))
}

fn is_wrong(tree: &Tree, wanted: &Wanted, id: &str, found: &str, mend: &str) {
    let line = line(tree, wanted, id);
    assert_eq!((line.state, line.found.as_str()), (State::Wrong, found), "{id}");
    assert!(line.mend.contains(mend), "{id}: {}", line.mend);
}

#[test]
fn a_tuned_host_is_fit_in_every_line() {
    let tree = tuned();
    for wanted in [wanted("", None), wanted("1", Some(128)), wanted("1", Some(0))] {
        for line in check(&tree.host(), &wanted).unwrap() {
            assert_eq!(line.state, State::Ok, "{line:?}");
        }
    }
}

#[test]
fn an_lcore_on_a_plain_cpu_is_told_with_what_mends_it() {
    let tree = tuned();
    let zero = wanted("0-1", Some(100));
    is_wrong(&tree, &zero, "isolation", "CPU 0 is not", "provision.sh");
    is_wrong(&tree, &zero, "tick", "CPU 0 ticks", "provision.sh");
    is_wrong(&tree, &zero, "irqs", "1 of 2: 24 (nvme0q0)", "leave a CPU to the house");
    is_wrong(&tree, &wanted("0", None), "irqs", "1 of 2: 24 (nvme0q0)", "echo 1 > /proc/irq/$i/");
    tree.write(&format!("{CPU}/isolated"), "\n");
    is_wrong(&tree, &wanted("", None), "isolation", "no CPU is isolated", "provision.sh");
}

#[test]
fn a_queue_of_an_lcores_cpu_alone_may_be_managed() {
    let tree = tuned();
    let one = wanted("1", None);
    tree.write("proc/irq/26/effective_affinity_list", "1\n");
    tree.write("proc/irq/26/smp_affinity_list", "1\n");
    tree.write("proc/irq/26/nvme0q2/x", "");
    let (found, mend) = ("1 of 3: 26 (nvme0q2)", "for i in 26; do echo 0 >");
    is_wrong(&tree, &one, "irqs", found, mend);
    tree.write("proc/cmdline", "quiet isolcpus=managed_irq,domain,1\n");
    assert_eq!(line(&tree, &one, "irqs").state, State::Warn);
    // One that could be elsewhere is moved, whatever else there is.
    tree.write("proc/irq/26/smp_affinity_list", "0-1\n");
    is_wrong(&tree, &one, "irqs", found, mend);
}

#[test]
fn each_setting_that_is_off_is_told_with_what_mends_it() {
    let tree = tuned();
    let one = wanted("1", Some(200));
    let put = |name: &str, text: &str| tree.write(name, text);
    put(&format!("{CPU}/online"), "0-3\n");
    is_wrong(&tree, &one, "siblings", "CPU 3 share an lcore's core", "for c in 3; do echo 0 >");
    is_wrong(&tree, &wanted("1,3", None), "siblings", "CPU 3 share an lcore's core", "for c in 3;");
    put(&format!("{CPU}/cpu1/cpufreq/scaling_governor"), "powersave\n");
    is_wrong(&tree, &one, "governor", "powersave on CPU 1", "echo performance >");
    put(&format!("{CPU}/cpu1/cpufreq/scaling_min_freq"), "800000\n");
    is_wrong(&tree, &one, "frequency", "800 to 3000 MHz on CPU 1", "cpu$c/cpufreq");
    put("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    is_wrong(&tree, &one, "thp", "always", "echo never >");
    put("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    is_wrong(&tree, &one, "clocksource", "hpet", "echo tsc >");
    put("proc/sys/kernel/numa_balancing", "1\n");
    is_wrong(&tree, &one, "numa balancing", "1", "sysctl");
    put("proc/swaps", "Filename Type\n/dev/sda2 partition 1 0 -2\n");
    is_wrong(&tree, &one, "swap", "/dev/sda2", "swapoff");
    let found = "128 MB free of 256 MB on node 1, and 128 MB on others";
    is_wrong(&tree, &one, "hugepages", found, "echo 164 > /sys/devices/system/node/node1/");
}

#[test]
fn what_is_not_there_is_not_offered_and_a_hypervisors_clock_is_noted() {
    let tree = Tree::new(&[
        ("proc/cpuinfo", "flags : hypervisor\n"),
        ("sys/devices/system/cpu/online", "0\n"),
    ]);
    let clock = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    let lines = check(&tree.host(), &wanted("0", None)).unwrap();
    let states = |state| lines.iter().filter(|line| line.state == state).count();
    assert_eq!((states(State::NotOffered), states(State::Wrong)), (9, 1), "{lines:?}");
    tree.write(clock, "kvm-clock\n");
    assert_eq!(line(&tree, &wanted("0", None), "clocksource").state, State::Noted);
    tree.write("proc/cpuinfo", "flags : tsc\n");
    is_wrong(&tree, &wanted("0", None), "clocksource", "kvm-clock", "dmesg");
    tree.remove("sys/devices/system/cpu/online");
    assert!(check(&tree.host(), &wanted("0", None)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the kernel's files hold: lines, no panic.
    #[test]
    fn no_content_makes_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        cpus in "[0-9,-]{0,8}",
    ) {
        let tree = tuned();
        for file in [
            "proc/swaps", "proc/cpuinfo", "proc/irq/24/effective_affinity_list",
            "sys/kernel/mm/transparent_hugepage/enabled",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_min_freq",
            "sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages",
        ] {
            std::fs::write(tree.path().join(file), &bytes).unwrap();
        }
        tree.write("sys/devices/system/cpu/isolated", &cpus);
        let _ = check(&tree.host(), &wanted("", Some(u64::MAX)));
        tree.write("sys/devices/system/cpu/online", &cpus);
        let _ = check(&tree.host(), &wanted("1", None));
    }
}
