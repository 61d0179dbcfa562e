//! The look of testpmd, line by line where it has the line.

use super::*;
use crate::loopback::fixture;

#[test]
fn port_stats_look_as_testpmd_shows_them() {
    let now = fixture::snapshot(2);
    let port = &now.ports[0];
    let shown = port_stats(port, &fixture::snapshot(1).ports[0].device, 0.5);
    let expected = "
  ######################## NIC statistics for port 0  ########################
  RX-packets: 2000002    RX-missed: 2          RX-bytes:  128000000
  RX-errors: 0
  RX-nombuf:  0
  TX-packets: 2000000    TX-errors: 0          TX-bytes:  128000000

  Throughput (since last show)
  Rx-pps:      2000002          Rx-bps:   1024000000
  Tx-pps:      2000000          Tx-bps:   1024000000
  ############################################################################
";
    assert_eq!(shown, expected);
    let first = port_stats(port, &DeviceStats::default(), 0.0);
    assert!(first.contains("Rx-pps:            0          Rx-bps:            0"), "{first}");
}

#[test]
fn forward_stats_look_as_testpmd_shows_them_and_say_why() {
    let now = fixture::snapshot(2);
    let shown = fwd_stats(&now, &now.since(&fixture::snapshot(1)));
    let port_1 = "
  ---------------------- Forward statistics for port 1  ----------------------
  RX-packets: 2000000        RX-dropped: 0             RX-total: 2000000
  TX-packets: 1999998        TX-dropped: 2             TX-total: 2000000
  Drops: tx_full 2
  Rx-pps:      1000000          Rx-bps:    512000000
  Tx-pps:       999999          Tx-bps:    512000000
  ----------------------------------------------------------------------------
";
    assert!(shown.contains(port_1), "{shown}");
    let all = "
  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++
  RX-packets: 4000000        RX-dropped: 2             RX-total: 4000002
";
    assert!(shown.contains(all), "{shown}");
    assert!(!shown.contains("Forward Stats for RX"), "a stream a port needs no lines of its own");
}

#[test]
fn streams_are_told_when_ports_have_several() {
    let mut now = fixture::snapshot(2);
    let mut more = now.streams[0].clone();
    let queue = |port| Some(PortQueue { port, queue: 1 });
    (more.rx, more.tx) = (queue(0), queue(1));
    now.streams.push(more);
    let shown = fwd_stats(&now, &now);
    let stream = "
  ------- Forward Stats for RX Port= 0/Queue= 1 -> TX Port= 1/Queue= 1 -------
  RX-packets: 2000000        TX-packets: 1999998        TX-dropped: 2             
  Drops: tx_full 2
  Notes: bad_ip_checksum 4
  RX-bursts: 343750 [72.7% of 0 pkts + 18.2% of 16 pkts + 9.1% of other]
";
    assert!(shown.contains(stream), "{shown}");
}

#[test]
fn quantiles_are_told_where_something_was_timed() {
    let mut now = fixture::snapshot(2);
    assert_eq!(latency(&now.latency), "");
    now.latency.push(fixture::latency());
    let shown = fwd_stats(&now, &now);
    let line = "round trip: 12,345 timed; min 812 ns, p50 1.24 µs, p90 1.90 µs, p99 4.00 µs, \
                p99.9 31.0 µs, p99.99 250 µs, max 1.20 ms";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn a_ports_facts_are_told_as_testpmd_tells_them() {
    let facts = PortFacts {
        mac: [2, 0, 0, 0, 0, 0xab],
        mtu: 1_500,
        mtu_max: 9_600,
        promiscuous: true,
        rx_queues: (1, 16),
        tx_queues: (1, 16),
        rx_slots: (1_024, 64, 4_096),
        tx_slots: (512, 64, 4_096),
        offloads: "none".to_owned(),
        ..PortFacts::default()
    };
    let shown = port_info(&fixture::snapshot(1).ports[0], &facts);
    for line in [
        "********************* Infos for port 0  *********************",
        "MAC address: 02:00:00:00:00:AB",
        "Device name: net_memif0",
        "Driver name: net_memif",
        "Connect to socket: any",
        "Link status: up",
        "Link speed: 10 Gbps",
        "Promiscuous mode: enabled",
        "Allmulticast mode: disabled",
        "Max possible RX queues: 16",
        "Current number of RXDs per queue: 1024",
        "Current number of TXDs per queue: 512",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} is not in:\n{shown}");
    }
}

#[test]
fn configuration_is_told_by_lcore_and_by_port() {
    let now = fixture::snapshot(1);
    let facts = ForwardFacts {
        mode: "io".to_owned(),
        burst: 32,
        packet_bytes: 64,
        rate_pps: Some(5),
        lcores: 2,
    };
    let fwd = config_fwd(&now, &facts);
    assert!(fwd.starts_with("io packet forwarding - ports=2 - cores=2 - streams=2\n"), "{fwd}");
    let lcore =
        "Logical Core 1 (CPU 1) forwards packets on 1 stream:\n  RX P=1/Q=0 -> TX P=0/Q=0\n";
    assert!(fwd.contains(lcore), "{fwd}");
    let ports = [(0, PortFacts { rx_slots: (256, 0, 0), ..PortFacts::default() })];
    let rxtx = config_rxtx(&ports, &facts);
    assert!(rxtx.contains("io packet forwarding packets/burst=32"), "{rxtx}");
    assert!(rxtx.contains("rate=5 pps") && rxtx.contains("RX desc=256"), "{rxtx}");
    assert_eq!(config_cores(&now), "List of forwarding CPUs: 0 1\n");
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let mut now = fixture::snapshot(1);
    now.ports[0].name = "x\u{1b}[2J".to_owned();
    now.ports[0].xstats = [("a\u{7}b", 1)].into_iter().collect();
    now.events[0].text = "\u{1b}]0;gone\u{7}".to_owned();
    let shown =
        [port_info(&now.ports[0], &PortFacts::default()), port_xstats(&now.ports[0]), events(&now)];
    assert!(!shown.concat().contains(['\u{1b}', '\u{7}']), "{shown:?}");
}

#[test]
fn a_period_is_one_line_and_events_are_told() {
    let now = fixture::snapshot(3);
    let line = period(&now, &now.since(&fixture::snapshot(2)));
    assert_eq!(line.lines().count(), 1);
    assert!(line.starts_with("     3.0 s  rx      2000000 pps"), "{line}");
    assert!(line.ends_with("lost 6\n"), "{line}");
    let told = events(&now);
    assert!(told.contains("    1.000 s  port 1 (net_memif1): link down\n"), "{told}");
    assert_eq!(events(&Snapshot::default()), "  nothing has happened\n");
}
