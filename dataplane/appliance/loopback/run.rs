//! A run to its end: by time, count, signal, a port that is gone, or what is typed.

use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::args::RunArgs;
use super::prompt::{Console, Line, Lines, Outcome, notice};
use super::session::Session;
use super::stats::{Event, Snapshot};
use super::tables;
use super::verdict::{self, Verdict};
use crate::cli;
use crate::run::Signals;

/// How often the supervisor looks whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What ends a run, besides a signal.
pub(super) struct Ending<'a> {
    args: &'a RunArgs,
    began: Instant,
}

impl<'a> Ending<'a> {
    /// Time counts from now.
    pub(super) fn new(args: &'a RunArgs) -> Ending<'a> {
        Ending { args, began: Instant::now() }
    }

    /// Whether it is there.
    pub(super) fn is_due(&self, session: &Session<'_, '_>) -> bool {
        self.args.duration.is_some_and(|time| self.began.elapsed() >= time)
            || self.args.count.is_some_and(|count| session.done() >= count)
            || session.has_lost_a_port()
            || session.is_broken()
    }
}

/// Waits for the end of a run that was started.
pub(super) fn wait(session: &mut Session<'_, '_>, args: &RunArgs, signals: &Signals) {
    let ending = Ending::new(args);
    let mut told = (Instant::now(), session.everything());
    loop {
        report(&session.tick());
        if ending.is_due(session) || signals.any() {
            return;
        }
        if args.stats_period.is_some_and(|period| told.0.elapsed() >= period) {
            let now = session.everything();
            // Who reads standard output as JSON does not want to read this.
            eprint!("{}", tables::period(&now, &now.since(&told.1)));
            told = (Instant::now(), now);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Does what is typed until there is no more. Whether something was refused.
pub(super) fn converse(
    session: &mut Session<'_, '_>,
    lines: &Lines,
    args: &RunArgs,
    signals: &Signals,
) -> Result<bool> {
    let (mut console, began, mut refused) = (Console::default(), Instant::now(), false);
    lines.want();
    loop {
        report(&session.tick());
        let over = args.duration.is_some_and(|time| began.elapsed() >= time);
        if over || signals.any() {
            return Ok(refused);
        }
        match lines.next(LOOK_EVERY) {
            None => continue,
            Some(Line::End) => return Ok(refused),
            Some(Line::Failed(why)) => anyhow::bail!("standard input: {why}"),
            Some(Line::Text(line)) => match console.obey(&line, session) {
                Outcome::Quit => return Ok(refused),
                Outcome::Done(text) => cli::print(&text)?,
                Outcome::Refused(why) => {
                    refused = true;
                    cli::print(&format!("{why}\n"))?;
                }
            },
        }
        lines.want();
    }
}

/// Tells what has happened, at once.
pub(super) fn report(events: &[Event]) {
    events.iter().for_each(|event| notice(&event.text));
}

/// What a run came to.
pub(super) struct Report {
    pub(super) forwarded: Snapshot,
    pub(super) verdicts: Vec<Verdict>,
}

/// Judges a session that has stopped, and closes it.
pub(super) fn conclude(session: Session<'_, '_>, allow_loss: bool) -> Result<Report> {
    let forwarded = session.forwarded();
    let mut verdicts = verdict::judge(&session, &forwarded, allow_loss);
    verdicts.extend(session.close()?.map(verdict::mbufs_came_back));
    Ok(Report { forwarded, verdicts })
}

impl Report {
    /// Tells it: tables where nobody has seen them, verdicts that failed, JSON where it is wanted.
    pub(super) fn publish(&self, json: Option<&Path>, unseen: bool) -> Result<ExitCode> {
        let passed = self.verdicts.iter().all(|verdict| verdict.passed);
        if let Some(path) = json {
            let text = serde_json::to_string_pretty(&self.to_json(passed))? + "\n";
            match path.to_str() {
                Some("-") => cli::print(&text)?,
                _ => std::fs::write(path, text).with_context(|| format!("{}", path.display()))?,
            }
        }
        if unseen && json.is_none_or(|path| path.to_str() != Some("-")) {
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
