//! OUCH, inbound: what parses keeps its bytes, written again field by field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::field::Describe;
use wire::ouch::{appendage::Builder, inbound};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = inbound::parse(bytes) else { return };
    let fixed = message.fixed_bytes();
    let mut out = vec![0; bytes.len()];
    let (head, tail) = out.split_at_mut(fixed.len());
    head.copy_from_slice(fixed);
    let mut builder = Builder::new(tail);
    if let Some((_, appendage)) = message.appendage() {
        assert!(appendage.all().all(|field| builder.push(field)));
    }
    let length = fixed.len() + builder.finish();
    assert_eq!(&out[..length], bytes);
    message.describe(&mut |_, _| {});
});
