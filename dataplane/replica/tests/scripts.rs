//! A node under arbitrary scripts, and under those from which the fuzzer starts: see `script`.

mod script;

use proptest::prelude::*;
use std::path::Path;

proptest! {
    #[test]
    fn no_script_stops_a_node(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        script::run(&bytes);
    }
}

/// Every seed of the fuzz target, among them what it once found.
#[test]
fn what_the_fuzzer_found_stays_mended() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/replica");
    for entry in std::fs::read_dir(seeds).expect("seeds") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        script::run(&std::fs::read(path).expect("a seed"));
    }
}
