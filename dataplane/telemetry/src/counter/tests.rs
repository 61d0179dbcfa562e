use super::*;
use proptest::prelude::*;
use std::sync::Arc;
use std::thread;

crate::keys! {
    /// Names for the tests.
    enum Name in "test" {
        /// First.
        Alpha = "alpha",
        /// Second.
        Beta = "beta",
        /// Third.
        Gamma = "gamma",
    }
}

#[test]
fn counts_sets_and_raises() {
    let counter = Counter::new();
    counter.add(5);
    counter.inc();
    assert_eq!(counter.get(), 6);
    counter.raise(4);
    assert_eq!(counter.get(), 6);
    counter.raise(9);
    assert_eq!(counter.get(), 9);
    counter.set(2);
    assert_eq!(counter.get(), 2);
    counter.set(u64::MAX);
    counter.add(3);
    assert_eq!(counter.get(), 2, "wraps");
}

#[test]
fn reads_what_another_thread_writes() {
    let set = Arc::new(CounterSet::<Name>::new());
    let writer = thread::spawn({
        let set = Arc::clone(&set);
        move || (0..100_000).for_each(|_| set.inc(Name::Beta))
    });
    let mut last = 0;
    while !writer.is_finished() {
        let now = set.get(Name::Beta);
        assert!(now >= last, "a counter never goes back");
        last = now;
    }
    writer.join().unwrap();
    assert_eq!(set.get(Name::Beta), 100_000);
    assert_eq!((set.get(Name::Alpha), set.get(Name::Gamma)), (0, 0));
}

#[test]
fn a_set_lists_every_name() {
    let set = CounterSet::<Name>::default();
    set.set(Name::Gamma, 7);
    set.raise(Name::Alpha, 3);
    let readings = set.readings();
    let listed: Vec<_> = readings.iter().map(|r| (r.group, r.name.as_str(), r.value)).collect();
    assert_eq!(listed, [("test", "alpha", 3), ("test", "beta", 0), ("test", "gamma", 7)]);
    assert_eq!(format!("{set:?}"), r#"{"alpha": 3, "beta": 0, "gamma": 7}"#);
}

#[test]
fn a_table_counts_what_it_has_no_name_for() {
    let table = CounterTable::new("rejects", ["halted", "", "fat finger", ""]);
    for index in [0, 2, 2, 3, 99, usize::MAX] {
        table.inc(index);
    }
    assert_eq!((table.get(2), table.get(1_000), table.total()), (2, 2, 6));
    let readings = table.readings();
    let listed: Vec<_> = readings.iter().map(|r| (r.name.as_str(), r.value)).collect();
    assert_eq!(listed, [("halted", 1), ("fat finger", 2), ("number_3", 1), ("other", 2)]);
}

#[test]
fn sets_of_two_lcores_share_no_cache_line() {
    assert_eq!(align_of::<CounterSet<Name>>(), 128);
    assert_eq!(size_of::<CounterSet<Name>>() % 128, 0);
    assert_eq!(align_of::<CounterTable>(), 128);
}

proptest! {
    #[test]
    fn a_set_is_an_array_of_numbers(
        adds in proptest::collection::vec((0_usize..3, any::<u64>()), 0..100),
    ) {
        let set = CounterSet::<Name>::new();
        let mut naive = [0_u64; 3];
        for (index, n) in adds {
            set.add(Name::ALL[index], n);
            naive[index] = naive[index].wrapping_add(n);
        }
        prop_assert_eq!(set.iter().map(|(_, value)| value).collect::<Vec<_>>(), naive);
    }
}
