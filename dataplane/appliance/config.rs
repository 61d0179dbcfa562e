//! What a run is: the configuration file as types that every other part can rely on.
//!
//! Why it exists: a trading process that starts with a value it did not understand is worse than
//! one that does not start. So a file goes through two steps, both before EAL is touched. `raw`
//! mirrors the TOML with serde and refuses unknown keys; the other modules turn it into
//! the types below, hold every number to its bounds and every name to what it must point at, and
//! collect all that is wrong. Whoever has a [`Config`] needs no checks of its own: names are
//! unique, every port is there and used once, addresses are what they claim to be, files could be
//! opened.
//!
//! Paths that are read are relative to the file; those that are written (`run.report_dir`, a
//! venue's `control`, `state_file` and `journal.dir`) are relative to the working directory, so
//! that configurations can lie in a read-only folder.
//!
//! Failure modes: [`ConfigError`] holds every fault with its line and column; nothing here panics
//! on any text.

mod accounts;
mod basics;
mod cluster;
mod cross;
mod exchange;
mod fault;
mod gate;
mod impair;
mod journal;
mod listing;
mod memory;
mod model;
mod pace;
mod prober;
mod raw;
mod roles;
mod scope;
mod switch;
mod trader;

pub(crate) use cluster::{Membership, Node};
pub(crate) use fault::{ConfigError, hint};
pub(crate) use journal::JournalConfig;
pub(crate) use lcore::loadgen::Pace;
pub(crate) use listing::directory_symbols;
pub(crate) use memory::{Term, eal_terms, mbuf_terms, role_terms};
pub(crate) use model::{
    Account, Endpoint, Group, ImpairConfig, LineB, Listing, LoadgenConfig, OrdersClient,
    OrdersServer, ProberConfig, Publisher, Receiver, SnapshotClient, StrategyConfig, SwitchConfig,
    TraderCapacity, TraderConfig, VenueConfig, VenueLimits,
};
pub(crate) use pace::parse_pace;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// A whole configuration, validated.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file it came from, as it was given.
    pub(crate) path: PathBuf,
    /// The run as a whole.
    pub(crate) run: RunConfig,
    /// How EAL starts.
    pub(crate) eal: EalConfig,
    /// What is asked of the host.
    pub(crate) host: HostConfig,
    /// Which CPUs the lcores are.
    pub(crate) cpus: Cpus,
    /// In-memory cables.
    pub(crate) links: Vec<LinkConfig>,
    /// Devices.
    pub(crate) ports: Vec<PortConfig>,
    /// The mbuf pool.
    pub(crate) pool: PoolConfig,
    /// Markets.
    pub(crate) venues: Vec<VenueConfig>,
    /// Traders.
    pub(crate) traders: Vec<TraderConfig>,
    /// Load generators.
    pub(crate) loadgens: Vec<LoadgenConfig>,
    /// Clients that hold a venue to its word.
    pub(crate) probers: Vec<ProberConfig>,
    /// Networks that lose frames.
    pub(crate) impairs: Vec<ImpairConfig>,
    /// Switches.
    pub(crate) switches: Vec<SwitchConfig>,
}

/// The run as a whole.
#[derive(Clone, Debug)]
pub(crate) struct RunConfig {
    /// Heading of the report.
    pub(crate) title: String,
    /// Where the report goes, relative to the working directory.
    pub(crate) report_dir: PathBuf,
    /// What ends the run.
    pub(crate) stop: Stop,
    /// The run ends after this time at the latest.
    pub(crate) duration: Option<Duration>,
    /// How long the loops go on after the end, so that what is under way arrives.
    pub(crate) drain: Duration,
}

/// What ends a run, besides a signal and `duration_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stop {
    /// Every load generator has replayed its files.
    ReplayEnd,
    /// Nothing else.
    Signal,
}

/// How EAL starts.
#[derive(Clone, Debug)]
pub(crate) struct EalConfig {
    /// Whether hugepages are used.
    pub(crate) huge: Huge,
    /// Memory that EAL takes at start, in MB.
    pub(crate) memory_mb: u32,
    /// Tells processes on one host apart.
    pub(crate) file_prefix: String,
    /// PCI addresses that EAL may touch, besides those of `ports`; empty: no PCI scan at all when
    /// no port needs it.
    pub(crate) allow_pci: Vec<String>,
    /// Further arguments to EAL.
    pub(crate) extra: Vec<String>,
    /// How much EAL says.
    pub(crate) log: EalLog,
}

/// Whether hugepages are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Huge {
    /// Where there are enough.
    Auto,
    /// Or the run fails.
    Require,
    /// Never.
    Off,
}

/// How much EAL says on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EalLog {
    /// Errors.
    Quiet,
    /// What it finds as well.
    Info,
    /// Everything.
    Debug,
}

/// What is asked of the host before a run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostConfig {
    /// What becomes of a run on a host that is not fit.
    pub(crate) unfit: Unfit,
    /// How much is told of it.
    pub(crate) warnings: Warnings,
    /// Whether provisioning is asked as well.
    pub(crate) verify: bool,
}

/// What becomes of a run on a host that is not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unfit {
    /// It is told, and starts.
    Warn,
    /// It does not start.
    Refuse,
    /// It starts, and nobody looked.
    Ignore,
}

/// How much is told of a host that is not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Warnings {
    /// One line for all of it.
    Brief,
    /// A line each, and what mends it.
    Lines,
}

/// Which CPUs the lcores are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cpus {
    /// Those the process may run on, isolated ones first.
    Auto,
    /// These.
    List(Vec<usize>),
}

/// An in-memory cable, a pair of `net_ring` ports named `<name>.a` and `<name>.b`.
#[derive(Clone, Debug)]
pub(crate) struct LinkConfig {
    /// Its name.
    pub(crate) name: String,
    /// Frames that it holds in each direction; a power of two.
    pub(crate) slots: u32,
}

/// A device under a name of ours.
#[derive(Clone, Debug)]
pub(crate) struct PortConfig {
    /// The name that roles use.
    pub(crate) name: String,
    /// What EAL knows it by.
    pub(crate) device: Device,
    /// Receive descriptors a queue; a power of two.
    pub(crate) rx_slots: u16,
    /// Transmit descriptors a queue; a power of two.
    pub(crate) tx_slots: u16,
}

/// A device as EAL knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// `--vdev` argument, as `net_af_packet0,iface=v0`.
    Vdev(String),
    /// PCI address with its domain, as `0000:21:00.0`.
    Pci(String),
}

impl Device {
    /// The name of the DPDK port: the PCI address, or a vdev up to its first comma.
    pub(crate) fn dpdk_name(&self) -> &str {
        match self {
            Device::Pci(address) => address,
            Device::Vdev(args) => args.split(',').next().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Device::Vdev(text) | Device::Pci(text)) = self;
        f.write_str(text)
    }
}

/// The mbuf pool that all ports share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolConfig {
    /// How many mbufs; one below a power of two wastes nothing.
    pub(crate) mbufs: u32,
    /// Mbufs that each lcore keeps for itself.
    pub(crate) cache: u32,
    /// Bytes of each, DPDK's headroom of 128 included.
    pub(crate) data_room: u16,
}

/// What the command line says over the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--no-huge`.
    pub(crate) no_huge: bool,
    /// `--report`.
    pub(crate) report_dir: Option<PathBuf>,
    /// `--duration`.
    pub(crate) duration: Option<Duration>,
    /// `--pace`, for every load generator.
    pub(crate) pace: Option<Pace>,
}

impl Config {
    /// Reads and validates a file.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, has unknown keys, or says what cannot be.
    pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
        let bytes = std::fs::read(path)
            .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
        match String::from_utf8(bytes) {
            Ok(text) => Config::parse(&text, path),
            Err(error) => Err(ConfigError::NotText {
                path: path.to_owned(),
                offset: error.utf8_error().valid_up_to(),
            }),
        }
    }

    /// Validates a text; `path` is what messages name, and what its relative paths start from.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
        let raw: raw::Raw = toml::from_str(text).map_err(|e| fault::from_toml(&e, text, path))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let mut scope = scope::Scope::new(text, base);
        let config = Config {
            path: path.to_owned(),
            run: basics::run(&mut scope, &raw, path),
            eal: basics::eal(&mut scope, &raw.eal),
            host: basics::host(&raw.host),
            cpus: basics::cpus(&mut scope, &raw.lcores),
            links: basics::links(&mut scope, &raw.link),
            ports: basics::ports(&mut scope, &raw.port),
            pool: basics::pool(&mut scope, &raw.pool),
            venues: roles::venues(&mut scope, &raw.venue),
            traders: trader::traders(&mut scope, &raw.trader),
            loadgens: roles::loadgens(&mut scope, &raw.loadgen),
            probers: prober::probers(&mut scope, &raw.prober),
            impairs: impair::impairs(&mut scope, &raw.impair),
            switches: switch::switches(&mut scope, &raw.switch),
        };
        cross::check(&mut scope, &raw, &config);
        scope.finish(path)?;
        Ok(config)
    }

    /// Lets the command line have the last word.
    pub(crate) fn apply(&mut self, overrides: &Overrides) {
        if overrides.no_huge {
            self.eal.huge = Huge::Off;
        }
        if let Some(dir) = &overrides.report_dir {
            self.run.report_dir = dir.clone();
        }
        if overrides.duration.is_some() {
            self.run.duration = overrides.duration;
        }
        if let Some(pace) = overrides.pace {
            for loadgen in &mut self.loadgens {
                loadgen.pace = pace.with_gap(loadgen.gap_ns_max);
            }
        }
    }

    /// Every role with its kind and logical lcore, in the file's order by kind.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&'static str, &str, u16)> {
        let venues = self.venues.iter().map(|r| ("venue", r.name.as_str(), r.lcore));
        let traders = self.traders.iter().map(|r| ("trader", r.name.as_str(), r.lcore));
        let loadgens = self.loadgens.iter().map(|r| ("loadgen", r.name.as_str(), r.lcore));
        let probers = self.probers.iter().map(|r| ("prober", r.name.as_str(), r.lcore));
        let impairs = self.impairs.iter().map(|r| ("impair", r.name.as_str(), r.lcore));
        let switches = self.switches.iter().map(|r| ("switch", r.name.as_str(), r.lcore));
        venues.chain(traders).chain(loadgens).chain(probers).chain(impairs).chain(switches)
    }

    /// Every port that a role uses: those of the endpoints, and those without an address.
    pub(crate) fn ports_used(&self) -> impl Iterator<Item = &str> {
        let ends = self.endpoints().into_iter().map(|(_, _, end)| end.port.as_str());
        let clusters = self.venues.iter().filter_map(|venue| venue.cluster.as_ref());
        let clusters = clusters.map(|cluster| cluster.port.as_str());
        let impairs = self.impairs.iter().flat_map(|one| [one.a.as_str(), one.b.as_str()]);
        let switches = self.switches.iter().flat_map(|one| one.ports.iter().map(String::as_str));
        ends.chain(clusters).chain(impairs).chain(switches)
    }

    /// Every endpoint, with the role's name and the role's word for it.
    pub(crate) fn endpoints(&self) -> Vec<(&str, &'static str, &Endpoint)> {
        let mut all = Vec::new();
        for venue in &self.venues {
            let name = venue.name.as_str();
            all.extend(venue.orders.iter().map(|orders| (name, "orders", &orders.endpoint)));
            all.push((name, "itch", &venue.itch.endpoint));
            let line_b = venue.itch.line_b.iter().filter_map(|line| line.endpoint.as_ref());
            all.extend(line_b.map(|endpoint| (name, "line_b", endpoint)));
        }
        for trader in &self.traders {
            all.push((trader.name.as_str(), "feed", &trader.feed.endpoint));
            all.push((trader.name.as_str(), "orders", &trader.orders.endpoint));
            let line_b = trader.line_b.iter().filter_map(|line| line.endpoint.as_ref());
            all.extend(line_b.map(|endpoint| (trader.name.as_str(), "line_b", endpoint)));
        }
        for loadgen in &self.loadgens {
            let name = loadgen.name.as_str();
            all.extend(loadgen.feed.iter().map(|feed| (name, "feed", &feed.endpoint)));
            let line_b = loadgen.feed.iter().filter_map(|feed| feed.line_b.as_ref());
            let line_b = line_b.filter_map(|line| line.endpoint.as_ref());
            all.extend(line_b.map(|endpoint| (name, "line_b", endpoint)));
            all.extend(loadgen.orders.iter().map(|orders| (name, "orders", &orders.endpoint)));
            all.extend(loadgen.watch.iter().map(|watch| (name, "watch", &watch.endpoint)));
        }
        for prober in &self.probers {
            let name = prober.name.as_str();
            all.push((name, "orders", &prober.orders.endpoint));
            all.extend(prober.watch.iter().map(|watch| (name, "watch", &watch.endpoint)));
        }
        all
    }
}

#[cfg(test)]
mod tests;
