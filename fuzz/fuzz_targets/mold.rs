//! MoldUDP64: a packet that is whole is packed again to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::moldudp64::{self, Kind, Packer};

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = moldudp64::parse(bytes) else { return };
    let blocks = packet.messages().count();
    assert!(blocks <= usize::from(packet.count()));
    assert!(packet.next_sequence() >= packet.header.sequence_number.get());
    if packet.check().is_err() || packet.kind() == Kind::EndOfSession {
        return;
    }
    assert_eq!(blocks, usize::from(packet.count()));
    let mut out = vec![0; bytes.len()];
    let mut packer = Packer::new(&mut out).expect("a whole packet has a header");
    for block in packet.messages() {
        assert!(packer.push(block.expect("checked").data));
    }
    let header = packet.header;
    assert_eq!(packer.finish(header.session, header.sequence_number.get()), bytes.len());
    assert_eq!(out, bytes);
});
