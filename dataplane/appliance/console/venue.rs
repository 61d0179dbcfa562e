//! A venue's console. The words are those of `peregrine match` (`docs/match.md`).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::Result;
use lcore::venue::OperatorLine;
use spsc::{Consumer, Producer, ring};
use types::{EventSink, Operation};
use venue::ToOperator;

use super::{ANSWER_TIME_MAX, ANSWERS_MAX, Attendant, COMMANDS_MAX, Console, LOOK_EVERY};
use crate::script::{Lines, Names, Words};

/// Opens a console at `path` for a venue that knows these names, and gives the venue's end of the
/// line.
///
/// # Errors
/// The socket cannot be made: another role's lives there, or the folder does not.
pub(crate) fn for_venue(path: &Path, names: Names) -> Result<(Console, OperatorLine)> {
    let (to_venue, commands) = ring(COMMANDS_MAX);
    let (answers, from_venue) = ring(ANSWERS_MAX);
    let console = Console::open(path, VenueDesk { names, to_venue, from_venue })?;
    Ok((console, OperatorLine { commands, answers }))
}

struct VenueDesk {
    names: Names,
    to_venue: Producer<Operation>,
    from_venue: Consumer<ToOperator>,
}

impl Attendant for VenueDesk {
    fn carry_out(&mut self, line: &str, stop: &AtomicBool) -> String {
        let mut lines = Lines::new(&self.names);
        let words: Result<Words, _> = serde_json::from_str(line);
        let operations = words.map_err(|e| format!("not a command: {e}")).and_then(|words| {
            let first = words.reference_first(&self.names).map_err(|e| e.to_string())?;
            let then = words.operation(&self.names).map_err(|e| e.to_string())?;
            Ok([first, Some(then)])
        });
        let operations = match operations {
            Ok(operations) => operations,
            Err(message) => {
                lines.error(1, &message);
                return lines.take();
            }
        };
        // What a client did not wait for is not the next one's.
        while self.from_venue.pop().is_some() {}
        for operation in operations.into_iter().flatten() {
            let sent = self.to_venue.push(operation).is_ok();
            if !sent || !await_done(&mut self.from_venue, &mut lines, stop) {
                lines.error(1, "the venue does not answer");
                break;
            }
        }
        lines.take()
    }
}

/// Takes a command's answers; `false` when the venue has not done it in time.
fn await_done(
    from_venue: &mut Consumer<ToOperator>,
    lines: &mut Lines<'_>,
    stop: &AtomicBool,
) -> bool {
    let began = Instant::now();
    while began.elapsed() < ANSWER_TIME_MAX && !stop.load(Ordering::Relaxed) {
        match from_venue.pop() {
            Some(ToOperator::Event(event)) => lines.on_event(&event),
            Some(ToOperator::Done) => return true,
            None => thread::sleep(LOOK_EVERY),
        }
    }
    false
}
