//! Two hosts of our TCP over a link that the input plays: the streams arrive as they were written.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../dataplane/net/tests/arbitrary/mod.rs"]
mod arbitrary;

fuzz_target!(|bytes: &[u8]| arbitrary::pair::run(bytes));
