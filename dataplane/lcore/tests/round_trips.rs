//! Probes through a forwarder and orders through a venue, over in-memory cables, in real time: the
//! modes that measure, held to what they count. How long anything took is not looked at.

mod cable;
#[path = "../examples/kernel_rtt/plain.rs"]
mod plain;

use cable::{End, Started};
use dpdk::{DATA_ROOM, Eal, EalConfig, Huge, Mempool, Offloads, SocketId};
use hostcpu::{TscClock, tsc};
use lcore::control::Fault;
use lcore::duty::sample;
use lcore::laps::Laps;
use lcore::loopback::latency::{Latency, ORDER_FRAME_BYTES, ProbeSettings};
use lcore::loopback::soup::{OrderCounter, OrderSettings, OrderStats, Orders, SoupLink};
use lcore::loopback::trips::{Pacing, TripCounter, TripSettings, TripStats};
use lcore::loopback::{Engine, Mode, Route, Settings, Stream};
use lcore::market_data::MarketDataPort;
use lcore::order_link::OrderLink;
use lcore::port_io::{Burst, PortIo};
use lcore::venue::{Endpoint, Schedule, Venue, VenueParts};
use lcore::{Agent, Now};
use net::{Host, HostConfig, Interface, TcpConfig};
use session::{ClientConfig, MoldPublisher, PublisherConfig, ServerConfig, SoupClient};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use types::{Open, OrderSide, Symbol};

const SLOTS: u32 = 256;
/// Longer than anything here takes: tells a loop that hangs.
const PATIENCE_NS: u64 = 30_000_000_000;
const NEAR: [u8; 6] = [2, 0, 0, 0, 0, 1];
const FAR: [u8; 6] = [2, 0, 0, 0, 0, 2];
const VENUE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 26_400);

/// What all tests need: EAL starts once in a process.
struct Bench<'e> {
    eal: &'e Eal,
    pool: Mempool<'e>,
    clock: TscClock,
    ports: Started<'e>,
    ends: Vec<End<'e>>,
}

impl<'e> Bench<'e> {
    fn cable(&mut self, name: &str) -> [End<'e>; 2] {
        cable::lay(self.eal, self.pool, name, SLOTS, &mut self.ports)
    }

    fn io(&self, (rx, tx): End<'e>) -> PortIo<'e> {
        PortIo::new(rx, tx, self.pool)
    }

    /// Polls until `done`.
    fn until(&self, what: &str, mut done: impl FnMut(Now) -> bool) {
        let began = sample(&self.clock).ns;
        loop {
            let now = sample(&self.clock);
            if done(now) {
                return;
            }
            assert!(now.ns - began < PATIENCE_NS, "waited in vain for: {what}");
        }
    }
}

#[test]
fn what_measures_counts_everything() {
    let config = EalConfig { huge: Huge::Off, memory_mb: 128, ..EalConfig::default() };
    let eal = Eal::init(&config).unwrap();
    let pool = eal.mempool("frames", 8_191, 64, DATA_ROOM, SocketId::ANY).unwrap();
    let clock = TscClock::calibrate().unwrap();
    let mut bench = Bench { eal: &eal, pool, clock, ports: Vec::new(), ends: Vec::new() };
    probes(&mut bench);
    orders(&mut bench);
    let Bench { ports, ends, .. } = bench;
    cable::stop(ports, ends);
}

/// Probes of a run.
const PROBES: u64 = 2_000;

/// How the far end treats a probe: by its number, how many of it come back.
type Fate = fn(u64) -> usize;

fn probes(bench: &mut Bench<'_>) {
    let [(rx, tx), far] = bench.cable("probes");
    let route = Route {
        rx_port: 0,
        rx_queue: 0,
        tx_port: 0,
        tx_queue: 0,
        tx_mac: NEAR,
        peer_mac: FAR,
        tx_offloads: Offloads::default(),
    };
    let (mut stream, mut far) = (Stream::new(route, rx, tx, bench.pool), bench.io(far));
    let ping_pong = Settings {
        mode: Mode::Latency,
        frame_bytes: ORDER_FRAME_BYTES,
        frames_max: Some(PROBES),
        probe: ProbeSettings { warm_up: 500, timeout_ns: 20_000_000, ..ProbeSettings::default() },
        ..Settings::default()
    };
    let open = Settings { rate_pps: Some(200_000.0), ..ping_pong };
    let all: Fate = |_| 1;
    let some_lost: Fate = |trip| usize::from(trip % 500 != 7);
    let some_twice: Fate = |trip| 1 + usize::from(trip % 100 == 9);
    for (settings, fate, lost, twice) in [
        (ping_pong, all, 0, 0),
        (ping_pong, some_lost, 4, 0),
        (open, all, 0, 0),
        (open, some_lost, 4, 0),
        (open, some_twice, 0, 20),
    ] {
        let stats = probe(bench, &mut stream, &mut far, &settings, fate);
        let count = |counter| stats.counters.get(counter);
        assert_eq!(count(TripCounter::Sent), PROBES);
        // A machine that had much else to do may have kept a probe for longer than it is waited
        // for.
        assert_eq!((count(TripCounter::Answered), stats.lost()), (PROBES - lost, lost));
        assert_eq!(count(TripCounter::GivenUp) - count(TripCounter::Late), lost);
        assert_eq!(count(TripCounter::Duplicate), twice);
        assert_eq!(stats.times.count() + count(TripCounter::WarmUp), PROBES - lost);
        assert_eq!(count(TripCounter::Unknown), 0);
    }
    bench.ends.extend([(stream.rx, stream.tx), far.into_queues()]);
}

/// One run of probes against a far end that exchanges the Ethernet addresses.
fn probe<'e>(
    bench: &Bench<'e>,
    stream: &mut Stream<'e>,
    far: &mut PortIo<'e>,
    settings: &Settings,
    fate: Fate,
) -> Arc<TripStats> {
    stream.stats = Arc::default();
    let mut latency = Latency::new(settings, &bench.clock, stream);
    let stats = Arc::clone(latency.stats());
    let mut burst = Burst::new();
    bench.until("probes", |_| {
        latency.poll(stream);
        forward(far, &mut burst, fate);
        let count = |counter| stats.counters.get(counter);
        count(TripCounter::Answered) + count(TripCounter::GivenUp) >= PROBES
    });
    latency.stop(stream);
    stats
}

/// Sends back what came, each probe as often as its fate has it.
fn forward<'e>(far: &mut PortIo<'e>, burst: &mut Burst<'e>, fate: Fate) {
    far.rx(burst);
    for mut mbuf in burst.drain(..) {
        let trip = mbuf.data()[46..54].try_into().expect("eight bytes");
        for _ in 1..fate(u64::from_be_bytes(trip)) {
            let copy = far.out.copy_of(mbuf.data()).expect("an mbuf");
            far.out.forward(copy).expect("room");
        }
        if fate(u64::from_be_bytes(trip)) > 0 {
            let (dst, src) = mbuf.data_mut()[..12].split_at_mut(6);
            dst.swap_with_slice(src);
            far.out.forward(mbuf).expect("room");
        }
    }
    far.out.flush();
}

const ANSWERS: [OrderCounter; 4] = [
    OrderCounter::Accepted,
    OrderCounter::Canceled,
    OrderCounter::Rejected,
    OrderCounter::Unreadable,
];

fn orders(bench: &mut Bench<'_>) {
    let [venue, client] = bench.cable("orders");
    let [tape, listener] = bench.cable("tape");
    bench.ends.push(listener);
    let mut venue = new_venue(bench, venue, tape);
    let now = sample(&bench.clock);
    venue.start(now);
    let ping_pong = TripSettings { trips_max: 1_000, warm_up: 100, ..TripSettings::default() };
    let open = TripSettings { pacing: Pacing::PerSecond(50_000), in_flight_max: 16, ..ping_pong };
    let mut end = client;
    // The numbers of a second run go on where the first one's ended.
    for trips in [ping_pong, open] {
        let mut client = new_client(bench, end, "probe", trips);
        run(bench, &mut venue, &mut client);
        let counted = ANSWERS.map(|counter| client.orders().counters().get(counter));
        assert_eq!(counted, [1_000, 1_000, 0, 0]);
        let stats = client.orders().trips().stats();
        assert_eq!((stats.lost(), stats.times.count()), (0, 900));
        end = client.into_io().into_queues();
    }
    assert_eq!(venue.core().engine().live_orders(), 0, "all were canceled");
    let mut stranger = new_client(bench, end, "wrong", ping_pong);
    stranger.start(sample(&bench.clock));
    bench.until("a refusal", |now| {
        venue.poll(now);
        stranger.poll(now);
        stranger.fault().is_some()
    });
    assert_eq!(stranger.fault(), Some(Fault::LoginNotAuthorized));
    bench.ends.push(stranger.into_io().into_queues());
    bench.ends.extend(venue.into_ports().into_iter().map(PortIo::into_queues));
}

/// Logs in, sends all orders, and logs out.
fn run(bench: &Bench<'_>, venue: &mut Venue<'_>, client: &mut SoupLink<'_>) {
    client.start(sample(&bench.clock));
    bench.until("a login", |now| {
        venue.poll(now);
        client.poll(now);
        client.is_ready()
    });
    client.orders().start();
    bench.until("answers", |now| {
        venue.poll(now);
        client.poll(now);
        client.is_drained()
    });
    bench.until("goodbye", |now| {
        venue.poll(now);
        client.poll(now);
        client.stop(now)
    });
}

fn host(mac: [u8; 6], ip: Ipv4Addr) -> Host {
    let interface = Interface { mac, ip, prefix_len: 24, gateway: None, vlan: None, mtu: 1_500 };
    let tcp = TcpConfig { slots: 4, seed: tsc(), ..TcpConfig::default() };
    Host::new(interface, HostConfig { tcp, ..HostConfig::default() }).expect("a host")
}

fn new_venue<'e>(bench: &Bench<'e>, orders: End<'e>, tape: End<'e>) -> Venue<'e> {
    let mut at = host(FAR, *VENUE.ip());
    at.listen(VENUE.port()).expect("a port");
    let md = host([2, 0, 0, 0, 0, 3], [10, 0, 1, 1].into());
    let group = md.multicast(1, SocketAddrV4::new([239, 1, 1, 1].into(), 1), 1).expect("a group");
    let publisher = MoldPublisher::new(PublisherConfig::new(*b"TEST      ")).expect("a publisher");
    Venue::new(VenueParts {
        name: "venue".to_owned(),
        endpoints: vec![Endpoint::new(bench.io(orders), at, 4, ServerConfig::default())],
        market_data: MarketDataPort::new(bench.io(tape), md, group, 1_000, publisher),
        core: plain::core(Symbol::new("AAPL").expect("a symbol")),
        sessions: plain::sessions("PROBE", "probe").expect("a session"),
        schedule: Schedule::default(),
        operator: None,
        opens: Open { trades: true, date: 0, config: 0 },
        laps: Laps::new(bench.clock.scale()),
        journal: None,
    })
}

fn new_client<'e>(
    bench: &Bench<'e>,
    end: End<'e>,
    password: &str,
    trips: TripSettings,
) -> SoupLink<'e> {
    let settings = OrderSettings {
        symbol: *b"AAPL    ",
        side: OrderSide::Buy,
        shares: 100,
        price: 1_000_000,
        cancels: true,
    };
    let orders = Orders::new(settings, trips, &bench.clock, tsc, OrderStats::default());
    let config = ClientConfig { first_seq: 0, ..ClientConfig::new("PROBE", password) };
    let soup = SoupClient::new(&config).expect("a client");
    let host = host(NEAR, [10, 0, 0, 2].into());
    SoupLink::new(OrderLink::new(bench.io(end), host, soup, VENUE), orders)
}
