use super::*;
use crate::OrderLimits;
use types::{OrderSide, TimeInForce};

mod extremes;
mod twin;

const A: Ticker = Ticker(0);
const SECOND_NS: u64 = 1_000_000_000;
/// $100.00 by $100.10.
const AT: Quote = Quote {
    bid: Some(Price(1_000_000)),
    ask: Some(Price(1_001_000)),
    own_bid: None,
    own_ask: None,
    halted: false,
    stale: false,
    suspect: false,
    short_restricted: false,
};

fn limits() -> GateLimits {
    GateLimits {
        order: OrderLimits { qty_max: Qty(1_000), notional_max: 2_000_000_000, collar_bps: 500 },
        account_exposure_max: u64::MAX,
        account_gross_shares_max: u64::MAX,
        open_orders_max: 100,
        orders_per_second_max: 1_000,
        messages_per_second_max: 2_000,
        duplicate_window_ns: 0,
        duplicates_max: 0,
        loss_max: 0,
        runaway_refusals_max: 0,
        stale_is_refused: true,
        suspect_is_refused: true,
        market_orders: true,
    }
}

fn ticker_limits() -> TickerLimits {
    TickerLimits {
        position_max: 10_000,
        exposure_max: u64::MAX,
        open_orders_max: 50,
        restriction: Restriction::None,
        locate_shares: 1_000,
        tick: Price(100),
    }
}

fn gate_of(limits: GateLimits, ticker: TickerLimits) -> Gate {
    Gate::new(limits, &[ticker, ticker_limits()], None)
}

fn gate() -> Gate {
    gate_of(limits(), ticker_limits())
}

fn ask(side: OrderSide, qty: u32, price: u32) -> Ask {
    let (qty, price) = (Qty(qty), Price(price));
    Ask { ticker: A, side, qty, price, tif: TimeInForce::Day, post_only: false }
}

fn buy(qty: u32) -> Ask {
    ask(OrderSide::Buy, qty, 1_001_000)
}

/// Shares held, bought at `price`.
fn held(gate: &mut Gate, qty: u32, price: u32) {
    gate.adopt(A, Side::Buy, Qty(qty), Price(price));
    gate.on_fill(A, Side::Buy, Qty(qty), Price(price), Price(price));
    gate.on_done(A);
}

#[track_caller]
fn refused(gate: &mut Gate, ask: &Ask, at: &Quote, why: Refusal) {
    let (before, count) = (gate.position(ask.ticker), gate.refused()[why as usize]);
    let sums = (gate.exposure(), gate.gross_shares(), gate.open_orders());
    assert_eq!(gate.admit(1, ask, at), Err(why));
    assert_eq!(gate.position(ask.ticker), before, "a refusal changes nothing");
    assert_eq!((gate.exposure(), gate.gross_shares(), gate.open_orders()), sums);
    assert_eq!(gate.refused()[why as usize], count + 1);
}

#[test]
fn the_market_and_the_symbol_refuse() {
    let mut g = gate();
    refused(&mut g, &Ask { ticker: Ticker(2), ..buy(1) }, &AT, Refusal::UnknownSymbol);
    refused(&mut g, &buy(1), &Quote { halted: true, ..AT }, Refusal::Halted);
    refused(&mut g, &buy(1), &Quote { stale: true, ..AT }, Refusal::Stale);
    refused(&mut g, &buy(1), &Quote { suspect: true, ..AT }, Refusal::Suspect);
    g.set_limit(LimitName::StaleIsRefused, 0).unwrap();
    g.set_limit(LimitName::SuspectIsRefused, 0).unwrap();
    let doubtful = Quote { stale: true, suspect: true, ..AT };
    assert_eq!(g.admit(1, &buy(1), &doubtful), Ok(()));
    g.restrict(A, Restriction::NoTrade);
    refused(&mut g, &buy(1), &AT, Refusal::Restricted);
}

#[test]
fn close_only_goes_to_zero_and_not_through() {
    let mut g = gate();
    held(&mut g, 100, 1_000_000);
    g.restrict(A, Restriction::CloseOnly);
    refused(&mut g, &buy(1), &AT, Refusal::CloseOnly);
    let sell = |qty| ask(OrderSide::Sell, qty, 1_000_000);
    refused(&mut g, &sell(101), &AT, Refusal::CloseOnly);
    assert_eq!(g.admit(1, &sell(60), &AT), Ok(()));
    refused(&mut g, &sell(41), &AT, Refusal::CloseOnly);
    assert_eq!(g.admit(1, &sell(40), &AT), Ok(()));
}

#[test]
fn the_order_itself_refuses() {
    let mut g = gate();
    refused(&mut g, &buy(0), &AT, Refusal::OrderQty);
    refused(&mut g, &buy(1_001), &AT, Refusal::OrderQty);
    for price in [0, 1_001_050, 1_999_999_901, u32::MAX] {
        refused(&mut g, &ask(OrderSide::Buy, 1, price), &AT, Refusal::PriceInvalid);
    }
    assert_eq!(g.admit(1, &ask(OrderSide::Buy, 1, 9_999), &AT), Ok(()), "below a dollar");
    refused(&mut g, &ask(OrderSide::Buy, 1, 1_051_100), &AT, Refusal::PriceCollar);
    refused(&mut g, &buy(1), &Quote { bid: None, ask: None, ..AT }, Refusal::PriceCollar);
    g.set_limit(LimitName::OrderNotional, 100_099_999).unwrap();
    refused(&mut g, &buy(100), &AT, Refusal::OrderNotional);
}

#[test]
fn a_market_order_is_worth_the_touch_and_the_collar() {
    let mut g = gate();
    let (market, none) = (ask(OrderSide::Buy, 100, Price::MARKET.0), Quote::default());
    refused(&mut g, &market, &none, Refusal::PriceCollar);
    g.set_limit(LimitName::OrderNotional, 105_104_999).unwrap();
    refused(&mut g, &market, &AT, Refusal::OrderNotional);
    g.set_limit(LimitName::OrderNotional, 105_105_000).unwrap();
    assert_eq!(g.admit(1, &market, &AT), Ok(()));
    assert_eq!(g.exposure(), Price::MARKET.notional(Qty(100)), "no mark yet");
    g.mark(A, Price(1_000_500));
    assert_eq!(g.exposure(), 100_050_000);
    g.set_limit(LimitName::MarketOrders, 0).unwrap();
    refused(&mut g, &market, &AT, Refusal::MarketOrder);
}

#[test]
fn own_orders_are_not_met() {
    let mut g = gate();
    let own = Quote { own_bid: Some(Price(999_000)), own_ask: Some(Price(1_001_000)), ..AT };
    refused(&mut g, &buy(1), &own, Refusal::SelfCross);
    refused(&mut g, &Ask { post_only: true, ..buy(1) }, &own, Refusal::SelfCross);
    refused(&mut g, &ask(OrderSide::Buy, 1, Price::MARKET.0), &own, Refusal::SelfCross);
    assert_eq!(g.admit(1, &ask(OrderSide::Buy, 1, 1_000_900), &own), Ok(()));
    let short = |price| ask(OrderSide::SellShort, 1, price);
    refused(&mut g, &short(999_000), &own, Refusal::SelfCross);
    refused(&mut g, &short(Price::MARKET.0), &own, Refusal::SelfCross);
    assert_eq!(g.admit(1, &short(999_100), &own), Ok(()));
}

#[test]
fn the_kind_of_sale_is_held_to_regulation_sho() {
    let mut g = gate();
    held(&mut g, 100, 1_000_000);
    let sale = |kind, qty| ask(kind, qty, 1_000_000);
    refused(&mut g, &sale(OrderSide::Sell, 101), &AT, Refusal::ShortSaleFlag);
    assert_eq!(g.admit(1, &sale(OrderSide::Sell, 100), &AT), Ok(()));
    refused(&mut g, &sale(OrderSide::Sell, 1), &AT, Refusal::ShortSaleFlag);
    assert_eq!(g.admit(1, &sale(OrderSide::SellShort, 900), &AT), Ok(()));
    for kind in [OrderSide::SellShort, OrderSide::SellShortExempt] {
        refused(&mut g, &sale(kind, 101), &AT, Refusal::Locate);
    }
    let bound = Quote { short_restricted: true, ..AT };
    refused(&mut g, &sale(OrderSide::SellShort, 1), &bound, Refusal::ShortRestricted);
    let market = ask(OrderSide::SellShort, 1, Price::MARKET.0);
    refused(&mut g, &market, &bound, Refusal::ShortRestricted);
    let no_bid = Quote { bid: None, ..bound };
    let above = ask(OrderSide::SellShort, 1, 1_000_100);
    refused(&mut g, &above, &no_bid, Refusal::ShortRestricted);
    assert_eq!(g.admit(1, &above, &bound), Ok(()));
    assert_eq!(g.admit(1, &sale(OrderSide::SellShortExempt, 1), &bound), Ok(()));
    g.set_ticker_limit(A, TickerLimitName::LocateShares, 0).unwrap();
    refused(&mut g, &above, &AT, Refusal::Locate);
}

#[test]
fn positions_and_worths_are_bounded_by_their_worst_case() {
    let mut g = gate_of(limits(), TickerLimits { position_max: 150, ..ticker_limits() });
    g.mark(A, Price(1_000_000));
    assert_eq!(g.admit(1, &buy(100), &AT), Ok(()));
    refused(&mut g, &buy(51), &AT, Refusal::Position);
    g.set_ticker_limit(A, TickerLimitName::Exposure, 100_000_000).unwrap();
    refused(&mut g, &buy(1), &AT, Refusal::Exposure);
    assert_eq!(g.admit(1, &ask(OrderSide::SellShort, 100, 1_001_000), &AT), Ok(()), "the other");
    assert_eq!((g.exposure(), g.gross_shares()), (100_000_000, 100));
    g.set_limit(LimitName::AccountExposure, 100_000_000).unwrap();
    let other = Ask { ticker: Ticker(1), ..buy(1) };
    refused(&mut g, &other, &AT, Refusal::AccountExposure);
    g.set_limit(LimitName::AccountExposure, u64::MAX).unwrap();
    g.set_limit(LimitName::AccountGrossShares, 100).unwrap();
    refused(&mut g, &other, &AT, Refusal::GrossShares);
    g.mark(A, Price(2_000_000));
    g.release(A, Side::Sell, Qty(50), Price(1_001_000));
    let more = ask(OrderSide::SellShort, 50, 1_001_000);
    assert_eq!(g.admit(1, &more, &AT), Ok(()), "past its bound, and adds nothing");
}

#[test]
fn open_orders_are_bounded_for_the_symbol_and_the_account() {
    let mut g = gate_of(limits(), TickerLimits { open_orders_max: 1, ..ticker_limits() });
    assert_eq!(g.admit(1, &buy(1), &AT), Ok(()));
    refused(&mut g, &buy(1), &AT, Refusal::OpenOrders);
    g.set_limit(LimitName::OpenOrders, 1).unwrap();
    refused(&mut g, &Ask { ticker: Ticker(1), ..buy(1) }, &AT, Refusal::OpenOrders);
    g.release(A, Side::Buy, Qty(1), Price(1_001_000));
    g.on_done(A);
    assert_eq!(g.admit(1, &Ask { ticker: Ticker(1), ..buy(1) }, &AT), Ok(()));
    assert_eq!((g.position(A).open_orders, g.open_orders()), (0, 1));
}

#[test]
fn duplicates_within_the_window() {
    let duplicate_window_ns = SECOND_NS;
    let mut g =
        gate_of(GateLimits { duplicate_window_ns, duplicates_max: 2, ..limits() }, ticker_limits());
    assert_eq!(g.admit(1, &buy(1), &AT), Ok(()));
    assert_eq!(g.admit(2, &buy(1), &AT), Ok(()));
    assert_eq!(g.admit(SECOND_NS, &buy(1), &AT), Err(Refusal::Duplicate));
    assert_eq!(g.admit(SECOND_NS, &buy(2), &AT), Ok(()));
    assert_eq!(g.admit(SECOND_NS, &ask(OrderSide::Buy, 1, 1_000_900), &AT), Ok(()));
    assert_eq!(g.admit(SECOND_NS + 1, &buy(1), &AT), Ok(()), "the first is out of it");
}

#[test]
fn orders_and_messages_are_rated_and_cancels_never_refused() {
    let mut g = gate_of(
        GateLimits { orders_per_second_max: 2, messages_per_second_max: 4, ..limits() },
        ticker_limits(),
    );
    assert_eq!(g.admit(1, &buy(1), &AT), Ok(()));
    assert_eq!(g.admit(1, &buy(1), &AT), Ok(()));
    assert_eq!(g.admit(1, &buy(1), &AT), Err(Refusal::OrderRate));
    let old =
        OpenOrder { ticker: A, side: OrderSide::Buy, leaves: Qty(1), price: Price(1_001_000) };
    assert_eq!(g.admit_replace(1, &old, Qty(2), Price(1_000_000), &AT), Ok(()));
    for _ in 0..3 {
        g.on_cancel_sent(1);
    }
    assert_eq!(g.admit_replace(1, &old, Qty(2), Price(1_000_000), &AT), Err(Refusal::MessageRate));
    let later = 1 + SECOND_NS / 2;
    assert_eq!(g.admit(later, &buy(1), &AT), Err(Refusal::MessageRate), "in debt by two");
    assert_eq!(g.admit(later + SECOND_NS / 4, &buy(1), &AT), Ok(()));
}

#[test]
fn both_orders_of_a_replacement_count_until_one_is_gone() {
    let mut g = gate_of(limits(), TickerLimits { position_max: 250, ..ticker_limits() });
    assert_eq!(g.admit(1, &buy(100), &AT), Ok(()));
    let mut old =
        OpenOrder { ticker: A, side: OrderSide::Buy, leaves: Qty(100), price: Price(1_001_000) };
    let to = Price(1_000_000);
    assert_eq!(g.admit_replace(1, &old, Qty(151), to, &AT), Err(Refusal::Position));
    assert_eq!(g.admit_replace(1, &old, Qty(150), to, &AT), Ok(()));
    assert_eq!((g.position(A).open_buy, g.open_orders()), (250, 1));
    g.on_fill(A, Side::Buy, Qty(30), old.price, old.price);
    old.leaves = Qty(70);
    g.on_replaced(&old);
    let position = g.position(A);
    assert_eq!((position.shares, position.open_buy), (30, 150));
    assert_eq!(position.open_buy_value, 150_000_000);
    old = OpenOrder { leaves: Qty(150), price: to, ..old };
    assert_eq!(g.admit_replace(1, &old, Qty(50), old.price, &AT), Ok(()));
    g.on_replace_failed(&old, Qty(50), old.price);
    assert_eq!(g.position(A), position);
}

#[test]
fn a_seller_of_all_he_holds_can_move_his_price() {
    let mut g = gate();
    held(&mut g, 100, 1_000_000);
    assert_eq!(g.admit(1, &ask(OrderSide::Sell, 100, 1_002_000), &AT), Ok(()));
    let old =
        OpenOrder { ticker: A, side: OrderSide::Sell, leaves: Qty(100), price: Price(1_002_000) };
    assert_eq!(g.admit_replace(1, &old, Qty(100), Price(1_001_000), &AT), Ok(()));
    g.on_replaced(&old);
    let old = OpenOrder { price: Price(1_001_000), ..old };
    let more = g.admit_replace(1, &old, Qty(101), Price(1_001_000), &AT);
    assert_eq!(more, Err(Refusal::ShortSaleFlag));
}

#[test]
fn a_loss_trips_the_kill_switch() {
    let mut g = gate_of(GateLimits { loss_max: 1_000_000, ..limits() }, ticker_limits());
    held(&mut g, 100, 1_000_000);
    assert_eq!(g.admit(77, &buy(1), &AT), Ok(()));
    g.mark(A, Price(990_000));
    assert_eq!(g.profit(), Profit { realised: 0, open: -1_000_000 });
    assert_eq!(g.killed(), None, "at the limit, not beyond");
    g.mark(A, Price(989_999));
    assert_eq!(g.killed(), Some((KillReason::Loss, 77)));
    refused(&mut g, &buy(1), &AT, Refusal::Killed);
    g.kill(KillReason::Operator, 99);
    assert_eq!(g.killed(), Some((KillReason::Loss, 77)), "the first reason stands");
    g.mark(A, Price(990_000));
    g.revive();
    assert_eq!(g.admit(78, &buy(1), &AT), Ok(()));
    g.set_limit(LimitName::Loss, 999_999).unwrap();
    assert_eq!(g.killed(), Some((KillReason::Loss, 78)), "a new limit holds at once");
}

#[test]
fn running_wild_trips_the_kill_switch() {
    let mut g = gate_of(GateLimits { runaway_refusals_max: 3, ..limits() }, ticker_limits());
    for _ in 0..5 {
        assert_eq!(g.admit(4, &buy(0), &AT), Err(Refusal::OrderQty));
        assert_eq!(g.admit(4, &buy(0), &AT), Err(Refusal::OrderQty));
        assert_eq!(g.refuse(4, Refusal::NotConnected), Refusal::NotConnected);
        assert_eq!(g.admit(4, &buy(1), &AT), Ok(()), "not in a row");
    }
    for _ in 0..2 {
        g.on_rejected(5);
    }
    g.on_accepted();
    for _ in 0..3 {
        assert_eq!(g.killed(), None);
        assert_eq!(g.admit(6, &buy(0), &AT), Err(Refusal::OrderQty));
    }
    assert_eq!(g.killed(), Some((KillReason::Runaway, 6)));
    g.revive();
    for _ in 0..3 {
        assert_eq!(g.admit(7, &buy(1), &AT), Ok(()), "admitted each time");
        g.on_rejected(7);
    }
    assert_eq!(g.killed(), Some((KillReason::Runaway, 7)));
}

#[test]
fn busts_and_corrections_undo_exactly() {
    let mut g = gate();
    held(&mut g, 100, 1_000_000);
    let before = g.position(A);
    held(&mut g, 33, 1_000_100);
    g.adopt(A, Side::Sell, Qty(50), Price(1));
    g.on_fill(A, Side::Sell, Qty(50), Price(1_000_300), Price(1));
    g.on_done(A);
    g.on_corrected(A, Side::Sell, Qty(50), Price(1_000_300), Price(1_000_200));
    g.on_broken(A, Side::Sell, Qty(50), Price(1_000_200));
    g.on_broken(A, Side::Buy, Qty(33), Price(1_000_100));
    assert_eq!(g.position(A), before);
    assert_eq!(g.profit(), Profit::default());
}

#[test]
fn an_order_put_at_another_price_counts_at_that() {
    let mut g = gate();
    assert_eq!(g.admit(1, &buy(10), &AT), Ok(()));
    g.on_repriced(A, Side::Buy, Qty(10), Price(1_001_000), Price(1_000_900));
    assert_eq!((g.position(A).open_buy_value, g.exposure()), (10_009_000, 10_009_000));
}

#[test]
fn a_mark_that_is_no_price_is_passed_over() {
    let mut g = gate();
    g.mark(A, Price(5));
    for price in [0, Price::MARKET.0, u32::MAX] {
        g.mark(A, Price(price));
    }
    assert_eq!(g.position(A).mark, Some(Price(5)));
}

#[test]
fn a_firm_is_the_sum_of_its_gates() {
    let firm = Arc::new(Firm::new(150_000_000));
    let new = || Gate::new(limits(), &[ticker_limits()], Some(Arc::clone(&firm)));
    let (mut one, mut two) = (new(), new());
    assert_eq!(one.admit(1, &ask(OrderSide::Buy, 100, 1_000_000), &AT), Ok(()));
    refused(&mut two, &ask(OrderSide::Buy, 51, 1_000_000), &AT, Refusal::FirmExposure);
    assert_eq!(two.admit(1, &ask(OrderSide::Buy, 50, 1_000_000), &AT), Ok(()));
    assert_eq!(firm.exposure(), one.exposure() + two.exposure());
    one.mark(A, Price(1_100_000));
    assert_eq!(firm.exposure(), 160_000_000);
    refused(&mut two, &ask(OrderSide::Buy, 1, 1_000_000), &AT, Refusal::FirmExposure);
    drop(one);
    assert_eq!(firm.exposure(), 50_000_000);
}

#[test]
fn two_gates_on_two_threads_never_pass_the_firms_bound() {
    use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
    let firm = Arc::new(Firm::new(100_000_000));
    let open = AtomicU64::new(0);
    let roomy = GateLimits {
        orders_per_second_max: u32::MAX,
        messages_per_second_max: u32::MAX,
        ..limits()
    };
    std::thread::scope(|scope| {
        for qty in [3u32, 5] {
            let (firm, open) = (Arc::clone(&firm), &open);
            scope.spawn(move || {
                let mut gate = Gate::new(roomy, &[ticker_limits()], Some(firm));
                let (wish, worth) =
                    (ask(OrderSide::Buy, qty, 1_000_000), u64::from(qty) * 1_000_000);
                for _ in 0..2_000 {
                    let mut count = 0;
                    while gate.admit(1, &wish, &AT).is_ok() {
                        assert!(open.fetch_add(worth, SeqCst) + worth <= 100_000_000);
                        count += 1;
                    }
                    for _ in 0..count {
                        open.fetch_sub(worth, SeqCst);
                        gate.release(A, Side::Buy, wish.qty, wish.price);
                        gate.on_done(A);
                    }
                }
            });
        }
    });
    assert_eq!(firm.exposure(), 0);
}
