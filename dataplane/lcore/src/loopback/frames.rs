//! Frames of every shape for the tests of the modes, made by other means than the modes use.

use proptest::collection::vec;
use proptest::prelude::*;

pub(super) const ETHER_LEN: usize = 14;

/// IP and how long its header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ip {
    V4 { options: usize },
    V6,
}

/// What a frame is like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) macs: [[u8; 6]; 2],
    pub(super) tags: Vec<u16>,
    pub(super) ip: Ip,
    pub(super) addresses: [[u8; 16]; 2],
    pub(super) ports: [u16; 2],
    pub(super) protocol: u8,
    pub(super) fragment: u16,
    pub(super) payload: Vec<u8>,
    /// UDP without a checksum.
    pub(super) unsummed: bool,
    /// Bytes behind the IP packet.
    pub(super) padding: usize,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            macs: [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]],
            tags: Vec::new(),
            ip: Ip::V4 { options: 0 },
            addresses: [[10; 16], [11; 16]],
            ports: [1000, 2000],
            protocol: 17,
            fragment: 0,
            payload: (0..33).collect(),
            unsummed: false,
            padding: 3,
        }
    }
}

impl Shape {
    /// As it comes back.
    pub(super) fn swapped(&self) -> Shape {
        let mut other = self.clone();
        other.macs.reverse();
        other.addresses.reverse();
        other.ports.reverse();
        other
    }

    /// Any that is sound.
    pub(super) fn any() -> impl Strategy<Value = Shape> {
        let ip = prop_oneof![(0usize..=10).prop_map(|w| Ip::V4 { options: 4 * w }), Just(Ip::V6)];
        let tag = prop_oneof![Just(0x8100u16), Just(0x88A8)];
        (
            (any::<[[u8; 6]; 2]>(), vec(tag, 0..4), ip, any::<[[u8; 16]; 2]>()),
            (any::<[u16; 2]>(), prop_oneof![Just(6u8), Just(17)], vec(any::<u8>(), 0..300)),
            (any::<bool>(), 0usize..20),
        )
            .prop_map(
                |((macs, tags, ip, addresses), (ports, protocol, payload), (unsummed, padding))| {
                    let unsummed = unsummed && protocol == 17;
                    Shape {
                        macs,
                        tags,
                        ip,
                        addresses,
                        ports,
                        protocol,
                        payload,
                        unsummed,
                        padding,
                        fragment: 0,
                    }
                },
            )
    }

    /// Where the packet begins.
    pub(super) fn l2_len(&self) -> usize {
        ETHER_LEN + 4 * self.tags.len()
    }

    /// Bytes of IP header.
    pub(super) fn l3_len(&self) -> usize {
        match self.ip {
            Ip::V4 { options } => 20 + options,
            Ip::V6 => 40,
        }
    }

    /// Where the transport's checksum lies.
    pub(super) fn l4_check(&self) -> usize {
        self.l2_len() + self.l3_len() + if self.protocol == 17 { 6 } else { 16 }
    }

    fn l4_len(&self) -> usize {
        self.payload.len() + if self.protocol == 17 { 8 } else { 20 }
    }

    /// Whether the checksums of a frame of this shape are right: IPv4's, the transport's.
    pub(super) fn checksums(&self, frame: &[u8]) -> (bool, bool) {
        let at = self.l2_len();
        let header = &frame[at..at + self.l3_len()];
        let v4 = matches!(self.ip, Ip::V4 { .. });
        let segment = &frame[at + self.l3_len()..][..self.l4_len()];
        (!v4 || sum(header) == 0xFFFF, sum(&[&self.pseudo(header), segment].concat()) == 0xFFFF)
    }

    fn pseudo(&self, header: &[u8]) -> Vec<u8> {
        let length = self.l4_len() as u16;
        let addresses = match self.ip {
            Ip::V4 { .. } => &header[12..20],
            Ip::V6 => &header[8..40],
        };
        [addresses, &[0, self.protocol], &length.to_be_bytes()].concat()
    }
}

/// The ones' complement sum, word by word.
fn sum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

/// The frame, its checksums right.
pub(super) fn build(shape: &Shape) -> Vec<u8> {
    let mut frame = shape.macs.concat();
    for tag in &shape.tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 7]);
    }
    let v4 = matches!(shape.ip, Ip::V4 { .. });
    frame.extend(if v4 { [0x08, 0x00] } else { [0x86, 0xDD] });
    let header = ip_header(shape);
    let mut segment = shape.ports.map(u16::to_be_bytes).concat();
    match shape.protocol {
        17 => segment.extend([(shape.l4_len() as u16).to_be_bytes(), [0, 0]].concat()),
        _ => segment.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0]),
    }
    segment.extend(&shape.payload);
    if !shape.unsummed {
        let check = !sum(&[&shape.pseudo(&header)[..], &segment].concat());
        let check = if check == 0 && shape.protocol == 17 { 0xFFFF } else { check };
        let at = if shape.protocol == 17 { 6 } else { 16 };
        segment[at..at + 2].copy_from_slice(&check.to_be_bytes());
    }
    frame.extend(header);
    frame.extend(segment);
    frame.extend(vec![0xEE; shape.padding]);
    frame
}

fn ip_header(shape: &Shape) -> Vec<u8> {
    let length = (shape.l3_len() + shape.l4_len()) as u16;
    let Ip::V4 { options } = shape.ip else {
        let payload = (shape.l4_len() as u16).to_be_bytes();
        let start = [0x60, 0, 0, 0, payload[0], payload[1], shape.protocol, 64];
        return [&start[..], &shape.addresses.concat()].concat();
    };
    let [high, low] = length.to_be_bytes();
    let [fragment_high, fragment_low] = shape.fragment.to_be_bytes();
    let mut header = vec![0x45 + (options / 4) as u8, 0, high, low, 0, 1];
    header.extend([fragment_high, fragment_low, 64, shape.protocol, 0, 0]);
    shape.addresses.iter().for_each(|address| header.extend(&address[..4]));
    header.extend(vec![1; options]);
    let check = !sum(&header);
    header[10..12].copy_from_slice(&check.to_be_bytes());
    header
}
