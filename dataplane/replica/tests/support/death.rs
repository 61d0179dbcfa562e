//! The death of a leader, and how long its successor takes, in protocol time.

use super::{CALM, Cluster, Weather};
use replica::{Config, Release};

pub(crate) const HOP_NS: u64 = 5_000;

/// A way of ticking.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) nodes: u64,
    pub(crate) tick_ns: u64,
    pub(crate) election: u32,
    pub(crate) campaign: u32,
    pub(crate) stagger: u32,
    pub(crate) disk_ns: u64,
}

/// Ticks of 80 µs, and disks that take no time.
pub(crate) const DEFAULT: Pace =
    Pace { nodes: 3, tick_ns: 80_000, election: 2, campaign: 3, stagger: 0, disk_ns: 1 };

impl Pace {
    /// The longest that the first reply of a successor may take, disks aside: the leader's last
    /// word, a candidate's ticks at the worst phase, and four round trips, of which one is for a
    /// log that lacks something; then the reply.
    pub(crate) fn reply_ns_max(&self) -> u64 {
        HOP_NS + u64::from(self.campaign) * self.tick_ns * 1_001 / 1_000 + 8 * HOP_NS + HOP_NS
    }

    fn adjust(&self, config: &mut Config) {
        config.tick_ns = self.tick_ns;
        config.election_ticks = self.election;
        config.campaign_ticks = self.campaign;
        config.stagger_ticks = self.stagger;
        config.log_entries = 1024;
    }
}

/// One death; from it to the successor's readiness, and to its first reply at a client.
pub(crate) fn trial(pace: &Pace, seed: u64) -> (u64, u64) {
    let weather = Weather { hop_ns: HOP_NS, disk_ns: pace.disk_ns, ..CALM };
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
