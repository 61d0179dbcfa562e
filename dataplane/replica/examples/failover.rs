//! How long a cluster is without a leader when its leader dies, in protocol time: ticks, hops and
//! nothing else, over many trials with every phase of the nodes' ticks.
//!
//! ```sh
//! cargo run --release -p replica --example failover -- 2000
//! ```
//!
//! In each trial the leader dies at some moment between two of its ticks while commands come in,
//! and with some of its last datagrams. Measured from there: until a successor has committed an
//! entry of its term (ready), and until its first reply is with a client, one hop further.

#[path = "../tests/support/mod.rs"]
mod support;

use support::death::{DEFAULT, Pace, trial};

fn print(pace: &Pace, trials: u64) {
    let mut ready: Vec<(u64, u64)> = (0..trials).map(|seed| trial(pace, seed)).collect();
    let within = ready.iter().filter(|(_, reply)| *reply <= 370_000).count();
    let ticks = |ns: u64| ns as f64 / pace.tick_ns as f64;
    let ready_max = ready.iter().map(|(ready, _)| *ready).max().unwrap_or(0);
    ready.sort_unstable_by_key(|(_, reply)| *reply);
    let reply = |part: usize| ready[(ready.len() - 1) * part / 100].1 as f64 / 1_000.0;
    println!(
        "{} nodes, tick {:>3} µs, election {}, campaign {} + {}·place, disk {:>3} µs: ready within \
         {:.2} ticks; first reply p50 {:.0}, p99 {:.0}, max {:.0} µs; within 370 µs \
         {within}/{trials}",
        pace.nodes,
        pace.tick_ns / 1_000,
        pace.election,
        pace.campaign,
        pace.stagger,
        pace.disk_ns / 1_000,
        ticks(ready_max),
        reply(50),
        reply(99),
        reply(100),
    );
}

fn main() {
    let trials = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let base = DEFAULT;
    let paces = [
        base,
        Pace { nodes: 5, ..base },
        Pace { stagger: 1, ..base },
        Pace { stagger: 2, nodes: 5, ..base },
        Pace { election: 3, campaign: 4, ..base },
        Pace { tick_ns: 50_000, ..base },
        Pace { tick_ns: 40_000, ..base },
        Pace { tick_ns: 25_000, ..base },
        Pace { tick_ns: 15_000, ..base },
        Pace { disk_ns: 20_000, ..base },
        Pace { tick_ns: 50_000, disk_ns: 20_000, ..base },
    ];
    for pace in &paces {
        print(pace, trials);
    }
}
