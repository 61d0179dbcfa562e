//! What an order costs a venue, in nanoseconds: a frame in, through TCP, SoupBinTCP, OUCH, the gate
//! and the engine, and the answer and the tape out.
//!
//! `cargo run --release -p lcore --example venue_ns [SESSIONS BURST [ORDERS [PASSES]]]`
//!
//! A whole venue and its clients in one process, over `net_ring` ports, on one thread. Clients
//! enter a resting order and cancel it the next time, in turn; each pass goes round the sessions in
//! bursts. Only the venue's polls are timed, ports included. Without arguments: one message a poll
//! and 32, from 1 to 4,096 sessions, in turn in each pass; it ends with figures.

use dpdk::{DATA_ROOM, Eal, EalConfig, Huge, Mempool, Port, PortConfig, SocketId};
use engine::{Engine, EngineConfig, InstrumentConfig};
use hostcpu::TickScale;
use lcore::laps::Laps;
use lcore::market_data::MarketDataPort;
use lcore::port_io::{Burst, PortIo, rx_checks};
use lcore::venue::{Endpoint, Schedule, Venue, VenueParts};
use lcore::{Agent, Now};
use net::{ConnId, Host, HostConfig, Input, Interface, NetEvent, TcpConfig};
use risk::{OrderLimits, VenueGate};
use session::{
    AccountConfig, ClientConfig, ClientHandler, MoldPublisher, PublisherConfig, ServerConfig,
    SessionId, Sessions, SoupClient, StoreConfig,
};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;
use types::{AccountId, Firm, PostOnly, Qty, Symbol, SymbolId};
use venue::entry::Origin;
use venue::{Core, CoreParts, Listing, Open, VenueCounter};

/// The allocator of the appliance: it asks for huge pages.
#[global_allocator]
static ALLOC: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

/// Slots of the cables; a pass's burst and what it causes fits.
const SLOTS: u32 = 256;
const PORT: u16 = 9_000;
const TX_RING: usize = 8_192;
/// Half past nine.
const OPEN_NS: u64 = 34_200_000_000_000;
/// Virtual time from one poll to the next.
const STEP_NS: u64 = 1_000;

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let all = [(1, 1), (64, 1), (4_096, 1), (64, 32), (4_096, 32)];
    let sizes =
        if let [sessions, burst, ..] = args[..] { vec![(sessions, burst)] } else { all.into() };
    let (orders, passes) = (*args.get(2).unwrap_or(&40_000), *args.get(3).unwrap_or(&7));
    let config = EalConfig { huge: Huge::Off, memory_mb: 128, ..EalConfig::default() };
    let eal = Eal::init(&config).expect("EAL");
    let pool = eal.mempool("frames", 8_191, 64, DATA_ROOM, SocketId::ANY).expect("mbufs");
    let mut ports = Vec::new();
    let mut rigs: Vec<Rig<'_>> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| Rig::new(&eal, pool, at, *size, &mut ports))
        .collect();
    let mut spent = vec![Vec::new(); rigs.len()];
    for _ in 0..passes {
        for (rig, spent) in rigs.iter_mut().zip(&mut spent) {
            spent.push(rig.pass(orders));
        }
    }
    println!("sessions  burst  ns a message: best, median of {passes} passes of {orders}");
    for ((sessions, burst), spent) in sizes.iter().zip(&mut spent) {
        spent.sort_by(f64::total_cmp);
        println!("{sessions:>8}{burst:>7}{:>20.0}{:>8.0}", spent[0], spent[passes / 2]);
    }
    for ((sessions, burst), spent) in sizes.iter().zip(&spent) {
        println!("FIGURE message-{sessions}-{burst} {:.1} ns", spent[passes / 2]);
    }
}

/// A cable's two ends.
fn cable<'e>(
    eal: &'e Eal,
    pool: Mempool<'e>,
    name: &str,
    ports: &mut Vec<Port<'e, dpdk::Started>>,
) -> [PortIo<'e>; 2] {
    let names = ["a", "b"].map(|side| format!("{name}{side}"));
    let pair = eal.ring_pair(&names[0], &names[1], SLOTS, SocketId::ANY);
    <[_; 2]>::from(pair.expect("two ports")).map(|id| {
        let idle = eal.port(id).expect("the port");
        let port = idle.configure(&PortConfig::default(), pool).expect("settings");
        let (port, rx, tx) = port.start().expect("a started port");
        ports.push(port);
        let queues = rx.into_iter().next().zip(tx.into_iter().next());
        let (rx, tx) = queues.expect("a queue each way");
        PortIo::new(rx, tx, pool)
    })
}

fn host(last: u8, slots: usize) -> Host {
    let interface = Interface {
        mac: [2, 0, 0, 0, 0, last],
        ip: Ipv4Addr::new(10, 0, 0, last),
        prefix_len: 24,
        gateway: None,
        vlan: None,
        mtu: 1_500,
    };
    let seed = 7 + u64::from(last);
    let tcp = TcpConfig { slots, rx_bytes: TX_RING, tx_bytes: TX_RING, seed, ..Default::default() };
    Host::new(interface, HostConfig { tcp, ..Default::default() }).expect("a host")
}

fn symbol() -> Symbol {
    Symbol::new("AAPL").expect("a symbol")
}

fn core(sessions: u16) -> Core {
    let instruments = vec![InstrumentConfig::plain(SymbolId(1), symbol())];
    let config = EngineConfig { orders: 1 << 14, ..EngineConfig::new(instruments, sessions) };
    let origin = |at: u16| Origin {
        session: SessionId(at),
        account: AccountId(0),
        firm: Firm::BLANK,
        post_only: PostOnly::Reject,
        snapshot: false,
    };
    Core::new(CoreParts {
        engine: Engine::new(&config),
        gate: VenueGate::new(OrderLimits {
            qty_max: Qty(900_000),
            notional_max: 2_000_000_000_000,
            collar_bps: 0,
        }),
        log: None,
        symbols: vec![Symbol([b' '; 8]), symbol()],
        origins: (0..sessions).map(origin).collect(),
        listings: vec![Listing::Plain(SymbolId(1), symbol())],
    })
}

fn venue<'e>(io: PortIo<'e>, tape: PortIo<'e>, sessions: usize) -> Venue<'e> {
    let mut orders = host(1, sessions);
    orders.listen(PORT).expect("a port");
    let market_host = host(3, 1);
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 1, 1, 1), 5_000);
    let group = market_host.multicast(5_000, group, 1).expect("a group");
    let publisher = MoldPublisher::new(PublisherConfig::new(*b"VENUE     ")).expect("a tape");
    let account = |at| AccountConfig {
        user: format!("U{at:04}"),
        password: "secret".into(),
        session: format!("S{at}"),
        store: StoreConfig { messages_max: 1 << 8, bytes_max: 1 << 14 },
    };
    Venue::new(VenueParts {
        name: "venue".into(),
        endpoints: vec![Endpoint::new(io, orders, sessions, ServerConfig::default())],
        market_data: MarketDataPort::new(tape, market_host, group, 1_400, publisher),
        core: core(sessions as u16),
        sessions: Sessions::new(&(0..sessions).map(account).collect::<Vec<_>>()).expect("sessions"),
        schedule: Schedule::new(Vec::new()),
        operator: None,
        opens: Open { trades: true, date: 0, config: 0 },
        laps: Laps::new(TickScale::nanoseconds()),
        journal: None,
    })
}

/// One client's session.
struct Client {
    soup: SoupClient,
    conn: ConnId,
    sent: u32,
}

/// Counts the venue's answers.
#[derive(Default)]
struct Answers(u64);

impl ClientHandler for Answers {
    fn on_sequenced(&mut self, _: u64, message: &[u8]) {
        self.0 += u64::from(matches!(message[0], b'A' | b'C'));
    }
}

struct Rig<'e> {
    venue: Venue<'e>,
    host: Host,
    io: PortIo<'e>,
    tape: PortIo<'e>,
    clients: Vec<Client>,
    burst: usize,
    next: usize,
    now_ns: u64,
    answers: Answers,
}

impl<'e> Rig<'e> {
    fn new(
        eal: &'e Eal,
        pool: Mempool<'e>,
        at: usize,
        (sessions, burst): (usize, usize),
        ports: &mut Vec<Port<'e, dpdk::Started>>,
    ) -> Rig<'e> {
        let [near, io] = cable(eal, pool, &format!("o{at}"), ports);
        let [tape_out, tape] = cable(eal, pool, &format!("t{at}"), ports);
        let mut rig = Rig {
            venue: venue(near, tape_out, sessions),
            host: host(2, sessions),
            io,
            tape,
            clients: Vec::new(),
            burst,
            next: 0,
            now_ns: OPEN_NS,
            answers: Answers::default(),
        };
        let now = rig.now();
        rig.venue.start(now);
        (0..sessions).for_each(|at| rig.log_in(at));
        rig
    }

    fn now(&self) -> Now {
        Now { tsc: hostcpu::tsc(), ns: self.now_ns }
    }

    /// Connects the next client and logs it in.
    fn log_in(&mut self, at: usize) {
        let remote = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), PORT);
        let conn = self.host.connect(self.now_ns, 0, remote).expect("a slot");
        let config = ClientConfig::new(&format!("U{at:04}"), "secret");
        let soup = SoupClient::new(&config).expect("a client");
        self.clients.push(Client { soup, conn, sent: 0 });
        let mut connected = false;
        while !self.clients[at].soup.is_open() {
            self.host.poll(self.now_ns, &mut self.io.out);
            self.io.out.flush();
            let now = self.now();
            self.venue.poll(now);
            self.hear();
            while let Some(event) = self.host.next_event() {
                if event == (NetEvent::Connected { conn }) {
                    connected = true;
                    self.clients[at].soup.open(self.now_ns);
                }
            }
            if connected {
                let soup = &mut self.clients[at].soup;
                self.host.send(conn, 64, |room| soup.pump(self.now_ns, room));
            }
            self.now_ns += STEP_NS;
        }
    }

    /// Takes all that the venue has sent.
    fn hear(&mut self) {
        let mut burst = Burst::new();
        while self.io.rx(&mut burst) > 0 {
            for mbuf in burst.drain(..) {
                let (now_ns, out) = (self.now_ns, &mut self.io.out);
                let heard = self.host.on_frame(now_ns, mbuf.data(), rx_checks(&mbuf), out);
                if let Input::Tcp(data) = heard {
                    // Connections were made in the order of their clients.
                    let client = &mut self.clients[data.conn().index()];
                    assert_eq!(client.conn, data.conn());
                    self.host.read(data, |bytes| {
                        client.soup.on_bytes(now_ns, bytes, &mut self.answers).expect("a session");
                        bytes.len()
                    });
                }
                self.io.out.recycle(mbuf);
            }
        }
        self.host.poll(self.now_ns, &mut self.io.out);
        self.io.out.flush();
        while self.tape.rx(&mut burst) > 0 {
            burst.drain(..).for_each(|mbuf| self.tape.out.recycle(mbuf));
        }
    }

    /// The next client says its next message.
    fn say(&mut self) {
        let at = self.next;
        self.next = (at + 1) % self.clients.len();
        let client = &mut self.clients[at];
        client.sent += 1;
        let number = client.sent.div_ceil(2);
        let message = if client.sent % 2 == 1 { enter(number) } else { cancel(number) };
        let soup = &mut client.soup;
        let sent = self.host.send(client.conn, 128, |room| {
            soup.send_unsequenced(self.now_ns, room, &message).expect("room")
        });
        assert!(sent.is_some(), "the client's ring is full");
        self.host.flush(self.now_ns, client.conn, &mut self.io.out);
    }

    /// One pass: the mean of many messages.
    fn pass(&mut self, wanted: usize) -> f64 {
        let (mut spent_ns, mut said, before) = (0, 0, self.answers.0);
        while said < wanted {
            (0..self.burst).for_each(|_| self.say());
            said += self.burst;
            self.io.out.flush();
            let now = self.now();
            let begin = Instant::now();
            timed_poll(&mut self.venue, now);
            spent_ns += begin.elapsed().as_nanos();
            self.hear();
            // The acknowledgments of the venue's answers.
            let now = self.now();
            while self.venue.poll(now) > 0 {
                self.hear();
            }
            self.now_ns += STEP_NS;
        }
        let told = self.answers.0 - before;
        let replies = self.venue.core().counts().set.get(VenueCounter::Replies);
        assert_eq!(told, said as u64, "all are answered, of {replies} since the start");
        spent_ns as f64 / said as f64
    }
}

/// A function of its own, so that callgrind can count it alone.
#[inline(never)]
fn timed_poll(venue: &mut Venue<'_>, now: Now) {
    venue.poll(now);
}

/// Enter Order, one that rests.
fn enter(number: u32) -> Vec<u8> {
    let price = 1_000_000 + u64::from(number % 50) * 100;
    let mut message = vec![b'O'];
    message.extend(number.to_be_bytes());
    message.push(b'B');
    message.extend(100u32.to_be_bytes());
    message.extend(symbol().0);
    message.extend(price.to_be_bytes());
    message.extend(*b"0YPNN");
    message.extend(*b"CLIENT        ");
    message.extend(0u16.to_be_bytes());
    message
}

/// Cancel Order, in full.
fn cancel(number: u32) -> Vec<u8> {
    let mut message = vec![b'X'];
    message.extend(number.to_be_bytes());
    message.extend(0u32.to_be_bytes());
    message
}
