//! The configuration file as it is written: serde's mirror of the TOML, each value with its place.
//!
//! Numbers are `i64` and names are strings here, so that it is `scope` that says what a value's
//! bounds are, not serde ("expected u32").

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor, value};
use toml::Spanned;

use super::{EalLog, Huge, Stop, Unfit, Warnings};

mod cluster;
mod trader;

pub(super) use cluster::{Cluster, Membership, Node, Partition, Slow};
pub(super) use trader::{Act, Books, From, Strategy, Trader, TraderLimits, TraderRisk};

pub(super) type Text = Spanned<String>;
pub(super) type Int = Spanned<i64>;
pub(super) type Num = Spanned<f64>;
/// Dollars: a number, or the same as a text.
pub(super) type Money = Spanned<toml::Value>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    pub(super) run: Run,
    #[serde(default)]
    pub(super) eal: Eal,
    #[serde(default)]
    pub(super) host: HostTable,
    #[serde(default)]
    pub(super) lcores: Lcores,
    #[serde(default)]
    pub(super) link: Vec<Link>,
    #[serde(default)]
    pub(super) port: Vec<Port>,
    #[serde(default)]
    pub(super) pool: Pool,
    #[serde(default)]
    pub(super) venue: Vec<Venue>,
    #[serde(default)]
    pub(super) trader: Vec<Trader>,
    #[serde(default)]
    pub(super) loadgen: Vec<Loadgen>,
    #[serde(default)]
    pub(super) prober: Vec<Prober>,
    #[serde(default)]
    pub(super) impair: Vec<Impair>,
    #[serde(default)]
    pub(super) switch: Vec<Switch>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    pub(super) title: Option<Text>,
    pub(super) report_dir: Option<Text>,
    pub(super) stop: Option<Spanned<Stop>>,
    pub(super) duration_s: Option<Num>,
    pub(super) drain_ms: Option<Int>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Eal {
    pub(super) huge: Option<Huge>,
    pub(super) memory_mb: Option<Int>,
    pub(super) file_prefix: Option<Text>,
    #[serde(default)]
    pub(super) allow_pci: Vec<Text>,
    #[serde(default)]
    pub(super) extra: Vec<Text>,
    pub(super) log: Option<EalLog>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostTable {
    pub(super) unfit: Option<Unfit>,
    pub(super) warnings: Option<Warnings>,
    pub(super) verify: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lcores {
    pub(super) cpus: Option<Spanned<CpusText>>,
}

/// `"auto"` or a list of numbers.
#[derive(Debug)]
pub(super) enum CpusText {
    Word(String),
    List(Vec<Int>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) name: Text,
    pub(super) kind: Option<LinkKind>,
    pub(super) slots: Option<Int>,
}

/// What a link is made of.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum LinkKind {
    #[serde(rename = "net_ring")]
    NetRing,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Port {
    pub(super) name: Text,
    pub(super) device: Text,
    pub(super) rx_slots: Option<Int>,
    pub(super) tx_slots: Option<Int>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    pub(super) mbufs: Option<Int>,
    pub(super) cache: Option<Int>,
    pub(super) data_room: Option<Int>,
}

/// A table that starts with an endpoint's keys. serde can flatten a struct into another, but then
/// loses both the places and the refusal of unknown keys.
macro_rules! endpoint_table {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            pub(super) port: Text,
            pub(super) mac: Option<Text>,
            pub(super) ip: Text,
            pub(super) gateway: Option<Text>,
            pub(super) vlan: Option<Int>,
            $(pub(super) $field: $type,)*
        }

        impl $name {
            /// The part that all endpoints share.
            pub(super) fn endpoint(&self) -> EndpointText<'_> {
                EndpointText {
                    port: &self.port,
                    mac: self.mac.as_ref(),
                    ip: &self.ip,
                    gateway: self.gateway.as_ref(),
                    vlan: self.vlan.as_ref(),
                }
            }
        }
    };
}

/// What every endpoint has.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndpointText<'r> {
    pub(super) port: &'r Text,
    pub(super) mac: Option<&'r Text>,
    pub(super) ip: &'r Text,
    pub(super) gateway: Option<&'r Text>,
    pub(super) vlan: Option<&'r Int>,
}

endpoint_table!(
    /// `[[venue.orders]]`
    OrdersServer { listen: Option<Int>, }
);

endpoint_table!(
    /// `[venue.itch]` and `[loadgen.feed]`
    Publisher {
        group: Text,
        udp_port: Option<Int>,
        session: Option<Text>,
        mtu: Option<Int>,
        ttl: Option<Int>,
        messages_per_packet_max: Option<Int>,
        replay_messages: Option<Int>,
        replay_bytes: Option<Int>,
        line_b: Option<LineB>,
        heartbeat_ms: Option<Int>,
        requests_per_second_max: Option<Int>,
        requests_burst_max: Option<Int>,
    }
);

endpoint_table!(
    /// `[trader.feed]` and `[loadgen.watch]`
    Receiver {
        group: Text,
        udp_port: Option<Int>,
        session: Option<Text>,
    }
);

endpoint_table!(
    /// `[trader.orders]` and `[loadgen.orders]`
    OrdersClient {
        venue: Text,
        user: Text,
        password: Text,
        session: Option<Text>,
    }
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Venue {
    pub(super) name: Text,
    pub(super) lcore: Int,
    pub(super) orders: OneOrMany<OrdersServer>,
    pub(super) itch: Publisher,
    pub(super) symbols: Option<Vec<Text>>,
    pub(super) directory: Option<Text>,
    #[serde(default)]
    pub(super) accounts: Vec<Account>,
    pub(super) accounts_count: Option<Int>,
    pub(super) accounts_prefix: Option<Text>,
    pub(super) accounts_password: Option<Text>,
    #[serde(default)]
    pub(super) ledger: Vec<LedgerAccount>,
    #[serde(default)]
    pub(super) limits: VenueLimits,
    #[serde(default)]
    pub(super) risk: VenueRisk,
    #[serde(default)]
    pub(super) session_limits: SessionLimits,
    #[serde(default)]
    pub(super) sessions: Throttle,
    #[serde(default)]
    pub(super) schedule: Vec<ScheduleEntry>,
    pub(super) self_match: Option<SelfMatch>,
    pub(super) ticks: Option<Ticks>,
    pub(super) round_lots: Option<bool>,
    pub(super) post_only: Option<PostOnly>,
    pub(super) opens_trading: Option<Spanned<bool>>,
    pub(super) control: Option<Text>,
    pub(super) state_file: Option<Text>,
    pub(super) cluster: Option<Membership>,
    pub(super) command_log_max: Option<Int>,
    pub(super) journal: Option<Journal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) dir: Text,
    pub(super) cluster: Option<Text>,
    pub(super) node: Option<Int>,
    pub(super) segment_mb: Option<Int>,
    pub(super) direct: Option<bool>,
    pub(super) uring: Option<bool>,
    pub(super) cpu: Option<Int>,
    pub(super) idle_us: Option<Int>,
    pub(super) ring: Option<Int>,
    pub(super) snapshot_every_s: Option<Int>,
    pub(super) segments_kept: Option<Int>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) user: Text,
    pub(super) password: Text,
    pub(super) session: Option<Text>,
    pub(super) firm: Option<Text>,
    pub(super) ledger: Option<Text>,
    pub(super) snapshot: Option<bool>,
}

/// Which of two orders of one firm gives way.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SelfMatch {
    Newest,
    Oldest,
    Decrement,
    Trade,
}

/// What prices are multiples of.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ticks {
    None,
    RegNms,
}

/// What OUCH's post-only means.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PostOnly {
    Reject,
    Slide,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerAccount {
    pub(super) name: Text,
    pub(super) cash_dollars: Option<Money>,
    pub(super) order_qty_max: Option<Int>,
    pub(super) order_notional_max_dollars: Option<Money>,
    pub(super) open_orders_max: Option<Int>,
    pub(super) open_notional_max_dollars: Option<Money>,
    pub(super) position_max_shares: Option<Int>,
    pub(super) cash_floor_dollars: Option<Money>,
    pub(super) short_allowed: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionLimits {
    pub(super) open_orders_max: Option<Int>,
    pub(super) order_qty_max: Option<Int>,
    pub(super) order_notional_max_dollars: Option<Money>,
    pub(super) open_notional_max_dollars: Option<Money>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Throttle {
    pub(super) messages_per_second_max: Option<Int>,
    pub(super) messages_burst_max: Option<Int>,
    pub(super) takeover_after_ms: Option<Int>,
    pub(super) backlog_messages_max: Option<Int>,
    pub(super) backlog_bytes_max: Option<Int>,
    pub(super) stall_ms_max: Option<Int>,
    pub(super) login_failures_burst: Option<Int>,
    pub(super) login_retry_ms: Option<Int>,
    pub(super) keep_alive_ms: Option<Int>,
    pub(super) rto_min_ms: Option<Int>,
    pub(super) user_timeout_ms: Option<Int>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleEntry {
    pub(super) at: Option<Text>,
    pub(super) after_ms: Option<Int>,
    pub(super) tell: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineB {
    pub(super) group: Text,
    pub(super) udp_port: Option<Int>,
    pub(super) port: Option<Text>,
    pub(super) mac: Option<Text>,
    pub(super) ip: Option<Text>,
    pub(super) gateway: Option<Text>,
    pub(super) vlan: Option<Int>,
}

impl LineB {
    /// The part that all endpoints share, where the line has a port of its own.
    pub(super) fn endpoint(&self) -> Option<EndpointText<'_>> {
        let (port, ip) = (self.port.as_ref()?, self.ip.as_ref()?);
        let (mac, gateway) = (self.mac.as_ref(), self.gateway.as_ref());
        Some(EndpointText { port, mac, ip, gateway, vlan: self.vlan.as_ref() })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VenueLimits {
    pub(super) conditional_orders_max: Option<Int>,
    pub(super) trades_max: Option<Int>,
    pub(super) positions_max: Option<Int>,
    pub(super) snapshot_bytes: Option<Int>,
    pub(super) snapshot_age_ms: Option<Int>,
    pub(super) orders_max: Option<Int>,
    pub(super) levels_max: Option<Int>,
    pub(super) connections_max: Option<Int>,
    pub(super) rx_bytes: Option<Int>,
    pub(super) tx_bytes: Option<Int>,
    pub(super) replay_bytes: Option<Int>,
    pub(super) replay_messages: Option<Int>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VenueRisk {
    pub(super) order_qty_max: Option<Int>,
    pub(super) order_notional_max_dollars: Option<Int>,
    pub(super) price_collar_bps: Option<Int>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Loadgen {
    pub(super) name: Text,
    pub(super) lcore: Int,
    pub(super) files: Option<Spanned<Vec<Text>>>,
    pub(super) synthetic: Option<Synthetic>,
    pub(super) pace: Option<Text>,
    pub(super) gap_max_s: Option<Num>,
    pub(super) repeat: Option<Int>,
    pub(super) feed: Option<Publisher>,
    pub(super) orders: Option<OrdersClient>,
    pub(super) watch: Option<Receiver>,
}

/// `[loadgen.synthetic]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Synthetic {
    pub(super) symbols: Vec<Text>,
    pub(super) seed: Option<Int>,
    pub(super) messages: Option<Int>,
    pub(super) live_orders: Option<Int>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Impair {
    pub(super) name: Text,
    pub(super) lcore: Int,
    pub(super) a: Text,
    pub(super) b: Text,
    pub(super) seed: Option<Int>,
    #[serde(default)]
    pub(super) a_to_b: Rates,
    #[serde(default)]
    pub(super) b_to_a: Rates,
}

/// `[[prober]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prober {
    pub(super) name: Text,
    pub(super) lcore: Int,
    pub(super) symbol: Text,
    pub(super) side: Option<Spanned<Side>>,
    pub(super) price: Option<Money>,
    pub(super) shares: Option<Int>,
    pub(super) window: Option<Int>,
    pub(super) pause_us: Option<Int>,
    pub(super) orders_max: Option<Int>,
    pub(super) orders: OrdersClient,
    pub(super) watch: Option<Receiver>,
}

/// What a prober does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Side {
    Buy,
    Sell,
}

/// `[[switch]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    pub(super) name: Text,
    pub(super) lcore: Int,
    pub(super) ports: Vec<Text>,
    pub(super) control: Option<Text>,
}

/// `[impair.a_to_b]` and `[impair.b_to_a]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rates {
    pub(super) loss: Option<Num>,
    pub(super) burst_loss: Option<Num>,
    pub(super) burst_frames_max: Option<Int>,
    pub(super) duplicate: Option<Num>,
    pub(super) reorder: Option<Num>,
    pub(super) reorder_frames_max: Option<Int>,
    pub(super) corrupt: Option<Num>,
    pub(super) delay_us: Option<Int>,
    pub(super) udp_port: Option<Int>,
}

/// A table, or a list of them. serde's untagged enums would do, but lose the place and the reason
/// of what is wrong inside.
#[derive(Debug)]
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table or a list of tables")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let one = T::deserialize(value::MapAccessDeserializer::new(map))?;
                Ok(OneOrMany(vec![one]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(value::SeqAccessDeserializer::new(seq)).map(OneOrMany)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<'de> Deserialize<'de> for CpusText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = CpusText;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"auto\" or a list of CPU numbers")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<CpusText, E> {
                Ok(CpusText::Word(word.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<CpusText, A::Error> {
                Vec::deserialize(value::SeqAccessDeserializer::new(seq)).map(CpusText::List)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
