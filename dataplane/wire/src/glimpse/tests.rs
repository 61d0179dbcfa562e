use super::*;
use proptest::prelude::*;

#[test]
fn the_bytes_are_the_specifications() {
    let end = EndOfSnapshot::new(123_456);
    assert_eq!(end.as_bytes(), b"G              123456");
    assert_eq!(parse(end.as_bytes()).unwrap().sequence(), Ok(123_456));
}

#[test]
fn what_is_wrong_is_told() {
    assert_eq!(parse(b"G"), Err(Error::Length { length: 1 }));
    assert_eq!(parse(&[b'S'; 21]), Err(Error::Type { kind: b'S' }));
    assert_eq!(parse(b"G                    "), Err(Error::Number(text::Error::Blank)));
}

proptest! {
    #[test]
    fn every_number_round_trips(sequence in any::<u64>()) {
        let end = EndOfSnapshot::new(sequence);
        prop_assert_eq!(parse(end.as_bytes()).unwrap().sequence(), Ok(sequence));
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        if let Some(first) = bytes.first_mut() {
            *first = b'G';
        }
        let _ = parse(&bytes);
    }
}
