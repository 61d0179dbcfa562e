//! What a hop over our ring costs, on one core and across two; `harness.rs` says how.
//!
//! `cargo run --release -p spsc --example ring_ns -- one-core|two-cores [MILLISECONDS]`
//!
//! `scripts/bench.sh --only rings` sets it against others' rings and channels.
//! Ends with 2 when an argument cannot be used.

mod harness;

use harness::{ITEMS_MAX, Receiver, Sender};

struct Ours<E>(E);

impl Sender for Ours<spsc::Producer<u64>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.push(item).is_ok()
    }

    #[inline]
    fn push_burst(&mut self, items: &[u64]) -> usize {
        self.0.push_slice(items)
    }
}

impl Receiver for Ours<spsc::Consumer<u64>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.0.pop()
    }

    #[inline]
    fn pop_burst(&mut self, out: &mut [u64]) -> usize {
        self.0.pop_slice(out)
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(plan) = harness::plan(&args) else {
        eprintln!("ring_ns one-core|two-cores [MILLISECONDS]");
        std::process::exit(2);
    };
    harness::measure(&plan, || {
        let (producer, consumer) = spsc::ring(ITEMS_MAX);
        (Ours(producer), Ours(consumer))
    });
}
