//! Two or more hosts on one wire with a virtual clock. The wire may lose, double, reorder and spoil
//! frames, all from a seed.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "a module of each test binary")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

use net::{ConnId, FrameTx, Host, HostConfig, Input, Interface, NetEvent, RxChecks, TcpConfig};
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A microsecond.
pub const US: u64 = 1_000;
/// A millisecond.
pub const MS: u64 = 1_000_000;
/// A second.
pub const SEC: u64 = 1_000_000_000;
/// The port the servers listen on.
pub const PORT: u16 = 4_000;

/// Frames on their way, in buffers that are used again.
#[derive(Default)]
pub struct Wire {
    pub frames: VecDeque<Vec<u8>>,
    pub spare: Vec<Vec<u8>>,
    /// Frames it holds at most; more is no room.
    pub room: Option<usize>,
}

impl FrameTx for Wire {
    fn ready(&self) -> bool {
        self.room.is_none_or(|room| self.frames.len() < room)
    }

    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if !self.ready() {
            return false;
        }
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.clear();
        // As in an mbuf, what lies there before is not zero.
        frame.resize(len, 0xA5);
        fill(&mut frame);
        self.frames.push_back(frame);
        true
    }
}

/// splitmix64: a seed is all it takes to see a run again.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What the wire does to frames, each in percent.
#[derive(Clone, Copy, Default)]
pub struct Harm {
    pub lose: u64,
    pub double: u64,
    pub reorder: u64,
    pub spoil: u64,
}

pub fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

pub fn at(last: u8, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(ip(last), port)
}

pub fn interface(last: u8) -> Interface {
    Interface {
        mac: [0x02, 0, 0, 0, 0, last],
        ip: ip(last),
        prefix_len: 24,
        gateway: None,
        vlan: None,
        mtu: 1_500,
    }
}

pub fn config(slots: usize) -> HostConfig {
    let tcp = TcpConfig { slots, seed: 7, ..TcpConfig::default() };
    HostConfig { tcp, ..HostConfig::default() }
}

/// A host and its way out.
pub struct Station {
    pub host: Host,
    pub out: Wire,
    pub events: Vec<NetEvent>,
    /// Connections that had bytes to read, in the order told.
    pub readable: Vec<ConnId>,
    pub datagrams: Vec<Vec<u8>>,
}

impl Station {
    pub fn new(interface: Interface, config: HostConfig) -> Station {
        let host = Host::new(interface, config).unwrap();
        let (events, readable, datagrams) = (Vec::new(), Vec::new(), Vec::new());
        Station { host, out: Wire::default(), events, readable, datagrams }
    }

    pub fn hear(&mut self, now: u64, frame: &[u8]) {
        match self.host.on_frame(now, frame, RxChecks::default(), &mut self.out) {
            Input::Tcp(data) => {
                let conn = self.host.keep(data);
                self.readable.push(conn);
            }
            Input::Udp(datagram) => self.datagrams.push(datagram.payload.to_vec()),
            Input::Handled | Input::Dropped(_) => {}
        }
        self.drain_events();
    }

    pub fn drain_events(&mut self) {
        while let Some(event) = self.host.next_event() {
            self.events.push(event);
        }
    }

    /// The connections accepted so far.
    pub fn accepted(&self) -> Vec<ConnId> {
        let pick = |event: &NetEvent| match event {
            NetEvent::Accepted { conn, .. } => Some(*conn),
            _ => None,
        };
        self.events.iter().filter_map(pick).collect()
    }

    pub fn closed(&self, conn: ConnId) -> Option<net::CloseReason> {
        self.events.iter().find_map(|event| match event {
            NetEvent::Closed { conn: of, reason } if *of == conn => Some(*reason),
            _ => None,
        })
    }

    /// All that can be read from a connection.
    pub fn read(&mut self, conn: ConnId) -> Vec<u8> {
        let mut all = Vec::new();
        self.host.recv(conn, |bytes| {
            all.extend_from_slice(bytes);
            bytes.len()
        });
        all
    }
}

/// Two stations, 1 and 2.
pub struct Pair {
    pub a: Station,
    pub b: Station,
    pub now: u64,
    pub harm: Harm,
    pub random: Random,
}

impl Pair {
    pub fn new(slots: usize) -> Pair {
        Pair::with(
            Station::new(interface(1), config(slots)),
            Station::new(interface(2), config(slots)),
        )
    }

    pub fn with(a: Station, b: Station) -> Pair {
        Pair { a, b, now: SEC, harm: Harm::default(), random: Random(1) }
    }

    /// One step: both poll, what they sent crosses the wire, the clock goes on by `ns`.
    pub fn step(&mut self, ns: u64) {
        self.a.host.poll(self.now, &mut self.a.out);
        self.b.host.poll(self.now, &mut self.b.out);
        self.a.drain_events();
        self.b.drain_events();
        let (harm, random) = (self.harm, &mut self.random);
        carry(self.now, &mut self.a, &mut self.b, harm, random);
        carry(self.now, &mut self.b, &mut self.a, harm, random);
        self.now += ns;
    }

    /// Steps of 10 µs until `done`, for at most `ns`.
    pub fn run_until(&mut self, ns: u64, mut done: impl FnMut(&mut Pair) -> bool) {
        let end = self.now + ns;
        while !done(self) {
            assert!(self.now < end, "not done in {} ms", ns / MS);
            self.step(10 * US);
        }
    }

    pub fn run(&mut self, ns: u64) {
        let end = self.now + ns;
        while self.now < end {
            self.step(100 * US);
        }
    }

    /// A connection from a to b: both ends.
    pub fn connected(&mut self) -> (ConnId, ConnId) {
        self.b.host.listen(PORT).unwrap();
        let before = self.b.accepted().len();
        let a = self.a.host.connect(self.now, 0, at(2, PORT)).unwrap();
        self.run_until(5 * SEC, |pair| pair.b.accepted().len() > before);
        self.run_until(5 * SEC, |pair| pair.a.events.contains(&NetEvent::Connected { conn: a }));
        (a, self.b.accepted()[before])
    }
}

/// Takes the frames that are on the wire now from one to the other.
pub fn carry(now: u64, from: &mut Station, to: &mut Station, harm: Harm, random: &mut Random) {
    for _ in 0..from.out.frames.len() {
        let Some(mut frame) = from.out.frames.pop_front() else { break };
        if random.chance(harm.lose) {
            from.out.spare.push(frame);
            continue;
        }
        if random.chance(harm.reorder) {
            from.out.frames.push_back(frame);
            continue;
        }
        if random.chance(harm.spoil) {
            let at = random.below(frame.len() as u64) as usize;
            frame[at] ^= 1 << random.below(8);
        }
        to.hear(now, &frame);
        if random.chance(harm.double) {
            to.hear(now, &frame);
        }
        from.out.spare.push(frame);
    }
}

/// A wire with a mind of its own, one way: what goes in comes out later, twice, or never.
pub struct Weather {
    pub harm: Harm,
    random: Random,
    /// By the time of arrival.
    on_the_way: BTreeMap<(u64, u64), Vec<u8>>,
    count: u64,
}

impl Weather {
    pub fn new(harm: Harm, seed: u64) -> Weather {
        Weather { harm, random: Random(seed), on_the_way: BTreeMap::new(), count: 0 }
    }

    pub fn put(&mut self, now: u64, frame: Vec<u8>) {
        let times = if self.random.chance(self.harm.double) { 2 } else { 1 };
        for _ in 0..times {
            if self.random.chance(self.harm.lose) {
                continue;
            }
            let late =
                if self.random.chance(self.harm.reorder) { self.random.below(MS) } else { 0 };
            self.count += 1;
            self.on_the_way.insert((now + 20 * US + late, self.count), frame.clone());
        }
    }

    pub fn take(&mut self, now: u64) -> Option<Vec<u8>> {
        let entry = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
