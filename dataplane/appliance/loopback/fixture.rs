//! A run that never was, for tests of what is shown.

use super::stats::{
    DeviceStats, Event, EventKind, LatencySnapshot, Named, PortQueue, PortSnapshot, Snapshot,
    StreamSnapshot,
};

/// Two ports, a stream each way, `seconds` of a million frames a second, some lost.
pub(crate) fn snapshot(seconds: u64) -> Snapshot {
    let frames = seconds * 1_000_000;
    Snapshot {
        elapsed_ns: seconds * 1_000_000_000,
        mode: "macswap".to_owned(),
        forwarding: true,
        ports: vec![port(0, frames, seconds), port(1, frames, seconds)],
        streams: vec![stream(0, 1, frames, seconds), stream(1, 0, frames, 0)],
        latency: Vec::new(),
        events: vec![
            event(1, EventKind::LinkDown, "port 1 (net_memif1): link down"),
            event(2, EventKind::LinkUp, "port 1 (net_memif1): link up"),
        ],
        events_forgotten: 0,
    }
}

/// A distribution.
pub(crate) fn latency() -> LatencySnapshot {
    LatencySnapshot {
        name: "round trip".to_owned(),
        count: 12_345,
        min_ns: 812,
        p50_ns: 1_240,
        p90_ns: 1_900,
        p99_ns: 4_000,
        p99_9_ns: 31_000,
        p99_99_ns: 250_000,
        max_ns: 1_200_000,
    }
}

fn port(id: u16, frames: u64, seconds: u64) -> PortSnapshot {
    let device = DeviceStats {
        rx_packets: frames + seconds,
        tx_packets: frames,
        rx_bytes: frames * 64,
        tx_bytes: frames * 64,
        rx_missed: if id == 0 { seconds } else { 0 },
        ..DeviceStats::default()
    };
    PortSnapshot {
        id,
        name: format!("net_memif{id}"),
        driver: "net_memif".to_owned(),
        started: true,
        link_up: true,
        speed_mbps: Some(10_000),
        device,
        xstats: [("rx_good_packets", frames), ("rx_q0_errors", 0)].into_iter().collect(),
    }
}

fn stream(from: u16, to: u16, frames: u64, lost: u64) -> StreamSnapshot {
    StreamSnapshot {
        lcore: from,
        cpu: u32::from(from),
        rx: Some(PortQueue { port: from, queue: 0 }),
        tx: Some(PortQueue { port: to, queue: 0 }),
        rx_packets: frames,
        tx_packets: frames - lost,
        drops: [("tx_full", lost), ("chain", 0)].into_iter().collect(),
        notes: [("bad_ip_checksum", lost * 2)].into_iter().collect(),
        waiting: Named::default(),
        rx_bursts: vec![(0, frames / 8), (16, frames / 32), (32, frames / 64)],
        tx_bursts: vec![(16, frames / 32), (32, frames / 64)],
    }
}

fn event(at_s: u64, kind: EventKind, text: &str) -> Event {
    Event { at_ns: at_s * 1_000_000_000, kind, port: Some(1), text: text.to_owned() }
}
