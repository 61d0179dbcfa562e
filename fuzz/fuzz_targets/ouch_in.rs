//! OUCH, inbound: what parses keeps its bytes, written again field by field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::field::Describe;
use wire::ouch::{appendage::Builder, inbound};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = inbound::parse(bytes) else { return };
    let fixed = message.fixed_bytes();
    let (head, rest) = bytes.split_at(fixed.len());
    assert_eq!(head, fixed);
    let mut out = vec![0; rest.len()];
    let mut builder = Builder::new(&mut out);
    if let Some((_, appendage)) = message.appendage() {
        assert!(appendage.all().all(|field| builder.push(field)));
    }
    let length = builder.finish();
    // An appendage that its type need not have is announced by two bytes outside the fixed part.
    match rest.len() - length {
        0 => assert_eq!(out, rest),
        2 => assert_eq!([&(length as u16).to_be_bytes(), &out[..length]].concat(), rest),
        more => panic!("{more} bytes are lost"),
    }
    message.describe(&mut |_, _| {});
});
