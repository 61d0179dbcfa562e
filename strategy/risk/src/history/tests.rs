use super::*;
use proptest::prelude::*;
use types::Side::{Buy, Sell};

const A: Ticker = Ticker(0);

fn replayed(fills: &[(Side, u32, u32)]) -> Holding {
    let mut held = Holding::default();
    for &(side, qty, price) in fills {
        held.trade(side, Qty(qty), Price(price));
    }
    held
}

#[test]
fn the_newest_equal_fill_is_the_one_meant() {
    let mut history = History::new(2, 8);
    for (ticker, side, qty, price) in
        [(0, Buy, 5, 10), (0, Sell, 5, 12), (1, Buy, 5, 10), (0, Buy, 5, 10), (0, Buy, 5, 20)]
    {
        history.note(Ticker(ticker), side, Qty(qty), Price(price));
    }
    let was = (A, Buy, Qty(5), Price(10));
    let held = history.amend(was, None);
    assert_eq!(held, Some(replayed(&[(Buy, 5, 10), (Sell, 5, 12), (Buy, 5, 20)])));
    let held = history.amend(was, Some(Price(11)));
    assert_eq!(held, Some(replayed(&[(Buy, 5, 11), (Sell, 5, 12), (Buy, 5, 20)])));
    assert_eq!(history.amend(was, None), None, "both are changed already");
}

proptest! {
    #[test]
    fn what_falls_out_of_the_ring_still_counts(
        kept_max in 1usize..6,
        fills in prop::collection::vec((any::<bool>(), 1u32..9, 1u32..50), 1..30),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut fills: Vec<_> =
            fills.into_iter().map(|(b, q, p)| (if b { Buy } else { Sell }, q, p)).collect();
        let mut history = History::new(1, kept_max);
        for &(side, qty, price) in &fills {
            history.note(A, side, Qty(qty), Price(price));
        }
        let (side, qty, price) = fills[pick.index(fills.len())];
        let newest = fills.iter().rposition(|f| *f == (side, qty, price)).unwrap();
        let held = history.amend((A, side, Qty(qty), Price(price)), None);
        let remembered = newest + kept_max >= fills.len();
        prop_assert_eq!(held.is_some(), remembered);
        fills.remove(newest);
        let right = replayed(&fills);
        let held = held.unwrap_or_else(|| {
            history.rebase(A, |base| base.reverse(side, Qty(qty), Price(price)))
        });
        if remembered {
            prop_assert_eq!(held, right);
        }
        prop_assert_eq!(held.shares, right.shares);
        prop_assert_eq!(held.realised - held.cost, right.realised - right.cost);
        prop_assert_eq!(held.traded, right.traded);
    }
}
