//! What modes `latency` and `soup` are told besides: how round trips go, where probes go, and whose
//! orders go to which venue.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use arrayvec::ArrayString;
use clap::Args;
use lcore::loopback::latency::ProbeSettings;
use lcore::loopback::soup::{OrderSettings, SoupSettings, SoupSettingsError};
use lcore::loopback::trips::{IN_FLIGHT_MAX, Pacing, TripSettings};
use net::Interface;
use types::{OrderSide, Symbol};
use wire::Mac;

use super::args::parse_mac;
use crate::cli::parse_duration;
use crate::config::{Config, OrdersClient};

/// The longest IPv4 packet of an order.
const MTU: u16 = 1_500;

/// Why orders cannot be entered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrdersError {
    /// Something that is not known.
    #[error("{option}: mode soup needs it, or a --config whose trader or loadgen has orders")]
    Missing {
        /// The option that would tell.
        option: &'static str,
    },
    /// A configuration without a client.
    #[error("--config {path}: no trader and no loadgen in it has orders to enter")]
    NoClient {
        /// The file.
        path: String,
    },
    /// A client that only its own process can serve.
    #[error("--config {path}: its orders go over the cable {port:?}, inside of its process")]
    Inside {
        /// The file.
        path: String,
        /// The cable's end.
        port: String,
    },
    /// A name that does not fit its field.
    #[error("{option} {given:?}: at most {len} characters")]
    TooLong {
        /// The option.
        option: &'static str,
        /// What was given; a password is not repeated.
        given: String,
        /// How long it may be.
        len: usize,
    },
    /// Addresses or names that cannot be.
    #[error(transparent)]
    Settings(#[from] SoupSettingsError),
}

/// How round trips go.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Round trips (latency, soup; one at a time without --rate)")]
pub(crate) struct TripArgs {
    /// Probes or orders under way at most, at a rate
    #[arg(long, default_value_t = 1024, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(IN_FLIGHT_MAX)))]
    pub(crate) in_flight: u32,
    /// Round trips at the beginning that are not measured
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) warm_up: u64,
    /// A probe or an order without an answer for so long is lost
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// The addresses of probes
    #[arg(long, default_value = "198.18.0.1,198.18.0.2", value_name = "SRC,DST",
          value_parser = parse_pair::<Ipv4Addr>)]
    pub(crate) tx_ip: (Ipv4Addr, Ipv4Addr),
    /// The UDP ports of probes; queue n sends from SRC + n
    #[arg(long, default_value = "9000,9000", value_name = "SRC,DST",
          value_parser = parse_pair::<u16>)]
    pub(crate) tx_udp: (u16, u16),
    /// The VLAN of probes and orders
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u16).range(1..=4094))]
    pub(crate) vlan: Option<u16>,
}

/// Which venue, as whom, which orders.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mode soup (--config tells what a trader's or loadgen's orders say)")]
pub(crate) struct OrderArgs {
    /// Where the venue takes orders, as 10.0.2.1:26400
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) venue: Option<SocketAddrV4>,
    /// Our address, with its network's bits
    #[arg(long, value_name = "IP/BITS", value_parser = parse_network)]
    pub(crate) ip: Option<(Ipv4Addr, u8)>,
    /// Our Ethernet address [default: the device's]
    #[arg(long, value_name = "MAC", value_parser = parse_mac)]
    pub(crate) mac: Option<Mac>,
    /// The way to venues in other networks
    #[arg(long, value_name = "IP")]
    pub(crate) gateway: Option<Ipv4Addr>,
    /// Who logs in
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Its password
    #[arg(long, value_name = "TEXT")]
    pub(crate) password: Option<String>,
    /// What is ordered
    #[arg(long, value_name = "NAME", default_value = "AAPL", value_parser = parse_symbol)]
    pub(crate) symbol: Symbol,
    /// Which side
    #[arg(long, value_name = "SIDE", default_value = "buy")]
    pub(crate) side: SideArg,
    /// Shares of an order
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=999_999))]
    pub(crate) shares: u32,
    /// Its price in dollars; one at which it rests
    #[arg(long, value_name = "DOLLARS", default_value = "100.00", value_parser = parse_price)]
    pub(crate) price: u32,
    /// Leave orders in the book, instead of canceling each once it was accepted
    #[arg(long)]
    pub(crate) keep_orders: bool,
}

/// A side, as one types it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SideArg {
    /// Buys.
    Buy,
    /// Sells.
    Sell,
}

impl TripArgs {
    /// What probes are told.
    pub(crate) fn probe(&self) -> ProbeSettings {
        ProbeSettings {
            src: SocketAddrV4::new(self.tx_ip.0, self.tx_udp.0),
            dst: SocketAddrV4::new(self.tx_ip.1, self.tx_udp.1),
            vlan: self.vlan,
            in_flight_max: self.in_flight,
            warm_up: self.warm_up,
            timeout_ns: self.timeout.as_nanos() as u64,
        }
    }

    fn trips(&self, rate: Option<u64>, count: Option<u64>) -> TripSettings {
        TripSettings {
            pacing: rate.map_or(Pacing::PingPong, Pacing::PerSecond),
            in_flight_max: self.in_flight,
            trips_max: count.unwrap_or(u64::MAX),
            warm_up: self.warm_up,
            timeout_ns: self.timeout.as_nanos() as u64,
        }
    }
}

/// Leaves a configuration the port alone that its client uses.
///
/// # Errors
/// No client, or one on a cable inside of the process that the configuration is for.
pub(crate) fn keep_port(config: &mut Config) -> Result<(), OrdersError> {
    let port = client(config)?.endpoint.port.clone();
    config.links.clear();
    config.ports.retain(|known| known.name == port);
    let path = config.path.display().to_string();
    if config.ports.is_empty() { Err(OrdersError::Inside { path, port }) } else { Ok(()) }
}

/// The client of a configuration that enters orders: the first trader's, or the first loadgen's.
pub(crate) fn client(config: &Config) -> Result<&OrdersClient, OrdersError> {
    let traders = config.traders.iter().map(|trader| &trader.orders);
    let loadgens = config.loadgens.iter().filter_map(|loadgen| loadgen.orders.as_ref());
    let no_client = || OrdersError::NoClient { path: config.path.display().to_string() };
    traders.chain(loadgens).next().ok_or_else(no_client)
}

impl OrderArgs {
    /// The client's settings on a device whose own address is `device`; what the arguments do not
    /// say, `client` does.
    ///
    /// # Errors
    /// Something is missing, or cannot be.
    pub(crate) fn settings(
        &self,
        trips: &TripArgs,
        (rate, count): (Option<u64>, Option<u64>),
        client: Option<&OrdersClient>,
        device: Mac,
    ) -> Result<SoupSettings, OrdersError> {
        let missing = |option| OrdersError::Missing { option };
        let endpoint = client.map(|client| &client.endpoint);
        let network = self.ip.or(endpoint.map(|e| (e.ip, e.prefix_len)));
        let (ip, prefix_len) = network.ok_or(missing("--ip"))?;
        let user = self.user.as_deref().or(client.map(|c| c.user.as_str()));
        let password = self.password.as_deref().or(client.map(|c| c.password.0.as_str()));
        let settings = SoupSettings {
            interface: Interface {
                mac: self.mac.or(endpoint.and_then(|e| e.mac)).unwrap_or(device),
                ip,
                prefix_len,
                gateway: self.gateway.or(endpoint.and_then(|e| e.gateway)),
                vlan: trips.vlan.or(endpoint.and_then(|e| e.vlan)),
                mtu: MTU,
            },
            venue: self.venue.or(client.map(|c| c.venue)).ok_or(missing("--venue"))?,
            user: short("--user", user.ok_or(missing("--user"))?)?,
            password: short("--password", password.ok_or(missing("--password"))?)?,
            seed: crate::run::seed(),
            order: OrderSettings {
                symbol: self.symbol.0,
                side: match self.side {
                    SideArg::Buy => OrderSide::Buy,
                    SideArg::Sell => OrderSide::Sell,
                },
                shares: self.shares,
                price: self.price,
                cancels: !self.keep_orders,
            },
            trips: trips.trips(rate, count),
        };
        settings.check()?;
        Ok(settings)
    }
}

fn short<const LEN: usize>(
    option: &'static str,
    text: &str,
) -> Result<ArrayString<LEN>, OrdersError> {
    let given = if option == "--password" { String::new() } else { text.to_owned() };
    ArrayString::from(text).map_err(|_| OrdersError::TooLong { option, given, len: LEN })
}

fn parse_pair<T: std::str::FromStr>(text: &str) -> Result<(T, T), String> {
    let pair = text.split_once(',').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    pair.ok_or_else(|| "say it as SRC,DST".to_owned())
}

fn parse_network(text: &str) -> Result<(Ipv4Addr, u8), String> {
    let parts = text.split_once('/').and_then(|(ip, bits)| {
        let bits = bits.parse().ok().filter(|bits| (1..=32).contains(bits))?;
        Some((ip.parse().ok()?, bits))
    });
    parts.ok_or_else(|| "say it as 10.0.2.2/24".to_owned())
}

fn parse_symbol(text: &str) -> Result<Symbol, String> {
    Symbol::new(text).ok_or_else(|| "not a symbol of 1 to 8 letters".to_owned())
}

/// Dollars in 1/10000.
fn parse_price(text: &str) -> Result<u32, String> {
    let dollars: Option<f64> = text.parse().ok().filter(|d| (0.0001..=199_999.0).contains(d));
    let price = dollars.map(|dollars| (dollars * 10_000.0).round() as u32);
    price.ok_or_else(|| "a price in dollars from 0.0001 to 199999".to_owned())
}

#[cfg(test)]
mod tests;
