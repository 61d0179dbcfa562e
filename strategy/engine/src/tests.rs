//! Everything together: what always holds, that the same commands give the same, and the log.

use crate::ledger::{AccountTerms, LedgerConfig};
use crate::{
    AHEAD_MAX, Ahead, CommandLog, Engine, EngineConfig, InstrumentConfig, Record, SelfMatch, replay,
};
use book::{Books, Capacity};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use steps::{Menu, Script, script};
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Display, Enter, Event, Firm, MassCancel,
    MatchId, Modify, Nanos, Operation, OrderCapacity, OrderId, OrderSide, Party, Peg, Permit,
    Phase, PostOnly, Price, Print, Qty, Refused, RejectReason, Replace, SessionId, Side, Symbol,
    SymbolId, Terms, TimeInForce, UserRef,
};

mod day;
mod invariants;
mod log;
mod semantics;
mod steps;
mod twin;

const SESSIONS: u16 = 3;
const SYMBOLS: [SymbolId; 2] = [SymbolId(1), SymbolId(4)];
const NAMES: [Symbol; 2] = [Symbol(*b"AAPL    "), Symbol(*b"MSFT    ")];

fn config(orders: u32, levels: u32) -> EngineConfig {
    let instruments = SYMBOLS.into_iter().zip(NAMES);
    let instruments = instruments.map(|(id, name)| InstrumentConfig::plain(id, name)).collect();
    EngineConfig {
        orders,
        levels,
        conditional_orders: orders / 2,
        trades: 32,
        ..EngineConfig::new(instruments, SESSIONS)
    }
}

/// Three accounts with some cash, and room for all their positions.
fn with_ledger(config: EngineConfig) -> EngineConfig {
    let account = AccountTerms { cash: 100_000, ..AccountTerms::default() };
    let ledger = Some(LedgerConfig { accounts: vec![account; 3], positions: 8 });
    EngineConfig { ledger, ..config }
}

/// An engine and everything that it is held against.
struct Bench {
    engine: Engine,
    shares: invariants::Shares,
    tape: Books,
    ticks: u64,
}

impl Bench {
    fn new(config: &EngineConfig) -> Bench {
        let capacity = Capacity { orders: config.orders, levels: config.levels, books: 5 };
        Bench {
            engine: Engine::new(config),
            shares: invariants::Shares::default(),
            tape: Books::with_capacity(capacity),
            ticks: 0,
        }
    }

    fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.ticks += 1;
        self.apply_at(command, Nanos(self.ticks))
    }

    /// Applies a command, and asks whether everything holds that must.
    fn apply_at(&mut self, command: &Command, now: Nanos) -> Vec<Event> {
        let mut events = Vec::new();
        self.engine.apply(command, now, &mut events);
        self.shares.take(&events);
        events.iter().for_each(|event| invariants::tell(&mut self.tape, event));
        self.shares.balances(&self.engine);
        invariants::first_come_first_served(&self.engine);
        invariants::tape_is_the_book(&self.engine, &self.tape);
        assert_eq!(self.engine.check(), Ok(()), "{command:?}: {events:?}");
        events
    }
}

fn run(engine: &mut Engine, records: &[Record]) -> Vec<Event> {
    let mut events = Vec::new();
    for record in records {
        engine.apply(&record.command, record.now, &mut events);
    }
    events
}

fn log_of(records: &[Record]) -> CommandLog {
    let mut log = CommandLog::with_capacity(records.len());
    for record in records {
        assert!(log.push(record.now, &record.command));
    }
    log
}

fn self_match() -> impl Strategy<Value = SelfMatch> {
    use SelfMatch::*;
    prop::sample::select(vec![Trade, CancelNewest, CancelOldest, Decrement])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whatever_comes_everything_holds(
        orders in prop_oneof![1 => 0u32..6, 2 => Just(64u32)],
        levels in prop_oneof![1 => 0u32..6, 2 => Just(64u32)],
        positions in prop_oneof![1 => 0u32..6, 2 => Just(8u32)],
        self_match in self_match(),
        opens_trading in prop::bool::weighted(0.8),
        Script(commands) in script(Menu::All, 120),
    ) {
        let config = with_ledger(config(orders, levels));
        let ledger = config.ledger.map(|ledger| LedgerConfig { positions, ..ledger });
        let config = EngineConfig { ledger, self_match, opens_trading, ..config };
        let mut bench = Bench::new(&config);
        for record in &commands {
            bench.apply_at(&record.command, record.now);
        }
    }

    /// The same commands give the same events and the same state, in a fresh engine, in a copy
    /// taken half-way, and through the log.
    #[test]
    fn the_engine_is_a_function_of_its_commands(
        Script(commands) in script(Menu::All, 60),
        half in any::<prop::sample::Index>(),
    ) {
        let config = with_ledger(config(32, 32));
        let mut first = Engine::new(&config);
        let events = run(&mut first, &commands);

        let mut second = Engine::new(&config);
        let (early, late) = commands.split_at(half.index(commands.len()));
        let mut again = run(&mut second, early);
        let mut copy = second.clone();
        let rest = run(&mut second, late);
        prop_assert_eq!(&run(&mut copy, late), &rest);
        again.extend(rest);
        prop_assert_eq!(&again, &events);
        prop_assert_eq!(second.state_hash(), first.state_hash());
        prop_assert_eq!(copy.state_hash(), first.state_hash());

        let mut third = Engine::new(&config);
        let mut replayed = Vec::new();
        let bytes = log_of(&commands).to_bytes().unwrap();
        let count = replay(&bytes, &mut third, &mut replayed);
        prop_assert_eq!(count, Ok(commands.len() as u64));
        prop_assert_eq!(replayed, events);
        prop_assert_eq!(third.state_hash(), first.state_hash());
    }

    /// Bursts that are read ahead over, whatever was noted before them and whatever is noted that
    /// never comes, give what commands one by one give.
    #[test]
    fn reading_ahead_changes_nothing(
        orders in prop_oneof![1 => 0u32..6, 2 => Just(64u32)],
        Script(commands) in script(Menu::All, 100),
        Script(others) in script(Menu::All, 2 * AHEAD_MAX),
        burst_max in 1..2 * AHEAD_MAX,
    ) {
        let config = with_ledger(config(orders, 32));
        let (mut first, mut second) = (Engine::new(&config), Engine::new(&config));
        let (mut ahead, mut misled) = (Ahead::default(), Ahead::default());
        others.iter().for_each(|other| misled.note(&other.command));
        let (mut one_by_one, mut in_bursts) = (Vec::new(), Vec::new());
        for burst in commands.chunks(burst_max) {
            let now = burst[0].now;
            let burst: Vec<Command> = burst.iter().map(|record| record.command).collect();
            burst.iter().for_each(|command| first.apply(command, now, &mut one_by_one));
            second.ask(&misled);
            ahead.clear();
            burst.iter().for_each(|command| ahead.note(command));
            second.ask(&ahead);
            second.apply_burst(&burst, now, &mut ahead, &mut in_bursts);
            prop_assert_eq!(second.state_hash(), first.state_hash());
            prop_assert_eq!(second.check(), Ok(()));
        }
        prop_assert_eq!(in_bursts, one_by_one);
    }
}
