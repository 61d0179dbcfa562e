use super::*;
use types::{Input, Nanos};

const WHOSE: Identity = Identity { cluster: *b"a cluster's name", node: 1 };

fn entry(sequence: u64, epoch: u32) -> Entry<'static> {
    Entry { sequence, epoch, now: Nanos(7), payload: Payload::Input(Input::Close) }
}

fn read(journal: &MemoryJournal) -> Result<Vec<(u64, u32)>, Damaged> {
    let mut seen = Vec::new();
    journal.read(None, |entry| seen.push((entry.sequence, entry.epoch)))?;
    Ok(seen)
}

#[test]
fn what_was_superseded_is_not_read_even_if_its_epoch_was_higher() {
    let mut journal = MemoryJournal::new(WHOSE);
    for (sequence, epoch) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        journal.push(&entry(sequence, epoch), 0);
        journal.flush(sequence);
    }
    journal.push(&entry(3, 2), 4);
    journal.push(&entry(4, 5), 2);
    journal.flush(2);
    assert_eq!(read(&journal), Ok(vec![(1, 1), (2, 2), (3, 2), (4, 5)]));
    journal.reopen().unwrap();
    journal.push(&entry(5, 5), 4);
    journal.flush(4);
    assert_eq!(read(&journal).unwrap().last(), Some(&(5, 5)));
}

#[test]
fn a_torn_write_is_cut_and_gone_on_behind() {
    for which in 0..256 {
        let mut journal = MemoryJournal::new(WHOSE);
        journal.push(&entry(1, 1), 0);
        journal.flush(0);
        let durable = journal.mark();
        for sequence in 2..40 {
            journal.push(&entry(sequence, 1), 1);
        }
        journal.flush(1);
        let next = journal.mark();
        journal.cut(durable, Some(next), |_| which);
        let before = read(&journal).expect("no damage");
        assert!(!before.is_empty(), "what was on disk is there");
        journal.reopen().unwrap();
        journal.push(&entry(before.len() as u64 + 1, 2), 1);
        journal.flush(1);
        assert_eq!(read(&journal).unwrap().len(), before.len() + 1, "sectors {which:b}");
    }
}

#[test]
fn every_flipped_bit_of_a_journal_is_found() {
    let mut journal = MemoryJournal::new(WHOSE);
    journal.push(&entry(1, 1), 0);
    journal.push(&entry(2, 1), 0);
    journal.flush(0);
    let bits = 2 * BLOCK_BYTES as u64 * 8;
    for bit in (0..bits).step_by(7) {
        let mut flipped = journal.clone();
        let all = journal.mark();
        assert!(flipped.flip(all, |of| if of == bits { bit } else { panic!("{of} bits") }));
        assert!(read(&flipped).is_err(), "bit {bit}");
    }
}
