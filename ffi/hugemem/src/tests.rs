use super::*;
use std::cell::Cell;

fn assert_send<T: Send>() {}
fn assert_sync<T: Sync>() {}

#[test]
fn is_send_and_sync_as_its_elements_are() {
    assert_send::<HugeSlab<u64>>();
    assert_sync::<HugeSlab<u64>>();
    // What must not compile is in the documentation of `HugeSlab`.
}

#[test]
fn holds_the_fill_and_what_is_written() {
    for policy in [HugePolicy::Auto, HugePolicy::Off] {
        let mut slab = HugeSlab::new(300_000, (7_u64, 9_u32), policy).unwrap();
        assert_eq!(slab.len(), 300_000);
        assert_eq!(slab.size_bytes(), 300_000 * 16);
        assert!(slab.iter().all(|element| *element == (7, 9)));
        slab[299_999] = (1, 2);
        assert_eq!((slab[299_998], slab[299_999]), ((7, 9), (1, 2)));
    }
}

#[test]
fn lies_where_it_says() {
    let heap = HugeSlab::new(10, 1_u8, HugePolicy::Off).unwrap();
    assert_eq!(heap.backing(), Backing::Heap);
    assert_eq!(format!("{heap:?}"), "HugeSlab(10 elements, 10 bytes, heap)");
    // Whether there are hugepages is the host's business, and others may take the last one.
    let huge = HugeSlab::new(10, 1_u8, HugePolicy::Auto).unwrap();
    if huge.backing() == Backing::Huge {
        let page = HugePages::read().page_bytes as usize;
        assert_eq!(huge.as_ptr().addr() % page, 0, "on a page of its own");
    }
}

#[test]
fn gives_its_pages_back() {
    for _ in 0..2_000 {
        // 4 GiB in all: far more than the hugepages of a host that runs tests.
        drop(HugeSlab::new(1, 1_u8, HugePolicy::Auto).unwrap());
    }
}

#[test]
fn a_demand_that_cannot_be_met_says_what_was_free() {
    let more_than_any_host = 1_usize << 46;
    let error = HugeSlab::new(more_than_any_host, 0_u8, HugePolicy::Require).unwrap_err();
    assert!(matches!(error, Error::NoHugepages { bytes, .. } if bytes == more_than_any_host));
    assert!(error.to_string().contains("vm.nr_hugepages"), "{error}");
}

#[test]
fn a_length_beyond_the_address_space_is_an_error() {
    let error = HugeSlab::new(usize::MAX, 0_u64, HugePolicy::Auto).unwrap_err();
    assert_eq!(error, Error::TooLarge { len: usize::MAX, element_bytes: 8 });
}

#[test]
fn nothing_needs_no_memory() {
    let none = HugeSlab::new(0, 5_u64, HugePolicy::Require).unwrap();
    assert!(none.is_empty());
    let mut units = HugeSlab::new(1_000, (), HugePolicy::Require).unwrap();
    units[999] = ();
    assert_eq!((units.len(), units.size_bytes()), (1_000, 0));
}

#[test]
fn honours_alignment() {
    #[derive(Clone, Copy)]
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    for (len, policy) in [(3, HugePolicy::Off), (3, HugePolicy::Auto), (0, HugePolicy::Off)] {
        let slab = HugeSlab::new(len, Page([3; 4096]), policy).unwrap();
        assert_eq!(slab.as_ptr().addr() % 4096, 0);
        assert!(slab.iter().all(|page| page.0.iter().all(|byte| *byte == 3)));
    }
}

#[test]
fn elements_may_borrow() {
    let cell = Cell::new(1);
    let slab = HugeSlab::new(10, &cell, HugePolicy::Auto).unwrap();
    slab[3].set(5);
    assert_eq!(slab[9].get(), 5);
}

#[test]
fn reads_what_the_kernel_says_of_its_hugepages() {
    let text = "MemTotal: 1 kB\nHugePages_Total:     128\nHugePages_Free:      126\n\
                Hugepagesize:       2048 kB\n";
    assert_eq!(HugePages::parse(text), HugePages { free_pages: 126, page_bytes: 2 << 20 });
    assert_eq!(HugePages::parse("MemTotal: 1 kB\n"), HugePages::default());
    assert_eq!(HugePages::parse("Hugepagesize: much\n"), HugePages::default());
}
