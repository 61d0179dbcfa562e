//! The kill switch, by every reason: orders are asked off before the call that trips it returns,
//! as far as the wire has room, and none is forgotten.

use super::rig::*;
use super::say::Told;
use crate::{Command, CoreConfig};
use algos::SessionEvent;
use market::Currency;
use risk::{GateLimits, KillReason, Refusal};
use std::collections::BTreeSet;
use types::OrderSide;

const LIVE: u32 = 9;
const REFUSALS_MAX: u32 = 3;

fn config() -> CoreConfig {
    CoreConfig {
        kill_on_lossy_feed: true,
        kill_feed_silence_ns: 1_000,
        kill_control_silence_ns: 1_000,
        kill_disconnected_ns: 1_000 * MS_NS,
        cancel_on_suspect: true,
    }
}

fn kill_limits() -> GateLimits {
    GateLimits { loss_max: 5_000_000, runaway_refusals_max: REFUSALS_MAX, ..limits() }
}

/// A name, the reason, and what trips it.
type Way = (&'static str, KillReason, fn(&mut Rig<Scribe>));

/// Ways to trip the switch in one call, the connection being up.
const WAYS: [Way; 9] = [
    ("operator", KillReason::Operator, |rig| {
        rig.command(Command::Kill);
    }),
    ("mark", KillReason::Loss, |rig| {
        // 10,000 shares bought at 9,000 are worth 3,000 less a share.
        rig.tell(A, Told::Delete { id: 1 });
        assert_eq!(rig.core.desk().killed(), None);
        rig.tell(A, Told::Replace { old: 0, new: 70, qty: 100, price: 6_000 });
    }),
    ("fill", KillReason::Loss, |rig| {
        // What was bought at 9,000 is sold at 8,010, before the mark has moved.
        rig.enter(ask(A, OrderSide::Sell, 10_000, 8_010)).unwrap();
        rig.answer();
        let last = rig.live().len() - 1;
        let fill = rig.venue.fill(last, 10_000).unwrap();
        rig.ouch(&fill);
    }),
    ("silent feed", KillReason::Feed, |rig| rig.silent(1_001, 0)),
    ("lossy feed", KillReason::Feed, |rig| {
        rig.core.on_feed(rig.now_ns, Currency::Lossy, &mut rig.wire);
    }),
    ("silent control", KillReason::ControlPlane, |rig| rig.silent(1_000, 1_001)),
    ("reconciliation", KillReason::Reconciliation, |rig| rig.ouch(&traded(999, 1, 8_000, 901))),
    ("runaway in a book", KillReason::Runaway, |rig| {
        let wish = Wish::Enter(ask(A, OrderSide::Buy, 0, 8_000));
        rig.log().wishes.extend([wish; REFUSALS_MAX as usize]);
        rig.tell(
            B,
            Told::Add { id: 71, letter: b'S', qty: 1, name: 1, price: 11_000, mpid: false },
        );
    }),
    ("runaway in a timer", KillReason::Runaway, |rig| {
        let wish = Wish::Enter(ask(A, OrderSide::Buy, 0, 8_000));
        rig.log().wishes.extend([wish; REFUSALS_MAX as usize]);
        rig.log().period_ns = 1;
        rig.tick();
        rig.tick();
        rig.log().period_ns = 0;
        rig.log().heard.retain(|heard| !matches!(heard, Heard::Timer(_)));
    }),
];

/// With orders live, and for the losses something held.
fn rig(reason: KillReason) -> Rig<Scribe> {
    let mut rig = Rig::quoted(config(), kill_limits());
    if reason == KillReason::Loss {
        rig.enter(ask(A, OrderSide::Buy, 10_000, 9_000)).unwrap();
        rig.answer();
        let fill = rig.venue.fill(0, 10_000).unwrap();
        rig.ouch(&fill);
        assert_eq!(rig.core.desk().gate().position(A).shares, 10_000);
    }
    rig.with_orders(LIVE)
}

fn killed(rig: &Rig<Scribe>) -> Vec<KillReason> {
    let of = |heard: Heard| match heard {
        Heard::Session(SessionEvent::Killed(reason)) => Some(reason),
        _ => None,
    };
    rig.take_heard().into_iter().filter_map(of).collect()
}

#[test]
fn every_reason_asks_all_orders_off_before_the_call_returns() {
    for (way, reason, pull) in WAYS {
        let mut rig = rig(reason);
        pull(&mut rig);
        assert_eq!(rig.core.desk().killed(), Some(reason), "{way}");
        assert_eq!(rig.sent(b'X'), rig.live(), "{way}");
        assert_eq!(rig.live().len(), LIVE as usize, "{way}");
        assert_eq!(killed(&rig), [reason], "{way}");
        // Nothing new leaves, whatever is asked for.
        let orders = rig.live();
        rig.wire.out.clear();
        let wish = rig.enter(ask(B, OrderSide::Buy, 1, 8_000));
        assert_eq!(wish, Err(Refusal::Killed), "{way}");
        let order = types::UserRef(orders[0]);
        assert!(rig.wish(Wish::Replace(order, 50, 8_000)).is_err(), "{way}");
        rig.tick();
        assert!(rig.wire.out.is_empty(), "{way}: each cancel is sent once");
        rig.check();
    }
}

#[test]
fn what_finds_no_room_is_sent_by_later_ticks() {
    for (way, reason, pull) in WAYS {
        let mut rig = rig(reason);
        rig.wire.room = 2;
        pull(&mut rig);
        let (live, mut asked) = (rig.live(), rig.sent(b'X'));
        assert_eq!((asked.len(), rig.wire.out.len()), (2, 2), "{way}");
        for _ in 0..LIVE {
            rig.wire.out.clear();
            rig.tick();
            asked.extend(rig.sent(b'X'));
        }
        assert_eq!(asked, live, "{way}: every order once, the oldest first");
        assert_eq!(killed(&rig), [reason], "{way}");
    }
}

#[test]
fn a_disconnect_in_between_loses_no_cancel_and_a_revival_trades_on() {
    for (way, reason, pull) in WAYS {
        let mut rig = rig(reason);
        rig.wire.room = 4;
        pull(&mut rig);
        rig.disconnect();
        rig.tick();
        assert!(rig.wire.out.is_empty(), "{way}");
        // All again: what was sent may never have arrived.
        rig.wire.room = usize::MAX;
        rig.core.on_login(rig.now_ns, b"DAY1      ", rig.heard + 1);
        rig.tick();
        let asked: BTreeSet<u32> = rig.sent(b'X').into_iter().collect();
        assert_eq!(asked, rig.live().into_iter().collect(), "{way}");
        rig.answer();
        rig.tick();
        assert!(rig.live().is_empty(), "{way}");
        assert_eq!(killed(&rig), [reason], "{way}");
        assert!(!rig.core.desk().can_trade(), "{way}");
        let refusal = rig.enter(ask(B, OrderSide::Buy, 1, 8_000)).unwrap_err();
        assert_eq!(refusal, Refusal::Killed, "{way}");
        rig.core.on_feed(rig.now_ns, Currency::Current, &mut rig.wire);
        rig.command(Command::Revive);
        assert_eq!(rig.core.desk().killed(), None, "{way}");
        rig.enter(ask(B, OrderSide::Buy, 1, 8_000)).unwrap();
        assert_eq!(rig.sent(b'O').len(), 1, "{way}");
        rig.check();
    }
}

#[test]
fn a_connection_down_for_too_long_kills_and_the_next_one_takes_the_orders_off() {
    let mut rig = Rig::quoted(config(), kill_limits()).with_orders(LIVE);
    rig.disconnect();
    rig.now_ns += 1_000 * MS_NS;
    rig.silent(0, 0);
    // A later loss does not begin it anew.
    rig.disconnect();
    assert_eq!(rig.core.desk().killed(), None);
    rig.now_ns += 1;
    rig.silent(0, 0);
    assert_eq!(rig.core.desk().killed(), Some(KillReason::OrderConnection));
    assert_eq!(killed(&rig), [KillReason::OrderConnection]);
    rig.core.on_login(rig.now_ns, b"DAY1      ", rig.heard + 1);
    rig.tick();
    assert_eq!(rig.sent(b'X').len(), LIVE as usize);
    rig.answer();
    rig.tick();
    assert!(rig.live().is_empty());
    // Up again, it is not down.
    rig.command(Command::Revive);
    rig.now_ns += 10_000 * MS_NS;
    rig.tick();
    assert!(rig.core.desk().can_trade());
}

#[test]
fn a_connection_that_never_was_kills_nobody() {
    let mut rig = Rig::scribe(config(), limits());
    rig.disconnect();
    rig.now_ns += 1 << 40;
    rig.silent(0, 0);
    assert_eq!(rig.core.desk().killed(), None);
}

#[test]
fn what_a_login_contradicts_is_acted_on_by_the_next_tick() {
    let mut rig = Rig::quoted(config(), kill_limits()).with_orders(LIVE);
    rig.disconnect();
    // Messages that will never be heard.
    rig.core.on_login(rig.now_ns, b"DAY1      ", rig.heard + 5);
    assert_eq!(rig.core.desk().killed(), Some(KillReason::Reconciliation));
    rig.tick();
    assert_eq!(rig.sent(b'X').len(), LIVE as usize);
    assert_eq!(killed(&rig), [KillReason::Reconciliation]);
}

#[test]
fn silences_within_their_limits_and_limits_of_0_kill_nobody() {
    let mut rig = Rig::quoted(config(), kill_limits()).with_orders(LIVE);
    rig.silent(1_000, 1_000);
    assert_eq!(rig.core.desk().killed(), None);
    let mut rig = Rig::quoted(CoreConfig::default(), limits()).with_orders(LIVE);
    rig.core.on_feed(rig.now_ns, Currency::Lossy, &mut rig.wire);
    rig.disconnect();
    rig.now_ns = u64::MAX;
    rig.silent(u64::MAX, u64::MAX);
    assert_eq!(rig.core.desk().killed(), None);
}

#[test]
fn a_revival_while_the_reason_stands_is_killed_again_and_told_again() {
    let mut rig = Rig::quoted(config(), kill_limits()).with_orders(LIVE);
    rig.silent(2_000, 0);
    rig.answer();
    rig.command(Command::Revive);
    assert_eq!(rig.core.desk().killed(), None);
    rig.silent(2_000, 0);
    assert_eq!(killed(&rig), [KillReason::Feed, KillReason::Feed]);
}

#[test]
fn orders_on_their_way_are_taken_off_too_and_a_replacement_with_its_order() {
    let mut rig = Rig::quoted(config(), kill_limits()).with_orders(2);
    let order = types::UserRef(rig.live()[0]);
    let new = rig.wish(Wish::Replace(order, 50, 8_500)).unwrap();
    let sent = rig.enter(ask(B, OrderSide::Buy, 10, 8_000)).unwrap();
    rig.command(Command::Kill);
    let asked: BTreeSet<u32> = rig.sent(b'X').into_iter().collect();
    assert_eq!(asked, rig.live().into_iter().collect());
    assert!(asked.contains(&new.0) && asked.contains(&sent.0));
    rig.answer();
    rig.tick();
    assert!(rig.live().is_empty());
    assert_eq!(rig.core.desk().gate().position(A).open_buy, 0);
    assert_eq!(rig.core.desk().counters().unexpected, 0);
}
