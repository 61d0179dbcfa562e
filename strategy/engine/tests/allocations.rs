//! Applying a command takes nothing from the heap and gives nothing back, whatever the command
//! does.

use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{CommandLog, Engine, EngineConfig, InstrumentConfig};
use heapwatch::thread_allocations;
use types::{
    AccountId, Cancel, ClOrdId, Command, CrossKind, Display, Enter, Event, EventSink, Firm,
    MassCancel, MatchId, Modify, Nanos, Operation, OrderCapacity, OrderSide, Peg, Permit, Phase,
    PostOnly, Price, Qty, Replace, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

#[global_allocator]
static ALLOC: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

/// Counts events by kind.
#[derive(Default)]
struct Tally {
    events: u64,
    executed: u64,
    rejected: u64,
}

impl EventSink for Tally {
    fn on_event(&mut self, event: &Event) {
        self.events += 1;
        self.executed += u64::from(matches!(event, Event::Executed(_)));
        self.rejected += u64::from(matches!(event, Event::Rejected(_)));
    }
}

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as u32 % bound
    }
}

fn terms(chance: &mut Chance, tif: TimeInForce) -> Terms {
    let rare = |chance: &mut Chance, value: u32| if chance.below(8) == 0 { value } else { 0 };
    let pick = chance.below(20);
    Terms {
        tif: if pick == 0 { TimeInForce::Gtt } else { tif },
        display: if pick == 1 { Display::Hidden } else { Display::Visible },
        peg: if pick == 2 { Peg::Midpoint } else { Peg::None },
        post_only: [PostOnly::Reject, PostOnly::Slide, PostOnly::No][pick.clamp(3, 5) as usize - 3],
        min_qty: Qty(rare(chance, 5)),
        max_floor: Qty(rare(chance, 3)),
        expire_s: chance.below(60),
    }
}

/// What an operator does, one after the other.
fn operation(chance: &mut Chance) -> Operation {
    let (symbol, level) = (SymbolId(0), 1);
    let (lower, upper) = (Price(9_900), Price(10_500));
    let account = AccountId(0);
    match chance.below(16) {
        0 => Operation::Phase { symbol, phase: Phase::PreOpen },
        1 | 2 => Operation::Phase { symbol, phase: Phase::Continuous },
        3 => Operation::Halt { symbol, reason: *b"T1  " },
        4..=6 => Operation::Resume { symbol },
        7 => Operation::Imbalance { symbol },
        8 => Operation::Bands { symbol, lower, upper },
        9 => Operation::Bands { symbol, lower: Price(0), upper: Price(0) },
        10 => Operation::Breaker { level },
        11 => Operation::Bust { match_id: MatchId(u64::from(chance.below(9_999))), reason: b'E' },
        12 => Operation::Deposit { to: account, amount: 5 },
        13 => Operation::CancelSession { session: SessionId(0) },
        14 => Operation::Cross { symbol, kind: CrossKind::None },
        _ => Operation::Phase { symbol, phase: Phase::End },
    }
}

fn command(chance: &mut Chance, next: &mut u32) -> Command {
    let session = SessionId(0);
    let known = UserRef(next.saturating_sub(chance.below(600)));
    let side = if chance.below(2) == 0 { OrderSide::Buy } else { OrderSide::Sell };
    let qty = Qty(if chance.below(100) == 0 { u32::MAX } else { 1 + chance.below(100) });
    let price = match chance.below(50) {
        0 => Price::MARKET,
        1 => Price(chance.below(u32::MAX)),
        _ => Price(10_000 + chance.below(400)),
    };
    let tif = if chance.below(10) == 0 { TimeInForce::Ioc } else { TimeInForce::Day };
    let terms = terms(chance, tif);
    let (cl_ord_id, capacity) = (ClOrdId::default(), OrderCapacity::Other);
    if chance.below(200) == 0 {
        return Command::Operate(operation(chance));
    }
    let kind = chance.below(10);
    if kind < 7 {
        *next += 1;
    }
    let user_ref = UserRef(*next);
    let firm = Firm(*b"ONE ");
    if kind < 7 && chance.below(200) == 0 {
        let symbol = Symbol([b' '; 8]);
        return match chance.below(3) {
            0 => Command::MassCancel(MassCancel { session, user_ref, firm, symbol }),
            enable => Command::Permit(Permit { session, user_ref, firm, enable: enable == 1 }),
        };
    }
    match kind {
        0..=4 => {
            let symbol = Symbol(*b"AAPL    ");
            Command::Enter(Enter {
                session,
                user_ref,
                account: AccountId(0),
                firm: if chance.below(9) == 0 { firm } else { Firm::BLANK },
                side,
                qty,
                symbol,
                price,
                terms,
                cross: CrossKind::None,
                capacity,
                cl_ord_id,
            })
        }
        5 | 6 => {
            let orig = known;
            Command::Replace(Replace { session, orig, user_ref, qty, price, terms, cl_ord_id })
        }
        7 | 8 => Command::Cancel(Cancel { session, user_ref: known, qty: Qty(0) }),
        _ => Command::Modify(Modify { session, user_ref: known, side, qty }),
    }
}

#[test]
fn applying_commands_never_touches_the_heap() {
    const COMMANDS: usize = 200_000;
    // Small, so that both kinds of full are met.
    let instruments = vec![InstrumentConfig::plain(SymbolId(1), Symbol(*b"AAPL    "))];
    let accounts = vec![AccountTerms::default()];
    let config = EngineConfig {
        orders: 100,
        levels: 60,
        ledger: Some(LedgerConfig { accounts, positions: 4 }),
        ..EngineConfig::new(instruments, 1)
    };
    let mut engine = Engine::new(&config);
    let mut log = CommandLog::with_capacity(COMMANDS);
    let (mut tally, mut chance, mut next) = (Tally::default(), Chance(42), 0);
    let before = thread_allocations();
    for at in 0..COMMANDS {
        let command = command(&mut chance, &mut next);
        log.push(Nanos(at as u64 * 1_000_000), &command);
        engine.apply(&command, Nanos(at as u64 * 1_000_000), &mut tally);
    }
    let counts = thread_allocations().since(before);
    assert!(counts.is_zero(), "{counts:?} in {COMMANDS} commands");
    let counters = *engine.counters();
    assert!(
        tally.executed > 1_000 && tally.rejected > 1_000 && counters.full > 100,
        "{counters:?}"
    );
    assert!(heapwatch::is_counting(), "a count of nothing proves nothing");
}
