//! Our counters against dpdk-testpmd's, at the two ends of one link.
//!
//! Both are driven at their prompts, and by the same words. For each mode that both have, frames go
//! one way or both; then testpmd stops sending, and reads what is still on the way; then we stop.
//! Now each end must have received exactly what the other sent, by its own counters, the device's
//! and the forward mode's: nothing is lost and nothing is counted twice, or a number differs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod common;

#[path = "common/appliance.rs"]
mod appliance;
#[path = "common/prompted.rs"]
mod prompted;

use appliance::{LOOK_EVERY, Scratch, cpus, machine, wait_until};
use prompted::{Counted, Prompted};

/// How long frames flow.
const FLOW: Duration = Duration::from_millis(300);
/// Longer than the last ones take to arrive, even on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Our mode, what testpmd does meanwhile, and how it starts.
const MODES: &[(&str, &str, &str)] = &[
    ("io", "io", "start tx_first 2"),
    ("mac", "mac", "start tx_first 2"),
    ("macswap", "macswap", "start tx_first 2"),
    ("5tswap", "5tswap", "start tx_first 2"),
    ("noisy", "io", "start tx_first 2"),
    ("csum", "flowgen", "start"),
    ("rxonly", "txonly", "start"),
    ("icmpecho", "txonly", "start"),
    ("txonly", "rxonly", "start"),
    ("flowgen", "flowgen", "start"),
    ("flowgen", "rxonly", "start"),
];

/// dpdk-testpmd on the last CPU: two lcores share it, one of which waits for commands.
fn testpmd(prefix: &str, device: &str, hugepages: bool) -> Command {
    let mut command = Command::new("stdbuf");
    let [_, cpu] = cpus();
    // Its output is to come line by line, though it goes into a pipe.
    command.args(["-oL", "dpdk-testpmd", "--lcores", &format!("(0,1)@{cpu}"), "--no-pci"]);
    command.args(["--no-telemetry", "--file-prefix", prefix, "--vdev", device]);
    if hugepages {
        command.args(["-m", "64", "--single-file-segments"]);
    } else {
        command.args(["--no-huge", "--no-shconf", "-m", "128"]);
    }
    command.args(["--", "-i", "--total-num-mbufs=16384", "--no-flush-rx"]);
    command.stderr(Stdio::null());
    command
}

fn ours(device: &str, hugepages: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    let [cpu, _] = cpus();
    command.args(["loopback", "-i", "--vdev", device, "--lcores", &cpu.to_string()]);
    if !hugepages {
        command.arg("--no-huge");
    }
    command
}

/// What both devices counted since they were opened, ours first, once each end has received all
/// that the other sent, and we have sent `owed` less than we received; as it is when that takes too
/// long.
fn balance(us: &mut Prompted, pmd: &mut Prompted, owed: Option<u64>) -> [Counted; 2] {
    let until = Instant::now() + PATIENCE;
    loop {
        let [ours, theirs] = [us.device(), pmd.device()];
        let even = ours.rx == theirs.tx && ours.tx == theirs.rx;
        let even = even && owed.is_none_or(|owed| ours.rx.wrapping_sub(ours.tx) == owed);
        if even || Instant::now() > until {
            return [ours, theirs];
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// One mode, from one balance to the next.
fn flow(us: &mut Prompted, pmd: &mut Prompted, mode: (&str, &str, &str)) {
    let (our_mode, pmd_mode, start) = mode;
    let before = balance(us, pmd, None);
    us.ask(&[&format!("set fwd {our_mode}"), "start"]);
    pmd.ask(&[&format!("set fwd {pmd_mode}"), start]);
    std::thread::sleep(FLOW);
    // What we make ends before testpmd does, and what we answer after it.
    let makes = ["txonly", "flowgen"].contains(&our_mode);
    let mut ours = None;
    if makes {
        ours = Some(us.stop());
        us.ask(&["set fwd rxonly", "start"]);
    }
    let first = pmd.stop();
    // What is still on the way to testpmd, it takes in now.
    pmd.ask(&["set fwd rxonly", "start"]);
    let forwards = !makes && !["rxonly", "icmpecho"].contains(&our_mode);
    let owed = forwards.then(|| before[0].rx.wrapping_sub(before[0].tx));
    let after = balance(us, pmd, owed);
    let rest = us.stop();
    let last = pmd.stop();
    let ours = ours.unwrap_or(rest);
    let told = format!(
        "{mode:?}: we {ours:?}, testpmd {first:?} then {last:?}; the devices {before:?} before and \
         {after:?} after"
    );
    let sent = after[1].tx - before[1].tx;
    let received = after[1].rx - before[1].rx;
    assert_eq!(after[0].rx, after[1].tx, "our device has what testpmd's sent: {told}");
    assert_eq!(after[0].tx, after[1].rx, "testpmd's device has what ours sent: {told}");
    assert_eq!(first.rx + last.rx, received, "testpmd agrees with its device: {told}");
    agree(our_mode, &ours, (sent, received), &told);
}

/// Our mode's own counters against what testpmd's device sent and received.
fn agree(mode: &str, ours: &Counted, (sent, received): (u64, u64), told: &str) {
    assert_eq!(ours.tx, received, "what we sent, testpmd received: {told}");
    assert_eq!((ours.rx_lost, ours.tx_lost), (0, 0), "nothing is lost: {told}");
    match mode {
        // What came in after these were stopped, is not theirs.
        "txonly" | "flowgen" => assert!(ours.tx > 0, "some are made: {told}"),
        "rxonly" | "icmpecho" => assert!(ours.rx == sent && sent > 0 && ours.tx == 0, "{told}"),
        _ => assert!(ours.rx == sent && sent > 0 && ours.tx == ours.rx, "{told}"),
    }
}

/// Every mode over one link; both ends stay up throughout.
fn all_modes(us: Command, pmd: Command) {
    let (mut us, mut pmd) = (us, pmd);
    let mut us = Prompted::start(&mut us);
    let mut pmd = Prompted::start(&mut pmd);
    // A link is not up at once, and not both ways at once: something must have gone to and fro.
    us.ask(&["set fwd io", "start"]);
    wait_until("a frame that comes back", || {
        pmd.ask(&["set fwd rxonly", "start tx_first 1", "stop"]);
        pmd.device().rx > 0
    });
    us.stop();
    us.ask(&["set fwd rxonly", "start"]);
    pmd.ask(&["set fwd rxonly", "start"]);
    balance(&mut us, &mut pmd, None);
    us.stop();
    pmd.stop();
    for mode in MODES {
        flow(&mut us, &mut pmd, *mode);
    }
    pmd.quit();
    us.quit();
}

#[test]
fn counters_agree_with_testpmds_over_memif() {
    if !common::need_tools("counters_agree_with_testpmds_over_memif", &["dpdk-testpmd", "stdbuf"]) {
        return;
    }
    let _machine = machine();
    let folder = Scratch::new();
    let end = |role: &str| {
        let socket = folder.path().join("memif.sock");
        format!("net_memif0,role={role},socket={},socket-abstract=no", socket.display())
    };
    let prefix = format!("pgpmd{}", std::process::id());
    all_modes(ours(&end("server"), false), testpmd(&prefix, &end("client"), false));
}

#[test]
fn counters_agree_with_testpmds_over_vhost() {
    let test = "counters_agree_with_testpmds_over_vhost";
    // First alone: other tests here take some of the pages that are asked for.
    let _machine = machine();
    if !common::need_tools(test, &["dpdk-testpmd", "stdbuf"]) || !common::need_hugepages(test, 96) {
        return;
    }
    let folder = Scratch::new();
    let socket = folder.path().join("vhost.sock").display().to_string();
    let prefix = format!("pgvho{}", std::process::id());
    let (server, client) =
        (format!("net_vhost0,iface={socket}"), format!("net_virtio_user0,path={socket}"));
    all_modes(ours(&server, true), testpmd(&prefix, &client, true));
}
