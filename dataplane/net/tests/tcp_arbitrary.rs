//! Our TCP under arbitrary scripts, and under those from which the fuzzers start: see `arbitrary`.
mod arbitrary;

use arbitrary::{alone, pair};
use proptest::prelude::*;
use std::path::Path;

/// Every seed of a fuzz target, among them what it once found.
fn replay(target: &str, run: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&seeds).unwrap_or_else(|e| panic!("{}: {e}", seeds.display())) {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        run(&std::fs::read(path).expect("a seed"));
        count += 1;
    }
    assert!(count > 0, "no seeds");
}

#[test]
fn what_fuzzers_found_of_one_host_stays_mended() {
    replay("tcp", alone::run);
}

#[test]
fn what_fuzzers_found_of_two_hosts_stays_mended() {
    replay("tcp_pair", pair::run);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_peer_confuses_a_host(script in prop::collection::vec(any::<u8>(), 0..2_000)) {
        alone::run(&script);
    }

    #[test]
    fn no_link_spoils_a_stream(script in prop::collection::vec(any::<u8>(), 20..3_000)) {
        pair::run(&script);
    }
}
