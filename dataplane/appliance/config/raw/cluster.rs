//! The cluster's file as it is written, and the table of a venue that names it.

use serde::Deserialize;
use toml::Spanned;

use super::{Int, Text};

/// `[venue.cluster]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Membership {
    pub(in super::super) file: Text,
    pub(in super::super) node: Int,
    pub(in super::super) partition: Option<Text>,
    pub(in super::super) port: Text,
    pub(in super::super) journal: Text,
}

/// The whole of `cluster.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Cluster {
    pub(in super::super) identity: Text,
    #[serde(default)]
    pub(in super::super) ticks: Ticks,
    #[serde(default)]
    pub(in super::super) quorum: Quorum,
    #[serde(default)]
    pub(in super::super) log: Log,
    #[serde(default)]
    pub(in super::super) node: Vec<Node>,
    #[serde(default)]
    pub(in super::super) partition: Vec<Partition>,
}

/// `[ticks]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Ticks {
    pub(in super::super) tick_us: Option<Int>,
    pub(in super::super) heartbeat: Option<Int>,
    pub(in super::super) election: Option<Int>,
    pub(in super::super) campaign: Option<Int>,
    pub(in super::super) stagger: Option<Int>,
    pub(in super::super) drift_ppm: Option<Int>,
}

/// `[quorum]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Quorum {
    pub(in super::super) slow: Option<Spanned<Slow>>,
    pub(in super::super) bound_us: Option<Int>,
    pub(in super::super) provisional_max: Option<Int>,
}

/// What happens to replies when the quorum is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Slow {
    Stall,
    Provisional,
}

/// `[log]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Log {
    pub(in super::super) entries: Option<Int>,
    pub(in super::super) bytes: Option<Int>,
    pub(in super::super) inflight_max: Option<Int>,
    pub(in super::super) datagram_bytes: Option<Int>,
}

/// `[[node]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Node {
    pub(in super::super) number: Int,
    pub(in super::super) mac: Text,
    pub(in super::super) ip: Text,
}

/// `[[partition]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Partition {
    pub(in super::super) name: Text,
    pub(in super::super) udp_port: Option<Int>,
    pub(in super::super) symbols: Vec<Text>,
    pub(in super::super) voters: Vec<Int>,
    #[serde(default)]
    pub(in super::super) learners: Vec<Int>,
}
