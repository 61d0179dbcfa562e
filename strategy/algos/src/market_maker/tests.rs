use super::*;
use crate::Strategy;
use crate::mock::{Asked, Fate, Mock, Step, calm, level, step};
use market::{Currency, Lie};
use proptest::prelude::*;
use types::{OrderSide, TradingState, UserRef};

/// The defaults, but some.
fn maker(tickers: u16, set: &[(Param, i64)]) -> MarketMaker {
    let mut maker = MarketMaker::new(tickers, &[]);
    for &(param, value) in set {
        maker.set_param(param as usize, value);
    }
    maker
}

/// No quote on either side.
const GONE: [Vec<u32>; 2] = [Vec::new(), Vec::new()];

fn prices(mock: &Mock, ticker: u16) -> [Vec<u32>; 2] {
    [Side::Buy, Side::Sell].map(|side| mock.live(ticker, side).iter().map(|o| o.price.0).collect())
}

/// A maker whose quotes stand at 100.00 by 100.02.
fn standing() -> (MarketMaker, Mock) {
    let (mut s, mut mock) = (maker(1, &[(Param::Interval, 0)]), Mock::new(1));
    mock.tick(&mut s, 0);
    mock.settle(&mut s);
    assert_eq!(prices(&mock, 0), [vec![1_000_000], vec![1_000_200]]);
    (s, mock)
}

#[test]
fn quotes_both_sides_post_only_around_the_fair_value() {
    let (_, mock) = standing();
    for ask in mock.entered() {
        assert!(ask.post_only && ask.tif == TimeInForce::Day && ask.qty == Qty(100));
    }
    let sides: Vec<_> = mock.entered().iter().map(|ask| ask.side).collect();
    assert_eq!(sides, [OrderSide::SellShort, OrderSide::Buy]);
}

#[test]
fn the_microprice_leans_to_the_emptier_side() {
    let s = maker(1, &[]);
    let (bid, ask) = (level(1_000_000, 900, 1), level(1_000_200, 100, 1));
    assert_eq!(s.fair_e7(bid, ask), 1_000_180_000);
    let s = maker(1, &[(Param::Fair, 0)]);
    assert_eq!(s.fair_e7(bid, ask), 1_000_100_000);
}

#[test]
fn leans_against_its_inventory() {
    let s = maker(1, &[(Param::Fair, 0), (Param::HalfTicks, 2), (Param::Skew, 10_000)]);
    let (bid, ask) = (level(1_000_000, 1, 1), level(1_000_400, 1, 1));
    assert_eq!(s.prices(bid, ask, 0), [Some(Price(1_000_000)), Some(Price(1_000_400))]);
    // 100 shares at 0.001 dollar each are ten ticks.
    assert_eq!(s.prices(bid, ask, 100), [Some(Price(999_000)), Some(Price(1_000_100))]);
    assert_eq!(s.prices(bid, ask, -100), [Some(Price(1_000_300)), Some(Price(1_001_400))]);
}

#[test]
fn a_spread_of_nothing_is_still_a_tick() {
    let s = maker(1, &[(Param::Fair, 0), (Param::HalfTicks, 0), (Param::Skew, 0)]);
    let (bid, ask) = (level(1_000_000, 1, 1), level(1_000_200, 1, 1));
    assert_eq!(s.prices(bid, ask, 1), [Some(Price(1_000_000)), Some(Price(1_000_100))]);
    assert_eq!(s.prices(bid, ask, 0), [Some(Price(1_000_100)), Some(Price(1_000_200))]);
}

#[test]
fn does_not_chase_noise() {
    let (mut s, mut mock) = standing();
    s.set_param(Param::Threshold as usize, 2);
    mock.quote(&mut s, 0, 1_000_100, 1_000_300);
    assert_eq!(mock.asked.len(), 2, "a tick is below the threshold");
    mock.quote(&mut s, 0, 1_000_200, 1_000_400);
    assert!(matches!(mock.asked[2], Asked::Replace(_, Qty(100), Price(1_000_400))));
}

#[test]
fn waits_between_two_orders_of_a_side() {
    let (mut s, mut mock) = standing();
    s.set_param(Param::Interval as usize, 10);
    mock.quote(&mut s, 0, 1_000_500, 1_000_700);
    assert_eq!(mock.asked.len(), 2);
    mock.pass_ms(10);
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.asked.len(), 4);
}

#[test]
fn holds_a_bid_back_until_its_own_offer_is_out_of_the_way() {
    let (mut s, mut mock) = standing();
    mock.quote(&mut s, 0, 1_001_000, 1_001_200);
    assert_eq!(mock.asked.len(), 3, "the offer alone");
    mock.settle(&mut s);
    assert_eq!(prices(&mock, 0), [vec![1_001_000], vec![1_001_200]]);
}

#[test]
fn moves_a_quote_that_was_moved() {
    let (mut s, mut mock) = standing();
    for bid in [1_000_100, 1_000_300, 999_900] {
        mock.quote(&mut s, 0, bid, bid + 200);
        mock.settle(&mut s);
        assert_eq!(prices(&mock, 0), [vec![bid], vec![bid + 200]]);
    }
}

#[test]
fn leaves_its_own_level_out_of_the_fair_value() {
    let (mut s, mut mock) = standing();
    mock.books[0] = [
        vec![level(1_000_000, 100, 1), level(999_800, 1_000, 5)],
        vec![level(1_000_200, 1_000, 5)],
    ];
    mock.tick(&mut s, 0);
    mock.settle(&mut s);
    assert_eq!(prices(&mock, 0)[0], [999_900], "a tick below the middle of 99.98 by 100.02");
}

#[test]
fn pulls_where_the_market_cannot_be_relied_on() {
    type Break = fn(&mut Mock);
    let breaks: [Break; 6] = [
        |mock| mock.status[0].trading = TradingState::Halted,
        |mock| mock.status[0].suspect = Some(Lie::Crossed),
        |mock| mock.status[0].currency = Currency::Silent,
        |mock| mock.status[0].market_hours = false,
        |mock| mock.books[0][0].clear(),
        |mock| mock.now_ns = 57_540 * S_NS,
    ];
    for broken in breaks {
        let (mut s, mut mock) = standing();
        broken(&mut mock);
        s.on_status(Ticker(0), &mut mock);
        mock.settle(&mut s);
        assert_eq!(prices(&mock, 0), GONE);
    }
    let (mut s, mut mock) = standing();
    s.on_session(SessionEvent::FeedEnded, &mut mock);
    mock.settle(&mut s);
    assert_eq!(prices(&mock, 0), GONE);
    let (mut s, mut mock) = standing();
    s.set_param(Param::Quiet as usize, 1_000);
    mock.status[0].updated_ns = mock.now_ns - 1_000 * MS_NS - 1;
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(prices(&mock, 0), GONE);
}

#[test]
fn a_pull_that_finds_no_room_is_tried_again() {
    let (mut s, mut mock) = standing();
    mock.no_room = true;
    mock.status[0].trading = TradingState::Halted;
    s.on_status(Ticker(0), &mut mock);
    mock.no_room = false;
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(prices(&mock, 0), GONE);
}

#[test]
fn cancels_a_replacement_that_overtook_its_cancel() {
    let (mut s, mut mock) = standing();
    mock.quote(&mut s, 0, 1_001_000, 1_001_200);
    mock.status[0].trading = TradingState::Halted;
    s.on_status(Ticker(0), &mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.may_trade(0, Side::Sell), 0);
    assert_eq!(mock.may_trade(0, Side::Buy), 0);
}

#[test]
fn keeps_within_its_position_through_a_replacement_that_fills_twice() {
    let (mut s, mut mock) = standing();
    s.set_param(Param::PositionMax as usize, 150);
    mock.quote(&mut s, 0, 999_000, 999_200);
    // 100 live and 100 more could make 200, so the bid is canceled and entered again.
    assert!(matches!(mock.asked[2], Asked::Cancel(_)));
    mock.fill(UserRef(2), 60);
    mock.settle(&mut s);
    assert_eq!(mock.held[0], 60);
    assert_eq!(mock.may_trade(0, Side::Buy), 90);
}

#[test]
fn a_post_only_cancel_is_not_answered_at_once() {
    let (mut s, mut mock) = (maker(1, &[(Param::Interval, 10)]), Mock::new(1));
    mock.tick(&mut s, 0);
    while mock.reach_venue(Fate::PostOnlyCancel) || mock.hear(&mut s) {}
    mock.tick(&mut s, 0);
    assert_eq!(mock.asked.len(), 2);
    mock.pass_ms(10);
    mock.tick(&mut s, 0);
    mock.settle(&mut s);
    assert_eq!(mock.entered().len(), 4);
}

#[test]
fn takes_off_what_is_from_before_a_restart() {
    let (mut s, mut mock) = standing();
    mock.no_room = true;
    mock.recover(&mut s, 0, OrderSide::Buy);
    mock.no_room = false;
    s.on_timer(&mut mock);
    mock.settle(&mut s);
    assert_eq!(mock.may_trade(0, Side::Buy), 100, "its own quote alone");
}

#[test]
fn a_broken_trade_pulls_the_side_it_leaves_too_full() {
    let (mut s, mut mock) = standing();
    s.set_param(Param::PositionMax as usize, 100);
    mock.held[0] = 50;
    let order = mock.live(0, Side::Buy)[0];
    let what = What::Broken { match_id: types::MatchId(1) };
    s.on_order(&OrderReport { order, what }, &mut mock);
    mock.settle(&mut s);
    assert!(mock.may_trade(0, Side::Buy) <= 50);
}

fn check(mock: &Mock, position_max: i64) -> Result<(), TestCaseError> {
    for ticker in 0..mock.tickers() {
        let truth = mock.truth[usize::from(ticker)];
        prop_assert!(truth + mock.may_trade(ticker, Side::Buy) <= position_max);
        prop_assert!(-truth + mock.may_trade(ticker, Side::Sell) <= position_max);
        let best = |side, pick: fn(Price, Price) -> Price| {
            mock.live(ticker, side).iter().map(|o| o.price).reduce(pick)
        };
        let (bid, ask) = (best(Side::Buy, Price::max), best(Side::Sell, Price::min));
        prop_assert!(bid.zip(ask).is_none_or(|(bid, ask)| bid < ask), "{bid:?} {ask:?}");
        prop_assert!(mock.live(ticker, Side::Buy).len() <= 1);
        prop_assert!(mock.live(ticker, Side::Sell).len() <= 1);
    }
    Ok(())
}

proptest! {
    /// Whatever becomes of its orders, it never risks more than it may, never crosses itself, and
    /// at the end knows every order that lives.
    #[test]
    fn stays_within_bounds(
        steps in prop::collection::vec(any::<Step>(), 1..400),
        position_max in 0_i64..500,
        shows_new in any::<bool>(),
    ) {
        let set = [(Param::PositionMax, position_max), (Param::Interval, 1)];
        let (mut s, mut mock) = (maker(2, &set), Mock::new(2));
        let (mut twin, mut same) = (maker(2, &set), Mock::new(2));
        (mock.shows_new, same.shows_new) = (shows_new, shows_new);
        for &one in &steps {
            step(&mut mock, &mut s, one);
            check(&mock, position_max)?;
            step(&mut same, &mut twin, one);
        }
        prop_assert_eq!(&mock.asked, &same.asked);
        calm(&mut mock, &mut s);
        mock.now_ns = 57_540 * S_NS;
        s.on_timer(&mut mock);
        mock.settle(&mut s);
        for ticker in 0..2 {
            prop_assert_eq!(mock.may_trade(ticker, Side::Buy), 0);
            prop_assert_eq!(mock.may_trade(ticker, Side::Sell), 0);
        }
    }

    /// No value within its bounds, and no market, makes it ask for what cannot be.
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
        let (mut s, mut mock) = (MarketMaker::new(2, &values), Mock::new(2));
        mock.held[0] = held / 2;
        for &one in &steps {
            step(&mut mock, &mut s, one);
        }
    }
}
