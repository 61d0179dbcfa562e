use super::*;
use rkyv::rancor::Error;

#[test]
fn prices_are_checked_at_the_edge() {
    assert_eq!(Price::from_wire(1), Ok(Price(1)));
    assert_eq!(Price::from_wire(0x7FFF_FFFF), Ok(Price::MARKET));
    assert!(Price::from_wire(0).is_err());
    assert!(Price::from_wire(1_999_999_901).is_err());
    assert!(Price::from_wire(u64::MAX).is_err());
    assert_eq!(Price(1_234_500).to_string(), "123.4500");
}

#[test]
fn symbols_pad_and_refuse() {
    assert_eq!(Symbol::new("AAPL"), Some(Symbol(*b"AAPL    ")));
    assert_eq!(Symbol::new("AAPL").map(|s| s.to_string()).as_deref(), Some("AAPL"));
    for bad in ["", "TOOLONGXX", "A B", "Ä"] {
        assert_eq!(Symbol::new(bad), None, "{bad:?}");
    }
}

#[test]
fn reason_codes_round_trip() {
    for r in RejectReason::ALL {
        assert_eq!(RejectReason::from_code(r.code()), Some(*r));
    }
    for r in CancelReason::ALL {
        assert_eq!(CancelReason::from_code(r.code()), Some(*r));
    }
    assert_eq!(RejectReason::from_code(0), None);
}

#[test]
fn commands_survive_the_archive_and_damage_is_noticed() {
    let command =
        Command::Cancel(Cancel { session: SessionId(3), user_ref: UserRef(7), qty: Qty(0) });
    let bytes = rkyv::to_bytes::<Error>(&command).unwrap();
    assert_eq!(rkyv::from_bytes::<Command, Error>(&bytes).unwrap(), command);
    let mut torn = bytes.to_vec();
    torn[0] = 0xEE; // no such variant
    assert!(rkyv::from_bytes::<Command, Error>(&torn).is_err());
}
