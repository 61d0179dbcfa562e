//! What a loopback run counted, as plain data: the one source of tables, JSON and the live view.
//!
//! A [`Snapshot`] is taken by the supervisor, at most a few times a second, from counters that the
//! lcores write. Counts only grow between two snapshots of one run, so the difference of two is
//! what happened between them ([`Snapshot::since`]) and [`Rates`] follow from it.
//!
//! Names of fields are the JSON's, and docs/loopback.md promises them: a rename breaks readers.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Bits of a byte, for rates.
const BITS: f64 = 8.0;
/// Kept of what happened; the oldest go first, `events_forgotten` counts them.
pub(crate) const EVENTS_MAX: usize = 64;

/// Names with counts, in the order they were given; an object in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named(pub(crate) Vec<(String, u64)>);

impl Named {
    /// The count of this name; 0 when there is none.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count)
    }

    /// All counts together.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Those that are not zero.
    pub(crate) fn nonzero(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.as_str(), *count))
    }

    /// Adds another's counts; names that are new come last.
    pub(crate) fn add(&mut self, other: &Named) {
        for (name, count) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += count,
                None => self.0.push((name.clone(), *count)),
            }
        }
    }

    fn since(&self, earlier: &Named) -> Named {
        let grown =
            |(name, count): &(String, u64)| (name.clone(), count.saturating_sub(earlier.get(name)));
        Named(self.0.iter().map(grown).collect())
    }
}

impl<S: Into<String>> FromIterator<(S, u64)> for Named {
    fn from_iter<I: IntoIterator<Item = (S, u64)>>(counts: I) -> Self {
        Named(counts.into_iter().map(|(name, count)| (name.into(), count)).collect())
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, count) in &self.0 {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}

/// What a device counted, as DPDK tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DeviceStats {
    /// Frames received.
    pub(crate) rx_packets: u64,
    /// Frames sent.
    pub(crate) tx_packets: u64,
    /// Bytes received.
    pub(crate) rx_bytes: u64,
    /// Bytes sent.
    pub(crate) tx_bytes: u64,
    /// Frames lost because the receive queue was full.
    pub(crate) rx_missed: u64,
    /// Frames received in error.
    pub(crate) rx_errors: u64,
    /// Frames that the device failed to send.
    pub(crate) tx_errors: u64,
    /// Times the pool had no mbuf for a frame that came in.
    pub(crate) rx_no_mbuf: u64,
}

impl From<dpdk::PortStats> for DeviceStats {
    fn from(s: dpdk::PortStats) -> Self {
        DeviceStats {
            rx_packets: s.rx_packets,
            tx_packets: s.tx_packets,
            rx_bytes: s.rx_bytes,
            tx_bytes: s.tx_bytes,
            rx_missed: s.rx_missed,
            rx_errors: s.rx_errors,
            tx_errors: s.tx_errors,
            rx_no_mbuf: s.rx_no_mbuf,
        }
    }
}

impl DeviceStats {
    /// What came since an earlier look; nothing, should it count from nothing again.
    pub(crate) fn since(&self, earlier: &DeviceStats) -> DeviceStats {
        DeviceStats {
            rx_packets: self.rx_packets.saturating_sub(earlier.rx_packets),
            tx_packets: self.tx_packets.saturating_sub(earlier.tx_packets),
            rx_bytes: self.rx_bytes.saturating_sub(earlier.rx_bytes),
            tx_bytes: self.tx_bytes.saturating_sub(earlier.tx_bytes),
            rx_missed: self.rx_missed.saturating_sub(earlier.rx_missed),
            rx_errors: self.rx_errors.saturating_sub(earlier.rx_errors),
            tx_errors: self.tx_errors.saturating_sub(earlier.tx_errors),
            rx_no_mbuf: self.rx_no_mbuf.saturating_sub(earlier.rx_no_mbuf),
        }
    }
}

/// A port, what its wire is like, and what its device counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct PortSnapshot {
    /// Its number in this run, which the prompt's commands name.
    pub(crate) id: u16,
    /// As EAL names the device.
    pub(crate) name: String,
    /// The poll-mode driver.
    pub(crate) driver: String,
    /// Whether it has been started and not stopped, closed or lost.
    pub(crate) started: bool,
    /// Whether its wire is up.
    pub(crate) link_up: bool,
    /// Mbit/s; null where the driver does not know.
    pub(crate) speed_mbps: Option<u32>,
    /// What the device counted.
    pub(crate) device: DeviceStats,
    /// What it counted besides, by the driver's own names.
    pub(crate) xstats: Named,
}

/// A queue of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct PortQueue {
    /// The port's number in this run.
    pub(crate) port: u16,
    /// The queue's number in the port.
    pub(crate) queue: u16,
}

/// What one lcore did between a receive queue and a transmit queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct StreamSnapshot {
    /// The number of the forwarding lcore, from 0.
    pub(crate) lcore: u16,
    /// The CPU that it runs on.
    pub(crate) cpu: u32,
    /// Where frames come from; null in a mode that makes them.
    pub(crate) rx: Option<PortQueue>,
    /// Where frames go; null in a mode that ends them.
    pub(crate) tx: Option<PortQueue>,
    /// Frames taken from the receive queue.
    pub(crate) rx_packets: u64,
    /// Frames that the transmit queue took.
    pub(crate) tx_packets: u64,
    /// Frames that came in, or were made, and were lost, by cause.
    pub(crate) drops: Named,
    /// What the stream counted besides, such as wrong checksums, or times that a queue was full.
    pub(crate) notes: Named,
    /// Frames that are due and not out yet, by why: now, not since the start.
    pub(crate) waiting: Named,
    /// How many bursts were received with so many frames: pairs of size and count, sizes that did
    /// not occur left out.
    pub(crate) rx_bursts: Vec<(u16, u64)>,
    /// The same of bursts that were sent.
    pub(crate) tx_bursts: Vec<(u16, u64)>,
}

impl StreamSnapshot {
    fn since(&self, earlier: &StreamSnapshot) -> StreamSnapshot {
        StreamSnapshot {
            rx_packets: self.rx_packets.saturating_sub(earlier.rx_packets),
            tx_packets: self.tx_packets.saturating_sub(earlier.tx_packets),
            drops: self.drops.since(&earlier.drops),
            notes: self.notes.since(&earlier.notes),
            waiting: self.waiting.clone(),
            rx_bursts: bursts_since(&self.rx_bursts, &earlier.rx_bursts),
            tx_bursts: bursts_since(&self.tx_bursts, &earlier.tx_bursts),
            ..*self
        }
    }
}

fn bursts_since(now: &[(u16, u64)], earlier: &[(u16, u64)]) -> Vec<(u16, u64)> {
    let before =
        |size: u16| earlier.iter().find(|(known, _)| *known == size).map_or(0, |(_, count)| *count);
    let grown = now.iter().map(|(size, count)| (*size, count.saturating_sub(before(*size))));
    grown.filter(|(_, count)| *count > 0).collect()
}

/// A distribution of times, told by its quantiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LatencySnapshot {
    /// What was timed.
    pub(crate) name: String,
    /// How many times.
    pub(crate) count: u64,
    /// The least, in nanoseconds.
    pub(crate) min_ns: u64,
    /// Half took at most so long.
    pub(crate) p50_ns: u64,
    /// 90 % took at most so long.
    pub(crate) p90_ns: u64,
    /// 99 %.
    pub(crate) p99_ns: u64,
    /// 99.9 %.
    pub(crate) p99_9_ns: u64,
    /// 99.99 %.
    pub(crate) p99_99_ns: u64,
    /// The most.
    pub(crate) max_ns: u64,
}

impl LatencySnapshot {
    /// From a histogram that one thread writes. Allocates: for readers.
    pub(crate) fn of(name: &str, histogram: &telemetry::Histogram) -> LatencySnapshot {
        let hdr = histogram.snapshot();
        let at = |quantile: f64| hdr.value_at_quantile(quantile);
        LatencySnapshot {
            name: name.to_owned(),
            count: hdr.len(),
            min_ns: histogram.buckets().next().map_or(0, |bucket| bucket.low_ns),
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p99_9_ns: at(0.999),
            p99_99_ns: at(0.9999),
            max_ns: histogram.max_ns(),
        }
    }

    /// The quantiles with their names, from the least to the most.
    pub(crate) fn quantiles(&self) -> [(&'static str, u64); 7] {
        [
            ("min", self.min_ns),
            ("p50", self.p50_ns),
            ("p90", self.p90_ns),
            ("p99", self.p99_ns),
            ("p99.9", self.p99_9_ns),
            ("p99.99", self.p99_99_ns),
            ("max", self.max_ns),
        ]
    }
}

/// Kinds of things that happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// A wire went down.
    LinkDown,
    /// A wire came up again.
    LinkUp,
    /// A device does not answer any more.
    PortGone,
    /// Frames wait, and the other end takes none.
    PeerStalled,
    /// The other end takes frames again.
    PeerResumed,
    /// Fewer frames left than were to.
    RateMissed,
    /// A lcore did not poll for long.
    LcoreStalled,
}

impl EventKind {
    /// Whether things are better after it.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, EventKind::LinkUp | EventKind::PeerResumed)
    }
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    /// When, since forwarding was first started.
    pub(crate) at_ns: u64,
    /// What.
    pub(crate) kind: EventKind,
    /// To which port, by its number in this run; null when to none.
    pub(crate) port: Option<u16>,
    /// In words.
    pub(crate) text: String,
}

/// Everything that is known at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Snapshot {
    /// Time spent forwarding.
    pub(crate) elapsed_ns: u64,
    /// The forward mode's name.
    pub(crate) mode: String,
    /// Whether it forwards now.
    pub(crate) forwarding: bool,
    /// The ports, in the order of their numbers.
    pub(crate) ports: Vec<PortSnapshot>,
    /// The streams, by lcore.
    pub(crate) streams: Vec<StreamSnapshot>,
    /// Times, in a mode that takes any.
    pub(crate) latency: Vec<LatencySnapshot>,
    /// What happened, the oldest first; at most [`EVENTS_MAX`].
    pub(crate) events: Vec<Event>,
    /// Events that are no longer kept.
    pub(crate) events_forgotten: u64,
}

/// Sums over streams and devices: all of them, or those of one port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Frames that streams received.
    pub(crate) rx_packets: u64,
    /// Frames that streams sent.
    pub(crate) tx_packets: u64,
    /// Bytes received, as devices count them; some do not.
    pub(crate) rx_bytes: u64,
    /// Bytes sent, as devices count them; some do not.
    pub(crate) tx_bytes: u64,
    /// Frames that streams lost.
    pub(crate) dropped: u64,
    /// The same, by cause.
    pub(crate) drops: Named,
    /// Frames that devices lost before a stream could have them.
    pub(crate) rx_missed: u64,
    /// Frames that streams handed over and devices failed to send.
    pub(crate) tx_errors: u64,
}

/// Totals over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rates {
    /// The time they were taken over, in seconds.
    pub(crate) seconds: f64,
    /// Frames received a second.
    pub(crate) rx_pps: f64,
    /// Frames sent a second.
    pub(crate) tx_pps: f64,
    /// Bits received a second.
    pub(crate) rx_bps: f64,
    /// Bits sent a second.
    pub(crate) tx_bps: f64,
    /// Frames lost a second, by us and by devices.
    pub(crate) lost_pps: f64,
}

impl Snapshot {
    /// What happened since an earlier snapshot of the same run. What is not a count is as it is
    /// now; ports and streams that were not there count from nothing.
    pub(crate) fn since(&self, earlier: &Snapshot) -> Snapshot {
        let ports = self.ports.iter().map(|port| {
            let before = earlier.ports.iter().find(|p| p.id == port.id);
            let mut grown = port.clone();
            if let Some(before) = before {
                grown.device = port.device.since(&before.device);
                grown.xstats = port.xstats.since(&before.xstats);
            }
            grown
        });
        let streams = self.streams.iter().map(|stream| {
            let same = |s: &&StreamSnapshot| (s.rx, s.tx) == (stream.rx, stream.tx);
            earlier.streams.iter().find(same).map_or(stream.clone(), |s| stream.since(s))
        });
        let known = earlier.events.len() as u64 + earlier.events_forgotten;
        let forgotten = usize::try_from(known.saturating_sub(self.events_forgotten));
        Snapshot {
            elapsed_ns: self.elapsed_ns.saturating_sub(earlier.elapsed_ns),
            mode: self.mode.clone(),
            forwarding: self.forwarding,
            ports: ports.collect(),
            streams: streams.collect(),
            latency: self.latency.clone(),
            events: self.events.iter().skip(forgotten.unwrap_or(0)).cloned().collect(),
            events_forgotten: 0,
        }
    }

    /// All streams together.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for stream in &self.streams {
            totals.receive(stream);
            totals.send(stream);
        }
        self.ports.iter().for_each(|port| totals.device(port));
        totals
    }

    /// What was received from a port, and sent to it: frames that were lost count where they were
    /// to go, or where they came from when they had nowhere to go.
    pub(crate) fn port_totals(&self, port: u16) -> Totals {
        let mut totals = Totals::default();
        let of = |queue: Option<PortQueue>| queue.is_some_and(|queue| queue.port == port);
        for stream in &self.streams {
            if of(stream.rx) {
                totals.receive(stream);
            }
            if of(stream.tx.or(stream.rx)) {
                totals.send(stream);
            }
        }
        self.ports.iter().filter(|p| p.id == port).for_each(|port| totals.device(port));
        totals
    }

    /// Rates of all streams over the whole time; of [`Snapshot::since`], over the time between.
    pub(crate) fn rates(&self) -> Rates {
        Rates::of(&self.totals(), self.elapsed_ns)
    }

    /// The same of one port.
    pub(crate) fn port_rates(&self, port: u16) -> Rates {
        Rates::of(&self.port_totals(port), self.elapsed_ns)
    }
}

impl Totals {
    fn receive(&mut self, stream: &StreamSnapshot) {
        self.rx_packets += stream.rx_packets;
    }

    fn send(&mut self, stream: &StreamSnapshot) {
        self.tx_packets += stream.tx_packets;
        self.dropped += stream.drops.sum();
        self.drops.add(&stream.drops);
    }

    fn device(&mut self, port: &PortSnapshot) {
        self.rx_bytes += port.device.rx_bytes;
        self.tx_bytes += port.device.tx_bytes;
        self.rx_missed += port.device.rx_missed;
        self.tx_errors += port.device.tx_errors;
    }

    /// Everything that was lost, wherever.
    pub(crate) fn lost(&self) -> u64 {
        self.dropped + self.rx_missed + self.tx_errors
    }
}

impl Rates {
    /// Nothing when no time has passed.
    pub(crate) fn of(totals: &Totals, elapsed_ns: u64) -> Rates {
        let seconds = elapsed_ns as f64 / 1e9;
        let rate = |n: u64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
        Rates {
            seconds,
            rx_pps: rate(totals.rx_packets),
            tx_pps: rate(totals.tx_packets),
            rx_bps: rate(totals.rx_bytes) * BITS,
            tx_bps: rate(totals.tx_bytes) * BITS,
            lost_pps: rate(totals.lost()),
        }
    }
}

#[cfg(test)]
mod tests;
