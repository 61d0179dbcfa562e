//! What an echo costs the server's stack, in nanoseconds: a frame in, 64 bytes read and written
//! back, a frame out.
//!
//! `cargo run --release -p net --example echo_ns`
//!
//! Two hosts in one process, no port. Frames are made by the client's host beforehand, in batches
//! that go round the connections; only the server's part is timed, and the best of several passes
//! is told. With many connections each echo meets a slot that the caches have forgotten.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Pair, Station, US, config, interface};
use net::{ConnId, Input, RxChecks};
use std::time::Instant;

const MESSAGE: [u8; 64] = [7; 64];
const BATCH: usize = 64;
const ECHOES: usize = 100_000;
const PASSES: usize = 9;

fn main() {
    println!("connections  ns an echo: best, median");
    for connections in [1, 64, 1_024, 4_096] {
        let [best, median] = measure(connections);
        println!("{connections:>11}  {best:>16.0}  {median:>6.0}");
        println!("FIGURE echo-{connections} {median:.3} ns");
    }
}

fn measure(connections: usize) -> [f64; 2] {
    let slots = connections.max(4);
    let mut pair = Pair::with(
        Station::new(interface(1), config(slots)),
        Station::new(interface(2), config(slots)),
    );
    let ends: Vec<ConnId> = (0..connections).map(|_| pair.connected().0).collect();
    let mut passes: Vec<f64> = (0..PASSES).map(|_| pass(&mut pair, &ends)).collect();
    passes.sort_by(f64::total_cmp);
    [passes[0], passes[PASSES / 2]]
}

/// One pass: the mean of many echoes.
fn pass(pair: &mut Pair, ends: &[ConnId]) -> f64 {
    let (mut echoes, mut spent_ns, mut next) = (0, 0, 0);
    while echoes < ECHOES {
        for _ in 0..BATCH.max(ends.len()) {
            let conn = ends[next % ends.len()];
            next += 1;
            assert!(pair.a.host.send_all(conn, &MESSAGE));
            pair.a.host.flush(pair.now, conn, &mut pair.a.out);
        }
        echoes += pair.a.out.frames.len();
        let begin = Instant::now();
        for frame in &pair.a.out.frames {
            echo(&mut pair.b, pair.now, frame);
        }
        spent_ns += begin.elapsed().as_nanos();
        pair.a.out.spare.extend(pair.a.out.frames.drain(..));
        pair.step(US);
        for conn in ends {
            pair.a.host.recv(*conn, <[u8]>::len);
        }
        pair.a.readable.clear();
        pair.step(US);
    }
    spent_ns as f64 / echoes as f64
}

fn echo(server: &mut Station, now_ns: u64, frame: &[u8]) {
    let Input::Tcp(conn) =
        server.host.on_frame(now_ns, frame, RxChecks::default(), &mut server.out)
    else {
        return;
    };
    let mut message = [0; MESSAGE.len()];
    server.host.recv(conn, |bytes| {
        message.copy_from_slice(&bytes[..MESSAGE.len()]);
        MESSAGE.len()
    });
    server.host.send(conn, MESSAGE.len(), |room| {
        room[..MESSAGE.len()].copy_from_slice(&message);
        MESSAGE.len()
    });
    server.host.flush(now_ns, conn, &mut server.out);
}
