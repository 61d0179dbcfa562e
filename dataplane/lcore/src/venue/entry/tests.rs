use super::*;
use wire::IntoBytes;
use wire::ouch;

const S: SessionId = SessionId(2);

fn order() -> EnterOrder {
    EnterOrder {
        message_type: EnterOrder::TYPE,
        user_ref_num: 5.into(),
        side: b'T',
        quantity: 100.into(),
        symbol: *b"AAPL    ",
        price: 1_000_000.into(),
        time_in_force: b'3',
        display: b'A',
        capacity: b'A',
        inter_market_sweep_eligibility: b'N',
        cross_type: b'N',
        clordid: *b"hello         ",
        appendage_length: 0.into(),
    }
}

fn refusal(order: &EnterOrder, optional: &[Optional<'_>]) -> Option<RejectReason> {
    let mut bytes = [0; 128];
    let len = ouch::write(&mut bytes, order, optional).unwrap();
    match read(S, &bytes[..len]).unwrap() {
        Request::Command(Command::Refused(r), _) => {
            assert_eq!((r.session, r.user_ref, r.cl_ord_id.0), (S, UserRef(5), order.clordid));
            Some(r.reason)
        }
        Request::Command(Command::Enter(_), _) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_read_whole() {
    let Ok(Request::Command(Command::Enter(e), echo)) = read(S, order().as_bytes()) else {
        panic!("not an order")
    };
    assert_eq!((e.session, e.user_ref, e.side), (S, UserRef(5), OrderSide::SellShort));
    assert_eq!((e.qty, e.price, e.tif), (Qty(100), Price(1_000_000), TimeInForce::Ioc));
    assert_eq!((echo.display, echo.capacity, &echo.cl_ord_id.0), (b'A', b'A', b"hello         "));
}

#[test]
fn each_field_that_is_not_offered_has_its_reason() {
    use RejectReason::*;
    let o = order();
    assert_eq!(refusal(&o, &[]), None);
    assert_eq!(refusal(&EnterOrder { side: b'X', ..o }, &[]), Some(InvalidSide));
    assert_eq!(refusal(&EnterOrder { price: 0.into(), ..o }, &[]), Some(InvalidPrice));
    assert_eq!(refusal(&EnterOrder { quantity: 0.into(), ..o }, &[]), Some(InvalidQuantity));
    let above = u64::from(u32::MAX) + 1;
    assert_eq!(refusal(&EnterOrder { price: above.into(), ..o }, &[]), Some(InvalidPrice));
    assert_eq!(refusal(&EnterOrder { time_in_force: b'6', ..o }, &[]), Some(Other));
    assert_eq!(refusal(&EnterOrder { display: b'N', ..o }, &[]), Some(InvalidDisplay));
    assert_eq!(refusal(&EnterOrder { cross_type: b'O', ..o }, &[]), Some(InvalidCrossOrder));
    assert_eq!(refusal(&EnterOrder { capacity: b'?', ..o }, &[]), Some(Other));
    assert_eq!(refusal(&o, &[Optional::Firm(*b"LIME")]), None);
    assert_eq!(refusal(&o, &[Optional::MinQty(1)]), Some(InvalidMinQuantity));
    assert_eq!(refusal(&o, &[Optional::MaxFloor(1)]), Some(InvalidMaxFloor));
    assert_eq!(refusal(&o, &[Optional::PriceType(b'P')]), Some(InvalidPegType));
    assert_eq!(refusal(&o, &[Optional::PegOffset(-5)]), Some(PeggingNotAllowed));
    assert_eq!(refusal(&o, &[Optional::PostOnly(b'P')]), Some(Other));
    assert_eq!(refusal(&o, &[Optional::Route(*b"ABCD")]), Some(RoutingNotAllowed));
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    assert_eq!(read(S, b""), Err(Unreadable::Empty));
    assert_eq!(read(S, b"?"), Err(Unreadable::UnknownType));
    assert_eq!(read(S, &order().as_bytes()[..46]), Err(Unreadable::Length));
    let mut bad = order();
    bad.appendage_length = 1.into();
    let mut bytes = bad.as_bytes().to_vec();
    bytes.push(9);
    assert_eq!(read(S, &bytes), Err(Unreadable::Appendage));
    assert_eq!(read(S, b"Q"), Ok(Request::AccountQuery));
}
