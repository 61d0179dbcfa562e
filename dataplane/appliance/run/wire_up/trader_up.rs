//! Builds a trader: lines, recovery, market, desk, strategy, and what writes down what it refuses.

use super::{
    CLIENT_RX_BYTES, CLIENT_TX_BYTES, ORDERS_MTU, Wiring, group_addr, host, padded, seed,
    tcp_client,
};
use crate::config::{SnapshotClient, TraderConfig};
use crate::console::{self, TraderNames};
use crate::run::ports::Ports;
use crate::run::refusals;
use algos::{Builtin, Strategy};
use anyhow::{Context, Result};
use book::Capacity;
use desk::{Core, Desk, DeskConfig};
use feed::{Feed, FeedConfig};
use lcore::feed_port::FeedPort;
use lcore::laps::Laps;
use lcore::order_link::OrderLink;
use lcore::trader::{Clocks, RefusalLog, Trader, TraderParts};
use market::{Market, MarketConfig};
use net::TcpConfig;
use risk::Firm;
use session::{ClientConfig, SoupClient};
use std::sync::Arc;

/// Slots of the table of orders for each that may be open: an order that outlives a turn of the
/// table holds up those behind it.
const SLOTS_PER_ORDER: usize = 64;
/// How long an order may go unanswered before it is asked about, in ns.
const ANSWER_TIMEOUT_NS: u64 = 1_000_000_000;

/// Builds the trader that `config` describes.
pub(super) fn trader<'e>(
    wiring: &mut Wiring<'_>,
    config: &TraderConfig,
    ports: &mut Ports<'e>,
) -> Result<Trader<'e, Builtin>> {
    let strategy = &config.strategy;
    let count = strategy.symbols.len();
    let builtin = Builtin::new(strategy.kind, &strategy.symbols, &strategy.values)
        .with_context(|| format!("strategy {:?} of {count} symbols", strategy.kind))?;
    let desk = desk(wiring, config);
    let slots = config.gate.open_orders_max as usize * SLOTS_PER_ORDER;
    let report_dir = &wiring.config.run.report_dir;
    let place = refusals::Place::of(config.refusals.as_deref(), report_dir, &config.name);
    let (writer, to_writer) = refusals::open(&place, strategy.symbols.clone())?;
    wiring.logs.push(writer);
    let refusals = RefusalLog { to_writer: Some(to_writer), ..RefusalLog::default() };
    let mut operator = None;
    if let Some(path) = &config.control {
        let names = TraderNames { symbols: strategy.symbols.clone(), params: builtin.params() };
        let (console, line) = console::for_trader(path, names)?;
        wiring.consoles.push(console);
        operator = Some(line);
    }
    Ok(Trader::new(TraderParts {
        name: config.name.clone(),
        feed_ports: feed_ports(config, ports)?,
        feed: Feed::new(&FeedConfig {
            session: config.feed.session.as_deref().map(padded),
            ..config.recovery
        }),
        link: link(config, ports)?,
        core: Core::new(market(config)?, desk, builtin, config.core),
        clocks: Clocks::new(Laps::new(wiring.clock.scale()), slots),
        refusals,
        operator,
        silent_after_ns: config.silent_after_ns,
        control: Arc::clone(&wiring.control),
    }))
}

fn market(config: &TraderConfig) -> Result<Market> {
    let limits = &config.limits;
    let mut market = Market::new(&MarketConfig {
        capacity: Capacity {
            orders: limits.orders_max,
            levels: limits.levels_max,
            books: u32::from(limits.symbols_max),
        },
        tickers: config.strategy.symbols.clone(),
        only_tickers: limits.only_traded,
        tape_len: limits.tape_prints_max,
    })?;
    let recovery = &config.recovery;
    if recovery.first_seq.is_none() && !recovery.snapshot.is_some_and(|s| s.join_at_start) {
        market.join_late();
    }
    Ok(market)
}

fn desk(wiring: &mut Wiring<'_>, config: &TraderConfig) -> Desk {
    let firm = (config.firm_exposure_max > 0).then(|| {
        let firm = wiring.firm.get_or_insert_with(|| Arc::new(Firm::new(config.firm_exposure_max)));
        Arc::clone(firm)
    });
    Desk::new(&DeskConfig {
        tickers: config.strategy.symbols.clone(),
        slots: (config.gate.open_orders_max as usize * SLOTS_PER_ORDER).next_power_of_two(),
        limits: config.gate,
        ticker_limits: config.ticker_limits.clone(),
        firm,
        answer_timeout_ns: ANSWER_TIMEOUT_NS,
    })
}

/// One port for both lines, or one each. Requests go out where line A comes in.
fn feed_ports<'e>(config: &TraderConfig, ports: &mut Ports<'e>) -> Result<Vec<FeedPort<'e>>> {
    let (io, mac) = ports.take(&config.feed.endpoint)?;
    let mut line_a = host(&config.feed.endpoint, mac, ORDERS_MTU, tcp_client())?;
    line_a.join(0, config.feed.group.ip)?;
    let mut groups = [Some(group_addr(config.feed.group)), None];
    let mut others = Vec::new();
    if let Some(line) = &config.line_b {
        let group = Some(group_addr(line.group));
        match &line.endpoint {
            Some(endpoint) => {
                let (io, mac) = ports.take(endpoint)?;
                let mut host = host(endpoint, mac, ORDERS_MTU, tcp_client())?;
                host.join(0, line.group.ip)?;
                others.push(FeedPort::with_lines(io, host, [None, group]));
            }
            None => {
                line_a.join(0, line.group.ip)?;
                groups[1] = group;
            }
        }
    }
    let port = FeedPort::with_lines(io, line_a, groups);
    let port = match config.server {
        Some(server) => port.asking(server),
        None => port,
    };
    Ok(std::iter::once(port).chain(others).collect())
}

/// The way to the venue, and to its snapshots where they are read.
fn link<'e>(config: &TraderConfig, ports: &mut Ports<'e>) -> Result<OrderLink<'e>> {
    let orders = &config.orders;
    let (io, mac) = ports.take(&orders.endpoint)?;
    let tcp = TcpConfig {
        slots: 4,
        rx_bytes: CLIENT_RX_BYTES,
        tx_bytes: CLIENT_TX_BYTES,
        seed: seed(),
        ..TcpConfig::default()
    };
    let host = host(&orders.endpoint, mac, ORDERS_MTU, tcp)?;
    let mut client = ClientConfig::new(&orders.user, &orders.password.0);
    client.session = orders.session.clone().unwrap_or_default();
    let link = OrderLink::new(io, host, SoupClient::new(&client)?, orders.venue);
    match &config.snapshot {
        Some(SnapshotClient { server, user, password }) => {
            let client = ClientConfig::new(user, &password.0);
            Ok(link.with_snapshots(SoupClient::new(&client)?, *server))
        }
        None => Ok(link),
    }
}
