use super::*;
use std::sync::Arc;
use std::thread;

crate::keys! {
    /// A pipeline for the tests.
    enum Stage in "stages" {
        /// Frames to messages.
        Decode = "decode",
        /// Messages to events.
        Match = "match",
        /// Events to frames.
        Encode = "encode",
    }
}

#[test]
fn laps_add_up_to_the_poll() {
    let stages = StageSet::<Stage>::new(TickScale::nanoseconds());
    let mut clock = StageClock::start(100);
    clock.lap(&stages, Stage::Decode, 140);
    clock.lap(&stages, Stage::Match, 240);
    clock.lap(&stages, Stage::Encode, 260);
    assert_eq!(clock.last(), 260);
    let maxima: Vec<_> = stages.snapshots().iter().map(|s| s.max_ns).collect();
    assert_eq!(maxima, [40, 100, 20]);
    assert_eq!(maxima.iter().sum::<u64>(), 160);
}

#[test]
fn idle_time_is_nobodys() {
    let stages = StageSet::<Stage>::new(TickScale::nanoseconds());
    let mut clock = StageClock::start(0);
    clock.restart(1_000_000);
    clock.lap(&stages, Stage::Decode, 1_000_007);
    assert_eq!(stages.histogram(Stage::Decode).max_ns(), 7);
}

#[test]
fn a_counter_that_goes_back_is_a_lap_of_nothing() {
    let stages = StageSet::<Stage>::new(TickScale::nanoseconds());
    let mut clock = StageClock::start(500);
    clock.lap(&stages, Stage::Decode, 400);
    assert_eq!(stages.histogram(Stage::Decode).max_ns(), 0);
    assert_eq!(clock.last(), 400);
}

#[test]
fn ticks_become_nanoseconds() {
    let scale = TickScale::from_hz(2_000_000_000).unwrap();
    let stages = StageSet::<Stage>::new(scale);
    stages.record_ticks(Stage::Match, 3_000);
    stages.record_ns(Stage::Match, 500);
    assert_eq!(stages.histogram(Stage::Match).max_ns(), 1_500);
    assert!((stages.histogram(Stage::Match).mean_ns() - 1_000.0).abs() < 1e-9);
}

#[test]
fn a_snapshot_names_orders_and_bounds_its_figures() {
    let stages = StageSet::<Stage>::new(TickScale::nanoseconds());
    for ns in 1..=100_000 {
        stages.record_ns(Stage::Decode, ns);
    }
    let all = stages.snapshots();
    assert_eq!(
        all.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["decode", "match", "encode"]
    );
    let decode = &all[0];
    assert_eq!((decode.count, decode.max_ns, decode.clamped), (100_000, 100_000, 0));
    let near = |value: u64, exact: u64| value.abs_diff(exact) * 128 <= exact;
    assert!(near(decode.p50_ns, 50_000) && near(decode.p90_ns, 90_000));
    assert!(near(decode.p99_ns, 99_000) && near(decode.p999_ns, 99_900));
    assert!(decode.p9999_ns <= decode.max_ns && decode.min_ns == 1);
    assert_eq!(decode.buckets.iter().map(|b| b.count).sum::<u64>(), 100_000);
    let empty = &all[2];
    assert_eq!((empty.count, empty.p50_ns, empty.max_ns, empty.min_ns), (0, 0, 0, 0));
    assert!(empty.buckets.is_empty());
}

#[test]
fn is_read_by_others_while_it_is_written() {
    let stages = Arc::new(StageSet::<Stage>::new(TickScale::nanoseconds()));
    let writer = thread::spawn({
        let stages = Arc::clone(&stages);
        move || (0..20_000).for_each(|ns| stages.record_ns(Stage::Match, ns))
    });
    while !writer.is_finished() {
        let seen = StageSnapshot::of("match", stages.histogram(Stage::Match));
        assert!(seen.p50_ns <= seen.p999_ns && seen.p999_ns <= seen.max_ns);
    }
    writer.join().unwrap();
    assert_eq!(stages.histogram(Stage::Match).count(), 20_000);
}
