//! Our TCP against one that others wrote, `smoltcp`'s, over a wire that loses, doubles and
//! reorders: both streams arrive whole whichever side asked for the connection, and both sides
//! close.
#![allow(clippy::unwrap_used, reason = "only tests use it")]
mod common;

use common::*;
use net::{ConnId, ConnState, HostConfig, TcpConfig};
use proptest::prelude::*;
use smoltcp::iface::{Config, Interface as Stack, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::collections::VecDeque;
use wire::ether;

/// Packets to and from the peer.
#[derive(Default)]
struct Phy {
    rx: VecDeque<Vec<u8>>,
    tx: Vec<Vec<u8>>,
}

struct Received(Vec<u8>);
struct Room<'a>(&'a mut Vec<Vec<u8>>);

impl Device for Phy {
    type RxToken<'a> = Received;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Room<'_>)> {
        Some((Received(self.rx.pop_front()?), Room(&mut self.tx)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        Some(Room(&mut self.tx))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1_500;
        capabilities.checksum = ChecksumCapabilities::default();
        capabilities
    }
}

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut packet = vec![0; len];
        let answer = write(&mut packet);
        self.0.push(packet);
        answer
    }
}

/// Station 1, which is `smoltcp`'s.
struct Other {
    stack: Stack,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    phy: Phy,
}

fn instant(now: u64) -> Instant {
    Instant::from_micros((now / US) as i64)
}

impl Other {
    fn new(seed: u64, ring: usize) -> Other {
        let mut phy = Phy::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut stack = Stack::new(config, &mut phy, Instant::ZERO);
        stack.update_ip_addrs(|list| {
            list.push(IpCidr::new(IpAddress::Ipv4(ip(1)), 24)).unwrap();
        });
        let buffer = || SocketBuffer::new(vec![0; ring]);
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(Socket::new(buffer(), buffer()));
        Other { stack, sockets, handle, phy }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    fn connect(&mut self) {
        let socket = self.sockets.get_mut::<Socket<'static>>(self.handle);
        socket.connect(self.stack.context(), (IpAddress::Ipv4(ip(2)), PORT), 700).unwrap();
    }

    fn poll(&mut self, now: u64) {
        self.stack.poll(instant(now), &mut self.phy, &mut self.sockets);
    }
}

/// Both and the wire between them.
struct Link {
    ours: Station,
    other: Other,
    there: Weather,
    back: Weather,
    now: u64,
}

impl Link {
    fn step(&mut self) {
        let now = self.now;
        self.other.poll(now);
        for packet in self.other.phy.tx.drain(..) {
            let mut frame = vec![0; 14];
            ether::write(&mut frame, interface(2).mac, interface(1).mac, None, ether::IPV4);
            frame.extend(packet);
            self.there.put(now, frame);
        }
        while let Some(frame) = self.there.take(now) {
            self.ours.hear(now, &frame);
        }
        self.ours.host.poll(now, &mut self.ours.out);
        self.ours.drain_events();
        for frame in self.ours.out.frames.drain(..).collect::<Vec<_>>() {
            let parsed = ether::parse(&frame).unwrap();
            if parsed.ethertype == ether::IPV4 {
                self.back.put(now, parsed.payload.to_vec());
                continue;
            }
            let answer = wire::arp::parse(parsed.payload).unwrap().reply(interface(1).mac);
            let mut frame = vec![0; 14];
            ether::write(&mut frame, interface(2).mac, interface(1).mac, None, ether::ARP);
            frame.extend(wire::IntoBytes::as_bytes(&answer));
            self.ours.hear(now, &frame);
        }
        while let Some(packet) = self.back.take(now) {
            self.other.phy.rx.push_back(packet);
        }
        self.now += 50 * US;
    }
}

const BYTES: usize = 30_000;

fn byte(at: usize) -> u8 {
    (at ^ at >> 7) as u8
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn streams_arrive_whole_and_end(
        seed in any::<u64>(),
        (lose, double, reorder) in (0..15u64, 0..15u64, 0..50u64),
        (we_connect, ours_first) in any::<(bool, bool)>(),
        ring in 1_024..9_000usize,
        // How many steps of 50 µs the peer sleeps between two readings: its window closes. Ours
        // does not: `smoltcp` 0.14 repeats a segment that our window has no room for whole, and
        // never again what was cut off. `storm.rs` closes it.
        lazy in 1..200u64,
    ) {
        // Its least retransmission time is a second, so ours has to be patient.
        let tcp = TcpConfig {
            seed,
            rx_bytes: 16_384,
            tx_bytes: 4_096,
            timeout_ns: 1_000 * SEC,
            user_timeout_ns: 1_000 * SEC,
            close_ns: 1_000 * SEC,
            ..config(2).tcp
        };
        let ours = Station::new(interface(2), HostConfig { tcp, ..config(2) });
        let harm = Harm { lose, double, reorder, spoil: 0 };
        let (there, back) = (Weather::new(harm, seed), Weather::new(harm, !seed));
        let mut link = Link { ours, other: Other::new(seed, ring), there, back, now: SEC };
        let mut conn: Option<ConnId> = None;
        if we_connect {
            link.other.socket().listen(PORT).unwrap();
            conn = Some(link.ours.host.connect(link.now, 0, at(1, PORT)).unwrap());
        } else {
            link.ours.host.listen(PORT).unwrap();
            link.other.connect();
        }
        let (mut sent, mut told) = (0, 0);
        let (mut heard, mut got) = (Vec::new(), Vec::new());
        let mut step = 0u64;
        while heard.len() < BYTES || got.len() < BYTES {
            prop_assert!(link.now < 900 * SEC, "{} and {} arrived", heard.len(), got.len());
            link.step();
            step += 1;
            // Not only once ours has accepted: `smoltcp` acknowledges a SYN that it knows once a
            // second at most, and where all of that is lost, only data tells that it is there.
            let socket = link.other.socket();
            if socket.may_send() && told < BYTES {
                told += socket.send(|room| {
                    let len = room.len().min(BYTES - told);
                    (0..len).for_each(|i| room[i] = byte(told + i));
                    (len, len)
                }).unwrap();
            }
            while step.is_multiple_of(lazy) && socket.can_recv() {
                socket.recv(|bytes| { got.extend_from_slice(bytes); (bytes.len(), ()) }).unwrap();
            }
            conn = conn.or_else(|| link.ours.accepted().first().copied());
            let Some(conn) = conn else { continue };
            while sent < BYTES
                && let Some(wrote) = link.ours.host.send(conn, 1, |room| {
                    let len = room.len().min(BYTES - sent).min(777);
                    (0..len).for_each(|i| room[i] = byte(sent + i));
                    len
                })
            {
                sent += wrote;
            }
            heard.extend(link.ours.read(conn));
        }
        prop_assert!(heard.iter().enumerate().all(|(at, b)| *b == byte(at)));
        prop_assert!(got.iter().enumerate().all(|(at, b)| *b == byte(at)));
        // Only now: `smoltcp` 0.14 forgets what it has under way when a FIN comes.
        let conn = conn.unwrap();
        if ours_first {
            link.ours.host.close(conn);
        } else {
            link.other.socket().close();
        }
        (0..10).for_each(|_| link.step());
        link.ours.host.close(conn);
        link.other.socket().close();
        let end = link.now + 60 * SEC;
        while !(link.ours.host.state(conn) == ConnState::Closed
            && matches!(link.other.socket().state(), State::Closed | State::TimeWait))
        {
            prop_assert!(link.now < end, "{:?}", link.other.socket().state());
            link.step();
        }
        prop_assert_eq!(link.ours.closed(conn), Some(net::CloseReason::Finished));
    }
}
