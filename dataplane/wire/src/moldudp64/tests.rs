//! MoldUDP64: packing and reading are each other's inverse, and a wrong count is told, not
//! followed.

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

const SESSION: Session = *b"000010059B";

#[test]
fn heartbeat_and_end_of_session_hold_no_messages() {
    for (count, kind) in [(HEARTBEAT, Kind::Heartbeat), (END_OF_SESSION, Kind::EndOfSession)] {
        let header = Header::new(SESSION, 42, count);
        let packet = parse(header.as_bytes()).unwrap();
        assert_eq!((packet.kind(), packet.count(), packet.next_sequence()), (kind, 0, 42));
        assert_eq!(packet.messages().count(), 0);
        assert_eq!(packet.check(), Ok(()));
    }
}

#[test]
fn a_count_beyond_the_bytes_names_the_offset() {
    let mut room = [0; 64];
    let mut packer = Packer::new(&mut room).unwrap();
    assert!(packer.push(b"abc"));
    let length = packer.finish(SESSION, 1);
    room[19] = 2;
    let error = parse(&room[..length]).unwrap().check().unwrap_err();
    assert_eq!(error, Error::Block(BlockError { offset: 25, needed: 2, left: 0 }));
    room[19] = 0;
    let error = parse(&room[..length]).unwrap().check().unwrap_err();
    assert_eq!(error, Error::Trailing { offset: 20, extra: 5, count: 0 });
}

#[test]
fn the_sequence_number_does_not_wrap() {
    let header = Header::new(SESSION, u64::MAX, 3);
    assert_eq!(parse(header.as_bytes()).unwrap().next_sequence(), u64::MAX);
}

#[test]
fn a_full_packet_refuses_and_stays_sound() {
    let mut room = [0; 30];
    let mut packer = Packer::new(&mut room).unwrap();
    assert!(packer.push(&[7; 6]));
    assert!(!packer.push(&[8; 1]));
    assert!(packer.push(&[]));
    assert_eq!((packer.count(), packer.len()), (2, 30));
    assert_eq!(packer.finish(SESSION, 9), 30);
    assert_eq!(parse(&room).unwrap().check(), Ok(()));
}

proptest! {
    #[test]
    fn packing_reads_back(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20),
        sequence in any::<u64>(),
    ) {
        let mut room = [0; 1400];
        let mut packer = Packer::new(&mut room).unwrap();
        for message in &messages {
            prop_assert!(packer.push(message));
        }
        let length = packer.finish(SESSION, sequence);
        let packet = parse(&room[..length]).unwrap();
        prop_assert_eq!(packet.check(), Ok(()));
        prop_assert_eq!(packet.header.sequence_number.get(), sequence);
        let read: Vec<_> = packet.messages().map(|b| b.unwrap().data.to_vec()).collect();
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(packet) = parse(&bytes) {
            let sound = packet.messages().all(|b| b.is_ok());
            prop_assert!(sound || packet.check().is_err());
        }
    }
}
