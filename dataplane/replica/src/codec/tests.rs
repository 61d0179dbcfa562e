//! The layout: what is written is read again, and nothing else is.

use super::*;
use crate::members::{Change, Members};
use crate::{EntryKind, PAYLOAD_BYTES_MAX};
use proptest::prelude::*;

const US: Seal = Seal { cluster: [5; 16], config: 0x1234_5678_9abc_def0, node: 2 };
const THEM: Seal = Seal { node: 1, ..US };

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..100u64, 0..NUMBER_MAX]
}

fn kind() -> impl Strategy<Value = Kind> {
    (1..=12u8).prop_map(|byte| Kind::from_byte(byte).unwrap())
}

fn entries() -> impl Strategy<Value = Vec<(EntryKind, Vec<u8>)>> {
    let opaque = proptest::collection::vec(any::<u8>(), 1..200);
    let change = prop_oneof![
        (1..100u64).prop_map(Change::AddVoter),
        (1..100u64).prop_map(Change::AddLearner),
        (1..100u64).prop_map(Change::Remove),
    ];
    let entry = prop_oneof![
        opaque.prop_map(|payload| (EntryKind::Opaque, payload)),
        change.prop_map(|change| (EntryKind::Change, change.to_bytes().to_vec())),
        Just((EntryKind::Noop, vec![])),
    ];
    proptest::collection::vec(entry, 0..6)
}

/// A datagram of that kind with these numbers in it, as a sender would write it.
fn written(kind: Kind, n: [u64; 6], reject: bool, entries: &[(EntryKind, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0; 8192];
    let term = n[0].max(1);
    let ids = [1, 3, 4, 9].map(U64::new);
    let nr = |at: usize| -> U64 { n[at].into() };
    let no = |at: usize| -> U64 { if reject { nr(at) } else { U64::ZERO } };
    let index = n[1].max(1);
    let body = match kind {
        Kind::Append => {
            let log_term = n[2].min(term).max(1);
            let (index, log_term, commit) = (index.into(), log_term.into(), nr(3));
            let mut writer = AppendWriter::new(&AppendBody { index, log_term, commit }, &mut out);
            for (kind, payload) in entries {
                assert!(writer.push(term, *kind, payload));
            }
            let len = writer.finish(&THEM, US.node, term, n[4]);
            out.truncate(len);
            return out;
        }
        Kind::AppendReply => {
            let (index, commit, log_term, hint, snapshot) = (nr(1), nr(2), no(3), no(4), no(5));
            Body::AppendReply(AppendReplyBody { index, log_term, commit, hint, snapshot })
        }
        Kind::Heartbeat | Kind::HeartbeatReply => Body::Commit(CommitBody { commit: nr(1) }),
        Kind::Vote | Kind::PreVote => Body::Vote(VoteBody {
            index: nr(1),
            log_term: n[2].min(term - 1).into(),
            commit: n[3].min(n[1]).into(),
            commit_term: nr(4),
            priority: (n[5] as i64).into(),
        }),
        Kind::VoteReply | Kind::PreVoteReply => {
            Body::VoteReply(VoteReplyBody { commit: nr(1), commit_term: nr(2) })
        }
        Kind::TimeoutNow => Body::TimeoutNow,
        Kind::Offer => Body::Offer(
            OfferBody {
                index: index.into(),
                log_term: n[2].min(term).max(1).into(),
                bytes: n[3].max(1).into(),
                digest: nr(4),
                voters: 3.into(),
                zero: [0; 6],
            },
            &ids,
        ),
        Kind::SnapshotChunk => {
            let body = SnapshotChunkBody { index: index.into(), digest: nr(2), offset: nr(3) };
            Body::SnapshotChunk(body, &[9; 700])
        }
        Kind::SnapshotAck => {
            let body = SnapshotAckBody { index: index.into(), digest: nr(2), offset: nr(3) };
            Body::SnapshotAck(body)
        }
    };
    let flags = if reject { kind.flags_allowed() } else { 0 };
    let datagram = Datagram { peer: US.node, term, stamp: n[4], kind, flags, body };
    let len = encode(&THEM, &datagram, &mut out);
    out.truncate(len);
    out
}

/// Changes bytes and makes the checksum fit again.
fn resealed(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn any_datagram() -> impl Strategy<Value = Vec<u8>> {
    let numbers = [number(), number(), number(), number(), number(), number()];
    (kind(), numbers, any::<bool>(), entries())
        .prop_map(|(kind, numbers, reject, entries)| written(kind, numbers, reject, &entries))
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_written_again(bytes in any_datagram()) {
        let datagram = decode(&US, &bytes).unwrap();
        prop_assert_eq!(datagram.peer, THEM.node);
        let back = Datagram { peer: US.node, ..datagram };
        let mut out = vec![0; 8192];
        let len = encode(&THEM, &back, &mut out);
        prop_assert_eq!(&out[..len], &bytes[..]);
        prop_assert_eq!(peek(&bytes), Some(THEM));
    }

    #[test]
    fn a_flipped_bit_a_cut_and_a_byte_more_are_refused(
        bytes in any_datagram(),
        at in any::<usize>(),
    ) {
        let mut flipped = bytes.clone();
        flipped[at / 8 % bytes.len()] ^= 1 << (at % 8);
        prop_assert!(decode(&US, &flipped).is_err());
        prop_assert!(decode(&US, &bytes[..at % bytes.len()]).is_err());
        let longer = [&bytes[..], &[0]].concat();
        prop_assert!(decode(&US, &longer).is_err());
        let longer = resealed(&longer, |_| {});
        prop_assert_eq!(decode(&US, &longer), Err(Refused::Malformed));
    }

    #[test]
    fn bytes_that_somebody_sealed_on_purpose_do_no_harm(
        bytes in any_datagram(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let hostile = resealed(&bytes, |bytes| {
            for (at, byte) in &changes {
                let at = at % bytes.len();
                bytes[at] = *byte;
            }
        });
        // Taken or refused, and what is taken is what a sender could have written.
        if let Ok(datagram) = decode(&US, &hostile) {
            let back = Datagram { peer: US.node, ..datagram };
            let seal = Seal { node: datagram.peer, ..US };
            let mut out = vec![0; 8192];
            let len = encode(&seal, &back, &mut out);
            prop_assert_eq!(&out[..len], &hostile[..]);
        }
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(decode(&US, &bytes).is_err());
        let _ = peek(&bytes);
    }
}

#[test]
fn every_single_bit_of_every_kind_counts() {
    let entries = [(EntryKind::Opaque, vec![3; 40]), (EntryKind::Noop, vec![])];
    for byte in 1..=12 {
        let kind = Kind::from_byte(byte).unwrap();
        let bytes = written(kind, [7, 6, 5, 4, 3, 2], true, &entries);
        assert!(decode(&US, &bytes).is_ok(), "{kind:?}");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&US, &flipped).is_err(), "{kind:?}, bit {bit}");
        }
    }
}

#[test]
fn what_is_not_for_us_is_refused_by_name() {
    let bytes = written(Kind::Heartbeat, [7, 6, 5, 4, 3, 2], false, &[]);
    let with = |seal: Seal| decode(&seal, &bytes);
    assert_eq!(with(Seal { cluster: [6; 16], ..US }), Err(Refused::OtherCluster));
    assert_eq!(with(Seal { config: 1, ..US }), Err(Refused::OtherConfig));
    assert_eq!(with(Seal { node: 3, ..US }), Err(Refused::NotForUs));
    assert_eq!(decode(&US, &bytes[..60]), Err(Refused::Truncated));
    assert_eq!(decode(&US, &bytes[..bytes.len() - 1]), Err(Refused::Truncated));
    let newer = resealed(&bytes, |bytes| bytes[6] = VERSION + 1);
    assert_eq!(decode(&US, &newer), Err(Refused::Version));
    let other = resealed(&bytes, |bytes| bytes[4..6].copy_from_slice(b"IT"));
    assert_eq!(decode(&US, &other), Err(Refused::Magic));
    let unknown = resealed(&bytes, |bytes| bytes[7] = 13);
    assert_eq!(decode(&US, &unknown), Err(Refused::Malformed));
}

#[test]
fn an_append_takes_what_fits_and_no_more() {
    let head = AppendBody { index: 9.into(), log_term: 1.into(), commit: 0.into() };
    let mut out = [0; 1472];
    let mut writer = AppendWriter::new(&head, &mut out);
    let took = (0..100).take_while(|_| writer.push(2, EntryKind::Opaque, &[1; 81])).count();
    let len = writer.finish(&THEM, US.node, 2, 0);
    assert_eq!(took, (1472 - HEADER_BYTES - 24) / (12 + 81));
    let Ok(Datagram { body: Body::Append(_, entries), .. }) = decode(&US, &out[..len]) else {
        panic!("an append");
    };
    let indices: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
    assert_eq!(indices, (10..10 + took as u64).collect::<Vec<_>>());
    let mut out = [0; crate::DATAGRAM_BYTES_MIN];
    let mut writer = AppendWriter::new(&head, &mut out);
    assert!(writer.push(2, EntryKind::Opaque, &[1; PAYLOAD_BYTES_MAX]), "the largest fits alone");
}

#[test]
fn an_offer_names_its_members() {
    let bytes = written(Kind::Offer, [7, 6, 5, 4, 3, 2], false, &[]);
    let meta = decode(&US, &bytes).unwrap().body.snapshot().unwrap();
    let members =
        Members { learners: [9].into_iter().collect(), ..Members::of_voters(&[1, 3, 4]).unwrap() };
    assert_eq!((meta.index, meta.term, meta.bytes, meta.digest), (6, 5, 4, 3));
    assert_eq!(meta.members, members);
}
