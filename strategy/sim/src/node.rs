//! A node's process: a member, its connections, and its clocks.

use crate::disk::{Disk, Snapshot};
use crate::floor::{self, Floor};
use crate::oracle::{DIGEST_BEGIN, digest};
use cluster::{Host, Member, MemberConfig, Need, Recovery, Standing, State, Time};
use journal::memory::Damaged;
use journal::{Identity, Payload, decode_proposal};
use replica::{Entry, Members, Record, Recovered, RecoveredEntry, Replica, SnapshotMeta};
use session::{ImageWriter, MoldPublisher, ServerHandler, SessionId, Sessions, SoupServer};
use std::collections::BTreeMap;
use types::{Nanos, Open};
use venue::Stores;

/// The cluster that all nodes belong to.
const CLUSTER: [u8; 16] = *b"a simulated one.";

/// How a node's clocks run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// Where the one for leases began, and how much it is too fast, in a million.
    pub(crate) begin_ns: u64,
    pub(crate) fast_ppm: i64,
    /// What was added to the time of the day; where it stands still, if it does.
    pub(crate) set_ns: i64,
    pub(crate) stopped: Option<u64>,
}

impl Clocks {
    pub(crate) fn time(&self, now_ns: u64) -> Time {
        let drift = now_ns as i64 / 1_000 * self.fast_ppm / 1_000;
        let clock_ns = self.begin_ns.saturating_add(now_ns).saturating_add_signed(drift);
        let day_ns = self.stopped.unwrap_or(now_ns).saturating_add_signed(self.set_ns);
        Time { clock_ns, stamp: Nanos(floor::BEGIN.0.saturating_add(day_ns)) }
    }

    /// When it will be that late by the clock for leases.
    pub(crate) fn when(&self, clock_ns: u64, now_ns: u64) -> u64 {
        let ahead = clock_ns.saturating_sub(self.time(now_ns).clock_ns);
        // A little more, for a clock that is slow.
        now_ns + ahead + ahead / 500 + 1
    }
}

/// A connection's end at a node.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) server: SoupServer,
    pub(crate) conn: usize,
    /// Bytes that were not taken yet.
    pub(crate) bytes: Vec<u8>,
    /// The number of the next sequenced message that it sends; 0 before the login's answer.
    pub(crate) next_seq: u64,
}

/// What a running process has.
pub(crate) struct Running {
    pub(crate) member: Member,
    pub(crate) floor: Floor,
    pub(crate) ends: Vec<End>,
    /// A state is being made.
    pub(crate) making: bool,
    /// The entry behind which the state was held against the others' last.
    pub(crate) held: u64,
    /// A snapshot that comes from the leader.
    incoming: Vec<u8>,
}

/// See the module.
pub(crate) struct Node {
    pub(crate) id: u64,
    /// Counts starts, so that what was under way at a crash does not come after it.
    pub(crate) life: u32,
    pub(crate) run: Option<Running>,
    pub(crate) disk: Disk,
    pub(crate) clocks: Clocks,
    /// It stands still until then.
    pub(crate) paused_ns: u64,
    /// Its disk is slow until then.
    pub(crate) slow_ns: u64,
    /// Its disk was found damaged: it does not start again.
    pub(crate) refused: bool,
    /// For a canary: entries as this process had them first.
    first: BTreeMap<u64, Vec<u8>>,
}

/// What a poll gave.
#[derive(Default)]
pub(crate) struct Out {
    pub(crate) sent: Vec<(u64, Vec<u8>)>,
    pub(crate) standings: Vec<Standing>,
    pub(crate) need: Option<Need>,
    /// What it says is committed.
    pub(crate) committed: Vec<(u64, RecoveredEntry)>,
    /// Some peer needs a snapshot.
    wanted: bool,
    /// All of one is here.
    arrived: Option<SnapshotMeta>,
}

/// A poll's ear: what is to be written goes to the disk at once.
struct Ear<'a> {
    out: Out,
    disk: &'a mut Disk,
    commit: u64,
    incoming: &'a mut Vec<u8>,
    first: &'a mut BTreeMap<u64, Vec<u8>>,
}

impl Host for Ear<'_> {
    fn send(&mut self, to: u64, datagram: &[u8]) {
        self.out.sent.push((to, datagram.to_vec()));
    }

    fn persist(&mut self, number: u64, record: Record<'_>) {
        self.disk.push(number, &record, self.commit);
        if let Record::Entry(entry) = record {
            self.first.entry(entry.index).or_insert_with(|| entry.payload.to_vec());
        }
    }

    fn standing(&mut self, standing: Standing) {
        self.out.standings.push(standing);
    }

    fn state_wanted(&mut self, need: Need) {
        self.out.need = Some(need);
    }

    fn committed(&mut self, entry: Entry<'_>) {
        let Entry { index, term, kind, payload } = entry;
        self.out.committed.push((index, RecoveredEntry { term, kind, payload: payload.to_vec() }));
    }

    fn snapshot_wanted(&mut self, _peer: u64, _index_min: u64) {
        self.out.wanted = true;
    }

    fn read_snapshot(&mut self, index: u64, offset: u64, into: &mut [u8]) -> usize {
        let newest = self.disk.newest.as_ref().filter(|newest| newest.index == index);
        let rest = newest.and_then(|newest| newest.bytes.get(offset as usize..));
        let rest = rest.unwrap_or_default();
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        len
    }

    fn snapshot_bytes(&mut self, meta: &SnapshotMeta, offset: u64, bytes: &[u8]) {
        self.incoming.truncate(offset as usize);
        self.incoming.extend_from_slice(bytes);
        if self.incoming.len() as u64 == meta.bytes {
            self.out.arrived = Some(meta.clone());
        }
    }
}

/// Everything of a process but its sessions, as a connection sees it.
struct Behind<'a> {
    member: &'a mut Member,
    publisher: &'a mut MoldPublisher,
    time: Time,
}

impl ServerHandler for Behind<'_> {
    fn on_login(&mut self, _: &mut Sessions, who: SessionId) {
        self.member.mark_dirty(who);
    }

    fn may_take(&mut self) -> bool {
        self.member.has_room()
    }

    fn on_message(&mut self, sessions: &mut Sessions, who: SessionId, message: &[u8]) {
        let stores = Stores { sessions, publisher: self.publisher };
        // There is room; what cannot be read is counted.
        let _ = self.member.on_message(self.time, stores, who, message, &mut ());
    }

    fn on_snapshot(&mut self, image: &mut ImageWriter<'_>) -> Option<u64> {
        self.member.core().write_snapshot(self.time.stamp, self.publisher, image)
    }
}

fn member_config() -> MemberConfig {
    let opening = Some(Open { trades: true, date: 20_000, config: 1 });
    MemberConfig { opening, inflight_max: 64, ..MemberConfig::default() }
}

impl Running {
    /// Offers what connections have said and the member had no room for, and looks at their clocks.
    pub(crate) fn serve(&mut self, time: Time) {
        let Running { member, floor, ends, .. } = self;
        let Floor { sessions, publisher } = floor;
        for end in ends.iter_mut() {
            let mut behind = Behind { member, publisher, time };
            let bytes = std::mem::take(&mut end.bytes);
            let took = end.server.take_bytes(time.clock_ns, &bytes, sessions, &mut behind);
            let took = took.unwrap_or(bytes.len());
            end.bytes = bytes[took..].to_vec();
            // The reason is counted; what is left to be said is said by `pump`.
            let _ = end.server.check(time.clock_ns, sessions, &mut behind);
        }
    }

    /// Ends a connection's end, its client being told nothing here.
    pub(crate) fn close(&mut self, at: usize, time: Time) {
        let Running { member, floor, ends, .. } = self;
        let Floor { sessions, publisher } = floor;
        let mut end = ends.swap_remove(at);
        end.server.on_closed(sessions, &mut Behind { member, publisher, time });
    }

    /// What an end has to say, cut into packets of whole messages.
    pub(crate) fn pump(&mut self, at: usize, time: Time) -> Vec<u8> {
        let mut out = vec![0; 1 << 14];
        let end = &mut self.ends[at];
        let len = end.server.pump(time.clock_ns, &self.floor.sessions, &mut out);
        out.truncate(len);
        out
    }
}

impl Node {
    pub(crate) fn new(id: u64, clocks: Clocks) -> Node {
        Node {
            id,
            life: 0,
            run: None,
            disk: Disk::new(Identity { cluster: CLUSTER, node: id }),
            clocks,
            paused_ns: 0,
            slow_ns: 0,
            refused: false,
            first: BTreeMap::new(),
        }
    }

    /// Starts a process with what the disk has. `forgetful` drops term and vote.
    pub(crate) fn start(
        &mut self,
        (nodes, log_entries): (u64, usize),
        now_ns: u64,
        forgetful: bool,
        credulous: bool,
    ) -> Result<(), Damaged> {
        let config = floor::replica(self.id, nodes, log_entries);
        let (mut floor, state) = self.disk.base();
        let mut recovery = Recovery::new(state, config.founders.clone(), log_entries / 4);
        if credulous {
            self.disk.cut_damage();
        }
        self.disk.start(|entry| {
            recovery.on_entry(entry, &mut floor.stores()).expect("a log");
        })?;
        let (mut found, state) = recovery.finish();
        if forgetful {
            (found.term, found.vote) = (found.entries.last().map_or(0, |e| e.term), 0);
        }
        self.life += 1;
        let clock_ns = self.clocks.time(now_ns).clock_ns;
        let held = state.core.inputs();
        let replica = Replica::new(config, found, clock_ns).expect("a node starts");
        let member = Member::new(member_config(), replica, state).expect("a member");
        let (ends, incoming) = (Vec::new(), Vec::new());
        let making = false;
        self.run = Some(Running { member, floor, ends, making, held, incoming });
        Ok(())
    }

    /// The process ends.
    pub(crate) fn crash(&mut self, rng: &mut crate::rng::Rng) {
        if self.run.take().is_some() {
            self.disk.crash(rng);
            self.first.clear();
        }
        (self.paused_ns, self.slow_ns) = (0, 0);
    }

    pub(crate) fn poll(&mut self, now_ns: u64) -> Out {
        let time = self.clocks.time(now_ns);
        let Some(run) = self.run.as_mut() else { return Out::default() };
        let commit = run.member.replica().committed();
        let Node { disk, first, .. } = self;
        let Running { member, floor, incoming, .. } = run;
        let mut ear = Ear { out: Out::default(), disk, commit, incoming, first };
        member.poll(time, &mut floor.stores(), &mut ear);
        let out = ear.out;
        self.disk.note(member.replica().committed());
        if out.wanted {
            self.make_snapshot();
        }
        if let Some(meta) = &out.arrived {
            self.take_snapshot(meta);
        }
        out
    }

    /// Makes a snapshot, from what is on disk, as an appliance's own thread does.
    fn make_snapshot(&mut self) {
        let Some(run) = &self.run else { return };
        let most = run.member.replica().committed_on_disk();
        let (floor, state) = self.make_state(most, false);
        let (index, bytes) = (state.core.inputs(), floor::save(&floor, &state));
        let sum = digest(&bytes, DIGEST_BEGIN);
        let Some(run) = &mut self.run else { return };
        if run.member.on_snapshot_ready(index, bytes.len() as u64, sum).is_some() {
            self.disk.newest = Some(Snapshot { index, bytes });
        }
    }

    /// All of a snapshot is here: it is kept, if it is whole.
    fn take_snapshot(&mut self, meta: &SnapshotMeta) {
        let Some(run) = &mut self.run else { return };
        let bytes = std::mem::take(&mut run.incoming);
        if digest(&bytes, DIGEST_BEGIN) == meta.digest {
            self.disk.received = Some(Snapshot { index: meta.index, bytes });
            run.member.on_snapshot_verified(meta.index);
        } else {
            run.member.on_snapshot_bad(meta.index);
        }
    }

    /// Makes a state from what is on disk. With `blind`, what was superseded is kept instead.
    pub(crate) fn make_state(&self, most: u64, blind: bool) -> (Floor, State) {
        let founders: Members = floor::replica(self.id, 1, 1 << 13).founders;
        let (mut floor, state) = self.disk.base();
        let mut recovery = Recovery::new(state, founders, 1 << 12);
        let read = self.disk.read(|entry| {
            let mut entry = *entry;
            if let Some(bytes) = self.first.get(&entry.sequence)
                && blind
                && entry.payload.is_numbered()
                && let Some((now, input)) = decode_proposal(bytes)
            {
                (entry.now, entry.payload) = (now, Payload::Input(input));
            }
            recovery.on_entry(&entry, &mut floor.stores()).expect("a log");
        });
        read.expect("a disk that is sound");
        recovery.on_committed(most, &mut floor.stores());
        let (Recovered { .. }, state) = recovery.finish();
        (floor, state)
    }
}
