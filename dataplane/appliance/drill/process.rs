//! A process of a drill: started, listened to, and signalled.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A line of JSON that a process said, and which process.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) process: usize,
    pub(super) what: Value,
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts this very program on a configuration. Its stderr goes to a file beside it, and lines
    /// of JSON of it to `heard`.
    pub(super) fn start(number: usize, config: &Path, heard: Sender<Said>) -> Result<Process> {
        let log = config.with_extension("log");
        let open = || OpenOptions::new().create(true).append(true).open(&log);
        let out: File = open().with_context(|| format!("opening {}", log.display()))?;
        let mut copy = open()?;
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .args(["run".as_ref(), config.as_os_str()])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting a process on {}", config.display()))?;
        let stderr = child.stderr.take().context("its stderr")?;
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // A log that cannot be written is missed by nobody but a reader.
                let _ = writeln!(copy, "{line}");
                if let Ok(what) = serde_json::from_str::<Value>(&line)
                    && what.is_object()
                    && heard.send(Said { process: number, what }).is_err()
                {
                    return;
                }
            }
        });
        Ok(Process { child })
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process number")?, signal).context("sending a signal")
    }

    /// Kills it at once, and waits until it is gone.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill().context("killing a process")?;
        self.child.wait().context("waiting for a process")?;
        Ok(())
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("waiting for a process")
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
