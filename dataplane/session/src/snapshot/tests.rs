use super::*;

fn image(messages_max: usize, bytes_max: usize) -> SnapshotImage {
    let ages = SnapshotConfig { image_age_max_ns: 10, send_ns_max: 100, ..Default::default() };
    SnapshotImage::new(SnapshotConfig { messages_max, bytes_max, ..ages })
}

fn fill(image: &mut SnapshotImage, now_ns: u64, count: usize) -> Result<(), DisconnectReason> {
    image.acquire(now_ns, 0, |writer| {
        (0..count).all(|n| writer.push(&[n as u8; 10]));
        Some(77)
    })
}

#[test]
fn the_messages_come_back_and_the_end_says_from_where_to_go_on() {
    let mut image = image(4, 51);
    assert_eq!(fill(&mut image, 0, 3), Ok(()));
    assert_eq!(image.get(0), None);
    assert_eq!(image.get(3), Some(&[2; 10][..]));
    assert_eq!(image.get(4), Some(EndOfSnapshot::new(77).as_bytes()));
    assert_eq!((image.get(5), image.next_seq()), (None, 5));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_left_of_it() {
    for (messages_max, bytes_max) in [(3, 1000), (100, 50), (0, 0), (1, 20)] {
        let mut image = image(messages_max, bytes_max);
        assert_eq!(fill(&mut image, 0, 3), Err(DisconnectReason::SnapshotFull));
        assert_eq!((image.readers(), image.counters().full), (0, 1));
    }
    let mut image = image(10, 100);
    let none = image.acquire(0, 0, |_| None);
    assert_eq!(none, Err(DisconnectReason::SnapshotUnavailable));
    assert_eq!(fill(&mut image, 0, 3), Ok(()));
}

#[test]
fn an_image_is_shared_while_young_and_replaced_when_nobody_reads_it() {
    let mut image = image(10, 100);
    assert_eq!(fill(&mut image, 0, 1), Ok(()));
    assert_eq!(fill(&mut image, 10, 3), Ok(()));
    assert_eq!((image.next_seq(), image.readers()), (3, 2));
    assert_eq!(fill(&mut image, 11, 3), Err(DisconnectReason::SnapshotBusy));
    image.release();
    image.release();
    assert_eq!(fill(&mut image, 11, 3), Ok(()));
    assert_eq!(image.next_seq(), 5);
    assert_eq!(*image.counters(), SnapshotCounters { taken: 2, shared: 1, full: 0 });
}
