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

/// Bytes of the calling process that are in memory, as the kernel counts them.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn large_blocks_begin_at_huge_pages_and_are_zero() {
    for len in [LARGE_MIN, LARGE_MIN + 1, 3 * LARGE_MIN + 77] {
        let mut zeroed = vec![0_u8; len];
        assert_eq!(zeroed.as_ptr().addr() % (2 << 20), 0);
        assert!(zeroed.iter().all(|byte| *byte == 0));
        zeroed.fill(7);
        drop(black_box(zeroed));
        let again = vec![0_u8; len];
        assert!(again.iter().all(|byte| *byte == 0), "what a freed block held is not seen again");
    }
    let small = vec![0_u8; LARGE_MIN - 1];
    assert_eq!(black_box(small).len(), LARGE_MIN - 1);
}

#[test]
fn large_zeroed_blocks_take_no_memory_until_they_are_used() {
    let before = resident();
    let table = black_box(vec![0_u8; 1 << 30]);
    assert!(resident() < before + (256 << 20), "other tests run beside, but no gigabyte");
    assert_eq!(table[1 << 29], 0);
}

#[test]
fn contents_move_along_to_large_and_back() {
    let pattern = |at: usize| (at * 31 % 251) as u8;
    let counts = spent(|| {
        let mut bytes: Vec<u8> = Vec::with_capacity(LARGE_MIN / 2);
        bytes.extend((0..LARGE_MIN / 2).map(pattern));
        for len in [LARGE_MIN, 5 * LARGE_MIN] {
            bytes.reserve_exact(len - bytes.len());
            bytes.extend((bytes.len()..len).map(pattern));
        }
        for len in [2 * LARGE_MIN, 1_000] {
            bytes.truncate(len);
            bytes.shrink_to_fit();
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == pattern(at)));
        }
    });
    assert_eq!((counts.allocs, counts.frees), (5, 5));
}

#[test]
fn alignments_beyond_a_huge_page_are_kept() {
    let layout = Layout::from_size_align(LARGE_MIN, 4 << 20).unwrap();
    // SAFETY: the layout is not empty, and the block goes back with the same one.
    unsafe {
        let block = ALLOC.alloc(layout);
        assert_eq!(block.addr() % layout.align(), 0);
        ALLOC.dealloc(block, layout);
    }
}

#[test]
fn without_the_advice_blocks_are_the_same() {
    advise_huge_pages(false);
    let table = vec![3_u8; LARGE_MIN];
    advise_huge_pages(true);
    assert_eq!(table.as_ptr().addr() % (2 << 20), 0);
    assert!(table.iter().all(|byte| *byte == 3));
}
