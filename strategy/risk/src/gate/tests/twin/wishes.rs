//! What the gate and its twin are put through.

use super::*;

fn price() -> impl Strategy<Value = u32> {
    prop_oneof![
        12 => (98u32..103).prop_map(|cents| cents * 10_000),
        4 => (9_500u32..10_500).prop_map(|price| price * 100),
        2 => Just(Price::MARKET.0),
        1 => prop_oneof![Just(0u32), Just(1_000_050), Just(2_000_000_000), Just(50)],
    ]
}

fn traded() -> impl Strategy<Value = u32> {
    (980_000u32..1_030_000).prop_map(|price| price / 100 * 100)
}

fn qty() -> impl Strategy<Value = u32> {
    prop_oneof![6 => (1u32..6).prop_map(|lots| lots * 100), 3 => 1u32..600, 1 => 0u32..2_000]
}

fn quote() -> impl Strategy<Value = Quote> {
    let touch = || prop_oneof![1 => Just(None), 9 => traded().prop_map(|p| Some(Price(p)))];
    let own = || prop_oneof![6 => Just(None), 1 => traded().prop_map(|p| Some(Price(p)))];
    let rare = || prop::bool::weighted(0.03);
    let flags = (rare(), rare(), rare(), prop::bool::weighted(0.2));
    (touch(), touch(), own(), own(), flags).prop_map(
        |(bid, ask, own_bid, own_ask, (halted, stale, suspect, short_restricted))| Quote {
            bid,
            ask,
            own_bid,
            own_ask,
            halted,
            stale,
            suspect,
            short_restricted,
        },
    )
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let ticker = || 0usize..TICKERS;
    let kind = prop_oneof![
        5 => Just(OrderSide::Buy),
        2 => Just(OrderSide::Sell),
        3 => Just(OrderSide::SellShort),
        1 => Just(OrderSide::SellShortExempt)
    ];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let restriction = prop_oneof![
        4 => Just(Restriction::None),
        2 => Just(Restriction::CloseOnly),
        1 => Just(Restriction::NoTrade)
    ];
    let limit = prop_oneof![
        (300u64..800).prop_map(|v| (LimitName::OrderQty, v)),
        (0u64..800).prop_map(|v| (LimitName::CollarBps, v)),
        (0u64..4).prop_map(|v| (LimitName::Duplicates, v)),
        (0u64..20_000_000).prop_map(|v| (LimitName::Loss, v)),
        (0u64..2).prop_map(|v| (LimitName::MarketOrders, v)),
        any::<u64>().prop_map(|v| (LimitName::OpenOrders, v)),
    ];
    let index = any::<Index>;
    let known = prop_oneof![30 => ticker(), 1 => Just(TICKERS)];
    prop_oneof![
        30 => (known, kind, qty(), price(), quote()).prop_map(|(t, k, q, p, at)| {
            Op::Enter((t, k, q, p), at)
        }),
        8 => (index(), qty(), price(), quote()).prop_map(|(i, q, p, at)| Op::Replace(i, q, p, at)),
        8 => (index(), any::<bool>()).prop_map(|(i, ok)| Op::Settle(i, ok)),
        20 => (index(), 1u32..500, traded()).prop_map(|(i, q, p)| Op::Fill(i, q, p)),
        10 => index().prop_map(Op::Done),
        2 => (ticker(), side, 1u32..300, traded()).prop_map(|(t, s, q, p)| Op::Adopt(t, s, q, p)),
        10 => (ticker(), traded()).prop_map(|(t, p)| Op::Mark(t, p)),
        3 => index().prop_map(Op::Break),
        3 => (index(), traded()).prop_map(|(i, p)| Op::Correct(i, p)),
        4 => Just(Op::CancelSent),
        12 => (0u64..400_000_000).prop_map(Op::Wait),
        1 => Just(Op::Kill),
        4 => Just(Op::Revive),
        2 => (ticker(), restriction).prop_map(|(t, r)| Op::Restrict(t, r)),
        2 => limit.prop_map(|(name, value)| Op::Limit(name, value)),
        2 => (ticker(), 0u64..2_000).prop_map(|(t, v)| Op::Locate(t, v)),
        1 => Just(Op::Back),
    ]
}

prop_compose! {
    pub(super) fn both_limits()(
        position_max in 500u64..3_000,
        exposure_max in 500_000_000u64..3_000_000_000,
        account_exposure_max in 1_000_000_000u64..5_000_000_000,
        account_gross_shares_max in 1_000u64..6_000,
        (open_orders_max, here_max) in (4u32..20, 2u32..10),
        (orders_per_second_max, messages_per_second_max) in (2u32..12, 4u32..30),
        duplicate_window_ns in 0u64..2_000_000_000,
        duplicates_max in 0u32..3,
        loss_max in prop_oneof![Just(0u64), 1_000_000u64..30_000_000],
        runaway_refusals_max in prop_oneof![Just(0u32), 3u32..12],
        collar_bps in 100u32..400,
    ) -> (GateLimits, TickerLimits) {
        let order =
            OrderLimits { qty_max: Qty(700), notional_max: 610_000_000, collar_bps };
        let limits = GateLimits {
            order,
            account_exposure_max,
            account_gross_shares_max,
            open_orders_max,
            orders_per_second_max,
            messages_per_second_max,
            duplicate_window_ns,
            duplicates_max,
            loss_max,
            runaway_refusals_max,
            ..limits()
        };
        let open_orders_max = here_max;
        (limits, TickerLimits { position_max, exposure_max, open_orders_max, ..ticker_limits() })
    }
}
