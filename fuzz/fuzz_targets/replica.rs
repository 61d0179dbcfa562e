//! Replication: a node, under datagrams, ticks and disk writes that the input plays.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../dataplane/replica/tests/script/mod.rs"]
mod script;

fuzz_target!(|bytes: &[u8]| script::run(bytes));
