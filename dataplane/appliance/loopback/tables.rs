//! Tables in the look that people know from testpmd: who reads one by eye or by script can read the
//! other.
//!
//! The words and columns are testpmd's of DPDK 22.11. What it does not tell (drops by cause, rates
//! of forwarding, quantiles of latency) comes in lines of our own below its lines.

use super::stats::{DeviceStats, LatencySnapshot, PortQueue, PortSnapshot, Rates, Snapshot};
use super::stats::{StreamSnapshot, Totals};
use crate::report::format::{self, printable};

/// Columns of a table between its two blanks and the end.
const COLUMNS: usize = 76;
/// Bits of a byte, for rates.
const BITS: f64 = 8.0;

/// What does not change of a port while it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PortFacts {
    /// Its Ethernet address.
    pub(crate) mac: [u8; 6],
    /// The NUMA node; none where it has none.
    pub(crate) socket: Option<i32>,
    /// In bytes.
    pub(crate) mtu: u16,
    /// The largest it takes, in bytes.
    pub(crate) mtu_max: u16,
    /// Whether it takes frames for others.
    pub(crate) promiscuous: bool,
    /// Whether it takes all multicast.
    pub(crate) allmulticast: bool,
    /// Receive queues in use, and the most there can be.
    pub(crate) rx_queues: (u16, u16),
    /// Transmit queues in use, and the most there can be.
    pub(crate) tx_queues: (u16, u16),
    /// Descriptors of a receive queue in use, the fewest and the most.
    pub(crate) rx_slots: (u16, u16, u16),
    /// Descriptors of a transmit queue in use, the fewest and the most.
    pub(crate) tx_slots: (u16, u16, u16),
    /// Offloads in use, by name.
    pub(crate) offloads: String,
    /// Whether flows are spread over its receive queues.
    pub(crate) rss: bool,
}

/// How frames go, as far as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ForwardFacts {
    /// The forward mode's name.
    pub(crate) mode: String,
    /// Frames a burst.
    pub(crate) burst: u16,
    /// Bytes of a frame that is made here.
    pub(crate) packet_bytes: u16,
    /// Frames a second that are to leave; none for as fast as it goes.
    pub(crate) rate_pps: Option<u64>,
    /// Forwarding lcores.
    pub(crate) lcores: u16,
}

/// `show port stats`: what the device counted, and how fast since it was shown last.
pub(crate) fn port_stats(port: &PortSnapshot, since: &DeviceStats, seconds: f64) -> String {
    let d = &port.device;
    let rate = |n: u64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
    let [rx_pps, tx_pps] = [since.rx_packets, since.tx_packets].map(rate);
    let [rx_bps, tx_bps] = [since.rx_bytes, since.tx_bytes].map(|n| rate(n) * BITS);
    let title = format!(" NIC statistics for port {}  ", port.id);
    format!(
        "\n  {}\n  RX-packets: {:<10} RX-missed: {:<10} RX-bytes:  {}\n  RX-errors: {}\n  \
         RX-nombuf:  {}\n  TX-packets: {:<10} TX-errors: {:<10} TX-bytes:  {}\n\n  \
         Throughput (since last show)\n  Rx-pps: {rx_pps:>12.0}          Rx-bps: {rx_bps:>12.0}\n  \
         Tx-pps: {tx_pps:>12.0}          Tx-bps: {tx_bps:>12.0}\n  {}\n",
        heading('#', &title),
        d.rx_packets,
        d.rx_missed,
        d.rx_bytes,
        d.rx_errors,
        d.rx_no_mbuf,
        d.tx_packets,
        d.tx_errors,
        d.tx_bytes,
        "#".repeat(COLUMNS),
    )
}

/// `show port xstats`: what the driver counts by its own names.
pub(crate) fn port_xstats(port: &PortSnapshot) -> String {
    let mut text = format!("###### NIC extended statistics for port {} \n", port.id);
    for (name, count) in &port.xstats.0 {
        text.push_str(&format!("{}: {count}\n", printable(name)));
    }
    text
}

/// `show port info`.
pub(crate) fn port_info(port: &PortSnapshot, facts: &PortFacts) -> String {
    let socket = facts.socket.map_or("any".to_owned(), |node| node.to_string());
    let speed = match port.speed_mbps {
        None => "Unknown".to_owned(),
        Some(mbps) if mbps % 1_000 == 0 => format!("{} Gbps", mbps / 1_000),
        Some(mbps) => format!("{mbps} Mbps"),
    };
    let on = |on: bool| if on { "enabled" } else { "disabled" };
    let mac = facts.mac.map(|byte| format!("{byte:02X}")).join(":");
    let queues = |way: &str, (now, max): (u16, u16), (slots, least, most): (u16, u16, u16)| {
        format!(
            "Current number of {way} queues: {now}\nMax possible {way} queues: {max}\n\
             Current number of {way}Ds per queue: {slots}\n\
             Max possible number of {way}Ds per queue: {most}\n\
             Min possible number of {way}Ds per queue: {least}\n"
        )
    };
    format!(
        "\n{} Infos for port {:<2} {}\nMAC address: {mac}\nDevice name: {}\nDriver name: {}\n\
         Connect to socket: {socket}\nState: {}\nLink status: {}\nLink speed: {speed}\nMTU: {} \
         (max {})\nPromiscuous mode: {}\nAllmulticast mode: {}\nOffloads in use: {}\nRSS: {}\n{}{}",
        "*".repeat(21),
        port.id,
        "*".repeat(21),
        printable(&port.name),
        port.driver,
        if port.started { "started" } else { "stopped" },
        if port.link_up { "up" } else { "down" },
        facts.mtu,
        facts.mtu_max,
        on(facts.promiscuous),
        on(facts.allmulticast),
        facts.offloads,
        on(facts.rss),
        queues("RX", facts.rx_queues, facts.rx_slots),
        queues("TX", facts.tx_queues, facts.tx_slots),
    )
}

/// `show fwd stats all`, and what `stop` says: what each port and all ports forwarded, what was
/// lost and why, and the rates of `since`, a difference to an earlier snapshot.
pub(crate) fn fwd_stats(now: &Snapshot, since: &Snapshot) -> String {
    let mut text = String::new();
    if now.streams.len() > now.ports.len() {
        for (stream, lately) in now.streams.iter().zip(&since.streams) {
            text.push_str(&stream_stats(stream, lately));
        }
    }
    for port in &now.ports {
        let title = format!(" Forward statistics for port {:<2} ", port.id);
        text.push_str(&format!("\n  {}\n", heading('-', &title)));
        text.push_str(&totals(&now.port_totals(port.id), &since.port_rates(port.id)));
        text.push_str(&format!("  {}\n", "-".repeat(COLUMNS)));
    }
    let plus = "+".repeat(15);
    text.push_str(&format!("\n  {plus} Accumulated forward statistics for all ports{plus}\n"));
    text.push_str(&totals(&now.totals(), &since.rates()));
    text.push_str(&format!("  {}\n", "+".repeat(COLUMNS)));
    text.push_str(&latency(&now.latency));
    text
}

/// One stream: testpmd tells it when a port has several.
fn stream_stats(stream: &StreamSnapshot, since: &StreamSnapshot) -> String {
    let end = |queue: Option<PortQueue>| match queue {
        Some(queue) => format!("Port={:2}/Queue={:2}", queue.port, queue.queue),
        None => "nowhere".to_owned(),
    };
    let (rx, tx) = (end(stream.rx), end(stream.tx));
    let line = "-".repeat(7);
    let mut text = format!("\n  {line} Forward Stats for RX {rx} -> TX {tx} {line}\n");
    text.push_str(&format!(
        "  RX-packets: {:<14} TX-packets: {:<14} TX-dropped: {:<14}\n",
        stream.rx_packets,
        stream.tx_packets,
        stream.drops.sum()
    ));
    text.push_str(&causes("Drops", stream.drops.nonzero()));
    text.push_str(&causes("Notes", stream.notes.nonzero()));
    text.push_str(&bursts(since));
    text
}

fn totals(totals: &Totals, rates: &Rates) -> String {
    let row = |way: &str, packets: u64, dropped: u64| {
        format!(
            "  {way}-packets: {packets:<14} {way}-dropped: {dropped:<14}{way}-total: {}\n",
            packets + dropped
        )
    };
    let mut text = row("RX", totals.rx_packets, totals.rx_missed);
    text.push_str(&row("TX", totals.tx_packets, totals.dropped + totals.tx_errors));
    text.push_str(&causes("Drops", totals.drops.nonzero()));
    text.push_str(&format!(
        "  Rx-pps: {:>12.0}          Rx-bps: {:>12.0}\n  \
           Tx-pps: {:>12.0}          Tx-bps: {:>12.0}\n",
        rates.rx_pps, rates.rx_bps, rates.tx_pps, rates.tx_bps
    ));
    text
}

/// `Drops: tx_full 12, no_mbuf 3`; nothing when there were none.
fn causes<'n>(label: &str, counts: impl Iterator<Item = (&'n str, u64)>) -> String {
    let told: Vec<String> = counts.map(|(cause, count)| format!("{cause} {count}")).collect();
    if told.is_empty() { String::new() } else { format!("  {label}: {}\n", told.join(", ")) }
}

/// The two commonest sizes of receive bursts, as testpmd's `record-burst-stats` tells them.
fn bursts(stream: &StreamSnapshot) -> String {
    let all: u64 = stream.rx_bursts.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return String::new();
    }
    let mut sizes = stream.rx_bursts.clone();
    sizes.sort_by_key(|(size, count)| (std::cmp::Reverse(*count), *size));
    let part = |(size, count): &(u16, u64)| {
        format!("{} of {size} pkts", format::percent(*count, all).replace(' ', ""))
    };
    let shown: Vec<String> = sizes.iter().take(2).map(part).collect();
    let rest: u64 = sizes.iter().skip(2).map(|(_, count)| count).sum();
    let others = match rest {
        0 => String::new(),
        rest => format!(" + {} of other", format::percent(rest, all).replace(' ', "")),
    };
    format!("  RX-bursts: {all} [{}{others}]\n", shown.join(" + "))
}

/// Quantiles, a line a distribution; nothing when nothing was timed.
pub(crate) fn latency(all: &[LatencySnapshot]) -> String {
    let line = |one: &LatencySnapshot| {
        let told = one.quantiles().map(|(name, ns)| format!("{name} {}", format::ns(ns)));
        format!("  {}: {} timed; {}\n", one.name, format::count(one.count), told.join(", "))
    };
    let lines: String = all.iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// `show config fwd`: who forwards what to where.
pub(crate) fn config_fwd(now: &Snapshot, facts: &ForwardFacts) -> String {
    let mut text = format!(
        "{} packet forwarding - ports={} - cores={} - streams={}\n",
        facts.mode,
        now.ports.len(),
        facts.lcores,
        now.streams.len()
    );
    let end = |way: &str, queue: Option<PortQueue>| match queue {
        Some(PortQueue { port, queue }) => format!("{way} P={port}/Q={queue}"),
        None => format!("{way} none"),
    };
    for lcore in 0..facts.lcores {
        let mine: Vec<&StreamSnapshot> = now.streams.iter().filter(|s| s.lcore == lcore).collect();
        let cpu = mine.first().map_or(String::new(), |stream| format!(" (CPU {})", stream.cpu));
        let streams = format::plural(mine.len() as u64, "stream");
        text.push_str(&format!("Logical Core {lcore}{cpu} forwards packets on {streams}:\n"));
        for stream in mine {
            let (rx, tx) = (end("RX", stream.rx), end("TX", stream.tx));
            text.push_str(&format!("  {rx} -> {tx}\n"));
        }
    }
    text
}

/// `show config rxtx`: bursts, queues, descriptors and offloads.
pub(crate) fn config_rxtx(ports: &[(u16, PortFacts)], facts: &ForwardFacts) -> String {
    let mut text = format!(
        "  {} packet forwarding packets/burst={}\n  packet len={} - rate={}\n  \
         nb forwarding cores={} - nb forwarding ports={}\n",
        facts.mode,
        facts.burst,
        facts.packet_bytes,
        facts.rate_pps.map_or("as fast as it goes".to_owned(), |pps| format!("{pps} pps")),
        facts.lcores,
        ports.len()
    );
    for (id, port) in ports {
        text.push_str(&format!(
            "  port {id}: RX queue number: {} Tx queue number: {}\n    RX desc={} - TX desc={}\n  \
             \x20 Offloads={}\n",
            port.rx_queues.0, port.tx_queues.0, port.rx_slots.0, port.tx_slots.0, port.offloads
        ));
    }
    text
}

/// `show config cores`.
pub(crate) fn config_cores(now: &Snapshot) -> String {
    let mut cpus: Vec<u32> = now.streams.iter().map(|stream| stream.cpu).collect();
    cpus.sort_unstable();
    cpus.dedup();
    let list: Vec<String> = cpus.iter().map(u32::to_string).collect();
    format!("List of forwarding CPUs: {}\n", list.join(" "))
}

/// `show events`: what happened, the oldest first.
pub(crate) fn events(now: &Snapshot) -> String {
    let mut text = String::new();
    if now.events_forgotten > 0 {
        text.push_str(&format!("  ({} before these are not kept)\n", now.events_forgotten));
    }
    for event in &now.events {
        let seconds = event.at_ns as f64 / 1e9;
        text.push_str(&format!("  {seconds:>9.3} s  {}\n", printable(&event.text)));
    }
    if text.is_empty() { "  nothing has happened\n".to_owned() } else { text }
}

/// The line of `--stats-period`: what a period brought.
pub(crate) fn period(now: &Snapshot, since: &Snapshot) -> String {
    let (rates, totals) = (since.rates(), now.totals());
    format!(
        "{:>8.1} s  rx {:>12.0} pps {:>14.0} bps  tx {:>12.0} pps {:>14.0} bps  lost {}\n",
        now.elapsed_ns as f64 / 1e9,
        rates.rx_pps,
        rates.rx_bps,
        rates.tx_pps,
        rates.tx_bps,
        format::count(totals.lost()),
    )
}

/// The title in the middle of a line of marks.
fn heading(mark: char, title: &str) -> String {
    let marks = COLUMNS.saturating_sub(title.chars().count());
    let line = |n: usize| mark.to_string().repeat(n);
    format!("{}{title}{}", line(marks / 2), line(marks - marks / 2))
}

#[cfg(test)]
mod tests;
