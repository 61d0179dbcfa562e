//! OUCH: every message of both directions round-trips, appendages are checked, and nothing panics.

use super::*;
use crate::field::{Price8, U16, U32};
use crate::itch::rebuild;
use proptest::prelude::*;
use std::vec::Vec;

const IN: &[(u8, &[usize])] = &[
    (b'O', &[1, 4, 1, 4, 8, 8, 1, 1, 1, 1, 1, 14, 2]),
    (b'U', &[1, 4, 4, 4, 8, 1, 1, 1, 14, 2]),
    (b'X', &[1, 4, 4]),
    (b'M', &[1, 4, 1, 4]),
    (b'Q', &[1]),
    (b'C', &[1, 4, 4, 8]),
    (b'D', &[1, 4, 4]),
    (b'E', &[1, 4, 4]),
];

const OUT: &[(u8, &[usize])] = &[
    (b'S', &[1, 8, 1]),
    (b'C', &[1, 8, 4, 4, 1]),
    (b'D', &[1, 8, 4, 4, 1, 4, 8, 1]),
    (b'B', &[1, 8, 4, 8, 1, 14]),
    (b'F', &[1, 8, 4, 4, 8, 1, 8, 1, 14]),
    (b'J', &[1, 8, 4, 2, 14]),
    (b'P', &[1, 8, 4]),
    (b'I', &[1, 8, 4]),
    (b'T', &[1, 8, 4, 8, 1, 8]),
    (b'M', &[1, 8, 4, 1, 4]),
    (b'Q', &[1, 8, 4]),
    (b'A', &[1, 8, 4, 1, 4, 8, 8, 1, 1, 8, 1, 1, 1, 1, 14, 2]),
    (b'U', &[1, 8, 4, 4, 1, 4, 8, 8, 1, 1, 8, 1, 1, 1, 1, 14, 2]),
    (b'E', &[1, 8, 4, 4, 8, 1, 8, 2]),
    (b'R', &[1, 8, 4, 1, 2]),
    (b'X', &[1, 8, 4, 4, 8]),
    (b'G', &[1, 8, 4, 4]),
    (b'K', &[1, 8, 4, 4]),
];

fn order() -> inbound::EnterOrder {
    inbound::EnterOrder {
        message_type: inbound::EnterOrder::TYPE,
        user_ref_num: U32::new(1),
        side: Side::Buy.byte(),
        quantity: U32::new(100),
        symbol: crate::field::padded(b"AAPL"),
        price: Price8::new(1_892_500),
        time_in_force: TimeInForce::Day.byte(),
        display: Display::Visible.byte(),
        capacity: Capacity::Principal.byte(),
        inter_market_sweep_eligibility: b'N',
        cross_type: CrossType::ContinuousMarket.byte(),
        clordid: crate::field::padded(b"mine"),
        appendage_length: U16::ZERO,
    }
}

fn written(optional: &[Optional<'_>]) -> Vec<u8> {
    let mut out = [0; 256];
    let length = write(&mut out, &order(), optional).unwrap();
    out[..length].to_vec()
}

#[test]
fn the_tables_are_complete() {
    for (types, widths, count) in [(inbound::TYPES, IN, 8), (outbound::TYPES, OUT, 18)] {
        assert_eq!(types.len(), count);
        for (&(kind, _, size), (listed, widths)) in types.iter().zip(widths) {
            assert_eq!((kind, size), (*listed, widths.iter().sum::<usize>()));
        }
    }
}

#[test]
fn optional_fields_are_typed_and_unknown_ones_skipped() {
    let fields = [
        Optional::Firm(*b"LIME"),
        Optional::Unknown(200, b"new"),
        Optional::PegOffset(-150),
        Optional::SecondaryOrdRefNum(u64::MAX),
        Optional::PostOnly(b'P'),
    ];
    let bytes = written(&fields);
    let Ok(inbound::Message::EnterOrder(read, appendage)) = inbound::parse(&bytes) else {
        panic!()
    };
    assert_eq!(usize::from(read.appendage_length.get()), bytes.len() - 47);
    assert_eq!(appendage.all().collect::<Vec<_>>(), fields);
    let known: Vec<_> = appendage.known().map(|field| field.tag()).collect();
    assert_eq!(known, [2, 7, 1, 12]);
}

#[test]
fn bad_lengths_are_refused_with_their_offset() {
    let good = written(&[Optional::PostOnly(b'P'), Optional::MinQty(5)]);
    let refused = |mut bytes: Vec<u8>, at: usize, to: u8| {
        bytes[at] = to;
        inbound::parse(&bytes).unwrap_err()
    };
    let at = |source| Error::Appendage { kind: b'O', at: 47, source };
    assert_eq!(refused(good.clone(), 50, 0), at(AppendageError::Empty { offset: 3 }));
    let overrun = AppendageError::Overrun { offset: 3, needed: 7, left: 6 };
    assert_eq!(refused(good.clone(), 50, 6), at(overrun));
    let size = AppendageError::Length { offset: 0, tag: 3, length: 1, expected: 4 };
    assert_eq!(refused(good.clone(), 48, 3), at(size));
    let announced = Error::Length { kind: b'O', length: 56, expected: 55 };
    assert_eq!(refused(good, 46, 8), announced);
}

#[test]
fn a_trailing_appendage_may_be_absent_empty_or_there() {
    let request = inbound::MassCancel {
        message_type: inbound::MassCancel::TYPE,
        user_ref_num: U32::new(7),
        firm: *b"LIME",
        symbol: crate::field::padded(b"AAPL"),
    };
    let mut out = [0; 64];
    let bare = write_trailing(&mut out, &request, &[]).unwrap();
    assert_eq!(&out[..bare], b"C\0\0\0\x07LIMEAAPL    ");
    let fields = [Optional::Side(b'B'), Optional::GroupId(3), Optional::UserRefIdx(1)];
    for (optional, length) in [(&[][..], 17), (&fields[..], 17 + 2 + 3 + 4 + 3)] {
        let used = write_trailing(&mut out, &request, optional).unwrap();
        assert_eq!(used, length);
        let Ok(inbound::Message::MassCancel(read, appendage)) = inbound::parse(&out[..used]) else {
            panic!()
        };
        assert_eq!((read, appendage.all().collect::<Vec<_>>()), (&request, optional.to_vec()));
        assert_eq!(write_trailing(&mut [0; 28][..used - 1], &request, optional), None);
    }
    // An account query as newer clients send it: an appendage of no bytes.
    let query = inbound::parse(b"Q\0\0").unwrap();
    assert!(matches!(query, inbound::Message::AccountQuery(_, a) if a.is_empty()));
    assert_eq!(query.appendage(), None);
    for (bytes, expected) in [(&b"Q\0"[..], 3), (b"Q\0\x01", 4), (b"Q\0\0\0", 3)] {
        let wrong = Error::Length { kind: b'Q', length: bytes.len(), expected };
        assert_eq!(inbound::parse(bytes), Err(wrong));
    }
    let source = AppendageError::Length { offset: 0, tag: 27, length: 2, expected: 1 };
    let wrong = Error::Appendage { kind: b'Q', at: 3, source };
    assert_eq!(inbound::parse(b"Q\0\x04\x03\x1bBB"), Err(wrong));
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut out = [0; 52];
    assert_eq!(write(&mut out, &order(), &[Optional::MinQty(1)]), None);
    assert_eq!(write(&mut out, &order(), &[Optional::PostOnly(b'P')]), Some(50));
    assert_eq!(write(&mut out[..46], &order(), &[]), None);
    let mut builder = appendage::Builder::new(&mut out);
    assert!(!builder.push(Optional::Unknown(9, &[0; 255])));
    assert_eq!(builder.finish(), 0);
}

#[test]
fn letters_and_reasons_round_trip() {
    for reason in RejectReason::ALL {
        assert_eq!(RejectReason::from_code(reason.code()), Some(*reason));
    }
    assert_eq!(RejectReason::ALL.len(), 31);
    for flag in LiquidityFlag::ALL {
        assert_eq!(LiquidityFlag::from_byte(flag.byte()), Some(*flag));
    }
    for tag in Tag::ALL {
        assert_eq!(Tag::from_byte(*tag as u8), Some(*tag));
    }
    assert_eq!(Tag::ALL.len(), 26);
}

fn round_trip<'a, M: crate::field::Describe + 'a>(
    table: &[(u8, &[usize])],
    which: usize,
    bytes: &'a mut [u8; 96],
    parse: impl FnOnce(&'a [u8]) -> Result<M, Error>,
) -> (Vec<u8>, Vec<u8>) {
    let (kind, widths) = table[which];
    let size: usize = widths.iter().sum();
    bytes[0] = kind;
    if widths.len() > 1 && widths.ends_with(&[2]) {
        bytes[size - 2..size].fill(0);
    }
    let bytes: &'a [u8] = &bytes[..size];
    (rebuild(&parse(bytes).unwrap(), widths), bytes.to_vec())
}

proptest! {
    #[test]
    fn every_inbound_message_round_trips(which in 0..IN.len(), mut body in any::<[u8; 96]>()) {
        let (again, bytes) = round_trip(IN, which, &mut body, inbound::parse);
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn every_outbound_message_round_trips(which in 0..OUT.len(), mut body in any::<[u8; 96]>()) {
        let (again, bytes) = round_trip(OUT, which, &mut body, outbound::parse);
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn appendages_read_as_a_naive_reader_reads_them(
        bytes in prop::collection::vec(prop_oneof![0u8..30, any::<u8>()], 0..40),
    ) {
        let naive = || {
            let (mut at, mut tags) = (0, Vec::new());
            while at < bytes.len() {
                let length = usize::from(bytes[at]);
                if length == 0 || at + 1 + length > bytes.len() {
                    return None;
                }
                let tag = bytes[at + 1];
                if Tag::from_byte(tag).is_some_and(|t| t.value_len() != length - 1) {
                    return None;
                }
                tags.push(tag);
                at += 1 + length;
            }
            Some(tags)
        };
        let read = Appendage::parse(&bytes).ok();
        prop_assert_eq!(read.map(|a| a.all().map(|f| f.tag()).collect()), naive());
        if let Some(appendage) = read {
            let mut out = [0; 64];
            let mut builder = appendage::Builder::new(&mut out);
            prop_assert!(appendage.all().all(|field| builder.push(field)));
            let length = builder.finish();
            prop_assert_eq!(&out[..length], &bytes[..]);
        }
    }

    #[test]
    fn random_bytes_never_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 1..120),
        which in 0usize..26,
    ) {
        bytes[0] = IN.iter().chain(OUT).map(|(kind, _)| *kind).nth(which).unwrap();
        let _ = inbound::parse(&bytes);
        let _ = outbound::parse(&bytes);
    }
}
