//! Every forward mode through real ports: cables in memory, each end of which is a stream's or the
//! test's.
//!
//! EAL starts once a process, so this file has one test that goes through them all.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrayvec::ArrayVec;
use dpdk::{DATA_ROOM, TxQueue};
use dpdk::{Eal, EalConfig, Huge, Mbuf, Mempool, Port, PortConfig, RxQueue, SocketId, Started};
use hostcpu::TscClock;
use lcore::loopback::{
    self, DROPS, Mode, Noisy, Route, Settings, Stream, StreamCounter as C, StreamStats, Switch,
    TxFull,
};
use wire::{ether, ipv4, udp};

const SLOTS: u32 = 256;
const PEER: wire::Mac = [2, 0, 0, 0, 0, 0x99];
const OWN: wire::Mac = [2, 0, 0, 0, 0, 0x11];

/// The far ends of two cables, whose near ends a stream is between.
struct Bench<'e> {
    eal: &'e Eal,
    clock: TscClock,
    pool: Mempool<'e>,
    into: TxQueue<'e>,
    out: RxQueue<'e>,
    stream: Option<Stream<'e>>,
    _ports: Vec<Port<'e, Started>>,
    _unused: Vec<(Vec<RxQueue<'e>>, Vec<TxQueue<'e>>)>,
}

type Burst<'e> = ArrayVec<Mbuf<'e>, 64>;

impl<'e> Bench<'e> {
    fn new(eal: &'e Eal) -> Bench<'e> {
        let pool = eal.mempool("frames", 2047, 0, DATA_ROOM, SocketId::ANY).unwrap();
        let mut ends = Vec::new();
        for [near, far] in [["in.near", "in.far"], ["out.near", "out.far"]] {
            let (a, b) = eal.ring_pair(near, far, SLOTS, SocketId::ANY).unwrap();
            for id in [a, b] {
                let port = eal.port(id).unwrap().configure(&PortConfig::default(), pool).unwrap();
                ends.push(port.start().unwrap());
            }
        }
        let [
            (p0, mut near_rx, t0),
            (p1, r1, mut far_tx),
            (p2, r2, mut near_tx),
            (p3, mut far_rx, t3),
        ] = <[_; 4]>::try_from(ends).unwrap_or_else(|_| panic!("four ends"));
        let route = Route {
            rx_port: 0,
            rx_queue: 0,
            tx_port: 1,
            tx_queue: 0,
            tx_mac: OWN,
            peer_mac: PEER,
            tx_offloads: dpdk::Offloads::default(),
        };
        let stream = Stream::new(route, near_rx.remove(0), near_tx.remove(0), pool);
        Bench {
            eal,
            clock: TscClock::calibrate().unwrap(),
            pool,
            into: far_tx.remove(0),
            out: far_rx.remove(0),
            stream: Some(stream),
            _ports: vec![p0, p1, p2, p3],
            _unused: vec![(near_rx, t0), (r1, far_tx), (r2, near_tx), (far_rx, t3)],
        }
    }

    /// Runs a mode on another thread while `work` is at the far ends; gives what was counted.
    fn run(&mut self, settings: Settings, work: impl FnOnce(&mut Far<'_, 'e>)) -> Arc<StreamStats> {
        let mut stream = self.stream.take().unwrap();
        let stats = stream.count_anew();
        let (switch, clock, eal) = (Switch::default(), &self.clock, self.eal);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let _lcore = dpdk::Lcore::enter(eal, None, "lc0").unwrap();
                let mut streams = vec![stream];
                let facts = loopback::run(0, &mut streams, &settings, clock, &switch);
                assert_eq!(facts.allocations_hot, 0, "{}", settings.mode);
                streams.pop().unwrap()
            });
            let (into, out) = (&mut self.into, &mut self.out);
            work(&mut Far { pool: self.pool, into, out, stats: Arc::clone(&stats) });
            switch.off();
            self.stream = Some(thread.join().unwrap());
        });
        let mut late = Burst::new();
        while self.out.rx(&mut late) > 0 {
            late.clear();
        }
        stats
    }
}

struct Far<'b, 'e> {
    pool: Mempool<'e>,
    into: &'b mut TxQueue<'e>,
    out: &'b mut RxQueue<'e>,
    stats: Arc<StreamStats>,
}

impl Far<'_, '_> {
    fn send(&mut self, frames: &[Vec<u8>]) {
        for frame in frames {
            let mut burst = Burst::new();
            let mut mbuf = self.pool.alloc().unwrap();
            assert!(mbuf.extend(frame));
            burst.push(mbuf);
            while self.into.tx(&mut burst) == 0 {
                std::thread::yield_now();
            }
        }
    }

    /// Waits for so many frames.
    fn receive(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut burst = Burst::new();
        while frames.len() < count {
            if self.out.rx(&mut burst) == 0 {
                std::thread::yield_now();
            }
            frames.extend(burst.drain(..).map(|mbuf| mbuf.data().to_vec()));
        }
        frames
    }

    fn through(&mut self, frame: &[u8]) -> Vec<u8> {
        self.send(&[frame.to_vec()]);
        self.receive(1).remove(0)
    }
}

fn mode(mode: Mode) -> Settings {
    Settings { mode, ..Settings::default() }
}

/// A UDP frame from 10.0.0.1:7 to 10.0.0.2:9, its number in the payload.
fn frame(number: u8) -> Vec<u8> {
    let route = wire::frame::Route {
        src_mac: [2, 0, 0, 0, 0, 1],
        dst_mac: [2, 0, 0, 0, 0, 2],
        tag: None,
        src_ip: [10, 0, 0, 1],
        dst_ip: [10, 0, 0, 2],
        src_port: 7,
        dst_port: 9,
        ttl: 64,
    };
    let template = wire::frame::UdpFrame::new(route);
    let mut bytes = vec![number; 70];
    assert!(template.write(&mut bytes, 0, wire::frame::UdpChecksum::Full));
    bytes
}

fn drops(stats: &StreamStats) -> u64 {
    DROPS.iter().map(|counter| stats.counters.get(*counter)).sum()
}

#[test]
fn every_mode_over_one_eal() {
    let config = EalConfig { huge: Huge::Off, memory_mb: 64, ..EalConfig::default() };
    let eal = Eal::init(&config).unwrap();
    let mut bench = Bench::new(&eal);
    forwarding(&mut bench);
    checksums(&mut bench);
    echo(&mut bench);
    making(&mut bench);
    noise(&mut bench);
    full_queues(&mut bench);
    first_bursts(&mut bench);
    let pool = bench.pool;
    drop(bench);
    assert_eq!(pool.in_use(), 0, "an mbuf leaked");
}

fn forwarding(bench: &mut Bench<'_>) {
    let sent: Vec<Vec<u8>> = (0..200).map(frame).collect();
    for burst in [1, 32, 512] {
        let stats = bench.run(Settings { burst, ..mode(Mode::Io) }, |far| {
            far.send(&sent);
            assert_eq!(far.receive(200), sent);
        });
        assert_eq!((stats.counters.get(C::RxFrames), drops(&stats)), (200, 0));
        assert_eq!(stats.counters.get(C::TxFrames), 200);
        let received: u64 = (0u64..).zip(stats.rx_bursts.counts()).map(|(n, c)| n * c).sum();
        assert_eq!(received, 200);
    }
    bench.run(mode(Mode::Mac), |far| {
        let came = far.through(&frame(1));
        assert_eq!((&came[..6], &came[6..12]), (&PEER[..], &OWN[..]));
        assert_eq!(came[12..], frame(1)[12..]);
    });
    bench.run(mode(Mode::MacSwap), |far| {
        let came = far.through(&frame(1));
        assert_eq!((&came[..6], &came[6..12]), (&frame(1)[6..12], &frame(1)[..6]));
    });
    bench.run(mode(Mode::FiveTupleSwap), |far| {
        let came = far.through(&frame(1));
        let packet = ipv4::parse(ether::parse(&came).unwrap().payload).unwrap();
        assert_eq!((packet.header.src, packet.header.dst), ([10, 0, 0, 2], [10, 0, 0, 1]));
        let datagram = udp::parse(packet.payload).unwrap();
        let ports = (datagram.header.src_port.get(), datagram.header.dst_port.get());
        assert_eq!(ports, (9, 7));
        assert!(packet.checksum_ok() && datagram.checksum_ok([10, 0, 0, 2], [10, 0, 0, 1]));
    });
    let stats = bench.run(mode(Mode::MacSwap), |far| {
        // A runt ends here, the frames around it go on.
        far.send(&[frame(1), vec![1; 13], frame(2)]);
        assert_eq!(far.receive(2).len(), 2);
    });
    assert_eq!((stats.counters.get(C::DropShort), stats.counters.get(C::TxFrames)), (1, 2));
}

fn checksums(bench: &mut Bench<'_>) {
    let stats = bench.run(mode(Mode::Csum), |far| {
        let mut wrong = frame(3);
        wrong[24] ^= 0x55;
        wrong[40] ^= 0x55;
        let came = far.through(&wrong);
        assert_eq!((&came[..6], &came[6..12]), (&PEER[..], &OWN[..]));
        assert_eq!(came[12..], frame(3)[12..]);
        far.through(&frame(4));
        far.through(&[0; 60]);
    });
    let get = |counter| stats.counters.get(counter);
    assert_eq!((get(C::BadIpChecksum), get(C::BadL4Checksum), get(C::Untouched)), (1, 1, 1));
    assert_eq!((get(C::TxFrames), drops(&stats)), (3, 0));
}

fn echo(bench: &mut Bench<'_>) {
    let asked =
        wire::arp::Packet::new(1, ([2, 0, 0, 0, 0, 1], [10, 0, 0, 1]), ([0; 6], [10, 0, 0, 9]));
    let mut ask = vec![0; 14];
    ether::write(&mut ask, ether::BROADCAST, [2, 0, 0, 0, 0, 1], None, ether::ARP).unwrap();
    ask.extend(wire::IntoBytes::as_bytes(&asked));
    let stats = bench.run(mode(Mode::IcmpEcho), |far| {
        far.send(&[frame(1), ask, frame(2)]);
        let came = far.receive(1).remove(0);
        assert_eq!(ether::parse(&came).unwrap().src, OWN);
    });
    assert_eq!((stats.counters.get(C::TxFrames), drops(&stats)), (1, 0));
}

fn making(bench: &mut Bench<'_>) {
    let settings = Settings { frames_max: Some(100), flows: 3, ..mode(Mode::TxOnly) };
    let stats = bench.run(settings, |far| {
        let mut sources: Vec<wire::Ip4> = Vec::new();
        for came in far.receive(100) {
            assert_eq!(came.len(), 64);
            let ethernet = ether::parse(&came).unwrap();
            assert_eq!((ethernet.dst, ethernet.src), (PEER, OWN));
            let packet = ipv4::parse(ethernet.payload).unwrap();
            assert!(packet.checksum_ok());
            assert_eq!(packet.header.dst, [198, 18, 0, 2]);
            let datagram = udp::parse(packet.payload).unwrap();
            assert_eq!((datagram.header.dst_port.get(), datagram.payload.len()), (9, 22));
            sources.push(packet.header.src);
        }
        assert_eq!(sources[..3], [[198, 18, 0, 1], [198, 18, 0, 3], [198, 18, 0, 4]]);
        sources.sort_unstable();
        sources.dedup();
        assert_eq!(sources.len(), 3);
    });
    assert_eq!(stats.counters.get(C::TxFrames), 100);

    let settings = Settings { frames_max: Some(64), flows: 64, ..mode(Mode::FlowGen) };
    let stats = bench.run(settings, |far| {
        far.send(&[frame(1), frame(2)]);
        for (flow, came) in (0u8..).zip(far.receive(64)) {
            assert_eq!(came.len(), 60);
            let packet = ipv4::parse(ether::parse(&came).unwrap().payload).unwrap();
            assert_eq!(packet.header.dst, [10, 253, 0, flow]);
            assert!(packet.checksum_ok());
        }
        // What comes in ends there.
        while far.pool.in_use() > 0 {
            std::thread::yield_now();
        }
    });
    assert_eq!(stats.counters.get(C::RxFrames), 2);

    // In an open loop, however slow the machine: what is due in a time goes out in that time.
    let settings =
        Settings { rate_pps: Some(20_000.0), frames_max: Some(400), ..mode(Mode::TxOnly) };
    let began = std::time::Instant::now();
    bench.run(settings, |far| assert_eq!(far.receive(400).len(), 400));
    assert!(began.elapsed().as_secs_f64() > 0.9 * 400.0 / 20_000.0, "faster than its rate");

    let stats = bench.run(mode(Mode::RxOnly), |far| {
        far.send(&[frame(1), frame(2), frame(3)]);
        while far.pool.in_use() > 0 {
            std::thread::yield_now();
        }
    });
    assert_eq!((stats.counters.get(C::RxFrames), stats.counters.get(C::TxFrames)), (3, 0));
}

fn noise(bench: &mut Bench<'_>) {
    let noisy =
        Noisy { buffer_frames: 8, memory_mb: 1, writes: 2, reads: 2, reads_writes: 2, flush_ms: 0 };
    let stats = bench.run(Settings { noisy, ..mode(Mode::Noisy) }, |far| {
        let sent: Vec<Vec<u8>> = (0..20).map(frame).collect();
        far.send(&sent);
        // The last eight are held back.
        assert_eq!(far.receive(12), sent[..12]);
    });
    assert_eq!((stats.counters.get(C::TxFrames), drops(&stats)), (20, 0), "let go at the end");
    let noisy = Noisy { flush_ms: 1, ..noisy };
    bench.run(Settings { noisy, ..mode(Mode::Noisy) }, |far| {
        far.send(&[frame(1), frame(2)]);
        assert_eq!(far.receive(2), [frame(1), frame(2)]);
    });
}

fn full_queues(bench: &mut Bench<'_>) {
    let room = SLOTS as usize - 1;
    let sent: Vec<Vec<u8>> = (0..400u32).map(|n| frame(n as u8)).collect();
    // What does not fit waits, and comes in order, however late somebody reads.
    let stats = bench.run(mode(Mode::Io), |far| {
        far.send(&sent[..room + 100]);
        while far.stats.counters.get(C::TxFull) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(far.receive(room + 100), sent[..room + 100]);
    });
    assert_eq!(drops(&stats), 0);
    assert!(stats.counters.get(C::TxFull) > 0);
    // Or is dropped and counted, as it was asked for.
    let settings = Settings { tx_full: TxFull::Drop { retries: 2 }, ..mode(Mode::Io) };
    let stats = bench.run(settings, |far| {
        far.send(&sent);
        // Nobody reads before all has been read on the other side.
        while far.pool.in_use() as usize > room {
            std::thread::yield_now();
        }
        assert_eq!(far.receive(room), sent[..room]);
    });
    assert_eq!(stats.counters.get(C::DropTxFull), 400 - room as u64);
    assert_eq!(stats.counters.get(C::RxFrames), 400);
}

fn first_bursts(bench: &mut Bench<'_>) {
    let settings = Settings { tx_first: 3, ..mode(Mode::Io) };
    let stats = bench.run(settings, |far| assert_eq!(far.receive(96).len(), 96));
    assert_eq!((stats.counters.get(C::TxFrames), drops(&stats)), (96, 0));
    // More than the wire holds.
    let stats = bench.run(Settings { tx_first: 10, ..settings }, |far| {
        far.receive(SLOTS as usize - 1);
    });
    let sum = stats.counters.get(C::TxFrames) + stats.counters.get(C::FirstLeft);
    assert_eq!((sum, drops(&stats)), (320, 0));
}
