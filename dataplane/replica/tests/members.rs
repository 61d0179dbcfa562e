//! Members come and go, one at a time; leadership is handed over; a remote site listens, and takes
//! over when it must.

mod support;

use replica::{Change, Config, Members, NotProposed, Refused, Release, RoleKind};
use support::{CALM, Check, Cluster};

fn change(cluster: &mut Cluster, change: Change) -> Result<u64, NotProposed> {
    let leader = cluster.run_to_leader();
    let clock_ns = cluster.clock_ns(leader);
    let proposed = cluster.replica(leader).propose_membership(clock_ns, change);
    cluster.poll(leader);
    proposed
}

fn serve(cluster: &mut Cluster, count: u64) -> u64 {
    let leader = cluster.run_to_leader();
    for n in 0..count {
        assert!(cluster.propose(leader, &n.to_le_bytes()).is_some());
        cluster.poll(leader);
        cluster.run_for(20_000);
    }
    leader
}

fn join(cluster: &mut Cluster, node: u64) {
    let founders = cluster.configs[&1].founders.clone();
    let mut config = Config::new(node, [7; 16], founders);
    config.log_entries = cluster.configs[&1].log_entries;
    cluster.add(config);
}

#[test]
fn one_by_one_three_become_three_others() {
    let mut cluster = Cluster::new(3, CALM);
    for newcomer in 4..=6 {
        serve(&mut cluster, 5);
        join(&mut cluster, newcomer);
        change(&mut cluster, Change::AddVoter(newcomer)).expect("proposed");
        assert_eq!(change(&mut cluster, Change::AddVoter(9)), Err(NotProposed::ChangePending));
        cluster.run_for(500_000);
        let mut leader = cluster.run_to_leader();
        let leaver = newcomer - 3;
        if leader == leaver {
            assert_eq!(change(&mut cluster, Change::Remove(leaver)), Err(NotProposed::BadChange));
            cluster.replica(leader).transfer_leadership(newcomer).expect("handed over");
            cluster.poll(leader);
            cluster.run_for(500_000);
            leader = cluster.run_to_leader();
            assert_eq!(leader, newcomer);
        }
        change(&mut cluster, Change::Remove(leaver)).expect("proposed");
        cluster.run_for(500_000);
        cluster.crash(leaver);
    }
    let leader = serve(&mut cluster, 5);
    cluster.run_for(500_000);
    for node in 4..=6 {
        let replica = cluster.replica(node);
        assert_eq!(replica.members().voters.as_slice(), [4, 5, 6], "node {node}");
        assert_eq!(cluster.payloads(node).len(), 20, "node {node}");
    }
    // Any two of the three are enough, and the third was enough with none of the old.
    cluster.crash(if leader == 4 { 5 } else { 4 });
    serve(&mut cluster, 1);
}

#[test]
fn a_learner_is_sent_everything_and_counts_for_nothing() {
    let mut cluster = Cluster::new(3, CALM);
    join(&mut cluster, 4);
    change(&mut cluster, Change::AddLearner(4)).expect("proposed");
    let leader = serve(&mut cluster, 20);
    cluster.run_for(500_000);
    assert_eq!(cluster.payloads(4).len(), 20);
    let remote = cluster.replica(leader).peers().find(|peer| peer.node == 4).expect("a peer");
    assert!(!remote.votes && remote.lag_entries == 0, "{remote:?}");

    // The way to the remote site is slow: nobody waits for it, and how far it lags is to be seen.
    cluster.cut.insert((leader, 4));
    serve(&mut cluster, 7);
    cluster.run_for(40_000);
    let clock_ns = cluster.clock_ns(leader);
    let replica = cluster.replica(leader);
    assert_eq!(replica.may_release(replica.last().0, clock_ns), Release::Committed);
    let remote = replica.peers().find(|peer| peer.node == 4).expect("a peer");
    assert_eq!(remote.lag_entries, 7);

    // Two of the three voters gone: a learner does not take their place.
    for node in (1..=3).filter(|node| *node != leader) {
        cluster.crash(node);
    }
    cluster.cut.clear();
    cluster.run_for(2_000_000);
    assert_eq!(cluster.leader(), None);
    assert_eq!(cluster.replica(4).role().kind, RoleKind::Follower);
}

#[test]
fn the_remote_site_goes_on_alone_and_says_what_is_lost() {
    let mut cluster = Cluster::new(3, CALM);
    join(&mut cluster, 4);
    change(&mut cluster, Change::AddLearner(4)).expect("proposed");
    let leader = serve(&mut cluster, 10);
    cluster.run_for(500_000);
    cluster.cut.insert((leader, 4));
    serve(&mut cluster, 3);
    cluster.cut.clear();
    // The way is open for an instant, and the first datagram through it says what is committed.
    cluster.cut.remove(&(leader, 4));
    loop {
        let clock_ns = cluster.clock_ns(4);
        if cluster.replica(4).loss(clock_ns).lost_at_least > 0 {
            break;
        }
        cluster.step();
    }
    (1..=3).for_each(|node| cluster.crash(node));
    cluster.run_for(1_000_000);
    let clock_ns = cluster.clock_ns(4);
    let loss = cluster.replica(4).loss(clock_ns);
    assert!(loss.lost_at_least == 3 && loss.silent_ns >= 900_000, "{loss:?}");

    cluster.crash(4);
    let (found, state) = cluster.nodes.get_mut(&4).expect("a node").disk.recover();
    let founders = Members::of_voters(&[4]).expect("sound");
    cluster.configs.insert(4, Config::new(4, [8; 16], founders));
    cluster.check = Check::default();
    cluster.start(4, found.promoted(4), state);
    cluster.run_for(1_000_000);
    assert_eq!(cluster.leader(), Some(4));
    serve(&mut cluster, 2);
    assert_eq!(cluster.payloads(4).len(), 12);
    let clock_ns = cluster.clock_ns(4);
    let alone = cluster.replica(4);
    assert_eq!(alone.may_release(alone.last().0, clock_ns), Release::Committed);

    // The others come back after all: theirs is another cluster now, with terms of its own.
    cluster.check.off = true;
    for node in 1..=3 {
        cluster.restart(node);
    }
    cluster.run_for(2_000_000);
    assert!(cluster.check.refused.keys().all(|why| *why == Refused::OtherCluster));
    assert!(!cluster.check.refused.is_empty());
    assert_eq!(cluster.replica(4).role().kind, RoleKind::Leader);
}

#[test]
fn leadership_is_handed_over_within_a_tick() {
    let mut cluster = Cluster::new(3, CALM);
    let leader = serve(&mut cluster, 3);
    cluster.run_for(100_000);
    let heir = leader % 3 + 1;
    assert_eq!(cluster.replica(leader).transfer_leadership(leader), Err(NotProposed::BadChange));
    cluster.replica(leader).transfer_leadership(heir).expect("handed over");
    let clock_ns = cluster.clock_ns(leader);
    assert!(!cluster.replica(leader).holds_lease(clock_ns), "the lease goes first");
    assert_eq!(cluster.propose(leader, b"late"), None);
    cluster.poll(leader);
    let tick_ns = cluster.configs[&1].tick_ns;
    cluster.run_for(tick_ns);
    assert_eq!(cluster.leader(), Some(heir));
    assert_eq!(cluster.replica(leader).role().kind, RoleKind::Follower);
}

#[test]
fn a_transfer_that_fails_costs_the_leader_its_term() {
    let mut cluster = Cluster::new(3, CALM);
    let leader = serve(&mut cluster, 3);
    let term = cluster.replica(leader).role().term;
    let heir = leader % 3 + 1;
    cluster.crash(heir);
    cluster.replica(leader).transfer_leadership(heir).expect("asked for");
    cluster.poll(leader);
    cluster.run_for(1_000_000);
    let next = cluster.run_to_leader();
    assert!(cluster.replica(next).role().term > term);
    serve(&mut cluster, 1);
}

#[test]
fn a_node_that_stands_back_leads_only_where_nobody_else_can() {
    for seed in 0..100 {
        let mut cluster = Cluster::with(3, CALM, seed, |_| {});
        let leader = serve(&mut cluster, 3);
        cluster.run_for(100_000);
        let others: Vec<u64> = (1..=3).filter(|node| *node != leader).collect();
        let unready = others[seed as usize % 2];
        cluster.replica(unready).stand_back(true);
        cluster.crash(leader);
        let next = cluster.run_to_leader();
        assert_ne!(next, unready, "seed {seed}");
        // It votes and counts as ever, and when it is asked to lead it refuses.
        serve(&mut cluster, 3);
        let _ = cluster.replica(next).transfer_leadership(unready);
        cluster.poll(next);
        cluster.run_for(2_000_000);
        assert_eq!(cluster.leader(), Some(next), "seed {seed}");
        // The other two are the quorum, and the log of the one that stands back is newer.
        cluster.restart(leader);
        cluster.crash(next);
        let last = cluster.run_to_leader();
        cluster.replica(unready).stand_back(false);
        assert!(last != next, "seed {seed}");
    }
}
