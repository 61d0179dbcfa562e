use super::*;

/// A feed that wants a snapshot for 2..300 and holds 300.
fn joining() -> Rig {
    let mut rig = Rig::live(config());
    assert_eq!(rig.a(0, &packet(300, 1)), [Behind(2, 300)]);
    rig.poll(MS);
    assert!(rig.feed.wants_snapshot());
    assert_eq!(rig.feed.state(), FeedState::Joining);
    rig
}

#[test]
fn what_is_newer_than_the_snapshot_follows_it_once() {
    let mut rig = joining();
    assert_eq!(rig.snapshot(2 * MS, b"R1"), [Begin, Snapshot(b"R1".to_vec())]);
    assert_eq!(rig.a(2 * MS, &packet(301, 3)), []);
    // Even the next one waits, or is dropped when it is too far back: the books are not there.
    assert_eq!(rig.b(2 * MS, &packet(2, 1)), []);
    assert_eq!(rig.counters().held_dropped, 1);
    assert_eq!(rig.snapshot(2 * MS, b"A"), [Snapshot(b"A".to_vec())]);
    let told = rig.snapshot(3 * MS, &end_of_snapshot(302));
    assert_eq!(told, [Join(302), Message(302), Message(303), Whole]);
    assert!(!rig.feed.wants_snapshot());
    rig.feed.on_snapshot_closed(3 * MS);
    assert_eq!(rig.a(3 * MS, &packet(300, 5)), [Message(304)]);
    let counters = rig.counters();
    assert_eq!((counters.snapshot_covered, counters.lost_messages), (300, 0));
    assert_eq!(counters.delivered + counters.snapshot_covered, 304);
    assert_eq!((counters.snapshots_begun, counters.snapshots_done), (1, 1));
    assert_eq!((counters.snapshots_failed, counters.snapshot_messages), (0, 2));
}

#[test]
fn one_newer_than_all_that_is_held_waits_for_the_lines() {
    let mut rig = joining();
    let told = rig.snapshot(2 * MS, &end_of_snapshot(310));
    assert_eq!(told, [Begin, Join(310), Whole]);
    assert_eq!((rig.feed.held(), rig.feed.expected_seq()), (0, Some(310)));
    assert_eq!(rig.a(3 * MS, &packet(301, 10)), [Message(310)]);
}

#[test]
fn one_too_old_is_refused_and_another_asked_for() {
    let mut rig = joining();
    assert_eq!(rig.snapshot(2 * MS, &end_of_snapshot(299)), [Begin, Failed]);
    assert!(!rig.feed.wants_snapshot());
    assert_eq!(rig.snapshot(2 * MS, b"A"), []);
    assert_eq!((rig.counters().snapshots_stale, rig.counters().snapshot_unwanted), (1, 1));
    rig.feed.on_snapshot_closed(3 * MS);
    rig.poll(12 * MS - 1);
    assert!(!rig.feed.wants_snapshot());
    rig.poll(12 * MS);
    assert!(rig.feed.wants_snapshot());
    let told = rig.snapshot(13 * MS, &end_of_snapshot(300));
    assert_eq!(told, [Begin, Join(300), Message(300), Whole]);
    assert_eq!((rig.counters().snapshots_begun, rig.counters().snapshots_failed), (2, 1));
}

#[test]
fn ends_that_are_none_are_failures() {
    let bad: [&[u8]; 4] = [
        b"G",
        b"G                   x",
        &end_of_snapshot(u64::MAX),
        &end_of_snapshot(300 + 1 + 10_001),
    ];
    for end in bad {
        let mut rig = joining();
        assert_eq!(rig.snapshot(2 * MS, end), [Begin, Failed]);
        assert_eq!(rig.counters().snapshots_failed, 1);
    }
}

#[test]
fn a_snapshot_that_breaks_off_is_told_and_given_up_at_last() {
    let mut rig = joining();
    rig.snapshot(2 * MS, b"A");
    rig.feed.on_snapshot_closed(3 * MS);
    assert_eq!(rig.poll(3 * MS), [Failed]);
    // The books are gone: even without a gap nothing may be delivered.
    assert_eq!(rig.a(3 * MS, &packet(2, 1)), []);
    rig.poll(13 * MS);
    assert!(rig.feed.wants_snapshot());
    // This one takes too long before it even begins.
    assert_eq!(rig.poll(63 * MS), []);
    assert!(!rig.feed.wants_snapshot());
    assert_eq!(rig.poll(63 * MS), [Lost(2, 300), Message(300), Whole]);
    assert_eq!((rig.counters().snapshots_begun, rig.counters().snapshots_failed), (2, 2));
}

#[test]
fn a_gap_that_fills_itself_needs_no_snapshot() {
    let mut rig = Rig::live(FeedConfig { retransmit: None, ..config() });
    rig.a(0, &packet(3, 1));
    rig.poll(MS);
    assert!(rig.feed.wants_snapshot());
    assert_eq!(rig.b(MS, &packet(2, 1)), [Message(2), Message(3), Whole]);
    assert!(!rig.feed.wants_snapshot());
    assert_eq!(rig.counters().snapshots_cancelled, 1);
    // The next one keeps its distance, so that the caller sees the first one end.
    rig.a(2 * MS, &packet(5, 1));
    rig.poll(3 * MS);
    assert!(!rig.feed.wants_snapshot());
    rig.poll(11 * MS);
    assert!(rig.feed.wants_snapshot());
}

#[test]
fn a_question_in_vain_ends_in_a_snapshot() {
    let mut rig = Rig::live(config());
    rig.a(0, &packet(3, 1));
    for now_ms in [1, 6, 11] {
        rig.poll(now_ms * MS);
    }
    assert!(rig.feed.wants_snapshot());
    assert_eq!(rig.counters().request_timeouts, 2);
    // An answer that is late still helps.
    assert_eq!(rig.reply(12 * MS, &packet(2, 1)), [Message(2), Message(3), Whole]);
}

#[test]
fn a_late_join_starts_with_a_snapshot() {
    let mut late = FeedConfig { first_seq: None, ..config() };
    late.snapshot.as_mut().unwrap().join_at_start = true;
    let mut rig = Rig::new(late);
    assert_eq!(rig.poll(0), []);
    assert_eq!(rig.feed.state(), FeedState::Start);
    assert_eq!(rig.a(0, &packet(500, 2)), [Changed(DAY), Behind(1, 500)]);
    assert!(rig.feed.wants_snapshot());
    assert_eq!((rig.feed.expected_seq(), rig.counters().gaps), (None, 0));
    // A gap among what is held stays one.
    assert_eq!(rig.a(0, &packet(505, 1)), [Behind(502, 505)]);
    rig.snapshot(0, b"A");
    assert_eq!(rig.snapshot(2 * MS, &end_of_snapshot(501)), [Join(501), Message(501)]);
    assert_eq!(rig.request(2 * MS), Some((502, 3)));
    let told = rig.reply(2 * MS, &packet(502, 3));
    assert_eq!(told, [&messages(502..506)[..], &[Whole]].concat());
    // With the first message at hand there is nothing to join.
    let mut rig = Rig::new(late);
    assert_eq!(rig.a(0, &packet(1, 1)), [Changed(DAY), Message(1)]);
}

#[test]
fn a_late_join_without_any_snapshot_starts_where_it_came_in() {
    let mut late = FeedConfig { first_seq: None, ..config() };
    late.snapshot.as_mut().unwrap().join_at_start = true;
    let mut rig = Rig::new(late);
    rig.a(0, &packet(500, 2));
    rig.feed.on_snapshot_closed(MS);
    rig.poll(11 * MS);
    rig.feed.on_snapshot_closed(12 * MS);
    assert_eq!(rig.poll(12 * MS), [Message(500), Message(501), Whole]);
    assert_eq!(rig.counters().lost_messages, 0);
}

#[test]
fn while_joining_the_oldest_make_room() {
    let mut rig = joining();
    for first in (301..401).step_by(10) {
        assert_eq!(rig.a(2 * MS, &packet(first, 10)), []);
    }
    assert_eq!(rig.feed.held(), 64);
    assert_eq!(rig.counters().held_dropped, 101 - 64);
    assert_eq!(rig.snapshot(2 * MS, &end_of_snapshot(336)), [Begin, Failed]);
    rig.poll(12 * MS);
    let told = rig.snapshot(13 * MS, &end_of_snapshot(337));
    assert_eq!(told, [&[Begin, Join(337)], &messages(337..401)[..], &[Whole]].concat());
}

#[test]
fn a_full_hold_ends_the_waiting_for_an_answer() {
    let mut rig = Rig::live(config());
    rig.a(0, &packet(3, 60));
    assert_eq!(rig.a(0, &packet(63, 10)), []);
    assert!(rig.feed.wants_snapshot());
}
