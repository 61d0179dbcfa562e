//! No order leaves but through the gate, and whatever it holds back is told to the wire.

use super::rig::*;
use super::storm::{builtin, input, run};
use proptest::prelude::*;
use risk::{GateLimits, OrderLimits, Restriction, TickerLimits};
use types::Qty;

/// Gates that let nothing through, each by another check.
fn shut() -> Vec<(GateLimits, TickerLimits)> {
    let (all, each) = (limits(), ticker_limits());
    let order = OrderLimits { qty_max: Qty(0), ..all.order };
    let worthless = OrderLimits { notional_max: 0, ..all.order };
    vec![
        (GateLimits { order, ..all }, each),
        (GateLimits { order: worthless, ..all }, each),
        (GateLimits { orders_per_second_max: 0, ..all }, each),
        (GateLimits { messages_per_second_max: 0, ..all }, each),
        (GateLimits { open_orders_max: 0, ..all }, each),
        (GateLimits { account_exposure_max: 0, ..all }, each),
        (all, TickerLimits { restriction: Restriction::NoTrade, ..each }),
        (all, TickerLimits { position_max: 0, ..each }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Of a shut gate nothing comes but the query after a login.
    #[test]
    fn nothing_leaves_where_all_is_refused(
        strategy in builtin(),
        inputs in prop::collection::vec(input(false), 1..150),
        (all, each) in prop::sample::select(shut()),
    ) {
        let rig = run(&strategy, &inputs, all, each);
        let left = |kinds: &[u8]| kinds.iter().map(|k| rig.wire.left[usize::from(*k)]).sum::<u64>();
        prop_assert_eq!(rig.wire.left.iter().sum::<u64>(), left(b"Q"));
        prop_assert_eq!(rig.core.desk().counters().sent, 0);
        prop_assert!(rig.wire.refused.iter().all(|refused| refused.at_ns <= rig.now_ns));
    }

    /// What leaves was admitted: an open gate's counts are those of the wire.
    #[test]
    fn what_leaves_is_what_was_admitted_and_the_rest_is_told(
        strategy in builtin(),
        inputs in prop::collection::vec(input(true), 1..150),
    ) {
        let rig = run(&strategy, &inputs, limits(), ticker_limits());
        let counters = rig.core.desk().counters();
        let left = |kind: u8| rig.wire.left[usize::from(kind)];
        prop_assert_eq!(left(b'O'), counters.sent);
        prop_assert_eq!(left(b'U'), counters.replaces_sent);
        prop_assert_eq!(left(b'X'), counters.cancels_sent);
        prop_assert_eq!(left(b'O') + left(b'U') + left(b'X') + left(b'Q'),
            rig.wire.left.iter().sum::<u64>());
        prop_assert_eq!((counters.unexpected, counters.unreadable), (0, 0));
    }
}
