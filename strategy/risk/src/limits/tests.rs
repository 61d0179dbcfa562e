use super::*;

const AT: Reference = Reference { bid: Some(Price(999_000)), ask: Some(Price(1_000_000)) };
const LIMITS: OrderLimits =
    OrderLimits { qty_max: Qty(500), notional_max: 10_000_000_000, collar_bps: 100 };

#[test]
fn quantity_and_value() {
    assert!(LIMITS.qty_ok(Qty(500)));
    assert!(!LIMITS.qty_ok(Qty(501)));
    assert!(!LIMITS.qty_ok(Qty(0)));
    assert!(LIMITS.notional_ok(Side::Buy, Qty(500), Price(1_000_000), AT));
    let tight = OrderLimits { notional_max: 499_999_999, ..LIMITS };
    assert!(!tight.notional_ok(Side::Buy, Qty(500), Price(1_000_000), AT));
    assert!(!tight.notional_ok(Side::Buy, Qty(500), Price::MARKET, AT), "valued at the ask");
    assert!(tight.notional_ok(Side::Buy, Qty(500), Price::MARKET, Reference::default()));
}

#[test]
fn collar_is_one_sided() {
    assert_eq!(LIMITS.collar_ok(Side::Buy, Price(1_010_000), AT), Some(true));
    assert_eq!(LIMITS.collar_ok(Side::Buy, Price(1_010_001), AT), Some(false));
    assert_eq!(LIMITS.collar_ok(Side::Buy, Price(1), AT), Some(true), "passive is harmless");
    assert_eq!(LIMITS.collar_ok(Side::Sell, Price(989_010), AT), Some(true));
    assert_eq!(LIMITS.collar_ok(Side::Sell, Price(989_009), AT), Some(false));
    assert_eq!(LIMITS.collar_ok(Side::Sell, Price(5), Reference::default()), None);
    let off = OrderLimits { collar_bps: 0, ..LIMITS };
    assert_eq!(off.collar_ok(Side::Buy, Price(u32::MAX - 1), Reference::default()), Some(true));
}
