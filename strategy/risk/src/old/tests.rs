use super::*;

const AAPL: SymbolId = SymbolId(1);
const AT: Reference = Reference { bid: Some(Price(999_900)), ask: Some(Price(1_000_000)) };

fn gate() -> TraderGate {
    let order = OrderLimits { qty_max: Qty(100), notional_max: u64::MAX, collar_bps: 500 };
    TraderGate::new(
        TraderLimits { order, position_max: 250, open_orders_max: 3, orders_per_second_max: 4 },
        2,
    )
}

fn buy(qty: u32) -> Intent {
    Intent {
        symbol: AAPL,
        side: OrderSide::Buy,
        qty: Qty(qty),
        price: Price(1_000_000),
        tif: TimeInForce::Day,
    }
}

#[test]
fn open_orders_count_as_filled() {
    let mut g = gate();
    assert_eq!(g.admit(1, &buy(100), AT), Ok(()));
    assert_eq!(g.admit(1, &buy(100), AT), Ok(()));
    assert_eq!(g.admit(1, &buy(51), AT), Err(Refusal::Position));
    g.on_fill(AAPL, Side::Buy, Qty(100), Price(1_000_000));
    g.on_done();
    assert_eq!(g.admit(1, &buy(51), AT), Err(Refusal::Position), "held now instead of open");
    g.release(AAPL, Side::Buy, Qty(100));
    g.on_done();
    assert_eq!(g.admit(1, &buy(51), AT), Ok(()));
    assert_eq!(g.position(AAPL).shares, 100);
    assert_eq!(g.position(AAPL).cash, -100_000_000);
}

#[test]
fn selling_is_bounded_the_other_way() {
    let mut g = gate();
    let sell = Intent { side: OrderSide::Sell, ..buy(100) };
    assert_eq!(g.admit(1, &sell, AT), Ok(()));
    assert_eq!(g.admit(1, &sell, AT), Ok(()));
    assert_eq!(g.admit(1, &sell, AT), Err(Refusal::Position));
    assert_eq!(g.admit(1, &buy(100), AT), Ok(()));
}

#[test]
fn each_bound_has_its_reason() {
    let mut g = gate();
    assert_eq!(g.admit(1, &buy(0), AT), Err(Refusal::OrderQty));
    assert_eq!(g.admit(1, &buy(101), AT), Err(Refusal::OrderQty));
    assert_eq!(g.admit(1, &buy(1), Reference::default()), Err(Refusal::PriceCollar));
    let far = Intent { price: Price(1_050_001), ..buy(1) };
    assert_eq!(g.admit(1, &far, AT), Err(Refusal::PriceCollar));
    let other = Intent { symbol: SymbolId(2), ..buy(1) };
    assert_eq!(g.admit(1, &other, AT), Err(Refusal::UnknownSymbol));
    for _ in 0..3 {
        assert_eq!(g.admit(1, &buy(1), AT), Ok(()));
    }
    assert_eq!(g.admit(1, &buy(1), AT), Err(Refusal::OpenOrders));
}

#[test]
fn the_rate_is_a_token_bucket() {
    let mut g = gate();
    let sent = |g: &mut TraderGate, now| {
        let ok = g.admit(now, &buy(1), AT);
        if ok.is_ok() {
            g.release(AAPL, Side::Buy, Qty(1));
            g.on_done();
        }
        ok
    };
    for _ in 0..4 {
        assert_eq!(sent(&mut g, 5), Ok(()));
    }
    assert_eq!(sent(&mut g, 5), Err(Refusal::OrderRate));
    assert_eq!(sent(&mut g, 5 + SECOND_NS / 4), Ok(()));
    assert_eq!(sent(&mut g, 5 + SECOND_NS / 4), Err(Refusal::OrderRate));
    assert_eq!(sent(&mut g, 0), Err(Refusal::OrderRate), "time going back earns nothing");
}
