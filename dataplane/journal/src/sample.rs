//! Commands and segments for tests, and the plain account of them that reading is held against.

use crate::Identity;
use crate::batch::{Batch, FOOTER, Place};
use crate::layout::{BATCH_HEADER_BYTES, BLOCK_BYTES, RECORD_BYTES_MAX, SegmentHeader, blocks_up};
use crate::record::{self, Chain, Cursor, Entry, HardState, Payload};
use proptest::prelude::*;
use types::*;

pub(crate) const IDENTITY: Identity = Identity { cluster: *b"a cluster of one", node: 3 };

/// Of every kind one after the other, with what `seed` makes of its fields.
pub(crate) fn command(seed: u64) -> Command {
    let session = SessionId(seed as u16);
    let user_ref = UserRef(seed.wrapping_mul(0x9E37_79B9) as u32);
    let qty = Qty(seed as u32 % 1000);
    let symbol = Symbol(*b"PERE    ");
    let cl_ord_id = ClOrdId(*b"order of a day");
    let terms = Terms { expire_s: seed as u32, post_only: PostOnly::Slide, ..Terms::default() };
    match seed % 9 {
        0 => Command::Cancel(Cancel { session, user_ref, qty }),
        1 => Command::Replace(Replace {
            session,
            orig: UserRef(7),
            user_ref,
            qty,
            price: Price(seed as u32),
            terms,
            cl_ord_id,
        }),
        2 => Command::Modify(Modify { session, user_ref, side: OrderSide::SellShort, qty }),
        3 => Command::MassCancel(MassCancel { session, user_ref, firm: Firm::BLANK, symbol }),
        4 => Command::Permit(Permit { session, user_ref, firm: Firm(*b"ABCD"), enable: true }),
        5 => Command::Refused(Refused {
            session,
            user_ref,
            reason: RejectReason::FatFinger,
            cl_ord_id,
        }),
        6 => Command::Operate(Operation::TransferShares {
            from: AccountId(1),
            to: AccountId(2),
            symbol: SymbolId(3),
            qty: seed,
        }),
        _ => Command::Enter(Enter {
            session,
            user_ref,
            account: AccountId(seed as u16),
            firm: Firm(*b"ABCD"),
            side: OrderSide::Buy,
            qty,
            symbol,
            price: Price(1_234_500),
            terms,
            cross: CrossKind::None,
            capacity: OrderCapacity::Agency,
            cl_ord_id,
        }),
    }
}

/// Of every kind that takes a sequence.
pub(crate) fn payload(seed: u64) -> Payload<'static> {
    let command = command(seed);
    let optional: &[u8] = if seed.is_multiple_of(3) { b"\x05\x01ABCD" } else { b"" };
    match (seed % 41, command) {
        (0, _) => Payload::Input(Input::AccountQuery(SessionId(seed as u16))),
        (1, _) => Payload::Input(Input::Open(Open { trades: true, date: 20_000, config: seed })),
        (2, _) => Payload::Input(Input::Close),
        (3, _) => Payload::Input(Input::Nothing),
        (4, _) => Payload::Input(Input::Scheduled(Operation::Clock)),
        (5, _) => Payload::Opaque(b""),
        (6, _) => Payload::Opaque(&[0xAB; crate::OPAQUE_BYTES_MAX]),
        (7, _) => Payload::Membership(b"three of five"),
        (
            _,
            Command::Enter(Enter { cl_ord_id, .. }) | Command::Replace(Replace { cl_ord_id, .. }),
        ) => {
            let echo = Echo { display: b'N', capacity: b'A', iso: b'Y', cl_ord_id, optional };
            Payload::Input(Input::Command(command, echo))
        }
        _ => Payload::Input(Input::Command(command, Echo::default())),
    }
}

pub(crate) fn entry(sequence: u64, seed: u64) -> Entry<'static> {
    Entry { sequence, epoch: 2, now: Nanos(seed ^ sequence), payload: payload(seed) }
}

/// What takes no sequence, behind record `sequence`.
pub(crate) fn state(sequence: u64, term: u64) -> Entry<'static> {
    let payload = Payload::HardState(HardState { term, vote: 3, commit: sequence });
    Entry { sequence, epoch: 2, now: Nanos(0), payload }
}

/// A record that outlives the bytes it was read from.
pub(crate) fn kept(entry: &Entry<'_>) -> Entry<'static> {
    fn forever(bytes: &[u8]) -> &'static [u8] {
        bytes.to_vec().leak()
    }
    let payload = match entry.payload {
        Payload::Input(Input::Command(command, echo)) => {
            let Echo { display, capacity, iso, cl_ord_id, optional } = echo;
            let echo = Echo { display, capacity, iso, cl_ord_id, optional: forever(optional) };
            Payload::Input(Input::Command(command, echo))
        }
        Payload::Input(Input::Scheduled(operation)) => Payload::Input(Input::Scheduled(operation)),
        Payload::Input(Input::AccountQuery(who)) => Payload::Input(Input::AccountQuery(who)),
        Payload::Input(Input::Open(open)) => Payload::Input(Input::Open(open)),
        Payload::Input(Input::Close) => Payload::Input(Input::Close),
        Payload::Input(Input::Nothing) => Payload::Input(Input::Nothing),
        Payload::Opaque(bytes) => Payload::Opaque(forever(bytes)),
        Payload::Membership(bytes) => Payload::Membership(forever(bytes)),
        Payload::HardState(state) => Payload::HardState(state),
    };
    let Entry { sequence, epoch, now, .. } = *entry;
    Entry { sequence, epoch, now, payload }
}

/// Where a record lies, as the one who put it there knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lies {
    pub(crate) sequence: u64,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct BatchLies {
    pub(crate) from: usize,
    pub(crate) records: Vec<Lies>,
    pub(crate) used_end: usize,
    pub(crate) padded_end: usize,
    pub(crate) next_sequence: u64,
    pub(crate) durable_through: u64,
}

/// A segment put together in memory.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) header: SegmentHeader,
    pub(crate) start: Cursor,
    pub(crate) entries: Vec<Entry<'static>>,
    pub(crate) batches: Vec<BatchLies>,
}

impl Sample {
    pub(crate) fn tail(&self) -> usize {
        self.batches.last().map_or(BLOCK_BYTES, |batch| batch.padded_end)
    }
}

/// Batches of as many records as `sizes` says, each claiming all but the `lag` batches before it.
pub(crate) fn sample(sizes: &[usize], lag: usize, seed: u64, blank_blocks: usize) -> Sample {
    let chain = Chain([9; 32]);
    let mut header = SegmentHeader {
        identity: IDENTITY,
        index: 4,
        first_sequence: 1001,
        epoch: 2,
        segment_bytes: 0,
        created_ns: 77,
        chain: chain.0,
    };
    let start = Cursor { next_sequence: 1001, epoch: 2, chain };
    let (mut bytes, mut entries, mut batches) = (vec![0; BLOCK_BYTES], Vec::new(), Vec::new());
    let mut ends = vec![1000; lag + 1];
    let (mut next, mut cursor) = (1001, start);
    for &size in sizes {
        let from = bytes.len();
        let room = BATCH_HEADER_BYTES + size * RECORD_BYTES_MAX + FOOTER.len();
        bytes.resize(from + blocks_up(room), 0);
        let buffer = &mut bytes[from..];
        let mut batch = Batch::begin(next);
        let (mut records, mut at) = (Vec::new(), from + BATCH_HEADER_BYTES);
        for _ in 0..size {
            // Now and then one without a number: whose fault it is, the next sequence tells.
            let numbered = !seed.wrapping_add(entries.len() as u64).is_multiple_of(11);
            let seed = seed.wrapping_add(next);
            let entry = if numbered { entry(next, seed) } else { state(next - 1, seed) };
            batch.push(buffer, &entry, &mut cursor);
            let len = record::stated_len(&buffer[at - from..]).unwrap();
            records.push(Lies { sequence: next, from: at, to: at + len });
            entries.push(entry);
            (at, next) = (at + len, cursor.next_sequence);
        }
        let durable_through = ends[ends.len() - 1 - lag];
        let place = Place { segment: &header, offset: from as u64, durable_through, flags: 0 };
        let padded = batch.finish(buffer, &place);
        bytes.truncate(from + padded);
        ends.push(next - 1);
        batches.push(BatchLies {
            from,
            records,
            used_end: at + FOOTER.len(),
            padded_end: from + padded,
            next_sequence: next,
            durable_through,
        });
    }
    bytes.resize(bytes.len().max(7 * BLOCK_BYTES) + blank_blocks * BLOCK_BYTES, 0);
    header.segment_bytes = bytes.len() as u64;
    bytes[..BLOCK_BYTES].copy_from_slice(&header.encode());
    Sample { bytes, header, start, entries, batches }
}

pub(crate) fn samples() -> impl Strategy<Value = Sample> {
    (proptest::collection::vec(0..70_usize, 1..6), 0..3_usize, any::<u64>(), 1..4_usize)
        .prop_map(|(sizes, lag, seed, blank)| sample(&sizes, lag, seed, blank))
}
