//! Snapshots: nobody is asked about half a market, and nothing of what they change is lost.

use super::rig::*;
use super::say::Told;
use crate::CoreConfig;
use algos::SessionEvent;
use market::{Currency, Lie};
use risk::{GateLimits, KillReason, Refusal};
use types::{OrderSide, Price, TradingState};

fn rig(limits: GateLimits) -> Rig<Scribe> {
    Rig::quoted(CoreConfig::default(), limits).with_orders(4)
}

fn add(id: u64, letter: u8, price: u32) -> Told {
    Told::Add { id, letter, qty: 10, name: 0, price, mpid: false }
}

fn feed_is(rig: &mut Rig<Scribe>, feed: Currency) {
    rig.core.on_feed(rig.now_ns, feed, &mut rig.wire);
}

#[test]
fn nobody_is_asked_during_one_and_a_suspect_is_right_again_after_it() {
    let mut rig = rig(limits());
    rig.tell(A, Told::Delete { id: 999 });
    rig.answer();
    feed_is(&mut rig, Currency::Behind);
    rig.take_heard();
    rig.core.on_snapshot_begin();
    assert_eq!(rig.core.market().top(A).bid, None);
    for told in [
        Told::Directory { name: 0, lot: 100 },
        Told::State { name: 0, letter: b'T' },
        add(500, b'B', 7_000),
        add(501, b'S', 7_100),
        Told::Execute { id: 500, qty: 1, of: 5 },
    ] {
        rig.snapshot(A, told);
        rig.tick();
    }
    assert_eq!(rig.take_heard(), []);
    let refusal = rig.enter(ask(A, OrderSide::Buy, 1, 6_000));
    assert_eq!(refusal, Err(Refusal::Stale));
    feed_is(&mut rig, Currency::Current);
    assert_eq!(rig.take_heard(), [Heard::Session(SessionEvent::FeedCurrent)]);
    assert_eq!(rig.core.market().status(A).suspect, None);
    assert_eq!(rig.core.market().top(A).bid.map(|level| level.price), Some(Price(7_000)));
    assert_eq!(rig.core.desk().gate().position(A).mark, Some(Price(7_050)));
    rig.enter(ask(A, OrderSide::Buy, 1, 6_000)).unwrap();
    rig.tell(A, add(502, b'B', 7_001));
    assert_eq!(rig.take_heard(), [Heard::Book(A, true, [Some(7_001), Some(7_100)])]);
    rig.check();
}

#[test]
fn one_that_lies_takes_the_symbols_orders_off() {
    let mut rig = rig(limits());
    rig.core.on_snapshot_begin();
    rig.snapshot(A, add(500, b'B', 7_000));
    rig.snapshot(A, add(500, b'B', 7_000));
    assert_eq!(rig.core.market().status(A).suspect, Some(Lie::DuplicateReference));
    rig.tick();
    let asked = rig.sent(b'X');
    let here = rig.core.desk().orders().filter(|order| order.ticker == A);
    assert_eq!(asked, here.map(|order| order.user_ref.0).collect::<Vec<_>>());
    assert_eq!(asked.len(), 2);
}

#[test]
fn the_day_and_halts_that_one_tells_are_known() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    rig.core.on_snapshot_begin();
    for told in [
        Told::Directory { name: 0, lot: 100 },
        Told::Event { letter: b'Q' },
        Told::State { name: 0, letter: b'H' },
    ] {
        rig.snapshot(A, told);
    }
    assert_eq!(rig.take_heard(), []);
    rig.tick();
    assert_eq!(rig.take_heard(), [Heard::Session(SessionEvent::MarketOpen)]);
    assert_eq!(rig.core.market().status(A).trading, TradingState::Halted);
}

#[test]
fn a_loss_that_one_uncovers_kills() {
    let mut rig = Rig::quoted(CoreConfig::default(), GateLimits { loss_max: 1_000, ..limits() });
    rig.enter(ask(A, OrderSide::Buy, 100, 9_000)).unwrap();
    rig.answer();
    let fill = rig.venue.fill(0, 100).unwrap();
    rig.ouch(&fill);
    let mut rig = rig.with_orders(4);
    feed_is(&mut rig, Currency::Behind);
    rig.core.on_snapshot_begin();
    rig.snapshot(A, add(500, b'B', 7_000));
    rig.snapshot(A, add(501, b'S', 7_100));
    assert_eq!(rig.core.desk().killed(), None);
    feed_is(&mut rig, Currency::Current);
    assert_eq!(rig.core.desk().killed(), Some(KillReason::Loss));
    assert_eq!(rig.sent(b'X'), rig.live());
}
