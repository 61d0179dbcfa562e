//! What it costs to take a slot of our stores and to give it back; `harness.rs` says how it is
//! measured.
//!
//! `cargo run --release -p book --example slot_ns [-- MILLISECONDS]`
//!
//! The slots are 32 bytes, as an order's and a conditional order's are, and the list of free ones is
//! that of the trees' nodes and of conditional orders. `scripts/bench.sh --only slots` sets it
//! against others' stores.

mod harness;

use book::{FreeList, Place};
use harness::{SLOTS, Store};

/// A slot, which keeps the next free one while it is free.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
struct Slot {
    next: u32,
}

impl Place for Slot {
    #[inline]
    fn next(&self) -> u32 {
        self.next
    }

    #[inline]
    fn set_next(&mut self, next: u32) {
        self.next = next;
    }
}

struct Ours {
    slots: Box<[Slot]>,
    free: FreeList,
}

impl Store for Ours {
    type Slot = u32;

    #[inline]
    fn acquire(&mut self) -> Option<u32> {
        self.free.take(&self.slots)
    }

    #[inline]
    fn release(&mut self, slot: u32) {
        self.free.give(&mut self.slots, slot);
    }
}

fn main() {
    let time = harness::time(std::env::args().nth(1).as_deref());
    let mut slots = vec![Slot::default(); SLOTS].into_boxed_slice();
    let free = FreeList::all(&mut slots);
    harness::measure(time, &mut Ours { slots, free });
}
