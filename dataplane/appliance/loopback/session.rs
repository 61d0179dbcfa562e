//! Ports that stay open while forwarding is started, stopped and changed.
//!
//! `start` takes the queues out of the ports, makes streams of them, and gives each lcore a thread;
//! `stop` ends the threads and puts the queues back. Between the two the supervisor reads counters
//! and watches ports ([`Session::tick`]), and touches no queue.

use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use dpdk::{Eal, Lcore, Mempool};
use hostcpu::TscClock;
use lcore::duty::LcoreFacts;
use lcore::loopback::{Mode, Route, Settings, Stream, StreamStats, Switch};
use wire::Mac;

use super::ports::Slot;
use super::stats::{Event, EventKind, Snapshot};
use super::topology::{self, Topology, Way};
use super::watch::{Sender, Watch};
use crate::placement;

/// How long first bursts wait for their wires: testpmd's nine seconds are long at a prompt.
const LINKS_WAIT: Duration = Duration::from_secs(3);
const LINKS_LOOK_EVERY: Duration = Duration::from_millis(10);
const LCORES_LOOK_EVERY: Duration = Duration::from_millis(1);

/// What lcores are made of, and what is shared out between streams.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What streams are told, but for `rate_pps` and `frames_max`.
    pub(crate) settings: Settings,
    /// Which port the frames of a port go out of.
    pub(crate) topology: Topology,
    /// Queues of a port that are used.
    pub(crate) queues: u16,
    /// CPUs that can forward, the best first.
    pub(crate) cpus: Vec<usize>,
    /// How many of them do.
    pub(crate) lcores: usize,
    /// Frames a second of all streams together.
    pub(crate) rate: Option<u64>,
    /// Frames made or received, of all streams together.
    pub(crate) count: Option<u64>,
    /// Addresses at the other ends of ports.
    pub(crate) peers: Vec<(u16, Mac)>,
    /// Flows that frames made here belong to, where it was said.
    pub(crate) flows: Option<u32>,
}

impl Plan {
    /// The CPUs that forward.
    pub(crate) fn polled(&self) -> &[usize] {
        &self.cpus[..self.lcores.min(self.cpus.len())]
    }
}

/// A stream as the supervisor knows it.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) way: Way,
    pub(super) lcore: usize,
    pub(super) cpu: usize,
    pub(super) stats: Arc<StreamStats>,
}

/// What an lcore's thread gives back.
struct Done<'e> {
    streams: Vec<Stream<'e>>,
    facts: Result<LcoreFacts, dpdk::Error>,
}

/// Threads at work.
struct Running<'s, 'e> {
    switch: Arc<Switch>,
    threads: Vec<ScopedJoinHandle<'s, Done<'e>>>,
    began: Instant,
}

/// See the module.
pub(crate) struct Session<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    pub(super) eal: &'e Eal,
    pool: Mempool<'e>,
    clock: TscClock,
    pub(super) slots: Vec<Slot<'e>>,
    /// What streams will be told when they are started next.
    pub(crate) plan: Plan,
    running: Option<Running<'s, 'e>>,
    pub(super) views: Vec<View>,
    pub(super) mode: Mode,
    senders: Vec<Sender>,
    pub(super) watch: Watch,
    /// Time spent forwarding in sessions that have ended.
    forwarded: Duration,
    first_start: Option<Instant>,
    pub(super) events: Vec<Event>,
    pub(super) events_forgotten: u64,
    /// What was known when forwarding was last started, or its counts cleared.
    pub(super) base: Snapshot,
    /// What lcores did in sessions that have ended: allocations, switches.
    pub(crate) facts: Vec<LcoreFacts>,
}

impl<'s, 'e> Session<'s, 'e> {
    /// Takes open ports; forwards nothing yet.
    pub(crate) fn new(
        scope: &'s Scope<'s, 'e>,
        eal: &'e Eal,
        clock: TscClock,
        (pool, slots): (Mempool<'e>, Vec<Slot<'e>>),
        plan: Plan,
    ) -> Session<'s, 'e> {
        let watched = |slot: &Slot<'e>| (slot.id, slot.info.name.clone(), slot.info.kernel_index);
        let watch = Watch::new(slots.iter().map(watched));
        let mode = plan.settings.mode;
        Session {
            scope,
            eal,
            pool,
            clock,
            slots,
            plan,
            running: None,
            views: Vec::new(),
            mode,
            senders: Vec::new(),
            watch,
            forwarded: Duration::ZERO,
            first_start: None,
            events: Vec::new(),
            events_forgotten: 0,
            base: Snapshot::default(),
            facts: Vec::new(),
        }
    }

    /// Starts forwarding, `tx_first` bursts ahead of it.
    ///
    /// # Errors
    /// It forwards already, or not all ports are started.
    pub(crate) fn start(&mut self, tx_first: u32) -> Result<()> {
        if self.running.is_some() {
            bail!("packet forwarding is started already");
        }
        let slots = self.slots.iter().enumerate();
        let open: Vec<usize> = slots.filter(|(_, slot)| slot.is_open()).map(|(at, _)| at).collect();
        if open.is_empty() {
            bail!("there is no port to forward with");
        }
        if let Some(at) = open.iter().find(|at| !self.slots[**at].is_started()) {
            bail!("port {at} is not started: port start {at}");
        }
        if let Some(at) = open.iter().find(|at| self.watch.ports[**at].gone) {
            bail!("port {at} is gone");
        }
        let mut ways = topology::ways(self.plan.topology, open.len(), self.plan.queues);
        for way in &mut ways {
            (way.rx_port, way.tx_port) = (open[way.rx_port], open[way.tx_port]);
        }
        let mut settings = self.settings(ways.len());
        settings.tx_first = tx_first;
        if tx_first > 0 {
            self.await_links(&ways);
        }
        let streams = ways.iter().map(|way| self.stream(*way)).collect::<Result<Vec<_>>>()?;
        self.mode = settings.mode;
        self.watch.forget_streams();
        self.base = Snapshot { streams: Vec::new(), ..self.everything() };
        // There may be more lcores than at the last start.
        placement::move_to_house(self.plan.polled())?;
        self.launch(ways, streams, settings);
        Ok(())
    }

    /// Waits for the wires that first bursts go out by: a device takes none before, and those of
    /// memif come up a while after the port is started. One that stays down is left to the bursts.
    fn await_links(&self, ways: &[Way]) {
        let until = Instant::now() + LINKS_WAIT;
        let down = |way: &Way| {
            let link = self.eal.link(self.slots[way.tx_port].id);
            link.is_ok_and(|link| !link.up)
        };
        while ways.iter().any(down) && Instant::now() < until {
            std::thread::sleep(LINKS_LOOK_EVERY);
        }
    }

    /// What each of so many streams is told.
    fn settings(&self, streams: usize) -> Settings {
        let mut settings = self.plan.settings;
        let streams = streams.max(1);
        if settings.mode.is_paced() {
            settings.rate_pps = self.plan.rate.map(|rate| rate as f64 / streams as f64);
            settings.frames_max = self.plan.count.map(|count| count.div_ceil(streams as u64));
        }
        if let (None, Mode::FlowGen) = (self.plan.flows, settings.mode) {
            settings.flows = super::args::FLOWGEN_FLOWS;
        }
        settings
    }

    /// Takes the queues of a way.
    fn stream(&mut self, way: Way) -> Result<Stream<'e>> {
        let peer = self.plan.peers.iter().find(|(port, _)| usize::from(*port) == way.tx_port);
        let tx = &self.slots[way.tx_port];
        let route = Route {
            rx_port: way.rx_port as u16,
            rx_queue: way.queue,
            tx_port: way.tx_port as u16,
            tx_queue: way.queue,
            tx_mac: tx.info.mac,
            // Where nobody said, the address that testpmd invents.
            peer_mac: peer.map_or([2, 0, 0, 0, 0, way.tx_port as u8], |(_, mac)| *mac),
            tx_offloads: tx.settings.offloads,
        };
        let missing = || anyhow!("queue {} of port {} is not there", way.queue, way.rx_port);
        let rx = self.slots[way.rx_port].take_rx(way.queue).ok_or_else(missing)?;
        let tx = self.slots[way.tx_port].take_tx(way.queue).ok_or_else(missing)?;
        Ok(Stream::new(route, rx, tx, self.pool))
    }

    /// Gives each lcore its share of the streams, and a thread.
    fn launch(&mut self, ways: Vec<Way>, streams: Vec<Stream<'e>>, settings: Settings) {
        let shares = topology::shares(streams.len(), self.plan.lcores);
        let switch = Arc::new(Switch::default());
        let mut streams = ways.into_iter().zip(streams);
        let mut threads = Vec::new();
        // Before the threads are: one may poll for a while before this one goes on.
        let began = Instant::now();
        self.views.clear();
        self.senders.clear();
        for (lcore, share) in shares.into_iter().enumerate() {
            let cpu = self.plan.cpus[lcore % self.plan.cpus.len()];
            let mut mine = Vec::with_capacity(share);
            for (way, stream) in streams.by_ref().take(share) {
                let stats = Arc::clone(&stream.stats);
                let polled = (!settings.mode.is_paced()).then_some(lcore);
                let (tx_port, stats_seen) = (way.tx_port, Arc::clone(&stats));
                self.senders.push(Sender { tx_port, lcore: polled, stats: stats_seen });
                self.views.push(View { way, lcore, cpu, stats });
                mine.push(stream);
            }
            let (eal, clock, switch) = (self.eal, self.clock, Arc::clone(&switch));
            threads.push(self.scope.spawn(move || {
                let facts = Lcore::enter(eal, Some(cpu), &format!("lc{lcore}")).map(|_lcore| {
                    lcore::loopback::run(lcore, &mut mine, &settings, &clock, &switch)
                });
                Done { streams: mine, facts }
            }));
        }
        // What is asked or told next is of lcores that forward, however long their threads take.
        while switch.begun() < threads.len() && !threads.iter().any(|thread| thread.is_finished()) {
            std::thread::sleep(LCORES_LOOK_EVERY);
        }
        self.first_start.get_or_insert(began);
        self.running = Some(Running { switch, threads, began });
    }

    /// Stops forwarding: the queues are back in the ports afterwards.
    ///
    /// # Errors
    /// It does not forward, or a thread could not become an lcore.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else { bail!("packet forwarding is not started") };
        running.switch.off();
        let mut failed = Ok(());
        self.facts.clear();
        for thread in running.threads {
            let done = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for stream in done.streams {
                let (rx_port, tx_port) = (stream.route.rx_port, stream.route.tx_port);
                let (rx, tx) = stream.into_queues();
                self.slots[usize::from(rx_port)].give_back(Some(rx), None);
                self.slots[usize::from(tx_port)].give_back(None, Some(tx));
            }
            match done.facts {
                Ok(facts) => self.facts.push(facts),
                Err(error) => failed = Err(error.into()),
            }
        }
        self.forwarded += running.began.elapsed();
        failed
    }

    /// Whether it forwards.
    pub(crate) fn is_forwarding(&self) -> bool {
        self.running.is_some()
    }

    /// Whether a thread has ended by itself, which none should.
    pub(crate) fn is_broken(&self) -> bool {
        self.running.iter().flat_map(|r| &r.threads).any(ScopedJoinHandle::is_finished)
    }

    /// Time spent forwarding, since the first start.
    pub(crate) fn elapsed(&self) -> Duration {
        let now = self.running.as_ref().map_or(Duration::ZERO, |running| running.began.elapsed());
        self.forwarded + now
    }

    /// Looks at ports and streams; gives what has changed since, which is kept, too.
    pub(crate) fn tick(&mut self) -> Vec<Event> {
        let at_ns = self.first_start.map_or(0, |start| start.elapsed().as_nanos() as u64);
        let (senders, rate): (&[Sender], _) = match self.running {
            Some(_) => (&self.senders, self.settings(self.senders.len()).rate_pps),
            None => (&[], None),
        };
        let new = self.watch.look(self.eal, senders, rate, at_ns);
        self.events.extend(new.iter().cloned());
        let beyond = self.events.len().saturating_sub(super::stats::EVENTS_MAX);
        self.events.drain(..beyond);
        self.events_forgotten += beyond as u64;
        new
    }

    /// Whether a port is gone for good.
    pub(crate) fn has_lost_a_port(&self) -> bool {
        self.watch.ports.iter().any(|port| port.gone)
    }

    /// Whether something of this kind has happened, as far as it is kept.
    pub(crate) fn has_seen(&self, kind: EventKind) -> bool {
        self.events.iter().any(|event| event.kind == kind)
    }

    /// Frames of the mode's own work so far: made where it makes them, received else.
    pub(crate) fn done(&self) -> u64 {
        use lcore::loopback::StreamCounter as Counter;
        if self.mode.times_trips() {
            return self.views.iter().map(|view| view.stats.trips.over()).sum();
        }
        let counter = if self.mode.is_paced() { Counter::TxFrames } else { Counter::RxFrames };
        let counted = |view: &View| {
            let get = |counter| view.stats.counters.get(counter);
            get(counter) + if self.mode.is_paced() { get(Counter::DropTxFull) } else { 0 }
        };
        self.views.iter().map(counted).sum()
    }

    /// Ends everything: stops, takes off the wires what is on them, closes the ports. Gives the
    /// mbufs that did not come back, where all of them can: on cables in this process.
    ///
    /// # Errors
    /// A port that does not stop.
    pub(crate) fn close(mut self) -> Result<Option<u32>> {
        if self.is_forwarding() {
            self.stop()?;
        }
        let rings = self.slots.iter().all(|slot| slot.info.driver == "net_ring");
        self.slots.iter_mut().for_each(Slot::drain);
        let left = rings.then(|| self.pool.in_use());
        for slot in self.slots.iter_mut().filter(|slot| slot.is_open()) {
            slot.close()?;
        }
        Ok(left)
    }
}
