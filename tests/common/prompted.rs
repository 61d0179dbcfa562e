//! A program with testpmd's prompt, driven line by line: `peregrine loopback -i`, or dpdk-testpmd
//! itself.

// Each test binary uses its own part of this, and reaches it by its private module.
#![allow(dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longer than any answer takes, even on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);
/// Both answer this command, and with a line that nothing else begins with.
const MARK: &str = "show config cores";
/// The beginning of that line.
const MARKED: &str = "List of forwarding";

/// Frames that a device or a port's streams counted, by testpmd's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Frames received.
    pub rx: u64,
    /// Frames sent.
    pub tx: u64,
    /// Frames lost on the way in.
    pub rx_lost: u64,
    /// Frames lost on the way out.
    pub tx_lost: u64,
}

/// A running program; killed with the value.
pub struct Prompted {
    child: Child,
    lines: Receiver<String>,
}

impl Prompted {
    /// Starts a program and waits until it answers.
    pub fn start(command: &mut Command) -> Prompted {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let (tx, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        let mut prompted = Prompted { child, lines };
        prompted.ask(&[]);
        prompted
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives a command, and does not wait.
    pub fn tell(&mut self, command: &str) {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input, "{command}").expect("it takes commands");
    }

    /// Gives commands, and returns all that was printed until the last had been done.
    pub fn ask(&mut self, commands: &[&str]) -> String {
        commands.iter().for_each(|command| self.tell(command));
        self.tell(MARK);
        let mut text = String::new();
        let until = Instant::now() + PATIENCE;
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(wait) {
                Ok(line) if line.contains(MARKED) => return text,
                Ok(line) => text.push_str(&(line + "\n")),
                Err(RecvTimeoutError::Timeout) => panic!("no answer to {commands:?}: {text}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended at {commands:?}: {text}"),
            }
        }
    }

    /// What its first port's device counted.
    pub fn device(&mut self) -> Counted {
        let text = self.ask(&["show port stats 0"]);
        let table = text.split("NIC statistics for port 0").nth(1);
        let table = table.unwrap_or_else(|| panic!("no table in: {text}"));
        Counted {
            rx: number(table, "RX-packets:"),
            tx: number(table, "TX-packets:"),
            rx_lost: number(table, "RX-missed:") + number(table, "RX-errors:"),
            tx_lost: number(table, "TX-errors:"),
        }
    }

    /// Stops forwarding; what was forwarded through its first port since the start.
    pub fn stop(&mut self) -> Counted {
        forwarded(&self.ask(&["stop"]))
    }

    /// Ends it; how it ended, and what it printed last.
    pub fn quit(mut self) -> (ExitStatus, String) {
        self.tell("quit");
        let mut text = String::new();
        let until = Instant::now() + PATIENCE;
        while let Ok(line) =
            self.lines.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            text.push_str(&(line + "\n"));
        }
        (self.child.wait().expect("its status"), text)
    }
}

impl Drop for Prompted {
    fn drop(&mut self) {
        // Both fail when it is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a table of forward statistics says of port 0.
pub fn forwarded(text: &str) -> Counted {
    let table = text.split("Forward statistics for port 0").nth(1);
    let table = table.unwrap_or_else(|| panic!("no table in: {text}"));
    Counted {
        rx: number(table, "RX-packets:"),
        tx: number(table, "TX-packets:"),
        rx_lost: number(table, "RX-dropped:"),
        tx_lost: number(table, "TX-dropped:"),
    }
}

/// The number behind the first `label`.
fn number(text: &str, label: &str) -> u64 {
    let rest = text.split(label).nth(1).unwrap_or_else(|| panic!("no {label} in: {text}"));
    let word = rest.split_whitespace().next().unwrap_or_default();
    word.parse().unwrap_or_else(|error| panic!("{label} {word}: {error}"))
}
