//! One host of our TCP, under a peer, a clock and an application that the input plays.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../dataplane/net/tests/arbitrary/mod.rs"]
mod arbitrary;

fuzz_target!(|bytes: &[u8]| arbitrary::alone::run(bytes));
