use super::*;

const FRAMES: usize = 100_000;
const LEN: usize = 100;

fn fates(seed: u64, stream: u64, rates: &Rates) -> Vec<Fate> {
    let mut plan = Plan::new(seed, stream, rates);
    (0..FRAMES).map(|_| plan.decide(LEN)).collect()
}

fn count(fates: &[Fate], is: impl Fn(&Fate) -> bool) -> usize {
    fates.iter().filter(|fate| is(fate)).count()
}

/// Within five standard deviations of what a share of all frames is.
#[track_caller]
fn is_about(found: usize, share: f64) {
    let (frames, mean) = (FRAMES as f64, FRAMES as f64 * share);
    let off = (found as f64 - mean).abs();
    assert!(off <= 5.0 * (frames * share * (1.0 - share)).sqrt(), "{found}, not about {mean}");
}

fn everything(share: f64) -> Rates {
    Rates {
        loss: share,
        burst_loss: share / 10.0,
        duplicate: share,
        reorder: share,
        corrupt: share,
        ..Rates::default()
    }
}

#[test]
fn a_seed_says_everything() {
    let rates = everything(0.05);
    let first = fates(7, 0, &rates);
    assert_eq!(first, fates(7, 0, &rates));
    assert_ne!(first, fates(8, 0, &rates));
    assert_ne!(first, fates(7, 1, &rates));
}

#[test]
fn nothing_happens_where_nothing_is_asked_for() {
    let late = Rates { delay_ns: 5, udp_port: Some(7), ..Rates::default() };
    for seed in 0..10 {
        assert!(fates(seed, 0, &late).iter().all(|fate| *fate == Fate::Pass));
    }
    let mut no_numbers = Plan::new(1, 0, &everything(f64::NAN));
    assert_eq!(no_numbers.decide(LEN), Fate::Pass);
}

#[test]
fn each_rate_is_met() {
    for share in [0.001, 0.1, 0.5, 1.0] {
        let one = |rates| fates(3, 0, &rates);
        let lost = one(Rates { loss: share, ..Rates::default() });
        is_about(count(&lost, |fate| *fate == Fate::Drop { in_burst: false }), share);
        let twice = one(Rates { duplicate: share, ..Rates::default() });
        is_about(count(&twice, |fate| *fate == Fate::Twice), share);
        let held = one(Rates { reorder: share, ..Rates::default() });
        is_about(count(&held, |fate| matches!(fate, Fate::Hold(1..=5))), share);
        let damaged = one(Rates { corrupt: share, ..Rates::default() });
        is_about(count(&damaged, |fate| matches!(fate, Fate::Corrupt { .. })), share);
        for all in [lost, twice, held, damaged] {
            is_about(count(&all, |fate| *fate == Fate::Pass), 1.0 - share);
        }
    }
}

#[test]
fn runs_of_losses_have_each_length_and_no_other() {
    let rates = Rates { burst_loss: 0.002, burst_frames_max: 6, ..Rates::default() };
    let all = fates(5, 0, &rates);
    let is_lost = |fate: &Fate| *fate == Fate::Drop { in_burst: true };
    let mut by_length = [0; 7];
    let mut at = 0;
    while at < all.len() {
        let run = all[at..].iter().take_while(|fate| is_lost(fate)).count();
        // Two that meet by chance, one time in some hundred, are told apart by nobody.
        if run <= 6 {
            by_length[run] += 1;
        }
        at += run + 1;
    }
    assert!(by_length[1..].iter().all(|runs| (10..=60).contains(runs)), "{by_length:?}");
    // A run goes on for 3.5 frames, in which no other begins.
    let lost = count(&all, is_lost) as f64 / FRAMES as f64;
    assert!((0.005..0.009).contains(&lost), "{lost}");
}

#[test]
fn one_harm_does_not_change_another() {
    let lost = |rates: &Rates| -> Vec<usize> {
        let all = fates(11, 0, rates);
        let lost = |at: &usize| all[*at] == Fate::Drop { in_burst: false };
        (0..FRAMES).filter(lost).collect()
    };
    let alone = Rates { loss: 0.03, ..Rates::default() };
    assert_eq!(lost(&alone), lost(&Rates { burst_loss: 0.0, ..everything(0.03) }));
    // More loss loses what less does, and more.
    let more = lost(&Rates { loss: 0.06, ..Rates::default() });
    assert!(lost(&alone).iter().all(|at| more.binary_search(at).is_ok()));
}

#[test]
fn damage_is_one_byte_behind_the_ethernet_header() {
    let mut plan = Plan::new(1, 0, &Rates { corrupt: 1.0, ..Rates::default() });
    let (mut seen, mut bits) = ([false; 64], 0);
    for _ in 0..10_000 {
        let Fate::Corrupt { offset, flip } = plan.decide(64) else { panic!("all are damaged") };
        assert_ne!(flip, 0);
        seen[usize::from(offset)] = true;
        bits += u32::from(flip.count_ones() == 1);
    }
    assert!(seen[..14].iter().all(|seen| !seen) && seen[14..].iter().all(|seen| *seen));
    assert!((4_900..5_500).contains(&bits), "half of all is one bit, and some by chance: {bits}");
    for short in 0..=14 {
        assert_eq!(plan.decide(short), Fate::Pass);
    }
}

#[test]
fn nothing_is_let_past_more_frames_than_said() {
    let rates = Rates { reorder: 1.0, reorder_frames_max: 3, ..Rates::default() };
    let all = fates(9, 0, &rates);
    for others in 1..=3 {
        is_about(count(&all, |fate| *fate == Fate::Hold(others)), 1.0 / 3.0);
    }
}
