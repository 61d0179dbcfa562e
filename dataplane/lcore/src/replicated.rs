//! A venue that is a node of a cluster: the same ports as a venue that stands alone, one more to
//! its peers, and a [`cluster::Member`] behind them.
//!
//! ```text
//!   peers.rx ─▶ member ◀─ order ports.rx (while it serves)        disk: how far the journal is
//!                 │ poll: records ─▶ journal, datagrams ─▶ peers.tx, standing
//!                 └─ what is committed ─▶ sessions ─▶ order ports.tx, feed ─▶ market data.tx
//! ```
//! A node that does not serve takes what its service ports receive and answers nothing: the
//! service's Ethernet and IP addresses are the leader's alone. A new leader announces them
//! (gratuitous ARP), which moves them in the switches. The addresses are the same on every node, so
//! no neighbour has to learn anything. Connections do not move: the first segment that a client
//! sends to the new leader is answered with a reset, and it logs in again.
//!
//! A state that went another way than the log is made anew on a thread of the house, from the
//! journal ([`Rebuild`]); meanwhile the node votes and keeps the log, and serves nobody.
//!
//! Limits and failure modes: those of `cluster`. Nobody can read a snapshot across the wire yet: a
//! peer that is further behind than the log in memory is counted (`left_behind`) and does not catch
//! up by itself.

mod disk;
mod seat;

pub use disk::Disk;

use crate::agent::{Agent, Now, WorkCount};
use crate::laps::Laps;
use crate::market_data::MarketDataPort;
use crate::port_io::{Burst, PortIo};
use crate::replica_port::ReplicaPort;
use crate::venue::{Behind, Endpoint, OperatorLine, Place, VenueStage, Watchers};
use cluster::{Member, Need, Standing, State};
use hostcpu::{TscClock, tsc};
use replica::Role;
use seat::{Hands, Seat, time};
use session::{MoldPublisher, Sessions};
use spsc::{Consumer, Producer};
use telemetry::CounterSet;
use venue::Stores;

/// Of how many bursts one has its stages timed.
const TIMED_ONE_IN: u32 = 8;
/// Messages of the feed that a new leader sends once more: those that its predecessor may have had
/// in its queues, and some.
const SENT_AGAIN: u64 = 256;
/// A node that ends hands over first; it does not wait for longer than this.
const HAND_OVER_NS_MAX: u64 = 2_000_000_000;

telemetry::keys! {
    /// What a node of a cluster counts beside its ports and its member.
    pub enum NodeCounter in "node" {
        /// Frames for the service's address while this node did not serve.
        NotServing = "frames_not_serving",
        /// States that were asked of the disk.
        Rebuilds = "rebuilds",
        /// States that came from the disk and did not fit any more.
        RebuildsRefused = "rebuilds_refused",
        /// Times that a peer needed a snapshot, which nobody sends yet.
        LeftBehind = "left_behind",
        /// Operator's commands that were not taken.
        OperatorRefused = "operator_refused",
    }
}

/// A state that was made from the journal, with the stores that go with it.
#[derive(Debug)]
pub struct Rebuilt {
    /// The engine and what stands around it.
    pub state: State,
    /// What sessions were sent.
    pub sessions: Sessions,
    /// What the feed was sent.
    pub publisher: MoldPublisher,
}

/// Something that became of a node, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeEvent {
    /// When, in ns since midnight.
    pub at_ns: u64,
    /// What.
    pub what: NodeWhat,
}

/// See [`NodeEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeWhat {
    /// Its role, the term or the leader changed.
    Role(Role),
    /// What it is to clients changed.
    Standing(Standing),
    /// Its journal takes no more: it goes on in memory, and counts for no quorum.
    DiskLost,
    /// Its state went another way than the log: one is being made anew.
    StateWanted,
    /// It has a state again.
    StateInstalled,
}

/// The way to the thread that makes states, and back.
#[derive(Debug)]
pub struct Rebuild {
    /// What is wanted.
    pub wants: Producer<Need>,
    /// What was made.
    pub made: Consumer<Box<Rebuilt>>,
}

/// The parts a [`Replicated`] is made of.
pub struct ReplicatedParts<'e> {
    /// The role's name.
    pub name: String,
    /// Order ports, in the configuration's order.
    pub endpoints: Vec<Endpoint<'e>>,
    /// Where the tape goes out.
    pub market_data: MarketDataPort<'e>,
    /// Where the other nodes are.
    pub peers: ReplicaPort<'e>,
    /// The node.
    pub member: Member,
    /// Its sessions, as they go with the member's state.
    pub sessions: Sessions,
    /// Its journal.
    pub disk: Disk,
    /// Who makes states from the journal.
    pub rebuild: Rebuild,
    /// Who hears of what becomes of it.
    pub events: Producer<NodeEvent>,
    /// The clock that leases are held against.
    pub clock: TscClock,
    /// What the operator says as the venue runs.
    pub operator: Option<OperatorLine>,
    /// Stage clocks.
    pub laps: Laps<VenueStage>,
}

/// See the module.
pub struct Replicated<'e> {
    name: String,
    endpoints: Vec<Endpoint<'e>>,
    market_data: MarketDataPort<'e>,
    peers: ReplicaPort<'e>,
    seat: Seat,
    sessions: Sessions,
    disk: Disk,
    rebuild: Rebuild,
    events: Producer<NodeEvent>,
    disk_lost: bool,
    wants_state: bool,
    clock: TscClock,
    operator: Option<OperatorLine>,
    places: Vec<Option<Place>>,
    watchers: Watchers,
    burst: Burst<'e>,
    counters: CounterSet<NodeCounter>,
    role: Role,
    standing: Standing,
    /// When the end began.
    closing_ns: Option<u64>,
}

impl<'e> Replicated<'e> {
    /// Puts a node together.
    pub fn new(parts: ReplicatedParts<'e>) -> Replicated<'e> {
        Replicated {
            name: parts.name,
            endpoints: parts.endpoints,
            market_data: parts.market_data,
            peers: parts.peers,
            role: parts.member.replica().role(),
            seat: Seat { member: parts.member },
            places: vec![None; parts.sessions.len()],
            sessions: parts.sessions,
            disk: parts.disk,
            rebuild: parts.rebuild,
            events: parts.events,
            disk_lost: false,
            wants_state: false,
            clock: parts.clock,
            operator: parts.operator,
            watchers: Watchers::new(parts.laps.one_in(TIMED_ONE_IN), None),
            burst: Burst::new(),
            counters: CounterSet::new(),
            standing: Standing::Standby,
            closing_ns: None,
        }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node, for the report.
    pub fn member(&self) -> &Member {
        &self.seat.member
    }

    /// The sessions, for the report.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Stage clocks, for the report.
    pub fn laps(&self) -> &Laps<VenueStage> {
        &self.watchers.laps
    }

    /// The order ports, for the report.
    pub fn endpoints(&self) -> &[Endpoint<'e>] {
        &self.endpoints
    }

    /// The tape's port, for the report.
    pub fn market_data(&self) -> &MarketDataPort<'e> {
        &self.market_data
    }

    /// The port to the other nodes, for the report.
    pub fn peers(&self) -> &ReplicaPort<'e> {
        &self.peers
    }

    /// The journal, for the report.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// What was counted.
    pub fn counters(&self) -> &CounterSet<NodeCounter> {
        &self.counters
    }

    /// The last role that it had.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Takes the role apart for its ports: order ports in order, the tape's, the peers'.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        let orders = self.endpoints.into_iter().map(Endpoint::into_io);
        let tape = self.market_data.into_ios();
        orders.chain(tape).chain([self.peers.into_io()]).collect()
    }

    /// Takes in what peers say and what the disk has.
    fn hear(&mut self, now: Now) -> usize {
        let (member, at) = (&mut self.seat.member, time(now));
        let got = self.peers.receive(now, &mut self.burst, |from, datagram| {
            // What is refused was counted.
            let _ = member.on_datagram(at, from, datagram);
        });
        if let Some(record) = self.disk.durable() {
            member.on_durable(record);
        }
        got
    }

    /// A burst from each order port; of a node that does not serve nothing hears an answer.
    fn take_orders(&mut self, now: Now) -> usize {
        let mut behind = Behind {
            core: &mut self.seat,
            publisher: self.market_data.publisher_mut(),
            places: &mut self.places,
            watchers: &mut self.watchers,
            ahead_ns: 0,
        };
        let serves = matches!(self.standing, Standing::Serving { .. });
        let mut work = 0;
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            if serves {
                let (burst, sessions) = (&mut self.burst, &mut self.sessions);
                work += endpoint.receive(index, now, burst, &mut behind, sessions);
            } else {
                let frames = endpoint.ignore(&mut self.burst);
                self.counters.add(NodeCounter::NotServing, frames as u64);
                work += frames;
            }
        }
        work
    }

    fn take_command(&mut self, now: Now) {
        let serves = matches!(self.standing, Standing::Serving { .. });
        let Some(line) = self.operator.as_mut().filter(|_| serves) else { return };
        if !self.seat.member.has_room() {
            return;
        }
        let Some(operation) = line.commands.pop() else { return };
        let publisher = self.market_data.publisher_mut();
        let mut stores = Stores { sessions: &mut self.sessions, publisher };
        let answers = Some(&mut line.answers);
        let taken = self.seat.member.operate(time(now), &mut stores, operation, answers);
        if taken.is_err() {
            self.counters.inc(NodeCounter::OperatorRefused);
        }
        if line.answers.push(venue::ToOperator::Done).is_err() {
            self.counters.inc(NodeCounter::OperatorRefused);
        }
    }

    /// One poll of the member; then the ports follow what it stands for.
    fn agree(&mut self, now: Now) {
        let committed = self.seat.member.replica().committed();
        let mut hands = Hands {
            peers: &mut self.peers,
            disk: &mut self.disk,
            committed,
            standing: None,
            need: None,
            role: None,
            left_behind: 0,
        };
        let publisher = self.market_data.publisher_mut();
        let mut stores = Stores { sessions: &mut self.sessions, publisher };
        self.seat.member.poll(time(now), &mut stores, &mut hands);
        let Hands { standing, need, role, left_behind, .. } = hands;
        self.disk.note_committed(self.seat.member.checked());
        self.counters.add(NodeCounter::LeftBehind, left_behind);
        if let Some(role) = role {
            self.role = role;
            self.tell(now, NodeWhat::Role(role));
        }
        if !self.disk_lost && self.disk.is_lost() {
            self.disk_lost = true;
            self.tell(now, NodeWhat::DiskLost);
        }
        if let Some(need) = need {
            self.counters.inc(NodeCounter::Rebuilds);
            // A full way means that the thread is at work; the need is told again as it moves.
            let _ = self.rebuild.wants.push(need);
            if !std::mem::replace(&mut self.wants_state, true) {
                self.tell(now, NodeWhat::StateWanted);
            }
        }
        if let Some(standing) = standing {
            self.stand(now, standing);
            self.tell(now, NodeWhat::Standing(standing));
        }
    }

    /// Nobody need listen.
    #[cold]
    fn tell(&mut self, now: Now, what: NodeWhat) {
        let _ = self.events.push(NodeEvent { at_ns: now.ns, what });
    }

    /// Takes the service's address, or gives it up.
    #[cold]
    fn stand(&mut self, now: Now, standing: Standing) {
        let before = std::mem::replace(&mut self.standing, standing);
        match (before, standing) {
            (Standing::Standby, Standing::Serving { .. }) => {
                self.endpoints.iter_mut().for_each(|endpoint| endpoint.start(now));
                self.market_data.start(now);
                self.market_data.publisher_mut().send_again(SENT_AGAIN);
            }
            (_, Standing::Standby) => {
                let mut behind = Behind {
                    core: &mut self.seat,
                    publisher: self.market_data.publisher_mut(),
                    places: &mut self.places,
                    watchers: &mut self.watchers,
                    ahead_ns: 0,
                };
                for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
                    endpoint.forget_all(index, now, &mut behind, &mut self.sessions);
                }
            }
            _ => {}
        }
    }

    /// Puts in a state that was made from the journal.
    #[cold]
    fn install(&mut self, now: Now, made: Box<Rebuilt>) {
        let Rebuilt { state, sessions, publisher } = *made;
        if self.seat.member.install(state).is_err() {
            self.counters.inc(NodeCounter::RebuildsRefused);
            return;
        }
        self.sessions = sessions;
        self.market_data.replace_publisher(publisher);
        self.wants_state = false;
        self.tell(now, NodeWhat::StateInstalled);
    }

    /// Sends what is released: replies to whoever has some waiting, and the tape.
    fn serve(&mut self, now: Now) -> usize {
        // Read just now: a process that was stopped in between has lost its lease.
        let clock_ns = self.clock.nanos_since_midnight(tsc());
        if !self.seat.member.may_send(clock_ns) {
            return 0;
        }
        while let Some(who) = self.seat.member.next_dirty(&self.sessions) {
            if let Some(Some(place)) = self.places.get(usize::from(who.0))
                && let Some(endpoint) = self.endpoints.get_mut(place.endpoint)
            {
                endpoint.pump(place.conn, now, &self.sessions);
            }
        }
        let mut behind = Behind {
            core: &mut self.seat,
            publisher: self.market_data.publisher_mut(),
            places: &mut self.places,
            watchers: &mut self.watchers,
            ahead_ns: 0,
        };
        for (index, endpoint) in self.endpoints.iter_mut().enumerate() {
            endpoint.tend(index, now, &mut behind, &mut self.sessions);
        }
        self.market_data.pump(now)
    }
}

impl Agent for Replicated<'_> {
    fn start(&mut self, now: Now) {
        self.peers.start(now);
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let heard = self.hear(now);
        if let Some(made) = self.rebuild.made.pop() {
            self.install(now, made);
        }
        self.take_command(now);
        let orders = self.take_orders(now);
        self.agree(now);
        let sent = self.serve(now);
        if orders > 0 && matches!(self.standing, Standing::Serving { .. }) {
            let laps = &mut self.watchers.laps;
            laps.lap_and_span(VenueStage::ReplyTx, VenueStage::RxToTx, now.tsc);
        }
        let tape = match self.standing {
            Standing::Serving { .. } => self.market_data.receive(now, &mut self.burst),
            _ => self.market_data.ignore(&mut self.burst),
        };
        heard + orders + sent + tape + self.peers.flush(now)
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn drain(&mut self, _now: Now) {}

    fn is_drained(&self) -> bool {
        !matches!(self.standing, Standing::Serving { .. }) || self.market_data.is_sent()
    }

    /// Hands leadership over; the day goes on at another node.
    fn stop(&mut self, now: Now) -> bool {
        let began_ns = *self.closing_ns.get_or_insert(now.ns);
        if matches!(self.standing, Standing::Standby) {
            return true;
        }
        let replica = self.seat.member.replica();
        let voters = replica.peers().filter(|peer| peer.votes && peer.answered_ns > 0);
        if let Some(peer) = voters.max_by_key(|peer| (peer.matched, peer.answered_ns)) {
            // Asked again at each poll until it is done, or too long.
            let _ = self.seat.member.hand_over(peer.node);
        }
        now.ns.saturating_sub(began_ns) > HAND_OVER_NS_MAX
    }
}
