use super::*;
use crate::Strategy;
use crate::mock::{Asked, Fate, Mock, Step, calm, step};
use proptest::prelude::*;
use types::{OrderSide, Price, UserRef};

const TAKE: i64 = 0;
const JOIN: i64 = 1;

fn echo(mode: i64, every: i64) -> Echo {
    Echo::new(4, &[mode, 10, every])
}

#[test]
fn takes_the_far_touch_in_turn() {
    let (mut e, mut mock) = (echo(TAKE, 1), Mock::new(4));
    mock.quote(&mut e, 1, 9_900, 10_100);
    mock.quote(&mut e, 1, 9_900, 10_100);
    let got: Vec<_> = mock.entered().iter().map(|a| (a.side.side(), a.price.0, a.tif)).collect();
    assert_eq!(got, [(Side::Buy, 10_100, TimeInForce::Ioc), (Side::Sell, 9_900, TimeInForce::Ioc)]);
}

#[test]
fn marks_a_sale_of_more_than_is_held_short() {
    let (mut e, mut mock) = (echo(TAKE, 1), Mock::new(1));
    for _ in 0..2 {
        mock.tick(&mut e, 0);
        mock.settle(&mut e);
    }
    assert_eq!(mock.entered()[1].side, OrderSide::Sell, "ten were bought");
    mock.tick(&mut e, 0);
    mock.reach_venue(Fate::Reject);
    mock.settle(&mut e);
    mock.tick(&mut e, 0);
    assert_eq!(mock.entered()[3].side, OrderSide::SellShort);
}

#[test]
fn joins_and_takes_the_former_one_off() {
    let (mut e, mut mock) = (echo(JOIN, 1), Mock::new(4));
    for _ in 0..4 {
        mock.quote(&mut e, 1, 9_900, 10_100);
    }
    let off = |mock: &Mock| mock.asked.iter().filter(|a| matches!(a, Asked::Cancel(_))).count();
    assert_eq!(off(&mock), 2);
    assert_eq!(mock.entered()[0].price, Price(9_900));
    mock.settle(&mut e);
    mock.fill(UserRef(3), 10);
    mock.settle(&mut e);
    mock.quote(&mut e, 1, 9_900, 10_100);
    assert_eq!(off(&mock), 2, "a dead order is not canceled again");
}

#[test]
fn lets_other_and_odd_books_be() {
    let (mut e, mut mock) = (Echo::new(1, &[TAKE, 10, 1]), Mock::new(2));
    mock.quote(&mut e, 1, 9_900, 10_100);
    mock.quote(&mut e, 0, 10_100, 10_100);
    mock.quote(&mut e, 0, 10_200, 10_100);
    mock.books[0][1].clear();
    mock.tick(&mut e, 0);
    e.on_book(Ticker(0), News::new(Ticker(0), News::BOOK), &mut mock);
    assert!(mock.entered().is_empty());
}

#[test]
fn counts_ticks_and_goes_on_after_a_refusal() {
    let (mut e, mut mock) = (echo(TAKE, 3), Mock::new(1));
    for turn in 0..12 {
        mock.refuse = (7..9).contains(&turn);
        mock.tick(&mut e, 0);
    }
    assert_eq!(mock.entered().len(), 3);
    assert_eq!(mock.entered()[2].side, OrderSide::SellShort, "the side after the refused one");
}

proptest! {
    /// Both sides take turns, and of one's orders at most one is left standing at the end.
    #[test]
    fn alternates_whatever_happens(steps in prop::collection::vec(any::<Step>(), 1..300)) {
        let (mut e, mut mock) = (echo(JOIN, 1), Mock::new(2));
        let mut again = (echo(JOIN, 1), Mock::new(2));
        for &one in &steps {
            // A refused turn is a turn as well, so troubles of the gate are left out here.
            if one.0 % 24 == 21 || one.0 % 24 == 20 || one.0 % 24 == 22 {
                continue;
            }
            for (mock, e) in [(&mut mock, &mut e), (&mut again.1, &mut again.0)] {
                step(mock, e, one);
                // With too many cancels unanswered a turn is passed over.
                mock.reach_venue(Fate::Accept);
                mock.hear(e);
                mock.hear(e);
            }
        }
        let sides: Vec<_> = mock.entered().iter().map(|ask| ask.side.side()).collect();
        prop_assert!(sides.windows(2).all(|two| two[0] != two[1]));
        prop_assert_eq!(&mock.asked, &again.1.asked);
        calm(&mut mock, &mut e);
        for side in [Side::Buy, Side::Sell] {
            let live: usize = (0..2).map(|ticker| mock.live(ticker, side).len()).sum();
            prop_assert!(live <= 1, "{live} orders");
        }
    }

    /// No order is forgotten when cancels are lost or find no room.
    #[test]
    fn forgets_no_order(steps in prop::collection::vec(any::<Step>(), 1..300)) {
        let (mut e, mut mock) = (echo(JOIN, 1), Mock::new(2));
        for &one in &steps {
            step(&mut mock, &mut e, one);
        }
        for _ in 0..3 {
            calm(&mut mock, &mut e);
        }
        for side in [Side::Buy, Side::Sell] {
            let live: usize = (0..2).map(|ticker| mock.live(ticker, side).len()).sum();
            prop_assert!(live <= 1, "{live} orders");
        }
    }
}
