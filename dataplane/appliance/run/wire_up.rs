//! Builds the roles: each part from its section of the configuration, on the port that it names.

mod between;
mod near;
mod trader_up;

use super::Reader;
use super::cabling;
use super::house_thread::HouseThread;
use super::journaling::{self, Keeper, State};
use super::node_up;
use super::outages;
use super::ports::Ports;
use super::refusals::RefusalWriter;
use super::role::Role;
use super::state;
use crate::config::{
    self, Config, Endpoint, Group, Huge, Listing as Listed, LoadgenConfig, OrdersClient,
    ProberConfig, Publisher, Receiver, TraderConfig, VenueConfig,
};
use crate::console::{self, Console};
use crate::itch_files;
use crate::placement::Placement;
use crate::script::Names;
use algos::Builtin;
use anyhow::{Context, Result, anyhow};
use between::{impair, switch};
use book::Capacity;
use engine::ledger::LedgerConfig;
use engine::{Engine, EngineConfig, InstrumentConfig};
use hostcpu::{Topology, TscClock};
use hugemem::HugePolicy;
use lcore::control::Control;
use lcore::feed_port::FeedPort;
use lcore::laps::Laps;
use lcore::loadgen::{Flow, FlowLink, Loadgen, LoadgenParts, Watch, source};
use lcore::market_data::{LineB, MarketDataPort};
use lcore::order_link::{CLIENT_RX_BYTES, OrderLink};
use lcore::prober::{Prober, ProberParts};
use lcore::trader::Trader;
use lcore::venue::{Endpoint as OrderPort, JournalLine, OperatorLine, Schedule, Venue, VenueParts};
use market::{Market, MarketConfig};
use near::near;
use net::{Host, HostConfig, Interface, TcpConfig, UdpTemplate};
use risk::{Firm, VenueGate};
use session::{
    AccountConfig, AccountKind, ClientConfig, MoldPublisher, MoldReceiver, PublisherConfig,
    ReceiverConfig, SessionId, Sessions, SnapshotConfig, SoupClient, StoreConfig,
};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddrV4;
use std::sync::Arc;
use types::{AccountId, Nanos, Symbol, SymbolId};
use venue::entry::Origin;
use venue::{Core, CoreParts, Listing, Open};

/// MTU of ports that carry TCP only.
const ORDERS_MTU: u16 = 1_500;
/// Live orders that a loadgen's flow keeps apart at a venue that it knows nothing of.
const FLOW_ORDERS_MAX: u32 = 1 << 18;
/// Prints of the tape that a watcher keeps.
const WATCH_PRINTS: u32 = 1 << 10;
/// Outages of a prober on their way to whoever prints them.
const OUTAGES_UNDER_WAY: usize = 64;
/// TCP's transmit ring of a client's connection, in bytes.
const CLIENT_TX_BYTES: usize = 1 << 17;

/// What it takes to build roles.
pub(super) struct Wiring<'c> {
    config: &'c Config,
    clock: &'c TscClock,
    control: Arc<Control>,
    readers: Vec<Reader>,
    consoles: Vec<Console>,
    logs: Vec<RefusalWriter>,
    keepers: Vec<Keeper>,
    house_threads: Vec<HouseThread>,
    /// What was read back at the start.
    told: String,
    /// What all traders of the process have at stake together, once there is one with a limit.
    firm: Option<Arc<Firm>>,
}

impl<'c> Wiring<'c> {
    pub(super) fn new(
        config: &'c Config,
        clock: &'c TscClock,
        control: Arc<Control>,
    ) -> Wiring<'c> {
        Wiring {
            config,
            clock,
            control,
            readers: Vec::new(),
            consoles: Vec::new(),
            logs: Vec::new(),
            keepers: Vec::new(),
            house_threads: Vec::new(),
            told: String::new(),
            firm: None,
        }
    }

    /// Where tables outside DPDK lie: as the configuration says of EAL's memory.
    fn huge(&self) -> HugePolicy {
        match self.config.eal.huge {
            Huge::Auto => HugePolicy::Auto,
            Huge::Require => HugePolicy::Require,
            Huge::Off => HugePolicy::Off,
        }
    }

    /// All roles, by the thread that polls them, in the placement's order.
    pub(super) fn roles<'e>(
        &mut self,
        placement: &Placement,
        ports: &mut Ports<'e>,
    ) -> Result<Vec<Vec<Role<'e>>>> {
        let host = Topology::read()?;
        let mut threads: Vec<Vec<Role<'e>>> = placement.threads.iter().map(|_| vec![]).collect();
        for (thread, place) in threads.iter_mut().zip(&placement.threads) {
            for name in &place.roles {
                let role = near(&host, place.cpu, || self.role(name, ports));
                thread.push(role.with_context(|| format!("role {name:?}"))?);
            }
        }
        Ok(threads)
    }

    fn role<'e>(&mut self, name: &str, ports: &mut Ports<'e>) -> Result<Role<'e>> {
        let config = self.config;
        if let Some(venue) = config.venues.iter().find(|r| r.name == name) {
            if let Some(membership) = &venue.cluster {
                let (node, thread) = node_up::node(self, venue, membership, ports)?;
                self.house_threads.push(thread);
                return Ok(Role::Node(Box::new(node)));
            }
            return Ok(Role::Venue(Box::new(self.venue(venue, ports)?)));
        }
        if let Some(trader) = config.traders.iter().find(|r| r.name == name) {
            return Ok(Role::Trader(Box::new(self.trader(trader, ports)?)));
        }
        if let Some(prober) = config.probers.iter().find(|r| r.name == name) {
            return Ok(Role::Prober(Box::new(self.prober(prober, ports)?)));
        }
        if let Some(settings) = config.impairs.iter().find(|r| r.name == name) {
            return Ok(Role::Impair(Box::new(impair(settings, ports)?)));
        }
        if let Some(settings) = config.switches.iter().find(|r| r.name == name) {
            let mut switch = switch(settings, ports)?;
            if let Some(path) = &settings.control {
                let (cabling, thread) = cabling::listen(path, &settings.ports)?;
                self.house_threads.push(thread);
                switch = switch.with_cabling(cabling);
            }
            return Ok(Role::Switch(Box::new(switch)));
        }
        let loadgen = config.loadgens.iter().find(|r| r.name == name);
        let loadgen = loadgen.ok_or_else(|| anyhow!("is placed and not configured"))?;
        Ok(Role::Loadgen(Box::new(self.loadgen(loadgen, ports)?)))
    }

    /// Messages that will be replayed, where the files are small enough to be counted beforehand.
    pub(super) fn messages_total(&self) -> Option<u64> {
        self.config.loadgens.iter().map(|l| itch_files::count(&l.input, l.repeat)).sum()
    }

    /// The threads that read files.
    pub(super) fn take_readers(&mut self) -> Vec<Reader> {
        std::mem::take(&mut self.readers)
    }

    /// The order ports, listening.
    pub(super) fn order_ports<'e>(
        &self,
        config: &VenueConfig,
        ports: &mut Ports<'e>,
    ) -> Result<Vec<OrderPort<'e>>> {
        let limits = &config.limits;
        let slots = limits.connections_max as usize;
        let tcp = TcpConfig {
            slots,
            rx_bytes: limits.rx_bytes as usize,
            tx_bytes: limits.tx_bytes as usize,
            seed: seed(),
            keep_alive_ns: config.throttle.keep_alive_ns,
            rto_min_ns: config.throttle.rto_min_ns,
            user_timeout_ns: config.throttle.user_timeout_ns,
            ..TcpConfig::default()
        };
        let mut endpoints = Vec::new();
        for orders in &config.orders {
            let (io, mac) = ports.take(&orders.endpoint)?;
            let mut host = host(&orders.endpoint, mac, ORDERS_MTU, tcp)?;
            host.listen(orders.listen)?;
            endpoints.push(OrderPort::new(io, host, slots, config.throttle.server));
        }
        Ok(endpoints)
    }

    fn venue<'e>(&mut self, config: &VenueConfig, ports: &mut Ports<'e>) -> Result<Venue<'e>> {
        let mut state = State {
            core: core(config, state::load(config)?),
            sessions: sessions(config)?,
            publisher: publisher(&config.itch)?,
        };
        let journal = self.journal(config, &mut state)?;
        let State { mut core, sessions, publisher } = state;
        let log = config.command_log_max as usize;
        if log > 0 {
            core.keep_log(log);
        }
        let tsc = hostcpu::tsc();
        let since_midnight = Nanos(self.clock.nanos_since_midnight(tsc));
        let date = journaling::date(self.clock.unix_ns(tsc), since_midnight);
        let trades = config.opens_trading;
        Ok(Venue::new(VenueParts {
            name: config.name.clone(),
            endpoints: self.order_ports(config, ports)?,
            market_data: market_data(&config.itch, publisher, ports)?,
            core,
            sessions,
            schedule: Schedule::new(config.schedule.clone()),
            operator: self.console(config)?,
            opens: Open { trades, date, config: journaling::fingerprint(config) },
            laps: Laps::new(self.clock.scale()),
            journal,
        }))
    }

    /// Brings the venue's state to where its journal ends and goes on writing that, where it has
    /// one.
    fn journal(&mut self, config: &VenueConfig, state: &mut State) -> Result<Option<JournalLine>> {
        let Some(settings) = &config.journal else { return Ok(None) };
        let read = journaling::recover(config, settings, state)?;
        let (keeper, line) = journaling::begin(config, settings, &read)?;
        self.told += &read.describe(config, &keeper, &state.core);
        self.keepers.push(keeper);
        Ok(Some(line))
    }

    /// What was read back of the venues' journals.
    pub(super) fn take_told(&mut self) -> String {
        std::mem::take(&mut self.told)
    }

    /// The venues' journals.
    pub(super) fn take_keepers(&mut self) -> Vec<Keeper> {
        std::mem::take(&mut self.keepers)
    }

    /// Opens the venue's console, where it has one; gives the venue's end of the line.
    pub(super) fn console(&mut self, config: &VenueConfig) -> Result<Option<OperatorLine>> {
        let Some(path) = &config.control else { return Ok(None) };
        let mut names = Names::default();
        config.symbols.iter().for_each(|listed| names.list(listed.symbol, listed.locate));
        for account in &config.ledger {
            names.open_account(&account.name);
        }
        let (console, line) = console::for_venue(path, names)?;
        self.consoles.push(console);
        Ok(Some(line))
    }

    /// What stands beside roles.
    pub(super) fn take_house_threads(&mut self) -> Vec<HouseThread> {
        std::mem::take(&mut self.house_threads)
    }

    /// The clock of all lcores.
    pub(super) fn clock(&self) -> &'c TscClock {
        self.clock
    }

    /// The threads that operators talk to.
    pub(super) fn take_consoles(&mut self) -> Vec<Console> {
        std::mem::take(&mut self.consoles)
    }

    /// The threads that write refused orders down.
    pub(super) fn take_logs(&mut self) -> Vec<RefusalWriter> {
        std::mem::take(&mut self.logs)
    }

    fn trader<'e>(
        &mut self,
        config: &TraderConfig,
        ports: &mut Ports<'e>,
    ) -> Result<Trader<'e, Builtin>> {
        trader_up::trader(self, config, ports)
    }

    fn loadgen<'e>(
        &mut self,
        config: &LoadgenConfig,
        ports: &mut Ports<'e>,
    ) -> Result<Loadgen<'e>> {
        let (tx, rx) = source(itch_files::CHUNKS, itch_files::CHUNK_BYTES);
        self.readers.push(itch_files::spawn(config.input.clone(), config.repeat, tx)?);
        let feed = config.feed.as_ref();
        let feed = feed.map(|f| market_data(f, publisher(f)?, ports)).transpose()?;
        let flow = match &config.orders {
            Some(orders) => {
                let flow = self.flow(orders);
                Some(FlowLink::new(link(orders, ports)?, flow, self.huge())?)
            }
            None => None,
        };
        let watch = config.watch.as_ref().map(|w| self.watch(w, ports)).transpose()?;
        Ok(Loadgen::new(LoadgenParts {
            name: config.name.clone(),
            source: rx,
            pace: config.pace,
            feed,
            flow,
            watch,
            control: Arc::clone(&self.control),
            laps: Laps::new(self.clock.scale()),
        }))
    }

    fn prober<'e>(&mut self, config: &ProberConfig, ports: &mut Ports<'e>) -> Result<Prober<'e>> {
        let (outages, heard) = spsc::ring(OUTAGES_UNDER_WAY);
        self.house_threads.push(outages::tell(config.name.clone(), heard)?);
        Ok(Prober::new(ProberParts {
            name: config.name.clone(),
            link: link(&config.orders, ports)?,
            watch: config.watch.as_ref().map(|w| self.watch(w, ports)).transpose()?,
            config: config.probes,
            outages,
        }))
    }

    /// The flow for a venue: its symbols, and as many live orders as it holds, when it is ours.
    fn flow(&self, orders: &OrdersClient) -> Flow {
        let at = |v: &&VenueConfig| {
            let mut listeners = v.orders.iter();
            listeners.any(|o| SocketAddrV4::new(o.endpoint.ip, o.listen) == orders.venue)
        };
        match self.config.venues.iter().find(at) {
            Some(venue) => {
                let symbols = venue.symbols.iter().map(|l| l.symbol.0).collect();
                Flow::new(symbols, venue.limits.orders_max)
            }
            None => Flow::new(Vec::new(), FLOW_ORDERS_MAX),
        }
    }

    /// What is watched is sized like the venue that publishes it, when it is one of ours.
    fn watch<'e>(&self, config: &Receiver, ports: &mut Ports<'e>) -> Result<Watch<'e>> {
        let port = feed_in(config, ports)?;
        let receiver = MoldReceiver::new(ReceiverConfig {
            session: config.session.as_deref().map(padded),
            ..ReceiverConfig::default()
        });
        let venue = self.config.venues.iter().find(|v| v.itch.group == config.group);
        let (orders, levels) =
            venue.map_or((1 << 16, 1 << 14), |v| (v.limits.orders_max, v.limits.levels_max));
        let locates = venue.into_iter().flat_map(|v| v.symbols.iter().map(|l| l.locate.0));
        let symbols = locates.max().map_or(u16::MAX, |highest| highest.saturating_add(1));
        let market = Market::new(&MarketConfig {
            capacity: Capacity { orders, levels, books: u32::from(symbols) },
            tickers: Vec::new(),
            only_tickers: false,
            tape_len: WATCH_PRINTS,
        })?;
        Ok(Watch::new(port, receiver, market))
    }
}

/// A venue's state before its first input.
pub(super) fn state(config: &VenueConfig) -> Result<State> {
    Ok(State {
        core: core(config, Engine::new(&engine_config(config))),
        sessions: sessions(config)?,
        publisher: publisher(&config.itch)?,
    })
}

fn core(config: &VenueConfig, engine: Engine) -> Core {
    let symbols: Vec<_> = config.symbols.iter().map(|l| (l.locate, l.symbol)).collect();
    let highest = symbols.iter().map(|(id, _)| usize::from(id.0)).max().unwrap_or(0);
    let mut names = vec![Symbol([b' '; 8]); highest + 1];
    for (id, name) in &symbols {
        names[usize::from(id.0)] = *name;
    }
    Core::new(CoreParts {
        log: None,
        engine,
        gate: VenueGate::new(config.risk),
        symbols: names,
        origins: origins(config),
        listings: config.symbols.iter().map(listing).collect(),
    })
}

/// How large the venue's engine is; also for the engine that its log is replayed into.
pub(super) fn engine_config(config: &VenueConfig) -> EngineConfig {
    let instruments = config.symbols.iter().map(|l| instrument(config, l)).collect();
    let sessions = u16::try_from(config.accounts.len()).unwrap_or(u16::MAX);
    let limits = &config.limits;
    EngineConfig {
        orders: limits.orders_max,
        levels: limits.levels_max,
        conditional_orders: limits.conditional_orders_max,
        trades: limits.trades_max,
        ticks: vec![config.ticks.clone()],
        self_match: config.self_match,
        ledger: Some(LedgerConfig {
            accounts: config.ledger.iter().map(|account| account.terms).collect(),
            positions: limits.positions_max,
        }),
        session_limits: config.session_limits,
        opens_trading: config.opens_trading,
        ..EngineConfig::new(instruments, sessions)
    }
}

fn instrument(config: &VenueConfig, listed: &Listed) -> InstrumentConfig {
    let round_lot = listed.entry.as_ref().map_or(1, |entry| entry.round_lot_size.get());
    let lot = if config.round_lots { round_lot.max(1) } else { 1 };
    InstrumentConfig { lot, ..InstrumentConfig::plain(listed.locate, listed.symbol) }
}

/// For whom each session orders.
fn origins(config: &VenueConfig) -> Vec<Origin> {
    let origin = |(at, account): (usize, &config::Account)| Origin {
        session: SessionId(at as u16),
        account: AccountId(account.ledger),
        firm: account.firm,
        post_only: config.post_only,
        snapshot: account.snapshot,
    };
    config.accounts.iter().enumerate().map(origin).collect()
}

pub(super) fn sessions(config: &VenueConfig) -> Result<Sessions> {
    let limits = &config.limits;
    let store = StoreConfig {
        messages_max: limits.replay_messages as usize,
        bytes_max: limits.replay_bytes as usize,
    };
    let account = |a: &config::Account| AccountConfig {
        user: a.user.clone(),
        password: a.password.0.clone(),
        session: a.session.clone(),
        store,
    };
    let accounts: Vec<_> = config.accounts.iter().map(account).collect();
    let mut sessions = Sessions::new(&accounts)?;
    sessions.set_login_limits(config.throttle.logins);
    let readers = config.accounts.iter().enumerate().filter(|(_, account)| account.snapshot);
    for (at, _) in readers.clone() {
        sessions.set_kind(SessionId(at as u16), AccountKind::Snapshot);
    }
    if readers.count() > 0 {
        let bytes_max = limits.snapshot_bytes as usize;
        // The shortest message of an image is a trading action, of 25 bytes.
        let messages_max = bytes_max / 25;
        sessions.enable_snapshots(SnapshotConfig {
            bytes_max,
            messages_max,
            image_age_max_ns: limits.snapshot_age_ns,
            ..SnapshotConfig::default()
        });
    }
    Ok(sessions)
}

fn listing(listed: &Listed) -> Listing {
    match listed.entry {
        Some(entry) => Listing::Copied(entry),
        None => Listing::Plain(listed.locate, listed.symbol),
    }
}

/// A random number that no peer can foresee: the standard library's hash keys are.
pub(crate) fn seed() -> u64 {
    RandomState::new().hash_one("sequence numbers")
}

pub(super) fn host(endpoint: &Endpoint, device: [u8; 6], mtu: u16, tcp: TcpConfig) -> Result<Host> {
    let interface = Interface {
        mac: endpoint.mac.unwrap_or(device),
        ip: endpoint.ip,
        prefix_len: endpoint.prefix_len,
        gateway: endpoint.gateway,
        vlan: endpoint.vlan,
        mtu,
    };
    let config = HostConfig { tcp, ..HostConfig::default() };
    Host::new(interface, config).with_context(|| format!("port {:?}", endpoint.port))
}

/// TCP for a host that has one connection, or none.
pub(super) fn tcp_client() -> TcpConfig {
    TcpConfig {
        slots: 2,
        rx_bytes: CLIENT_RX_BYTES,
        tx_bytes: CLIENT_TX_BYTES,
        seed: seed(),
        ..TcpConfig::default()
    }
}

fn group_addr(group: Group) -> SocketAddrV4 {
    SocketAddrV4::new(group.ip, group.udp_port)
}

/// A session's name in its ten bytes.
fn padded(name: &str) -> [u8; 10] {
    wire::field::padded(name.as_bytes())
}

fn publisher(config: &Publisher) -> Result<MoldPublisher> {
    let mut settings = PublisherConfig::new(padded(&config.session));
    settings.store = StoreConfig {
        messages_max: config.replay_messages as usize,
        bytes_max: config.replay_bytes as usize,
    };
    settings.requests = config.requests;
    settings.heartbeat_ns = config.heartbeat_ns;
    Ok(MoldPublisher::new(settings)?)
}

pub(super) fn market_data<'e>(
    config: &Publisher,
    publisher: MoldPublisher,
    ports: &mut Ports<'e>,
) -> Result<MarketDataPort<'e>> {
    let (io, mac) = ports.take(&config.endpoint)?;
    let host = host(&config.endpoint, mac, config.mtu, tcp_client())?;
    let group: UdpTemplate =
        host.multicast(config.group.udp_port, group_addr(config.group), config.ttl)?;
    let max = payload_max(config.messages_per_packet_max);
    let Some(line) = &config.line_b else {
        return Ok(MarketDataPort::new(io, host, group, max, publisher));
    };
    let line_b = line_b(config, line, &host, ports)?;
    Ok(MarketDataPort::new(io, host, group, max, publisher).with_line_b(line_b))
}

/// The second line, over a port of its own or line A's.
fn line_b<'e>(
    config: &Publisher,
    line: &config::LineB,
    line_a: &Host,
    ports: &mut Ports<'e>,
) -> Result<LineB<'e>> {
    let group =
        |host: &Host| host.multicast(config.group.udp_port, group_addr(line.group), config.ttl);
    let Some(endpoint) = &line.endpoint else {
        return Ok(LineB { port: None, group: group(line_a)? });
    };
    let (io, mac) = ports.take(endpoint)?;
    let own = host(endpoint, mac, config.mtu, tcp_client())?;
    let group = group(&own)?;
    Ok(LineB { port: Some((io, own)), group })
}

/// Bytes of a datagram with so many messages of the longest kind.
fn payload_max(messages: u16) -> usize {
    let block = 2 + wire::itch::MESSAGE_LEN_MAX;
    wire::moldudp64::HEADER_LEN + usize::from(messages) * block
}

fn feed_in<'e>(config: &Receiver, ports: &mut Ports<'e>) -> Result<FeedPort<'e>> {
    let (io, mac) = ports.take(&config.endpoint)?;
    let mut host = host(&config.endpoint, mac, ORDERS_MTU, tcp_client())?;
    host.join(0, config.group.ip)?;
    Ok(FeedPort::new(io, host, group_addr(config.group)))
}

fn link<'e>(config: &OrdersClient, ports: &mut Ports<'e>) -> Result<OrderLink<'e>> {
    let (io, mac) = ports.take(&config.endpoint)?;
    let host = host(&config.endpoint, mac, ORDERS_MTU, tcp_client())?;
    let mut client = ClientConfig::new(&config.user, &config.password.0);
    client.session = config.session.clone().unwrap_or_default();
    Ok(OrderLink::new(io, host, SoupClient::new(&client)?, config.venue))
}

/// The locates that a venue trades, for the report.
pub(super) fn locates(config: &VenueConfig) -> impl Iterator<Item = (SymbolId, Symbol)> + '_ {
    config.symbols.iter().map(|l| (l.locate, l.symbol))
}
