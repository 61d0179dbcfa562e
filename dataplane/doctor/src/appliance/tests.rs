use super::*;
use crate::State;
use crate::fixture::Tree;
use proptest::prelude::*;

const STAT: &str = "(x) R 1 1 1 0 -1 FLAGS MINFLT 0 0 0 0 0 0 0 20 0 1 0 1 1 1 1 1 1 1 0 0 0 0 0 \
                    0 0 0 0 0 17 3 0 0\n";

fn stat(flags: u64, minor_faults: u64) -> String {
    let text = STAT.replace("FLAGS", &flags.to_string());
    format!("1 {}", text.replace("MINFLT", &minor_faults.to_string()))
}

fn status(name: &str, allowed: &str, voluntary: u64, involuntary: u64) -> String {
    format!(
        "Name:\t{name}\nCpus_allowed_list:\t{allowed}\nvoluntary_ctxt_switches:\t{voluntary}\n\
         nonvoluntary_ctxt_switches:\t{involuntary}\n"
    )
}

fn put(tree: &Tree, task: &str, status: &str, stat: &str) {
    tree.write(&format!("proc/{task}/status"), status);
    tree.write(&format!("proc/{task}/stat"), stat);
}

/// Two nodes; CPU 3, on the second, is isolated, and an appliance's lcore is there.
fn trading() -> Tree {
    let tree = Tree::new(&[
        ("sys/devices/system/cpu/online", "0-3"),
        ("sys/devices/system/cpu/isolated", "3"),
        ("sys/devices/system/node/node0/cpulist", "0-1"),
        ("sys/devices/system/node/node1/cpulist", "2-3"),
        ("proc/interrupts", "  CPU0 CPU3\nLOC: 9 9 Local timer interrupts\n"),
        ("proc/100/cmdline", "/opt/peregrine\0run\0venue.toml\0"),
        ("proc/100/status", "VmSwap: 0 kB\n"),
        (
            "proc/100/numa_maps",
            "7f default file=/dev/hugepages/r0 huge N1=64 kernelpagesize_kB=2048\n",
        ),
        ("proc/7/cmdline", "/bin/peregrine\0ports\0"),
        ("proc/8/cmdline", "/bin/vi\0run\0"),
        ("proc/9/cmdline", "peregrine\0run\0x.toml\0"),
        ("proc/9/task/9/status", "Name: peregrine\n"),
    ]);
    put(&tree, "100/task/100", &status("peregrine", "0-2", 5, 5), &stat(0, 9));
    put(&tree, "100/task/101", &status("lc0-hot", "3", 7, 7), &stat(0, 9));
    // A CPU's own thread may be there, and is nobody's fault.
    tree.write("proc/20/cmdline", "");
    put(&tree, "20/task/20", &status("ksoftirqd/3", "3", 1, 1), &stat(0x0420_8040, 0));
    tree
}

fn watched(tree: &Tree) -> Appliance {
    let host = tree.host();
    let found = open(&host, 100).unwrap();
    watch(&host, &[found], Duration::ZERO, &|| false).unwrap().remove(0)
}

fn state(appliance: &Appliance, id: &str) -> State {
    let lines = lines(appliance, &Limits::default());
    lines.iter().find(|line| line.id == id).unwrap_or_else(|| panic!("no {id} in {lines:?}")).state
}

#[test]
fn an_appliance_is_told_from_what_is_none() {
    let tree = trading();
    let host = tree.host();
    let found = find(&host);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].pid, found[0].tids.as_slice()), (100, [101].as_slice()));
    assert_eq!(
        (found[0].command.as_str(), found[0].cpus.to_string()),
        ("/opt/peregrine run venue.toml", "3".to_owned())
    );
    let told = |pid| open(&host, pid).unwrap_err().to_string();
    assert!(told(4).contains("no such process"), "{}", told(4));
    assert!(told(7).contains("is no appliance") && told(8).contains("\"/bin/vi run\""));
    assert!(told(9).contains("no lcores"), "{}", told(9));
    for (name, is) in
        [("lc0", true), ("lc12-hot", true), ("lc3-done", true), ("lc", false), ("lcd-hot", false)]
    {
        assert_eq!(is_lcore(name), is, "{name}");
    }
}

#[test]
fn an_lcore_that_is_left_alone_is_ok_in_every_line() {
    let appliance = watched(&trading());
    let lcore = &appliance.lcores[0];
    assert_eq!((lcore.cpu, lcore.node, lcore.isolated, lcore.hot), (Some(3), Some(1), true, true));
    for line in lines(&appliance, &Limits::default()) {
        assert_eq!(line.state, State::Ok, "{line:?}");
    }
}

#[test]
fn each_disturbance_is_wrong_on_a_cpu_that_is_isolated() {
    let tree = trading();
    put(&tree, "50/task/50", &status("cron", "0-3", 0, 0), &stat(0, 0));
    let maps = "7f00 default file=/dev/hugepages/r0 huge N0=2 N1=62 kernelpagesize_kB=2048\n\
                7f10 default anon=300 N0=300\n7f11 default anon=3 N0=3\n55 default heap N1=3\n";
    tree.write("proc/100/numa_maps", maps);
    tree.write("proc/100/status", "VmSwap: 8 kB\n");
    let mut appliance = watched(&tree);
    let memory = appliance.memory.clone().unwrap();
    assert_eq!((memory.away_count, memory.away[0].pages, memory.away[1].pages), (2, 2, 300));
    assert_eq!(memory.away_pages, 302);
    assert_eq!(memory.away[0].what, "/dev/hugepages/r0");
    let lcore = &mut appliance.lcores[0];
    assert_eq!((lcore.others_count, lcore.others[0].name.as_str()), (1, "cron"));
    lcore.voluntary_switches = 1;
    lcore.involuntary_switches = 1;
    lcore.minor_faults = 1;
    lcore.interrupts = Some(vec![Taken { id: "LOC".into(), what: String::new(), count: 1000 }]);
    appliance.watched_ns = 1_000_000_000;
    let names = [
        "lc0 gave way",
        "lc0 displaced",
        "lc0 faults",
        "lc0 interrupts",
        "lc0 others",
        "memory",
        "swap",
    ];
    for name in names {
        assert_eq!(state(&appliance, &format!("pid100 {name}")), State::Wrong, "{name}");
    }
    // Elsewhere the scheduler's doings are warnings; what the lcore itself does is not.
    appliance.lcores[0].isolated = false;
    for name in ["pinned", "displaced", "interrupts", "others"] {
        assert_eq!(state(&appliance, &format!("pid100 lc0 {name}")), State::Warn, "{name}");
    }
    assert_eq!(state(&appliance, "pid100 lc0 gave way"), State::Wrong);
    appliance.lcores[0].hot = false;
    assert_eq!(state(&appliance, "pid100 lc0 gave way"), State::Noted);
    appliance.lcores[0].allowed = "0-3".into();
    assert_eq!(state(&appliance, "pid100 lc0 pinned"), State::Wrong);
}

#[test]
fn what_cannot_be_seen_or_has_ended_is_told() {
    let tree = trading();
    tree.remove("proc/100/numa_maps");
    tree.remove("proc/interrupts");
    let appliance = watched(&tree);
    assert_eq!(state(&appliance, "pid100 memory"), State::NotOffered);
    assert_eq!(state(&appliance, "pid100 lc0 interrupts"), State::NotOffered);
    let host = tree.host();
    let found = open(&host, 100).unwrap();
    tree.remove("proc/100/task/101/status");
    let gone = watch(&host, &[found], Duration::ZERO, &|| false).unwrap().remove(0);
    assert_eq!((gone.ended, gone.lcores.len()), (1, 0));
    assert_eq!(state(&gone, "pid100 ended"), State::Noted);
    // Nothing to compare with: figures, no verdict.
    tree.write("proc/100/numa_maps", "55 default heap N1=3\n");
    assert_eq!(state(&watched_without(&tree), "pid100 memory"), State::Noted);
}

fn watched_without(tree: &Tree) -> Appliance {
    let found = Found { pid: 100, command: String::new(), tids: vec![101], cpus: CpuSet::new() };
    watch(&tree.host(), &[found], Duration::ZERO, &|| false).unwrap().remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_content_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let tree = trading();
        let host = tree.host();
        let found = open(&host, 100).unwrap();
        for file in [
            "proc/interrupts",
            "proc/100/numa_maps",
            "proc/100/status",
            "proc/100/task/101/status",
        ] {
            std::fs::write(tree.path().join(file), &bytes).unwrap();
        }
        for appliance in watch(&host, &[found], Duration::ZERO, &|| false).unwrap() {
            let _ = lines(&appliance, &Limits::default());
        }
        std::fs::write(tree.path().join("proc/100/cmdline"), &bytes).unwrap();
        let _ = (open(&host, 100), find(&host));
    }
}
