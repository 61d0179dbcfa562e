//! What an echo costs the server's stack, in nanoseconds: a frame in, 64 bytes read and written
//! back, a frame out.
//!
//! `cargo run --release -p net --example echo_ns [CONNECTIONS [ECHOES [PASSES]]]`
//!
//! Two hosts in one process, no port. Frames are made by the client's host beforehand, in batches
//! that go round the connections; only the server's part is timed. With many connections each echo
//! meets a slot that the caches have forgotten. Frames are taken in one by one, and in bursts of 32
//! over which the host reads ahead where it has many. Without arguments it goes from 1 to 4,096
//! connections, sizes and ways in turn in each pass, and ends with figures.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Pair, Station, US, config, interface};
use net::{AHEAD_MAX, Ahead, ConnId, Input, RxChecks};
use std::time::Instant;

const MESSAGE: [u8; 64] = [7; 64];
const BATCH: usize = 64;

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let sizes = args.first().map_or(vec![1, 64, 1_024, 4_096], |one| vec![*one]);
    let (echoes, passes) = (args.get(1).unwrap_or(&50_000), args.get(2).unwrap_or(&9));
    let mut rigs: Vec<Rig> = sizes.iter().map(|size| Rig::new(*size)).collect();
    let ways = [("", each as Take), ("-in-bursts", bursts as Take)];
    let mut spent = vec![[Vec::new(), Vec::new()]; rigs.len()];
    for _ in 0..*passes {
        for (rig, spent) in rigs.iter_mut().zip(&mut spent) {
            for ((_, take), spent) in ways.iter().zip(spent) {
                spent.push(rig.pass(*echoes, *take));
            }
        }
    }
    println!("connections  ns an echo: best, median of {passes} passes of {echoes}; in bursts");
    for (size, spent) in sizes.iter().zip(&mut spent) {
        spent.iter_mut().for_each(|ns| ns.sort_by(f64::total_cmp));
        let [(best, median), (best_burst, burst)] =
            [0, 1].map(|way: usize| (spent[way][0], spent[way][passes / 2]));
        println!("{size:>11}  {best:>16.0}  {median:>6.0}  {best_burst:>16.0}  {burst:>6.0}");
    }
    for (size, spent) in sizes.iter().zip(&spent) {
        for ((way, _), spent) in ways.iter().zip(spent) {
            println!("FIGURE echo-{size}{way} {:.1} ns", spent[passes / 2]);
        }
    }
}

/// How frames are taken in.
type Take = fn(&mut Station, u64, &[Vec<u8>]);

fn each(server: &mut Station, now_ns: u64, frames: &[Vec<u8>]) {
    frames.iter().for_each(|frame| echo(server, now_ns, frame));
}

fn bursts(server: &mut Station, now_ns: u64, frames: &[Vec<u8>]) {
    let mut ahead = Ahead::default();
    for burst in frames.chunks(AHEAD_MAX) {
        if server.host.wants_ahead() {
            server.host.read_ahead(burst.iter().map(Vec::as_slice), &mut ahead);
        }
        burst.iter().for_each(|frame| echo(server, now_ns, frame));
    }
}

/// Two hosts and their connections.
struct Rig {
    pair: Pair,
    ends: Vec<ConnId>,
}

impl Rig {
    fn new(connections: usize) -> Rig {
        let slots = connections.max(4);
        let mut pair = Pair::with(
            Station::new(interface(1), config(slots)),
            Station::new(interface(2), config(slots)),
        );
        let ends = (0..connections).map(|_| pair.connected().0).collect();
        Rig { pair, ends }
    }

    /// One pass: the mean of many echoes.
    fn pass(&mut self, wanted: usize, take: Take) -> f64 {
        let Rig { pair, ends } = self;
        let (mut echoes, mut spent_ns, mut next) = (0, 0, 0);
        while echoes < wanted {
            for _ in 0..BATCH.max(ends.len()) {
                let conn = ends[next % ends.len()];
                next += 1;
                assert!(pair.a.host.send_all(conn, &MESSAGE));
                pair.a.host.flush(pair.now, conn, &mut pair.a.out);
            }
            echoes += pair.a.out.frames.len();
            let begin = Instant::now();
            take(&mut pair.b, pair.now, pair.a.out.frames.make_contiguous());
            spent_ns += begin.elapsed().as_nanos();
            pair.a.out.spare.extend(pair.a.out.frames.drain(..));
            pair.step(US);
            for conn in &*ends {
                pair.a.host.recv(*conn, <[u8]>::len);
            }
            pair.a.readable.clear();
            pair.step(US);
        }
        spent_ns as f64 / echoes as f64
    }
}

/// A function of its own, so that callgrind can count it alone.
#[inline(never)]
fn echo(server: &mut Station, now_ns: u64, frame: &[u8]) {
    let Input::Tcp(data) =
        server.host.on_frame(now_ns, frame, RxChecks::default(), &mut server.out)
    else {
        return;
    };
    let mut message = [0; MESSAGE.len()];
    server.host.read(data, |bytes| {
        message.copy_from_slice(&bytes[..MESSAGE.len()]);
        MESSAGE.len()
    });
    server.host.send(data.conn(), MESSAGE.len(), |room| {
        room[..MESSAGE.len()].copy_from_slice(&message);
        MESSAGE.len()
    });
    server.host.flush(now_ns, data.conn(), &mut server.out);
}
