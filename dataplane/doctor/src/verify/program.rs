//! Provisioning as a child process.

use super::{Verified, VerifyError, parse};
use crate::host::printable;
use crate::{Stop, wait};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Where `scripts/provision.sh apply` leaves itself on a host.
const INSTALLED: &str = "/usr/local/lib/peregrine/provision.pyz";
/// The configuration that was applied.
const APPLIED: &str = "/etc/peregrine/host.toml";
/// More than `verify` prints on the largest host.
const SAID_BYTES_MAX: u64 = 4 << 20;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program that prints `verify --json`, and the host's configuration that it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `provision.sh`, `provision.pyz`, or the folder of its sources.
    pub path: PathBuf,
    /// `--config`.
    pub config: Option<PathBuf>,
}

impl Program {
    /// What there is here: the one that provisioning left on this host, with what was applied, or
    /// the script of the tree that `binary` was built in. The working directory is not looked at:
    /// anybody may have put something there.
    pub fn find(binary: Option<&Path>) -> Option<Program> {
        let installed = Path::new(INSTALLED);
        if installed.is_file() {
            let applied = PathBuf::from(APPLIED);
            return Some(Program {
                path: installed.to_owned(),
                config: applied.is_file().then_some(applied),
            });
        }
        // target/release/peregrine, or target/TRIPLE/release/peregrine.
        let tops = binary?.ancestors().skip(3).take(2);
        let scripts = tops.map(|top| top.join("scripts/provision.sh"));
        let path = scripts.into_iter().find(|script| script.is_file())?;
        Some(Program { path, config: None })
    }

    fn command(&self) -> Command {
        let is_python =
            self.path.is_dir() || self.path.extension().is_some_and(|e| e == "pyz" || e == "py");
        let mut command = if is_python {
            let mut python = Command::new("python3");
            python.arg(&self.path);
            python
        } else {
            Command::new(&self.path)
        };
        command.args(["verify", "--json"]);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
    }
}

/// Starts it and takes its lines.
///
/// # Errors
/// [`VerifyError`]: it does not start, refuses, does not end, or prints something else.
pub fn run(program: &Program, stop: Stop<'_>) -> Result<Verified, VerifyError> {
    let path = || program.path.clone();
    let mut command = program.command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|source| VerifyError::NotStarted { program: path(), source })?;
    // Read while it runs: a pipe that is full would hold it up.
    let said = [child.stdout.take().map(reader), child.stderr.take().map(reader)];
    let Some(status) = ended(&mut child, stop) else {
        let seconds = PATIENCE.as_secs();
        return Err(VerifyError::TooSlow { program: path(), seconds });
    };
    let [out, err] = said.map(|reader| reader.map(text).unwrap_or_default());
    match status.code() {
        // Fit, wrong, or a boot is needed: the lines say which.
        Some(0 | 1 | 3) if !out.trim().is_empty() => {
            parse(&out, &program.path.display().to_string())
        }
        code => {
            let last = err.trim().lines().last().unwrap_or("it said nothing");
            let said = printable(last, 300);
            Err(VerifyError::Failed { program: path(), status: code.unwrap_or(-1), said })
        }
    }
}

/// Waits for the end; `None` when it was ended here.
fn ended(child: &mut Child, stop: Stop<'_>) -> Option<ExitStatus> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && !stop() {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        wait(LOOK_EVERY, stop);
    }
    // Both fail only where it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn reader(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came until the pipe broke is all there is.
        let _ = pipe.take(SAID_BYTES_MAX).read_to_end(&mut bytes);
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}
