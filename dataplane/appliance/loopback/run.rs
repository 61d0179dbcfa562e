//! A run without anybody at the prompt: until its time, its count, a signal, or a port that is gone.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::args::RunArgs;
use super::session::Session;
use super::stats::{Event, Snapshot};
use super::tables;
use super::verdict::{self, Verdict};
use crate::cli;
use crate::run::Signals;

/// How often the supervisor looks whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits for the end of a run that was started.
pub(super) fn wait(session: &mut Session<'_, '_>, args: &RunArgs, signals: &Signals) -> Result<()> {
    let began = Instant::now();
    let mut told = (Instant::now(), session.snapshot());
    loop {
        report(&session.tick());
        let over = args.duration.is_some_and(|time| began.elapsed() >= time)
            || args.count.is_some_and(|count| session.done() >= count);
        if over || signals.any() || session.has_lost_a_port() || session.is_broken() {
            return Ok(());
        }
        if args.stats_period.is_some_and(|period| told.0.elapsed() >= period) {
            let now = session.snapshot();
            // Whoever reads standard output as JSON does not want to read this.
            eprint!("{}", tables::period(&now, &now.since(&told.1)));
            told = (Instant::now(), now);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Tells what has happened, at once.
pub(super) fn report(events: &[Event]) {
    let mut out = std::io::stderr().lock();
    for event in events {
        // There is nowhere left to say that stderr is gone.
        let _ = writeln!(out, "peregrine: {}", event.text);
    }
}

/// What a run came to.
pub(super) struct Outcome {
    pub(super) forwarded: Snapshot,
    pub(super) verdicts: Vec<Verdict>,
}

/// Judges a session that has stopped, and closes it.
pub(super) fn conclude(session: Session<'_, '_>, allow_loss: bool) -> Result<Outcome> {
    let forwarded = session.forwarded();
    let mut verdicts = verdict::judge(&session, &forwarded, allow_loss);
    verdicts.extend(session.close()?.map(verdict::mbufs_came_back));
    Ok(Outcome { forwarded, verdicts })
}

impl Outcome {
    /// Tells it: tables, verdicts that failed, JSON where it is wanted.
    pub(super) fn publish(&self, json: Option<&Path>) -> Result<ExitCode> {
        let passed = self.verdicts.iter().all(|verdict| verdict.passed);
        if let Some(path) = json {
            let text = serde_json::to_string_pretty(&self.to_json(passed))? + "\n";
            match path.to_str() {
                Some("-") => cli::print(&text)?,
                _ => std::fs::write(path, text).with_context(|| format!("{}", path.display()))?,
            }
        }
        if json.is_none_or(|path| path.to_str() != Some("-")) {
            cli::print(&tables::fwd_stats(&self.forwarded, &self.forwarded))?;
        }
        for verdict in self.verdicts.iter().filter(|verdict| !verdict.passed) {
            eprintln!("peregrine: failed: {}: {}", verdict.name, verdict.detail);
        }
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn to_json(&self, passed: bool) -> serde_json::Value {
        json!({
            "passed": passed,
            "verdicts": self.verdicts,
            "totals": self.forwarded.totals(),
            "rates": self.forwarded.rates(),
            "snapshot": self.forwarded,
        })
    }
}
