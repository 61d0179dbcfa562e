use crate::ledger::{AccountLimits, AccountTerms, LedgerConfig};
use crate::sealed::{self, HEADER_LEN};
use crate::snapshot::image::Image;
use crate::{
    CommandLog, Engine, EngineConfig, InstrumentConfig, LogError, OrderFault, SealedError,
    SelfMatch, SnapshotError, TickStep, replay,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use rkyv::rancor::Error as RkyvError;
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Display, Enter, Event, Firm, MassCancel,
    MatchId, Modify, Nanos, Operation, OrderCapacity, OrderId, OrderSide, Peg, Permit, Phase,
    PostOnly, Price, Qty, Replace, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

mod damage;

const NAMES: [Symbol; 2] = [Symbol(*b"AAPL    "), Symbol(*b"MSFT    ")];
const SESSIONS: u16 = 3;

fn config(ledger: bool) -> EngineConfig {
    let plain = |(id, name)| InstrumentConfig::plain(SymbolId(id), name);
    let mut config = EngineConfig::new([(1, NAMES[0]), (4, NAMES[1])].map(plain).into(), SESSIONS);
    (config.orders, config.levels, config.conditional_orders, config.trades) = (64, 64, 32, 8);
    config.ticks = vec![vec![TickStep { from: Price(0), tick: 1 }]];
    config.self_match = SelfMatch::Decrement;
    config.limit_state_ns = 2_000_000_000;
    config.pause_ns = 3_000_000_000;
    let terms = AccountTerms { cash: 1_000_000_000, limits: AccountLimits::default() };
    config.ledger = ledger.then(|| LedgerConfig { accounts: vec![terms; 3], positions: 32 });
    config
}

/// A command with its stamp, before it is known which numbers the session has reached.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    session: u16,
    behind: u32,
    side: OrderSide,
    qty: u32,
    price: u32,
    terms: Terms,
    cross: CrossKind,
    symbol: usize,
    operation: Operation,
    pass_ns: u64,
}

fn terms() -> impl Strategy<Value = Terms> {
    use TimeInForce::{Day, Gtt, Gtx, Ioc};
    let few = || prop_oneof![3 => Just(0u32), 1 => 1u32..6];
    let tif = prop::sample::select(&[Day, Day, Day, Gtt, Gtt, Gtx, Ioc][..]);
    let display = prop::sample::select(
        &[Display::Visible, Display::Visible, Display::Attributable, Display::Hidden][..],
    );
    let post = prop_oneof![5 => Just(PostOnly::No), 1 => Just(PostOnly::Slide)];
    (tif, display, any::<prop::sample::Index>(), post, few(), few(), 1u32..12).prop_map(
        |(tif, display, peg, post_only, min_qty, max_floor, expire_s)| Terms {
            tif,
            display,
            peg: if peg.index(4) == 0 { Peg::Midpoint } else { Peg::None },
            post_only,
            min_qty: Qty(min_qty),
            max_floor: Qty(if display.is_shown() { max_floor } else { 0 }),
            expire_s,
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    let symbol = || prop::sample::select(&[0u16, 1, 4][..]).prop_map(SymbolId);
    let phase = prop::sample::select(&[Phase::PreOpen, Phase::Continuous, Phase::Continuous][..]);
    prop_oneof![
        4 => Just(Operation::Clock),
        2 => (symbol(), phase).prop_map(|(symbol, phase)| Operation::Phase { symbol, phase }),
        1 => symbol().prop_map(|symbol| Operation::Halt { symbol, reason: *b"T1  " }),
        3 => symbol().prop_map(|symbol| Operation::Resume { symbol }),
        2 => (symbol(), 90u32..100, 100u32..110).prop_map(|(symbol, lower, upper)| {
            Operation::Bands { symbol, lower: Price(lower), upper: Price(upper) }
        }),
        1 => symbol().prop_map(|symbol| Operation::Reference { symbol, price: Price(101) }),
        2 => (1u64..30).prop_map(|id| Operation::Bust { match_id: MatchId(id), reason: b'E' }),
        1 => (1u64..30).prop_map(|id| {
            Operation::Adjust { match_id: MatchId(id), price: Price(99), reason: b'E' }
        }),
        1 => Just(Operation::Deposit { to: AccountId(1), amount: 7 }),
        1 => Just(Operation::CancelSession { session: SessionId(1) }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    use CrossKind::{Closing, Halt, None, Opening};
    use OrderSide::{Buy, Sell, SellShort};
    let side = prop::sample::select(&[Buy, Buy, Sell, SellShort][..]);
    let price = prop_oneof![20 => 95u32..106, 1 => Just(Price::MARKET.0)];
    let cross = prop::sample::select(&[None, None, None, None, None, Opening, Closing, Halt][..]);
    let pass = prop_oneof![6 => 0u64..1_000, 2 => 0u64..2_000_000_000];
    let what = (0u8..24, 0..SESSIONS, 0u32..6, side, 1u32..12, price);
    (what, terms(), cross, 0usize..2, operation(), pass).prop_map(
        |((kind, session, behind, side, qty, price), terms, cross, symbol, operation, pass_ns)| {
            let terms = if cross == None { terms } else { Terms::default() };
            Step {
                kind,
                session,
                behind,
                side,
                qty,
                price,
                terms,
                cross,
                symbol,
                operation,
                pass_ns,
            }
        },
    )
}

/// Turns steps into stamped commands, keeping each session's numbers and the clock.
fn commands(steps: &[Step]) -> Vec<(Nanos, Command)> {
    let mut last = [0u32; SESSIONS as usize];
    let mut now_ns = 0;
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        now_ns += step.pass_ns;
        all.push((Nanos(now_ns), command(step, now_ns, &mut last)));
    }
    all
}

fn command(step: &Step, now_ns: u64, last: &mut [u32]) -> Command {
    let session = SessionId(step.session);
    let at = usize::from(step.session);
    let known = UserRef(last[at].saturating_sub(step.behind));
    let mut next = || {
        last[at] += 1;
        UserRef(last[at])
    };
    let second = (now_ns / 1_000_000_000) as u32;
    let terms = Terms { expire_s: second + step.terms.expire_s, ..step.terms };
    let Step { side, symbol, cross, operation, .. } = *step;
    let (qty, price, cl_ord_id) = (Qty(step.qty), Price(step.price), ClOrdId([b'0'; 14]));
    let firm = [Firm::BLANK, Firm(*b"ABCD"), Firm(*b"WXYZ")][step.behind as usize % 3];
    match step.kind {
        0..=12 => Command::Enter(Enter {
            session,
            user_ref: next(),
            account: AccountId(step.session),
            firm,
            side,
            qty,
            symbol: NAMES[symbol],
            price,
            terms,
            cross,
            capacity: OrderCapacity::Agency,
            cl_ord_id,
        }),
        13..=15 => {
            let (orig, user_ref) = (known, next());
            Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
        }
        16 => Command::Cancel(Cancel { session, user_ref: known, qty: Qty(step.qty / 3) }),
        17 => Command::Modify(Modify { session, user_ref: known, side, qty }),
        18 => Command::Permit(Permit { session, user_ref: next(), firm, enable: step.qty > 3 }),
        19 if step.qty > 8 => {
            let (user_ref, symbol) = (next(), NAMES[symbol]);
            Command::MassCancel(MassCancel { session, user_ref, firm, symbol })
        }
        _ => Command::Operate(operation),
    }
}

fn run(engine: &mut Engine, commands: &[(Nanos, Command)]) -> Vec<Event> {
    let mut events = Vec::new();
    commands.iter().for_each(|(now, command)| engine.apply(command, *now, &mut events));
    events
}

/// An engine some of whose orders have each kind of condition.
fn busy() -> Engine {
    let mut engine = Engine::new(&config(true));
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 400);
    while engine.extras.len() < 4 || engine.extras.expiring() < 2 || engine.trades.all().len() < 4 {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        engine = Engine::new(&config(true));
        run(&mut engine, &commands(&steps));
    }
    engine
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// A restored engine is as the one that was snapshotted, now and after all that follows.
    #[test]
    fn a_restored_engine_goes_on_as_the_other(
        ledger in any::<bool>(),
        steps in prop::collection::vec(step(), 1..160),
        half in any::<prop::sample::Index>(),
        larger in any::<bool>(),
    ) {
        let small = config(ledger);
        let commands = commands(&steps);
        let (early, late) = commands.split_at(half.index(commands.len()));
        let mut first = Engine::new(&small);
        run(&mut first, early);
        let bytes = first.snapshot().unwrap();
        let mut other = small.clone();
        if larger {
            (other.orders, other.levels, other.conditional_orders) = (99, 99, 99);
        }
        let mut second = Engine::restore(&other, &bytes).unwrap();
        prop_assert_eq!(second.check(), Ok(()));
        prop_assert_eq!(second.counters(), first.counters());
        prop_assert_eq!(second.state_hash(), first.state_hash());
        prop_assert_eq!(second.snapshot().unwrap(), bytes);
        for (at, command) in late.iter().enumerate() {
            let one = core::slice::from_ref(command);
            let (told, again) = (run(&mut first, one), run(&mut second, one));
            prop_assert_eq!(told, again, "{} {:?}", at, command);
            prop_assert_eq!(second.deadline_ns, first.deadline_ns);
            prop_assert_eq!(second.state_hash(), first.state_hash(), "{} {:?}", at, command);
        }
        prop_assert_eq!(second.check(), first.check());
        prop_assert_eq!(second.snapshot().unwrap(), first.snapshot().unwrap());
    }

    /// A log that begins at a snapshot leads to where its engine went.
    #[test]
    fn a_log_goes_on_from_a_snapshot(
        steps in prop::collection::vec(step(), 2..80),
        half in any::<prop::sample::Index>(),
    ) {
        let commands = commands(&steps);
        let (early, late) = commands.split_at(half.index(commands.len()));
        let mut engine = Engine::new(&config(true));
        run(&mut engine, early);
        let bytes = engine.snapshot().unwrap();
        let mut log = CommandLog::after(&engine, late.len());
        for (now, command) in late {
            prop_assert!(log.push(*now, command));
        }
        let log = log.to_bytes().unwrap();
        let events = run(&mut engine, late);

        let mut again = Engine::restore(&config(true), &bytes).unwrap();
        let mut told = Vec::new();
        prop_assert_eq!(replay(&log, &mut again, &mut told), Ok(late.len() as u64));
        prop_assert_eq!(&told, &events);
        prop_assert_eq!(again.state_hash(), engine.state_hash());
        if !early.is_empty() {
            let gap = LogError::Gap { log: early.len() as u64, engine: 0 };
            let mut fresh = Engine::new(&config(true));
            prop_assert_eq!(replay(&log, &mut fresh, &mut told), Err(gap));
        }
    }
}

#[test]
fn a_snapshot_is_read_wherever_it_lies() {
    let engine = busy();
    let bytes = engine.snapshot().unwrap();
    for shift in 0..16 {
        let mut moved = vec![0; shift];
        moved.extend_from_slice(&bytes);
        let again = Engine::restore(&config(true), &moved[shift..]).unwrap();
        assert_eq!(again.state_hash(), engine.state_hash());
    }
}

#[test]
fn more_of_everything_is_a_config_that_fits() {
    let engine = busy();
    let mut larger = config(true);
    let third = InstrumentConfig::plain(SymbolId(9), Symbol(*b"IBM     "));
    larger.instruments.push(third);
    larger.sessions += 5;
    (larger.orders, larger.levels, larger.trades) = (1_000, 1_000, 1_000);
    let again = Engine::restore(&larger, &engine.snapshot().unwrap()).unwrap();
    assert_eq!(again.check(), Ok(()));
    for symbol in [SymbolId(1), SymbolId(4)] {
        assert!(again.orders(symbol).eq(engine.orders(symbol)));
        assert_eq!(again.instrument(symbol), engine.instrument(symbol));
    }
}
