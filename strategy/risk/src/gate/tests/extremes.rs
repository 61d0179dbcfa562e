//! Whatever the numbers, nothing wraps and nothing panics.

use super::*;
use proptest::prelude::*;

fn edge_u32() -> impl Strategy<Value = u32> {
    let near = Just(Price::MARKET.0);
    prop_oneof![Just(0), Just(1), Just(u32::MAX), near, Just(Price::LIMIT_MAX.0), any::<u32>()]
}

fn edge_u64() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(i64::MAX as u64), any::<u64>()]
}

fn kind() -> impl Strategy<Value = OrderSide> {
    prop_oneof![
        Just(OrderSide::Buy),
        Just(OrderSide::Sell),
        Just(OrderSide::SellShort),
        Just(OrderSide::SellShortExempt)
    ]
}

prop_compose! {
    fn wild_limits()(
        amounts in prop::array::uniform6(edge_u64()),
        counts in prop::array::uniform6(edge_u32()),
    ) -> (GateLimits, TickerLimits) {
        let [notional_max, exposure, gross, window, loss_max, position_max] = amounts;
        let [qty, collar_bps, orders, messages, duplicates_max, runaway] = counts;
        let limits = GateLimits {
            order: OrderLimits { qty_max: Qty(qty), notional_max, collar_bps },
            account_exposure_max: exposure,
            account_gross_shares_max: gross,
            open_orders_max: u32::MAX,
            orders_per_second_max: orders,
            messages_per_second_max: messages,
            duplicate_window_ns: window,
            duplicates_max,
            loss_max,
            runaway_refusals_max: runaway,
            ..limits()
        };
        let ticker = TickerLimits {
            position_max,
            exposure_max: exposure,
            open_orders_max: u32::MAX,
            locate_shares: gross,
            tick: Price(duplicates_max),
            ..ticker_limits()
        };
        (limits, ticker)
    }
}

type Step = (u8, OrderSide, u32, u32, u32, u64);

/// Takes one step; open orders are kept so that only what is open is filled or released.
fn step(g: &mut Gate, open: &mut Vec<(Side, u32, u32)>, (op, kind, qty, price, other, now): Step) {
    let quote = Quote { bid: Some(Price(other)), ask: Some(Price(price)), ..AT };
    match op % 8 {
        0 | 1 => {
            if g.admit(now, &ask(kind, qty, price), &quote).is_ok() {
                open.push((kind.side(), qty, price));
            }
        }
        2 => {
            g.adopt(A, kind.side(), Qty(qty), Price(price));
            open.push((kind.side(), qty, price));
        }
        3 => {
            let Some((side, qty, price)) = open.pop() else { return };
            g.on_fill(A, side, Qty(qty), Price(other), Price(price));
            g.on_done(A);
        }
        4 => g.mark(A, Price(price)),
        5 => g.on_broken(A, kind.side(), Qty(qty), Price(price)),
        6 => g.on_corrected(A, kind.side(), Qty(qty), Price(price), Price(other)),
        _ => {
            let Some(&(side, leaves, was)) = open.last() else { return };
            let kind = if side == Side::Buy { OrderSide::Buy } else { kind };
            if kind.side() != side {
                return;
            }
            let old = OpenOrder { ticker: A, side: kind, leaves: Qty(leaves), price: Price(was) };
            if g.admit_replace(now, &old, Qty(qty), Price(price), &quote).is_ok() {
                g.on_replaced(&old);
                open.pop();
                open.push((side, qty, price));
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_wraps(
        (limits, ticker) in wild_limits(),
        firm_max in edge_u64(),
        steps in prop::collection::vec(
            (any::<u8>(), kind(), edge_u32(), edge_u32(), edge_u32(), edge_u64()), 1..80),
    ) {
        let firm = Arc::new(Firm::new(firm_max));
        let mut g = Gate::remembering(4, limits, &[ticker], Some(Arc::clone(&firm)));
        let mut open = Vec::new();
        for one in steps {
            step(&mut g, &mut open, one);
            g.cancel_and_look();
            prop_assert_eq!(firm.exposure(), g.exposure().min(SHARE_MAX));
            prop_assert_eq!(g.open_orders() as usize, open.len());
            let open_buy: u64 =
                open.iter().filter(|o| o.0 == Side::Buy).map(|o| u64::from(o.1)).sum();
            prop_assert_eq!(g.position(A).open_buy, open_buy);
        }
        drop(g);
        prop_assert_eq!(firm.exposure(), 0);
    }
}

impl Gate {
    fn cancel_and_look(&mut self) {
        self.on_cancel_sent(u64::MAX / 2);
        self.revive();
        let position = self.position(A);
        let _ = (position.open_profit(), position.cash(), position.average_price());
        let _ = (self.profit(), self.exposure(), self.gross_shares());
    }
}
