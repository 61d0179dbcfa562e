//! The kinds of orders and the trading day, one rule a test.

use super::semantics::{bench, enter, live, on, rejected};
use super::*;
use OrderSide::{Buy, Sell};
use types::{CancelReason, TradingState};

const PLAIN: Terms = Terms {
    tif: TimeInForce::Day,
    display: Display::Visible,
    peg: Peg::None,
    post_only: PostOnly::No,
    min_qty: Qty(0),
    max_floor: Qty(0),
    expire_s: 0,
};

fn operate(bench: &mut Bench, operation: Operation) -> Vec<Event> {
    bench.apply(&Command::Operate(operation))
}

/// (resting order's number, price, shares) of every trade.
fn trades(events: &[Event]) -> Vec<(u64, u32, u32)> {
    let executed = events.iter().filter_map(|e| match e {
        Event::Executed(e) => Some((e.resting.order_id.0, e.price.0, e.qty.0)),
        _ => None,
    });
    executed.collect()
}

fn cross_of(events: &[Event]) -> Option<(u32, u64)> {
    events.iter().find_map(|e| match e {
        Event::CrossDone(e) => Some((e.price.0, e.qty)),
        _ => None,
    })
}

#[test]
fn fill_or_kill_is_all_or_nothing() {
    let mut bench = bench();
    bench.apply(&enter(1, 1, Sell, 5, 100));
    bench.apply(&enter(1, 2, Sell, 5, 101));
    let fok = |qty| Terms { tif: TimeInForce::Ioc, min_qty: Qty(qty), ..PLAIN };
    let events = bench.apply(&on(fok(11), enter(0, 1, Buy, 11, 101)));
    assert!(trades(&events).is_empty());
    let events = bench.apply(&on(fok(10), enter(0, 2, Buy, 10, 101)));
    assert_eq!(trades(&events), [(1, 100, 5), (2, 101, 5)]);
}

/// The second order's own minimum no longer fits when the first has traded: not even a part.
#[test]
fn fill_or_kill_looks_ahead_to_minimums_behind() {
    let mut bench = bench();
    bench.apply(&enter(1, 1, Sell, 5, 100));
    bench.apply(&on(Terms { min_qty: Qty(8), ..PLAIN }, enter(1, 2, Sell, 9, 101)));
    let fok = Terms { tif: TimeInForce::Ioc, min_qty: Qty(10), ..PLAIN };
    assert!(trades(&bench.apply(&on(fok, enter(0, 1, Buy, 10, 101)))).is_empty());
}

#[test]
fn a_reserve_comes_up_at_the_back_under_a_new_number() {
    let mut bench = bench();
    bench.apply(&on(Terms { max_floor: Qty(3), ..PLAIN }, enter(1, 1, Sell, 8, 100)));
    bench.apply(&enter(2, 1, Sell, 4, 100));
    let events = bench.apply(&enter(0, 1, Buy, 8, 100));
    assert_eq!(trades(&events), [(1, 100, 3), (2, 100, 4), (4, 100, 1)]);
    let refreshed = events.iter().find_map(|e| match e {
        Event::Restated(e) => Some((e.reason, e.displayed.0, e.party.order_id.0)),
        _ => None,
    });
    assert_eq!(refreshed, Some((b'R', 3, 4)));
}

#[test]
fn hidden_stands_behind_shown_at_one_price() {
    let mut bench = bench();
    bench.apply(&on(Terms { display: Display::Hidden, ..PLAIN }, enter(1, 1, Sell, 5, 100)));
    bench.apply(&enter(1, 2, Sell, 5, 100));
    assert_eq!(trades(&bench.apply(&enter(0, 1, Buy, 6, 100))), [(2, 100, 5), (1, 100, 1)]);
}

#[test]
fn midpoint_orders_trade_at_the_midpoint_and_follow_it() {
    let mut bench = bench();
    let mid = Terms { peg: Peg::Midpoint, ..PLAIN };
    bench.apply(&enter(1, 1, Buy, 5, 100));
    bench.apply(&enter(1, 2, Sell, 5, 110));
    bench.apply(&on(mid, enter(0, 1, Buy, 5, 104)));
    let events = bench.apply(&on(mid, enter(2, 1, Sell, 5, 0)));
    assert!(trades(&events).is_empty(), "105 is above its limit");
    let events = bench.apply(&enter(1, 3, Sell, 1, 108));
    assert_eq!(trades(&events), [(3, 104, 5)]);
}

#[test]
fn an_order_ends_at_its_second() {
    let mut bench = bench();
    let gtt = Terms { tif: TimeInForce::Gtt, expire_s: 2, ..PLAIN };
    bench.apply(&on(gtt, enter(0, 1, Buy, 5, 100)));
    let clock = Command::Operate(Operation::Clock);
    assert!(bench.apply_at(&clock, Nanos(1_999_999_999)).is_empty());
    let events = bench.apply_at(&clock, Nanos(2_000_000_000));
    assert!(matches!(events[..], [Event::Canceled(c)] if c.reason == CancelReason::Timeout));
}

#[test]
fn a_firm_is_kept_from_itself_as_configured() {
    use SelfMatch::*;
    let left = |self_match| {
        let mut bench = Bench::new(&EngineConfig { self_match, ..config(8, 8) });
        let ours = |command| match command {
            Command::Enter(c) => Command::Enter(Enter { firm: Firm(*b"ONE "), ..c }),
            other => other,
        };
        bench.apply(&ours(enter(1, 1, Sell, 5, 100)));
        let events = bench.apply(&ours(enter(0, 1, Buy, 8, 100)));
        let resting = bench.engine.order(SessionId(1), UserRef(1)).map(|o| o.leaves.0);
        (trades(&events).len(), resting, live(&bench, 1).map(|o| o.1))
    };
    assert_eq!(left(Trade), (1, None, Some(3)));
    assert_eq!(left(CancelNewest), (0, Some(5), None));
    assert_eq!(left(CancelOldest), (0, None, Some(8)));
    assert_eq!(left(Decrement), (0, None, Some(3)));
}

/// Most shares, then fewest left over, then nearest to the reference.
#[test]
fn the_opening_cross_finds_its_price() {
    let open = |orders: &[(OrderSide, u32, u32)], reference: u32| {
        let mut bench = Bench::new(&EngineConfig { opens_trading: false, ..config(16, 16) });
        let symbol = SymbolId(0);
        operate(&mut bench, Operation::Phase { symbol, phase: Phase::PreOpen });
        operate(&mut bench, Operation::Reference { symbol, price: Price(reference) });
        for (at, (side, qty, price)) in (1..).zip(orders) {
            bench.apply(&enter(0, at, *side, *qty, *price));
        }
        let open = Operation::Phase { symbol: SYMBOLS[0], phase: Phase::Continuous };
        cross_of(&operate(&mut bench, open))
    };
    assert_eq!(open(&[(Buy, 5, 105), (Buy, 5, 103), (Sell, 10, 102)], 90), Some((102, 10)));
    assert_eq!(open(&[(Buy, 5, 105), (Sell, 5, 100), (Sell, 3, 103)], 104), Some((102, 5)));
    assert_eq!(open(&[(Buy, 5, 105), (Sell, 5, 100)], 103), Some((103, 5)));
    assert_eq!(open(&[(Buy, 5, 99), (Sell, 5, 100)], 103), Some((0, 0)));
}

#[test]
fn a_halt_gathers_orders_and_resumes_with_a_cross() {
    let mut bench = bench();
    let symbol = SYMBOLS[0];
    operate(&mut bench, Operation::Halt { symbol, reason: *b"T1  " });
    assert!(trades(&bench.apply(&enter(0, 1, Buy, 5, 105))).is_empty());
    assert!(trades(&bench.apply(&enter(1, 1, Sell, 5, 100))).is_empty());
    let market = bench.apply(&enter(0, 2, Buy, 5, Price::MARKET.0));
    assert_eq!(rejected(&market), Some(RejectReason::Halted));
    let events = operate(&mut bench, Operation::Resume { symbol });
    assert_eq!(cross_of(&events).map(|c| c.1), Some(5));
}

#[test]
fn bands_bind_and_a_limit_state_pauses_and_resumes() {
    let mut bench = bench();
    let (symbol, lower, upper) = (SYMBOLS[0], Price(95), Price(105));
    operate(&mut bench, Operation::Bands { symbol, lower, upper });
    bench.apply(&enter(0, 1, Buy, 5, 200));
    let order = bench.engine.order(SessionId(0), UserRef(1)).map(|o| o.price);
    assert_eq!(order, Some(upper));
    let clock = Command::Operate(Operation::Clock);
    let state = |bench: &Bench| bench.engine.instrument(symbol).map(|i| i.state);
    bench.apply_at(&clock, Nanos(15_100_000_000));
    assert_eq!(state(&bench), Some(TradingState::Paused));
    bench.apply_at(&clock, Nanos(315_200_000_000));
    assert_eq!(state(&bench), Some(TradingState::Trading));
}

#[test]
fn a_busted_or_adjusted_trade_moves_the_ledger_back() {
    let mut bench = Bench::new(&with_ledger(config(8, 8)));
    let cash = |bench: &Bench| {
        let ledger = bench.engine.ledger().expect("it has one");
        [0, 1].map(|id| ledger.account(AccountId(id)).map(|a| a.cash))
    };
    let before = cash(&bench);
    bench.apply(&enter(0, 1, Buy, 5, 100));
    bench.apply(&enter(1, 1, Sell, 5, 100));
    let match_id = MatchId(1);
    operate(&mut bench, Operation::Adjust { match_id, price: Price(90), reason: b'E' });
    assert_eq!(cash(&bench), [Some(100_000 - 450), Some(100_000 + 450)]);
    operate(&mut bench, Operation::Bust { match_id, reason: b'E' });
    assert_eq!(cash(&bench), before);
    let again = operate(&mut bench, Operation::Bust { match_id, reason: b'E' });
    assert_eq!(again, [Event::Obstacle(types::Obstacle::UnknownMatch)]);
}

#[test]
fn order_entry_can_be_switched_off_and_on() {
    let mut bench = bench();
    let permit = |user_ref, enable| {
        let (session, user_ref) = (SessionId(0), UserRef(user_ref));
        Command::Permit(Permit { session, user_ref, firm: Firm::BLANK, enable })
    };
    bench.apply(&permit(1, false));
    let refused = rejected(&bench.apply(&enter(0, 2, Buy, 5, 100)));
    assert_eq!(refused, Some(RejectReason::FirmNotAuthorized));
    bench.apply(&permit(3, true));
    bench.apply(&enter(0, 4, Buy, 5, 100));
    assert!(live(&bench, 4).is_some());
}

/// Numbers far apart are not tried one by one.
#[test]
fn a_mass_cancel_is_bounded_whatever_the_numbers() {
    let mut bench = bench();
    bench.apply(&enter(0, 1, Buy, 5, 100));
    bench.apply(&enter(0, u32::MAX - 1, Buy, 5, 99));
    let (session, user_ref, firm) = (SessionId(0), UserRef(u32::MAX), Firm::BLANK);
    let symbol = Symbol([b' '; 8]);
    let events = bench.apply(&Command::MassCancel(MassCancel { session, user_ref, firm, symbol }));
    assert_eq!((events.len(), bench.engine.live_orders()), (3, 0));
}
