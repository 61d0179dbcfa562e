//! `peregrine decode` on a whole file of any kind: every line is counted, and no input makes it
//! panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../dataplane/appliance"]
#[allow(dead_code, reason = "the command line around the decoder is not fuzzed")]
mod appliance {
    pub(crate) mod decode;
}

fuzz_target!(|bytes: &[u8]| {
    let mut out = Vec::new();
    let summary = appliance::decode::decode("fuzz", bytes, &[], &mut out).expect("memory");
    assert_eq!(summary.lines, out.iter().filter(|&&byte| byte == b'\n').count() as u64);
    assert!(summary.errors <= summary.lines);
    assert!(out.is_ascii());
});
