//! A fixed set of seeds, the seeds that once found a bug, and the canaries: each must be found out.

use sim::{Canary, Check, run};

/// As many as take a few seconds.
const SEEDS: u64 = 120;

#[test]
fn nothing_breaks_in_any_weather() {
    let mut crashes = 0;
    for seed in 1..=SEEDS {
        let outcome = run(seed, None);
        if let Some(broken) = outcome.violation {
            panic!("seed {seed}: {broken}\n    peregrine sim --seed {seed} --trace");
        }
        crashes += outcome.tally.crashes;
    }
    assert!(crashes > SEEDS, "there was weather");
}

/// Seeds that once broke a check, and what it was.
const FOUND: [(u64, &str); 1] =
    [(1_000_424, "raft put entries into an append that it had made without any, of another place")];

#[test]
fn what_was_found_stays_mended() {
    for (seed, what) in FOUND {
        let broken = run(seed, None).violation;
        assert_eq!(broken, None, "seed {seed}: {what}\n    peregrine sim --seed {seed} --trace");
    }
}

#[test]
fn a_seed_is_lived_through_the_same_way_each_time() {
    for seed in [3, 13, 34, 41] {
        let (once, again) = (run(seed, None), run(seed, None));
        assert_eq!(once, again, "seed {seed}");
        assert_ne!(once.trace, run(seed + 1, None).trace);
    }
}

/// What a canary must be found out by, within so many seeds from there on.
fn found_out(canary: Canary, from: u64, seeds: u64, by: &[Check]) {
    let broken =
        (from..from + seeds).find_map(|seed| Some((seed, run(seed, Some(canary)).violation?)));
    let Some((seed, broken)) = broken else { panic!("{} sings on", canary.name()) };
    assert!(by.contains(&broken.check), "{}: seed {seed}: {broken}", canary.name());
}

#[test]
fn whoever_acknowledges_before_commit_is_found_out() {
    found_out(Canary::AckBeforeCommit, 1, 2, &[Check::Acknowledged, Check::Feed]);
}

#[test]
fn whoever_ignores_what_was_superseded_is_found_out() {
    found_out(Canary::IgnoreSuperseded, 1, 40, &[Check::StateHash, Check::ClientStream]);
}

#[test]
fn whoever_serves_without_lease_is_found_out() {
    found_out(Canary::ServeWithoutLease, 1, 60, &[Check::OneServes]);
}

#[test]
fn whoever_forgets_its_vote_is_found_out() {
    found_out(
        Canary::ForgetVote,
        1,
        400,
        &[Check::OneLeader, Check::CommittedPrefix, Check::Progress],
    );
}

#[test]
fn whoever_drops_a_message_at_failover_is_found_out() {
    found_out(Canary::DropMessage, 1, 10, &[Check::ClientStream]);
}

#[test]
fn whoever_lies_about_its_disk_is_found_out() {
    found_out(Canary::LieAboutDisk, 1, 5, &[Check::CommittedPrefix]);
}

#[test]
fn whoever_believes_a_damaged_disk_is_found_out() {
    let by = [Check::CommittedPrefix, Check::OneLeader, Check::StateHash, Check::Disk];
    found_out(Canary::BelieveDamage, 1, 100, &by);
}
