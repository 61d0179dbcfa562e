//! A venue behind its ports, small enough that its tables are full now and then.

use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig, REG_NMS};
use risk::{OrderLimits, VenueGate};
use session::{AccountConfig, SessionId, Sessions, StoreConfig};
use types::{AccountId, Firm, PostOnly, Qty, Symbol, SymbolId};
use venue::entry::Origin;
use venue::{Core, CoreParts, Listing};

/// Half past nine.
pub(crate) const OPEN_NS: u64 = 34_200_000_000_000;
/// Sessions: one that has used up its numbers is left for the next.
pub(crate) const SESSIONS: u16 = 32;
pub(crate) const NAMES: [&str; 3] = ["AAPL", "MSFT", "TSLA"];

pub(crate) fn engine_config() -> EngineConfig {
    let plain = |(id, name): (SymbolId, Symbol)| InstrumentConfig::plain(id, name);
    EngineConfig {
        ticks: vec![REG_NMS.to_vec()],
        // So few that they are full now and then.
        orders: 256,
        levels: 128,
        conditional_orders: 64,
        ledger: Some(LedgerConfig { accounts: vec![AccountTerms::default(); 4], positions: 64 }),
        ..EngineConfig::new(instruments().map(plain).collect(), SESSIONS)
    }
}

fn instruments() -> impl Iterator<Item = (SymbolId, Symbol)> {
    let named = |name| Symbol::new(name).expect("a symbol");
    NAMES.into_iter().enumerate().map(move |(at, name)| (SymbolId(at as u16 + 1), named(name)))
}

pub(crate) fn core() -> Core {
    let firms = [Firm::BLANK, Firm(*b"HOME"), Firm(*b"AWAY")];
    let origin = |at: u16| Origin {
        session: SessionId(at),
        account: AccountId(at % 4),
        firm: firms[usize::from(at) % 3],
        post_only: [PostOnly::Reject, PostOnly::Slide][usize::from(at) % 2],
        snapshot: false,
    };
    let mut symbols = vec![Symbol([b' '; 8])];
    symbols.extend(instruments().map(|(_, name)| name));
    Core::new(CoreParts {
        engine: Engine::new(&engine_config()),
        gate: VenueGate::new(OrderLimits {
            qty_max: Qty(900_000),
            notional_max: 2_000_000_000_000,
            collar_bps: 0,
        }),
        log: None,
        symbols,
        origins: (0..SESSIONS).map(origin).collect(),
        listings: instruments().map(|(id, name)| Listing::Plain(id, name)).collect(),
    })
}

pub(crate) fn sessions() -> Sessions {
    let account = |at| AccountConfig {
        user: format!("U{at:04}"),
        password: "secret".into(),
        session: format!("S{at}"),
        store: StoreConfig { messages_max: 1 << 14, bytes_max: 1 << 20 },
    };
    Sessions::new(&(0..SESSIONS).map(account).collect::<Vec<_>>()).expect("sessions")
}
