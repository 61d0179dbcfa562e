//! The Python peers as a test drives them: one command in, events out, one JSON object a line each.

// Each test binary uses its own part of this, and reaches it by its private module.
#![allow(dead_code, unreachable_pub)]

use crate::common::{self, netns::Cable};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than any answer takes, even on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program of `tests/peers`, to be run inside the cable's namespace.
pub fn command(cable: &Cable, program: &str) -> Command {
    let path = common::repo_root().join("tests/peers").join(program);
    let mut command = cable.command("python3");
    command.arg(path);
    command
}

/// A running peer; killed with the value, as a client that crashes is.
pub struct Peer {
    child: Child,
    events: Receiver<Value>,
    /// Messages that came while something else was waited for.
    early: Vec<Value>,
}

impl Peer {
    /// Starts a peer.
    pub fn start(command: &mut Command) -> Peer {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the peer starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let (tx, events) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tx.send(event).is_err() {
                    return;
                }
            }
        });
        Peer { child, events, early: Vec::new() }
    }

    /// Logs in as `user` from the message `sequence`; its first order will be `user_ref_num`.
    pub fn login(cable: &Cable, venue: (&str, u16), user: &str, from: (u64, u32)) -> Peer {
        let mut peer = Peer::connect(cable, venue, (user, &password(user)), from);
        peer.until("login_accepted");
        peer
    }

    /// As [`Peer::login`] with any password, and without waiting for the answer.
    pub fn connect(
        cable: &Cable,
        (host, port): (&str, u16),
        (user, password): (&str, &str),
        (sequence, user_ref_num): (u64, u32),
    ) -> Peer {
        let mut program = command(cable, "soup_ouch.py");
        program.args(["--host", host, "--port", &port.to_string(), "--user", user]);
        program.args(["--password", password, "--sequence", &sequence.to_string()]);
        program.args(["--user-ref-num", &user_ref_num.to_string(), "--timeout", "100"]);
        Peer::start(&mut program)
    }

    /// Gives a command, as `soup_ouch.py` reads it.
    pub fn tell(&mut self, command: Value) {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input, "{command}").expect("the peer takes commands");
    }

    /// Gives a command that is a word.
    pub fn say(&mut self, word: &str) {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input, "{word}").expect("the peer takes commands");
    }

    /// The next event of this name; messages that come before it are kept for [`Peer::hear`].
    pub fn until(&mut self, name: &str) -> Value {
        loop {
            let event = self.next();
            if event["event"] == name {
                return event;
            }
            assert!(event["event"] != "summary", "waited for {name}, and it ended: {event}");
            if event["event"] == "message" {
                self.early.push(event);
            }
        }
    }

    /// The next message of this type.
    pub fn hear(&mut self, kind: &str) -> Value {
        self.tell(serde_json::json!({"do": "wait", "type": kind}));
        let at = self.early.iter().position(|message| message["type"] == kind);
        let mut message = match at {
            Some(at) => return self.early.remove(at),
            None => self.until("message"),
        };
        while message["type"] != kind {
            self.early.push(message);
            message = self.until("message");
        }
        message
    }

    /// Gives a command and returns the message that answers it.
    pub fn ask(&mut self, command: Value, kind: &str) -> Value {
        self.tell(command);
        self.hear(kind)
    }

    /// Messages that were heard and that no one asked for.
    pub fn early(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.early)
    }

    /// No more commands; its summary, once it has ended.
    pub fn finish(mut self) -> Value {
        drop(self.child.stdin.take());
        loop {
            let event = self.next();
            match event["event"].as_str() {
                Some("summary") => return event,
                Some("message") => self.early.push(event),
                _ => {}
            }
        }
    }

    /// Its summary, once it has ended by itself.
    pub fn until_the_end(&mut self) -> Value {
        loop {
            let event = self.next();
            if event["event"] == "summary" {
                return event;
            }
        }
    }

    /// The next event, whatever it is.
    pub fn next(&mut self) -> Value {
        self.events.recv_timeout(PATIENCE).expect("an event from the peer")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail when it is gone already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An account's password in `tests/data/kernel-venue.toml`.
fn password(user: &str) -> String {
    format!("{}-pass", user.to_lowercase())
}
