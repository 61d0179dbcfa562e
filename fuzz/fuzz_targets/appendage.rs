//! OUCH's optional fields: what parses is written again to the same bytes; known fields are the
//! known ones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::ouch::{Appendage, Optional, Tag, appendage::Builder};

fuzz_target!(|bytes: &[u8]| {
    let Ok(appendage) = Appendage::parse(bytes) else { return };
    let mut out = vec![0; bytes.len()];
    let mut builder = Builder::new(&mut out);
    for field in appendage.all() {
        assert!(builder.push(field));
        let known = Tag::from_byte(field.tag());
        assert_eq!(known.is_none(), matches!(field, Optional::Unknown(..)));
        assert_eq!(known.is_some(), field.describe().is_some());
    }
    assert_eq!(builder.finish(), bytes.len());
    assert_eq!(out, bytes);
    assert!(appendage.known().count() <= appendage.all().count());
});
