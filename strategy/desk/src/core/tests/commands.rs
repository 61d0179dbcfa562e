//! Each command does what it says, and has one closing answer.

use super::rig::*;
use crate::{Answer, Command, CoreConfig};
use market::Currency;
use risk::{KillReason, LimitName, Refusal, Restriction};
use types::{OrderSide, Qty, Ticker};

fn rig() -> Rig<Scribe> {
    Rig::quoted(CoreConfig::default(), limits())
}

#[test]
fn a_parameter_holds_from_the_next_call() {
    let mut rig = rig();
    assert_eq!(rig.command(Command::SetParam { at: 0, value: 5 }), [Answer::Done]);
    assert_eq!(rig.log().value, 5);
    // It is the timer's period too, and the timer is asked for it at the next tick.
    rig.tick();
    rig.tick();
    assert!(matches!(rig.take_heard()[..], [Heard::Timer(_)]));
}

#[test]
fn parameters_are_told_as_they_stand() {
    let mut rig = rig();
    let told = |value| [Answer::Param { at: 0, value }, Answer::Done];
    assert_eq!(rig.command(Command::Params), told(0));
    rig.command(Command::SetParam { at: 0, value: 5 });
    assert_eq!(rig.command(Command::Params), told(5));
}

#[test]
fn a_limit_holds_from_the_next_order_and_one_that_does_not_fit_is_refused() {
    let mut rig = rig();
    let set = |limit, value| Command::SetLimit { limit, value };
    assert_eq!(rig.command(set(LimitName::OrderQty, 10)), [Answer::Done]);
    let refusal = rig.enter(ask(A, OrderSide::Buy, 11, 8_000));
    assert_eq!(refusal, Err(Refusal::OrderQty));
    rig.enter(ask(A, OrderSide::Buy, 10, 8_000)).unwrap();
    let answers = rig.command(set(LimitName::OrderQty, u64::MAX));
    assert!(matches!(answers[..], [Answer::Refused(_)]), "{answers:?}");
    assert_eq!(rig.core.desk().gate().limits().order.qty_max, Qty(10));
}

#[test]
fn a_loss_limit_that_is_passed_already_kills_at_once() {
    let mut rig = rig();
    rig.enter(ask(A, OrderSide::Buy, 100, 10_500)).unwrap();
    rig.answer();
    let fill = rig.venue.fill(0, 100).unwrap();
    rig.ouch(&fill);
    let mut rig = rig.with_orders(3);
    let loss = Command::SetLimit { limit: LimitName::Loss, value: 1 };
    assert_eq!(rig.command(loss), [Answer::Done]);
    assert_eq!(rig.core.desk().killed(), Some(KillReason::Loss));
    assert_eq!(rig.sent(b'X'), rig.live());
}

#[test]
fn a_restriction_holds_until_it_is_lifted() {
    let mut rig = rig();
    let set = |restriction| Command::Restrict { ticker: A, restriction };
    assert_eq!(rig.command(set(Restriction::NoTrade)), [Answer::Done]);
    let wish = ask(A, OrderSide::Buy, 10, 8_000);
    assert_eq!(rig.enter(wish), Err(Refusal::Restricted));
    rig.enter(ask(B, OrderSide::Buy, 10, 8_000)).unwrap();
    rig.command(set(Restriction::CloseOnly));
    assert_eq!(rig.enter(wish), Err(Refusal::CloseOnly));
    rig.command(set(Restriction::None));
    rig.enter(wish).unwrap();
}

#[test]
fn what_names_a_symbol_that_there_is_not_is_refused() {
    let mut rig = rig();
    let ticker = Ticker(2);
    let unknown = [Answer::Refused(risk::LimitError::UnknownSymbol)];
    let restriction = Restriction::NoTrade;
    assert_eq!(rig.command(Command::Restrict { ticker, restriction }), unknown);
    assert_eq!(rig.command(Command::Absolve { ticker }), unknown);
}

#[test]
fn all_orders_are_taken_off_and_entry_goes_on() {
    let mut rig = rig().with_orders(5);
    assert_eq!(rig.command(Command::CancelAll), [Answer::Done]);
    assert_eq!(rig.sent(b'X'), rig.live());
    let order = rig.enter(ask(A, OrderSide::Buy, 10, 8_000)).unwrap();
    rig.answer();
    assert_eq!(rig.live(), [order.0]);
}

#[test]
fn kill_and_revive_answer_once() {
    let mut rig = rig().with_orders(5);
    assert_eq!(rig.command(Command::Kill), [Answer::Done]);
    assert_eq!(rig.core.desk().killed(), Some(KillReason::Operator));
    assert_eq!(rig.sent(b'X'), rig.live());
    assert_eq!(rig.command(Command::Revive), [Answer::Done]);
    assert_eq!(rig.core.desk().killed(), None);
    rig.enter(ask(A, OrderSide::Buy, 10, 8_000)).unwrap();
}

#[test]
fn the_status_tells_every_symbol_and_the_whole() {
    let mut rig = rig().with_orders(4);
    let fill = rig.venue.fill(0, 40).unwrap();
    rig.ouch(&fill);
    rig.tell(B, super::say::Told::Delete { id: 999 });
    let answers = rig.command(Command::Status);
    let [a, b, all, Answer::Done] = answers[..] else { panic!("{answers:?}") };
    let position = rig.core.desk().gate().position(A);
    assert_eq!((position.shares, position.open_orders), (40, 2));
    assert_eq!(a, Answer::Position { ticker: A, position, suspect: false });
    let position = rig.core.desk().gate().position(B);
    assert_eq!(b, Answer::Position { ticker: B, position, suspect: true });
    let whole = Answer::Trader {
        live_orders: 4,
        realised: 0,
        // Bought at 8,000 each, marked at 10,000.
        open: 80_000,
        exposure: rig.core.desk().gate().exposure(),
        killed: None,
        can_trade: true,
        feed: Currency::Current,
    };
    assert_eq!(all, whole);
}

#[test]
fn after_the_close_nothing_enters_and_everything_goes() {
    let mut rig = rig().with_orders(3);
    rig.core.close(rig.now_ns, &mut rig.wire);
    assert_eq!(rig.sent(b'X'), rig.live());
    let refusal = rig.enter(ask(A, OrderSide::Buy, 10, 8_000));
    assert_eq!(refusal, Err(Refusal::NotConnected));
}
