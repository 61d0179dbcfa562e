//! The engine and its naive twin agree, event by event and order by order.

use super::*;
use crate::LiveOrder;
use crate::naive::{Naive, Order};

fn config(self_match: SelfMatch, opens_trading: bool) -> EngineConfig {
    let config = super::config(512, 512);
    EngineConfig { trades: 1 << 12, self_match, opens_trading, ..config }
}

/// As the engine tells of the same order.
fn seen(order: &Order) -> LiveOrder {
    LiveOrder {
        party: order.party,
        side: order.side,
        symbol: order.symbol,
        price: order.price,
        leaves: Qty(order.live()),
        displayed: Qty(if order.shown() { order.qty } else { 0 }),
        executed: Qty(order.executed),
        terms: Terms { post_only: PostOnly::No, ..order.terms },
        firm: order.firm,
        cross: order.cross,
    }
}

fn agree(config: &EngineConfig, commands: &[Record]) {
    let mut engine = Engine::new(config);
    let mut naive = Naive::new(config);
    for record in commands {
        let mut events = Vec::new();
        engine.apply(&record.command, record.now, &mut events);
        assert_eq!(events, naive.apply(&record.command, record.now), "{record:?}");
        for symbol in SYMBOLS {
            let mut live: Vec<_> = engine.orders(symbol).collect();
            live.sort_by_key(|o| o.party.order_id);
            let theirs = naive.orders.iter().filter(|o| o.symbol == symbol);
            let mut expected: Vec<_> = theirs.map(seen).collect();
            expected.sort_by_key(|o| o.party.order_id);
            assert_eq!(live, expected, "{record:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn without_orders_that_follow_the_midpoint(
        self_match in self_match(),
        opens_trading in prop::bool::weighted(0.8),
        Script(commands) in script(Menu::NoPegs, 100),
    ) {
        agree(&config(self_match, opens_trading), &commands);
    }

    #[test]
    fn without_minimum_quantities(
        self_match in self_match(),
        opens_trading in prop::bool::weighted(0.8),
        Script(commands) in script(Menu::NoMinimum, 100),
    ) {
        agree(&config(self_match, opens_trading), &commands);
    }
}
