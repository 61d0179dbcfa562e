//! What it costs to take a slot of our stores and to give it back; `harness.rs` says how it is
//! measured.
//!
//! `cargo run --release -p book --example slot_ns [-- MILLISECONDS]`
//!
//! The list of free slots is that of the trees' nodes and of conditional orders.
//! `scripts/bench.sh --only slots` sets it against others' stores.

mod harness;

use book::FreeList;
use harness::{SLOTS, Store};

impl Store for FreeList {
    type Slot = u32;

    #[inline]
    fn acquire(&mut self) -> Option<u32> {
        self.take()
    }

    #[inline]
    fn release(&mut self, slot: u32) {
        self.give(slot);
    }
}

fn main() {
    let time = harness::time(std::env::args().nth(1).as_deref());
    harness::measure(time, &mut FreeList::all(SLOTS as u32));
}
