use super::*;
use proptest::prelude::*;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[test]
fn the_counter_goes_forward() {
    let mut last = tsc();
    for _ in 0..10_000 {
        let now = tsc();
        assert!(now.wrapping_sub(last).cast_signed() >= 0);
        last = now;
    }
}

#[test]
fn calibration_agrees_with_the_kernel() {
    let clock = TscClock::calibrate().unwrap();
    let (start, start_tsc) = (Instant::now(), tsc());
    thread::sleep(Duration::from_millis(50));
    let (measured_ns, elapsed_ns) = {
        let end_tsc = tsc();
        (clock.ns(end_tsc - start_tsc), start.elapsed().as_nanos() as u64)
    };
    // The two are not read at one moment, and this thread may be put off its core in between.
    let off = measured_ns.abs_diff(elapsed_ns);
    assert!(off < 5_000_000, "{measured_ns} ns by the counter, {elapsed_ns} ns by the kernel");
}

#[test]
fn the_wall_clock_is_todays() {
    let clock = TscClock::calibrate().unwrap();
    let unix_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let now = tsc();
    assert!(clock.unix_ns(now).abs_diff(unix_ns) < NS_PER_S);
    let midnight = clock.base_unix_ns - clock.base_midnight_ns;
    assert_eq!(midnight % NS_PER_DAY, 0);
    assert_eq!(clock.nanos_since_midnight(now), clock.unix_ns(now) - midnight);
}

#[test]
fn time_goes_on_past_midnight() {
    let clock = TscClock::at(NS_PER_S, 1_000, NS_PER_DAY * 20_000 + NS_PER_DAY - 10).unwrap();
    assert_eq!(clock.nanos_since_midnight(1_000), NS_PER_DAY - 10);
    assert_eq!(clock.nanos_since_midnight(1_030), NS_PER_DAY + 20);
    assert_eq!(clock.nanos_since_midnight(990), NS_PER_DAY - 20, "a little behind the base");
}

#[test]
fn a_counter_near_its_end_wraps() {
    let clock = TscClock::at(NS_PER_S, u64::MAX - 4, 100).unwrap();
    assert_eq!(clock.nanos_since_midnight(5), 110);
    assert_eq!(clock.nanos_since_midnight(u64::MAX - 204), 0, "never below midnight");
}

#[test]
fn refuses_a_counter_that_stands_still() {
    for hz in [0, 1, HZ_MIN - 1, HZ_MAX + 1, u64::MAX] {
        assert!(matches!(TickScale::from_hz(hz), Err(Error::Tsc { hz: h }) if h == hz));
    }
    assert_eq!(TickScale::nanoseconds(), TickScale::from_hz(NS_PER_S).unwrap());
}

proptest! {
    #[test]
    fn scaling_is_division(hz in HZ_MIN..=HZ_MAX, ticks in 0_u64..1 << 50) {
        let exact = u128::from(ticks) * u128::from(NS_PER_S) / u128::from(hz);
        // 2⁴⁸ is the scale's own grain: its rounding is half a grain a tick.
        let slack = (u128::from(ticks) >> 48) + 1;
        let ns = u128::from(TickScale::from_hz(hz).unwrap().ns(ticks));
        prop_assert!(ns.abs_diff(exact) <= slack, "{} for {}", ns, exact);
    }

    #[test]
    fn ticks_and_ns_are_inverse(hz in HZ_MIN..=10_000_000_000, ns in 0_u64..NS_PER_DAY) {
        let clock = TscClock::at(hz, 0, 0).unwrap();
        let back = clock.ns(clock.ticks(ns));
        let tick_ns = NS_PER_S / hz + 1;
        prop_assert!(back.abs_diff(ns) <= tick_ns + 1, "{} for {}", back, ns);
    }

    #[test]
    fn nothing_overflows(hz in HZ_MIN..=HZ_MAX, base in any::<u64>(), tsc in any::<u64>()) {
        let clock = TscClock::at(hz, base, base).unwrap();
        let _ = (clock.nanos_since_midnight(tsc), clock.unix_ns(tsc), clock.ticks(tsc));
    }
}

#[test]
fn ordered_readings_advance_on_one_core_and_a_watch_agrees_with_calibration() {
    let watch = RateWatch::start().unwrap();
    let first = tsc_ordered();
    let hz = TscClock::calibrate().unwrap().hz();
    assert!(tsc_ordered() > first);
    // The same counter against the same clock: to one in a hundred even on a machine that stalls.
    assert!(watch.hz().unwrap().abs_diff(hz) < hz / 100);
}
