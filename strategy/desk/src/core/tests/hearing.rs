//! Who is told what, when, and what the market looks like at that moment.

use super::rig::*;
use super::say::Told;
use crate::{Command, CoreConfig};
use algos::{OrderState, SessionEvent, What};
use market::{Currency, Lie};
use risk::{KillReason, Refusal};
use types::{OrderSide, Qty, TradingState, UserRef};

fn rig() -> Rig<Scribe> {
    Rig::quoted(CoreConfig::default(), limits())
}

#[test]
fn one_message_is_told_as_status_trade_and_book_after_it_was_applied() {
    let mut rig = rig();
    // More than the bid has: a suspicion, a trade and a book without a bid.
    rig.tell(A, Told::Execute { id: 0, qty: 150, of: 1 });
    let status = Heard::Status(A, Some(Lie::ExecutedBeyondSize), TradingState::Trading);
    let book = Heard::Book(A, true, [None, Some(11_000)]);
    assert_eq!(rig.take_heard(), [status, Heard::Trade(A, 150, true), book]);
}

#[test]
fn a_book_says_whether_its_top_changed_and_other_symbols_are_not_told() {
    let mut rig = rig();
    let add = |id, name, price| Told::Add { id, letter: b'B', qty: 5, name, price, mpid: false };
    rig.tell(A, add(50, 0, 8_000));
    rig.tell(B, add(51, 1, 9_500));
    // Of a symbol that is listed and no ticker.
    let other = types::Ticker(2);
    rig.tell(other, Told::Directory { name: 2, lot: 100 });
    rig.tell(other, add(52, 2, 9_500));
    rig.tell(other, Told::State { name: 2, letter: b'H' });
    let a = Heard::Book(A, false, [Some(9_000), Some(11_000)]);
    let b = Heard::Book(B, true, [Some(9_500), Some(11_000)]);
    assert_eq!(rig.take_heard(), [a, b]);
}

#[test]
fn halts_and_prints_are_told_and_repetitions_are_not() {
    let mut rig = rig();
    rig.tell(A, Told::State { name: 0, letter: b'H' });
    rig.tell(A, Told::State { name: 0, letter: b'H' });
    rig.tell(A, Told::Trade { letter: b'B', qty: 7, name: 0, price: 10_000, of: 3 });
    rig.tell(A, Told::State { name: 0, letter: b'T' });
    let heard = [
        Heard::Status(A, None, TradingState::Halted),
        Heard::Trade(A, 7, true),
        Heard::Status(A, None, TradingState::Trading),
    ];
    assert_eq!(rig.take_heard(), heard);
}

#[test]
fn the_market_opens_and_closes_once() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    for letter in *b"OSQQMMEC" {
        rig.tell(A, Told::Event { letter });
    }
    let [open, close] = [SessionEvent::MarketOpen, SessionEvent::MarketClose].map(Heard::Session);
    assert_eq!(rig.take_heard(), [open, close]);
    rig.tell(A, Told::Event { letter: b'Q' });
    assert_eq!(rig.take_heard(), [open]);
    // Another day begins before this one has ended; its opening is told too.
    rig.feed_session();
    assert_eq!(rig.take_heard(), [close, Heard::Session(SessionEvent::FeedSession)]);
    rig.list();
    assert_eq!(rig.take_heard(), [open]);
}

#[test]
fn the_feed_is_told_when_it_changes_and_every_status_shows_it() {
    let mut rig = rig();
    let said = |rig: &mut Rig<Scribe>, feed| {
        rig.core.on_feed(rig.now_ns, feed, &mut rig.wire);
        assert_eq!(rig.core.feed(), feed);
        assert_eq!(rig.core.market().status(A).currency, feed);
        rig.take_heard()
    };
    use SessionEvent::*;
    assert_eq!(said(&mut rig, Currency::Current), []);
    assert_eq!(said(&mut rig, Currency::Behind), [Heard::Session(FeedBehind)]);
    assert_eq!(said(&mut rig, Currency::Behind), []);
    assert_eq!(said(&mut rig, Currency::Current), [Heard::Session(FeedCurrent)]);
    assert_eq!(said(&mut rig, Currency::Lossy), [Heard::Session(FeedLossy)]);
    assert_eq!(said(&mut rig, Currency::Silent), [Heard::Session(FeedBehind)]);
    rig.core.on_feed_end(rig.now_ns, &mut rig.wire);
    assert_eq!(rig.take_heard(), [Heard::Session(FeedEnded)]);
}

#[test]
fn what_a_session_lost_is_over_with_it_and_trading_goes_on() {
    let mut rig = rig();
    rig.core.on_feed(rig.now_ns, Currency::Lossy, &mut rig.wire);
    let refused = rig.enter(ask(A, OrderSide::Buy, 1, 8_000));
    assert_eq!(refused, Err(Refusal::Stale));
    rig.take_heard();
    rig.feed_session();
    use SessionEvent::*;
    let told = [MarketClose, FeedSession, FeedCurrent].map(Heard::Session);
    assert_eq!(rig.take_heard(), told);
    assert_eq!(rig.core.market().status(A).currency, Currency::Current);
    rig.list();
    rig.enter(ask(A, OrderSide::Buy, 1, 8_000)).unwrap();
}

#[test]
fn the_first_session_is_nothing_new() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    rig.feed_session();
    assert_eq!(rig.take_heard(), []);
}

#[test]
fn a_connection_is_told_when_it_is_of_use_and_its_loss_once() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    // Attempts that never came to a login.
    rig.disconnect();
    rig.disconnect();
    rig.core.on_login(rig.now_ns, b"DAY1      ", 1);
    rig.tick();
    assert_eq!(rig.take_heard(), []);
    assert!(!rig.core.desk().can_trade());
    rig.answer();
    rig.tick();
    assert_eq!(rig.take_heard(), [Heard::Session(SessionEvent::Connected)]);
    rig.disconnect();
    rig.disconnect();
    rig.tick();
    assert_eq!(rig.take_heard(), [Heard::Session(SessionEvent::Disconnected)]);
    rig.connect();
    assert_eq!(rig.take_heard(), [Heard::Session(SessionEvent::Connected)]);
}

/// When the timer went off while the clock was looked at then.
fn timer(rig: &mut Rig<Scribe>, looks: &[u64]) -> Vec<u64> {
    for &now_ns in looks {
        rig.core.tick(now_ns, crate::Silence::default(), &mut rig.wire);
    }
    let at = |heard| match heard {
        Heard::Timer(at_ns) => at_ns,
        other => panic!("{other:?}"),
    };
    rig.take_heard().into_iter().map(at).collect()
}

#[test]
fn the_timer_keeps_its_period_and_late_looks_do_not_pile_up() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    assert!(timer(&mut rig, &[1, 2, 50]).is_empty());
    rig.log().period_ns = 10;
    // The first look winds it up.
    assert_eq!(timer(&mut rig, &[100, 105, 109, 110, 111, 119, 120]), [110, 120]);
    assert_eq!(timer(&mut rig, &[1_000, 1_001, 1_009, 1_010, 1_011]), [1_000, 1_010]);
}

#[test]
fn a_timer_outlives_any_clock_and_any_period() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    rig.log().period_ns = 10;
    assert_eq!(timer(&mut rig, &[100, 105, u64::MAX - 5, u64::MAX, u64::MAX]).len(), 3);
    // Back again: it is wound up anew.
    assert_eq!(timer(&mut rig, &[200, 205, 210, 215, 220]), [210, 220]);
    rig.log().period_ns = u64::MAX;
    assert_eq!(timer(&mut rig, &[230, 1 << 60]), [230]);
    // A shorter period does not wait for the longer one.
    rig.log().period_ns = 10;
    assert_eq!(timer(&mut rig, &[1_000, 1_005, 1_010, 1_020]), [1_010, 1_020]);
    rig.log().period_ns = 0;
    assert!(timer(&mut rig, &[2_000, 3_000]).is_empty());
}

#[test]
fn orders_and_fills_are_told_with_positions_that_hold_them() {
    let mut rig = rig();
    let order = rig.enter(ask(A, OrderSide::Buy, 100, 8_000)).unwrap();
    rig.answer();
    let fill = rig.venue.fill(0, 30).unwrap();
    rig.ouch(&fill);
    assert!(rig.core.desk().order(order).is_some());
    rig.wish(Wish::Cancel(order)).unwrap();
    rig.answer();
    let heard = rig.take_heard();
    let [Heard::Order(taken), Heard::Fill(30, 30, Some(70)), Heard::Order(off)] = heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((taken.what, taken.order.state), (What::Accepted, OrderState::Live));
    let qty = Qty(70);
    assert_eq!((off.what, off.order.leaves), (What::Canceled { qty, reason: b'U' }, Qty(0)));
    assert_eq!(off.order.user_ref, order);
    // A replacement, and an answer that asks for the next order at once.
    let order = rig.enter(ask(A, OrderSide::Buy, 100, 8_000)).unwrap();
    rig.answer();
    let new = rig.wish(Wish::Replace(order, 80, 8_100)).unwrap();
    rig.log().wishes.push_back(Wish::Enter(ask(B, OrderSide::Buy, 10, 8_000)));
    rig.take_heard();
    rig.answer();
    let heard = rig.take_heard();
    let [Heard::Order(replaced), Heard::Order(next)] = heard[..] else { panic!("{heard:?}") };
    assert_eq!((replaced.what, replaced.order.user_ref), (What::Replaced { old: order }, new));
    assert_eq!((next.what, next.order.user_ref), (What::Accepted, UserRef(new.0 + 1)));
}

#[test]
fn a_kill_is_told_once_and_its_end_once() {
    let mut rig = rig().with_orders(3);
    rig.command(Command::Kill);
    rig.command(Command::Kill);
    rig.silent(9, 9);
    rig.tick();
    let killed = Heard::Session(SessionEvent::Killed(KillReason::Operator));
    assert_eq!(rig.take_heard(), [killed]);
    rig.command(Command::Revive);
    rig.tick();
    assert_eq!(rig.take_heard(), [Heard::Session(SessionEvent::Revived)]);
    rig.command(Command::Kill);
    assert_eq!(rig.take_heard(), [killed]);
}
