use super::*;
use crate::Strategy;
use crate::mock::{Asked, Fate, Mock, Step, calm, step};
use market::Lie;
use proptest::prelude::*;
use types::{OrderSide, UserRef};

const NOON_S: i64 = 43_200;

/// Buys 1,000 shares within 100 s from noon, in clips of 100, on a line.
fn executor(set: &[(Param, i64)]) -> Executor {
    let mut executor = Executor::new(2, &[]);
    let base = [
        (Param::Total, 1_000),
        (Param::Start, NOON_S),
        (Param::End, NOON_S + 100),
        (Param::Finish, 5),
        (Param::Patience, 20),
    ];
    for &(param, value) in base.iter().chain(set) {
        executor.set_param(param as usize, value);
    }
    executor
}

/// One with its first clip at the touch of 100.00.
fn joined(set: &[(Param, i64)]) -> (Executor, Mock) {
    let (mut s, mut mock) = (executor(set), Mock::new(2));
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.live(0, Side::Buy).len(), 1);
    (s, mock)
}

#[test]
fn joins_the_near_touch_post_only() {
    let (_, mock) = joined(&[]);
    let ask = mock.entered()[0];
    assert_eq!((ask.qty, ask.price, ask.post_only), (Qty(100), Price(1_000_000), true));
    let (_, mock) = {
        let (mut s, mut mock) = (executor(&[(Param::Side, 1)]), Mock::new(2));
        s.on_timer(&mut mock);
        (s, mock)
    };
    assert_eq!(mock.entered()[0].side, OrderSide::SellShort);
    assert_eq!(mock.entered()[0].price, Price(1_000_200));
}

#[test]
fn waits_for_its_window_and_stops_after_it() {
    let (mut s, mut mock) = (executor(&[(Param::Start, NOON_S + 1)]), Mock::new(2));
    s.on_timer(&mut mock);
    assert!(mock.asked.is_empty());
    mock.pass_ms(1_000);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.may_trade(0, Side::Buy), 100);
    mock.pass_ms(99_000);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.may_trade(0, Side::Buy), 0);
    assert_eq!(mock.entered().len(), 1);
}

#[test]
fn keeps_a_good_place_and_leaves_a_bad_one() {
    let (mut s, mut mock) = joined(&[(Param::Rejoin, 0)]);
    mock.ahead = Some(500);
    mock.quote(&mut s, 0, 1_000_200, 1_000_400);
    assert_eq!(mock.asked.len(), 1, "well advanced, two ticks away");
    mock.ahead = Some(501);
    mock.quote(&mut s, 0, 1_000_200, 1_000_400);
    assert_eq!(mock.asked.len(), 2, "not well advanced");
    mock.settle(&mut s);
    assert_eq!(mock.live(0, Side::Buy)[0].price, Price(1_000_200));
    mock.ahead = Some(0);
    mock.quote(&mut s, 0, 1_000_500, 1_000_700);
    mock.settle(&mut s);
    assert_eq!(mock.live(0, Side::Buy)[0].price, Price(1_000_500), "three ticks are too far");
    mock.quote(&mut s, 0, 1_000_000, 1_000_200);
    assert_eq!(mock.live(0, Side::Buy)[0].price, Price(1_000_500), "ahead of the touch is fine");
}

#[test]
fn crosses_when_behind_its_schedule() {
    let (mut s, mut mock) = joined(&[]);
    mock.pass_ms(20_000);
    s.on_timer(&mut mock);
    assert_eq!(mock.entered().len(), 1, "200 behind is allowed");
    mock.pass_ms(100);
    s.on_timer(&mut mock);
    let ask = mock.entered()[1];
    assert_eq!((ask.tif, ask.price, ask.qty), (TimeInForce::Ioc, Price(1_000_200), Qty(100)));
    mock.settle(&mut s);
    assert_eq!(mock.truth[0], 100);
}

#[test]
fn urgency_and_volume_make_the_schedule() {
    let line = Schedule {
        total: 1_000,
        start_ns: 0,
        end_ns: 100 * S_NS,
        finish_ns: 5 * S_NS,
        urgency_pct: 100,
        participation_pct: 0,
    };
    assert_eq!(line.due(50 * S_NS, 0), 500);
    assert_eq!(line.due(95 * S_NS, 0), 1_000);
    assert_eq!(Schedule { urgency_pct: 200, ..line }.due(30 * S_NS, 0), 600);
    assert_eq!(Schedule { urgency_pct: 200, ..line }.due(80 * S_NS, 0), 1_000);
    let volume = Schedule { participation_pct: 10, ..line };
    assert_eq!(volume.due(50 * S_NS, 2_000), 200);
    assert_eq!(volume.due(50 * S_NS, u64::MAX), 1_000);
    assert!(!line.is_open(100 * S_NS) && line.is_open(0));
}

#[test]
fn crosses_when_the_far_touch_grows_thin_and_shares_are_due() {
    let (mut s, mut mock) = joined(&[(Param::Thin, 20)]);
    mock.pass_ms(5_000);
    mock.quote_qty(&mut s, 0, (1_000_000, 1_000), (1_000_200, 200));
    assert_eq!(mock.entered().len(), 1);
    mock.quote_qty(&mut s, 0, (1_000_000, 1_000), (1_000_200, 199));
    assert_eq!(mock.entered()[1].qty, Qty(50), "what is due");
}

#[test]
fn near_the_end_a_long_queue_is_not_waited_out() {
    let set = [(Param::Total, 100), (Param::AheadMax, 700), (Param::Behind, 1_000)];
    let (mut s, mut mock) = joined(&set);
    mock.ahead = Some(701);
    mock.pass_ms(79_999);
    s.on_timer(&mut mock);
    assert_eq!(mock.asked.len(), 1);
    mock.pass_ms(1);
    s.on_timer(&mut mock);
    assert!(matches!(mock.asked[1], Asked::Cancel(_)), "all of it rests, and comes back first");
    mock.settle(&mut s);
    assert_eq!(mock.entered().len(), 2);
    assert_eq!(mock.entered()[1].tif, TimeInForce::Ioc);
    assert_eq!(mock.truth[0], 100);
}

#[test]
fn finishes_what_is_left() {
    let (mut s, mut mock) = joined(&[(Param::Behind, 1_000_000), (Param::Cross, 0)]);
    mock.pass_ms(95_000);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.truth[0], 1_000);
    assert_eq!(mock.may_trade(0, Side::Buy), 0);
}

#[test]
fn a_limit_holds_it_back() {
    let (mut s, mut mock) = joined(&[(Param::Limit, 1_000_100)]);
    mock.quote(&mut s, 0, 1_000_300, 1_000_500);
    mock.pass_ms(50_000);
    mock.ahead = Some(0);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.entered().len(), 1, "one tick away, well advanced, too dear to cross");
    s.set_param(Param::Limit as usize, 999_000);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    let live = mock.live(0, Side::Buy);
    assert!(live.iter().all(|order| order.price == Price(999_000)), "{live:?}");
}

#[test]
fn a_fill_that_met_the_cancel_counts() {
    let (mut s, mut mock) = joined(&[(Param::Total, 100), (Param::Rejoin, 0)]);
    mock.quote(&mut s, 0, 1_005_000, 1_005_200);
    mock.fill(UserRef(1), 60);
    mock.settle(&mut s);
    assert_eq!(mock.truth[0] + mock.may_trade(0, Side::Buy), 100);
}

#[test]
fn a_broken_trade_is_not_made_up_for() {
    let (mut s, mut mock) = joined(&[(Param::Total, 100)]);
    mock.fill(UserRef(1), 100);
    mock.settle(&mut s);
    (mock.held[0], mock.truth[0]) = (0, 0);
    s.on_timer(&mut mock);
    assert_eq!(mock.entered().len(), 1);
}

#[test]
fn another_side_begins_another_parent_once_nothing_works() {
    let (mut s, mut mock) = joined(&[]);
    s.set_param(Param::Side as usize, 1);
    s.on_timer(&mut mock);
    assert_eq!(mock.entered().len(), 1);
    mock.settle(&mut s);
    s.on_timer(&mut mock);
    mock.pass_ms(50);
    s.on_timer(&mut mock);
    assert_eq!(mock.entered()[1].side, OrderSide::SellShort);
    assert_eq!(mock.may_trade(0, Side::Buy), 0);
}

#[test]
fn a_parent_made_smaller_takes_its_order_off() {
    let (mut s, mut mock) = joined(&[]);
    s.set_param(Param::Total as usize, 40);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    mock.pass_ms(50);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.may_trade(0, Side::Buy), 40);
}

#[test]
fn withdraws_from_a_market_it_cannot_rely_on() {
    let (mut s, mut mock) = joined(&[]);
    mock.status[0].suspect = Some(Lie::Crossed);
    s.on_status(Ticker(0), &mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.may_trade(0, Side::Buy), 0);
    let (mut s, mut mock) = joined(&[]);
    s.on_session(SessionEvent::FeedEnded, &mut mock);
    mock.reach_venue(Fate::Accept);
    assert_eq!(mock.may_trade(0, Side::Buy), 0);
}

proptest! {
    /// Executed and working shares never pass the parent, and nothing is left after the window.
    #[test]
    fn never_overfills(
        steps in prop::collection::vec(any::<Step>(), 1..400),
        total in 1_i64..600,
        sells in any::<bool>(),
    ) {
        let set = [
            (Param::Total, total), (Param::Side, i64::from(sells)), (Param::Rejoin, 1),
            (Param::Cross, 1), (Param::Behind, 5), (Param::Thin, 50), (Param::AheadMax, 1_000),
            (Param::End, NOON_S + 20), (Param::Patience, 10),
        ];
        let side = if sells { Side::Sell } else { Side::Buy };
        let (mut s, mut mock) = (executor(&set), Mock::new(2));
        let (mut twin, mut same) = (executor(&set), Mock::new(2));
        for &one in &steps {
            step(&mut mock, &mut s, one);
            step(&mut same, &mut twin, one);
            let done = if sells { -mock.truth[0] } else { mock.truth[0] };
            prop_assert!(done + mock.may_trade(0, side) <= total);
            prop_assert_eq!(mock.may_trade(0, side.opposite()) + mock.truth[1], 0);
        }
        prop_assert_eq!(&mock.asked, &same.asked);
        mock.now_ns = mock.now_ns.max((NOON_S as u64 + 20) * S_NS);
        calm(&mut mock, &mut s);
        s.on_timer(&mut mock);
        mock.settle(&mut s);
        prop_assert_eq!(mock.may_trade(0, side), 0);
        prop_assert_eq!((s.passive.look(&mock), s.crossing.look(&mock)), (None, None));
    }

    /// With a venue that is well, all of it is done within the window.
    #[test]
    fn is_done_by_the_end(total in 1_i64..2_000, urgency in 1_i64..400) {
        let set = [(Param::Total, total), (Param::Urgency, urgency)];
        let (mut s, mut mock) = (executor(&set), Mock::new(2));
        for _ in 0..9_999 {
            mock.pass_ms(10);
            s.on_timer(&mut mock);
            mock.settle(&mut s);
        }
        prop_assert_eq!(mock.truth[0], total);
    }

    #[test]
    fn survives_extremes(
        values in prop::collection::vec(any::<(u8, i64)>(), PARAMS.len()),
        steps in prop::collection::vec(any::<Step>(), 1..100),
        held in any::<i64>(),
    ) {
        let values: Vec<i64> = PARAMS.iter().zip(values).map(|(spec, (pick, any))| match pick % 3 {
            0 => spec.min,
            1 => spec.max,
            _ => any.clamp(spec.min, spec.max),
        }).collect();
        let (mut s, mut mock) = (Executor::new(2, &values), Mock::new(2));
        mock.held[0] = held / 2;
        for &one in &steps {
            step(&mut mock, &mut s, one);
        }
    }
}
