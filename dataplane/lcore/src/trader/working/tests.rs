use super::*;

fn order(user_ref: UserRef, qty: u32) -> Working {
    Working {
        user_ref,
        symbol: SymbolId(1),
        side: OrderSide::Buy,
        leaves: Qty(qty),
        price: Price(1),
        sent_tsc: 0,
        acked: false,
        cancel_sent: false,
    }
}

#[test]
fn numbers_count_up_and_an_old_order_blocks_its_slot() {
    let mut w = WorkingOrders::new(2, HugePolicy::Off).unwrap();
    for i in 1..=2 {
        assert_eq!(w.next_ref(), Some(UserRef(i)));
        w.insert(order(UserRef(i), 10));
    }
    assert_eq!(w.next_ref(), None, "order 1 still stands where 3 would");
    assert!(w.remove(UserRef(3)).is_none());
    assert!(w.get_mut(UserRef(3)).is_none());
    assert!(w.remove(UserRef(1)).is_some());
    assert_eq!(w.next_ref(), Some(UserRef(3)));
    assert_eq!(w.live(), 1);
}

#[test]
fn shares_come_off_until_none_are_left() {
    let mut w = WorkingOrders::new(4, HugePolicy::Off).unwrap();
    w.insert(order(UserRef(1), 10));
    assert_eq!(w.reduce(UserRef(1), Qty(11)), None, "more than there is");
    let (was, done) = w.reduce(UserRef(1), Qty(4)).unwrap();
    assert_eq!((was.leaves, done), (Qty(10), false));
    let (was, done) = w.reduce(UserRef(1), Qty(6)).unwrap();
    assert_eq!((was.leaves, done), (Qty(6), true));
    assert_eq!(w.reduce(UserRef(1), Qty(0)), None);
    assert_eq!((w.live(), w.iter().count()), (0, 0));
}
