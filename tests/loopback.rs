//! `peregrine loopback` through real ports: every mode, kernel peers, and the bad days.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod common;

#[path = "common/appliance.rs"]
mod appliance;

use appliance::{Ended, Running, Scratch, cpus, machine, wait_until};
use common::netns::{Cable, run};

/// A run's folder, and its arguments so far.
struct Loopback {
    folder: Scratch,
    arguments: Vec<String>,
}

impl Loopback {
    /// With these arguments, split at spaces, on ordinary pages and the first CPU.
    fn new(words: &str) -> Loopback {
        Loopback::on(cpus()[0], words)
    }

    fn on(cpu: usize, words: &str) -> Loopback {
        let folder = Scratch::new();
        fs::create_dir(folder.path().join("report")).expect("a folder for the report");
        let mut arguments: Vec<String> =
            words.split(' ').filter(|word| !word.is_empty()).map(String::from).collect();
        arguments.extend(["--no-huge", "--json", "report/report.json"].map(String::from));
        arguments.extend(["--lcores".to_owned(), cpu.to_string()]);
        Loopback { folder, arguments }
    }

    fn start(&self) -> Running<'_> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
        Running::launch(command.arg("loopback").args(&self.arguments), self.folder.path())
    }

    /// Started, and polling.
    fn hot(&self) -> Running<'_> {
        let mut running = self.start();
        running.wait_hot();
        running
    }

    fn run(&self) -> Ended {
        self.start().wait()
    }
}

/// The JSON of a run, which must have ended as `passed` says.
fn report(ended: &Ended, passed: bool) -> &Value {
    let told = format!("{:?}\n{}{}", ended.status, ended.stdout, ended.stderr);
    assert_eq!(ended.status.code(), Some(i32::from(!passed)), "{told}");
    let report = &ended.report.as_ref().unwrap_or_else(|| panic!("no report: {told}")).0;
    assert_eq!(report["passed"], passed, "{told}{report}");
    report
}

fn total(report: &Value, name: &str) -> u64 {
    report["totals"][name].as_u64().unwrap_or_else(|| panic!("no total {name}: {report}"))
}

/// The kinds of what happened, in order.
fn events(report: &Value) -> Vec<&str> {
    let events = report["snapshot"]["events"].as_array().expect("events");
    events.iter().filter_map(|event| event["kind"].as_str()).collect()
}

/// Whether a line of `--stats-period` tells of frames that went out.
fn has_sent(line: &str) -> bool {
    let sent = line.split_once(" tx ").and_then(|(_, rest)| rest.split_whitespace().next());
    sent.and_then(|pps| pps.parse::<u64>().ok()).is_some_and(|pps| pps > 0)
}

fn wait_told(running: &Running<'_>, words: &str) {
    wait_until(words, || running.told().contains(words));
}

#[test]
fn every_mode_goes_through_a_cable_in_memory() {
    let _machine = machine();
    for mode in ["io", "mac", "macswap", "5tswap", "csum", "noisy"] {
        let ended = Loopback::new(&format!("--mode {mode} --tx-first 1 --count 20000")).run();
        let told = report(&ended, true);
        assert!(total(told, "rx_packets") >= 20_000, "{mode}: {told}");
        assert_eq!(total(told, "dropped"), 0, "{mode}: {told}");
        assert_eq!(told["snapshot"]["mode"], mode);
        assert_eq!(told["snapshot"]["streams"].as_array().map(Vec::len), Some(2), "{told}");
        assert_eq!(told["snapshot"]["ports"][0]["driver"], "net_ring");
    }
    let ended = Loopback::new("--mode rxonly --duration 200ms").run();
    assert_eq!(total(report(&ended, true), "tx_packets"), 0, "nobody sends anything");
    let ended = Loopback::new("--mode icmpecho --tx-first 1 --duration 200ms").run();
    let told = report(&ended, true);
    assert_eq!(total(told, "rx_packets"), total(told, "tx_packets"), "no frame asks: {told}");
    let ended = Loopback::new("--mode flowgen --count 20000 --tx-retries 0 --allow-loss").run();
    let told = report(&ended, true);
    assert!(total(told, "tx_packets") > 0 && total(told, "rx_packets") > 0, "{told}");
}

#[test]
fn several_queues_and_bursts_of_any_size_lose_nothing() {
    let _machine = machine();
    for words in ["--rxq 2 --txq 2", "--burst 1", "--burst 512", "--txpkts 1518", "--rxd 64"] {
        let words = format!("--vdev net_ring0 --vdev net_ring1 --tx-first 1 --count 5000 {words}");
        let ended = Loopback::new(&words).run();
        // A ring that goes in a circle is one port; not every driver has several queues.
        if ended.status.code() == Some(2) {
            assert!(ended.stderr.contains("queue"), "{words}: {}", ended.stderr);
            continue;
        }
        assert!(total(report(&ended, true), "rx_packets") >= 5_000, "{words}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_status_2() {
    for (words, told) in [
        ("--mode macswp", "macswap"),
        ("--mode \u{1b}[2J", "macswap"),
        ("--burst 0", "1..=512"),
        ("--burst 513", "1..=512"),
        ("--txpkts 64,64", "one mbuf"),
        ("--txpkts 9000", "--mtu"),
        ("--rate 0 --mode txonly", "1..="),
        ("--rate 1000 --mode io", "makes no frames"),
        ("--duration soon", "10s"),
        ("--eth-peer 9,02:00:00:00:00:01", "there is no port 9"),
        ("--eth-peer 0,ff:ff:ff:ff:ff:ff", "no station's"),
        ("--vdev net_nonesuch0", "net_nonesuch0"),
        ("--rxq 0", "1..=64"),
    ] {
        let ended = Loopback::new(words).run();
        assert_eq!(ended.status.code(), Some(2), "{words}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(told), "{words}: {}", ended.stderr);
        assert!(ended.report.is_none(), "{words}: nothing ran");
    }
}

#[test]
fn a_rate_that_cannot_be_met_is_said_and_fails_the_run() {
    let _machine = machine();
    let run = Loopback::new("--vdev net_null0 --mode txonly --rate 1000000000");
    let running = run.hot();
    wait_told(&running, "are more than go");
    running.signal("INT");
    let ended = running.wait();
    assert_eq!(events(report(&ended, false)), ["rate_missed"]);
    assert!(ended.stderr.contains("failed: rate kept"), "{}", ended.stderr);
}

#[test]
fn a_rate_that_can_be_met_is_kept() {
    let _machine = machine();
    let run = Loopback::new("--vdev net_null0 --mode txonly --rate 20000 --count 20000");
    let ended = run.run();
    let told = report(&ended, true);
    assert_eq!(total(told, "tx_packets"), 20_000, "{told}");
}

/// The two ends of a memif in a folder.
fn memif(folder: &Path, role: &str) -> String {
    let socket = folder.join("memif.sock");
    format!("--vdev net_memif0,role={role},socket={},socket-abstract=no", socket.display())
}

// DPDK's memif driver unmaps a ring when its peer has gone, whether or not somebody polls it just
// then. Here the one that is left sends rarely, or has stopped, when the other goes.

#[test]
fn a_peer_that_is_killed_is_missed() {
    let _machine = machine();
    let folder = Scratch::new();
    let server =
        Loopback::on(cpus()[1], &format!("{} --mode rxonly", memif(folder.path(), "server")));
    let client =
        Loopback::new(&format!("{} --mode txonly --rate 1000", memif(folder.path(), "client")));
    let peer = server.hot();
    let running = client.hot();
    peer.signal("KILL");
    wait_told(&running, "its link is down");
    running.signal("INT");
    let ended = running.wait();
    let told = report(&ended, false);
    assert!(events(told).starts_with(&["link_down"]), "{told}");
    assert!(ended.stderr.contains("has no link"), "{}", ended.stderr);
}

#[test]
fn a_peer_that_stops_reading_is_noticed_and_so_is_its_return() {
    let _machine = machine();
    let folder = Scratch::new();
    let server =
        Loopback::on(cpus()[1], &format!("{} --mode rxonly", memif(folder.path(), "server")));
    let memif = memif(folder.path(), "client");
    let client = Loopback::new(&format!("{memif} --mode txonly --stats-period 100ms"));
    let peer = server.hot();
    let running = client.hot();
    // A peer that stops before the wire is up never reads anything.
    wait_until("frames", || running.told().lines().any(has_sent));
    peer.signal("STOP");
    wait_told(&running, "the peer reads nothing");
    peer.signal("CONT");
    wait_told(&running, "the peer reads again");
    running.signal("INT");
    let ended = running.wait();
    let told = report(&ended, true);
    // Before that, the link came up.
    assert!(events(told).ends_with(&["peer_stalled", "peer_resumed"]), "{told}");
}

#[test]
fn a_link_that_flaps_is_told_each_time_and_survived() {
    if !common::need_netns("a_link_that_flaps_is_told_each_time_and_survived") {
        return;
    }
    let _machine = machine();
    let cable = Cable::lay("10.77.41.2/24").expect("a cable");
    let run_it = icmpecho(&format!("net_af_packet0,iface={}", cable.host_if()));
    let running = run_it.hot();
    let peer = |state: &str| run(cable.command("ip").args(["link", "set", Cable::PEER_IF, state]));
    peer("down").expect("the peer's link goes down");
    wait_told(&running, "its link is down");
    peer("up").expect("the peer's link comes up");
    wait_told(&running, "its link is up again");
    ping(&cable, "10.77.41.1", 20);
    running.signal("INT");
    let ended = running.wait();
    assert_eq!(events(report(&ended, true)), ["link_down", "link_up"]);
}

#[test]
fn an_interface_that_is_deleted_ends_the_run_with_status_1() {
    if !common::need_netns("an_interface_that_is_deleted_ends_the_run_with_status_1") {
        return;
    }
    let _machine = machine();
    let cable = Cable::lay("10.77.42.2/24").expect("a cable");
    let run_it = icmpecho(&format!("net_af_packet0,iface={}", cable.host_if()));
    let running = run_it.hot();
    run(Command::new("ip").args(["link", "del", cable.host_if()])).expect("the cable is cut");
    let ended = running.wait();
    let told = report(&ended, false);
    assert_eq!(events(told), ["port_gone"], "{told}");
    assert!(ended.stderr.contains("is gone"), "{}", ended.stderr);
}

fn icmpecho(device: &str) -> Loopback {
    Loopback::new(&format!("--vdev {device} --mode icmpecho --port-topology loop"))
}

/// Pings from the cable's far end; every one must be answered.
fn ping(cable: &Cable, to: &str, count: u32) {
    let count = count.to_string();
    let words = ["-q", "-c", &count, "-i", "0.01", "-W", "10", to];
    let output = cable.command("ping").args(words).output().expect("ping runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&format!("{count} received")), "{said}");
}

#[test]
fn a_kernel_is_answered_by_arp_and_echo() {
    let test = "a_kernel_is_answered_by_arp_and_echo";
    if !common::need_netns(test) || !common::need_tools(test, &["ping"]) {
        return;
    }
    let _machine = machine();
    let cable = Cable::lay("10.77.43.2/24").expect("a cable");
    let run_it = icmpecho(&format!("net_af_packet0,iface={}", cable.host_if()));
    let running = run_it.hot();
    // Nobody has this address: it is answered for whoever is asked for.
    ping(&cable, "10.77.43.1", 100);
    ping(&cable, "10.77.43.99", 20);
    running.signal("INT");
    let ended = running.wait();
    let told = report(&ended, true);
    // Two ARP requests at least, and all pings.
    assert!(total(told, "tx_packets") >= 122, "{told}");
    assert_eq!(total(told, "dropped"), 0, "{told}");
}

/// A kernel that leaves checksums to its device, and one that looks at them: datagrams arrive only
/// where the sums were filled in between the two.
#[test]
fn checksums_are_made_right_for_a_kernel() {
    let test = "checksums_are_made_right_for_a_kernel";
    if !common::need_netns(test) || !common::need_tools(test, &["python3"]) {
        return;
    }
    let _machine = machine();
    let from = Cable::lay("10.77.44.2/24").expect("a cable");
    let to = Cable::lay("10.77.44.3/24").expect("a cable");
    run(from.command("ethtool").args(["-K", Cable::PEER_IF, "tx", "on"])).expect("tx offload");
    let mac = address(&to);
    let near = ["nud", "permanent", "dev", Cable::PEER_IF];
    let neighbour = ["neigh", "add", "10.77.44.3", "lladdr", &mac];
    run(from.command("ip").args(neighbour).args(near)).expect("a neighbour");
    for (mode, arrives) in [("io", false), ("csum", true)] {
        let devices = [&from, &to].map(Cable::host_if);
        let run_it = Loopback::new(&format!(
            "--vdev net_af_packet0,iface={} --vdev net_af_packet1,iface={} --mode {mode} \
             --eth-peer 1,{mac}",
            devices[0], devices[1]
        ));
        let running = run_it.hot();
        let heard = datagrams(&from, &to, 50);
        running.signal("INT");
        let ended = running.wait();
        let told = report(&ended, true);
        assert!(total(told, "tx_packets") >= 50, "{mode}: {told}");
        assert_eq!(heard, if arrives { 50 } else { 0 }, "{mode}: {told}");
    }
}

/// The Ethernet address of a cable's far end.
fn address(cable: &Cable) -> String {
    let path = format!("/sys/class/net/{}/address", Cable::PEER_IF);
    let output = cable.command("cat").arg(path).output().expect("cat runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Sends datagrams from one far end to the other; how many arrive.
fn datagrams(from: &Cable, to: &Cable, count: u32) -> u32 {
    let listen = format!(
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         s.bind(('10.77.44.3', 7007)); s.settimeout(2); n = 0\nprint('ready', flush=True)\n\
         try:\n    while n < {count}: s.recv(2048); n += 1\nexcept TimeoutError: pass\nprint(n)\n"
    );
    let send = format!(
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         for n in range({count}): s.sendto(b'x' * (n * 7), ('10.77.44.3', 7007))\n"
    );
    let mut listener = to.command("python3");
    let mut listener = common::Proc::start(listener.args(["-c", &listen]));
    let ready = listener.child().stdout.take().expect("its output");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(ready));
    assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some("ready"));
    run(from.command("python3").args(["-c", &send])).expect("datagrams are sent");
    let told = lines.next().and_then(Result::ok).expect("a number");
    told.parse().expect("a number")
}
