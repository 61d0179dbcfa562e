use super::*;
use crate::State;

fn clocks(pairs: &[Pair]) -> Clocks {
    Clocks {
        constant: true,
        known_rate: Some(true),
        calibrated_hz: 2_600_000_000,
        measured_hz: 2_600_000_000,
        apart_ppm: 0.0,
        pairs: pairs.to_vec(),
    }
}

fn pair(cpu: usize, low_ns: i64, high_ns: i64) -> Pair {
    Pair { reference: 0, cpu, low_ns, high_ns, rounds: 100 }
}

fn states(clocks: &Clocks, backwards: Option<u64>) -> Vec<State> {
    lines(clocks, 50.0, backwards).iter().map(|line| line.state).collect()
}

#[test]
fn counters_that_agree_are_ok_and_each_lie_is_wrong() {
    let good = clocks(&[pair(1, -40, 30), pair(2, -35, 90)]);
    assert_eq!(states(&good, Some(0)), [State::Ok; 5]);
    assert_eq!(lines(&good, 50.0, Some(0))[4].found, "3 CPUs agree, to 90 ns");
    let bad = Clocks {
        constant: false,
        known_rate: Some(false),
        apart_ppm: -51.0,
        ..clocks(&[pair(1, -40, 30), pair(2, 5, 90), pair(3, -900, 900)])
    };
    use State::{Noted, Wrong};
    assert_eq!(states(&bad, Some(1)), [Wrong, Noted, Wrong, Wrong, Wrong]);
    // An offset that is proven goes before bounds that are merely wide.
    assert_eq!(lines(&bad, 50.0, None)[4].found, "CPU 2 is 5 to 90 ns from CPU 0");
    let wide = clocks(&[pair(1, -4_000_000, 3)]);
    assert_eq!(states(&wide, Some(0))[4], Noted);
    // Bounds that contradict each other: a counter has stepped.
    assert_eq!(states(&clocks(&[pair(1, 40, -30)]), Some(0))[4], Wrong);
}

#[test]
fn what_was_not_measured_is_not_offered() {
    let none = Clocks { known_rate: None, ..clocks(&[Pair { rounds: 0, ..pair(1, 0, 0) }]) };
    use State::{NotOffered, Ok};
    assert_eq!(states(&none, None), [Ok, NotOffered, Ok, NotOffered, NotOffered]);
}

#[test]
fn this_machine_is_measured_within_bounds_that_are_some() {
    let cpus: Vec<usize> = hostcpu::allowed_cpus().unwrap().iter().take(2).collect();
    let watch = Watch::start().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let clocks = watch.finish(&Host::here(), &cpus, &|| false).unwrap();
    assert!(clocks.measured_hz > 0 && clocks.calibrated_hz > 0);
    assert_eq!(clocks.pairs.len(), cpus.len() - 1);
    for pair in clocks.pairs.iter().filter(|pair| pair.rounds > 0) {
        assert!(pair.low_ns <= pair.high_ns, "{pair:?}");
    }
}

#[test]
fn one_cpu_against_itself_ends_all_the_same() {
    let cpu = hostcpu::allowed_cpus().unwrap().first().unwrap();
    let clock = TscClock::calibrate().unwrap();
    let pair = pingpong::compare(cpu, cpu, &clock, &|| false).unwrap();
    assert!(pair.rounds == 0 || pair.low_ns <= pair.high_ns);
    assert!(pingpong::compare(cpu, 1023, &clock, &|| false).is_err());
    assert!(pingpong::compare(1023, cpu, &clock, &|| false).is_err());
}
