//! The roles of a configuration and their ends of the network, validated.

use super::journal::JournalConfig;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use super::cluster::Membership;
use crate::itch_files::Input;
use desk::CoreConfig;
use engine::ledger::{AccountTerms, SessionLimits};
use engine::{SelfMatch, TickStep};
use feed::FeedConfig;
use lcore::impair::Rates;
use lcore::loadgen::Pace;
use lcore::prober::ProberConfig as Probes;
use lcore::venue::Due;
use risk::{GateLimits, OrderLimits, TickerLimits};
use session::{LoginLimits, RequestLimits, ServerConfig};
use types::{Firm, Operation, PostOnly, Symbol, SymbolId};
use wire::Mac;

/// One end of the network: a port and who we are on it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Name of a link's end or of a port.
    pub(crate) port: String,
    /// Our address; `None` is the device's own.
    pub(crate) mac: Option<Mac>,
    /// Our address.
    pub(crate) ip: Ipv4Addr,
    /// Bits of the network part, 1 to 32.
    pub(crate) prefix_len: u8,
    /// The way out of the network.
    pub(crate) gateway: Option<Ipv4Addr>,
    /// Tag of 802.1Q, 1 to 4094.
    pub(crate) vlan: Option<u16>,
}

/// A multicast group and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// 224.0.0.0/4, without the local control block.
    pub(crate) ip: Ipv4Addr,
    /// UDP port.
    pub(crate) udp_port: u16,
}

/// A SoupBinTCP or MoldUDP64 session's name: at most ten printable ASCII characters, not padded.
pub(crate) type SessionName = String;

/// A password that does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A market: takes OUCH, publishes ITCH.
#[derive(Clone, Debug)]
pub(crate) struct VenueConfig {
    /// Name of the role.
    pub(crate) name: String,
    /// Logical lcore.
    pub(crate) lcore: u16,
    /// Where orders come in; all share the accounts.
    pub(crate) orders: Vec<OrdersServer>,
    /// Where market data goes out.
    pub(crate) itch: Publisher,
    /// What is traded, by ascending locate.
    pub(crate) symbols: Vec<Listing>,
    /// Who may log in.
    pub(crate) accounts: Vec<Account>,
    /// Capacities.
    pub(crate) limits: VenueLimits,
    /// The venue's own gate.
    pub(crate) risk: OrderLimits,
    /// Commands kept for a replay of the run; 0 keeps none.
    pub(crate) command_log_max: u32,
    /// Accounts of cash and positions.
    pub(crate) ledger: Vec<LedgerAccount>,
    /// What each session is held to.
    pub(crate) session_limits: SessionLimits,
    /// How a client's connection is kept within bounds.
    pub(crate) throttle: Throttle,
    /// What the operator has said beforehand.
    pub(crate) schedule: Vec<(Due, Operation)>,
    /// Which of two orders of one firm gives way.
    pub(crate) self_match: SelfMatch,
    /// What prices are multiples of; empty for 1/10000 dollar.
    pub(crate) ticks: Vec<TickStep>,
    /// Whether orders are multiples of the directory's round lot.
    pub(crate) round_lots: bool,
    /// What OUCH's post-only means.
    pub(crate) post_only: PostOnly,
    /// Whether orders match from the start.
    pub(crate) opens_trading: bool,
    /// The operator's socket.
    pub(crate) control: Option<PathBuf>,
    /// Where the engine's state is kept between runs.
    pub(crate) state_file: Option<PathBuf>,
    /// Where its inputs are kept before what came of them leaves.
    pub(crate) journal: Option<JournalConfig>,
    /// The cluster that it is of.
    pub(crate) cluster: Option<Membership>,
}

/// An account of the ledger.
#[derive(Clone, Debug)]
pub(crate) struct LedgerAccount {
    /// Its name.
    pub(crate) name: String,
    /// How it opens, and what it may do.
    pub(crate) terms: AccountTerms,
}

/// How clients' connections are kept within bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    /// SoupBinTCP's part.
    pub(crate) server: ServerConfig,
    /// How often a login may fail.
    pub(crate) logins: LoginLimits,
    /// Silence after which TCP asks whether the peer is there, in ns.
    pub(crate) keep_alive_ns: u64,
    /// TCP's shortest retransmission timeout, in ns.
    pub(crate) rto_min_ns: u64,
    /// For how long a peer that is there may take nothing, in ns.
    pub(crate) user_timeout_ns: u64,
}

/// The second line of a feed.
#[derive(Clone, Debug)]
pub(crate) struct LineB {
    /// A port of its own; `None` shares line A's.
    pub(crate) endpoint: Option<Endpoint>,
    /// Where to.
    pub(crate) group: Group,
}

/// Where a venue takes orders.
#[derive(Clone, Debug)]
pub(crate) struct OrdersServer {
    /// Its end of the network.
    pub(crate) endpoint: Endpoint,
    /// TCP port.
    pub(crate) listen: u16,
}

/// A MoldUDP64 session that goes out.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    /// Its end of the network.
    pub(crate) endpoint: Endpoint,
    /// Where to.
    pub(crate) group: Group,
    /// Its name.
    pub(crate) session: SessionName,
    /// Longest IP packet in bytes.
    pub(crate) mtu: u16,
    /// Routers it may pass.
    pub(crate) ttl: u8,
    /// Messages that a packet carries at most.
    pub(crate) messages_per_packet_max: u16,
    /// Messages kept for retransmission; a power of two.
    pub(crate) replay_messages: u32,
    /// Bytes kept for retransmission; a power of two.
    pub(crate) replay_bytes: u32,
    /// The second line.
    pub(crate) line_b: Option<LineB>,
    /// How often retransmission may be asked for.
    pub(crate) requests: RequestLimits,
    /// Silence after which a heartbeat goes out, in ns.
    pub(crate) heartbeat_ns: u64,
}

/// A MoldUDP64 session that comes in.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    /// Its end of the network.
    pub(crate) endpoint: Endpoint,
    /// What it joins.
    pub(crate) group: Group,
    /// Its name; `None` takes that of the first packet.
    pub(crate) session: Option<SessionName>,
}

/// A SoupBinTCP client that enters orders.
#[derive(Clone, Debug)]
pub(crate) struct OrdersClient {
    /// Its end of the network.
    pub(crate) endpoint: Endpoint,
    /// Whom it connects to.
    pub(crate) venue: SocketAddrV4,
    /// At most six characters.
    pub(crate) user: String,
    /// At most ten characters.
    pub(crate) password: Password,
    /// The session it asks for; `None` is the current one.
    pub(crate) session: Option<SessionName>,
}

/// An instrument that a venue opens.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// ITCH's stock locate.
    pub(crate) locate: SymbolId,
    /// Its name.
    pub(crate) symbol: Symbol,
    /// Its entry in the directory file, where one was given.
    pub(crate) entry: Option<wire::itch::StockDirectory>,
}

/// Who may log in to a venue.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// At most six characters.
    pub(crate) user: String,
    /// At most ten characters.
    pub(crate) password: Password,
    /// Its SoupBinTCP session; by default the user's name.
    pub(crate) session: SessionName,
    /// For whom it orders; blank for nobody.
    pub(crate) firm: Firm,
    /// Which of the ledger's accounts.
    pub(crate) ledger: u16,
    /// Whether it reads snapshots rather than enters orders.
    pub(crate) snapshot: bool,
}

/// Capacities of a venue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VenueLimits {
    /// Resting orders with a reserve, a minimum or an expiry, at once.
    pub(crate) conditional_orders_max: u32,
    /// Trades that can still be broken or adjusted.
    pub(crate) trades_max: u32,
    /// (account, symbol) pairs with shares or orders, at once.
    pub(crate) positions_max: u32,
    /// Bytes of a snapshot's image.
    pub(crate) snapshot_bytes: u32,
    /// How old an image may be and still be given to a reader, in ns.
    pub(crate) snapshot_age_ns: u64,
    /// Orders resting at once, over all books.
    pub(crate) orders_max: u32,
    /// Price levels at once, over all books.
    pub(crate) levels_max: u32,
    /// TCP connections at once, on each of `orders`.
    pub(crate) connections_max: u32,
    /// Receive buffer of a connection, in bytes.
    pub(crate) rx_bytes: u32,
    /// Transmit buffer of a connection, in bytes.
    pub(crate) tx_bytes: u32,
    /// Bytes of replies kept for each account; a power of two.
    pub(crate) replay_bytes: u32,
    /// Replies kept for each account; a power of two.
    pub(crate) replay_messages: u32,
}

/// A trader: takes ITCH, sends OUCH.
#[derive(Clone, Debug)]
pub(crate) struct TraderConfig {
    /// Name of the role.
    pub(crate) name: String,
    /// Logical lcore.
    pub(crate) lcore: u16,
    /// The operator's socket.
    pub(crate) control: Option<PathBuf>,
    /// Where refused orders are written down.
    pub(crate) refusals: Option<PathBuf>,
    /// Market data, line A.
    pub(crate) feed: Receiver,
    /// Line B.
    pub(crate) line_b: Option<LineB>,
    /// What is done about loss; the session is `feed`'s.
    pub(crate) recovery: FeedConfig,
    /// The retransmission server.
    pub(crate) server: Option<SocketAddrV4>,
    /// Silence of every line after which the feed is taken for silent, in ns; 0 never.
    pub(crate) silent_after_ns: u64,
    /// Where snapshots are read, over the port of `orders`.
    pub(crate) snapshot: Option<SnapshotClient>,
    /// Its orders.
    pub(crate) orders: OrdersClient,
    /// What decides.
    pub(crate) strategy: StrategyConfig,
    /// The gate behind the strategy.
    pub(crate) gate: GateLimits,
    /// The same of each symbol, in the strategy's order.
    pub(crate) ticker_limits: Vec<TickerLimits>,
    /// Exposure that all traders of this process may have together, in 1/10000 dollar; 0 any.
    pub(crate) firm_exposure_max: u64,
    /// What pulls the plug.
    pub(crate) core: CoreConfig,
    /// Capacities.
    pub(crate) limits: TraderCapacity,
}

/// Who reads snapshots, and where.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotClient {
    /// Whom it asks.
    pub(crate) server: SocketAddrV4,
    /// At most six characters.
    pub(crate) user: String,
    /// At most ten characters.
    pub(crate) password: Password,
}

/// What decides.
#[derive(Clone, Debug)]
pub(crate) struct StrategyConfig {
    /// One of `algos::Builtin::KINDS`.
    pub(crate) kind: &'static str,
    /// What it trades, by ticker.
    pub(crate) symbols: Vec<Symbol>,
    /// Its parameters, in their order.
    pub(crate) values: Vec<i64>,
}

/// Capacities of a trader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraderCapacity {
    /// Orders of the feed that are live at once.
    pub(crate) orders_max: u32,
    /// Price levels at once, over all books.
    pub(crate) levels_max: u32,
    /// Locates below this can be watched.
    pub(crate) symbols_max: u16,
    /// Whether the books of other symbols are not kept.
    pub(crate) only_traded: bool,
    /// Prints kept of the tape; a power of two.
    pub(crate) tape_prints_max: u32,
}

/// A load generator: replays ITCH files.
#[derive(Clone, Debug)]
pub(crate) struct LoadgenConfig {
    /// Name of the role.
    pub(crate) name: String,
    /// Logical lcore.
    pub(crate) lcore: u16,
    /// What is replayed.
    pub(crate) input: Input,
    /// How fast; pauses are cut as `gap_ns_max` says.
    pub(crate) pace: Pace,
    /// The longest pause kept of a recorded pace, in recorded nanoseconds; 0 keeps all.
    pub(crate) gap_ns_max: u64,
    /// How often.
    pub(crate) repeat: u32,
    /// Where the messages go as they are.
    pub(crate) feed: Option<Publisher>,
    /// Where the same flow goes as orders.
    pub(crate) orders: Option<OrdersClient>,
    /// What a venue publishes, received and checked.
    pub(crate) watch: Option<Receiver>,
}

/// A client that holds a venue to its word.
#[derive(Clone, Debug)]
pub(crate) struct ProberConfig {
    /// Name of the role.
    pub(crate) name: String,
    /// Logical lcore.
    pub(crate) lcore: u16,
    /// What it sends.
    pub(crate) probes: Probes,
    /// Where to.
    pub(crate) orders: OrdersClient,
    /// What the venue publishes, received and checked.
    pub(crate) watch: Option<Receiver>,
}

/// A learning switch.
#[derive(Clone, Debug)]
pub(crate) struct SwitchConfig {
    /// Name of the role.
    pub(crate) name: String,
    /// Logical lcore.
    pub(crate) lcore: u16,
    /// Its ports, in their order.
    pub(crate) ports: Vec<String>,
    /// Where it hears of cables that are taken out.
    pub(crate) control: Option<PathBuf>,
}

/// A network that loses, repeats, reorders, delays and damages frames between two ports.
#[derive(Clone, Debug)]
pub(crate) struct ImpairConfig {
    /// Name of the role.
    pub(crate) name: String,
    /// Logical lcore.
    pub(crate) lcore: u16,
    /// One port.
    pub(crate) a: String,
    /// The other.
    pub(crate) b: String,
    /// What all chance comes from.
    pub(crate) seed: u64,
    /// What happens to frames that `a` receives.
    pub(crate) a_to_b: Rates,
    /// What happens to frames that `b` receives.
    pub(crate) b_to_a: Rates,
}
