use super::*;
use crate::loopback::trips::TripCounter;
use std::cell::Cell;
use wire::ouch::inbound;
use wire::ouch::outbound::{
    AccountQueryResponse, OrderAccepted, OrderCanceled, OrderExecuted, Rejected,
};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_000) };
}

fn now() -> u64 {
    NOW.get()
}

fn pass(ticks: u64) {
    NOW.set(NOW.get() + ticks);
}

fn orders(pacing: Pacing) -> Orders {
    let settings = OrderSettings {
        symbol: *b"AAPL    ",
        side: OrderSide::Buy,
        shares: 100,
        price: 10_000,
        cancels: true,
    };
    let trips = TripSettings {
        pacing,
        in_flight_max: 4,
        warm_up: 0,
        timeout_ns: 50_000,
        ..TripSettings::default()
    };
    let clock = TscClock::at(1_000_000_000, 0, 0).expect("a clock");
    let mut orders = Orders::new(settings, trips, &clock, now, OrderStats::default());
    // The session has seen 41 orders before.
    assert!(matches!(next(&mut orders), Some(Said::Query)) && next(&mut orders).is_none());
    assert!(!orders.is_ready());
    let told = AccountQueryResponse {
        message_type: AccountQueryResponse::TYPE,
        timestamp: 0.into(),
        next_user_ref_num: 42.into(),
    };
    orders.on_sequenced(1, told.as_bytes());
    assert!(orders.is_ready() && next(&mut orders).is_none(), "not before it is started");
    orders.start();
    orders
}

#[derive(Debug, PartialEq)]
enum Said {
    Query,
    Enter(u32),
    Cancel(u32),
}

fn next(orders: &mut Orders) -> Option<Said> {
    let mut out = [0; MESSAGE_LEN_MAX];
    let len = orders.next(&mut out);
    match inbound::parse(&out[..len]) {
        Ok(inbound::Message::EnterOrder(m, _)) => Some(Said::Enter(m.user_ref_num.get())),
        Ok(inbound::Message::CancelOrder(m, _)) => Some(Said::Cancel(m.user_ref_num.get())),
        Ok(inbound::Message::AccountQuery(..)) => Some(Said::Query),
        other => {
            assert_eq!(len, 0, "{other:?}");
            None
        }
    }
}

/// A message of all zeros but for its type and the order's number, where it has one.
fn answer<const N: usize>(kind: u8, user_ref: u32) -> [u8; N] {
    let mut message = [0; N];
    message[0] = kind;
    message[9..13].copy_from_slice(&user_ref.to_be_bytes());
    message
}

fn accept(orders: &mut Orders, user_ref: u32) {
    orders.on_sequenced(0, &answer::<{ size_of::<OrderAccepted>() }>(b'A', user_ref));
}

fn canceled(orders: &mut Orders, user_ref: u32) {
    orders.on_sequenced(0, &answer::<{ size_of::<OrderCanceled>() }>(b'C', user_ref));
}

fn stats(orders: &Orders) -> &TripStats {
    orders.trips().stats()
}

#[test]
fn ping_pong_enters_cancels_and_enters_again() {
    let mut orders = orders(Pacing::PingPong);
    for user_ref in 42..52 {
        assert_eq!(next(&mut orders), Some(Said::Enter(user_ref)));
        assert_eq!(next(&mut orders), None);
        pass(700);
        accept(&mut orders, user_ref);
        assert_eq!(next(&mut orders), Some(Said::Cancel(user_ref)));
        assert_eq!(next(&mut orders), None, "the cancel is under way");
        pass(500);
        canceled(&mut orders, user_ref);
    }
    orders.end();
    assert!(orders.is_over());
    let times = &stats(&orders).times;
    assert_eq!((times.count(), times.max_ns(), stats(&orders).lost()), (10, 700, 0));
}

#[test]
fn an_open_loop_does_not_wait_and_cancels_what_was_accepted() {
    let mut orders = orders(Pacing::PerSecond(1_000_000));
    pass(2_000);
    let said: Vec<_> = std::iter::from_fn(|| next(&mut orders)).collect();
    assert_eq!(said, [42, 43, 44].map(Said::Enter));
    accept(&mut orders, 42);
    accept(&mut orders, 43);
    assert_eq!(stats(&orders).times.max_ns(), 2_000, "from when it was due");
    let said: Vec<_> = std::iter::from_fn(|| next(&mut orders)).collect();
    assert_eq!(said, [42, 43].map(Said::Cancel));
    orders.end();
    accept(&mut orders, 44);
    assert_eq!(next(&mut orders), Some(Said::Cancel(44)));
    [42, 43].into_iter().for_each(|user_ref| canceled(&mut orders, user_ref));
    assert!(!orders.is_over());
    canceled(&mut orders, 44);
    assert!(orders.is_over());
}

#[test]
fn an_order_without_an_answer_is_lost_and_ping_pong_goes_on() {
    let mut orders = orders(Pacing::PingPong);
    assert_eq!(next(&mut orders), Some(Said::Enter(42)));
    pass(50_000);
    orders.expire(now());
    assert_eq!(next(&mut orders), Some(Said::Enter(43)));
    orders.on_sequenced(0, &answer::<{ size_of::<Rejected>() }>(b'J', 43));
    orders.end();
    assert!(orders.is_over());
    assert_eq!((stats(&orders).lost(), stats(&orders).times.count()), (1, 0));
    assert_eq!(orders.counters().get(OrderCounter::Rejected), 1);
}

#[test]
fn a_cancel_that_came_too_late_does_not_stop_the_game() {
    let mut orders = orders(Pacing::PingPong);
    assert_eq!(next(&mut orders), Some(Said::Enter(42)));
    accept(&mut orders, 42);
    orders.on_sequenced(0, &answer::<{ size_of::<OrderExecuted>() }>(b'E', 42));
    assert_eq!(next(&mut orders), Some(Said::Cancel(42)));
    assert_eq!(next(&mut orders), None);
    pass(50_001);
    orders.expire(now());
    assert_eq!(next(&mut orders), Some(Said::Enter(43)));
    let counts = [OrderCounter::Fills, OrderCounter::CancelsUnanswered, OrderCounter::Canceled];
    assert_eq!(counts.map(|counter| orders.counters().get(counter)), [1, 1, 0]);
}

#[test]
fn answers_to_other_orders_and_rubbish_are_counted() {
    let mut orders = orders(Pacing::PingPong);
    assert_eq!(next(&mut orders), Some(Said::Enter(42)));
    accept(&mut orders, 7);
    accept(&mut orders, 99);
    orders.on_sequenced(0, b"?");
    assert_eq!(stats(&orders).counters.get(TripCounter::Unknown), 2);
    assert_eq!(orders.counters().get(OrderCounter::Unreadable), 1);
    assert_eq!(orders.trips().in_flight(), 1);
}

#[test]
fn numbers_end() {
    let mut orders = orders(Pacing::PingPong);
    orders.first_ref = Some(u32::MAX);
    assert_eq!(next(&mut orders), Some(Said::Enter(u32::MAX)));
    accept(&mut orders, u32::MAX);
    assert_eq!(next(&mut orders), Some(Said::Cancel(u32::MAX)));
    canceled(&mut orders, u32::MAX);
    assert_eq!(next(&mut orders), None);
    assert!(orders.is_over());
}
