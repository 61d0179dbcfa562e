use super::*;
use wire::itch::{self, AddOrder, OrderCancel, OrderDelete, OrderExecuted, OrderReplace};
use wire::ouch::inbound::{self, Message as Ouch};

const AAPL: [u8; 8] = *b"AAPL    ";

fn flow() -> Flow {
    Flow::new(vec![AAPL], 2)
}

fn add(id: u64, side: u8, shares: u32, price: u32) -> Vec<u8> {
    let m = AddOrder {
        head: AddOrder::head(13, 1),
        order_reference_number: id.into(),
        buy_sell_indicator: side,
        shares: shares.into(),
        stock: AAPL,
        price: price.into(),
    };
    m.as_bytes().to_vec()
}

fn executed(id: u64, shares: u32) -> Vec<u8> {
    let m = OrderExecuted {
        head: OrderExecuted::head(13, 1),
        order_reference_number: id.into(),
        executed_shares: shares.into(),
        match_number: 1.into(),
    };
    m.as_bytes().to_vec()
}

fn canceled(id: u64, shares: u32) -> Vec<u8> {
    let m = OrderCancel {
        head: OrderCancel::head(13, 1),
        order_reference_number: id.into(),
        canceled_shares: shares.into(),
    };
    m.as_bytes().to_vec()
}

fn deleted(id: u64) -> Vec<u8> {
    let m = OrderDelete { head: OrderDelete::head(13, 1), order_reference_number: id.into() };
    m.as_bytes().to_vec()
}

fn replaced(old: u64, new: u64, shares: u32, price: u32) -> Vec<u8> {
    let m = OrderReplace {
        head: OrderReplace::head(13, 1),
        original_order_reference_number: old.into(),
        new_order_reference_number: new.into(),
        shares: shares.into(),
        price: price.into(),
    };
    m.as_bytes().to_vec()
}

/// What the flow sends for a message, as text.
fn says(flow: &mut Flow, bytes: &[u8]) -> String {
    let mut out = [0; REQUEST_LEN_MAX];
    let len = flow.translate(&itch::parse(bytes).unwrap(), &mut out);
    if len == 0 {
        return String::new();
    }
    match inbound::parse(&out[..len]).unwrap() {
        Ouch::EnterOrder(m, _) => format!(
            "enter {} {}{} @{} tif {}",
            m.user_ref_num,
            m.side as char,
            m.quantity,
            m.price.get(),
            m.time_in_force as char
        ),
        Ouch::CancelOrder(m, _) => format!("cancel {} to {}", m.user_ref_num, m.quantity),
        Ouch::ReplaceOrder(m, _) => format!(
            "replace {} by {} {} @{}",
            m.orig_user_ref_num,
            m.user_ref_num,
            m.quantity,
            m.price.get()
        ),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_orders_life() {
    let mut f = flow();
    assert_eq!(says(&mut f, &add(70, b'B', 100, 5_000)), "enter 1 B100 @5000 tif 0");
    assert_eq!(says(&mut f, &executed(70, 30)), "enter 2 S30 @5000 tif 3");
    f.on_executed(1, 30);
    assert_eq!(says(&mut f, &canceled(70, 20)), "cancel 1 to 80", "30 executed and 50 left");
    assert_eq!(says(&mut f, &replaced(70, 71, 60, 5_100)), "replace 1 by 3 90 @5100");
    assert_eq!(says(&mut f, &canceled(70, 1)), "", "the old number is gone");
    assert_eq!(says(&mut f, &deleted(71)), "cancel 3 to 0");
    let counts = f.counts();
    assert_eq!((counts.entered, counts.takers, counts.cancels, counts.replaces), (1, 1, 2, 1));
    assert_eq!(counts.unknown, 1);
}

#[test]
fn what_was_never_entered_is_counted_and_bounds_hold() {
    let mut f = flow();
    assert_eq!(says(&mut f, &deleted(9)), "");
    assert_eq!(says(&mut f, &replaced(9, 10, 1, 1)), "");
    says(&mut f, &add(1, b'S', 10, 10));
    says(&mut f, &add(2, b'S', 10, 10));
    assert_eq!(says(&mut f, &add(2, b'S', 10, 10)), "", "a number twice");
    assert_eq!(says(&mut f, &add(3, b'S', 10, 10)), "", "no room");
    assert_eq!(says(&mut f, &executed(1, 10)), "enter 3 B10 @10 tif 3");
    assert_eq!(says(&mut f, &add(4, b'S', 10, 10)), "enter 4 S10 @10 tif 0", "room again");
    let mut other = add(5, b'B', 1, 1);
    other[24..32].copy_from_slice(b"MSFT    ");
    assert_eq!(says(&mut f, &other), "");
    let counts = f.counts();
    assert_eq!((counts.unknown, counts.no_room, counts.other_symbols), (3, 1, 1));
}
