use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::thread;

#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    PushSlice(usize),
    Pop,
    PopSlice(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Push),
        2 => (0usize..40).prop_map(Step::PushSlice),
        3 => Just(Step::Pop),
        2 => (0usize..40).prop_map(Step::PopSlice),
    ]
}

/// A ring and a queue that does the same, with items of any size.
fn twins<T: Copy + PartialEq + Debug>(items_min: usize, steps: &[Step], item: fn(u64) -> T) {
    let (mut tx, mut rx) = ring::<T>(items_min);
    let mut twin = VecDeque::new();
    let mut next = 0u64;
    let mut fresh = |count: usize| -> Vec<T> {
        next += count as u64;
        (next - count as u64..next).map(item).collect()
    };
    for step in steps {
        match *step {
            Step::Push => {
                let items = fresh(1);
                match tx.push(items[0]) {
                    Ok(()) => twin.push_back(items[0]),
                    Err(back) => {
                        assert_eq!(back, items[0]);
                        assert!(twin.len() >= items_min, "full at {} of {items_min}", twin.len());
                    }
                }
            }
            Step::PushSlice(count) => {
                let items = fresh(count);
                let done = tx.push_slice(&items);
                assert!(done == count || twin.len() + done >= items_min, "full too early");
                twin.extend(&items[..done]);
            }
            Step::Pop => assert_eq!(rx.pop(), twin.pop_front()),
            Step::PopSlice(count) => {
                let mut out = vec![item(u64::MAX); count];
                let done = rx.pop_slice(&mut out);
                assert_eq!(done, count.min(twin.len()), "all that there are");
                assert!(twin.drain(..done).eq(out[..done].iter().copied()));
            }
        }
        assert_eq!(rx.has_some(), !twin.is_empty());
        assert!(twin.len() <= tx.cells.count() * Cells::<T>::ITEMS);
    }
}

proptest! {
    #[test]
    fn a_ring_is_a_queue(min in 0usize..70, steps in prop::collection::vec(step(), 1..300)) {
        twins(min, &steps, |n| n as u8);
        twins(min, &steps, |n| n);
        twins(min, &steps, |n| (n as u32, n as u16));
        twins(min, &steps, |n| [n; 3]);
        twins(min, &steps, |n| [n; 7]);
        twins(min, &steps, |n| [n; 20]);
        twins(min, &steps, u128::from);
    }
}

/// Everything arrives once and in order, whatever the two threads do meanwhile.
fn stream(items_min: usize, burst: usize) {
    const ITEMS: u64 = 200_000;
    let (mut tx, mut rx) = ring::<[u64; 2]>(items_min);
    let sender = thread::spawn(move || {
        let mut next = 0;
        while next < ITEMS {
            let last = (next + burst as u64).min(ITEMS);
            let items: Vec<_> = (next..last).map(|n| [n, !n]).collect();
            let sent = match items[..] {
                [item] => usize::from(tx.push(item).is_ok()),
                _ => tx.push_slice(&items),
            };
            if sent == 0 {
                thread::yield_now();
            }
            next += sent as u64;
        }
    });
    let (mut next, mut out) = (0, vec![[0; 2]; burst + 3]);
    while next < ITEMS {
        let got = if burst == 1 {
            rx.pop().map_or(0, |item| {
                out[0] = item;
                1
            })
        } else {
            rx.pop_slice(&mut out)
        };
        if got == 0 {
            thread::yield_now();
        }
        for item in &out[..got] {
            assert_eq!(*item, [next, !next]);
            next += 1;
        }
    }
    sender.join().unwrap();
    assert!(rx.pop().is_none());
}

#[test]
fn two_threads_keep_the_order() {
    for items_min in [1, 2, 5, 64, 1024] {
        for burst in [1, 2, 3, 7, 32] {
            stream(items_min, burst);
        }
    }
}

#[test]
fn what_was_not_popped_is_dropped_once() {
    let item = Arc::new(());
    for (pushed, popped) in [(0, 0), (1, 0), (20, 0), (20, 3), (20, 14), (20, 20)] {
        for consumer_first in [true, false] {
            let (mut tx, mut rx) = ring(20);
            // Once around, so that rounds differ.
            for _ in 0..37 {
                tx.push(item.clone()).unwrap();
                rx.pop().unwrap();
            }
            (0..pushed).for_each(|_| tx.push(item.clone()).unwrap());
            (0..popped).for_each(|_| drop(rx.pop().unwrap()));
            assert_eq!(Arc::strong_count(&item), 1 + pushed - popped);
            if consumer_first {
                drop(rx);
                assert!(tx.is_abandoned());
                // There may be no room, but what there is room for is dropped too.
                let _ = tx.push(item.clone());
                drop(tx);
            } else {
                assert!(!tx.is_abandoned());
                drop(tx);
                drop(rx);
            }
            assert_eq!(Arc::strong_count(&item), 1, "{pushed} pushed, {popped} popped");
        }
    }
}

#[test]
fn a_hop_is_one_line() {
    assert_eq!(Cells::<u64>::ITEMS, 7);
    assert_eq!(Cells::<u8>::ITEMS, 56);
    assert_eq!(Cells::<[u64; 7]>::ITEMS, 1);
    assert_eq!(Cells::<[u64; 8]>::ITEMS, 1);
    let (tx, rx) = ring::<u64>(64);
    assert_eq!(tx.cell as usize % 64, 0);
    assert_eq!(tx.cell, rx.cell);
}

#[test]
fn ends_may_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Producer<Vec<u8>>>();
    is_send::<Consumer<Vec<u8>>>();
}
