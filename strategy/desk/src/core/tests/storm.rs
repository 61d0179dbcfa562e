//! Anything that can come in, in any order, to any of the built-in strategies.

use super::rig::*;
use super::say::{self, Told};
use crate::{Command, CoreConfig};
use algos::{Builtin, ParamSpec, Strategy as _};
use market::Currency;
use proptest::prelude::*;
use risk::{GateLimits, KillReason, LimitName, Restriction, TickerLimits};

/// What comes in.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// Sound books: bids, and how far above them the offers are.
    Quotes([u32; 2], u32),
    Told(bool, Told),
    /// The venue takes what was sent and is heard.
    Answers,
    Fill(usize, u32),
    /// The clock goes on by so many milliseconds and is looked at.
    Tick(u64),
    Feed(usize),
    Drop,
    Connect,
    Room(usize),
    Say(Command),
}

const FEEDS: [Currency; 4] =
    [Currency::Current, Currency::Behind, Currency::Lossy, Currency::Silent];

/// A told price as a built-in strategy's tick allows it.
fn scaled(told: Told) -> Told {
    let up = |price: u32| if (60..68).contains(&price) { price * 100 } else { price };
    match told {
        Told::Add { id, letter, qty, name, price, mpid } => {
            Told::Add { id, letter, qty, name, price: up(price), mpid }
        }
        Told::Replace { old, new, qty, price } => Told::Replace { old, new, qty, price: up(price) },
        other => other,
    }
}

fn command() -> impl Strategy<Value = Command> {
    let limit = (prop::sample::select(LimitName::ALL.to_vec()), any::<u32>());
    prop_oneof![
        (0..40u8, any::<i64>()).prop_map(|(at, value)| Command::SetParam { at, value }),
        limit.prop_map(|(limit, value)| Command::SetLimit { limit, value: u64::from(value) }),
        prop::sample::select(vec![
            Command::Kill,
            Command::CancelAll,
            Command::Status,
            Command::Absolve { ticker: A },
            Command::Absolve { ticker: types::Ticker(9) },
            Command::Restrict { ticker: B, restriction: Restriction::CloseOnly },
            Command::Restrict { ticker: B, restriction: Restriction::None },
        ]),
        Just(Command::Revive),
    ]
}

/// Any of it; with an operator who changes parameters, limits, restrictions and the switch or not.
pub(super) fn input(operates: bool) -> impl Strategy<Value = Input> {
    let bid = || (10..100u32).prop_map(|cents| cents * 100);
    let says = match operates {
        true => command().prop_map(Input::Say).boxed(),
        false => Just(Input::Answers).boxed(),
    };
    prop_oneof![
        12 => ([bid(), bid()], 1..9u32).prop_map(|(bids, ticks)| Input::Quotes(bids, ticks * 100)),
        12 => (any::<bool>(), say::told(0)).prop_map(|(b, told)| Input::Told(b, scaled(told))),
        12 => Just(Input::Answers),
        4 => (0..9usize, 1..300u32).prop_map(|(at, qty)| Input::Fill(at, qty)),
        8 => prop_oneof![0..40u64, 0..100_000u64].prop_map(Input::Tick),
        1 => (0..FEEDS.len()).prop_map(Input::Feed),
        2 => Just(Input::Feed(0)),
        1 => Just(Input::Drop),
        1 => Just(Input::Connect),
        1 => prop_oneof![0..4usize, Just(usize::MAX)].prop_map(Input::Room),
        2 => says,
        1 => Just(Input::Room(usize::MAX)),
    ]
}

/// One value of a parameter's bounds, often the default or an end of them.
pub(super) fn value(spec: &ParamSpec, raw: u64) -> i64 {
    let span = u64::try_from(spec.max - spec.min).unwrap() + 1;
    match raw % 8 {
        0 => spec.min,
        1 => spec.max,
        2..=4 => spec.default,
        _ => spec.min + i64::try_from((raw / 8) % span).unwrap(),
    }
}

/// Any built-in strategy with any parameters.
pub(super) fn builtin() -> impl Strategy<Value = Builtin> {
    let raws = prop::collection::vec(any::<u64>(), 32);
    (prop::sample::select(Builtin::KINDS.to_vec()), raws).prop_map(|(kind, raws)| {
        let values: Vec<i64> =
            kind.params.iter().zip(raws).map(|(spec, raw)| value(spec, raw)).collect();
        Builtin::new(kind.name, &names(), &values).expect("values within their bounds")
    })
}

/// A rig that has been through it all.
pub(super) fn run(
    strategy: &Builtin,
    inputs: &[Input],
    limits: GateLimits,
    each: TickerLimits,
) -> Rig<Builtin> {
    let config = CoreConfig { kill_on_lossy_feed: true, ..CoreConfig::default() };
    let mut rig = Rig::of(names(), strategy.clone(), config, limits, each).ready();
    let mut ids = 1_000;
    for input in inputs {
        weather(&mut rig, input, &mut ids);
    }
    rig.check();
    rig
}

fn weather(rig: &mut Rig<Builtin>, input: &Input, ids: &mut u64) {
    match input {
        Input::Quotes(bids, spread) => {
            rig.core.on_snapshot_begin();
            for (of, bid) in [A, B].into_iter().zip(bids) {
                for (letter, price) in [(b'B', *bid), (b'S', bid + spread)] {
                    *ids += 1;
                    let (name, mpid) = (usize::from(of.0), false);
                    rig.tell(of, Told::Add { id: *ids, letter, qty: 100, name, price, mpid });
                }
            }
        }
        Input::Told(b, told) => rig.tell(if *b { B } else { A }, told.clone()),
        Input::Answers => rig.answer(),
        Input::Fill(at, qty) => {
            // Only what was answered can be filled.
            rig.answer();
            if let Some(fill) = rig.venue.fill(*at, *qty) {
                rig.ouch(&fill);
            }
        }
        Input::Tick(ms) => {
            rig.now_ns += ms * MS_NS;
            rig.tick();
        }
        Input::Feed(at) => rig.core.on_feed(rig.now_ns, FEEDS[*at], &mut rig.wire),
        Input::Drop => rig.disconnect(),
        Input::Connect => {
            rig.disconnect();
            rig.wire.room = usize::MAX;
            rig.connect();
        }
        Input::Room(room) => rig.wire.room = *room,
        Input::Say(command) => {
            let answers = rig.command(*command);
            let closing =
                |a: &crate::Answer| matches!(a, crate::Answer::Done | crate::Answer::Refused(_));
            assert_eq!(answers.iter().filter(|a| closing(a)).count(), 1);
            assert!(closing(answers.last().expect("an answer")));
        }
    }
}

/// What the storm is for: with defaults, each of them does trade in it.
#[test]
fn every_built_in_strategy_trades_in_fair_weather() {
    for kind in Builtin::KINDS {
        let mut values = Builtin::defaults(kind.name).unwrap();
        let mut set = |name: &str, value| {
            if let Ok(at) = algos::set_by_name(kind.params, name, value) {
                values[at] = value;
            }
        };
        set("total_shares", 10_000);
        set("samples_min", 1);
        let strategy = Builtin::new(kind.name, &names(), &values).unwrap();
        let mut inputs = Vec::new();
        for at in 0..200u32 {
            let bid = |by: u32| 5_000 + (at * by) % 700 / 100 * 100;
            inputs.extend([Input::Quotes([bid(130), bid(310)], 100), Input::Tick(200)]);
            inputs.extend([Input::Answers, Input::Fill(at as usize, 50)]);
        }
        let rig = run(&strategy, &inputs, limits(), ticker_limits());
        assert!(rig.wire.left[usize::from(b'O')] > 10, "{}", kind.name);
        assert!(rig.core.desk().counters().fills > 2, "{}", kind.name);
        assert_eq!(rig.core.desk().killed(), None::<KillReason>);
        assert_eq!(rig.core.strategy().params().len(), kind.params.len());
    }
}
