//! `peregrine doctor`: is this host fit to trade, and are the lcores on it left alone?
//!
//! The checks and measurements are the `doctor` crate's. Here it is decided what is measured where
//! ([`plan`]): the isolated CPUs, those that were named, or, to have a figure at all, the ones that
//! there are; but never an lcore's of an appliance that runs, since who spins there takes half of
//! it. Then all of it becomes one report, as [`text`] for people or as JSON.

mod args;
mod plan;
mod report;
mod text;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use doctor::verify::{self, Program, VerifyError};
use doctor::{Host, Line, appliance, clock, jitter, latency, settings};

pub(crate) use args::DoctorArgs;
use args::Part;
use plan::Plan;
pub(crate) use plan::wanted_by;
use report::Report;

use crate::cli;

/// Exit status of a check that was broken off: it says nothing of the host.
const INTERRUPTED: u8 = 130;

/// What cannot be done as it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoctorError {
    /// A CPU that is not there.
    #[error("--cpus {cpu}: there is no such CPU online; there are {online}")]
    NoCpu {
        /// The CPU.
        cpu: usize,
        /// Those that are.
        online: String,
    },
    /// A CPU that this process may not use.
    #[error("--cpus {cpu}: {reason}")]
    NotOurs {
        /// The CPU.
        cpu: usize,
        /// What the kernel said.
        reason: String,
    },
    /// No CPU at all.
    #[error("--cpus: an empty list; give CPUs, as 2-5,8")]
    NoCpus,
    /// An lcore's CPU.
    #[error(
        "--cpus {cpu}: it is an lcore's of process {pid}, which would lose half of it; \
         name others, or end that run first"
    )]
    Busy {
        /// The CPU.
        cpu: usize,
        /// The appliance.
        pid: u32,
    },
}

/// Runs the command.
///
/// # Errors
/// What was asked for by name and cannot be had.
pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let signals = crate::run::signals().context("installing the handlers of SIGINT and SIGTERM")?;
    let host = Host::here();
    let plan = Plan::make(&host, args)?;
    let broken_off = AtomicBool::new(false);
    let stop = || {
        let any = signals.any();
        broken_off.fetch_or(any, Ordering::Relaxed);
        any
    };
    let mut report = Report::of(&host, args, &plan);
    examine(&host, args, &plan, &mut report, &stop)?;
    report.close(broken_off.load(Ordering::Relaxed));
    match args.json {
        true => cli::print(&report.json()?)?,
        false => cli::print(&text::draw(&report))?,
    }
    Ok(ExitCode::from(report.exit))
}

/// Every part that is wanted, into the report.
fn examine(
    host: &Host,
    args: &DoctorArgs,
    plan: &Plan,
    report: &mut Report,
    stop: doctor::Stop<'_>,
) -> Result<()> {
    if args.wants(Part::Plan) {
        provisioned(args, report, stop)?;
    }
    if args.wants(Part::Host) {
        report.lines.extend(settings::check(host, &plan.wanted)?);
    }
    let watch = args.wants(Part::Tsc).then(clock::Watch::start).transpose()?;
    if args.wants(Part::Jitter) {
        spin(host, args, plan, report, stop)?;
    } else if watch.is_some() {
        doctor::wait(args.time(), stop);
    }
    if let Some(watch) = watch {
        let clocks = watch.finish(host, &plan.compared, stop)?;
        let backwards =
            (!report.jitter.is_empty()).then(|| report.jitter.iter().map(|j| j.backwards).sum());
        report.lines.extend(clock::lines(&clocks, args.tsc_ppm_max, backwards));
        report.tsc = Some(clocks);
    }
    if args.wants(Part::Memory) {
        memory(host, args, plan, report, stop)?;
    }
    if args.wants(Part::Appliance) {
        watch_appliances(host, args, plan, report, stop)?;
    }
    Ok(())
}

/// Provisioning's lines, or why there are none.
fn provisioned(args: &DoctorArgs, report: &mut Report, stop: doctor::Stop<'_>) -> Result<()> {
    if let Some(file) = &args.verify {
        take(report, verify::read(file)?, file.display().to_string());
        return Ok(());
    }
    let named = args.provision.clone().map(|path| Program { path, config: None });
    let found = named.or_else(|| Program::find(std::env::current_exe().ok().as_deref()));
    let Some(mut program) = found else {
        report.lines.push(verify::missing("provisioning is not installed here"));
        return Ok(());
    };
    program.config = args.host_config.clone().or(program.config);
    match verify::run(&program, stop) {
        Ok(verified) => take(report, verified, program.path.display().to_string()),
        // What was named and is not there is a mistake; what does not run here is not.
        Err(error @ VerifyError::NotStarted { .. })
            if args.provision.as_ref().is_some_and(|path| !path.exists()) =>
        {
            return Err(error.into());
        }
        Err(error) => report.lines.push(verify::failed(&program, &error)),
    }
    Ok(())
}

fn take(report: &mut Report, verified: verify::Verified, from: String) {
    report.plan_from = Some(from);
    report.lines.extend(verified.lines);
    report.notes.extend(verified.notes);
}

fn spin(
    host: &Host,
    args: &DoctorArgs,
    plan: &Plan,
    report: &mut Report,
    stop: doctor::Stop<'_>,
) -> Result<()> {
    if plan.spun.is_empty() {
        report.lines.push(not_disturbed(doctor::Section::Jitter, "jitter", "interruptions", plan));
        return Ok(());
    }
    let settings = jitter::Settings { time: args.time(), threshold_ns: args.threshold_ns };
    let results = jitter::measure(host, &plan.spun, settings, stop)?;
    let limits = args.jitter_limits();
    report.lines.extend(results.iter().flat_map(|result| jitter::lines(result, &limits)));
    report.jitter = results;
    Ok(())
}

fn memory(
    host: &Host,
    args: &DoctorArgs,
    plan: &Plan,
    report: &mut Report,
    stop: doctor::Stop<'_>,
) -> Result<()> {
    if plan.spun.is_empty() {
        report.lines.push(not_disturbed(doctor::Section::Memory, "latency", "memory", plan));
        return Ok(());
    }
    let bytes = args.memory_mb.map(|mb| mb << 20);
    let all = latency::measure(host, &plan.chased, bytes, stop)?;
    let virtualised = host.facts().virtualised;
    report.lines.extend(latency::lines(&all, args.local_ns_max, virtualised));
    report.memory = all.measured;
    Ok(())
}

/// In place of a measurement that an appliance would feel.
fn not_disturbed(section: doctor::Section, id: &str, what: &str, plan: &Plan) -> Line {
    let pids: Vec<String> = plan.found.iter().map(|found| found.pid.to_string()).collect();
    Line::new(section, id, what).not_offered_but(
        format!("process {} trades here, and would feel it", pids.join(", ")),
        "peregrine doctor --cpus LIST measures on CPUs that are not its lcores'",
    )
}

fn watch_appliances(
    host: &Host,
    args: &DoctorArgs,
    plan: &Plan,
    report: &mut Report,
    stop: doctor::Stop<'_>,
) -> Result<()> {
    if plan.found.is_empty() {
        let line = Line::new(doctor::Section::Appliance, "appliance", "a running appliance");
        report.lines.push(line.not_offered("none runs here that this user can see"));
        return Ok(());
    }
    let limits = appliance::Limits { interrupts_per_s: args.interrupts_per_s_max };
    let watched = appliance::watch(host, &plan.found, args.time(), stop)?;
    report.lines.extend(watched.iter().flat_map(|one| appliance::lines(one, &limits)));
    report.appliances = watched;
    Ok(())
}
