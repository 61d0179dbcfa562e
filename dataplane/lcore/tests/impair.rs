//! The impairment stage on real ports: in-memory cables with this test at both far ends, and a
//! clock that only the test moves.

mod cable;

use cable::{End, Started};
use dpdk::{DATA_ROOM, Eal, EalConfig, Huge, Mempool, SocketId};
use lcore::impair::{HELD_MAX, Impair, ImpairCounter as C, ImpairParts, REORDER_NS_MAX, Rates};
use lcore::port_io::{Burst, PortIo};
use lcore::{Agent, Now};
use net::FrameTx;

/// Slots of the cables: fewer frames fit than can be held.
const SLOTS: u32 = 64;
const UDP_PORT: u16 = 26_477;

fn io<'e>((rx, tx): End<'e>, pool: Mempool<'e>) -> PortIo<'e> {
    PortIo::new(rx, tx, pool)
}

/// `near` ═ a [impair] b ═ `far`; the test has the outer ends.
struct Bench<'e> {
    near: PortIo<'e>,
    far: PortIo<'e>,
    impair: Impair<'e>,
    now_ns: u64,
    next: u32,
}

impl<'e> Bench<'e> {
    fn new([near, a, b, far]: [PortIo<'e>; 4], rates: Rates) -> Bench<'e> {
        let (name, b_to_a) = ("weather".to_owned(), Rates::default());
        let impair = Impair::new(ImpairParts { name, a, b, seed: 7, a_to_b: rates, b_to_a });
        Bench { near, far, impair, now_ns: 1_000_000_000, next: 0 }
    }

    fn now(&self) -> Now {
        Now { tsc: 0, ns: self.now_ns }
    }

    /// Sends so many numbered datagrams, as far as the cable takes them.
    fn send(&mut self, frames: usize) {
        for _ in 0..frames {
            let frame = datagram(self.next, UDP_PORT);
            assert!(self.near.out.send(frame.len(), |to| to.copy_from_slice(&frame)));
            self.next += 1;
            self.near.out.flush();
        }
    }

    /// One poll of the role, and what arrives behind it.
    fn poll(&mut self) -> Vec<Vec<u8>> {
        self.impair.poll(self.now());
        take(&mut self.far)
    }

    /// Sends `frames` a few at a time, so that nothing waits; the numbers that arrive, in order.
    fn numbers(&mut self, frames: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        for _ in 0..frames {
            self.send(1);
            numbers.extend(self.poll().iter().map(|frame| number(frame)));
        }
        numbers
    }

    fn count(&self, counter: C) -> u64 {
        self.impair.counters()[0].get(counter)
    }

    fn into_ports(self) -> [PortIo<'e>; 4] {
        let Ok([a, b]) = <[_; 2]>::try_from(self.impair.into_ports()) else { panic!("two") };
        [self.near, a, b, self.far]
    }
}

/// What is held against one setting.
type Test = fn(&mut Bench<'_>);

/// All that waits at a port.
fn take(io: &mut PortIo<'_>) -> Vec<Vec<u8>> {
    let (mut frames, mut burst) = (Vec::new(), Burst::new());
    while io.rx(&mut burst) > 0 {
        frames.extend(burst.drain(..).map(|mbuf| mbuf.data().to_vec()));
    }
    frames
}

/// A datagram to `port` that holds a number.
fn datagram(number: u32, port: u16) -> Vec<u8> {
    let route = wire::frame::Route {
        src_mac: [2, 0, 0, 0, 0, 1],
        dst_mac: [2, 0, 0, 0, 0, 2],
        tag: None,
        src_ip: [10, 0, 0, 1],
        dst_ip: [10, 0, 0, 2],
        src_port: 1,
        dst_port: port,
        ttl: 1,
    };
    let headers = wire::frame::UdpFrame::new(route);
    let mut frame = vec![0; headers.header_len()];
    frame.extend(number.to_be_bytes());
    assert!(headers.write(&mut frame, 0, wire::frame::UdpChecksum::Full));
    frame
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(*frame.last_chunk().expect("a number"))
}

/// EAL starts once in a process, and has room for few ports: all is one test.
#[test]
fn frames_meet_the_fates_that_are_planned() {
    let config = EalConfig { huge: Huge::Off, memory_mb: 64, ..EalConfig::default() };
    let eal = Eal::init(&config).unwrap();
    let pool = eal.mempool("frames", 8191, 64, DATA_ROOM, SocketId::ANY).unwrap();
    let mut ports = Started::new();
    let [near, a] = cable::lay(&eal, pool, "near", SLOTS, &mut ports).map(|end| io(end, pool));
    let [b, far] = cable::lay(&eal, pool, "far", SLOTS, &mut ports).map(|end| io(end, pool));
    let none = Rates::default();
    let cases: [(Rates, Test); 10] = [
        (none, everything_passes_as_it_was),
        (none, what_is_not_taken_waits),
        (Rates { loss: 0.2, ..none }, losses_are_counted),
        (Rates { duplicate: 0.2, ..none }, copies_come_right_after),
        (Rates { reorder: 0.1, reorder_frames_max: 5, ..none }, others_pass),
        (Rates { reorder: 1.0, ..none }, nobody_waits_for_others_for_ever),
        (Rates { delay_ns: 5_000, ..none }, all_are_late_by_as_much),
        (Rates { delay_ns: 1 << 40, ..none }, held_frames_are_bounded_and_released),
        (Rates { corrupt: 0.3, ..none }, one_byte_is_changed),
        (Rates { loss: 1.0, udp_port: Some(UDP_PORT), ..none }, only_the_chosen_port_is_impaired),
    ];
    let mut ios = [near, a, b, far];
    for (rates, test) in cases {
        println!("{rates:?}");
        let mut bench = Bench::new(ios, rates);
        test(&mut bench);
        ios = bench.into_ports();
    }
    cable::stop(ports, ios.map(PortIo::into_queues).into());
    assert_eq!(pool.in_use(), 0, "every mbuf came back");
}

fn everything_passes_as_it_was(bench: &mut Bench<'_>) {
    bench.impair.start(bench.now());
    assert!(bench.impair.is_ready() && bench.impair.is_drained());
    for at in 0..200 {
        bench.send(1);
        assert_eq!(bench.poll(), [datagram(at, UDP_PORT)]);
    }
    // And back.
    let frame = datagram(9, 9);
    assert!(bench.far.out.send(frame.len(), |to| to.copy_from_slice(&frame)));
    bench.far.out.flush();
    bench.impair.poll(bench.now());
    assert_eq!(take(&mut bench.near), [frame]);
    assert_eq!(bench.impair.counters().map(|way| way.get(C::Passed)), [200, 1]);
    // Nothing has passed for a while: the end.
    assert!(!bench.impair.stop(bench.now()));
    bench.now_ns += 1_000_000_000;
    assert!(bench.impair.stop(bench.now()));
}

fn what_is_not_taken_waits(bench: &mut Bench<'_>) {
    let mut sent = 0;
    // Nobody receives: the far cable fills, then the queue before it, and then the near cable.
    for _ in 0..SLOTS as usize * 4 {
        if bench.near.out.queued() == 0 {
            bench.send(1);
            sent += 1;
        }
        bench.near.out.flush();
        bench.impair.poll(bench.now());
    }
    assert!(!bench.impair.is_drained() && bench.impair.held() < 200);
    assert!(bench.count(C::Waited) > 0);
    let mut numbers = Vec::new();
    for _ in 0..20 {
        bench.near.out.flush();
        numbers.extend(bench.poll().iter().map(|frame| number(frame)));
    }
    assert_eq!(numbers, (0..sent).collect::<Vec<u32>>());
    assert!(bench.impair.is_drained() && bench.count(C::NotTaken) == 0);
}

fn losses_are_counted(bench: &mut Bench<'_>) {
    let numbers = bench.numbers(1_000);
    let (passed, lost) = (bench.count(C::Passed), bench.count(C::Lost));
    assert_eq!((passed + lost, passed), (1_000, numbers.len() as u64));
    assert!((130..270).contains(&lost) && numbers.is_sorted());
}

fn copies_come_right_after(bench: &mut Bench<'_>) {
    let mut numbers = bench.numbers(1_000);
    assert!(numbers.is_sorted() && bench.count(C::Passed) == 1_000);
    let copies = bench.count(C::Duplicated);
    assert_eq!(numbers.len() as u64, 1_000 + copies);
    numbers.dedup();
    assert!((130..270).contains(&copies) && numbers.len() == 1_000);
}

fn others_pass(bench: &mut Bench<'_>) {
    let mut numbers = bench.numbers(1_000);
    bench.now_ns += REORDER_NS_MAX;
    numbers.extend(bench.poll().iter().map(|frame| number(frame)));
    let late = numbers.iter().enumerate().filter(|(at, number)| **number < *at as u32);
    // As many others as were planned went past; some of those were held themselves.
    assert!(numbers.iter().enumerate().all(|(at, number)| at.abs_diff(*number as usize) <= 20));
    assert!(late.count() > 50 && (60..150).contains(&bench.count(C::Reordered)));
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1_000).collect::<Vec<_>>());
}

fn nobody_waits_for_others_for_ever(bench: &mut Bench<'_>) {
    bench.send(3);
    assert!(bench.poll().is_empty() && !bench.impair.is_drained());
    bench.now_ns += REORDER_NS_MAX - 1;
    assert!(bench.poll().is_empty());
    bench.now_ns += 1;
    assert_eq!(bench.poll().len(), 3);
    assert!(bench.impair.is_drained());
}

fn all_are_late_by_as_much(bench: &mut Bench<'_>) {
    bench.send(2);
    assert!(bench.poll().is_empty());
    bench.now_ns += 3_000;
    bench.send(1);
    assert!(bench.poll().is_empty());
    bench.now_ns += 2_000;
    assert_eq!(bench.poll().iter().map(|f| number(f)).collect::<Vec<_>>(), [0, 1]);
    bench.now_ns += 3_000;
    assert_eq!(bench.poll().iter().map(|f| number(f)).collect::<Vec<_>>(), [2]);
    assert_eq!(bench.count(C::Delayed), 3);
}

fn held_frames_are_bounded_and_released(bench: &mut Bench<'_>) {
    let mut sent = 0;
    while bench.near.out.queued() == 0 {
        bench.send(1);
        sent += 1;
        assert!(bench.poll().is_empty());
    }
    assert!((900..=HELD_MAX + SLOTS as usize).contains(&sent), "{sent}");
    assert!(bench.impair.held() <= HELD_MAX && bench.count(C::Waited) > 0);
    // The end releases everything, as fast as the far cable takes it.
    let mut numbers = Vec::new();
    for _ in 0..100 {
        bench.impair.stop(bench.now());
        bench.near.out.flush();
        numbers.extend(bench.poll().iter().map(|frame| number(frame)));
    }
    assert_eq!(numbers, (0..sent as u32).collect::<Vec<_>>());
    assert_eq!((bench.count(C::NotTaken), bench.impair.held()), (0, 0));
}

fn one_byte_is_changed(bench: &mut Bench<'_>) {
    let mut damaged = 0;
    for at in 0..500 {
        bench.send(1);
        let frames = bench.poll();
        let (whole, [frame]) = (datagram(at, UDP_PORT), frames.as_slice()) else { panic!() };
        let differ: Vec<_> = (0..whole.len()).filter(|at| whole[*at] != frame[*at]).collect();
        assert!(frame.len() == whole.len() && differ.len() <= 1);
        assert!(differ.iter().all(|at| *at >= 14));
        damaged += differ.len() as u64;
    }
    assert_eq!(damaged, bench.count(C::Corrupted));
    assert!((100..200).contains(&damaged) && bench.count(C::Passed) == 500);
}

fn only_the_chosen_port_is_impaired(bench: &mut Bench<'_>) {
    let mut tcp = datagram(1, UDP_PORT);
    tcp[23] = wire::ipv4::TCP;
    let mut second_fragment = datagram(2, UDP_PORT);
    second_fragment[21] = 1;
    let mut cut = datagram(3, UDP_PORT);
    cut.truncate(30);
    let others = [datagram(0, UDP_PORT + 1), tcp, second_fragment, cut, vec![0; 14], vec![7; 3]];
    for frame in &others {
        assert!(bench.near.out.send(frame.len(), |to| to.copy_from_slice(frame)));
    }
    bench.near.out.flush();
    bench.send(5);
    assert_eq!(bench.poll(), others);
    assert_eq!((bench.count(C::Passed), bench.count(C::Lost)), (6, 5));
}
