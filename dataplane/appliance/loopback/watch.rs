//! Bad days, seen from beside: wires that go down, devices that vanish, peers that stop reading,
//! rates that are not kept.
//!
//! The supervisor looks ten times a second, at what lcores count and what the driver and the kernel
//! say of a port; the lcores are not asked and do not notice. What it sees change is an [`Event`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dpdk::{Eal, PortId};
use lcore::loopback::{StreamCounter, StreamStats};

use super::stats::{Event, EventKind};

/// How often it looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a transmit queue is full, and takes nothing, before its peer is said to be stalled.
const STALLED_AFTER: Duration = Duration::from_millis(600);
/// Frames that a rate is behind before it is missed, in seconds of that rate.
const BEHIND_S: f64 = 0.2;
/// How long a rate is behind before it is missed: a lcore that was away for a moment makes up.
const BEHIND_AFTER: Duration = Duration::from_millis(500);

/// An interface of the kernel's that a device is on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interface {
    name: String,
    index: u32,
    folder: PathBuf,
}

/// What the kernel says of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KernelLink {
    Up,
    Down,
    /// There is none of this index any more, or another by this name.
    Gone,
}

impl Interface {
    /// The interface of this index, if it can be seen from here.
    fn find(index: u32, net: &str) -> Option<Interface> {
        let folders = std::fs::read_dir(net).ok()?.flatten().map(|entry| entry.path());
        let mut those = folders.filter(|folder| number(folder.join("ifindex")) == Some(index));
        let folder = those.next()?;
        let name = folder.file_name()?.to_string_lossy().into_owned();
        Some(Interface { name, index, folder })
    }

    fn look(&self) -> KernelLink {
        if number(self.folder.join("ifindex")) != Some(self.index) {
            return KernelLink::Gone;
        }
        // The carrier of an interface that is down cannot be read.
        match number(self.folder.join("carrier")) {
            Some(0) | None => KernelLink::Down,
            Some(_) => KernelLink::Up,
        }
    }
}

fn number(path: PathBuf) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A port that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    id: PortId,
    /// Its number in this run.
    number: u16,
    name: String,
    interface: Option<Interface>,
    /// Whether its wire is up, as it was seen last.
    pub(crate) up: bool,
    /// Whether it is gone for good.
    pub(crate) gone: bool,
    sending: Sending,
}

/// How it goes with what a port sends.
#[derive(Debug, Default)]
struct Sending {
    sent: u64,
    full: u64,
    /// Since when nothing was taken though something was offered.
    stuck_since: Option<Instant>,
    stalled: bool,
    behind_since: Option<Instant>,
    missed: bool,
}

/// A stream as the watch needs it.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// The place of the port it sends to.
    pub(crate) tx_port: usize,
    /// The lcore that polls it, where each poll counts.
    pub(crate) lcore: Option<usize>,
    /// What it counts.
    pub(crate) stats: Arc<StreamStats>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Watch {
    /// By place.
    pub(crate) ports: Vec<Watched>,
    /// By number.
    lcores: BTreeMap<usize, Polling>,
    looked: Option<Instant>,
}

/// How it goes with an lcore.
#[derive(Debug)]
struct Polling {
    polls: u64,
    since: Instant,
    stalled: bool,
}

impl Watch {
    /// Watches ports: EAL's numbers, names, and the kernel's index of their interfaces.
    pub(crate) fn new(ports: impl Iterator<Item = (PortId, String, Option<u32>)>) -> Watch {
        let watched = |(at, (id, name, index)): (usize, (PortId, String, Option<u32>))| Watched {
            id,
            number: at as u16,
            name,
            interface: index.and_then(|index| Interface::find(index, "/sys/class/net")),
            up: true,
            gone: false,
            sending: Sending::default(),
        };
        let ports = ports.enumerate().map(watched).collect();
        Watch { ports, lcores: BTreeMap::new(), looked: None }
    }

    /// Looks, if it is time to; gives what has changed. `rate_pps` is what each sender is to send.
    pub(crate) fn look(
        &mut self,
        eal: &Eal,
        senders: &[Sender],
        rate_pps: Option<f64>,
        at_ns: u64,
    ) -> Vec<Event> {
        let now = Instant::now();
        if self.looked.is_some_and(|then| now - then < LOOK_EVERY) {
            return Vec::new();
        }
        self.looked = Some(now);
        let mut events = Vec::new();
        for (place, port) in self.ports.iter_mut().enumerate().filter(|(_, port)| !port.gone) {
            let mut tell = |kind, text: String| {
                events.push(Event { at_ns, kind, port: Some(port.number), text });
            };
            let place_name = format!("port {} ({})", port.number, port.name);
            let link = eal.link(port.id).is_ok_and(|link| link.up);
            let kernel = port.interface.as_ref().map_or(KernelLink::Up, Interface::look);
            if kernel == KernelLink::Gone || eal.is_removed(port.id) {
                let interface = port.interface.as_ref().map(|i| i.name.as_str());
                tell(EventKind::PortGone, gone_text(&place_name, interface));
                (port.gone, port.up) = (true, false);
                continue;
            }
            let up = link && kernel == KernelLink::Up;
            if up != port.up {
                port.up = up;
                match up {
                    true => tell(EventKind::LinkUp, format!("{place_name}: its link is up again")),
                    false => tell(EventKind::LinkDown, format!("{place_name}: its link is down")),
                }
            }
            let mine: Vec<&Sender> = senders.iter().filter(|s| s.tx_port == place).collect();
            port.sending.look(now, up, &mine, rate_pps, |kind, text| {
                tell(kind, format!("{place_name}: {text}"));
            });
        }
        for (lcore, stalled_s) in self.look_at_lcores(now, senders) {
            let text = format!("lcore {lcore}: has not polled for {stalled_s:.1} s");
            events.push(Event { at_ns, kind: EventKind::LcoreStalled, port: None, text });
        }
        events
    }

    /// Lcores that have stopped polling since the last look, and for how long: something else runs
    /// on their CPU, or a driver does not return.
    fn look_at_lcores(&mut self, now: Instant, senders: &[Sender]) -> Vec<(usize, f64)> {
        let mut polls: BTreeMap<usize, u64> = BTreeMap::new();
        for sender in senders {
            let Some(lcore) = sender.lcore else { continue };
            // A stream that waits does not receive, but offers again.
            let offers = sender.stats.counters.get(StreamCounter::TxFull);
            *polls.entry(lcore).or_default() += sender.stats.rx_bursts.total() + offers;
        }
        let mut stalled = Vec::new();
        for (lcore, polls) in polls {
            let was =
                self.lcores.entry(lcore).or_insert(Polling { polls, since: now, stalled: false });
            if was.polls != polls {
                *was = Polling { polls, since: now, stalled: false };
            } else if !was.stalled && now - was.since >= STALLED_AFTER {
                was.stalled = true;
                stalled.push((lcore, (now - was.since).as_secs_f64()));
            }
        }
        stalled
    }

    /// What is still wrong, in words; nothing when all is well.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let trouble = |port: &Watched| {
            let what = match port {
                Watched { gone: true, .. } => "is gone",
                Watched { up: false, .. } => "has no link",
                Watched { sending: Sending { stalled: true, .. }, .. } => {
                    "sends to nobody who reads"
                }
                _ => return None,
            };
            Some(format!("port {} ({}) {what}", port.number, port.name))
        };
        self.ports.iter().filter_map(trouble).collect()
    }

    /// Forgets what the streams were like: there will be others.
    pub(crate) fn forget_streams(&mut self) {
        self.ports.iter_mut().for_each(|port| port.sending = Sending::default());
        self.lcores.clear();
    }
}

fn gone_text(place: &str, interface: Option<&str>) -> String {
    match interface {
        Some(interface) => format!("{place}: its interface {interface} is gone"),
        None => format!("{place}: the device is gone"),
    }
}

impl Sending {
    fn look(
        &mut self,
        now: Instant,
        up: bool,
        senders: &[&Sender],
        rate_pps: Option<f64>,
        mut tell: impl FnMut(EventKind, String),
    ) {
        let sum = |counter| senders.iter().map(|s| s.stats.counters.get(counter)).sum::<u64>();
        let sent = sum(StreamCounter::TxFrames);
        let full = sum(StreamCounter::TxFull);
        // A wire that is down takes nothing, and has been told of.
        let stuck = up && sent == self.sent && full > self.full;
        let moved = sent != self.sent;
        (self.sent, self.full) = (sent, full);
        self.stuck_since = stuck.then(|| self.stuck_since.unwrap_or(now));
        let long = self.stuck_since.is_some_and(|since| now - since >= STALLED_AFTER);
        if long && !self.stalled {
            self.stalled = true;
            tell(
                EventKind::PeerStalled,
                "its transmit queue is full: the peer reads nothing".into(),
            );
        } else if self.stalled && moved {
            self.stalled = false;
            tell(EventKind::PeerResumed, "the peer reads again".into());
        }
        let Some(rate) = rate_pps else { return };
        let behind = sum(StreamCounter::Behind) as f64;
        let asked = rate * senders.len() as f64;
        if behind <= asked * BEHIND_S {
            (self.behind_since, self.missed) = (None, false);
            return;
        }
        let since = *self.behind_since.get_or_insert(now);
        if !self.missed && now - since >= BEHIND_AFTER {
            self.missed = true;
            let text = format!(
                "{behind:.0} frames are due and not sent: {asked:.0} a second are more than go"
            );
            tell(EventKind::RateMissed, text);
        }
    }
}

#[cfg(test)]
mod tests;
