use super::*;

fn limiter() -> LoginLimiter {
    let address = Rate { interval_ns: 100, burst_max: 2 };
    let user = Rate { interval_ns: 50, burst_max: 3 };
    LoginLimiter::new(LoginLimits { address, addresses_max: 8, user }, 2)
}

#[test]
fn an_address_is_bounded_whatever_the_user() {
    let mut limiter = limiter();
    limiter.failed(0, Some(7), Some(0));
    limiter.failed(0, Some(7), None);
    assert!(!limiter.allows(0, Some(7), Some(1)));
    assert!(limiter.allows(0, Some(8), Some(0)) && limiter.allows(100, Some(7), Some(1)));
}

#[test]
fn a_user_is_bounded_whatever_the_address() {
    let mut limiter = limiter();
    for address in 0..3 {
        limiter.failed(0, Some(address), Some(1));
    }
    assert!(!limiter.allows(0, Some(9), Some(1)) && !limiter.allows(0, None, Some(1)));
    assert!(limiter.allows(0, Some(9), Some(0)) && limiter.allows(50, Some(9), Some(1)));
    // An account that does not exist has no bucket, and a password would not help.
    assert!(limiter.allows(0, None, Some(99)));
}

#[test]
fn more_addresses_than_fit_are_still_bounded_by_the_user() {
    let mut limiter = limiter();
    for address in 0..100 {
        limiter.failed(0, Some(address), Some(0));
    }
    assert_eq!(limiter.forgotten(), 92);
    assert!(!limiter.allows(0, Some(1000), Some(0)));
}
