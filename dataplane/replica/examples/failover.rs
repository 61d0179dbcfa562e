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

use replica::{Config, Release};
use support::{Cluster, Weather};

const HOP_NS: u64 = 5_000;

/// A way of ticking.
#[derive(Clone, Copy)]
struct Pace {
    nodes: u64,
    tick_ns: u64,
    election: u32,
    campaign: u32,
    stagger: u32,
    disk_ns: u64,
}

impl Pace {
    fn adjust(&self, config: &mut Config) {
        config.tick_ns = self.tick_ns;
        config.election_ticks = self.election;
        config.campaign_ticks = self.campaign;
        config.stagger_ticks = self.stagger;
        config.log_entries = 1024;
    }
}

/// One death; from it to the successor's readiness, and to its first reply at a client.
fn trial(pace: &Pace, seed: u64) -> (u64, u64) {
    let weather = Weather { hop_ns: HOP_NS, disk_ns: pace.disk_ns, ..support::CALM };
    let mut cluster = Cluster::with(pace.nodes, weather, seed, |config| pace.adjust(config));
    let leader = cluster.run_to_leader();
    let dies_ns = cluster.now_ns + 10 * pace.tick_ns + cluster.chance.below(pace.tick_ns);
    while cluster.now_ns < dies_ns {
        let wait_ns = cluster.chance.below(20_000);
        cluster.run_for(wait_ns.min(dies_ns - cluster.now_ns));
        cluster.propose(leader, &[1; 80]).expect("it leads");
        cluster.poll(leader);
    }
    // It may die amid its last burst: some of what was to go does not.
    let some = cluster.chance.next();
    cluster.lose_from(leader, some);
    cluster.crash(leader);
    let dead_ns = cluster.now_ns;
    let successor = loop {
        match cluster.leader() {
            Some(successor) => break successor,
            None => cluster.step(),
        };
    };
    let ready_ns = cluster.now_ns - dead_ns;
    let index = cluster.replica(successor).committed();
    loop {
        let clock_ns = cluster.clock_ns(successor);
        if cluster.replica(successor).may_release(index, clock_ns) == Release::Committed {
            return (ready_ns, cluster.now_ns - dead_ns + HOP_NS);
        }
        cluster.step();
    }
}

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
    let base = Pace { nodes: 3, tick_ns: 80_000, election: 2, campaign: 3, stagger: 0, disk_ns: 1 };
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
