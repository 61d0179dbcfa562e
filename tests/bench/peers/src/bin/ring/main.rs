//! What a hop costs over other people's rings and channels, as `ffi/spsc/examples/ring_ns` measures
//! our own.
//!
//! `ring WHO one-core|two-cores [MILLISECONDS]`, WHO being `rtrb`, `array-queue` (crossbeam),
//! `channel` (crossbeam's bounded channel, the like of Go's), `sync-channel` (std), `flume`,
//! `mutex-vec` or `pipe`
//!
//! Nobody waits: a thread that finds nothing asks again. Ends with 2 when an argument cannot be
//! used.

#[path = "../../../../../../ffi/spsc/examples/ring_ns/harness.rs"]
mod harness;
mod others;

use harness::{ITEMS_MAX, Plan, measure};
use others::{End, pipe};
use std::collections::VecDeque;
use std::process::exit;
use std::sync::{Arc, Mutex};

fn run(who: &str, plan: &Plan) -> bool {
    match who {
        "rtrb" => measure(plan, || {
            let (tx, rx) = rtrb::RingBuffer::new(ITEMS_MAX);
            (End(tx), End(rx))
        }),
        "array-queue" => measure(plan, || {
            let queue = Arc::new(crossbeam_queue::ArrayQueue::new(ITEMS_MAX));
            (End(queue.clone()), End(queue))
        }),
        "channel" => measure(plan, || {
            let (tx, rx) = crossbeam_channel::bounded(ITEMS_MAX);
            (End(tx), End(rx))
        }),
        "sync-channel" => measure(plan, || {
            let (tx, rx) = std::sync::mpsc::sync_channel(ITEMS_MAX);
            (End(tx), End(rx))
        }),
        "flume" => measure(plan, || {
            let (tx, rx) = flume::bounded(ITEMS_MAX);
            (End(tx), End(rx))
        }),
        "mutex-vec" => measure(plan, || {
            let queue = Arc::new(Mutex::new(VecDeque::with_capacity(ITEMS_MAX)));
            (End(queue.clone()), End(queue))
        }),
        "pipe" => measure(plan, || {
            let (tx, rx) = pipe();
            (End(tx), End(rx))
        }),
        _ => return false,
    }
    true
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let who = args.first().map_or("", String::as_str);
    let done = harness::plan(args.get(1..).unwrap_or_default()).is_some_and(|plan| run(who, &plan));
    if !done {
        eprintln!("ring WHO one-core|two-cores [MILLISECONDS]: see the head of {}", file!());
        exit(2);
    }
}
