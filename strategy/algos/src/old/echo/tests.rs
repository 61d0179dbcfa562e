use super::*;
use book::LevelView;
use risk::Refusal;

#[derive(Default)]
struct Sent {
    entered: Vec<Intent>,
    canceled: Vec<UserRef>,
    refuse: bool,
}

impl Orders for Sent {
    fn enter(&mut self, intent: &Intent) -> Result<UserRef, Refusal> {
        if self.refuse {
            return Err(Refusal::OrderRate);
        }
        self.entered.push(*intent);
        Ok(UserRef(self.entered.len() as u32))
    }

    fn cancel(&mut self, user_ref: UserRef) {
        self.canceled.push(user_ref);
    }
}

fn top(bid: u32, ask: u32) -> Top {
    let level = |p| Some(LevelView { price: Price(p), qty: 100, orders: 1 });
    Top { bid: level(bid), ask: level(ask) }
}

fn echo(mode: EchoMode, every_ticks: u32) -> Echo {
    let mut echo = Echo::new(EchoConfig { mode, qty: Qty(10), every_ticks }, 4);
    echo.watch(SymbolId(1));
    echo
}

#[test]
fn takes_the_far_touch_in_turn() {
    let (mut e, mut out) = (echo(EchoMode::Take, 1), Sent::default());
    e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    let got: Vec<_> = out.entered.iter().map(|i| (i.side, i.price.0, i.tif)).collect();
    assert_eq!(
        got,
        [(OrderSide::Buy, 101, TimeInForce::Ioc), (OrderSide::Sell, 99, TimeInForce::Ioc)]
    );
}

#[test]
fn joins_and_takes_the_previous_one_off() {
    let (mut e, mut out) = (echo(EchoMode::Join, 1), Sent::default());
    for _ in 0..4 {
        e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    }
    assert_eq!(out.canceled, [UserRef(1), UserRef(2)]);
    assert_eq!(out.entered[0].price, Price(99));
    e.on_done(UserRef(3));
    e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    assert_eq!(out.canceled.len(), 2, "a dead order is not canceled again");
}

#[test]
fn lets_other_and_odd_books_be() {
    let (mut e, mut out) = (echo(EchoMode::Take, 1), Sent::default());
    e.on_tick(0, SymbolId(2), &top(99, 101), &mut out);
    e.on_tick(0, SymbolId(9), &top(99, 101), &mut out);
    e.on_tick(0, SymbolId(1), &top(101, 101), &mut out);
    e.on_tick(0, SymbolId(1), &top(102, 101), &mut out);
    e.on_tick(0, SymbolId(1), &Top { ask: None, ..top(1, 2) }, &mut out);
    assert!(out.entered.is_empty());
}

#[test]
fn counts_ticks_and_goes_on_after_a_refusal() {
    let (mut e, mut out) = (echo(EchoMode::Take, 3), Sent::default());
    for _ in 0..7 {
        e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    }
    assert_eq!(out.entered.len(), 2);
    out.refuse = true;
    for _ in 0..2 {
        e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    }
    out.refuse = false;
    for _ in 0..3 {
        e.on_tick(0, SymbolId(1), &top(99, 101), &mut out);
    }
    assert_eq!(out.entered[2].side, OrderSide::Sell, "the side after the one that was refused");
}
