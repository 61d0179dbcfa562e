//! The live view: what a run does now, on a terminal.
//!
//! ```text
//!  what runs, for how long                                  keys
//!  frames received a second, as a curve over the last minutes
//!  ports    name, driver, link, rates, what the device lost
//!  streams  lcore, from where to where, rates, losses, frames a burst
//!  losses by cause          latency, in a mode that times frames
//!  what happened, the latest first
//! ```
//!
//! [`View`] is told snapshots and draws the difference of the last two; it asks for nothing itself,
//! so that a test draws it without a terminal. [`watch`] is the loop around it.

mod draw;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::stats::{Rates, Snapshot};

/// How often figures are taken.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a key may wait to be seen.
const KEY_WAIT: Duration = Duration::from_millis(50);
/// The shortest time that a first look takes rates over.
const RATE_LEAST_NS: u64 = 100_000_000;
/// Points of the curve that are kept: wider than any terminal.
const CURVE_POINTS_MAX: usize = 512;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    /// End the run.
    Quit,
    /// Stop forwarding, or start it again.
    Toggle,
    /// Hold the picture, or let it go on.
    Hold,
    /// Count from nothing.
    Clear,
}

impl Press {
    /// What this key means; none when it means nothing.
    pub(crate) fn of(key: KeyEvent) -> Option<Press> {
        if key.kind != KeyEventKind::Press {
            return None;
        }
        match key.code {
            // Ctrl-C is a key here, no signal.
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Press::Quit)
            }
            KeyCode::Char('q') | KeyCode::Esc => Some(Press::Quit),
            KeyCode::Char('s') => Some(Press::Toggle),
            KeyCode::Char(' ') => Some(Press::Hold),
            KeyCode::Char('c') => Some(Press::Clear),
            _ => None,
        }
    }
}

/// What is being watched.
pub(crate) trait Watched {
    /// Looks at ports and streams; whether the run goes on.
    fn tick(&mut self) -> bool;
    /// Everything that is known now.
    fn snapshot(&mut self) -> Snapshot;
    /// Stops forwarding, or starts it again.
    ///
    /// # Errors
    /// Why it cannot, in words.
    fn toggle(&mut self) -> Result<(), String>;
    /// Counts from nothing.
    fn clear(&mut self);
}

/// What is drawn.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// The latest.
    now: Snapshot,
    /// The difference to the one before it.
    lately: Snapshot,
    /// Frames received a second, the oldest first.
    curve: VecDeque<u64>,
    held: bool,
    /// Something that could not be done.
    complaint: String,
}

impl View {
    /// Takes in what is known now. A picture that is held stays as it is.
    pub(crate) fn take(&mut self, now: Snapshot) {
        if self.held {
            return;
        }
        let went_back = now.elapsed_ns < self.now.elapsed_ns;
        let known = !self.now.ports.is_empty() && !went_back;
        self.lately = if known { now.since(&self.now) } else { now.clone() };
        self.now = now;
        if !known && self.lately.elapsed_ns < RATE_LEAST_NS {
            // Rates of hardly any time are no rates.
            self.lately.elapsed_ns = 0;
            return;
        }
        if self.curve.len() == CURVE_POINTS_MAX {
            self.curve.pop_front();
        }
        let Rates { rx_pps, tx_pps, .. } = self.lately.rates();
        // A mode that only sends has its curve, too.
        self.curve.push_back(rx_pps.max(tx_pps) as u64);
    }

    /// Does what a key asks for; whether to go on.
    pub(crate) fn press(&mut self, press: Press, watched: &mut impl Watched) -> bool {
        self.complaint.clear();
        match press {
            Press::Quit => return false,
            Press::Hold => self.held = !self.held,
            Press::Clear => watched.clear(),
            Press::Toggle => {
                if let Err(why) = watched.toggle() {
                    self.complaint = why;
                }
            }
        }
        true
    }
}

/// Shows a run until it ends or a key ends it. The terminal is as before afterwards.
///
/// # Errors
/// The terminal cannot be read or written.
pub(crate) fn watch(watched: &mut impl Watched) -> std::io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let seen = show(&mut terminal, watched);
    ratatui::try_restore()?;
    seen
}

fn show(terminal: &mut DefaultTerminal, watched: &mut impl Watched) -> std::io::Result<()> {
    let mut view = View::default();
    let mut due = Instant::now();
    while watched.tick() {
        if Instant::now() >= due {
            view.take(watched.snapshot());
            due = Instant::now() + PERIOD;
            terminal.draw(|frame| view.draw(frame))?;
        }
        if !event::poll(KEY_WAIT)? {
            continue;
        }
        if let event::Event::Key(key) = event::read()?
            && let Some(press) = Press::of(key)
            && !view.press(press, watched)
        {
            return Ok(());
        }
        // A key or a new size shows at once.
        terminal.draw(|frame| view.draw(frame))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
