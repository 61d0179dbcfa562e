//! The cluster that a venue is of: a file that is the same on every appliance, and the place of
//! this one in it.

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use replica::{Config as ReplicaConfig, LEARNERS_MAX, Members, SlowQuorum};
use toml::Spanned;
use types::Symbol;
use wire::Mac;

use super::exchange;
use super::fault::{self, ConfigError, hint};
use super::model::Listing;
use super::raw::{self, Int, Text};
use super::scope::Scope;

/// Voters at first: three or five appliances, or one alone.
const VOTERS: [usize; 3] = [1, 3, 5];
/// A node's number: what fits a datagram's field and a person's head.
const NODES: std::ops::RangeInclusive<i64> = 1..=65_535;
const IDENTITY_DIGITS: usize = 32;
/// The UDP port of the first partition; each has its own.
const UDP_PORT: i64 = 26_500;

/// One appliance of a cluster on the network that they talk over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its number.
    pub(crate) number: u64,
    /// Its address, which no other partition or node shares.
    pub(crate) mac: Mac,
    /// The same.
    pub(crate) ip: Ipv4Addr,
    /// Bits of its network.
    pub(crate) prefix_len: u8,
}

/// A venue's place in a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    /// The port that nodes talk over.
    pub(crate) port: String,
    /// The folder of this node's log and votes.
    pub(crate) journal: PathBuf,
    /// The partition's name.
    pub(crate) partition: String,
    /// The UDP port of the partition, on every node.
    pub(crate) udp_port: u16,
    /// This appliance.
    pub(crate) node: Node,
    /// The others that hold this partition.
    pub(crate) peers: Vec<Node>,
    /// Consensus; what the venue's own settings add to `config_hash` is not in it yet.
    pub(crate) replica: ReplicaConfig,
}

/// `[venue.cluster]`
pub(super) fn membership(
    scope: &mut Scope<'_>,
    table: &str,
    raw: &raw::Membership,
    symbols: &[Listing],
) -> Option<Membership> {
    let number: u64 = scope.int((table, "node"), Some(&raw.node), 1, NODES);
    let path = scope.file((table, "file"), &raw.file);
    let text = std::fs::read_to_string(&path).ok()?;
    let cluster = match Cluster::parse(&text, &path) {
        Ok(cluster) => cluster,
        Err(error) => {
            scope.fault((table, "file"), raw.file.span(), format!("\n  {error}"));
            return None;
        }
    };
    let partition = cluster.partition(scope, table, raw)?;
    let Some(node) = cluster.nodes.iter().find(|node| node.number == number) else {
        let numbers: Vec<_> = cluster.nodes.iter().map(|node| node.number).collect();
        let problem =
            format!("no [[node]] of {} has this number; there are {numbers:?}", path.display());
        scope.fault((table, "node"), raw.node.span(), problem);
        return None;
    };
    if !partition.members.have(number) {
        let problem = format!("neither a voter nor a learner of partition {:?}", partition.name);
        scope.fault((table, "node"), raw.node.span(), problem);
    }
    let same = symbols.len() == partition.symbols.len()
        && symbols.iter().all(|listing| partition.symbols.contains(&listing.symbol));
    if !same {
        let problem = format!(
            "partition {:?} has the symbols {:?} and this venue has not the same",
            partition.name,
            partition.symbols.iter().map(|symbol| symbol.to_string()).collect::<Vec<_>>()
        );
        scope.fault((table, "partition"), raw.file.span(), problem);
    }
    let peers = cluster.nodes.iter().filter(|node| node.number != number);
    Some(Membership {
        port: raw.port.get_ref().clone(),
        journal: exchange::written_path(scope, (table, "journal"), &raw.journal),
        partition: partition.name.clone(),
        udp_port: partition.udp_port,
        node: node.clone(),
        peers: peers.filter(|node| partition.members.have(node.number)).cloned().collect(),
        replica: ReplicaConfig {
            node: number,
            founders: partition.members.clone(),
            ..cluster.replica.clone()
        },
    })
}

/// What a venue that stands alone may have, and a node must not; and what a node must have.
pub(super) fn node_settings(scope: &mut Scope<'_>, table: &str, raw: &raw::Venue) {
    if raw.cluster.is_none() {
        return;
    }
    if let Some(state_file) = &raw.state_file {
        let problem = "a node keeps its state in `cluster.journal`; leave this out";
        scope.fault((table, "state_file"), state_file.span(), problem);
    }
    if let Some(journal) = &raw.journal {
        let problem = "a node writes `cluster.journal`; leave [venue.journal] out";
        scope.fault((table, "journal"), journal.dir.span(), problem);
    }
    let shared = "all nodes answer for the same address: give `mac`, as \"02:00:00:00:aa:01\"";
    for (index, orders) in raw.orders.0.iter().enumerate().filter(|(_, o)| o.mac.is_none()) {
        scope.fault((&format!("{table}.orders[{index}]"), "mac"), orders.port.span(), shared);
    }
    if raw.itch.mac.is_none() {
        scope.fault((&format!("{table}.itch"), "mac"), raw.itch.port.span(), shared);
    }
}

/// What the file says.
#[derive(Clone, Debug)]
struct Cluster {
    nodes: Vec<Node>,
    partitions: Vec<Partition>,
    replica: ReplicaConfig,
}

#[derive(Clone, Debug)]
struct Partition {
    name: String,
    udp_port: u16,
    symbols: Vec<Symbol>,
    members: Members,
}

impl Cluster {
    /// Validates a cluster's file.
    fn parse(text: &str, path: &Path) -> Result<Cluster, ConfigError> {
        let raw: raw::Cluster =
            toml::from_str(text).map_err(|error| fault::from_toml(&error, text, path))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let mut scope = Scope::new(text, base);
        let nodes = nodes(&mut scope, &raw.node);
        let partitions = partitions(&mut scope, &raw.partition, &nodes);
        let replica = replica_config(&mut scope, &raw);
        scope.finish(path)?;
        Ok(Cluster { nodes, partitions, replica })
    }

    /// The partition that a venue names, or the only one.
    fn partition(
        &self,
        scope: &mut Scope<'_>,
        table: &str,
        raw: &raw::Membership,
    ) -> Option<&Partition> {
        let known: Vec<&str> = self.partitions.iter().map(|p| p.name.as_str()).collect();
        match &raw.partition {
            Some(name) => {
                let found = self.partitions.iter().find(|p| p.name == *name.get_ref());
                if found.is_none() {
                    let problem = format!("no such partition; {}", hint(name.get_ref(), &known));
                    scope.fault((table, "partition"), name.span(), problem);
                }
                found
            }
            None if self.partitions.len() == 1 => self.partitions.first(),
            None => {
                let problem = format!("say which partition: there are {known:?}");
                scope.fault((table, "partition"), raw.file.span(), problem);
                None
            }
        }
    }
}

fn nodes(scope: &mut Scope<'_>, raw: &[raw::Node]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        let table = format!("node[{index}]");
        let (ip, prefix_len) = scope.ip_with_prefix((&table, "ip"), &raw.ip);
        let node = Node {
            number: scope.int((&table, "number"), Some(&raw.number), 1, NODES),
            mac: scope.mac((&table, "mac"), &raw.mac),
            ip,
            prefix_len,
        };
        let again = "another [[node]] has it already";
        if nodes.iter().any(|other| other.number == node.number) {
            scope.fault((&table, "number"), raw.number.span(), again);
        }
        if nodes.iter().any(|other| other.mac == node.mac) {
            scope.fault((&table, "mac"), raw.mac.span(), again);
        }
        if nodes.iter().any(|other| other.ip == node.ip) {
            scope.fault((&table, "ip"), raw.ip.span(), again);
        }
        nodes.push(node);
    }
    nodes
}

fn partitions(scope: &mut Scope<'_>, raw: &[raw::Partition], nodes: &[Node]) -> Vec<Partition> {
    if raw.is_empty() {
        scope.fault(("", "partition"), 0..0, "no [[partition]]: nothing would be replicated");
    }
    let names = raw.iter().enumerate().map(|(i, p)| (format!("partition[{i}]"), &p.name));
    scope.unique("partition", names);
    let mut partitions: Vec<Partition> = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        let table = format!("partition[{index}]");
        let udp_port =
            scope.int((&table, "udp_port"), raw.udp_port.as_ref(), UDP_PORT as u16, 1..=65_535);
        if partitions.iter().any(|other| other.udp_port == udp_port) {
            let span = raw.udp_port.as_ref().map_or(raw.name.span(), Spanned::span);
            let problem = format!("{udp_port} is another partition's already; each has its own");
            scope.fault((&table, "udp_port"), span, problem);
        }
        let symbols = symbols(scope, &table, &raw.symbols, &partitions);
        partitions.push(Partition {
            name: scope.name((&table, "name"), &raw.name),
            udp_port,
            symbols,
            members: members(scope, &table, raw, nodes),
        });
    }
    partitions
}

fn symbols(scope: &mut Scope<'_>, table: &str, raw: &[Text], before: &[Partition]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(raw.len());
    for text in raw {
        let name = scope.field((table, "symbols"), text, 8);
        let Some(symbol) = Symbol::new(&name) else { continue };
        let elsewhere = before.iter().find(|partition| partition.symbols.contains(&symbol));
        if let Some(other) = elsewhere {
            let problem = format!("in partition {:?} already", other.name);
            scope.fault((table, "symbols"), text.span(), problem);
        } else if symbols.contains(&symbol) {
            scope.fault((table, "symbols"), text.span(), "there twice");
        }
        symbols.push(symbol);
    }
    symbols
}

fn members(scope: &mut Scope<'_>, table: &str, raw: &raw::Partition, nodes: &[Node]) -> Members {
    let mut members = Members::default();
    let take = |scope: &mut Scope<'_>, key: &str, number: &Int, members: &Members| {
        let node: u64 = scope.int((table, key), Some(number), 1, NODES);
        if !nodes.iter().any(|known| known.number == node) {
            scope.fault((table, key), number.span(), "no [[node]] has this number");
        } else if members.have(node) {
            scope.fault((table, key), number.span(), "a member of this partition already");
        }
        node
    };
    for number in raw.voters.iter().take(members.voters.capacity()) {
        let node = take(scope, "voters", number, &members);
        members.voters.push(node);
    }
    for number in raw.learners.iter().take(LEARNERS_MAX) {
        let node = take(scope, "learners", number, &members);
        members.learners.push(node);
    }
    if !VOTERS.contains(&raw.voters.len()) {
        let problem = format!(
            "{} voters; give three or five, who succeed each other in this order, or one that \
             stands alone",
            raw.voters.len()
        );
        scope.fault((table, "voters"), raw.name.span(), problem);
    }
    if raw.learners.len() > LEARNERS_MAX {
        let problem = format!("{} learners; at most {LEARNERS_MAX}", raw.learners.len());
        scope.fault((table, "learners"), raw.name.span(), problem);
    }
    members
}

fn replica_config(scope: &mut Scope<'_>, raw: &raw::Cluster) -> ReplicaConfig {
    let default = ReplicaConfig::new(1, identity(scope, &raw.identity), Members::default());
    let mut int = |table: &str, key: &str, raw: &Option<Int>, default: u64, most: i64| -> u64 {
        scope.int((table, key), raw.as_ref(), default, 1..=most)
    };
    let ticks = &raw.ticks;
    let mut tick = |key: &str, raw: &Option<Int>, default: u32, most: i64| {
        int("ticks", key, raw, u64::from(default), most) as u32
    };
    let heartbeat_ticks = tick("heartbeat", &ticks.heartbeat, default.heartbeat_ticks, 1_000);
    let election_ticks = tick("election", &ticks.election, default.election_ticks, 10_000);
    let campaign_ticks = tick("campaign", &ticks.campaign, default.campaign_ticks, 65_536);
    let drift_ppm = tick("drift_ppm", &ticks.drift_ppm, default.drift_ppm, 100_000);
    let tick_ns =
        1_000 * int("ticks", "tick_us", &ticks.tick_us, default.tick_ns / 1_000, 1_000_000);
    let log = &raw.log;
    let size = |value: u64| value as usize;
    let inflight_max =
        size(int("log", "inflight_max", &log.inflight_max, default.inflight_max as u64, 65_536));
    let log_entries = int("log", "entries", &log.entries, default.log_entries as u64, 1 << 26);
    let log_bytes = int("log", "bytes", &log.bytes, default.log_bytes as u64, 1 << 40);
    let datagram_bytes =
        int("log", "datagram_bytes", &log.datagram_bytes, default.datagram_bytes as u64, 8_972);
    let bound_ns = 1_000 * int("quorum", "bound_us", &raw.quorum.bound_us, 100, 60_000_000);
    let entries_max = int("quorum", "provisional_max", &raw.quorum.provisional_max, 1_024, 1 << 20);
    let slow_quorum = match raw.quorum.slow.as_ref().map(Spanned::get_ref) {
        None | Some(raw::Slow::Stall) => SlowQuorum::Stall { bound_ns },
        Some(raw::Slow::Provisional) => SlowQuorum::Provisional { bound_ns, entries_max },
    };
    let stagger_ticks =
        scope.int(("ticks", "stagger"), ticks.stagger.as_ref(), default.stagger_ticks, 0..=4_096);
    let config = ReplicaConfig {
        tick_ns,
        heartbeat_ticks,
        election_ticks,
        campaign_ticks,
        stagger_ticks,
        drift_ppm,
        inflight_max,
        log_entries: size(log_entries),
        log_bytes: size(log_bytes),
        datagram_bytes: size(datagram_bytes),
        slow_quorum,
        founders: Members::of_voters(&[1]).unwrap_or_default(),
        ..default
    };
    if let Err(error) = config.check() {
        scope.fault(("", ""), 0..0, format!("[ticks], [log]: {error}"));
    }
    config
}

/// 32 hexadecimal digits.
fn identity(scope: &mut Scope<'_>, text: &Text) -> [u8; 16] {
    let digits = text.get_ref();
    let sound = digits.len() == IDENTITY_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let number = u128::from_str_radix(digits, 16).ok().filter(|number| sound && *number != 0);
    let Some(number) = number else {
        let problem = format!(
            "not {IDENTITY_DIGITS} hexadecimal digits: draw them once for each cluster, as with \
             `openssl rand -hex 16`"
        );
        scope.fault(("", "identity"), text.span(), problem);
        return [0; 16];
    };
    number.to_be_bytes()
}
