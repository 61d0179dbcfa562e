//! Builds a venue that is a node of a cluster: from its journal, or from nothing.
//!
//! The journal's folder has the node's log and its votes. At the start all that is known to be
//! committed is enacted again, and the rest is kept until a leader says what became of it. The same
//! is done on a thread of the house when a node has enacted what the cluster never agreed on.

use super::house_thread::HouseThread;
use super::journaling::{self, fingerprint};
use super::wire_up::{self, Wiring, host, market_data, tcp_client};
use crate::config::{Endpoint, Membership, VenueConfig};
use crate::run::ports::Ports;
use anyhow::{Context, Result};
use cluster::{Due, Member, MemberConfig, Need, Recovery, Standing, State};
use hostcpu::tsc;
use journal::{Identity, Journal, Payload, WriterConfig};
use lcore::laps::Laps;
use lcore::replica_port::{PeerAddress, ReplicaPort};
use lcore::replicated::{Disk, NodeEvent, NodeWhat, Rebuild, Rebuilt, Replicated, ReplicatedParts};
use lcore::venue::Due as ScheduledAt;
use net::TxChecks;
use replica::{Config as ReplicaConfig, Recovered, Replica};
use serde_json::json;
use spsc::{Consumer, Producer, ring};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use types::{Nanos, Open};
use venue::Stores;

/// MTU of the port that nodes talk over.
const PEERS_MTU: u16 = 1_500;
/// Records on their way to the journal.
const RING_ENTRIES: usize = 1 << 16;
/// How often the thread that makes states looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What a journal gives.
struct Found {
    journal: journal::Recovered,
    log: Recovered,
    rebuilt: Rebuilt,
}

/// A node, and what stands beside it.
///
/// # Errors
/// A journal that is damaged, of another node or a newer version; a port that is not there.
pub(super) fn node<'e>(
    wiring: &mut Wiring<'_>,
    config: &VenueConfig,
    membership: &Membership,
    ports: &mut Ports<'e>,
) -> Result<(Replicated<'e>, HouseThread)> {
    let dir = &membership.journal;
    let named = || format!("journal {} of venue {:?}", dir.display(), config.name);
    let found = find(config, membership, u64::MAX).with_context(named)?;
    let Found { journal, log, rebuilt } = found;
    eprintln!(
        "{}: node {} of partition {:?}: {} records read, {} entries enacted, {} to be decided",
        config.name,
        membership.node.number,
        membership.partition,
        journal.records,
        log.applied,
        log.entries.len() as u64 + log.base.0 - log.applied,
    );
    let settings = WriterConfig { epoch: journal.epoch, ..writer_config(membership) };
    let (feeder, drain) = journal::queue(RING_ENTRIES);
    let writer = journal::start(&settings, &journal, drain).with_context(named)?;
    writer.notes().iter().for_each(|note| eprintln!("{}: journal: {note}", config.name));
    let disk = Disk::new(feeder, Arc::clone(writer.status()), RING_ENTRIES)
        .with_hard_state(log.term, log.vote);
    let Rebuilt { state, sessions, publisher } = rebuilt;
    let agreed = fingerprint(config);
    let replica = ReplicaConfig { config_hash: agreed, ..membership.replica.clone() };
    let clock = *wiring.clock();
    let now_ns = clock.nanos_since_midnight(tsc());
    let replica = Replica::new(replica, log, now_ns).with_context(named)?;
    let date = clock.unix_ns(tsc()) / 86_400_000_000_000;
    let opening = Open { trades: config.opens_trading, date: date as u32, config: agreed };
    let member = Member::new(member_config(config, opening), replica, state).with_context(named)?;
    let (events, heard) = ring::<NodeEvent>(256);
    let (rebuild, keeper) = maker(config, membership, heard)?;
    let node = Replicated::new(ReplicatedParts {
        name: config.name.clone(),
        endpoints: wiring.order_ports(config, ports)?,
        market_data: market_data(&config.itch, publisher, ports)?,
        peers: peers(membership, ports)?,
        member,
        sessions,
        disk,
        rebuild,
        events,
        clock,
        operator: wiring.console(config)?,
        laps: Laps::new(clock.scale()),
    });
    Ok((node, keeper.with_writer(writer)))
}

fn writer_config(membership: &Membership) -> WriterConfig {
    WriterConfig::new(membership.journal.clone(), identity(membership))
}

fn identity(membership: &Membership) -> Identity {
    Identity { cluster: membership.replica.cluster, node: membership.node.number }
}

fn member_config(config: &VenueConfig, opening: Open) -> MemberConfig {
    let due = |(due, operation): &(ScheduledAt, _)| match *due {
        ScheduledAt::At(ns) => (Due::At(Nanos(ns)), *operation),
        ScheduledAt::After(ns) => (Due::After(ns), *operation),
    };
    MemberConfig {
        opening: Some(opening),
        schedule: config.schedule.iter().map(due).collect(),
        ..MemberConfig::default()
    }
}

/// Reads the journal, and enacts what is known to be committed: at the start what it says itself,
/// later entries up to `most`, which the cluster has agreed on.
fn find(config: &VenueConfig, membership: &Membership, most: u64) -> Result<Found> {
    let journaling::State { core, mut sessions, mut publisher } = wire_up::state(config)?;
    let mut stores = Stores { sessions: &mut sessions, publisher: &mut publisher };
    let state = State { core, term: 0, stamp: Nanos(0) };
    let founders = membership.replica.founders.clone();
    let mut recovery = Recovery::new(state, founders, membership.replica.log_entries / 2);
    if most < u64::MAX {
        recovery.on_committed(most, &mut stores);
    }
    let mut wrong = Ok(());
    let journal = Journal::open(&membership.journal, identity(membership))?;
    let found = journal.replay(1, |entry| {
        let numbered = !matches!(entry.payload, Payload::HardState(_));
        if wrong.is_ok() && !(numbered && entry.sequence > most) {
            wrong = recovery.on_entry(entry, &mut stores);
        }
    })?;
    wrong?;
    let (log, state) = recovery.finish();
    Ok(Found { journal: found, log, rebuilt: Rebuilt { state, sessions, publisher } })
}

/// The thread that makes a node's state anew.
fn maker(
    config: &VenueConfig,
    membership: &Membership,
    heard: Consumer<NodeEvent>,
) -> Result<(Rebuild, HouseThread)> {
    let (wants, wanted) = ring::<Need>(16);
    let (made_in, made) = ring::<Box<Rebuilt>>(2);
    let (config, membership) = (config.clone(), membership.clone());
    let keeper = HouseThread::start("rebuild", move |stop| {
        make_states(&config, &membership, (wanted, made_in), heard, stop);
    })?;
    Ok((Rebuild { wants, made }, keeper))
}

fn make_states(
    config: &VenueConfig,
    membership: &Membership,
    (mut wanted, mut made): (Consumer<Need>, Producer<Box<Rebuilt>>),
    mut heard: Consumer<NodeEvent>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        while let Some(event) = heard.pop() {
            tell(&config.name, membership.node.number, &event);
        }
        let mut newest = None;
        while let Some(need) = wanted.pop() {
            newest = Some(need);
        }
        let Some(need) = newest.filter(|need| need.most >= need.least) else {
            thread::sleep(LOOK_EVERY);
            continue;
        };
        match find(config, membership, need.most) {
            // Two that were not taken are enough: a later need will be told.
            Ok(found) => {
                let through = found.rebuilt.state.core.inputs();
                eprintln!("{}: a state was made anew, up to entry {through}", config.name);
                drop(made.push(Box::new(found.rebuilt)));
            }
            Err(error) => eprintln!("{}: the state cannot be made anew: {error:#}", config.name),
        }
    }
}

/// What became of a node: a line of JSON on stderr.
fn tell(venue: &str, node: u64, event: &NodeEvent) {
    let line = match event.what {
        NodeWhat::Role(role) => {
            let kind = format!("{:?}", role.kind).to_lowercase();
            json!({"venue": venue, "node": node, "at_ns": event.at_ns, "role": kind,
                   "term": role.term, "leader": role.leader})
        }
        NodeWhat::Standing(standing) => {
            let (kind, term) = match standing {
                Standing::Standby => ("standby", 0),
                Standing::Muted { term } => ("muted", term),
                Standing::Serving { term } => ("serving", term),
            };
            json!({"venue": venue, "node": node, "at_ns": event.at_ns, "standing": kind,
                   "term": term})
        }
        NodeWhat::DiskLost => {
            json!({"venue": venue, "node": node, "at_ns": event.at_ns, "disk": "lost"})
        }
        NodeWhat::StateWanted | NodeWhat::StateInstalled => {
            let state = if event.what == NodeWhat::StateWanted { "wanted" } else { "installed" };
            json!({"venue": venue, "node": node, "at_ns": event.at_ns, "state": state})
        }
    };
    eprintln!("{line}");
}

/// The port to the other nodes.
fn peers<'e>(membership: &Membership, ports: &mut Ports<'e>) -> Result<ReplicaPort<'e>> {
    let own = &membership.node;
    let endpoint = Endpoint {
        port: membership.port.clone(),
        mac: Some(own.mac),
        ip: own.ip,
        prefix_len: own.prefix_len,
        gateway: None,
        vlan: None,
    };
    let (io, mac) = ports.take(&endpoint)?;
    let host = host(&endpoint, mac, PEERS_MTU, tcp_client())?;
    let address =
        |node: &crate::config::Node| PeerAddress { node: node.number, mac: node.mac, ip: node.ip };
    let peers: Vec<_> = membership.peers.iter().map(address).collect();
    Ok(ReplicaPort::new(io, host, membership.udp_port, &peers, TxChecks::default()))
}
