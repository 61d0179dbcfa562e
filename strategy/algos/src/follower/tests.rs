use super::*;
use crate::Strategy;
use crate::mock::{Fate, Mock, Step, calm, step};
use market::Lie;
use proptest::prelude::*;
use types::{OrderSide, Price};

fn follower(tickers: u16, set: &[(Param, i64)]) -> Follower {
    let mut follower = Follower::new(tickers, &[]);
    for &(param, value) in [(Param::Warm, 3)].iter().chain(set) {
        follower.set_param(param as usize, value);
    }
    follower
}

/// A follower of one leader, both at 100.01, warmed up.
fn warm(set: &[(Param, i64)]) -> (Follower, Mock) {
    let (mut s, mut mock) = (follower(2, set), Mock::new(2));
    for _ in 0..3 {
        s.on_timer(&mut mock);
    }
    (s, mock)
}

#[test]
fn enters_beyond_the_threshold_and_exits_when_back() {
    let (mut s, mut mock) = warm(&[(Param::Pause, 0)]);
    mock.quote(&mut s, 0, 1_000_500, 1_000_700);
    assert!(mock.asked.is_empty(), "five bps are within");
    mock.quote(&mut s, 0, 1_002_000, 1_002_200);
    let ask = mock.entered()[0];
    assert_eq!((ask.side, ask.price), (OrderSide::SellShort, Price(1_002_000)));
    assert_eq!(ask.tif, TimeInForce::Ioc);
    mock.settle(&mut s);
    assert_eq!(mock.held[0], -1_000, "clip by clip to its bound");
    mock.quote(&mut s, 0, 1_000_400, 1_000_600);
    mock.settle(&mut s);
    assert_eq!(mock.held[0], -1_000, "four bps are not back");
    mock.quote(&mut s, 0, 1_000_000, 1_000_200);
    mock.settle(&mut s);
    assert_eq!(mock.held[0], 0);
    assert_eq!(mock.entered().last().unwrap().side, OrderSide::Buy);
}

#[test]
fn a_leader_that_moves_is_followed() {
    let (mut s, mut mock) = warm(&[]);
    mock.quote(&mut s, 1, 1_005_000, 1_005_200);
    let ask = mock.entered()[0];
    assert_eq!((ask.ticker, ask.side, ask.price), (FOLLOWER, OrderSide::Buy, Price(1_000_200)));
}

#[test]
fn weighs_a_basket_and_knows_a_spread() {
    let set = [(Param::Model, 1), (Param::Weight1, 500), (Param::Weight2, -250)];
    let (mut s, mut mock) = (follower(3, &set), Mock::new(3));
    assert_eq!(s.prices(&mock), Some((1_000_100.0, 250_025.0)));
    for _ in 0..3 {
        s.on_timer(&mut mock);
    }
    assert_eq!(s.average, 750_075.0);
    mock.quote(&mut s, 2, 1_040_000, 1_040_200);
    assert_eq!(s.deviation_bps(&mock).map(f64::round), Some(101.0));
    s.set_param(Param::Weight1 as usize, 400);
    assert_eq!(s.deviation_bps(&mock), None, "begins anew");
}

#[test]
fn waits_while_an_order_is_out_and_while_it_cools_down() {
    let (mut s, mut mock) = warm(&[(Param::Pause, 100)]);
    for _ in 0..3 {
        mock.quote(&mut s, 0, 1_002_000, 1_002_200);
    }
    assert_eq!(mock.entered().len(), 1);
    mock.settle(&mut s);
    assert_eq!(mock.entered().len(), 1);
    mock.pass_ms(100);
    mock.tick(&mut s, 0);
    assert_eq!(mock.entered().len(), 2);
    mock.reach_venue(Fate::Reject);
    mock.settle(&mut s);
    mock.pass_ms(100);
    mock.tick(&mut s, 1);
    assert_eq!(mock.entered().len(), 3);
}

#[test]
fn does_nothing_while_any_symbol_cannot_be_relied_on() {
    let (mut s, mut mock) = warm(&[]);
    mock.status[1].suspect = Some(Lie::Crossed);
    mock.quote(&mut s, 0, 1_010_000, 1_010_200);
    assert!(mock.asked.is_empty());
    let samples = s.samples;
    s.on_timer(&mut mock);
    assert_eq!(s.samples, samples);
}

#[test]
fn late_in_the_day_it_only_takes_positions_off() {
    let (mut s, mut mock) = warm(&[(Param::Pause, 0)]);
    mock.now_ns = 57_540 * S_NS;
    mock.quote(&mut s, 0, 1_010_000, 1_010_200);
    assert!(mock.asked.is_empty());
    (mock.held[0], mock.truth[0]) = (-150, -150);
    mock.tick(&mut s, 0);
    mock.settle(&mut s);
    assert_eq!(mock.held[0], 0, "and never turns one around");
}

proptest! {
    #[test]
    fn stays_within_bounds(
        steps in prop::collection::vec(any::<Step>(), 1..400),
        position_max in 0_i64..500,
    ) {
        let set = [(Param::PositionMax, position_max), (Param::Pause, 1), (Param::Enter, 1)];
        let (mut s, mut mock) = (follower(3, &set), Mock::new(3));
        let (mut twin, mut same) = (follower(3, &set), Mock::new(3));
        for &one in &steps {
            step(&mut mock, &mut s, one);
            step(&mut same, &mut twin, one);
            prop_assert!(mock.truth[0] + mock.may_trade(0, Side::Buy) <= position_max);
            prop_assert!(-mock.truth[0] + mock.may_trade(0, Side::Sell) <= position_max);
            prop_assert!(mock.entered().iter().all(|ask| ask.ticker == FOLLOWER));
        }
        prop_assert_eq!(&mock.asked, &same.asked);
        calm(&mut mock, &mut s);
        prop_assert_eq!(mock.may_trade(0, Side::Buy) + mock.may_trade(0, Side::Sell), 0);
        prop_assert_eq!(s.out.look(&mock), None);
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
        let (mut s, mut mock) = (Follower::new(2, &values), Mock::new(2));
        mock.held[0] = held / 2;
        for &one in &steps {
            step(&mut mock, &mut s, one);
        }
    }
}
