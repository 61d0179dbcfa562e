//! The lines of provisioning's `verify`, which knows the plan and every knob.
//!
//! They come from the program itself, started as a child (`scripts/provision.sh`, or on a host that
//! was provisioned the one file that it left there), or from what it printed earlier with `--json`.
//! Where neither is to be had there is a line that says so: a host without Python can be fit.

mod program;

pub use program::{Program, run};

use crate::host::printable;
use crate::{Line, Section, State};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// Lines that are taken; provisioning has some fifty.
const LINES_MAX: usize = 10_000;
/// A text of a line is cut here.
const TEXT_CHARS_MAX: usize = 2000;

/// What `verify` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// A line a setting.
    pub lines: Vec<Line>,
    /// What is to be known besides.
    pub notes: Vec<String>,
}

/// Why there are no lines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A file that was named cannot be read.
    #[error("{}: {source}; give what `scripts/provision.sh verify --json` printed", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what `verify --json` prints.
    #[error("{from}: {reason}; what `scripts/provision.sh verify --json` prints is wanted")]
    NotVerify {
        /// The file, or the program.
        from: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The program cannot be started: no bash, no Python.
    #[error("{}: {source}", program.display())]
    NotStarted {
        /// Which.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It refused, or failed.
    #[error("{} ended with status {status}: {said}", program.display())]
    Failed {
        /// Which.
        program: PathBuf,
        /// Its exit status; -1 for a signal.
        status: i32,
        /// What it said last.
        said: String,
    },
    /// It did not end, or whoever waits has had enough.
    #[error("{} did not end within {seconds} s", program.display())]
    TooSlow {
        /// Which.
        program: PathBuf,
        /// How long it had.
        seconds: u64,
    },
}

/// As the program prints it. Keys that are not needed may be there; so may new ones.
#[derive(Deserialize)]
struct Printed {
    lines: Vec<PrintedLine>,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    broken_off: String,
}

#[derive(Deserialize)]
struct PrintedLine {
    id: String,
    #[serde(default)]
    what: String,
    state: State,
    #[serde(default)]
    found: String,
    #[serde(default)]
    wanted: String,
    #[serde(default)]
    mend: String,
}

/// Reads what was printed into a file.
///
/// # Errors
/// [`VerifyError::Unreadable`] and [`VerifyError::NotVerify`].
pub fn read(path: &Path) -> Result<Verified, VerifyError> {
    let text = crate::host::read(path)
        .map_err(|source| VerifyError::Unreadable { path: path.to_owned(), source })?;
    parse(&text, &path.display().to_string())
}

/// Reads what was printed; `from` is what an error names.
///
/// # Errors
/// [`VerifyError::NotVerify`].
pub fn parse(text: &str, from: &str) -> Result<Verified, VerifyError> {
    let not = |reason: String| VerifyError::NotVerify { from: from.to_owned(), reason };
    let printed: Printed =
        serde_json::from_str(text).map_err(|error| not(printable(&error.to_string(), 200)))?;
    if printed.lines.len() > LINES_MAX {
        return Err(not(format!(
            "{} lines, and at most {LINES_MAX} are read",
            printed.lines.len()
        )));
    }
    let mut lines: Vec<Line> = printed.lines.into_iter().map(line).collect();
    if !printed.broken_off.is_empty() {
        lines.push(
            Line::new(Section::Plan, "broken off", "a run of provisioning").wanted("whole").wrong(
                printable(&printed.broken_off, TEXT_CHARS_MAX),
                "scripts/provision.sh apply",
            ),
        );
    }
    let notes = printed.notes.iter().map(|note| printable(note, TEXT_CHARS_MAX)).collect();
    Ok(Verified { lines, notes })
}

fn line(line: PrintedLine) -> Line {
    let text = |text: &str| printable(text, TEXT_CHARS_MAX);
    let what = if line.what.is_empty() { &line.id } else { &line.what };
    Line {
        section: Section::Plan,
        id: text(&line.id),
        what: text(what),
        state: line.state,
        found: text(&line.found),
        wanted: text(&line.wanted),
        mend: text(&line.mend),
    }
}

/// The status with which provisioning says that a plan cannot be.
const REFUSED: i32 = 2;

/// The line in place of all others where there are none.
pub fn missing(why: &str) -> Line {
    line_of_all().not_offered_but(
        printable(why, TEXT_CHARS_MAX),
        "peregrine doctor --provision PATH/scripts/provision.sh, or --verify FILE.json",
    )
}

/// The same where `program` was there and gave none. That a host no longer allows what was once
/// applied to it is a warning: a NIC may be gone.
pub fn failed(program: &Program, error: &VerifyError) -> Line {
    let refused = matches!(error, VerifyError::Failed { status: REFUSED, .. });
    match &program.config {
        Some(config) if refused => line_of_all().warn(
            printable(&error.to_string(), TEXT_CHARS_MAX),
            format!("scripts/provision.sh plan --config {}", config.display()),
        ),
        _ => missing(&error.to_string()),
    }
}

fn line_of_all() -> Line {
    Line::new(Section::Plan, "verify", "every setting against the plan")
        .wanted("scripts/provision.sh verify")
}

#[cfg(test)]
mod tests;
