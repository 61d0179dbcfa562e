//! `peregrine drill`: a cluster on this machine, real processes on real ports, and what becomes of
//! its clients when the leader is taken away.
//!
//! ```text
//!  node 1 ─┐ virtio-user    vhost ┌──────────────────────────────┐
//!  node 2 ─┼──────────────────────┤ room: a switch, two probers  │
//!  node 3 ─┘  3 ports each        └──────────────────────────────┘
//! ```
//! Each node is a process of its own with its own journal; the room, one more process, has the
//! network and the clients. A prober counts what was lost, repeated or changed
//! (`lcore::prober`), and reads its whole session a second time at the end.
//!
//! Times are of this machine's clock and depend on how many CPUs there are for the polling threads:
//! the report says how many. What the protocol itself takes, in ticks and hops, is `replica`'s own
//! example (`docs/replication.md`).

mod files;
mod process;
mod rounds;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::cli;
use files::Layout;
use rounds::Drill;

/// What happens to the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Harm {
    /// It is killed (SIGKILL), and started again when another one serves.
    Failover,
    /// It is stopped (SIGSTOP) for longer than its lease, and goes on when another one serves.
    Pause,
    /// Its cable to the other nodes is taken out, not the one to its clients, until another one
    /// serves.
    Partition,
}

/// Arguments of `drill`.
#[derive(Args, Debug)]
pub(crate) struct DrillArgs {
    /// What happens to the leader
    #[arg(value_enum)]
    harm: Harm,
    /// How often
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Appliances of the cluster: 3 or 5
    #[arg(long, default_value_t = 3, value_parser = parse_nodes)]
    nodes: u64,
    /// How long a tick is, in us: a machine with fewer CPUs than polling threads wants long ones
    #[arg(long, default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    tick_us: u32,
    /// Time between two orders of a client, in us
    #[arg(long, default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pause_us: u32,
    /// Folder for configurations, journals and reports; made, and must not be there
    #[arg(long, value_name = "DIR", default_value = "target/drill")]
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn parse_nodes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(nodes @ (3 | 5)) => Ok(nodes),
        _ => Err("3 or 5".into()),
    }
}

/// What cannot be done as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrillRefused {
    /// Something is there already.
    #[error("{}: is there already; remove it, or give another --dir", .0.display())]
    Exists(PathBuf),
    /// The ports between processes share hugepages.
    #[error(
        "the processes of a drill share hugepages, and there are {free} MB of them free, of \
         {needed}: run scripts/provision.sh apply, or sysctl vm.nr_hugepages={pages}"
    )]
    Hugepages {
        /// Free ones, in MB.
        free: u64,
        /// Wanted, in MB.
        needed: u64,
        /// As many pages of 2 MB.
        pages: u64,
    },
}

/// Runs a drill; the exit status is 1 when anything was lost, repeated or changed.
///
/// # Errors
/// A cluster that cannot be started, or that serves nobody any more.
pub(crate) fn run(args: &DrillArgs) -> Result<ExitCode> {
    if args.dir.exists() {
        return Err(DrillRefused::Exists(args.dir.clone()).into());
    }
    files::need_hugepages(args.nodes)?;
    let layout = Layout::new(&args.dir, args.nodes, args.tick_us, args.pause_us)?;
    layout.write().with_context(|| format!("writing {}", args.dir.display()))?;
    let report = Drill::start(&layout, args.harm)?.play(args.rounds)?;
    if args.json {
        cli::print(&format!("{:#}\n", report.to_json()))?;
    } else {
        cli::print(&report.to_text())?;
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
