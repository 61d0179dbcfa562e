//! Small scenes whose fills are computed by hand.

use super::*;
use crate::FillModel;

fn market() -> Market {
    Market::new(FillModel::Queue, HiddenPrints::Through)
}

#[test]
fn an_order_waits_its_turn() {
    let mut m = market();
    m.add(1, Side::Buy, 300, 1_000);
    m.add(2, Side::Buy, 200, 1_000);
    m.enter(1, Side::Buy, 100, 1_000);
    assert_eq!(m.place(1), Some((500, 2)));
    m.add(3, Side::Buy, 400, 1_000);
    m.reduce(3, 100);
    assert_eq!(m.place(1), Some((500, 2)), "what comes later is behind");
    m.execute(1, 100);
    m.reduce(2, 50);
    assert_eq!(m.place(1), Some((350, 2)));
    m.delete(1);
    assert_eq!(m.place(1), Some((150, 1)));
    m.execute(2, 150);
    assert_eq!(m.place(1), Some((0, 0)));
    assert_eq!(m.notes.told(), []);
    // Whoever traded with the third would have met ours first.
    m.execute(3, 60);
    m.execute(3, 60);
    m.execute(3, 60);
    assert_eq!(m.notes.told(), [(1, 60, 1_000, 'A'), (1, 40, 1_000, 'A')]);
    assert_eq!(m.notes.letters(), "A E E");
    assert_eq!(m.venue.resting(), 0);
}

#[test]
fn a_replaced_order_goes_behind_ours() {
    let mut m = market();
    m.add(1, Side::Sell, 300, 1_010);
    m.enter(1, Side::Sell, 100, 1_010);
    m.replace(1, 2, 300, 1_010);
    assert_eq!(m.place(1), Some((0, 0)));
    m.execute(2, 30);
    assert_eq!(m.notes.told(), [(1, 30, 1_010, 'A')]);
}

#[test]
fn a_trade_through_the_price_fills_at_the_price() {
    let mut m = market();
    m.add(1, Side::Buy, 300, 1_000);
    m.add(2, Side::Buy, 300, 990);
    m.enter(1, Side::Buy, 500, 1_000);
    m.execute(2, 200);
    m.print(100, 1_000);
    m.print(100, 999);
    assert_eq!(m.notes.told(), [(1, 200, 1_000, 'A'), (1, 100, 1_000, 'A')]);
}

#[test]
fn an_order_that_crosses_ours_fills_it_and_is_not_taken_again() {
    let mut m = market();
    m.enter(1, Side::Buy, 100, 1_000);
    m.add(1, Side::Sell, 150, 995);
    assert_eq!(m.notes.told(), [(1, 100, 1_000, 'A')]);
    m.enter(2, Side::Buy, 100, 1_000);
    assert_eq!(m.notes.told()[1..], [(2, 50, 995, 'R')], "the fifty that are left of it");
    assert_eq!(m.place(2), Some((0, 0)));
}

#[test]
fn an_aggressor_takes_what_is_shown_once() {
    let mut m = market();
    m.add(1, Side::Sell, 100, 1_000);
    m.add(2, Side::Sell, 100, 1_010);
    m.add(3, Side::Sell, 100, 1_020);
    m.enter_as(1, Side::Buy, 150, 1_010, TimeInForce::Ioc, false);
    m.enter_as(2, Side::Buy, 150, 1_010, TimeInForce::Ioc, false);
    assert_eq!(m.notes.told(), [(1, 100, 1_000, 'R'), (1, 50, 1_010, 'R'), (2, 50, 1_010, 'R')]);
    assert_eq!(m.notes.letters(), "A E E A E CI");
    m.reduce(2, 60);
    m.add(4, Side::Sell, 30, 1_010);
    m.enter_as(3, Side::Buy, 500, 1_010, TimeInForce::Ioc, false);
    assert_eq!(m.notes.told()[3..], [(3, 30, 1_010, 'R')]);
}

#[test]
fn what_may_not_be_is_canceled_or_rejected() {
    let mut m = market();
    m.add(1, Side::Sell, 100, 1_000);
    m.enter_as(1, Side::Buy, 10, 1_000, TimeInForce::Day, true);
    m.enter(2, Side::Sell, 10, 1_020);
    m.enter(3, Side::Buy, 500, 1_030);
    m.enter(3, Side::Buy, 10, 900);
    m.cancel(9);
    m.instead(9, 10, 10, 900);
    m.state(b'H');
    m.enter_as(11, Side::Buy, 10, 1_000, TimeInForce::Ioc, false);
    assert_eq!(m.notes.letters(), "A CG A A CQ J J");
    assert_eq!(m.notes.told(), []);
    m.enter(12, Side::Buy, 10, 1_000);
    m.execute(1, 50);
    assert_eq!(m.notes.told(), [], "nothing trades while it is halted");
}

#[test]
fn replacements_count_what_was_traded_and_keep_their_place_only_when_smaller() {
    let mut m = market();
    m.add(1, Side::Buy, 100, 1_000);
    m.enter(1, Side::Buy, 100, 1_000);
    m.add(2, Side::Buy, 100, 1_000);
    m.delete(1);
    m.execute(2, 30);
    // 100 in all, of which 30 have traded: 70 stay in place.
    m.instead(1, 2, 100, 1_000);
    assert_eq!(m.place(2), Some((0, 0)));
    m.instead(2, 3, 101, 1_000);
    assert_eq!(m.place(3), Some((70, 1)), "a share more goes to the back");
    m.instead(3, 4, 30, 1_000);
    assert_eq!(m.notes.letters(), "A E U U CU", "nothing left is a cancel");
    assert_eq!(m.venue.resting(), 0);
}

#[test]
fn a_cross_fills_what_is_better_and_the_closing_one_ends_the_day() {
    let mut m = market();
    m.enter(1, Side::Buy, 100, 1_010);
    m.enter(2, Side::Buy, 100, 1_005);
    m.enter(3, Side::Buy, 100, 1_000);
    m.state(b'P');
    m.cross(150, 1_000, b'H');
    assert_eq!(m.notes.told(), [(1, 100, 1_000, 'K'), (2, 50, 1_000, 'K')]);
    m.cross(0, 0, b'C');
    assert_eq!(m.notes.letters(), "A A A E E CE CE");
    assert_eq!(m.venue.resting(), 0);
}

#[test]
fn the_models_are_ordered() {
    let shares = |model| {
        let mut m = Market::new(model, HiddenPrints::Through);
        m.add(1, Side::Buy, 100, 1_000);
        m.enter(1, Side::Buy, 100, 1_000);
        m.add(2, Side::Buy, 100, 1_000);
        m.add(3, Side::Buy, 100, 990);
        m.execute(1, 10);
        m.execute(2, 20);
        m.execute(3, 30);
        m.notes.told().iter().map(|fill| fill.1).collect::<Vec<_>>()
    };
    assert_eq!(shares(FillModel::Touch), [10, 20, 30]);
    assert_eq!(shares(FillModel::Queue), [20, 30]);
    assert_eq!(shares(FillModel::Conservative), [30]);
}
