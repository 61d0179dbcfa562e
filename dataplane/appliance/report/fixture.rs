//! A run that never was, for the tests.

use super::model::*;
use telemetry::{Histogram, StageSnapshot};

/// A latency with a body around `middle_ns` and a thin tail, the same on every machine.
pub(super) fn latency(name: &str, middle_ns: u64, count: u64) -> StageReport {
    let histogram = Histogram::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..count {
        // The sum of four draws is bell-shaped enough for a picture.
        let mut draws = 0;
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            draws += (state >> 33) % middle_ns;
        }
        let tail = if (state >> 40).is_multiple_of(311) { 9 } else { 1 };
        histogram.record((middle_ns / 2 + draws / 4) * tail);
    }
    StageReport::from(StageSnapshot::of(name, &histogram))
}

/// A trader and a venue on two lcores, with every kind of figure.
pub(crate) fn report() -> RunReport {
    RunReport {
        title: "one tick, one trade".to_owned(),
        started_utc: Utc::from_unix_ns(1_700_000_000_000_000_000),
        wall_s: 12.345,
        interrupted: false,
        summary: Summary {
            messages_decoded: 12_345_678,
            unknown_order_refs: 0,
            books: 2,
            live_orders: 31_337,
            orders_sent: 20_000,
            orders_accepted: 19_990,
            orders_rejected: 10,
            fills: 4_321,
            shares_filled: 432_100,
            drops: 0,
            gaps: 2,
            allocations_hot: 0,
        },
        verdicts: vec![
            verdict("no packet dropped", true, "0 drops on 2 ports"),
            verdict("hot path does not allocate", true, "0 allocations in 88,000,000 polls"),
            verdict(
                "books agree",
                false,
                "AAPL: 2 levels differ from the venue's book at the close",
            ),
        ],
        host: HostReport {
            cpu_model: "AMD EPYC 9354P 32-Core Processor".to_owned(),
            cpus: 64,
            kernel: "6.1.0-40-amd64".to_owned(),
            dpdk_version: "DPDK 22.11.7".to_owned(),
            rust_target: "x86_64-unknown-linux-gnu, znver4".to_owned(),
            git_rev: "65f057d".to_owned(),
            huge: true,
        },
        lcores: vec![
            lcore(0, Some(2), &["mkt"], 51_000_000, ""),
            lcore(1, None, &["alpha", "loop"], 37_000_000, "shares CPU 3 with another lcore"),
        ],
        roles: vec![venue(), trader()],
        ports: vec![port("feed", "net_ring0", 0), port("orders", "net_ring1", 3)],
        messages_by_type: vec![
            message("A", "Add Order", 6_000_000),
            message("D", "Order Delete", 5_500_000),
            message("E", "Order Executed", 845_000),
            message("S", "System Event", 678),
        ],
        books: vec![book("AAPL", 1_337, "185.0100 × 300"), book("MSFT", 30_000, "")],
    }
}

fn verdict(name: &str, ok: bool, detail: &str) -> Verdict {
    Verdict { name: name.to_owned(), ok, detail: detail.to_owned() }
}

fn lcore(lcore: usize, cpu: Option<usize>, roles: &[&str], polls: u64, note: &str) -> LcoreReport {
    LcoreReport {
        lcore,
        cpu,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        polls,
        busy_polls: polls / 7,
        allocations_hot: 0,
        voluntary_switches: 0,
        involuntary_switches: lcore as u64 * 12,
        shared_note: note.to_owned(),
    }
}

fn venue() -> RoleReport {
    RoleReport {
        name: "mkt".to_owned(),
        kind: "venue".to_owned(),
        lcore: 0,
        counters: vec![
            counter("venue", "frames_rx", 20_011),
            counter("venue", "rejects_halted", 0),
        ],
        stages: vec![
            latency("rx", 60, 3_000),
            latency("decode", 25, 3_000),
            latency("match", 180, 3_000),
            StageReport { name: "snapshot".to_owned(), ..StageReport::default() },
        ],
        latencies: vec![],
        notes: vec!["matching stopped at the closing cross".to_owned()],
    }
}

fn trader() -> RoleReport {
    RoleReport {
        name: "alpha".to_owned(),
        kind: "trader".to_owned(),
        lcore: 1,
        counters: vec![counter("trader", "ticks", 12_345_678)],
        stages: vec![latency("book", 95, 20_000), latency("strategy", 40, 20_000)],
        latencies: vec![
            latency("tick_to_trade", 1_900, 20_000),
            latency("order_to_ack", 6_100, 19_990),
        ],
        notes: vec![],
    }
}

fn counter(group: &str, name: &str, value: u64) -> CounterReport {
    CounterReport { group: group.to_owned(), name: name.to_owned(), value }
}

fn port(name: &str, device: &str, rx_dropped: u64) -> PortReport {
    PortReport {
        name: name.to_owned(),
        device: device.to_owned(),
        driver: "net_ring".to_owned(),
        rx: 1_200_345,
        tx: 1_200_346,
        rx_dropped,
        ..PortReport::default()
    }
}

fn message(code: &str, name: &str, count: u64) -> MessageTypeReport {
    let feed = "alpha A".to_owned();
    MessageTypeReport { feed, code: code.to_owned(), name: name.to_owned(), count }
}

fn book(symbol: &str, live_orders: u64, best_bid: &str) -> BookReport {
    BookReport {
        symbol: symbol.to_owned(),
        live_orders,
        bid_levels: live_orders / 10,
        ask_levels: live_orders / 11,
        best_bid: best_bid.to_owned(),
        best_ask: "185.0200 × 100".to_owned(),
    }
}

/// The same run with every name out to do harm.
pub(crate) fn hostile() -> RunReport {
    const EVIL: &str = "</td><script>alert(\"1\")</script>&amp;'\u{1b}[31m\u{202e}\0\n";
    let evil = || EVIL.to_owned();
    let mut report = report();
    report.title = evil();
    report.host.cpu_model = evil();
    report.host.git_rev = evil().repeat(20);
    for role in &mut report.roles {
        (role.name, role.kind) = (evil(), evil());
        role.notes = vec![evil()];
        role.counters.iter_mut().for_each(|c| (c.group, c.name) = (evil(), evil()));
        role.stages.iter_mut().chain(&mut role.latencies).for_each(|stage| stage.name = evil());
    }
    for lcore in &mut report.lcores {
        (lcore.roles, lcore.shared_note) = (vec![evil()], evil());
    }
    for port in &mut report.ports {
        (port.name, port.device, port.driver) = (evil(), evil(), evil());
    }
    for book in &mut report.books {
        (book.symbol, book.best_bid, book.best_ask) = (evil(), evil(), evil());
    }
    for message in &mut report.messages_by_type {
        (message.feed, message.code, message.name) = (evil(), evil(), evil());
    }
    report.verdicts = vec![Verdict { name: evil(), ok: false, detail: evil() }];
    report
}
