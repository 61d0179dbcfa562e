//! Frames longer than an mbuf, which a driver delivers in several, are dropped and counted.
#![allow(clippy::unwrap_used)]

use std::fs;

use arrayvec::ArrayVec;
use dpdk::{DATA_ROOM, Eal, EalConfig, Huge, Mbuf, PortConfig, SocketId};

/// A capture file of frames of these lengths, each filled with its number.
fn capture(lengths: &[u32]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 4 << 16 | 2, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (number, &len) in lengths.iter().enumerate() {
        for word in [0, 0, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(std::iter::repeat_n(number as u8, len as usize));
    }
    file
}

#[test]
fn frames_beyond_an_mbuf_are_dropped() {
    let path = std::env::temp_dir().join(format!("dpdk-chains-{}.pcap", std::process::id()));
    fs::write(&path, capture(&[60, 9000, 1514, 2049, 64])).unwrap();
    let config = EalConfig {
        huge: Huge::Off,
        memory_mb: 64,
        vdevs: vec![format!("net_pcap0,rx_pcap={}", path.display())],
        ..EalConfig::default()
    };
    let eal = Eal::init(&config).unwrap();
    fs::remove_file(&path).unwrap();
    let pool = eal.mempool("frames", 255, 32, DATA_ROOM, SocketId::ANY).unwrap();
    let id = eal.port_by_name("net_pcap0").unwrap();
    let asked = PortConfig { tx_queues: 1, ..PortConfig::default() };
    let (port, mut rx, tx) =
        eal.port(id).unwrap().configure(&asked, pool).unwrap().start().unwrap();

    let mut burst: ArrayVec<Mbuf<'_>, 32> = ArrayVec::new();
    let mut own = pool.alloc().unwrap();
    assert!(own.extend(b"here before"));
    burst.push(own);
    assert_eq!(rx[0].rx(&mut burst), 3);
    assert_eq!(rx[0].chains_dropped(), 2);
    let seen: Vec<(usize, u8)> = burst.iter().map(|frame| (frame.len(), frame.data()[0])).collect();
    assert_eq!(seen, [(11, b'h'), (60, 0), (1514, 2), (64, 4)]);
    assert_eq!(burst[1].port(), Some(id));
    burst.clear();
    assert_eq!(pool.in_use(), 0, "the chains went back whole");
    port.stop(rx, tx).unwrap();
}
