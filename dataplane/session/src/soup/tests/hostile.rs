//! Arbitrary bytes: never a panic, and always one typed end.

use super::*;
use proptest::prelude::*;

/// Bytes that often get past the first checks: packets of plausible types and lengths, some of them
/// damaged, and plain noise.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let types = prop::sample::select(b"+LAJSUHRZO?".to_vec());
    let payload = prop::collection::vec(any::<u8>(), 0..60);
    let packet = (types, payload, prop::option::weighted(0.1, any::<u16>())).prop_map(
        |(kind, payload, lie)| {
            let length = lie.unwrap_or(1 + payload.len() as u16);
            [&length.to_be_bytes()[..], &[kind], &payload].concat()
        },
    );
    let heartbeats = prop::sample::select(vec![*b"\0\x01R", *b"\0\x01H"]).prop_map(Vec::from);
    let noise = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::vec(prop_oneof![packet, heartbeats, noise], 0..12).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn a_server_survives(login in any::<bool>(), stream in stream(), cut in 1usize..50) {
        let mut bench = Bench::new();
        if login {
            bench.login("ANN", "", 1).unwrap();
        }
        let mut ends: Vec<_> =
            stream.chunks(cut).filter_map(|chunk| bench.bytes(0, chunk).err()).collect();
        ends.extend(bench.check(60 * SECOND).err());
        ends.extend(bench.check(90 * SECOND).err());
        prop_assert_eq!(ends.len(), 1);
        prop_assert_eq!(bench.desk.logins, bench.desk.logouts.len());
        prop_assert_eq!(bench.sessions.disconnects().get(ends[0]), 1);
        bench.pump(90 * SECOND);
        prop_assert!(bench.server.is_drained());
        prop_assert!(!bench.sessions.in_use(WHO));
    }

    #[test]
    fn a_client_survives(accept in any::<bool>(), stream in stream(), cut in 1usize..50) {
        let mut client = client(1);
        let mut seen = Trader::default();
        if accept {
            client.on_bytes(0, &accepted(b"DAY1      ", "1"), &mut seen).unwrap();
        }
        let mut ends: Vec<_> = stream
            .chunks(cut)
            .filter_map(|chunk| client.on_bytes(0, chunk, &mut seen).err())
            .collect();
        ends.extend(client.check(60 * SECOND).err());
        ends.extend(client.check(90 * SECOND).err());
        prop_assert_eq!(ends.len(), 1);
        prop_assert_eq!(client.counters().disconnects.get(ends[0]), 1);
        prop_assert_eq!(client.next_seq(), 1 + seen.sequenced.len() as u64);
    }

    /// How a stream is cut changes nothing at all.
    #[test]
    fn cuts_do_not_matter(stream in stream(), cut in 1usize..20) {
        let run = |size: usize| {
            let mut bench = Bench::new();
            bench.login("ANN", "", 1).unwrap();
            let end = stream.chunks(size).find_map(|chunk| bench.bytes(0, chunk).err());
            (end, bench.desk.messages, bench.desk.logouts, *bench.server.counters())
        };
        prop_assert_eq!(run(cut), run(stream.len().max(1)));
    }
}
