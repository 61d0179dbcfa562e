use crate::naive::Naive;
use crate::{CommandLog, Engine, EngineConfig, LogError, replay};
use book::{Books, Capacity};
use proptest::prelude::*;
use std::collections::BTreeMap;
use types::{
    Cancel, CancelReason, Canceled, ClOrdId, Command, Enter, Event, Executed, Modify, Nanos,
    OrderCapacity, OrderId, OrderSide, Price, Qty, Refused, RejectReason, Replace, Replaced,
    SessionId, Side, Symbol, SymbolId, TimeInForce, UserRef,
};

mod invariants;
mod semantics;

const SESSIONS: u16 = 3;
const SYMBOLS: [SymbolId; 2] = [SymbolId(1), SymbolId(4)];
const NAMES: [Symbol; 2] = [Symbol(*b"AAPL    "), Symbol(*b"MSFT    ")];

fn config(orders: u32, levels: u32) -> EngineConfig {
    let symbols = SYMBOLS.into_iter().zip(NAMES).collect();
    EngineConfig { symbols, sessions: SESSIONS, orders, levels }
}

/// A command before it is known which numbers the session has reached.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    session: u16,
    /// How far above the session's last number the new one is; 0 repeats it.
    ahead: u32,
    /// How far below the last number the order meant is.
    behind: u32,
    side: OrderSide,
    qty: u32,
    price: u32,
    tif: TimeInForce,
    symbol: Symbol,
}

impl Step {
    fn command(&self, last_refs: &BTreeMap<u16, u32>) -> Command {
        let session = SessionId(self.session);
        let last = last_refs.get(&self.session).copied().unwrap_or(0);
        let user_ref = UserRef(last.saturating_add(self.ahead));
        let known = UserRef(last.saturating_sub(self.behind));
        let Step { side, tif, symbol, .. } = *self;
        let (qty, price, cl_ord_id) = (Qty(self.qty), Price(self.price), ClOrdId([self.kind; 14]));
        match self.kind {
            0..=9 => Command::Enter(Enter {
                session,
                user_ref,
                side,
                qty,
                symbol,
                price,
                tif,
                capacity: [OrderCapacity::Agency, OrderCapacity::Principal][self.kind as usize % 2],
                cl_ord_id,
            }),
            10..=13 => {
                let orig = known;
                Command::Replace(Replace { session, orig, user_ref, qty, price, tif, cl_ord_id })
            }
            14 | 15 => Command::Cancel(Cancel { session, user_ref: known, qty: Qty(self.qty % 4) }),
            16 => Command::Cancel(Cancel { session, user_ref: known, qty }),
            17 | 18 => Command::Modify(Modify { session, user_ref: known, side, qty }),
            _ => {
                let reason = RejectReason::Halted;
                Command::Refused(Refused { session, user_ref, reason, cl_ord_id })
            }
        }
    }
}

/// Turns steps into commands, keeping each session's numbers.
fn commands(steps: &[Step]) -> Vec<Command> {
    let mut last_refs = BTreeMap::new();
    let number = |command: &Command| match command {
        Command::Enter(c) => Some(c.user_ref),
        Command::Replace(c) => Some(c.user_ref),
        Command::Refused(c) => Some(c.user_ref),
        Command::Cancel(_) | Command::Modify(_) => None,
    };
    let mut commands = Vec::with_capacity(steps.len());
    for step in steps {
        let command = step.command(&last_refs);
        if let Some(user_ref) = number(&command) {
            last_refs.insert(step.session, user_ref.0);
        }
        commands.push(command);
    }
    commands
}

fn step() -> impl Strategy<Value = Step> {
    use OrderSide::{Buy, Sell, SellShort, SellShortExempt};
    let session = prop_oneof![40 => 0..SESSIONS, 1 => Just(SESSIONS), 1 => Just(u16::MAX)];
    let ahead = prop_oneof![400 => Just(1u32), 20 => 2u32..5, 20 => Just(0), 1 => Just(u32::MAX)];
    let behind = prop_oneof![20 => 0u32..8, 1 => Just(u32::MAX)];
    let side = prop::sample::select(&[Buy, Buy, Buy, Sell, SellShort, SellShortExempt][..]);
    let qty = prop_oneof![
        30 => 1u32..12,
        2 => prop::sample::select(&[0, 999_999, 1_000_000, u32::MAX, u32::MAX - 1][..]),
    ];
    let limit = Price::LIMIT_MAX.0;
    let price = prop_oneof![
        30 => 95u32..105,
        3 => Just(Price::MARKET.0),
        2 => prop::sample::select(
            vec![0, 1, limit, limit + 1, Price::MARKET.0 - 1, Price::MARKET.0 + 1, u32::MAX]
        ),
    ];
    let tif = prop::sample::select(&[TimeInForce::Day, TimeInForce::Day, TimeInForce::Ioc][..]);
    let symbol = prop_oneof![
        10 => Just(NAMES[0]),
        5 => Just(NAMES[1]),
        1 => prop::sample::select(vec![Symbol(*b"NOBODY  "), Symbol([0; 8]), Symbol([0xFF; 8])]),
    ];
    (0u8..20, session, ahead, behind, side, qty, price, tif, symbol).prop_map(
        |(kind, session, ahead, behind, side, qty, price, tif, symbol)| Step {
            kind,
            session,
            ahead,
            behind,
            side,
            qty,
            price,
            tif,
            symbol,
        },
    )
}

/// An engine and everything that it is held against.
struct Bench {
    engine: Engine,
    naive: Naive,
    ledger: invariants::Ledger,
    tape: Books,
    ticks: u64,
}

impl Bench {
    fn new(config: &EngineConfig) -> Bench {
        let capacity = Capacity { orders: config.orders, levels: config.levels, symbols: 5 };
        Bench {
            engine: Engine::new(config),
            naive: Naive::new(config),
            ledger: invariants::Ledger::default(),
            tape: Books::with_capacity(capacity),
            ticks: 0,
        }
    }

    /// Applies a command to all, and asks whether they agree.
    fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.ticks += 1;
        let mut events = Vec::new();
        self.engine.apply(command, Nanos(self.ticks), &mut events);
        assert_eq!(events, self.naive.apply(command), "{command:?}");
        assert_eq!(*self.engine.counters(), self.naive.counters, "{command:?}");
        self.ledger.take(&events);
        events.iter().for_each(|event| invariants::tell(&mut self.tape, event));
        invariants::same_orders(&self.engine, &self.naive);
        invariants::never_crossed(&self.engine);
        invariants::first_come_first_served(&self.engine);
        invariants::tape_is_the_book(&self.engine, &self.tape);
        self.ledger.balances(&self.engine);
        events
    }
}

fn run(engine: &mut Engine, commands: &[Command]) -> Vec<Event> {
    let mut events = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        engine.apply(command, Nanos(at as u64), &mut events);
    }
    events
}

fn log_of(commands: &[Command]) -> CommandLog {
    let mut log = CommandLog::with_capacity(commands.len());
    for (at, command) in commands.iter().enumerate() {
        assert!(log.push(Nanos(at as u64), command));
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_engine_is_its_naive_twin(
        orders in prop_oneof![1 => 0u32..6, 2 => Just(64u32)],
        levels in prop_oneof![1 => 0u32..6, 2 => Just(64u32)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut bench = Bench::new(&config(orders, levels));
        commands(&steps).iter().for_each(|command| drop(bench.apply(command)));
    }

    /// The same commands give the same events and the same state, in a fresh engine, in a copy
    /// taken half-way, and through the log.
    #[test]
    fn the_engine_is_a_function_of_its_commands(
        steps in prop::collection::vec(step(), 1..60),
        half in any::<prop::sample::Index>(),
    ) {
        let commands = commands(&steps);
        let mut first = Engine::new(&config(32, 32));
        let events = run(&mut first, &commands);

        let mut second = Engine::new(&config(32, 32));
        let (early, late) = commands.split_at(half.index(commands.len()));
        let mut again = run(&mut second, early);
        let mut copy = second.clone();
        let rest = run(&mut second, late);
        prop_assert_eq!(&run(&mut copy, late), &rest);
        again.extend(rest);
        prop_assert_eq!(&again, &events);
        prop_assert_eq!(second.state_hash(), first.state_hash());
        prop_assert_eq!(copy.state_hash(), first.state_hash());

        let mut third = Engine::new(&config(32, 32));
        let mut replayed = Vec::new();
        let bytes = log_of(&commands).to_bytes().unwrap();
        let count = replay(&bytes, &mut third, &mut replayed);
        prop_assert_eq!(count, Ok(commands.len() as u64));
        prop_assert_eq!(replayed, events);
        prop_assert_eq!(third.state_hash(), first.state_hash());
    }

    #[test]
    fn a_damaged_log_is_refused_whole(
        steps in prop::collection::vec(step(), 1..20),
        at in any::<prop::sample::Index>(),
        flip in 1u8..=255,
        cut in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let bytes = log_of(&commands(&steps)).to_bytes().unwrap();
        let mut flipped = bytes.clone();
        flipped[at.index(bytes.len())] ^= flip;
        let short = bytes[..cut.index(bytes.len())].to_vec();
        let long = [&bytes[..], &more].concat();
        let mut engine = Engine::new(&config(32, 32));
        let before = engine.state_hash();
        for damaged in [flipped, short, long, more] {
            let mut events = Vec::new();
            prop_assert!(replay(&damaged, &mut engine, &mut events).is_err());
            prop_assert!(events.is_empty());
            prop_assert_eq!(engine.state_hash(), before);
            prop_assert_eq!(engine.counters().commands, 0);
        }
    }
}

/// Each byte of one log in turn, and each length below its own.
#[test]
fn no_byte_of_a_log_can_change_or_go_missing() {
    let enter = semantics::enter(0, 1, OrderSide::Buy, 5, 100);
    let bytes = log_of(&[enter, semantics::cancel(0, 1, 2)]).to_bytes().unwrap();
    let mut engine = Engine::new(&config(4, 4));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(replay(&flipped, &mut engine, &mut Vec::new()).is_err(), "byte {at} bit {bit}");
        }
        assert!(replay(&bytes[..at], &mut engine, &mut Vec::new()).is_err(), "{at} bytes");
    }
    assert_eq!(replay(b"PEREGRINE", &mut engine, &mut Vec::new()), Err(LogError::Header));
    assert_eq!(engine.counters().commands, 0);
    assert_eq!(replay(&bytes, &mut engine, &mut Vec::new()), Ok(2));
}

#[test]
fn an_empty_log_is_a_log_and_a_full_one_says_so() {
    let mut log = CommandLog::with_capacity(1);
    assert!(log.is_empty() && log.is_whole());
    let mut engine = Engine::new(&config(4, 4));
    assert_eq!(replay(&log.to_bytes().unwrap(), &mut engine, &mut Vec::new()), Ok(0));
    assert!(log.push(Nanos(0), &semantics::cancel(0, 1, 0)));
    assert!(!log.push(Nanos(1), &semantics::cancel(0, 1, 0)));
    assert!(!log.is_whole() && log.len() == 1);
}
