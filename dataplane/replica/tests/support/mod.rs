//! A cluster in memory, on a virtual clock: nodes, their disks, and a network between them.

#![allow(dead_code)]

use replica::{
    Config, Entry, EntryKind, Members, Outbox, Record, Recovered, RecoveredEntry, Replica, Role,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A record as a disk keeps it.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    HardState { term: u64, vote: u64 },
    Superseded { from: u64 },
    Entry { index: u64, entry: RecoveredEntry },
}

/// What a disk has, and how much of it survives a crash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) records: Vec<Kept>,
    pub(crate) durable: usize,
}

impl Disk {
    /// What a node finds when it starts again, with the members and the state of nobody's.
    pub(crate) fn recover(&mut self) -> Recovered {
        self.records.truncate(self.durable);
        let mut found = Recovered { records: self.records.len() as u64, ..Recovered::default() };
        for record in &self.records {
            match record {
                Kept::HardState { term, vote } => (found.term, found.vote) = (*term, *vote),
                Kept::Superseded { from } => found.entries.truncate(*from as usize - 1),
                Kept::Entry { index, entry } => {
                    assert_eq!(*index as usize, found.entries.len() + 1, "a gap on disk");
                    found.entries.push(entry.clone());
                }
            }
        }
        found
    }
}

/// What a poll gave.
#[derive(Default)]
pub(crate) struct Out {
    pub(crate) sent: Vec<(u64, Vec<u8>)>,
    pub(crate) records: Vec<Kept>,
    pub(crate) committed: Vec<(u64, RecoveredEntry)>,
    pub(crate) roles: Vec<Role>,
    pub(crate) numbers: Vec<u64>,
}

fn owned(entry: &Entry<'_>) -> RecoveredEntry {
    RecoveredEntry { term: entry.term, kind: entry.kind, payload: entry.payload.to_vec() }
}

impl Outbox for Out {
    fn send(&mut self, to: u64, datagram: &[u8]) {
        self.sent.push((to, datagram.to_vec()));
    }

    fn persist(&mut self, number: u64, record: Record<'_>) {
        self.numbers.push(number);
        self.records.push(match record {
            Record::HardState { term, vote } => Kept::HardState { term, vote },
            Record::Superseded { from } => Kept::Superseded { from },
            Record::Entry(entry) => Kept::Entry { index: entry.index, entry: owned(&entry) },
            Record::Snapshot(_) => unimplemented!("no snapshots in this harness"),
        });
    }

    fn committed(&mut self, entry: Entry<'_>) {
        self.committed.push((entry.index, owned(&entry)));
    }

    fn role(&mut self, role: Role) {
        self.roles.push(role);
    }
}

pub(crate) struct Node {
    pub(crate) replica: Option<Replica>,
    pub(crate) disk: Disk,
    pub(crate) committed: BTreeMap<u64, RecoveredEntry>,
    /// Counts starts, so that what was under way at a crash does not arrive after it.
    pub(crate) start: u32,
}

enum Event {
    Tick,
    Datagram { from: u64, bytes: Vec<u8> },
    Durable { start: u32, record: usize },
}

/// How the network and the disks behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) hop_ns: u64,
    pub(crate) disk_ns: u64,
}

pub(crate) struct Cluster {
    pub(crate) now_ns: u64,
    pub(crate) weather: Weather,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) configs: BTreeMap<u64, Config>,
    events: BinaryHeap<Reverse<(u64, u64, u64)>>,
    what: BTreeMap<u64, Event>,
    next: u64,
}

impl Cluster {
    pub(crate) fn new(count: u64, weather: Weather) -> Cluster {
        let ids: Vec<u64> = (1..=count).collect();
        let members = Members::of_voters(&ids).expect("sound members");
        let configs = ids.iter().map(|&id| (id, Config::new(id, [7; 16], members.clone())));
        let mut cluster = Cluster {
            now_ns: 1,
            weather,
            nodes: BTreeMap::new(),
            configs: configs.collect(),
            events: BinaryHeap::new(),
            what: BTreeMap::new(),
            next: 0,
        };
        for id in ids {
            cluster.start(id, Recovered::default());
        }
        cluster
    }

    fn at(&mut self, at_ns: u64, node: u64, event: Event) {
        self.next += 1;
        self.events.push(Reverse((at_ns, self.next, node)));
        self.what.insert(self.next, event);
    }

    pub(crate) fn start(&mut self, id: u64, recovered: Recovered) {
        let replica = Replica::new(self.configs[&id].clone(), recovered, self.now_ns);
        let replica = replica.expect("a node starts");
        let tick_ns = replica.next_tick_ns();
        let node = self.nodes.entry(id).or_insert_with(|| Node {
            replica: None,
            disk: Disk::default(),
            committed: BTreeMap::new(),
            start: 0,
        });
        node.replica = Some(replica);
        node.start += 1;
        self.at(tick_ns, id, Event::Tick);
    }

    /// The process ends; what was not on disk is lost.
    pub(crate) fn crash(&mut self, id: u64) {
        self.nodes.get_mut(&id).expect("a node").replica = None;
    }

    pub(crate) fn restart(&mut self, id: u64) {
        let found = self.nodes.get_mut(&id).expect("a node").disk.recover();
        self.start(id, found);
    }

    pub(crate) fn replica(&mut self, id: u64) -> &mut Replica {
        self.nodes.get_mut(&id).and_then(|node| node.replica.as_mut()).expect("a live node")
    }

    /// Has a node do what it has to do.
    pub(crate) fn poll(&mut self, id: u64) {
        let now_ns = self.now_ns;
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let Some(replica) = node.replica.as_mut() else { return };
        let mut out = Out::default();
        replica.poll(now_ns, &mut out);
        let (start, had) = (node.start, node.disk.records.len());
        node.disk.records.extend(out.records);
        let has = node.disk.records.len();
        for (at, number) in out.numbers.iter().enumerate() {
            assert_eq!(*number as usize, had + at + 1, "records are numbered without a gap");
        }
        for (index, entry) in out.committed {
            node.committed.insert(index, entry);
            replica.on_applied(index);
        }
        for (to, bytes) in out.sent {
            self.at(now_ns + self.weather.hop_ns, to, Event::Datagram { from: id, bytes });
        }
        if has > had {
            let at_ns = now_ns + self.weather.disk_ns;
            self.at(at_ns, id, Event::Durable { start, record: has });
        }
    }

    /// Lets the next thing happen; whose it was.
    pub(crate) fn step(&mut self) -> u64 {
        let Reverse((at_ns, number, id)) = self.events.pop().expect("ticks never end");
        let event = self.what.remove(&number).expect("an event");
        self.now_ns = at_ns;
        let node = self.nodes.get_mut(&id).expect("a node");
        let start = node.start;
        let Some(replica) = node.replica.as_mut() else { return id };
        match event {
            Event::Tick => {
                replica.on_tick(at_ns);
                let next = replica.next_tick_ns();
                self.at(next, id, Event::Tick);
            }
            Event::Datagram { from, bytes } => {
                let _ = replica.on_datagram(at_ns, from, &bytes);
            }
            Event::Durable { start: then, record } if then == start => {
                node.disk.durable = node.disk.durable.max(record);
                replica.on_durable(record as u64);
            }
            Event::Durable { .. } => {}
        }
        self.poll(id);
        id
    }

    pub(crate) fn run_for(&mut self, ns: u64) {
        let until = self.now_ns + ns;
        while self.events.peek().is_some_and(|Reverse((at, ..))| *at <= until) {
            self.step();
        }
        self.now_ns = until;
    }

    /// Who leads and is ready, of those that live.
    pub(crate) fn leader(&self) -> Option<u64> {
        let ready = |node: &Node| {
            node.replica.as_ref().is_some_and(|r| r.role().kind == replica::RoleKind::Leader)
        };
        self.nodes.iter().find(|(_, node)| ready(node)).map(|(id, _)| *id)
    }

    pub(crate) fn run_to_leader(&mut self) -> u64 {
        for _ in 0..100_000 {
            if let Some(leader) = self.leader() {
                return leader;
            }
            self.step();
        }
        panic!("nobody leads")
    }

    /// Payloads that a node was told as committed.
    pub(crate) fn payloads(&self, id: u64) -> Vec<Vec<u8>> {
        let committed = self.nodes[&id].committed.values();
        committed.filter(|e| e.kind == EntryKind::Opaque).map(|e| e.payload.clone()).collect()
    }
}
