//! What stands behind a venue's ports, for one symbol and one client, as large as the appliance's
//! by default.

use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig};
use risk::{OrderLimits, VenueGate};
use session::{AccountConfig, SessionId, Sessions, SessionsError, StoreConfig};
use types::{AccountId, Firm, PostOnly, Qty, Symbol, SymbolId};
use venue::entry::Origin;
use venue::{Core, CoreParts, Listing};

/// OUCH, gate, engine, replies and tape.
pub(crate) fn core(symbol: Symbol) -> Core {
    let listed = (SymbolId(1), symbol);
    let config = EngineConfig {
        ledger: Some(LedgerConfig { accounts: vec![AccountTerms::default()], positions: 1 << 10 }),
        ..EngineConfig::new(vec![InstrumentConfig::plain(listed.0, listed.1)], 1)
    };
    let origin = Origin {
        session: SessionId(0),
        account: AccountId(0),
        firm: Firm::BLANK,
        post_only: PostOnly::Reject,
        snapshot: false,
    };
    let limits = OrderLimits { qty_max: Qty(999_999), notional_max: u64::MAX >> 1, collar_bps: 0 };
    Core::new(CoreParts {
        engine: Engine::new(&config),
        gate: VenueGate::new(limits),
        log: None,
        symbols: vec![Symbol([b' '; 8]), symbol],
        origins: vec![origin],
        listings: vec![Listing::Plain(listed.0, listed.1)],
    })
}

/// The client's session.
pub(crate) fn sessions(user: &str, password: &str) -> Result<Sessions, SessionsError> {
    Sessions::new(&[AccountConfig {
        user: user.to_owned(),
        password: password.to_owned(),
        session: "PLAIN".to_owned(),
        store: StoreConfig { messages_max: 1 << 14, bytes_max: 1 << 20 },
    }])
}
