use super::*;
use crate::report::fixture::latency;

/// A latency with the given buckets and nothing else.
fn with_buckets(buckets: &[(u64, u64, u64)]) -> StageReport {
    StageReport {
        count: buckets.iter().map(|bucket| bucket.2).sum(),
        max_ns: buckets.last().map_or(0, |bucket| bucket.1),
        buckets: buckets.to_vec(),
        ..StageReport::default()
    }
}

#[test]
fn draws_what_was_measured_and_nothing_for_nothing() {
    let stage = latency("tick_to_trade", 1_900, 5_000);
    let svg = histogram(&stage).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("viewBox") && svg.contains("µs"));
    assert!(quantile_curve(&stage).unwrap().contains("99.9 %"));
    assert!(histogram(&StageReport::default()).is_none());
    assert!(quantile_curve(&StageReport::default()).is_none());
}

#[test]
fn bars_hold_every_value_once() {
    let extremes = [(0, 0, 7), (1, 1, 2), (1_000, 1_007, 5), (4_363_686_772_736, (1 << 42) - 1, 1)];
    for stage in [with_buckets(&extremes), with_buckets(&extremes[2..3]), latency("x", 90, 1_000)] {
        let (low, high) = range(&stage).unwrap();
        let bars = bars(&stage, low, high);
        let sum: f64 = bars.iter().map(|bar| bar.2).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert!(bars.len() <= BARS_MAX && bars.windows(2).all(|two| two[0].1 <= two[1].0 + 1e-9));
    }
}

#[test]
fn the_curve_only_rises() {
    let stage = latency("order_to_ack", 6_100, 3_000);
    let curve = curve(&stage);
    assert!(curve.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1));
    let (nines, log_ns) = *curve.last().unwrap();
    assert!((nines - 3_000_f64.log10()).abs() < 1e-9, "3,000 values tell 3.5 nines apart");
    assert!((log_ns - (stage.max_ns as f64).log10()).abs() < 1e-9);
}

#[test]
fn odd_distributions_draw_too() {
    let odd: [&[(u64, u64, u64)]; 5] = [
        &[(0, 0, 1)],
        &[(0, 0, 1), ((1 << 42) - (1 << 35), (1 << 42) - 1, 1)],
        &[(5, 5, u64::MAX / 2)],
        &[(100, 100, 3), (101, 101, 1)],
        &[(u64::MAX - 1, u64::MAX - 1, 1)],
    ];
    for buckets in odd {
        let stage = with_buckets(buckets);
        let svg = histogram(&stage).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{buckets:?}");
        let _ = quantile_curve(&stage);
    }
}

#[test]
fn axes_have_ticks_that_can_be_read() {
    for low in [0.0, 0.3, 1.9, 2.01, 5.5] {
        for decades in [0.02, 0.1, 0.5, 0.79, 0.9, 2.0, 4.5, 7.0, 12.0] {
            let ticks = time_ticks(low, low + decades);
            assert!(ticks.len() <= 12, "{low} {decades}: {}", ticks.len());
            assert!(ticks.is_sorted() && ticks.iter().all(|t| (low..=low + decades).contains(t)));
            // A range of less than a nanosecond has no round figure in it.
            assert!(!ticks.is_empty() || low < 1.0, "{low} {decades}");
        }
    }
    assert_eq!(quantile_label(0.5_f64.recip().log10()), "50 %");
    let labels: Vec<_> = (0..6).map(|nines| quantile_label(f64::from(nines))).collect();
    assert_eq!(labels, ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]);
}

#[test]
fn the_style_sheet_knows_every_colour() {
    let style = include_str!("../style.css");
    for RGBColor(r, g, b) in [BODY, INK, GRID, P50, P99, P999] {
        assert!(style.contains(&format!("#{r:02X}{g:02X}{b:02X}")), "{r:02x}{g:02x}{b:02x}");
    }
}
