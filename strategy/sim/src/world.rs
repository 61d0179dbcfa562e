//! The whole of a run: nodes, network, clients, and what happens to them.

mod faults;
mod judge;
mod lines;
mod nodes;

use crate::canary::Canary;
use crate::client::Client;
use crate::floor::CLIENTS;
use crate::node::{Clocks, Node};
use crate::oracle::{DIGEST_BEGIN, Oracle, digest};
use crate::outcome::{Check, Outcome, Tally, Violation};
use crate::rng::Rng;
use crate::weather::Weather;
use lines::Line;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// Fine weather lasts so long at most, until all is answered and equal.
const FINE_NS: u64 = 120_000_000;

/// Whoever hears of the steps.
pub(crate) type Told = Box<dyn FnMut(&str)>;

/// What happens next.
#[derive(Clone, Debug)]
enum What {
    /// A node counts a tick, if one is due.
    Tick { node: usize, life: u32 },
    /// A datagram of another node arrives.
    Datagram { from: u64, to: usize, bytes: Vec<u8> },
    /// A write is done.
    Written { node: usize, life: u32 },
    /// A state is made.
    Made { node: usize, life: u32 },
    /// A process starts.
    Start { node: usize },
    /// A client looks around.
    Client { client: usize },
    /// A client's wish to connect arrives.
    Connect { line: usize },
    /// Bytes arrive at an end of a connection.
    Bytes { line: usize, to_client: bool, number: u64, bytes: Vec<u8> },
    /// An end learns that the other is gone.
    Reset { line: usize, to_client: bool },
    /// A packet of the feed arrives at whoever listens.
    Feed { bytes: Vec<u8> },
    /// A request for what is missing arrives.
    Request { node: usize, bytes: Vec<u8> },
    /// The listener looks around.
    Listen,
    /// Something breaks.
    Fault,
    /// Something is as before.
    Heal { fault: usize },
    /// The weather is fine from here on.
    Fine,
}

#[derive(Debug)]
struct Event {
    at_ns: u64,
    number: u64,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        (self.at_ns, self.number) == (other.at_ns, other.number)
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Event) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Event) -> Ordering {
        (other.at_ns, other.number).cmp(&(self.at_ns, self.number))
    }
}

/// Whoever hears the feed.
#[derive(Debug, Default)]
struct Listener {
    /// The first message that it lacks.
    next: u64,
    /// Messages behind that.
    ahead: BTreeMap<u64, Vec<u8>>,
    /// The number behind the last that it heard of.
    heard: u64,
}

/// See the module.
pub(crate) struct World {
    rng: Rng,
    weather: Weather,
    canary: Option<Canary>,
    now_ns: u64,
    events: BinaryHeap<Event>,
    numbers: u64,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    lines: Vec<Line>,
    /// Who was the last to take the service's address.
    owner: Option<usize>,
    listener: Listener,
    oracle: Oracle,
    /// Pairs of which the second does not hear the first; clients are number 0.
    cuts: Vec<(usize, u64, u64)>,
    faults: usize,
    fine: bool,
    /// Who led in which term.
    leaders: BTreeMap<u64, u64>,
    /// The entry of the latest order that its client was told of.
    floor: u64,
    trace: u64,
    steps: u64,
    tally: Tally,
    /// Who hears of every step.
    told: Option<Told>,
}

impl World {
    pub(crate) fn new(seed: u64, canary: Option<Canary>) -> World {
        let mut rng = Rng::new(seed);
        let weather = Weather::of(&mut rng).against(canary);
        let mut clocks = || Clocks {
            begin_ns: rng.between(1, 1 << 40),
            fast_ppm: rng.below(901) as i64 - 450,
            set_ns: rng.below(2_000_000) as i64 - 1_000_000,
            stopped: None,
        };
        let nodes = (1..=weather.nodes).map(|id| Node::new(id, clocks())).collect();
        let clients = (0..CLIENTS).map(|who| Client::new(who, weather.orders)).collect();
        World {
            rng,
            weather,
            canary,
            now_ns: 0,
            events: BinaryHeap::new(),
            numbers: 0,
            nodes,
            clients,
            lines: Vec::new(),
            owner: None,
            listener: Listener { next: 1, heard: 1, ..Listener::default() },
            oracle: Oracle::new(),
            cuts: Vec::new(),
            faults: 0,
            fine: false,
            leaders: BTreeMap::new(),
            floor: 0,
            trace: DIGEST_BEGIN,
            steps: 0,
            tally: Tally::default(),
            told: None,
        }
    }

    /// Has every step told.
    pub(crate) fn tell(&mut self, told: Told) {
        self.told = Some(told);
    }

    fn is(&self, canary: Canary) -> bool {
        self.canary == Some(canary)
    }

    fn at(&mut self, at_ns: u64, what: What) {
        self.numbers += 1;
        self.events.push(Event { at_ns, number: self.numbers, what });
    }

    fn after(&mut self, ns: u64, what: What) {
        self.at(self.now_ns + ns, what);
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told(&format!("{:>12} {:>7} {}", self.now_ns, self.steps, what()));
        }
    }

    /// Lives through it.
    pub(crate) fn run(mut self, seed: u64) -> Outcome {
        self.begin();
        let violation = loop {
            if let Err(mut violation) = self.step() {
                (violation.step, violation.at_ns) = (self.steps, self.now_ns);
                break Some(violation);
            }
            if self.fine && self.is_over() {
                break self.last_judgement().err().map(|mut violation| {
                    (violation.step, violation.at_ns) = (self.steps, self.now_ns);
                    violation
                });
            }
        };
        self.tally.committed = self.oracle.committed();
        self.mix(self.oracle.digest());
        let World { trace, steps, tally, .. } = self;
        Outcome { seed, trace, steps, tally, violation }
    }

    fn begin(&mut self) {
        for node in 0..self.nodes.len() {
            let at_ns = self.rng.below(50_000);
            self.at(at_ns, What::Start { node });
        }
        for client in 0..self.clients.len() {
            let at_ns = self.rng.below(400_000);
            self.at(at_ns, What::Client { client });
        }
        self.at(100_000, What::Listen);
        let (rough_ns, first) = (self.weather.rough_ns, self.weather.fault_every_ns);
        self.at(500_000 + first / 2, What::Fault);
        self.at(rough_ns, What::Fine);
    }

    fn mix(&mut self, number: u64) {
        self.trace = digest(&number.to_le_bytes(), self.trace);
    }

    /// Lets the next thing happen, and checks.
    fn step(&mut self) -> Result<(), Violation> {
        let Some(Event { at_ns, what, .. }) = self.events.pop() else {
            return Err(Check::Progress.broken("nothing happens any more".into()));
        };
        self.now_ns = at_ns;
        self.steps += 1;
        if self.now_ns > self.weather.rough_ns + FINE_NS {
            return Err(Check::Progress.broken(self.what_is_missing()));
        }
        if let Some(until_ns) = self.stands_still(&what) {
            self.at(until_ns, what);
            return Ok(());
        }
        self.mix(at_ns ^ (discriminant(&what) << 56));
        match what {
            What::Tick { node, life } => self.tick(node, life),
            What::Datagram { from, to, bytes } => self.datagram(from, to, &bytes),
            What::Written { node, life } => self.written(node, life),
            What::Made { node, life } => self.made(node, life),
            What::Start { node } => self.start(node),
            What::Client { client } => self.client(client),
            What::Connect { line } => self.connect(line),
            What::Bytes { line, to_client, number, bytes } => {
                self.arrive(line, to_client, number, bytes)
            }
            What::Reset { line, to_client } => self.reset(line, to_client),
            What::Feed { bytes } => self.hear(&bytes),
            What::Request { node, bytes } => self.answer(node, &bytes),
            What::Listen => self.listen(),
            What::Fault => self.fault(),
            What::Heal { fault } => self.heal(fault),
            What::Fine => self.turn_fine(),
        }
    }

    /// Until when the node that this is for stands still, if it does.
    fn stands_still(&self, what: &What) -> Option<u64> {
        let node = match what {
            What::Tick { node, .. }
            | What::Written { node, .. }
            | What::Made { node, .. }
            | What::Request { node, .. }
            | What::Datagram { to: node, .. } => *node,
            What::Connect { line } => self.lines.get(*line)?.node,
            What::Bytes { line, to_client: false, .. } | What::Reset { line, to_client: false } => {
                self.lines.get(*line)?.node
            }
            _ => return None,
        };
        let paused_ns = self.nodes.get(node)?.paused_ns;
        (paused_ns > self.now_ns).then_some(paused_ns)
    }
}

fn discriminant(what: &What) -> u64 {
    match what {
        What::Tick { node, .. } => 1 + *node as u64 * 16,
        What::Datagram { to, .. } => 2 + *to as u64 * 16,
        What::Written { node, .. } => 3 + *node as u64 * 16,
        What::Made { .. } => 4,
        What::Start { .. } => 5,
        What::Client { .. } => 6,
        What::Connect { .. } => 7,
        What::Bytes { .. } => 8,
        What::Reset { .. } => 9,
        What::Feed { .. } => 10,
        What::Request { .. } => 11,
        What::Listen => 12,
        What::Fault => 13,
        What::Heal { .. } => 14,
        What::Fine => 15,
    }
}
