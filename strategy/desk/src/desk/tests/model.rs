//! A desk against the naive venue, driven at random: what must hold holds after every step.

use super::floor::{Floor, ask};
use proptest::prelude::*;
use risk::KillReason;
use types::{OrderSide, TimeInForce, UserRef};

#[derive(Clone, Debug)]
enum Act {
    Enter { ticker: u16, buys: bool, qty: u32, price: u32, ioc: bool },
    Replace { at: usize, qty: u32, price: u32 },
    Cancel { at: usize },
    CancelAll,
    Room(usize),
    Take(usize),
    Deliver(usize),
    Fill { at: usize, qty: u32, better: u32 },
    Expel { at: usize, qty: u32 },
    Aiq { at: usize, qty: u32 },
    Bust(usize),
    Correct { at: usize, price: u32 },
    Prioritise(usize),
    Modify { at: usize, off: u32 },
    Restate(usize),
    AnswerCancel { at: usize, refused: bool },
    RejectNext,
    SlideNext,
    KillNext,
    Silent(bool),
    DropLine(usize),
    Login,
    Poll,
    Wait(u64),
    Kill,
    Revive,
}

fn acts() -> impl Strategy<Value = Act> {
    let price = || 10_000u32..10_020;
    prop_oneof![
        8 => (0u16..2, any::<bool>(), 1u32..100, 0u32..10, any::<u8>()).prop_map(
            |(ticker, buys, qty, price, ioc)| {
                // Apart, so that we do not meet ourselves.
                let price = if buys { 9_000 + price } else { 11_000 + price };
                Act::Enter { ticker, buys, qty, price, ioc: ioc < 20 }
            }
        ),
        5 => (0usize..99, 1u32..120, 0u32..10)
            .prop_map(|(at, qty, price)| Act::Replace { at, qty, price }),
        3 => (0usize..99).prop_map(|at| Act::Cancel { at }),
        1 => Just(Act::CancelAll),
        1 => prop_oneof![Just(0usize), Just(1), Just(3), Just(64)].prop_map(Act::Room),
        6 => (1usize..6).prop_map(Act::Take),
        8 => (1usize..8).prop_map(Act::Deliver),
        6 => (0usize..99, 1u32..100, 0u32..3)
            .prop_map(|(at, qty, better)| Act::Fill { at, qty, better }),
        1 => (0usize..99, 1u32..100).prop_map(|(at, qty)| Act::Expel { at, qty }),
        1 => (0usize..99, 1u32..100).prop_map(|(at, qty)| Act::Aiq { at, qty }),
        1 => (0usize..99).prop_map(Act::Bust),
        1 => (0usize..99, price()).prop_map(|(at, price)| Act::Correct { at, price }),
        1 => (0usize..99).prop_map(Act::Prioritise),
        1 => (0usize..99, 1u32..50).prop_map(|(at, off)| Act::Modify { at, off }),
        1 => (0usize..99).prop_map(Act::Restate),
        1 => (0usize..99, any::<bool>())
            .prop_map(|(at, refused)| Act::AnswerCancel { at, refused }),
        1 => Just(Act::RejectNext),
        1 => Just(Act::SlideNext),
        1 => Just(Act::KillNext),
        1 => any::<bool>().prop_map(Act::Silent),
        2 => (0usize..6).prop_map(Act::DropLine),
        4 => Just(Act::Login),
        6 => Just(Act::Poll),
        2 => (1u64..2_000).prop_map(Act::Wait),
        1 => Just(Act::Kill),
        1 => Just(Act::Revive),
    ]
}

fn nth_of_ours(floor: &Floor, at: usize) -> Option<UserRef> {
    let ours: Vec<_> = floor.desk.orders().map(|order| order.user_ref).collect();
    (!ours.is_empty()).then(|| ours[at % ours.len()])
}

fn at_the_venue(floor: &mut Floor, act: &Act) {
    let venue = &mut floor.venue;
    let (&Act::Fill { at, .. }
    | &Act::Expel { at, .. }
    | &Act::Aiq { at, .. }
    | &Act::Prioritise(at)
    | &Act::Modify { at, .. }
    | &Act::Restate(at)
    | &Act::AnswerCancel { at, .. }) = act
    else {
        return;
    };
    let Some(user_ref) = venue.nth(at) else { return };
    let leaves = venue.live[&user_ref].leaves;
    match *act {
        Act::Fill { qty, better, .. } => venue.fill(user_ref, qty.min(leaves), better),
        Act::Expel { qty, .. } => venue.cancel(user_ref, qty.min(leaves), b'S'),
        Act::Aiq { qty, .. } => venue.aiq(user_ref, qty.min(leaves)),
        Act::Prioritise(_) => venue.prioritise(user_ref),
        Act::Modify { off, .. } => venue.modify(user_ref, off),
        Act::Restate(_) => venue.restate(user_ref),
        Act::AnswerCancel { refused, .. } => venue.answer_cancel(user_ref, refused),
        _ => {}
    }
}

fn step(floor: &mut Floor, act: &Act) {
    match *act {
        Act::Enter { ticker, buys, qty, price, ioc } => {
            let side = if buys { OrderSide::Buy } else { OrderSide::SellShort };
            let mut ask = ask(ticker, side, qty, price);
            ask.tif = if ioc { TimeInForce::Ioc } else { TimeInForce::Day };
            let _ = floor.enter(&ask);
        }
        Act::Replace { at, qty, price } => {
            if let Some(old) = nth_of_ours(floor, at) {
                let buys = floor.desk.order(old).unwrap().side == OrderSide::Buy;
                let price = if buys { 9_000 + price } else { 11_000 + price };
                let _ = floor.replace(old, qty, price);
            }
        }
        Act::Cancel { at } => {
            if let Some(order) = nth_of_ours(floor, at) {
                floor.cancel(order);
            }
        }
        Act::CancelAll => floor.desk.cancel_all(),
        Act::Room(room) if floor.up => floor.pipe.room = room,
        Act::Take(count) => floor.take(count),
        Act::Deliver(count) => floor.deliver(count),
        Act::Bust(at) => floor.venue.bust(at),
        Act::Correct { at, price } => floor.venue.correct(at, price),
        Act::RejectNext => floor.venue.rejects = true,
        Act::SlideNext => floor.venue.slides = true,
        Act::KillNext => floor.venue.kills = true,
        Act::Silent(silent) => floor.venue.silent = silent,
        Act::DropLine(taken) if floor.up => floor.drop_line(taken),
        Act::Login => floor.login(),
        Act::Poll => floor.poll(),
        Act::Wait(ns) => floor.now_ns += ns,
        Act::Kill => {
            let kills = floor.kills().len();
            let fresh = floor.desk.killed().is_none();
            floor.desk.kill(floor.now_ns, KillReason::Operator);
            floor.poll();
            assert_eq!(floor.kills().len(), kills + usize::from(fresh));
        }
        Act::Revive => floor.desk.revive(),
        _ => at_the_venue(floor, act),
    }
}

fn run(acts: &[Act]) -> Floor {
    let mut floor = Floor::new(64);
    for act in acts {
        step(&mut floor, act);
        floor.check();
    }
    if floor.up {
        floor.pipe.room = 64;
    }
    floor.venue.silent = false;
    floor.settle();
    floor.check_settled();
    if floor.desk.killed().is_some() {
        assert_eq!(floor.desk.live_orders(), 0, "a kill leaves nothing");
    }
    floor
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_is_ours_is_the_venues(acts in proptest::collection::vec(acts(), 1..250)) {
        run(&acts);
    }

    #[test]
    fn a_restart_comes_to_the_same(acts in proptest::collection::vec(acts(), 1..250)) {
        run(&acts).check_restart();
    }
}
