//! Clusters in bad weather: thousands of short lives, each from a seed. `REPLICA_SEEDS=N` runs
//! more, `REPLICA_SEED=S` one.

mod support;

use replica::{Change, Config, Refused, Release};
use std::collections::BTreeMap;
use support::{Check, Cluster, Weather};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn weather(cluster_seed: u64) -> Weather {
    Weather {
        hop_ns: 5_000,
        jitter_ns: [0, 10_000, 60_000][(cluster_seed % 3) as usize],
        disk_ns: [1, 20_000, 150_000][(cluster_seed / 3 % 3) as usize],
        loss_one_in: [0, 50, 8][(cluster_seed / 9 % 3) as usize],
        double_one_in: [0, 20][(cluster_seed / 27 % 2) as usize],
    }
}

/// One life, and what was acknowledged in it.
struct Life {
    cluster: Cluster,
    count: u64,
    /// What leaders took, by index, and whom to ask about it.
    asked: BTreeMap<u64, (u64, Vec<u8>)>,
    acknowledged: u64,
    said: u64,
    /// Changes of the members that were proposed.
    changes: u64,
}

impl Life {
    fn new(seed: u64) -> Life {
        let small = seed / 2 % 2 == 1;
        let (founders, later) = [(3, 0), (5, 0), (3, 2), (3, 0)][(seed % 4) as usize];
        let adjust = |config: &mut Config| {
            config.log_entries = if small { 64 } else { 512 };
            config.stagger_ticks = (seed % 3) as u32;
            config.inflight_max = 4 + (seed % 60) as usize;
        };
        let mut cluster = Cluster::with(founders, weather(seed), seed, adjust);
        let count = founders + later;
        for node in founders + 1..=count {
            // It has heard of the founders, and is no member before they have it.
            let mut config = Config::new(node, [7; 16], cluster.configs[&1].founders.clone());
            adjust(&mut config);
            cluster.add(config);
        }
        cluster.poll_one_in = [1, 3][(seed / 8 % 2) as usize];
        cluster.snapshot_every = if small { 24 } else { 0 };
        Life { cluster, count, asked: BTreeMap::new(), acknowledged: 0, said: 0, changes: 0 }
    }

    fn any(&mut self) -> u64 {
        1 + self.cluster.chance.below(self.count)
    }

    /// Something happens to somebody.
    fn mischief(&mut self) {
        let (node, other) = (self.any(), self.any());
        let cluster = &mut self.cluster;
        match cluster.chance.below(10) {
            0 if cluster.lives(node) => cluster.crash(node),
            1 => {
                cluster.cut.insert((node, other));
            }
            2 => {
                let all = 1..=self.count;
                cluster.cut.extend(all.flat_map(|peer| [(node, peer), (peer, node)]));
            }
            3 | 4 => cluster.cut.clear(),
            5 => {
                let stop_ns = cluster.chance.below(1_000_000);
                let stopped = cluster.nodes.get_mut(&node).expect("a node");
                stopped.stopped_until_ns = cluster.now_ns + stop_ns;
            }
            6 => {
                let leader = cluster.leader();
                if let Some(leader) = leader.filter(|leader| *leader != node) {
                    let _ = cluster.replica(leader).transfer_leadership(node);
                    cluster.poll(leader);
                }
            }
            7 if self.count == 5 => {
                let change = match cluster.chance.below(4) {
                    0 => Change::AddLearner(node),
                    1 => Change::Remove(node),
                    _ => Change::AddVoter(node),
                };
                if let Some(leader) = cluster.leader() {
                    let clock_ns = cluster.clock_ns(leader);
                    let replica = cluster.replica(leader);
                    // Two that vote are the least that is worth the name of a cluster.
                    let next = replica.members().changed(change);
                    if next.is_some_and(|next| next.voters.len() >= 2) {
                        let proposed = replica.propose_membership(clock_ns, change);
                        self.changes += u64::from(proposed.is_ok());
                        cluster.poll(leader);
                    }
                }
            }
            _ if !cluster.lives(node) => cluster.restart(node),
            _ => {}
        }
    }

    fn ask(&mut self) {
        let node = self.any();
        if !self.cluster.lives(node) || self.cluster.now_ns < self.stopped(node) {
            return;
        }
        let batch = 1 + self.cluster.chance.below(4);
        for _ in 0..batch {
            self.said += 1;
            let payload = [&self.said.to_le_bytes()[..], &[node as u8; 90]].concat();
            if let Some(index) = self.cluster.propose(node, &payload) {
                self.asked.insert(index, (node, payload));
            }
        }
        self.cluster.poll(node);
    }

    fn stopped(&self, node: u64) -> u64 {
        self.cluster.nodes[&node].stopped_until_ns
    }

    /// What may be acknowledged is committed, as it was asked for.
    fn acknowledge(&mut self, node: u64) {
        if !self.cluster.lives(node) || self.cluster.now_ns < self.stopped(node) {
            return;
        }
        let clock_ns = self.cluster.clock_ns(node);
        let replica = self.cluster.nodes[&node].replica.as_ref().expect("it lives");
        let mine = self.asked.iter().filter(|(_, (asked, _))| *asked == node);
        let may = mine.filter(|(i, _)| replica.may_release(**i, clock_ns) == Release::Committed);
        let now: Vec<u64> = may.map(|(index, _)| *index).collect();
        for index in now {
            let (_, payload) = self.asked.remove(&index).expect("asked");
            // Where a proposal was lost with its leader's term, another entry has its place; a
            // session would not take that for its own reply, and neither do we.
            if let Some(entry) = self.cluster.check.truth.get(&index) {
                self.acknowledged += u64::from(entry.payload == payload);
            } else {
                panic!("node {node} would acknowledge {index}, which nobody committed");
            }
        }
    }

    fn live(&mut self, steps: u64) {
        for _ in 0..steps {
            if (1..=self.count).all(|id| !self.cluster.lives(id)) {
                let node = self.any();
                self.cluster.restart(node);
            }
            let node = self.cluster.step();
            if self.cluster.chance.one_in(150) {
                self.mischief();
            }
            if self.cluster.chance.one_in(6) {
                self.ask();
            }
            if self.cluster.polled {
                self.acknowledge(node);
            }
        }
        Check::logs_match(&self.cluster.nodes);
    }

    /// The weather clears: everybody agrees, and new entries are committed.
    fn calm(&mut self) {
        self.cluster.cut.clear();
        self.cluster.weather = support::CALM;
        self.cluster.poll_one_in = 1;
        for id in 1..=self.count {
            if !self.cluster.lives(id) {
                self.cluster.restart(id);
            }
        }
        self.cluster.run_for(10_000_000);
        let leader = self.cluster.leader().expect("somebody leads in calm weather");
        let index = self.cluster.propose(leader, b"the last word").expect("proposed");
        self.cluster.poll(leader);
        self.cluster.run_for(1_000_000);
        let members = self.cluster.replica(leader).members().clone();
        for &id in members.voters.iter().chain(&members.learners) {
            let replica = self.cluster.replica(id);
            let (has, refused) = (replica.committed(), replica.refusals());
            assert!(has >= index, "node {id} has {has}, not {index}; refused {refused:?}");
            assert_eq!(replica.members(), &members, "node {id}");
        }
        Check::logs_match(&self.cluster.nodes);
        self.cluster.check.states(&self.cluster.nodes);
    }
}

/// A life from its seed, with something about the world set before it begins.
fn run(seed: u64, set: impl Fn(&mut Cluster)) -> Life {
    let mut life = Life::new(seed);
    set(&mut life.cluster);
    life.live(3_000);
    life.calm();
    life
}

#[test]
fn nothing_acknowledged_is_lost_in_any_weather() {
    let only = number("REPLICA_SEED");
    let seeds = number("REPLICA_SEEDS").unwrap_or(300);
    let (mut acknowledged, mut terms, mut leased) = (0, 0, 0);
    let (mut restored, mut changes) = (0, 0);
    let mut refused = BTreeMap::new();
    for seed in only.map_or(0..seeds, |seed| seed..seed + 1) {
        let lived = std::panic::catch_unwind(|| run(seed, |_| {}));
        let life = lived.unwrap_or_else(|_| panic!("REPLICA_SEED={seed} does it again"));
        let check = &life.cluster.check;
        acknowledged += life.acknowledged;
        terms += check.leaders.len() as u64;
        leased += check.leased;
        restored += check.restored;
        changes += life.changes;
        for (why, count) in &check.refused {
            *refused.entry(*why).or_insert(0) += count;
        }
    }
    println!("{seeds} seeds: {acknowledged} acknowledged, {terms} terms, {leased} steps leased");
    println!("{restored} snapshots restored, {changes} changes of the members proposed");
    println!("refused: {refused:?}");
    assert!(only.is_some() || restored > seeds / 10 && changes > seeds / 10);
    assert_eq!(refused.get(&Refused::Contradiction), None, "no node is told what cannot be");
    assert!(only.is_some() || acknowledged > seeds * 10 && terms > seeds && leased > seeds * 100);
}

#[test]
fn a_seed_is_the_same_life_each_time() {
    for seed in [3, 44, 1_000] {
        let lives = [run(seed, |_| {}), run(seed, |_| {})];
        let [one, two] = lives.map(|life| (life.cluster.now_ns, life.cluster.check.truth));
        assert!(one == two, "seed {seed}");
    }
}

/// The checks find what is wrong: a world in which what a node relies on does not hold.
fn comes_out(set: fn(&mut Cluster)) -> bool {
    let run = |seed| std::panic::catch_unwind(|| drop(run(seed, set)));
    (0..400).any(|seed| run(seed).is_err())
}

#[test]
fn a_disk_that_lies_is_found_out() {
    assert!(comes_out(|cluster| cluster.lying_disks = true));
}

#[test]
fn clocks_beyond_what_the_lease_allows_for_are_found_out() {
    assert!(comes_out(|cluster| cluster.bend_clocks(450_000)));
}
