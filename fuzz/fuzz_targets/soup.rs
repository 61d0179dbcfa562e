//! SoupBinTCP: a stream of packets; what parses is written again to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::soup::{self, Packet};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((packet, used))) = soup::parse_packet(rest, 2048) {
        let mut out = vec![0; used];
        assert_eq!(packet.write(&mut out), Some(used));
        assert_eq!(out, rest[..used]);
        let number = match packet {
            Packet::LoginRequest(login) => Some(login.requested_sequence_number),
            Packet::LoginAccepted(login) => Some(login.sequence_number),
            _ => None,
        };
        if let Some(Ok(value)) = number.map(|field| soup::text::parse(&field)) {
            assert_eq!(soup::text::parse(&soup::text::format(value)), Ok(value));
        }
        rest = &rest[used..];
    }
});
