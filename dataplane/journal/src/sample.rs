//! Commands and segments for tests, and the plain account of them that reading is held against.

use crate::Identity;
use crate::batch::{Batch, FOOTER, Place};
use crate::layout::{BATCH_HEADER_BYTES, BLOCK_BYTES, RECORD_BYTES_MAX, SegmentHeader, blocks_up};
use crate::record::{self, Chain, Cursor, Entry};
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

pub(crate) fn entry(sequence: u64, seed: u64) -> Entry {
    Entry { sequence, epoch: 2, now: Nanos(seed ^ sequence), command: command(seed) }
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
    pub(crate) entries: Vec<Entry>,
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
    let (mut next, mut chain) = (1001, chain);
    for &size in sizes {
        let from = bytes.len();
        let room = BATCH_HEADER_BYTES + size * RECORD_BYTES_MAX + FOOTER.len();
        bytes.resize(from + blocks_up(room), 0);
        let buffer = &mut bytes[from..];
        let mut batch = Batch::begin(next);
        let (mut records, mut at) = (Vec::new(), from + BATCH_HEADER_BYTES);
        for _ in 0..size {
            let entry = entry(next, seed.wrapping_add(next));
            batch.push(buffer, &entry, &mut chain);
            let len = record::stated_len(&buffer[at - from..]).unwrap();
            records.push(Lies { sequence: next, from: at, to: at + len });
            entries.push(entry);
            (at, next) = (at + len, next + 1);
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
