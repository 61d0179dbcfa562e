//! A small engine in the middle of a day, its snapshot and its log, and how a fuzzer's bytes change
//! them.

use engine::ledger::{AccountLimits, AccountTerms, LedgerConfig};
use engine::{CommandLog, Engine, EngineConfig, InstrumentConfig};
use std::sync::OnceLock;
use types::{
    AccountId, ClOrdId, Command, CrossKind, Display, Enter, Firm, Nanos, Operation, OrderCapacity,
    OrderSide, Peg, Price, Qty, Replace, SessionId, Symbol, SymbolId, Terms, TimeInForce, UserRef,
};

const HEADER_LEN: usize = 32;
const NAMES: [Symbol; 2] = [Symbol(*b"AAPL    "), Symbol(*b"MSFT    ")];

/// What both targets start from.
pub struct Base {
    #[allow(dead_code, reason = "each target uses one")]
    pub snapshot: Vec<u8>,
    #[allow(dead_code, reason = "each target uses one")]
    pub log: Vec<u8>,
}

/// Few of everything, so that limits are met.
pub fn config() -> EngineConfig {
    let plain = |(id, name)| InstrumentConfig::plain(SymbolId(id), name);
    let mut config = EngineConfig::new([(1, NAMES[0]), (3, NAMES[1])].map(plain).into(), 3);
    (config.orders, config.levels, config.conditional_orders, config.trades) = (32, 24, 16, 8);
    let terms = AccountTerms { cash: 1 << 40, limits: AccountLimits::default() };
    config.ledger = Some(LedgerConfig { accounts: vec![terms; 3], positions: 16 });
    config
}

/// Made once.
pub fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut engine = Engine::new(&config());
        let mut log = CommandLog::with_capacity(64);
        let mut events = Vec::new();
        for (at, command) in commands().into_iter().enumerate() {
            let now = Nanos(at as u64 * 100_000_000);
            assert!(log.push(now, &command));
            engine.apply(&command, now, &mut events);
        }
        let snapshot = engine.snapshot().expect("memory");
        Base { snapshot, log: log.to_bytes().expect("memory") }
    })
}

fn commands() -> Vec<Command> {
    let mut commands = Vec::new();
    for at in 0..28u32 {
        let buys = at % 2 == 0;
        let enter = Enter {
            session: SessionId((at % 3) as u16),
            user_ref: UserRef(1 + at),
            account: AccountId((at % 3) as u16),
            firm: [Firm::BLANK, Firm(*b"ABCD")][at as usize / 2 % 2],
            side: if buys { OrderSide::Buy } else { OrderSide::SellShort },
            qty: Qty(3 + at),
            symbol: NAMES[at as usize / 5 % 2],
            price: Price(if buys { 95 + at / 4 } else { 106 - at / 4 }),
            terms: terms(at),
            cross: if at % 9 == 8 { CrossKind::Closing } else { CrossKind::None },
            capacity: OrderCapacity::Agency,
            cl_ord_id: ClOrdId::default(),
        };
        commands.push(Command::Enter(enter));
    }
    let (session, qty, price, cl_ord_id) = (SessionId(0), Qty(9), Price(97), ClOrdId::default());
    let (orig, user_ref, terms) = (UserRef(1), UserRef(40), Terms::default());
    commands.push(Command::Replace(Replace {
        session,
        orig,
        user_ref,
        qty,
        price,
        terms,
        cl_ord_id,
    }));
    let (symbol, lower, upper) = (SymbolId(1), Price(90), Price(110));
    commands.push(Command::Operate(Operation::Bands { symbol, lower, upper }));
    commands.push(Command::Operate(Operation::Clock));
    commands
}

fn terms(at: u32) -> Terms {
    let plain = Terms::default();
    match at % 9 {
        1 => Terms { tif: TimeInForce::Gtt, expire_s: 9 + at, ..plain },
        3 => Terms { max_floor: Qty(2), ..plain },
        4 => Terms { min_qty: Qty(2), ..plain },
        5 | 6 => Terms { peg: Peg::Midpoint, ..plain },
        7 => Terms { display: Display::Hidden, ..plain },
        _ => plain,
    }
}

/// A file of the base's kind under a seal that holds: the base with some bytes changed, three of
/// the fuzzer's for each, or with all of them in place of its archive. `None` without any.
pub fn sealed(base: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (how, bytes) = bytes.split_first()?;
    let mut file = base.to_vec();
    if *how == 0xFF {
        file.truncate(HEADER_LEN);
        file.extend_from_slice(bytes);
    } else {
        let len = file.len() - HEADER_LEN;
        for change in bytes.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % len;
            file[HEADER_LEN + at] = change[2];
        }
    }
    let len = (file.len() - HEADER_LEN) as u64;
    file[16..24].copy_from_slice(&len.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file[..12]);
    crc.update(&file[16..]);
    let sum = crc.finalize();
    file[12..16].copy_from_slice(&sum.to_le_bytes());
    Some(file)
}
