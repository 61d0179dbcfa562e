//! Hostile OUCH against everything behind a venue's ports, with its invariants checked after each
//! message.
//!
//! A seeded stream of messages, sound, odd, mutated and random, from several sessions goes through
//! OUCH, the gate, the engine, the replies and the tape, as the venue's loop would take it; now and
//! then an operator halts, crosses and breaks trades. After each message:
//!
//! * no book is crossed that should not be, and its best prices on the tape are the engine's;
//! * what the replies say of each order adds up (entered = executed + taken off + live), and is
//!   what the engine has;
//! * cash and shares of the ledger sum to zero;
//! * every match was told to a buyer and a seller for as many shares at one price.
//!
//! Every 10,000 messages the engine checks itself, and all orders and books are compared one by
//! one. `PEREGRINE_SEED` repeats a run, whose seed is shown.

#[path = "hostile/audit.rs"]
mod audit;
#[path = "hostile/forge.rs"]
mod forge;

use audit::Audit;
use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig, REG_NMS};
use forge::{Forge, Rng};
use lcore::agent::Now;
use lcore::laps::Laps;
use lcore::venue::entry::Origin;
use lcore::venue::{Core, CoreParts, Listing};
use risk::{OrderLimits, VenueGate};
use session::{AccountConfig, MoldPublisher, PublisherConfig, SessionId, Sessions, StoreConfig};
use types::{AccountId, Firm, PostOnly, Qty, Symbol, SymbolId};

/// Sessions: one that has used up its numbers is left for the next.
const SESSIONS: u16 = 32;
/// Messages between thorough checks.
const CHECK_EVERY: u64 = 10_000;
const MESSAGES: u64 = 1_000_000;
/// Half past nine.
const OPEN_NS: u64 = 34_200_000_000_000;

const NAMES: [&str; 3] = ["AAPL", "MSFT", "TSLA"];

fn core() -> Core {
    let names = NAMES.map(|name| Symbol::new(name).expect("a symbol"));
    let listed = |(at, name): (usize, &Symbol)| (SymbolId(at as u16 + 1), *name);
    let instruments: Vec<_> = names.iter().enumerate().map(listed).collect();
    let plain = |(id, name): &(SymbolId, Symbol)| InstrumentConfig::plain(*id, *name);
    let config = EngineConfig {
        ticks: vec![REG_NMS.to_vec()],
        // So few that they are full now and then.
        orders: 256,
        levels: 128,
        conditional_orders: 64,
        ledger: Some(LedgerConfig { accounts: vec![AccountTerms::default(); 4], positions: 64 }),
        ..EngineConfig::new(instruments.iter().map(plain).collect(), SESSIONS)
    };
    let firms = [Firm::BLANK, Firm(*b"HOME"), Firm(*b"AWAY")];
    let origin = |at: u16| Origin {
        session: SessionId(at),
        account: AccountId(at % 4),
        firm: firms[usize::from(at) % 3],
        post_only: [PostOnly::Reject, PostOnly::Slide][usize::from(at) % 2],
        snapshot: false,
    };
    let mut symbols = vec![Symbol([b' '; 8])];
    symbols.extend(names);
    Core::new(CoreParts {
        engine: Engine::new(&config),
        gate: VenueGate::new(OrderLimits {
            qty_max: Qty(900_000),
            notional_max: 2_000_000_000_000,
            collar_bps: 0,
        }),
        log: None,
        symbols,
        origins: (0..SESSIONS).map(origin).collect(),
        listings: instruments.iter().map(|(id, name)| Listing::Plain(*id, *name)).collect(),
        laps: Laps::new(hostcpu::TickScale::nanoseconds()),
    })
}

fn sessions() -> Sessions {
    let account = |at| AccountConfig {
        user: format!("U{at:04}"),
        password: "secret".into(),
        session: format!("S{at}"),
        store: StoreConfig { messages_max: 1 << 14, bytes_max: 1 << 20 },
    };
    Sessions::new(&(0..SESSIONS).map(account).collect::<Vec<_>>()).expect("sessions")
}

#[test]
fn a_venue_holds_after_each_hostile_message() {
    let seed = std::env::var("PEREGRINE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("{MESSAGES} messages, PEREGRINE_SEED={seed}");
    let (mut core, mut sessions) = (core(), sessions());
    let config = PublisherConfig::new(*b"HOSTILE   ");
    let mut publisher = MoldPublisher::new(config).expect("a publisher");
    let mut forge = Forge::new(Rng::new(seed), SESSIONS);
    let mut audit = Audit::new(usize::from(SESSIONS), NAMES.len() as u16);
    let mut now = Now { tsc: 0, ns: OPEN_NS };
    for at in 0..MESSAGES {
        now.ns += forge.rng.below(1_000_000);
        if forge.rng.one_in(400) {
            let operation = forge.operation(audit.last_match());
            core.operate(now, &mut sessions, &mut publisher, &operation, None);
        }
        let (who, message) = forge.message(now.ns, |who| core.engine().last_user_ref(who));
        core.on_message(now, &mut sessions, &mut publisher, who, message);
        while core.next_dirty().is_some() {}
        let heard = audit.hear(&sessions, publisher.store()).and_then(|()| audit.quick(&core));
        heard.unwrap_or_else(|wrong| panic!("message {at} of seed {seed}: {wrong}: {message:?}"));
        if at % CHECK_EVERY == 0 || at + 1 == MESSAGES {
            core.engine().check().unwrap_or_else(|wrong| panic!("message {at}: {wrong}"));
            audit.thorough(&core).unwrap_or_else(|wrong| panic!("message {at}: {wrong}"));
        }
    }
    audit.everything_happened(&core);
}
