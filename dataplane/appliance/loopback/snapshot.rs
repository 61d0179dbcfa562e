//! What a session knows, as the plain data that tables, JSON and the live view are made of.

use dpdk::{Link, SocketId};
use lcore::loopback::{BurstSpread, DROPS, Mode, StreamCounter};
use telemetry::Key;

use super::ports::Slot;
use super::session::{Session, View};
use super::stats::{
    DeviceStats, LatencySnapshot, Named, PortQueue, PortSnapshot, Snapshot, StreamSnapshot,
};
use super::tables::{ForwardFacts, PortFacts};

/// Counters that have a place of their own in a snapshot.
const OWN: &[StreamCounter] = &[StreamCounter::RxFrames, StreamCounter::TxFrames];
/// Counters that are how much waits now, not how much there was.
const GAUGES: &[StreamCounter] = &[StreamCounter::Behind, StreamCounter::Waiting];

impl<'e> Session<'_, 'e> {
    /// Everything that is known now.
    pub(crate) fn everything(&self) -> Snapshot {
        let ports = self.slots.iter().enumerate();
        Snapshot {
            elapsed_ns: self.elapsed().as_nanos() as u64,
            mode: self.mode.name().to_owned(),
            forwarding: self.is_forwarding(),
            ports: ports.map(|(at, slot)| self.port(at, slot)).collect(),
            streams: self.views.iter().map(|view| self.stream_of(view)).collect(),
            latency: self.latency(),
            events: self.events.clone(),
            events_forgotten: self.events_forgotten,
        }
    }

    /// The same, with streams counting from where their counts were cleared.
    pub(crate) fn everything_but_cleared(&self) -> Snapshot {
        let all = self.everything();
        let streams = all.since(&self.base).streams;
        Snapshot { streams, ..all }
    }

    /// What happened since forwarding was last started, or its counts cleared; of events, all.
    pub(crate) fn forwarded(&self) -> Snapshot {
        let all = self.everything();
        let since = all.since(&self.base);
        let Snapshot { events, events_forgotten, .. } = all;
        Snapshot { events, events_forgotten, ..since }
    }

    fn port(&self, at: usize, slot: &Slot<'e>) -> PortSnapshot {
        let watched = &self.watch.ports[at];
        let open = slot.is_open() && !watched.gone;
        let link = Link { up: false, full_duplex: false, speed_mbps: None };
        let link = if open { self.eal.link(slot.id).unwrap_or(link) } else { link };
        let stats = if open { self.eal.stats(slot.id).unwrap_or_default() } else { <_>::default() };
        let xstats = if open { self.eal.xstats(slot.id).unwrap_or_default() } else { Vec::new() };
        PortSnapshot {
            id: at as u16,
            name: slot.info.name.clone(),
            driver: slot.info.driver.clone(),
            started: slot.is_started() && !watched.gone,
            link_up: link.up && watched.up,
            speed_mbps: link.speed_mbps,
            device: DeviceStats::from(stats),
            xstats: xstats.into_iter().map(|stat| (stat.name, stat.value)).collect(),
        }
    }

    fn stream_of(&self, view: &View) -> StreamSnapshot {
        let counters = &view.stats.counters;
        let answers = view.stats.answers.iter().map(|(counter, count)| (counter.name(), count));
        let answers = (self.mode == Mode::Soup).then(|| answers.collect::<Named>());
        let named = |keep: &dyn Fn(StreamCounter) -> bool| -> Named {
            let kept = StreamCounter::ALL.iter().filter(|counter| keep(**counter));
            // A list of drops need not say so again.
            let name = |counter: &StreamCounter| counter.name().trim_start_matches("drop_");
            kept.map(|counter| (name(counter), counters.get(*counter))).collect()
        };
        let trips = &view.stats.trips;
        let trips = self.mode.times_trips().then(|| {
            let counted = trips.counters.iter().map(|(counter, count)| (counter.name(), count));
            counted.chain([("trips_lost", trips.lost())]).collect::<Named>()
        });
        let noted = |c: StreamCounter| !OWN.contains(&c) && !GAUGES.contains(&c);
        let mut notes = named(&|counter| noted(counter) && !DROPS.contains(&counter));
        trips.iter().chain(&answers).for_each(|counts| notes.add(counts));
        let queue = |port: usize| Some(PortQueue { port: port as u16, queue: view.way.queue });
        StreamSnapshot {
            lcore: view.lcore as u16,
            cpu: view.cpu as u32,
            rx: if self.mode.receives() { queue(view.way.rx_port) } else { None },
            tx: if self.mode.sends() { queue(view.way.tx_port) } else { None },
            rx_packets: counters.get(StreamCounter::RxFrames),
            tx_packets: counters.get(StreamCounter::TxFrames),
            drops: named(&|counter| DROPS.contains(&counter)),
            notes,
            waiting: named(&|counter| GAUGES.contains(&counter)),
            rx_bursts: spread(&view.stats.rx_bursts),
            tx_bursts: spread(&view.stats.tx_bursts),
        }
    }

    /// Times of round trips, stream by stream, in modes that take any.
    fn latency(&self) -> Vec<LatencySnapshot> {
        if !self.mode.times_trips() {
            return Vec::new();
        }
        let told = |(at, view): (usize, &View)| {
            let name = match self.views.len() {
                1 => "round trip".to_owned(),
                _ => format!("round trip, stream {at}"),
            };
            LatencySnapshot::of(&name, &view.stats.trips.times)
        };
        self.views.iter().enumerate().map(told).collect()
    }

    /// What does not change of a port while it is open.
    pub(crate) fn port_facts(&self, at: usize) -> Option<PortFacts> {
        let slot = self.slots.get(at)?;
        let (info, settings) = (&slot.info, &slot.settings);
        Some(PortFacts {
            mac: info.mac,
            socket: (info.socket != SocketId::ANY).then_some(info.socket.0),
            mtu: settings.mtu,
            mtu_max: info.mtu_max,
            promiscuous: settings.promiscuous,
            allmulticast: settings.allmulticast,
            rx_queues: (settings.rx_queues, info.rx_queues_max),
            tx_queues: (settings.tx_queues, info.tx_queues_max),
            rx_slots: (settings.rx_slots, info.rx_slots.0, info.rx_slots.1),
            tx_slots: (settings.tx_slots, info.tx_slots.0, info.tx_slots.1),
            offloads: settings.offloads.to_string(),
            rss: info.rss && settings.rx_queues > 1,
        })
    }

    /// How frames go, as far as it is configured.
    pub(crate) fn forward_facts(&self) -> ForwardFacts {
        let settings = &self.plan.settings;
        ForwardFacts {
            mode: settings.mode.name().to_owned(),
            burst: settings.burst,
            packet_bytes: settings.frame_bytes,
            rate_pps: self.plan.rate,
            lcores: self.plan.lcores as u16,
        }
    }
}

fn spread(bursts: &BurstSpread) -> Vec<(u16, u64)> {
    (0u16..).zip(bursts.counts()).filter(|(_, count)| *count > 0).collect()
}
