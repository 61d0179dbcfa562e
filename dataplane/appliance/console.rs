//! An operator's line to a live venue: a Unix socket, and `peregrine tell` at its other end.
//!
//! Why it exists: halts, crosses, bands, busts and transfers are decided by people while the venue
//! runs. The words are those of `peregrine match` (`docs/match.md`), one JSON object a line; what
//! comes of each is sent back as JSON lines, closed by `{"event":"done"}`.
//!
//! How it reaches the lcore: the console's thread parses and formats; commands and answers cross
//! two rings, and the venue takes at most one command a poll. A console that stops reading loses
//! answers (counted as `operator_events_lost`), never the venue's time.
//!
//! Whoever may open the socket may operate the venue: it is made with mode 0600.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lcore::venue::{OperatorLine, ToOperator};
use rtrb::{Consumer, Producer, RingBuffer};
use types::{EventSink, Operation};

use crate::cli::TellArgs;
use crate::script::{Lines, Names, Words};

/// Commands on their way.
const COMMANDS_MAX: usize = 64;
/// Answers on their way: a halt of every instrument is 16,384 of them.
const ANSWERS_MAX: usize = 1 << 15;
/// How long a venue may take to answer a command.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How often the console looks for clients and answers.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// The longest line it reads, in bytes.
const LINE_MAX: u64 = 1 << 16;

/// What closes the answer to a command.
const DONE: &str = "{\"event\":\"done\"}\n";

/// A venue's console: a thread and a socket. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct Console {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Console {
    /// Opens a console at `path` for a venue that knows these names, and gives the venue's end of
    /// the line.
    ///
    /// # Errors
    /// The socket cannot be made: another venue's lives there, or the folder does not.
    pub(crate) fn open(path: &Path, names: Names) -> Result<(Console, OperatorLine)> {
        let listener = listen(path)?;
        let (to_venue, commands) = RingBuffer::new(COMMANDS_MAX);
        let (answers, from_venue) = RingBuffer::new(ANSWERS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let desk = Desk { names, to_venue, from_venue };
        let thread = thread::Builder::new()
            .name("console".into())
            .spawn(move || serve(&listener, desk, &seen))
            .context("starting the console's thread")?;
        let console = Console { path: path.to_owned(), stop, thread: Some(thread) };
        Ok((console, OperatorLine { commands, answers }))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A console that panicked has nothing more to say.
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the socket; one that a dead venue left behind is taken over.
fn listen(path: &Path) -> Result<UnixListener> {
    let shown = path.display();
    if UnixStream::connect(path).is_ok() {
        bail!("control {shown}: another venue listens there; give this one a path of its own");
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("control {shown}"));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(|| format!("control {shown}"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("control {shown}"))?;
    listener.set_nonblocking(true).with_context(|| format!("control {shown}"))?;
    Ok(listener)
}

/// One client at a time, until it is time to stop.
fn serve(listener: &UnixListener, mut desk: Desk, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            // A client that hangs up in the middle is its own trouble.
            Ok((stream, _)) => drop(desk.attend(stream, stop)),
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

struct Desk {
    names: Names,
    to_venue: Producer<Operation>,
    from_venue: Consumer<ToOperator>,
}

impl Desk {
    fn attend(&mut self, stream: UnixStream, stop: &AtomicBool) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        let mut reader = BufReader::new(io::Read::take(stream.try_clone()?, LINE_MAX));
        let mut out = stream;
        let mut line = String::new();
        while !stop.load(Ordering::Relaxed) {
            match reader.read_line(&mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let answer = self.carry_out(line.trim(), stop);
                    out.write_all(answer.as_bytes())?;
                    out.write_all(DONE.as_bytes())?;
                    line.clear();
                    reader.get_mut().set_limit(LINE_MAX);
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// One command; what came of it as JSON lines.
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
        while self.from_venue.pop().is_ok() {}
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
            Ok(ToOperator::Event(event)) => lines.on_event(&event),
            Ok(ToOperator::Done) => return true,
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
    false
}

/// `peregrine tell`: sends commands to a venue's console and prints what comes of them.
///
/// # Errors
/// No venue listens at the socket, or it went away.
pub(crate) fn tell(args: &TellArgs) -> Result<ExitCode> {
    let shown = args.socket.display();
    let stream = UnixStream::connect(&args.socket).with_context(|| {
        format!("no venue listens at {shown}: is it running, with venue.control set to this path?")
    })?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut refused = false;
    let typed: Vec<String> = match args.commands.is_empty() {
        true => io::stdin().lock().lines().collect::<Result<_, _>>()?,
        false => args.commands.clone(),
    };
    for command in typed.iter().filter(|line| !line.trim().is_empty()) {
        writeln!(&stream, "{}", command.trim()).context("the venue has gone")?;
        loop {
            let mut line = String::new();
            if answers.read_line(&mut line).context("the venue has gone")? == 0 {
                bail!("the venue has gone before it answered");
            }
            if line == DONE {
                break;
            }
            refused |= line.starts_with("{\"event\":\"error\"")
                || line.starts_with("{\"event\":\"refused\"");
            crate::cli::print(&line)?;
        }
    }
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
