//! Ports, queues and pools over a pair of ring ports, on ordinary pages: needs no privilege.
//!
//! EAL starts once a process, so this file has one test that goes through them all.

#![allow(clippy::unwrap_used)]

use arrayvec::ArrayVec;
use dpdk::{
    Checksum, DATA_ROOM, Eal, EalConfig, Error, HEADROOM, Huge, Lcore, Mbuf, Mempool, PortConfig,
    RxQueue, SocketId, TxQueue,
};

const SLOTS: u32 = 64;

fn config() -> EalConfig {
    EalConfig { huge: Huge::Off, memory_mb: 64, ..EalConfig::default() }
}

fn cpus() -> libc::cpu_set_t {
    // SAFETY: the set is plain data and as long as said.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &mut set), 0);
        set
    }
}

fn numbered(pool: &Mempool<'_>, number: u32) -> Option<Vec<u8>> {
    let mut frame = pool.alloc()?;
    assert!(frame.extend(&number.to_be_bytes()));
    Some(frame.data().to_vec())
}

fn burst_of<'e, const N: usize>(
    pool: &Mempool<'e>,
    numbers: std::ops::Range<u32>,
) -> ArrayVec<Mbuf<'e>, N> {
    numbers
        .map(|number| {
            let mut frame = pool.alloc().unwrap();
            assert!(frame.extend(&number.to_be_bytes()));
            frame
        })
        .collect()
}

fn numbers(frames: &[Mbuf<'_>]) -> Vec<u32> {
    frames.iter().map(|frame| u32::from_be_bytes(frame.data().try_into().unwrap())).collect()
}

#[test]
fn everything_over_one_eal() {
    let before = cpus();
    let wrong = EalConfig { main_cpu: Some(1_000_000), ..config() };
    assert!(matches!(Eal::init(&wrong), Err(Error::CpuNotAllowed { cpu: 1_000_000 })));
    let wrong = EalConfig { extra: vec!["a\0b".into()], ..config() };
    assert!(matches!(Eal::init(&wrong), Err(Error::BadText { .. })));

    let eal = Eal::init(&config()).unwrap();
    assert!(!eal.huge_in_use());
    // SAFETY: compares two sets.
    assert!(unsafe { libc::CPU_EQUAL(&before, &cpus()) }, "the start left the thread pinned");
    assert!(matches!(Eal::init(&config()), Err(Error::AlreadyStarted)));
    assert!(eal.ports().is_empty());

    pools(&eal);
    let pool = eal.mempool("frames", 511, 32, DATA_ROOM, SocketId::ANY).unwrap();
    names_and_owners(&eal, pool);
    let (a, b) = eal.ring_pair("a", "b", SLOTS, SocketId::ANY).unwrap();
    let (port_a, mut rx_a, mut tx_a) =
        eal.port(a).unwrap().configure(&PortConfig::default(), pool).unwrap().start().unwrap();
    let (port_b, mut rx_b, tx_b) =
        eal.port(b).unwrap().configure(&PortConfig::default(), pool).unwrap().start().unwrap();
    assert_eq!((rx_a.len(), tx_a.len(), rx_b.len(), tx_b.len()), (1, 1, 1, 1));
    assert_eq!((rx_a[0].port(), tx_a[0].index()), (a, 0));

    frames_arrive_in_order(pool, &mut tx_a[0], &mut rx_b[0]);
    a_full_ring_leaves_the_rest(pool, &mut tx_a[0], &mut rx_b[0]);
    lcores_on_threads(&eal, pool, &mut tx_a[0], &mut rx_b[0]);

    a_burst_is_bounded(pool, &mut tx_a[0], &mut rx_b[0]);

    let stats = port_b.stats();
    assert_eq!(stats.rx_packets, port_a.stats().tx_packets);
    assert!(stats.rx_packets > 1_000);
    assert!(port_a.link().unwrap().up);
    watched(&eal, a, b);

    // A queue in the wrong place, and then all in theirs.
    let refused = port_b.stop(std::mem::take(&mut rx_a), tx_b).unwrap_err();
    assert!(matches!(refused, Error::QueuesMissing { port } if port == b));
    drop(rx_b);
    let refused = port_a.stop(rx_a, tx_a).unwrap_err();
    assert!(matches!(refused, Error::QueuesMissing { port } if port == a));

    stop_and_start_again(&eal, pool);
    assert_eq!(pool.in_use(), 0, "an mbuf leaked");
    drop(eal);
    assert!(matches!(Eal::init(&config()), Err(Error::AlreadyStarted)));
}

fn pools(eal: &Eal) {
    let pool = eal.mempool("small", 63, 16, DATA_ROOM, SocketId::ANY).unwrap();
    assert_eq!((pool.name(), pool.size(), pool.data_room()), ("small", 63, DATA_ROOM));
    assert_eq!((pool.in_use(), pool.available()), (0, 63));
    let mut all: Vec<Mbuf<'_>> = std::iter::from_fn(|| pool.alloc()).collect();
    assert_eq!((all.len(), pool.in_use()), (63, 63));
    assert!(pool.alloc().is_none());
    assert!(numbered(&pool, 1).is_none());

    all.truncate(60);
    let mut burst: ArrayVec<Mbuf<'_>, 8> = ArrayVec::new();
    assert!(!pool.alloc_bulk(&mut burst, 4), "three are left");
    assert!(burst.is_empty());
    assert!(pool.alloc_bulk(&mut burst, 3));
    assert!(!pool.alloc_bulk(&mut burst, 6), "the burst has room for five");
    assert_eq!((burst.len(), pool.in_use()), (3, 63));
    Mempool::free_bulk(&mut burst);
    drop(all);
    assert_eq!((burst.len(), pool.in_use()), (0, 0));
    assert!(pool.alloc_bulk(&mut burst, 0));
    assert_eq!(numbered(&pool, 7).unwrap(), [0, 0, 0, 7]);

    let twice = eal.mempool("small", 63, 0, DATA_ROOM, SocketId::ANY).unwrap_err();
    assert!(twice.to_string().contains("small of 63 mbufs: "), "{twice}");
    let cache = eal.mempool("cache", 63, 43, DATA_ROOM, SocketId::ANY).unwrap_err();
    assert!(cache.to_string().contains("two thirds"), "{cache}");
    let room = eal.mempool("room", 63, 0, HEADROOM, SocketId::ANY).unwrap_err();
    assert!(room.to_string().contains("headroom"), "{room}");
    let memory = eal.mempool("memory", 1 << 20, 0, DATA_ROOM, SocketId::ANY).unwrap_err();
    assert!(matches!(memory, Error::Mempool { mbufs: 1_048_576, .. }), "{memory}");
    let nul = eal.mempool("a\0b", 63, 0, DATA_ROOM, SocketId::ANY).unwrap_err();
    assert!(matches!(nul, Error::BadText { .. }));
}

fn names_and_owners(eal: &Eal, pool: Mempool<'_>) {
    let (a, b) = eal.ring_pair("x", "net_ring_y", SLOTS, SocketId::ANY).unwrap();
    assert_eq!(eal.port_by_name("x"), Some(a));
    assert_eq!(eal.port_by_name("net_ring_y"), Some(b));
    assert_eq!(eal.port_by_name("z"), None);
    let names: Vec<String> = eal.ports().into_iter().map(|port| port.name).collect();
    assert_eq!(names, ["net_ring_x", "net_ring_y"]);
    assert_eq!(eal.ports()[0].driver, "net_ring");
    assert!(eal.ring_pair("x", "w", SLOTS, SocketId::ANY).is_err(), "the name is taken");
    assert!(eal.ring_pair("v", "v", SLOTS, SocketId::ANY).is_err(), "one name for two");
    assert!(eal.ring_pair("v", "w", 63, SocketId::ANY).is_err(), "not a power of two");

    let port = eal.port(a).unwrap();
    assert!(matches!(eal.port(a), Err(Error::PortTaken { port }) if port == a));
    port.release();
    let jumbo = PortConfig { mtu: 9000, ..PortConfig::default() };
    let error = eal.port(a).unwrap().configure(&jumbo, pool).unwrap_err();
    assert!(matches!(error, Error::MtuTooBig { mtu: 9000, needed: 9022, room: 2048, .. }));
    let greedy = PortConfig { rx_queues: 1000, ..PortConfig::default() };
    let error = eal.port(a).unwrap().configure(&greedy, pool).unwrap_err();
    assert!(error.to_string().starts_with("port 0: cannot configure: "), "{error}");

    // What the device lacks is left out and told.
    let all = PortConfig {
        rx_checksums: true,
        tx_checksums: true,
        promiscuous: true,
        allmulticast: true,
        ..PortConfig::default()
    };
    let port = eal.port(a).unwrap().configure(&all, pool).unwrap();
    assert_eq!(port.settings().mtu, 1500);
    assert_eq!(port.settings().offloads, dpdk::Offloads::default());
    assert_eq!(port.settings().offloads.to_string(), "none");
    let port = port.unconfigure().configure(&PortConfig::default(), pool).unwrap();
    port.release();
    let b = eal.port(b).unwrap();
    assert_eq!(b.id(), b.info().unwrap().id);
}

fn frames_arrive_in_order<'e>(pool: Mempool<'e>, tx: &mut TxQueue<'e>, rx: &mut RxQueue<'e>) {
    let mut received: ArrayVec<Mbuf<'e>, 40> = ArrayVec::new();
    assert_eq!(rx.rx(&mut received), 0);
    for round in 0..100 {
        let mut burst: ArrayVec<Mbuf<'e>, 32> = burst_of(&pool, round * 32..round * 32 + 32);
        assert_eq!(tx.tx(&mut burst), 32);
        assert!(burst.is_empty());
        assert_eq!(tx.tx(&mut burst), 0);
        assert_eq!(rx.rx(&mut received), 32);
        assert_eq!(numbers(&received), (round * 32..round * 32 + 32).collect::<Vec<_>>());
        assert_eq!(received[0].rx_ipv4_checksum(), Checksum::Unknown);
        received.clear();
    }
    assert_eq!(pool.in_use(), 0);

    // A burst is received behind what is there, into the room that is left.
    let mut burst: ArrayVec<Mbuf<'e>, 32> = burst_of(&pool, 0..10);
    tx.tx(&mut burst);
    let mut small: ArrayVec<Mbuf<'e>, 4> = burst_of(&pool, 90..91);
    assert_eq!(rx.rx(&mut small), 3);
    assert_eq!(numbers(&small), [90, 0, 1, 2]);
    assert_eq!(rx.rx(&mut small), 0, "no room");
    assert_eq!(rx.rx(&mut received), 7);
    assert_eq!(numbers(&received), (3..10).collect::<Vec<_>>());
}

fn a_full_ring_leaves_the_rest<'e>(pool: Mempool<'e>, tx: &mut TxQueue<'e>, rx: &mut RxQueue<'e>) {
    let room = SLOTS - 1;
    let mut burst: ArrayVec<Mbuf<'e>, 100> = burst_of(&pool, 0..100);
    assert_eq!(tx.tx(&mut burst), room as usize);
    assert_eq!(numbers(&burst), (room..100).collect::<Vec<_>>());
    assert_eq!(tx.tx(&mut burst), 0, "still full");
    assert_eq!(numbers(&burst), (room..100).collect::<Vec<_>>());
    assert_eq!(pool.in_use(), 100);

    let mut received: ArrayVec<Mbuf<'e>, 100> = ArrayVec::new();
    let mut five: ArrayVec<Mbuf<'e>, 5> = ArrayVec::new();
    rx.rx(&mut five);
    received.extend(five);
    assert_eq!(tx.tx(&mut burst), 5);
    assert_eq!(numbers(&burst), (room + 5..100).collect::<Vec<_>>());
    while rx.rx(&mut received) > 0 {
        tx.tx(&mut burst);
    }
    assert_eq!(numbers(&received), (0..100).collect::<Vec<_>>());
    assert!(burst.is_empty());
    drop(received);
    assert_eq!(pool.in_use(), 0, "sent and dropped, or neither");
}

fn lcores_on_threads<'e>(
    eal: &'e Eal,
    pool: Mempool<'e>,
    tx: &mut TxQueue<'e>,
    rx: &mut RxQueue<'e>,
) {
    let here = Lcore::enter(eal, None, "main").unwrap();
    assert_eq!(here.id(), 0, "the thread that started EAL is its main lcore");
    let cpu = (0..1024).find(|&cpu| {
        // SAFETY: within the set.
        unsafe { libc::CPU_ISSET(cpu, &cpus()) }
    });
    std::thread::scope(|threads| {
        threads.spawn(move || {
            let before = cpus();
            let lcore = Lcore::enter(eal, cpu, "sender").unwrap();
            assert_ne!(lcore.id(), 0);
            // SAFETY: counts the bits of a set.
            assert_eq!(unsafe { libc::CPU_COUNT(&cpus()) }, 1);
            let mut burst: ArrayVec<Mbuf<'e>, 16> = ArrayVec::new();
            for round in 0..1000 {
                burst.extend(burst_of::<16>(&pool, round * 16..round * 16 + 16));
                while !burst.is_empty() {
                    if tx.tx(&mut burst) == 0 {
                        std::thread::yield_now();
                    }
                }
            }
            drop(lcore);
            // SAFETY: compares two sets.
            assert!(unsafe { libc::CPU_EQUAL(&before, &cpus()) });
            let gone = Lcore::enter(eal, Some(100_000), "nowhere").unwrap_err();
            assert!(matches!(gone, Error::CpuNotAllowed { cpu: 100_000 }));
        });
        let mut received: ArrayVec<Mbuf<'e>, 32> = ArrayVec::new();
        let mut next = 0;
        while next < 16_000 {
            if rx.rx(&mut received) == 0 {
                std::thread::yield_now();
            }
            for number in numbers(&received) {
                assert_eq!(number, next);
                next += 1;
            }
            Mempool::free_bulk(&mut received);
        }
    });
    drop(here);
    assert_eq!(pool.in_use(), 0);
}

fn stop_and_start_again<'e>(eal: &'e Eal, pool: Mempool<'e>) {
    let (c, d) = eal.ring_pair("c", "d", SLOTS, SocketId::ANY).unwrap();
    let started = |id| {
        eal.port(id).unwrap().configure(&PortConfig::default(), pool).unwrap().start().unwrap()
    };
    let (mut port_c, mut rx_c, mut tx_c) = started(c);
    let (_port_d, mut rx_d, _tx_d) = started(d);
    for round in 0..3 {
        let mut burst: ArrayVec<Mbuf<'e>, 4> = burst_of(&pool, round..round + 1);
        assert_eq!(tx_c[0].tx(&mut burst), 1);
        assert_eq!(rx_d[0].rx(&mut burst), 1);
        assert_eq!(numbers(&burst), [round]);
        let stopped = port_c.stop(rx_c, tx_c).unwrap();
        assert!(matches!(eal.port(c), Err(Error::PortTaken { .. })));
        (port_c, rx_c, tx_c) = stopped.start().unwrap();
    }
    port_c.stop(rx_c, tx_c).unwrap().release();
    let (_port, _rx, _tx) = started(c);
}

/// What may be asked of ports that others have.
fn watched(eal: &Eal, a: dpdk::PortId, b: dpdk::PortId) {
    let stats = eal.stats(b).unwrap();
    let xstats = eal.xstats(b).unwrap();
    let good = xstats.iter().find(|stat| stat.name == "rx_good_packets").unwrap();
    assert_eq!(good.value, stats.rx_packets);
    let queue = eal.rx_queue_stats(b, 0).unwrap();
    assert_eq!(queue.packets, stats.rx_packets);
    assert_eq!(eal.tx_queue_stats(a, 0).unwrap().packets, eal.stats(a).unwrap().tx_packets);
    assert_eq!(eal.rx_queue_stats(b, 1), None);
    assert!(eal.link(a).unwrap().up);
    assert!(!eal.is_removed(a));
    eal.reset_stats(b).unwrap();
    assert_eq!(eal.stats(b).unwrap().rx_packets, 0);
    assert!(matches!(eal.reset_xstats(b), Ok(()) | Err(Error::Port { .. })));
}

/// No more frames are received than were asked for, and the others come with the next burst.
fn a_burst_is_bounded<'e>(pool: Mempool<'e>, tx: &mut TxQueue<'e>, rx: &mut RxQueue<'e>) {
    let mut burst: ArrayVec<Mbuf<'e>, 16> = burst_of(&pool, 0..10);
    tx.tx(&mut burst);
    let mut received: ArrayVec<Mbuf<'e>, 16> = ArrayVec::new();
    assert_eq!(rx.rx_at_most(&mut received, 0), 0);
    assert_eq!(rx.rx_at_most(&mut received, 3), 3);
    assert_eq!(rx.rx_at_most(&mut received, 3), 3);
    assert_eq!(rx.rx_at_most(&mut received, u16::MAX), 4);
    assert_eq!(numbers(&received), (0..10).collect::<Vec<_>>());
}
