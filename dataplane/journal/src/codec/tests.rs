use super::*;
use proptest::prelude::*;
use types::{AccountId, MatchId, Phase, SymbolId};

fn encoded(payload: &Payload<'_>) -> (u8, Vec<u8>) {
    let mut out = [0xAA; PAYLOAD_BYTES_MAX];
    let (kind, len) = encode(payload, &mut out);
    (kind, out[..len].to_vec())
}

/// With what the replies to an order repeat.
fn given<'a>(command: Command, optional: &'a [u8]) -> Payload<'a> {
    let echo = match command {
        Command::Enter(Enter { cl_ord_id, .. }) | Command::Replace(Replace { cl_ord_id, .. }) => {
            Echo { display: b'W', capacity: b'P', iso: b'Y', cl_ord_id, optional }
        }
        _ => Echo::default(),
    };
    Payload::Input(Input::Command(command, echo))
}

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn terms() -> impl Strategy<Value = Terms> {
    use {Display::*, TimeInForce::*};
    let kinds = (
        pick(&[Day, Ioc, Gtx, Gtt]),
        pick(&[Visible, Attributable, Hidden]),
        pick(&[Peg::None, Peg::Midpoint]),
        pick(&[PostOnly::No, PostOnly::Reject, PostOnly::Slide]),
    );
    (kinds, any::<[u32; 3]>()).prop_map(|((tif, display, peg, post_only), [a, b, expire_s])| {
        Terms { tif, display, peg, post_only, min_qty: Qty(a), max_floor: Qty(b), expire_s }
    })
}

fn orders() -> impl Strategy<Value = Command> {
    use {CrossKind as X, OrderCapacity as C, OrderSide as S};
    let sides = pick(&[S::Buy, S::Sell, S::SellShort, S::SellShortExempt]);
    let crosses = pick(&[X::None, X::Opening, X::Closing, X::Halt]);
    let capacities = pick(&[C::Other, C::Agency, C::Principal, C::Riskless]);
    let reasons = pick(RejectReason::ALL);
    let kinds = (sides, crosses, capacities, reasons, terms(), any::<bool>());
    let numbers = (any::<u16>(), any::<u16>(), any::<[u32; 4]>());
    let texts = (any::<[u8; 4]>(), any::<[u8; 8]>(), any::<[u8; 14]>());
    (0..7, kinds, numbers, texts).prop_map(|(which, kinds, (s, a, [u, q, p, o]), (f, y, c))| {
        let (side, cross, capacity, reason, terms, enable) = kinds;
        let (session, user_ref, qty, price) = (SessionId(s), UserRef(u), Qty(q), Price(p));
        let (account, firm, symbol) = (AccountId(a), Firm(f), Symbol(y));
        let (orig, cl_ord_id) = (UserRef(o), ClOrdId(c));
        match which {
            0 => Command::Enter(Enter {
                session,
                user_ref,
                account,
                firm,
                side,
                qty,
                symbol,
                price,
                terms,
                cross,
                capacity,
                cl_ord_id,
            }),
            1 => {
                Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
            }
            2 => Command::Cancel(Cancel { session, user_ref, qty }),
            3 => Command::Modify(Modify { session, user_ref, side, qty }),
            4 => Command::MassCancel(MassCancel { session, user_ref, firm, symbol }),
            5 => Command::Permit(Permit { session, user_ref, firm, enable }),
            _ => Command::Refused(Refused { session, user_ref, reason, cl_ord_id }),
        }
    })
}

fn operations() -> Vec<Operation> {
    let symbol = SymbolId(513);
    let (from, to) = (AccountId(1), AccountId(515));
    let (match_id, price, reason) = (MatchId(u64::MAX - 1), Price(7), b'E');
    vec![
        Operation::Clock,
        Operation::Phase { symbol, phase: Phase::End },
        Operation::Halt { symbol, reason: *b"LUDP" },
        Operation::Quote { symbol, release_s: 34_200, price },
        Operation::Resume { symbol },
        Operation::Cross { symbol, kind: CrossKind::Halt },
        Operation::Imbalance { symbol },
        Operation::Reference { symbol, price },
        Operation::Bands { symbol, lower: Price(1), upper: Price(u32::MAX) },
        Operation::Breaker { level: 3 },
        Operation::Bust { match_id, reason },
        Operation::Adjust { match_id, price, reason },
        Operation::TransferCash { from, to, amount: u64::MAX },
        Operation::TransferShares { from, to, symbol, qty: 1 },
        Operation::Deposit { to, amount: 1 },
        Operation::CancelSession { session: SessionId(9) },
    ]
}

#[test]
fn every_operation_comes_back() {
    for operation in operations() {
        let now = given(Command::Operate(operation), b"");
        for what in [now, Payload::Input(Input::Scheduled(operation))] {
            let (kind, payload) = encoded(&what);
            assert_eq!(decode(kind, &payload), Some(what));
            for len in 0..payload.len() {
                // A shorter archive may be one of something else, and is never the same.
                assert_ne!(decode(kind, &payload[..len]), Some(what), "{operation:?} {len}");
            }
        }
    }
}

#[test]
fn every_rare_kind_comes_back_and_no_longer_or_shorter_one() {
    let open = Open { trades: true, date: 20_787, config: 0x0102_0304_0506_0708 };
    for what in [
        Payload::Input(Input::AccountQuery(SessionId(0x0102))),
        Payload::Input(Input::Open(open)),
        Payload::Input(Input::Close),
        Payload::Input(Input::Nothing),
        Payload::HardState(HardState { term: 7, vote: 2, commit: u64::MAX }),
    ] {
        let (kind, payload) = encoded(&what);
        assert_eq!(decode(kind, &payload), Some(what));
        assert!((0..payload.len()).all(|len| decode(kind, &payload[..len]).is_none()));
        assert_eq!(decode(kind, &[&payload[..], &[0]].concat()), None);
    }
    let most = [7; OPAQUE_BYTES_MAX + 1];
    for bytes in [&[][..], b"some", &most[1..]] {
        for what in [Payload::Opaque(bytes), Payload::Membership(bytes)] {
            let (kind, payload) = encoded(&what);
            assert_eq!(decode(kind, &payload), Some(what));
            assert_eq!(decode(kind, &most), None, "longer than any may be");
        }
    }
}

/// What is on disk stays readable: a change here is a new version of the format.
#[test]
fn the_bytes_are_these() {
    let enter = Command::Enter(Enter {
        session: SessionId(0x0102),
        user_ref: UserRef(0x0304_0506),
        account: AccountId(0x0708),
        firm: Firm(*b"FIRM"),
        side: OrderSide::SellShort,
        qty: Qty(0x0000_0A0B),
        symbol: Symbol(*b"AAPL    "),
        price: Price(0x0C0D_0E0F),
        terms: Terms {
            tif: TimeInForce::Gtt,
            display: Display::Attributable,
            peg: Peg::Midpoint,
            post_only: PostOnly::Slide,
            min_qty: Qty(0x1112),
            max_floor: Qty(0x1314),
            expire_s: 0x1516,
        },
        cross: CrossKind::Closing,
        capacity: OrderCapacity::Riskless,
        cl_ord_id: ClOrdId(*b"fourteen bytes"),
    });
    let expected = b"\x02\x01\x06\x05\x04\x03\x08\x07FIRMT\x0B\x0A\0\0AAPL    \x0F\x0E\x0D\x0C\
        6AM\x02\x12\x11\0\0\x14\x13\0\0\x16\x15\0\0CRfourteen bytesWPY\x05\x03ABCD";
    assert_eq!(encoded(&given(enter, b"\x05\x03ABCD")), (1, expected.to_vec()));
    let (session, user_ref) = (SessionId(0x0102), UserRef(0x0304_0506));
    let cancel = Command::Cancel(Cancel { session, user_ref, qty: Qty(7) });
    assert_eq!(encoded(&given(cancel, b"")), (3, b"\x02\x01\x06\x05\x04\x03\x07\0\0\0".to_vec()));
    let symbol = SymbolId(0x0102);
    let phase = Command::Operate(Operation::Phase { symbol, phase: Phase::Closed });
    let (kind, payload) = encoded(&given(phase, b""));
    assert_eq!((kind, &payload[..5]), (8, &b"\x01\0\x02\x01\x03"[..]));
}

proptest! {
    #[test]
    fn every_order_comes_back_and_no_part_of_it(
        command in orders(),
        optional in proptest::collection::vec(any::<u8>(), 0..=OPTIONAL_BYTES_MAX),
    ) {
        let what = given(command, &optional);
        let (kind, payload) = encoded(&what);
        prop_assert_eq!(decode(kind, &payload), Some(what));
        let has_optional = kind <= Kind::Replace as u8;
        let least = payload.len() - if has_optional { optional.len() } else { 0 };
        for len in 0..least {
            prop_assert_eq!(decode(kind, &payload[..len]), None);
        }
        let extra = if has_optional { OPTIONAL_BYTES_MAX + 1 - optional.len() } else { 1 };
        let longer = [&payload[..], &vec![0; extra]].concat();
        prop_assert_eq!(decode(kind, &longer), None);
    }

    #[test]
    fn hostile_payloads_never_panic_and_what_is_read_is_written_the_same(
        kind in 0..20_u8,
        payload in proptest::collection::vec(any::<u8>(), 0..PAYLOAD_BYTES_MAX),
    ) {
        if let Some(what) = decode(kind, &payload) {
            let again = encoded(&what);
            prop_assert_eq!(decode(again.0, &again.1), Some(what));
        }
    }
}
