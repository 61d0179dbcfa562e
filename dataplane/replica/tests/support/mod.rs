//! A cluster in memory, on a virtual clock: nodes with clocks of their own, their disks, and a
//! network between them that loses, doubles, delays and is cut. Everything follows from a seed.

#![allow(dead_code)]

mod check;
pub(crate) mod death;
mod disk;

pub(crate) use check::Check;
pub(crate) use disk::{Disk, Out, State, digest, freeze};

use replica::{Config, EntryKind, Members, Recovered, Replica, RoleKind};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

/// Numbers without a pattern, the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`; 0 for 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }
}

/// How the network and the disks behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) hop_ns: u64,
    /// Up to so much on top of a hop: what is sent later may arrive earlier.
    pub(crate) jitter_ns: u64,
    pub(crate) disk_ns: u64,
    /// One datagram in so many is lost; 0 for none.
    pub(crate) loss_one_in: u64,
    /// One in so many comes twice.
    pub(crate) double_one_in: u64,
}

pub(crate) const CALM: Weather =
    Weather { hop_ns: 5_000, jitter_ns: 0, disk_ns: 10_000, loss_one_in: 0, double_one_in: 0 };

pub(crate) struct Node {
    pub(crate) replica: Option<Replica>,
    pub(crate) disk: Disk,
    /// What its engine was told.
    pub(crate) state: State,
    /// A snapshot that is coming.
    pub(crate) arriving: Vec<u8>,
    /// Counts starts, so that what was under way at a crash does not arrive after it.
    pub(crate) start: u32,
    /// The process stands still until then; its clock does not.
    pub(crate) stopped_until_ns: u64,
    /// Its clock is ahead by so much, and runs faster or slower by so many millionths.
    pub(crate) clock: (u64, i64),
    /// What its clock shows, where it has stopped.
    pub(crate) stopped_clock_ns: Option<u64>,
}

impl Node {
    /// What its clock shows.
    pub(crate) fn clock_ns(&self, now_ns: u64) -> u64 {
        if let Some(stopped_ns) = self.stopped_clock_ns {
            return stopped_ns;
        }
        let (ahead_ns, ppm) = self.clock;
        (ahead_ns + now_ns).saturating_add_signed((now_ns as i64 * ppm).div_euclid(1_000_000))
    }

    /// When its clock will show that.
    fn when(&self, clock_ns: u64, now_ns: u64) -> u64 {
        let ahead = clock_ns.saturating_sub(self.clock_ns(now_ns));
        now_ns + ahead + ahead / 1_000 + 1
    }
}

enum Event {
    Tick { start: u32 },
    Datagram { from: u64, bytes: Vec<u8> },
    Durable { start: u32, record: usize },
}

const TRACE_MAX: usize = 256;

pub(crate) struct Cluster {
    pub(crate) now_ns: u64,
    pub(crate) weather: Weather,
    pub(crate) chance: Chance,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) configs: BTreeMap<u64, Config>,
    /// Ways that are cut, from, to.
    pub(crate) cut: BTreeSet<(u64, u64)>,
    pub(crate) check: Check,
    /// Disks say that they have what they are about to write: a lie that must come out.
    pub(crate) lying_disks: bool,
    /// A node whose disk takes a hundred times as long.
    pub(crate) slow_disk: Option<u64>,
    /// Nodes are polled after one in so many events, so that several meet in a poll.
    pub(crate) poll_one_in: u64,
    /// Whether the last event's node was.
    pub(crate) polled: bool,
    /// Nodes make a snapshot every so many entries; 0 for none but those that are asked for.
    pub(crate) snapshot_every: u64,
    /// The last datagrams that were sent: from, to, bytes.
    pub(crate) trace: VecDeque<(u64, u64, Vec<u8>)>,
    events: BinaryHeap<Reverse<(u64, u64, u64)>>,
    what: BTreeMap<u64, Event>,
    next: u64,
}

impl Cluster {
    pub(crate) fn new(count: u64, weather: Weather) -> Cluster {
        Cluster::with(count, weather, 1, |_| {})
    }

    pub(crate) fn with(
        count: u64,
        weather: Weather,
        seed: u64,
        adjust: impl Fn(&mut Config),
    ) -> Cluster {
        let ids: Vec<u64> = (1..=count).collect();
        let members = Members::of_voters(&ids).expect("sound members");
        let mut cluster = Cluster {
            now_ns: 1_000_000,
            weather,
            chance: Chance(seed),
            nodes: BTreeMap::new(),
            configs: BTreeMap::new(),
            cut: BTreeSet::new(),
            check: Check::default(),
            lying_disks: false,
            slow_disk: None,
            poll_one_in: 1,
            polled: true,
            snapshot_every: 0,
            trace: VecDeque::new(),
            events: BinaryHeap::new(),
            what: BTreeMap::new(),
            next: 0,
        };
        for id in ids {
            let mut config = Config::new(id, [7; 16], members.clone());
            config.log_entries = 4096;
            adjust(&mut config);
            cluster.add(config);
        }
        cluster
    }

    /// Clocks that run faster or slower by so much, whatever the configuration allows.
    pub(crate) fn bend_clocks(&mut self, ppm: i64) {
        let nodes = self.nodes.values_mut().zip([ppm, -ppm].into_iter().cycle());
        nodes.for_each(|(node, ppm)| node.clock.1 = ppm);
    }

    /// A node that has never run.
    pub(crate) fn add(&mut self, config: Config) {
        let id = config.node;
        let phase_ns = self.chance.below(config.tick_ns);
        let clock = (self.chance.below(1 << 40), self.chance.below(801) as i64 - 400);
        let node = Node {
            replica: None,
            disk: Disk::default(),
            state: State::new(),
            arriving: Vec::new(),
            start: 0,
            stopped_until_ns: self.now_ns + phase_ns,
            clock,
            stopped_clock_ns: None,
        };
        self.nodes.insert(id, node);
        self.configs.insert(id, config);
        self.now_ns += phase_ns;
        self.start(id, Recovered::default(), State::new());
        self.now_ns -= phase_ns;
    }

    fn at(&mut self, at_ns: u64, node: u64, event: Event) {
        self.next += 1;
        self.events.push(Reverse((at_ns, self.next, node)));
        self.what.insert(self.next, event);
    }

    pub(crate) fn start(&mut self, id: u64, recovered: Recovered, state: State) {
        let node = self.nodes.get_mut(&id).expect("a node");
        let config = self.configs[&id].clone();
        let replica = Replica::new(config, recovered, node.clock_ns(self.now_ns));
        let replica = replica.expect("a node starts");
        let at_ns = node.when(replica.next_tick_ns(), self.now_ns);
        node.replica = Some(replica);
        node.start += 1;
        node.state = state;
        node.arriving.clear();
        let start = node.start;
        self.at(at_ns, id, Event::Tick { start });
    }

    pub(crate) fn lives(&self, id: u64) -> bool {
        self.nodes[&id].replica.is_some()
    }

    /// The process ends; what was not on disk is lost, or some of it is.
    pub(crate) fn crash(&mut self, id: u64) {
        let node = self.nodes.get_mut(&id).expect("a node");
        if node.replica.take().is_some() {
            let torn = self.chance.below(node.disk.pending() + 1);
            node.disk.crash(torn as usize);
        }
    }

    /// Of what a node has under way, some is lost: one bit a datagram says which.
    pub(crate) fn lose_from(&mut self, id: u64, mut which: u64) {
        for event in self.what.values_mut() {
            if let Event::Datagram { from, bytes } = event
                && *from == id
            {
                if which & 1 == 1 {
                    bytes.clear();
                }
                which = which.rotate_right(1);
            }
        }
    }

    pub(crate) fn restart(&mut self, id: u64) {
        let (found, state) = self.nodes.get_mut(&id).expect("a node").disk.recover();
        self.start(id, found, state);
    }

    pub(crate) fn replica(&mut self, id: u64) -> &mut Replica {
        self.nodes.get_mut(&id).and_then(|node| node.replica.as_mut()).expect("a live node")
    }

    pub(crate) fn clock_ns(&self, id: u64) -> u64 {
        self.nodes[&id].clock_ns(self.now_ns)
    }

    /// Proposes where that node leads; the index.
    pub(crate) fn propose(&mut self, id: u64, payload: &[u8]) -> Option<u64> {
        let clock_ns = self.clock_ns(id);
        self.replica(id).propose(clock_ns, payload).ok()
    }

    /// Has a node do what it has to do.
    pub(crate) fn poll(&mut self, id: u64) {
        let now_ns = self.now_ns;
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let clock_ns = node.clock_ns(now_ns);
        let Some(replica) = node.replica.as_mut() else { return };
        let mut out = Out::new(&mut node.disk, &mut node.state, &mut node.arriving);
        replica.poll(clock_ns, &mut out);
        let Out { sent, committed, roles, written, wanted, restored, whole, .. } = out;
        self.check.restored += u64::from(restored);
        for (index, entry) in committed {
            replica.on_applied(index);
            self.check.committed(id, index, &entry);
        }
        for role in roles {
            self.check.role(id, role, replica);
        }
        match whole {
            Some((index, true)) => replica.on_snapshot_verified(index),
            Some((index, false)) => replica.on_snapshot_bad(index),
            None => {}
        }
        let made = node.disk.snapshot.as_ref().map_or(0, |(meta, _)| meta.index);
        let done = node.state.keys().next_back().copied().unwrap_or(0);
        let due = self.snapshot_every > 0 && done >= made + self.snapshot_every;
        if done > made && (wanted || due) {
            let bytes = freeze(&node.state);
            if let Some(meta) = replica.on_snapshot_ready(done, bytes.len() as u64, digest(&bytes))
            {
                self.check.snapshots += 1;
                node.disk.snapshot = Some((meta, bytes));
            }
        }
        let (start, has) = (node.start, node.disk.records.len());
        if self.lying_disks {
            replica.on_durable(has as u64);
        }
        for (to, bytes) in sent {
            self.transmit(id, to, bytes);
        }
        if written {
            let mut disk_ns = self.weather.disk_ns + self.chance.below(self.weather.disk_ns / 2);
            if self.slow_disk == Some(id) {
                disk_ns *= 100;
            }
            self.at(now_ns + disk_ns, id, Event::Durable { start, record: has });
        }
    }

    fn transmit(&mut self, from: u64, to: u64, bytes: Vec<u8>) {
        if self.trace.len() == TRACE_MAX {
            self.trace.pop_front();
        }
        self.trace.push_back((from, to, bytes.clone()));
        let weather = self.weather;
        let lost = self.chance.one_in(weather.loss_one_in) || self.cut.contains(&(from, to));
        if lost || !self.nodes.contains_key(&to) {
            return;
        }
        let copies = 1 + u64::from(self.chance.one_in(weather.double_one_in));
        for _ in 0..copies {
            let at_ns = self.now_ns + weather.hop_ns + self.chance.below(weather.jitter_ns);
            self.at(at_ns, to, Event::Datagram { from, bytes: bytes.clone() });
        }
    }

    /// Lets the next thing happen; whose it was.
    pub(crate) fn step(&mut self) -> u64 {
        let Reverse((at_ns, number, id)) = self.events.pop().expect("ticks never end");
        self.now_ns = at_ns.max(self.now_ns);
        let event = self.what.remove(&number).expect("an event");
        let node = self.nodes.get_mut(&id).expect("a node");
        if self.now_ns < node.stopped_until_ns {
            // It lies in a queue of the NIC's, or of the kernel's, until the process goes on.
            let until_ns = node.stopped_until_ns;
            self.at(until_ns, id, event);
            return id;
        }
        let (start, clock_ns) = (node.start, node.clock_ns(self.now_ns));
        let Some(replica) = node.replica.as_mut() else { return id };
        match event {
            Event::Tick { start: then } if then == start => {
                replica.on_tick(clock_ns);
                let due_ns = replica.next_tick_ns();
                let at_ns = node.when(due_ns, self.now_ns);
                self.at(at_ns, id, event);
            }
            Event::Datagram { from, bytes } => {
                let taken = replica.on_datagram(clock_ns, from, &bytes);
                self.check.refused(taken);
            }
            Event::Durable { start: then, record } if then == start => {
                node.disk.durable = node.disk.durable.max(record);
                replica.on_durable(record as u64);
            }
            Event::Durable { .. } | Event::Tick { .. } => {}
        }
        self.polled = self.poll_one_in == 1 || self.chance.one_in(self.poll_one_in);
        if self.polled {
            self.poll(id);
        }
        self.check.leases(&self.nodes, self.now_ns);
        id
    }

    pub(crate) fn run_for(&mut self, ns: u64) {
        let until_ns = self.now_ns + ns;
        while self.events.peek().is_some_and(|Reverse((at, ..))| *at <= until_ns) {
            self.step();
        }
        self.now_ns = until_ns;
    }

    /// Who leads and is ready, of those that live: of the newest term.
    pub(crate) fn leader(&self) -> Option<u64> {
        let ready = self.nodes.iter().filter_map(|(id, node)| {
            let role = node.replica.as_ref()?.role();
            (role.kind == RoleKind::Leader).then_some((role.term, *id))
        });
        ready.max().map(|(_, id)| id)
    }

    pub(crate) fn run_to_leader(&mut self) -> u64 {
        for _ in 0..1_000_000 {
            if let Some(leader) = self.leader() {
                return leader;
            }
            self.step();
        }
        panic!("nobody leads")
    }

    /// Payloads that a node was told as committed.
    pub(crate) fn payloads(&self, id: u64) -> Vec<Vec<u8>> {
        let told = self.nodes[&id].state.values();
        told.filter(|e| e.kind == EntryKind::Opaque).map(|e| e.payload.clone()).collect()
    }
}
