//! What it costs to take an mbuf of a pool through our bindings and to give it back, as
//! `strategy/book/examples/slot_ns` measures a slot: the pool's cache, the call into the shim that
//! finds the lcore's, and the mbuf's reset.
//!
//! `cargo run --release -p dpdk --example mbuf_ns [-- MILLISECONDS]`

#[path = "../../../strategy/book/examples/slot_ns/harness.rs"]
mod harness;

use dpdk::{DATA_ROOM, Eal, EalConfig, Error, Huge, Lcore, Mbuf, Mempool, SocketId};
use harness::{SLOTS, Store};

/// As many as DPDK allows at an lcore.
const CACHE: u32 = 512;

/// An mbuf that is held; where it lies tells it from others.
struct Held<'e>(Mbuf<'e>);

impl PartialEq for Held<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.data().as_ptr() == other.0.data().as_ptr()
    }
}

struct Mbufs<'e>(Mempool<'e>);

impl<'e> Store for Mbufs<'e> {
    type Slot = Held<'e>;

    #[inline]
    fn acquire(&mut self) -> Option<Held<'e>> {
        self.0.alloc().map(Held)
    }

    #[inline]
    fn release(&mut self, slot: Held<'e>) {
        drop(slot);
    }
}

fn main() -> Result<(), Error> {
    let time = harness::time(std::env::args().nth(1).as_deref());
    let cpu = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        // Behind the name, which may hold spaces, the CPU is the 37th.
        stat.rsplit(')').next()?.split_whitespace().nth(36)?.parse().ok()
    });
    let main_cpu = Some(cpu.unwrap_or(0));
    let config = EalConfig { huge: Huge::Off, memory_mb: 64, main_cpu, ..EalConfig::default() };
    let eal = Eal::init(&config)?;
    let _lcore = Lcore::enter(&eal, main_cpu, "mbuf_ns")?;
    let pool = eal.mempool("mbufs", SLOTS as u32 - 1, CACHE, DATA_ROOM, SocketId::ANY)?;
    harness::measure(time, &mut Mbufs(pool));
    Ok(())
}
