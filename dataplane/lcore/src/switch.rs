//! A learning Ethernet switch between ports: what joins more than two of them.
//!
//! Why it exists: an address that moves from one appliance to another (`docs/replication.md`) moves
//! in the tables of a switch. Cables between processes and between roles join two ends only; a
//! cluster on one machine needs what a rack has.
//!
//! ```text
//!   port 0.rx ─┐                              ┌─▶ port 0.tx
//!   port 1.rx ─┼─▶ learn source ─▶ look up ───┼─▶ port 1.tx    known: one port
//!   port 2.rx ─┘                  destination └─▶ port 2.tx    group, or unknown: every other one
//! ```
//! A source is learned from each frame (IEEE 802.1Q-2018, 8.7), so that the first frame of a host
//! at its new port, a gratuitous ARP say, moves it there. The frame goes on in the mbuf it came in;
//! only further copies of a flooded one are written anew.
//!
//! Limits: [`PORTS_MAX`] ports, [`ADDRESSES_MAX`] addresses; one network, no VLANs of its own (tags
//! pass), no spanning tree: do not lay it in a ring.
//!
//! Failure modes: a port that does not take its frames, full or with nobody behind it, loses them,
//! as a switch does: counted by port. An address for which the table has no room is flooded to.

mod table;

pub use table::{ADDRESSES_MAX, AGE_NS_MAX};

use crate::agent::{Agent, Now, WorkCount};
use crate::port_io::{Burst, Outbox, PortIo};
use dpdk::Mbuf;
use spsc::Consumer;
use table::{Learned, Table};
use telemetry::CounterSet;
use wire::{Mac, ether};

/// Ports of a switch at most.
pub const PORTS_MAX: usize = 16;
/// At the end the role goes on until nothing has passed for so long: peers on other lcores say
/// goodbye through it.
const QUIET_NS: u64 = 200_000_000;
/// But no longer than this: strangers may talk for ever.
const END_NS_MAX: u64 = 1_000_000_000;

telemetry::keys! {
    /// What becomes of the frames that a port sends to the switch.
    pub enum SwitchCounter in "switch" {
        /// Frames for an address behind another port that is known.
        Forwarded = "forwarded",
        /// Frames for everyone, for a group, or for an address that is not known.
        Flooded = "flooded",
        /// Frames for an address behind the port they came from.
        Filtered = "filtered",
        /// Frames that are none, or come from a group.
        Malformed = "malformed",
        /// Addresses seen behind this port for the first time.
        Learned = "learned",
        /// Addresses that were behind another port before.
        Moved = "moved",
        /// Addresses that there was no room to learn.
        TableFull = "table_full",
        /// Frames from this port, or for it, while its cable was taken out.
        Cut = "cut",
        /// Frames for this port that its device did not take, or that there was no mbuf for.
        NotTaken = "not_taken",
    }
}

/// A port's cable is taken out, or put in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cabling {
    /// Which port.
    pub port: usize,
    /// Whether it is in.
    pub is_in: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Switch<'e> {
    name: String,
    ports: Vec<PortIo<'e>>,
    counters: Vec<CounterSet<SwitchCounter>>,
    table: Table,
    /// Ports whose cable is out.
    out: [bool; PORTS_MAX],
    cabling: Option<Consumer<Cabling>>,
    burst: Burst<'e>,
    /// When the role was told to stop.
    closing_ns: Option<u64>,
    /// When a frame passed last, or the role was told to stop.
    last_ns: u64,
}

impl<'e> Switch<'e> {
    /// Puts one together; takes all memory that it will need.
    ///
    /// # Panics
    /// With more than [`PORTS_MAX`] ports: the configuration is checked before.
    pub fn new(name: String, ports: Vec<PortIo<'e>>) -> Switch<'e> {
        assert!(ports.len() <= PORTS_MAX);
        Switch {
            name,
            counters: ports.iter().map(|_| CounterSet::new()).collect(),
            ports,
            table: Table::new(),
            out: [false; PORTS_MAX],
            cabling: None,
            burst: Burst::new(),
            closing_ns: None,
            last_ns: 0,
        }
    }

    /// Has cables taken out and put in while it runs.
    pub fn with_cabling(mut self, cabling: Consumer<Cabling>) -> Switch<'e> {
        self.cabling = Some(cabling);
        self
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Each port with what was counted there.
    pub fn ports(&self) -> impl Iterator<Item = (&PortIo<'e>, &CounterSet<SwitchCounter>)> {
        self.ports.iter().zip(&self.counters)
    }

    /// Takes the role apart for its ports.
    pub fn into_ports(self) -> Vec<PortIo<'e>> {
        self.ports
    }

    /// One burst of one port.
    fn pass_on(&mut self, now_ns: u64, from: usize) -> usize {
        let mut burst = std::mem::take(&mut self.burst);
        let got = self.ports[from].rx(&mut burst);
        if self.out[from] {
            self.counters[from].add(SwitchCounter::Cut, got as u64);
            burst.clear();
        }
        for mbuf in burst.drain(..) {
            self.frame(now_ns, from, mbuf);
        }
        self.burst = burst;
        got
    }

    fn frame(&mut self, now_ns: u64, from: usize, mbuf: Mbuf<'e>) {
        use SwitchCounter as C;
        let Some((to, source)) = addresses(mbuf.data()).filter(|(_, s)| !ether::is_group(*s))
        else {
            return self.counters[from].inc(C::Malformed);
        };
        match self.table.learn(source, from as u8, now_ns) {
            Learned::Known => {}
            Learned::New => self.counters[from].inc(C::Learned),
            Learned::Moved => self.counters[from].inc(C::Moved),
            Learned::Full => self.counters[from].inc(C::TableFull),
        }
        let known = if ether::is_group(to) { None } else { self.table.find(to, now_ns) };
        match known.map(usize::from) {
            Some(port) if port == from => self.counters[from].inc(C::Filtered),
            Some(port) => {
                self.counters[from].inc(C::Forwarded);
                self.send(port, mbuf);
            }
            None => {
                self.counters[from].inc(C::Flooded);
                self.flood(from, mbuf);
            }
        }
    }

    /// To every port but the one that it came from: copies, and the frame itself to the last.
    fn flood(&mut self, from: usize, mbuf: Mbuf<'e>) {
        let Some(last) = (0..self.ports.len()).rfind(|port| *port != from) else { return };
        for port in (0..last).filter(|port| *port != from) {
            if self.out[port] {
                self.counters[port].inc(SwitchCounter::Cut);
                continue;
            }
            let out = &mut self.ports[port].out;
            let copy = if has_room(out) { out.copy_of(mbuf.data()) } else { None };
            match copy {
                Some(copy) => self.send(port, copy),
                None => self.counters[port].inc(SwitchCounter::NotTaken),
            }
        }
        self.send(last, mbuf);
    }

    fn send(&mut self, port: usize, mbuf: Mbuf<'e>) {
        if self.out[port] {
            return self.counters[port].inc(SwitchCounter::Cut);
        }
        let out = &mut self.ports[port].out;
        if !has_room(out) || out.forward(mbuf).is_err() {
            self.counters[port].inc(SwitchCounter::NotTaken);
        }
    }
}

/// Whether a frame can be queued, once what is queued was offered to the device.
fn has_room(out: &mut Outbox<'_>) -> bool {
    if out.room() == 0 {
        out.flush();
    }
    out.room() > 0
}

/// Destination and source of a frame.
fn addresses(frame: &[u8]) -> Option<(Mac, Mac)> {
    let (to, rest) = frame.split_first_chunk::<6>()?;
    let (source, rest) = rest.split_first_chunk::<6>()?;
    (rest.len() >= 2).then_some((*to, *source))
}

impl Agent for Switch<'_> {
    fn start(&mut self, now: Now) {
        self.last_ns = now.ns;
    }

    fn poll(&mut self, now: Now) -> WorkCount {
        let change = self.cabling.as_mut().and_then(Consumer::pop);
        if let Some(Cabling { port, is_in }) = change.filter(|c| c.port < self.ports.len()) {
            self.out[port] = !is_in;
        }
        let mut work = 0;
        for port in 0..self.ports.len() {
            work += self.pass_on(now.ns, port);
        }
        self.ports.iter_mut().for_each(|port| port.out.flush());
        if work > 0 {
            self.last_ns = now.ns;
        }
        work
    }

    fn is_ready(&self) -> bool {
        true
    }

    /// Goes on as before: what others finish passes through here.
    fn drain(&mut self, _now: Now) {}

    /// What a port with nobody behind it does not take is nobody's.
    fn is_drained(&self) -> bool {
        true
    }

    /// True once nothing has passed for a while.
    fn stop(&mut self, now: Now) -> bool {
        let closing_ns = *self.closing_ns.get_or_insert(now.ns);
        let quiet_ns = now.ns.saturating_sub(self.last_ns.max(closing_ns));
        quiet_ns > QUIET_NS || now.ns.saturating_sub(closing_ns) > END_NS_MAX
    }
}
