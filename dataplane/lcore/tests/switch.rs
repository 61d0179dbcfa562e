//! The switch on real ports: in-memory cables with this test at the far ends, and a clock that only
//! the test moves.

mod cable;

use cable::Started;
use dpdk::{DATA_ROOM, Eal, EalConfig, Huge, Mempool, SocketId};
use lcore::port_io::{Burst, PortIo};
use lcore::switch::{AGE_NS_MAX, Cabling, Switch, SwitchCounter as C};
use lcore::{Agent, Now};
use net::FrameTx;
use spsc::Producer;

/// Slots of the cables.
const SLOTS: u32 = 64;
const EVERYONE: [u8; 6] = [0xFF; 6];

/// A host of the test.
fn host(number: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, number]
}

/// A switch, and the test at the far end of each of its cables.
struct Bench<'e> {
    far: Vec<PortIo<'e>>,
    switch: Switch<'e>,
    hand: Producer<Cabling>,
    now_ns: u64,
}

impl<'e> Bench<'e> {
    fn new(eal: &'e Eal, pool: Mempool<'e>, ports: &mut Started<'e>) -> Bench<'e> {
        let mut cable = |at| {
            cable::lay(eal, pool, &format!("c{at}"), SLOTS, ports)
                .map(|(rx, tx)| PortIo::new(rx, tx, pool))
        };
        let (near, far) = (0..4).map(|at| cable(at).into()).unzip();
        let (hand, cabling) = spsc::ring(4);
        let switch = Switch::new("room".into(), near).with_cabling(cabling);
        Bench { far, switch, hand, now_ns: 1_000_000_000 }
    }

    fn send(&mut self, port: usize, frame: &[u8]) {
        let out = &mut self.far[port].out;
        assert!(out.send(frame.len(), |to| to.copy_from_slice(frame)));
        out.flush();
    }

    /// Sends a frame, and gives the ports that it arrives at, as it was.
    fn pass(&mut self, port: usize, from: [u8; 6], to: [u8; 6]) -> Vec<usize> {
        let frame = [&to[..], &from, &[0x88, 0xB5, 1, 2, 3]].concat();
        self.send(port, &frame);
        self.poll();
        let arrived = (0..self.far.len()).filter(|at| {
            let frames = take(&mut self.far[*at]);
            assert!(frames.iter().all(|one| *one == frame) && frames.len() < 2);
            !frames.is_empty()
        });
        arrived.collect()
    }

    fn poll(&mut self) {
        self.switch.poll(Now { tsc: 0, ns: self.now_ns });
    }

    fn count(&self, port: usize, counter: C) -> u64 {
        self.switch.ports().nth(port).expect("the port").1.get(counter)
    }
}

/// All that waits at a port.
fn take(io: &mut PortIo<'_>) -> Vec<Vec<u8>> {
    let (mut frames, mut burst) = (Vec::new(), Burst::new());
    while io.rx(&mut burst) > 0 {
        frames.extend(burst.drain(..).map(|mbuf| mbuf.data().to_vec()));
    }
    frames
}

/// EAL starts once in a process, and has room for few ports: all is one test.
#[test]
fn frames_go_where_their_address_was_seen() {
    let config = EalConfig { huge: Huge::Off, memory_mb: 64, ..EalConfig::default() };
    let eal = Eal::init(&config).unwrap();
    let pool = eal.mempool("frames", 8191, 64, DATA_ROOM, SocketId::ANY).unwrap();
    let mut ports = Started::new();
    let mut bench = Bench::new(&eal, pool, &mut ports);
    learns_and_forgets(&mut bench);
    an_address_moves_with_its_first_frame(&mut bench);
    nothing_passes_a_cable_that_is_out(&mut bench);
    what_is_no_frame_goes_nowhere(&mut bench);
    a_port_that_nobody_reads_keeps_nobody_waiting(&mut bench);
    ends_when_it_is_quiet(&mut bench);
    let Bench { far, switch, .. } = bench;
    let ios = far.into_iter().chain(switch.into_ports());
    cable::stop(ports, ios.map(PortIo::into_queues).collect());
    assert_eq!(pool.in_use(), 0, "every mbuf came back");
}

fn learns_and_forgets(bench: &mut Bench<'_>) {
    assert_eq!(bench.pass(0, host(1), EVERYONE), [1, 2, 3]);
    assert_eq!(bench.pass(1, host(2), host(1)), [0]);
    assert_eq!(bench.pass(0, host(1), host(2)), [1]);
    assert_eq!(bench.pass(2, host(3), host(9)), [0, 1, 3]);
    assert_eq!(bench.pass(0, host(4), host(1)), [0; 0]);
    assert_eq!(bench.pass(0, host(1), [1, 0, 0x5E, 0, 0, 1]), [1, 2, 3]);
    let counts = |port| [C::Forwarded, C::Flooded, C::Filtered].map(|c| bench.count(port, c));
    assert_eq!([counts(0), counts(1), counts(2)], [[1, 2, 1], [1, 0, 0], [0, 1, 0]]);
    bench.now_ns += AGE_NS_MAX + 1;
    assert_eq!(bench.pass(0, host(1), host(2)), [1, 2, 3]);
    assert_eq!(bench.pass(1, host(2), host(1)), [0]);
}

/// What an appliance that takes over a service address relies on.
fn an_address_moves_with_its_first_frame(bench: &mut Bench<'_>) {
    assert_eq!(bench.pass(3, host(1), EVERYONE), [0, 1, 2]);
    assert_eq!(bench.count(3, C::Moved), 1);
    assert_eq!(bench.pass(1, host(2), host(1)), [3]);
}

fn nothing_passes_a_cable_that_is_out(bench: &mut Bench<'_>) {
    let cut = bench.count(1, C::Cut);
    bench.hand.push(Cabling { port: 1, is_in: false }).expect("room");
    bench.poll();
    assert_eq!(bench.pass(0, host(5), EVERYONE), [2, 3]);
    assert_eq!(bench.pass(1, host(2), host(5)), [0; 0]);
    assert_eq!(bench.pass(0, host(5), host(2)), [0; 0]);
    assert_eq!(bench.count(1, C::Cut), cut + 3);
    bench.hand.push(Cabling { port: 1, is_in: true }).expect("room");
    bench.poll();
    assert_eq!(bench.pass(0, host(5), host(2)), [1]);
}

fn what_is_no_frame_goes_nowhere(bench: &mut Bench<'_>) {
    // Too short, and from a group.
    bench.send(0, &[2; 13]);
    bench.send(0, &[0xFF; 60]);
    bench.poll();
    assert!((0..4).all(|at| take(&mut bench.far[at]).is_empty()));
    assert_eq!(bench.count(0, C::Malformed), 2);
}

fn a_port_that_nobody_reads_keeps_nobody_waiting(bench: &mut Bench<'_>) {
    let frame = [&EVERYONE[..], &host(1), &[0x88, 0xB5, 7]].concat();
    let mut arrived = 0;
    for _ in 0..4 * SLOTS {
        bench.send(3, &frame);
        bench.poll();
        arrived += take(&mut bench.far[1]).len();
        take(&mut bench.far[2]);
    }
    assert_eq!(arrived, 4 * SLOTS as usize);
    assert!(bench.count(0, C::NotTaken) > 0 && bench.count(1, C::NotTaken) == 0);
    for _ in 0..4 {
        take(&mut bench.far[0]);
        bench.poll();
    }
    take(&mut bench.far[0]);
}

fn ends_when_it_is_quiet(bench: &mut Bench<'_>) {
    let at = |ns| Now { tsc: 0, ns };
    assert!(bench.switch.is_ready() && bench.switch.is_drained());
    assert!(!bench.switch.stop(at(bench.now_ns)));
    assert!(bench.switch.stop(at(bench.now_ns + 1_000_000_000)));
}
