use super::*;
use crate::State;

fn result() -> CpuJitter {
    CpuJitter {
        cpu: 3,
        judged: true,
        watched_ns: 1_000_000_000,
        threshold_ns: 1000,
        interruptions: 2,
        per_s: 2.0,
        stolen_ns: 4000,
        stolen_ppm: 4.0,
        longest_ns: 3000,
        p50_ns: 1000,
        p99_ns: 3000,
        p999_ns: 3000,
        turn_ns: 10,
        backwards: 0,
        histogram: Vec::new(),
        interrupts: Some(Vec::new()),
        softirqs: None,
        voluntary_switches: 0,
        involuntary_switches: 0,
        page_faults: 0,
    }
}

fn states(result: &CpuJitter) -> Vec<State> {
    lines(result, &Limits::default()).iter().map(|line| line.state).collect()
}

#[test]
fn a_quiet_cpu_is_ok_and_each_excess_is_wrong_where_it_is_judged() {
    assert_eq!(states(&result()), [State::Ok; 5]);
    let timer = Taken { id: "LOC".into(), what: "Local timer interrupts".into(), count: 250 };
    let loud = CpuJitter {
        longest_ns: 5_000_000,
        stolen_ppm: 5000.0,
        interrupts: Some(vec![timer]),
        involuntary_switches: 1,
        page_faults: 1,
        ..result()
    };
    assert_eq!(states(&loud), [State::Wrong; 5]);
    assert_eq!(states(&CpuJitter { judged: false, ..loud.clone() }), [State::Noted; 5]);
    let mend = |result: &CpuJitter| lines(result, &Limits::default())[0].mend.clone();
    assert!(mend(&loud).contains("what the kernel did"));
    let unseen = CpuJitter { longest_ns: 5_000_000, ..result() };
    assert!(mend(&unseen).contains("SMIs"));
    let blind = CpuJitter { interrupts: None, ..result() };
    assert_eq!(states(&blind)[2], State::NotOffered);
}

#[test]
fn bars_double_without_holes_and_hold_every_interruption() {
    let lengths = telemetry::Histogram::new();
    for (ns, count) in [(1100, 5), (1900, 1), (2100, 2), (9000, 1), (u64::MAX, 1)] {
        lengths.record_n(ns, count);
    }
    let bars = bars(&lengths, 1000);
    let first: Vec<_> = bars.iter().take(4).map(|b| (b.from_ns, b.below_ns, b.count)).collect();
    assert_eq!(first, [(1000, 2000, 6), (2000, 4000, 2), (4000, 8000, 0), (8000, 16000, 1)]);
    assert!(bars.windows(2).all(|pair| pair[0].below_ns == pair[1].from_ns));
    assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), lengths.count());
}

#[test]
fn the_loop_sees_what_the_machine_does_and_ends_when_told() {
    let cpu = hostcpu::allowed_cpus().unwrap().first().unwrap();
    let settings = Settings { time: Duration::from_millis(50), threshold_ns: 1000 };
    let all = measure(&Host::here(), &[(cpu, true)], settings, &|| false).unwrap();
    let one = &all[0];
    assert!(one.watched_ns > 0 && one.turn_ns <= 1000 && one.backwards == 0, "{one:?}");
    assert!(one.longest_ns <= one.watched_ns && one.stolen_ns <= one.watched_ns);
    assert_eq!(one.histogram.iter().map(|bar| bar.count).sum::<u64>(), one.interruptions);
    assert!(one.interruptions == 0 || one.p50_ns > 0 && one.p50_ns <= one.p999_ns);
    // Told to end at once, an hour is short.
    let hour = Settings { time: Duration::from_secs(3600), threshold_ns: 1000 };
    assert_eq!(measure(&Host::here(), &[(cpu, true)], hour, &|| true).unwrap().len(), 1);
}

#[test]
fn a_cpu_that_is_not_there_is_an_error_and_not_a_hang() {
    let settings = Settings { time: Duration::from_millis(1), threshold_ns: 1000 };
    let error = measure(&Host::here(), &[(1023, true)], settings, &|| false).unwrap_err();
    assert!(error.to_string().contains("1023"), "{error}");
}
