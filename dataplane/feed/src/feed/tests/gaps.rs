use super::*;

#[test]
fn without_means_a_gap_is_told_as_lost_at_once() {
    let mut rig = Rig::live(FeedConfig::default());
    assert_eq!(rig.a(1, &packet(4, 2)), [Behind(2, 4), Lost(2, 4), Whole, Message(4), Message(5)]);
    assert_eq!(rig.b(2, &packet(2, 3)), []);
    assert_eq!(rig.feed.state(), FeedState::Live);
    let counters = rig.counters();
    assert_eq!((counters.gaps, counters.missing, counters.lost_messages), (1, 2, 2));
    assert_eq!((rig.feed.line(Line::A).missing, rig.feed.line(Line::B).duplicates), (2, 3));
}

#[test]
fn the_other_line_fills_a_gap_while_it_is_waited_for() {
    let mut rig = Rig::live(config());
    assert_eq!(rig.a(10, &packet(3, 2)), [Behind(2, 3)]);
    assert_eq!((rig.feed.state(), rig.feed.held(), rig.feed.missing()), (FeedState::Waiting, 2, 1));
    // Held twice is held once.
    assert_eq!(rig.b(11, &packet(4, 1)), []);
    let all = [Message(2), Message(3), Message(4), Message(5), Whole];
    assert_eq!(rig.b(12, &packet(2, 4)), all);
    assert_eq!((rig.counters().waited_out, rig.counters().late_messages), (1, 1));
    assert_eq!((rig.feed.line(Line::B).delivered, rig.feed.line(Line::B).duplicates), (2, 3));
    assert_eq!(rig.request(10 * MS), None);
}

#[test]
fn a_gap_that_stays_is_asked_for_in_pieces() {
    let mut rig = Rig::live(config());
    rig.a(0, &packet(20, 1));
    assert_eq!((rig.poll(MS - 1), rig.request(MS - 1)), (vec![], None));
    assert_eq!((rig.poll(MS), rig.request(MS), rig.request(MS)), (vec![], Some((2, 10)), None));
    assert_eq!(rig.feed.state(), FeedState::Asking);
    // Fewer than asked for: the rest is asked for at once.
    assert_eq!(rig.reply(2 * MS, &packet(2, 4)), messages(2..6));
    assert_eq!(rig.request(2 * MS), Some((6, 10)));
    // What the lines bring meanwhile overlaps the answer.
    assert_eq!(rig.b(2 * MS, &packet(6, 3)), messages(6..9));
    assert_eq!(rig.request(2 * MS), None);
    assert_eq!(rig.reply(3 * MS, &packet(6, 10)), messages(9..16));
    assert_eq!(rig.request(3 * MS), Some((16, 4)));
    let rest = [Message(16), Message(17), Message(18), Message(19), Message(20), Whole];
    assert_eq!(rig.reply(3 * MS, &packet(16, 4)), rest);
    let counters = *rig.counters();
    assert_eq!((counters.recovered_messages, counters.late_messages), (15, 3));
    assert_eq!((counters.requests, counters.replies, counters.reply_duplicates), (3, 3, 3));
    assert_eq!((counters.gaps, counters.missing, counters.delivered), (1, 18, 20));
    // An answer that is late does no harm.
    assert_eq!(rig.reply(4 * MS, &packet(16, 4)), []);
}

#[test]
fn a_gap_behind_a_gap_is_not_waited_for_twice() {
    let mut rig = Rig::live(config());
    assert_eq!(rig.a(0, &packet(3, 1)), [Behind(2, 3)]);
    assert_eq!(rig.a(MS / 2, &packet(5, 1)), [Behind(4, 5)]);
    assert_eq!(rig.poll(MS), []);
    assert_eq!(rig.request(MS), Some((2, 1)));
    assert_eq!(rig.reply(MS, &packet(2, 1)), [Message(2), Message(3)]);
    // The second one showed later and has half its time left.
    assert_eq!(rig.feed.state(), FeedState::Waiting);
    rig.poll(MS + MS / 2);
    assert_eq!(rig.request(2 * MS), Some((4, 1)));
    assert_eq!(rig.reply(2 * MS, &packet(4, 1)), [Message(4), Message(5), Whole]);
}

#[test]
fn a_heartbeat_shows_a_gap() {
    let mut rig = Rig::live(config());
    assert_eq!(rig.b(0, &packet(2, 0)), []);
    assert_eq!(rig.b(0, &packet(4, 0)), [Behind(2, 4)]);
    assert_eq!(rig.feed.line(Line::B).gaps, 1);
    rig.poll(MS);
    assert_eq!(rig.request(MS), Some((2, 2)));
    assert_eq!(rig.reply(MS, &packet(2, 2)), [Message(2), Message(3), Whole]);
}

#[test]
fn without_an_answer_the_question_is_repeated_and_then_the_gap_lost() {
    let mut rig = Rig::live(FeedConfig { snapshot: None, ..config() });
    rig.a(0, &packet(3, 1));
    rig.poll(MS);
    assert_eq!(rig.request(MS), Some((2, 1)));
    // An answer of no use is none.
    assert_eq!(rig.reply(2 * MS, &packet(1, 1)), []);
    rig.poll(6 * MS);
    assert_eq!(rig.request(6 * MS), Some((2, 1)));
    assert_eq!(rig.poll(11 * MS), [Lost(2, 3), Message(3), Whole]);
    assert_eq!((rig.counters().request_timeouts, rig.counters().lost_messages), (2, 1));
    // A question that the caller never takes is late all the same.
    rig.a(12 * MS, &packet(5, 1));
    rig.poll(13 * MS);
    rig.poll(18 * MS);
    assert_eq!(rig.poll(23 * MS), [Lost(4, 5), Message(5), Whole]);
}

#[test]
fn wrong_replies_are_refused_and_counted() {
    let mut rig = Rig::live(config());
    rig.a(0, &packet(4, 1));
    rig.poll(MS);
    for bad in [
        packet_of(NEXT, 2, 2),
        packet(2, 4),
        packet(2, 0),
        end_of(DAY, 2),
        packet(2, 2)[..21].to_vec(),
        b"noise".to_vec(),
        packet(0, 1),
    ] {
        assert_eq!(rig.reply(MS, &bad), []);
    }
    assert_eq!(rig.counters().replies_refused, [1, 3, 1, 1, 1]);
    assert_eq!(rig.reply(MS, &packet(2, 2)), [Message(2), Message(3), Message(4), Whole]);
}

#[test]
fn too_much_missing_is_not_asked_for() {
    let mut rig = Rig::live(FeedConfig { snapshot: None, ..config() });
    rig.a(0, &packet(200, 1));
    assert_eq!(rig.poll(MS), [Lost(2, 200), Message(200), Whole]);
}

#[test]
fn a_full_hold_without_a_snapshot_gives_up_the_first_gap() {
    let mut rig = Rig::live(FeedConfig { snapshot: None, held_messages_max: 4, ..config() });
    rig.a(0, &packet(3, 2));
    rig.a(0, &packet(6, 2));
    let told = rig.a(0, &packet(8, 2));
    assert_eq!(told, [Lost(2, 3), Message(3), Message(4)]);
    assert_eq!((rig.feed.missing(), rig.counters().hold_overflows), (1, 1));
    assert_eq!(rig.b(0, &packet(5, 1)), [&messages(5..10)[..], &[Whole]].concat());
    // One that never fits is delivered behind the loss of what is before it.
    let mut rig = Rig::live(FeedConfig { snapshot: None, held_bytes_max: 4, ..config() });
    let told = rig.a(0, &packet(3, 2));
    assert_eq!(told, [Behind(2, 3), Lost(2, 3), Message(3), Message(4), Whole]);
    assert_eq!(rig.counters().waited_out, 0);
}

#[test]
fn a_lying_number_far_ahead_is_refused() {
    let mut rig = Rig::live(config());
    assert_eq!(rig.a(0, &packet(10_003, 1)), []);
    assert_eq!(rig.a(0, &end_of(DAY, u64::MAX - 1)), []);
    assert_eq!(rig.a(0, &packet(1 << 60, 0)), []);
    assert_eq!(rig.counters().refused, [0, 0, 0, 0, 3]);
    assert_eq!(rig.a(0, &packet(2, 1)), [Message(2)]);
    assert_eq!(rig.a(0, &packet(10_003, 1)), [Behind(3, 10_003)]);
}
