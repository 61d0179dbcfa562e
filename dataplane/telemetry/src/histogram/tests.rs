use super::*;
use proptest::prelude::*;
use std::sync::Arc;
use std::thread;

#[test]
fn every_bucket_is_as_narrow_as_promised_and_they_leave_no_gap() {
    let mut next = 0;
    for index in 0..BUCKETS {
        let (low, high) = bounds_of(index);
        assert_eq!(low, next, "bucket {index} begins where the last ended");
        assert_eq!((index_of(low), index_of(high)), (index, index));
        assert!((high - low) * 128 < low.max(1), "bucket {index}: {low} to {high}");
        next = high + 1;
    }
    assert_eq!(next, VALUE_NS_MAX + 1);
}

#[test]
fn a_value_too_large_is_counted_as_such() {
    let histogram = Histogram::new();
    for ns in [VALUE_NS_MAX, VALUE_NS_MAX + 1, u64::MAX] {
        histogram.record(ns);
    }
    assert_eq!((histogram.count(), histogram.clamped()), (3, 2));
    assert_eq!(histogram.max_ns(), u64::MAX);
    assert_eq!(histogram.buckets().count(), 1);
    assert_eq!(histogram.snapshot().len(), 3);
}

#[test]
fn an_empty_histogram_has_nothing_to_say() {
    let histogram = Histogram::default();
    assert_eq!((histogram.count(), histogram.max_ns()), (0, 0));
    assert!(histogram.mean_ns() == 0.0);
    assert_eq!(histogram.buckets().count(), 0);
    histogram.record_n(5, 0);
    assert_eq!((histogram.count(), histogram.max_ns()), (0, 0), "recorded no times");
}

#[test]
fn the_mean_and_the_maximum_are_exact() {
    let histogram = Histogram::new();
    histogram.record_n(1_000_001, 3);
    histogram.record(5_000_005);
    assert_eq!(histogram.max_ns(), 5_000_005);
    assert!((histogram.mean_ns() - 2_000_002.0).abs() < 1e-6);
}

#[test]
fn a_reader_sees_counts_only_grow() {
    let histogram = Arc::new(Histogram::new());
    let writer = thread::spawn({
        let histogram = Arc::clone(&histogram);
        move || (0..200_000_u64).for_each(|n| histogram.record(n * 7 % 100_000))
    });
    let mut last = 0;
    while !writer.is_finished() {
        let count = histogram.count();
        assert!(count >= last);
        last = count;
    }
    writer.join().unwrap();
    assert_eq!(histogram.count(), 200_000);
}

/// The smallest value that at least `q` of the values do not exceed.
fn exact_quantile(sorted: &[u64], q: f64) -> u64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Values of every magnitude alike, as latencies come.
fn any_ns() -> impl Strategy<Value = u64> {
    (0_u32..VALUE_BITS, any::<u64>()).prop_map(|(bits, raw)| {
        let ceiling = (1_u64 << (bits + 1)) - 1;
        (raw & ceiling).min(VALUE_NS_MAX)
    })
}

proptest! {
    #[test]
    fn quantiles_are_within_a_128th_of_the_sorted_values(
        mut values in proptest::collection::vec(any_ns(), 1..400),
    ) {
        let histogram = Histogram::new();
        values.iter().for_each(|&ns| histogram.record(ns));
        values.sort_unstable();
        prop_assert_eq!(histogram.count(), values.len() as u64);
        prop_assert_eq!(histogram.max_ns(), *values.last().unwrap());
        let hdr = histogram.snapshot();
        for q in [0.0, 0.1, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0] {
            let exact = exact_quantile(&values, q);
            let ours = hdr.value_at_quantile(q);
            prop_assert!(
                ours.abs_diff(exact) * 128 <= exact,
                "quantile {}: {} for {}", q, ours, exact
            );
        }
    }

    #[test]
    fn agrees_with_hdrhistogram(values in proptest::collection::vec(any_ns(), 1..400)) {
        let histogram = Histogram::new();
        let mut theirs: hdrhistogram::Histogram<u64> =
            hdrhistogram::Histogram::new_with_bounds(1, VALUE_NS_MAX, 3).unwrap();
        for &ns in &values {
            histogram.record(ns);
            theirs.record(ns).unwrap();
        }
        let ours = histogram.snapshot();
        prop_assert_eq!(ours.len(), theirs.len());
        for q in [0.5, 0.9, 0.99, 0.999, 1.0] {
            let (a, b) = (ours.value_at_quantile(q), theirs.value_at_quantile(q));
            // Their own resolution, a 1000th, comes on top of ours.
            prop_assert!(a.abs_diff(b) * 100 <= b.max(100), "quantile {}: {} and {}", q, a, b);
        }
    }

    #[test]
    fn buckets_hold_every_value(values in proptest::collection::vec(any_ns(), 0..200)) {
        let histogram = Histogram::new();
        values.iter().for_each(|&ns| histogram.record(ns));
        for bucket in histogram.buckets() {
            let range = bucket.low_ns..=bucket.high_ns;
            let inside = values.iter().filter(|ns| range.contains(ns));
            prop_assert_eq!(inside.count() as u64, bucket.count);
        }
    }

    #[test]
    fn no_value_is_out_of_bounds(ns in any::<u64>(), n in any::<u64>()) {
        let histogram = Histogram::new();
        histogram.record_n(ns, n);
        histogram.record_n(ns, n);
        prop_assert_eq!(histogram.count(), n.wrapping_mul(2));
    }
}
