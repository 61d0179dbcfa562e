//! An operator's line to a live venue or trader: a Unix socket, and `peregrine tell` at its other
//! end.
//!
//! Why it exists: halts, crosses and busts at a venue, limits, parameters and the kill switch of a
//! trader are decided by people while it runs. Commands are one JSON object a line; what comes of
//! each is sent back as JSON lines, closed by `{"event":"done"}`.
//!
//! How it reaches the lcore: the console's thread parses and formats; commands and answers cross
//! two rings, and a role takes at most one command a poll. A console that stops reading loses
//! answers, never the role's time.
//!
//! Whoever may open the socket may operate the role: it is made with mode 0600.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::cli::TellArgs;
use anyhow::{Context, Result, bail};

mod limits;
mod trader;
mod venue;

pub(crate) use trader::{TraderNames, for_trader};
pub(crate) use venue::for_venue;

/// Commands on their way.
const COMMANDS_MAX: usize = 64;
/// Answers on their way: a halt of every instrument is 16,384 of them.
const ANSWERS_MAX: usize = 1 << 15;
/// How long a role may take to answer a command.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How often the console looks for clients and answers.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// The longest line it reads, in bytes.
const LINE_MAX: u64 = 1 << 16;

/// What closes the answer to a command.
const DONE: &str = "{\"event\":\"done\"}\n";

/// A role's console: a thread and a socket. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct Console {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Console {
    /// Opens a console at `path` whose commands `attendant` carries out.
    fn open(path: &Path, mut attendant: impl Attendant) -> Result<Console> {
        let listener = listen(path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("console".into())
            .spawn(move || serve(&listener, &mut attendant, &seen))
            .context("starting the console's thread")?;
        Ok(Console { path: path.to_owned(), stop, thread: Some(thread) })
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

/// Makes the socket; one that a dead process left behind is taken over.
fn listen(path: &Path) -> Result<UnixListener> {
    let shown = path.display();
    if UnixStream::connect(path).is_ok() {
        bail!("control {shown}: another role listens there; give this one a path of its own");
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
fn serve(listener: &UnixListener, attendant: &mut impl Attendant, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            // A client that hangs up in the middle is its own trouble.
            Ok((stream, _)) => drop(attend(attendant, stream, stop)),
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

/// What a console's commands do: one line in, JSON lines out.
trait Attendant: Send + 'static {
    /// Carries out one command; what came of it, as JSON lines.
    fn carry_out(&mut self, line: &str, stop: &AtomicBool) -> String;
}

/// Serves one client until it hangs up.
fn attend(attendant: &mut impl Attendant, stream: UnixStream, stop: &AtomicBool) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut reader = BufReader::new(io::Read::take(stream.try_clone()?, LINE_MAX));
    let mut out = stream;
    let mut line = String::new();
    while !stop.load(Ordering::Relaxed) {
        match reader.read_line(&mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                let answer = attendant.carry_out(line.trim(), stop);
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

/// `peregrine tell`: sends commands to a role's console and prints what comes of them.
///
/// # Errors
/// Nobody listens at the socket, or it went away.
pub(crate) fn tell(args: &TellArgs) -> Result<ExitCode> {
    let shown = args.socket.display();
    let stream = UnixStream::connect(&args.socket).with_context(|| {
        format!("nobody listens at {shown}: is it running, with `control` set to this path?")
    })?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut refused = false;
    let typed: Vec<String> = match args.commands.is_empty() {
        true => io::stdin().lock().lines().collect::<Result<_, _>>()?,
        false => args.commands.clone(),
    };
    for command in typed.iter().filter(|line| !line.trim().is_empty()) {
        writeln!(&stream, "{}", command.trim()).context("the process has gone")?;
        loop {
            let mut line = String::new();
            if answers.read_line(&mut line).context("the process has gone")? == 0 {
                bail!("the process has gone before it answered");
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
