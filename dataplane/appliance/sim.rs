//! `peregrine sim`: a cluster of venues with its clients in bad weather, on a virtual clock, seed
//! by seed (`strategy/sim`; `docs/simulator.md` tells what is modelled and what is checked).
//!
//! # Output
//! A line for each seed that breaks a check, with what runs it again, and one at the end; with
//! `--json` a line of JSON each. With `--trace` every step of one seed that matters.
//!
//! # Exit status
//! 0 when every check held, or when a canary was found out; 1 otherwise.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ::sim::{Canary, Outcome, Tally};
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

/// Arguments of `sim`.
#[derive(Args, Debug)]
pub(crate) struct SimArgs {
    /// How many seeds to live through
    #[arg(long, value_name = "N", default_value_t = 100)]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    from: u64,
    /// This seed alone
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from", "jobs"])]
    seed: Option<u64>,
    /// Tell of its steps
    #[arg(long, requires = "seed", conflicts_with = "json")]
    trace: bool,
    /// Threads to run them on
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// Break something deliberately, which the checks must find out
    #[arg(long, value_name = "NAME", value_parser = parse_canary)]
    canary: Option<Canary>,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

fn parse_canary(name: &str) -> Result<Canary, String> {
    let named = Canary::ALL.into_iter().find(|canary| canary.name() == name);
    let names = || Canary::ALL.map(Canary::name).join(", ");
    named.ok_or_else(|| format!("no canary of that name; there are {}", names()))
}

/// What came of all seeds.
#[derive(Debug, Default)]
struct Sum {
    seeds: u64,
    broken: u64,
    steps: u64,
    tally: Tally,
}

/// Runs the command.
///
/// # Errors
/// Standard output is gone.
pub(crate) fn run(args: &SimArgs) -> Result<ExitCode> {
    let began = Instant::now();
    let sum = match args.seed {
        Some(seed) => {
            let mut sum = Sum::default();
            sum.add(args, &one(args, seed))?;
            sum
        }
        None => all(args)?,
    };
    sum.tell(args, began.elapsed().as_secs_f64())?;
    // What is broken on purpose has to be found out.
    let well = args.canary.is_some() == (sum.broken > 0);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(args: &SimArgs, seed: u64) -> Outcome {
    if !args.trace {
        return ::sim::run(seed, args.canary);
    }
    ::sim::trace(seed, args.canary, |line| {
        // Nobody is left to tell.
        let _ = writeln!(io::stdout(), "{line}");
    })
}

/// Lives through all seeds, on as many threads as were asked for.
fn all(args: &SimArgs) -> Result<Sum> {
    let next = AtomicU64::new(0);
    let sum = Mutex::new((Sum::default(), Ok(())));
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= args.seeds {
                        return;
                    }
                    let outcome = ::sim::run(args.from.wrapping_add(at), args.canary);
                    let Ok(mut sum) = sum.lock() else { return };
                    let told = sum.0.add(args, &outcome);
                    if told.is_err() {
                        sum.1 = told;
                        next.store(args.seeds, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (sum, told) = sum.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    told.map(|()| sum)
}

impl Sum {
    fn add(&mut self, args: &SimArgs, outcome: &Outcome) -> Result<()> {
        let Outcome { seed, trace, steps, tally, violation } = outcome;
        self.seeds += 1;
        self.steps += steps;
        self.broken += u64::from(violation.is_some());
        self.tally.add(tally);
        let canary = args.canary.map(|canary| format!(" --canary {}", canary.name()));
        let again = format!("peregrine sim --seed {seed} --trace{}", canary.unwrap_or_default());
        match violation {
            Some(broken) if args.json => line(&json!({
                "seed": seed, "check": broken.check.name(), "step": broken.step,
                "at_ns": broken.at_ns, "what": broken.what, "again": again,
            })),
            Some(broken) => Ok(writeln!(io::stdout(), "seed {seed}: {broken}\n    {again}")?),
            None if args.seed.is_some() && !args.json => {
                Ok(writeln!(io::stdout(), "seed {seed}: {steps} steps, trace {trace:016x}")?)
            }
            None => Ok(()),
        }
    }

    fn tell(&self, args: &SimArgs, seconds: f64) -> Result<()> {
        let Sum { seeds, broken, steps, tally } = self;
        let Tally { committed, told, served, crashes, faults, rebuilt, refused, snapshots } = tally;
        if args.json {
            return line(&json!({
                "seeds": seeds, "broken": broken, "steps": steps, "seconds": seconds,
                "committed": committed, "told": told, "served": served, "crashes": crashes,
                "faults": faults, "rebuilt": rebuilt, "refused": refused,
                "snapshots": snapshots,
            }));
        }
        let rate = *seeds as f64 / seconds.max(1e-9);
        let mut out = io::stdout().lock();
        writeln!(out, "{seeds} seeds in {seconds:.1} s ({rate:.0} a second), {broken} broken")?;
        writeln!(out, "  {steps} steps, {committed} entries committed, {told} messages told")?;
        writeln!(out, "  {faults} faults, {crashes} crashes, {served} times somebody served")?;
        writeln!(
            out,
            "  {rebuilt} states made anew, {snapshots} snapshots, {refused} disks refused"
        )?;
        Ok(())
    }
}

fn line(value: &Value) -> Result<()> {
    Ok(writeln!(io::stdout(), "{value}")?)
}
