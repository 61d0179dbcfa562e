//! `peregrine run`: starts EAL, wires the roles to their ports, lets the lcores go, and reports.
//!
//! This is the only place that knows everything. The order matters: to the house before anything
//! starts a thread, which inherits its CPUs; signals and the clock before EAL, ports before roles,
//! roles before threads; at the end threads, queues, ports and EAL go in the opposite order, so
//! that nothing is left behind.

mod cabling;
mod conclude;
mod house_thread;
mod journaling;
mod node_up;
mod outages;
mod ports;
mod pprof;
pub(crate) mod refusals;
mod role;
mod role_report;
mod samples;
mod state;
mod supervise;
mod verdicts;
mod wire_up;
mod witness;

use crate::cli::RunOptions;
use crate::config::Config;
use crate::eal;
use crate::fitness;
use crate::itch_files;
use crate::placement::{self, Placement};
use anyhow::{Context, Result};
use hostcpu::TscClock;
use journaling::Keeper;
pub(crate) use journaling::snapshot;
use lcore::control::Control;
use lcore::duty::{self, LcoreFacts};
use ports::Ports;
use role::Role;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use supervise::{Ending, Moment, Supervisor};
pub(crate) use supervise::{Signals, signals};
pub(crate) use wire_up::seed;
use witness::Witness;

/// What the run's loops leave behind.
struct Finished<'e> {
    facts: Vec<LcoreFacts>,
    roles: Vec<Vec<Role<'e>>>,
    ending: Ending,
    wall_s: f64,
}

type Reader = JoinHandle<Result<itch_files::ReadFacts, itch_files::ReadError>>;

/// Runs a validated configuration to its end.
///
/// # Errors
/// What keeps a run from starting; the caller prints it and exits with status 2.
pub(crate) fn run(config: &Config, options: &RunOptions) -> Result<ExitCode> {
    let placement = placement::place(config)?;
    placement::move_to_house(&placement.cpus())?;
    let mut witness = Witness::start(options)?;
    let signals = signals().context("installing the handlers of SIGINT and SIGTERM")?;
    let clock = TscClock::calibrate()?;
    let started_ns = clock.unix_ns(hostcpu::tsc());
    fitness::look(config, &placement, options, &signals)?;
    let memory_node = eal::memory_node(&placement.cpus());
    let eal = dpdk::Eal::init(&dpdk::EalConfig { memory_node, ..eal::settings(config) })?;
    if !options.quiet {
        eal::tell_lack(&eal);
    }
    let mut ports = Ports::open(&eal, config)?;
    if !options.quiet {
        eprint!("{}", ports.describe());
    }
    let control = Arc::new(Control::default());
    let mut wiring = wire_up::Wiring::new(config, &clock, Arc::clone(&control));
    let roles = wiring.roles(&placement, &mut ports)?;
    let keepers = wiring.take_keepers();
    if !options.quiet {
        eprint!("{}", wiring.take_told());
    }
    let total = wiring.messages_total();
    let readers = wiring.take_readers();
    let consoles = wiring.take_consoles();
    let logs = wiring.take_logs();
    let house_threads = wiring.take_house_threads();
    let supervisor = Supervisor::new(config, signals, Arc::clone(&control), total, options.quiet);
    let pool = ports.pool();
    let mut watch = |moment: Moment| witness.see(moment, &control, || pool.in_use());
    let finished =
        run_lcores(&eal, &placement, roles, (&control, &clock), (&supervisor, &mut watch))?;
    drop(consoles);
    drop(house_threads);
    let mut run = conclude::report(config, &placement, &finished, &ports, &eal, started_ns);
    run.verdicts.extend(witness.verdicts());
    // A state that cannot be saved is a failure of the run, which is reported all the same.
    let saved = save_states(config, &finished);
    let kept = finish_journals(keepers, &finished);
    let logged = logs.into_iter().try_for_each(|log| log.finish().map(drop));
    let failure = conclude::failure(config, &finished, readers, &control)
        .or(kept.err())
        .or(saved.err())
        .or(logged.err())
        .or(witness.finish().err());
    let queues = finished.roles.into_iter().flatten().flat_map(Role::into_ports);
    let leaked = ports.close(queues)?;
    run.verdicts.extend(leaked.map(verdicts::mbufs_came_back));
    conclude::publish(config, run, failure, options.quiet)
}

/// Closes the venues' journals, all of them.
fn finish_journals(keepers: Vec<Keeper>, finished: &Finished<'_>) -> Result<()> {
    let venues = || {
        finished.roles.iter().flatten().filter_map(|role| match role {
            Role::Venue(venue) => Some(&**venue),
            _ => None,
        })
    };
    let finished: Vec<_> = keepers.into_iter().map(|keeper| keeper.finish(venues())).collect();
    finished.into_iter().collect()
}

/// Saves the venues' states, those that keep one.
fn save_states(config: &Config, finished: &Finished<'_>) -> Result<()> {
    for role in finished.roles.iter().flatten() {
        if let Role::Venue(venue) = role
            && let Some(settings) = config.venues.iter().find(|v| v.name == venue.name())
        {
            state::save(settings, venue.core().engine())?;
        }
    }
    Ok(())
}

/// Starts a thread for each CPU that has roles, supervises them, and gives everything back.
fn run_lcores<'e>(
    eal: &'e dpdk::Eal,
    placement: &Placement,
    mut roles: Vec<Vec<Role<'e>>>,
    (control, clock): (&Control, &TscClock),
    (supervisor, watch): (&Supervisor, &mut dyn FnMut(Moment)),
) -> Result<Finished<'e>> {
    let began = std::time::Instant::now();
    let mut facts = Vec::new();
    let ending = thread::scope(|scope| {
        let threads: Vec<_> = roles
            .iter_mut()
            .zip(&placement.threads)
            .enumerate()
            .map(|(index, (roles, at))| {
                scope.spawn(move || -> Result<LcoreFacts> {
                    let name = format!("lc{index}");
                    let _lcore = dpdk::Lcore::enter(eal, Some(at.cpu), &name)?;
                    Ok(duty::run(index, roles, control, clock))
                })
            })
            .collect();
        let lcores = threads.len();
        let ending = supervisor.watch(lcores, || threads.iter().any(|t| t.is_finished()), watch);
        for thread in threads {
            match thread.join() {
                Ok(done) => facts.push(done?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        anyhow::Ok(ending)
    })?;
    Ok(Finished { facts, roles, ending, wall_s: began.elapsed().as_secs_f64() })
}
