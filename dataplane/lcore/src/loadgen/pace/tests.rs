use super::*;

#[test]
fn recorded_pace_scales_and_cuts_pauses() {
    let pace = Pace::Recorded { speed: 2.0, gap_ns_max: 1_000 };
    let mut s = Schedule::new(pace, 100);
    assert_eq!(s.due_ns(50_000), 100);
    assert_eq!(s.due_ns(50_500), 350);
    assert_eq!(s.due_ns(99_000_000), 850, "cut to 1,000 recorded ns");
    assert_eq!(s.due_ns(5), 850, "time going back");
    assert_eq!(s.due_ns(15), 855);
}

#[test]
fn a_rate_is_even_and_does_not_drift() {
    let mut s = Schedule::new(Pace::Rate { messages_per_s: 3_000_000 }, 0);
    let due: Vec<u64> = (0..=3_000).map(|_| s.due_ns(0)).collect();
    assert_eq!(due[0], 0);
    assert_eq!(due[1], 333);
    assert!((999_990..=1_000_000).contains(&due[3_000]), "{}", due[3_000]);
}

#[test]
fn max_is_due_at_once() {
    let mut s = Schedule::new(Pace::Max, 7);
    assert_eq!(s.due_ns(u64::MAX), 7);
}
