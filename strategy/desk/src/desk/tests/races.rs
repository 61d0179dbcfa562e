//! The races, one by one.

use super::floor::{Floor, ask};
use crate::DeskEvent;
use algos::{OrderState, What};
use risk::{KillReason, Refusal};
use types::{OrderSide, Price, Qty, Side, Ticker, UserRef};

fn whats(floor: &Floor) -> Vec<What> {
    let told = |event: &DeskEvent| match event {
        DeskEvent::Order(report) => Some(report.what),
        _ => None,
    };
    floor.events.iter().filter_map(told).collect()
}

fn with_order(qty: u32) -> (Floor, UserRef) {
    let mut floor = Floor::started(16);
    let order = floor.enter(&ask(0, OrderSide::Buy, qty, 9_000)).unwrap();
    floor.settle();
    floor.events.clear();
    (floor, order)
}

#[test]
fn a_fill_crosses_the_cancel() {
    let (mut floor, order) = with_order(50);
    assert!(floor.cancel(order));
    assert!(!floor.cancel(order), "once");
    assert_eq!(floor.desk.order(order).unwrap().state, OrderState::Canceling);
    floor.venue.fill(order.0, 50, 0);
    floor.settle();
    floor.check_settled();
    assert_eq!(floor.desk.gate().position(Ticker(0)).shares, 50);
    assert!(whats(&floor).is_empty(), "the fill was its end");
}

#[test]
fn a_replacement_gets_what_the_fills_left() {
    let (mut floor, order) = with_order(50);
    let new = floor.replace(order, 80, 9_001).unwrap();
    assert_eq!(floor.desk.order(order).unwrap().state, OrderState::Replacing);
    floor.venue.fill(order.0, 30, 0);
    floor.settle();
    floor.check_settled();
    let stands = floor.desk.order(new).unwrap();
    assert_eq!((stands.leaves, stands.executed), (Qty(50), Qty(30)));
    assert_eq!(whats(&floor), [What::Replaced { old: order }]);
}

#[test]
fn a_replacement_of_an_order_that_filled_never_lives() {
    for silent in [false, true] {
        let (mut floor, order) = with_order(50);
        floor.venue.silent = silent;
        let new = floor.replace(order, 80, 9_001).unwrap();
        floor.venue.fill(order.0, 50, 0);
        floor.settle();
        floor.check_settled();
        assert!(floor.desk.order(new).is_none());
        let c = floor.desk.counters();
        assert_eq!((c.replaces_void, c.late), (1, u64::from(!silent)));
    }
}

#[test]
fn a_rejected_replacement_leaves_the_order() {
    let (mut floor, order) = with_order(50);
    let new = floor.replace(order, 80, 9_001).unwrap();
    assert_eq!(floor.replace(order, 80, 9_002), Err(Refusal::UnknownOrder), "changing already");
    assert_eq!(floor.replace(new, 80, 9_002), Err(Refusal::UnknownOrder), "not there yet");
    floor.venue.rejects = true;
    floor.settle();
    floor.check_settled();
    assert_eq!(floor.desk.order(order).unwrap().state, OrderState::Live);
    assert_eq!(whats(&floor), [What::ReplaceFailed { new, reason: 0x1D }]);
}

#[test]
fn a_cancel_takes_whichever_of_two_lives() {
    for rejects in [false, true] {
        let (mut floor, order) = with_order(50);
        floor.replace(order, 80, 9_001).unwrap();
        assert!(floor.cancel(order));
        floor.venue.rejects = rejects;
        floor.settle();
        floor.check_settled();
        assert_eq!(floor.desk.live_orders(), 0);
    }
}

#[test]
fn what_was_in_flight_is_lost_with_the_line() {
    let (mut floor, first) = with_order(50);
    floor.take(9);
    let new = floor.replace(first, 10, 9_001).unwrap();
    let second = floor.enter(&ask(1, OrderSide::SellShort, 5, 11_000)).unwrap();
    floor.drop_line(0);
    assert_eq!(floor.enter(&ask(1, OrderSide::Buy, 5, 9_000)), Err(Refusal::NotConnected));
    floor.login();
    assert!(!floor.desk.can_trade());
    floor.settle();
    floor.check_settled();
    assert_eq!(whats(&floor), [What::ReplaceFailed { new, reason: 0 }, What::Lost]);
    assert!(floor.desk.order(first).is_some() && floor.desk.order(second).is_none());
    assert_eq!(floor.desk.counters().lost, 2);
    assert_eq!(floor.events.last(), Some(&DeskEvent::Connected));
}

#[test]
fn an_old_querys_answer_loses_nothing() {
    let mut floor = Floor::started(16);
    let first = floor.enter(&ask(0, OrderSide::Buy, 50, 9_000)).unwrap();
    floor.flush();
    // Unanswered for too long: asked about. Then one more order, and the line goes when the venue
    // has taken everything and the desk has heard nothing.
    floor.now_ns += 5_000;
    floor.poll();
    assert_eq!(floor.pipe.out.len(), 1, "a query");
    let second = floor.enter(&ask(0, OrderSide::Buy, 60, 9_000)).unwrap();
    floor.drop_line(9);
    floor.settle();
    floor.check_settled();
    assert!(floor.desk.order(first).is_some() && floor.desk.order(second).is_some());
    assert_eq!(floor.desk.counters().lost, 0);
}

#[test]
fn a_replacement_passed_over_in_silence_is_asked_about() {
    let (mut floor, order) = with_order(50);
    let new = floor.replace(order, 80, 9_001).unwrap();
    floor.flush();
    // As if the venue had read it and said nothing.
    floor.venue.inbox.clear();
    floor.venue.next = new.0 + 1;
    floor.settle();
    floor.check_settled();
    assert_eq!(whats(&floor), [What::ReplaceFailed { new, reason: 0 }]);
    assert_eq!(floor.desk.counters().replaces_void, 1);
}

#[test]
fn a_venue_that_starts_anew_has_none_of_our_orders() {
    let (mut floor, order) = with_order(50);
    floor.venue.fill(order.0, 20, 0);
    floor.settle();
    floor.replace(order, 10, 9_001).unwrap();
    floor.drop_line(0);
    floor.venue.session = *b"DAY2      ";
    floor.venue.next = 1;
    floor.venue.live.clear();
    floor.settle();
    floor.check();
    assert_eq!(floor.desk.live_orders(), 0);
    assert_eq!(floor.desk.counters().wiped, 1);
    assert_eq!(floor.desk.gate().position(Ticker(0)).shares, 20);
    assert!(floor.desk.can_trade());
    let next = floor.enter(&ask(0, OrderSide::Buy, 5, 9_000)).unwrap();
    floor.settle();
    assert!(floor.desk.order(next).is_some());
}

#[test]
fn a_kill_cancels_as_far_as_there_is_room_and_again_after_a_reconnect() {
    let mut floor = Floor::started(16);
    for price in 9_000..9_005 {
        floor.enter(&ask(0, OrderSide::Buy, 5, price)).unwrap();
    }
    floor.settle();
    floor.pipe.room = 2;
    floor.desk.kill(floor.now_ns, KillReason::Operator);
    floor.poll();
    assert_eq!(floor.pipe.out.len(), 2);
    let refused = floor.enter(&ask(0, OrderSide::Buy, 5, 9_000));
    assert_eq!(refused, Err(Refusal::Killed));
    // Both are lost on the way.
    floor.drop_line(0);
    assert_eq!(floor.desk.live_orders(), 5);
    floor.settle();
    floor.check_settled();
    assert_eq!(floor.desk.live_orders(), 0);
    assert_eq!(floor.kills(), [KillReason::Operator]);
    floor.desk.revive();
    assert!(floor.desk.can_trade());
}

#[test]
fn a_fill_that_trips_the_loss_limit_cancels_in_the_same_call() {
    let mut floor = Floor::started(16);
    floor.desk.gate_mut().set_limit(risk::LimitName::Loss, 1_000).unwrap();
    floor.desk.gate_mut().mark(Ticker(0), Price(8_000));
    let order = floor.enter(&ask(0, OrderSide::Buy, 50, 9_000)).unwrap();
    floor.enter(&ask(0, OrderSide::Buy, 50, 8_000)).unwrap();
    floor.settle();
    floor.venue.fill(order.0, 50, 0);
    floor.deliver(1);
    assert_eq!(floor.desk.killed(), Some(KillReason::Loss));
    assert_eq!(floor.pipe.out.len(), 1, "the other order's cancel");
    floor.poll();
    assert_eq!(floor.kills(), [KillReason::Loss]);
}

#[test]
fn the_best_of_our_own_follows_every_change() {
    let mut floor = Floor::started(16);
    let orders: Vec<_> = [9_000, 9_002, 9_002, 9_001]
        .map(|price| floor.enter(&ask(0, OrderSide::Buy, 5, price)).unwrap())
        .to_vec();
    let best = |floor: &Floor| floor.desk.own_best(Ticker(0), Side::Buy).map(|price| price.0);
    assert_eq!(best(&floor), Some(9_002));
    floor.settle();
    floor.cancel(orders[1]);
    floor.settle();
    assert_eq!(best(&floor), Some(9_002));
    floor.cancel(orders[2]);
    floor.settle();
    assert_eq!(best(&floor), Some(9_001));
    assert_eq!(floor.enter(&ask(0, OrderSide::SellShort, 5, 9_001)), Err(Refusal::SelfCross));
}

#[test]
fn an_order_as_old_as_the_ring_blocks_its_slot() {
    let mut floor = Floor::started(4);
    let first = floor.enter(&ask(0, OrderSide::Buy, 5, 9_000)).unwrap();
    for _ in 0..3 {
        let next = floor.enter(&ask(0, OrderSide::Buy, 5, 9_000)).unwrap();
        floor.settle();
        floor.cancel(next);
        floor.settle();
    }
    assert_eq!(floor.enter(&ask(0, OrderSide::Buy, 5, 9_000)), Err(Refusal::OpenOrders));
    floor.cancel(first);
    floor.settle();
    floor.check_settled();
    assert!(floor.enter(&ask(0, OrderSide::Buy, 5, 9_000)).is_ok());
}
