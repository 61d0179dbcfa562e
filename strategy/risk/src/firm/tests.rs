use super::*;

#[test]
fn reserves_up_to_the_bound_and_gives_back() {
    let firm = Firm::new(100);
    assert!(firm.reserve(0, 60));
    assert!(!firm.reserve(0, 41), "60 and 41 are too much");
    assert_eq!(firm.exposure(), 60);
    assert!(firm.reserve(0, 40));
    firm.restate(60, 80);
    assert_eq!(firm.exposure(), 120, "what is held gains in worth without asking");
    assert!(firm.reserve(80, 70), "less is always allowed");
    assert!(!firm.reserve(70, 71));
    firm.set_exposure_max(u64::MAX);
    assert_eq!(firm.exposure_max(), SHARE_MAX - 1);
    firm.restate(0, SHARE_MAX);
    assert!(!firm.reserve(SHARE_MAX, SHARE_MAX), "a share at its end is above every bound");
}

#[test]
fn two_threads_never_hold_more_than_the_bound() {
    let firm = Firm::new(1_000);
    let held = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for step in [7, 11] {
            let (firm, held) = (&firm, &held);
            scope.spawn(move || {
                for _ in 0..20_000 {
                    let mut share = 0;
                    while firm.reserve(share, share + step) {
                        share += step;
                        assert!(held.fetch_add(step, Relaxed) + step <= 1_000);
                    }
                    held.fetch_sub(share, Relaxed);
                    firm.restate(share, 0);
                }
            });
        }
    });
    assert_eq!(firm.exposure(), 0);
}
