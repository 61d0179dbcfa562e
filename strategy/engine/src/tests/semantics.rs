//! The specification's rules and this venue's choices, one a test.

use super::*;
use types::{CancelReason, Canceled};

pub(super) fn enter(session: u16, user_ref: u32, side: OrderSide, qty: u32, price: u32) -> Command {
    Command::Enter(Enter {
        session: SessionId(session),
        user_ref: UserRef(user_ref),
        account: AccountId(session),
        firm: Firm::BLANK,
        side,
        qty: Qty(qty),
        symbol: NAMES[0],
        price: Price(price),
        terms: Terms::default(),
        cross: CrossKind::None,
        capacity: OrderCapacity::Agency,
        cl_ord_id: ClOrdId::default(),
    })
}

pub(super) fn cancel(session: u16, user_ref: u32, qty: u32) -> Command {
    let (session, user_ref) = (SessionId(session), UserRef(user_ref));
    Command::Cancel(Cancel { session, user_ref, qty: Qty(qty) })
}

pub(super) fn replace(orig: u32, user_ref: u32, qty: u32, price: u32) -> Command {
    Command::Replace(Replace {
        session: SessionId(0),
        orig: UserRef(orig),
        user_ref: UserRef(user_ref),
        qty: Qty(qty),
        price: Price(price),
        terms: Terms::default(),
        cl_ord_id: ClOrdId::default(),
    })
}

/// The same order under other terms.
pub(super) fn on(terms: Terms, command: Command) -> Command {
    match command {
        Command::Enter(c) => Command::Enter(Enter { terms, ..c }),
        Command::Replace(c) => Command::Replace(Replace { terms, ..c }),
        other => other,
    }
}

pub(super) fn ioc(command: Command) -> Command {
    on(Terms { tif: TimeInForce::Ioc, ..Terms::default() }, command)
}

pub(super) fn live(bench: &Bench, user_ref: u32) -> Option<(u64, u32, u32)> {
    let order = bench.engine.order(SessionId(0), UserRef(user_ref))?;
    Some((order.party.order_id.0, order.leaves.0, order.executed.0))
}

pub(super) fn rejected(events: &[Event]) -> Option<RejectReason> {
    match events {
        [Event::Rejected(e)] => Some(e.reason),
        _ => None,
    }
}

use OrderSide::{Buy, Sell, SellShort};

pub(super) fn bench() -> Bench {
    Bench::new(&config(8, 8))
}

/// OUCH 5.0, Cancel Order: the quantity is the new intended size, executed shares included.
#[test]
fn a_cancel_names_the_intended_size() {
    let mut bench = bench();
    bench.apply(&enter(0, 1, Buy, 10, 100));
    bench.apply(&enter(1, 1, Sell, 4, 100));
    assert_eq!(live(&bench, 1), Some((1, 6, 4)));
    assert!(bench.apply(&cancel(0, 1, 10)).is_empty());
    assert!(bench.apply(&cancel(0, 1, u32::MAX)).is_empty());
    assert_eq!(bench.engine.counters().superfluous, 2);
    bench.apply(&cancel(0, 1, 7));
    assert_eq!(live(&bench, 1), Some((1, 3, 4)));
    bench.apply(&cancel(0, 1, 4));
    assert_eq!(live(&bench, 1), None);
}

#[test]
fn a_chain_of_replacements_remembers_what_has_executed() {
    let mut bench = bench();
    bench.apply(&enter(0, 1, Buy, 10, 100));
    bench.apply(&enter(1, 1, Sell, 4, 100));
    bench.apply(&replace(1, 2, 20, 99));
    assert_eq!(live(&bench, 2), Some((3, 16, 4)));
    bench.apply(&enter(1, 2, Sell, 6, 99));
    bench.apply(&replace(2, 3, 999_999, 98));
    assert_eq!(live(&bench, 3), Some((5, 999_989, 10)));
    // No more than has executed: canceled, and the number is used up.
    let events = bench.apply(&replace(3, 4, 10, 98));
    let [Event::Canceled(Canceled { qty, leaves, shown, .. })] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((qty, leaves, shown), (Qty(999_989), Qty(0), Qty(999_989)));
    assert_eq!(bench.engine.last_user_ref(SessionId(0)), UserRef(4));
    assert_eq!(bench.engine.live_orders(), 0);
}

#[test]
fn only_a_replacement_for_less_at_the_same_price_keeps_its_place() {
    let mut bench = bench();
    bench.apply(&enter(0, 1, Buy, 5, 100));
    bench.apply(&enter(1, 1, Buy, 5, 100));
    let front = |bench: &Bench| {
        let mut queue = bench.engine.queue(SYMBOLS[0], Side::Buy, Price(100));
        queue.next().map(|(id, _)| id.0)
    };
    bench.apply(&replace(1, 2, 5, 100));
    bench.apply(&replace(2, 3, 4, 100));
    assert_eq!((front(&bench), live(&bench, 3)), (Some(1), Some((1, 4, 0))));
    bench.apply(&replace(3, 4, 5, 100));
    assert_eq!((front(&bench), live(&bench, 4)), (Some(2), Some((3, 5, 0))));
    assert_eq!(
        rejected(&bench.apply(&replace(3, 5, 5, 100))),
        Some(RejectReason::ReplaceNotAllowed)
    );
}

#[test]
fn a_replacement_may_trade_at_once() {
    let mut bench = bench();
    bench.apply(&enter(0, 1, Buy, 5, 100));
    bench.apply(&enter(1, 1, Sell, 3, 101));
    let events = bench.apply(&replace(1, 2, 5, 101));
    let [Event::Replaced(_), Event::BookRemove(_), Event::Executed(_), Event::BookAdd(add)] =
        events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((add.qty, add.price), (Qty(2), Price(101)));
    let events = bench.apply(&ioc(replace(2, 3, 5, 102)));
    let [Event::Replaced(_), Event::BookRemove(_), Event::Canceled(gone)] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((gone.reason, gone.shown), (CancelReason::ImmediateOrCancel, Qty(0)));
}

#[test]
fn a_market_order_never_rests() {
    let mut bench = bench();
    let market = Price::MARKET.0;
    bench.apply(&enter(1, 1, Sell, 3, 1));
    bench.apply(&enter(1, 2, Sell, 3, Price::LIMIT_MAX.0));
    let events = bench.apply(&enter(0, 1, Buy, 9, market));
    let [.., Event::Executed(last), Event::Canceled(gone)] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((last.price, gone.qty, gone.leaves), (Price::LIMIT_MAX, Qty(3), Qty(0)));
    assert_eq!(gone.reason, CancelReason::CannotBeExecuted);
    let [_, Event::Canceled(gone)] = bench.apply(&ioc(enter(0, 2, Buy, 9, market)))[..] else {
        panic!("nobody is there")
    };
    assert_eq!(gone.reason, CancelReason::ImmediateOrCancel);
    assert_eq!(bench.engine.live_orders(), 0);
}

#[test]
fn the_best_price_and_then_the_oldest_is_served() {
    let mut bench = bench();
    bench.apply(&enter(1, 1, Sell, 1, 101));
    bench.apply(&enter(1, 2, Sell, 1, 100));
    bench.apply(&enter(2, 1, SellShort, 1, 100));
    let events = bench.apply(&enter(0, 1, Buy, 3, 101));
    let served: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            Event::Executed(e) => Some((e.resting.order_id.0, e.price.0, e.match_id.0)),
            _ => None,
        })
        .collect();
    assert_eq!(served, [(2, 100, 1), (3, 100, 2), (1, 101, 3)]);
}

#[test]
fn numbers_only_go_up_and_repeats_are_ignored() {
    let mut bench = bench();
    assert!(bench.apply(&enter(0, 0, Buy, 1, 100)).is_empty());
    bench.apply(&enter(0, 7, Buy, 1, 100));
    assert!(bench.apply(&enter(0, 7, Buy, 1, 100)).is_empty());
    assert!(bench.apply(&enter(0, 6, Buy, 1, 100)).is_empty());
    assert!(bench.apply(&replace(7, 7, 1, 101)).is_empty());
    assert_eq!(bench.engine.counters().duplicates, 4);
    // A number is used up by a reject too, and the last there is ends the session's orders.
    assert!(rejected(&bench.apply(&enter(0, u32::MAX, Buy, 0, 100))).is_some());
    assert!(bench.apply(&enter(0, u32::MAX, Buy, 1, 100)).is_empty());
    assert!(bench.apply(&enter(SESSIONS, 1, Buy, 1, 100)).is_empty());
    assert_eq!(bench.engine.counters().unknown_session, 1);
}

#[test]
fn what_cannot_be_is_rejected_with_its_reason() {
    let mut bench = bench();
    let limit = Price::LIMIT_MAX.0;
    let cases = [
        (0, 100, RejectReason::InvalidQuantity),
        (1_000_000, 100, RejectReason::InvalidQuantity),
        (u32::MAX, 100, RejectReason::InvalidQuantity),
        (1, 0, RejectReason::InvalidPrice),
        (1, limit + 1, RejectReason::InvalidPrice),
        (1, u32::MAX, RejectReason::InvalidPrice),
    ];
    for (at, (qty, price, reason)) in (1..).zip(cases) {
        assert_eq!(rejected(&bench.apply(&enter(0, at, Buy, qty, price))), Some(reason));
    }
    bench.apply(&enter(0, 10, Buy, 5, 100));
    let before = live(&bench, 10);
    for (at, (qty, price, reason)) in (11..).zip(cases).skip(1) {
        assert_eq!(rejected(&bench.apply(&replace(10, at, qty, price))), Some(reason));
        assert_eq!(live(&bench, 10), before, "the order stands as it did");
    }
}

#[test]
fn a_modification_keeps_its_place_and_its_side_of_the_book() {
    let mut bench = bench();
    let modify = |side, qty| {
        let (session, user_ref) = (SessionId(0), UserRef(1));
        Command::Modify(Modify { session, user_ref, side, qty: Qty(qty) })
    };
    bench.apply(&enter(0, 1, Sell, 10, 100));
    bench.apply(&enter(1, 1, Buy, 4, 100));
    assert!(bench.apply(&modify(Buy, 8)).is_empty());
    assert!(bench.apply(&modify(Sell, 4)).is_empty(), "it would leave nothing");
    let events = bench.apply(&modify(SellShort, 8));
    let [Event::Modified { side: SellShort, qty, reduced, .. }, Event::BookReduce(_)] = events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((qty, reduced, live(&bench, 1)), (Qty(8), Qty(2), Some((1, 4, 4))));
    // More than there is changes nothing but the kind of sale.
    bench.apply(&modify(Sell, u32::MAX));
    assert_eq!(live(&bench, 1), Some((1, 4, 4)));
}

/// A reject for want of room is never half an order.
#[test]
fn a_full_book_refuses_before_anything_happened() {
    let mut bench = Bench::new(&config(3, 2));
    bench.apply(&enter(0, 1, Buy, 5, 100));
    bench.apply(&enter(0, 2, Buy, 5, 100));
    bench.apply(&enter(1, 1, Sell, 5, 103));
    let before = bench.engine.state_hash();
    // Every order is taken, though this one would trade in full; at once or not at all is served.
    let full = Some(RejectReason::ProcessingError);
    assert_eq!(rejected(&bench.apply(&enter(0, 3, Buy, 1, 103))), full);
    assert_eq!(bench.apply(&ioc(enter(0, 4, Buy, 1, 103))).len(), 2);
    // Every level is taken, and the order's own is shared: it stays where it is.
    assert_eq!(rejected(&bench.apply(&replace(1, 5, 5, 101))), full);
    assert_eq!(live(&bench, 1), Some((1, 5, 0)));
    assert_ne!(bench.engine.state_hash(), before, "numbers were used");
    // Alone at its price it gives up a level, and finds one.
    bench.apply(&cancel(0, 2, 0));
    assert_eq!(bench.apply(&replace(1, 6, 5, 101)).len(), 2);
    assert_eq!(bench.engine.counters().full, 2);
}
