//! Does what a line asks for, and says what came of it.
//!
//! The prompt knows a run by [`Driven`] alone, so that tests drive it without ports.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use lcore::loopback::Mode;

use super::{Ask, Config, PortView, Which, help, parse};
use crate::loopback::stats::{DeviceStats, PortSnapshot, Snapshot};
use crate::loopback::tables::{self, ForwardFacts, PortFacts};
use crate::report::format::printable;

/// What is changed of how frames go, from the next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// What is done with a frame.
    Mode(Mode),
    /// Frames a burst.
    Burst(u16),
    /// Bytes of a frame that is made here.
    PacketBytes(u16),
    /// Frames a second that leave; none for all that go.
    Rate(Option<u64>),
    /// How many lcores forward.
    Lcores(u16),
    /// How much is said of the frames that come in.
    Verbose(u8),
}

/// As testpmd says that it is so.
impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Mode(mode) => write!(f, "Set {mode} packet forwarding mode"),
            Change::Burst(frames) => write!(f, "Number of packets per burst set to {frames}"),
            Change::PacketBytes(bytes) => write!(f, "Packet length set to {bytes}"),
            Change::Rate(None) => write!(f, "Rate set to as fast as it goes"),
            Change::Rate(Some(pps)) => write!(f, "Rate set to {pps} pps"),
            Change::Verbose(level) => write!(f, "Verbose level set to {level}"),
            Change::Lcores(lcores) => write!(f, "Number of forwarding cores set to {lcores}"),
        }
    }
}

/// What is done to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortChange {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Give it back for good.
    Close,
    /// Whether it takes frames for others.
    Promiscuous(bool),
    /// Let its device count from nothing.
    ClearStats,
    /// Let its driver count from nothing by its own names.
    ClearXstats,
}

impl PortChange {
    /// That it is so, as testpmd says it where testpmd does.
    fn done(self, port: u16) -> String {
        match self {
            PortChange::Start => format!("Port {port} is started\n"),
            PortChange::Stop => format!("Port {port} is stopped\n"),
            PortChange::Close => format!("Port {port} is closed\n"),
            PortChange::Promiscuous(true) => format!("Promiscuous mode of port {port} is on\n"),
            PortChange::Promiscuous(false) => format!("Promiscuous mode of port {port} is off\n"),
            PortChange::ClearStats => format!("\n  NIC statistics for port {port} cleared\n"),
            PortChange::ClearXstats => {
                format!("\n  NIC extended statistics for port {port} cleared\n")
            }
        }
    }
}

/// A run that commands drive. An error says in words why something cannot be done.
pub(crate) trait Driven {
    /// Why something cannot be done.
    type Error: Display;

    /// Everything that is known now.
    fn snapshot(&mut self) -> Snapshot;
    /// What does not change of a port; none when there is no such port.
    fn port_facts(&mut self, port: u16) -> Option<PortFacts>;
    /// How frames go.
    fn forward_facts(&self) -> ForwardFacts;
    /// Forwards, after so many bursts out of each transmit queue.
    ///
    /// # Errors
    /// It forwards already, or cannot.
    fn start(&mut self, tx_first: u64) -> Result<(), Self::Error>;
    /// Forwards no more.
    ///
    /// # Errors
    /// It does not forward, or a lcore does not come back.
    fn stop(&mut self) -> Result<(), Self::Error>;
    /// Changes how frames go.
    ///
    /// # Errors
    /// It forwards, or cannot be so.
    fn change(&mut self, change: Change) -> Result<(), Self::Error>;
    /// Changes a port.
    ///
    /// # Errors
    /// There is no such port, it forwards, or the device refuses.
    fn change_port(&mut self, port: u16, change: PortChange) -> Result<(), Self::Error>;
    /// Counts what is forwarded from nothing.
    fn clear_forward(&mut self);
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done; this is to be shown.
    Done(String),
    /// It was not, and this is why.
    Refused(String),
    /// The run is to end.
    Quit,
}

/// The prompt's memory between lines: what was shown last, for the rates since.
#[derive(Debug, Default)]
pub(crate) struct Console {
    ports_shown: BTreeMap<u16, (u64, DeviceStats)>,
    forward_shown: Snapshot,
}

impl Console {
    /// Does what a line asks for.
    pub(crate) fn obey<D: Driven>(&mut self, line: &str, run: &mut D) -> Outcome {
        let ask = match parse(line) {
            Ok(ask) => ask,
            // A word that is none may hold anything, and is repeated in what is said of it.
            Err(misread) => return Outcome::Refused(printable(&misread.to_string())),
        };
        let done = match ask {
            Ask::Quit => return Outcome::Quit,
            Ask::Nothing => Ok(String::new()),
            Ask::Help(topic) => Ok(help(topic)),
            Ask::Start { tx_first } => run.start(tx_first).map(|()| self.started(run)),
            Ask::Stop => run.stop().map(|()| self.forward(run)),
            Ask::ShowPort(view, which) => return self.show(view, which, run),
            Ask::ShowForward => Ok(self.forward(run)),
            Ask::ShowConfig(config) => Ok(configuration(config, run)),
            Ask::ShowEvents => Ok(tables::events(&run.snapshot())),
            Ask::ShowLatency => Ok(latency(&run.snapshot())),
            Ask::ClearForward => {
                run.clear_forward();
                self.forward_shown = Snapshot::default();
                Ok(String::new())
            }
            Ask::Change(change) => run.change(change).map(|()| format!("{change}\n")),
            Ask::ChangePort(change, which) => return self.change_ports(which, change, run),
        };
        done.map_or_else(|why| Outcome::Refused(format!("{why:#}")), Outcome::Done)
    }

    /// What `start` says: who forwards what.
    fn started<D: Driven>(&mut self, run: &mut D) -> String {
        self.forward_shown = Snapshot::default();
        tables::config_fwd(&run.snapshot(), &run.forward_facts())
    }

    /// What was forwarded, with the rates since this was shown last.
    fn forward<D: Driven>(&mut self, run: &mut D) -> String {
        let now = run.snapshot();
        let went_back = now.elapsed_ns < self.forward_shown.elapsed_ns;
        let since = if went_back { now.clone() } else { now.since(&self.forward_shown) };
        let text = tables::fwd_stats(&now, &since);
        self.forward_shown = now;
        text
    }

    fn show<D: Driven>(&mut self, view: PortView, which: Which, run: &mut D) -> Outcome {
        let now = run.snapshot();
        let ports = match chosen(&now, which) {
            Ok(ports) => ports,
            Err(why) => return Outcome::Refused(why),
        };
        let mut text = String::new();
        for port in ports {
            match view {
                PortView::Stats => text.push_str(&self.stats(port, now.elapsed_ns)),
                PortView::Xstats => text.push_str(&tables::port_xstats(port)),
                PortView::Info => {
                    let facts = run.port_facts(port.id).unwrap_or_default();
                    text.push_str(&tables::port_info(port, &facts));
                }
            }
        }
        Outcome::Done(text)
    }

    /// What a device counted, with the rates since it was shown last; at first there are none.
    fn stats(&mut self, port: &PortSnapshot, now_ns: u64) -> String {
        let before = self.ports_shown.insert(port.id, (now_ns, port.device));
        let (seconds, since) = match before {
            Some((then_ns, then)) => {
                (now_ns.saturating_sub(then_ns) as f64 / 1e9, port.device.since(&then))
            }
            None => (0.0, DeviceStats::default()),
        };
        tables::port_stats(port, &since, seconds)
    }

    /// Changes each port; the first that cannot be is told, and those behind it are let be.
    fn change_ports<D: Driven>(&mut self, which: Which, to: PortChange, run: &mut D) -> Outcome {
        let now = run.snapshot();
        let ports = match chosen(&now, which) {
            Ok(ports) => ports,
            Err(why) => return Outcome::Refused(why),
        };
        let mut text = String::new();
        for id in ports.iter().map(|port| port.id) {
            if let Err(why) = run.change_port(id, to) {
                return Outcome::Refused(format!("port {id}: {why:#}"));
            }
            if to == PortChange::ClearStats {
                self.ports_shown.remove(&id);
            }
            text.push_str(&to.done(id));
        }
        Outcome::Done(text)
    }
}

fn configuration<D: Driven>(config: Config, run: &mut D) -> String {
    let now = run.snapshot();
    match config {
        Config::Forward => tables::config_fwd(&now, &run.forward_facts()),
        Config::Cores => tables::config_cores(&now),
        Config::RxTx => {
            let facts = now.ports.iter().map(|p| (p.id, run.port_facts(p.id).unwrap_or_default()));
            let facts: Vec<(u16, PortFacts)> = facts.collect();
            tables::config_rxtx(&facts, &run.forward_facts())
        }
    }
}

fn latency(now: &Snapshot) -> String {
    match tables::latency(&now.latency) {
        none if none.is_empty() => format!("  the mode {} times nothing\n", now.mode),
        told => told,
    }
}

/// The ports that a command names, or why it names none.
fn chosen(now: &Snapshot, which: Which) -> Result<Vec<&PortSnapshot>, String> {
    let Which::One(id) = which else { return Ok(now.ports.iter().collect()) };
    let found = now.ports.iter().find(|port| port.id == id);
    found.map(|port| vec![port]).ok_or_else(|| match now.ports.as_slice() {
        [] => "there are no ports".to_owned(),
        [only] => format!("there is no port {id}, only port {}", only.id),
        [first, .., last] => format!("there is no port {id}, only {} to {}", first.id, last.id),
    })
}

#[cfg(test)]
mod tests;
