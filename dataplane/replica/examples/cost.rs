//! What a proposal costs on the leader and on a follower, three nodes on one core, disks that have
//! everything at once.
//!
//! ```sh
//! cargo run --release -p replica --example cost -- 200000
//! scripts/instructions.sh      # those of the leader, held against a baseline
//! valgrind --tool=callgrind --toggle-collect='*Room*run*' \
//!     target/release/examples/cost 4000 1
//! ```
//!
//! Time is the TSC's around each call, so it has the cost of reading it. The median of all batches
//! is told: on a machine with other work the mean is the other work's. Allocations are counted. A
//! tenth of the proposals goes before, to warm up.

use heapwatch::CountingAlloc;
use hostcpu::{TscClock, tsc};
use replica::{Config, Entry, Members, Outbox, Record, Recovered, Refused, Replica, RoleKind};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Datagrams under way, in memory that was taken once.
#[derive(Default)]
struct Wire {
    bytes: Vec<u8>,
    sent: Vec<(u64, std::ops::Range<usize>)>,
    committed: u64,
    records: u64,
}

impl Outbox for Wire {
    fn send(&mut self, to: u64, datagram: &[u8]) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        self.sent.push((to, at..self.bytes.len()));
    }

    fn persist(&mut self, number: u64, record: Record<'_>) {
        std::hint::black_box(record);
        self.records = number;
    }

    fn committed(&mut self, entry: Entry<'_>) {
        self.committed = std::hint::black_box(entry).index;
    }
}

impl Wire {
    fn clear(&mut self) {
        self.bytes.clear();
        self.sent.clear();
    }
}

/// What calls took, in this batch and in those before.
#[derive(Default)]
struct Spent {
    ticks: u64,
    batches: Vec<u64>,
    allocations: u64,
}

impl Spent {
    fn end_batch(&mut self) {
        self.batches.push(std::mem::take(&mut self.ticks));
    }

    fn median(&mut self) -> u64 {
        self.batches.sort_unstable();
        self.batches[self.batches.len() / 2]
    }

    fn on<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = heapwatch::thread_allocations();
        let start = tsc();
        let done = work();
        self.ticks += tsc() - start;
        self.allocations += heapwatch::thread_allocations().since(before).allocs;
        done
    }
}

struct Room {
    nodes: Vec<Replica>,
    wires: Vec<Wire>,
    now_ns: u64,
}

impl Room {
    fn new() -> Room {
        let members = Members::of_voters(&[1, 2, 3]).expect("three nodes");
        let start = |node| {
            let mut config = Config::new(node, [1; 16], members.clone());
            config.stagger_ticks = 2;
            config.batch_entries_max = 1024;
            Replica::new(config, Recovered::default(), 0).expect("it starts")
        };
        let wires = (0..3).map(|_| Wire { bytes: Vec::with_capacity(1 << 20), ..Wire::default() });
        Room { nodes: [1, 2, 3].map(start).into(), wires: wires.collect(), now_ns: 0 }
    }

    /// Polls a node and delivers what it sends; what it spent on that.
    fn turn(&mut self, at: usize, spent: &mut [Spent; 3]) {
        let (node, wire, now_ns) = (&mut self.nodes[at], &mut self.wires[at], self.now_ns);
        wire.clear();
        spent[at].on(|| {
            if at == 0 { leader_polls(node, now_ns, wire) } else { poll(node, now_ns, wire) }
        });
        let wire = std::mem::take(wire);
        for (to, range) in &wire.sent {
            let peer = *to as usize - 1;
            let (node, bytes) = (&mut self.nodes[peer], &wire.bytes[range.clone()]);
            let from = at as u64 + 1;
            let taken = spent[peer].on(|| match peer {
                0 => leader_hears(node, now_ns, from, bytes),
                _ => node.on_datagram(now_ns, from, bytes),
            });
            taken.expect("nothing is refused here");
        }
        self.wires[at] = wire;
    }

    fn elect(&mut self) {
        while self.nodes[0].role().kind != RoleKind::Leader {
            self.now_ns += 80_000;
            for node in &mut self.nodes {
                node.on_tick(self.now_ns);
            }
            for _ in 0..8 {
                (0..3).for_each(|at| self.turn(at, &mut Default::default()));
            }
        }
    }

    /// `count` proposals, `batch` between two polls.
    fn run(&mut self, count: u64, batch: u64, payload: &[u8]) -> [Spent; 3] {
        let mut spent: [Spent; 3] = Default::default();
        for _ in 0..count / batch {
            self.now_ns += 5_000;
            for node in &mut self.nodes {
                node.on_tick(self.now_ns);
            }
            let (leader, now_ns) = (&mut self.nodes[0], self.now_ns);
            let last = spent[0].on(|| lead(leader, now_ns, batch, payload));
            (0..3).for_each(|at| self.turn(at, &mut spent));
            self.turn(0, &mut spent);
            assert_eq!(self.nodes[0].committed(), last, "a round trip commits");
            spent.iter_mut().for_each(Spent::end_batch);
        }
        spent
    }
}

fn poll(node: &mut Replica, now_ns: u64, wire: &mut Wire) {
    node.poll(now_ns, wire);
    node.on_durable(wire.records);
    node.poll(now_ns, wire);
    node.on_applied(wire.committed);
}

/// Functions of their own, so that callgrind can count them alone.
#[inline(never)]
fn leader_polls(node: &mut Replica, now_ns: u64, wire: &mut Wire) {
    poll(node, now_ns, wire);
}

#[inline(never)]
fn leader_hears(node: &mut Replica, now: u64, from: u64, bytes: &[u8]) -> Result<(), Refused> {
    node.on_datagram(now, from, bytes)
}

#[inline(never)]
fn lead(leader: &mut Replica, now_ns: u64, batch: u64, payload: &[u8]) -> u64 {
    let propose = |_| leader.propose(now_ns, payload).expect("it leads");
    (0..batch).map(propose).last().expect("a batch")
}

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let count = arguments.first().copied().unwrap_or(200_000);
    let batches = arguments.get(1).map_or(vec![1, 4, 32, 128], |batch| vec![*batch]);
    let clock = TscClock::calibrate().expect("a TSC");
    for batch in batches {
        let mut room = Room::new();
        room.elect();
        room.run(count / 10, batch, &[7; 81]);
        let mut spent = room.run(count, batch, &[7; 81]);
        let [leader_ns, one_ns, two_ns] =
            spent.each_mut().map(|s| clock.ns(s.median()) as f64 / batch as f64);
        let per = |spent: &Spent| spent.allocations as f64 / (count / batch * batch) as f64;
        let [leader, follower, _] = &spent;
        println!(
            "batch {batch:>3}: leader {leader_ns:.0} ns, {:.2} allocations a proposal; follower \
             {one_ns:.0} ns, {:.2}; three nodes {:.0} ns",
            per(leader),
            per(follower),
            leader_ns + one_ns + two_ns,
        );
        println!("{} proposals in all", count / 10 / batch * batch + count / batch * batch);
    }
}
