//! Three nodes elect, propose and commit.

mod support;

use replica::{NotProposed, Refused, Release, RoleKind};
use support::{CALM, Cluster};

#[test]
fn they_elect_propose_and_commit() {
    let mut cluster = Cluster::new(3, CALM);
    let leader = cluster.run_to_leader();
    let other = leader % 3 + 1;
    let clock_ns = cluster.clock_ns(other);
    let refused = cluster.replica(other).propose(clock_ns, b"not here");
    assert_eq!(refused, Err(NotProposed::NotLeader));

    let payloads: Vec<Vec<u8>> = (0..100u8).map(|n| vec![n + 1; 80]).collect();
    for chunk in payloads.chunks(7) {
        let indices = chunk.iter().map(|payload| cluster.propose(leader, payload));
        let last = indices.last().flatten().expect("proposed");
        cluster.poll(leader);
        let clock_ns = cluster.clock_ns(leader);
        assert_ne!(cluster.replica(leader).may_release(last, clock_ns), Release::Committed);
        cluster.run_for(30_000);
        let clock_ns = cluster.clock_ns(leader);
        assert_eq!(cluster.replica(leader).may_release(last, clock_ns), Release::Committed);
    }
    cluster.run_for(200_000);
    for id in 1..=3 {
        assert_eq!(cluster.payloads(id), payloads, "node {id}");
        assert_eq!(cluster.replica(id).role().leader, leader);
        let refused: Vec<_> = cluster.replica(id).refusals().iter().collect();
        assert!(refused.is_empty(), "node {id} refused {refused:?}");
    }
}

#[test]
fn a_successor_serves_what_was_committed() {
    // Two ticks a place are more than an election takes, whatever the phases of the ticks.
    let mut cluster = Cluster::with(3, CALM, 1, |config| config.stagger_ticks = 2);
    let old = cluster.run_to_leader();
    assert_eq!(old, 1, "the first in the order of succession");
    cluster.propose(old, b"one").expect("proposed");
    cluster.poll(old);
    cluster.run_for(30_000);
    cluster.crash(old);
    let new = cluster.run_to_leader();
    assert_eq!(new, 2, "the next in the order of succession");
    assert_eq!(cluster.payloads(new), [b"one"]);
    let term = cluster.replica(new).role().term;

    cluster.restart(old);
    cluster.run_for(400_000);
    let role = cluster.replica(old).role();
    assert_eq!((role.kind, role.term, role.leader), (RoleKind::Follower, term, new));
    assert_eq!(cluster.payloads(old), [b"one"]);
}

#[test]
fn a_commit_needs_two_disks_and_the_leaders_is_one_like_any() {
    let mut cluster = Cluster::new(3, CALM);
    let leader = cluster.run_to_leader();
    cluster.run_for(100_000);
    // The leader's disk is slow: the two others are a majority without it.
    cluster.slow_disk = Some(leader);
    let index = cluster.propose(leader, b"one").expect("proposed");
    cluster.poll(leader);
    cluster.run_for(40_000);
    let (written, durable) = cluster.replica(leader).records();
    assert!(cluster.replica(leader).committed() >= index && durable < written);
    // With a follower gone the leader's disk is needed.
    cluster.crash(leader % 3 + 1);
    let index = cluster.propose(leader, b"two").expect("proposed");
    cluster.poll(leader);
    cluster.run_for(100_000);
    assert!(cluster.replica(leader).committed() < index);
    cluster.run_for(2_000_000);
    assert!(cluster.replica(leader).committed() >= index);
    assert_eq!(cluster.leader(), Some(leader), "a slow disk deposes nobody");
}

#[test]
fn a_node_that_is_configured_otherwise_is_refused_and_named() {
    let mut cluster = Cluster::new(3, CALM);
    cluster.crash(3);
    let mut config = cluster.configs[&3].clone();
    config.config_hash = 1;
    cluster.configs.insert(3, config);
    cluster.restart(3);
    let leader = cluster.run_to_leader();
    cluster.propose(leader, b"two are enough").expect("proposed");
    cluster.poll(leader);
    cluster.run_for(2_000_000);
    assert!(cluster.replica(leader).refusals().of(Refused::OtherConfig) > 0);
    assert!(cluster.replica(3).refusals().of(Refused::OtherConfig) > 0);
    assert_eq!(cluster.replica(3).last().0, 0);
    let (_, _, bytes) = cluster.trace.iter().rfind(|(from, ..)| *from == 3).expect("it speaks");
    let named = replica::codec::peek(bytes).expect("a header");
    assert_eq!((named.node, named.config), (3, cluster.configs[&3].agreed_hash()));
}
