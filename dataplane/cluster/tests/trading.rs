//! Three members trade: the same state and the same bytes everywhere, whoever leads, and nothing
//! leaves that could be taken back.

mod support;

use cluster::Standing;
use session::SessionId;
use support::forge::{Forge, Rng};
use support::{Cluster, NODES, same};

const SESSIONS: u16 = 4;

/// Has clients send so many messages to whoever serves, a few at a time.
fn trade(cluster: &mut Cluster, forge: &mut Forge, messages: usize) -> usize {
    let mut taken = 0;
    for _ in 0..messages {
        if forge.rng.one_in(3) {
            cluster.step();
        }
        let (time, Some(at)) = (cluster.time(), cluster.serving()) else { continue };
        let node = &mut cluster.nodes[at];
        let Some(member) = &node.member else { continue };
        let engine = member.core().engine();
        let (who, message) = forge.message(time.stamp.0, |who| engine.last_user_ref(who));
        let message = message.to_vec();
        taken += usize::from(node.take(time, who, &message).is_some());
    }
    taken
}

fn all_same(cluster: &mut Cluster) {
    let now_ns = cluster.now_ns;
    cluster.until("all have all", |cluster| {
        let at = |node: &support::Node| node.member.as_ref().map(|m| m.checked());
        let last = cluster.serving().and_then(|at| cluster.nodes[at].member.as_ref());
        let last = last.map(|member| member.replica().last().0);
        cluster.now_ns > now_ns && cluster.nodes.iter().all(|node| at(node) == last)
    });
    let hash = |node: &support::Node| {
        let core = node.member.as_ref().expect("alive").core();
        (core.engine().state_hash(), core.day(), core.inputs())
    };
    let first = &cluster.nodes[0];
    for node in &cluster.nodes[1..] {
        assert_eq!(hash(first), hash(node), "node {}", node.id);
        assert!(first.stores().zip(node.stores()).all(|(a, b)| same(a, b)), "node {}", node.id);
    }
    assert!(cluster.nodes.iter().all(|node| !node.holds_back()), "nothing is held");
}

/// What clients could have read, of each session and the feed.
fn released(cluster: &Cluster, at: usize) -> Vec<Vec<Vec<u8>>> {
    let through = cluster.nodes[at].member.as_ref().map_or(0, |member| member.checked());
    let messages = |store: &session::ReplayStore| {
        (store.oldest_seq()..store.next_seq())
            .map_while(|seq| store.get_released(seq, through).map(<[u8]>::to_vec))
            .collect()
    };
    cluster.nodes[at].stores().map(messages).collect()
}

#[test]
fn all_have_the_same_orders_and_bytes() {
    let mut cluster = Cluster::new();
    let mut forge = Forge::new(Rng::new(1), SESSIONS);
    let leader = cluster.until_serving();
    assert!(trade(&mut cluster, &mut forge, 4_000) > 3_000);
    all_same(&mut cluster);
    assert_eq!(cluster.serving(), Some(leader));
    let member = cluster.nodes[leader].member();
    assert_eq!((member.counts().served, member.counts().stood_down), (1, 0));
    assert!(member.counts().confirmed > 3_000);
    let follower = cluster.nodes[(leader + 1) % NODES].member();
    assert!(follower.counts().followed > 3_000 && follower.counts().unreadable == 0);
    assert_eq!(follower.standing(), Standing::Standby);
}

#[test]
fn nothing_is_released_before_a_quorum_has_it() {
    let mut cluster = Cluster::new();
    let mut forge = Forge::new(Rng::new(2), SESSIONS);
    let leader = cluster.until_serving();
    trade(&mut cluster, &mut forge, 100);
    all_same(&mut cluster);
    let before = released(&cluster, leader);
    cluster.cut = (1..=NODES as u64).filter(|id| *id != leader as u64 + 1).collect();
    // Both others are cut off: within the lease messages are taken, and held.
    let (time, node) = (cluster.time(), &mut cluster.nodes[leader]);
    for number in 1..50 {
        let member = node.member.as_ref().expect("alive");
        let engine = member.core().engine();
        let (who, message) = forge.message(time.stamp.0 + number, |who| engine.last_user_ref(who));
        let message = message.to_vec();
        node.take(time, who, &message);
    }
    assert!(node.holds_back(), "some are held");
    cluster.run_for(100_000);
    assert_eq!(released(&cluster, leader), before);
    cluster.until("the lease is over", |cluster| cluster.serving().is_none());
    assert!(!cluster.nodes[leader].member().may_send(cluster.now_ns));
    cluster.cut.clear();
    cluster.until_serving();
    all_same(&mut cluster);
}

#[test]
fn a_leader_is_replaced_in_mid_trade() {
    for seed in 0..6 {
        let mut cluster = Cluster::new();
        let mut forge = Forge::new(Rng::new(10 + seed), SESSIONS);
        let first = cluster.until_serving();
        trade(&mut cluster, &mut forge, 700);
        let seen = released(&cluster, first);
        cluster.crash(first);
        let second = cluster.until_serving();
        assert_ne!(first, second);
        let has = released(&cluster, second);
        for (seen, has) in seen.iter().zip(&has) {
            assert_eq!(seen[..], has[..seen.len()], "seed {seed}: what was seen is there");
        }
        assert!(trade(&mut cluster, &mut forge, 700) > 500);
        cluster.start(first);
        trade(&mut cluster, &mut forge, 300);
        all_same(&mut cluster);
        assert!(cluster.nodes[second].member().core().day().opened.is_some());
    }
}

#[test]
fn a_deposed_leader_goes_back() {
    let mut cluster = Cluster::new();
    let mut forge = Forge::new(Rng::new(3), SESSIONS);
    let first = cluster.until_serving();
    trade(&mut cluster, &mut forge, 300);
    // It goes on for a while, and nobody hears of it.
    cluster.cut = vec![cluster.nodes[first].id];
    let time = cluster.time();
    let mut message = [b'O'; 1].to_vec();
    message.extend_from_slice(&60_000u32.to_be_bytes());
    message
        .extend_from_slice(b"B\0\0\0\x64AAPL    \0\0\0\0\0\x0f\x42\x40\x30YANNALONE         \0\0");
    assert!(cluster.nodes[first].take(time, SessionId(0), &message).is_some());
    cluster.until("another serves", |cluster| cluster.serving().is_some_and(|at| at != first));
    trade(&mut cluster, &mut forge, 300);
    cluster.cut.clear();
    all_same(&mut cluster);
    assert_eq!(cluster.nodes[first].member().counts().diverged, 1);
    assert_eq!(cluster.nodes[first].rebuilt, 1);
    assert_eq!(cluster.nodes[first].standings.last(), Some(&Standing::Standby));
}

#[test]
fn a_cluster_that_loses_its_power_goes_on() {
    let mut cluster = Cluster::new();
    let mut forge = Forge::new(Rng::new(4), SESSIONS);
    let leader = cluster.until_serving();
    trade(&mut cluster, &mut forge, 500);
    let seen = released(&cluster, leader);
    (0..NODES).for_each(|at| cluster.crash(at));
    (0..NODES).for_each(|at| cluster.start(at));
    let leader = cluster.until_serving();
    let has = released(&cluster, leader);
    for (seen, has) in seen.iter().zip(&has) {
        assert_eq!(seen[..], has[..seen.len()], "what was seen is there");
    }
    trade(&mut cluster, &mut forge, 500);
    all_same(&mut cluster);
}

#[test]
fn too_much_under_way_stays_with_the_transport() {
    let mut cluster = Cluster::new();
    cluster.config.inflight_max = 8;
    (0..NODES).for_each(|at| cluster.start(at));
    let mut forge = Forge::new(Rng::new(5), SESSIONS);
    let leader = cluster.until_serving();
    cluster.run_for(200_000);
    let time = cluster.time();
    let node = &mut cluster.nodes[leader];
    let mut taken = 0;
    for _ in 0..100 {
        let engine = node.member.as_ref().expect("alive").core().engine();
        let (who, message) = forge.message(time.stamp.0, |who| engine.last_user_ref(who));
        let message = message.to_vec();
        taken += usize::from(node.take(time, who, &message).is_some());
    }
    assert_eq!(taken, 8);
    assert!(!node.member().has_room());
    cluster.run_for(200_000);
    assert!(cluster.nodes[leader].member().has_room());
    all_same(&mut cluster);
}
