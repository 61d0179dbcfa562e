//! What is understood, and what is refused with which words.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: LoopbackArgs,
}

fn read(words: &[&str]) -> Result<LoopbackArgs, String> {
    let line = ["loopback"].iter().chain(words);
    Line::try_parse_from(line).map(|line| line.args).map_err(|error| error.to_string())
}

#[test]
fn testpmds_words_are_understood() {
    let args = read(&[
        "--forward-mode=macswap",
        "--burst=64",
        "--rxd=256",
        "--total-num-mbufs=4095",
        "--port-topology=chained",
        "--eth-peer=1,02:00:00:00:00:09",
        "--tx-first",
        "--stats-period=1",
    ])
    .unwrap();
    let settings = args.settings().unwrap();
    assert_eq!((settings.mode, settings.burst, settings.tx_first), (Mode::MacSwap, 64, 1));
    assert_eq!(settings.tx_full, TxFull::Wait);
    assert_eq!((args.ports.rxd, args.ports.mbufs), (256, Some(4095)));
    assert_eq!(args.ports.port_topology, Topology::Chained);
    assert_eq!(args.forward.eth_peer, [(1, [2, 0, 0, 0, 0, 9])]);
    assert_eq!(args.run.stats_period, Some(Duration::from_secs(1)));
    assert_eq!(read(&["--tx-first", "7"]).unwrap().forward.tx_first, Some(7));
    assert_eq!(read(&[]).unwrap().settings().unwrap(), Settings::default());
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    for (words, told) in [
        (vec!["--mode", "macswp"], "macswap"),
        (vec!["--mode", "latensy"], "latency"),
        (vec!["--brst", "3"], "--burst"),
        (vec!["--burst", "513"], "1..=512"),
        (vec!["--burst", "0"], "1..=512"),
        (vec!["--txpkts", "64,64"], "one mbuf"),
        (vec!["--txpkts", "41"], "from 42 to 9618"),
        (vec!["--eth-peer", "0"], "0,02:00:00:00:00:01"),
        (vec!["--eth-peer", "0,ff:ff:ff:ff:ff:ff"], "group"),
        (vec!["--stats-period", "0"], "from 1 to 604800"),
        (vec!["--duration", "10"], "unit"),
        (vec!["--rate", "0"], "1..=1000000000"),
        (vec!["-i", "--tui"], "cannot be used with"),
        (vec!["--config", "x", "--vdev", "y"], "cannot be used with"),
    ] {
        let error = read(&words).unwrap_err();
        assert!(error.contains(told), "{words:?}: {error}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (words, told) in [
        (vec!["--txpkts", "1600"], "longer than a frame of MTU 1500"),
        (vec!["--rate", "1000"], "mode io makes no frames"),
        (vec!["--mode", "noisy", "--noisy-lkup-num-reads", "1"], "--noisy-lkup-memory"),
    ] {
        let error = read(&words).unwrap().settings().unwrap_err().to_string();
        assert!(error.contains(told), "{words:?}: {error}");
    }
    let jumbo = read(&["--mode", "txonly", "--txpkts", "9000", "--mtu", "9000"]).unwrap();
    assert_eq!(jumbo.settings().unwrap().frame_bytes, 9000);
}
