//! The profile of live blocks. A process of its own: it is switched on for all threads.

use std::hint::black_box;

#[global_allocator]
static ALLOC: heapwatch::CountingAlloc = heapwatch::CountingAlloc;

/// Bytes live from stacks that pass through this test's allocations of `len` bytes.
fn live_of(len: u64) -> u64 {
    heapwatch::profile::live().iter().filter(|s| s.bytes % len == 0).map(|s| s.bytes).sum()
}

#[inline(never)]
fn keep(len: usize) -> Vec<u8> {
    black_box(vec![1; len])
}

#[test]
fn what_is_held_shows_with_its_stack_and_what_is_freed_does_not() {
    const LEN: usize = 77_777;
    drop(keep(LEN));
    assert_eq!(live_of(LEN as u64), 0, "it is off");
    heapwatch::profile::start(1);
    let held: Vec<Vec<u8>> = (0..10).map(|_| keep(LEN)).collect();
    assert_eq!(live_of(LEN as u64), 10 * LEN as u64);
    let stacks = heapwatch::profile::live();
    // One stack, or some more where the compiler has unrolled the loop.
    let ours = || stacks.iter().filter(|stack| stack.bytes % LEN as u64 == 0);
    assert_eq!(ours().map(|stack| stack.samples).sum::<u64>(), 10);
    assert!(ours().all(|stack| stack.frames.len() > 3), "{stacks:?}");
    // Freed on another thread, and grown.
    let mut held = std::thread::spawn(move || held.into_iter().take(3).collect::<Vec<_>>())
        .join()
        .expect("a thread");
    assert_eq!(live_of(LEN as u64), 3 * LEN as u64);
    held[0].reserve_exact(8 * LEN);
    drop(held);
    assert_eq!(live_of(LEN as u64), 0);
    // Large blocks are mappings of their own, and are seen all the same.
    let large = keep(heapwatch::LARGE_MIN + 1);
    assert_eq!(live_of(heapwatch::LARGE_MIN as u64 + 1), heapwatch::LARGE_MIN as u64 + 1);
    drop(large);
    // A coarser profile is right in sum.
    heapwatch::profile::start(100_000);
    let many: Vec<Vec<u8>> = (0..10_000).map(|_| keep(1_000)).collect();
    let sum: u64 = heapwatch::profile::live().iter().map(|stack| stack.bytes).sum();
    assert!((9_800_000..11_000_000).contains(&sum), "{sum}");
    drop(many);
}
