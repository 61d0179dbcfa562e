use super::*;
use crate::layout::HeaderFault;
use crate::sample::{Sample, kept, sample, samples};
use proptest::prelude::*;
use proptest::sample::Index;

fn read(bytes: &[u8], sample: &Sample) -> (Vec<Entry<'static>>, Result<Scanned, Damage>) {
    let mut entries = Vec::new();
    let result = scan(bytes, &sample.header, sample.start, |entry, _| entries.push(kept(entry)));
    (entries, result)
}

/// The naive account: records whose every byte is in the first `len`, of batches whose first
/// sector is.
fn whole_in(sample: &Sample, len: usize) -> usize {
    let mut count = 0;
    for batch in &sample.batches {
        if (batch.from + SECTOR_BYTES).min(batch.used_end) > len {
            return count;
        }
        let whole = batch.records.iter().filter(|record| record.to <= len).count();
        count += whole;
        if whole < batch.records.len() || batch.used_end > len {
            return count;
        }
    }
    count
}

/// Which offset and sequence a flip of the byte at `at` is to be named with, and how many records
/// are before it.
fn naive_damage(sample: &Sample, at: usize) -> (usize, u64, usize) {
    let (mut next, mut before) = (sample.header.first_sequence, 0);
    for batch in &sample.batches {
        if at < batch.from + BATCH_HEADER_BYTES {
            return (batch.from, next, before);
        }
        for record in &batch.records {
            if at < record.to {
                return (record.from, record.sequence, before);
            }
            before += 1;
        }
        next = batch.next_sequence;
        if at < batch.used_end {
            return (batch.used_end - FOOTER.len(), next, before);
        }
        if at < batch.padded_end {
            return (at, next, before);
        }
    }
    (sample.tail(), next, before)
}

fn flip(sample: &Sample, bit: usize) -> Result<(), TestCaseError> {
    let mut bytes = sample.bytes.clone();
    bytes[bit / 8] ^= 1 << (bit % 8);
    if bit / 8 < BLOCK_BYTES {
        let fault = SegmentHeader::decode(&bytes).expect_err("a flip in the segment's header");
        prop_assert_eq!(fault, HeaderFault::Checksum);
        return Ok(());
    }
    let (entries, result) = read(&bytes, sample);
    let (offset, sequence, before) = naive_damage(sample, bit / 8);
    prop_assert_eq!(&entries[..], &sample.entries[..before], "bit {}", bit);
    if bit / 8 >= sample.tail() + SECTOR_BYTES {
        let stray = Some(bit as u64 / 8);
        let end = End::Torn { offset: sample.tail() as u64, stray };
        prop_assert_eq!(result.map(|scanned| scanned.end), Ok(end), "bit {}", bit);
        return Ok(());
    }
    let Err(damage) = result else { panic!("bit {bit} was not found: {result:?}") };
    prop_assert_eq!((damage.offset, damage.sequence), (offset as u64, sequence), "bit {}", bit);
    Ok(())
}

#[test]
fn every_single_bit_of_a_segment_is_found_and_named() {
    let sample = sample(&[1, 30, 0, 9], 1, 5, 1);
    for bit in 0..sample.bytes.len() * 8 {
        flip(&sample, bit).unwrap();
    }
}

#[test]
fn a_lost_write_is_told_from_a_torn_one_by_what_was_claimed_later() {
    let sample = sample(&[9, 9, 9], 0, 1, 1);
    for (lost, batch) in sample.batches.iter().enumerate() {
        let mut bytes = sample.bytes.clone();
        bytes[batch.from..batch.padded_end].fill(0);
        let (entries, result) = read(&bytes, &sample);
        assert_eq!(entries.len(), 9 * lost);
        match result {
            Err(damage) => {
                assert!(lost < 2, "the last batch is claimed by none");
                assert_eq!((damage.offset, damage.what), (batch.from as u64, What::Lost));
            }
            Ok(scanned) => assert_eq!((lost, scanned.end), (2, End::Open)),
        }
    }
}

#[test]
fn a_record_of_the_past_or_of_elsewhere_is_named() {
    let one = sample(&[3], 0, 1, 1);
    let late = Cursor { epoch: 3, ..one.start };
    let damage = scan(&one.bytes, &one.header, late, |_, _| ()).unwrap_err();
    assert_eq!((damage.sequence, damage.what), (1001, What::Epoch(2)));
    let other = Cursor { chain: Default::default(), ..one.start };
    let damage = scan(&one.bytes, &one.header, other, |_, _| ()).unwrap_err();
    assert_eq!((damage.sequence, damage.what), (1001, What::Chain));
    let ahead = Cursor { next_sequence: 1002, ..one.start };
    let damage = scan(&one.bytes, &one.header, ahead, |_, _| ()).unwrap_err();
    assert_eq!(damage.what, What::Sequence(1001));
}

proptest! {
    #[test]
    fn what_was_written_is_read(sample in samples()) {
        let (entries, result) = read(&sample.bytes, &sample);
        prop_assert_eq!(&entries, &sample.entries);
        let scanned = result.expect("whole");
        prop_assert_eq!(scanned.end, End::Open);
        prop_assert_eq!(scanned.records, entries.len() as u64);
        prop_assert_eq!(scanned.batches, sample.batches.len() as u64);
        prop_assert_eq!(scanned.used_bytes, sample.tail() as u64);
    }

    #[test]
    fn any_truncation_keeps_what_is_whole(sample in samples(), at in any::<Index>()) {
        let len = BLOCK_BYTES + at.index(sample.bytes.len() - BLOCK_BYTES);
        let (entries, result) = read(&sample.bytes[..len], &sample);
        prop_assert_eq!(&entries[..], &sample.entries[..whole_in(&sample, len)]);
        let scanned = result.expect("a tail is cut, not refused");
        let between = len >= sample.tail()
            || sample.batches.iter().any(|b| (b.used_end..=b.padded_end).contains(&len))
            || len == BLOCK_BYTES;
        // In the first sector of a batch nothing tells that there was to be one.
        if between {
            prop_assert_eq!(scanned.end, End::Open);
        }
    }

    #[test]
    fn any_flipped_bit_is_found_and_named(sample in samples(), at in any::<Index>()) {
        flip(&sample, at.index(sample.bytes.len() * 8))?;
    }

    #[test]
    fn any_sectors_that_never_arrived_are_a_tail_or_a_loss(
        sample in samples(),
        missing in proptest::collection::vec(any::<Index>(), 1..4),
    ) {
        let mut bytes = sample.bytes.clone();
        let mut first = usize::MAX;
        for sector in missing {
            let sectors = (bytes.len() - BLOCK_BYTES) / SECTOR_BYTES;
            let sector = BLOCK_BYTES + sector.index(sectors) * SECTOR_BYTES;
            let gone = &mut bytes[sector..sector + SECTOR_BYTES];
            if gone.iter().any(|&byte| byte != 0) {
                first = first.min(sector);
            }
            gone.fill(0);
        }
        let (entries, result) = read(&bytes, &sample);
        let whole = whole_in(&sample, first);
        prop_assert!(entries.len() >= whole);
        prop_assert_eq!(&entries[..], &sample.entries[..entries.len()]);
        let next = entries.last().map_or(sample.header.first_sequence, |last| last.sequence + 1);
        match result {
            Err(damage) => {
                prop_assert_eq!((damage.what, damage.sequence), (What::Lost, next));
                prop_assert!(sample.batches.iter().any(|batch| batch.durable_through >= next));
            }
            // Nothing that any batch still whole says was on disk may be cut.
            Ok(_) => for batch in &sample.batches {
                let whole = bytes[batch.from..batch.from + SECTOR_BYTES].iter().any(|&b| b != 0);
                prop_assert!(!whole || batch.durable_through < next);
            },
        }
    }

    #[test]
    fn hostile_bytes_never_panic(
        sample in samples(),
        splices in proptest::collection::vec(
            (any::<Index>(), proptest::collection::vec(any::<u8>(), 1..90)), 1..9),
        reseal in any::<bool>(),
    ) {
        let mut bytes = sample.bytes.clone();
        for (at, splice) in splices {
            let at = at.index(bytes.len() - splice.len());
            bytes[at..at + splice.len()].copy_from_slice(&splice);
        }
        if reseal {
            for batch in &sample.batches {
                let sum = crc32c::crc32c(&bytes[batch.from + 4..batch.from + BATCH_HEADER_BYTES]);
                bytes[batch.from..batch.from + 4].copy_from_slice(&sum.to_le_bytes());
                for record in &batch.records {
                    let sum = crc32c::crc32c(&bytes[record.from + 4..record.to]);
                    bytes[record.from..record.from + 4].copy_from_slice(&sum.to_le_bytes());
                }
            }
        }
        let _ = SegmentHeader::decode(&bytes);
        let (entries, _) = read(&bytes, &sample);
        prop_assert!(entries.len() <= sample.bytes.len() / RECORD_HEADER_BYTES);
    }
}
