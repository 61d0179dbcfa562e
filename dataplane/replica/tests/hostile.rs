//! Whoever is on the wire and knows the cluster's identity can do harm, but no datagram stops a
//! node. `REPLICA_SEEDS=N` runs more.

mod support;

use replica::Refused;
use support::{CALM, Cluster};

/// Sets one of a datagram's fields to something else, and makes its checksum fit again.
fn twist(cluster: &mut Cluster, bytes: &mut [u8]) {
    let chance = &mut cluster.chance;
    match chance.below(3) {
        // A number, to one that is near it, or near some index, or large.
        0 | 1 => {
            let at = 48 + 8 * chance.below((bytes.len() as u64 - 48) / 8) as usize;
            let field: &mut [u8; 8] = bytes[at..].first_chunk_mut().expect("eight bytes");
            let was = u64::from_le_bytes(*field);
            let near = was.wrapping_add(chance.below(5)).wrapping_sub(2);
            let small = chance.below(200);
            let large = chance.next() >> chance.below(64);
            let new = [near, near, small, if at > 48 { large } else { near }];
            *field = new[chance.below(4) as usize].to_le_bytes();
        }
        // The kind, the flags, the count, or any byte.
        _ => {
            let any = chance.below(bytes.len() as u64) as usize;
            let at = [7, 68, 66, 64, any][chance.below(5) as usize];
            bytes[at.min(bytes.len() - 1)] = chance.below(14) as u8;
        }
    }
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
}

fn run(seed: u64) -> (u64, u64) {
    let mut cluster = Cluster::with(3, CALM, seed, |config| {
        config.log_entries = 64;
        config.campaign_ticks = 4;
    });
    cluster.snapshot_every = 20;
    cluster.run_to_leader();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..400 {
        let wait_ns = cluster.chance.below(40_000);
        cluster.run_for(wait_ns);
        if let Some(leader) = cluster.leader() {
            cluster.propose(leader, &[1; 50]);
            cluster.poll(leader);
        }
        if cluster.chance.one_in(40) {
            let node = 1 + cluster.chance.below(3);
            cluster.crash(node);
            cluster.restart(node);
        }
        cluster.check.off = true;
        let back = cluster.chance.below(12.min(cluster.trace.len() as u64)) as usize;
        let which = cluster.trace.len() - 1 - back;
        let (from, to, mut bytes) = cluster.trace[which].clone();
        twist(&mut cluster, &mut bytes);
        let clock_ns = cluster.clock_ns(to);
        match cluster.replica(to).on_datagram(clock_ns, from, &bytes) {
            Ok(()) => taken += 1,
            Err(_) => refused += 1,
        }
        cluster.poll(to);
    }
    (taken, refused)
}

#[test]
fn no_datagram_stops_a_node() {
    let seeds = std::env::var("REPLICA_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..seeds {
        let ran = std::panic::catch_unwind(|| run(seed));
        let (t, r) = ran.unwrap_or_else(|_| panic!("seed {seed}"));
        (taken, refused) = (taken + t, refused + r);
    }
    println!("{taken} taken, {refused} refused");
    assert!(taken > seeds && refused > seeds);
}

#[test]
fn what_contradicts_the_log_is_refused_and_named() {
    let mut cluster = Cluster::new(3, CALM);
    let leader = cluster.run_to_leader();
    for _ in 0..5 {
        cluster.propose(leader, b"an order");
        cluster.poll(leader);
        cluster.run_for(100_000);
    }
    // The disk of a node is lost, and with it what it has acknowledged: it must not go on as if
    // nothing were, as its vote could elect a leader without what was committed.
    let lost = leader % 3 + 1;
    cluster.crash(lost);
    cluster.nodes.get_mut(&lost).expect("a node").disk = Default::default();
    cluster.restart(lost);
    cluster.run_for(1_000_000);
    assert!(cluster.replica(lost).refusals().of(Refused::Contradiction) > 0);
    assert_eq!(cluster.replica(lost).committed(), 0);
}
