//! What a slot costs of other people's stores, as `strategy/book/examples/slot_ns` measures ours.
//!
//! `slot WHO [MILLISECONDS]`, WHO being `array-queue` (crossbeam's, holding the free slots),
//! `mutex-vec` (the same of a vector under std's mutex) or `slab` (the crate)
//!
//! Ends with 2 when an argument cannot be used.

#[path = "../../../../../strategy/book/examples/slot_ns/harness.rs"]
mod harness;

use crossbeam_queue::ArrayQueue;
use harness::{SLOTS, Store, measure};
use slab::Slab;
use std::process::exit;
use std::sync::Mutex;

impl Store for ArrayQueue<u32> {
    type Slot = u32;

    #[inline]
    fn acquire(&mut self) -> Option<u32> {
        self.pop()
    }

    #[inline]
    fn release(&mut self, slot: u32) {
        self.push(slot).expect("there is room for all");
    }
}

/// Locked as if others shared it: through a reference, since the mutex of one who has it to himself
/// needs no locking.
struct Locked<'a>(&'a Mutex<Vec<u32>>);

impl Store for Locked<'_> {
    type Slot = u32;

    #[inline]
    fn acquire(&mut self) -> Option<u32> {
        self.0.lock().expect("nobody panics").pop()
    }

    #[inline]
    fn release(&mut self, slot: u32) {
        self.0.lock().expect("nobody panics").push(slot);
    }
}

/// 32 bytes, as our slots.
type Payload = [u64; 4];

impl Store for Slab<Payload> {
    type Slot = usize;

    #[inline]
    fn acquire(&mut self) -> Option<usize> {
        Some(self.insert(Payload::default()))
    }

    #[inline]
    fn release(&mut self, slot: usize) {
        self.remove(slot);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let time = harness::time(args.get(1).map(String::as_str));
    match args.first().map_or("", String::as_str) {
        "array-queue" => {
            let mut free = ArrayQueue::new(SLOTS);
            (0..SLOTS as u32).for_each(|slot| free.release(slot));
            measure(time, &mut free);
        }
        "mutex-vec" => measure(time, &mut Locked(&Mutex::new((0..SLOTS as u32).collect()))),
        "slab" => measure(time, &mut Slab::<Payload>::with_capacity(SLOTS)),
        _ => {
            eprintln!("slot WHO [MILLISECONDS]: see the head of {}", file!());
            exit(2);
        }
    }
}
