//! Where lines come from: a terminal, with editing, history and completion; or anything else, as it
//! comes, so that scripts can drive the prompt through a pipe.
//!
//! A thread of its own waits for input, so that links and streams are watched meanwhile. It reads
//! the next line only when the last one has been dealt with: what a command prints stands before
//! the next prompt. What a terminal was set to is put back when [`Lines`] goes, however it goes:
//! the thread may still be waiting for a key then.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Editor, Helper};

use super::{LINE_BYTES_MAX, completions};

/// What is shown where a command is typed.
const PROMPT: &str = "loopback> ";

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Text(String),
    /// There will be no more: the end of the file, or of the user's patience (Ctrl-C, Ctrl-D).
    End,
    /// Input failed.
    Failed(String),
}

/// Lines of standard input.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: Receiver<Line>,
    ready: Sender<()>,
    terminal: Option<Termios>,
}

impl Lines {
    /// Begins to read.
    ///
    /// # Errors
    /// No thread can be made.
    pub(crate) fn open() -> io::Result<Lines> {
        let stdin = io::stdin();
        let terminal = if stdin.is_terminal() { tcgetattr(&stdin).ok() } else { None };
        let (line, lines) = channel();
        let (ready, wanted) = channel();
        let edited = terminal.is_some();
        thread::Builder::new().name("prompt".to_owned()).spawn(move || match edited {
            true => edit(&wanted, &line),
            false => copy(io::stdin().lock(), &wanted, &line),
        })?;
        Ok(Lines { lines, ready, terminal })
    }

    /// Whether a person types them.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Asks for the next line; [`Lines::next`] has it in time.
    pub(crate) fn want(&self) {
        // Who has read to the end is not there any more to be asked.
        let _ = self.ready.send(());
    }

    /// The line that was asked for, if it comes within `patience`.
    pub(crate) fn next(&self, patience: Duration) -> Option<Line> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Line::End),
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(terminal) = &self.terminal {
            // A terminal that is gone needs nothing put back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, terminal);
        }
    }
}

/// Reads with an editor.
fn edit(wanted: &Receiver<()>, lines: &Sender<Line>) {
    let editor = Editor::with_history(rustyline::Config::default(), MemHistory::new());
    let mut editor = match editor {
        Ok(editor) => editor,
        Err(error) => {
            let _ = lines.send(Line::Failed(error.to_string()));
            return;
        }
    };
    editor.set_helper(Some(Commands));
    while wanted.recv().is_ok() {
        let line = match editor.readline(PROMPT) {
            Ok(text) => {
                // A history that cannot take it is full of better things.
                let _ = editor.add_history_entry(text.as_str());
                Line::Text(text)
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Line::End,
            Err(error) => Line::Failed(error.to_string()),
        };
        let last = !matches!(line, Line::Text(_));
        if lines.send(line).is_err() || last {
            return;
        }
    }
}

/// Reads as it comes.
fn copy(mut input: impl BufRead, wanted: &Receiver<()>, lines: &Sender<Line>) {
    while wanted.recv().is_ok() {
        let line = match read_line(&mut input) {
            Ok(Some(text)) => Line::Text(text),
            Ok(None) => Line::End,
            Err(error) => Line::Failed(error.to_string()),
        };
        let last = !matches!(line, Line::Text(_));
        if lines.send(line).is_err() || last {
            return;
        }
    }
}

/// One line; none at the end. Of one that is too long only as much is kept as shows that it is.
pub(super) fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    // The byte after the last that may be, and its line feed.
    let most = LINE_BYTES_MAX as u64 + 2;
    if input.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 == most && !bytes.ends_with(b"\n") {
        skip_line(input)?;
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned()))
}

/// Passes over what is left of a line, however long, without keeping it.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if ended {
            return Ok(());
        }
    }
}

/// Says something without a command: above the line that is being typed, if one is.
pub(crate) fn notice(text: &str) {
    let mut err = io::stderr().lock();
    let mark = if err.is_terminal() { "\r\u{1b}[K" } else { "" };
    // There is nowhere left to say that stderr is gone.
    let _ = writeln!(err, "{mark}peregrine: {text}");
}

/// What the editor asks of us: completion alone.
struct Commands;

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..at];
        let start = typed.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let words = completions(typed);
        Ok((start, words.into_iter().map(|word| format!("{word} ")).collect()))
    }
}

impl Hinter for Commands {
    type Hint = String;
}

impl Highlighter for Commands {}

impl Validator for Commands {}

impl Helper for Commands {}
