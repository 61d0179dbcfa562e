//! How large a snapshot is and how long it takes: a million resting orders on 100 symbols, one in
//! ten with an expiry, of 16 sessions and 16 accounts.
//!
//! `cargo run --release -p engine --example snapshot_ms [ORDERS]`
//!
//! Tells the median of five of each step.

use engine::ledger::{AccountLimits, AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig};
use std::time::Instant;
use types::{
    AccountId, ClOrdId, Command, CrossKind, Enter, Event, Firm, Nanos, OrderCapacity, OrderSide,
    Price, Qty, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

const PASSES: usize = 5;
const SYMBOLS: u16 = 100;
const SESSIONS: u16 = 16;

fn name(symbol: u16) -> Symbol {
    let mut text = *b"S       ";
    text[1] = b'A' + (symbol / 26) as u8;
    text[2] = b'A' + (symbol % 26) as u8;
    Symbol(text)
}

fn enter(at: u32) -> Command {
    let (symbol, session) = ((at % u32::from(SYMBOLS)) as u16, (at % u32::from(SESSIONS)) as u16);
    // A hash in place of chance.
    let noise = at.wrapping_mul(0x9E37_79B9) >> 8;
    let buys = noise & 1 == 0;
    let away = noise / 2 % 200;
    let gtt = at.is_multiple_of(10);
    let tif = if gtt { TimeInForce::Gtt } else { TimeInForce::Day };
    let expire_s = if gtt { 1 + noise % 80_000 } else { 0 };
    Command::Enter(Enter {
        session: SessionId(session),
        user_ref: UserRef(1 + at / u32::from(SESSIONS)),
        account: AccountId(session),
        firm: Firm::BLANK,
        side: if buys { OrderSide::Buy } else { OrderSide::Sell },
        qty: Qty(100),
        symbol: name(symbol),
        price: Price(if buys { 100_000 - away } else { 100_100 + away }),
        terms: Terms { tif, expire_s, ..Terms::default() },
        cross: CrossKind::None,
        capacity: OrderCapacity::Agency,
        cl_ord_id: ClOrdId::default(),
    })
}

fn median<T>(what: &str, mut step: impl FnMut() -> T) -> T {
    let mut times = Vec::with_capacity(PASSES);
    let mut last = None;
    for _ in 0..PASSES {
        let start = Instant::now();
        last = Some(step());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("{what}: {} ms", times[PASSES / 2].as_millis());
    last.expect("at least one pass")
}

fn main() {
    let orders: u32 = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().expect("a number"));
    let plain = |id: u16| InstrumentConfig::plain(SymbolId(id + 1), name(id));
    let mut config = EngineConfig::new((0..SYMBOLS).map(plain).collect(), SESSIONS);
    (config.orders, config.levels, config.conditional_orders) = (orders, 1 << 16, orders);
    let terms = AccountTerms { cash: i64::MAX / 100, limits: AccountLimits::default() };
    let accounts = vec![terms; usize::from(SESSIONS)];
    config.ledger = Some(LedgerConfig { accounts, positions: 1 << 14 });
    let mut engine = Engine::new(&config);
    let mut events: Vec<Event> = Vec::new();
    for at in 0..orders {
        engine.apply(&enter(at), Nanos(1), &mut events);
        events.clear();
    }
    let live = engine.live_orders();
    let bytes = median("snapshot", || engine.snapshot().expect("a snapshot"));
    drop(median("empty engine", || Engine::new(&config)));
    let again = median("restore, with its engine and its checks", || {
        Engine::restore(&config, &bytes).expect("an engine")
    });
    assert_eq!(again.state_hash(), engine.state_hash());
    println!("{live} orders, {} bytes, {} an order", bytes.len(), bytes.len() / live.max(1));
}
