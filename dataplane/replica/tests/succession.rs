//! A successor is there within the ticks that it waits, whatever the phases of all ticks and
//! whatever of the leader's last words was lost: in protocol time, which has no machine in it.

mod support;

use support::death::{DEFAULT, Pace, trial};

fn all_within(pace: Pace) {
    let most = pace.reply_ns_max();
    for seed in 0..500 {
        let (_, reply_ns) = trial(&pace, seed);
        assert!(reply_ns <= most, "seed {seed}: {reply_ns} ns, {most} at most");
    }
}

#[test]
fn three_nodes_succeed_within_three_ticks() {
    assert!(DEFAULT.reply_ns_max() < 370_000, "the aim at 80 µs ticks and 5 µs hops");
    all_within(DEFAULT);
}

#[test]
fn so_do_five_and_shorter_ticks() {
    all_within(Pace { nodes: 5, ..DEFAULT });
    all_within(Pace { tick_ns: 50_000, ..DEFAULT });
    all_within(Pace { tick_ns: 25_000, election: 3, campaign: 4, ..DEFAULT });
}
