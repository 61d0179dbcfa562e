use super::*;

/// A tick is a nanosecond.
fn clock() -> TscClock {
    TscClock::at(1_000_000_000, 0, 0).expect("a clock")
}

fn trips(settings: TripSettings) -> RoundTrips {
    let mut trips =
        RoundTrips::new(TripSettings { warm_up: 0, ..settings }, &clock(), Arc::default());
    trips.start(1_000);
    trips
}

fn open(per_second: u64, in_flight_max: u32) -> TripSettings {
    TripSettings {
        pacing: Pacing::PerSecond(per_second),
        in_flight_max,
        timeout_ns: 10_000,
        ..TripSettings::default()
    }
}

fn send(trips: &mut RoundTrips, now: u64) -> Option<(u64, u64)> {
    let due = trips.due(now)?;
    trips.sent(due.1, now);
    Some(due)
}

fn counts(trips: &RoundTrips) -> [u64; 4] {
    use TripCounter::{Duplicate, GivenUp, Late, Reordered};
    [GivenUp, Late, Duplicate, Reordered].map(|counter| trips.stats().counters.get(counter))
}

#[test]
fn ping_pong_has_one_under_way() {
    let mut trips = trips(TripSettings::default());
    for trip in 0..5_000 {
        let now = 1_000 + trip * 50;
        assert_eq!(send(&mut trips, now), Some((trip, now)));
        assert_eq!(trips.due(now + 1), None);
        assert_eq!(trips.answered(trip, now + 40), Some(40));
    }
    assert_eq!((trips.stats().times.count(), trips.stats().times.max_ns()), (5_000, 40));
    assert_eq!((trips.stats().lost(), trips.stats().counters.get(TripCounter::Held)), (0, 0));
}

#[test]
fn due_times_are_fixed_whatever_the_answers_do() {
    // 3 a microsecond: a third of a microsecond is no number of ticks.
    let mut trips = trips(open(3_000_000, 1_000));
    let mut due = Vec::new();
    // Nothing is polled for a while: all that was due then begins, and counts from its due time.
    while let Some((_, at)) = send(&mut trips, 2_000) {
        due.push(at);
    }
    assert_eq!(due, [1_000, 1_333, 1_666, 2_000]);
    assert_eq!(trips.answered(0, 2_500), Some(1_500));
    assert_eq!(trips.answered(3, 2_500), Some(500));
}

#[test]
fn what_is_due_while_too_many_are_under_way_waits_and_its_time_counts() {
    let mut trips = trips(open(1_000_000, 2));
    assert_eq!(send(&mut trips, 5_000), Some((0, 1_000)));
    assert_eq!(send(&mut trips, 5_000), Some((1, 2_000)));
    assert_eq!(send(&mut trips, 5_000), None);
    assert_eq!(trips.stats().counters.get(TripCounter::Held), 1);
    trips.answered(0, 9_000);
    assert_eq!(send(&mut trips, 9_000), Some((2, 3_000)));
    assert_eq!(trips.answered(2, 9_100), Some(6_100));
}

#[test]
fn lost_late_repeated_and_reordered_answers_are_told_apart() {
    let mut trips = trips(open(1_000_000, 16));
    for _ in 0..4 {
        send(&mut trips, 4_000).expect("is due");
    }
    assert_eq!(trips.answered(2, 4_500), Some(1_500));
    assert_eq!(trips.answered(2, 4_600), None, "once more");
    assert_eq!(trips.answered(1, 4_700), Some(2_700), "after a later one");
    assert_eq!(trips.answered(77, 4_700), None, "never sent");
    assert_eq!(counts(&trips), [0, 0, 1, 1]);
    trips.expire(13_999);
    assert_eq!((counts(&trips), trips.in_flight()), ([0, 0, 1, 1], 2));
    trips.expire(14_000);
    assert_eq!((counts(&trips), trips.in_flight()), ([2, 0, 1, 1], 0));
    assert_eq!(trips.answered(3, 20_000), Some(16_000), "late is better than never");
    assert_eq!((counts(&trips), trips.stats().lost()), ([2, 1, 1, 1], 1));
    assert_eq!(trips.stats().counters.get(TripCounter::Unknown), 1);
}

#[test]
fn a_slot_that_is_needed_is_given_up_first() {
    let mut trips = trips(open(1_000_000, 8));
    send(&mut trips, 1_000).expect("the one that is lost");
    for trip in 1..2_000 {
        let now = 1_000 + trip * 1_000;
        send(&mut trips, now).expect("is due");
        trips.answered(trip, now + 1);
    }
    assert_eq!((counts(&trips)[0], trips.in_flight(), trips.stats().lost()), (1, 0, 1));
    trips.expire(u64::MAX);
    assert_eq!(counts(&trips)[0], 1, "once");
}

#[test]
fn trips_end_by_number_or_by_word() {
    let mut counted = trips(TripSettings { trips_max: 1, ..TripSettings::default() });
    send(&mut counted, 1_000).expect("the only one");
    assert!(!counted.is_over());
    counted.answered(0, 2_000);
    assert!(counted.is_over() && counted.due(3_000).is_none());
    let mut told = trips(TripSettings::default());
    send(&mut told, 1_000).expect("is due");
    told.end();
    assert!(!told.is_over() && told.due(2_000).is_none());
    told.answered(0, 2_000);
    assert!(told.is_over() && told.stats().lost() == 0);
}

#[test]
fn warming_up_is_not_measured() {
    let settings = TripSettings { warm_up: 3, ..TripSettings::default() };
    let mut trips = RoundTrips::new(settings, &clock(), Arc::default());
    for trip in 0..10 {
        send(&mut trips, trip * 100).expect("is due");
        trips.answered(trip, trip * 100 + 7);
    }
    assert_eq!(trips.stats().times.count(), 7);
    assert_eq!(trips.stats().counters.get(TripCounter::WarmUp), 3);
    assert_eq!(trips.stats().counters.get(TripCounter::Answered), 10);
}
