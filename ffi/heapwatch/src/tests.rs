use super::*;
use std::thread;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

fn spent(work: impl FnOnce()) -> Counts {
    let before = thread_allocations();
    work();
    thread_allocations().since(before)
}

#[test]
fn counts_each_allocation_and_its_bytes() {
    assert!(is_counting());
    let one = spent(|| drop(black_box(vec![1_u8; 100])));
    assert_eq!(one, Counts { allocs: 1, frees: 1, bytes: 100 });
    let zeroed = spent(|| drop(black_box(vec![0_u8; 100])));
    assert_eq!(zeroed, Counts { allocs: 1, frees: 1, bytes: 100 });
}

#[test]
fn counts_growth_as_another_allocation() {
    let grown = spent(|| {
        let mut bytes: Vec<u8> = Vec::with_capacity(10);
        bytes.extend_from_slice(&[7; 10]);
        bytes.reserve_exact(20);
        assert_eq!(black_box(&bytes)[9], 7, "the contents moved along");
    });
    assert_eq!(grown, Counts { allocs: 2, frees: 2, bytes: 40 });
}

#[test]
fn counts_nothing_for_work_on_the_stack() {
    let mut sum = 0_u64;
    let none = spent(|| {
        for n in 0..1_000 {
            sum = black_box(sum + n);
        }
    });
    assert!(none.is_zero(), "{none:?}");
}

#[test]
fn another_threads_allocations_are_its_own() {
    let (here, there) = {
        let worker = thread::spawn(|| spent(|| drop(black_box(vec![1_u64; 1_000]))));
        let before = thread_allocations();
        while !worker.is_finished() {
            std::hint::spin_loop();
        }
        (thread_allocations().since(before), worker.join().unwrap())
    };
    assert_eq!(there, Counts { allocs: 1, frees: 1, bytes: 8_000 });
    assert!(here.is_zero(), "{here:?}");
}

#[test]
fn honours_alignment() {
    #[repr(align(4096))]
    struct Page(#[allow(dead_code, reason = "only its address is looked at")] [u8; 4096]);
    let page = Box::new(Page([1; 4096]));
    assert_eq!((&raw const *page).addr() % 4096, 0);
}
