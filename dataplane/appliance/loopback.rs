//! `peregrine loopback`: testpmd's forward modes on any ports, to trust a host before it trades.
//!
//! [`args`] is what can be typed, [`ports`] what is opened, [`topology`] who forwards to whom.
//! [`session`] starts and stops forwarding while ports stay open, [`drive`] lets others do it, and
//! [`watch`] sees bad days. What is known at a moment is a [`stats::Snapshot`] ([`snapshot`] fills
//! it), from which [`tables`], the JSON, and the live [`view`] are made; [`prompt`] takes testpmd's
//! commands. [`mod@run`] waits for the end, and [`verdict`] says whether the run may pass.

mod args;
mod drive;
mod orders;
mod ports;
mod prompt;
mod run;
mod session;
mod snapshot;
mod stats;
mod tables;
mod topology;
mod verdict;
mod view;
mod watch;

#[cfg(test)]
mod fixture;

use std::process::ExitCode;

use anyhow::{Context, Result};
use dpdk::Eal;
use hostcpu::TscClock;
use lcore::loopback::Mode;
use lcore::loopback::soup::SoupSettings;

pub(crate) use args::LoopbackArgs;
use ports::{Devices, Slot};
use prompt::Lines;
use session::{Plan, Session};

use crate::config::Config;
use crate::eal;
use crate::placement::{self, PlacementError};
use crate::run::Signals;

/// What cannot be done as it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoopbackError {
    /// A frame that no port would send.
    #[error("--txpkts {bytes}: longer than a frame of MTU {mtu}; give a larger --mtu")]
    FrameBytes {
        /// Its bytes.
        bytes: u16,
        /// The MTU.
        mtu: u16,
    },
    /// A mode that sends what it receives, when it receives it.
    #[error("--rate: mode {mode} makes no frames; txonly, flowgen, latency and soup do")]
    Rate {
        /// The mode.
        mode: Mode,
    },
    /// Reads and writes without memory.
    #[error("--noisy-lkup-memory: give the memory that is to be read and written, in MB")]
    NoisyMemory,
    /// A list of CPUs that is none.
    #[error("--lcores {list}: {reason}")]
    Lcores {
        /// As it was given.
        list: String,
        /// What is wrong.
        reason: String,
    },
    /// A device that has no port.
    #[error(
        "no port for device {device:?}; DPDK found {}. Is it bound to vfio-pci, or, for a \
             virtual device, spelled as its driver wants it?",
        found(known)
    )]
    NoPort {
        /// The device.
        device: String,
        /// Those that have.
        known: Vec<String>,
    },
    /// Orders that cannot be entered as asked.
    #[error(transparent)]
    Orders(#[from] orders::OrdersError),
    /// More than one way to one venue.
    #[error("mode soup takes one port with one queue, and there are {ports} with {queues}")]
    OneStream {
        /// Ports.
        ports: usize,
        /// Queues of each.
        queues: u16,
    },
    /// Somebody at the other end of nothing.
    #[error("--eth-peer {port},…: there is no port {port}, but {ports} from 0 on")]
    Peer {
        /// The port.
        port: u16,
        /// How many there are.
        ports: usize,
    },
}

fn found(known: &[String]) -> String {
    if known.is_empty() { "no port at all".to_owned() } else { known.join(", ") }
}

/// Runs the command.
///
/// # Errors
/// What was asked for cannot be done, or EAL or a device does not start.
pub(crate) fn run(args: &LoopbackArgs) -> Result<ExitCode> {
    let mut plan = plan(args)?;
    placement::move_to_house(plan.polled())?;
    let signals = crate::run::signals().context("installing the handlers of SIGINT and SIGTERM")?;
    let clock = TscClock::calibrate()?;
    let mut devices = Devices::of(args, plan.lcores)?;
    devices.eal.memory_node = eal::memory_node(plan.polled());
    let lines = args.run.interactive.then(Lines::open).transpose()?;
    let eal = Eal::init(&devices.eal)?;
    eal::tell_lack(&eal);
    let opened = devices.open(&eal)?;
    check_peers(&plan, opened.1.len())?;
    if args.mode == Mode::Soup {
        plan.settings.soup = Some(soup(args, &plan, &opened.1)?);
    }
    let tx_first = tx_first(args, &devices);
    std::thread::scope(|scope| {
        let mut session = Session::new(scope, &eal, clock, opened, plan);
        let refused = forward(&mut session, args, lines.as_ref(), tx_first, &signals)?;
        if session.is_forwarding() {
            session.stop()?;
        }
        run::report(&session.tick());
        let report = run::conclude(session, args.forward.allow_loss)?;
        let status = report.publish(args.run.json.as_deref(), lines.is_none())?;
        // A script is not done when one of its commands was not.
        let scripted = lines.is_some_and(|lines| !lines.is_terminal());
        Ok(if refused && scripted { ExitCode::FAILURE } else { status })
    })
}

/// Forwards until the end, which comes as the run is driven. Whether a command was refused.
fn forward(
    session: &mut Session<'_, '_>,
    args: &LoopbackArgs,
    lines: Option<&Lines>,
    tx_first: u32,
    signals: &Signals,
) -> Result<bool> {
    if let Some(lines) = lines {
        return run::converse(session, lines, &args.run, signals);
    }
    session.start(tx_first)?;
    if args.run.tui {
        let ending = run::Ending::new(&args.run);
        view::watch(&mut drive::Live { session, ending, signals })?;
    } else {
        run::wait(session, &args.run, signals);
    }
    Ok(false)
}

/// What the arguments amount to, before anything is opened.
fn plan(args: &LoopbackArgs) -> Result<Plan> {
    let settings = args.settings()?;
    let (cpus, lcores) = cpus(args)?;
    Ok(Plan {
        settings,
        topology: args.ports.port_topology,
        queues: args.ports.rxq.min(args.ports.txq),
        cpus,
        lcores,
        rate: args.generate.rate,
        count: args.run.count,
        peers: args.forward.eth_peer.clone(),
        flows: args.generate.flows,
    })
}

/// CPUs that can forward, and how many of them do.
fn cpus(args: &LoopbackArgs) -> Result<(Vec<usize>, usize)> {
    let Some(list) = &args.forward.lcores else {
        let cpus = placement::best()?;
        let lcores = args.forward.nb_cores.map_or(1, usize::from);
        return Ok((cpus, lcores));
    };
    let wrong = |reason: String| LoopbackError::Lcores { list: list.clone(), reason };
    let set: hostcpu::CpuSet =
        list.parse().map_err(|error: hostcpu::Error| wrong(error.to_string()))?;
    let cpus: Vec<usize> = set.iter().collect();
    if cpus.is_empty() {
        return Err(wrong("no CPU at all".to_owned()).into());
    }
    match placement::usable_of(&cpus) {
        Ok(()) => {}
        Err(PlacementError::NotUsable { cpu, usable }) => {
            let reason = format!("this process cannot use CPU {cpu}; it can use {usable}");
            return Err(wrong(reason).into());
        }
        Err(other) => return Err(other.into()),
    }
    let lcores = cpus.len();
    Ok((cpus, lcores))
}

/// Whose orders go where; there is one port to send them through.
fn soup(args: &LoopbackArgs, plan: &Plan, ports: &[Slot<'_>]) -> Result<SoupSettings> {
    let [port] = ports else {
        return Err(LoopbackError::OneStream { ports: ports.len(), queues: plan.queues }.into());
    };
    if plan.queues != 1 {
        return Err(LoopbackError::OneStream { ports: 1, queues: plan.queues }.into());
    }
    let config = args.ports.config.as_deref().map(Config::load).transpose()?;
    let client = config.as_ref().map(orders::client).transpose().map_err(LoopbackError::from)?;
    let pace = (plan.rate, plan.count);
    let settings = args.orders.settings(&args.trips, pace, client, port.info.mac);
    Ok(settings.map_err(LoopbackError::from)?)
}

fn check_peers(plan: &Plan, ports: usize) -> Result<(), LoopbackError> {
    match plan.peers.iter().find(|(port, _)| usize::from(*port) >= ports) {
        Some(&(port, _)) => Err(LoopbackError::Peer { port, ports }),
        None => Ok(()),
    }
}

/// Bursts to send first. Where nobody else could send anything, one is sent unasked.
fn tx_first(args: &LoopbackArgs, devices: &Devices) -> u32 {
    let forwards = args.mode.receives() && args.mode.sends() && !args.mode.is_paced();
    let unasked = u32::from(devices.is_embedded() && forwards && !args.run.interactive);
    args.forward.tx_first.unwrap_or(unasked)
}
