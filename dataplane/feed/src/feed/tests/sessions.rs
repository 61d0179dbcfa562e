use super::*;

#[test]
fn another_session_waits_for_the_end_of_the_old_one() {
    let mut rig = Rig::live(config());
    assert_eq!(rig.a(1, &packet_of(NEXT, 1, 1)), []);
    assert_eq!(rig.counters().refused[MoldError::OtherSession as usize], 1);
    assert_eq!(rig.a(2, &end_of(DAY, 2)), [End(2)]);
    assert_eq!(rig.b(2, &end_of(DAY, 2)), []);
    assert!(rig.feed.is_ended());
    assert_eq!(rig.a(3, &packet_of(NEXT, 1, 1)), [Changed(NEXT), Message(1)]);
    assert!(!rig.feed.is_ended());
    // The old one's stragglers do not bring it back, not even after the new one's end.
    assert_eq!(rig.b(4, &end_of(DAY, 2)), []);
    assert_eq!(rig.a(5, &end_of(NEXT, 2)), [End(2)]);
    assert_eq!(rig.b(6, &end_of(DAY, 2)), []);
    assert_eq!((rig.counters().session_changes, rig.counters().ends), (1, 3));
    assert_eq!(rig.feed.session(), Some(NEXT));
}

#[test]
fn another_session_is_believed_after_long_silence() {
    let mut rig = Rig::live(config());
    rig.a(0, &packet(4, 1));
    assert_eq!(rig.a(1_000 * MS - 1, &packet_of(NEXT, 1, 1)), []);
    let told = rig.a(1_000 * MS, &packet_of(NEXT, 2, 1));
    let expected = [Lost(2, 4), Message(4), Whole, Changed(NEXT), Behind(1, 2)];
    assert_eq!(told, expected);
    assert_eq!(rig.b(1_001 * MS, &packet_of(NEXT, 1, 1)), [Message(1), Message(2), Whole]);
}

#[test]
fn a_named_session_is_the_only_one() {
    let mut rig = Rig::new(FeedConfig { session: Some(DAY), ..config() });
    assert_eq!(rig.a(0, &packet_of(NEXT, 1, 1)), []);
    assert_eq!(rig.a(0, &packet(1, 1)), [Changed(DAY), Message(1)]);
    assert_eq!(rig.a(0, &end_of(DAY, 2)), [End(2)]);
    assert_eq!(rig.a(5_000 * MS, &packet_of(NEXT, 1, 1)), []);
}

#[test]
fn the_end_is_told_when_all_before_it_is_there() {
    let mut rig = Rig::live(config());
    assert_eq!(rig.a(0, &end_of(DAY, 3)), [Behind(2, 3)]);
    assert_eq!(rig.b(0, &end_of(DAY, 3)), []);
    rig.poll(MS);
    assert_eq!(rig.request(MS), Some((2, 1)));
    assert_eq!(rig.reply(MS, &packet(2, 1)), [Message(2), Whole, End(3)]);
    assert_eq!(rig.a(MS, &end_of(DAY, 3)), []);
}

#[test]
fn a_session_change_breaks_off_a_snapshot() {
    let mut rig = Rig::live(config());
    rig.a(0, &packet(300, 1));
    rig.poll(MS);
    assert_eq!(rig.snapshot(MS, b"A"), [Begin, Snapshot(b"A".to_vec())]);
    let told = rig.a(1_000 * MS, &packet_of(NEXT, 1, 1));
    let expected = [Failed, Lost(2, 300), Message(300), Whole, Changed(NEXT), Message(1)];
    assert_eq!(told, expected);
    assert!(!rig.feed.wants_snapshot());
    assert_eq!(rig.counters().snapshots_cancelled, 1);
}

#[test]
fn a_far_first_packet_is_believed_only_within_the_jump() {
    let mut rig = Rig::new(config());
    assert_eq!(rig.a(0, &packet(10_002, 1)), []);
    assert_eq!(rig.a(0, &packet(3, 1)), [Changed(DAY), Behind(1, 3)]);
    let mut rig = Rig::new(FeedConfig { first_seq: None, ..config() });
    assert_eq!(rig.a(0, &packet(1 << 50, 1)).len(), 2);
}

#[test]
fn counters_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> =
        FeedCounters::default().iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), FeedCounters::default().iter().count());
}
