use super::*;
use proptest::prelude::*;
use types::Price;

const T: Ticker = Ticker(0);

#[test]
fn every_key_sets_the_limit_of_its_name_in_the_configurations_unit() {
    let set = |key, value: Value| command(key, None, &value);
    let account = |limit, value| Ok(Command::SetLimit { limit, value });
    assert_eq!(set("order_qty_max", json!(500)), account(LimitName::OrderQty, 500));
    assert_eq!(set("loss_dollars", json!(500)), account(LimitName::Loss, 5_000_000));
    assert_eq!(
        set("duplicate_window_ms", json!(2)),
        account(LimitName::DuplicateWindow, 2_000_000)
    );
    assert_eq!(
        set("account_gross_shares_max", json!(0)),
        account(LimitName::AccountGrossShares, u64::MAX)
    );
    assert_eq!(set("stale", json!("trade")), account(LimitName::StaleIsRefused, 0));
    assert_eq!(set("market_orders", json!(true)), account(LimitName::MarketOrders, 1));
    assert_eq!(
        set("firm_exposure_max_dollars", json!(7)),
        Ok(Command::SetFirmExposure { value: 70_000 })
    );
    let limit = TickerLimitName::Position;
    let one = command("position_max_shares", Some(T), &json!(9));
    assert_eq!(one, Ok(Command::SetTickerLimit { ticker: T, limit, value: 9 }));
}

#[test]
fn what_cannot_be_set_is_told_with_what_could() {
    for (key, ticker, value, told) in [
        ("order_qty", None, json!(1), "did you mean \"order_qty_max\""),
        ("zzz", None, json!(1), "there are: order_qty_max"),
        ("loss_dollars", None, json!(-1), "must be whole dollars"),
        ("loss_dollars", None, json!(u64::MAX), "must be whole dollars"),
        ("stale", None, json!(1), "\"stop\" or \"trade\""),
        ("market_orders", None, json!("yes"), "true or false"),
        ("position_max_shares", None, json!(1), "\"symbol\":\"AAPL\""),
        ("loss_dollars", Some(T), json!(1), "leave \"symbol\" out"),
    ] {
        let message = command(key, ticker, &value).expect_err(key);
        assert!(message.contains(told), "{key}: {message}");
    }
}

#[test]
fn limits_are_told_by_the_same_keys() {
    let limits = TickerLimits {
        position_max: 10,
        exposure_max: u64::MAX,
        open_orders_max: 3,
        restriction: risk::Restriction::None,
        locate_shares: 4,
        tick: Price(0),
    };
    let told = symbol("AAPL", &limits);
    let expected = json!({
        "event": "symbol_limits", "symbol": "AAPL", "position_max_shares": 10,
        "exposure_max_dollars": 0, "symbol_open_orders_max": 3, "locates": 4,
    });
    assert_eq!(told, expected);
}

proptest! {
    #[test]
    fn any_value_is_taken_or_told(at in 0..NAMED.len(), value in any::<u64>()) {
        let (key, whose, unit) = NAMED[at];
        let ticker = matches!(whose, Whose::Symbol(_)).then_some(T);
        if let Ok(read) = command(key, ticker, &json!(value)) {
            let set = match read {
                Command::SetLimit { value, .. }
                | Command::SetTickerLimit { value, .. }
                | Command::SetFirmExposure { value } => value,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(unit.read(&unit.write(set)), Some(set));
        }
    }
}
