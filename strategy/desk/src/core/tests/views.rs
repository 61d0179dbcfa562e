//! What a strategy sees of the market beyond its top: queues, the tape, notices and breakers.

use super::rig::*;
use super::say::Told;
use crate::CoreConfig;
use algos::{Context, ParamSpec, Strategy};
use market::{News, Trade};
use types::{Price, Side, Ticker};

/// The best bid's queue, and the last three prints, as looked at with every change.
#[derive(Debug, Default)]
struct Looker {
    queue: Vec<(u64, u32)>,
    prints: Vec<(Ticker, u64)>,
    breached: u8,
    retail: u8,
}

impl Strategy for Looker {
    fn on_book<C: Context>(&mut self, ticker: Ticker, _: News, ctx: &mut C) {
        let Some(best) = ctx.top(ticker).bid else { return };
        let queue = ctx.queue(ticker, Side::Buy, best.price);
        self.queue = queue.map(|order| (order.payload.0, order.qty.0)).collect();
        let level = ctx.level(ticker, Side::Buy, best.price).unwrap();
        assert_eq!(level.orders as usize, self.queue.len());
        assert_eq!(ctx.queue(ticker, Side::Sell, Price(1)).count(), 0);
    }

    fn on_trade<C: Context>(&mut self, ticker: Ticker, trade: &Trade, ctx: &mut C) {
        let last = ctx.prints().next_back();
        assert_eq!(last, Some((ticker, *trade)));
        let newest = ctx.prints().rev().take(3);
        self.prints = newest.map(|(ticker, trade)| (ticker, trade.qty)).collect();
    }

    fn on_status<C: Context>(&mut self, ticker: Ticker, ctx: &mut C) {
        self.breached = ctx.breakers().breached;
        self.retail = ctx.notices(ticker).retail_interest;
    }

    fn params(&self) -> &'static [ParamSpec] {
        &[]
    }

    fn param(&self, _: usize) -> i64 {
        0
    }

    fn set_param(&mut self, _: usize, _: i64) {}
}

#[test]
fn a_strategy_sees_queues_order_by_order_the_tape_and_notices() {
    let mut rig = Rig::new(Looker::default(), CoreConfig::default(), limits()).ready();
    for (id, qty, price) in [(1, 10, 9_000), (2, 20, 9_000), (3, 30, 8_900), (4, 40, 9_000)] {
        rig.tell(A, Told::Add { id, letter: b'B', qty, name: 0, price, mpid: false });
    }
    assert_eq!(rig.core.strategy().queue, [(1, 10), (2, 20), (4, 40)]);
    rig.tell(A, Told::Execute { id: 1, qty: 4, of: 1 });
    rig.tell(A, Told::Cancel { id: 4, qty: 1 });
    rig.tell(A, Told::Delete { id: 2 });
    assert_eq!(rig.core.strategy().queue, [(1, 6), (4, 39)]);
    rig.tell(B, Told::Trade { letter: b'B', qty: 7, name: 1, price: 5_000, of: 2 });
    rig.tell(A, Told::Execute { id: 1, qty: 6, of: 3 });
    rig.tell(A, Told::Execute { id: 4, qty: 39, of: 4 });
    assert_eq!(rig.core.strategy().prints, [(A, 39), (A, 6), (B, 7)]);
    rig.tell(A, Told::Breach { letter: b'2' });
    let head = [b'N', 0, 1, 0, 0, 0, 0, 0, 0, 0, 99];
    rig.itch(&[&head[..], &names()[0].0, b"B"].concat());
    let looker = rig.core.strategy();
    assert_eq!((looker.breached, looker.retail), (2, b'B'));
}
