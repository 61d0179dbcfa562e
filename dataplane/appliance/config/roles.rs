//! The roles: venues, traders and load generators.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::itch_files::Input;
use lcore::loadgen::Synthetic;
use risk::OrderLimits;
use toml::Spanned;
use types::{Qty, Symbol};

use super::accounts::{self, Accounts};
use super::cluster;
use super::exchange;
use super::journal;
use super::listing;
use super::raw::{self, Int, Text};
use super::scope::{Scope, span_of};
use super::{
    LineB, LoadgenConfig, OrdersClient, OrdersServer, Pace, Publisher, Receiver, VenueConfig,
    VenueLimits, parse_pace,
};

/// Logical lcores: as many as EAL is built for.
pub(super) const LCORES: RangeInclusive<i64> = 0..=127;
/// Slabs are addressed by `u32`; 2^26 orders are 4 GB and beyond any market's day.
pub(super) const ORDERS: RangeInclusive<i64> = 16..=1 << 26;
pub(super) const LEVELS: RangeInclusive<i64> = 16..=1 << 24;
/// What can be multiplied by 10,000 and by a quantity without leaving `u64`.
const NOTIONAL_DOLLARS: RangeInclusive<i64> = 1..=1_000_000_000_000;
const COLLAR_BPS: RangeInclusive<i64> = 0..=10_000;

/// Raw price units in a dollar.
const DOLLAR: u64 = types::Price::DOLLAR.0 as u64;

/// `[[venue]]`
pub(super) fn venues(scope: &mut Scope<'_>, raw: &[raw::Venue]) -> Vec<VenueConfig> {
    let one = |(index, raw)| venue(scope, &format!("venue[{index}]"), raw);
    raw.iter().enumerate().map(one).collect()
}

fn venue(scope: &mut Scope<'_>, table: &str, raw: &raw::Venue) -> VenueConfig {
    let servers = raw.orders.0.iter().enumerate();
    let orders = servers
        .map(|(index, server)| {
            let table = format!("{table}.orders[{index}]");
            OrdersServer {
                endpoint: scope.endpoint(&table, server.endpoint()),
                listen: scope.int((&table, "listen"), server.listen.as_ref(), 26400, 1..=65535),
            }
        })
        .collect();
    let many = raw.accounts_count.as_ref().is_some_and(|count| *count.get_ref() != 0);
    let nobody = raw.accounts.is_empty() && !many;
    if raw.orders.0.is_empty() || nobody {
        let which = if nobody { "accounts" } else { "orders" };
        let start = raw.name.span().start;
        scope.fault((table, which), start..start, "an empty list: nobody could send an order");
    }
    let symbols = listing::listings(scope, table, raw);
    let log = raw.command_log_max.as_ref();
    let Accounts { logins, ledger, .. } = Accounts::read(scope, table, raw);
    cluster::node_settings(scope, table, raw);
    let cluster = raw.cluster.as_ref().and_then(|cluster| {
        cluster::membership(scope, &format!("{table}.cluster"), cluster, &symbols)
    });
    let limits = venue_limits(scope, &format!("{table}.limits"), &raw.limits);
    positions_suffice(scope, table, raw, limits.positions_max, ledger.len());
    VenueConfig {
        name: scope.name((table, "name"), &raw.name),
        lcore: scope.int((table, "lcore"), Some(&raw.lcore), 0, LCORES),
        orders,
        itch: publisher(scope, &format!("{table}.itch"), &raw.itch, "PEREGRINE1"),
        schedule: exchange::schedule(scope, table, &raw.schedule, &symbols),
        symbols,
        accounts: logins,
        ledger,
        session_limits: accounts::session_limits(
            scope,
            &format!("{table}.session_limits"),
            &raw.session_limits,
        ),
        throttle: exchange::throttle(scope, &format!("{table}.sessions"), &raw.sessions),
        self_match: exchange::self_match(raw.self_match),
        ticks: exchange::ticks(raw.ticks),
        round_lots: raw.round_lots.unwrap_or(false),
        post_only: exchange::post_only(raw.post_only),
        opens_trading: exchange::opens_trading(scope, table, raw),
        control: exchange::control(scope, table, raw.control.as_ref()),
        state_file: raw
            .state_file
            .as_ref()
            .map(|path| exchange::written_path(scope, (table, "state_file"), path)),
        cluster,
        limits,
        risk: order_limits(
            scope,
            &format!("{table}.risk"),
            [
                raw.risk.order_qty_max.as_ref(),
                raw.risk.order_notional_max_dollars.as_ref(),
                raw.risk.price_collar_bps.as_ref(),
            ],
            VENUE_DEFAULT,
        ),
        command_log_max: scope.int((table, "command_log_max"), log, 0, 0..=100_000_000),
        journal: journal::journal(scope, table, raw),
    }
}

fn venue_limits(scope: &mut Scope<'_>, table: &str, raw: &raw::VenueLimits) -> VenueLimits {
    let replay = (raw.replay_bytes.as_ref(), raw.replay_messages.as_ref());
    let orders_max = scope.int((table, "orders_max"), raw.orders_max.as_ref(), 65_536, ORDERS);
    VenueLimits {
        orders_max,
        conditional_orders_max: scope.int(
            (table, "conditional_orders_max"),
            raw.conditional_orders_max.as_ref(),
            (orders_max / 4).max(1024),
            0..=1 << 26,
        ),
        trades_max: scope.int((table, "trades_max"), raw.trades_max.as_ref(), 1 << 16, 1..=1 << 26),
        positions_max: scope.int(
            (table, "positions_max"),
            raw.positions_max.as_ref(),
            1 << 16,
            16..=1 << 26,
        ),
        snapshot_bytes: scope.int(
            (table, "snapshot_bytes"),
            raw.snapshot_bytes.as_ref(),
            1 << 24,
            1 << 16..=1 << 31,
        ),
        snapshot_age_ns: exchange::snapshot_age_ns(scope, table, raw.snapshot_age_ms.as_ref()),
        levels_max: scope.int((table, "levels_max"), raw.levels_max.as_ref(), 16_384, LEVELS),
        connections_max: scope.int(
            (table, "connections_max"),
            raw.connections_max.as_ref(),
            16,
            1..=8192,
        ),
        rx_bytes: scope.int((table, "rx_bytes"), raw.rx_bytes.as_ref(), 16_384, 1024..=65_535),
        tx_bytes: scope.int((table, "tx_bytes"), raw.tx_bytes.as_ref(), 65_536, 1024..=1 << 22),
        replay_bytes: scope.power_of_two(
            (table, "replay_bytes"),
            replay.0,
            1 << 20,
            4096..=1 << 31,
        ),
        replay_messages: scope.power_of_two(
            (table, "replay_messages"),
            replay.1,
            1 << 14,
            64..=1 << 26,
        ),
    }
}

/// Each account of the ledger can hold something.
fn positions_suffice(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::Venue,
    positions_max: u32,
    accounts: usize,
) {
    if (positions_max as usize) < accounts {
        let problem = format!("one for each of {accounts} accounts of the ledger at least");
        let span = span_of(raw.limits.positions_max.as_ref());
        scope.fault((&format!("{table}.limits"), "positions_max"), span, problem);
    }
}

/// What an order is held to when the file does not say: quantity, dollars, basis points.
pub(super) struct OrderDefault(u32, u64, u32);

/// A venue takes what OUCH can say; a collar is its rule book's business.
const VENUE_DEFAULT: OrderDefault = OrderDefault(Qty::ORDER_MAX.0, 200_000_000, 0);
/// A trader is held tight until someone says otherwise.
pub(super) const TRADER_DEFAULT: OrderDefault = OrderDefault(1_000, 1_000_000, 500);

pub(super) fn order_limits(
    scope: &mut Scope<'_>,
    table: &str,
    [qty, notional, collar]: [Option<&Int>; 3],
    default: OrderDefault,
) -> OrderLimits {
    let qty_bounds = 1..=i64::from(Qty::ORDER_MAX.0);
    let dollars: u64 =
        scope.int((table, "order_notional_max_dollars"), notional, default.1, NOTIONAL_DOLLARS);
    OrderLimits {
        qty_max: Qty(scope.int((table, "order_qty_max"), qty, default.0, qty_bounds)),
        notional_max: dollars * DOLLAR,
        collar_bps: scope.int((table, "price_collar_bps"), collar, default.2, COLLAR_BPS),
    }
}

/// A list of symbols, each once.
pub(super) fn symbols(scope: &mut Scope<'_>, table: &str, raw: &[Text]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(raw.len());
    let mut seen = HashSet::with_capacity(raw.len());
    for (index, text) in raw.iter().enumerate() {
        let key = format!("{table}.symbols[{index}]");
        match Symbol::new(text.get_ref()) {
            None => {
                let problem = "a symbol is 1 to 8 printable ASCII characters, as \"AAPL\"";
                scope.fault((&key, ""), text.span(), problem);
            }
            Some(symbol) if !seen.insert(symbol) => {
                scope.fault((&key, ""), text.span(), "stands in the list twice");
            }
            Some(symbol) => symbols.push(symbol),
        }
    }
    symbols
}

/// `[[loadgen]]`
pub(super) fn loadgens(scope: &mut Scope<'_>, raw: &[raw::Loadgen]) -> Vec<LoadgenConfig> {
    let one = |(index, raw)| loadgen(scope, &format!("loadgen[{index}]"), raw);
    raw.iter().enumerate().map(one).collect()
}

fn loadgen(scope: &mut Scope<'_>, table: &str, raw: &raw::Loadgen) -> LoadgenConfig {
    let input = input(scope, table, raw);
    if raw.feed.is_none() && raw.orders.is_none() {
        let problem = "has neither `feed` nor `orders`, so nothing would leave it; give one";
        scope.fault((table, "name"), raw.name.span(), problem);
    }
    let gap_s = scope.num((table, "gap_max_s"), raw.gap_max_s.as_ref(), 0.0..=86_400.0);
    let gap_ns_max = (gap_s.unwrap_or(0.0) * 1e9) as u64;
    LoadgenConfig {
        name: scope.name((table, "name"), &raw.name),
        lcore: scope.int((table, "lcore"), Some(&raw.lcore), 0, LCORES),
        input,
        pace: pace(scope, table, raw.pace.as_ref()).with_gap(gap_ns_max),
        gap_ns_max,
        repeat: scope.int((table, "repeat"), raw.repeat.as_ref(), 1, 1..=1_000_000),
        feed: raw
            .feed
            .as_ref()
            .map(|feed| publisher(scope, &format!("{table}.feed"), feed, "REPLAY0001")),
        orders: raw.orders.as_ref().map(|orders| client(scope, &format!("{table}.orders"), orders)),
        watch: raw.watch.as_ref().map(|watch| receiver(scope, &format!("{table}.watch"), watch)),
    }
}

/// `files` or `[loadgen.synthetic]`, one of the two.
fn input(scope: &mut Scope<'_>, table: &str, raw: &raw::Loadgen) -> Input {
    let listed = raw.files.as_ref().map_or(&[][..], |files| files.get_ref());
    let file = |(index, file)| scope.file((&format!("{table}.files[{index}]"), ""), file);
    let files: Vec<PathBuf> = listed.iter().enumerate().map(file).collect();
    let Some(flow) = &raw.synthetic else {
        if files.is_empty() {
            let span = raw.files.as_ref().map_or(raw.name.span(), Spanned::span);
            let problem = "nothing to replay; name at least one ITCH file, or give `synthetic`";
            scope.fault((table, "files"), span, problem);
        }
        return Input::Files(files);
    };
    if !files.is_empty() {
        let problem = "has `synthetic` too; leave one of the two out";
        scope.fault((table, "files"), span_of(raw.files.as_ref()), problem);
    }
    let table = format!("{table}.synthetic");
    let symbols = symbols(scope, &table, &flow.symbols);
    if symbols.is_empty() {
        let problem = "has no symbols; name at least one, as [\"AAPL\"]";
        scope.fault((&table, "symbols"), raw.name.span(), problem);
    }
    Input::Synthetic(Synthetic {
        symbols: symbols.iter().map(|symbol| symbol.0).collect(),
        seed: scope.int((&table, "seed"), flow.seed.as_ref(), 1, 0..=i64::MAX),
        messages: scope.int(
            (&table, "messages"),
            flow.messages.as_ref(),
            1_000_000,
            1..=50_000_000,
        ),
        live_orders: scope.int(
            (&table, "live_orders"),
            flow.live_orders.as_ref(),
            10_000,
            1..=1_000_000,
        ),
    })
}

fn pace(scope: &mut Scope<'_>, table: &str, raw: Option<&Text>) -> Pace {
    let parsed = parse_pace(raw.map_or("recorded", |text| text.get_ref()));
    parsed.unwrap_or_else(|problem| {
        scope.fault((table, "pace"), span_of(raw), problem);
        Pace::Max
    })
}

fn publisher(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::Publisher,
    default_session: &str,
) -> Publisher {
    let session = match &raw.session {
        Some(session) => scope.field((table, "session"), session, 10),
        None => default_session.to_owned(),
    };
    let packet_max = raw.messages_per_packet_max.as_ref();
    let replay = (raw.replay_bytes.as_ref(), raw.replay_messages.as_ref());
    Publisher {
        line_b: raw
            .line_b
            .as_ref()
            .map(|b| line_b(scope, &format!("{table}.line_b"), b, LineA::of(raw))),
        requests: exchange::requests(scope, table, raw),
        heartbeat_ns: exchange::heartbeat_ns(scope, table, raw.heartbeat_ms.as_ref()),
        endpoint: scope.endpoint(table, raw.endpoint()),
        group: scope.group(table, &raw.group, raw.udp_port.as_ref()),
        session,
        mtu: scope.int((table, "mtu"), raw.mtu.as_ref(), 1500, 576..=9000),
        ttl: scope.int((table, "ttl"), raw.ttl.as_ref(), 16, 1..=255),
        messages_per_packet_max: scope.int(
            (table, "messages_per_packet_max"),
            packet_max,
            32,
            1..=1000,
        ),
        replay_messages: scope.power_of_two(
            (table, "replay_messages"),
            replay.1,
            1 << 16,
            64..=1 << 26,
        ),
        replay_bytes: scope.power_of_two(
            (table, "replay_bytes"),
            replay.0,
            1 << 22,
            4096..=1 << 31,
        ),
    }
}

/// What the second line must differ from.
#[derive(Clone, Copy)]
pub(super) struct LineA<'r> {
    pub(super) port: &'r Text,
    pub(super) group: &'r Text,
    pub(super) udp_port: Option<&'r Int>,
}

impl<'r> LineA<'r> {
    fn of(raw: &'r raw::Publisher) -> LineA<'r> {
        LineA { port: &raw.port, group: &raw.group, udp_port: raw.udp_port.as_ref() }
    }

    /// Of a feed that comes in.
    pub(super) fn heard(raw: &'r raw::Receiver) -> LineA<'r> {
        LineA { port: &raw.port, group: &raw.group, udp_port: raw.udp_port.as_ref() }
    }
}

/// The second line: over a port of its own, with all an endpoint has, or over line A's.
pub(super) fn line_b(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::LineB,
    line_a: LineA<'_>,
) -> LineB {
    let shared = raw.port.as_ref().is_none_or(|port| port.get_ref() == line_a.port.get_ref());
    let own = [&raw.ip, &raw.mac, &raw.gateway].into_iter().flatten().next().map(Spanned::span);
    let own = own.or(raw.vlan.as_ref().map(Spanned::span));
    match (shared, own) {
        (true, Some(span)) => {
            let problem = "over line A's port it has line A's address; take this out, or give a \
                           `port` of its own";
            scope.fault((table, "ip"), span, problem);
        }
        (false, _) if raw.ip.is_none() => {
            let problem = "a port of its own needs an `ip`, as \"10.0.1.1/24\"";
            scope.fault((table, "port"), span_of(raw.port.as_ref()), problem);
        }
        _ => {}
    }
    let endpoint = raw.endpoint().filter(|_| !shared);
    let group = scope.group(table, &raw.group, raw.udp_port.as_ref());
    let of_a = (line_a.group.get_ref(), line_a.udp_port.map_or(26477, |p| *p.get_ref()));
    if (raw.group.get_ref(), i64::from(group.udp_port)) == of_a {
        let problem = "line A has this group and port; give the second line its own";
        scope.fault((table, "group"), raw.group.span(), problem);
    }
    LineB { endpoint: endpoint.map(|text| scope.endpoint(table, text)), group }
}

pub(super) fn receiver(scope: &mut Scope<'_>, table: &str, raw: &raw::Receiver) -> Receiver {
    Receiver {
        endpoint: scope.endpoint(table, raw.endpoint()),
        group: scope.group(table, &raw.group, raw.udp_port.as_ref()),
        session: raw.session.as_ref().map(|session| scope.field((table, "session"), session, 10)),
    }
}

pub(super) fn client(scope: &mut Scope<'_>, table: &str, raw: &raw::OrdersClient) -> OrdersClient {
    let endpoint = scope.endpoint(table, raw.endpoint());
    let venue = scope.socket((table, "venue"), &raw.venue);
    let near = super::scope::same_net(endpoint.ip, *venue.ip(), endpoint.prefix_len);
    if !near && endpoint.gateway.is_none() && scope.is_clean() {
        let problem = "is in another network than `ip`; give a `gateway`";
        scope.fault((table, "venue"), raw.venue.span(), problem);
    }
    OrdersClient {
        endpoint,
        venue,
        user: scope.field((table, "user"), &raw.user, 6),
        password: accounts::password(scope, (table, "password"), &raw.password),
        session: raw.session.as_ref().map(|session| scope.field((table, "session"), session, 10)),
    }
}
