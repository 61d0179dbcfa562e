//! Frames nobody should send: nothing panics, nothing loops, honest connections go on.
mod common;

use common::*;
use net::{ConnId, ConnState, Input, RxChecks, TcpConfig};
use proptest::prelude::*;
use wire::checksum::pseudo_header;
use wire::{IntoBytes, ether, ipv4, tcp};

/// A segment with chosen header fields, from station 1 to station 2, with right checksums.
#[derive(Clone, Debug)]
struct Forged {
    src_port: u16,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    window: u16,
    options: Vec<u8>,
    payload: Vec<u8>,
}

fn frame(of: &Forged) -> Vec<u8> {
    let (src, dst) = (ip(1).octets(), ip(2).octets());
    let words = of.options.len().div_ceil(4).min(10);
    let mut options = of.options.clone();
    options.resize(4 * words, 0);
    let header = tcp::Header {
        src_port: of.src_port.into(),
        dst_port: PORT.into(),
        sequence: of.sequence.into(),
        acknowledgment: of.acknowledgment.into(),
        data_offset: ((5 + words) as u8) << 4,
        flags: of.flags,
        window: of.window.into(),
        checksum: 0.into(),
        urgent: 0.into(),
    };
    let mut segment = [header.as_bytes(), &options, &of.payload].concat();
    let sum = pseudo_header(src, dst, ipv4::TCP, segment.len() as u16).bytes(&segment).finish();
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    let header = ipv4::Header::new(ipv4::TCP, src, dst, 64, segment.len());
    let mut frame = vec![0; 14];
    ether::write(&mut frame, interface(2).mac, interface(1).mac, None, ether::IPV4);
    [&frame[..], header.as_bytes(), &segment].concat()
}

/// Sequence numbers near the connection's own, where the comparisons are, and far ones.
fn near(base: u32) -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (-3i32..70_000).prop_map(move |by| base.wrapping_add_signed(by)),
        2 => (-3i32..4).prop_map(move |by| base.wrapping_add_signed(by)),
        1 => any::<u32>(),
        1 => (-3i32..4).prop_map(move |by| base.wrapping_add(1 << 31).wrapping_add_signed(by)),
    ]
}

#[derive(Clone, Debug)]
enum Act {
    Forge { at: (i64, i64), flags: u8, window: u16, options: Vec<u8>, payload: usize },
    Wait(u64),
    Write(usize),
    Read(usize),
    Close,
    Honest,
}

fn act() -> impl Strategy<Value = Act> {
    let offset = || {
        prop_oneof![
            8 => Just(0),
            4 => -3i64..4,
            4 => -70_000i64..140_000,
            1 => any::<i64>(),
            1 => (1i64 << 31) - 3..(1 << 31) + 3,
        ]
    };
    let flags = prop_oneof![4 => Just(tcp::ACK), 2 => Just(tcp::ACK | tcp::FIN), 2 => any::<u8>()];
    let window = prop_oneof![Just(0u16), Just(1), Just(u16::MAX), any::<u16>()];
    let options = proptest::collection::vec(0..16u8, 0..40);
    let payload = prop_oneof![Just(0usize), Just(1), 0..1_400usize];
    prop_oneof![
        10 => ((offset(), offset()), flags, window, options, payload).prop_map(
            |(at, flags, window, options, payload)| {
                Act::Forge { at, flags, window, options, payload }
            }
        ),
        2 => prop_oneof![Just(10 * MS), Just(SEC), Just(4 * SEC), Just(20 * SEC)]
            .prop_map(Act::Wait),
        2 => (1..70_000usize).prop_map(Act::Write),
        2 => (1..70_000usize).prop_map(Act::Read),
        1 => Just(Act::Close),
        2 => Just(Act::Honest),
    ]
}

/// The server's next sequence number and the one it expects, from the last segment it sent.
fn numbers(server: &Station) -> Option<(u32, u32)> {
    let frame = server.out.frames.back()?;
    let packet = ipv4::parse(ether::parse(frame).ok()?.payload).ok()?;
    let segment = tcp::parse(packet.payload).ok()?;
    let header = segment.header;
    let control = u32::from(header.has(tcp::SYN)) + u32::from(header.has(tcp::FIN));
    let next = header.sequence.get().wrapping_add(control + segment.payload.len() as u32);
    Some((next, header.acknowledgment.get()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_frames(
        frames in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..120),
            1..40,
        ),
    ) {
        let mut server = Station::new(interface(2), config(2));
        server.host.listen(PORT).unwrap();
        for (at, bytes) in frames.iter().enumerate() {
            let mut frame = bytes.clone();
            if frame.len() >= 14 && at % 2 == 0 {
                frame[..6].copy_from_slice(&interface(2).mac);
                frame[12..14].copy_from_slice(&[8, if at % 4 == 0 { 0 } else { 6 }]);
            }
            let (now, all) = (at as u64, RxChecks { ipv4: true, l4: true });
            server.host.on_frame(now, &frame, all, &mut server.out);
            server.host.poll(now, &mut server.out);
        }
    }

    /// A peer that knows our numbers and lies about everything else, in all the states of a
    /// connection.
    #[test]
    fn a_lying_peer(
        first in near(0),
        option_scale in 0..20u8,
        rx_bytes in prop_oneof![Just(1_024), Just(65_535)],
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let tcp =
            TcpConfig { slots: 2, rx_bytes, tx_bytes: 100_000, seed: 5, ..TcpConfig::default() };
        let mut server = Station::new(interface(2), net::HostConfig { tcp, ..config(2) });
        server.host.listen(PORT).unwrap();
        let syn = Forged {
            src_port: 9, sequence: first, acknowledgment: 0, flags: tcp::SYN, window: 500,
            options: vec![2, 4, 0, 0, 3, 3, option_scale, 4, 2], payload: vec![],
        };
        let (mut now, checks) = (SEC, RxChecks::default());
        server.hear(now, &frame(&syn));
        let (mut ours, mut theirs) = numbers(&server).unwrap_or((0, first));
        let mut conn: Option<ConnId> = None;
        for act in acts {
            conn = server.accepted().last().copied().or(conn);
            match (act, conn) {
                (Act::Forge { at, flags, window, options, payload }, _) => {
                    let forged = Forged {
                        src_port: 9,
                        sequence: theirs.wrapping_add(at.0 as u32),
                        acknowledgment: ours.wrapping_add(at.1 as u32),
                        flags, window, options, payload: vec![1; payload],
                    };
                    let _ = server.host.on_frame(now, &frame(&forged), checks, &mut server.out);
                }
                (Act::Honest, _) => {
                    let honest = Forged {
                        src_port: 9, sequence: theirs, acknowledgment: ours, flags: tcp::ACK,
                        window: 5_000, options: vec![], payload: vec![2; 100],
                    };
                    server.hear(now, &frame(&honest));
                }
                (Act::Wait(ns), _) => now += ns,
                (Act::Write(len), Some(conn)) => {
                    server.host.send(conn, 1, |room| room.len().min(len));
                }
                (Act::Read(len), Some(conn)) => {
                    server.host.recv(conn, |bytes| bytes.len().min(len));
                }
                (Act::Close, Some(conn)) => server.host.close(conn),
                (Act::Write(_) | Act::Read(_) | Act::Close, None) => {}
            }
            server.host.poll(now, &mut server.out);
            server.drain_events();
            (ours, theirs) = numbers(&server).unwrap_or((ours, theirs));
            prop_assert!(server.out.frames.len() < 2_000, "no storm of frames");
            server.out.frames.clear();
        }
        // Whatever it did, it is over when the peer is silent.
        for _ in 0..600 {
            now += 100 * MS;
            server.host.poll(now, &mut server.out);
            server.drain_events();
        }
        prop_assert_eq!(server.host.tcp().free_slots(), 2);
    }

    /// Real traffic with spoilt bytes whose checksums were made right again by nobody looking at
    /// them.
    #[test]
    fn spoilt_traffic(seed in any::<u64>()) {
        let mut pair = Pair::new(4);
        pair.random = Random(seed);
        let (a, b) = pair.connected();
        for _ in 0..60 {
            pair.a.host.send_all(a, &[1; 200]);
            pair.b.host.send_all(b, &[2; 200]);
            pair.a.host.poll(pair.now, &mut pair.a.out);
            pair.b.host.poll(pair.now, &mut pair.b.out);
            for at_a in [false, true] {
                let (from, to) =
                    if at_a { (&mut pair.b, &mut pair.a) } else { (&mut pair.a, &mut pair.b) };
                while let Some(mut frame) = from.out.frames.pop_front() {
                    for _ in 0..pair.random.below(4) {
                        let at = 14 + pair.random.below(frame.len() as u64 - 14) as usize;
                        frame[at] = pair.random.next() as u8;
                    }
                    let all = RxChecks { ipv4: true, l4: true };
                    let heard = to.host.on_frame(pair.now, &frame, all, &mut to.out);
                    if let Input::Tcp(data) = heard {
                        to.host.read(data, <[u8]>::len);
                    }
                    if to.out.frames.len() > 100 {
                        break;
                    }
                }
            }
            pair.now += 20 * MS;
        }
    }
}

#[test]
fn an_honest_connection_goes_on_among_forgeries() {
    let mut pair = Pair::new(4);
    let (a, b) = pair.connected();
    let port = pair.b.host.tcp().remote(b).unwrap().port();
    let mut random = Random(9);
    for round in 0..2_000u64 {
        // Without our numbers a forger has to guess them: here it never does.
        let forged = Forged {
            src_port: if random.chance(50) { port } else { random.next() as u16 },
            sequence: 1 << 31 | random.next() as u32 >> 4,
            acknowledgment: random.next() as u32,
            flags: random.next() as u8 & !tcp::RST,
            window: random.next() as u16,
            options: vec![],
            payload: vec![0; random.below(100) as usize],
        };
        pair.b.hear(pair.now, &frame(&forged));
        if round % 10 == 0 {
            assert!(pair.a.host.send_all(a, &round.to_be_bytes()));
            pair.run(MS);
            assert_eq!(pair.b.read(b), round.to_be_bytes());
        }
    }
    assert_eq!(pair.b.host.state(b), ConnState::Established);
}

/// Data at the far end of the window that the server's SYN|ACK gave, before it has said anything
/// else.
#[test]
fn the_first_window_is_not_taken_for_more_than_it_is() {
    for offset in [0, 60_000, 64_500, 65_535, 66_000, 99_000, 131_000] {
        let tcp = TcpConfig { slots: 2, rx_bytes: net::RX_BYTES_MAX, ..TcpConfig::default() };
        let mut server = Station::new(interface(2), net::HostConfig { tcp, ..config(2) });
        server.host.listen(PORT).unwrap();
        let mut segment = Forged {
            src_port: 9,
            sequence: 0,
            acknowledgment: 0,
            flags: tcp::SYN,
            window: 500,
            options: vec![2, 4, 5, 0, 3, 3, 0, 4, 2],
            payload: vec![],
        };
        server.hear(0, &frame(&segment));
        let (ours, theirs) = numbers(&server).unwrap();
        segment = Forged {
            sequence: theirs + offset,
            acknowledgment: ours,
            flags: tcp::ACK,
            payload: vec![1; 1_000],
            ..segment
        };
        server.hear(0, &frame(&segment));
        assert_eq!(server.accepted().len(), usize::from(offset < 65_535), "{offset}");
    }
}
