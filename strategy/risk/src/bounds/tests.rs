use super::*;

fn limits() -> GateLimits {
    GateLimits {
        order: OrderLimits { qty_max: Qty(0), notional_max: 0, collar_bps: 0 },
        account_exposure_max: 0,
        account_gross_shares_max: 0,
        open_orders_max: 0,
        orders_per_second_max: 0,
        messages_per_second_max: 0,
        duplicate_window_ns: 0,
        duplicates_max: 0,
        loss_max: 0,
        runaway_refusals_max: 0,
        stale_is_refused: false,
        suspect_is_refused: false,
        market_orders: false,
    }
}

#[test]
fn every_name_sets_its_own_bound() {
    let mut seen = Vec::new();
    for (code, name) in LimitName::ALL.into_iter().enumerate() {
        assert_eq!(name as usize, code);
        let mut changed = limits();
        assert_eq!(changed.set(name, 1), Ok(()));
        assert_ne!(changed, limits(), "{name:?}");
        assert!(!seen.contains(&changed), "{name:?} sets another's");
        seen.push(changed);
    }
}

#[test]
fn what_does_not_fit_changes_nothing() {
    for name in LimitName::ALL {
        let mut changed = limits();
        if let Err(LimitError::TooLarge { value, max }) = changed.set(name, u64::MAX) {
            assert_eq!((value, changed), (u64::MAX, limits()));
            assert_eq!(changed.set(name, max), Ok(()));
        }
    }
}
