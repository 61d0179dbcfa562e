//! A symbol that the feed has lied about: its orders go, the others stay.

use super::rig::*;
use super::say::Told;
use crate::{Answer, Command, CoreConfig};
use market::Lie;
use risk::{GateLimits, Refusal};
use types::{OrderSide, Ticker, TradingState};

fn rig(limits: GateLimits) -> Rig<Scribe> {
    Rig::quoted(CoreConfig::default(), limits).with_orders(6)
}

/// A cancel of more than the order has.
fn lie(rig: &mut Rig<Scribe>, of: Ticker) {
    rig.tell(of, Told::Cancel { id: u64::from(of.0) * 10, qty: 999 });
    assert_eq!(rig.core.market().status(of).suspect, Some(Lie::CanceledBeyondSize));
}

fn of(rig: &Rig<Scribe>, ticker: Ticker) -> Vec<u32> {
    let here = rig.core.desk().orders().filter(|order| order.ticker == ticker);
    here.map(|order| order.user_ref.0).collect()
}

#[test]
fn its_orders_are_taken_off_before_the_strategy_is_asked_and_others_go_on() {
    let mut rig = rig(limits());
    rig.log().wishes.push_back(Wish::Enter(ask(A, OrderSide::Buy, 1, 8_000)));
    lie(&mut rig, A);
    assert_eq!(rig.sent(b'X'), of(&rig, A));
    assert_eq!(rig.log().got.pop(), Some(Err(Refusal::Suspect)));
    let status = Heard::Status(A, Some(Lie::CanceledBeyondSize), TradingState::Trading);
    assert_eq!(rig.take_heard()[0], status);
    rig.enter(ask(B, OrderSide::Buy, 1, 8_000)).unwrap();
    rig.answer();
    rig.tick();
    assert_eq!((of(&rig, A).len(), of(&rig, B).len()), (0, 4));
    assert_eq!(rig.core.desk().killed(), None);
    rig.check();
}

#[test]
fn what_finds_no_room_or_no_connection_is_sent_later_and_only_that() {
    let mut rig = rig(limits());
    rig.wire.room = 1;
    lie(&mut rig, A);
    let mut asked = rig.sent(b'X');
    rig.wire.out.clear();
    rig.tick();
    asked.extend(rig.sent(b'X'));
    assert_eq!(asked, of(&rig, A)[..2]);
    rig.disconnect();
    rig.tick();
    rig.wire.room = usize::MAX;
    rig.core.on_login(rig.now_ns, b"DAY1      ", rig.heard + 1);
    rig.tick();
    let mut asked = rig.sent(b'X');
    asked.sort_unstable();
    assert_eq!(asked, of(&rig, A), "those that may be lost, and the third");
    rig.answer();
    rig.tick();
    assert!(rig.wire.out.is_empty());
    assert_eq!((of(&rig, A).len(), of(&rig, B).len()), (0, 3));
}

#[test]
fn two_symbols_at_once_with_little_room() {
    let mut rig = rig(limits());
    rig.wire.room = 1;
    lie(&mut rig, A);
    lie(&mut rig, B);
    let mut asked = rig.sent(b'X');
    for _ in 0..9 {
        rig.wire.out.clear();
        rig.tick();
        asked.extend(rig.sent(b'X'));
    }
    asked.sort_unstable();
    assert_eq!(asked, rig.live());
}

#[test]
fn where_it_is_set_so_orders_stay_and_entry_goes_on() {
    let config = CoreConfig { cancel_on_suspect: false, ..CoreConfig::default() };
    let limits = GateLimits { suspect_is_refused: false, ..limits() };
    let mut rig = Rig::quoted(config, limits).with_orders(6);
    lie(&mut rig, A);
    rig.tick();
    assert!(rig.wire.out.is_empty());
    rig.enter(ask(A, OrderSide::Buy, 1, 8_000)).unwrap();
}

#[test]
fn absolved_it_is_as_any_other_until_the_next_lie() {
    let mut rig = rig(limits());
    lie(&mut rig, A);
    rig.answer();
    assert_eq!(rig.command(Command::Absolve { ticker: A }), [Answer::Done]);
    assert_eq!(rig.core.market().status(A).suspect, None);
    rig.enter(ask(A, OrderSide::Buy, 1, 8_000)).unwrap();
    rig.answer();
    rig.tick();
    assert_eq!(of(&rig, A).len(), 1);
    rig.tell(A, Told::Delete { id: 999 });
    assert_eq!(rig.sent(b'X'), of(&rig, A));
}

#[test]
fn what_is_absolved_before_there_was_room_stays() {
    let mut rig = rig(limits());
    rig.wire.room = 1;
    lie(&mut rig, A);
    rig.command(Command::Absolve { ticker: A });
    rig.wire.out.clear();
    rig.wire.room = 9;
    rig.tick();
    assert!(rig.wire.out.is_empty());
}

/// A message whose length is not its type's: what it changed is lost.
#[test]
fn a_torn_message_makes_its_symbol_suspect_and_an_unknown_one_nobody() {
    let mut rig = rig(limits());
    let add = Told::Add { id: 77, letter: b'B', qty: 1, name: 0, price: 8_000, mpid: false };
    let whole = super::say::bytes(1, rig.feed_ns, &add);
    rig.itch(&[b'?', 0, 1, 0, 0]);
    rig.itch(b"A");
    rig.itch(&[]);
    assert_eq!(rig.core.market().status(A).suspect, None);
    rig.itch(&whole[..whole.len() - 1]);
    assert_eq!(rig.core.market().status(A).suspect, Some(Lie::Unreadable));
    assert_eq!(rig.core.market().status(B).suspect, None);
    assert_eq!(rig.core.market().lies()[Lie::Unreadable as usize], 4);
    assert_eq!(rig.sent(b'X'), of(&rig, A));
    rig.check();
}

#[test]
fn an_order_under_a_locate_that_nobody_has_makes_the_symbol_it_names_suspect() {
    let mut rig = rig(limits());
    let nobodys = Ticker(40);
    // No name in it, or another's.
    rig.tell(nobodys, Told::Delete { id: 1 });
    rig.tell(nobodys, Told::State { name: 3, letter: b'T' });
    let add = |name| Told::Add { id: 77, letter: b'B', qty: 1, name, price: 8_000, mpid: false };
    rig.tell(nobodys, add(2));
    assert!([A, B].iter().all(|of| rig.core.market().status(*of).suspect.is_none()));
    rig.tell(nobodys, add(1));
    assert_eq!(rig.core.market().status(B).suspect, Some(Lie::UnlistedSymbol));
    assert_eq!(rig.core.market().status(A).suspect, None);
    assert_eq!(rig.sent(b'X'), of(&rig, B));
    rig.check();
}

#[test]
fn what_was_suspect_before_it_was_listed_is_so_afterwards() {
    let mut rig = Rig::scribe(CoreConfig::default(), limits());
    let add = Told::Add { id: 1, letter: b'B', qty: 1, name: 0, price: 8_000, mpid: false };
    rig.tell(A, add);
    rig.list();
    assert_eq!(rig.core.market().status(A).suspect, Some(Lie::UnlistedSymbol));
    let locate = rig.core.market().locate(A).unwrap();
    assert_eq!(rig.core.market().suspect(locate), Some(Lie::UnlistedSymbol));
    rig.command(Command::Absolve { ticker: A });
    assert_eq!(rig.core.market().suspect(locate), None);
}
