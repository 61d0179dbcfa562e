//! TCP between two hosts on a virtual clock.
mod common;

use common::*;
use net::ConnState;

/// Sends `bytes` both ways at once and compares what arrives.
fn stream_both_ways(pair: &mut Pair, bytes: usize, limit_ns: u64) {
    let (a, b) = pair.connected();
    let data: Vec<u8> = (0..bytes).map(|i| (i * 31 + i / 251) as u8).collect();
    let (mut sent_a, mut sent_b) = (0, 0);
    let (mut got_a, mut got_b) = (Vec::new(), Vec::new());
    pair.run_until(limit_ns, |pair| {
        for (station, conn, sent) in [(&mut pair.a, a, &mut sent_a), (&mut pair.b, b, &mut sent_b)]
        {
            while *sent < data.len() {
                let wrote = station.host.send(conn, 1, |room| {
                    let n = room.len().min(data.len() - *sent);
                    room[..n].copy_from_slice(&data[*sent..*sent + n]);
                    n
                });
                match wrote {
                    Some(n) => *sent += n,
                    None => break,
                }
            }
            station.host.flush(pair.now, conn, &mut station.out);
        }
        got_a.extend(pair.a.read(a));
        got_b.extend(pair.b.read(b));
        got_a.len() >= data.len() && got_b.len() >= data.len()
    });
    assert!(got_a == data && got_b == data);
}

#[test]
fn a_stream_arrives_equal_both_ways() {
    let mut pair = Pair::new(4);
    stream_both_ways(&mut pair, 1 << 20, 10 * SEC);
    assert_eq!(pair.a.host.counters().tcp.answers_lost, 0);
}

#[test]
fn a_stream_survives_a_bad_wire() {
    let mut pair = Pair::new(4);
    pair.harm = Harm { lose: 1, double: 2, reorder: 3, spoil: 1 };
    stream_both_ways(&mut pair, 1 << 20, 3_600 * SEC);
}

#[test]
fn connect_then_close_both_ways() {
    let mut pair = Pair::new(4);
    let (a, b) = pair.connected();
    assert_eq!(pair.a.host.state(a), ConnState::Established);
    assert_eq!(pair.b.host.state(b), ConnState::Established);
}
