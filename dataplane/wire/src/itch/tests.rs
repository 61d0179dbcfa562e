//! ITCH: every message round-trips from arbitrary bytes, and nothing panics.

use super::*;
use crate::field::{Price4, U32, U64, trimmed};
use proptest::prelude::*;
use std::vec::Vec;

/// Rebuilds a message's bytes from what [`Describe`] says of it: fields in order, widths by the
/// table.
pub(crate) fn rebuild(message: &dyn Describe, widths: &[usize]) -> Vec<u8> {
    let (mut out, mut widths) = (Vec::new(), widths.iter());
    message.describe(&mut |_, value| {
        let width = *widths.next().expect("more fields than widths");
        match value {
            Value::Letter(byte) => out.push(byte),
            Value::Text(text) => out.extend_from_slice(text),
            Value::Number(n) => out.extend_from_slice(&n.to_be_bytes()[8 - width..]),
            Value::Decimal { raw, .. } => out.extend_from_slice(&raw.to_be_bytes()[16 - width..]),
        }
    });
    assert!(widths.next().is_none(), "fewer fields than widths");
    out
}

/// Each type's field widths, from the specification and not from the structs.
const WIDTHS: &[(u8, &[usize])] = &[
    (b'S', &[1]),
    (b'R', &[8, 1, 1, 4, 1, 1, 2, 1, 1, 1, 1, 1, 4, 1]),
    (b'H', &[8, 1, 1, 4]),
    (b'Y', &[8, 1]),
    (b'L', &[4, 8, 1, 1, 1]),
    (b'V', &[8, 8, 8]),
    (b'W', &[1]),
    (b'K', &[8, 4, 1, 4]),
    (b'J', &[8, 4, 4, 4, 4]),
    (b'h', &[8, 1, 1]),
    (b'A', &[8, 1, 4, 8, 4]),
    (b'F', &[8, 1, 4, 8, 4, 4]),
    (b'E', &[8, 4, 8]),
    (b'C', &[8, 4, 8, 1, 4]),
    (b'X', &[8, 4]),
    (b'D', &[8]),
    (b'U', &[8, 8, 4, 4]),
    (b'P', &[8, 1, 4, 8, 4, 8]),
    (b'Q', &[8, 8, 4, 8, 1]),
    (b'B', &[8]),
    (b'I', &[8, 8, 1, 8, 4, 4, 4, 1, 1]),
    (b'N', &[8, 1]),
    (b'O', &[8, 1, 4, 4, 4, 8, 4, 4]),
];

#[test]
fn the_table_is_complete() {
    assert_eq!(TYPES.len(), 23);
    for (&(kind, _, size), (listed, widths)) in TYPES.iter().zip(WIDTHS) {
        assert_eq!((kind, size), (*listed, 11 + widths.iter().sum::<usize>()));
        assert_eq!(message_len(kind), Some(size));
        assert!(size <= MESSAGE_LEN_MAX);
    }
    let known = (0..=u8::MAX).filter(|&kind| message_len(kind).is_some()).count();
    assert_eq!(known, 23);
}

#[test]
fn errors_say_type_length_and_expectation() {
    assert_eq!(parse(&[]), Err(Error::Empty));
    assert_eq!(parse(b"zzz"), Err(Error::UnknownType { kind: b'z', length: 3 }));
    assert_eq!(parse(b"A"), Err(Error::Length { kind: b'A', length: 1, expected: 36 }));
    let long = [b'D'; 20];
    let error = parse(&long).unwrap_err();
    assert_eq!(error.to_string(), "ITCH message type 'D' has 20 bytes, expected 19");
}

#[test]
fn a_message_is_built_as_a_literal() {
    let add = AddOrder {
        head: AddOrder::head(7, 34_200_000_000_000),
        order_reference_number: U64::new(11),
        buy_sell_indicator: BuySell::Buy.byte(),
        shares: U32::new(100),
        stock: crate::field::padded(b"AAPL"),
        price: Price4::new(1_892_500),
    };
    let Ok(Message::AddOrder(read)) = parse(add.as_bytes()) else { panic!() };
    assert_eq!(read.price.get(), 1_892_500);
    assert_eq!(read.head.timestamp.get(), 34_200_000_000_000);
    assert_eq!(trimmed(&read.stock), b"AAPL");
}

#[test]
fn letters_round_trip() {
    for kind in MarketCategory::ALL {
        assert_eq!(MarketCategory::from_byte(kind.byte()), Some(*kind));
    }
    assert_eq!(EventCode::from_byte(b'Q').map(EventCode::name), Some("Start Of Market Hours"));
    assert_eq!(TradingState::from_byte(b'x'), None);
}

#[test]
fn a_file_cut_anywhere_tells_the_offset() {
    let one = [&[0u8, 12][..], &[b'S'; 12]].concat();
    let file = one.repeat(3);
    for cut in 0..file.len() {
        let blocks: Vec<_> = Blocks::to_end(&file[..cut]).collect();
        assert_eq!(blocks.iter().filter(|b| b.is_ok()).count(), cut / 14);
        match (cut % 14, blocks.last()) {
            (0, last) => assert!(last.is_none_or(|b| b.is_ok())),
            (left, Some(Err(error))) => {
                assert_eq!((error.offset, error.left), (cut / 14 * 14, left));
            }
            (_, other) => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn every_message_round_trips(which in 0..WIDTHS.len(), body in any::<[u8; 64]>()) {
        let (kind, widths) = WIDTHS[which];
        let mut bytes = body[..11 + widths.iter().sum::<usize>()].to_vec();
        bytes[0] = kind;
        let message = parse(&bytes).unwrap();
        prop_assert_eq!(message.as_bytes(), &bytes[..]);
        let all = [&[1, 2, 2, 6][..], widths].concat();
        prop_assert_eq!(rebuild(&message, &all), bytes);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(message) = parse(&bytes) {
            prop_assert_eq!(message.as_bytes(), &bytes[..]);
        }
        let blocks = Blocks::to_end(&bytes).filter_map(Result::ok);
        let total: usize = blocks.map(|b| b.data.len() + 2).sum();
        prop_assert!(total <= bytes.len());
    }
}
