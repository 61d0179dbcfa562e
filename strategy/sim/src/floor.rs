//! The venue that is replicated: small, so that a run is short, and with all that production has.

use cluster::State;
use engine::ledger::{AccountTerms, LedgerConfig};
use engine::{Engine, EngineConfig, InstrumentConfig, REG_NMS};
use replica::{Config, Members};
use risk::{OrderLimits, VenueGate};
use session::{
    AccountConfig, MoldPublisher, PublisherConfig, RequestLimits, ServerConfig, SessionId,
    Sessions, StoreConfig,
};
use types::{AccountId, Firm, Nanos, PostOnly, Qty, Symbol, SymbolId};
use venue::entry::Origin;
use venue::{Core, CoreParts, Listing, Stores};

/// The stamp at the beginning of a run: 20 ms before a second begins, at which orders expire.
pub(crate) const BEGIN: Nanos = Nanos(34_199_980_000_000);
/// Clients, each with a session.
pub(crate) const CLIENTS: u16 = 3;
/// The feed's session.
pub(crate) const FEED: [u8; 10] = *b"SIMULATED ";
const NAMES: [&str; 2] = ["AAPL", "MSFT"];
/// All that is said in a run fits.
const STORE: StoreConfig = StoreConfig { messages_max: 1 << 11, bytes_max: 1 << 18 };

/// What is replicated, as one node has it.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) sessions: Sessions,
    pub(crate) publisher: MoldPublisher,
}

impl Floor {
    pub(crate) fn stores(&mut self) -> Stores<'_> {
        Stores { sessions: &mut self.sessions, publisher: &mut self.publisher }
    }
}

/// A venue that has done nothing yet.
pub(crate) fn new() -> (Floor, State) {
    let state = State { core: core(), term: 0, stamp: BEGIN };
    (Floor { sessions: sessions(), publisher: publisher() }, state)
}

fn instruments() -> Vec<(SymbolId, Symbol)> {
    let names = NAMES.iter().enumerate();
    let listed = |(at, name): (usize, &&str)| {
        (SymbolId(at as u16 + 1), Symbol::new(name).expect("a symbol"))
    };
    names.map(listed).collect()
}

/// What the engine is told.
fn engine() -> EngineConfig {
    let plain = |(id, name): &(SymbolId, Symbol)| InstrumentConfig::plain(*id, *name);
    EngineConfig {
        ticks: vec![REG_NMS.to_vec()],
        orders: 512,
        levels: 128,
        conditional_orders: 32,
        ledger: Some(LedgerConfig { accounts: vec![AccountTerms::default(); 3], positions: 16 }),
        ..EngineConfig::new(instruments().iter().map(plain).collect(), CLIENTS)
    }
}

/// A state as bytes, with the stores that go with it: stamp, term, image.
pub(crate) fn save(floor: &Floor, state: &State) -> Vec<u8> {
    let State { core, term, stamp } = state;
    let mut bytes = [stamp.0, *term].map(u64::to_le_bytes).concat();
    bytes.extend(core.save(&floor.sessions, &floor.publisher).expect("an image"));
    bytes
}

/// A state from its bytes; `None` for bytes of none.
pub(crate) fn load(bytes: &[u8]) -> Option<(Floor, State)> {
    let (stamp, rest) = bytes.split_first_chunk()?;
    let (term, image) = rest.split_first_chunk()?;
    let (mut floor, mut state) = new();
    let Floor { sessions, publisher } = &mut floor;
    state.core.load(&engine(), image, sessions, publisher).ok()?;
    (state.term, state.stamp) = (u64::from_le_bytes(*term), Nanos(u64::from_le_bytes(*stamp)));
    Some((floor, state))
}

fn core() -> Core {
    let names = NAMES.map(|name| Symbol::new(name).expect("a symbol"));
    let origin = |at: u16| Origin {
        session: SessionId(at),
        account: AccountId(at % 3),
        firm: [Firm(*b"HOME"), Firm(*b"AWAY"), Firm::BLANK][usize::from(at) % 3],
        post_only: PostOnly::Reject,
        snapshot: false,
    };
    let mut symbols = vec![Symbol([b' '; 8])];
    symbols.extend(names);
    let limits =
        OrderLimits { qty_max: Qty(900_000), notional_max: 2_000_000_000_000, collar_bps: 0 };
    Core::new(CoreParts {
        engine: Engine::new(&engine()),
        gate: VenueGate::new(limits),
        log: None,
        symbols,
        origins: (0..CLIENTS).map(origin).collect(),
        listings: instruments().iter().map(|(id, name)| Listing::Plain(*id, *name)).collect(),
    })
}

fn sessions() -> Sessions {
    let account = |at: u16| AccountConfig {
        user: user(at),
        password: "secret".into(),
        session: format!("S{at}"),
        store: STORE,
    };
    Sessions::new(&(0..CLIENTS).map(account).collect::<Vec<_>>()).expect("sessions")
}

fn publisher() -> MoldPublisher {
    let requests = RequestLimits { requesters_max: 8, ..RequestLimits::default() };
    let store = StoreConfig { messages_max: 1 << 12, bytes_max: 1 << 18 };
    let config = PublisherConfig {
        store,
        requests,
        heartbeat_ns: 500_000,
        end_linger_ns: 0,
        ..PublisherConfig::new(FEED)
    };
    MoldPublisher::new(config).expect("a publisher")
}

pub(crate) fn user(at: u16) -> String {
    format!("U{at}")
}

/// Connections' times, a thousandth of what they are elsewhere: a run is a few of them long.
pub(crate) fn server() -> ServerConfig {
    ServerConfig {
        login_timeout_ns: 3_000_000,
        heartbeat_ns: 1_000_000,
        silence_max_ns: 6_000_000,
        takeover_after_ns: 1_500_000,
        ..ServerConfig::default()
    }
}

/// What a node of a cluster of so many is told.
pub(crate) fn replica(id: u64, nodes: u64, log_entries: usize) -> Config {
    let all: Vec<u64> = (1..=nodes).collect();
    let founders = Members::of_voters(&all).expect("members");
    Config { log_entries, ..Config::new(id, *b"a simulated one.", founders) }
}
