//! Each rewriting on frames of every shape, and on bytes that are none.

use super::*;
use crate::loopback::frames::{ETHER_LEN, Ip, Shape, build};
use proptest::collection::vec;
use proptest::prelude::*;

const A: Mac = [2, 0, 0, 0, 0, 0xA];
const B: Mac = [2, 0, 0, 0, 0, 0xB];

#[test]
fn macs_are_set_and_swapped_and_nothing_else_is_touched() {
    let frame = build(&Shape::default());
    let mut set = frame.clone();
    assert_eq!(set_macs(&mut set, A, B), Done::All);
    assert_eq!(set[..6], A);
    assert_eq!(set[6..12], B);
    assert_eq!(set[12..], frame[12..]);
    let mut swapped = frame.clone();
    assert_eq!(swap_macs(&mut swapped), Done::All);
    assert_eq!((&swapped[..6], &swapped[6..12]), (&frame[6..12], &frame[..6]));
    assert_eq!(swapped[12..], frame[12..]);
}

#[test]
fn what_is_shorter_than_ethernet_is_left_alone() {
    for length in 0..ETHER_LEN {
        let frame: Vec<u8> = (0..length as u8).collect();
        let mut copy = frame.clone();
        assert_eq!(set_macs(&mut copy, A, B), Done::Short);
        assert_eq!(swap_macs(&mut copy), Done::Short);
        assert_eq!(swap_five_tuple(&mut copy), Done::Short);
        assert_eq!(copy, frame);
    }
    assert_eq!(swap_macs(&mut [0; ETHER_LEN]), Done::All);
    assert_eq!(swap_five_tuple(&mut [0; ETHER_LEN]), Done::Part);
}

#[test]
fn all_five_are_swapped_behind_any_tags() {
    for tags in [vec![], vec![0x8100], vec![0x88A8, 0x8100], vec![0x8100; 5]] {
        for ip in [Ip::V4 { options: 0 }, Ip::V4 { options: 8 }, Ip::V6] {
            for protocol in [6, 17] {
                let shape = Shape { tags: tags.clone(), ip, protocol, ..Shape::default() };
                let mut frame = build(&shape);
                assert_eq!(swap_five_tuple(&mut frame), Done::All, "{shape:?}");
                assert_eq!(frame, build(&shape.swapped()), "{shape:?}");
            }
        }
    }
}

#[test]
fn payload_is_not_taken_for_ports() {
    // A later fragment has no header of the transport.
    let mut frame = build(&Shape { fragment: 185, ..Shape::default() });
    let payload = frame[34..].to_vec();
    assert_eq!(swap_five_tuple(&mut frame), Done::Part);
    assert_eq!(frame[34..], payload);
    // Another protocol, another version, a header that says it is shorter than it is.
    for (at, byte) in [(23, 1), (14, 0x65), (14, 0x44)] {
        let mut frame = build(&Shape::default());
        frame[at] = byte;
        let payload = frame[34..].to_vec();
        assert_eq!(swap_five_tuple(&mut frame), Done::Part, "{at}");
        assert_eq!(frame[34..], payload);
    }
}

proptest! {
    #[test]
    fn any_bytes_will_do(mut bytes in vec(any::<u8>(), 0..200)) {
        let before = bytes.len();
        let _ = swap_five_tuple(&mut bytes);
        let _ = swap_macs(&mut bytes);
        let _ = set_macs(&mut bytes, A, B);
        prop_assert_eq!(bytes.len(), before);
    }

    #[test]
    fn a_frame_cut_anywhere_will_do_and_swapping_twice_is_nothing(
        shape in Shape::any(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut frame = build(&shape);
        frame.truncate(cut.index(frame.len() + 1));
        let mut twice = frame.clone();
        let first = swap_five_tuple(&mut twice);
        prop_assert_eq!(swap_five_tuple(&mut twice), first);
        prop_assert_eq!(twice, frame);
    }

    #[test]
    fn checksums_stay_as_right_as_they_were(shape in Shape::any()) {
        let mut frame = build(&shape);
        let before = shape.checksums(&frame);
        let _ = swap_five_tuple(&mut frame);
        prop_assert_eq!(shape.checksums(&frame), before);
    }
}
