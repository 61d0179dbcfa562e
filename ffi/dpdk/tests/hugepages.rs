//! Hugepages where there are any, and nobody's rights where there are none to be had.
//!
//! EAL starts once a process, so each check runs this test program again as a child of its own,
//! with the check's name in the environment.
#![allow(clippy::unwrap_used)]

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::{env, fs};

use arrayvec::ArrayVec;
use dpdk::{DATA_ROOM, Eal, EalConfig, Error, Huge, HugeLack, Mbuf, PortConfig, SocketId};

const CHECK: &str = "DPDK_TEST_CHECK";
const NOBODY: u32 = 65_534;

fn free_mb() -> u64 {
    let read = |file: &str| -> u64 {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-2048kB/{file}");
        fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    };
    read("free_hugepages").saturating_sub(read("resv_hugepages")) * 2
}

/// Runs a check in a child, which is copied to where any user can read it.
fn child(check: &str, uid: Option<u32>) -> Output {
    let copy = env::temp_dir().join(format!("dpdk-{check}-{}", std::process::id()));
    fs::copy(env::current_exe().unwrap(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command.args(["--exact", "the_child", "--nocapture"]).env(CHECK, check).current_dir("/");
    if let Some(uid) = uid {
        command.uid(uid).gid(uid);
    }
    let output = command.output();
    fs::remove_file(&copy).unwrap();
    output.unwrap()
}

fn passes(check: &str, uid: Option<u32>) {
    let output = child(check, uid);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{check}: {said}{}", String::from_utf8_lossy(&output.stdout));
}

/// One frame over a wire of memory.
fn a_frame_passes(eal: &Eal) {
    let pool = eal.mempool("frames", 127, 16, DATA_ROOM, SocketId::ANY).unwrap();
    let (a, b) = eal.ring_pair("a", "b", 64, SocketId::ANY).unwrap();
    let start = |id| eal.port(id).unwrap().configure(&PortConfig::default(), pool).unwrap().start();
    let (_port_a, _rx_a, mut tx_a) = start(a).unwrap();
    let (_port_b, mut rx_b, _tx_b) = start(b).unwrap();
    let mut burst: ArrayVec<Mbuf<'_>, 4> = ArrayVec::new();
    let mut frame = pool.alloc().unwrap();
    assert!(frame.extend(b"hello"));
    burst.push(frame);
    assert_eq!(tx_a[0].tx(&mut burst), 1);
    assert_eq!(rx_b[0].rx(&mut burst), 1);
    assert_eq!(burst[0].data(), b"hello");
}

/// Not a test of its own: what the children do.
#[test]
fn the_child() {
    let config = EalConfig { memory_mb: 32, ..EalConfig::default() };
    match env::var(CHECK).as_deref() {
        Ok("ordinary") => {
            let eal = Eal::init(&EalConfig { huge: Huge::Off, ..config }).unwrap();
            assert!(!eal.huge_in_use());
            a_frame_passes(&eal);
        }
        Ok("huge") => {
            let before = free_mb();
            let config = EalConfig { huge: Huge::Require, ..config };
            let eal = Eal::init(&config).unwrap();
            assert!(eal.huge_in_use());
            assert!(free_mb() < before, "no hugepage was taken");
            a_frame_passes(&eal);
        }
        Ok("killed") => {
            let _eal = Eal::init(&EalConfig { huge: Huge::Require, ..config }).unwrap();
            // SAFETY: ends this process, as kill -9 would.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
        Ok("too-much") => {
            let config = EalConfig { huge: Huge::Require, memory_mb: 1 << 30, ..config };
            let error = Eal::init(&config).unwrap_err();
            let Error::NoHugepages { lack } = error else { panic!("{error}") };
            assert!(matches!(lack, HugeLack::Few { asked_mb: 1_073_741_824, .. }), "{lack}");
            // The attempt is not used up.
            a_frame_passes(&Eal::init(&EalConfig { huge: Huge::Auto, ..config_small() }).unwrap());
        }
        _ => {}
    }
}

fn config_small() -> EalConfig {
    EalConfig { memory_mb: 32, ..EalConfig::default() }
}

#[test]
fn with_and_without_hugepages() {
    passes("ordinary", None);
    passes("too-much", None);
    // SAFETY: asks for a number.
    if unsafe { libc::geteuid() } == 0 {
        passes("ordinary", Some(NOBODY));
    }
    if free_mb() < 64 {
        eprintln!("fewer than 64 MB of hugepages are free: not tried");
        return;
    }
    passes("huge", None);
    let files = || fs::read_dir("/dev/hugepages").map(Iterator::count).unwrap_or(0);
    let before = files();
    assert!(!child("killed", None).status.success());
    assert_eq!(files(), before, "something stayed behind in hugetlbfs");
}
