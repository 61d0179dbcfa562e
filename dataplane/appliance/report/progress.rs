//! How far a run has come, on standard error.
//!
//! A bar on a terminal; elsewhere, in a log or a CI run, a plain line every few seconds. Called by
//! the thread that waits for the run, never by an lcore.

use super::format::{count, percent, plural, rate};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(3);
const TEMPLATE_TOTAL: &str = " {spinner} {percent:>3} % {bar:28} {msg} · {eta_precise} left";
const TEMPLATE_OPEN: &str = " {spinner} {elapsed_precise} {msg}";

/// The progress of one run.
pub(crate) struct Progress {
    total: Option<u64>,
    started: Instant,
    sink: Sink,
}

enum Sink {
    Bar(ProgressBar),
    Plain { out: Box<dyn Write + Send>, next_at: Duration },
}

impl Progress {
    /// Begins at nothing of `total` messages; without a total there is no share and no estimate.
    pub(crate) fn start(total: Option<u64>) -> Self {
        let sink = if io::stderr().is_terminal() {
            Sink::Bar(bar(total))
        } else {
            Sink::Plain { out: Box::new(io::stderr()), next_at: PLAIN_EVERY }
        };
        Self { total, started: Instant::now(), sink }
    }

    /// Shows that `done` messages and `fills` fills are behind us. Call it as often as you like.
    pub(crate) fn update(&mut self, done: u64, fills: u64) {
        self.update_at(self.started.elapsed(), done, fills);
    }

    fn update_at(&mut self, elapsed: Duration, done: u64, fills: u64) {
        let line = line(self.total, elapsed, done, fills);
        match &mut self.sink {
            Sink::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(line);
            }
            Sink::Plain { out, next_at } if elapsed >= *next_at => {
                *next_at = elapsed + PLAIN_EVERY;
                // Progress that nobody can read any more is no reason to end a run.
                let _ = writeln!(out, "{line}");
            }
            Sink::Plain { .. } => {}
        }
    }

    /// Takes the bar away, so that the report begins on a clean line.
    pub(crate) fn finish(self) {
        if let Sink::Bar(bar) = self.sink {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
    let template = if total.is_some() { TEMPLATE_TOTAL } else { TEMPLATE_OPEN };
    // The templates are constants that a test parses; indicatif's own style is the fallback.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// `1,200,000 of 2,000,000 messages (60.0 %), 1.20 M/s, 12 fills`.
fn line(total: Option<u64>, elapsed: Duration, done: u64, fills: u64) -> String {
    let rate = rate(done, elapsed.as_secs_f64());
    let fills = plural(fills, "fill");
    match total {
        Some(total) => {
            let share = percent(done, total);
            format!("{} of {} messages ({share}), {rate}, {fills}", count(done), count(total))
        }
        None => format!("{}, {rate}, {fills}", plural(done, "message")),
    }
}

#[cfg(test)]
mod tests;
