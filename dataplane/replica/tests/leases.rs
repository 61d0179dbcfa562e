//! What may leave a node, and when: leaders that stood still, clocks that did, quorums that are
//! slow.

mod support;

use replica::{Config, Release, RoleKind, SlowQuorum};
use support::{CALM, Cluster, Weather};

/// A leader with five entries that are committed, and their last index.
fn served(cluster: &mut Cluster) -> (u64, u64) {
    let leader = cluster.run_to_leader();
    let indices = [0; 5].map(|_| {
        let index = cluster.propose(leader, b"an order");
        cluster.poll(leader);
        cluster.run_for(40_000);
        index
    });
    (leader, indices[4].expect("proposed"))
}

fn may_release(cluster: &mut Cluster, node: u64, index: u64) -> Release {
    let clock_ns = cluster.clock_ns(node);
    cluster.replica(node).may_release(index, clock_ns)
}

#[test]
fn a_lease_has_no_gap_while_peers_answer() {
    for tick_ns in [80_000, 40_000] {
        let mut cluster = Cluster::with(3, CALM, 5, |config| config.tick_ns = tick_ns);
        let (leader, _) = served(&mut cluster);
        for _ in 0..1_000 {
            cluster.run_for(1_700);
            let clock_ns = cluster.clock_ns(leader);
            assert!(cluster.replica(leader).holds_lease(clock_ns), "at {}", cluster.now_ns);
        }
    }
}

#[test]
fn a_leader_that_stood_still_releases_nothing_when_it_wakes() {
    for seed in 0..200 {
        let mut cluster = Cluster::with(3, CALM, seed, |_| {});
        let (leader, index) = served(&mut cluster);
        assert_eq!(may_release(&mut cluster, leader, index), Release::Committed);
        // Stopped (SIGSTOP) with a reply in hand that it had not got to sending.
        let stop_ns = 1 + cluster.chance.below(3_000_000);
        let until_ns = cluster.now_ns + stop_ns;
        cluster.nodes.get_mut(&leader).expect("a node").stopped_until_ns = until_ns;
        cluster.run_for(stop_ns - 1);
        // It goes on where it was: the last thing before the port is to ask, with a new clock.
        let succeeded = cluster.leader() != Some(leader);
        let released = may_release(&mut cluster, leader, index);
        assert!(!succeeded || released == Release::NoLease, "seed {seed}: {released:?}");
        // What it is told next takes its role too.
        cluster.run_for(1_000_000);
        assert!(!succeeded || may_release(&mut cluster, leader, index) == Release::NotLeader);
    }
}

#[test]
fn a_clock_that_stops_loses_no_entry() {
    for seed in 0..100 {
        let mut cluster = Cluster::with(3, CALM, seed, |_| {});
        let (leader, _) = served(&mut cluster);
        let clock_ns = cluster.clock_ns(leader);
        cluster.nodes.get_mut(&leader).expect("a node").stopped_clock_ns = Some(clock_ns);
        // By a clock that stands still a lease has no end, so this node believes in it until its
        // successor's first word, one hop after the election. That word is all it takes.
        cluster.check.off = true;
        let successor = loop {
            cluster.step();
            match cluster.leader() {
                Some(node) if node != leader => break node,
                _ => {}
            }
        };
        cluster.run_for(5_000);
        assert_ne!(cluster.replica(leader).role().kind, RoleKind::Leader, "seed {seed}");
        let had = cluster.payloads(leader);
        assert_eq!(cluster.payloads(successor), had, "seed {seed}");
    }
}

fn with_policy(policy: SlowQuorum) -> impl Fn(&mut Config) {
    move |config| config.slow_quorum = policy
}

#[test]
fn stalled_replies_wait_for_their_quorum() {
    let policy = SlowQuorum::Stall { bound_ns: 100_000 };
    let slow_disks = Weather { disk_ns: 1_000_000, ..CALM };
    let mut cluster = Cluster::with(3, CALM, 1, with_policy(policy));
    let (leader, _) = served(&mut cluster);
    cluster.weather = slow_disks;
    let index = cluster.propose(leader, b"slow").expect("proposed");
    cluster.poll(leader);
    cluster.run_for(90_000);
    assert_eq!(may_release(&mut cluster, leader, index), Release::Wait);
    cluster.run_for(20_000);
    assert_eq!(may_release(&mut cluster, leader, index), Release::Slow, "and somebody is told");
    cluster.run_for(2_000_000);
    assert_eq!(may_release(&mut cluster, leader, index), Release::Committed);
    assert_eq!(cluster.leader(), Some(leader), "slow disks depose nobody");
}

#[test]
fn provisional_replies_need_the_lease_and_are_few() {
    let policy = SlowQuorum::Provisional { bound_ns: 50_000, entries_max: 3 };
    let mut cluster = Cluster::with(3, CALM, 1, with_policy(policy));
    let (leader, last) = served(&mut cluster);
    cluster.weather.disk_ns = 1_000_000;
    for _ in 0..5 {
        cluster.propose(leader, b"slow").expect("proposed");
    }
    cluster.poll(leader);
    let releases =
        |cluster: &mut Cluster| [1, 2, 3, 4, 5].map(|n| may_release(cluster, leader, last + n));
    assert_eq!(releases(&mut cluster), [Release::Wait; 5]);
    cluster.run_for(60_000);
    let [p, s] = [Release::Provisional, Release::Slow];
    assert_eq!(releases(&mut cluster), [p, p, p, s, s]);
    // Cut off, it may have been succeeded: nothing is released from then on.
    cluster.cut.extend([1, 2, 3].into_iter().flat_map(|peer| [(leader, peer), (peer, leader)]));
    let lease_ns = cluster.configs[&1].lease_ns();
    cluster.run_for(lease_ns);
    let releases = releases(&mut cluster);
    assert!(
        releases.iter().all(|r| matches!(r, Release::NoLease | Release::NotLeader)),
        "{releases:?}"
    );
}

#[test]
fn provisional_replies_that_come_to_nothing_are_told() {
    let policy = SlowQuorum::Provisional { bound_ns: 10_000, entries_max: 10 };
    let mut cluster = Cluster::with(3, CALM, 1, with_policy(policy));
    let (leader, last) = served(&mut cluster);
    cluster.cut.extend([1, 2, 3].map(|peer| (leader, peer)));
    let index = cluster.propose(leader, b"told, flagged, lost").expect("proposed");
    cluster.poll(leader);
    cluster.run_for(20_000);
    assert_eq!((index, may_release(&mut cluster, leader, index)), (last + 1, Release::Provisional));
    cluster.run_for(2_000_000);
    let successor = cluster.leader().expect("a successor");
    cluster.propose(successor, b"in its place").expect("proposed");
    cluster.poll(successor);
    cluster.cut.clear();
    cluster.run_for(2_000_000);
    // The node that released it hears that it is no more, and can say so.
    assert!(cluster.nodes[&leader].disk.superseded().contains(&index));
}
