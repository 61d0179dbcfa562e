//! Once warm, the stack allocates nothing: not for echoes, connects, closes, floods, reports or
//! hostile frames.
mod common;

use common::*;
use heapwatch::{CountingAlloc, thread_allocations};
use net::{Input, NetEvent, RxChecks, TcpData};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Frames cross over in buffers made beforehand.
fn cross(now: u64, from: &mut Station, to: &mut Station, heard: &mut Heard) {
    while let Some(frame) = from.out.frames.pop_front() {
        match to.host.on_frame(now, &frame, RxChecks::default(), &mut to.out) {
            Input::Tcp(data) => echo(now, to, data),
            Input::Udp(_) => heard.datagrams += 1,
            Input::Handled | Input::Dropped(_) => {}
        }
        from.out.spare.push(frame);
    }
    while let Some(event) = to.host.next_event() {
        heard.accepted += usize::from(matches!(event, NetEvent::Accepted { .. }));
        heard.closed += usize::from(matches!(event, NetEvent::Closed { .. }));
        if let NetEvent::PeerClosed { conn } = event {
            to.host.close(conn);
        }
    }
}

#[derive(Default)]
struct Heard {
    datagrams: usize,
    accepted: usize,
    closed: usize,
}

/// Station 2 says what it hears back, station 1 only listens.
fn echo(now: u64, station: &mut Station, data: TcpData<'_>) {
    let (mut message, mut len) = ([0; 256], 0);
    station.host.read(data, |bytes| {
        let part = bytes.len().min(message.len() - len);
        message[len..len + part].copy_from_slice(&bytes[..part]);
        len += part;
        part
    });
    if station.host.interface().ip == ip(2) {
        station.host.send_all(data.conn(), &message[..len]);
    }
    station.host.flush(now, data.conn(), &mut station.out);
}

/// A day's life in small: one connection from its SYN to its end, with echoes, datagrams, pings and
/// rubbish.
fn live(pair: &mut Pair, rounds: u64, heard: &mut Heard) {
    let feed = std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(239, 1, 1, 1), 7);
    let mut flow = pair.a.host.multicast(7, feed, 1).expect("a group");
    let mut random = Random(3);
    for _ in 0..rounds {
        let conn = pair.a.host.connect(pair.now, 0, at(2, PORT)).expect("a free slot");
        for step in 0..40u64 {
            pair.a.host.send_all(conn, &step.to_be_bytes());
            let sent = flow.send(&mut pair.a.out, 60, |payload| payload.fill(1));
            assert!(sent);
            let mut rubbish = [0u8; 90];
            rubbish.fill_with(|| random.next() as u8);
            rubbish[..6].copy_from_slice(&interface(2).mac);
            rubbish[12..14].copy_from_slice(&[8, 0]);
            pair.b.host.on_frame(
                pair.now,
                &rubbish,
                RxChecks { ipv4: true, l4: true },
                &mut pair.b.out,
            );
            if step == 30 {
                pair.a.host.close(conn);
            }
            pair.a.host.poll(pair.now, &mut pair.a.out);
            pair.b.host.poll(pair.now, &mut pair.b.out);
            cross(pair.now, &mut pair.a, &mut pair.b, heard);
            cross(pair.now, &mut pair.b, &mut pair.a, heard);
            pair.now += 50 * MS;
        }
    }
}

#[test]
fn nothing_is_allocated_once_warm() {
    let mut pair = Pair::new(16);
    let spare = |n| (0..n).map(|_| Vec::with_capacity(2_048)).collect();
    for station in [&mut pair.a, &mut pair.b] {
        station.out.spare = spare(256);
        station.out.frames.reserve(512);
        station.out.spare.reserve(512);
        station.host.start(pair.now);
    }
    pair.b.host.listen(PORT).expect("a port");
    pair.b.host.join(pair.now, std::net::Ipv4Addr::new(239, 1, 1, 1)).expect("a group");
    let mut heard = Heard::default();
    live(&mut pair, 1, &mut heard);
    let before = thread_allocations();
    live(&mut pair, 200, &mut heard);
    let spent = thread_allocations().since(before);
    assert_eq!((spent.allocs, spent.frees), (0, 0));
    assert_eq!(heard.accepted, 201);
    assert!(heard.closed >= 401 && heard.datagrams > 8_000);
    assert!(heapwatch::is_counting());
}
