use super::*;
use wire::IntoBytes;
use wire::ouch;

const S: SessionId = SessionId(2);
const FROM: Origin = Origin {
    session: S,
    account: AccountId(7),
    firm: Firm(*b"HOME"),
    post_only: PostOnly::Slide,
    snapshot: false,
};

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
    match read(&FROM, &bytes[..len]).unwrap() {
        Input::Command(Command::Refused(r), _) => {
            assert_eq!((r.session, r.user_ref, r.cl_ord_id.0), (S, UserRef(5), order.clordid));
            Some(r.reason)
        }
        Input::Command(Command::Enter(_), _) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_read_whole() {
    let order = order();
    let Ok(Input::Command(Command::Enter(e), echo)) = read(&FROM, order.as_bytes()) else {
        panic!("not an order")
    };
    assert_eq!((e.session, e.user_ref, e.side), (S, UserRef(5), OrderSide::SellShort));
    let terms = (e.qty, e.price, e.terms.tif);
    assert_eq!(terms, (Qty(100), Price(1_000_000), TimeInForce::Ioc));
    assert_eq!((e.account, e.firm), (AccountId(7), Firm(*b"HOME")));
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
    assert_eq!(refusal(&EnterOrder { time_in_force: b'E', ..o }, &[]), Some(Other));
    assert_eq!(refusal(&EnterOrder { display: b'O', ..o }, &[]), Some(InvalidDisplay));
    assert_eq!(refusal(&EnterOrder { cross_type: b'S', ..o }, &[]), Some(InvalidCrossOrder));
    assert_eq!(refusal(&EnterOrder { capacity: b'?', ..o }, &[]), Some(Other));
    assert_eq!(refusal(&o, &[Optional::Firm(*b"LIME")]), None);
    assert_eq!(refusal(&o, &[Optional::PriceType(b'P')]), Some(InvalidPegType));
    assert_eq!(refusal(&o, &[Optional::PegOffset(-5)]), Some(PeggingNotAllowed));
    assert_eq!(refusal(&o, &[Optional::PostOnly(b'?')]), Some(InvalidDisplay));
    assert_eq!(refusal(&o, &[Optional::RandomReserves(9)]), Some(InvalidMaxFloor));
    assert_eq!(refusal(&o, &[Optional::MaxFloor(99)]), Some(InvalidMaxFloor));
    assert_eq!(refusal(&o, &[Optional::Route(*b"ABCD")]), Some(RoutingNotAllowed));
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    assert_eq!(read(&FROM, b""), Err(Unreadable::Empty));
    assert_eq!(read(&FROM, b"?"), Err(Unreadable::UnknownType));
    assert_eq!(read(&FROM, &order().as_bytes()[..46]), Err(Unreadable::Length));
    let mut bad = order();
    bad.appendage_length = 1.into();
    let mut bytes = bad.as_bytes().to_vec();
    bytes.push(9);
    assert_eq!(read(&FROM, &bytes), Err(Unreadable::Appendage));
    assert_eq!(read(&FROM, b"Q"), Ok(Input::AccountQuery(S)));
}

fn terms_of(order: &EnterOrder, optional: &[Optional<'_>]) -> (Terms, Firm) {
    let mut bytes = [0; 128];
    let len = ouch::write(&mut bytes, order, optional).unwrap();
    match read(&FROM, &bytes[..len]).unwrap() {
        Input::Command(Command::Enter(e), _) => (e.terms, e.firm),
        other => panic!("{other:?}"),
    }
}

#[test]
fn terms_come_from_the_display_and_the_optional_fields() {
    let o = EnterOrder { display: b'P', time_in_force: b'6', ..order() };
    let options = [
        Optional::Firm(*b"LIME"),
        Optional::MinQty(7),
        Optional::MaxFloor(900),
        Optional::ExpireTime(40_000),
    ];
    let (terms, firm) = terms_of(&o, &options);
    assert_eq!((terms.tif, terms.expire_s), (TimeInForce::Gtt, 40_000));
    assert_eq!((terms.min_qty, terms.max_floor), (Qty(7), Qty(900)));
    assert_eq!((terms.post_only, firm), (PostOnly::Slide, Firm(*b"LIME")));
    let midpoint = EnterOrder { display: b'M', price: 0.into(), ..order() };
    assert_eq!(terms_of(&midpoint, &[]).0.peg, Peg::Midpoint);
    let pegged = terms_of(&order(), &[Optional::PriceType(b'M')]).0;
    assert_eq!(pegged.peg, Peg::Midpoint);
}

#[test]
fn requests_about_all_orders_are_read_with_and_without_an_appendage() {
    let request = inbound::MassCancel {
        message_type: inbound::MassCancel::TYPE,
        user_ref_num: 9.into(),
        firm: *b"    ",
        symbol: *b"AAPL    ",
    };
    let Ok(Input::Command(Command::MassCancel(c), _)) = read(&FROM, request.as_bytes()) else {
        panic!("not a mass cancel")
    };
    assert_eq!((c.user_ref, c.symbol), (UserRef(9), Symbol(*b"AAPL    ")));
    let mut bytes = [0; 64];
    let len = ouch::write_trailing(&mut bytes, &request, &[Optional::Side(b'B')]).unwrap();
    let one_side = read(&FROM, &bytes[..len]);
    assert!(matches!(one_side, Ok(Input::Command(Command::Refused(_), _))), "{one_side:?}");
    let off = read(&FROM, b"D\0\0\0\x0aLIME");
    let Ok(Input::Command(Command::Permit(p), _)) = off else { panic!("{off:?}") };
    assert_eq!((p.user_ref, p.firm, p.enable), (UserRef(10), Firm(*b"LIME"), false));
}
