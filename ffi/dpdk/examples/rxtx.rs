//! The cost of the bindings: the same work as `tests/bench/rxtx.c`, which calls DPDK from C.
//!
//! Frames are sent on one side of a pair of ring ports, received on the other and touched.
//! Prints one line a burst size, in ns a frame. `scripts/bench.sh --only rxtx` sets it against C.

use std::time::Instant;

use arrayvec::ArrayVec;
use dpdk::{DATA_ROOM, Eal, EalConfig, Error, Huge, Lcore, Mbuf, PortConfig};
use dpdk::{RxQueue, SocketId, TxQueue};

const FRAME_LEN: usize = 60;
const SLOTS: u32 = 256;
const FRAMES_WARM: u64 = 1_000_000;
const FRAMES_TIMED: u64 = 20_000_000;
const BURST_MAX: usize = 32;

type Burst<'e> = ArrayVec<Mbuf<'e>, BURST_MAX>;

/// Sends the burst round until so many frames have passed; each has its first word counted up.
#[inline(never)]
fn pass<'e>(tx: &mut TxQueue<'e>, rx: &mut RxQueue<'e>, burst: &mut Burst<'e>, frames: u64) -> u64 {
    let (mut done, mut sum) = (0, 0u64);
    while done < frames {
        tx.tx(burst);
        assert!(burst.is_empty(), "cannot send");
        let got = rx.rx(burst);
        assert!(got != 0, "cannot receive");
        for frame in burst.iter_mut() {
            let word = frame.data_mut().first_chunk_mut::<8>().expect("frames are longer");
            let count = u64::from_ne_bytes(*word).wrapping_add(1);
            *word = count.to_ne_bytes();
            sum = sum.wrapping_add(count);
        }
        done += got as u64;
    }
    sum
}

fn main() -> Result<(), Error> {
    let config =
        EalConfig { huge: Huge::Off, memory_mb: 64, main_cpu: Some(0), ..EalConfig::default() };
    let eal = Eal::init(&config)?;
    let _lcore = Lcore::enter(&eal, Some(0), "rxtx")?;
    let pool = eal.mempool("frames", 1023, 64, DATA_ROOM, SocketId::ANY)?;
    let (a, b) = eal.ring_pair("a", "b", SLOTS, SocketId::ANY)?;
    let (_port_a, _, mut tx) = eal.port(a)?.configure(&PortConfig::default(), pool)?.start()?;
    let (_port_b, mut rx, _) = eal.port(b)?.configure(&PortConfig::default(), pool)?.start()?;

    let mut sum = 0u64;
    for size in [1, 4, 32] {
        let mut burst = Burst::new();
        assert!(pool.alloc_bulk(&mut burst, size), "the pool has enough");
        for frame in &mut burst {
            frame.append(FRAME_LEN).expect("an mbuf is longer").fill(0);
        }
        let (tx, rx) = (&mut tx[0], &mut rx[0]);
        sum = sum.wrapping_add(pass(tx, rx, &mut burst, FRAMES_WARM));
        let begin = Instant::now();
        sum = sum.wrapping_add(pass(tx, rx, &mut burst, FRAMES_TIMED));
        let elapsed = begin.elapsed();
        let ns = elapsed.as_nanos() as f64 / FRAMES_TIMED as f64;
        println!("FIGURE burst-{size} {ns:.3} ns");
    }
    eprintln!("sum {sum}");
    Ok(())
}
