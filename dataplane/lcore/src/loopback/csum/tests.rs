//! Checksums made right, and found wrong, on frames of every shape.

use super::*;
use crate::loopback::frames::{Ip, Shape, build};
use proptest::collection::vec;
use proptest::prelude::*;

fn run(frame: &mut [u8]) -> Option<Found> {
    let layers = layers(frame)?;
    Some(fix(frame, layers, true, true))
}

#[test]
fn a_right_frame_stays_as_it_is() {
    let shape = Shape::default();
    let mut frame = build(&shape);
    let before = frame.clone();
    assert_eq!(run(&mut frame), Some(Found { ip_ok: Some(true), l4_ok: Some(true) }));
    assert_eq!(frame, before);
}

#[test]
fn no_checksum_stays_none() {
    let shape = Shape { unsummed: true, ..Shape::default() };
    let mut frame = build(&shape);
    let before = frame.clone();
    assert_eq!(run(&mut frame), Some(Found { ip_ok: Some(true), l4_ok: None }));
    assert_eq!(frame, before);
}

#[test]
fn of_a_fragment_only_the_header_is_summed() {
    // The first one, with more to come, and a later one.
    for fragment in [0x2000, 185] {
        let mut frame = build(&Shape { fragment, protocol: 6, ..Shape::default() });
        frame[50] ^= 1;
        let before = frame.clone();
        assert_eq!(run(&mut frame), Some(Found { ip_ok: Some(true), l4_ok: None }));
        assert_eq!(frame, before);
    }
}

#[test]
fn what_contradicts_itself_is_left_alone() {
    let udp = build(&Shape::default());
    // Longer than the frame, shorter than its header, of another version, no IP.
    for (at, byte) in [(16, 0xFF), (17, 19), (14, 0x55), (14, 0x44), (12, 0x09)] {
        let mut frame = udp.clone();
        frame[at] = byte;
        assert_eq!(layers(&frame), None, "{at}");
    }
    // A datagram that says it is longer than its packet: the header alone is summed.
    let mut frame = udp.clone();
    frame[38] = 0xFF;
    assert_eq!(layers(&frame).map(|layers| layers.l4), Some(None));
}

#[test]
fn a_device_is_left_the_sum_of_the_pseudo_header() {
    for ip in [Ip::V4 { options: 0 }, Ip::V6] {
        for protocol in [6, 17] {
            let shape = Shape { ip, protocol, ..Shape::default() };
            let right = build(&shape);
            let mut frame = right.clone();
            let layers = layers(&frame).unwrap();
            leave_to_device(&mut frame, layers).unwrap();
            // What a device does: sum the segment as it is, and write the complement.
            let at = layers.l2_len + layers.l3_len;
            let segment = &frame[at..at + layers.l4.unwrap().1];
            let filled = wire::checksum::checksum(segment);
            assert_eq!(right[shape.l4_check()..][..2], filled.to_be_bytes(), "{shape:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_damage_to_the_sums_is_found_and_mended(
        shape in Shape::any(),
        ip_check in any::<u16>(),
        l4_check in any::<u16>(),
    ) {
        let right = build(&shape);
        let mut frame = right.clone();
        let v4 = matches!(shape.ip, Ip::V4 { .. });
        let at = shape.l2_len() + 10;
        if v4 {
            frame[at..at + 2].copy_from_slice(&ip_check.to_be_bytes());
        }
        let summed = !(shape.unsummed || shape.protocol == 17 && l4_check == 0);
        if summed {
            frame[shape.l4_check()..][..2].copy_from_slice(&l4_check.to_be_bytes());
        }
        let (ip_ok, l4_ok) = shape.checksums(&frame);
        let found = run(&mut frame).unwrap_or_default();
        prop_assert_eq!(found.ip_ok, v4.then_some(ip_ok));
        if summed {
            prop_assert_eq!(found.l4_ok, Some(l4_ok));
        }
        let (ip_ok, l4_ok) = shape.checksums(&frame);
        prop_assert!(ip_ok && (l4_ok || shape.unsummed));
        // Nothing but the two sums has changed.
        let mut same = frame.clone();
        if v4 {
            same[at..at + 2].copy_from_slice(&right[at..at + 2]);
        }
        let check = shape.l4_check();
        same[check..check + 2].copy_from_slice(&right[check..check + 2]);
        prop_assert_eq!(same, right);
    }

    #[test]
    fn any_bytes_will_do(mut bytes in vec(any::<u8>(), 0..200)) {
        let _ = run(&mut bytes);
    }

    #[test]
    fn a_frame_cut_anywhere_will_do(shape in Shape::any(), cut in any::<prop::sample::Index>()) {
        let mut frame = build(&shape);
        frame.truncate(cut.index(frame.len() + 1));
        let _ = run(&mut frame);
    }
}
