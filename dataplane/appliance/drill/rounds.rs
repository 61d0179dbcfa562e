//! The rounds of a drill: harm, what is heard, and everything as before.

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use super::Harm;
use super::files::Layout;
use super::process::{Process, Said};
use super::told::{Report, Round};

/// How long anything that must happen may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Trading between two rounds.
const BETWEEN: Duration = Duration::from_millis(500);
const DAY_NS: u64 = 86_400_000_000_000;
/// The room's number among the processes; nodes have their own.
const ROOM: usize = 0;
/// Probers in the room.
const PROBERS: usize = 2;

/// A cluster under load.
pub(super) struct Drill<'l> {
    layout: &'l Layout,
    harm: Harm,
    room: Process,
    /// By number less one; `None` while it is dead.
    nodes: Vec<Option<Process>>,
    heard: Receiver<Said>,
    tell: Sender<Said>,
    /// Who serves.
    leader: Option<usize>,
    /// Nodes whose state is being made anew.
    without_state: BTreeSet<usize>,
}

impl<'l> Drill<'l> {
    /// Starts the room, then the nodes, and waits until one of them serves.
    pub(super) fn start(layout: &'l Layout, harm: Harm) -> Result<Drill<'l>> {
        let (tell, heard) = channel();
        let room = Process::start(ROOM, &layout.room_file(), tell.clone())?;
        let mut drill = Drill {
            layout,
            harm,
            room,
            nodes: Vec::new(),
            heard,
            tell,
            leader: None,
            without_state: BTreeSet::new(),
        };
        drill.wait_for_sockets()?;
        for node in 1..=layout.nodes as usize {
            let process = drill.node(node)?;
            drill.nodes.push(Some(process));
        }
        drill.wait("a node that serves", |drill, said| drill.serving(said).is_some())?;
        drill.rest(BETWEEN * 2)?;
        Ok(drill)
    }

    fn node(&self, node: usize) -> Result<Process> {
        Process::start(node, &self.layout.node_file(node as u64), self.tell.clone())
    }

    fn wait_for_sockets(&mut self) -> Result<()> {
        let began = Instant::now();
        let all = |layout: &Layout| {
            let there = |node| layout.socket(node, "peers").exists();
            (1..=layout.nodes).all(there)
        };
        while !all(self.layout) {
            if self.room.ended().is_some() || began.elapsed() > PATIENCE {
                bail!("the room did not start: see {}", self.log(ROOM));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn log(&self, process: usize) -> String {
        let config = match process {
            ROOM => self.layout.room_file(),
            node => self.layout.node_file(node as u64),
        };
        config.with_extension("log").display().to_string()
    }

    /// Plays the rounds, ends everything in good order, and adds it up.
    pub(super) fn play(mut self, rounds: u32) -> Result<Report> {
        let mut report = Report::new(self.harm, self.layout.nodes);
        for _ in 0..rounds {
            report.rounds.push(self.round()?);
            self.rest(BETWEEN)?;
            // One failure at a time: two of three are no majority with one that has no state.
            while !self.without_state.is_empty() {
                self.wait("every node to have a state", |drill, said| {
                    drill.serving(said);
                    drill.without_state.is_empty()
                })?;
            }
        }
        self.room.signal(Signal::INT)?;
        self.room.wait()?;
        report.read_room(&self.layout.report_dir("room"))?;
        for process in self.nodes.iter().flatten() {
            process.signal(Signal::INT)?;
        }
        for node in 0..self.nodes.len() {
            if let Some(process) = &mut self.nodes[node] {
                process.wait()?;
            }
            report.read_node(&self.layout.report_dir(&format!("node{}", node + 1)))?;
        }
        Ok(report)
    }

    /// Takes the leader away, waits for the next, and gives the old one back.
    fn round(&mut self) -> Result<Round> {
        let old = self.leader.context("nobody serves")?;
        let began_ns = now_ns();
        let mut round = Round::new(began_ns, old);
        match (self.harm, self.nodes[old - 1].as_mut()) {
            (_, None) => bail!("node {old} is not running"),
            (Harm::Failover, Some(process)) => {
                process.kill()?;
                self.nodes[old - 1] = None;
            }
            (Harm::Pause, Some(process)) => process.signal(Signal::STOP)?,
            (Harm::Partition, Some(_)) => self.cable("cut", old)?,
        }
        self.leader = None;
        let mut answered = 0;
        self.wait("another node that serves, and an answer to each client", |drill, said| {
            round.note(said, old);
            drill.serving(said);
            answered += usize::from(ends_outage(said, began_ns));
            drill.leader.is_some_and(|leader| leader != old) && answered >= PROBERS
        })?;
        round.successor = self.leader.unwrap_or(0);
        match self.harm {
            Harm::Failover => {
                self.without_state.remove(&old);
                self.nodes[old - 1] = Some(self.node(old)?);
            }
            Harm::Pause => {
                let stopped = self.nodes[old - 1].as_ref().context("the stopped node")?;
                stopped.signal(Signal::CONT)?;
            }
            Harm::Partition => self.cable("mend", old)?,
        }
        self.wait("the old leader as a follower", |drill, said| {
            drill.serving(said);
            let what = &said.what;
            said.process == old && what["role"] == "follower" && what["leader"] != 0
        })?;
        Ok(round)
    }

    /// Takes a node's cable to the others out, or puts it in.
    fn cable(&self, verb: &str, node: usize) -> Result<()> {
        let socket = UnixDatagram::unbound()?;
        let command = format!("{verb} peers{node}");
        let sent = socket.send_to(command.as_bytes(), self.layout.switch_socket());
        sent.context("telling the room's switch").map(drop)
    }

    /// Notes who serves and who has no state, when that is what was said.
    fn serving(&mut self, said: &Said) -> Option<usize> {
        match said.what["state"].as_str() {
            Some("wanted") => _ = self.without_state.insert(said.process),
            Some(_) => _ = self.without_state.remove(&said.process),
            None => {}
        }
        match said.what["standing"].as_str()? {
            "serving" => self.leader = Some(said.process),
            _ if self.leader == Some(said.process) => self.leader = None,
            _ => {}
        }
        self.leader
    }

    /// Hears what is said until it is what was waited for.
    fn wait(&mut self, what: &str, mut is_it: impl FnMut(&mut Self, &Said) -> bool) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.heard.recv_timeout(Duration::from_millis(100)) {
                Ok(said) if is_it(self, &said) => return Ok(()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => bail!("nobody is left"),
            }
            self.all_alive()?;
            if Instant::now() > until {
                bail!("waited {PATIENCE:?} for {what}: see the logs beside {}", self.log(ROOM));
            }
        }
    }

    /// Lets them trade on.
    fn rest(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if let Ok(said) = self.heard.recv_timeout(left) {
                self.serving(&said);
            }
        }
        self.all_alive()
    }

    fn all_alive(&mut self) -> Result<()> {
        if let Some(status) = self.room.ended() {
            bail!("the room has ended ({status}): see {}", self.log(ROOM));
        }
        for at in 0..self.nodes.len() {
            if let Some(status) = self.nodes[at].as_mut().and_then(Process::ended) {
                bail!("node {} has ended ({status}): see {}", at + 1, self.log(at + 1));
            }
        }
        Ok(())
    }
}

/// Whether a client says that it has answers again after what was done at `began_ns`.
fn ends_outage(said: &Said, began_ns: u64) -> bool {
    said.what["to_ns"].as_u64().is_some_and(|to_ns| to_ns > began_ns)
        && said.what["outage_from_ns"].as_u64().is_some_and(|from_ns| {
            // The last answer may have been under way when the leader went.
            from_ns < began_ns + 5_000_000 || said.what["to_ns"].as_u64() > Some(began_ns)
        })
}

/// Nanoseconds since midnight, as the appliance stamps them.
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_nanos() % u128::from(DAY_NS)) as u64
}

/// A report that a process has left.
pub(super) fn read_report(dir: &Path) -> Result<Value> {
    let path = dir.join("report.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: a process left no report", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}
