//! SoupBinTCP: packets round-trip, a cut stream waits, a broken one is refused.

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

const LIMIT: usize = 2048;

fn samples() -> Vec<Packet<'static>> {
    static REQUEST: std::sync::LazyLock<LoginRequest> =
        std::sync::LazyLock::new(|| LoginRequest::new(b"user", b"secret", b"", 1));
    static ACCEPTED: std::sync::LazyLock<LoginAccepted> =
        std::sync::LazyLock::new(|| LoginAccepted::new(*b"   SESSION", u64::MAX));
    vec![
        Packet::Debug(b"hello"),
        Packet::LoginRequest(&REQUEST),
        Packet::LoginAccepted(&ACCEPTED),
        Packet::LoginRejected(LoginReject::NotAuthorized as u8),
        Packet::Sequenced(b"S"),
        Packet::Unsequenced(b""),
        Packet::ServerHeartbeat,
        Packet::ClientHeartbeat,
        Packet::EndOfSession,
        Packet::Logout,
    ]
}

#[test]
fn a_stream_of_every_packet_reads_back_and_waits_when_cut() {
    let mut stream = Vec::new();
    for packet in samples() {
        let mut out = [0; 64];
        let used = packet.write(&mut out).unwrap();
        for cut in 0..used {
            assert_eq!(parse_packet(&out[..cut], LIMIT), Ok(None), "{packet:?} at {cut}");
        }
        stream.extend_from_slice(&out[..used]);
    }
    let (mut rest, mut read) = (&stream[..], Vec::new());
    while let Some((packet, used)) = parse_packet(rest, LIMIT).unwrap() {
        read.push(packet);
        rest = &rest[used..];
    }
    assert_eq!(read, samples());
    assert!(rest.is_empty());
}

#[test]
fn the_constant_packets_are_what_the_writer_writes() {
    for (packet, bytes) in [
        (Packet::ServerHeartbeat, SERVER_HEARTBEAT),
        (Packet::ClientHeartbeat, CLIENT_HEARTBEAT),
        (Packet::EndOfSession, END_OF_SESSION),
        (Packet::Logout, LOGOUT),
    ] {
        let mut out = [0; 3];
        assert_eq!(packet.write(&mut out), Some(3));
        assert_eq!(out, bytes);
    }
}

#[test]
fn broken_streams_are_refused_at_once() {
    assert_eq!(parse_packet(&[0, 0], LIMIT), Err(Error::ZeroLength));
    let long = Error::TooLong { length: 2049, limit: LIMIT };
    assert_eq!(parse_packet(&[8, 1], LIMIT), Err(long));
    let unknown = Error::UnknownType { kind: b'?', length: 9 };
    assert_eq!(parse_packet(&[0, 9, b'?'], LIMIT), Err(unknown));
    let heartbeat = Error::Length { kind: b'H', length: 2, expected: 1 };
    assert_eq!(parse_packet(&[0, 2, b'H'], LIMIT), Err(heartbeat));
    let login = Error::Length { kind: b'L', length: 46, expected: 47 };
    assert_eq!(parse_packet(&[0, 46, b'L'], LIMIT), Err(login));
}

#[test]
fn numbers_are_strict() {
    let read = |text: &str| text::parse(text.as_bytes());
    assert_eq!(read("                   1"), Ok(1));
    assert_eq!(read("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(read("00000000000000000042"), Ok(42));
    assert_eq!(read("18446744073709551616"), Err(text::Error::Overflow));
    assert_eq!(read("99999999999999999999"), Err(text::Error::Overflow));
    assert_eq!(read("                    "), Err(text::Error::Blank));
    assert_eq!(read(""), Err(text::Error::Blank));
    assert_eq!(read("1                   "), Ok(1));
    assert_eq!(read("                 1 2"), Err(text::Error::NotDigit { offset: 18, byte: b' ' }));
    assert_eq!(read("                  -1"), Err(text::Error::NotDigit { offset: 18, byte: b'-' }));
}

#[test]
fn a_payload_beyond_the_length_field_is_not_written() {
    let mut out = vec![0; 70_000];
    assert!(write_header(&mut out, kind::SEQUENCED, 65_534).is_some());
    assert!(write_header(&mut out, kind::SEQUENCED, 65_535).is_none());
    assert!(write_header(&mut out[..2], kind::SEQUENCED, 0).is_none());
}

proptest! {
    #[test]
    fn numbers_round_trip(number in any::<u64>()) {
        prop_assert_eq!(text::parse(&text::format(number)), Ok(number));
    }

    #[test]
    fn data_packets_round_trip(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut out = [0; 400];
        let used = Packet::Sequenced(&data).write(&mut out).unwrap();
        prop_assert_eq!(parse_packet(&out, LIMIT), Ok(Some((Packet::Sequenced(&data), used))));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(Some((packet, used))) = parse_packet(&bytes, LIMIT) {
            let mut out = [0; 80];
            prop_assert_eq!(packet.write(&mut out), Some(used));
            prop_assert_eq!(&out[..used], &bytes[..used]);
        }
    }

    #[test]
    fn random_number_fields_never_panic(field in any::<text::Number>()) {
        if let Ok(number) = text::parse(&field) {
            prop_assert_eq!(text::parse(&text::format(number)), Ok(number));
        }
    }
}
