//! Three members on a virtual clock, with disks that keep what they were told in time, and a
//! network that can be cut.

#[path = "../../../venue/tests/hostile/floor.rs"]
mod floor;
#[path = "../../../venue/tests/hostile/forge.rs"]
#[allow(dead_code)]
pub(crate) mod forge;

use cluster::{Host, Member, MemberConfig, Need, Recovery, Standing, State, Time, to_journal};
use floor::{OPEN_NS, SESSIONS};
use replica::{Config, Entry, EntryKind, Members, Record, Recovered, Replica};
use session::{MoldPublisher, PublisherConfig, ReplayStore, SessionId, Sessions, StoreConfig};
use std::collections::VecDeque;
use types::{Nanos, Open};
use venue::{Core, Stores};

pub(crate) const NODES: usize = 3;
const HOP_NS: u64 = 5_000;
const DISK_NS: u64 = 12_000;
const STEP_NS: u64 = 2_000;

/// A record as a disk keeps it.
#[derive(Clone, Debug)]
enum Kept {
    Hard { term: u64, vote: u64, commit: u64 },
    Entry { index: u64, term: u64, kind: EntryKind, payload: Vec<u8> },
    Other,
}

/// What a poll gave.
#[derive(Default)]
struct Out {
    sent: Vec<(u64, Vec<u8>)>,
    kept: Vec<Kept>,
    standings: Vec<Standing>,
    needs: Vec<Need>,
}

impl Host for Out {
    fn send(&mut self, to: u64, datagram: &[u8]) {
        self.sent.push((to, datagram.to_vec()));
    }

    fn persist(&mut self, _number: u64, record: Record<'_>) {
        self.kept.push(match record {
            Record::HardState { term, vote } => Kept::Hard { term, vote, commit: 0 },
            Record::Entry(Entry { index, term, kind, payload }) => {
                Kept::Entry { index, term, kind, payload: payload.to_vec() }
            }
            Record::Superseded { .. } | Record::Snapshot(_) => Kept::Other,
        });
    }

    fn standing(&mut self, standing: Standing) {
        self.standings.push(standing);
    }

    fn state_wanted(&mut self, need: Need) {
        self.needs.push(need);
    }
}

/// What is replicated.
pub(crate) struct Floor {
    pub(crate) core: Option<Core>,
    pub(crate) sessions: Sessions,
    pub(crate) publisher: MoldPublisher,
}

impl Floor {
    pub(crate) fn new() -> Floor {
        let store = StoreConfig { messages_max: 1 << 14, bytes_max: 1 << 20 };
        let config = PublisherConfig { store, ..PublisherConfig::new(*b"CLUSTER   ") };
        let publisher = MoldPublisher::new(config).expect("a publisher");
        Floor { core: Some(floor::core()), sessions: floor::sessions(), publisher }
    }

    pub(crate) fn stores(&mut self) -> Stores<'_> {
        Stores { sessions: &mut self.sessions, publisher: &mut self.publisher }
    }
}

pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) member: Option<Member>,
    pub(crate) floor: Floor,
    disk: Vec<Kept>,
    durable: usize,
    writes: VecDeque<(u64, usize)>,
    /// Each of this node's standings, in order.
    pub(crate) standings: Vec<Standing>,
    pub(crate) rebuilt: usize,
}

pub(crate) struct Cluster {
    pub(crate) now_ns: u64,
    pub(crate) nodes: Vec<Node>,
    wire: VecDeque<(u64, u64, u64, Vec<u8>)>,
    /// Nodes that nobody hears, and that hear nobody.
    pub(crate) cut: Vec<u64>,
    pub(crate) config: MemberConfig,
}

fn replica_config(id: u64) -> Config {
    let founders = Members::of_voters(&[1, 2, 3]).expect("members");
    Config { stagger_ticks: 2, ..Config::new(id, [7; 16], founders) }
}

impl Cluster {
    pub(crate) fn new() -> Cluster {
        let opening = Some(Open { trades: true, date: 20_000, config: 1 });
        let config = MemberConfig { opening, ..MemberConfig::default() };
        let node = |id| Node {
            id,
            member: None,
            floor: Floor::new(),
            disk: Vec::new(),
            durable: 0,
            writes: VecDeque::new(),
            standings: Vec::new(),
            rebuilt: 0,
        };
        let mut cluster = Cluster {
            now_ns: 1,
            nodes: (1..=NODES as u64).map(node).collect(),
            wire: VecDeque::new(),
            cut: Vec::new(),
            config,
        };
        (0..NODES).for_each(|at| cluster.start(at));
        cluster
    }

    pub(crate) fn time(&self) -> Time {
        Time { clock_ns: self.now_ns, stamp: Nanos(OPEN_NS + self.now_ns) }
    }

    /// Starts a node with what its disk has.
    pub(crate) fn start(&mut self, at: usize) {
        let (now_ns, config) = (self.now_ns, self.config.clone());
        let node = &mut self.nodes[at];
        node.disk.truncate(node.durable);
        node.writes.clear();
        let (found, floor, state) = node.recover(0);
        let replica = Replica::new(replica_config(node.id), found, now_ns).expect("a replica");
        node.floor = floor;
        node.member = Some(Member::new(config, replica, state).expect("a member"));
    }

    pub(crate) fn crash(&mut self, at: usize) {
        self.nodes[at].member = None;
        self.nodes[at].standings.push(Standing::Standby);
    }

    /// The node that serves, if one does.
    pub(crate) fn serving(&self) -> Option<usize> {
        let serves = |node: &Node| {
            let now_ns = self.now_ns;
            node.member.as_ref().is_some_and(|member| member.may_send(now_ns))
        };
        let mut all = (0..NODES).filter(|&at| serves(&self.nodes[at]));
        let one = all.next();
        assert_eq!(all.next(), None, "two nodes serve at a time");
        one
    }

    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&Cluster) -> bool) {
        for _ in 0..100_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("{what} does not come about");
    }

    pub(crate) fn until_serving(&mut self) -> usize {
        self.until("somebody serves", |cluster| cluster.serving().is_some());
        self.serving().expect("somebody serves")
    }

    pub(crate) fn run_for(&mut self, ns: u64) {
        let until = self.now_ns + ns;
        while self.now_ns < until {
            self.step();
        }
    }

    pub(crate) fn step(&mut self) {
        self.now_ns += STEP_NS;
        let time = self.time();
        while self.wire.front().is_some_and(|(at, ..)| *at <= self.now_ns) {
            let Some((_, from, to, bytes)) = self.wire.pop_front() else { break };
            let heard = !self.cut.contains(&from) && !self.cut.contains(&to);
            let node = &mut self.nodes[to as usize - 1];
            if let (true, Some(member)) = (heard, node.member.as_mut()) {
                let _ = member.on_datagram(time, from, &bytes);
            }
        }
        for at in 0..NODES {
            let sent = self.nodes[at].poll(time);
            let id = self.nodes[at].id;
            let arrives = self.now_ns + HOP_NS;
            self.wire.extend(sent.into_iter().map(|(to, bytes)| (arrives, id, to, bytes)));
        }
        self.serving();
    }
}

impl Node {
    pub(crate) fn member(&mut self) -> &mut Member {
        self.member.as_mut().expect("a live node")
    }

    /// A client's message.
    pub(crate) fn take(&mut self, time: Time, who: SessionId, message: &[u8]) -> Option<u64> {
        let Node { member, floor, .. } = self;
        let member = member.as_mut().filter(|member| member.has_room())?;
        member.on_message(time, floor.stores(), who, message, &mut ()).ok()
    }

    fn poll(&mut self, time: Time) -> Vec<(u64, Vec<u8>)> {
        let Node { member: Some(member), floor, .. } = self else { return Vec::new() };
        while self.writes.front().is_some_and(|(done, _)| *done <= time.clock_ns) {
            let Some((_, records)) = self.writes.pop_front() else { break };
            self.durable = self.durable.max(records);
            member.on_durable(records as u64);
        }
        let mut out = Out::default();
        member.poll(time, &mut floor.stores(), &mut out);
        while member.next_dirty(&floor.sessions).is_some() {}
        let commit = member.replica().committed();
        if !out.kept.is_empty() {
            let known = |kept| match kept {
                Kept::Hard { term, vote, .. } => Kept::Hard { term, vote, commit },
                other => other,
            };
            self.disk.extend(out.kept.into_iter().map(known));
            self.writes.push_back((time.clock_ns + DISK_NS, self.disk.len()));
        }
        self.standings.extend(out.standings);
        if !out.needs.is_empty() || member.need().is_some() {
            self.rebuild();
        }
        out.sent
    }

    /// Makes the state anew from what is on disk.
    fn rebuild(&mut self) {
        let need = self.member().need().expect("a state is wanted");
        let (_, floor, state) = self.recover(need.most);
        if self.member().install(state).is_ok() {
            self.floor = floor;
            self.rebuilt += 1;
        }
    }

    /// What the disk has, and the state behind the entries that are known to be committed.
    fn recover(&self, committed: u64) -> (Recovered, Floor, State) {
        let mut floor = Floor::new();
        let core = floor.core.take().expect("a core");
        let members = replica_config(self.id).founders;
        let state = State { core, term: 0, stamp: Nanos(0) };
        let mut recovery = Recovery::new(state, members, 1 << 16);
        for kept in &self.disk[..self.durable] {
            let (record, commit) = match kept {
                Kept::Hard { term, vote, commit } => {
                    (Record::HardState { term: *term, vote: *vote }, *commit)
                }
                Kept::Entry { index, term, kind, payload } => {
                    let (index, term, kind) = (*index, *term, *kind);
                    (Record::Entry(Entry { index, term, kind, payload }), 0)
                }
                Kept::Other => (Record::Superseded { from: 1 }, 0),
            };
            let Some(entry) = to_journal(&record, commit) else { continue };
            recovery.on_entry(&entry, &mut floor.stores()).expect("a journal");
        }
        recovery.on_committed(committed, &mut floor.stores());
        let (mut found, state) = recovery.finish();
        found.records = self.durable as u64;
        (found, floor, state)
    }

    /// Whether any client may not have all yet that is there for it.
    pub(crate) fn holds_back(&self) -> bool {
        (0..SESSIONS).any(|who| self.floor.sessions.holds_back(SessionId(who)))
    }

    pub(crate) fn stores(&self) -> impl Iterator<Item = &ReplayStore> {
        let of = |who| self.floor.sessions.store(SessionId(who));
        (0..SESSIONS).filter_map(of).chain([self.floor.publisher.store()])
    }
}

/// Whether two stores have the same bytes under the same numbers.
pub(crate) fn same(a: &ReplayStore, b: &ReplayStore) -> bool {
    let held = |store: &ReplayStore| (store.oldest_seq(), store.next_seq());
    held(a) == held(b) && (a.oldest_seq()..a.next_seq()).all(|seq| a.get(seq) == b.get(seq))
}
