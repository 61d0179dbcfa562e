//! Venues that lie, and noise: the desk never panics, its own figures stay consistent, and what
//! contradicts it stops it.

use super::floor::{Floor, Pipe, ask, config};
use crate::Desk;
use proptest::prelude::*;
use risk::KillReason;
use types::{OrderSide, Ticker};

/// What was sent before, damaged, repeated, reordered or invented.
fn feed(floor: &mut Floor, noise: &[(usize, usize, u8, bool)]) {
    for &(at, byte, value, damage) in noise {
        let count = floor.venue.log.len();
        let mut message = floor.venue.log[at % count].0.clone();
        if damage {
            let at = byte % message.len();
            message[at] = value;
        }
        let _ = floor.desk.on_message(floor.now_ns, &message, &mut floor.pipe);
        while floor.desk.poll(floor.now_ns, &mut floor.pipe).is_some() {}
        floor.pipe.out.clear();
        floor.now_ns += 100;
        consistent(&floor.desk);
    }
}

/// The gate's open figures are the orders'.
fn consistent(desk: &Desk) {
    for ticker in (0..2).map(Ticker) {
        let position = desk.gate().position(ticker);
        let open: u64 =
            desk.orders().filter(|o| o.ticker == ticker).map(|o| u64::from(o.leaves.0)).sum();
        assert_eq!(position.open_buy + position.open_sell, open);
    }
}

fn traded() -> Floor {
    let mut floor = Floor::started(16);
    for at in 0..6 {
        let side = if at % 2 == 0 { OrderSide::Buy } else { OrderSide::SellShort };
        let price = if at % 2 == 0 { 9_000 } else { 11_000 };
        floor.enter(&ask(at % 2, side, 50, price)).unwrap();
    }
    floor.settle();
    let first = floor.venue.nth(0).unwrap();
    floor.replace(types::UserRef(first), 60, 9_001).unwrap();
    floor.settle();
    let (one, two) = (floor.venue.nth(1).unwrap(), floor.venue.nth(2).unwrap());
    floor.venue.fill(one, 10, 0);
    floor.venue.fill(two, 50, 0);
    floor.venue.correct(0, 9_500);
    floor.venue.bust(1);
    floor.venue.restate(one);
    floor.venue.prioritise(one);
    floor.venue.modify(one, 3);
    floor.settle();
    floor.check_settled();
    floor
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn damaged_messages_never_panic(
        noise in proptest::collection::vec(
            (any::<usize>(), any::<usize>(), any::<u8>(), any::<bool>()), 1..120)
    ) {
        feed(&mut traded(), &noise);
    }

    #[test]
    fn random_bytes_never_panic(
        noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..60),
        kinds in proptest::collection::vec(
            prop_oneof![Just(b'A'), Just(b'U'), Just(b'E'), Just(b'C'), Just(b'D'), Just(b'B'),
                        Just(b'F'), Just(b'J'), Just(b'P'), Just(b'I'), Just(b'T'), Just(b'M'),
                        Just(b'R'), Just(b'Q'), Just(b'S')], 60),
    ) {
        let (mut desk, mut pipe) = (Desk::new(&config(16)), Pipe { out: vec![], room: 9 });
        desk.on_login(1, b"DAY1      ", 1);
        for (message, kind) in noise.iter().zip(kinds) {
            let mut message = message.clone();
            let len = wire::ouch::outbound::TYPES.iter().find(|t| t.0 == kind).unwrap().2;
            message.resize(len, 0);
            message[0] = kind;
            let _ = desk.on_message(2, &message, &mut pipe);
            while desk.poll(3, &mut pipe).is_some() {}
            pipe.out.clear();
            consistent(&desk);
        }
    }
}

#[test]
fn more_shares_than_were_open_are_booked_and_stop_the_desk() {
    let mut floor = Floor::started(16);
    let order = floor.enter(&ask(0, OrderSide::Buy, 50, 9_000)).unwrap();
    let other = floor.enter(&ask(0, OrderSide::Buy, 70, 8_000)).unwrap();
    floor.settle();
    floor.venue.say_fill(order.0, 77, 60, 9_000);
    floor.venue.note(super::venue::names()[0].0, true, 60, 9_000);
    floor.deliver(1);
    assert_eq!(floor.desk.counters().unexpected, 1);
    assert_eq!(floor.desk.killed(), Some(KillReason::Reconciliation));
    floor.check_books();
    // Asked for in the same call.
    assert_eq!(floor.pipe.out.len(), 1);
    floor.venue.live.remove(&order.0);
    floor.settle();
    assert_eq!(floor.kills(), [KillReason::Reconciliation]);
    assert!(floor.desk.order(other).is_none());
    floor.check_books();
}

#[test]
fn a_fill_of_an_order_that_was_replaced_is_booked_on_top() {
    let mut floor = Floor::started(16);
    let order = floor.enter(&ask(0, OrderSide::Buy, 50, 9_000)).unwrap();
    floor.settle();
    floor.replace(order, 60, 9_001).unwrap();
    floor.settle();
    floor.venue.say_fill(order.0, 77, 50, 9_000);
    floor.venue.note(super::venue::names()[0].0, true, 50, 9_000);
    let message = floor.venue.log[floor.heard].0.clone();
    floor.heard += 1;
    // Told, too, though the order is over.
    assert!(floor.desk.on_message(9, &message, &mut floor.pipe).is_some());
    assert_eq!(floor.desk.killed(), Some(KillReason::Reconciliation));
    floor.check_books();
}

#[test]
fn a_fill_of_an_order_that_never_was_stops_the_desk() {
    let mut floor = Floor::started(16);
    floor.venue.say_fill(9, 77, 60, 9_000);
    floor.deliver(1);
    assert_eq!(floor.desk.killed(), Some(KillReason::Reconciliation));
    assert_eq!(floor.desk.gate().position(Ticker(0)).shares, 0);
}

#[test]
fn messages_that_are_never_replayed_stop_the_desk() {
    let mut floor = Floor::started(16);
    floor.drop_line(0);
    floor.desk.on_login(9, b"DAY1      ", floor.heard as u64 + 3);
    assert_eq!(floor.desk.killed(), Some(KillReason::Reconciliation));
}

#[test]
fn a_replacement_that_ends_before_it_was_taken_leaves_its_order_counted() {
    for kind in [b'C', b'E'] {
        let mut floor = Floor::started(16);
        let order = floor.enter(&ask(0, OrderSide::Buy, 50, 9_000)).unwrap();
        floor.settle();
        let new = floor.replace(order, 60, 9_001).unwrap();
        let told = floor.desk.order(new).unwrap();
        let head = [&[kind][..], &1u64.to_be_bytes(), &new.0.to_be_bytes()].concat();
        let message = match kind {
            b'C' => [&head[..], &told.leaves.0.to_be_bytes(), b"U"].concat(),
            _ => {
                let fill = [&9_001u64.to_be_bytes()[..], b"A", &77u64.to_be_bytes(), &[0, 0]];
                [&head[..], &told.leaves.0.to_be_bytes(), &fill.concat()].concat()
            }
        };
        floor.desk.on_message(9, &message, &mut floor.pipe);
        assert_eq!(floor.desk.killed(), Some(KillReason::Reconciliation));
        assert!(floor.desk.order(new).is_none());
        assert!(floor.desk.order(order).is_some());
        assert_eq!(floor.desk.gate().open_orders(), 1);
        consistent(&floor.desk);
        // Its own end is the only one that counts.
        let over = [&b"C"[..], &1u64.to_be_bytes(), &order.0.to_be_bytes()].concat();
        let over = [&over[..], &50u32.to_be_bytes(), b"U"].concat();
        floor.desk.on_message(9, &over, &mut floor.pipe);
        assert_eq!((floor.desk.gate().open_orders(), floor.desk.live_orders()), (0, 0));
        consistent(&floor.desk);
    }
}
