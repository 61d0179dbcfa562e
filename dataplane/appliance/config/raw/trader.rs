//! A trader's tables, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Int, LineB, OrdersClient, Receiver, Text, Ticks};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Trader {
    pub(in crate::config) name: Text,
    pub(in crate::config) lcore: Int,
    pub(in crate::config) control: Option<Text>,
    pub(in crate::config) refusals: Option<Text>,
    pub(in crate::config) feed: Receiver,
    pub(in crate::config) line_b: Option<LineB>,
    #[serde(default)]
    pub(in crate::config) recovery: Recovery,
    pub(in crate::config) snapshot: Option<Snapshot>,
    pub(in crate::config) orders: OrdersClient,
    pub(in crate::config) strategy: Spanned<Strategy>,
    #[serde(default)]
    pub(in crate::config) risk: TraderRisk,
    #[serde(default)]
    pub(in crate::config) kill: Kill,
    #[serde(default)]
    pub(in crate::config) limits: TraderLimits,
}

/// `[trader.recovery]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Recovery {
    pub(in crate::config) from: Option<Spanned<From>>,
    pub(in crate::config) wait_us: Option<Int>,
    pub(in crate::config) server: Option<Text>,
    pub(in crate::config) gap_messages_max: Option<Int>,
    pub(in crate::config) request_messages_max: Option<Int>,
    pub(in crate::config) request_timeout_ms: Option<Int>,
    pub(in crate::config) request_tries_max: Option<Int>,
    pub(in crate::config) held_messages_max: Option<Int>,
    pub(in crate::config) held_bytes_max: Option<Int>,
    pub(in crate::config) session_silence_ms: Option<Int>,
    pub(in crate::config) silent_after_ms: Option<Int>,
}

/// Where in the feed's session a trader begins.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum From {
    Start,
    Now,
    Snapshot,
}

/// `[trader.snapshot]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Snapshot {
    pub(in crate::config) server: Option<Text>,
    pub(in crate::config) user: Text,
    pub(in crate::config) password: Text,
    pub(in crate::config) timeout_ms: Option<Int>,
    pub(in crate::config) retry_ms: Option<Int>,
    pub(in crate::config) tries_max: Option<Int>,
}

/// `[trader.strategy]`: `kind` says which parameters there are besides `symbols`.
pub(in crate::config) type Strategy = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct TraderRisk {
    pub(in crate::config) order_qty_max: Option<Int>,
    pub(in crate::config) order_notional_max_dollars: Option<Int>,
    pub(in crate::config) price_collar_bps: Option<Int>,
    pub(in crate::config) position_max_shares: Option<Int>,
    pub(in crate::config) exposure_max_dollars: Option<Int>,
    pub(in crate::config) account_exposure_max_dollars: Option<Int>,
    pub(in crate::config) account_gross_shares_max: Option<Int>,
    pub(in crate::config) firm_exposure_max_dollars: Option<Int>,
    pub(in crate::config) symbol_open_orders_max: Option<Int>,
    pub(in crate::config) open_orders_max: Option<Int>,
    pub(in crate::config) orders_per_second_max: Option<Int>,
    pub(in crate::config) messages_per_second_max: Option<Int>,
    pub(in crate::config) duplicates_max: Option<Int>,
    pub(in crate::config) duplicate_window_ms: Option<Int>,
    pub(in crate::config) market_orders: Option<bool>,
    pub(in crate::config) stale: Option<Act>,
    pub(in crate::config) suspect: Option<Act>,
    #[serde(default)]
    pub(in crate::config) no_trade: Vec<Text>,
    #[serde(default)]
    pub(in crate::config) close_only: Vec<Text>,
    #[serde(default)]
    pub(in crate::config) locates: BTreeMap<Spanned<String>, Int>,
    pub(in crate::config) ticks: Option<Ticks>,
    #[serde(default)]
    pub(in crate::config) symbols: BTreeMap<Spanned<String>, SymbolRisk>,
}

/// `[trader.risk.symbols.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct SymbolRisk {
    pub(in crate::config) position_max_shares: Option<Int>,
    pub(in crate::config) exposure_max_dollars: Option<Int>,
    pub(in crate::config) open_orders_max: Option<Int>,
}

/// What a symbol's standing means for its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Act {
    Stop,
    Trade,
}

/// `[trader.kill]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Kill {
    pub(in crate::config) loss_dollars: Option<Int>,
    pub(in crate::config) refusals_in_a_row: Option<Int>,
    pub(in crate::config) disconnected_ms: Option<Int>,
    pub(in crate::config) feed_silent_ms: Option<Int>,
    pub(in crate::config) control_silent_ms: Option<Int>,
    pub(in crate::config) lossy_feed: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct TraderLimits {
    pub(in crate::config) orders_max: Option<Int>,
    pub(in crate::config) levels_max: Option<Int>,
    pub(in crate::config) symbols_max: Option<Int>,
    pub(in crate::config) books: Option<Books>,
    pub(in crate::config) tape_prints_max: Option<Int>,
}

/// Whose books a trader keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Books {
    All,
    Traded,
}
