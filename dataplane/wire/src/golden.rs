//! Real captures: every packet reads without error and is written again to the same bytes.

use crate::field::Describe;
use crate::ouch::{inbound, outbound};
use crate::{ether, ipv4, itch, moldudp64, soup, tcp, udp};
use std::path::PathBuf;
use std::vec::Vec;

/// The frames of a little-endian pcap file, which all the captures are.
fn frames(pcap: &[u8]) -> Vec<Vec<u8>> {
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap()) as usize;
    assert!(matches!(word(0), 0xA1B2_C3D4 | 0xA1B2_3C4D), "not a little-endian pcap");
    let (mut at, mut out) = (24, Vec::new());
    while at < pcap.len() {
        let captured = word(at + 8);
        out.push(pcap[at + 16..at + 16 + captured].to_vec());
        at += 16 + captured;
    }
    out
}

fn captures() -> Vec<(PathBuf, Vec<Vec<u8>>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures");
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|p| (p.clone(), frames(&std::fs::read(p).unwrap()))).collect()
}

fn check_mold(payload: &[u8]) -> usize {
    let packet = moldudp64::parse(payload).unwrap();
    packet.check().unwrap();
    let mut again = vec![0; payload.len()];
    let mut packer = moldudp64::Packer::new(&mut again).unwrap();
    for block in packet.messages() {
        let data = block.unwrap().data;
        let message = itch::parse(data).unwrap();
        assert_eq!(itch::message_len(message.head().message_type), Some(data.len()));
        assert!(packer.push(message.as_bytes()));
    }
    let messages = usize::from(packer.count());
    let header = packet.header;
    assert_eq!(packer.finish(header.session, header.sequence_number.get()), payload.len());
    assert_eq!(again, payload);
    messages
}

fn check_soup(payload: &[u8]) -> usize {
    let (mut rest, mut packets) = (payload, 0);
    while let Some((packet, used)) = soup::parse_packet(rest, 2048).unwrap() {
        let mut again = vec![0; used];
        assert_eq!(packet.write(&mut again), Some(used));
        assert_eq!(again, rest[..used]);
        let (fixed, appendage, data) = match packet {
            soup::Packet::Unsequenced(data) => {
                let message = inbound::parse(data).unwrap();
                (message.fixed_bytes(), message.appendage(), data)
            }
            soup::Packet::Sequenced(data) => {
                let message = outbound::parse(data).unwrap();
                (message.fixed_bytes(), message.appendage(), data)
            }
            _ => (&[][..], None, &[][..]),
        };
        let mut out = [0; 256];
        let mut builder = crate::ouch::appendage::Builder::new(&mut out);
        for field in appendage.iter().flat_map(|(_, fields)| fields.all()) {
            assert!(builder.push(field));
        }
        let length = builder.finish();
        assert_eq!([fixed, &out[..length]].concat(), data);
        rest = &rest[used..];
        packets += 1;
    }
    assert!(rest.is_empty(), "a packet is cut");
    packets
}

#[test]
fn every_capture_reads_and_writes_back() {
    let (mut mold, mut soups) = (0, 0);
    for (path, frames) in captures() {
        assert!(!frames.is_empty(), "{path:?} is empty");
        for bytes in frames {
            let frame = ether::parse(&bytes).unwrap();
            let mut again = vec![0; bytes.len()];
            let tag = frame.tags().first().copied();
            assert_eq!(
                ether::write(&mut again, frame.dst, frame.src, tag, frame.ethertype),
                Some(frame.header_len())
            );
            assert_eq!(again[..frame.header_len()], bytes[..frame.header_len()], "{path:?}");
            let packet = ipv4::parse(frame.payload).unwrap();
            assert!(!packet.is_fragment());
            match packet.header.protocol {
                ipv4::UDP => mold += check_mold(udp::parse(packet.payload).unwrap().payload),
                ipv4::TCP => soups += check_soup(tcp::parse(packet.payload).unwrap().payload),
                other => panic!("{path:?}: protocol {other}"),
            }
        }
    }
    // 79 packets of MoldUDP64 carry one message, one carries 38; six packets are SoupBinTCP.
    assert_eq!((mold, soups), (79 + 38, 6));
}

#[test]
fn real_itch_files_read_whole() {
    for (name, count) in [("sod.itch", 1000), ("aapl.itch", 49_947)] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/sample").join(name);
        let bytes = std::fs::read(path).unwrap();
        let mut messages = 0;
        for block in itch::Blocks::to_end(&bytes) {
            let data = block.unwrap().data;
            let message = itch::parse(data).unwrap();
            let mut fields = 0;
            message.describe(&mut |_, _| fields += 1);
            assert!(fields >= 4);
            assert_eq!(message.as_bytes(), data);
            messages += 1;
        }
        assert_eq!(messages, count);
    }
}
