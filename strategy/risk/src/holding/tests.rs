use super::*;
use proptest::prelude::*;

fn after(trades: &[(Side, u32, u32)]) -> Holding {
    let mut held = Holding::default();
    for &(side, qty, price) in trades {
        held.trade(side, Qty(qty), Price(price));
    }
    held
}

use Side::{Buy, Sell};

#[test]
fn the_remainder_stays_with_what_is_held() {
    let held = after(&[(Buy, 3, 10), (Buy, 4, 11)]);
    assert_eq!((held.shares, held.cost), (7, 74));
    let held = after(&[(Buy, 3, 10), (Buy, 4, 11), (Sell, 3, 20)]);
    // 74 x 3 / 7 is 31 and a remainder.
    assert_eq!((held.shares, held.cost, held.realised), (4, 43, 29));
    let held = after(&[(Buy, 3, 10), (Buy, 4, 11), (Sell, 3, 20), (Sell, 4, 20)]);
    assert_eq!((held.shares, held.cost, held.realised), (0, 0, 140 - 74));
}

#[test]
fn through_zero_all_is_closed_and_the_rest_opens_at_its_own_price() {
    let held = after(&[(Buy, 100, 10), (Sell, 250, 12)]);
    assert_eq!((held.shares, held.cost, held.realised), (-150, -1_800, 200));
    let held = after(&[(Buy, 100, 10), (Sell, 250, 12), (Buy, 200, 11)]);
    assert_eq!((held.shares, held.cost, held.realised), (50, 550, 350));
    assert_eq!(held.traded, 550);
}

#[test]
fn a_trade_reversed_is_gone_from_shares_and_cash() {
    let mut held = after(&[(Buy, 100, 10), (Sell, 40, 12)]);
    held.reverse(Buy, Qty(100), Price(10));
    assert_eq!((held.shares, held.realised - held.cost, held.traded), (-40, 480, 40));
}

fn any_trade() -> impl Strategy<Value = (Side, u32, u32)> {
    let side = prop_oneof![Just(Buy), Just(Sell)];
    (side, prop_oneof![0u32..20, 0u32..1_000_000], prop_oneof![1u32..50, 1u32..2_000_000_000])
}

proptest! {
    #[test]
    fn profit_is_cash_and_worth(
        trades in prop::collection::vec(any_trade(), 0..200),
        mark in 1u32..2_000_000_000,
    ) {
        let mut held = Holding::default();
        let (mut shares, mut cash) = (0i128, 0i128);
        for (side, qty, price) in trades {
            held.trade(side, Qty(qty), Price(price));
            let sign = if side == Buy { 1 } else { -1 };
            shares += sign * i128::from(qty);
            cash -= sign * i128::from(qty) * i128::from(price);
            prop_assert_eq!(i128::from(held.shares), shares);
            let profit = i128::from(held.realised) + i128::from(held.open_profit(Price(mark)));
            prop_assert_eq!(profit, cash + shares * i128::from(mark));
            prop_assert!(i128::from(held.cost) * shares >= 0, "cost has the sign of the shares");
            prop_assert!(shares != 0 || held.cost == 0);
        }
    }

    #[test]
    fn nothing_wraps(trades in prop::collection::vec(any::<(bool, u32, u32)>(), 0..60)) {
        let mut held = Holding::default();
        for (buy, qty, price) in trades {
            held.trade(if buy { Buy } else { Sell }, Qty(qty), Price(price));
            prop_assert!(held.shares != 0 || held.cost == 0);
            held.open_profit(Price(u32::MAX));
        }
    }
}
